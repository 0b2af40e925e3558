//! Stick tables: what is remembered of clients, connections and requests (HAProxy manual §4.2 `stick-table`, §11).
//!
//! Decides what an entry holds, when it is forgotten and what its counters read. Never looks at a message, a clock or a
//! configuration file: `rule` makes keys of samples and asks, the proxy counts, the runtime socket shows. Read [`table`]
//! first, then [`tracked`], which says what a session counts and when.
//!
//! # Who owns what
//!
//! Tables are, with pools of idle connections, the exception to "no locks" in the data path: every worker reads and writes all of them. A table is cut
//! into shards, each under its own lock, and a lock is held for one look at one entry, or a bounded number of them. The
//! number of entries of all shards together is one atomic, so that `size` bounds the table as a whole whatever keys
//! clients send. A table lives as long as its name, the type of its keys and what it stores: a reload that changes
//! nothing of these keeps its entries ([`Tables::resolve`]).

mod rate;
mod entry;
mod shard;
pub mod table;
pub mod tables;
pub mod tracked;
pub mod show;

pub use entry::Layout;
pub use rate::{Grant, Quota, Rate};
pub use table::{Entry, Table};
pub use tables::Tables;
pub use tracked::{Tracked, Tracking};

#[cfg(test)]
mod tests;
