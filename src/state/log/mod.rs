//! Lines of log on their way from whoever has them to vg-log.
//!
//! Each worker has a [`LogRing`]; the other threads, which say little, share one. A line travels without its header and says
//! which log it is of; vg-log finds that log's targets in the [`Book`] and writes the headers. Read [`ring`] first.

pub mod ring;
pub mod book;

pub use book::{Book, Journal};
pub use ring::{LogRing, MAX_LINE, Record};
