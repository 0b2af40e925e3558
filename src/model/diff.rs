//! What changes between two models, at the grain at which a reload acts.
//!
//! Entries are paired by name. One that differs only in the numbers by which it refers to others (a backend that moved
//! down the list) is [`Change::Same`] to a reload. `apply(a, &diff(a, b)) == b` for any two models.

use std::collections::{BTreeSet, HashMap};

use super::naming::Resolvers;
use super::proxy::{Backend, Bind, Frontend, Server, Template};
use super::rules::{Material, are_alike};
use super::track::{Object, Tracked};
use super::vrrp::{Instance, SyncGroup};
use super::{Endpoint, Model, Node, Process};

/// Everything that a reload needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diff {
    /// Virtual routers, in the new order.
    pub instances: List<Instance>,
    /// Frontends, in the new order.
    pub frontends: List<Frontend>,
    /// Backends, in the new order.
    pub backends: List<Backend>,
    /// Listening addresses that come, as (frontend, address).
    pub binds_added: Vec<(String, Endpoint)>,
    /// Listening addresses that go.
    pub binds_removed: Vec<(String, Endpoint)>,
    /// Servers that come, as (backend, server).
    pub servers_added: Vec<(String, String)>,
    /// Servers that go.
    pub servers_removed: Vec<(String, String)>,
    /// Servers with another address, weight or limit.
    pub servers_changed: Vec<(String, String)>,
    /// The new list of tracked objects, if it differs.
    pub objects: Option<Vec<Tracked>>,
    /// The new sync groups, if they differ.
    pub sync_groups: Option<Vec<SyncGroup>>,
    /// The new process settings, if they differ.
    pub process: Option<Process>,
    /// What rules share, if it differs.
    pub rules: Option<Material>,
    /// What backends that come at run time begin with, if it differs.
    pub templates: Option<Vec<Template>>,
    /// The name servers, if they differ.
    pub resolvers: Option<Vec<Resolvers>>,
    /// This node's name and all nodes, if they differ.
    pub nodes: Option<(String, Vec<Node>)>,
}

/// Named things before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<T> {
    /// One for each thing of the new model, in its order.
    pub items: Vec<Change<T>>,
    /// Numbers in the old model of things that go.
    pub removed: Vec<usize>,
}

/// What became of a thing. `from` is its number in the old model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change<T> {
    /// It goes on as it is; `to` is there if the numbers by which it refers to others moved.
    Same {
        /// Old number.
        from: usize,
        /// The same thing with new numbers.
        to: Option<T>,
    },
    /// It goes on with other settings.
    Changed {
        /// Old number.
        from: usize,
        /// New settings.
        to: T,
    },
    /// It ends and begins anew: of a virtual router, the interface, identifier, family or version changed.
    Recreated {
        /// Old number.
        from: usize,
        /// New settings.
        to: T,
    },
    /// It is new.
    Added(T),
}

impl Diff {
    /// Whether a reload has nothing to do.
    pub fn is_empty(&self) -> bool {
        self.instances.is_same()
            && self.frontends.is_same()
            && self.backends.is_same()
            && self.objects.is_none()
            && self.sync_groups.is_none()
            && self.process.is_none()
            && self.rules.is_none()
            && self.templates.is_none()
            && self.resolvers.is_none()
            && self.nodes.is_none()
    }
}

impl<T> List<T> {
    /// Whether everything goes on as it is, in the same order.
    pub fn is_same(&self) -> bool {
        let stays =
            |(number, item): (usize, &Change<T>)| matches!(item, Change::Same { from, to: None } if *from == number);
        self.removed.is_empty() && self.items.iter().enumerate().all(stays)
    }
}

