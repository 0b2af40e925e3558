//! The command line: one file for each command. It parses arguments, prints, and sets the exit status; what it does
//! lives in the layers below.

mod arguments;
mod check;
mod control;
mod convert;
mod explain;
mod lab;
mod manual;
mod reference;
mod release;
mod schema;
mod serve;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};

/// Runs the command that the process was started with. 0 is success, 1 a failure that was explained on standard error,
/// 2 wrong usage.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.command {
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
    };
    result.unwrap_or_else(|error| {
        eprintln!("vipgate: {error:#}");
        ExitCode::FAILURE
    })
}
