//! Holds a tree against the keyword table and says everything that does not fit: unknown keys, missing keys, values of
//! the wrong kind or range. What comes after it may read the tree without reporting these again.

use crate::diag::{Diagnostic, Problems, Span, nearest};

use super::keyword::{Key, Need, Scalar, Section, Value};
use super::tree::{Extent, Kind, Node};

/// Checks a whole file or the merge of several.
pub fn check(root: &Node, section: &Section, extent: Extent, problems: &Problems) {
    let walk = Walk { problems, extent };
    match &root.kind {
        Kind::Map(_) => walk.section(root, section, root.span, ""),
        // No YAML from its first character on: that has been said.
        _ if root.is_nothing() && extent == Extent::Part => {}
        _ if root.is_nothing() => problems.push(
            Diagnostic::error("E-EMPTY", root.span, "the file says nothing")
                .hint("begin with `nodes:`, `vrrp:`, `frontends:` and `backends:`"),
        ),
        _ => problems.push(wrong_kind(root, "a map of sections", root.span, "").hint(beginning(root))),
    }
}

/// How a file that begins with something else should.
fn beginning(root: &Node) -> &'static str {
    const KEEPALIVED: [&str; 5] = ["global_defs", "vrrp_instance", "vrrp_script", "vrrp_sync_group", "virtual_server"];
    let first = root.text().and_then(|text| text.split_whitespace().next()).unwrap_or_default();
    match KEEPALIVED.contains(&first) {
        true => "keepalived.conf cannot be read yet: describe its virtual routers in YAML, under `nodes:` and `vrrp:`",
        false => {
            "begin with `nodes:`, `vrrp:`, `frontends:` and `backends:`; a haproxy.cfg has a name that ends with .cfg"
        }
    }
}

struct Walk<'a> {
    problems: &'a Problems,
    extent: Extent,
}

impl Walk<'_> {
    fn section(&self, node: &Node, section: &Section, owner: Span, path: &str) {
        for entry in node.entries() {
            let key = entry.key.value.as_str();
            let inner = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
            match section.keys.iter().find(|row| row.name == key) {
                Some(Key { need: Need::Refused(why), .. }) => self.problems.push(
                    Diagnostic::error("E-NOT-SUPPORTED", entry.key.span, format!("`{inner}` is not supported yet"))
                        .hint(*why),
                ),
                Some(row) => self.value(&entry.value, &row.value, entry.key.span, &inner),
                None => self.unknown(section, entry.key.span, key),
            }
        }
        if self.extent == Extent::Part {
            return;
        }
        for row in section.keys.iter().filter(|row| row.need == Need::Required) {
            let written = node.value(row.name);
            if let Some(written) = written
                && (is_empty(written)
                    || (written.is_nothing() && matches!(row.value, Value::Named(..) | Value::List(_))))
            {
                let place = node.entries().iter().find(|entry| entry.key.value == row.name).map(|entry| entry.key.span);
                let inner = if path.is_empty() { row.name.to_owned() } else { format!("{path}.{}", row.name) };
                let what = format!("`{inner}` is empty");
                let hint = format!("give it {}", expected(&row.value));
                self.problems.push(Diagnostic::error("E-EMPTY", place.unwrap_or(owner), what).hint(hint));
            }
            if written.is_none() {
                let place = if path.is_empty() { section.name.to_owned() } else { format!("`{path}`") };
                self.problems.push(
                    Diagnostic::error("E-MISSING", owner, format!("{place} has no `{}`", row.name)).hint(format!(
                        "add `{}:` with {}",
                        row.name,
                        expected(&row.value)
                    )),
                );
            }
        }
    }

    fn unknown(&self, section: &Section, span: Span, key: &str) {
        let known = || section.keys.iter().filter(|row| !matches!(row.need, Need::Refused(_))).map(|row| row.name);
        let hint = match nearest(key, known()) {
            Some(word) => format!("did you mean `{word}`?"),
            None => format!("known here: {}", known().collect::<Vec<_>>().join(", ")),
        };
        let what = format!("unknown key `{key}` in {}", section.name);
        self.problems.push(Diagnostic::error("E-UNKNOWN-KEY", span, what).hint(hint));
    }

    fn value(&self, node: &Node, value: &Value, owner: Span, path: &str) {
        if self.extent == Extent::Part && node.is_nothing() {
            return;
        }
        match (value, &node.kind) {
            (Value::Any(choices), _) => match choices.iter().find(|choice| fits(choice, node)) {
                Some(Value::One(_)) => self.words(node, choices, owner, path),
                Some(choice) => self.value(node, choice, owner, path),
                None => self.wrong_kind(node, &expected(value), owner, path),
            },
            (Value::Section(section), Kind::Map(_)) => self.section(node, section, owner, path),
            (Value::Section(section), _) if node.is_nothing() => {
                self.section(node, section, owner, path);
            }
            (Value::Named(name, inner), Kind::Map(entries)) => {
                for entry in entries {
                    if let Err(wrong) = name.check(&entry.key.value) {
                        self.problems
                            .push(Diagnostic::error(wrong.code, entry.key.span, wrong.what).hint_if(wrong.hint));
                    }
                    self.value(&entry.value, inner, entry.key.span, &format!("{path}.{}", entry.key.value));
                }
            }
            // `frontends:` with nothing below it; where that is too little, `section` says so.
            (Value::Named(..) | Value::List(_), _) if node.is_nothing() => {}
            (Value::List(inner), Kind::List(items)) => {
                for (number, item) in items.iter().enumerate() {
                    self.value(item, inner, owner, &format!("{path}[{number}]"));
                }
            }
            (Value::List(inner), _) if fits(inner, node) => self.value(node, inner, owner, path),
            (Value::One(scalar), Kind::Scalar { .. }) if !node.is_nothing() => {
                if let Err(problem) = word(*scalar, node) {
                    self.problems.push(problem);
                }
            }
            _ => self.wrong_kind(node, &expected(value), owner, path),
        }
    }

    /// A word where several kinds of words may stand: it must be one of them.
    fn words(&self, node: &Node, choices: &[Value], owner: Span, path: &str) {
        let scalars = || {
            choices.iter().filter_map(|choice| match choice {
                Value::One(scalar) => Some(*scalar),
                _ => None,
            })
        };
        if scalars().any(|scalar| word(scalar, node).is_ok()) {
            return;
        }
        let mut kinds = scalars().filter(|scalar| !matches!(scalar, Scalar::Word(_)));
        let (first, second) = (kinds.next(), kinds.next());
        match (first.or_else(|| scalars().next()), second) {
            // One kind besides fixed words: what is wrong with it says more than a list of kinds.
            (Some(scalar), None) => {
                if let Err(problem) = word(scalar, node) {
                    self.problems.push(problem);
                }
            }
            _ => self.wrong_kind(node, &expected_of(choices), owner, path),
        }
    }

    fn wrong_kind(&self, node: &Node, expected: &str, owner: Span, path: &str) {
        self.problems.push(wrong_kind(node, expected, owner, path));
    }
}

