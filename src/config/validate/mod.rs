//! From draft to model: names are resolved, defaults filled in, limits and contradictions found.
//!
//! Every syntax ends here, so every check exists once. A check that fails adds a diagnostic and lets the others go on;
//! the model counts only if no error was found. Start with [`validate`].

mod nodes;
mod backends;
mod check;
mod care;
mod instances;
mod limits;
mod collisions;
mod directory;
mod transport;
mod groups;
mod frontends;
mod binds;
mod tracking;
mod election;
mod rules;
mod error_pages;
mod log_mode;
mod logs;
mod relays;
mod tables;
mod naming;
pub mod numbers;
mod guids;

pub use naming::host_names;
pub use rules::RULE_OF_BOTH;

use std::path::PathBuf;
use std::time::Duration;

use crate::diag::{Diagnostic, Problems, Source, Span, Spanned, nearest};
use crate::model::identity::{Identity, SPOKEN};
use crate::model::naming::Families;
use crate::model::relay::Relay;
use crate::model::runtime::Runtime;
use crate::model::{Confinement, Model, Process, Rates};

use super::HostFacts;
use super::draft::{self, Draft};
use directory::Directory;

/// What every check sees.
struct Context<'a> {
    /// The texts, for the numbers of lines.
    sources: &'a [Source],
    draft: &'a Draft,
    directory: &'a Directory<'a>,
    host: &'a HostFacts,
    problems: &'a Problems,
    /// This node's entry; the first one if this node is not among them, so that the other checks can run; `None` if the
    /// file has no nodes.
    node: Option<&'a draft::Node>,
}

/// The model of this node. It counts only if no error was reported.
pub fn validate(draft: &Draft, sources: &[Source], host: &HostFacts, problems: &Problems) -> Model {
    let node = nodes::this(draft, host, problems);
    let context = Context { sources, draft, directory: &Directory::of(draft), host, problems, node };
    let shared = rules::Shared::new(host, draft);
    error_pages::check(&context, &shared);
    tables::check(&context);
    let nodes = nodes::resolve(&context);
    let backends = backends::resolve(&context, &shared);
    let templates = backends::templates(&context, &shared);
    let mut instances = instances::resolve(&context);
    let frontends = frontends::resolve(&context, &shared, &instances);
    let relays = relays::resolve(&context, &frontends, &instances);
    let globals = rules::globals(&context, &shared);
    let objects = tracking::resolve(&context, &mut instances, &frontends, &backends);
    let sync_groups = groups::resolve(&context, &instances);
    let mut model = Model {
        node: node.map_or_else(|| host.node.clone(), |node| node.name.value.clone()),
        nodes,
        instances: instances.into_iter().map(|instance| instance.model).collect(),
        sync_groups,
        objects,
        frontends: frontends.into_iter().map(|frontend| frontend.model).collect(),
        backends,
        templates,
        resolvers: naming::resolvers(&context),
        rules: shared.material(globals),
        process: process(&context, relays),
    };
    numbers::assign(&context, &mut model);
    guids::check(&context);
    model
}

/// Files that rules name and `host` does not have.
pub fn unread_files(draft: &Draft, sources: &[Source], host: &HostFacts) -> Vec<String> {
    let (problems, node) = (&Problems::default(), draft.nodes.first());
    let context = Context { sources, draft, directory: &Directory::of(draft), host, problems, node };
    let shared = rules::Shared::new(host, draft);
    error_pages::check(&context, &shared);
    for frontend in &draft.frontends {
        let place = rules::Place { home: &frontend.name.value, mode: rules::frontend_mode(frontend) };
        rules::resolve(&context, &shared, &frontend.rules, place);
    }
    for backend in draft.backends.iter().chain(&draft.templates) {
        let place = rules::Place { home: &backend.name.value, mode: backends::mode(&context, backend) };
        rules::resolve(&context, &shared, &backend.rules, place);
        backends::checks(&context, &shared, backend);
    }
    rules::globals(&context, &shared);
    let mut unread = shared.unread();
    unread.extend(naming::unread_files(&context));
    unread
}