/// What must change to make `b` of `a`.
pub fn diff(a: &Model, b: &Model) -> Diff {
    let (binds_a, binds_b) = (binds(a), binds(b));
    let (servers_a, servers_b) = (servers(a), servers(b));
    // A number that was not written is a place in the list.
    let plain = |server: &Server| {
        let mut server = server.clone();
        server.options.id = 0;
        server
    };
    let differing = |(key, server): (&(String, String), &&Server)| {
        servers_a.get(key).is_some_and(|before| plain(before) != plain(server)).then(|| key.clone())
    };
    Diff {
        instances: list(&a.instances, &b.instances, |one| &one.name, |x, y| compare_instances(a, x, b, y)),
        frontends: list(&a.frontends, &b.frontends, |one| &one.name, |x, y| compare_frontends(a, x, b, y)),
        backends: list(&a.backends, &b.backends, |one| &one.name, compare_backends),
        binds_added: binds_b.difference(&binds_a).cloned().collect(),
        binds_removed: binds_a.difference(&binds_b).cloned().collect(),
        servers_added: sorted(servers_b.keys().filter(|key| !servers_a.contains_key(key)).cloned()),
        servers_removed: sorted(servers_a.keys().filter(|key| !servers_b.contains_key(key)).cloned()),
        servers_changed: sorted(servers_b.iter().filter_map(differing)),
        objects: (a.objects != b.objects).then(|| b.objects.clone()),
        sync_groups: (a.sync_groups != b.sync_groups).then(|| b.sync_groups.clone()),
        process: (a.process != b.process).then(|| b.process.clone()),
        rules: (a.rules != b.rules).then(|| b.rules.clone()),
        templates: (a.templates != b.templates).then(|| b.templates.clone()),
        resolvers: (a.resolvers != b.resolvers).then(|| b.resolvers.clone()),
        nodes: ((&a.node, &a.nodes) != (&b.node, &b.nodes)).then(|| (b.node.clone(), b.nodes.clone())),
    }
}

/// Carries out a difference.
pub fn apply(a: &Model, diff: &Diff) -> Model {
    let (node, nodes) = diff.nodes.clone().unwrap_or_else(|| (a.node.clone(), a.nodes.clone()));
    Model {
        node,
        nodes,
        instances: rebuild(&a.instances, &diff.instances),
        sync_groups: diff.sync_groups.clone().unwrap_or_else(|| a.sync_groups.clone()),
        objects: diff.objects.clone().unwrap_or_else(|| a.objects.clone()),
        frontends: rebuild(&a.frontends, &diff.frontends),
        backends: rebuild(&a.backends, &diff.backends),
        process: diff.process.clone().unwrap_or_else(|| a.process.clone()),
        templates: diff.templates.clone().unwrap_or_else(|| a.templates.clone()),
        resolvers: diff.resolvers.clone().unwrap_or_else(|| a.resolvers.clone()),
        rules: diff.rules.clone().unwrap_or_else(|| a.rules.clone()),
    }
}

enum Verdict {
    Same,
    Changed,
    Recreated,
}

fn list<T: Clone + PartialEq>(
    a: &[T],
    b: &[T],
    name: impl Fn(&T) -> &String,
    compare: impl Fn(&T, &T) -> Verdict,
) -> List<T> {
    let mut old: HashMap<&String, usize> = a.iter().enumerate().map(|(number, one)| (name(one), number)).collect();
    let mut items = Vec::new();
    for after in b {
        // Taken out, so that of two with one name (which `config` refuses) each has one partner at most.
        let pair = old.remove(name(after)).and_then(|from| Some((from, a.get(from)?)));
        items.push(match pair {
            None => Change::Added(after.clone()),
            Some((from, before)) if before == after => Change::Same { from, to: None },
            Some((from, before)) => match compare(before, after) {
                Verdict::Same => Change::Same { from, to: Some(after.clone()) },
                Verdict::Changed => Change::Changed { from, to: after.clone() },
                Verdict::Recreated => Change::Recreated { from, to: after.clone() },
            },
        });
    }
    let mut removed: Vec<usize> = old.into_values().collect();
    removed.sort_unstable();
    List { items, removed }
}

