//! Answers of ours: `return`, `deny`, `tarpit`, `http-error` (HAProxy manual §4.4).
//!
//! Decides what an answer consists of and writes the ones that are made here; never what a page of the proxy has
//! ([`pages`](crate::rule::pages)) nor how the connection goes on. Start with [`Reply`].

mod compile;

use std::io::Write as _;
use std::sync::Arc;

use crate::http::{blank_controls, reason_phrase};
use crate::rule::format::Format;
use crate::rule::pages::{Own, Page};
use crate::rule::transaction::Transaction;

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
            blank_controls(&mut head[start..]);
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

/// Appends `HTTP/1.1 200 OK` and its line end.
pub(super) fn write_status_line(out: &mut Vec<u8>, status: u16, reason: Option<&[u8]>) {
    // Writing to a Vec cannot fail.
    let _ = write!(out, "HTTP/1.1 {status} ");
    out.extend_from_slice(reason.unwrap_or_else(|| reason_phrase(status).as_bytes()));
    out.extend_from_slice(b"\r\n");
}
