//! `defaults`, `frontend`, `listen` and `backend` sections: their heads, inheritance, and one handler for each line.

use crate::config::draft::Rule;
use crate::config::haproxy::lex::Word;
use crate::config::haproxy::section::{Line, Modifier, Section};
use crate::config::haproxy::table::{Place, Row, Support};
use crate::config::options;
use crate::config::options::backend::Switch;
use crate::diag::{Diagnostic, Span, Spanned, nearest};
use crate::model::balance::Balance;
use crate::model::log::Steps;
use crate::model::options::{Origin, ServerOptions};
use crate::model::proxy::Mode;
use std::collections::HashMap;

use super::Context;
use super::settings::{Settings, spanned};
use super::{bind, check, defaults, global, kept, log, mail, old, option, order, server, stick, timeout, value};

/// A proxy of its own.
#[derive(Clone, Debug)]
pub struct Proxy {
    pub place: Place,
    pub name: Spanned<String>,
    pub settings: Settings,
    /// The line that opens it.
    pub head: Span,
}

/// Every proxy so far, and what the next ones begin with.
#[derive(Debug, Default)]
pub struct Proxies {
    pub list: Vec<Proxy>,
    /// Numbers in the list, by name.
    by_name: HashMap<String, Vec<usize>>,
    shared: defaults::Shared,
    /// The last `defaults` section.
    current: Settings,
    pub named: Vec<(Spanned<String>, Settings)>,
}

/// What a line does; its row says what differs from HAProxy.
type Handler = fn(&mut Settings, &'static Row, &Line, &Context<'_>);

