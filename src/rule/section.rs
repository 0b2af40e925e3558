//! The rules of a proxy section: lines as they are written become rule sets and choices of a backend.
//!
//! Used twice: when the configuration is checked (complaints get their places) and for what runs. Bad lines are left out
//! and told; the others are compiled all the same, so that one run tells everything.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::proxy::Mode;
use crate::model::rules::{ErrorPages, Line};

use super::action::{Action, Redirect, Rule, RuleSet};
use super::condition::Condition;
use super::error::{RuleError, Warning};
use super::format::{Format, FormatUse};
use super::options::HttpOptions;
use super::pages::Pages;
use super::pattern::Registry;
use super::reference::Reference;
use super::scope::{Files, Scope};
use super::stage::Stage;
use super::statistics::StatsPage;
use super::userlist::Userlist;

/// Rules of a frontend, a backend or both.
#[derive(Debug)]
pub struct Section {
    /// `tcp-request connection`
    pub connection: RuleSet,
    /// `tcp-request session`
    pub session: RuleSet,
    /// `tcp-request content`
    pub content: RuleSet,
    /// `http-request`
    pub request: RuleSet,
    /// `redirect`, which comes after the former whatever they allowed.
    pub redirects: RuleSet,
    /// `use_backend`, in order.
    pub choices: Vec<Choice>,
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
    /// How many slots for captures there are: of requests, of responses.
    pub slots: (usize, usize),
}

/// A `use_backend` line.
#[derive(Debug)]
pub struct Choice {
    /// Which.
    pub target: Target,
    /// When; `None` always.
    pub condition: Option<Condition>,
}

/// What names a backend.
#[derive(Debug)]
pub enum Target {
    /// Its name.
    Named(Box<str>),
    /// A format that makes its name, or that of none.
    Computed(Format),
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

impl Section {
    /// Compiles lines of a section of that mode. `error_pages` are the `http-errors` sections.
    pub fn compile(
        lines: &[Line],
        mode: Mode,
        files: &dyn Files,
        registry: &mut Registry,
        userlists: &HashMap<String, Arc<Userlist>>,
        error_pages: &[ErrorPages],
    ) -> Compiled {
        let mut scope = Scope::new(Stage::HttpRequest, files, registry, userlists);
        scope.proxy = Some(mode);
        scope.error_pages = error_pages;
        let section = Section {
            connection: RuleSet::new(Stage::TcpConnection),
            session: RuleSet::new(Stage::TcpSession),
            content: RuleSet::new(Stage::TcpRequest),
            request: RuleSet::new(Stage::HttpRequest),
            redirects: RuleSet::new(Stage::HttpRequest),
            choices: Vec::new(),
            response: RuleSet::new(Stage::HttpResponse),
            after_response: RuleSet::new(Stage::HttpAfterResponse),
            pages: Pages::default(),
            options: HttpOptions::default(),
            statistics: None,
            slots: (0, 0),
        };
        let mut compiled = Compiled { section, errors: Vec::new(), warnings: Vec::new(), references: Vec::new() };
        for (number, line) in lines.iter().enumerate() {
            let words: Vec<&str> = line.words.iter().map(String::as_str).collect();
            scope.registry.at(&line.file, line.line);
            if let Err(error) = compiled.section.add(&words, line.line, mode, &mut scope) {
                compiled.errors.push(About { line: number, what: error });
            }
            let about = |what| About { line: number, what };
            compiled.references.extend(std::mem::take(&mut scope.references).into_iter().map(about));
            let about = |what| About { line: number, what };
            compiled.warnings.extend(std::mem::take(&mut scope.warnings).into_iter().map(about));
        }
        compiled.section.slots = (scope.slots.request.len(), scope.slots.response.len());
        compiled
    }

    /// Whether it says nothing at all.
    pub fn is_empty(&self) -> bool {
        !self.looks_at_messages() && self.pages.is_empty() && self.options.tarpit.is_none()
    }

