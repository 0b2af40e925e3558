//! Searches that are about the lines of a field: `^Name:` and what comes behind it.

use super::Lost;
use super::tokens::{Kind, Token, closing, outside, text, tokens};

/// Whether a byte may stand in a name.
pub fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// What a search says about the value of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub name: String,
    /// Matches values instead of lines; empty matches every one.
    pub value: String,
    /// How the line begins in what takes its place.
    lead: Lead,
    /// Whether the first group began with the space before the value, which is not there any more.
    spaced: bool,
}

/// What the groups of a search have of its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lead {
    /// None of it.
    Nothing,
    /// The first has the name, and what is behind it up to here: `Name`, `Name:`.
    Name { has_colon: bool },
    /// The first has the name and a part of the value.
    NameAndValue,
}

/// Which fields a search deletes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Names {
    One(String),
    /// A regular expression of names.
    Pattern(String),
}

impl Field {
    /// `None` if the search does not name one field.
    pub fn read(search: &str) -> Option<Result<Field, Lost>> {
        let list = tokens(search);
        if outside(&list).any(|(_, token)| token.kind == Kind::Bar) {
            return None;
        }
        let rest = list.strip_prefix(&[Token { text: "^", kind: Kind::Caret }])?;
        let is_grouped = rest.first()?.kind == Kind::Open;
        let mut at = usize::from(is_grouped);
        let name_is = |token: &Token<'_>| token.character().filter(|c| c.is_ascii() && is_name(*c as u8));
        let name: String = rest[at..].iter().map_while(name_is).collect();
        at += name.len();
        let end = if is_grouped { Some(closing(rest, 0)?) } else { None };
        let lead = match end {
            None => Lead::Nothing,
            Some(end) if end == at => {
                at += 1;
                Lead::Name { has_colon: false }
            }
            Some(_) => Lead::NameAndValue,
        };
        let is_colon = |at: usize| rest.get(at).and_then(Token::character) == Some(':');
        if name.is_empty() || !is_colon(at) {
            return None;
        }
        at += 1;
        Some(Self::value(name, &rest[at..], lead, end.and_then(|end| end.checked_sub(at))))
    }

