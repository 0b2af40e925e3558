//! The rules of a proxy section: lines as they are written become rule sets and choices of a backend.
//!
//! Used twice: when the configuration is checked (complaints get their places) and for what runs. Bad lines are left out
//! and told; the others are compiled all the same, so that one run tells everything.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::model::proxy::Mode;
use crate::model::rules::{ErrorPages, Line};

use super::action::{Action, Redirect, Rule, RuleSet};
use super::argument;
use super::asks::Asks;
use super::bandwidth::Filter;
use super::choice::{self, Choice};
use super::condition::Condition;
use super::error::{By, RuleError, Warning};
use super::expression::Expression;
use super::format::{Format, FormatUse};
use super::forwarding::Forwarding;
use super::logging::Logging;
use super::options::HttpOptions;
use super::pages::Pages;
use super::pattern::Registry;
use super::persistence::{self, StickRule};
use super::reference::Reference;
use super::scope::{Files, Scope, Slots};
use super::stage::{Side, Stage};
use super::statistics::StatsPage;
use super::userlist::Userlist;
use crate::stick::Tables;
use crate::stick::tracked::DEFAULT_COUNTERS;

/// Rules of a frontend, a backend or both.
#[derive(Debug)]
pub struct Section {
    /// `tcp-request connection`
    pub connection: RuleSet,
    /// `tcp-request session`
    pub session: RuleSet,
    /// `tcp-request content`
    pub content: RuleSet,
    /// How long `tcp-request content` waits for bytes; `None` does not wait.
    pub inspect_delay: Option<Duration>,
    /// `http-request`
    pub request: RuleSet,
    /// `redirect`, which comes after the former whatever they allowed.
    pub redirects: RuleSet,
    /// `use_backend`, in order.
    pub choices: Vec<Choice>,
    /// `use-server`, in order.
    pub servers: Vec<Choice>,
    /// `stick` on requests, in order.
    pub sticks: Vec<StickRule>,
    /// `stick store-response`, in order.
    pub response_sticks: Vec<StickRule>,
    /// `tcp-response content`
    pub response_content: RuleSet,
    /// How long those wait for bytes; `None` does not wait.
    pub response_delay: Option<Duration>,
    /// `http-response`
    pub response: RuleSet,
    /// `http-after-response`
    pub after_response: RuleSet,
    /// What the proxy's own answers are.
    pub pages: Pages,
    /// What is said about messages beside the rules.
    pub options: HttpOptions,
    /// The statistics page.
    pub statistics: Option<Box<StatsPage>>,
    /// What is logged.
    pub logging: Logging,
    /// `force-persist` and `ignore-persist`, in order.
    pub treatments: Vec<Persist>,
    /// When unpublished backends are used all the same (`force-be-switch`).
    pub admissions: Vec<Condition>,
    /// What `balance hash` hashes, or behind its fetch the converters of `balance log-hash`.
    pub hash: Option<Expression>,
    /// Values of PROXY headers to servers.
    pub header_values: Vec<HeaderValue>,
    /// Whose address connections to a server bear, by its name (`usesrc hdr_ip`).
    pub poses: Vec<(Box<str>, Expression)>,
    /// Slots for captures.
    pub slots: Slots,
    /// What it asks for that somebody has to look up.
    pub asks: Asks,
}

/// A value of the PROXY headers to a server, as its option `set-proxy-v2-tlv-fmt` makes it.
#[derive(Debug)]
pub struct HeaderValue {
    /// Name of the server.
    pub server: Box<str>,
    /// Type of the value.
    pub kind: u8,
    /// The value.
    pub format: Format,
}

/// A `force-persist` or `ignore-persist` line.
#[derive(Debug)]
pub struct Persist {
    /// Whether a server that is down is used all the same; otherwise no persistence counts.
    pub is_forced: bool,
    /// When.
    pub condition: Condition,
}

/// The names in reach of a section.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    /// Userlists of the whole configuration.
    pub userlists: &'a HashMap<String, Arc<Userlist>>,
    /// `http-errors` sections of the whole configuration.
    pub error_pages: &'a [ErrorPages],
    /// Stick tables of the whole configuration.
    pub tables: &'a Tables,
    /// Counters of a session; `None` is HAProxy's default.
    pub counters: Option<usize>,
    /// Name of the section.
    pub home: &'a str,
    /// Whose the lines are, one by one; where it is not said, nobody knows.
    pub sides: &'a [Side],
}

