//! Statistics files: counters of everything that has a `guid`, to go on from after a restart (management guide §9.5).
//!
//! The format is HAProxy's: a header line for each side with the names of its columns, then a line for each thing. What a
//! line has beyond the columns that are known is passed over, so files of both programs are read by both.

use std::fmt::Write;
use std::time::Duration;

use crate::state::counters::Totals;

use super::snapshot::{Proxy, Snapshot};

/// Which side of the traffic a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Frontends and listening addresses.
    Front,
    /// Backends and servers.
    Back,
}

/// What a thing had counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// Traffic.
    pub totals: Totals,
    /// Probes that failed while it was up.
    pub check_failures: u64,
    /// Times that it went down.
    pub downs: u64,
    /// Time since its last session.
    pub last_session: Option<Duration>,
}

/// What lines say of one side of a thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Whose it is.
    pub guid: String,
    /// The header above it.
    pub side: Side,
    /// Number of the first line about it in the file, 1-.
    pub line: usize,
    /// What it says.
    pub past: Past,
}

/// What is wrong with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It begins with something else.
    #[error("it does not begin with a header such as '#fe guid,stot,'")]
    Foreign,
    /// A header is none; the lines below it count for nothing.
    #[error("line {0} is no header")]
    Header(usize),
    /// A line names nothing.
    #[error("line {0} begins with no guid")]
    Line(usize),
}

/// A column of a side: its name, and its value.
type Column = (&'static str, fn(&mut Past) -> &mut u64);

const FRONT: &[Column] = &[
    ("stot", |past| &mut past.totals.sessions),
    ("bin", |past| &mut past.totals.bytes_in),
    ("bout", |past| &mut past.totals.bytes_out),
    ("dreq", |past| &mut past.totals.denied_requests),
    ("dresp", |past| &mut past.totals.denied_responses),
    ("ereq", |past| &mut past.totals.request_errors),
    ("hrsp_1xx", |past| &mut past.totals.responses[1]),
    ("hrsp_2xx", |past| &mut past.totals.responses[2]),
    ("hrsp_3xx", |past| &mut past.totals.responses[3]),
    ("hrsp_4xx", |past| &mut past.totals.responses[4]),
    ("hrsp_5xx", |past| &mut past.totals.responses[5]),
    ("hrsp_other", |past| &mut past.totals.responses[0]),
    ("req_tot", |past| &mut past.totals.requests),
    ("conn_tot", |past| &mut past.totals.connections),
    ("intercepted", |past| &mut past.totals.intercepted),
    ("dcon", |past| &mut past.totals.denied_connections),
    ("dses", |past| &mut past.totals.denied_sessions),
    ("wrew", |past| &mut past.totals.failed_rewrites),
    ("eint", |past| &mut past.totals.internal_errors),
];

const BACK: &[Column] = &[
    ("stot", |past| &mut past.totals.sessions),
    ("bin", |past| &mut past.totals.bytes_in),
    ("bout", |past| &mut past.totals.bytes_out),
    ("dreq", |past| &mut past.totals.denied_requests),
    ("dresp", |past| &mut past.totals.denied_responses),
    ("econ", |past| &mut past.totals.connect_errors),
    ("eresp", |past| &mut past.totals.response_errors),
    ("wretr", |past| &mut past.totals.retries),
    ("wredis", |past| &mut past.totals.redispatches),
    ("chkfail", |past| &mut past.check_failures),
    ("chkdown", |past| &mut past.downs),
    ("lbtot", |past| &mut past.totals.balanced),
    ("hrsp_1xx", |past| &mut past.totals.responses[1]),
    ("hrsp_2xx", |past| &mut past.totals.responses[2]),
    ("hrsp_3xx", |past| &mut past.totals.responses[3]),
    ("hrsp_4xx", |past| &mut past.totals.responses[4]),
    ("hrsp_5xx", |past| &mut past.totals.responses[5]),
    ("hrsp_other", |past| &mut past.totals.responses[0]),
    ("req_tot", |past| &mut past.totals.requests),
    ("cli_abrt", |past| &mut past.totals.client_aborts),
    ("srv_abrt", |past| &mut past.totals.server_aborts),
    ("wrew", |past| &mut past.totals.failed_rewrites),
    ("connect", |past| &mut past.totals.connects),
    ("reuse", |past| &mut past.totals.reuses),
    ("eint", |past| &mut past.totals.internal_errors),
];

/// The only column that is no count: an age in seconds.
const LAST_SESSION: &str = "lastsess";

impl Side {
    fn word(self) -> &'static str {
        match self {
            Side::Front => "#fe",
            Side::Back => "#be",
        }
    }

    fn columns(self) -> &'static [Column] {
        match self {
            Side::Front => FRONT,
            Side::Back => BACK,
        }
    }
}

/// The file as `dump stats-file` prints it.
pub fn write(snapshot: &Snapshot) -> String {
    let mut out = String::new();
    header(&mut out, Side::Front);
    for proxy in &snapshot.proxies {
        front(&mut out, proxy);
    }
    out.push('\n');
    header(&mut out, Side::Back);
    for proxy in &snapshot.proxies {
        back(&mut out, proxy);
    }
    out.push('\n');
    out
}

fn header(out: &mut String, side: Side) {
    let _ = write!(out, "{} guid,", side.word());
    side.columns().iter().for_each(|(name, _)| out.extend([name, ","]));
    if side == Side::Back {
        out.extend([LAST_SESSION, ","]);
    }
    out.push('\n');
}

