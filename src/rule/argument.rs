//! Arguments of fetches, converters and actions: `name(first,"sec,ond",third)`.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use super::error::RuleError;
use super::pattern::Regex;
use super::reference::ReferenceKind;
use super::scope::Scope;
use super::userlist::Userlist;
use super::variable::VariableName;
use crate::stick::Table;

use std::sync::Arc;

/// What an argument has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spec {
    /// Any text.
    Str,
    /// A number.
    Int,
    /// A number, or a variable that holds one.
    IntOrVariable,
    /// Text, or a variable that holds it.
    StrOrVariable,
    /// `true`, `false`, `1` or `0`.
    Bool,
    /// IPv4 address.
    Ipv4,
    /// IPv6 address.
    Ipv6,
    /// IPv4 mask: a number of bits or an address.
    Mask4,
    /// IPv6 mask: a number of bits or an address.
    Mask6,
    /// Hexadecimal digits.
    Hex,
    /// Base64.
    Base64,
    /// One of these words, whatever the case; kept as its number.
    Word(&'static [&'static str]),
    /// A variable.
    Variable,
    /// Name of a backend.
    Backend,
    /// Name of a frontend.
    Frontend,
    /// `backend/server` or `server`.
    Server,
    /// Name of a userlist.
    Userlist,
    /// Name of a stick table.
    Table,
    /// A regular expression, compiled by the row itself together with its flags.
    Regex,
    /// Control characters: `any`, `http`, or a mask of 33 bits, the last of which is DEL.
    Controls,
    /// Names of ACLs and files are looked up by the row itself.
    Special,
}

impl Spec {
    /// How it is called in usages.
    pub fn name(self) -> &'static str {
        match self {
            Spec::Str => "string",
            Spec::Int => "integer",
            Spec::IntOrVariable => "integer or variable",
            Spec::StrOrVariable => "string or variable",
            Spec::Bool => "boolean",
            Spec::Ipv4 => "ipv4 address",
            Spec::Ipv6 => "ipv6 address",
            Spec::Mask4 => "ipv4 mask",
            Spec::Mask6 => "ipv6 mask",
            Spec::Hex => "hexadecimal digits",
            Spec::Base64 => "base64",
            Spec::Word(_) => "word",
            Spec::Variable => "variable",
            Spec::Backend => "backend",
            Spec::Frontend => "frontend",
            Spec::Server => "server",
            Spec::Userlist => "userlist",
            Spec::Table => "table",
            Spec::Regex => "regex",
            Spec::Controls => "any, http or mask",
            Spec::Special => "name",
        }
    }
}

/// A compiled argument.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub enum Argument {
    /// Optional, and not there or empty.
    Absent,
    Bytes(Box<[u8]>),
    Int(i64),
    Ipv4(Ipv4Addr),
    Ipv6(Ipv6Addr),
    Variable(VariableName),
    /// A backend, frontend or server.
    Name(Box<str>),
    Regex(Arc<Regex>),
    Userlist(Arc<Userlist>),
    Table(Arc<Table>),
    Patterns(Arc<super::pattern::Patterns>),
    Tests(Arc<[super::acl::Term]>),
}

impl Argument {
    /// The bytes; empty if it is absent.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Argument::Bytes(bytes) => bytes,
            _ => b"",
        }
    }

    /// The number, or the one to use if it is absent.
    pub fn int_or(&self, default: i64) -> i64 {
        match self {
            Argument::Int(value) => *value,
            _ => default,
        }
    }

    /// The name of something configured; `None` means the current one.
    pub fn name(&self) -> Option<&str> {
        match self {
            Argument::Name(name) => Some(name),
            _ => None,
        }
    }

    /// The stick table.
    pub fn table(&self) -> Option<&Arc<Table>> {
        match self {
            Argument::Table(table) => Some(table),
            _ => None,
        }
    }

    /// Whether it was given.
    pub fn is_given(&self) -> bool {
        !matches!(self, Argument::Absent)
    }
}

