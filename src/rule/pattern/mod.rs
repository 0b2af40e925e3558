//! What samples are compared with: the values of ACLs and the keys of maps (HAProxy manual §7.1.1-7.1.6).
//!
//! Decides whether a sample matches and with which entry. Reads no file: content is passed in. Read [`Method`] first,
//! then [`set`] for how entries are kept and changed at run time, [`index`] for how they are searched.

mod method;
pub mod set;
mod registry;
mod index;
mod integer;
mod network;
mod text;
mod pcre;
pub mod regex;

pub use integer::{Operator, compared};
pub use method::Method;
pub use network::Network;
pub use regex::Regex;
pub use registry::{Origin, Reference, Registry};
pub use set::{Case, Entry, PatternSpec, Patterns};

#[cfg(test)]
mod tests;
