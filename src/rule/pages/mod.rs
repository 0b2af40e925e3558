//! What the proxy answers itself in place of a server: pages by status (HAProxy manual §4.2 "errorfile", "http-error").
//!
//! A section says which page a status has ([`Pages`]); one that it says nothing about has [`builtin`]'s. Decides what an
//! answer consists of and how it is written; which status it is, and whose section counts, is the proxy's business.

pub mod builtin;
mod lines;

use std::sync::Arc;

use crate::http::{FieldKind, Head, Parsed, Version, parse_response};

use super::action::Reply;

pub use builtin::has_page;
pub(super) use lines::file_of;

/// A whole response: of a file, of a redirect in place of an error, or built in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Status code, as the page itself says it.
    pub status: u16,
    version: Version,
    /// Status line and fields with their ends, but for Connection; names in lower case.
    head: Box<[u8]>,
    body: Box<[u8]>,
    /// Whether the end of the body can be told without a close.
    is_delimited: bool,
    says_close: bool,
}

impl Page {
    /// Reads a whole response.
    ///
    /// # Errors
    /// It is none that can be sent as it is; the phrase says why.
    pub fn parse(bytes: &[u8]) -> Result<Page, String> {
        let mut head = Head::default();
        match parse_response(bytes, &mut head) {
            Ok(Parsed::Complete) => {}
            Ok(Parsed::Partial) => return Err("unable to parse headers: they do not end".to_owned()),
            Err(error) => return Err(format!("unable to parse headers: {error}")),
        }
        if head.status < 200 && head.status != 101 {
            return Err(format!("invalid http status code for an error message ({})", head.status));
        }
        let body = &bytes[head.length..];
        let is_bodiless = matches!(head.status, 204 | 304);
        let mut page = Page {
            status: head.status,
            version: head.version,
            head: Box::default(),
            body: body.into(),
            is_delimited: is_bodiless,
            says_close: head.says_close,
        };
        let mut text = head.line.of(bytes).to_vec();
        text.extend_from_slice(b"\r\n");
        for field in &head.fields {
            let value = field.value.of(bytes);
            match field.kind {
                FieldKind::TransferEncoding => return Err("chunk-encoded payload not supported".to_owned()),
                FieldKind::Connection | FieldKind::KeepAlive => continue,
                FieldKind::ContentLength if !is_bodiless => {
                    page.is_delimited = true;
                    if std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()) != Some(body.len()) {
                        let announced = String::from_utf8_lossy(value);
                        return Err(format!(
                            "payload size does not match the announced content-length ({} != {announced})",
                            body.len()
                        ));
                    }
                }
                _ => {}
            }
            text.extend(field.name.of(bytes).iter().map(u8::to_ascii_lowercase));
            text.extend_from_slice(b": ");
            text.extend_from_slice(value);
            text.extend_from_slice(b"\r\n");
        }
        if is_bodiless && !body.is_empty() {
            return Err("message payload not expected".to_owned());
        }
        page.head = text.into();
        Ok(page)
    }

    /// Its body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Appends status line and fields, without the empty line and without Connection, which [`Ending`] adds.
    pub fn write_head(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.head);
    }

    /// How a response with this head ends; `client` is the version that the client speaks if its connection may persist.
    pub fn ending(&self, client: Option<Version>) -> Ending {
        Ending { version: self.version, client: client.filter(|_| self.is_delimited && !self.says_close) }
    }
}

/// The end of the head of an answer of ours: whether the connection persists, and what tells the client so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Version in the status line.
    pub version: Version,
    /// Version that the client speaks; `None` if the connection ends.
    pub client: Option<Version>,
}

impl Ending {
    /// Appends the Connection field and the empty line.
    pub fn write(self, out: &mut Vec<u8>) {
        out.extend_from_slice(match (self.client, self.version) {
            (None, Version::Http11) => b"connection: close\r\n\r\n",
            (Some(Version::Http10), _) | (Some(_), Version::Http10) => b"connection: keep-alive\r\n\r\n",
            // HTTP/1.0 closes by itself.
            (None, Version::Http10) | (Some(Version::Http11), Version::Http11) => b"\r\n",
        });
    }