fn wrong_kind(node: &Node, expected: &str, owner: Span, path: &str) -> Diagnostic {
    let found = match &node.kind {
        _ if node.is_nothing() => "nothing".to_owned(),
        Kind::Scalar { text, .. } => format!("`{}`", text.chars().take(40).collect::<String>()),
        Kind::List(_) => "a list".to_owned(),
        Kind::Map(_) => "a map".to_owned(),
    };
    // A block begins at its first word, and nothing has no place: point to the key.
    let span = if matches!(node.kind, Kind::Scalar { .. }) && !node.is_nothing() { node.span } else { owner };
    let place = if path.is_empty() { "the file".to_owned() } else { format!("`{path}`") };
    Diagnostic::error("E-VALUE", span, format!("{place} is {found}, not {expected}"))
}

fn is_empty(node: &Node) -> bool {
    match &node.kind {
        Kind::List(items) => items.is_empty(),
        Kind::Map(entries) => entries.is_empty(),
        Kind::Scalar { .. } => false,
    }
}

/// Whether a value is a list, map or word where one is expected.
fn fits(value: &Value, node: &Node) -> bool {
    match (value, &node.kind) {
        (Value::Any(choices), _) => choices.iter().any(|choice| fits(choice, node)),
        (Value::One(_), Kind::Scalar { .. }) => !node.is_nothing(),
        (Value::Section(_) | Value::Named(..), Kind::Map(_)) | (Value::List(_), Kind::List(_)) => true,
        _ => false,
    }
}

fn word(scalar: Scalar, node: &Node) -> Result<(), Diagnostic> {
    let Kind::Scalar { text, is_plain } = &node.kind else { return Ok(()) };
    if scalar.is_bare() && !is_plain {
        let what = format!("this is a text, not {}", scalar.expected());
        return Err(Diagnostic::error("E-VALUE", node.span, what).hint(format!("remove the quotes: {text}")));
    }
    scalar.check(text).map_err(|wrong| Diagnostic::error(wrong.code, node.span, wrong.what).hint_if(wrong.hint))
}

/// What diagnostics and the manual say that a key holds.
pub(super) fn expected(value: &Value) -> String {
    match value {
        Value::One(Scalar::Word(words)) => words.join(" | "),
        Value::One(scalar) => scalar.expected().to_owned(),
        Value::Section(_) => "a map".to_owned(),
        Value::Named(..) => "a map of names".to_owned(),
        Value::List(inner) => format!("a list of {}", expected(inner).trim_start_matches("a ")),
        Value::Any(choices) => expected_of(choices),
    }
}

fn expected_of(choices: &[Value]) -> String {
    choices.iter().map(expected).collect::<Vec<_>>().join(", or ")
}
