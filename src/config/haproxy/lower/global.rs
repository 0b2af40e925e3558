//! The `global` section.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::AccountKind;
use crate::config::draft::{Confinement, Draft, Identity, Rule, Start};
use crate::config::haproxy::section::{Line, Section};
use crate::config::haproxy::table::{Place, Row};
use crate::diag::{Span, Spanned};
use crate::model::log::Hostname;
use crate::model::naming::Families;
use crate::model::proxy::DoubtfulFraming;
use crate::model::runtime::Account;

use super::Context;
use super::log::{self, Logs};
use super::proxy;
use super::resolvers;
use super::runtime::{self, Runtime};
use super::value;

/// What the `global` sections say together.
#[derive(Debug, Default)]
pub struct Global {
    runtime: Runtime,
    pub logs: Logs,
    /// What every frontend makes of messages whose end is doubtful.
    pub doubtful_framing: DoubtfulFraming,
    hostname: Option<Hostname>,
    identity: Identity,
    maxconn: Option<Spanned<u64>>,
    connection_rate: Option<Spanned<u64>>,
    session_rate: Option<Spanned<u64>>,
    /// `server-state-base`
    state_base: Option<String>,
    state_file: Option<Spanned<String>>,
    stats_file: Option<Spanned<String>>,
    workers: Option<Spanned<u64>>,
    drain: Option<Spanned<Duration>>,
    external_checks: Option<Spanned<bool>>,
    preserves_environment: Option<Spanned<bool>>,
    /// `pp2-never-send-local`
    checks_as_client: Option<Spanned<bool>>,
    /// `thread-hard-limit`
    most_workers: Option<Spanned<u64>>,
    shares_idle: Option<Spanned<bool>>,
    spread_checks: Option<Spanned<u64>>,
    families: Option<Spanned<Families>>,
    is_strict: Option<Span>,
    confinement: Confinement,
    start: Start,
    stick_counters: Option<Spanned<u64>>,
    /// Lines that are kept for the rules.
    rules: Vec<Rule>,
}

type Handler = fn(&mut Global, &'static Row, &Line, &Context<'_>);

