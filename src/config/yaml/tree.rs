//! YAML text as a tree in which every key and value knows its place: the Ast.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, ScanError};

use crate::diag::{Diagnostic, Problems, Source, Span, Spanned};

/// Most nodes of one file, aliases expanded: a file that grows beyond it is an attack, not a configuration.
const NODES_MAX: usize = 1_000_000;

/// A value of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Where it stands; an alias stands where it is used.
    pub span: Span,
    /// What it is.
    pub kind: Kind,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One word or text.
    Scalar {
        /// After YAML's own escapes.
        text: String,
        /// Written without quotes, so that it may be a number or a flag.
        is_plain: bool,
    },
    /// `[a, b]`.
    List(Vec<Node>),
    /// `{a: b}`; no key twice.
    Map(Vec<Entry>),
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The word before the colon.
    pub key: Spanned<String>,
    /// What follows it.
    pub value: Node,
}

impl Node {
    /// Nothing was written (`key:`), or `null` or `~`.
    pub fn is_nothing(&self) -> bool {
        matches!(&self.kind, Kind::Scalar { text, is_plain: true } if matches!(text.as_str(), "" | "~" | "null"))
    }

    /// The text of a scalar; `None` for the rest.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { text, .. } if !self.is_nothing() => Some(text),
            _ => None,
        }
    }

    /// The entries of a map; none for the rest.
    pub fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; a single value counts as a list of itself.
    pub fn items(&self) -> &[Node] {
        match &self.kind {
            Kind::List(items) => items,
            _ if self.is_nothing() => &[],
            _ => std::slice::from_ref(self),
        }
    }

    /// The value of a key of a map.
    pub fn value(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|entry| entry.key.value == key).map(|entry| &entry.value)
    }

    fn size(&self) -> usize {
        match &self.kind {
            Kind::Scalar { .. } => 1,
            Kind::List(items) => items.iter().map(Node::size).sum::<usize>() + 1,
            Kind::Map(entries) => entries.iter().map(|entry| entry.value.size() + 1).sum::<usize>() + 1,
        }
    }
}

/// Whether a tree is all of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// The whole file was read.
    Whole,
    /// Reading ended at a mistake in the YAML itself; what stands before it is in the tree.
    Part,
}

/// Reads a file. A mistake in the YAML itself ends the tree, with a diagnostic, at the place of the mistake.
pub fn read(source: &Source, number: usize, problems: &Problems) -> (Node, Extent) {
    let mut builder = Builder { number, problems, open: Vec::new(), root: None, anchors: HashMap::new(), nodes: 0 };
    let mut extent = Extent::Whole;
    for event in Parser::new_from_str(&source.text) {
        let result = event.map_err(|error| syntax(&error, source, number)).and_then(|(event, span)| {
            let range = span.byte_range().unwrap_or(0..0);
            builder.event(event, Span { source: number, start: range.start, end: range.end })
        });
        if let Err(problem) = result {
            problems.push(problem);
            extent = Extent::Part;
            break;
        }
    }
    (builder.finish(), extent)
}

fn syntax(error: &ScanError, source: &Source, number: usize) -> Diagnostic {
    let start = error.marker().byte_offset().unwrap_or(0).min(source.text.len());
    let line = source.position(start).range;
    let line = source.text.get(line).unwrap_or_default();
    let hint = if line.starts_with('\t') || line.trim_start_matches(' ').starts_with('\t') {
        "indent with spaces: YAML allows no tabs there"
    } else {
        "check the indentation of this line and the one before it, and that quotes and brackets are closed"
    };
    let span = Span { source: number, start, end: start + 1 };
    Diagnostic::error("E-YAML", span, format!("this is not YAML: {}", error.info())).hint(hint)
}

/// A list or map whose end has not come yet.
struct Open {
    span: Span,
    anchor: usize,
    items: Vec<Node>,
    entries: Vec<Entry>,
    key: Option<Spanned<String>>,
    is_map: bool,
}

struct Builder<'a> {
    number: usize,
    problems: &'a Problems,
    open: Vec<Open>,
    root: Option<Node>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
}

