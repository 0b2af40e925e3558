//! What every line sees: the table, the names of hosts, and where problems go.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use crate::config::haproxy::dialect::{Dialect, Stranger};
use crate::config::haproxy::environment::Environment;
use crate::config::haproxy::lex::Word;
use crate::config::haproxy::section::{Line, Modifier, Section};
use crate::config::haproxy::table::{self, Place, Places, RULES, Row, Support};
use crate::config::options::Wrong;
use crate::config::{AccountKind, HostFacts, endpoint};
use crate::diag::{Diagnostic, Problems, Severity, Span, Spanned, nearest};
use crate::model::Endpoint;
use crate::model::identity::Version;
use crate::model::runtime::Account;

use super::ignored;
use super::unix_bind::UnixBind;
use super::value::{self, ANY, Host, Ports};

/// What every line sees.
pub struct Context<'a> {
    problems: &'a Problems,
    /// Name of this node.
    pub node: &'a str,
    /// Threads that the machine runs at once, if that is known.
    pub cores: Option<u64>,
    names: &'a BTreeMap<String, Vec<IpAddr>>,
    unknown_accounts: &'a BTreeSet<(AccountKind, String)>,
    environment: &'a Environment,
    /// The version that files are read as.
    pub dialect: Dialect,
    /// Names that were asked for and are not known.
    missing: RefCell<BTreeSet<String>>,
    accounts: RefCell<BTreeSet<(AccountKind, String)>>,
    /// What the `unix-bind` lines so far say.
    pub unix_bind: RefCell<UnixBind>,
    /// Whether some section has `reqallow`, which later verdicts of others ask for.
    lets_requests_pass: Cell<bool>,
    /// Rows whose reason was given: once is enough for what is ignored.
    noted: RefCell<BTreeSet<*const Row>>,
}

