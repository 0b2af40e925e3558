//! Whether servers and tracked scripts are well.
//!
//! Decides when to probe, how long to wait, what an answer means and how many answers make a change. Never opens a
//! socket, starts a program or looks at a clock: `run::check` does, and tells the machines here what happened and when.
//!
//! ```text
//!                       success, `rise` in all
//!      +------------------------------------------------+
//!      |                                                v
//!   +------+   first success   +----------+          +------+
//!   | Down |  <-------------   | Starting |  ----->  |  Up  |
//!   +------+   first failure   +----------+          +------+
//!      ^                                                |
//!      +------------------------------------------------+
//!          failure, `fall` in a row, or 1 while suspected
//! ```
//!
//! Read [`counter`] first (how many answers), then [`machine`] (when to ask), [`rules`] (what) and [`dialogue`] (how).

pub mod counter;
pub mod outcome;
pub mod rules;
pub mod dialogue;
pub mod agent;
pub mod report;
pub mod mail;
pub mod machine;
pub mod script;

pub use counter::Counter;
pub use machine::{Input, Machine, Output};
pub use outcome::{Code, Outcome};
