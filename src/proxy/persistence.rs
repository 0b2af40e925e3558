//! The server that a client comes back to: read from its cookie or settled by a rule, and told in the response.
//!
//! It works in the heads as they are about to be sent: the cookie leaves the request's where servers are not to see it, and
//! enters the response's. A request that carries a valid cookie allocates nothing.

use crate::balance::cookie::{self, Age};
use crate::model::cookie::{Cookie, CookieMode};
use crate::rule::caching::Caching;
use crate::state::servers::{Admin, Health, Server};

use super::local::{LocalBackend, LocalFrontend};
use super::rules;
use super::session::Session;
use super::stream::Request;

/// What became of the client's cookie (HAProxy manual §8.5, third character).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Asked {
    #[default]
    Nothing,
    Invalid,
    /// It leads to a server that is down.
    Down,
    Valid,
    Idle,
    Old,
    /// A rule had chosen already, or forbids to look.
    Unused,
}

/// What became of the server's cookie (HAProxy manual §8.5, fourth character).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Answered {
    #[default]
    Nothing,
    /// It was left as it was.
    Passive,
    Deleted,
    Inserted,
    Rewritten,
    /// Inserted for its date only.
    Updated,
}

/// What a response is like that the client is told of its server in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer<'r> {
    /// Head of the request.
    pub(super) request: &'r [u8],
    pub(super) status: u16,
    /// Whether a field of its head may be about cookies: others are not searched.
    pub(super) has_cookies: bool,
}

/// What is known of a stream's persistence.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Persistence {
    /// The server that it goes to without being balanced.
    pub(super) server: Option<usize>,
    /// Whether that server is tried even if it is down, and again if it fails.
    pub(super) is_forced: bool,
    is_ignored: bool,
    asked: Asked,
    answered: Answered,
    last: Option<u32>,
    first: Option<u32>,
    /// Whether the log tells.
    is_logged: bool,
}

/// What a rule says about the persistence of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Treatment {
    /// The server of the cookie even if it is down (`force-persist`).
    Force,
    /// No persistence (`ignore-persist`).
    Ignore,
}

/// Whether connections to a server are out of the question.
pub(super) fn is_stopped(server: &Server) -> bool {
    server.health() == Health::Down || server.order() == Admin::Maint
}

impl Persistence {
    /// Looks for the server of a request, and takes from its head what servers are not to see.
    pub(super) fn look(
        session: &mut Session,
        frontend: &LocalFrontend,
        backend: &LocalBackend,
        mut request: Option<&mut Request>,
    ) -> Persistence {
        let options = &backend.running.model.options;
        let mut found = Persistence::default();
        let rules = backend.rules.as_ref();
        if rules.is_some_and(|section| section.settles_servers()) {
            let treatment = rules::settle(session, frontend, backend, request.as_deref());
            found.is_forced = treatment == Some(Treatment::Force);
            found.is_ignored = treatment == Some(Treatment::Ignore);
        }
        // What `use-server` chose comes before a cookie, what is in a stick table after it.
        if rules.is_some_and(|section| !section.servers.is_empty()) {
            found.server = session.preferred_server();
        }
        if let (Some(cookie), Some(request)) = (&options.cookie, request.as_mut()) {
            found.is_logged = cookie.is_logged();
            let now = seconds(session);
            if request.has_cookies {
                let before = request.held.len();
                found.read_cookies(cookie, backend, request.held.storage(), now);
                request.head_length -= before - request.held.len();
            }
        }
        found
    }

    /// The request goes to another server than the client asked for.
    pub(super) fn give_up_server(&mut self) {
        self.server = None;
        if self.asked == Asked::Valid {
            self.asked = Asked::Down;
        }
    }

    /// The third and fourth character of HAProxy's termination state.
    pub(super) fn state(&self) -> [u8; 2] {
        if !self.is_logged {
            return *b"--";
        }
        let asked = match self.asked {
            Asked::Nothing => b'N',
            Asked::Invalid => b'I',
            Asked::Down => b'D',
            Asked::Valid => b'V',
            Asked::Idle => b'E',
            Asked::Old => b'O',
            Asked::Unused => b'U',
        };
        let answered = match self.answered {
            Answered::Nothing => b'N',
            Answered::Passive => b'P',
            Answered::Deleted => b'D',
            Answered::Inserted => b'I',
            Answered::Rewritten => b'R',
            Answered::Updated => b'U',
        };
        [asked, answered]
    }

