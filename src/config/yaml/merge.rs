//! Several files as one: sections merge, names inside them must differ.

use crate::diag::{Problems, Source};

use super::tree::{self, Entry, Extent, Kind, Node};

/// Reads all files into one tree. A name given twice is reported with both places; the first one counts.
pub fn read(sources: &[(usize, &Source)], problems: &Problems) -> (Node, Extent) {
    let mut whole = Extent::Whole;
    let mut merged: Option<Node> = None;
    for (number, source) in sources {
        let (root, extent) = tree::read(source, *number, problems);
        if extent == Extent::Part {
            whole = Extent::Part;
        }
        match &mut merged {
            None => merged = Some(root),
            Some(first) => merge(first, root, problems),
        }
    }
    let nothing = Kind::Scalar { text: String::new(), is_plain: true };
    (merged.unwrap_or(Node { span: Default::default(), kind: nothing }), whole)
}

fn merge(into: &mut Node, from: Node, problems: &Problems) {
    if from.is_nothing() {
        return;
    }
    if into.is_nothing() {
        *into = from;
        return;
    }
    let span = from.span;
    match (&mut into.kind, from.kind) {
        (Kind::Map(sections), Kind::Map(more)) => {
            for entry in more {
                match sections.iter_mut().find(|section| section.key.value == entry.key.value) {
                    None => sections.push(entry),
                    Some(section) => names(section, entry, problems),
                }
            }
        }
        _ => problems.push(crate::diag::Diagnostic::error("E-VALUE", span, "the file is no map of sections")),
    }
}

fn names(section: &mut Entry, more: Entry, problems: &Problems) {
    if more.value.is_nothing() {
        return;
    }
    if section.value.is_nothing() {
        *section = more;
        return;
    }
    match (&mut section.value.kind, more.value.kind) {
        (Kind::Map(known), Kind::Map(more)) => {
            for entry in more {
                match known.iter().find(|first| first.key.value == entry.key.value) {
                    Some(first) => problems.push(tree::duplicate(&entry.key, first.key.span)),
                    None => known.push(entry),
                }
            }
        }
        _ => problems.push(tree::duplicate(&more.key, section.key.span)),
    }
}
