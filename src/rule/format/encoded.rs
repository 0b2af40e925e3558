//! Values written as JSON or CBOR (HAProxy manual §8.2.6): those with a name where the whole string is encoded, and single
//! ones that ask for it.
//!
//! A control character in a value is `\u00XX` in JSON (RFC 8259 §7); HAProxy writes it as it is. Bytes that are no UTF-8 stay
//! as they came, as in HAProxy.

use std::borrow::Cow;

use crate::http::write_number;
use crate::rule::sample::{Kind, Sample};
use crate::rule::transaction::{Captured, Transaction};

use super::cbor::Cbor;
use super::encode::push_digits;
use super::tag::{self, Tag};
use super::{Item, Options, Value};

/// A notation for values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Json,
    Cbor(Cbor),
}

/// The type that a value gets, as in `%(name:sint)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Cast {
    /// Its own.
    #[default]
    Own,
    Str,
    Int,
    Bool,
    /// Its bytes, without an encoding.
    Raw,
}

/// What stands in the parentheses before a value.
#[derive(Clone, Debug, Default)]
pub(super) struct Label {
    pub name: Box<str>,
    pub cast: Cast,
}

/// A value with its notation.
#[derive(Clone, Debug)]
pub(super) struct Encoded {
    value: Value,
    options: Options,
    encoding: Encoding,
    cast: Cast,
}

/// The items of a string that is encoded as a whole: one map of everything that has a name.
pub(super) fn map(values: impl Iterator<Item = (Value, Options, Label)>, encoding: Encoding) -> Vec<Item> {
    let mut items = Vec::new();
    let mut text = Vec::new();
    match encoding {
        Encoding::Json => text.push(b'{'),
        Encoding::Cbor(cbor) => cbor.open_map(&mut text),
    }
    for (value, options, label) in values.filter(|(.., label)| !label.name.is_empty()) {
        let name = label.name.as_bytes();
        match encoding {
            Encoding::Json => {
                let separator: &[u8] = if items.is_empty() { b"\"" } else { b", \"" };
                text.extend([separator, name, b"\": "].concat());
            }
            Encoding::Cbor(cbor) => cbor.text(&mut text, name),
        }
        items.push(Item::Text(std::mem::take(&mut text).into()));
        items.push(Encoded::item(value, options, encoding, label.cast));
    }
    match encoding {
        Encoding::Json => text.push(b'}'),
        Encoding::Cbor(cbor) => cbor.close(&mut text),
    }
    items.push(Item::Text(text.into()));
    items
}

impl Encoded {
    pub(super) fn item(value: Value, options: Options, encoding: Encoding, cast: Cast) -> Item {
        Item::Encoded(Box::new(Encoded { value, options, encoding, cast }))
    }

    pub(super) fn value(&self) -> &Value {
        &self.value
    }

    /// Appends it.
    pub(super) fn write(&self, transaction: &Transaction<'_>, out: &mut Vec<u8>) {
        match &self.value {
            Value::Tag(row) => self.tag(row.tag, transaction, out),
            Value::Expression(expression) => self.sample(expression.value(transaction), out),
        }
    }

    fn tag(&self, tag: Tag, transaction: &Transaction<'_>, out: &mut Vec<u8>) {
        if let Some(number) = tag::integer(tag, transaction).filter(|_| !self.options.hexadecimal || !tag.has_digits())
        {
            return self.number(number, out);
        }
        let captures = transaction.captures;
        match tag {
            Tag::RequestFieldList => return self.list(&captures.request.borrow(), out),
            Tag::ResponseFieldList => return self.list(&captures.response.borrow(), out),
            Tag::RequestFields if captures.request.borrow().is_empty() => return self.null(out),
            Tag::ResponseFields if captures.response.borrow().is_empty() => return self.null(out),
            _ => {}
        }
        let options = Options { hexadecimal: self.options.hexadecimal, ..Options::default() };
        let mut text = Vec::new();
        tag::write(tag, options, transaction, &mut text);
        match (self.encoding, tag) {
            (Encoding::Cbor(cbor), Tag::FrontendTransport) => {
                let name = text.strip_suffix(b"~").unwrap_or(&text);
                let parts = [name, &text[name.len()..]];
                cbor.texts(out, parts.into_iter().filter(|part| !part.is_empty()));
            }
            (Encoding::Cbor(cbor), Tag::RequestFields | Tag::ResponseFields) => {
                cbor.texts(out, pieces(&text, tag::BRACES).into_iter());
            }
            (Encoding::Cbor(cbor), tag) if tag.is_received() => cbor.texts(out, pieces(&text, b"").into_iter()),
            _ => self.text(&text, out),
        }
    }

