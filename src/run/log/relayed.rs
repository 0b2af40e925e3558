//! What a target gets of a message of somebody else: as far as possible what came (HAProxy manual §12.6).

use std::io::Write as _;
use std::time::Duration;

use crate::model::log::{Form, Target};
use crate::model::relay::{Host, Relaying};
use crate::sys::localtime;
use crate::wire::syslog::{self, MONTHS, Message};

use super::header::{Iso, write_legacy};

/// Bytes of `Nov 22 04:40:00`, the time of RFC 3164.
const LEGACY_TIME: usize = 15;

/// A message and what is known about its way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Relayed<'a> {
    message: Message<'a>,
    /// When it came, since 1970.
    at: Duration,
}

/// Reads a message as its relay says. `source` is the sender's address, empty if there is none; `host` is room for a name.
pub(super) fn read<'a>(
    bytes: &'a [u8],
    source: &'a [u8],
    relaying: Relaying,
    at: Duration,
    host: &'a mut Vec<u8>,
) -> Relayed<'a> {
    let end = bytes.iter().rposition(|byte| !matches!(byte, b'\n' | 0)).map_or(0, |last| last + 1);
    let bytes = &bytes[..end];
    if !relaying.is_parsed {
        return Relayed { message: Message { text: bytes, ..Message::default() }, at };
    }
    let mut message = syslog::parse(bytes);
    if !source.is_empty() {
        match relaying.host {
            Host::Replace => message.host = source,
            Host::Fill | Host::Append if message.host.is_empty() => message.host = source,
            Host::Append => {
                host.clear();
                host.extend_from_slice(message.host);
                host.push(b',');
                host.extend_from_slice(source);
                message.host = host;
            }
            Host::Fill | Host::Keep => {}
        }
    }
    Relayed { message, at }
}

