//! A model as YAML that means the same: what `vipgate convert` prints.
//!
//! Decides how each value is written; never leaves a default out, so that nothing depends on ours. Start with [`yaml`];
//! `text.rs` knows how a word is quoted.

mod backend;
mod check;
mod frontend;
mod log;
mod naming;
mod process;
mod server;
mod text;
mod users;

use thiserror::Error;

use self::text::{Text, list, scalar};
use super::validate::numbers;
use super::yaml::proxy_name;
use crate::model::Model;
use crate::model::proxy::Mode;
use crate::model::rules::Line;
use crate::rule;

/// Why a model cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EmitError {
    /// It has virtual routers, which only YAML describes.
    #[error("virtual routers are in YAML already: convert haproxy.cfg alone")]
    Routers,
    /// A frontend that nobody reaches.
    #[error("frontend `{0}` has no `bind`: YAML has none without, so leave it out")]
    Unbound(String),
    /// A name that YAML does not allow.
    #[error("`{0}` cannot be a name in YAML: letters, digits, `-`, `_`, `.` and `:`, 1 to 255 of them")]
    Name(String),
}

/// The YAML of the proxy half of a model, every value written out.
///
/// # Errors
/// There is something that YAML cannot say.
pub fn yaml(model: &Model) -> Result<String, EmitError> {
    if !model.instances.is_empty() {
        return Err(EmitError::Routers);
    }
    let mut out = Text::default();
    out.line(0, "nodes:");
    out.line(1, &format!("{}: {{}}", scalar(&model.node)));
    if !model.frontends.is_empty() {
        out.line(0, "frontends:");
    }
    for frontend in &model.frontends {
        if frontend.binds.is_empty() {
            return Err(EmitError::Unbound(frontend.name.clone()));
        }
        out.line(1, &format!("{}:", name(&frontend.name)?));
        frontend::frontend(&mut out, frontend, model);
    }
    if !model.backends.is_empty() {
        out.line(0, "backends:");
    }
    for backend in &model.backends {
        out.line(1, &format!("{}:", name(&backend.name)?));
        out.pair(2, "mode", mode(backend.mode));
        backend::backend(&mut out, backend, model)?;
    }
    if !model.templates.is_empty() {
        out.line(0, "backend_templates:");
    }
    for template in &model.templates {
        out.line(1, &format!("{}:", name(&template.backend.name)?));
        if template.has_mode {
            out.pair(2, "mode", mode(template.backend.mode));
        }
        backend::backend(&mut out, &template.backend, model)?;
    }
    if !model.rules.error_pages.is_empty() {
        out.line(0, "http_errors:");
    }
    for section in &model.rules.error_pages {
        out.line(1, &format!("{}:", name(&section.name)?));
        for (status, file) in &section.pages {
            out.pair(2, &status.to_string(), scalar(file));
        }
    }
    stick_tables(&mut out, model);
    naming::resolvers(&mut out, &model.resolvers);
    users::userlists(&mut out, &model.rules.userlists)?;
    process::process(&mut out, model);
    Ok(out.0)
}

fn name(text: &str) -> Result<String, EmitError> {
    proxy_name(text).map(|name| scalar(&name)).map_err(|_| EmitError::Name(text.to_owned()))
}

fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Tcp => "tcp",
        Mode::Http => "http",
        Mode::Log => "log",
    }
}

/// The number of a proxy, where the order of the file does not give it.
fn id(out: &mut Text, id: u32, model: &Model) {
    if numbers::unnatural(model).contains(&id) {
        out.pair(2, "id", id);
    }
}

/// The stick table of a section.
fn stick_table(out: &mut Text, section: &str, model: &Model) {
    if let Some(table) = model.rules.tables.iter().find(|table| table.name == section) {
        out.pair(2, "stick_table", scalar(&super::stick_table::text(table)));
    }
}

/// Those that belong to no section.
fn stick_tables(out: &mut Text, model: &Model) {
    let is_section = |name: &String| {
        model.frontends.iter().any(|one| one.name == *name) || model.backends.iter().any(|one| one.name == *name)
    };
    let mut others = model.rules.tables.iter().filter(|table| !is_section(&table.name)).peekable();
    if others.peek().is_some() {
        out.line(0, "stick_tables:");
    }
    for table in others {
        out.pair(1, &scalar(&table.name), scalar(&super::stick_table::text(table)));
    }
}

fn rules(out: &mut Text, lines: &[Line]) {
    // What is hashed stands under `balance`, formats of servers with their options.
    let is_elsewhere = |line: &&Line| line.words.first().is_some_and(|word| matches!(&**word, "balance" | "server"));
    let lines = lines.iter().filter(|line| !is_elsewhere(line));
    let texts: Vec<String> = lines.map(|line| rule::join(line.words.iter().map(String::as_str))).collect();
    list(out, 2, "rules", &texts);
}
