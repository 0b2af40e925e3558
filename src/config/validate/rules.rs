//! Rules: every line is compiled, so that what is wrong with it is told with its place; names are looked up.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::config::HostFacts;
use crate::config::draft::{self, Rule};
use crate::diag::{Diagnostic, Severity, Span};
use crate::model::proxy::Mode;
use crate::model::rules::{ErrorPages, Line, Material, Userlist};
use crate::model::stick;
use crate::rule::globals::Globals;
use crate::rule::reference::{Reference, ReferenceKind};
use crate::rule::stage::Side;
use crate::rule::{By, Files, Names, Registry, RuleError, Section};
use crate::stick::Tables;

use super::{Context, backends, error_pages, frontends, naming, or, tables};

/// The code of what HAProxy warns of, too.
pub const RULE_OF_BOTH: &str = "W-RULE-IDLE";

/// What rules share, while they are looked at.
pub struct Shared<'a> {
    files: Known<'a>,
    registry: RefCell<Registry>,
    userlists: HashMap<String, Arc<Userlist>>,
    error_pages: Vec<ErrorPages>,
    models: Vec<stick::Table>,
    tables: Tables,
    counters: Option<usize>,
}

/// The section that rules stand in.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Its name.
    pub home: &'a str,
    /// Its mode.
    pub mode: Mode,
}

/// Files that somebody read, and which of them are named.
struct Known<'a> {
    host: &'a HostFacts,
    asked: RefCell<BTreeSet<String>>,
}

impl Files for Known<'_> {
    fn read(&self, name: &str) -> Result<Vec<u8>, String> {
        self.asked.borrow_mut().insert(name.to_owned());
        match self.host.files.get(name) {
            Some(Ok(bytes)) => Ok(bytes.to_vec()),
            Some(Err(why)) => Err(why.clone()),
            None => Err("nobody looked for it".to_owned()),
        }
    }
}