/// Every word that is honoured.
pub const HANDLERS: &[(&str, Handler)] = &[
    ("balance", balance),
    ("bind", bind::bind),
    ("default-server", server::default_server),
    ("default_backend", default_backend),
    ("disabled", |settings, _, _, _| settings.is_disabled = true),
    ("enabled", |settings, _, _, _| settings.is_disabled = false),
    ("id", |settings, _, line, context| {
        settings.id = global::count(line, context, 1, i32::MAX as u64).or(settings.id);
    }),
    ("backlog", |settings, _, line, context| {
        let most = u64::from(u32::MAX >> 1);
        let asked = super::global::lenient_count(line, context, most).filter(|count| count.value > 0);
        settings.backlog = asked.and_then(|count| u32::try_from(count.value).ok()).or(settings.backlog);
    }),
    ("guid", |settings, _, line, context| guid(settings, line, context)),
    ("log", |settings, _, line, context| log::log(&mut settings.logs, line, context)),
    ("log-tag", |settings, _, line, context| {
        settings.logs.tag = log::tag(line, context).or(settings.logs.tag.take());
    }),
    ("maxconn", |settings, _, line, context| {
        let count = global::lenient_count(line, context, 10_000_000).filter(|count| count.value > 0);
        settings.maxconn = count.or(settings.maxconn);
    }),
    ("mode", mode),
    ("rate-limit sessions", |settings, _, line, context| {
        if let Some(word) = context.argument(line, 2, "an integer value (in sessions/second)") {
            context.no_more(line, 3);
            settings.session_rate =
                context.value(word, value::number(&word.text, 0, u32::MAX.into())).or(settings.session_rate);
        }
    }),
    ("retries", |settings, _, line, context| {
        settings.retries = global::lenient_count(line, context, 100).or(settings.retries);
    }),
    ("server", server::server),
    ("server-template", server::template),
    ("source", source),
    ("stick-table", stick::stick_table),
    ("fullconn", |settings, _, line, context| {
        let count = global::lenient_count(line, context, 10_000_000).filter(|count| count.value > 0);
        settings.options.fullconn = count.and_then(|count| usize::try_from(count.value).ok());
    }),
    ("hash-type", |settings, row, line, context| {
        context.not_read(line, 4);
        let line = Line { words: line.words.iter().take(4).cloned().collect(), ..line.clone() };
        option_of_backend(settings, row, &line, context);
    }),
    ("http-check comment", check::step),
    ("http-check connect", check::step),
    ("http-check disable-on-404", check::step),
    ("http-check expect", check::step),
    ("http-check send", check::step),
    ("http-check send-state", check::step),
    ("http-check set-var", check::step),
    ("http-check set-var-fmt", check::step),
    ("http-check unset-var", check::step),
    ("tcp-check comment", check::step),
    ("tcp-check connect", check::step),
    ("tcp-check expect", check::step),
    ("tcp-check send", check::step),
    ("tcp-check send-binary", check::step),
    ("tcp-check send-binary-lf", check::step),
    ("tcp-check send-lf", check::step),
    ("tcp-check set-var", check::step),
    ("tcp-check set-var-fmt", check::step),
    ("tcp-check unset-var", check::step),
    ("external-check command", check::program),
    ("external-check path", check::program),
    ("dispatch", |settings, row, line, context| {
        context.notice(row, line.span_of(1));
        context.no_more(line, 2);
        settings.only = line.word(1).map(|address| server::only("DISPATCH", address.clone()));
    }),
    ("option transparent", transparent),
    ("transparent", transparent),
    ("email-alert from", mail::alert),
    ("email-alert level", mail::alert),
    ("email-alert mailers", mail::alert),
    ("email-alert myhostname", mail::alert),
    ("email-alert to", mail::alert),
    ("option log-health-checks", |settings, _, line, _| {
        settings.logs_checks = Some(Spanned::new(line.modifier == Modifier::None, line.span()));
    }),
    ("option external-check", check::option),
    ("option ldap-check", check::option),
    ("option mysql-check", check::option),
    ("option pgsql-check", check::option),
    ("option redis-check", check::option),
    ("option smtpchk", check::option),
    ("option spop-check", check::option),
    ("option ssl-hello-chk", check::option),
    ("option httpchk", check::option),
    ("option httplog", option::log_format),
    ("option redispatch", option::redispatch),
    ("option tcp-check", check::option),
    ("option tcplog", option::log_format),
    ("option dontlog-normal", |settings, _, line, _| {
        settings.logged.skips_normal = line.modifier == Modifier::None;
    }),
    // Of servers it is an option, of clients a line among the rules.
    ("option tcpka", |settings, _, line, context| {
        context.no_more(line, 2);
        settings.options.keeps_alive = line.modifier == Modifier::None;
        settings.rules.push(rule(line));
    }),
    ("option socket-stats", |settings, _, line, _| settings.counts_sockets = line.modifier == Modifier::None),
    ("option dontlognull", |settings, _, line, _| settings.logged.skips_empty = line.modifier == Modifier::None),
    ("option httpslog", option::log_format),
    ("option log-separate-errors", |settings, _, line, _| {
        settings.logged.separates_errors = line.modifier == Modifier::None;
    }),
    ("log-steps", |settings, _, line, context| {
        let steps = context.argument(line, 1, "steps").and_then(|word| context.value(word, Steps::parse(&word.text)));
        context.no_more(line, 2);
        settings.logged.steps = steps.map(|steps| steps.value).or(settings.logged.steps);
    }),
    ("option logasap", |settings, _, line, _| settings.logged.is_early = line.modifier == Modifier::None),
    ("timeout check", timeout::timeout),
    ("timeout client", timeout::timeout),
    ("timeout client-fin", timeout::timeout),
    ("timeout client-hs", timeout::timeout),
    ("timeout connect", timeout::timeout),
    ("timeout http-keep-alive", timeout::timeout),
    ("timeout http-request", timeout::timeout),
    ("timeout queue", timeout::timeout),
    ("timeout server", timeout::timeout),
    ("timeout server-fin", timeout::timeout),
    ("timeout tunnel", timeout::timeout),
    ("contimeout", timeout::old),
    ("clitimeout", timeout::old),
    ("srvtimeout", timeout::old),
    ("redispatch", option::redispatch),
    ("block", old::block),
    ("monitor-net", old::monitor),
    ("option forceclose", old::force_close),
    ("reqadd", old::line),
    ("reqallow", old::line),
    ("reqdel", old::line),
    ("reqdeny", old::line),
    ("reqiallow", old::line),
    ("reqidel", old::line),
    ("reqideny", old::line),
    ("reqipass", old::line),
    ("reqirep", old::line),
    ("reqisetbe", old::line),
    ("reqitarpit", old::line),
    ("reqpass", old::line),
    ("reqrep", old::line),
    ("reqsetbe", old::line),
    ("reqtarpit", old::line),
    ("rspadd", old::line),
    ("rspdel", old::line),
    ("rspdeny", old::line),
    ("rspidel", old::line),
    ("rspideny", old::line),
    ("rspirep", old::line),
    ("rsprep", old::line),
];

/// Words that `defaults` sections have since HAProxy 2.5.
const IN_DEFAULTS: [&str; 6] =
    ["acl", "http-request", "http-response", "http-after-response", "tcp-request", "tcp-response"];

