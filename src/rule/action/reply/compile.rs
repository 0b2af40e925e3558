//! Words into answers.

use crate::rule::condition::Condition;
use crate::rule::error::RuleError;
use crate::rule::format::{Format, FormatUse};
use crate::rule::pages::{file_of, has_page};
use crate::rule::reference::ReferenceKind;
use crate::rule::scope::Scope;

use super::{Content, Reply};

/// Every word that an answer may have.
const WORDS: [&str; 11] = [
    "status",
    "deny_status",
    "content-type",
    "default-errorfiles",
    "errorfile",
    "errorfiles",
    "file",
    "lf-file",
    "string",
    "lf-string",
    "hdr",
];

impl Reply {
    /// Compiles the words behind `return`, `deny` or `tarpit`, up to a condition; says how many. `default` is the
    /// status without one, and `is_page` whether no content means the page of the status.
    ///
    /// # Errors
    /// A word is none of an answer's, or they do not go together.
    pub fn compile(
        words: &[&str],
        default: u16,
        is_page: bool,
        scope: &mut Scope<'_>,
    ) -> Result<(Reply, usize), RuleError> {
        let mut parts = Parts::default();
        let mut at = 0;
        while words.get(at).is_some_and(|word| !Condition::begins_with(word)) {
            at += parts.add(words, at, scope)?;
        }
        Ok((parts.reply(default, is_page, scope)?, at))
    }
}

/// What the words have said so far, with the numbers of the words.
#[derive(Default)]
struct Parts<'w> {
    status: Option<(usize, u16)>,
    media_type: Option<&'w str>,
    content: Option<(usize, Content)>,
    /// The `http-errors` section that the page is to be taken from.
    section: Option<(usize, &'w str)>,
    fields: Vec<(Box<[u8]>, Format)>,
}

impl<'w> Parts<'w> {
    /// Adds what the word at this number says; how many words it takes.
    fn add(&mut self, words: &[&'w str], at: usize, scope: &mut Scope<'_>) -> Result<usize, RuleError> {
        let (word, value) = (words[at], words.get(at + 1).copied());
        let value = || value.ok_or_else(|| RuleError::new(at, format!("'{word}' needs a value")));
        match word {
            "status" | "deny_status" => {
                let text = value()?;
                let code = text.parse().ok().filter(|code| (200..=599).contains(code));
                let wrong = || RuleError::new(at + 1, format!("'{text}' is not a status code")).hint("200-599");
                self.status = Some((at + 1, code.ok_or_else(wrong)?));
                return Ok(2);
            }
            "content-type" => {
                self.media_type = Some(value()?);
                return Ok(2);
            }
            "hdr" => {
                let name = value()?;
                let text = words.get(at + 2).ok_or_else(|| RuleError::new(at, "'hdr' needs a name and a value"))?;
                let format = Format::compile(text, FormatUse::Http, scope).map_err(|error| error.later(at + 2))?;
                let of_the_answer = ["content-length", "transfer-encoding", "content-type"];
                if of_the_answer.iter().any(|known| name.eq_ignore_ascii_case(known)) {
                    scope.warn_too(at + 1, format!("'hdr {name}' has no effect: the answer has its own"));
                } else {
                    self.fields.push((name.as_bytes().into(), format));
                }
                return Ok(3);
            }
            _ if !WORDS.contains(&word) => {
                return Err(RuleError::unknown("word of an answer", word, WORDS.into_iter()).later(at));
            }
            _ => {}
        }
        // What is left says what the answer consists of.
        if let Some((first, _)) = self.content {
            return Err(RuleError::new(at, format!("'{word}' after '{}'", words[first])));
        }
        if word == "default-errorfiles" {
            self.content = Some((at, Content::DefaultPage));
            return Ok(1);
        }
        let value = value()?;
        if word == "errorfiles" {
            scope.refer(ReferenceKind::ErrorFiles, value);
            self.section = Some((at + 1, value));
        }
        self.content = Some((at, content(word, value, scope).map_err(|error| error.later(at + 1))?));
        Ok(2)
    }

    /// The answer that they make together.
    fn reply(self, default: u16, is_page: bool, scope: &mut Scope<'_>) -> Result<Reply, RuleError> {
        let Parts { status, media_type, content, section, fields } = self;
        let mut content = match content {
            Some((_, content)) => content,
            None if is_page && fields.is_empty() => Content::DefaultPage,
            None => Content::Empty,
        };
        let (status_at, status) = status.unwrap_or((0, default));
        match &mut content {
            Content::DefaultPage if !has_page(status) => {
                let what = format!("there is no page for status {status}: say what the body is");
                return Err(RuleError::new(status_at, what).hint("string, lf-string, file or errorfile"));
            }
            Content::Body { bytes, .. } if bytes.is_empty() => content = Content::Empty,
            Content::Body { .. } | Content::Format { .. } if matches!(status, 204 | 304) => {
                return Err(RuleError::new(status_at, format!("no body expected for {status} responses")));
            }
            Content::Body { media_type: place, .. } | Content::Format { media_type: place, .. } => {
                let missing = || RuleError::new(0, "a body needs its content-type");
                *place = media_type.ok_or_else(missing)?.as_bytes().into();
            }
            _ if media_type.is_some() => scope.warn_too(0, "content-type has no effect without a body".into()),
            _ => {}
        }
        if !fields.is_empty() && matches!(content, Content::DefaultPage | Content::Page(_) | Content::Silent) {
            scope.warn_too(0, "hdr has no effect on a page".into());
        }
        if let Some((at, name)) = section {
            content = page_of(name, status, at, scope)?;
        }
        Ok(Reply { status, content, fields })
    }
}

/// What a word makes of its value; a body gets its media type later.
fn content(word: &str, value: &str, scope: &mut Scope<'_>) -> Result<Content, RuleError> {
    let body = |bytes: Vec<u8>| Content::Body { media_type: Box::default(), bytes: bytes.into() };
    let text = match word {
        "errorfile" => return file_of(value, 0, scope).map(Content::from),
        "file" => return scope.read(value).map(body),
        "string" => return Ok(body(value.into())),
        "lf-string" => value.to_owned(),
        "lf-file" => String::from_utf8(scope.read(value)?).map_err(|_| RuleError::new(0, "the file is not UTF-8"))?,
        // The section's page is looked up when the status is known.
        _ => return Ok(Content::DefaultPage),
    };
    let format = Format::compile(&text, FormatUse::Http, scope)?;
    Ok(Content::Format { media_type: Box::default(), format })
}

/// The page that an `http-errors` section has for a status, or the default one where it has none.
fn page_of(section: &str, status: u16, at: usize, scope: &mut Scope<'_>) -> Result<Content, RuleError> {
    let Some(found) = scope.error_pages.iter().find(|known| known.name == section) else {
        return Ok(Content::DefaultPage);
    };
    match found.pages.iter().rev().find(|(known, _)| *known == status) {
        Some((_, file)) => file_of(file, at, scope).map(Content::from),
        None => {
            scope.warn_too(at, format!("status '{status}' is not declared in http-errors section '{section}'"));
            Ok(Content::DefaultPage)
        }
    }
}
