//! `option httpchk` and its like, `http-check`, `tcp-check` and `external-check`: the lines of what a probe does.

use std::collections::HashMap;
use std::time::Duration;

use crate::check::rules;
use crate::config::draft::{Check, Rule};
use crate::config::haproxy::section::{Line, Modifier};
use crate::config::haproxy::table::Row;
use crate::diag::{Diagnostic, Span, Spanned};
use crate::rule::{Files, Registry};

use super::Context;
use super::server::Options;
use super::settings::{Settings, spanned};
use super::timeout::Timeouts;

/// What the probes of a backend do: lines, and which of them are inherited.
#[derive(Clone, Debug, Default)]
pub struct Checks {
    lines: Vec<Kept>,
}

#[derive(Clone, Debug)]
struct Kept {
    rule: Rule,
    is_inherited: bool,
}

impl Kept {
    fn word(&self, number: usize) -> &str {
        self.rule.words.get(number).map_or("", |word| word.value.as_str())
    }

    fn is_option(&self) -> bool {
        self.word(0) == "option"
    }
}

/// The option that a family of lines belongs to.
const FAMILIES: [(&str, &str); 3] =
    [("http-check", "httpchk"), ("tcp-check", "tcp-check"), ("external-check", "external-check")];

/// A line as it is written.
fn rule(line: &Line) -> Rule {
    Rule { words: line.words.iter().map(|word| spanned(&word.text, word.span)).collect(), span: line.span() }
}

/// `option httpchk [[METHOD] URI [VERSION]]`, `option tcp-check`, `option redis-check` and their like: the last one counts,
/// and its own rules replace inherited ones.
pub fn option(settings: &mut Settings, _: &'static Row, line: &Line, context: &Context<'_>) {
    let lines = &mut settings.checks.lines;
    let name = line.text(1);
    if name == "httpchk" {
        judge_request(line, context);
    }
    if line.modifier != Modifier::None {
        lines.retain(|kept| !(kept.is_option() && kept.word(1) == name));
        return;
    }
    let family = FAMILIES.iter().find(|(_, option)| *option == name).map(|(family, _)| *family);
    // The program of an external check is a setting of its own.
    let is_replaced = |kept: &Kept| kept.is_inherited && Some(kept.word(0)) == family && name != "external-check";
    lines.retain(|kept| !kept.is_option() && !is_replaced(kept));
    lines.push(Kept { rule: rule(line), is_inherited: false });
}

/// What `option httpchk` may say hangs on the version.
fn judge_request(line: &Line, context: &Context<'_>) {
    if let Some(word) = line.word(5).filter(|_| !context.dialect.has_host_of_checks()) {
        let message = format!("'option httpchk' cannot handle unexpected argument '{}'", word.text);
        context.push(Diagnostic::error("E-DIALECT", word.span, message).hint("HAProxy 3.1 reads a host there"));
    }
    let Some(word) = line.word(4).filter(|word| word.text.contains("\r\n")) else { return };
    let what = "'option httpchk': hiding headers or body at the end of the version string is";
    let hint = "write 'http-check send hdr NAME VALUE' instead";
    match context.dialect.hides_fields_of_checks() {
        true => context.warning("W-OLD", word.span, format!("{what} deprecated"), hint),
        false => context.push(Diagnostic::error("E-DIALECT", word.span, format!("{what} unsupported")).hint(hint)),
    }
}

/// `http-check ...`, `tcp-check ...`: the first of a section replaces inherited ones, and what `option httpchk` asked there.
pub fn step(settings: &mut Settings, _: &'static Row, line: &Line, _: &Context<'_>) {
    let lines = &mut settings.checks.lines;
    let family = line.text(0);
    lines.retain(|kept| !(kept.is_inherited && kept.word(0) == family));
    let inherited = lines.iter_mut().find(|kept| kept.is_inherited && kept.is_option() && kept.word(1) == "httpchk");
    if let Some(option) = inherited.filter(|_| family == "http-check") {
        option.rule.words.truncate(2);
    }
    lines.push(Kept { rule: rule(line), is_inherited: false });
}

/// `external-check command`, `external-check path`.
pub fn program(settings: &mut Settings, _: &'static Row, line: &Line, _: &Context<'_>) {
    let lines = &mut settings.checks.lines;
    lines.retain(|kept| !(kept.word(0) == "external-check" && kept.word(1) == line.text(1)));
    lines.push(Kept { rule: rule(line), is_inherited: false });
}

/// Files that nobody has read yet: what they hold is judged later.
struct Empty;

impl Files for Empty {
    fn read(&self, _: &str) -> Result<Vec<u8>, String> {
        Ok(Vec::new())
    }
}

