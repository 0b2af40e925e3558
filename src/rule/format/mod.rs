//! Format strings: text with `%tags` and `%[expressions]` (HAProxy manual §8.2.6).
//!
//! Decides what is written into a log line, a header field or a body; writes into the caller's buffer and allocates nothing
//! itself. [`tag`] has the table of tags, [`date`] how dates look, [`encode`] how bytes are made safe.

mod encode;
mod date;
mod tag;
mod parse;

use super::error::RuleError;
use super::expression::Expression;
use super::facts::Number;
use super::fetch::Run;
use super::sample::Sample;
use super::scope::Scope;
use super::transaction::Transaction;

pub use date::{Precision, write_date};
pub use tag::{TAGS, Tag, TagRow};

/// What a format string is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormatUse {
    /// A log line: runs of spaces are one space, what is missing is `-`.
    Log,
    /// A header field, a path, a body: spaces are kept, what is missing is empty, control characters are percent-encoded.
    Http,
    /// The unique id: as `Http`, with runs of spaces as one.
    UniqueId,
    /// What a health check sends or says: as `Http`, with every byte as it is.
    Plain,
}

/// `{+Q}`, `{+X}`, `{+E}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Quotes around text.
    pub quotes: bool,
    /// Addresses, ports and some numbers in hexadecimal.
    pub hexadecimal: bool,
    /// `"`, `\` and `]` behind a backslash.
    pub escapes: bool,
}

#[derive(Clone, Debug)]
enum Item {
    Text(Box<[u8]>),
    /// A space, unless what was written last is one. Where something is always written in between, it is text.
    Space,
    Tag(&'static TagRow, Options),
    Expression(Expression, Options),
}

/// A compiled format string.
#[derive(Clone, Debug)]
pub struct Format {
    items: Vec<Item>,
    purpose: FormatUse,
}

impl Format {
    /// Compiles a word.
    pub fn compile(word: &str, purpose: FormatUse, scope: &mut Scope<'_>) -> Result<Format, RuleError> {
        Ok(Format { items: parse::items(word, purpose, scope)?, purpose })
    }

    /// The text, if it is nothing but text.
    pub fn constant(&self) -> Option<&[u8]> {
        match &self.items[..] {
            [] => Some(b""),
            [Item::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Whether it asks for more of a request than its first line, or for something that rules keep.
    pub fn looks_at_requests(&self) -> bool {
        self.items.iter().any(|item| match item {
            Item::Text(_) | Item::Space => false,
            Item::Tag(row, _) => row.tag.looks_at_requests(),
            Item::Expression(..) => true,
        })
    }

    /// Whether it asks for this number.
    pub fn asks_for(&self, question: Number) -> bool {
        self.items.iter().any(|item| match item {
            Item::Text(_) | Item::Space => false,
            Item::Tag(row, _) => matches!(row.tag, Tag::Number(asked) | Tag::Counter(asked) if asked == question),
            Item::Expression(expression, _) => {
                matches!(expression.fetch().run, Run::Number(asked) if asked == question)
            }
        })
    }

    /// Appends the text for this transaction.
    pub fn render(&self, transaction: &Transaction<'_>, out: &mut Vec<u8>) {
        // Where the last space ended. It is not repeated although what stands between two of them may write nothing.
        let mut behind_space = out.len();
        for item in &self.items {
            match item {
                Item::Space if out.len() == behind_space => {}
                Item::Space => {
                    out.push(b' ');
                    behind_space = out.len();
                }
                Item::Text(text) => {
                    write_text(text, out);
                    if text.ends_with(b" ") {
                        behind_space = out.len();
                    }
                }
                Item::Tag(row, options) => tag::write(row.tag, *options, self.purpose, transaction, out),
                Item::Expression(expression, options) => {
                    write_sample(expression.value(transaction), *options, self.purpose, out);
                }
            }
        }
    }
}

/// Most texts are a mark between two tags, which needs no general copy.
fn write_text(text: &[u8], out: &mut Vec<u8>) {
    match *text {
        [byte] => out.push(byte),
        [first, second] => out.extend_from_slice(&[first, second]),
        _ => out.extend_from_slice(text),
    }
}

fn write_sample(sample: Option<Sample<'_>>, options: Options, purpose: FormatUse, out: &mut Vec<u8>) {
    let is_log = purpose == FormatUse::Log;
    let quotes = options.quotes && is_log;
    let start = out.len();
    if quotes {
        out.push(b'"');
    }
    match &sample {
        Some(Sample::Str(text) | Sample::Bin(text) | Sample::Method(text)) => {
            // Text ends at a NUL if it was binary, as in every cast to text.
            let is_binary = matches!(sample, Some(Sample::Bin(_)));
            let end = memchr::memchr(0, text).filter(|_| is_binary).unwrap_or(text.len());
            match (options.escapes, purpose) {
                (true, _) => encode::escaped(out, &text[..end]),
                (false, FormatUse::Log | FormatUse::Plain) => out.extend_from_slice(&text[..end]),
                (false, FormatUse::Http | FormatUse::UniqueId) => encode::percent(out, &text[..end]),
            }
        }
        Some(plain) => plain.write(out),
        None => {}
    }
    match (quotes, is_log) {
        (true, _) => out.push(b'"'),
        (false, true) if out.len() == start => out.push(b'-'),
        (false, _) => {}
    }
}

#[cfg(test)]
mod tests;
