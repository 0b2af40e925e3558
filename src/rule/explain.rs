//! What the tables say about a name.

use super::argument::Spec;
use super::error::Support;
use super::format::TAGS;
use super::{acl, action, carried, condition, converter, fetch};

/// Everything known about a name; `vipgate explain` prints it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What kind of word it is: `fetch`, `converter`, `action`, `format tag`, `ACL`, `ACL keyword`.
    pub kind: &'static str,
    /// How it is written, with its arguments and types.
    pub usage: String,
    /// Where it can be used; empty where that needs no saying.
    pub place: String,
    /// How far it is supported.
    pub support: Support,
    /// What it does.
    pub doc: String,
}

/// What a name means; several things if it is in several tables.
pub fn explain(name: &str) -> Vec<Explanation> {
    let mut found = Vec::new();
    if let Some(row) = fetch::by_name(name) {
        let usage = format!("{} : {}", call(row.name, row.arguments, row.needed), row.output.name());
        let place = format!("where there is {}", row.needs.name());
        found.push(Explanation { kind: "fetch", usage, place, support: row.support, doc: row.doc.into() });
    }
    if let Some(row) = converter::by_name(name) {
        let (input, output) = (row.input.name(), row.output.name());
        let usage = format!("{} : {input} -> {output}", call(row.name, row.arguments, row.needed));
        let place = "behind a fetch or another converter".into();
        found.push(Explanation { kind: "converter", usage, place, support: row.support, doc: row.doc.into() });
    }
    if let Some(row) = action::table::by_name(name) {
        let space = if row.usage.is_empty() || row.usage.starts_with('(') { "" } else { " " };
        let stages: Vec<_> = row.stages.iter().map(|stage| stage.name()).collect();
        let usage = format!("{}{space}{}", row.name, row.usage);
        let (support, doc) = (carried::action(row), row.doc.into());
        found.push(Explanation { kind: "action", usage, place: stages.join(", "), support, doc });
    }
    if let Some(row) = name.strip_prefix('%').and_then(|tag| TAGS.iter().find(|row| row.name == tag)) {
        let (usage, doc) = (format!("%{}", row.name), row.doc.into());
        found.push(Explanation { kind: "format tag", usage, place: String::new(), support: Support::Full, doc });
    }
    if let Some((_, words)) = condition::PREDEFINED.iter().find(|(known, _)| *known == name) {
        let doc = format!("true if {{ {} }}", words.join(" "));
        let place = "conditions".into();
        found.push(Explanation { kind: "ACL", usage: name.into(), place, support: Support::Full, doc });
    }
    if acl::derived_names().any(|known| known == name) && fetch::by_name(name).is_none() {
        let (base, method) = name.rsplit_once('_').unwrap_or((name, ""));
        let doc = format!("the fetch '{base}' matched as with -m {method}");
        let (usage, place) = (format!("{name} <value>..."), "conditions".into());
        found.push(Explanation { kind: "ACL keyword", usage, place, support: Support::Full, doc });
    }
    found
}

fn call(name: &str, specs: &[Spec], needed: usize) -> String {
    if specs.is_empty() {
        return name.to_owned();
    }
    let mut text = format!("{name}(");
    for (at, spec) in specs.iter().enumerate() {
        if at == needed {
            text.push('[');
        }
        if at > 0 {
            text.push(',');
        }
        match spec {
            Spec::Word(words) => text.push_str(&words.join("|")),
            spec => {
                text.push('<');
                text.push_str(spec.name());
                text.push('>');
            }
        }
    }
    text.push_str(if needed < specs.len() { "])" } else { ")" });
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_explained() {
        let usage = |name: &str| explain(name).into_iter().map(|found| found.usage).collect::<Vec<_>>();
        assert_eq!(usage("req.hdr"), ["req.hdr([<string>,<integer>]) : string"]);
        assert_eq!(usage("field"), ["field(<integer>,<string>[,<integer>]) : string -> string"]);
        assert_eq!(usage("date").len(), 2);
        assert_eq!(usage("set-header"), ["set-header <name> <fmt>"]);
        assert_eq!(usage("%ci"), ["%ci"]);
        assert_eq!(usage("METH_GET"), ["METH_GET"]);
        assert_eq!(usage("path_beg"), ["path_beg <value>..."]);
        assert!(usage("nonsense").is_empty());
    }
}