/// An argument as written, unquoted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raw {
    /// Its text.
    pub text: String,
    /// Where it starts in the word.
    pub offset: usize,
}

/// `name(arguments)` at the start of `text`.
#[derive(Debug, PartialEq, Eq)]
pub struct Call<'w> {
    /// The name.
    pub name: &'w str,
    /// The arguments; empty for `name` and for `name()`.
    pub arguments: Vec<Raw>,
    /// Bytes taken.
    pub length: usize,
}

/// Reads a name and the arguments behind it.
pub fn call(text: &str) -> Result<Call<'_>, RuleError> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '+');
    let name_length = text.find(|c| !is_name(c)).unwrap_or(text.len());
    let name = &text[..name_length];
    if !text[name_length..].starts_with('(') {
        return Ok(Call { name, arguments: Vec::new(), length: name_length });
    }
    let bytes = text.as_bytes();
    let mut at = name_length + 1;
    let mut arguments = Vec::new();
    let mut current = Raw { text: String::new(), offset: at };
    let mut built: Vec<u8> = Vec::new();
    let mut quote = None;
    loop {
        let Some(&byte) = bytes.get(at) else {
            let what = if quote.is_some() { "unterminated quote" } else { "missing closing ')'" };
            return Err(RuleError::new(0, format!("{what} after '{name}('")).further(name_length));
        };
        at += 1;
        match (quote, byte) {
            (None, b')') => break,
            (None, b',') => {
                current.text = finish(&mut built);
                arguments.push(std::mem::replace(&mut current, Raw { text: String::new(), offset: at }));
            }
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            (None | Some(b'"'), b'\\') => match bytes.get(at) {
                Some(next) => {
                    at += 1;
                    match next {
                        b'n' => built.push(b'\n'),
                        b'r' => built.push(b'\r'),
                        b't' => built.push(b'\t'),
                        b'\\' | b'"' | b'\'' | b' ' => built.push(*next),
                        // `\1` of a substitution or `\d` of a regex.
                        _ => built.extend([b'\\', *next]),
                    }
                }
                None => built.push(b'\\'),
            },
            (_, byte) => built.push(byte),
        }
    }
    current.text = finish(&mut built);
    if !arguments.is_empty() || !current.text.is_empty() || at > name_length + 2 {
        arguments.push(current);
    }
    Ok(Call { name, arguments, length: at })
}

fn finish(built: &mut Vec<u8>) -> String {
    // Only whole characters of a &str and ASCII were put in.
    String::from_utf8(std::mem::take(built)).unwrap_or_default()
}

/// Compiles the arguments of `name` against their specification; the first `needed` ones must be there.
pub fn compile(
    name: &str,
    raw: &[Raw],
    specs: &[Spec],
    needed: usize,
    scope: &mut Scope<'_>,
) -> Result<Box<[Argument]>, RuleError> {
    if raw.len() > specs.len() {
        let place = raw.get(specs.len()).map_or(0, |raw| raw.offset);
        let what = match specs.len() {
            0 => format!("'{name}' takes no argument"),
            most => format!("'{name}' takes at most {most} argument{}", if most == 1 { "" } else { "s" }),
        };
        return Err(RuleError::new(0, what).further(place));
    }
    if raw.len() < needed {
        let missing = specs.get(raw.len()).map_or("argument", |spec| spec.name());
        return Err(RuleError::new(0, format!("'{name}' lacks its argument {} ({missing})", raw.len() + 1)));
    }
    let mut arguments = Vec::with_capacity(specs.len());
    for (index, spec) in specs.iter().enumerate() {
        let Some(raw) = raw.get(index) else {
            arguments.push(Argument::Absent);
            continue;
        };
        if raw.text.is_empty() && index >= needed {
            arguments.push(Argument::Absent);
            continue;
        }
        let argument = one(*spec, &raw.text, scope).map_err(|mut error| {
            error.what = format!("argument {} of '{name}': {}", index + 1, error.what);
            error.further(raw.offset)
        })?;
        arguments.push(argument);
    }
    Ok(arguments.into())
}

