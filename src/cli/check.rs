//! `vipgate check`.

use std::path::Path;
use std::process::ExitCode;

use crate::run::{self, LoadError};

use super::arguments::{CheckOptions, STANDARD_FILE};
use super::output::print;

pub(super) fn run(options: &CheckOptions) -> anyhow::Result<ExitCode> {
    let files = &options.config.files;
    let is_own = files.iter().any(|file| file == Path::new(STANDARD_FILE));
    match run::check_files(files, options.config.node.as_deref(), is_own) {
        Ok(checked) => {
            eprint!("{}", checked.warnings);
            if options.strict && checked.warning_count > 0 {
                return Ok(ExitCode::FAILURE);
            }
            let word = if checked.nodes.len() == 1 { "node" } else { "nodes" };
            print(&format!("the configuration is valid for {word} {}\n", checked.nodes.join(", ")))?;
            if let Some(machine) = checked.stranger {
                eprintln!("this machine, {machine}, is none of them");
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(LoadError::Invalid(diagnostics)) => {
            eprint!("{diagnostics}");
            Ok(ExitCode::FAILURE)
        }
        Err(error) => Err(error.into()),
    }
}
