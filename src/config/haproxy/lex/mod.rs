//! A line into words: quotes, escapes, comments, environment variables (manual §2.2 and §2.3).
//!
//! It decides where words begin and end, and nothing about what they mean. Start with [`words`].

use crate::diag::Span;

use super::environment::Environment;

/// Words that a line may have; HAProxy cuts there and refuses the line.
pub const MOST_WORDS: usize = 64;

/// A word of a line, without quotes and escapes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// What it says.
    pub text: String,
    /// Where it is written, quotes included.
    pub span: Span,
}

/// Why a line has no words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LexError {
    /// A quote is never closed.
    #[error("unmatched quote")]
    Quote,
    /// `${NAME` without `}`.
    #[error("unmatched brace in environment variable name")]
    Brace,
    /// `$` before something that begins no name.
    #[error("forbidden first char in environment variable name")]
    VariableName,
    /// `\x` without two hexadecimal digits.
    #[error("truncated or invalid hexadecimal sequence")]
    Hexadecimal,
    /// `[` in braces that is not `[*]`.
    #[error("truncated or invalid word expansion sequence")]
    Expansion,
    /// More than [`MOST_WORDS`].
    #[error("too many words")]
    TooManyWords,
    /// Bytes that are no text.
    #[error("bytes that are no UTF-8, or NUL, are not supported")]
    NotText,
}

/// What the pseudo-variables of a line are.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// `.FILE`.
    pub file: &'a str,
    /// `.LINE`, from 1.
    pub line: usize,
    /// `.SECTION`: name of the section, or its keyword.
    pub section: &'a str,
}

/// The words of a line that begins at byte `start` of a source. A variable that is not set makes an empty word, as `""`
/// does.
///
/// # Errors
/// The first thing that is wrong with it and where.
pub fn words(
    line: &str,
    source: usize,
    start: usize,
    environment: &Environment,
    place: Place<'_>,
) -> Result<Vec<Word>, (LexError, Span)> {
    let mut lexer = Lexer { input: line.as_bytes(), at: 0, words: Vec::new(), open: None, environment, place };
    let result = lexer.run();
    let span = |from: usize, to: usize| Span { source, start: start + from, end: start + to };
    if let Err((error, at)) = result {
        let width = line.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
        return Err((error, span(at, at + width)));
    }
    let word = |open: Open| {
        let span = span(open.from, open.to);
        // What was no UTF-8 in the file itself has become U+FFFD when it was read.
        let text =
            String::from_utf8(open.bytes).ok().filter(|text| !text.contains(['\0', char::REPLACEMENT_CHARACTER]));
        text.map(|text| Word { text, span }).ok_or((LexError::NotText, span))
    };
    let words = lexer.words.into_iter().map(word).collect::<Result<Vec<Word>, _>>()?;
    match words.get(MOST_WORDS) {
        Some(word) => Err((LexError::TooManyWords, word.span)),
        None => Ok(words),
    }
}

/// A word while it is read.
#[derive(Debug, Default)]
struct Open {
    bytes: Vec<u8>,
    from: usize,
    to: usize,
}

struct Lexer<'a> {
    input: &'a [u8],
    at: usize,
    words: Vec<Open>,
    open: Option<Open>,
    environment: &'a Environment,
    place: Place<'a>,
}

/// An error and the byte of the line where it is.
type At = (LexError, usize);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quote {
    Single,
    Double,
}

