//! `vipgate convert`.

use std::process::ExitCode;

use anyhow::Context as _;

use crate::config::{self, HostFacts};
use crate::diag::{Source, render};
use crate::run::{self, LoadError};

use super::arguments::ConvertOptions;
use super::output::print;

pub(super) fn run(options: &ConvertOptions) -> anyhow::Result<ExitCode> {
    let loaded = match run::load(&options.config.files, options.config.node.as_deref()) {
        Ok(loaded) => loaded,
        Err(LoadError::Invalid(diagnostics)) => {
            eprint!("{diagnostics}");
            return Ok(ExitCode::FAILURE);
        }
        Err(error) => return Err(error.into()),
    };
    eprint!("{}", loaded.warnings);
    let text = config::to_yaml(&loaded.model)?;
    // What is printed is proven: it is read again and must be the same model.
    let sources = [Source::new("converted.yaml", text.as_str())];
    let host = HostFacts { node: loaded.model.node.clone(), ..HostFacts::default() };
    let again = config::load(&sources, &host);
    let model =
        again.model.with_context(|| format!("YAML cannot say this:\n{}", render(&again.diagnostics, &sources)))?;
    anyhow::ensure!(model == loaded.model, "YAML cannot say this: read again, it is another configuration");
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}