impl<'a> Shared<'a> {
    /// Nothing named yet.
    pub fn new(host: &'a HostFacts, draft: &draft::Draft) -> Shared<'a> {
        let files = Known { host, asked: RefCell::default() };
        let userlists = draft.userlists.iter().map(|list| (list.name.clone(), Arc::new(list.clone()))).collect();
        let error_pages = draft.error_pages.iter().map(error_pages::resolved).collect();
        let models = tables::resolve(draft);
        // These hold nothing: what runs has its own.
        let tables = Tables::resolve(&models, None);
        let counters = draft.stick_counters.map(|counters| super::size(counters.value));
        Shared { files, registry: RefCell::default(), userlists, error_pages, models, tables, counters }
    }

    /// The names in reach of a section.
    fn names<'s>(&'s self, home: &'s str) -> Names<'s> {
        let (userlists, error_pages) = (&self.userlists, &self.error_pages);
        Names { userlists, error_pages, tables: &self.tables, counters: self.counters, home, sides: &[] }
    }

    /// What is in a file; it counts as named.
    pub fn file(&self, name: &str) -> Result<Vec<u8>, String> {
        self.files.read(name)
    }

    /// Compiles something with what rules share.
    pub fn with<R>(&self, compile: impl FnOnce(&dyn Files, &mut Registry, &HashMap<String, Arc<Userlist>>) -> R) -> R {
        compile(&self.files, &mut self.registry.borrow_mut(), &self.userlists)
    }

    /// Files that rules name and nobody read.
    pub fn unread(&self) -> Vec<String> {
        let asked = self.files.asked.borrow();
        asked.iter().filter(|name| !self.files.host.files.contains_key(*name)).cloned().collect()
    }

    /// The files that rules name.
    pub fn material(&self, globals: Vec<Line>) -> Material {
        let asked = self.files.asked.borrow();
        let known = |name: &String| Some((name.clone(), Arc::clone(self.files.host.files.get(name)?.as_ref().ok()?)));
        let files: BTreeMap<_, _> = asked.iter().filter_map(known).collect();
        let userlists = self.userlists.values().map(|list| (**list).clone());
        let mut userlists: Vec<_> = userlists.collect();
        userlists.sort_by(|a, b| a.name.cmp(&b.name));
        let (error_pages, tables) = (self.error_pages.clone(), self.models.clone());
        Material { files, userlists, error_pages, tables, globals, stick_counters: self.counters }
    }
}

/// Compiles the lines of the process and tells what is wrong with them.
pub fn globals(context: &Context<'_>, shared: &Shared<'_>) -> Vec<Line> {
    let rules = &context.draft.globals;
    let lines: Vec<Line> = rules.iter().map(|rule| line(context, rule)).collect();
    let (_, errors) = shared.with(|files, registry, userlists| Globals::compile(&lines, files, registry, userlists));
    for (number, RuleError { at, offset, what, hint }) in errors {
        let place = rules[number].place(at, offset);
        context.problems.push(Diagnostic::error("E-RULE", place, what).hint_if(hint));
    }
    lines
}

/// Compiles the rules of a section of that mode and tells what is wrong with them; what is right is in the model.
pub fn resolve(context: &Context<'_>, shared: &Shared<'_>, rules: &[Rule], place: Place<'_>) -> Vec<Line> {
    let Place { home, mode } = place;
    let lines: Vec<Line> = rules.iter().map(|rule| line(context, rule)).collect();
    if lines.is_empty() {
        return lines;
    }
    let mut registry = shared.registry.borrow_mut();
    let sides = sides(context, rules, home);
    let names = Names { sides: &sides, ..shared.names(home) };
    let compiled = Section::compile(&lines, mode, &shared.files, &mut registry, &names);
    for found in &compiled.errors {
        let RuleError { at, offset, what, hint } = &found.what;
        let place = rules[found.line].place(*at, *offset);
        context.problems.push(Diagnostic::error("E-RULE", place, what.clone()).hint_if(hint.clone()));
    }
    for found in &compiled.warnings {
        let place = rules[found.line].place(found.what.at, 0);
        let code = if found.what.by == By::Both { RULE_OF_BOTH } else { "W-RULE" };
        context.problems.push(Diagnostic::new(Severity::Warning, code, found.what.what.clone()).label(place, ""));
    }
    for found in &compiled.references {
        reference(context, &found.what, home, rules[found.line].span);
    }
    if context.directory.backend_number(home).is_none() {
        let chooses =
            |rule: &&Rule| rule.words.first().is_some_and(|word| matches!(&*word.value, "stick" | "use-server"));
        for rule in rules.iter().filter(chooses) {
            let message = format!("'{}' chooses a server, and a frontend has none", rule.words[0].value);
            context.error("E-PLACE", rule.span, message, "write it in the backend");
        }
    }
    for rule in rules.iter().filter(|rule| rule.words.first().is_some_and(|word| word.value == "use_backend")) {
        target(context, rule, mode);
    }
    lines
}

fn line(context: &Context<'_>, rule: &Rule) -> Line {
    let source = context.sources.get(rule.span.source);
    let number = source.map_or(0, |source| source.position(rule.span.start).line);
    Line {
        words: rule.words.iter().map(|word| word.value.clone()).collect(),
        file: source.map_or("", |source| source.name.as_str()).into(),
        line: u32::try_from(number).unwrap_or(u32::MAX),
    }
}

/// The backend of a `use_backend` line exists and has the same mode.
fn target(context: &Context<'_>, rule: &Rule, mode: Mode) {
    let Some(name) = rule.words.get(1).filter(|name| !name.value.contains('%')) else { return };
    let Some(number) = context.find_backend(&name.value, name.span) else { return };
    let Some(backend) = context.draft.backends.get(number) else { return };
    let other = backends::mode(context, backend);
    // A connection in tcp mode becomes HTTP for a backend that is.
    if other != mode && other != Mode::Http {
        let of = frontends::mode_name;
        let message = format!("'use_backend' in {} mode, backend `{}` is {}", of(mode), name.value, of(other));
        context.error("E-MODE", name.span, message, "give both the same mode, or use another backend");
    }
}

/// Whose the rules of a section are. One of a `defaults` section stands before the section that has it, and may be of both.
fn sides(context: &Context<'_>, rules: &[Rule], home: &str) -> Vec<Side> {
    let spans = |rules: &[Rule]| rules.iter().map(|rule| rule.span).collect::<HashSet<Span>>();
    let frontend = context.directory.frontend(context.draft, home).map(|one| (one.name.span, spans(&one.rules)));
    let backend = context.directory.backend(context.draft, home).map(|one| (one.name.span, spans(&one.rules)));
    let side = |rule: &Rule| {
        let has = |(name, spans): &(Span, HashSet<Span>)| spans.contains(&rule.span).then_some(*name);
        let place = |span: Span| (span.source, span.start);
        let is_own = |name: Span| place(name) <= place(rule.span);
        match (frontend.as_ref().and_then(has), backend.as_ref().and_then(has)) {
            (Some(name), None) if is_own(name) => Side::Frontend,
            (None, Some(name)) if is_own(name) => Side::Backend,
            (Some(name), Some(_)) if is_own(name) => Side::Both,
            _ => Side::Unknown,
        }
    };
    rules.iter().map(side).collect()
}

fn reference(context: &Context<'_>, reference: &Reference, home: &str, place: Span) {
    let draft = context.draft;
    match reference.kind {
        ReferenceKind::Backend => {
            context.find_backend(&reference.name, place);
        }
        ReferenceKind::Frontend => {
            let known = draft.frontends.iter().map(|frontend| frontend.name.value.as_str());
            context.find("frontend", &reference.name, place, known);
        }
        ReferenceKind::Server => {
            let of = |backend: &draft::Backend| {
                let name = backend.name.value.clone();
                backend.servers.iter().map(move |server| format!("{name}/{}", server.name.value)).collect::<Vec<_>>()
            };
            let known: Vec<String> = draft.backends.iter().flat_map(of).collect();
            let name = match reference.name.contains('/') {
                true => reference.name.clone(),
                // Of the section's own.
                false => format!("{home}/{}", reference.name),
            };
            context.find("server", &name, place, known.iter().map(String::as_str));
        }
        ReferenceKind::Resolvers => naming::find(context, &reference.name, place),
        ReferenceKind::ErrorFiles => {
            let known = draft.error_pages.iter().map(|section| section.name.value.as_str());
            context.find("`http-errors` section", &reference.name, place, known);
        }
        ReferenceKind::LogProfile => {
            context.find("log profile", &reference.name, place, log_profiles(draft));
        }
    }
}

/// The names of log profiles.
pub fn log_profiles(draft: &draft::Draft) -> impl Iterator<Item = &str> + Clone {
    let begins = |rule: &&Rule| rule.words.first().is_some_and(|word| word.value == "log-profile");
    draft.globals.iter().filter(begins).filter_map(|rule| Some(rule.words.get(1)?.value.as_str()))
}

/// The mode of the rules of a frontend.
pub fn frontend_mode(frontend: &draft::Frontend) -> Mode {
    or(&frontend.mode, Mode::Http)
}