/// What is wrong with a line, or what it refers to.
#[derive(Debug)]
pub struct About<T> {
    /// Number of the line among those given, 0-.
    pub line: usize,
    /// The word counts from the line's first.
    pub what: T,
}

/// What became of the lines.
#[derive(Debug)]
pub struct Compiled {
    /// The good ones.
    pub section: Section,
    /// Why the others are not.
    pub errors: Vec<About<RuleError>>,
    /// What works, but hardly as meant.
    pub warnings: Vec<About<Warning>>,
    /// Names that others have to define.
    pub references: Vec<About<Reference>>,
}

impl Compiled {
    /// Warns of rules of a frontend that look at bytes that nobody waits for.
    fn warn_of_haste(&mut self, lines: &[Line], names: &Names<'_>) {
        if self.section.inspect_delay.is_some() {
            return;
        }
        for rule in &self.section.content.rules {
            let (what, looks_at) = match &rule.action {
                Action::Capture { value, .. } => ("capture", value),
                Action::Track { key, .. } => ("content track-sc*", key),
                _ => continue,
            };
            let is_it = |line: &Line| line.line == rule.line && line.file == rule.file;
            let Some(number) = lines.iter().position(is_it) else { continue };
            let is_frontends = matches!(names.sides.get(number), Some(Side::Frontend | Side::Both));
            if is_frontends && !looks_at.fetch().needs.are_met_at(Stage::TcpSession, Side::Frontend) {
                let what = format!(
                    "a 'tcp-request {what}' rule explicitly depending on request contents without any 'tcp-request \
                     inspect-delay' setting: it finds them by chance"
                );
                self.warnings.push(About { line: number, what: Warning { at: 0, what, by: By::Both } });
            }
        }
    }
}

impl Section {
    /// Compiles lines of a section of that mode.
    pub fn compile(
        lines: &[Line],
        mode: Mode,
        files: &dyn Files,
        registry: &mut Registry,
        names: &Names<'_>,
    ) -> Compiled {
        let mut scope = Scope::new(Stage::HttpRequest, files, registry, names.userlists);
        (scope.tables, scope.home) = (names.tables, names.home);
        scope.counters = names.counters.unwrap_or(DEFAULT_COUNTERS);
        scope.proxy = Some(mode);
        scope.error_pages = names.error_pages;
        let section = Section {
            connection: RuleSet::new(Stage::TcpConnection),
            session: RuleSet::new(Stage::TcpSession),
            content: RuleSet::new(Stage::TcpRequest),
            inspect_delay: None,
            request: RuleSet::new(Stage::HttpRequest),
            redirects: RuleSet::new(Stage::HttpRequest),
            choices: Vec::new(),
            servers: Vec::new(),
            sticks: Vec::new(),
            response_sticks: Vec::new(),
            response_content: RuleSet::new(Stage::TcpResponse),
            response_delay: None,
            response: RuleSet::new(Stage::HttpResponse),
            after_response: RuleSet::new(Stage::HttpAfterResponse),
            pages: Pages::default(),
            options: HttpOptions::default(),
            statistics: None,
            logging: Logging::default(),
            treatments: Vec::new(),
            admissions: Vec::new(),
            hash: None,
            header_values: Vec::new(),
            poses: Vec::new(),
            slots: Slots::default(),
            asks: Asks::default(),
        };
        let mut compiled = Compiled { section, errors: Vec::new(), warnings: Vec::new(), references: Vec::new() };
        // Rules may set limits that are declared below them.
        let (filters, others): (Vec<_>, Vec<_>) = lines.iter().enumerate().partition(|(_, line)| {
            let word = |at: usize| line.words.get(at).map_or("", String::as_str);
            Filter::has_line(word(0), word(1))
        });
        for (number, line) in filters.into_iter().chain(others) {
            let words: Vec<&str> = line.words.iter().map(String::as_str).collect();
            scope.registry.at(&line.file, line.line);
            scope.side = names.sides.get(number).copied().unwrap_or_default();
            if let Err(error) = compiled.section.add(&words, line.line, mode, &mut scope) {
                compiled.errors.push(About { line: number, what: error });
            }
            let about = |what| About { line: number, what };
            compiled.references.extend(std::mem::take(&mut scope.references).into_iter().map(about));
            let about = |what| About { line: number, what };
            compiled.warnings.extend(std::mem::take(&mut scope.warnings).into_iter().map(about));
        }
        compiled.warn_of_haste(lines, names);
        compiled.section.asks = scope.asks;
        compiled.section.slots = std::mem::take(&mut scope.slots);
        let Section { request, response, after_response, .. } = &mut compiled.section;
        [request, response, after_response].into_iter().for_each(RuleSet::join);
        compiled
    }

