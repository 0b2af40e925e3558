//! `show errors`: the last request and the last response of each proxy that were none.

use std::fmt::Write;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::generation::Generation;
use crate::model::runtime::Level;
use crate::state::faults::Fault;
use crate::sys::{clock, localtime};

use super::table::Command;
use super::{Answer, Call};

pub const COMMANDS: &[Command] = &[Command::now(
    "show errors",
    Level::Operator,
    "show errors [<px>] [request|response]",
    "report last request and/or response errors for each proxy",
    errors,
)];

/// Bytes of a message that are looked at, at most: HAProxy's buffer.
const ROOM: usize = 16_384;
/// Columns of a line.
const WIDTH: usize = 79;

/// Which ones are asked for.
struct Wanted {
    proxy: Option<u32>,
    requests: bool,
    responses: bool,
}

fn errors(call: &Call<'_>) -> Answer {
    let generation = call.process.generation.load();
    let Some(wanted) = wanted(call, &generation) else { return Answer::error("No such proxy.") };
    let count = call.process.facts.faults.load(Ordering::Relaxed);
    let mut out = format!("Total events captured on [{}] : {count}\n", moment(clock::wall()));
    let number_of = |name: &str| generation.number_of(name).unwrap_or_default();
    let requests = generation.frontends.iter().map(|one| (&one.model.name, true, &one.last_fault));
    let responses = generation.backends.iter().map(|one| (&one.model.name, false, &one.last_fault));
    let mut faults: Vec<_> =
        requests.chain(responses).map(|(name, is_request, last)| (number_of(name), !is_request, name, last)).collect();
    faults.sort_by_key(|(number, is_response, ..)| (*number, *is_response));
    for (number, is_response, name, last) in faults {
        let is_kind = if is_response { wanted.responses } else { wanted.requests };
        let Some(fault) = last.last().filter(|_| is_kind) else { continue };
        let other = fault.other.as_deref().map(|name| (name, number_of(name)));
        if wanted.proxy.is_none_or(|wanted| wanted == number || other.is_some_and(|(_, other)| other == wanted)) {
            describe(&mut out, (name, number), other, is_response, &fault);
            dump(&mut out, &fault.bytes);
        }
    }
    Answer::Text(out)
}

/// `[<iid>|<proxy>] [request|response]`; `None` if there is no such proxy.
fn wanted(call: &Call<'_>, generation: &Generation) -> Option<Wanted> {
    let name = call.word(2);
    let proxy = match name.parse::<i64>() {
        _ if name.is_empty() => None,
        Ok(number) => u32::try_from(number).ok(),
        Err(_) => Some(generation.number_of(name)?),
    };
    Some(Wanted { proxy, requests: call.word(3) != "response", responses: call.word(3) != "request" })
}

// Writing to a String cannot fail.
fn describe(
    out: &mut String,
    (name, number): (&str, u32),
    other: Option<(&str, u32)>,
    is_response: bool,
    fault: &Fault,
) {
    let (sides, kind) =
        if is_response { (["backend", "frontend"], "response") } else { (["frontend", "backend"], "request") };
    let numbered = |known: Option<(&str, u32)>| {
        known.map_or("<NONE> (#-1)".to_owned(), |(name, number)| format!("{name} (#{number})"))
    };
    let server = fault.server.as_ref().map(|(name, number)| (name.as_str(), *number));
    let [own, opposite] = sides;
    let length = fault.bytes.len();
    let _ = write!(
        out,
        " \n[{}] {own} {name} (#{number}): invalid {kind}\n  {opposite} {}, server {}, event #{}, src {}:{}\n  buffer starts at 0 \
         (including 0 out), {} free,\n  len {length}, wraps at {ROOM}, error at position {}\n  \n",
        moment(fault.at),
        numbered(other),
        numbered(server),
        fault.number,
        fault.source.ip(),
        fault.source.port(),
        ROOM.saturating_sub(length),
        fault.place,
    );
}

/// Bytes as lines that begin with their place; `+` where a line goes on.
fn dump(out: &mut String, bytes: &[u8]) {
    let (mut at, mut begins) = (0, true);
    while at < bytes.len() {
        let start = out.len();
        let _ = write!(out, "  {at:05}{} ", if begins { ' ' } else { '+' });
        begins = false;
        while let Some(byte) = bytes.get(at) {
            let text = match byte {
                b'\t' => "\\t".to_owned(),
                b'\n' => "\\n".to_owned(),
                b'\r' => "\\r".to_owned(),
                0x1b => "\\e".to_owned(),
                b'\\' => "\\\\".to_owned(),
                b' '..=b'~' => char::from(*byte).to_string(),
                _ => format!("\\x{byte:02X}"),
            };
            if out.len() - start + text.len() > WIDTH {
                break;
            }
            out.push_str(&text);
            at += 1;
            begins = *byte == b'\n';
            if begins {
                break;
            }
        }
        out.push('\n');
    }
}

/// `22/Nov/2026:02:09:15.429`
fn moment(at: Duration) -> String {
    format!("{}.{:03}", localtime::local(at).dated(), at.subsec_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_go_on_and_odd_bytes_are_spelled_out() {
        let mut out = String::new();
        dump(&mut out, format!("a\tb\\\u{1}\r\n{}\r\nend", "x".repeat(100)).as_bytes());
        let expected = format!(
            "  00000  a\\tb\\\\\\x01\\r\\n\n  00007  {}\n  00077+ {}\\r\\n\n  00109  end\n",
            "x".repeat(70),
            "x".repeat(30)
        );
        assert_eq!(out, expected);
    }
}
