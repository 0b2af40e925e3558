//! Format strings: text with `%tags` and `%[expressions]` (HAProxy manual §8.2.6).
//!
//! Decides what is written into a log line, a header field or a body; writes into the caller's buffer and allocates nothing
//! itself, but for the notations of [`encoded`]. [`tag`] has the table of tags, [`date`] how dates look, [`encode`] how bytes
//! are made safe.

mod encode;
mod date;
mod tag;
mod cbor;
mod encoded;
mod parse;

use super::error::RuleError;
use super::expression::Expression;
use super::facts::Number;
use super::fetch::Run;
use super::sample::Sample;
use super::scope::Scope;
use super::transaction::Transaction;

use encoded::Encoded;

pub use date::{Precision, write_date};
pub use tag::{TAGS, Tag, TagRow};

/// What a format string is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormatUse {
    /// A log line: runs of spaces are one space, what is missing is `-`.
    Log,
    /// A header field, a path, a body: spaces are kept, what is missing is empty, control characters are percent-encoded,
    /// and values have no quotes.
    Http,
    /// The unique id: as `Http`, with runs of spaces as one.
    UniqueId,
    /// A variable, the name of a backend, what a health check sends or says: spaces are kept, what is missing is empty,
    /// every byte is as it is.
    Plain,
}

impl FormatUse {
    /// Whether values of expressions are made safe for header fields.
    fn is_percent_encoded(self) -> bool {
        matches!(self, FormatUse::Http | FormatUse::UniqueId)
    }
}

/// `{+Q}`, `{+X}`, `{+E}`, `{+M}`, `{+bin}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Quotes around text.
    pub quotes: bool,
    /// Addresses, ports and some numbers in hexadecimal.
    pub hexadecimal: bool,
    /// `"`, `\` and `]` behind a backslash.
    pub escapes: bool,
    /// `-` for what is missing.
    pub dash: bool,
    /// Bytes of a binary value as they are, also behind a NUL.
    pub is_binary: bool,
}

/// What is written behind a percent sign.
#[derive(Clone, Debug)]
enum Value {
    Tag(&'static TagRow),
    Expression(Expression),
}

#[derive(Clone, Debug)]
enum Item {
    Text(Box<[u8]>),
    /// A space, unless what was written last is one. Where something is always written in between, it is text.
    Space,
    Value(Value, Options),
    Encoded(Box<Encoded>),
}

impl Item {
    fn value(&self) -> Option<&Value> {
        match self {
            Item::Text(_) | Item::Space => None,
            Item::Value(value, _) => Some(value),
            Item::Encoded(encoded) => Some(encoded.value()),
        }
    }
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
        self.items.iter().filter_map(Item::value).any(|value| match value {
            Value::Tag(row) => row.tag.looks_at_requests(),
            Value::Expression(_) => true,
        })
    }

    /// Whether it asks for this number.
    pub fn asks_for(&self, question: Number) -> bool {
        self.items.iter().filter_map(Item::value).any(|value| match value {
            Value::Tag(row) => matches!(row.tag, Tag::Number(asked) | Tag::Counter(asked) if asked == question),
            Value::Expression(expression) => {
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
                Item::Value(Value::Tag(row), options) => tag::write(row.tag, *options, transaction, out),
                Item::Value(Value::Expression(expression), options) => {
                    write_sample(expression.value(transaction), *options, self.purpose, out);
                }
                Item::Encoded(encoded) => encoded.write(transaction, out),
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
    let is_percent_encoded = purpose.is_percent_encoded();
    let keeps_bytes = options.is_binary && matches!(sample, Some(Sample::Bin(_)));
    let quotes = options.quotes && !is_percent_encoded && !keeps_bytes;
    let start = out.len();
    if quotes {
        out.push(b'"');
    }
    match &sample {
        Some(Sample::Str(text) | Sample::Bin(text) | Sample::Method(text)) => {
            // Text ends at a NUL if it was binary, as in every cast to text.
            let is_cut = matches!(sample, Some(Sample::Bin(_))) && !keeps_bytes;
            let end = memchr::memchr(0, text).filter(|_| is_cut).unwrap_or(text.len());
            match (is_percent_encoded, options.escapes && !keeps_bytes) {
                (true, escapes) => encode::percent(out, &text[..end], escapes),
                (false, true) => encode::escaped(out, &text[..end]),
                (false, false) => out.extend_from_slice(&text[..end]),
            }
        }
        Some(plain) => plain.write(out),
        None => {}
    }
    match (quotes, options.dash && !is_percent_encoded) {
        (true, _) => out.push(b'"'),
        (false, true) if out.len() == start => out.push(b'-'),
        (false, _) => {}
    }
}

#[cfg(test)]
mod tests;
