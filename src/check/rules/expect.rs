//! `tcp-check expect` and `http-check expect`.

use crate::check::outcome::Code;
use crate::rule::pattern::Regex;
use crate::rule::pattern::set::Case;
use crate::rule::{Format, RuleError};

use super::words::{Reader, binary};
use super::{Kind, Verdicts};

/// What an answer must be.
#[derive(Clone, Debug)]
pub struct Expect {
    /// What it is held against.
    pub pattern: Pattern,
    /// Whether it must not be so (`!`).
    pub is_inverted: bool,
    /// Least bytes before it is judged; `None` waits as long as the pattern may still come.
    pub min_receive: Option<usize>,
    /// Codes and words of its results.
    pub verdicts: Verdicts,
}

/// What an answer is held against.
#[derive(Clone, Debug)]
pub enum Pattern {
    /// The text is in it. The flag: it was written as digits.
    Contains(Vec<u8>, bool),
    /// The computed text is in it.
    ContainsFormat(Format),
    /// The bytes are in it whose digits are computed.
    ContainsDigits(Format),
    /// It matches.
    Matches(Regex),
    /// Its digits match.
    DigitsMatch(Regex),
    /// HTTP: the status is in one of these ranges.
    Status(Vec<(u16, u16)>),
    /// HTTP: the status matches.
    StatusMatches(Regex),
    /// HTTP: a header field is there.
    Header(HeaderMatch),
    /// MySQL: the greeting, or the packet behind it if the flag is set.
    Mysql {
        /// Whether the greeting stands before it.
        is_second: bool,
    },
    /// LDAP: the answer to a bind.
    Ldap,
    /// SPOP: the agent's hello.
    Spop,
}

/// A field that must be there.
#[derive(Clone, Debug)]
pub struct HeaderMatch {
    /// Its name, letters of either case.
    pub name: TextMatch,
    /// Its value; `None` takes any.
    pub value: Option<TextMatch>,
    /// Whether values are the parts between commas (`hdr`) or whole lines (`fhdr`).
    pub is_whole_line: bool,
}

/// How a text is matched.
#[derive(Clone, Debug)]
pub enum TextMatch {
    /// Equal, or begins with, ends with, contains it.
    Part(Part, Format),
    /// Matches.
    Regex(Regex),
}

/// Where a text is in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// It is all.
    All,
    /// At the beginning.
    Beginning,
    /// At the end.
    End,
    /// Anywhere.
    Anywhere,
}

impl Part {
    /// Whether `text` has `wanted` there.
    pub fn is_in(self, text: &[u8], wanted: &[u8]) -> bool {
        match self {
            Part::All => text == wanted,
            Part::Beginning => text.starts_with(wanted),
            Part::End => text.ends_with(wanted),
            Part::Anywhere => memchr::memmem::find(text, wanted).is_some(),
        }
    }
}

/// The words behind `expect`, and the comment among them.
pub(super) fn compile(kind: Kind, reader: &mut Reader<'_, '_, '_>) -> Result<(Expect, Option<String>), RuleError> {
    let (mut pattern, mut comment) = (None, None);
    let mut expect = Options::default();
    while let Some(mut word) = reader.next() {
        let mut is_marked = false;
        while word.starts_with('!') {
            is_marked = true;
            let signs = word.bytes().take_while(|byte| *byte == b'!').count();
            expect.is_inverted ^= signs % 2 == 1;
            word = &word[signs..];
            if word.is_empty() {
                word = reader.next().ok_or_else(|| RuleError::new(2, "expects a pattern after '!'"))?;
            }
        }
        if options(word, &mut expect, &mut comment, reader)? {
            if is_marked {
                return Err(reader.wrong(format!("[!] not supported with '{word}'")));
            }
            continue;
        }
        let found = self::pattern(kind, word, reader)?;
        if pattern.replace(found).is_some() {
            return Err(reader.wrong("only one pattern expected"));
        }
    }
    let Some(pattern) = pattern else {
        return Err(reader.wrong("expects at least a matching pattern as arguments"));
    };
    let Options { is_inverted, min_receive, verdicts } = expect;
    Ok((Expect { pattern, is_inverted, min_receive, verdicts }, comment))
}

#[derive(Default)]
struct Options {
    is_inverted: bool,
    min_receive: Option<usize>,
    verdicts: Verdicts,
}

/// Reads an option; `false` if the word is none.
fn options(
    word: &str,
    expect: &mut Options,
    comment: &mut Option<String>,
    reader: &mut Reader<'_, '_, '_>,
) -> Result<bool, RuleError> {
    let verdicts = &mut expect.verdicts;
    match word {
        "min-recv" => {
            let text = reader.argument("an integer")?;
            expect.min_receive = match text.parse::<i64>() {
                Ok(-1) => None,
                Ok(least @ 0..=0x7fff_ffff) => usize::try_from(least).ok(),
                _ => {
                    return Err(
                        reader.wrong(format!("'min-recv' expects -1 or an integer from 0 to 2147483647, not '{text}'"))
                    );
                }
            };
        }
        "comment" => *comment = Some(reader.argument("a string")?.to_owned()),
        "on-success" => {
            let text = reader.argument("a string")?;
            verdicts.on_success = Some(reader.format(text)?);
        }
        "on-error" => {
            let text = reader.argument("a string")?;
            verdicts.on_error = Some(reader.format(text)?);
        }
        "status-code" => {
            let text = reader.argument("an expression")?;
            verdicts.status = Some(reader.expression(text)?);
        }
        "ok-status" => verdicts.ok = Some(code(reader, &[Code::L7Ok, Code::L7OkConditional, Code::L6Ok, Code::L4Ok])?),
        "error-status" => {
            verdicts.error =
                Some(code(reader, &[Code::L7OkConditional, Code::L7Rsp, Code::L7Sts, Code::L6Rsp, Code::L4Con])?);
        }
        "tout-status" => verdicts.timeout = Some(code(reader, &[Code::L7Tout, Code::L6Tout, Code::L4Tout])?),
        _ => return Ok(false),
    }
    Ok(true)
}

