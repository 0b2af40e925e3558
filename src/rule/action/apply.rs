//! Actions at work.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::http::{FieldLine, Message, blank_controls, reason_phrase};

use super::super::asking;
use super::super::bandwidth;
use super::super::converter::may_set;
use super::super::expression::Expression;
use super::super::fetch::Cursor;
use super::super::format::Format;
use super::super::pattern::Regex;
use super::super::sample::{Sample, Text};
use super::super::stage::Stage;
use super::super::transaction::{Captures, Transaction};
use super::super::variable::Stored;
use super::bulk;
use super::counter;
use super::target;
use super::{Action, Knob, NameMatch, Part, PatternChange, Time, Timeout, Value, Verdict, Wait};

/// Room for texts on their way into a message; kept from one rule to the next.
#[derive(Debug, Default)]
pub struct Scratch {
    value: Vec<u8>,
    other: Vec<u8>,
}

/// Does what an action says. `None` goes on with the next rule.
pub(super) fn apply<'r>(
    action: &'r Action,
    transaction: &mut Transaction<'_>,
    is_strict: &mut bool,
) -> Option<Verdict<'r>> {
    match action {
        Action::Allow => return Some(Verdict::Continue),
        Action::Deny(reply) => return Some(Verdict::Deny(reply)),
        Action::Tarpit(reply) => return Some(Verdict::Tarpit(reply)),
        Action::Return(reply) => return Some(Verdict::Return(reply)),
        Action::Auth(realm) => return Some(Verdict::Auth(realm)),
        Action::Reject => return Some(Verdict::Reject),
        Action::Close => return Some(Verdict::Close),
        Action::SilentDrop { hops } => return Some(Verdict::SilentDrop { hops: *hops }),
        Action::SwitchToHttp => return Some(Verdict::SwitchToHttp),
        Action::UseExporter => return Some(Verdict::UseExporter),
        Action::WaitForHandshake => return Some(Verdict::Wait(Wait::Handshake)),
        Action::DoLog { .. } => return Some(Verdict::Wait(Wait::Line)),
        Action::WaitForBody { time, at_least } => {
            let data =
                if transaction.stage.is_response() { transaction.response_data } else { transaction.request_data };
            let is_there = data.is_final || *at_least > 0 && data.bytes.len() >= *at_least;
            return (!is_there).then_some(Verdict::Wait(Wait::Body { time: *time, at_least: *at_least }));
        }
        Action::Track { counter, key, table } => {
            let is_done = counter::track(*counter, key, table, transaction);
            return (!is_done).then_some(Verdict::Wait(Wait::Data));
        }
        Action::Capture { value, .. } if transaction.may_wait() => {
            let mut cursor = Cursor::default();
            let _ = value.next(transaction, &mut cursor);
            if cursor.may_change && !transaction.own_data().is_final {
                return Some(Verdict::Wait(Wait::Data));
            }
        }
        Action::CountUp { .. } | Action::SetTag { .. } => {
            counter::change(action, transaction);
            return None;
        }
        Action::LimitBandwidth(setting) => {
            bandwidth::set(setting, transaction);
            return None;
        }
        Action::Resolve(asking) => return asking::ask(asking, transaction).then_some(Verdict::Wait(Wait::Name)),
        Action::Pause(time) => return time_of(time, transaction).map(|time| Verdict::Wait(Wait::Pause(time))),
        Action::ExpectProxyHeader => transaction.effects.expects_header = true,
        Action::StrictMode { is_on } => *is_strict = *is_on,
        Action::AddHeader { line, value } => {
            let result =
                write_field(line, value.as_ref(), transaction, |message, line, value| message.add_line(line, value));
            return verdict_of(result, transaction, *is_strict);
        }
        Action::SetHeader { line, value } => {
            let result =
                write_field(line, value.as_ref(), transaction, |message, line, value| message.set_line(line, value));
            return verdict_of(result, transaction, *is_strict);
        }
        Action::WriteHeaders(lines) => {
            let result = with_message(transaction, |message| {
                message.add_lines(lines);
                true
            });
            return verdict_of(result, transaction, *is_strict);
        }
        Action::DeleteHeader(which) => {
            let result = with_message(transaction, |message| {
                delete_fields(which, message);
                true
            });
            return verdict_of(result, transaction, *is_strict);
        }
        _ => {}
    }
    let mut scratch = std::mem::take(&mut transaction.effects.scratch);
    scratch.value.clear();
    scratch.other.clear();
    let result = match action {
        Action::Redirect(redirect) if redirect.is_void(transaction, &mut scratch.value) => Ok(()),
        Action::Redirect(redirect) => {
            transaction.effects.scratch = scratch;
            return Some(Verdict::Redirect(redirect));
        }
        other => change(other, transaction, &mut scratch),
    };
    transaction.effects.scratch = scratch;
    verdict_of(result, transaction, *is_strict)
}

