//! Redirects (HAProxy manual §4.2 "redirect").

use crate::http::blank_controls;

use super::super::condition::Condition;
use super::super::error::RuleError;
use super::super::format::{Format, FormatUse};
use super::super::scope::Scope;
use super::super::stage::Stage;
use super::super::transaction::Transaction;
use super::Part;
use super::target::find;

/// What the location is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// As written.
    Location,
    /// Before the path.
    Prefix,
    /// Before `://`, the host and the path.
    Scheme,
}

/// A redirect.
#[derive(Clone, Debug)]
pub struct Redirect {
    base: Base,
    value: Format,
    /// 301, 302, 303, 307 or 308.
    pub status: u16,
    drops_query: bool,
    keeps_query: bool,
    appends_slash: bool,
    ignores_empty: bool,
    cookie: Option<Format>,
    clears_cookie: bool,
}

impl Redirect {
    /// Compiles the words behind `redirect`, up to a condition; says how many. In a bare `redirect` line (`is_format`
    /// false) the value is text, not a format.
    pub fn compile(words: &[&str], is_format: bool, scope: &mut Scope<'_>) -> Result<(Redirect, usize), RuleError> {
        let mut found: Option<(Base, Format)> = None;
        let (mut status, mut cookie, mut clears_cookie) = (302, None, false);
        let (mut drops_query, mut keeps_query, mut appends_slash, mut ignores_empty) = (false, false, false, false);
        let mut at = 0;
        while let Some(word) = words.get(at).filter(|word| !Condition::begins_with(word)) {
            let value = words.get(at + 1).copied();
            let needs = || value.ok_or_else(|| RuleError::new(at, format!("'{word}' needs a value")));
            let mut format = |text: &str| {
                let text = if is_format { text.to_owned() } else { text.replace('%', "%%") };
                Format::compile(&text, FormatUse::Http, scope).map_err(|error| error.later(at + 1))
            };
            let mut taken = 2;
            match *word {
                "location" => found = Some((Base::Location, format(needs()?)?)),
                "prefix" => found = Some((Base::Prefix, format(needs()?)?)),
                "scheme" => found = Some((Base::Scheme, format(needs()?)?)),
                "code" => {
                    let code = needs()?;
                    let known =
                        ["301", "302", "303", "307", "308"].contains(&code).then(|| code.parse().ok()).flatten();
                    status = known.ok_or_else(|| {
                        RuleError::new(at + 1, format!("unsupported redirect code '{code}'"))
                            .hint("301, 302, 303, 307 or 308")
                    })?;
                }
                "set-cookie" => cookie = Some(format(&needs()?.replace('%', "%%"))?),
                "set-cookie-fmt" => cookie = Some(format(needs()?)?),
                "clear-cookie" => {
                    cookie = Some(format(&needs()?.replace('%', "%%"))?);
                    clears_cookie = true;
                }
                other => {
                    taken = 1;
                    match other {
                        "drop-query" => drops_query = true,
                        "keep-query" => keeps_query = true,
                        "append-slash" => appends_slash = true,
                        "ignore-empty" => ignores_empty = true,
                        _ => {
                            let known = [
                                "location",
                                "prefix",
                                "scheme",
                                "code",
                                "set-cookie",
                                "set-cookie-fmt",
                                "clear-cookie",
                                "drop-query",
                                "keep-query",
                                "append-slash",
                                "ignore-empty",
                            ];
                            return Err(RuleError::unknown("word of a redirect", other, known.into_iter()).later(at));
                        }
                    }
                }
            }
            at += taken;
        }
        let missing = || RuleError::new(at.saturating_sub(1), "a redirect needs 'location', 'prefix' or 'scheme'");
        let (base, value) = found.ok_or_else(missing)?;
        if scope.stage == Stage::HttpResponse && base != Base::Location {
            return Err(RuleError::new(0, "only 'redirect location' is possible for responses"));
        }
        let redirect = Redirect {
            base,
            value,
            status,
            drops_query,
            keeps_query,
            appends_slash,
            ignores_empty,
            cookie,
            clears_cookie,
        };
        Ok((redirect, at))
    }

    /// Whether the rule is passed over because its location is empty.
    pub(super) fn is_void(&self, transaction: &Transaction<'_>, scratch: &mut Vec<u8>) -> bool {
        scratch.clear();
        if self.ignores_empty && self.base == Base::Location {
            self.value.render(transaction, scratch);
            return scratch.is_empty();
        }
        false
    }

    /// Appends the response's status line and fields, without the empty line; the body is empty.
    pub fn render(&self, transaction: &Transaction<'_>, out: &mut Vec<u8>) {
        super::reply::write_status_line(out, self.status, None);
        out.extend_from_slice(b"content-length: 0\r\nlocation: ");
        let start = out.len();
        self.write_location(transaction, out);
        blank_controls(&mut out[start..]);
        out.extend_from_slice(b"\r\n");
        if matches!(self.status, 302 | 303 | 307) {
            out.extend_from_slice(b"cache-control: no-cache\r\n");
        }
        if let Some(cookie) = &self.cookie {
            out.extend_from_slice(b"set-cookie: ");
            let start = out.len();
            cookie.render(transaction, out);
            blank_controls(&mut out[start..]);
            out.extend_from_slice(if self.clears_cookie { b"; path=/; Max-Age=0;\r\n" } else { b"; path=/;\r\n" });
        }
    }

    fn write_location(&self, transaction: &Transaction<'_>, out: &mut Vec<u8>) {
        let target = transaction.request.as_ref().map_or(&b""[..], |request| request.target());
        let of = |part| find(target, part).map(|(start, end)| &target[start..end]);
        let start = out.len();
        self.value.render(transaction, out);
        match self.base {
            Base::Location => {
                let query = of(Part::Query).filter(|query| self.keeps_query && !query.is_empty());
                if let Some(query) = query {
                    out.push(if out[start..].contains(&b'?') { b'&' } else { b'?' });
                    out.extend_from_slice(query);
                }
                return;
            }
            // "/" puts nothing before the path.
            Base::Prefix if out[start..] == *b"/" => out.truncate(start),
            Base::Prefix => {}
            Base::Scheme => {
                out.extend_from_slice(b"://");
                let host = transaction.request.as_ref().and_then(|request| request.value(b"host"));
                out.extend_from_slice(host.unwrap_or_default());
            }
        }
        let part = if self.drops_query { Part::Path } else { Part::PathAndQuery };
        out.extend_from_slice(of(part).unwrap_or(b"/"));
        if self.appends_slash && out.last() != Some(&b'/') {
            out.push(b'/');
        }
    }
}