/// Every control character: 0 to 31, and DEL as the bit behind them.
pub const EVERY_CONTROL: i64 = 0x1_ffff_ffff;

fn controls(text: &str) -> Option<i64> {
    let mask = match text {
        "any" => EVERY_CONTROL,
        // What no HTTP message may have: NUL, LF and CR.
        "http" => 1 | 1 << 10 | 1 << 13,
        _ => match text.strip_prefix("0x") {
            Some(digits) => i64::from_str_radix(digits, 16).ok()?,
            None => text.parse().ok()?,
        },
    };
    (0..=EVERY_CONTROL).contains(&mask).then_some(mask)
}

fn one(spec: Spec, text: &str, scope: &mut Scope<'_>) -> Result<Argument, RuleError> {
    let wrong = |what: &str| RuleError::new(0, format!("'{text}' is not {what}"));
    let bytes = || Argument::Bytes(text.as_bytes().into());
    Ok(match spec {
        Spec::Str | Spec::Regex | Spec::Special => bytes(),
        Spec::Controls => Argument::Int(controls(text).ok_or_else(|| wrong("any, http or a mask of 33 bits"))?),
        Spec::Int => Argument::Int(text.parse().map_err(|_| wrong("an integer"))?),
        Spec::IntOrVariable => match text.parse() {
            Ok(value) => Argument::Int(value),
            Err(_) => {
                Argument::Variable(VariableName::parse(text).map_err(|_| wrong("an integer or a variable name"))?)
            }
        },
        Spec::StrOrVariable => match VariableName::parse(text) {
            Ok(name) => Argument::Variable(name),
            Err(_) => bytes(),
        },
        Spec::Bool => match text {
            "1" | "true" => Argument::Int(1),
            "0" | "false" => Argument::Int(0),
            _ => return Err(wrong("a boolean")),
        },
        Spec::Ipv4 => Argument::Ipv4(text.parse().map_err(|_| wrong("an IPv4 address"))?),
        Spec::Ipv6 => Argument::Ipv6(text.parse().map_err(|_| wrong("an IPv6 address"))?),
        Spec::Mask4 => Argument::Ipv4(mask4(text).ok_or_else(|| wrong("an IPv4 mask"))?),
        Spec::Mask6 => Argument::Ipv6(mask6(text).ok_or_else(|| wrong("an IPv6 mask"))?),
        Spec::Hex => Argument::Bytes(hex(text.as_bytes()).ok_or_else(|| wrong("an even number of hex digits"))?.into()),
        Spec::Base64 => {
            Argument::Bytes(super::converter::base64_decode(text.as_bytes()).ok_or_else(|| wrong("base64"))?.into())
        }
        Spec::Word(words) => {
            let place = words.iter().position(|word| word.eq_ignore_ascii_case(text));
            let place = place.ok_or_else(|| wrong(&format!("one of {}", words.join(", "))))?;
            Argument::Int(i64::try_from(place).unwrap_or_default())
        }
        Spec::Variable => Argument::Variable(VariableName::parse(text)?),
        Spec::Backend => name(text, ReferenceKind::Backend, scope),
        Spec::Frontend => name(text, ReferenceKind::Frontend, scope),
        Spec::Server => name(text, ReferenceKind::Server, scope),
        Spec::Userlist => Argument::Userlist(scope.userlist(text)?),
        Spec::Table => Argument::Table(scope.table(text)?),
    })
}

fn name(text: &str, kind: ReferenceKind, scope: &mut Scope<'_>) -> Argument {
    scope.refer(kind, text);
    Argument::Name(text.into())
}

/// A mask given as bits (0-32) or as an address.
pub fn mask4(text: &str) -> Option<Ipv4Addr> {
    match text.parse::<u32>() {
        Ok(bits @ 0..=32) => Some(Ipv4Addr::from_bits(u32::MAX.checked_shl(32 - bits).unwrap_or(0))),
        Ok(_) => None,
        Err(_) => text.parse().ok(),
    }
}

