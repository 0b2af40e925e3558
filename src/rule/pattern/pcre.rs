//! PCRE's dialect of regular expressions, in which HAProxy's are written, as that of the `regex` crate.

use std::iter::Peekable;
use std::str::Chars;

/// The same pattern where the two write it otherwise; everything else as it is.
///
/// - Escapes of what needs none (`\/`, `\<`), octal (`\101`) and control characters (`\cA`), and quotes (`\Q...\E`).
/// - In classes, `[`, `&`, `~` and `--` mean themselves: there are no nested classes and no operations on them.
pub(super) fn translated(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut rest = pattern.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '\\' if rest.next_if_eq(&'Q').is_some() => {
                let quoted: String = rest.by_ref().collect();
                let (inner, behind) = quoted.split_once("\\E").unwrap_or((&quoted, ""));
                out.push_str(&regex::escape(inner));
                out.push_str(&translated(behind));
            }
            '\\' => escape(&mut rest, &mut out),
            '[' => class(&mut rest, &mut out),
            _ => out.push(character),
        }
    }
    out
}

/// Behind a backslash.
fn escape(rest: &mut Peekable<Chars<'_>>, out: &mut String) {
    let Some(next) = rest.next() else { return out.push('\\') };
    match next {
        '/' | '<' | '>' | '"' | '\'' | ',' | ';' | '=' | ':' | '!' | '@' | '%' | '_' | ' ' | '`' => out.push(next),
        'c' => match rest.next_if(char::is_ascii_graphic) {
            Some(key) => byte(u32::from(key.to_ascii_uppercase()) ^ 0x40, out),
            None => out.push_str("\\c"),
        },
        '0'..='3' => octal(next, rest, out),
        _ => out.extend(['\\', next]),
    }
}

/// `\0`, and three octal digits; other digits are a back-reference.
fn octal(first: char, rest: &mut Peekable<Chars<'_>>, out: &mut String) {
    let digits: Vec<u32> = rest.clone().take(2).map_while(|digit| digit.to_digit(8)).collect();
    if first != '0' && digits.len() < 2 {
        return out.extend(['\\', first]);
    }
    for _ in &digits {
        rest.next();
    }
    byte(digits.iter().fold(first.to_digit(8).unwrap_or(0), |value, digit| value * 8 + digit), out);
}

fn byte(value: u32, out: &mut String) {
    out.push_str(&format!("\\x{value:02x}"));
}

/// Behind the `[` of a class, to its `]`.
fn class(rest: &mut Peekable<Chars<'_>>, out: &mut String) {
    out.push('[');
    out.extend(rest.next_if_eq(&'^'));
    // The first one is no end.
    if rest.next_if_eq(&']').is_some() {
        out.push_str("\\]");
    }
    let mut before = None;
    while let Some(character) = rest.next() {
        match character {
            ']' => return out.push(']'),
            '\\' if rest.next_if_eq(&'b').is_some() => out.push_str("\\x08"),
            '\\' => escape(rest, out),
            '[' if rest.peek() == Some(&':') => named(rest, out),
            '[' | '&' | '~' => out.extend(['\\', character]),
            '-' if before == Some('-') => out.push_str("\\-"),
            _ => out.push(character),
        }
        before = Some(character);
    }
}

/// `[:alpha:]` in a class, behind its first `[`; a `[` that begins none means itself.
fn named(rest: &mut Peekable<Chars<'_>>, out: &mut String) {
    let ahead: String = rest.clone().take_while(|character| *character != ']').collect();
    let is_name = ahead.len() > 2 && ahead.ends_with(':') && ahead[1..ahead.len() - 1].chars().all(is_of_name);
    if !is_name {
        return out.push_str("\\[");
    }
    out.push('[');
    out.extend(rest.by_ref().take(ahead.len() + 1));
}

fn is_of_name(character: char) -> bool {
    character.is_ascii_alphabetic() || character == '^'
}

/// Whether a quantifier gives nothing back (`a++`), which the `regex` crate would read as a group of its own.
pub(super) fn has_possessive(pattern: &str) -> bool {
    let (mut is_escaped, mut is_class, mut is_quantifier) = (false, false, false);
    for byte in pattern.bytes() {
        match byte {
            _ if is_escaped => (is_escaped, is_quantifier) = (false, false),
            b'\\' => (is_escaped, is_quantifier) = (true, false),
            b']' if is_class => (is_class, is_quantifier) = (false, false),
            _ if is_class => {}
            b'[' => (is_class, is_quantifier) = (true, false),
            b'+' if is_quantifier => return true,
            _ => is_quantifier = matches!(byte, b'*' | b'+' | b'?' | b'}'),
        }
    }
    false
}