fn code(reader: &mut Reader<'_, '_, '_>, allowed: &[Code]) -> Result<Code, RuleError> {
    let text = reader.argument("a status")?;
    let names = allowed.iter().map(|code| code.name()).collect::<Vec<_>>().join(", ");
    let wrong = || reader.wrong(format!("only {names} are known here (got '{text}')"));
    Code::by_name(text).filter(|code| allowed.contains(code)).ok_or_else(wrong)
}

fn pattern(kind: Kind, word: &str, reader: &mut Reader<'_, '_, '_>) -> Result<Pattern, RuleError> {
    let is_http = kind == Kind::Http;
    let is_of_http = matches!(word, "status" | "rstatus" | "hdr" | "fhdr");
    let is_of_tcp = matches!(word, "binary" | "rbinary" | "binary-lf" | "custom");
    if (is_http && is_of_tcp) || (!is_http && is_of_http) {
        let set = if is_http { "http-check" } else { "tcp-check" };
        return Err(reader.wrong(format!("'{word}' is not supported by '{set} expect'")));
    }
    if matches!(word, "hdr" | "fhdr") {
        return header(word == "fhdr", reader).map(Pattern::Header);
    }
    let known = ["string", "rstring", "string-lf", "binary", "rbinary", "binary-lf", "status", "rstatus"];
    if !known.contains(&word) {
        let known = match is_http {
            true => {
                "'min-recv', '[!]string', '[!]rstring', '[!]string-lf', '[!]status', '[!]rstatus', '[!]hdr', '[!]fhdr'"
            }
            false => "'min-recv', '[!]binary', '[!]string', '[!]rstring', '[!]rbinary', '[!]string-lf', '[!]binary-lf'",
        };
        return Err(reader.wrong(format!("expects {known} or 'comment' but got '{word}'")));
    }
    let text = reader.argument("a <pattern>")?;
    Ok(match word {
        "string" => Pattern::Contains(text.as_bytes().to_vec(), false),
        "rstring" => Pattern::Matches(regex(text, reader)?),
        "string-lf" => Pattern::ContainsFormat(reader.format(text)?),
        "binary" => match binary(text.as_bytes()) {
            Some(bytes) => Pattern::Contains(bytes, true),
            None => {
                return Err(reader.wrong(format!("'{text}' is no binary string: it needs pairs of hexadecimal digits")));
            }
        },
        "rbinary" => Pattern::DigitsMatch(regex(text, reader)?),
        "binary-lf" => Pattern::ContainsDigits(reader.format(text)?),
        "rstatus" => Pattern::StatusMatches(regex(text, reader)?),
        _ => Pattern::Status(text.split(',').map(|part| range(part, reader)).collect::<Result<_, _>>()?),
    })
}

fn regex(text: &str, reader: &Reader<'_, '_, '_>) -> Result<Regex, RuleError> {
    Regex::new(text, Case::Sensitive).map_err(|why| reader.wrong(why))
}

fn range(text: &str, reader: &Reader<'_, '_, '_>) -> Result<(u16, u16), RuleError> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (first.trim().parse::<u16>(), last.trim().parse::<u16>()) {
        (Ok(first), Ok(last)) if (100..=599).contains(&first) && (first..=599).contains(&last) => Ok((first, last)),
        _ => Err(reader.wrong(format!("'{text}' is no status code and no range of them; 100 to 599"))),
    }
}

/// `hdr { name | name-lf } [-m METHOD] TEXT [{ value | value-lf } [-m METHOD] TEXT]`.
fn header(is_whole_line: bool, reader: &mut Reader<'_, '_, '_>) -> Result<HeaderMatch, RuleError> {
    let word = reader.next().unwrap_or_default();
    if !matches!(word, "name" | "name-lf") {
        return Err(reader.wrong("expects the name keyword as first argument followed by a pattern"));
    }
    let name = text_match(word == "name-lf", Case::Ignored, reader)?;
    let value = match reader.peek() {
        Some(word @ ("value" | "value-lf")) => {
            reader.next();
            Some(text_match(word == "value-lf", Case::Sensitive, reader)?)
        }
        _ => None,
    };
    // Without a value the parts between commas are of no interest.
    Ok(HeaderMatch { name, is_whole_line: is_whole_line || value.is_none(), value })
}

fn text_match(is_format: bool, case: Case, reader: &mut Reader<'_, '_, '_>) -> Result<TextMatch, RuleError> {
    let mut text = reader.argument("a pattern")?;
    let mut part = Some(Part::All);
    if text == "-m" {
        part = match reader.argument("a matching method")? {
            "str" => Some(Part::All),
            "beg" => Some(Part::Beginning),
            "end" => Some(Part::End),
            "sub" => Some(Part::Anywhere),
            "reg" if is_format => {
                return Err(reader.wrong("log-format string is not supported with a regex matching method"));
            }
            "reg" => None,
            other => {
                return Err(reader.wrong(format!("only supports 'str', 'beg', 'end', 'sub' or 'reg' (got '{other}')")));
            }
        };
        text = reader.argument("a pattern")?;
    }
    Ok(match part {
        None => TextMatch::Regex(Regex::new(text, case).map_err(|why| reader.wrong(why))?),
        Some(part) if is_format => TextMatch::Part(part, reader.format(text)?),
        Some(part) => TextMatch::Part(part, reader.format(&text.replace('%', "%%"))?),
    })
}
