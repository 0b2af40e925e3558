//! `-D`: the process that was started judges the configuration, starts itself once more without a terminal, and ends when
//! that one serves.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Stdio};

use anyhow::Context;

/// Tells the second process what it is; it takes the place of `-D`.
const MARK: &str = "VIPGATE_IN_BACKGROUND";

/// Starts the second process and waits until it serves or has ended.
pub(super) fn start(arguments: &[String]) -> anyhow::Result<ExitCode> {
    let program = std::env::current_exe().context("cannot find the own program")?;
    let kept = arguments.iter().filter(|argument| *argument != "-D");
    let mut child = Command::new(program)
        .arg("haproxy")
        .args(kept)
        .env(MARK, "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        // A group of its own: a terminal's interrupt is not for it.
        .process_group(0)
        .spawn()
        .context("cannot start in the background")?;
    let mut said = String::new();
    if let Some(mut stdout) = child.stdout.take() {
        // It ends when the other one serves, or has ended.
        stdout.read_to_string(&mut said).context("cannot hear from the background")?;
    }
    match said.ends_with(READY) {
        true => Ok(ExitCode::SUCCESS),
        false => {
            child.wait().context("cannot wait for the background")?;
            Ok(ExitCode::FAILURE)
        }
    }
}

/// What the second process says last on its standard output.
const READY: &str = "serving\n";

/// Whether this is the second process.
pub(super) fn is_second() -> bool {
    std::env::var_os(MARK).is_some()
}

/// In the second process: tells the first one, and lets go of it.
pub(super) fn started() {
    if !is_second() {
        return;
    }
    print!("{READY}");
    if let Err(error) = release_terminal() {
        tracing::warn!(%error, "the terminal stays open");
    }
}

/// Standard output and standard error lead nowhere from here on, so that whoever reads them sees their end.
fn release_terminal() -> io::Result<()> {
    io::stdout().flush()?;
    let nowhere = File::options().write(true).open("/dev/null")?;
    nix::unistd::dup2_stdout(&nowhere)?;
    nix::unistd::dup2_stderr(&nowhere)?;
    Ok(())
}
