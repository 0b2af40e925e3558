//! Configuration files to a model: the I/O around `config`.

use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::config::{self, HostFacts};
use crate::diag::{self, Severity, Source};
use crate::model::Model;
use crate::sys;

/// Why there is no model.
#[derive(Debug, Error)]
pub enum LoadError {
    /// A file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The kernel's reason.
        source: std::io::Error,
    },
    /// The files are wrong; the diagnostics, rendered.
    #[error("{0}")]
    Invalid(String),
}

/// A model and what was said about it.
#[derive(Debug)]
pub struct Loaded {
    /// The configuration.
    pub model: Model,
    /// Rendered warnings, empty if there are none.
    pub warnings: String,
    /// Number of warnings.
    pub warning_count: usize,
}

/// Reads and validates the files, and `conf.d/*.yaml` beside each.
///
/// # Errors
/// A file that cannot be read, or every error found in them.
pub fn load(files: &[PathBuf], node: Option<&str>) -> Result<Loaded, LoadError> {
    let mut sources = Vec::new();
    for file in files {
        sources.push(read(file)?);
        for extra in fragments(file)? {
            sources.push(read(&extra)?);
        }
    }
    let host = host(node);
    let loaded = config::load(&sources, &host);
    let rendered = diag::render(&loaded.diagnostics, &sources);
    match loaded.model {
        Some(model) => Ok(Loaded {
            model,
            warnings: rendered,
            warning_count: loaded.diagnostics.iter().filter(|found| found.severity == Severity::Warning).count(),
        }),
        None => Err(LoadError::Invalid(rendered)),
    }
}

fn read(path: &Path) -> Result<Source, LoadError> {
    let text = std::fs::read_to_string(path).map_err(|source| LoadError::Read { path: path.to_owned(), source })?;
    Ok(Source::new(path.display().to_string(), text))
}

/// `conf.d/*.yaml` beside a file, by name.
fn fragments(file: &Path) -> Result<Vec<PathBuf>, LoadError> {
    let directory = file.parent().unwrap_or(Path::new(".")).join("conf.d");
    let entries = match std::fs::read_dir(&directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(LoadError::Read { path: directory, source }),
    };
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml"))
        .collect();
    found.sort();
    Ok(found)
}

/// What the configuration is judged against. Facts that the kernel refuses are left out, and so are their checks.
fn host(node: Option<&str>) -> HostFacts {
    let node = node.map_or_else(|| sys::hosts::short_hostname().unwrap_or_default(), str::to_owned);
    let interfaces = sys::hosts::interfaces().ok();
    HostFacts {
        node,
        interfaces: interfaces.map(|found| {
            found
                .into_iter()
                .map(|interface| config::Interface { name: interface.name, addresses: interface.addresses })
                .collect()
        }),
    }
}