fn process(context: &Context<'_>, relays: Vec<Relay>) -> Process {
    let draft = context.draft;
    Process {
        workers: draft.workers.map(|workers| size(workers.value)),
        maxconn: draft.maxconn.map(|maxconn| size(maxconn.value)),
        server_state_file: draft.server_state_file.as_ref().map(|file| file.value.clone()),
        stats_file: draft.stats_file.as_ref().map(|file| file.value.clone()),
        rates: Rates { connections: rate(draft.connection_rate), sessions: rate(draft.session_rate) },
        admin_socket: or(&draft.admin_socket, PathBuf::from("/run/vipgate/admin.sock")),
        confinement: Confinement {
            root: draft.confinement.root.as_ref().map(|root| root.value.clone()),
            user: draft.confinement.user.as_ref().map(|user| user.value.clone()),
            group: draft.confinement.group.as_ref().map(|group| group.value.clone()),
        },
        identity: identity(&draft.identity),
        runtime: runtime(&draft.runtime),
        log: logs::process(context, relays),
        families: draft.families.map_or(Families::default(), |families| families.value),
        drain: or(&draft.drain, Duration::from_secs(30)),
        external_checks: or(&draft.external_checks, false),
        preserves_environment: or(&draft.preserves_environment, false),
        checks_as_client: or(&draft.checks_as_client, false),
        shares_idle: or(&draft.shares_idle, true),
        spread_checks: draft.spread_checks.map_or(0, |spread| u8::try_from(spread.value).unwrap_or(50)),
    }
}

fn identity(draft: &draft::Identity) -> Identity {
    Identity {
        version: or(&draft.version, SPOKEN),
        node: draft.node.as_ref().map(|node| node.value.clone()),
        description: draft.description.as_ref().map(|text| text.value.clone()),
    }
}

fn runtime(draft: &draft::Runtime) -> Runtime {
    let default = Runtime::default();
    Runtime {
        sockets: draft.sockets.iter().map(|socket| socket.value.clone()).collect(),
        timeout: or(&draft.timeout, default.timeout),
        maxconn: draft.maxconn.map_or(default.maxconn, |maxconn| size(maxconn.value)),
    }
}

impl Context<'_> {
    fn error(&self, code: &'static str, span: Span, message: impl Into<String>, hint: impl Into<String>) {
        self.problems.push(Diagnostic::error(code, span, message).hint(hint));
    }

    fn warning(&self, code: &'static str, span: Span, message: impl Into<String>, hint: impl Into<String>) {
        self.problems.push(Diagnostic::warning(code, span, message).hint(hint));
    }

    /// The number of a backend; reports it if there is none.
    fn find_backend(&self, name: &str, span: Span) -> Option<usize> {
        let names = self.draft.backends.iter().map(|backend| backend.name.value.as_str());
        self.directory.backend_number(name).or_else(|| self.find("backend", name, span, names))
    }

    /// The index of a name; reports it if there is none.
    fn find<'a>(
        &self,
        what: &str,
        name: &str,
        span: Span,
        known: impl Iterator<Item = &'a str> + Clone,
    ) -> Option<usize> {
        if let Some(index) = known.clone().position(|candidate| candidate == name) {
            return Some(index);
        }
        let hint = match nearest(name, known.clone()) {
            Some(word) => format!("did you mean `{word}`?"),
            None => match known.collect::<Vec<_>>() {
                known if known.is_empty() => format!("the file has no {what}"),
                known => format!("the file has: {}", known.join(", ")),
            },
        };
        self.error("E-UNRESOLVED", span, format!("no {what} is called `{name}`"), hint);
        None
    }
}

/// What is written, or the default.
fn or<T: Clone>(written: &Option<Spanned<T>>, default: T) -> T {
    written.as_ref().map_or(default, |written| written.value.clone())
}

/// A count that `shape` has held in range.
fn count(written: &Option<Spanned<u64>>, default: u32) -> u32 {
    written.as_ref().map_or(default, |written| u32::try_from(written.value).unwrap_or(u32::MAX))
}

/// A limit by the second; zero is none.
fn rate(written: Option<Spanned<u64>>) -> Option<u32> {
    written.and_then(|rate| u32::try_from(rate.value).ok()).filter(|rate| *rate > 0)
}

fn size(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}