    /// Whether the connection may have another request.
    pub fn persists(self) -> bool {
        self.client.is_some()
    }
}

/// What a section says of a status.
#[derive(Clone, Debug)]
pub enum Own {
    /// `/dev/null`: the connection closes without an answer.
    Silent,
    /// A response as it is.
    Page(Arc<Page>),
    /// A response that is made for each request.
    Reply(Arc<Reply>),
    /// The built-in page, whatever was said before.
    Builtin,
}

impl Own {
    /// What the bytes of a file are.
    ///
    /// # Errors
    /// They are no response.
    pub fn of_file(bytes: &[u8]) -> Result<Own, String> {
        if bytes.is_empty() { Ok(Own::Silent) } else { Page::parse(bytes).map(|page| Own::Page(page.into())) }
    }
}

/// What a section says of the statuses; the last line about one counts.
#[derive(Clone, Debug, Default)]
pub struct Pages(Vec<(u16, Own)>);

impl Pages {
    /// What is said of a status.
    pub fn of(&self, status: u16) -> Option<&Own> {
        self.0.iter().find(|(code, _)| *code == status).map(|(_, own)| own)
    }

    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an answer is made of the request that it is for.
    pub fn look_at_requests(&self) -> bool {
        self.0.iter().any(|(_, own)| matches!(own, Own::Reply(_)))
    }

    fn set(&mut self, status: u16, own: Own) {
        match self.0.iter_mut().find(|(code, _)| *code == status) {
            Some((_, known)) => *known = own,
            None => self.0.push((status, own)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str, persists: Option<Version>, is_head: bool) -> (String, bool) {
        let mut out = Vec::new();
        let page = Page::parse(text.as_bytes()).unwrap();
        page.write_head(&mut out);
        let ending = page.ending(persists);
        ending.write(&mut out);
        if !is_head {
            out.extend_from_slice(page.body());
        }
        (String::from_utf8(out).unwrap(), ending.persists())
    }

    #[test]
    fn a_page_without_a_length_closes_and_keeps_its_version() {
        let debian = "HTTP/1.0 503 Out\r\nCache-Control: no-cache\r\nConnection: close\r\n\r\nbody";
        let expected = "HTTP/1.0 503 Out\r\ncache-control: no-cache\r\n\r\nbody";
        assert_eq!(written(debian, Some(Version::Http11), false), (expected.to_owned(), false));
        let newer = debian.replace("1.0", "1.1");
        let expected = "HTTP/1.1 503 Out\r\ncache-control: no-cache\r\nconnection: close\r\n\r\nbody";
        assert_eq!(written(&newer, Some(Version::Http11), false), (expected.to_owned(), false));
    }

    #[test]
    fn a_page_with_a_length_keeps_the_connection() {
        let text = "HTTP/1.1 404 No\nX-A: b\nContent-Length: 3\n\nabc";
        let expected = "HTTP/1.1 404 No\r\nx-a: b\r\ncontent-length: 3\r\n\r\n";
        assert_eq!(written(text, Some(Version::Http11), true), (expected.to_owned(), true));
        let old = expected.replace("\r\n\r\n", "\r\nconnection: keep-alive\r\n\r\nabc");
        assert_eq!(written(text, Some(Version::Http10), false), (old, true));
    }

    #[test]
    fn what_is_no_response_is_refused() {
        for (text, why) in [
            ("<html>", "unable to parse headers"),
            ("HTTP/1.1 503 Out\r\n", "unable to parse headers: they do not end"),
            ("HTTP/1.1 100 Go\r\n\r\n", "invalid http status code for an error message (100)"),
            ("HTTP/1.1 503 Out\r\nContent-Length: 5\r\n\r\nabc", "payload size does not match"),
            ("HTTP/1.1 503 Out\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "chunk-encoded payload not supported"),
            ("HTTP/1.1 204 None\r\n\r\nabc", "message payload not expected"),
        ] {
            let said = Page::parse(text.as_bytes()).unwrap_err();
            assert!(said.starts_with(why), "{text}: {said}");
        }
    }
}
