//! A message and the places it is about.

use std::cell::RefCell;

use super::Span;

/// A message about configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether the configuration can be used.
    pub severity: Severity,
    /// Stable name for searching: `E-...` or `W-...`.
    pub code: &'static str,
    /// What is wrong, as a lower-case phrase.
    pub message: String,
    /// Places, the one to look at first; empty if no file is to blame.
    pub labels: Vec<Label>,
    /// What can be typed instead.
    pub hint: Option<String>,
}

/// Whether the configuration can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// It cannot.
    Error,
    /// It can, but does something that was hardly meant.
    Warning,
    /// It can, and this is good to know.
    Notice,
}

impl Severity {
    /// As diagnostics print it.
    pub const fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Notice => "notice",
        }
    }
}

/// A place and what is to be said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// Short phrase behind the carets; may be empty.
    pub text: String,
}

impl Diagnostic {
    /// The configuration cannot be used because of what stands at `span`.
    pub fn error(code: &'static str, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Severity::Error, code, message).label(span, "")
    }

    /// What stands at `span` was hardly meant so.
    pub fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Severity::Warning, code, message).label(span, "")
    }

    /// A message about no place.
    pub fn new(severity: Severity, code: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic { severity, code, message: message.into(), labels: Vec::new(), hint: None }
    }

    /// Adds a place.
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Diagnostic {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// Says what can be typed instead.
    pub fn hint(mut self, hint: impl Into<String>) -> Diagnostic {
        self.hint = Some(hint.into());
        self
    }

    /// Says it if there is something to say.
    pub fn hint_if(mut self, hint: Option<String>) -> Diagnostic {
        self.hint = hint.or(self.hint);
        self
    }
}

/// Collects diagnostics while a configuration is read; nobody stops at the first.
#[derive(Debug, Default)]
pub struct Problems(RefCell<Vec<Diagnostic>>);

impl Problems {
    /// Adds one, unless exactly it is there already.
    pub fn push(&self, diagnostic: Diagnostic) {
        let mut list = self.0.borrow_mut();
        if !list.contains(&diagnostic) {
            list.push(diagnostic);
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.borrow().len()
    }

    /// Warnings after the first `kept` diagnostics become notices where they are only advice.
    pub fn soften(&self, kept: usize, is_advice: impl Fn(&Diagnostic) -> bool) {
        for diagnostic in self.0.borrow_mut().iter_mut().skip(kept) {
            if diagnostic.severity == Severity::Warning && is_advice(diagnostic) {
                diagnostic.severity = Severity::Notice;
            }
        }
    }

    /// Whether the configuration cannot be used.
    pub fn has_errors(&self) -> bool {
        self.0.borrow().iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Whether something was hardly meant as it is written.
    pub fn has_warnings(&self) -> bool {
        self.0.borrow().iter().any(|diagnostic| diagnostic.severity == Severity::Warning)
    }

    /// All of them, in the order of the text.
    pub fn into_sorted(self) -> Vec<Diagnostic> {
        let mut list = self.0.into_inner();
        list.sort_by_key(|diagnostic| diagnostic.labels.first().map(|label| label.span));
        list
    }
}