/// Every word that is honoured.
pub const HANDLERS: &[(&str, Handler)] = &[
    ("chroot", chroot),
    ("description", description),
    ("daemon", |global, _, _, _| global.start.is_daemon = true),
    ("dns-accept-family", |global, _, line, context| {
        global.families = resolvers::families(line, context).or(global.families);
    }),
    ("gid", |global, _, line, context| global.confinement.group = id(line, context)),
    ("group", |global, _, line, context| global.confinement.group = name(line, AccountKind::Group, context)),
    ("external-check", external_check),
    ("h1-accept-payload-with-any-method", |global, _, line, _| global.rules.push(proxy::rule(line))),
    ("h1-case-adjust", |global, _, line, _| global.rules.push(proxy::rule(line))),
    ("h1-case-adjust-file", |global, _, line, _| global.rules.push(proxy::rule(line))),
    ("h1-do-not-close-on-insecure-transfer-encoding", |global, _, _, _| {
        global.doubtful_framing = DoubtfulFraming::Keep;
    }),
    ("hard-stop-after", hard_stop_after),
    ("http-err-codes", |global, _, line, _| global.rules.push(proxy::rule(line))),
    ("http-fail-codes", |global, _, line, _| global.rules.push(proxy::rule(line))),
    ("log", |global, _, line, context| log::log(&mut global.logs, line, context)),
    ("log-send-hostname", hostname),
    ("log-tag", |global, _, line, context| global.logs.tag = log::tag(line, context).or(global.logs.tag.take())),
    ("maxconn", maxconn),
    ("maxconnrate", |global, _, line, context| {
        global.connection_rate = lenient_count(line, context, u32::MAX.into()).or(global.connection_rate);
    }),
    ("maxsessrate", |global, _, line, context| {
        global.session_rate = lenient_count(line, context, u32::MAX.into()).or(global.session_rate);
    }),
    ("nbthread", nbthread),
    ("node", |global, _, line, context| global.identity.node = text(line, context).or(global.identity.node.take())),
    ("pidfile", pid_file),
    ("pp2-never-send-local", |global, _, line, _| {
        global.checks_as_client = Some(Spanned::new(true, line.span_of(1)));
    }),
    ("presetenv", environment),
    ("resetenv", |global, _, line, _| global.rules.push(proxy::rule(line))),
    ("server-state-base", |global, _, line, context| {
        let base = context.argument(line, 1, "one argument: a directory path").map(|word| word.text.clone());
        global.state_base = base.or(global.state_base.take());
        context.no_more(line, 2);
    }),
    ("server-state-file", |global, _, line, context| {
        let file = context.argument(line, 1, "one argument: a file path");
        global.state_file = file.map(|word| Spanned::new(word.text.clone(), word.span)).or(global.state_file.take());
        context.no_more(line, 2);
    }),
    ("set-var", |global, _, line, _| global.rules.push(proxy::rule(line))),
    ("set-var-fmt", |global, _, line, _| global.rules.push(proxy::rule(line))),
    ("setenv", environment),
    ("spread-checks", |global, _, line, context| {
        global.spread_checks = count(line, context, 0, 50).or(global.spread_checks);
    }),
    ("stats maxconn", |global, row, line, context| runtime::maxconn(&mut global.runtime, row, line, context)),
    ("stats socket", |global, row, line, context| runtime::socket(&mut global.runtime, row, line, context)),
    ("stats-file", |global, _, line, context| {
        let file = context.argument(line, 1, "a file path");
        global.stats_file = file.map(|word| Spanned::new(word.text.clone(), word.span)).or(global.stats_file.take());
        context.no_more(line, 2);
    }),
    ("stats timeout", |global, row, line, context| runtime::timeout(&mut global.runtime, row, line, context)),
    ("tune.idle-pool.shared", idle_pool),
    ("tune.bufsize", |global, _, line, _| global.rules.push(proxy::rule(line))),
    ("tune.http.maxhdr", |global, _, line, _| global.rules.push(proxy::rule(line))),
    ("tune.maxrewrite", |global, _, line, _| global.rules.push(proxy::rule(line))),
    ("tune.rcvbuf.client", |global, _, line, _| global.rules.push(proxy::rule(line))),
    ("tune.rcvbuf.server", |global, _, line, _| global.rules.push(proxy::rule(line))),
    ("tune.sndbuf.client", |global, _, line, _| global.rules.push(proxy::rule(line))),
    ("tune.sndbuf.server", |global, _, line, _| global.rules.push(proxy::rule(line))),
    ("tune.stick-counters", stick_counters),
    ("uid", |global, _, line, context| global.confinement.user = id(line, context)),
    ("unix-bind", |_, _, line, context| {
        let mut known = context.unix_bind.borrow().clone();
        known.add(line, context);
        context.unix_bind.replace(known);
    }),
    ("thread-hard-limit", |global, _, line, context| {
        global.most_workers = count(line, context, 1, 256).or(global.most_workers);
    }),
    ("unsetenv", |global, _, line, _| global.rules.push(proxy::rule(line))),
    ("user", |global, _, line, context| global.confinement.user = name(line, AccountKind::User, context)),
    ("zero-warning", |global, _, line, _| global.is_strict = Some(line.span_of(1))),
];

impl Global {
    /// Before any line.
    pub fn new() -> Global {
        Global { doubtful_framing: DoubtfulFraming::Close, ..Global::default() }
    }

    /// Adds the lines of a section.
    pub fn read(&mut self, section: &Section, context: &Context<'_>) {
        for line in &section.lines {
            let Some((row, _)) = context.find(Place::Global, Place::Global, line) else { continue };
            if let Some((_, handler)) = HANDLERS.iter().find(|(name, _)| *name == row.name) {
                handler(self, row, line, context);
            }
        }
    }