/// Why a message was not changed.
enum Refusal {
    Client,
    Rewrite,
}

/// What becomes of the message after an attempt to change it.
fn verdict_of<'r>(result: Result<(), Refusal>, transaction: &Transaction<'_>, is_strict: bool) -> Option<Verdict<'r>> {
    match result {
        // A request that cannot be normalized is the client's fault.
        Err(Refusal::Client) => Some(Verdict::Failed { status: 400 }),
        Err(Refusal::Rewrite) if is_strict => {
            Some(Verdict::Failed { status: if transaction.stage.is_response() { 502 } else { 500 } })
        }
        Err(Refusal::Rewrite) | Ok(()) => None,
    }
}

/// Writes a field with its value, which the line has if there is no format. Most rules do this, and want no room for texts.
fn write_field(
    line: &FieldLine,
    format: Option<&Format>,
    transaction: &mut Transaction<'_>,
    write: impl FnOnce(&mut Message<'_>, &FieldLine, &[u8]) -> bool,
) -> Result<(), Refusal> {
    let Some(format) = format else { return with_message(transaction, |message| write(message, line, b"")) };
    let mut value = std::mem::take(&mut transaction.effects.scratch.value);
    value.clear();
    format.render(transaction, &mut value);
    let result = with_message(transaction, |message| write(message, line, &value));
    transaction.effects.scratch.value = value;
    result
}

fn delete_fields(which: &NameMatch, message: &mut Message<'_>) {
    match which {
        NameMatch::Is(name) => message.remove_named(name),
        NameMatch::Matches(patterns) => {
            message.remove(|other, _| patterns.matches(&Sample::str(other)));
        }
    }
}

/// Changes the message, a variable, a set of patterns or the effects.
fn change(action: &Action, transaction: &mut Transaction<'_>, scratch: &mut Scratch) -> Result<(), Refusal> {
    let Scratch { value, other } = scratch;
    match action {
        Action::ChangeFields { what, list, prefix } => {
            let Some(list) = list.value(transaction).and_then(bulk::list) else { return Ok(()) };
            with_message(transaction, |message| bulk::apply(message, what, prefix, &list))
        }
        Action::ReplaceHeader { name, regex, value: format, each_value } => {
            format.render(transaction, value);
            with_message(transaction, |message| {
                replace_fields(message, name, regex, value, *each_value, other);
                true
            })
        }
        Action::SetMethod(format) => {
            format.render(transaction, value);
            with_message(transaction, |message| message.set_method(value))
        }
        Action::SetTarget { part, value: format } => {
            format.render(transaction, value);
            with_message(transaction, |message| target::set(message, *part, value, other))
        }
        Action::ReplaceTarget { part, regex, value: format } => {
            format.render(transaction, value);
            with_message(transaction, |message| replace_target(message, *part, regex, value, other))
        }
        Action::Normalize(normalizer) => {
            let Some(message) = &mut transaction.request else { return Err(Refusal::Rewrite) };
            let Some((start, end)) = target::find(message.target(), Part::PathAndQuery) else { return Ok(()) };
            let normal = normalizer.apply(&message.target()[start..end]).ok_or(Refusal::Client)?;
            let is_set = target::set(message, Part::PathAndQuery, &normal, other);
            if is_set { Ok(()) } else { Err(Refusal::Rewrite) }
        }
        Action::SetStatus { status, reason } => with_message(transaction, |message| {
            message.set_status(*status, reason.as_deref().unwrap_or_else(|| reason_phrase(*status).as_bytes()));
            true
        }),
        Action::EarlyHint { name, value: format } => {
            format.render(transaction, value);
            let hints = &mut transaction.effects.early_hints;
            hints.extend_from_slice(name);
            hints.extend_from_slice(b": ");
            blank_controls(value);
            hints.extend_from_slice(value);
            hints.extend_from_slice(b"\r\n");
            Ok(())
        }
        Action::ChangePatterns { file, key, change } => {
            key.render(transaction, value);
            if let PatternChange::Set(format) = change {
                format.render(transaction, other);
            }
            for set in transaction.patterns.named(file) {
                match change {
                    PatternChange::Delete => drop(set.remove(value)),
                    PatternChange::Set(_) if set.set(value, other) == 0 => drop(set.add(value, Some(other))),
                    PatternChange::Set(_) => {}
                    PatternChange::Add if set.has(value) => {}
                    PatternChange::Add => drop(set.add(value, None)),
                }
            }
            Ok(())
        }
        Action::SetVariableFormat { name, conditions, value: format } => {
            format.render(transaction, value);
            let sample = Sample::Str(Text::Borrowed(value));
            if may_set(transaction, name, conditions, &sample) {
                transaction.variables.store(name, Some(Stored::of(&sample)));
            }
            Ok(())
        }
        Action::SetVariable { name, conditions, value: expression } => {
            if let Some(sample) = expression.value(transaction)
                && may_set(transaction, name, conditions, &sample)
            {
                transaction.variables.store(name, Some(Stored::of(&sample)));
            }
            Ok(())
        }
        other => {
            set_effect(other, transaction);
            Ok(())
        }
    }
}

/// What is left in the effects, in variables or in captures.
fn set_effect(action: &Action, transaction: &mut Transaction<'_>) {
    match action {
        Action::UnsetVariable(name) => transaction.variables.store(name, None),
        Action::Capture { is_response, slot, value } => {
            let captures = transaction.captures;
            let slots = if *is_response { &captures.response } else { &captures.request };
            if let Some(sample) = value.value(transaction) {
                Captures::store(slots, *slot, &sample.text());
            }
        }
        Action::SetLogLevel(level) => transaction.effects.log_level = Some(*level),
        Action::DisableRetry => transaction.effects.forbids_retry = true,
        Action::SetKnob { knob, value } => {
            if let Some(value) = number_of(value, transaction) {
                set_knob(*knob, value, transaction);
            }
        }
        Action::SetSource(expression) => {
            if let Some(address) = address_of(expression, transaction) {
                let port = transaction.source().map_or(0, |end| end.port());
                set_source(transaction, SocketAddr::new(address, port));
            }
        }
        Action::SetDestination(expression) => {
            if let Some(address) = address_of(expression, transaction) {
                let port = transaction.destination().map_or(0, |end| end.port());
                set_destination(transaction, SocketAddr::new(address, port));
            }
        }
        Action::SetTimeout { timeout, value } => {
            let Some(time) = time_of(value, transaction) else { return };
            let effects = &mut *transaction.effects;
            *match timeout {
                Timeout::Client => &mut effects.client_timeout,
                Timeout::Server => &mut effects.server_timeout,
                Timeout::Connect => &mut effects.connect_timeout,
                Timeout::Queue => &mut effects.queue_timeout,
                Timeout::Tarpit => &mut effects.tarpit_timeout,
                Timeout::Tunnel => &mut effects.tunnel_timeout,
            } = Some(time);
        }
        _ => {}
    }
}

fn with_message(transaction: &mut Transaction<'_>, edit: impl FnOnce(&mut Message<'_>) -> bool) -> Result<(), Refusal> {
    let is_response = transaction.stage.is_response();
    let message = if is_response { &mut transaction.response } else { &mut transaction.request };
    match message.as_mut().map(edit) {
        Some(true) => Ok(()),
        Some(false) | None => Err(Refusal::Rewrite),
    }
}

