//! Format strings cut into items.

use crate::model::proxy::Mode;
use crate::rule::carried;
use crate::rule::error::RuleError;
use crate::rule::expression::Expression;
use crate::rule::scope::Scope;
use crate::rule::stage::Stage;

use super::cbor::Cbor;
use super::encoded::{self, Cast, Encoded, Encoding, Label};
use super::tag::{Tag, by_name};
use super::{FormatUse, Item, Options, TAGS, Value};

/// What a string consists of.
enum Piece {
    Text(Vec<u8>),
    Space,
    Value(Value, Flags, Label),
}

/// The flags of a value, or of `%o`.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Flags {
    options: Options,
    notation: Option<Notation>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Notation {
    Json,
    Cbor,
}

/// What is known while a string is read.
struct Reader<'s, 'scope> {
    scope: &'s mut Scope<'scope>,
    /// What holds for values from here on.
    flags: Flags,
    /// What every `%o` says, once there is one.
    whole: Option<Flags>,
}

pub(super) fn items(word: &str, purpose: FormatUse, scope: &mut Scope<'_>) -> Result<Vec<Item>, RuleError> {
    let options = Options { dash: purpose == FormatUse::Log, ..Options::default() };
    let mut reader = Reader { scope, flags: Flags { options, notation: None }, whole: None };
    let pieces = reader.pieces(word, matches!(purpose, FormatUse::Log | FormatUse::UniqueId))?;
    let whole = reader.whole.unwrap_or_default();
    // Header fields have no encodings (§8.2.6).
    let encodes = !purpose.is_percent_encoded();
    if let Some(notation) = whole.notation.filter(|_| encodes) {
        let is_binary = whole.options.is_binary;
        let values = pieces.into_iter().filter_map(|piece| match piece {
            Piece::Value(value, flags, label) => Some((value, Options { is_binary, ..flags.options }, label)),
            Piece::Text(_) | Piece::Space => None,
        });
        return Ok(encoded::map(values, encoding(notation, is_binary)));
    }
    let item = |piece| match piece {
        Piece::Text(text) => Item::Text(text.into()),
        Piece::Space => Item::Space,
        Piece::Value(value, flags, label) => {
            // Only `%o` can say that bytes are kept.
            let is_binary = whole.options.is_binary && label.cast != Cast::Str;
            let options = Options { is_binary, ..flags.options };
            match flags.notation.filter(|_| encodes) {
                Some(notation) => Encoded::item(value, options, encoding(notation, is_binary), label.cast),
                None => Item::Value(value, options),
            }
        }
    };
    Ok(joined(pieces.into_iter().map(item)))
}

fn encoding(notation: Notation, is_binary: bool) -> Encoding {
    match notation {
        Notation::Json => Encoding::Json,
        Notation::Cbor => Encoding::Cbor(Cbor { is_binary }),
    }
}

/// The same with spaces that surely stand there as text, and texts that follow each other as one.
fn joined(items: impl Iterator<Item = Item>) -> Vec<Item> {
    let mut joined: Vec<Item> = Vec::new();
    for item in items {
        let item = match item {
            Item::Space if joined.last().is_some_and(|before| before.is_never_empty()) => {
                Item::Text(b" ".as_slice().into())
            }
            item => item,
        };
        match (joined.last_mut(), item) {
            (Some(Item::Text(before)), Item::Text(text)) => *before = [&**before, &*text].concat().into(),
            (_, item) => joined.push(item),
        }
    }
    joined
}

impl Item {
    /// Whether what follows it stands behind something other than a space.
    fn is_never_empty(&self) -> bool {
        match self {
            Item::Space => false,
            Item::Text(text) => !text.ends_with(b" "),
            Item::Value(Value::Tag(row), options) => row.tag.is_never_empty(*options),
            // HAProxy takes an expression for something also where it has no value.
            Item::Value(Value::Expression(_), _) | Item::Encoded(_) => true,
        }
    }
}

