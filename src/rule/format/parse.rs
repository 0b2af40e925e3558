//! Format strings cut into items.

use crate::model::proxy::Mode;
use crate::rule::carried;
use crate::rule::error::RuleError;
use crate::rule::expression::Expression;
use crate::rule::scope::Scope;
use crate::rule::stage::Stage;

use super::tag::{Tag, by_name};
use super::{FormatUse, Item, Options, TAGS};

pub(super) fn items(word: &str, purpose: FormatUse, scope: &mut Scope<'_>) -> Result<Vec<Item>, RuleError> {
    let merges = matches!(purpose, FormatUse::Log | FormatUse::UniqueId);
    let mut items = Vec::new();
    let mut text: Vec<u8> = Vec::new();
    let mut everywhere = Options::default();
    let mut rest = word;
    while let Some(character) = rest.chars().next() {
        let at = word.len() - rest.len();
        if character == ' ' && merges {
            if !text.is_empty() {
                items.push(Item::Text(std::mem::take(&mut text).into()));
            }
            if !matches!(items.last(), Some(Item::Space)) {
                items.push(Item::Space);
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
            items.push(Item::Text(std::mem::take(&mut text).into()));
        }
        items.extend(item(&mut rest, &mut everywhere, scope).map_err(|error| error.further(at))?);
    }
    if !text.is_empty() {
        items.push(Item::Text(text.into()));
    }
    Ok(joined(items, purpose))
}

/// The same with spaces that surely stand there as text, and texts that follow each other as one.
fn joined(items: Vec<Item>, purpose: FormatUse) -> Vec<Item> {
    let mut joined: Vec<Item> = Vec::with_capacity(items.len());
    for item in items {
        let item = match item {
            Item::Space if joined.last().is_some_and(|before| before.is_never_empty(purpose)) => {
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
    /// Whether something is written, and it is no space.
    fn is_never_empty(&self, purpose: FormatUse) -> bool {
        match self {
            Item::Space => false,
            Item::Text(text) => !text.ends_with(b" "),
            Item::Tag(row, _) => row.tag.is_never_empty(purpose),
            Item::Expression(..) => purpose == FormatUse::Log,
        }
    }
}

/// What stands behind a percent sign; `None` for `%o`, which only sets options. Complaints count from the sign.
fn item(rest: &mut &str, everywhere: &mut Options, scope: &mut Scope<'_>) -> Result<Option<Item>, RuleError> {
    let start = *rest;
    let here = |rest: &str| 1 + start.len() - rest.len();
    if let Some(name) = rest.strip_prefix('(') {
        // A name for encodings that vipgate does not write.
        let (_, after) = name.split_once(')').ok_or_else(|| RuleError::new(0, "missing ')' after '%('"))?;
        *rest = after;
    }
    let mut options = *everywhere;
    if let Some(inside) = rest.strip_prefix('{') {
        let (list, after) =
            inside.split_once('}').ok_or_else(|| RuleError::new(0, "missing '}' after '%{'").further(here(rest)))?;
        for flag in list.split(',').map(str::trim).filter(|flag| !flag.is_empty()) {
            set(&mut options, flag, scope).map_err(|error| error.further(here(rest)))?;
        }
        *rest = after;
    }
    if let Some(inside) = rest.strip_prefix('[') {
        let place = here(rest) + 1;
        let (expression, length) = Expression::start(inside, scope).map_err(|error| error.further(place))?;
        expression.check_stage(scope).map_err(|error| error.further(place))?;
        if expression.fetch().needs.is_of_bytes() && scope.proxy == Some(Mode::Http) {
            scope.warn(0, format!("L6 sample fetch <{}> ignored in HTTP log-format string", expression.fetch().name));
        }
        let Some(after) = inside[length..].strip_prefix(']') else {
            let what = match inside[length..].chars().next() {
                Some(other) => format!("expected ']' after '{}', found '{other}'", &inside[..length]),
                None => format!("missing ']' after '{}'", &inside[..length]),
            };
            return Err(RuleError::new(0, what).further(place + length));
        };
        *rest = after;
        return Ok(Some(Item::Expression(expression, options)));
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
    if scope.stage == Stage::Check
        && let Some(why) = carried::tag_of_check(row.tag)
    {
        return Err(RuleError::new(0, format!("tag '%{name}' is not supported here: {why}")).further(here(rest)));
    }
    scope.asks.note_tag(row.tag);
    *rest = after;
    if row.tag == Tag::Options {
        *everywhere = options;
        return Ok(None);
    }
    Ok(Some(Item::Tag(row, options)))
}

fn set(options: &mut Options, flag: &str, scope: &mut Scope<'_>) -> Result<(), RuleError> {
    let (is_on, name) = match (flag.strip_prefix('+'), flag.strip_prefix('-')) {
        (Some(name), _) => (true, name),
        (None, Some(name)) => (false, name),
        (None, None) => {
            scope.warn(0, format!("format flag '{flag}' has no effect without '+' or '-'"));
            return Ok(());
        }
    };
    match name {
        "Q" => options.quotes = is_on,
        "X" => options.hexadecimal = is_on,
        "E" => options.escapes = is_on,
        "M" => {}
        "json" | "cbor" | "bin" => {
            let what = format!("format flag '{name}' is not supported: vipgate writes log lines as text only");
            return Err(RuleError::new(0, what));
        }
        _ => scope.warn(0, format!("unknown format flag '{name}' has no effect: there are Q, X and E")),
    }
    Ok(())
}