/// Replaces the path, path and query, or all of the target by the expanded value, if it matches.
fn replace_target(message: &mut Message<'_>, part: Part, regex: &Regex, value: &[u8], scratch: &mut Vec<u8>) -> bool {
    let target = message.target();
    let Some((start, end)) = target::find(target, part) else { return true };
    let mut replaced = Vec::new();
    if !regex.substitute(&target[start..end], value, &mut replaced) {
        return true;
    }
    target::set(message, part, &replaced, scratch)
}

fn replace_fields(
    message: &mut Message<'_>,
    name: &[u8],
    regex: &Regex,
    value: &[u8],
    each_value: bool,
    scratch: &mut Vec<u8>,
) {
    for at in 0..message.len() {
        let Some(field) = message.field(at).filter(|field| field.is(name)) else { continue };
        scratch.clear();
        let is_changed = if each_value {
            replace_values(scratch, field.value, regex, value)
        } else {
            regex.substitute(field.value, value, scratch)
        };
        if is_changed {
            message.replace(at, scratch);
        }
    }
}

/// Each value between commas that matches is replaced by the expanded one; the others keep their white space.
fn replace_values(out: &mut Vec<u8>, line: &[u8], regex: &Regex, value: &[u8]) -> bool {
    let mut is_changed = false;
    for (at, part) in line.split(|byte| *byte == b',').enumerate() {
        if at > 0 {
            out.push(b',');
        }
        if regex.substitute(part.trim_ascii(), value, out) {
            is_changed = true;
        } else {
            out.extend_from_slice(part);
        }
    }
    is_changed
}