impl Reader<'_, '_> {
    fn pieces(&mut self, word: &str, merges: bool) -> Result<Vec<Piece>, RuleError> {
        let mut pieces = Vec::new();
        let mut text: Vec<u8> = Vec::new();
        let mut rest = word;
        while let Some(character) = rest.chars().next() {
            let at = word.len() - rest.len();
            if character == ' ' && merges {
                if !text.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut text)));
                }
                if !matches!(pieces.last(), Some(Piece::Space)) {
                    pieces.push(Piece::Space);
                }
                rest = &rest[1..];
                continue;
            }
            if character != '%' {
                let length = character.len_utf8();
                text.extend_from_slice(&rest.as_bytes()[..length]);
                rest = &rest[length..];
                continue;
            }
            rest = &rest[1..];
            if let Some(after) = rest.strip_prefix('%') {
                text.push(b'%');
                rest = after;
                continue;
            }
            if !text.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut text)));
            }
            pieces.extend(self.value(&mut rest).map_err(|error| error.further(at))?);
        }
        if !text.is_empty() {
            pieces.push(Piece::Text(text));
        }
        Ok(pieces)
    }

    /// What stands behind a percent sign; `None` for `%o`, which only sets flags. Complaints count from the sign.
    fn value(&mut self, rest: &mut &str) -> Result<Option<Piece>, RuleError> {
        let start = *rest;
        let here = |rest: &str| 1 + start.len() - rest.len();
        let label = label(rest).map_err(|error| error.further(1))?;
        let mut flags = self.flags;
        if let Some(inside) = rest.strip_prefix('{') {
            let missing = || RuleError::new(0, "missing '}' after '%{'").further(here(rest));
            let (list, after) = inside.split_once('}').ok_or_else(missing)?;
            for flag in list.split(',').map(str::trim).filter(|flag| !flag.is_empty()) {
                set(&mut flags, flag, self.scope);
            }
            *rest = after;
        }
        if let Some(inside) = rest.strip_prefix('[') {
            let place = here(rest) + 1;
            let (expression, length) = self.expression(inside).map_err(|error| error.further(place))?;
            *rest = &inside[length..];
            return Ok(Some(Piece::Value(Value::Expression(expression), flags, label)));
        }
        let length = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let (name, after) = rest.split_at(length);
        if name.is_empty() {
            return Err(RuleError::new(0, "a tag or '[' is missing after '%'").hint("'%%' writes a percent sign"));
        }
        let Some(row) = by_name(name) else {
            let unknown = RuleError::unknown("tag", name, TAGS.iter().map(|row| row.name));
            let hint = unknown.hint.clone().unwrap_or_else(|| "'%%' writes a percent sign".into());
            return Err(unknown.hint(hint).further(here(rest)));
        };
        if self.scope.stage == Stage::Check
            && let Some(why) = carried::tag_of_check(row.tag)
        {
            return Err(RuleError::new(0, format!("tag '%{name}' is not supported here: {why}")).further(here(rest)));
        }
        self.scope.asks.note_tag(row.tag);
        *rest = after;
        if row.tag == Tag::Options {
            self.flags = flags;
            self.whole = Some(self.whole.map_or(flags, |before| before.and(flags)));
            return Ok(None);
        }
        Ok(Some(Piece::Value(Value::Tag(row), flags, label)))
    }

    /// An expression up to its bracket, and how long both are.
    fn expression(&mut self, inside: &str) -> Result<(Expression, usize), RuleError> {
        let (expression, length) = Expression::start(inside, self.scope)?;
        expression.check_stage(self.scope)?;
        if expression.fetch().needs.is_of_bytes() && self.scope.proxy == Some(Mode::Http) {
            let what = format!("L6 sample fetch <{}> ignored in HTTP log-format string", expression.fetch().name);
            self.scope.warn_too(0, what);
        }
        match inside[length..].chars().next() {
            Some(']') => Ok((expression, length + 1)),
            Some(other) => {
                let what = format!("expected ']' after '{}', found '{other}'", &inside[..length]);
                Err(RuleError::new(0, what).further(length))
            }
            None => Err(RuleError::new(0, format!("missing ']' after '{}'", &inside[..length])).further(length)),
        }
    }
}

impl Flags {
    /// What both say.
    fn and(self, other: Flags) -> Flags {
        let is_binary = self.options.is_binary && other.options.is_binary;
        let notation = self.notation.filter(|notation| other.notation == Some(*notation));
        Flags { options: Options { is_binary, ..other.options }, notation }
    }
}

/// `(name)`, `(name:type)` or `(:type)`, if it is there.
fn label(rest: &mut &str) -> Result<Label, RuleError> {
    let Some(inside) = rest.strip_prefix('(') else { return Ok(Label::default()) };
    let (text, after) = inside.split_once(')').ok_or_else(|| RuleError::new(0, "missing ')' after '%('"))?;
    *rest = after;
    let (name, cast) = text.split_once(':').map_or((text, None), |(name, cast)| (name, Some(cast)));
    let is_wrong = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    if let Some(at) = name.find(is_wrong) {
        return Err(RuleError::new(0, "the name of a value has letters, digits, '_' and '-'").further(1 + at));
    }
    let cast = match cast {
        None => Cast::Own,
        Some("str") => Cast::Str,
        Some("sint") => Cast::Int,
        Some("bool") => Cast::Bool,
        Some("raw") => Cast::Raw,
        Some(other) => {
            let what = format!("'{other}' is no type of a value: str, sint, bool, raw");
            return Err(RuleError::new(0, what).further(2 + name.len()));
        }
    };
    Ok(Label { name: name.into(), cast })
}

fn set(flags: &mut Flags, flag: &str, scope: &mut Scope<'_>) {
    let (is_on, name) = match (flag.strip_prefix('+'), flag.strip_prefix('-')) {
        (Some(name), _) => (true, name),
        (None, Some(name)) => (false, name),
        (None, None) => {
            return scope.warn(0, format!("format flag '{flag}' has no effect without '+' or '-'"));
        }
    };
    let notation = match name {
        "json" => Some(Notation::Json),
        "cbor" => Some(Notation::Cbor),
        _ => None,
    };
    match name {
        "Q" => flags.options.quotes = is_on,
        "X" => flags.options.hexadecimal = is_on,
        "E" => flags.options.escapes = is_on,
        "M" => flags.options.dash = is_on,
        "bin" => flags.options.is_binary = is_on,
        // The first notation stays until it is taken away.
        _ if notation.is_some() && is_on => flags.notation = flags.notation.or(notation),
        _ if notation.is_some() => flags.notation = flags.notation.filter(|set| Some(*set) != notation),
        _ => scope
            .warn(0, format!("unknown format flag '{name}' has no effect: there are Q, X, E, M, bin, json and cbor")),
    }
}