    /// Whether it says nothing at all.
    pub fn is_empty(&self) -> bool {
        !self.looks_at_messages() && self.pages.is_empty() && self.options.is_empty() && self.logging.is_empty()
    }

    /// Whether anything of it looks at messages: what does not costs nothing until an answer is needed.
    pub fn looks_at_messages(&self) -> bool {
        let sets = [
            &self.connection,
            &self.session,
            &self.content,
            &self.request,
            &self.redirects,
            &self.response_content,
            &self.response,
            &self.after_response,
        ];
        let has_choices = !self.choices.is_empty() || !self.servers.is_empty() || !self.admissions.is_empty();
        let has_sticks = !self.sticks.is_empty() || !self.response_sticks.is_empty();
        has_choices
            || has_sticks
            || sets.iter().any(|set| !set.rules.is_empty())
            || self.statistics.is_some()
            || self.options.look_at_requests()
            || self.pages.look_at_requests()
            || self.logging.looks_at_messages()
            || self.hash.is_some()
            || !self.header_values.is_empty()
            || !self.poses.is_empty()
            || self.settles_servers()
    }

    /// Whether lines of it settle which server a request goes to, apart from balancing.
    pub fn settles_servers(&self) -> bool {
        !self.treatments.is_empty()
    }

    fn add(&mut self, words: &[&str], line: u32, mode: Mode, scope: &mut Scope<'_>) -> Result<(), RuleError> {
        let (is_undone, rest) = words.strip_prefix(&["no"]).map_or((false, words), |rest| (true, rest));
        let (first, second) = (rest.first().copied().unwrap_or_default(), rest.get(1).copied().unwrap_or_default());
        // What uses neither messages nor sets of rules has the stage of the requests.
        scope.stage = if mode == Mode::Http { Stage::HttpRequest } else { Stage::TcpRequest };
        if rest.len() > 1 && Logging::has_line(first, second) {
            return self.logging.add(rest, is_undone, mode, scope).map_err(|error| error.later(usize::from(is_undone)));
        }
        if is_undone {
            return self.options.add(rest, true, scope).map_err(|error| error.later(1));
        }
        if mode != Mode::Http && first == "option" && Forwarding::has_option(second) {
            scope.warn_too(1, format!("'option {second}' ignored as it requires HTTP mode"));
            return Ok(());
        }
        if HttpOptions::has_line(first, second) {
            return self.options.add(words, false, scope);
        }
        match (first, second) {
            _ if Pages::has_line(first) => {
                scope.stage = Stage::HttpRequest;
                self.pages.add(words, scope)?;
            }
            ("stats", _) if mode != Mode::Http => {
                scope.warn_too(0, "'stats' needs 'mode http': there is no page".to_owned())
            }
            ("stats", _) => StatsPage::add(&mut self.statistics, words, line, scope)?,
            // A test may be used by any set; what a set does not have makes it fail there.
            ("acl", _) => scope.declare_acl(&words[1..]).map_err(|error| error.later(1))?,
            ("use_backend", _) => self.choices.push(choice::use_backend(words, scope)?),
            ("use-server", _) => self.servers.push(choice::use_server(words, scope)?),
            ("force-be-switch", _) => self.admissions.push(required_condition(words, scope)?),
            ("force-persist" | "ignore-persist", _) => {
                let condition = required_condition(words, scope)?;
                self.treatments.push(Persist { is_forced: first == "force-persist", condition });
            }
            ("stick", kind) => {
                scope.stage = persistence::stage_of(words, mode == Mode::Http);
                let sticks = if kind == "store-response" { &mut self.response_sticks } else { &mut self.sticks };
                sticks.push(persistence::stick(words, scope)?);
            }
            ("filter", "bwlim-in" | "bwlim-out") => {
                let filter = Filter::compile(words, scope)?;
                scope.filters.push(Arc::new(filter));
            }
            ("tcp-request", "inspect-delay") => self.inspect_delay = delay(words)?,
            ("tcp-response", "inspect-delay") => self.response_delay = delay(words)?,
            ("balance", "hash") => {
                let word = words.get(2).copied().unwrap_or_default();
                self.hash = Some(Expression::compile(word, scope).map_err(|error| error.later(2))?);
            }
            ("server", name) if words.get(2) == Some(&"usesrc") => {
                let word = words.get(3).copied().unwrap_or_default();
                let expression = Expression::compile(word, scope).map_err(|error| error.later(3))?;
                self.poses.push((name.into(), expression));
            }
            ("balance", "log-hash") => {
                let list = words.get(2).copied().unwrap_or_default();
                self.hash = Some(Expression::of_converters(list, scope).map_err(|error| error.later(2))?);
            }
            ("server", name) => {
                let kind = words.get(2).and_then(|kind| kind.parse().ok()).unwrap_or_default();
                let format = Format::compile(words.get(3).copied().unwrap_or_default(), FormatUse::Plain, scope);
                let format = format.map_err(|error| error.later(3))?;
                self.header_values.push(HeaderValue { server: name.into(), kind, format });
            }
            _ => self.add_rule(words, line, mode, scope)?,
        }
        Ok(())
    }