    fn read_cookies(&mut self, cookie: &Cookie, backend: &LocalBackend, head: &mut Vec<u8>, now: u32) {
        let mut at = 0;
        while let Some((line, end)) = next_line(head, at) {
            at = end + 2;
            let Some(from) = value_of(&head[line..end], b"cookie").map(|offset| line + offset) else { continue };
            at = self.read_field(cookie, backend, head, (line, from, end), now);
        }
    }

    /// Reads one field and returns where the next begins.
    fn read_field(
        &mut self,
        cookie: &Cookie,
        backend: &LocalBackend,
        head: &mut Vec<u8>,
        (line, from, mut end): (usize, usize, usize),
        now: u32,
    ) -> usize {
        let (mut at, mut has_others, mut has_ours, mut is_first) = (from, false, false, true);
        while at < end {
            let pair = cookie::pair(head, at, end, is_first);
            at = pair.whole.end;
            let was_first = std::mem::replace(&mut is_first, false);
            let is_ours = pair.has_value && head[pair.name.clone()] == *cookie.name.as_bytes();
            if !is_ours {
                has_others |= !head[pair.name].starts_with(b"$");
                continue;
            }
            has_ours = true;
            let said = cookie::read(cookie, &head[pair.value.clone()], now);
            self.judge(&said, backend);
            let removed = match (cookie.mode, said.rest) {
                (CookieMode::Prefix, Some(rest)) => pair.value.start..pair.value.start + rest,
                (CookieMode::Insert, _) if cookie.is_indirect && was_first => {
                    is_first = true;
                    // The next pair comes first, without its separator.
                    let blanks = head[at..end].iter().take_while(|byte| matches!(byte, b';' | b',' | b' ')).count();
                    from..at + blanks
                }
                (CookieMode::Insert, _) if cookie.is_indirect => pair.whole,
                _ => {
                    has_others = true;
                    continue;
                }
            };
            has_others |= cookie.mode == CookieMode::Prefix;
            (at, end) = (at.max(removed.end) - removed.len(), end - removed.len());
            head.drain(removed);
        }
        if has_others {
            return end + 2;
        }
        // Nothing but ours was in it, and attributes. A field that had none of ours stays.
        match has_ours && cookie.mode == CookieMode::Insert && cookie.is_indirect {
            true => {
                head.drain(line..end + 2);
                line
            }
            false => end + 2,
        }
    }

    /// What a cookie leads to: the first that leads to a server wins.
    fn judge(&mut self, said: &cookie::Said<'_>, backend: &LocalBackend) {
        let may_look = !self.is_ignored && self.server.is_none();
        match said.age {
            Age::Fresh => (self.last, self.first) = (said.last, said.first),
            Age::Idle => self.asked = Asked::Idle,
            Age::Old => self.asked = Asked::Old,
        }
        let options = &backend.running.model.options;
        let servers = backend.running.model.servers.iter().zip(&backend.running.state.servers);
        let named = servers.enumerate().filter(|(_, (model, _))| {
            model.options.cookie.as_ref().is_some_and(|value| value.as_bytes() == said.server)
        });
        for (number, (_, state)) in named.filter(|_| may_look && !said.server.is_empty()) {
            let is_down = is_stopped(state);
            self.asked = if is_down { Asked::Down } else { Asked::Valid };
            if !is_down || options.persists || self.is_forced {
                self.server = Some(number);
                return;
            }
        }
        // Another one of the same name changes nothing.
        if !matches!(self.asked, Asked::Valid | Asked::Down | Asked::Idle | Asked::Old) {
            self.asked = if may_look { Asked::Invalid } else { Asked::Unused };
        }
    }

