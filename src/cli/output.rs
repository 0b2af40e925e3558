//! Answers on standard output.

use std::io::{self, ErrorKind, Write};

use anyhow::Context;

/// Prints a text as it is. A reader that has seen enough (`vipgate status | head`) is no failure.
///
/// # Errors
/// The output takes no more: a full disk.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    let mut output = io::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot print the answer"),
    }
}