fn rebuild<T: Clone>(a: &[T], list: &List<T>) -> Vec<T> {
    let new = |item: &Change<T>| match item {
        Change::Same { from, to: None } => a.get(*from).cloned(),
        Change::Same { to: Some(to), .. } | Change::Changed { to, .. } | Change::Recreated { to, .. } => {
            Some(to.clone())
        }
        Change::Added(to) => Some(to.clone()),
    };
    list.items.iter().filter_map(new).collect()
}

/// Interface, identifier, family and version make a virtual router; the rest can change under it.
fn compare_instances(a: &Model, before: &Instance, b: &Model, after: &Instance) -> Verdict {
    let identity = |one: &Instance| (one.interface.clone(), one.vrid, one.family, one.version);
    if identity(before) != identity(after) {
        return Verdict::Recreated;
    }
    let rules = |model: &Model, one: &Instance| {
        let named = one.track.iter().map(|rule| (model.objects.get(rule.object).map(|o| what(model, o)), rule.weight));
        named.collect::<Vec<_>>()
    };
    let mut renumbered = before.clone();
    renumbered.track.clone_from(&after.track);
    if rules(a, before) == rules(b, after) && renumbered == *after { Verdict::Same } else { Verdict::Changed }
}

/// A tracked object without numbers: its name, and the settings of those that have some.
fn what(model: &Model, tracked: &Tracked) -> (String, Option<Object>) {
    let names =
        |frontend: usize| model.frontends.get(frontend).map(|frontend| frontend.name.clone()).unwrap_or_default();
    match &tracked.object {
        Object::Bind { frontend, .. } => (format!("{} {}", names(*frontend), tracked.name), None),
        Object::Backend { .. } | Object::Server { .. } => (tracked.name.clone(), None),
        other => (tracked.name.clone(), Some(other.clone())),
    }
}

fn compare_backends(before: &Backend, after: &Backend) -> Verdict {
    let mut moved = before.clone();
    moved.id = after.id;
    if are_alike(&before.rules, &after.rules) {
        moved.rules.clone_from(&after.rules);
    }
    if moved == *after { Verdict::Same } else { Verdict::Changed }
}

fn compare_frontends(a: &Model, before: &Frontend, b: &Model, after: &Frontend) -> Verdict {
    let backend = |model: &Model, one: &Frontend| {
        one.default_backend.map(|number| model.backends.get(number).map(|backend| backend.name.clone()))
    };
    let owner = |model: &Model, bind: &Bind| {
        bind.instance.map(|number| model.instances.get(number).map(|instance| instance.name.clone()))
    };
    let binds = |model: &Model, one: &Frontend| {
        one.binds
            .iter()
            .map(|bind| (bind.endpoint.clone(), owner(model, bind), bind.options.clone()))
            .collect::<Vec<_>>()
    };
    let mut renumbered = before.clone();
    if are_alike(&before.rules, &after.rules) {
        renumbered.rules.clone_from(&after.rules);
    }
    renumbered.default_backend = after.default_backend;
    renumbered.id = after.id;
    renumbered.binds.clone_from(&after.binds);
    let is_same = backend(a, before) == backend(b, after) && binds(a, before) == binds(b, after);
    if is_same && renumbered == *after { Verdict::Same } else { Verdict::Changed }
}

fn binds(model: &Model) -> BTreeSet<(String, Endpoint)> {
    let of = |frontend: &Frontend| {
        let name = frontend.name.clone();
        frontend.binds.iter().map(move |bind| (name.clone(), bind.endpoint.clone())).collect::<Vec<_>>()
    };
    model.frontends.iter().flat_map(of).collect()
}

fn servers(model: &Model) -> HashMap<(String, String), &Server> {
    let of = |backend: &'_ Backend| backend.name.clone();
    let each =
        model.backends.iter().flat_map(|backend| backend.servers.iter().map(move |server| (of(backend), server)));
    each.map(|(backend, server)| ((backend, server.name.clone()), server)).collect()
}

fn sorted(keys: impl Iterator<Item = (String, String)>) -> Vec<(String, String)> {
    keys.collect::<BTreeSet<_>>().into_iter().collect()
}
