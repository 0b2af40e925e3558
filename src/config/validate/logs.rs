//! Targets of logs: what `global` stands for, forms that nobody wrote, rings by name.

use crate::config::draft::{Log, LogTarget};
use crate::diag::{Diagnostic, Spanned};
use crate::model::log::{Destination, Form, Logs, ProcessLogs, Ring, Target};
use crate::model::proxy::Mode;
use crate::model::relay::Relay;

use super::{Context, backends, rules};

/// The logs of the process.
pub fn process(context: &Context<'_>, relays: Vec<Relay>) -> ProcessLogs {
    let log = &context.draft.log;
    rings(context);
    ProcessLogs {
        targets: global(context),
        tag: log.tag.as_ref().map(|tag| tag.value.clone()).or(log.usual_tag.map(str::to_owned)),
        hostname: log.hostname.clone(),
        rings: log.rings.iter().map(|ring| ring.value.clone()).collect(),
        relays,
    }
}

/// The log of a proxy.
pub fn proxy(context: &Context<'_>, log: &Log) -> Logs {
    let mut targets = if log.is_global { global(context) } else { Vec::new() };
    targets.extend(resolve(context, &log.targets));
    Logs { targets, tag: log.tag.as_ref().map(|tag| tag.value.clone()), relaying: None }
}

/// Where a relay's messages go. What names no form keeps the one that a message came in.
pub fn relayed(context: &Context<'_>, log: &Log) -> Vec<Target> {
    let global = context.draft.log.targets.as_deref().filter(|_| log.is_global).unwrap_or_default();
    let written: Vec<LogTarget> = global.iter().chain(&log.targets).cloned().collect();
    let is_kept = |target: &LogTarget| !target.has_form && !matches!(target.target.destination, Destination::Ring(_));
    let named = |target: LogTarget| match is_kept(&target) {
        true => LogTarget { target: Target { form: Form::Received, ..target.target }, has_form: true, ..target },
        false => target,
    };
    resolve(context, &written.into_iter().map(named).collect::<Vec<_>>()).collect()
}

fn global(context: &Context<'_>) -> Vec<Target> {
    match &context.draft.log.targets {
        Some(written) => resolve(context, written).collect(),
        None => vec![Target { only_traffic: true, ..Target::new(Destination::Stdout, Form::Raw) }],
    }
}

fn resolve(context: &Context<'_>, targets: &[LogTarget]) -> impl Iterator<Item = Target> {
    targets.iter().filter_map(|written| {
        let mut target = written.target.clone();
        let ring = match &target.destination {
            Destination::Ring(name) => Some(ring(context, written, name)?),
            Destination::Backend(name) => {
                backend(context, written, name)?;
                None
            }
            _ => None,
        };
        if let Some(profile) = &target.profile {
            context.find("log profile", profile, written.span, rules::log_profiles(context.draft))?;
        }
        if !written.has_form {
            // As HAProxy: whoever wants the host gets the form that has it.
            let has_host = context.draft.log.hostname.is_some();
            let common = if has_host { Form::Rfc3164 } else { Form::Local };
            target.form = ring.map_or(common, |ring| ring.form.unwrap_or(Form::Raw));
        }
        if let Some(ring) = ring {
            target.length = target.length.min(ring.line_length);
        }
        Some(target)
    })
}

/// The backend that a target names exists and takes messages.
fn backend(context: &Context<'_>, written: &LogTarget, name: &str) -> Option<()> {
    let backends = &context.draft.backends;
    let number = context.find("backend", name, written.span, backends.iter().map(|one| one.name.value.as_str()))?;
    let backend = backends.get(number)?;
    if backends::mode(context, backend) == Mode::Log {
        return Some(());
    }
    let problem = Diagnostic::error("E-MODE", written.span, format!("uses incompatible log backend '{name}'"));
    let place = backend.mode.map_or(backend.name.span, |mode| mode.span);
    context.problems.push(problem.label(place, "its mode").hint("give the backend `mode log`"));
    None
}

fn ring<'a>(context: &Context<'a>, written: &LogTarget, name: &str) -> Option<&'a Ring> {
    let rings = &context.draft.log.rings;
    let names = rings.iter().map(|ring| ring.value.name.as_str());
    let number = context.find("ring", name, written.span, names)?;
    rings.get(number).map(|ring| &ring.value)
}

/// Names are given once.
fn rings(context: &Context<'_>) {
    let rings = &context.draft.log.rings;
    for (number, ring) in rings.iter().enumerate() {
        if let Some(first) = rings.iter().take(number).find(|first| first.value.name == ring.value.name) {
            let message = format!("ring `{}` is given twice", ring.value.name);
            let problem = Diagnostic::error("E-DUPLICATE", ring.span, message);
            context.problems.push(problem.label(first.span, "first given here"));
        }
        let is_same = |first: &&Spanned<Ring>| first.value.file.is_some() && first.value.file == ring.value.file;
        if let Some(first) = rings.iter().take(number).find(is_same) {
            let message = format!("ring `{}` has the file of another one", ring.value.name);
            let problem = Diagnostic::error("E-DUPLICATE", ring.span, message);
            context.problems.push(problem.label(first.span, "this one").hint("give each its own"));
        }
    }
}
