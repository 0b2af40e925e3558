//! Messages about configuration: where, what is wrong, what can be typed instead.
//!
//! Decides how a problem looks and nothing else: it reads no file, judges no value and never stops anybody. Start with
//! [`Diagnostic`]; [`render`] draws it; [`nearest`] knows what a misspelt word was meant to be.

mod source;
mod diagnostic;
mod render;
mod nearest;

pub use diagnostic::{Diagnostic, Label, Problems, Severity};
pub use nearest::nearest;
pub use render::render;
pub use source::{Position, Source, Span, Spanned};