    /// Writes into the head of a response what the client is told of its server.
    pub(super) fn answer(
        &mut self,
        session: &Session,
        backend: &LocalBackend,
        server: usize,
        Answer { request, status, has_cookies }: Answer<'_>,
        head: &mut Vec<u8>,
    ) {
        let Some(cookie) = &backend.running.model.options.cookie else { return };
        let own = backend.running.model.servers[server].options.cookie.as_deref();
        if has_cookies && !self.is_ignored {
            self.answer_cookies(cookie, own, head);
        }
        let now = seconds(session);
        if cookie.mode != CookieMode::Insert
            || self.is_ignored
            || (self.answered == Answered::Passive && cookie.preserves)
            || (cookie.is_post_only && !request.starts_with(b"POST "))
            || !self.is_due(cookie, now)
        {
            return;
        }
        let is_private = cookie.is_private && is_cacheable(request, status, head);
        head.truncate(head.len() - 2);
        cookie::write(head, cookie, own, self.first, now);
        if is_private {
            head.extend_from_slice(b"cache-control: private\r\n");
        }
        head.extend_from_slice(b"\r\n");
        let is_update = own.is_some() && self.server.is_some();
        self.answered = if is_update { Answered::Updated } else { Answered::Inserted };
    }

    /// Whether the client has to be told: it has another server than it asked for, or a date of its cookie changes.
    fn is_due(&self, cookie: &Cookie, now: u32) -> bool {
        let is_dated = cookie.max_idle.is_some() || self.last.is_some();
        let is_older = self.last.is_none_or(|last| last < now);
        self.server.is_none() || (is_dated && is_older) || (cookie.max_life.is_some() != self.first.is_some())
    }

    fn answer_cookies(&mut self, cookie: &Cookie, own: Option<&str>, head: &mut Vec<u8>) {
        let mut at = 0;
        while let Some((line, end)) = next_line(head, at) {
            at = end + 2;
            let Some(from) = value_of(&head[line..end], b"set-cookie").map(|offset| line + offset) else { continue };
            let first = cookie::first_pair(head, from, end);
            if !first.has_value || head[first.name] != *cookie.name.as_bytes() {
                continue;
            }
            self.answered = Answered::Passive;
            let is_ours = cookie.mode == CookieMode::Insert || (self.server.is_some() && cookie.is_indirect);
            match (cookie.mode, own) {
                _ if cookie.preserves => {}
                _ if is_ours => {
                    head.drain(line..end + 2);
                    at = line;
                    self.answered = Answered::Deleted;
                }
                (CookieMode::Rewrite, Some(own)) => {
                    at = at - first.value.len() + own.len();
                    head.splice(first.value, own.bytes());
                    self.answered = Answered::Rewritten;
                }
                (CookieMode::Prefix, Some(own)) => {
                    at += own.len() + 1;
                    head.splice(first.value.start..first.value.start, own.bytes().chain([cookie::PREFIX_END]));
                    self.answered = Answered::Rewritten;
                }
                _ => {}
            }
        }
    }
}

fn seconds(session: &Session) -> u32 {
    u32::try_from(session.worker.wall(session.now()).as_secs()).unwrap_or(u32::MAX)
}

/// The line that begins there, without its end; `None` at the end of the head. The first line is passed over like a field.
/// Heads that are about to be sent end every line in CRLF and have a CR nowhere else.
fn next_line(head: &[u8], at: usize) -> Option<(usize, usize)> {
    let length = memchr::memchr(b'\r', head.get(at..)?)?;
    (length > 0).then_some((at, at + length))
}

/// Where the value begins in a line, if it is that field.
fn value_of(line: &[u8], name: &[u8]) -> Option<usize> {
    let (start, value) = line.split_at_checked(name.len())?;
    let value = value.strip_prefix(b":").filter(|_| start.eq_ignore_ascii_case(name))?;
    let blanks = value.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    Some(name.len() + 1 + blanks)
}

/// Whether a cache on the way may keep a response with this head.
fn is_cacheable(request: &[u8], status: u16, head: &[u8]) -> bool {
    let method = request.split(|byte| *byte == b' ').next().unwrap_or_default();
    let mut caching = Caching::new(method, status);
    let mut at = 0;
    while let Some((line, end)) = next_line(head, at) {
        at = end + 2;
        let line = &head[line..end];
        if line.first().is_some_and(|first| Caching::may_ask(*first))
            && let Some(colon) = memchr::memchr(b':', line)
        {
            caching.field(&line[..colon], line[colon + 1..].trim_ascii());
        }
    }
    caching.keeps()
}