    /// `rest` is behind the colon; the group that has the name closes at `end` of it.
    fn value(name: String, rest: &[Token<'_>], lead: Lead, end: Option<usize>) -> Result<Field, Lost> {
        let inner = end.filter(|_| lead == Lead::NameAndValue).map_or(rest, |end| &rest[..end]);
        let lead = match lead {
            // `(Name:)` and `(Name:\ )`.
            Lead::NameAndValue if without_space(inner).is_some_and(<[_]>::is_empty) || inner.is_empty() => {
                Lead::Name { has_colon: true }
            }
            other => other,
        };
        let list = match lead {
            Lead::Name { has_colon: true } => &rest[end.map_or(0, |end| end + 1)..],
            _ => rest,
        };
        // The space may stand in the group or behind it.
        let is_behind = lead == Lead::Name { has_colon: true } && !inner.is_empty();
        let is_group_of_any = matches!(list, [open, any, ..] if open.kind == Kind::Open
            && matches!(any.kind, Kind::Dot | Kind::Class));
        let (value, spaced) = match if is_behind { Some(list) } else { without_space(list) } {
            Some(list) if lead == Lead::NameAndValue => (format!("^({}", text(list)), false),
            Some([]) => (String::new(), false),
            Some(list) => (format!("^{}", text(list)), false),
            // `(.*)` has the space, too.
            None if is_group_of_any && lead != Lead::NameAndValue => (format!("^{}", text(list)), true),
            None => {
                let why = format!("a line is written '{name}: value', and the search has no space behind the colon");
                return Err(Lost::new(why, format!("begin it with '^{name}:\\ '")));
            }
        };
        Ok(Field { name, value, lead, spaced })
    }

    /// The name, the expression of values and what takes their place, for a string that takes the place of the line.
    pub fn replaced(self, string: &str, set: &str) -> Result<(String, String, String), Lost> {
        let lost = |why: &str| {
            let hint = format!("write '{set} replace-header {} REGEX VALUE'", self.name);
            Err(Lost::new(why, hint))
        };
        let whole = |rest: &str| {
            let rest = rest.strip_prefix(':').map_or(rest, |rest| rest);
            rest.trim_start_matches(' ').to_owned()
        };
        let value = match self.lead {
            Lead::NameAndValue => match string.strip_prefix("\\1") {
                Some(rest) if !references(rest, 1) => string.to_owned(),
                _ => return lost("the first group has the name of the field, and the string does not begin with it"),
            },
            Lead::Name { has_colon } => match string.strip_prefix("\\1") {
                Some(rest) if !references(rest, 1) && (has_colon || rest.starts_with(':')) => {
                    renumbered(&whole(rest), 1)
                }
                _ => return lost("the first group has the name of the field, and the string does not begin with it"),
            },
            Lead::Nothing => match string.split_once(':') {
                Some((name, rest)) if name.eq_ignore_ascii_case(&self.name) => whole(rest),
                Some((name, _)) if !name.is_empty() && name.bytes().all(is_name) => {
                    return lost("the string gives the field another name");
                }
                _ => return lost("the string is no line of that field"),
            },
        };
        if !self.spaced {
            return Ok((self.name, self.value, value));
        }
        // Within a value the group brought its space along.
        let (first, rest) = value.strip_prefix("\\1").map_or(("", value.as_str()), |rest| ("\\1", rest));
        let value = format!("{first}{}", rest.replace("\\1", " \\1"));
        Ok((self.name, self.value, value))
    }
}

/// Which fields a search deletes, whatever their values.
pub fn names(search: &str, set: &str) -> Result<Names, Lost> {
    let hint = |name: &str| format!("write '{set} del-header {name}', which deletes every field of that name");
    let list = tokens(search);
    let anchored = match list.first() {
        Some(token) if token.kind == Kind::Caret => &list[1..],
        _ => {
            let hint = format!("write '{set} del-header NAME'");
            return Err(Lost::new("the search may match anywhere in any line; it has to begin with '^Name:'", hint));
        }
    };
    let found = outside(anchored).find(|(_, token)| token.character() == Some(':')).map(|(at, _)| at);
    let has_bar = outside(anchored).any(|(_, token)| token.kind == Kind::Bar);
    let Some(colon) = found.filter(|_| !has_bar) else {
        return Err(Lost::new("the search has no ':' that ends the name of a field", hint("NAME")));
    };
    let (name, value) = (&anchored[..colon], &anchored[colon + 1..]);
    let literal: Option<String> = name.iter().map(Token::character).collect();
    if !matches_every_value(value) {
        let name = literal.unwrap_or_else(|| "NAME".to_owned());
        let why = "it deletes fields by their value, and a rule deletes them by their name alone";
        return Err(Lost::new(why, hint(&name)));
    }
    match literal {
        Some(name) if !name.is_empty() && name.bytes().all(is_name) => Ok(Names::One(name)),
        _ => {
            // `.*` before the colon is the rest of the name; anywhere else it could reach into the value.
            let own = match name {
                [own @ .., dot, star] if dot.kind == Kind::Dot && star.text == "*" => own,
                own => own,
            };
            let may_leave = |token: &Token<'_>| match token.kind {
                Kind::Dot => true,
                Kind::Class => token.text.starts_with("[^") && !token.text.contains(':'),
                Kind::Escape => token.character().is_none() && !matches!(token.text, "\\w" | "\\d"),
                _ => false,
            };
            if own.iter().any(may_leave) {
                return Err(Lost::new("what comes before the ':' may match more than a name", hint("REGEX -m reg")));
            }
            let end = if own.len() == name.len() { "$" } else { "" };
            Ok(Names::Pattern(format!("^{}{end}", text(own))))
        }
    }
}

/// Whether nothing is asked of what is behind the colon.
fn matches_every_value(value: &[Token<'_>]) -> bool {
    let rest = without_space(value).unwrap_or(value);
    let rest = match rest {
        [open, inner @ .., close] if open.kind == Kind::Open && close.kind == Kind::Close => inner,
        [inner @ .., dollar] if dollar.kind == Kind::Dollar => inner,
        whole => whole,
    };
    match rest {
        [] => true,
        [dot, quantifier] => dot.kind == Kind::Dot && matches!(quantifier.text, "*" | "*?"),
        _ => false,
    }
}

/// What comes behind the space that is behind the colon; `None` if the expression asks for something else there.
fn without_space<'t, 'a>(list: &'t [Token<'a>]) -> Option<&'t [Token<'a>]> {
    let mut rest = list;
    let mut has_taken = false;
    loop {
        match rest {
            [white, quantifier, after @ ..] if white.is_white() && quantifier.kind == Kind::Quantifier => {
                (rest, has_taken) = (after, true);
            }
            [white, after @ ..] if white.is_white() && !has_taken => (rest, has_taken) = (after, true),
            // It wants a space that the value does not begin with.
            [white, ..] if white.is_white() => return None,
            [dot, star, ..] if !has_taken && dot.kind == Kind::Dot && star.text.starts_with(['*', '+']) => {
                return Some(rest);
            }
            [] => return Some(rest),
            _ => return has_taken.then_some(rest),
        }
    }
}

/// Whether a string refers to a group.
pub fn references(string: &str, group: u8) -> bool {
    string.as_bytes().windows(2).any(|pair| pair[0] == b'\\' && pair[1] == b'0' + group)
}

/// The string with every group so many lower.
pub fn renumbered(string: &str, less: u8) -> String {
    let mut out = String::new();
    let mut characters = string.chars();
    while let Some(c) = characters.next() {
        out.push(c);
        if c == '\\' {
            match characters.next() {
                Some(digit @ '1'..='9') => out.push((digit as u8 - less) as char),
                Some(other) => out.push(other),
                None => {}
            }
        }
    }
    out
}
