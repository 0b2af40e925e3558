//! Text to model: `Source` → tree → [`draft`] → `validate` → [`Model`].
//!
//! Decides what the operator's files mean and says everything that is wrong with them in one run. It reads no file, looks
//! at no interface and resolves no host name: what it must know of this machine is told in [`HostFacts`]. Start with
//! [`load`]; [`yaml`] and [`haproxy`] hold a keyword table each; `validate` fills in every default.

pub mod draft;
pub mod yaml;
pub mod haproxy;
pub mod server_state;
mod endpoint;
pub mod options;
mod syntax;
mod log_mode;
mod log_sample;
mod merge;
mod stick_table;
mod validate;
mod emit;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use crate::diag::{self, Diagnostic, Problems, Source};
use crate::model::Model;

pub use emit::{EmitError, yaml as to_yaml};
pub use syntax::Syntax;
pub use yaml::{manual, reference, schema};

/// What the configuration may know of the machine that it is loaded on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostFacts {
    /// Which node of the file this is: the short hostname, or what `--node` says.
    pub node: String,
    /// Its interfaces; `None` if it is another machine or nobody looked: then nothing is checked against them.
    pub interfaces: Option<Vec<Interface>>,
    /// Threads that it runs at once; `None` if nobody looked.
    pub cores: Option<u64>,
    /// Environment variables.
    pub environment: BTreeMap<String, String>,
    /// Host names and their addresses, the preferred one first: those that [`host_names`] asked for.
    pub names: BTreeMap<String, Vec<IpAddr>>,
    /// Files that rules name (maps, patterns, bodies), or why they cannot be read: those that [`rule_files`] asked for.
    pub files: BTreeMap<String, Result<Arc<[u8]>, String>>,
    /// Users and groups that are not known here, of those that [`accounts`] asked for.
    pub unknown_accounts: BTreeSet<(AccountKind, String)>,
}

/// What an account is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AccountKind {
    /// A user.
    User,
    /// A group.
    Group,
}

/// An interface of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// Its addresses with their prefix lengths; virtual addresses of ours may be among them.
    pub addresses: Vec<(IpAddr, u8)>,
}

/// What became of the files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// The model of this node; `None` if there is an error among the diagnostics.
    pub model: Option<Model>,
    /// Everything that is wrong or doubtful, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
}

/// Makes the model of this node. The first source is the main file; the others merge into it by name, whatever their
/// syntax.
pub fn load(sources: &[Source], host: &HostFacts) -> Loaded {
    let problems = Problems::default();
    let mut draft = merge::read(sources, host, &problems);
    draft.iter_mut().for_each(|draft| log_mode::pass_over(draft, &problems));
    let read = problems.count();
    let is_strict = draft.as_ref().and_then(|draft| draft.is_strict);
    let model = draft.map(|draft| validate::validate(&draft, sources, host, &problems));
    // What HAProxy does not warn of must not fail where its warnings do (`-dW`).
    problems.soften(read, |problem| {
        let source = problem.labels.first().and_then(|label| sources.get(label.span.source));
        problem.code != validate::RULE_OF_BOTH && source.is_some_and(|source| Syntax::of(source) == Syntax::Haproxy)
    });
    if let Some(place) = is_strict.filter(|_| problems.has_warnings()) {
        problems.push(Diagnostic::error("E-WARNINGS", place, "some warnings were found and 'zero-warning' is set"));
    }
    Loaded { model: model.filter(|_| !problems.has_errors()), diagnostics: problems.into_sorted() }
}

/// Everything that is wrong or doubtful in the eyes of any node of the files, for a machine that is none of them: what `host`
/// says of its interfaces does not count.
pub fn judge_for_every_node(sources: &[Source], host: &HostFacts) -> Vec<Diagnostic> {
    let problems = Problems::default();
    for node in nodes(sources) {
        let host = HostFacts { node, interfaces: None, ..host.clone() };
        load(sources, &host).diagnostics.into_iter().for_each(|diagnostic| problems.push(diagnostic));
    }
    problems.into_sorted()
}

/// Names of the nodes that the files know, in their order.
pub fn nodes(sources: &[Source]) -> Vec<String> {
    let draft = yaml::read(&Syntax::Yaml.among(sources), &Problems::default()).unwrap_or_default();
    draft.nodes.into_iter().map(|node| node.name.value).collect()
}

/// Host names that the files use instead of addresses: whoever loads them resolves these.
pub fn host_names(sources: &[Source], host: &HostFacts) -> Vec<String> {
    let mut names = haproxy::host_names(&Syntax::Haproxy.among(sources), host);
    let draft = merge::read(sources, host, &Problems::default()).unwrap_or_default();
    names.extend(validate::host_names(&draft).map(str::to_owned));
    names.sort();
    names.dedup();
    names
}

/// Users and groups that haproxy.cfg files name: whoever loads them looks them up, as HAProxy does when it reads them.
pub fn accounts(sources: &[Source], host: &HostFacts) -> Vec<(AccountKind, String)> {
    haproxy::accounts(&Syntax::Haproxy.among(sources), host)
}

/// Files that rules name and `host` does not have: whoever loads the configuration reads these, and asks again until there
/// are none.
pub fn rule_files(sources: &[Source], host: &HostFacts) -> Vec<String> {
    let draft = merge::read(sources, host, &Problems::default()).unwrap_or_default();
    validate::unread_files(&draft, sources, host)
}

/// Diagnostics as text, each in the form of its file: HAProxy's, with the process id, or vipgate's own.
pub fn render(diagnostics: &[Diagnostic], sources: &[Source], pid: u32) -> String {
    let one = |problem: &Diagnostic| {
        let main = problem.labels.first().map_or(0, |label| label.span.source);
        match sources.get(main).map(Syntax::of) {
            Some(Syntax::Haproxy) => haproxy::alert(problem, sources, pid),
            _ => diag::render(std::slice::from_ref(problem), sources),
        }
    };
    let is_haproxy = |sources: &[Source]| sources.iter().any(|source| Syntax::of(source) == Syntax::Haproxy);
    let separator = if is_haproxy(sources) { "" } else { "\n" };
    diagnostics.iter().map(one).collect::<Vec<_>>().join(separator)
}
