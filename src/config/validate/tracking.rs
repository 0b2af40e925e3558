//! What moves the priority: the proxy's own health, without being asked, and what the operator names.

use std::time::Duration;

use crate::config::draft::{self, Target};
use crate::diag::{Diagnostic, Span};
use crate::model::proxy::Backend;
use crate::model::track::{Object, Rule, Script, Tracked, Weight};

use super::election;
use super::frontends::Resolved as Frontend;
use super::instances::Resolved as Instance;
use super::{Context, binds, count, nodes, or, size};

/// The list of objects, and the rules of every instance.
pub fn resolve(
    context: &Context<'_>,
    instances: &mut [Instance<'_>],
    frontends: &[Frontend],
    backends: &[Backend],
) -> Vec<Tracked> {
    let mut objects = Objects(Vec::new());
    for (number, instance) in instances.iter_mut().enumerate() {
        let mut rules =
            vec![Rule { object: objects.number("workers".to_owned(), Object::Workers), weight: Weight::Fault }];
        let mut degrading = Vec::new();
        for (index, frontend) in frontends.iter().enumerate() {
            let mine = listeners(frontend, number, instance);
            for bind in &mine {
                let Some(address) = frontend.model.binds.get(*bind).map(|bind| &bind.endpoint) else { continue };
                let name = format!("bind {} {address}", frontend.model.name);
                let object = objects.number(name, Object::Bind { frontend: index, bind: *bind });
                rules.push(Rule { object, weight: Weight::Fault });
            }
            if let (false, Some(backend)) = (mine.is_empty(), frontend.model.default_backend) {
                degrading.push(backend);
            }
        }
        let mut trackers = Vec::new();
        for track in &instance.draft.track {
            let Some((name, object, span)) = object(context, track, backends) else { continue };
            let weight = track.weight.map_or(default_weight(&object), |weight| weight.value);
            if let Object::Backend { backend, .. } = object {
                // The operator's word about a backend takes the place of the default.
                degrading.retain(|other| *other != backend);
            }
            let object = objects.number(name.clone(), object);
            let place = track.weight.map_or(span, |weight| weight.span);
            trackers.push(election::Tracker { name, rule: Rule { object, weight }, span: place });
            if rules.iter().any(|rule| rule.object == object) {
                context.error("E-DUPLICATE", span, "this is tracked twice by the same virtual router", "remove one");
            }
            rules.push(Rule { object, weight });
        }
        degrading.dedup();
        for backend in degrading {
            let Some(name) = backends.get(backend).map(|backend| format!("backend {}", backend.name)) else { continue };
            let object = objects.number(name, Object::Backend { backend, min_up: 1 });
            if !rules.iter().any(|rule| rule.object == object) {
                rules.push(Rule { object, weight: Weight::Degrade });
            }
        }
        instance.model.track = rules;
        election::check(context, instance, &trackers);
    }
    unused_scripts(context);
    objects.0
}

struct Objects(Vec<Tracked>);

impl Objects {
    fn number(&mut self, name: String, object: Object) -> usize {
        match self.0.iter().position(|tracked| tracked.object == object) {
            Some(number) => number,
            None => {
                self.0.push(Tracked { name, object });
                self.0.len() - 1
            }
        }
    }
}

/// The binds of a frontend through which clients of this instance come.
fn listeners(frontend: &Frontend, number: usize, instance: &Instance<'_>) -> Vec<usize> {
    let is_mine = |bind: &crate::model::proxy::Bind| match bind.instance {
        Some(owner) => owner == number,
        None => {
            let Some(ip) = bind.endpoint.tcp().map(|address| address.ip()) else { return false };
            ip.is_unspecified() && instance.model.addresses.iter().any(|vip| binds::covers(ip, vip.address))
        }
    };
    let binds = frontend.model.binds.iter().enumerate();
    binds.filter_map(|(index, bind)| is_mine(bind).then_some(index)).collect()
}

/// A backend is for both nodes alike, so it only degrades; the rest is this node's own fault.
fn default_weight(object: &Object) -> Weight {
    match object {
        Object::Backend { .. } => Weight::Degrade,
        _ => Weight::Fault,
    }
}

fn object(context: &Context<'_>, track: &draft::Track, backends: &[Backend]) -> Option<(String, Object, Span)> {
    let [target] = track.targets.as_slice() else {
        let message = match track.targets.first() {
            Some(_) => "one entry of `track` names one object",
            None => "this entry of `track` names no object",
        };
        let span = track.targets.get(1).map_or(track.span, |second| second.span);
        let hint = "write one of interface, script, file, process, backend, server in each entry";
        context.error("E-TRACK", span, message, hint);
        return None;
    };
    let span = target.span;
    let is_backend = matches!(target.value, Target::Backend(_));
    if let Some(min_up) = track.min_up.filter(|_| !is_backend) {
        context.error("E-TRACK", min_up.span, "`min_up` belongs to a backend", "remove it");
    }
    let names = || backends.iter().map(|backend| backend.name.as_str());
    let (name, object) = match &target.value {
        Target::Interface(name) => {
            nodes::interface(context, name, span);
            (format!("interface {name}"), Object::Interface(name.clone()))
        }
        Target::File(path) => (format!("file {}", path.display()), Object::File(path.clone())),
        Target::Process(name) => {
            if name.is_empty() || name.len() > 15 || name.contains('/') {
                let message = "the kernel knows a process by 1-15 bytes of its name, without a path";
                context.error("E-RANGE", span, message, "see `ps -o comm`");
            }
            (format!("process {name}"), Object::Process(name.clone()))
        }
        Target::Script(name) => {
            let scripts = context.draft.scripts.iter().map(|script| script.name.value.as_str());
            let number = context.find("script", name, span, scripts)?;
            (format!("script {name}"), Object::Script(script(context, context.draft.scripts.get(number)?)?))
        }
        Target::Backend(name) => {
            let backend = context.find("backend", name, span, names())?;
            let min_up = track.min_up.map_or(1, |min_up| size(min_up.value));
            let servers = backends.get(backend).map_or(0, |backend| backend.servers.len());
            if let Some(written) = track.min_up.filter(|_| min_up > servers && servers > 0) {
                let message = format!("`{name}` never has {min_up} usable servers: it has {servers} in all");
                context.error("E-RANGE", written.span, message, format!("write {servers} or less"));
            }
            let suffix = if min_up > 1 { format!(" min_up {min_up}") } else { String::new() };
            (format!("backend {name}{suffix}"), Object::Backend { backend, min_up })
        }
        Target::Server { backend, server } => {
            let number = context.find("backend", backend, span, names())?;
            let servers = &backends.get(number)?.servers;
            let index = context.find("server", server, span, servers.iter().map(|server| server.name.as_str()))?;
            (format!("server {backend}/{server}"), Object::Server { backend: number, server: index })
        }
    };
    Some((name, object, span))
}

fn script(context: &Context<'_>, draft: &draft::Script) -> Option<Script> {
    let command = draft.command.as_ref()?;
    let is_absolute = command.first().is_some_and(|program| program.starts_with('/'));
    if !is_absolute || command.iter().any(|word| word.contains('\0')) {
        let hint = "write `/usr/bin/env PROGRAM` or the full path; no shell is used";
        context.error("E-VALUE", command.span, "a command begins with the absolute path of its program", hint);
        return None;
    }
    let interval = or(&draft.interval, Duration::from_secs(1));
    Some(Script {
        command: command.value.clone(),
        interval,
        timeout: or(&draft.timeout, interval),
        rise: count(&draft.rise, 1),
        fall: count(&draft.fall, 1),
    })
}

fn unused_scripts(context: &Context<'_>) {
    let targets =
        || context.draft.instances.iter().flat_map(|instance| &instance.track).flat_map(|track| &track.targets);
    for draft in &context.draft.scripts {
        if !targets().any(|target| matches!(&target.value, Target::Script(name) if *name == draft.name.value)) {
            let _ = script(context, draft);
            let message = format!("no virtual router tracks script `{}`", draft.name.value);
            let hint = format!("add `track: [{{script: {}}}]` to a virtual router", draft.name.value);
            context.problems.push(Diagnostic::warning("W-SCRIPT-UNUSED", draft.name.span, message).hint(hint));
        }
    }
}