    /// A state file of servers as the process finds it.
    pub fn state_path(&self, name: &str) -> String {
        match &self.state_base {
            Some(base) if !name.starts_with('/') => format!("{}/{name}", base.trim_end_matches('/')),
            _ => name.to_owned(),
        }
    }

    /// `nbthread`, bounded by `thread-hard-limit`.
    fn workers(&self, context: &Context<'_>) -> Option<Spanned<u64>> {
        let Some(most) = self.most_workers else { return self.workers };
        let asked = self.workers.unwrap_or(Spanned::new(context.cores.unwrap_or(u64::MAX), most.span));
        Some(asked.map(|count| count.min(most.value)))
    }

    /// Puts what belongs to the process into the draft.
    pub fn lower(&self, draft: &mut Draft, context: &Context<'_>) {
        draft.maxconn = self.maxconn;
        draft.server_state_file = self.state_file.clone().map(|file| file.map(|path| self.state_path(&path)));
        draft.stats_file = self.stats_file.clone();
        draft.connection_rate = self.connection_rate;
        draft.session_rate = self.session_rate;
        draft.workers = self.workers(context);
        draft.drain = self.drain;
        draft.external_checks = self.external_checks;
        draft.preserves_environment = self.preserves_environment;
        draft.checks_as_client = self.checks_as_client;
        draft.shares_idle = self.shares_idle;
        draft.spread_checks = self.spread_checks;
        draft.is_strict = self.is_strict;
        draft.confinement = self.confinement.clone();
        draft.start = self.start.clone();
        draft.identity = self.identity.clone();
        self.runtime.lower(draft);
        // Nobody who writes no `log` wants lines on standard output.
        draft.log.targets = Some(self.logs.targets.clone());
        draft.log.tag.clone_from(&self.logs.tag);
        // Filters of syslog daemons go by it, whatever the program is called that reads the file.
        draft.log.usual_tag = Some("haproxy");
        draft.families = self.families;
        draft.log.hostname.clone_from(&self.hostname);
        draft.stick_counters = self.stick_counters;
        draft.globals.clone_from(&self.rules);
    }
}

fn chroot(global: &mut Global, _: &'static Row, line: &Line, context: &Context<'_>) {
    let Some(word) = context.argument(line, 1, "a directory") else { return };
    context.no_more(line, 2);
    let parsed = match word.text.as_str() {
        "auto" => Err("'auto' is not supported: name an empty directory".to_owned()),
        path if path.starts_with('/') => Ok(PathBuf::from(path)),
        path => Err(format!("'{path}' is no absolute path")),
    };
    global.confinement.root = context.value(word, parsed).or(global.confinement.root.take());
}

fn pid_file(global: &mut Global, _: &'static Row, line: &Line, context: &Context<'_>) {
    let Some(word) = context.argument(line, 1, "a file name") else { return };
    context.no_more(line, 2);
    global.start.pid_file = Some(PathBuf::from(&word.text));
}

fn id(line: &Line, context: &Context<'_>) -> Option<Spanned<Account>> {
    let word = context.argument(line, 1, "a number")?;
    context.no_more(line, 2);
    let Ok(id) = word.text.parse() else {
        let message = format!("'{}' is not a number and is not read", word.text);
        context.warning("W-VALUE", word.span, message, "write 'user' or 'group' before a name");
        return None;
    };
    Some(Spanned::new(Account::Id(id), word.span))
}

fn name(line: &Line, kind: AccountKind, context: &Context<'_>) -> Option<Spanned<Account>> {
    let word = context.argument(line, 1, "a name")?;
    context.no_more(line, 2);
    Some(Spanned::new(context.account(kind, word), word.span))
}

