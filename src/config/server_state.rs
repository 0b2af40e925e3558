//! State files of servers: what `show servers state` printed, read back (HAProxy's management guide §9.3).
//!
//! It reads text into plain values; which server a line is about and what becomes of it is decided by whoever starts the
//! process. Read [`read`] first.

use std::net::IpAddr;

/// A server as a file has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerState {
    /// Name of its backend.
    pub backend: String,
    /// Its name.
    pub server: String,
    /// What it was, or why the line says nothing.
    pub was: Result<Was, String>,
}

/// What a server was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Was {
    /// Whether it took traffic, as checks had it.
    pub operation: Operation,
    /// The operator had it in maintenance.
    pub was_in_maintenance: bool,
    /// The configuration had it in maintenance.
    pub was_disabled: bool,
    /// The operator had it drained.
    pub was_drained: bool,
    /// Its weight, 0-256.
    pub weight: u16,
    /// The weight of the configuration, 0-256.
    pub configured_weight: u16,
    /// Seconds since its state changed.
    pub since: u64,
    /// The operator had silenced its check.
    pub is_check_silent: bool,
    /// The operator had silenced its agent.
    pub is_agent_silent: bool,
    /// Its address, where it had one.
    pub address: Option<IpAddr>,
    /// Its name, where it had one.
    pub host: Option<String>,
    /// The name of its service, where it had one.
    pub service: Option<String>,
    /// Its name was the operator's or that of a record.
    pub was_renamed: bool,
    /// Its port; `None` if the line has none.
    pub port: Option<u16>,
    /// Another port of its checks.
    pub check_port: Option<u16>,
    /// Another address of its checks.
    pub check_address: Option<IpAddr>,
    /// Another address of its agent.
    pub agent_address: Option<IpAddr>,
    /// Port of its agent.
    pub agent_port: Option<u16>,
}

/// HAProxy's operational states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Down.
    Stopped,
    /// Up, with a weight that grows.
    Starting,
    /// Up.
    Running,
    /// It wants no new sessions.
    Stopping,
}

/// Why a file says nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It has no line.
    #[error("it is empty")]
    Empty,
    /// The first line is not `1`.
    #[error("its first line is no version that is known: it must be 1")]
    Version,
    /// A line has too few or too many fields, or the last one no end.
    #[error("line {0} is corrupted")]
    Corrupted(usize),
}

/// Fields of a line, at least and at most.
const FIELDS: std::ops::RangeInclusive<usize> = 20..=25;

/// Bits of `srv_admin_state`.
const BY_OPERATOR: i64 = 0x01;
const BY_CONFIGURATION: i64 = 0x04;
const DRAINED: i64 = 0x08;
const RENAMED: i64 = 0x40;
/// Those that are found out anew: inherited from another server, no address, another name.
const INHERITED: i64 = 0x02 | 0x10 | 0x20 | 0x40;
/// Bits of `srv_check_state` and `srv_agent_state`.
const CONFIGURED: i64 = 0x02;
const ENABLED: i64 = 0x04;
/// Every one of them.
const CHECK_BITS: i64 = 0x1f;

/// The servers of a file, in its order; of two lines about one server the first counts.
///
/// # Errors
/// The file as a whole is no such file; then none of its lines counts, as in HAProxy.
pub fn read(text: &str) -> Result<Vec<ServerState>, Unreadable> {
    let mut lines = text.split_inclusive('\n').zip(1..);
    let (version, _) = lines.next().ok_or(Unreadable::Empty)?;
    if version.strip_suffix('\n').map(str::trim_start) != Some("1") {
        return Err(Unreadable::Version);
    }
    let mut states: Vec<ServerState> = Vec::new();
    for (line, number) in lines {
        let line = line.strip_suffix('\n').ok_or(Unreadable::Corrupted(number))?;
        let fields: Vec<&str> = line.split([' ', '\t']).filter(|field| !field.is_empty()).collect();
        if fields.first().is_none_or(|first| first.starts_with('#')) {
            continue;
        }
        if !FIELDS.contains(&fields.len()) {
            return Err(Unreadable::Corrupted(number));
        }
        let (backend, server) = (fields[1].to_owned(), fields[3].to_owned());
        if states.iter().all(|known| (&known.backend, &known.server) != (&backend, &server)) {
            states.push(ServerState { backend, server, was: was(&fields) });
        }
    }
    Ok(states)
}