    /// Whether anything of it looks at messages: what does not costs nothing until an answer is needed.
    pub fn looks_at_messages(&self) -> bool {
        let sets = [
            &self.connection,
            &self.session,
            &self.content,
            &self.request,
            &self.redirects,
            &self.response,
            &self.after_response,
        ];
        !self.choices.is_empty()
            || sets.iter().any(|set| !set.rules.is_empty())
            || self.statistics.is_some()
            || self.options.look_at_requests()
            || self.pages.look_at_requests()
    }

    fn add(&mut self, words: &[&str], line: u32, mode: Mode, scope: &mut Scope<'_>) -> Result<(), RuleError> {
        if let ["no", words @ ..] = words {
            return self.options.add(words, true, scope).map_err(|error| error.later(1));
        }
        let (first, second) = (words.first().copied().unwrap_or_default(), words.get(1).copied().unwrap_or_default());
        if Pages::has_line(first) {
            scope.stage = Stage::HttpRequest;
            return self.pages.add(words, scope);
        }
        if first == "stats" {
            if mode == Mode::Tcp {
                let what = "'stats' needs 'mode http': there is no page".to_owned();
                scope.warnings.push(Warning { at: 0, what });
                return Ok(());
            }
            scope.stage = Stage::HttpRequest;
            return StatsPage::add(&mut self.statistics, words, line, scope);
        }
        if HttpOptions::has_line(first, second) {
            scope.stage = if mode == Mode::Http { Stage::HttpRequest } else { Stage::TcpRequest };
            return self.options.add(words, false, scope);
        }
        let (set, taken) = match (first, second) {
            ("acl", _) => {
                // A test may be used by any set; what a set does not have makes it fail there.
                scope.stage = if mode == Mode::Http { Stage::HttpRequest } else { Stage::TcpRequest };
                return scope.declare_acl(&words[1..]).map_err(|error| error.later(1));
            }
            ("use_backend", _) => return self.choice(words, mode, scope),
            ("redirect", _) => (&mut self.redirects, 1),
            ("http-request", _) => (&mut self.request, 1),
            ("http-response", _) => (&mut self.response, 1),
            ("http-after-response", _) => (&mut self.after_response, 1),
            ("tcp-request", "connection") => (&mut self.connection, 2),
            ("tcp-request", "session") => (&mut self.session, 2),
            ("tcp-request", "content") => (&mut self.content, 2),
            _ => return Err(RuleError::new(0, format!("'{first}' is no rule that is supported"))),
        };
        if mode == Mode::Tcp && set.stage.is_http() {
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

    fn choice(&mut self, words: &[&str], mode: Mode, scope: &mut Scope<'_>) -> Result<(), RuleError> {
        scope.stage = if mode == Mode::Http { Stage::HttpRequest } else { Stage::TcpRequest };
        let Some(name) = words.get(1) else { return Err(RuleError::new(0, "'use_backend' needs a backend")) };
        let target = if name.contains('%') {
            Target::Computed(Format::compile(name, FormatUse::Http, scope).map_err(|error| error.later(1))?)
        } else {
            Target::Named((*name).into())
        };
        let condition = match words.get(2) {
            None => None,
            Some(_) => Some(Condition::compile(&words[2..], scope).map_err(|error| error.later(2))?),
        };
        self.choices.push(Choice { target, condition });
        Ok(())
    }
}

/// A bare `redirect` line, whose texts are no formats.
fn redirect(words: &[&str], line: u32, scope: &mut Scope<'_>) -> Result<Rule, RuleError> {
    let (redirect, taken) = Redirect::compile(words, false, scope)?;
    let condition = match words.get(taken) {
        None => None,
        Some(_) => Some(Condition::compile(&words[taken..], scope).map_err(|error| error.later(taken))?),
    };
    Ok(Rule { action: Action::Redirect(redirect), condition, line })
}