    /// Adds a rule to the set that the first words name.
    fn add_rule(&mut self, words: &[&str], line: u32, mode: Mode, scope: &mut Scope<'_>) -> Result<(), RuleError> {
        let (first, second) = (words.first().copied().unwrap_or_default(), words.get(1).copied().unwrap_or_default());
        let (set, taken) = match (first, second) {
            ("redirect", _) => (&mut self.redirects, 1),
            ("http-request", _) => (&mut self.request, 1),
            ("http-response", _) => (&mut self.response, 1),
            ("http-after-response", _) => (&mut self.after_response, 1),
            ("tcp-request", "connection") => (&mut self.connection, 2),
            ("tcp-request", "session") => (&mut self.session, 2),
            ("tcp-request", "content") => (&mut self.content, 2),
            ("tcp-response", "content") => (&mut self.response_content, 2),
            _ => return Err(RuleError::new(0, format!("'{first}' is no rule that is supported"))),
        };
        if mode != Mode::Http && set.stage.is_http() {
            return Err(RuleError::new(0, format!("'{first}' needs 'mode http'")));
        }
        scope.stage = set.stage;
        let rule = match first {
            "redirect" => redirect(&words[1..], line, scope),
            _ => super::compile(&words[taken..], line, scope),
        };
        set.rules.push(rule.map_err(|error| error.later(taken))?);
        Ok(())
    }
}

/// The condition of a line that is nothing without one.
fn required_condition(words: &[&str], scope: &mut Scope<'_>) -> Result<Condition, RuleError> {
    let missing =
        || RuleError::new(1, format!("'{}' requires either 'if' or 'unless' followed by a condition", words[0]));
    Condition::optional(words, 1, scope)?.ok_or_else(missing)
}

/// The time of an `inspect-delay` line; zero does not wait.
fn delay(words: &[&str]) -> Result<Option<Duration>, RuleError> {
    let Some(text) = words.get(2) else { return Err(RuleError::new(1, "'inspect-delay' needs a time")) };
    if words.len() > 3 {
        return Err(RuleError::new(3, format!("unexpected '{}' after the time", words[3])));
    }
    let wrong = || RuleError::new(2, format!("'{text}' is no time")).hint("a number and a unit, such as 5s");
    argument::duration(text).map(|time| Some(time).filter(|time| !time.is_zero())).ok_or_else(wrong)
}

/// A bare `redirect` line, whose texts are no formats.
fn redirect(words: &[&str], line: u32, scope: &mut Scope<'_>) -> Result<Rule, RuleError> {
    let (redirect, taken) = Redirect::compile(words, false, scope)?;
    let condition = Condition::optional(words, taken, scope)?;
    Ok(Rule { action: Action::Redirect(redirect), condition, file: scope.registry.file(), line })
}
