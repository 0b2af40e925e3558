//! `log` lines: where lines go, and which of them (manual §3.1 and §4.2).

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::config::draft::LogTarget;
use crate::config::haproxy::lex::Word;
use crate::config::haproxy::section::{Line, Modifier};
use crate::config::log_sample;
use crate::diag::{Spanned, nearest};
use crate::model::Endpoint;
use crate::model::log::{Destination, FACILITIES, Facility, Form, Level, Target};

use super::Context;
use super::value::{self, Host, Ports};

/// The shortest and the longest `len`.
const LENGTHS: (u64, u64) = (80, 65_535);

/// Where the lines of a proxy go.
#[derive(Clone, Debug, Default)]
pub struct Logs {
    /// `log global`.
    pub is_global: bool,
    /// Own targets.
    pub targets: Vec<LogTarget>,
    /// `log-tag`
    pub tag: Option<Spanned<String>>,
}

/// `log 127.0.0.1 local0 info`; `log global` in a proxy; `no log`.
pub fn log(logs: &mut Logs, line: &Line, context: &Context<'_>) {
    match (line.modifier, line.text(1)) {
        (Modifier::No, "") => *logs = Logs { tag: logs.tag.take(), ..Logs::default() },
        (Modifier::None, "global") => {
            context.no_more(line, 2);
            logs.is_global = true;
        }
        (Modifier::None, _) => logs.targets.extend(target(line, context)),
        _ => context.error("E-VALUE", line.span_of(1), "'log' can only be undone as a whole: 'no log'"),
    }
}

/// `log-tag NAME`.
pub fn tag(line: &Line, context: &Context<'_>) -> Option<Spanned<String>> {
    let word = context.argument(line, 1, "a tag for log lines")?;
    context.no_more(line, 2);
    Some(Spanned::new(word.text.clone(), word.span))
}

fn target(line: &Line, context: &Context<'_>) -> Option<LogTarget> {
    let word = context.argument(line, 1, "a destination")?;
    let destination = destination(word, context);
    let mut target = Target::new(destination.clone().unwrap_or(Destination::Stdout), Form::Local);
    let mut has_form = false;
    let mut at = 2;
    while let option @ ("len" | "format" | "sample" | "profile") = line.text(at) {
        let value = context.argument(line, at + 1, "a value")?;
        match option {
            "len" => {
                let length = context.value(value, value::number(&value.text, LENGTHS.0, LENGTHS.1))?;
                target.length = usize::try_from(length.value).unwrap_or(target.length);
            }
            "format" => {
                (target.form, has_form) = (form(value, context)?, true);
            }
            "sample" => target.sample = Some(context.value(value, log_sample::parse(&value.text))?.value),
            _ => target.profile = Some(value.text.clone()),
        }
        at += 2;
    }
    let facility = known(context.argument(line, at, "a facility such as local0")?, "facility", context, || {
        FACILITIES.into_iter()
    })?;
    target.facility = Facility::by_name(facility)?;
    let level = |at: usize, default: Level| match line.word(at) {
        None => Some(default),
        Some(word) => {
            Level::by_name(known(word, "level", context, || Level::ALL.into_iter().map(|level| level.name()))?)
        }
    };
    (target.level, target.floor) = (level(at + 1, Level::Debug)?, level(at + 2, Level::Emerg)?);
    context.no_more(line, at + 3);
    destination.map(|_| LogTarget { target, has_form, span: word.span })
}

/// The word, if it is one of the list.
fn known<'w, List: Iterator<Item = &'static str> + Clone>(
    word: &'w Word,
    what: &str,
    context: &Context<'_>,
    list: impl Fn() -> List,
) -> Option<&'w str> {
    if list().any(|known| known == word.text) {
        return Some(&word.text);
    }
    let hint = nearest(&word.text, list()).map(|known| format!("; did you mean '{known}'?"));
    let all = list().collect::<Vec<_>>().join(", ");
    let hint = hint.unwrap_or_else(|| format!("; one of {all}"));
    context.error("E-VALUE", word.span, format!("unknown log {what} '{}'{hint}", word.text));
    None
}

/// The name of a form.
pub fn form(word: &Word, context: &Context<'_>) -> Option<Form> {
    let name = known(word, "format", context, || Form::ALL.into_iter().map(Form::name))?;
    Form::by_name(name)
}

fn destination(word: &Word, context: &Context<'_>) -> Option<Destination> {
    let expanded = context.expanded(&word.text);
    let text = expanded.as_str();
    match text {
        "stdout" | "fd@1" => return Some(Destination::Stdout),
        "stderr" | "fd@2" => return Some(Destination::Stderr),
        _ => {}
    }
    if let Some(path) = text.strip_prefix("unix@").or(text.starts_with('/').then_some(text)) {
        return Some(Destination::Unix(PathBuf::from(path)));
    }
    if let Some(name) = text.strip_prefix("ring@") {
        return Some(Destination::Ring(name.to_owned()));
    }
    if let Some(number) = text.strip_prefix("fd@") {
        let parsed = value::number(number, 0, 1_000_000).map_err(|_| format!("'{text}' names no descriptor"));
        return context.value(word, parsed).map(|number| Destination::Descriptor(number.value as i32));
    }
    if let Some(path) = text.strip_prefix("uxst@") {
        return Some(Destination::Stream(Endpoint::Unix(PathBuf::from(path))));
    }
    if let Some(name) = text.strip_prefix("backend@") {
        return Some(Destination::Backend(name.to_owned()));
    }
    if text.starts_with("abns") {
        let why = "a log goes to stdout, stderr, fd@, a Unix socket, UDP, tcp@, ring@ or backend@";
        context.refuse(word.span, &format!("the log destination '{text}'"), why);
        return None;
    }
    let prefix = |list: [&'static str; 3]| list.into_iter().find_map(|prefix| text.strip_prefix(prefix));
    if let Some(rest) = prefix(["tcp@", "tcp4@", "tcp6@"]) {
        return endpoint(rest, word, context).map(|address| Destination::Stream(Endpoint::Tcp(address)));
    }
    let rest = prefix(["udp@", "udp4@", "udp6@"]).unwrap_or(text);
    endpoint(rest, word, context).map(Destination::Udp)
}

/// An address and a port, 514 if none is written.
pub fn endpoint(text: &str, word: &Word, context: &Context<'_>) -> Option<SocketAddr> {
    let (host, ports) = context.address(word, text)?;
    let port = match ports {
        Ports::None => 514,
        Ports::Range(first, last) if first == last => first,
        _ => {
            context.error("E-VALUE", word.span, format!("'{text}' is not one port"));
            return None;
        }
    };
    if host == Host::Any {
        return Some(SocketAddr::from(([127, 0, 0, 1], port)));
    }
    context.resolve(&host, port, word)
}