    fn sample(&self, sample: Option<Sample<'_>>, out: &mut Vec<u8>) {
        let own = match &sample {
            Some(Sample::Int(_)) => Kind::Int,
            Some(Sample::Bool(_)) => Kind::Bool,
            Some(Sample::Bin(_)) if self.options.is_binary || self.encoding != Encoding::Json => Kind::Bin,
            _ => Kind::Str,
        };
        let kind = match self.cast {
            Cast::Own => own,
            Cast::Str => Kind::Str,
            Cast::Int => Kind::Int,
            Cast::Bool => Kind::Bool,
            Cast::Raw => {
                let bytes = sample.and_then(|sample| sample.cast(Kind::Bin)).map(Sample::into_text);
                return out.extend_from_slice(bytes.as_deref().unwrap_or_default());
            }
        };
        match (sample.and_then(|sample| sample.cast(kind)), self.encoding) {
            (None, _) => self.text(b"", out),
            (Some(Sample::Int(value)), _) => self.number(value, out),
            (Some(Sample::Bool(value)), _) => self.boolean(value, out),
            (Some(Sample::Bin(bytes)), Encoding::Cbor(cbor)) => cbor.bytes(out, &bytes),
            // Bytes that stay bytes have no quotes.
            (Some(Sample::Bin(bytes)), Encoding::Json) => escape(&bytes, out),
            (Some(other), _) => self.text(&other.into_text(), out),
        }
    }

    fn number(&self, value: i64, out: &mut Vec<u8>) {
        match self.encoding {
            _ if self.cast == Cast::Bool => self.boolean(value != 0, out),
            Encoding::Cbor(cbor) => cbor.number(out, value),
            Encoding::Json => {
                let mark: &[u8] = if self.cast == Cast::Str { b"\"" } else { b"" };
                out.extend_from_slice(mark);
                write_number(out, value);
                out.extend_from_slice(mark);
            }
        }
    }

    fn boolean(&self, value: bool, out: &mut Vec<u8>) {
        match self.encoding {
            Encoding::Json => out.extend_from_slice(if value { b"true" } else { b"false" }),
            Encoding::Cbor(cbor) => cbor.boolean(out, value),
        }
    }

    /// A text; an empty one is nothing in CBOR.
    fn text(&self, text: &[u8], out: &mut Vec<u8>) {
        match self.encoding {
            Encoding::Json => quote(text, out),
            Encoding::Cbor(cbor) if text.is_empty() => cbor.null(out),
            Encoding::Cbor(cbor) => cbor.text(out, text),
        }
    }

    fn null(&self, out: &mut Vec<u8>) {
        match self.encoding {
            Encoding::Json => out.extend_from_slice(b"null"),
            Encoding::Cbor(cbor) => cbor.null(out),
        }
    }

    /// Captured fields as an array.
    fn list(&self, slots: &[Captured], out: &mut Vec<u8>) {
        if slots.is_empty() {
            return self.null(out);
        }
        let missing: &[u8] = if self.options.quotes { b"" } else { b"-" };
        let shown =
            slots.iter().map(|slot| slot.value().map_or(Cow::Borrowed(missing), |value| tag::field(value).into()));
        match self.encoding {
            Encoding::Json => {
                for (at, text) in shown.enumerate() {
                    out.extend_from_slice(if at == 0 { b"[" } else { b", " });
                    quote(&text, out);
                }
                out.push(b']');
            }
            Encoding::Cbor(cbor) => {
                cbor.open_array(out);
                shown.for_each(|text| cbor.texts(out, pieces(&text, b"").into_iter()));
                cbor.close(out);
            }
        }
    }
}

fn quote(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    escape(text, out);
    out.push(b'"');
}

fn escape(text: &[u8], out: &mut Vec<u8>) {
    for &byte in text {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', byte]),
            0..0x20 => {
                out.extend_from_slice(b"\\u00");
                push_digits(out, byte);
            }
            _ => out.push(byte),
        }
    }
}

/// The pieces in which HAProxy writes a text that has marks of its own (`marks`) and bytes of a peer made safe (`#XX`).
fn pieces<'t>(mut text: &'t [u8], marks: &[u8]) -> Vec<&'t [u8]> {
    let mut pieces = Vec::new();
    while let Some(at) = text.iter().position(|byte| *byte == b'#' || marks.contains(byte)) {
        let is_mark = text[at] != b'#';
        let length = if is_mark { 1 } else { 3.min(text.len() - at) };
        if at > 0 || !is_mark {
            pieces.push(&text[..at]);
        }
        pieces.push(&text[at..at + length]);
        text = &text[at + length..];
    }
    if !text.is_empty() {
        pieces.push(text);
    }
    pieces
}