/// Compiles lines that belong together and tells what is wrong with own ones.
fn report(lines: &[&Kept], context: &Context<'_>) {
    let words = |kept: &&Kept| kept.rule.words.iter().map(|word| word.value.clone()).collect::<Vec<_>>();
    let texts: Vec<_> = lines.iter().map(words).collect();
    let compiled = rules::compile(&texts, &Empty, &mut Registry::default(), &HashMap::new());
    for error in compiled.errors {
        let Some(kept) = lines.get(error.line).filter(|kept| !kept.is_inherited) else { continue };
        let place = kept.rule.place(error.what.at, error.what.offset);
        context.push(Diagnostic::error("E-CHECK", place, error.what.what).hint_if(error.what.hint));
    }
}

impl Checks {
    /// What another proxy begins with.
    pub fn inherited(&self) -> Checks {
        let kept = |kept: &Kept| Kept { rule: kept.rule.clone(), is_inherited: true };
        Checks { lines: self.lines.iter().map(kept).collect() }
    }

    /// The option in force, without `option`.
    fn kind(&self) -> &str {
        self.lines.iter().find(|kept| kept.is_option()).map_or("", |kept| kept.word(1))
    }

    fn has_family(&self, kept: &Kept) -> bool {
        let kind = self.kind();
        kept.is_option() || FAMILIES.iter().any(|(family, option)| *family == kept.word(0) && *option == kind)
    }

    /// Reports what is wrong with own rules, whether a server is checked by them or not.
    pub fn judge(&self, context: &Context<'_>) {
        let is_own_option = |kept: &&Kept| !kept.is_inherited && kept.is_option() && kept.word(1) != "external-check";
        self.lines.iter().filter(is_own_option).for_each(|option| report(&[option], context));
        for (family, option) in FAMILIES {
            let own: Vec<&Kept> =
                self.lines.iter().filter(|kept| !kept.is_inherited && kept.word(0) == family).collect();
            if own.is_empty() || family == "external-check" {
                continue;
            }
            let words = ["option", option].map(|word| spanned(word, Span::default()));
            let asked = Kept { rule: Rule { words: words.to_vec(), span: Span::default() }, is_inherited: true };
            report(&std::iter::once(&asked).chain(own).collect::<Vec<_>>(), context);
        }
    }

    /// Whether it is a program that checks, and where that is said.
    pub fn external(&self) -> Option<Span> {
        self.lines.iter().find(|kept| kept.is_option() && kept.word(1) == "external-check").map(|kept| kept.rule.span)
    }

    /// Reports own rules that nothing asks for.
    pub fn unused(&self, context: &Context<'_>) {
        for kept in self.lines.iter().filter(|kept| !kept.is_inherited && !self.has_family(kept)) {
            let family = FAMILIES.iter().find(|(family, _)| *family == kept.word(0));
            let option = family.map_or("", |(_, option)| option);
            // A program may be set where others ask for it.
            if option != "external-check" {
                let message = format!("'{}' ignored without 'option {option}'", kept.word(0));
                context.warning("W-CHECK", kept.rule.span, message, format!("add 'option {option}'"));
                return;
            }
        }
    }

    /// The check of a server that asked for one, with the rules of a named one if it names it.
    pub fn of(&self, named: Option<&[Rule]>, options: &Options, timeouts: &Timeouts, span: Span) -> Spanned<Check> {
        let interval = options.inter.or(Some(Spanned::new(super::server::INTER, span)));
        let limit = |timeout: super::settings::Timeout| {
            timeout.and_then(|timeout| Some(Spanned::new(timeout.value?, timeout.span)))
        };
        let answer_timeout = limit(timeouts.check);
        // A connection has as long as the pause lasts, and no longer than others if answers have a limit of their own.
        let connect = limit(timeouts.connect).filter(|_| answer_timeout.is_some());
        let shorter = |a: Option<Spanned<Duration>>, b: Option<Spanned<Duration>>| match (a, b) {
            (Some(a), Some(b)) => Some(if b.value < a.value { b } else { a }),
            (a, b) => a.or(b),
        };
        let own = || self.lines.iter().filter(|kept| self.has_family(kept)).map(|kept| kept.rule.clone()).collect();
        let rules: Vec<Rule> = named.map_or_else(own, <[Rule]>::to_vec);
        let check = Check {
            is_probe_written: true,
            tcp: rules.is_empty().then(|| Spanned::new(true, span)),
            rules,
            interval,
            // HAProxy hurries only where it was told to.
            fast_interval: options.fastinter.or(interval),
            down_interval: options.downinter.or(interval),
            timeout: shorter(interval, connect),
            answer_timeout,
            rise: options.rise,
            fall: options.fall,
            port: options.port.filter(|_| options.check_address.is_none()),
            address: options.check_address,
            observe: Some(Spanned::new(None, span)),
            // `no-check-send-proxy` undoes the option alone: checks follow `send-proxy`.
            sends_proxy: options.check_sends_proxy.filter(|sends| sends.value),
            socks: options.socks.filter(|_| options.care.check_via_socks.is_some_and(|via| via.value)),
            initial: options.initial,
            ..Check::default()
        };
        Spanned::new(check, span)
    }
}