fn was(fields: &[&str]) -> Result<Was, String> {
    let number = |at: usize, name: &str, is_right: &dyn Fn(i64) -> bool| {
        let text = fields.get(at).copied().unwrap_or_default();
        let parsed = text.parse::<i64>().ok().filter(|number| is_right(*number));
        parsed.ok_or_else(|| format!("invalid {name} value '{text}'"))
    };
    let weight = |at: usize, name: &str| {
        number(at, name, &|weight| (0..=256).contains(&weight)).map(|weight| u16::try_from(weight).unwrap_or_default())
    };
    let operation = match number(5, "srv_op_state", &|state| (0..=3).contains(&state))? {
        0 => Operation::Stopped,
        1 => Operation::Starting,
        2 => Operation::Running,
        _ => Operation::Stopping,
    };
    let known = [0, 1, 4, 4 | 1, 4 | 8, 8];
    let admin = number(6, "srv_admin_state", &|state| known.contains(&(state & !INHERITED)))?;
    let is_bits = |state: i64| state & !CHECK_BITS == 0;
    let is_silent = |state: i64| state & CONFIGURED != 0 && state & ENABLED == 0;
    let port = |at: usize, name: &str| {
        let text = fields.get(at).copied().unwrap_or("0");
        text.parse::<u16>().map_err(|_| format!("invalid {name} value '{text}'"))
    };
    let own_port = |at: usize, name: &str| port(at, name).map(|port| Some(port).filter(|port| *port > 0));
    let name = |at: usize| fields.get(at).filter(|text| !text.starts_with('-')).map(|text| (*text).to_owned());
    let address = |at: usize| fields.get(at).and_then(|text| text.parse::<IpAddr>().ok());
    Ok(Was {
        operation,
        was_in_maintenance: admin & BY_OPERATOR != 0,
        was_disabled: admin & BY_CONFIGURATION != 0,
        was_drained: admin & DRAINED != 0,
        was_renamed: admin & RENAMED != 0,
        address: address(4),
        host: name(17),
        service: name(19),
        weight: weight(7, "srv_uweight")?,
        configured_weight: weight(8, "srv_iweight")?,
        since: number(9, "srv_last_time_change", &|since| since >= 0)?.unsigned_abs(),
        is_check_silent: is_silent(number(13, "srv_check_state", &is_bits)?),
        is_agent_silent: is_silent(number(14, "srv_agent_state", &is_bits)?),
        port: fields.get(18).map(|_| port(18, "srv_port")).transpose()?,
        check_port: own_port(21, "srv_check_port")?,
        check_address: address(22),
        agent_address: address(23),
        agent_port: own_port(24, "srv_agent_port")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str =
        "1\n# be_id be_name ...\n3 be 1 s1 127.0.0.1 0 8 7 5 42 6 3 4 2 0 0 0 - 8080 - 0 99 127.0.0.2 - 0\n";

    #[test]
    fn a_line_tells_what_a_server_was() {
        let states = read(GOOD).expect("it is right");
        let [ServerState { backend, server, was: Ok(was) }] = &states[..] else { panic!("{states:?}") };
        assert_eq!((backend.as_str(), server.as_str()), ("be", "s1"));
        assert_eq!((was.address, &was.host, &was.service), (Some([127, 0, 0, 1].into()), &None, &None));
        assert_eq!((was.operation, was.was_drained, was.was_in_maintenance), (Operation::Stopped, true, false));
        assert_eq!((was.weight, was.configured_weight, was.since), (7, 5, 42));
        assert_eq!((was.is_check_silent, was.is_agent_silent), (true, false));
        assert_eq!((was.port, was.check_port, was.agent_port), (Some(8080), Some(99), None));
        assert_eq!((was.check_address, was.agent_address), (Some([127, 0, 0, 2].into()), None));
    }

    #[test]
    fn a_file_that_is_none_says_why() {
        let short = GOOD.replace(" - 8080 - 0 99 127.0.0.2 - 0", "");
        for (text, why) in [
            ("", Unreadable::Empty),
            ("2\n", Unreadable::Version),
            ("1", Unreadable::Version),
            ("hello\n", Unreadable::Version),
            (&short, Unreadable::Corrupted(3)),
            (GOOD.trim_end(), Unreadable::Corrupted(3)),
        ] {
            assert_eq!(read(text), Err(why), "{text}");
        }
    }

    #[test]
    fn a_wrong_value_is_named_and_the_other_lines_count() {
        let more = GOOD.replace("s1 127.0.0.1 0 8", "s2 127.0.0.1 9 8");
        let states =
            read(&format!("{GOOD}{}", more.lines().next_back().map(|line| format!("{line}\n")).unwrap_or_default()));
        let states = states.expect("it is right");
        assert!(states[0].was.is_ok());
        assert_eq!(states[1].was, Err("invalid srv_op_state value '9'".to_owned()));
    }
}
