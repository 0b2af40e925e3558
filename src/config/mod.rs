//! Text to model: `Source` → tree → [`draft`] → `validate` → [`Model`].
//!
//! Decides what the operator's files mean and says everything that is wrong with them in one run. It reads no file, looks
//! at no interface and resolves no host name: what it must know of this machine is told in [`HostFacts`]. Start with
//! [`load`]; [`yaml`] holds the keyword table; `validate` fills in every default.

pub mod draft;
pub mod yaml;
mod validate;

use std::net::IpAddr;

use crate::diag::{Diagnostic, Problems, Source};
use crate::model::Model;

pub use yaml::{manual, reference, schema};

/// What the configuration may know of the machine that it is loaded on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostFacts {
    /// Which node of the file this is: the short hostname, or what `--node` says.
    pub node: String,
    /// Its interfaces; `None` if it is another machine or nobody looked: then nothing is checked against them.
    pub interfaces: Option<Vec<Interface>>,
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

/// Makes the model of this node. The first source is the main file; the others (`conf.d/*.yaml`) merge into it by name.
pub fn load(sources: &[Source], host: &HostFacts) -> Loaded {
    let problems = Problems::default();
    let model = yaml::read(sources, &problems).map(|draft| validate::validate(&draft, host, &problems));
    Loaded { model: model.filter(|_| !problems.has_errors()), diagnostics: problems.into_sorted() }
}

/// Everything that is wrong or doubtful in the eyes of any node of the files, for a machine that is none of them.
pub fn judge_for_every_node(sources: &[Source]) -> Vec<Diagnostic> {
    let problems = Problems::default();
    for node in nodes(sources) {
        let host = HostFacts { node, interfaces: None };
        load(sources, &host).diagnostics.into_iter().for_each(|diagnostic| problems.push(diagnostic));
    }
    problems.into_sorted()
}

/// Names of the nodes that the files know, in their order.
pub fn nodes(sources: &[Source]) -> Vec<String> {
    let draft = yaml::read(sources, &Problems::default()).unwrap_or_default();
    draft.nodes.into_iter().map(|node| node.name.value).collect()
}
