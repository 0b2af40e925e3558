//! What is written: [`messages`] for the operator on standard error, `lines` of log where the configuration says.
//!
//! Nothing here may hold up a thread that does work: whoever logs hands over and goes on, and what a target cannot take in
//! time is dropped and counted. Two threads write, because a target that hangs must not silence the other. It decides
//! neither what is logged nor how it reads. Read `messages.rs` first; `lines.rs` writes lines, `header.rs` what is in front of
//! them, `sinks.rs` has the destinations. What relays brought is in
//! `relayed.rs`, what goes over connections in `remote.rs`, by UDP in `datagrams.rs`; `groups.rs` chooses among the servers of a
//! backend, `backing.rs` is the file behind a ring.

pub mod messages;
pub(super) mod lines;
mod header;
mod backing;
mod datagrams;
mod groups;
mod relayed;
mod remote;
mod sinks;
