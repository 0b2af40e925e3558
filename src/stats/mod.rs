//! Statistics as text: `show stat`, `show info`, and the page in a browser, as HAProxy's tools read them.
//!
//! Decides how a [`Snapshot`] reads: which rows and columns there are, how they are called and what stands in them. It
//! counts nothing and asks nobody: whoever wants a text brings the snapshot. Read [`snapshot`] first, then [`catalog`],
//! which has every column once; [`row`] fills them, [`render`] writes them, [`select`] understands the arguments. [`file`]
//! carries counters over a restart.

pub mod snapshot;
pub mod catalog;
pub mod row;
pub mod info;
pub mod select;
pub mod file;
pub mod outcome;
pub mod address;
pub mod action;
pub mod render;

pub use render::{show_info, show_schema, show_stat};
pub use select::{Form, InfoRequest, StatRequest};
pub use snapshot::Snapshot;

#[cfg(test)]
mod tests;
