//! What the documentation says is so: every snippet loads, every command is run by a test, every page is in the site.
//!
//! [`page`] reads Markdown, [`console`] the commands in it, [`shape`] compares what they print with what a page shows.
//! Commands on a node (`lb1# `) and the client (`client$ `) are run by `tests/netns/documentation.rs` on a real pair;
//! [`elsewhere`] lists those that other tests run; all others are run here.

mod console;
mod elsewhere;
mod generated;
mod here;
mod page;
mod reading;
mod shape;
mod site;
mod snippets;
mod tables;
