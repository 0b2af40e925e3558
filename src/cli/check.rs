//! `vipgate check`.

use std::process::ExitCode;

use crate::run::{self, LoadError};

use super::arguments::CheckOptions;

pub(super) fn run(options: &CheckOptions) -> anyhow::Result<ExitCode> {
    match run::load(&options.config.files, options.config.node.as_deref()) {
        Ok(loaded) => {
            eprint!("{}", loaded.warnings);
            if options.strict && loaded.warning_count > 0 {
                return Ok(ExitCode::FAILURE);
            }
            println!("the configuration is valid for node {}", loaded.model.node);
            Ok(ExitCode::SUCCESS)
        }
        Err(LoadError::Invalid(diagnostics)) => {
            eprint!("{diagnostics}");
            Ok(ExitCode::FAILURE)
        }
        Err(error) => Err(error.into()),
    }
}