impl Proxies {
    /// Adds a section.
    pub fn read(&mut self, section: &Section, context: &Context<'_>) {
        order::judge(section, context);
        let (mut settings, addresses) = self.head(section, context);
        settings.opened = Some(section.head.span()).filter(|_| section.place != Place::Defaults);
        addresses.iter().for_each(|word| bind::addresses(&mut settings, word, &Default::default(), context));
        for line in &section.lines {
            if names_itself(section, line, context) {
                continue;
            }
            let Some((row, _)) = context.find(section.place, section.place, line) else { continue };
            let is_rule_of_defaults = section.place == Place::Defaults && IN_DEFAULTS.contains(&line.text(0));
            if is_rule_of_defaults && !context.dialect.has_rules_in_defaults() {
                let message = format!("'{}' not allowed in 'defaults' section", line.text(0));
                let problem = Diagnostic::error("E-DIALECT", line.span_of(1), message);
                context.push(problem.hint("HAProxy 2.5 allows it, in a section with a name"));
                continue;
            }
            if line.modifier != Modifier::None && ALWAYS.contains(&row.name) {
                let message = format!("negation/default is not supported for option '{}'", line.text(1));
                context.error("E-VALUE", line.span_of(2), message);
                continue;
            }
            if defaults::is_misplaced(section, line, context) {
                continue;
            }
            if kept::RULES.contains(&row.name) {
                if line.modifier == Modifier::None && !context.has_its_condition(row, line) {
                    continue;
                }
                if line.text(0) == "stats" && section.place != Place::Defaults {
                    settings.forget_inherited_page(section);
                }
                settings.rules.push(rule(line));
            }
            if let Some((_, handler)) = HANDLERS.iter().find(|(name, _)| *name == row.name) {
                handler(&mut settings, row, line, context);
            } else if options::backend::LINES.iter().any(|(name, _)| *name == row.name) {
                option_of_backend(&mut settings, row, line, context);
            }
        }
        old::finish(&mut settings);
        if section.place != Place::Defaults {
            if matches!(section.place, Place::Listen | Place::Backend) {
                server::add_only(&mut settings, context);
            }
            self.shared.note(section, &settings.rules, context);
            if let Some(name) = self.name(section, context) {
                self.by_name.entry(name.value.clone()).or_default().push(self.list.len());
                self.list.push(Proxy { place: section.place, name, settings, head: section.head.span_of(2) });
            }
            return;
        }
        if let Some(name) = section.name().filter(|_| !defaults::is_anonymous(section)) {
            self.named.push((spanned(&name.text, name.span), settings.clone()));
        }
        self.current = settings;
    }

    /// `frontend NAME [ADDRESS...] [from DEFAULTS]`: what it begins with, and addresses on its line.
    fn head<'s>(&self, section: &'s Section, context: &Context<'_>) -> (Settings, Vec<&'s Word>) {
        let head = &section.head;
        let is_defaults = section.place == Place::Defaults;
        let first = if is_defaults && head.text(1) == "from" { 1 } else { 2 };
        let mut settings = if is_defaults { Settings::default() } else { self.current.inherited() };
        let mut addresses = Vec::new();
        let mut at = first;
        while let Some(word) = head.word(at) {
            if word.text == "from" {
                if let Some(origin) = context.argument(head, at + 1, "the name of a 'defaults' section") {
                    settings = self.origin(origin, context).unwrap_or(settings);
                }
                context.no_more(head, at + 2);
                break;
            }
            let has_binds = matches!(section.place, Place::Frontend | Place::Listen);
            if has_binds && word.text.contains(':') {
                let message = format!("an address on the '{}' line is read as 'bind {}'", head.text(0), word.text);
                context.warning("W-OLD", word.span, message, format!("write 'bind {}' below it", word.text));
                addresses.push(word);
            } else {
                context.no_more(head, at);
                break;
            }
            at += 1;
        }
        (settings, addresses)
    }

    fn origin(&self, word: &Word, context: &Context<'_>) -> Option<Settings> {
        let mut found = self.named.iter().filter(|(name, _)| name.value == word.text);
        let origin = found.next();
        if origin.is_none() {
            let hint = nearest(&word.text, self.named.iter().map(|(name, _)| name.value.as_str()));
            let message = format!("defaults section '{}' not found", word.text);
            let hint = hint.map(|known| format!("did you mean '{known}'?"));
            context.push(Diagnostic::error("E-UNRESOLVED", word.span, message).hint_if(hint));
        } else if found.next().is_some() {
            context.error("E-DUPLICATE", word.span, format!("ambiguous reference to defaults '{}'", word.text));
        }
        origin.map(|(_, settings)| settings.inherited())
    }

    /// The name of a proxy, which no other of its kind has.
    fn name(&self, section: &Section, context: &Context<'_>) -> Option<Spanned<String>> {
        let word = context.argument(&section.head, 1, "a name")?;
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
        if let Some(c) = word.text.chars().find(|c| !is_allowed(*c)) {
            let message =
                format!("character '{c}' is not permitted in '{}' name '{}'", section.place.name(), word.text);
            context.error("E-VALUE", word.span, message);
        }
        let serves = |place: Place| (place != Place::Backend, place != Place::Frontend);
        let (front, back) = serves(section.place);
        let is_same = |other: &&Proxy| {
            let (other_front, other_back) = serves(other.place);
            (front && other_front) || (back && other_back) || !context.dialect.shares_names()
        };
        let namesakes = self.by_name.get(&word.text).into_iter().flatten();
        if let Some(first) = namesakes.map(|number| &self.list[*number]).find(is_same) {
            let message = format!(
                "{} '{}' has the same name as {} '{}'",
                section.place.name(),
                word.text,
                first.place.name(),
                first.name.value
            );
            let problem = Diagnostic::error("E-DUPLICATE", word.span, message);
            context.push(problem.label(first.name.span, "first given here"));
        }
        Some(spanned(&word.text, word.span))
    }
}