impl Lexer<'_> {
    fn run(&mut self) -> Result<(), At> {
        let mut quote: Option<(Quote, usize)> = None;
        // Where the present piece of input begins, for a word that begins with it.
        while let Some(&byte) = self.input.get(self.at) {
            let from = self.at;
            match (byte, quote.map(|(quote, _)| quote)) {
                // A carriage return ends a line whatever is open.
                (b'\n' | b'\r', _) => break,
                (b'#', None) => break,
                (b'"', None | Some(Quote::Double)) | (b'\'', None | Some(Quote::Single)) => {
                    self.at += 1;
                    quote = match quote {
                        // An empty pair of quotes makes a word, too.
                        Some((_, opened)) => {
                            self.extend(opened, &[]);
                            None
                        }
                        None => Some((if byte == b'"' { Quote::Double } else { Quote::Single }, from)),
                    };
                }
                (b'\\', None | Some(Quote::Double)) => {
                    let byte = self.escape(quote.is_some())?;
                    self.extend(from, &[byte]);
                }
                (b' ' | b'\t' | 0x0b | 0x0c, None) => {
                    self.at += 1;
                    self.close();
                }
                (b'$', Some(Quote::Double)) => {
                    let opened = quote.map_or(from, |(_, opened)| opened);
                    if self.variable(opened)? {
                        // `"${LIST[*]}"` alone: no word where the list is empty, so the quotes make none either.
                        quote = self.after_list(quote);
                    }
                }
                _ => {
                    self.at += 1;
                    let from = quote.filter(|_| self.open.is_none()).map_or(from, |(_, opened)| opened);
                    self.extend(from, &[byte]);
                }
            }
        }
        if let Some((_, opened)) = quote {
            return Err((LexError::Quote, opened));
        }
        self.close();
        Ok(())
    }

    /// Adds to the open word, or opens one that is written from byte `from`.
    fn extend(&mut self, from: usize, bytes: &[u8]) {
        let open = self.open.get_or_insert_with(|| Open { from, ..Open::default() });
        open.bytes.extend_from_slice(bytes);
        open.to = self.at;
    }

    fn close(&mut self) {
        self.words.extend(self.open.take());
    }

    /// What a backslash and what follows it stand for. Unknown pairs stand for themselves, the backslash first.
    fn escape(&mut self, is_in_quotes: bool) -> Result<u8, At> {
        let hex = |at: usize| {
            let digit = self.input.get(at).and_then(|byte| char::from(*byte).to_digit(16));
            digit.and_then(|digit| u8::try_from(digit).ok())
        };
        let (byte, length) = match self.input.get(self.at + 1) {
            Some(b'n') => (b'\n', 2),
            Some(b'r') => (b'\r', 2),
            Some(b't') => (b'\t', 2),
            Some(byte @ (b' ' | b'\\' | b'#' | b'\'' | b'"')) => (*byte, 2),
            Some(b'$') if is_in_quotes => (b'$', 2),
            Some(b'x') => match (hex(self.at + 2), hex(self.at + 3)) {
                (Some(high), Some(low)) => (high * 16 + low, 4),
                _ => return Err((LexError::Hexadecimal, self.at)),
            },
            _ => (b'\\', 1),
        };
        self.at += length;
        Ok(byte)
    }

    /// `$NAME`, `${NAME}`, `${NAME-default}`, `${NAME[*]}`. Whether it was the last.
    fn variable(&mut self, opened: usize) -> Result<bool, At> {
        let brace = self.at + 1;
        let has_brace = self.input.get(brace) == Some(&b'{');
        let name_at = if has_brace { brace + 1 } else { brace };
        let first = self.input.get(name_at).copied().unwrap_or(0);
        if !(first.is_ascii_alphabetic() || first == b'_' || first == b'.') {
            return Err((LexError::VariableName, name_at.min(self.input.len())));
        }
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let rest = self.input.get(name_at + 1..).unwrap_or_default();
        let end = name_at + 1 + rest.iter().position(|byte| !is_name(byte)).unwrap_or(rest.len());
        let name = String::from_utf8_lossy(self.input.get(name_at..end).unwrap_or_default()).into_owned();
        let mut value = self.value(&name).ok_or((LexError::VariableName, name_at))?;
        self.at = end;
        let mut is_list = false;
        if has_brace {
            if self.input.get(end) == Some(&b'[') {
                if self.input.get(end..end + 3) != Some(b"[*]") {
                    return Err((LexError::Expansion, end));
                }
                is_list = true;
                self.at += 3;
            }
            let rest = self.input.get(self.at..).unwrap_or_default();
            let close = rest.iter().position(|byte| *byte == b'}').ok_or((LexError::Brace, brace))?;
            match rest.first() {
                Some(b'}') => {}
                Some(b'-') => value = value.or_else(|| rest.get(1..close).map(<[u8]>::to_vec)),
                _ => return Err((LexError::Brace, brace)),
            }
            self.at += close + 1;
        }
        let from = if self.open.is_none() { opened } else { self.at };
        match (value, is_list) {
            (Some(value), false) => self.extend(from, &value),
            (None, false) => self.extend(from, &[]),
            (value, true) => self.list(from, &value.unwrap_or_default()),
        }
        Ok(is_list)
    }

    /// The value of a variable; inner `None` if it is not set, outer if there cannot be one of this name.
    fn value(&self, name: &str) -> Option<Option<Vec<u8>>> {
        match name {
            ".LINE" => Some(Some(self.place.line.to_string().into_bytes())),
            ".FILE" => Some(Some(self.place.file.as_bytes().to_vec())),
            ".SECTION" => Some(Some(self.place.section.as_bytes().to_vec())),
            _ if name.starts_with('.') => None,
            _ => Some(self.environment.value(name).map(|value| value.as_bytes().to_vec())),
        }
    }

    /// A value whose spaces separate words.
    fn list(&mut self, from: usize, value: &[u8]) {
        for (number, part) in value.split(u8::is_ascii_whitespace).enumerate() {
            if number > 0 {
                self.close();
            }
            if !part.is_empty() {
                self.extend(from, part);
            }
        }
    }

    /// Skips the quote after an expanded list, which makes no word of its own.
    fn after_list(&mut self, quote: Option<(Quote, usize)>) -> Option<(Quote, usize)> {
        match self.input.get(self.at) {
            Some(b'"') => {
                self.at += 1;
                None
            }
            _ => quote,
        }
    }
}

#[cfg(test)]
mod tests;
