//! Rules as they run: compiled once for all workers.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::Model;
use crate::model::proxy::{Backend, Mode};
use crate::model::rules::{Line, Material};
use crate::rule::globals::Globals;
use crate::rule::userlist::Userlist;
use crate::rule::variable::ProcessVariables;
use crate::rule::{Files, Names, Registry, Section};
use crate::stick::Tables;

use super::PrepareError;

/// The rules of a generation.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Of frontends, index for index as in the model; `None` has none.
    pub frontends: Vec<Option<Arc<Section>>>,
    /// Of backends. A `listen` section is both: its two entries are one object.
    pub backends: Vec<Option<Arc<Section>>>,
    /// Every set of patterns; the runtime API and rules change them while others read.
    pub registry: Registry,
    /// Stick tables; each lives as long as its name, its keys and what it stores.
    pub tables: Tables,
    /// What the lines of the process say.
    pub globals: Arc<Globals>,
    /// Variables of the process; live as long as it does.
    pub variables: Arc<ProcessVariables>,
}

struct Content<'a>(&'a Material);

impl Files for Content<'_> {
    fn read(&self, name: &str) -> Result<Vec<u8>, String> {
        self.0.files.get(name).map(|bytes| bytes.to_vec()).ok_or_else(|| "it was not read".to_owned())
    }
}

impl Rules {
    /// The same object as before if no rule and no file changed, so that what was changed at run time stays.
    pub(super) fn prepare(model: &Model, previous: Option<(&Model, &Arc<Rules>)>) -> Result<Arc<Rules>, PrepareError> {
        if let Some((before, rules)) = previous
            && is_same(before, model)
        {
            return Ok(Arc::clone(rules));
        }
        if let Some((before, rules)) = previous
            && has_same_frontends(before, model)
        {
            return rules.with_backends(before, model).map(Arc::new);
        }
        let mut rules = Rules::default();
        if let Some((_, before)) = previous {
            rules.variables = Arc::clone(&before.variables);
        }
        let userlists = model.rules.userlists.iter().map(|list| (list.name.clone(), Arc::new(list.clone()))).collect();
        let (globals, errors) =
            Globals::compile(&model.rules.globals, &Content(&model.rules), &mut rules.registry, &userlists);
        if let Some((number, error)) = errors.into_iter().next() {
            let line = &model.rules.globals[number];
            return Err(PrepareError::Rule { file: line.file.to_string(), line: line.line, what: error.what });
        }
        rules.globals = Arc::new(globals);
        let before = previous.map(|(_, rules)| &rules.tables);
        let tables = Tables::resolve(&model.rules.tables, before);
        let names = names(&userlists, &tables, model);
        let mut known: Vec<(&[Line], Arc<Section>)> = Vec::new();
        for frontend in &model.frontends {
            let names = Names { home: &frontend.name, ..names };
            let section = rules.section(&frontend.rules, frontend.mode, &model.rules, &names)?;
            known.extend(section.iter().map(|section| (frontend.rules.as_slice(), Arc::clone(section))));
            rules.frontends.push(section);
        }
        for backend in &model.backends {
            // Lines of one place are one section.
            let same = known.iter().find(|(lines, _)| *lines == backend.rules);
            let section = match same {
                Some((_, section)) => Some(Arc::clone(section)),
                None => {
                    let names = Names { home: &backend.name, ..names };
                    rules.section(&backend.rules, backend.mode, &model.rules, &names)?
                }
            };
            rules.backends.push(section);
        }
        rules.tables = tables;
        Ok(Arc::new(rules))
    }

    /// These rules with other backends: one that was there keeps its section, and every set of patterns stays as it is, with
    /// what was changed at run time.
    fn with_backends(&self, before: &Model, model: &Model) -> Result<Rules, PrepareError> {
        let userlists = model.rules.userlists.iter().map(|list| (list.name.clone(), Arc::new(list.clone()))).collect();
        let tables = Tables::resolve(&model.rules.tables, Some(&self.tables));
        let mut rules = Rules { backends: Vec::new(), tables: Tables::default(), ..self.clone() };
        let names = names(&userlists, &tables, model);
        for backend in &model.backends {
            let is_it =
                |one: &Backend| (&one.name, one.mode, &one.rules) == (&backend.name, backend.mode, &backend.rules);
            let known = before.backends.iter().position(is_it).and_then(|number| self.backends.get(number));
            let section = match known {
                Some(section) => section.clone(),
                None => {
                    let names = Names { home: &backend.name, ..names };
                    rules.section(&backend.rules, backend.mode, &model.rules, &names)?
                }
            };
            rules.backends.push(section);
        }
        rules.tables = tables;
        Ok(rules)
    }

    fn section(
        &mut self,
        lines: &[Line],
        mode: Mode,
        material: &Material,
        names: &Names<'_>,
    ) -> Result<Option<Arc<Section>>, PrepareError> {
        if lines.is_empty() {
            return Ok(None);
        }
        let compiled = Section::compile(lines, mode, &Content(material), &mut self.registry, names);
        if let Some(error) = compiled.errors.first() {
            let line = &lines[error.line];
            return Err(PrepareError::Rule {
                file: line.file.to_string(),
                line: line.line,
                what: error.what.what.clone(),
            });
        }
        Ok(Some(Arc::new(compiled.section)).filter(|section| !section.is_empty()))
    }
}

/// The names in reach of the sections of a model.
fn names<'a>(userlists: &'a HashMap<String, Arc<Userlist>>, tables: &'a Tables, model: &'a Model) -> Names<'a> {
    Names {
        userlists,
        error_pages: &model.rules.error_pages,
        tables,
        counters: model.rules.stick_counters,
        home: "",
        sides: &[],
    }
}

/// Whether two models have the same rules of the same frontends, and share the same.
fn has_same_frontends(before: &Model, after: &Model) -> bool {
    let frontends = |model: &Model| {
        model.frontends.iter().map(|one| (one.name.clone(), one.mode, one.rules.clone())).collect::<Vec<_>>()
    };
    before.rules == after.rules && frontends(before) == frontends(after)
}

/// Whether two models have the same rules of the same sections.
fn is_same(before: &Model, after: &Model) -> bool {
    let backends = |model: &Model| {
        model.backends.iter().map(|one| (one.name.clone(), one.mode, one.rules.clone())).collect::<Vec<_>>()
    };
    has_same_frontends(before, after) && backends(before) == backends(after)
}
