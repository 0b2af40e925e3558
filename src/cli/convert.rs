//! `vipgate convert`.

use std::process::ExitCode;

use anyhow::Context as _;

use crate::config::{self, HostFacts};
use crate::diag::{Source, render};
use crate::model::Model;
use crate::model::rules::are_alike;
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
    let files = loaded.model.rules.files.iter().map(|(name, content)| (name.clone(), Ok(content.clone())));
    let host = HostFacts { node: loaded.model.node.clone(), files: files.collect(), ..HostFacts::default() };
    let again = config::load(&sources, &host);
    let model =
        again.model.with_context(|| format!("YAML cannot say this:\n{}", render(&again.diagnostics, &sources)))?;
    anyhow::ensure!(
        with_places_of(&loaded.model, model) == loaded.model,
        "YAML cannot say this: read again, it is another configuration"
    );
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// The model as if the lines of its rules stood where those of the other do.
fn with_places_of(other: &Model, mut model: Model) -> Model {
    let frontends = model.frontends.iter_mut().map(|frontend| &mut frontend.rules);
    let backends = model.backends.iter_mut().map(|backend| &mut backend.rules);
    let templates = model.templates.iter_mut().map(|template| &mut template.backend.rules);
    let rules = frontends.chain(backends).chain(templates).chain([&mut model.rules.globals]);
    let places = other.frontends.iter().map(|frontend| &frontend.rules);
    let places = places.chain(other.backends.iter().map(|backend| &backend.rules));
    let places = places.chain(other.templates.iter().map(|template| &template.backend.rules));
    for (rules, placed) in rules.zip(places.chain([&other.rules.globals])) {
        if are_alike(rules, placed) {
            rules.clone_from(placed);
        }
    }
    model
}