/// A mask given as bits (0-128) or as an address.
pub fn mask6(text: &str) -> Option<Ipv6Addr> {
    match text.parse::<u32>() {
        Ok(bits @ 0..=128) => Some(Ipv6Addr::from_bits(u128::MAX.checked_shl(128 - bits).unwrap_or(0))),
        Ok(_) => None,
        Err(_) => text.parse().ok(),
    }
}

/// Pairs of hexadecimal digits.
pub fn hex(text: &[u8]) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    text.chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

/// A duration as the manual writes it (§2.5): a number and `us`, `ms` (default), `s`, `m`, `h` or `d`.
pub fn duration(text: &str) -> Option<Duration> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let value: u64 = text[..end].parse().ok()?;
    let milliseconds = |factor: u64| Some(Duration::from_millis(value.checked_mul(factor)?));
    match &text[end..] {
        "us" => Some(Duration::from_micros(value)),
        "" | "ms" => milliseconds(1),
        "s" => milliseconds(1000),
        "m" => milliseconds(60_000),
        "h" => milliseconds(3_600_000),
        "d" => milliseconds(86_400_000),
        _ => None,
    }
}

/// The same where seconds are the default: in whole seconds, rounded up.
pub fn whole_seconds(text: &str) -> Option<Duration> {
    let time = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => duration(text)?,
    };
    Some(Duration::from_secs(time.as_millis().div_ceil(1000).try_into().ok()?))
}

/// A number as the manual writes sizes (§2.6): digits and perhaps `k`, `m` or `g`, which are powers of 1024.
pub fn size(text: &str) -> Option<usize> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let value: usize = text[..end].parse().ok()?;
    let factor = match &text[end..] {
        "" => 1,
        "k" | "K" => 1 << 10,
        "m" | "M" => 1 << 20,
        "g" | "G" => 1 << 30,
        _ => return None,
    };
    value.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(word: &str) -> Vec<String> {
        call(word).unwrap().arguments.into_iter().map(|raw| raw.text).collect()
    }

    #[test]
    fn arguments_are_cut_as_haproxy_cuts_them() {
        assert_eq!(texts("str(a)"), ["a"]);
        assert_eq!(texts("str( a b )"), [" a b "]);
        assert_eq!(texts("str(\"a,b)c\")"), ["a,b)c"]);
        assert_eq!(texts("str(a'b')"), ["ab"]);
        assert_eq!(texts("f(a,,c)"), ["a", "", "c"]);
        assert_eq!(texts("f(',')"), [","]);
        assert_eq!(texts("f(\\\"a)"), ["\"a"]);
        assert_eq!(texts("f('\\1')"), ["\\1"]);
        assert_eq!(texts("f(\\1)"), ["\\1"]);
        assert_eq!(texts("f()"), Vec::<String>::new());
        assert_eq!(texts("f"), Vec::<String>::new());
        assert_eq!(call("path,lower").unwrap().length, 4);
    }

    #[test]
    fn an_open_call_is_refused() {
        assert_eq!(call("str(a").unwrap_err().what, "missing closing ')' after 'str('");
        assert_eq!(call("str('a)").unwrap_err().what, "unterminated quote after 'str('");
    }

    #[test]
    fn durations_have_units() {
        assert_eq!(duration("10"), Some(Duration::from_millis(10)));
        assert_eq!(duration("10s"), Some(Duration::from_secs(10)));
        assert_eq!(duration("2m"), Some(Duration::from_secs(120)));
        assert_eq!(duration("x"), None);
        assert_eq!(duration("10y"), None);
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(size("10"), Some(10));
        assert_eq!(size("10k"), Some(10_240));
        assert_eq!(size("2M"), Some(2 << 20));
        assert_eq!(size("k"), None);
        assert_eq!(size("10kb"), None);
        assert_eq!(size("18446744073709551615g"), None);
    }
}