pub(in crate::rule) fn number_of(value: &Value, transaction: &Transaction<'_>) -> Option<i64> {
    match value {
        Value::Fixed(number) => Some(*number),
        Value::Computed(expression) => expression.value(transaction)?.to_int(),
    }
}

pub(in crate::rule) fn time_of(time: &Time, transaction: &Transaction<'_>) -> Option<Duration> {
    match time {
        Time::Fixed(time) => Some(*time),
        Time::Computed(expression) => {
            u64::try_from(expression.value(transaction)?.to_int()?).ok().map(Duration::from_millis)
        }
    }
}

fn address_of(expression: &Expression, transaction: &Transaction<'_>) -> Option<IpAddr> {
    expression.value(transaction)?.to_address()
}

/// Before there is a stream, it is the session's.
fn is_of_session(transaction: &Transaction<'_>) -> bool {
    matches!(transaction.stage, Stage::TcpConnection | Stage::TcpSession)
}

fn set_source(transaction: &mut Transaction<'_>, to: SocketAddr) {
    let is_of_session = is_of_session(transaction);
    let effects = &mut *transaction.effects;
    *if is_of_session { &mut effects.session_source } else { &mut effects.source } = Some(to);
}

fn set_destination(transaction: &mut Transaction<'_>, to: SocketAddr) {
    let is_of_session = is_of_session(transaction);
    let effects = &mut *transaction.effects;
    *if is_of_session { &mut effects.session_destination } else { &mut effects.destination } = Some(to);
}

fn set_knob(knob: Knob, value: i64, transaction: &mut Transaction<'_>) {
    let nowhere = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
    let (source, destination) = (transaction.source(), transaction.destination());
    let effects = &mut *transaction.effects;
    // Computed numbers are held to the range that written ones have.
    match knob {
        Knob::ClientTos => effects.client_tos = Some(value.clamp(0, 255) as u8),
        Knob::ServerTos => effects.server_tos = Some(value.clamp(0, 255) as u8),
        Knob::ClientMark => effects.client_mark = Some(value as u32),
        Knob::ServerMark => effects.server_mark = Some(value as u32),
        Knob::Nice => effects.nice = Some(value.clamp(-1024, 1024) as i16),
        Knob::PriorityClass => effects.priority_class = Some(value.clamp(-2047, 2047) as i32),
        Knob::PriorityOffset => effects.priority_offset = Some(value.clamp(-524_287, 524_287) as i32),
        Knob::Retries => effects.retries = Some(value.clamp(0, i64::from(u16::MAX)) as u32),
        Knob::SourcePort => {
            let mut end = source.unwrap_or(nowhere);
            end.set_port(value.clamp(0, 65_535) as u16);
            set_source(transaction, end);
        }
        Knob::DestinationPort => {
            let mut end = destination.unwrap_or(nowhere);
            end.set_port(value.clamp(0, 65_535) as u16);
            set_destination(transaction, end);
        }
    }
}

/// Appends the field that asks for a password for the realm, and says the status of the response that has it.
pub fn write_challenge(realm: &Format, transaction: &Transaction<'_>, head: &mut Vec<u8>) -> u16 {
    let (status, name): (u16, &[u8]) = match transaction.effects.is_proxied {
        true => (407, b"proxy-authenticate"),
        false => (401, b"www-authenticate"),
    };
    head.extend_from_slice(name);
    head.extend_from_slice(b": Basic realm=\"");
    let start = head.len();
    realm.render(transaction, head);
    if head.len() == start {
        let frontend = transaction.facts.words(super::super::facts::Words::Frontend);
        head.extend_from_slice(frontend.unwrap_or_default());
    }
    blank_controls(&mut head[start..]);
    head[start..].iter_mut().filter(|byte| **byte == b'"').for_each(|byte| *byte = b' ');
    head.extend_from_slice(b"\"\r\n");
    status
}