impl Builder<'_> {
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Diagnostic> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_tag(tag.is_some(), span);
                let kind = Kind::Scalar { text: text.into_owned(), is_plain: style == ScalarStyle::Plain };
                self.node(Node { span, kind }, anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.refuse_tag(tag.is_some(), span);
                self.start(span, anchor, false);
                Ok(())
            }
            Event::MappingStart(_, anchor, tag) => {
                self.refuse_tag(tag.is_some(), span);
                self.start(span, anchor, true);
                Ok(())
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(anchor) => match self.anchors.get(&anchor) {
                Some(node) => {
                    self.nodes += node.size();
                    let node = Node { span, kind: node.kind.clone() };
                    self.node(node, 0)
                }
                None => Err(Diagnostic::error("E-YAML", span, "this alias contains itself")),
            },
            Event::DocumentStart(..) if self.root.is_some() => {
                Err(Diagnostic::error("E-YAML", span, "a second document begins here")
                    .hint("put it into a file of its own under conf.d/"))
            }
            _ => Ok(()),
        }
    }

    fn refuse_tag(&self, is_tagged: bool, span: Span) {
        if is_tagged {
            self.problems.push(Diagnostic::error("E-YAML", span, "tags (`!word`) mean nothing here").hint("remove it"));
        }
    }

    fn start(&mut self, span: Span, anchor: usize, is_map: bool) {
        self.open.push(Open { span, anchor, items: Vec::new(), entries: Vec::new(), key: None, is_map });
    }

    fn end(&mut self) -> Result<(), Diagnostic> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let anchor = open.anchor;
        self.node(close(open), anchor)
    }

    fn node(&mut self, node: Node, anchor: usize) -> Result<(), Diagnostic> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            let what = format!("more than {NODES_MAX} values in one file, aliases counted");
            return Err(Diagnostic::error("E-YAML", node.span, what));
        }
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        if !open.is_map {
            open.items.push(node);
        } else if let Some(key) = open.key.take() {
            match open.entries.iter().find(|entry| entry.key.value == key.value) {
                Some(first) => self.problems.push(duplicate(&key, first.key.span)),
                None => open.entries.push(Entry { key, value: node }),
            }
        } else {
            let Kind::Scalar { text, .. } = node.kind else {
                return Err(Diagnostic::error("E-YAML", node.span, "a key is one word, not a list or a map"));
            };
            open.key = Some(Spanned::new(text, node.span));
        }
        Ok(())
    }

    /// Closes what a mistake left open.
    fn finish(mut self) -> Node {
        while let Some(mut open) = self.open.pop() {
            open.key = None;
            let node = close(open);
            match self.open.last_mut() {
                Some(parent) if parent.is_map => {
                    if let Some(key) = parent.key.take() {
                        parent.entries.push(Entry { key, value: node });
                    }
                }
                Some(parent) => parent.items.push(node),
                None => self.root = Some(node),
            }
        }
        self.root.unwrap_or(Node {
            span: Span { source: self.number, start: 0, end: 0 },
            kind: Kind::Scalar { text: String::new(), is_plain: true },
        })
    }
}

fn close(open: Open) -> Node {
    let kind = if open.is_map { Kind::Map(open.entries) } else { Kind::List(open.items) };
    Node { span: open.span, kind }
}

/// The same key twice: both places.
pub fn duplicate(key: &Spanned<String>, first: Span) -> Diagnostic {
    Diagnostic::error("E-DUPLICATE", key.span, format!("`{}` is given twice", key.value))
        .label(first, "first given here")
        .hint("remove or rename one of them")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str) -> Vec<&'static str> {
        let problems = Problems::default();
        read(&Source::new("t", text), 0, &problems);
        problems.into_sorted().iter().map(|problem| problem.code).collect()
    }

    #[test]
    fn what_stands_before_a_mistake_is_in_the_tree() {
        let problems = Problems::default();
        let (tree, extent) = read(&Source::new("t", "a: {b: 1}\nc: [\n"), 0, &problems);
        assert_eq!(extent, Extent::Part);
        assert_eq!(tree.value("a").and_then(|a| a.value("b")).and_then(Node::text), Some("1"));
    }

    #[test]
    fn duplicate_key_shows_both_places() {
        let problems = Problems::default();
        read(&Source::new("t", "a: 1\nb: 2\na: 3\n"), 0, &problems);
        let list = problems.into_sorted();
        assert_eq!(list[0].labels.iter().map(|label| label.span.start).collect::<Vec<_>>(), [10, 0]);
    }

    #[test]
    fn alias_is_the_value_of_its_anchor() {
        let problems = Problems::default();
        let (tree, _) = read(&Source::new("t", "a: &x [1, 2]\nb: *x\n"), 0, &problems);
        assert_eq!(tree.value("b").map(|b| b.items().len()), Some(2));
        assert!(!problems.has_errors());
    }

    #[test]
    fn alias_bomb_is_refused() {
        let mut text = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
        for n in 1..12 {
            let before = n - 1;
            text += &format!("a{n}: &a{n} [*a{before},*a{before},*a{before},*a{before},*a{before},*a{before}]\n");
        }
        assert_eq!(codes(&text), ["E-YAML"]);
    }

    #[test]
    fn tag_is_refused() {
        assert_eq!(codes("a: !env X\n"), ["E-YAML"]);
    }

    #[test]
    fn deep_nesting_is_refused() {
        assert_eq!(codes(&"[".repeat(20_000)), ["E-YAML"]);
    }
}
