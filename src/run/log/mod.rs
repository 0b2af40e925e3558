//! What is written: [`messages`] for the operator on standard error, [`access`] lines where the configuration says.
//!
//! Nothing here may hold up a thread that does work: whoever logs hands over and goes on, and what a target cannot take in
//! time is dropped and counted. Two threads write, because a target that hangs must not silence the other. It decides
//! neither what is logged nor how it reads. Read `messages.rs` first.

pub mod messages;
pub(super) mod access;