/// `setenv NAME VALUE`, `presetenv NAME VALUE`: the lines that follow have seen it when they were read.
fn environment(global: &mut Global, _: &'static Row, line: &Line, context: &Context<'_>) {
    let is_whole =
        context.argument(line, 1, "a name and a value").is_some() && context.argument(line, 2, "a value").is_some();
    context.no_more(line, 3);
    if is_whole {
        global.rules.push(proxy::rule(line));
    }
}

fn stick_counters(global: &mut Global, _: &'static Row, line: &Line, context: &Context<'_>) {
    global.stick_counters = count(line, context, 0, 100).or(global.stick_counters);
}

fn maxconn(global: &mut Global, _: &'static Row, line: &Line, context: &Context<'_>) {
    // Zero asks for the default.
    global.maxconn = lenient_count(line, context, 10_000_000).filter(|count| count.value > 0).or(global.maxconn);
}

/// The one word of a line.
fn text(line: &Line, context: &Context<'_>) -> Option<Spanned<String>> {
    let word = context.argument(line, 1, "a name")?;
    context.no_more(line, 2);
    Some(Spanned::new(word.text.clone(), word.span))
}

/// `description WORD...`: the rest of the line.
fn description(global: &mut Global, _: &'static Row, line: &Line, context: &Context<'_>) {
    let Some(word) = context.argument(line, 1, "a text") else { return };
    let words: Vec<&str> = line.from(1).iter().map(|word| word.text.as_str()).collect();
    global.identity.description = Some(Spanned::new(words.join(" "), word.span));
}

/// `log-send-hostname [NAME]`.
fn hostname(global: &mut Global, _: &'static Row, line: &Line, context: &Context<'_>) {
    context.no_more(line, 2);
    global.hostname = Some(match line.text(1) {
        "" => Hostname::Own,
        name => Hostname::Text(name.to_owned()),
    });
}

fn nbthread(global: &mut Global, _: &'static Row, line: &Line, context: &Context<'_>) {
    global.workers = count(line, context, 1, 256).or(global.workers);
}

/// `external-check [preserve-env]`.
fn external_check(global: &mut Global, _: &'static Row, line: &Line, context: &Context<'_>) {
    global.external_checks = Some(Spanned::new(true, line.span_of(1)));
    if let Some(word) = line.word(1) {
        match word.text.as_str() {
            "preserve-env" => global.preserves_environment = Some(Spanned::new(true, word.span)),
            _ => context.error("E-VALUE", word.span, "'external-check' expects nothing or 'preserve-env'"),
        }
    }
}

/// `tune.idle-pool.shared { full | on | off }`: without thread groups, all is what their threads share.
fn idle_pool(global: &mut Global, _: &'static Row, line: &Line, context: &Context<'_>) {
    let Some(word) = context.argument(line, 1, "full, on or off") else { return };
    context.no_more(line, 2);
    match word.text.as_str() {
        "full" | "on" => global.shares_idle = Some(Spanned::new(true, word.span)),
        "off" => global.shares_idle = Some(Spanned::new(false, word.span)),
        other => {
            let what = format!("'tune.idle-pool.shared' expects full, on or off, not '{other}'");
            context.error("E-VALUE", word.span, what);
        }
    }
}

fn hard_stop_after(global: &mut Global, _: &'static Row, line: &Line, context: &Context<'_>) {
    let Some(word) = context.argument(line, 1, "a time") else { return };
    context.no_more(line, 2);
    global.drain = context.value(word, value::time(&word.text)).or(global.drain);
}

/// The one number that a line has, in a word that HAProxy reads without complaint.
pub fn lenient_count(line: &Line, context: &Context<'_>, most: u64) -> Option<Spanned<u64>> {
    let word = context.argument(line, 1, "a number")?;
    context.no_more(line, 2);
    Some(context.lenient(word, 0, most))
}

/// The one number that a line has.
pub fn count(line: &Line, context: &Context<'_>, least: u64, most: u64) -> Option<Spanned<u64>> {
    let word = context.argument(line, 1, "a number")?;
    context.no_more(line, 2);
    context.value(word, value::number(&word.text, least, most))
}