/// Options that nothing undoes.
const ALWAYS: [&str; 15] = [
    "option external-check",
    "option forwardfor",
    "option httpchk",
    "option httplog",
    "option httpslog",
    "option ldap-check",
    "option mysql-check",
    "option originalto",
    "option pgsql-check",
    "option redis-check",
    "option smtpchk",
    "option spop-check",
    "option ssl-hello-chk",
    "option tcp-check",
    "option tcplog",
];

/// Whether a section sends its traffic to itself, which is reported.
fn names_itself(section: &Section, line: &Line, context: &Context<'_>) -> bool {
    let first = line.text(0);
    let is_itself = section.name().is_some_and(|name| line.word(1).is_some_and(|word| word.text == name.text));
    let is_loop = matches!(section.place, Place::Backend | Place::Listen) && is_itself;
    let is_loop = is_loop && matches!(first, "default_backend" | "use_backend");
    if is_loop {
        let message = format!("Proxy '{}': loop detected for {first}: '{}'", line.text(1), line.text(1));
        context.error("E-LOOP", line.span_of(2), message);
    }
    is_loop
}

/// A line as rules keep it; `default` is what was not written, and so is `no`.
pub fn rule(line: &Line) -> Rule {
    let no = (line.modifier != Modifier::None).then(|| spanned("no", line.span_of(1)));
    let words = line.words.iter().map(|word| spanned(&word.text, word.span));
    Rule { words: no.into_iter().chain(words).collect(), span: line.span() }
}

fn balance(settings: &mut Settings, _: &'static Row, line: &Line, context: &Context<'_>) {
    // What an earlier line or a `defaults` section hashed is not hashed any more.
    settings.rules.retain(|rule| !rule.is_hash());
    let mut texts: Vec<&str> = line.from(1).iter().map(|word| word.text.as_str()).collect();
    const ALONE: [&str; 6] = ["roundrobin", "static-rr", "leastconn", "source", "first", "sticky"];
    if texts.first().is_some_and(|name| ALONE.contains(name)) {
        context.not_read(line, 2);
        texts.truncate(1);
    }
    match options::balance::read(&texts) {
        Ok(balance) => {
            if matches!(balance, Balance::Expression(_) | Balance::LogHash(_)) {
                settings.rules.push(rule(line));
            }
            settings.balance = Some(Spanned::new(balance, line.word(1).map_or(line.span(), |word| word.span)));
        }
        Err(wrong) => context.wrong(&line.words, &wrong.later(1)),
    }
}

/// `option transparent`, `transparent`.
fn transparent(settings: &mut Settings, row: &'static Row, line: &Line, context: &Context<'_>) {
    let asked = line.modifier == Modifier::None;
    if asked {
        context.notice(row, line.span_of(1));
    }
    settings.only = asked.then(|| {
        // Every address and every port is where the client wanted to go.
        let anywhere = Word { text: "0.0.0.0".to_owned(), span: line.span_of(1) };
        server::only("TRANSPARENT", anywhere)
    });
}

/// A line that sets an option of the backend.
fn option_of_backend(settings: &mut Settings, row: &'static Row, line: &Line, context: &Context<'_>) {
    let texts: Vec<&str> = line.words.iter().map(|word| word.text.as_str()).collect();
    let switch = if line.modifier == Modifier::None { Switch::On } else { Switch::Off };
    if let Err(wrong) = options::backend::read(&mut settings.options, row.name, &texts, switch) {
        context.wrong(&line.words, &wrong);
    } else if switch == Switch::On && matches!(row.support, Support::Partial(_)) {
        context.notice(row, line.span_of(1));
    }
}