fn front(out: &mut String, proxy: &Proxy) {
    let frontend = proxy.frontend.iter().map(|frontend| (&proxy.guid, &frontend.totals));
    let listeners = proxy.listeners.iter().map(|listener| (&listener.guid, &listener.totals));
    for (guid, totals) in frontend.chain(listeners) {
        line(out, Side::Front, guid.as_deref(), Past { totals: totals.clone(), ..Past::default() });
    }
}

fn back(out: &mut String, proxy: &Proxy) {
    for server in &proxy.servers {
        let past = Past {
            totals: server.totals.clone(),
            check_failures: server.check.as_ref().map_or(0, |check| check.failures),
            downs: server.standing.downs,
            last_session: server.last_session,
        };
        line(out, Side::Back, server.guid.as_deref(), past);
    }
    if let Some(backend) = &proxy.backend {
        let (totals, last_session) = (backend.totals.clone(), backend.last_session);
        let past = Past { totals, downs: backend.standing.downs, last_session, check_failures: 0 };
        line(out, Side::Back, proxy.guid.as_deref(), past);
    }
}

fn line(out: &mut String, side: Side, guid: Option<&str>, mut past: Past) {
    let Some(guid) = guid else { return };
    out.extend([guid, ","]);
    for (_, value) in side.columns() {
        // Writing to a String cannot fail.
        let _ = write!(out, "{},", value(&mut past));
    }
    if side == Side::Back {
        let _ = write!(out, "{},", past.last_session.map_or(-1, |age| age.as_secs().cast_signed()));
    }
    out.push('\n');
}

/// What a file says, and what is wrong with it.
pub fn read(text: &str) -> (Vec<Entry>, Vec<Fault>) {
    let (mut entries, mut faults) = (Vec::new(), Vec::new());
    let (mut header, mut is_known) = (None, false);
    for (line, number) in text.lines().zip(1..) {
        match line.trim() {
            "" => {}
            line if line.starts_with("//") => {}
            line if line.starts_with('#') => {
                header = match Header::read(line) {
                    Ok(read) => read,
                    Err(()) => {
                        faults.push(Fault::Header(number));
                        None
                    }
                };
                is_known |= header.is_some();
            }
            line => match &header {
                Some(header) => add(&mut entries, line, number, header).unwrap_or_else(|fault| faults.push(fault)),
                // Below a header of things that are not known here.
                None if is_known => {}
                None => return (Vec::new(), vec![Fault::Foreign]),
            },
        }
    }
    (entries, faults)
}

struct Header<'a> {
    side: Side,
    names: Vec<&'a str>,
}

impl<'a> Header<'a> {
    /// `None` is one of things that are not known here.
    fn read(line: &'a str) -> Result<Option<Header<'a>>, ()> {
        let (kind, names) = line.split_once(' ').filter(|(kind, _)| kind.len() > 1).ok_or(())?;
        let names = names.strip_suffix(',').ok_or(())?;
        let Some(side) = [Side::Front, Side::Back].into_iter().find(|side| side.word() == kind) else {
            return Ok(None);
        };
        let mut names = names.split(',');
        if names.next() != Some("guid") {
            return Err(());
        }
        Ok(Some(Header { side, names: names.collect() }))
    }
}

/// Adds what a line says. Of a column that is told twice the later value counts, and one that is no number says nothing.
fn add(entries: &mut Vec<Entry>, line: &str, number: usize, header: &Header<'_>) -> Result<(), Fault> {
    let mut values = line.split(',');
    let guid = values.next().filter(|guid| !guid.is_empty()).ok_or(Fault::Line(number))?;
    let known = entries.iter().position(|entry| entry.side == header.side && entry.guid == guid);
    let place = known.unwrap_or_else(|| {
        entries.push(Entry { guid: guid.to_owned(), side: header.side, line: number, past: Past::default() });
        entries.len() - 1
    });
    let past = &mut entries[place].past;
    for (name, value) in header.names.iter().zip(values) {
        if *name == LAST_SESSION {
            past.last_session = value.parse().ok().map(Duration::from_secs);
        }
        if let (Some((_, cell)), Ok(value)) =
            (header.side.columns().iter().find(|(known, _)| known == name), value.parse())
        {
            *cell(past) = value;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_name_and_what_is_not_known_is_passed_over() {
        let text = "#fe guid,stot,new,\n\n// a remark\nweb,7,8,\nweb,x,\n#other guid,a,\nz,1\n#be guid,odd,lastsess,bin\n#be guid,odd,lastsess,bin,\napp,1,30,9\n,1\n";
        let (entries, faults) = read(text);
        assert_eq!(faults, [Fault::Header(8), Fault::Line(11)]);
        let of = |entry: &Entry| (entry.guid.clone(), entry.side, entry.line);
        let places: Vec<_> = entries.iter().map(of).collect();
        let web = |line| ("web".to_owned(), Side::Front, line);
        assert_eq!(places, [web(4), ("app".to_owned(), Side::Back, 10)]);
        assert_eq!(entries[0].past.totals.sessions, 7);
        assert_eq!((entries[1].past.totals.bytes_in, entries[1].past.last_session), (9, Some(Duration::from_secs(30))));
    }

    #[test]
    fn another_file_is_told_from_one_of_statistics() {
        assert_eq!(read("web,7,\n#fe guid,stot,\nweb,7,\n"), (Vec::new(), vec![Fault::Foreign]));
    }
}