impl Relayed<'_> {
    /// Whether a target takes it: one that says nothing of its level goes everywhere, one without text nowhere.
    pub(super) fn is_for(&self, target: &Target) -> bool {
        let is_wanted = self.message.priority.is_none_or(|(_, level)| level <= target.level as u8);
        is_wanted && !self.message.text.is_empty()
    }

    /// What it says, without its header.
    pub(super) fn text(&self) -> &[u8] {
        self.message.text
    }

    /// Makes the message that a target gets, with a line feed at its end, cut to the target's length.
    pub(super) fn compose(&self, out: &mut Vec<u8>, target: &Target) {
        out.clear();
        let Message { priority, host, tag, process, kind, structured, text, .. } = self.message;
        let (facility, level) = priority.map_or((None, 0), |(facility, level)| (Some(facility), level));
        let level = level.max(target.floor as u8);
        let priority = u32::from(facility.unwrap_or(target.facility.number())) * 8 + u32::from(level);
        // Writing to a Vec cannot fail.
        let _ = match self.form(target.form) {
            Form::Raw | Form::Received => Ok(()),
            Form::Short => write!(out, "<{level}>"),
            Form::Priority => write!(out, "<{priority}>"),
            Form::Timed => {
                let _ = write!(out, "<{level}>");
                self.put_iso(out, false);
                write!(out, " ")
            }
            Form::Iso => {
                self.put_iso(out, false);
                write!(out, " ")
            }
            form @ (Form::Local | Form::Rfc3164) => {
                let _ = write!(out, "<{priority}>");
                self.put_legacy(out);
                out.push(b' ');
                if form == Form::Rfc3164 {
                    out.extend_from_slice(if host.is_empty() { b"localhost" } else { host });
                    out.push(b' ');
                }
                put_tag(out, tag, process);
                Ok(())
            }
            Form::Rfc5424 => {
                let _ = write!(out, "<{priority}>1 ");
                self.put_iso(out, true);
                for field in [host, tag, process, kind, structured] {
                    out.push(b' ');
                    out.extend_from_slice(if field.is_empty() { b"-" } else { field });
                }
                out.push(b' ');
                Ok(())
            }
        };
        out.extend_from_slice(text);
        out.truncate(target.length - 1);
        out.push(b'\n');
    }

    /// The form that is asked for, or the one that tells as much as the message came with.
    fn form(&self, asked: Form) -> Form {
        let Message { time, host, tag, priority, .. } = self.message;
        match asked {
            Form::Received if !host.is_empty() && (time == b"-" || time.len() > LEGACY_TIME) => Form::Rfc5424,
            Form::Received if !host.is_empty() => Form::Rfc3164,
            Form::Received if !tag.is_empty() => Form::Local,
            Form::Received if priority.is_some() => Form::Priority,
            Form::Received => Form::Raw,
            asked => asked,
        }
    }

    /// The message's time as RFC 3164 writes it; if it has none, the time when it came.
    fn put_legacy(&self, out: &mut Vec<u8>) {
        let time = self.message.time;
        let number =
            |digits: &[u8]| digits.iter().fold(0, |sum, digit| sum * 10 + usize::from(digit.wrapping_sub(b'0')));
        match time.len() {
            LEGACY_TIME => out.extend_from_slice(time),
            20.. if let Some(month) = number(&time[5..7]).checked_sub(1).and_then(|month| MONTHS.get(month)) => {
                out.extend_from_slice(&month[..]);
                out.extend_from_slice(&[b' ', if time[8] == b'0' { b' ' } else { time[8] }, time[9], b' ']);
                out.extend_from_slice(&time[11..19]);
            }
            _ => write_legacy(out, self.at),
        }
    }

    /// The message's time as RFC 5424 writes it, in an unknown zone where it has none. `may_be_unknown` lets `-` stand.
    fn put_iso(&self, out: &mut Vec<u8>, may_be_unknown: bool) {
        let time = self.message.time;
        let month = MONTHS.iter().position(|month| time.starts_with(*month));
        // Writing to a Vec cannot fail.
        let _ = match (time.len(), month) {
            (1, _) if may_be_unknown => write!(out, "-"),
            (20.., _) => {
                out.extend_from_slice(time);
                Ok(())
            }
            (LEGACY_TIME, Some(month)) => {
                let now = localtime::local(self.at);
                // A month that has not come yet was one of last year.
                let year = if month > now.month { now.year - 1 } else { now.year };
                let tens = if time[4] == b' ' { b'0' } else { time[4] };
                let _ = write!(out, "{year:04}-{:02}-", month + 1);
                out.extend_from_slice(&[tens, time[5], b'T']);
                out.extend_from_slice(&time[7..LEGACY_TIME]);
                write!(out, "-00:00")
            }
            _ => write!(out, "{}", Iso(self.at)),
        };
    }
}

