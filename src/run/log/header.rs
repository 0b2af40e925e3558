//! What stands in front of a line: the headers of syslog, and the shorter ones (HAProxy manual §4.2, `log`).

use std::cell::RefCell;
use std::io::Write as _;
use std::time::Duration;

use crate::http::write_number;
use crate::model::log::{Form, Level, Target};
use crate::sys::localtime::{self, MONTHS};

/// What headers say about the process.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin<'a> {
    pub(super) tag: &'a str,
    pub(super) process: u32,
    /// `None` leaves it out where the form allows that.
    pub(super) hostname: Option<&'a str>,
}

/// A line and what is known about it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    pub(super) level: Level,
    /// Since 1970.
    pub(super) at: Duration,
    pub(super) text: &'a [u8],
    /// Structured data of RFC 5424; empty is none.
    pub(super) structured: &'a [u8],
}

/// Makes the message that a target gets, with a line feed at its end, cut to the target's length.
pub(super) fn compose(out: &mut Vec<u8>, target: &Target, line: &Line<'_>, origin: &Origin<'_>) {
    out.clear();
    let level = line.level.max(target.floor) as u8;
    let priority = target.facility.number() * 8 + level;
    let Origin { tag, process, hostname } = *origin;
    let instant = line.at;
    // Writing to a Vec cannot fail.
    let _ = match target.form {
        // What is our own came in no form.
        Form::Raw | Form::Received => Ok(()),
        Form::Short => {
            write_priority(out, level);
            Ok(())
        }
        Form::Priority => {
            write_priority(out, priority);
            Ok(())
        }
        Form::Timed => write!(out, "<{level}>{} ", Iso(instant)),
        Form::Iso => write!(out, "{} ", Iso(instant)),
        Form::Local => {
            write_priority(out, priority);
            write_legacy(out, instant);
            write_tag(out, tag, process);
            Ok(())
        }
        Form::Rfc3164 => {
            write_priority(out, priority);
            write_legacy(out, instant);
            out.push(b' ');
            out.extend_from_slice(hostname.unwrap_or("localhost").as_bytes());
            write_tag(out, tag, process);
            Ok(())
        }
        Form::Rfc5424 => {
            let host = hostname.unwrap_or("-");
            let _ = write!(out, "<{priority}>1 {} {host} {tag} {process} - ", Iso(instant));
            out.extend_from_slice(if line.structured.is_empty() { b"-" } else { line.structured });
            out.push(b' ');
            Ok(())
        }
    };
    out.extend_from_slice(line.text);
    out.truncate(target.length - 1);
    out.push(b'\n');
}

/// Writes `<134>`. The formatting machinery of the standard library takes some 250 instructions for each number, of every line.
fn write_priority(out: &mut Vec<u8>, priority: u8) {
    out.push(b'<');
    write_number(out, priority.into());
    out.push(b'>');
}

/// Writes ` haproxy[1]: `.
fn write_tag(out: &mut Vec<u8>, tag: &str, process: u32) {
    out.push(b' ');
    out.extend_from_slice(tag.as_bytes());
    out.push(b'[');
    write_number(out, process.into());
    out.extend_from_slice(b"]: ");
}

/// Writes `Nov 21 14:55:03` (RFC 3164 §4.1.2). All lines of a second share the text, which is remembered.
pub(super) fn write_legacy(out: &mut Vec<u8>, at: Duration) {
    thread_local! {
        static LAST: RefCell<(u64, Vec<u8>)> = const { RefCell::new((0, Vec::new())) };
    }
    LAST.with_borrow_mut(|(second, text)| {
        if *second != at.as_secs() || text.is_empty() {
            let date = localtime::local(at);
            (*second, *text) = (at.as_secs(), Vec::new());
            // Writing to a Vec cannot fail.
            let _ = write!(text, "{} {:>2} ", MONTHS[date.month], date.day);
            let _ = write!(text, "{:02}:{:02}:{:02}", date.hour, date.minute, date.second);
        }
        out.extend_from_slice(text);
    });
}

/// `2026-11-21T14:55:03.123456+01:00` (RFC 5424 §6.2.3).
pub(super) struct Iso(pub(super) Duration);

impl std::fmt::Display for Iso {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let at = localtime::local(self.0);
        let seconds = i64::try_from(self.0.as_secs()).unwrap_or(i64::MAX);
        let (offset, _) = localtime::zone(seconds);
        let (sign, minutes) = (if offset < 0 { '-' } else { '+' }, offset.abs() / 60);
        write!(
            out,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}{sign}{:02}:{:02}",
            at.year,
            at.month + 1,
            at.day,
            at.hour,
            at.minute,
            at.second,
            self.0.subsec_micros(),
            minutes / 60,
            minutes % 60
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::log::Destination;

    const LINE: Line<'_> = Line {
        level: Level::Info,
        at: Duration::from_micros(1_000_000_000_123_456),
        text: b"hello",
        structured: b"[ex@1 a=\"1\"]",
    };

    fn composed(form: Form, hostname: Option<&str>, change: impl FnOnce(&mut Target)) -> String {
        let mut target = Target::new(Destination::Stdout, form);
        change(&mut target);
        let mut out = Vec::new();
        compose(&mut out, &target, &LINE, &Origin { tag: "lb", process: 7, hostname });
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_form_is_haproxys() {
        let mut legacy = Vec::new();
        write_legacy(&mut legacy, LINE.at);
        let (legacy, iso) = (String::from_utf8(legacy).unwrap(), Iso(LINE.at).to_string());
        assert!(iso.starts_with("2001-09-") && iso.contains(".123456") && legacy.starts_with("Sep"), "{iso} {legacy}");
        for (form, expected) in [
            (Form::Raw, "hello\n".to_owned()),
            (Form::Short, "<6>hello\n".to_owned()),
            (Form::Priority, "<134>hello\n".to_owned()),
            (Form::Timed, format!("<6>{iso} hello\n")),
            (Form::Iso, format!("{iso} hello\n")),
            (Form::Local, format!("<134>{legacy} lb[7]: hello\n")),
            (Form::Rfc3164, format!("<134>{legacy} n1 lb[7]: hello\n")),
            (Form::Rfc5424, format!("<134>1 {iso} n1 lb 7 - [ex@1 a=\"1\"] hello\n")),
        ] {
            assert_eq!(composed(form, Some("n1"), |_| {}), expected);
        }
        assert!(composed(Form::Rfc3164, None, |_| {}).contains(" localhost lb[7]: "));
        assert!(composed(Form::Rfc5424, None, |_| {}).contains(" - lb 7 - "));
    }

    #[test]
    fn graver_lines_are_sent_at_the_floor_and_long_ones_are_cut() {
        assert_eq!(composed(Form::Priority, None, |target| target.floor = Level::Debug), "<135>hello\n");
        assert_eq!(composed(Form::Priority, None, |target| target.length = 9), "<134>hel\n");
    }
}