impl<'a> Context<'a> {
    /// `host` says what names are on the machine.
    pub fn new(
        problems: &'a Problems,
        host: &'a HostFacts,
        environment: &'a Environment,
        dialect: Dialect,
    ) -> Context<'a> {
        Context {
            problems,
            node: &host.node,
            cores: host.cores,
            names: &host.names,
            unknown_accounts: &host.unknown_accounts,
            environment,
            dialect,
            missing: RefCell::default(),
            accounts: RefCell::default(),
            unix_bind: RefCell::default(),
            lets_requests_pass: Cell::default(),
            noted: RefCell::default(),
        }
    }

    /// Users and groups that were named.
    pub fn accounts(&self) -> Vec<(AccountKind, String)> {
        self.accounts.borrow().iter().cloned().collect()
    }

    /// A user or a group by its name; reports it if the machine does not know it.
    pub fn account(&self, kind: AccountKind, word: &Word) -> Account {
        let asked = (kind, word.text.clone());
        if self.unknown_accounts.contains(&asked) {
            let what = if kind == AccountKind::User { "user" } else { "group" };
            self.error("E-ACCOUNT", word.span, format!("cannot find {what} id for '{}'", word.text));
        }
        self.accounts.borrow_mut().insert(asked);
        Account::Name(word.text.clone())
    }

    /// Host names that were asked for and are not known.
    pub fn missing(&self) -> Vec<String> {
        self.missing.borrow().iter().cloned().collect()
    }

    /// Takes in whether one of the sections lets requests pass by `reqallow`.
    pub fn look_for_allowance(&self, sections: &[Section]) {
        let is_allowance = |line: &Line| matches!(line.text(0), "reqallow" | "reqiallow");
        self.lets_requests_pass.set(sections.iter().any(|section| section.lines.iter().any(is_allowance)));
    }

    /// Whether some section has `reqallow`.
    pub fn lets_requests_pass(&self) -> bool {
        self.lets_requests_pass.get()
    }

    pub fn push(&self, problem: Diagnostic) {
        self.problems.push(problem);
    }

    /// The configuration cannot be used because of what stands there.
    pub fn error(&self, code: &'static str, span: Span, message: impl Into<String>) {
        self.push(Diagnostic::error(code, span, message));
    }

    /// Whether an error was reported.
    pub fn has_errors(&self) -> bool {
        self.problems.has_errors()
    }

    /// What stands there works, but hardly as it was meant.
    pub fn warning(&self, code: &'static str, span: Span, message: impl Into<String>, hint: impl Into<String>) {
        self.push(Diagnostic::warning(code, span, message).hint(hint));
    }

    /// Known, but not yet.
    pub fn refuse(&self, span: Span, what: &str, why: &str) {
        self.push(Diagnostic::error("E-NOT-SUPPORTED", span, format!("{what} is not supported")).hint(why));
    }

    /// Says once what a word does instead.
    pub fn notice(&self, row: &'static Row, span: Span) {
        let why = row.support.why().unwrap_or_default();
        if self.noted.borrow_mut().insert(std::ptr::from_ref(row)) {
            let (what, code) = match row.support {
                Support::Ignored(_) => ("is not needed", "N-IGNORED"),
                _ => ("differs", "N-PARTIAL"),
            };
            let message = format!("'{}' {what}: {why}", row.name);
            self.push(Diagnostic::new(Severity::Notice, code, message).label(span, ""));
        }
    }

    /// A value that a parser gave, or its complaint.
    pub fn value<T>(&self, word: &Word, parsed: Result<T, String>) -> Option<Spanned<T>> {
        match parsed {
            Ok(value) => Some(Spanned::new(value, word.span)),
            Err(message) => {
                self.error("E-VALUE", word.span, message);
                None
            }
        }
    }

    /// What is wrong with one of these words.
    pub fn wrong(&self, words: &[Word], wrong: &Wrong) {
        let end = words.last().map(|word| Span { start: word.span.end, ..word.span }).unwrap_or_default();
        let span = words.get(wrong.at).map_or(end, |word| word.span);
        match &wrong.refused {
            Some(why) => self.refuse(span, &wrong.what, why),
            None => {
                let code = if wrong.at < words.len() { "E-VALUE" } else { "E-MISSING" };
                self.push(Diagnostic::error(code, span, wrong.what.clone()).hint_if(wrong.hint.clone()));
            }
        }
    }

    /// The argument of this number; reports it if it is missing.
    pub fn argument<'l>(&self, line: &'l Line, number: usize, what: &str) -> Option<&'l Word> {
        let word = line.word(number);
        if word.is_none() {
            let name = line.words.iter().take(number).map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
            self.error("E-MISSING", line.end(), format!("'{name}' expects {what}"));
        }
        word
    }

    /// Reports words beyond what a keyword takes.
    pub fn no_more(&self, line: &Line, count: usize) {
        if let Some(word) = line.word(count) {
            let families = ["option", "timeout", "http-check"];
            let count = if families.contains(&line.text(0)) { 2 } else { 1 };
            let name = line.words.iter().take(count).map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
            self.error("E-VALUE", word.span, format!("'{name}' cannot handle unexpected argument '{}'", word.text));
        }
    }

    /// Warns of words beyond what HAProxy reads of a line.
    pub fn not_read(&self, line: &Line, count: usize) {
        if let Some(word) = line.word(count) {
            let message = format!("'{}' is not read", word.text);
            self.warning("W-VALUE", word.span, message, format!("'{}' ends before it", line.text(0)));
        }
    }

    /// The one number of a line, as HAProxy's oldest words read it: the digits that it begins with, or 0.
    pub fn lenient(&self, word: &Word, least: u64, most: u64) -> Spanned<u64> {
        let read = value::number(&word.text, least, most).unwrap_or_else(|complaint| {
            let read = value::leading_number(&word.text).clamp(least, most);
            self.warning("W-VALUE", word.span, complaint, format!("it is read as {read}"));
            read
        });
        Spanned::new(read, word.span)
    }

    /// The row of a line if it is honoured, and how many words name it. Everything else about it is reported here: that it
    /// is unknown, has no place here, is refused or ignored. `place` is the section, `of` what its words are looked up in.
    pub fn find(&self, place: Place, of: Place, line: &Line) -> Option<(&'static Row, usize)> {
        let words: Vec<&str> = line.words.iter().take(4).map(|word| word.text.as_str()).collect();
        let here = table::rows_of(of);
        if let Some((row, count)) = table::find(&words, of) {
            if self.is_strange(row, place, line.span_of(count)) {
                return None;
            }
            let is_honoured = self.honours(row, line, count);
            let is_complete = matches!(row.support, Support::Refused(_)) || self.has_its_arguments(row, line, count);
            return (is_honoured && is_complete).then_some((row, count));
        }
        let proxies: Places = [Place::Defaults, Place::Frontend, Place::Listen, Place::Backend].into_iter().collect();
        match table::find(&words, proxies).filter(|_| of.is_proxy()) {
            // What HAProxy has forgotten it refuses everywhere.
            Some((row, count)) if is_forgotten(row) => drop(self.honours(row, line, count)),
            Some((row, count)) => self.misplaced(place, row, line, line.span_of(count)),
            None => self.unknown(place, line, &words, here),
        }
        None
    }

    /// Whether the version that the file declares does not know a word, which is reported.
    pub fn is_strange(&self, row: &Row, place: Place, span: Span) -> bool {
        let Some(stranger) = self.dialect.stranger(row) else { return false };
        let spoken = self.dialect.version().branch();
        let (message, hint) = match stranger {
            Stranger::New(since) => (
                format!("unknown keyword '{}' in '{}' {}", row.name, place.name(), place.kind()),
                format!("it comes with HAProxy {since}, and the file declares {spoken}"),
            ),
            Stranger::Gone(removed) => (
                format!("'{}' is not supported any more since HAProxy {removed}", row.name),
                format!("the file declares {spoken}"),
            ),
        };
        self.push(Diagnostic::error("E-DIALECT", span, message).hint(hint));
        true
    }

    /// Whether a word that takes nothing has nothing behind it, and one that needs something has it.
    fn has_its_arguments(&self, row: &Row, line: &Line, count: usize) -> bool {
        match (row.usage, line.word(count)) {
            ("-", Some(_)) if row.name.starts_with("stats ") => {
                self.not_read(line, count);
                true
            }
            ("-", Some(word)) => {
                let message = format!("'{}' cannot handle unexpected argument '{}'", row.name, word.text);
                self.error("E-VALUE", word.span, message);
                false
            }
            (usage, None) if usage.starts_with(['<', '{']) && line.modifier == Modifier::None => {
                self.error("E-MISSING", line.end(), format!("'{}' expects {usage}", row.name));
                false
            }
            _ => true,
        }
    }

    fn honours(&self, row: &'static Row, line: &Line, count: usize) -> bool {
        let span = line.span_of(count);
        match row.support {
            Support::Full | Support::Partial(_) => {
                return self.rule(line).is_none_or(|(set, action)| self.honours_action(set, action, line));
            }
            // `no option x` asks for nothing.
            Support::Refused(_) if line.modifier != Modifier::None => {}
            Support::Ignored(_) => {
                ignored::judge(row, line.from(count), span, self);
                self.notice(row, span);
            }
            Support::Refused(why) => match self.rule(line) {
                Some((set, action)) => self.refused_rule(set, action, line, why),
                None => {
                    let name =
                        line.words.iter().take(count).map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
                    let why =
                        row.removed.map_or(why.to_owned(), |version| format!("{why} (gone since HAProxy {version})"));
                    self.refuse(span, &format!("'{name}'"), &why);
                }
            },
        }
        false
    }

    /// The set of rules that a line belongs to, and the number of the word that is its action.
    fn rule(&self, line: &Line) -> Option<(Place, usize)> {
        RULES.iter().find_map(|set| {
            let mut parts = set.name().split(' ');
            let count = set.name().split(' ').count();
            let is_it = (0..count).all(|number| parts.next() == Some(line.text(number)));
            is_it.then_some((*set, count))
        })
    }

    /// Whether the action of a rule is known and carried out.
    fn honours_action(&self, set: Place, action: usize, line: &Line) -> bool {
        let words: Vec<&str> = line.from(action).iter().take(2).map(|word| word.text.as_str()).collect();
        let found = table::find(&words, set);
        if found.is_some_and(|(row, _)| self.is_strange(row, set, line.span_of(action + 1))) {
            return false;
        }
        let is_carried_out = found.is_some_and(|(row, _)| matches!(row.support, Support::Full | Support::Partial(_)));
        if !is_carried_out {
            self.refused_rule(set, action, line, "");
        }
        is_carried_out
    }

    /// A rule: what is refused about it is its action, if that is known.
    fn refused_rule(&self, set: Place, action: usize, line: &Line, why: &str) {
        let Some(word) = self.argument(line, action, "an action") else { return };
        let words: Vec<&str> = line.from(action).iter().take(2).map(|word| word.text.as_str()).collect();
        let rows = table::rows_of(set);
        match table::find(&words, set) {
            Some((row, _)) => {
                let name = format!("'{} {}'", set.name(), row.name);
                self.refuse(line.span_of(action + 1), &name, row.support.why().unwrap_or(why));
            }
            None => {
                let hint = nearest(table::plain(&word.text), rows.map(|row| row.name));
                let message = format!("unknown action '{}' in '{}' rules", word.text, set.name());
                let hint = hint.map(|known| format!("did you mean '{known}'?"));
                self.push(Diagnostic::error("E-UNKNOWN-KEY", word.span, message).hint_if(hint));
            }
        }
    }

    /// Whether a rule that stands for nothing without a condition has one; reports it if it has none.
    pub fn has_its_condition(&self, row: &Row, line: &Line) -> bool {
        let at = match row.name {
            "force-persist" | "ignore-persist" => 1,
            "use-server" => 2,
            _ => return true,
        };
        let has_one = matches!(line.text(at), "if" | "unless");
        if !has_one {
            let message = format!("'{}' requires either 'if' or 'unless' followed by a condition", row.name);
            self.error("E-MISSING", line.word(at).map_or(line.end(), |word| word.span), message);
        }
        has_one
    }

    fn misplaced(&self, place: Place, row: &Row, line: &Line, span: Span) {
        let homes = row.places.iter().map(Place::name).collect::<Vec<_>>().join(", ");
        if !self.has_its_condition(row, line) {
            return;
        }
        match (place, row.name) {
            (Place::Frontend, "use-server") => {
                let message = format!("unable to find server '{}' referenced in a 'use-server' rule", line.text(1));
                let problem = Diagnostic::error("E-PLACE", span, message);
                return self.push(problem.hint("a frontend has no servers: write it in the backend"));
            }
            (Place::Frontend, "tcp-response content") => {
                let message = format!("'{}' is only allowed in 'backend' and 'listen' sections", row.name);
                let problem = Diagnostic::error("E-PLACE", span, message);
                return self.push(problem.hint("a 'defaults' section with a name may have it, too"));
            }
            _ => {}
        }
        match place {
            Place::Defaults => {
                let message = format!("'{}' not allowed in 'defaults' section", row.name);
                self.push(Diagnostic::error("E-PLACE", span, message).hint(format!("it belongs into {homes}")));
            }
            _ if row.name == "server" => {
                let message = format!("'server' not allowed because the {} has no backend capability", place.name());
                self.push(Diagnostic::error("E-PLACE", span, message).hint(format!("it belongs into {homes}")));
            }
            _ => {
                let side = if place == Place::Frontend { "backend" } else { "frontend" };
                let message = format!("'{}' ignored because the {} has no {side} capability", row.name, place.name());
                self.warning("W-PLACE", span, message, format!("it belongs into {homes}"));
            }
        }
    }

    fn unknown(&self, place: Place, line: &Line, words: &[&str], here: impl Iterator<Item = &'static Row> + Clone) {
        let first = words.first().copied().unwrap_or_default();
        let is_family = here.clone().any(|row| row.name.split(' ').next() == Some(first) && row.name != first);
        let (name, span) = match (is_family, line.word(1)) {
            (true, Some(second)) => (format!("{first} {}", second.text), second.span),
            _ => (first.to_owned(), line.span_of(1)),
        };
        let message = match (is_family, line.word(1)) {
            (true, None) => format!("'{first}' expects another word"),
            _ => format!("unknown keyword '{name}' in '{}' section", place.name()),
        };
        let hint = table::suggestion(words, here).map(|known| format!("did you mean '{known}' maybe ?"));
        self.push(Diagnostic::error("E-UNKNOWN-KEY", span, message).hint_if(hint));
    }

    /// A section that is refused or ignored as a whole: only its spelling is looked at.
    pub fn spell_check(&self, section: &Section) {
        for line in &section.lines {
            let words: Vec<&str> = line.words.iter().take(4).map(|word| word.text.as_str()).collect();
            let here = table::rows_of(section.place);
            if table::find(&words, section.place).is_none() {
                self.unknown(section.place, line, &words, here);
            }
        }
    }

    /// The text with its variables expanded, as HAProxy does it in addresses even without quotes.
    pub fn expanded(&self, text: &str) -> String {
        self.environment.expand(text)
    }

    /// The host and the ports of an address. Unlike any other word, it has its variables expanded without quotes, too.
    pub fn address(&self, word: &Word, text: &str) -> Option<(Host, Ports)> {
        let expanded = self.environment.expand(text);
        self.value(word, value::address(&expanded)).map(|parsed| parsed.value)
    }

    /// A listening place that is no TCP address; `None` if the word has the form of one. The inner `None` was reported.
    pub fn special(&self, word: &Word, text: &str) -> Option<Option<Endpoint>> {
        let parsed = endpoint::special(&self.environment.expand(text))?;
        let parsed = parsed.and_then(|endpoint| self.unix_bind.borrow().placed(endpoint));
        Some(self.value(word, parsed).map(|parsed| parsed.value))
    }

    /// The Unix socket of a server; `None` if the word has the form of an address. The inner `None` was reported.
    pub fn server_socket(&self, word: &Word) -> Option<Option<Endpoint>> {
        let parsed = endpoint::server(&self.environment.expand(&word.text))?;
        Some(self.value(word, parsed).map(|parsed| parsed.value))
    }

    /// The address of a host and a port; none, reported, if there is none.
    pub fn resolve(&self, host: &Host, port: u16, word: &Word) -> Option<SocketAddr> {
        let (name, family) = match host {
            Host::Any => return Some(SocketAddr::new(ANY, port)),
            Host::Address(address) => return Some(SocketAddr::new(*address, port)),
            Host::Name(name, family) => (name, *family),
        };
        let Some(known) = self.names.get(name) else {
            self.missing.borrow_mut().insert(name.clone());
            self.error("E-RESOLVE", word.span, format!("could not resolve address '{name}'"));
            return None;
        };
        let address = known.iter().find(|address| family.has(**address));
        if address.is_none() {
            self.error("E-RESOLVE", word.span, format!("'{name}' has no address of that family"));
        }
        address.map(|address| SocketAddr::new(*address, port))
    }
}

/// Whether a word is refused here that HAProxy 2.6 does not know any more.
fn is_forgotten(row: &Row) -> bool {
    let is_gone = row.removed.is_some_and(|version| Version::read(version) < Version::read("2.6"));
    is_gone && matches!(row.support, Support::Refused(_))
}
