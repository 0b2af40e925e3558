//! `vipgate check`.

use std::process::ExitCode;

use crate::run::{self, LoadError};

use super::arguments::CheckOptions;
use super::output::print;

pub(super) fn run(options: &CheckOptions) -> anyhow::Result<ExitCode> {
    match run::check_files(&options.config.files, options.config.node.as_deref()) {
        Ok(checked) => {
            eprint!("{}", checked.warnings);
            if options.strict && checked.warning_count > 0 {
                return Ok(ExitCode::FAILURE);
            }
            let word = if checked.nodes.len() == 1 { "node" } else { "nodes" };
            print(&format!("the configuration is valid for {word} {}\n", checked.nodes.join(", ")))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(LoadError::Invalid(diagnostics)) => {
            eprint!("{diagnostics}");
            Ok(ExitCode::FAILURE)
        }
        Err(error) => Err(error.into()),
    }
}
