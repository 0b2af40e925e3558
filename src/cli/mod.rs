//! The command line: one file for each command. It parses arguments, prints, and sets the exit status; what it does
//! lives in the layers below.

mod arguments;
mod check;
mod control;
mod convert;
mod explain;
mod haproxy;
mod lab;
mod manual;
mod output;
mod reference;
mod release;
mod schema;
mod serve;

use std::path::Path;
use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};

/// Runs the command that the process was started with. 0 is success, 1 a failure that was explained on standard error,
/// 2 wrong usage.
pub fn main() -> ExitCode {
    let result = match as_haproxy() {
        Some(arguments) => haproxy::main(&arguments),
        None => own(),
    };
    result.unwrap_or_else(|error| {
        eprintln!("vipgate: {}", sentence(&error));
        ExitCode::FAILURE
    })
}

/// An error and its causes, without those that it quotes itself.
fn sentence(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |text, cause| match text.as_str() {
        "" => cause,
        said if said.contains(&cause) => text,
        said => format!("{said}: {cause}"),
    })
}

/// The arguments for HAProxy's command line: after `vipgate haproxy`, or all where the program is called `haproxy`.
fn as_haproxy() -> Option<Vec<String>> {
    let mut words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    let name = words.next()?;
    if Path::new(&name).file_name().is_some_and(|name| name == "haproxy") {
        return Some(words.collect());
    }
    (words.next()? == "haproxy").then(|| words.collect())
}

fn own() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    match arguments.command {
        Command::Run(options) => serve::run(&options),
        Command::Check(options) => check::run(&options),
        Command::Explain(options) => explain::run(&options),
        Command::Convert(options) => convert::run(&options),
        Command::Schema => schema::run(),
        Command::Status(options) => control::status(&options),
        Command::Failover(options) => control::failover(&options),
        Command::Maintenance(options) => control::maintenance(&options),
        Command::Reload(options) => control::reload(&options),
        Command::ReleaseVips => release::run(),
        Command::Manual(options) => manual::run(&options),
        Command::Lab(options) => lab::run(&options),
        Command::Haproxy => haproxy::main(&[]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_that_is_quoted_is_not_repeated() {
        let missing = crate::run::check_files(&["/nowhere/a".into()], None, false).unwrap_err();
        assert_eq!(sentence(&missing.into()), "cannot read /nowhere/a: No such file or directory (os error 2)");
        assert_eq!(sentence(&anyhow::anyhow!("no room").context("cannot bind")), "cannot bind: no room");
    }
}