fn mode(settings: &mut Settings, _: &'static Row, line: &Line, context: &Context<'_>) {
    let Some(word) = context.argument(line, 1, "'tcp', 'http' or 'log'") else { return };
    context.no_more(line, 2);
    let mode = match word.text.as_str() {
        "http" => Mode::Http,
        "tcp" => Mode::Tcp,
        "health" => {
            context.refuse(word.span, "'mode health'", "HAProxy removed it in 2.3; write 'monitor-uri /' in mode http");
            return;
        }
        "log" => Mode::Log,
        "spop" => {
            context.refuse(word.span, "'mode spop'", "http, tcp and log are known");
            return;
        }
        other => {
            context.error("E-VALUE", word.span, format!("unknown proxy mode '{other}'; write tcp or http"));
            return;
        }
    };
    settings.mode = Some(Spanned::new(mode, word.span));
}

fn default_backend(settings: &mut Settings, _: &'static Row, line: &Line, context: &Context<'_>) {
    let Some(word) = context.argument(line, 1, "the name of a backend") else { return };
    context.no_more(line, 2);
    settings.default_backend = Some(spanned(&word.text, word.span));
}

fn guid(settings: &mut Settings, line: &Line, context: &Context<'_>) {
    let Some(word) = context.argument(line, 1, "a name") else { return };
    context.no_more(line, 2);
    match options::guid_fault(&word.text) {
        None => settings.guid = Some(spanned(&word.text, word.span)),
        Some(what) => context.error("E-VALUE", word.span, format!("'guid' : {what}")),
    }
}

fn source(settings: &mut Settings, _: &'static Row, line: &Line, context: &Context<'_>) {
    let Some(word) = context.argument(line, 1, "an address") else { return };
    let (address, ports) = server::source(Some(word), context);
    if ports.is_some_and(|ports| ports.first != ports.last) {
        context.error("E-VALUE", word.span, format!("port range not permitted in '{}'", word.text));
    }
    settings.source = address;
    let mut options = ServerOptions { origin: Origin { ports, ..Origin::default() }, ..ServerOptions::default() };
    let taken = server::origin(&mut options, line.from(2), context);
    settings.origin = options.origin;
    context.no_more(line, 2 + taken);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::haproxy::table::{self, Reload};

    /// Names of the honoured rows of these places.
    fn honoured(places: &[Place]) -> Vec<&'static str> {
        let is_honoured = |row: &&Row| matches!(row.support, Support::Full | Support::Partial(_));
        let rows = places.iter().flat_map(|place| table::rows_of(*place)).filter(is_honoured);
        let mut names: Vec<_> = rows.map(|row| row.name).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    fn sorted<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
        let mut names: Vec<_> = names.collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn every_honoured_word_has_a_handler_and_no_other_word_has_one() {
        let proxies = [Place::Defaults, Place::Frontend, Place::Listen, Place::Backend];
        let lines = options::backend::LINES.iter().map(|(name, _)| *name);
        // A line that sets more than an option has a handler of its own.
        let lines = lines.filter(|line| HANDLERS.iter().all(|(name, _)| name != line));
        let handled = HANDLERS.iter().map(|(name, _)| *name).chain(kept::RULES).chain(lines);
        assert_eq!(sorted(handled), honoured(&proxies));
        assert_eq!(sorted(global::HANDLERS.iter().map(|(name, _)| *name)), honoured(&[Place::Global]));
        let options = options::server::OPTIONS.iter().chain(&options::naming::OPTIONS).map(|(name, _)| *name);
        let options = options.filter(|option| server::HANDLERS.iter().all(|(name, _)| name != option));
        let handled = server::HANDLERS.iter().map(|(name, _)| *name).chain(options);
        assert_eq!(sorted(handled), honoured(&[Place::Server]));
        let options = options::bind::OPTIONS.iter().map(|(name, _)| *name);
        // A line of several sockets has `guid-prefix`.
        let options = options.filter(|option| *option != "guid");
        let handled = bind::HANDLERS.iter().map(|(name, _)| *name).chain(options);
        assert_eq!(sorted(handled), honoured(&[Place::Bind]));
    }

    #[test]
    fn only_words_of_the_process_wait_for_a_restart() {
        assert!(table::rows().iter().all(|row| row.reload == Reload::Live || row.places.contains(Place::Global)));
    }
}