/// `tag[process]: `; nothing without a tag.
fn put_tag(out: &mut Vec<u8>, tag: &[u8], process: &[u8]) {
    if tag.is_empty() {
        return;
    }
    out.extend_from_slice(tag);
    if !process.is_empty() {
        out.push(b'[');
        out.extend_from_slice(process);
        out.push(b']');
    }
    out.extend_from_slice(b": ");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::log::{Destination, Level};

    /// 2001-09-09, about two o'clock in the morning in UTC.
    const AT: Duration = Duration::from_micros(1_000_000_000_123_456);

    fn relayed(message: &str, form: Form, relaying: Relaying) -> String {
        let target = Target::new(Destination::Stdout, form);
        let (mut out, mut host) = (Vec::new(), Vec::new());
        let relayed = read(message.as_bytes(), b"192.0.2.9", relaying, AT, &mut host);
        assert!(relayed.is_for(&target), "{message}");
        relayed.compose(&mut out, &target);
        String::from_utf8(out).unwrap()
    }

    fn kept(message: &str, form: Form) -> String {
        relayed(message, form, Relaying { host: Host::Keep, ..Relaying::default() })
    }

    #[test]
    fn a_message_is_written_in_every_form() {
        let legacy = "<134>Mar  2 04:40:00 h t[12]: hello";
        let modern = "<134>1 2024-06-12T10:09:11.8+02:00 h t 12 m [a b=\"c\"] hello";
        for (form, of_legacy, of_modern) in [
            (Form::Received, legacy, modern),
            (Form::Raw, "hello", "hello"),
            (Form::Rfc3164, legacy, "<134>Jun 12 10:09:11 h t[12]: hello"),
            (Form::Rfc5424, "<134>1 2001-03-02T04:40:00-00:00 h t 12 - - hello", modern),
            (Form::Local, "<134>Mar  2 04:40:00 t[12]: hello", "<134>Jun 12 10:09:11 t[12]: hello"),
            (Form::Priority, "<134>hello", "<134>hello"),
            (Form::Short, "<6>hello", "<6>hello"),
            (Form::Timed, "<6>2001-03-02T04:40:00-00:00 hello", "<6>2024-06-12T10:09:11.8+02:00 hello"),
            (Form::Iso, "2001-03-02T04:40:00-00:00 hello", "2024-06-12T10:09:11.8+02:00 hello"),
        ] {
            assert_eq!(kept(legacy, form), format!("{of_legacy}\n"));
            assert_eq!(kept(modern, form), format!("{of_modern}\n"));
        }
        assert_eq!(kept("<134>Dec  2 04:40:00 h x", Form::Iso), "2000-12-02T04:40:00-00:00 x\n");
    }

    #[test]
    fn what_is_missing_is_filled_in() {
        let (mut legacy, iso) = (Vec::new(), Iso(AT).to_string());
        write_legacy(&mut legacy, AT);
        let legacy = String::from_utf8(legacy).unwrap();
        for (form, expected) in [
            (Form::Received, "<14>1 - - - - - - x".replace("1 - - - - - - ", "")),
            (Form::Rfc3164, format!("<14>{legacy} localhost x")),
            (Form::Rfc5424, "<14>1 - - - - - - x".to_owned()),
            (Form::Iso, format!("{iso} x")),
        ] {
            assert_eq!(kept("<14>1 - - - - - - x", form), format!("{expected}\n"));
        }
        assert_eq!(kept("no priority\n", Form::Received), "no priority\n");
        assert_eq!(kept("no priority", Form::Rfc3164), format!("<128>{legacy} localhost no priority\n"));
    }

    #[test]
    fn the_host_is_the_senders_as_the_relay_says() {
        let of = |host, message: &str| relayed(message, Form::Rfc3164, Relaying { host, ..Relaying::default() });
        let (named, unnamed) = ("<134>Mar  2 04:40:00 h t: x", "<134>1 2024-06-12T10:09:11Z - t - - - x");
        for (host, of_named, of_unnamed) in [
            (Host::Replace, "192.0.2.9", "192.0.2.9"),
            (Host::Fill, "h", "192.0.2.9"),
            (Host::Keep, "h", "localhost"),
            (Host::Append, "h,192.0.2.9", "192.0.2.9"),
        ] {
            assert_eq!(of(host, named), format!("<134>Mar  2 04:40:00 {of_named} t: x\n"));
            assert_eq!(of(host, unnamed), format!("<134>Jun 12 10:09:11 {of_unnamed} t: x\n"));
        }
    }

    #[test]
    fn a_header_that_is_not_read_stays() {
        let message = "<134>Mar  2 04:40:00 h t: x";
        let relaying = Relaying { is_parsed: false, ..Relaying::default() };
        assert_eq!(relayed(message, Form::Raw, relaying), format!("{message}\n"));
        assert_eq!(relayed(message, Form::Received, relaying), format!("{message}\n"));
        assert_eq!(relayed(message, Form::Priority, relaying), format!("<128>{message}\n"));
    }

    #[test]
    fn levels_are_those_of_the_message() {
        let mut host = Vec::new();
        let relayed = read(b"<14>x", b"", Relaying::default(), AT, &mut host);
        let target = |level| Target { level, ..Target::new(Destination::Stdout, Form::Raw) };
        assert!(relayed.is_for(&target(Level::Info)) && !relayed.is_for(&target(Level::Notice)));
        let mut out = Vec::new();
        relayed.compose(&mut out, &Target { floor: Level::Debug, ..Target::new(Destination::Stdout, Form::Priority) });
        assert_eq!(out, b"<15>x\n");
        let mut host = Vec::new();
        assert!(!read(b"<14>", b"", Relaying::default(), AT, &mut host).is_for(&target(Level::Debug)));
    }
}
