//! Answers of ours: `return`, `deny`, `tarpit`.

use std::io::Write as _;
use std::sync::Arc;

use super::super::error::RuleError;
use super::super::format::{Format, FormatUse};
use super::super::pages::{Own, Page, file_of, has_page};
use super::super::reference::ReferenceKind;
use super::super::scope::Scope;
use super::super::transaction::Transaction;

/// What an answer consists of.
#[derive(Clone, Debug)]
pub enum Content {
    /// The proxy's own page for the status (`errorfile`, `http-errors`, or the built-in one).
    DefaultPage,
    /// A whole response, head and body, of a file or of an `http-errors` section.
    Page(Arc<Page>),
    /// An empty file: the connection closes without an answer.
    Silent,
    /// No body.
    Empty,
    /// A body.
    Body {
        /// Its media type.
        media_type: Box<[u8]>,
        /// Its bytes.
        bytes: Box<[u8]>,
    },
    /// A body with formats in it.
    Format {
        /// Its media type.
        media_type: Box<[u8]>,
        /// Its text.
        format: Format,
    },
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Status code, 200-599.
    pub status: u16,
    /// What it consists of.
    pub content: Content,
    fields: Vec<(Box<[u8]>, Format)>,
}

impl Reply {
    /// Compiles the words behind `return`, `deny` or `tarpit`, up to a condition; says how many. `default` is the
    /// status without one, and `is_page` whether no content means the page of the status. The first word that is none of an
    /// answer's is left to the caller.
    pub fn compile(
        words: &[&str],
        default: u16,
        is_page: bool,
        scope: &mut Scope<'_>,
    ) -> Result<(Reply, usize), RuleError> {
        let mut status = None;
        let mut media_type: Option<&str> = None;
        let mut content: Option<(usize, Content)> = None;
        let mut section: Option<(usize, &str)> = None;
        let mut fields = Vec::new();
        let mut at = 0;
        while let Some(word) = words.get(at).filter(|word| !matches!(**word, "if" | "unless")) {
            let value = words.get(at + 1).copied();
            let needs = || value.ok_or_else(|| RuleError::new(at, format!("'{word}' needs a value")));
            let once = |content: &Option<(usize, Content)>| match content {
                Some((first, _)) => Err(RuleError::new(at, format!("'{word}' after '{}'", words[*first]))),
                None => Ok(()),
            };
            let mut taken = 2;
            match *word {
                "status" | "deny_status" => {
                    let text = needs()?;
                    let code = text.parse().ok().filter(|code| (200..=599).contains(code));
                    let wrong = || RuleError::new(at + 1, format!("'{text}' is not a status code")).hint("200-599");
                    status = Some((at + 1, code.ok_or_else(wrong)?));
                }
                "content-type" => media_type = Some(needs()?),
                "default-errorfiles" => {
                    once(&content)?;
                    content = Some((at, Content::DefaultPage));
                    taken = 1;
                }
                "errorfile" => {
                    once(&content)?;
                    content = Some((at, file_of(needs()?, at + 1, scope)?.into()));
                }
                "errorfiles" => {
                    once(&content)?;
                    scope.refer(ReferenceKind::ErrorFiles, needs()?);
                    section = Some((at + 1, needs()?));
                    content = Some((at, Content::DefaultPage));
                }
                "file" => {
                    once(&content)?;
                    let bytes = read(needs()?, at + 1, scope)?.into();
                    content = Some((at, Content::Body { media_type: Box::default(), bytes }));
                }
                "string" => {
                    once(&content)?;
                    let bytes = needs()?.as_bytes().into();
                    content = Some((at, Content::Body { media_type: Box::default(), bytes }));
                }
                "lf-file" | "lf-string" => {
                    once(&content)?;
                    let text = if *word == "lf-file" {
                        let bytes = read(needs()?, at + 1, scope)?;
                        String::from_utf8(bytes).map_err(|_| RuleError::new(at + 1, "the file is not UTF-8"))?
                    } else {
                        needs()?.to_owned()
                    };
                    let format = Format::compile(&text, FormatUse::Http, scope);
                    let format = format.map_err(|error| error.later(at + 1))?;
                    content = Some((at, Content::Format { media_type: Box::default(), format }));
                }
                "hdr" => {
                    let name = needs()?;
                    let text = words.get(at + 2);
                    let text = text.ok_or_else(|| RuleError::new(at, "'hdr' needs a name and a value"))?;
                    let format = Format::compile(text, FormatUse::Http, scope);
                    let format = format.map_err(|error| error.later(at + 2))?;
                    let is_framing = ["content-length", "transfer-encoding", "content-type"];
                    if is_framing.iter().any(|framing| name.eq_ignore_ascii_case(framing)) {
                        scope.warn(at + 1, format!("'hdr {name}' has no effect: the answer has its own"));
                    } else {
                        fields.push((name.as_bytes().into(), format));
                    }
                    taken = 3;
                }
                other => {
                    let known = [
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
                    return Err(RuleError::unknown("word of an answer", other, known.into_iter()).later(at));
                }
            }
            at += taken;
        }
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
            Content::Body { bytes, .. } if matches!(status, 204 | 304) && !bytes.is_empty() => {
                return Err(RuleError::new(status_at, format!("no body expected for {status} responses")));
            }
            Content::Format { .. } if matches!(status, 204 | 304) => {
                return Err(RuleError::new(status_at, format!("no body expected for {status} responses")));
            }
            Content::Body { bytes, .. } if bytes.is_empty() => content = Content::Empty,
            Content::Body { media_type: place, .. } | Content::Format { media_type: place, .. } => {
                let missing = || RuleError::new(0, "a body needs its content-type");
                *place = media_type.ok_or_else(missing)?.as_bytes().into();
            }
            _ if media_type.is_some() => scope.warn(0, "content-type has no effect without a body".into()),
            _ => {}
        }
        if !fields.is_empty() && matches!(content, Content::DefaultPage | Content::Page(_) | Content::Silent) {
            scope.warn(0, "hdr has no effect on a page".into());
        }
        if let Some((at, name)) = section {
            content = of_section(name, status, at, scope)?;
        }
        Ok((Reply { status, content, fields }, at))
    }

