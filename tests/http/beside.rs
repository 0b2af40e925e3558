//! Whole exchanges beside the packaged HAProxy's: both get the same bytes with the same file, and what the server sees and
//! what the client gets back has to be equal, byte for byte but for the letter case of names and for dates.

use std::cell::RefCell;

use crate::rig::{Peer, Scripted};
use crate::rules::on_both;

/// Runs `talk` against both; it returns a name and a transcript for each exchange, which have to be equal.
pub fn same_on_both(mode: &str, text: &str, talk: impl Fn(&dyn Fn() -> Peer) -> Vec<(String, String)>) {
    let seen = RefCell::new(Vec::new());
    on_both(mode, text, |connect| seen.borrow_mut().push(talk(connect)));
    let seen = seen.into_inner();
    let [ours, theirs] = &seen[..] else { panic!("two programs") };
    assert_eq!(ours.len(), theirs.len());
    let differs = |((name, ours), (_, theirs)): (&(String, String), &(String, String))| {
        (ours != theirs).then(|| format!("--- {name}\nvipgate:\n{ours}\nhaproxy:\n{theirs}\n"))
    };
    let differing: Vec<String> = ours.iter().zip(theirs).filter_map(differs).collect();
    assert!(differing.is_empty(), "{} of {} differ\n{}", differing.len(), ours.len(), differing.join("\n"));
}

/// One exchange on a connection of its own, which the other side has to close.
pub fn exchange(connect: &dyn Fn() -> Peer, request: &str) -> String {
    let mut peer = connect();
    peer.send(request);
    normal(&String::from_utf8_lossy(&peer.rest()))
}

/// Names of fields in small letters, dates of cookies as `DATE`, and without the field about the connection, which each
/// program puts elsewhere.
fn normal(message: &str) -> String {
    let is_connection = |line: &&str| line.to_ascii_lowercase().starts_with("connection: ");
    let field = |line: &str| match line.split_once(": ") {
        Some((name, value)) if !name.contains(' ') => format!("{}: {value}", name.to_ascii_lowercase()),
        _ => line.to_owned(),
    };
    let text: Vec<String> = message.split("\r\n").filter(|line| !is_connection(line)).map(field).collect();
    dated(&text.join("\n"))
}

/// `|` and five digits of base 64 are a date.
fn dated(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('|') {
        out.push_str(before);
        let is_digit = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/');
        let digits = after.chars().take_while(is_digit).count();
        out.push_str(if digits == 5 { "|DATE" } else { "|" });
        rest = if digits == 5 { &after[5..] } else { after };
    }
    out + rest
}

/// A server that answers with its name and what it saw, and with the fields that the request's `X-Say` lists, separated
/// by ` & `.
pub fn told(name: &'static str) -> Scripted {
    Scripted::each(move |peer, head| {
        let said = crate::rig::field(&head, "x-say").unwrap_or_default();
        let fields: String = said.split(" & ").filter(|one| !one.is_empty()).map(|one| format!("{one}\r\n")).collect();
        let body = format!("{name} saw {head}");
        peer.send(format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: {}\r\n\r\n{body}", body.len()));
    })
}
