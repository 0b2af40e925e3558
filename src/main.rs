//! The `vipgate` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    vipgate::cli::main()
}