    /// What a section says of a status with this answer.
    pub(in crate::rule) fn into_own(self) -> Own {
        match self.content {
            Content::DefaultPage => Own::Builtin,
            Content::Page(page) => Own::Page(page),
            Content::Silent => Own::Silent,
            Content::Empty | Content::Body { .. } | Content::Format { .. } => Own::Reply(self.into()),
        }
    }

    /// Appends status line and fields without the empty line to `head` and the body to `body`. Only for contents that
    /// are made here: [`Content::Empty`], [`Content::Body`], [`Content::Format`]; a page is the proxy's.
    pub fn render(&self, transaction: &Transaction<'_>, head: &mut Vec<u8>, body: &mut Vec<u8>) {
        write_status_line(head, self.status, None);
        for (name, value) in &self.fields {
            let line = head.len();
            head.extend_from_slice(name);
            head.extend_from_slice(b": ");
            let start = head.len();
            value.render(transaction, head);
            if head.len() == start {
                // A field without a value is left out, as HAProxy does.
                head.truncate(line);
                continue;
            }
            head[start..].iter_mut().filter(|byte| **byte < 0x20 && **byte != b'\t').for_each(|byte| *byte = b' ');
            head.extend_from_slice(b"\r\n");
        }
        let media_type = match &self.content {
            Content::Body { media_type, bytes } => {
                body.extend_from_slice(bytes);
                Some(media_type)
            }
            Content::Format { media_type, format } => {
                format.render(transaction, body);
                Some(media_type)
            }
            _ => None,
        };
        // 204 and 304 have no body and no length (RFC 9110 §8.6).
        if matches!(self.status, 204 | 304) {
            body.clear();
            return;
        }
        // Writing to a Vec cannot fail.
        let _ = write!(head, "content-length: {}\r\n", body.len());
        if let Some(media_type) = media_type.filter(|_| !body.is_empty()) {
            head.extend_from_slice(b"content-type: ");
            head.extend_from_slice(media_type);
            head.extend_from_slice(b"\r\n");
        }
    }
}

impl From<Own> for Content {
    fn from(own: Own) -> Content {
        match own {
            Own::Page(page) => Content::Page(page),
            Own::Silent => Content::Silent,
            Own::Builtin | Own::Reply(_) => Content::DefaultPage,
        }
    }
}

/// The page that an `http-errors` section has for a status, or the default one where it has none.
fn of_section(name: &str, status: u16, at: usize, scope: &mut Scope<'_>) -> Result<Content, RuleError> {
    let Some(section) = scope.error_pages.iter().find(|section| section.name == name) else {
        return Ok(Content::DefaultPage);
    };
    match section.pages.iter().rev().find(|(known, _)| *known == status) {
        Some((_, file)) => file_of(file, at, scope).map(Content::from),
        None => {
            scope.warn(at, format!("status '{status}' is not declared in http-errors section '{name}'"));
            Ok(Content::DefaultPage)
        }
    }
}

fn read(name: &str, at: usize, scope: &Scope<'_>) -> Result<Vec<u8>, RuleError> {
    scope.files.read(name).map_err(|why| RuleError::new(at, format!("cannot read '{name}': {why}")))
}

/// Appends `HTTP/1.1 200 OK` and its line end.
pub(super) fn write_status_line(out: &mut Vec<u8>, status: u16, reason: Option<&[u8]>) {
    // Writing to a Vec cannot fail.
    let _ = write!(out, "HTTP/1.1 {status} ");
    out.extend_from_slice(reason.unwrap_or_else(|| reason_of(status).as_bytes()));
    out.extend_from_slice(b"\r\n");
}

/// The reason phrase of a status (RFC 9110 §15 and the registry), as HAProxy writes it.
pub fn reason_of(status: u16) -> &'static str {
    match status {
        100 => "Continue",
        101 => "Switching Protocols",
        102 => "Processing",
        103 => "Early Hints",
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        203 => "Non-Authoritative Information",
        204 => "No Content",
        205 => "Reset Content",
        206 => "Partial Content",
        207 => "Multi-Status",
        208 => "Already Reported",
        226 => "IM Used",
        300 => "Multiple Choices",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        305 => "Use Proxy",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        411 => "Length Required",
        412 => "Precondition Failed",
        413 => "Payload Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        416 => "Range Not Satisfiable",
        417 => "Expectation Failed",
        418 => "I'm a teapot",
        421 => "Misdirected Request",
        422 => "Unprocessable Entity",
        423 => "Locked",
        424 => "Failed Dependency",
        425 => "Too Early",
        426 => "Upgrade Required",
        428 => "Precondition Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        451 => "Unavailable For Legal Reasons",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        506 => "Variant Also Negotiates",
        507 => "Insufficient Storage",
        508 => "Loop Detected",
        510 => "Not Extended",
        511 => "Network Authentication Required",
        _ => reason_of_class(status / 100),
    }
}

/// What HAProxy writes for statuses without a phrase of their own.
fn reason_of_class(class: u16) -> &'static str {
    match class {
        1 => "Informational",
        2 => "Success",
        3 => "Redirection",
        4 => "Client Error",
        5 => "Server Error",
        _ => "Other",
    }
}
