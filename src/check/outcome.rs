//! What one probe found.

/// HAProxy's codes for the result of a probe (management guide §9.1, `check_status`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// Nothing changes: an agent said nothing about health.
    Checked,
    /// Traffic failed too often (`observe`).
    Hana,
    /// This host could not open a socket.
    SockErr,
    /// The connection was accepted.
    L4Ok,
    /// The connection was not accepted in time.
    L4Tout,
    /// The connection was refused or there is no route.
    L4Con,
    /// The session layer is as expected.
    L6Ok,
    /// The session layer did not come up in time.
    L6Tout,
    /// The session layer is not as expected.
    L6Rsp,
    /// No complete response came in time.
    L7Tout,
    /// The response is not of the protocol, or ended early.
    L7Rsp,
    /// The response was as expected.
    L7Ok,
    /// The response was a 404 that asks for no new sessions (`http-check disable-on-404`).
    L7OkConditional,
    /// The response says that the server is not well.
    L7Sts,
    /// A program said that the server is not well.
    ProcErr,
    /// A program did not end in time.
    ProcTout,
    /// A program said that the server is well.
    ProcOk,
}

/// What a result does to the health.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    Neutral,
    /// Counts against the server.
    Failed,
    /// Counts for it.
    Passed,
    /// Counts for it, but it wants no new sessions.
    PassedConditionally,
}

/// A code with its name in statistics, its meaning in logs and its effect.
type Row = (Code, &'static str, &'static str, Effect);

const ROWS: [Row; 17] = [
    (Code::Checked, "CHECKED", "No status change", Effect::Neutral),
    (Code::Hana, "HANA", "Health analyze", Effect::Failed),
    (Code::SockErr, "SOCKERR", "Socket error", Effect::Failed),
    (Code::L4Ok, "L4OK", "Layer4 check passed", Effect::Passed),
    (Code::L4Tout, "L4TOUT", "Layer4 timeout", Effect::Failed),
    (Code::L4Con, "L4CON", "Layer4 connection problem", Effect::Failed),
    (Code::L6Ok, "L6OK", "Layer6 check passed", Effect::Passed),
    (Code::L6Tout, "L6TOUT", "Layer6 timeout", Effect::Failed),
    (Code::L6Rsp, "L6RSP", "Layer6 invalid response", Effect::Failed),
    (Code::L7Tout, "L7TOUT", "Layer7 timeout", Effect::Failed),
    (Code::L7Rsp, "L7RSP", "Layer7 invalid response", Effect::Failed),
    (Code::L7Ok, "L7OK", "Layer7 check passed", Effect::Passed),
    (Code::L7OkConditional, "L7OKC", "Layer7 check conditionally passed", Effect::PassedConditionally),
    (Code::L7Sts, "L7STS", "Layer7 wrong status", Effect::Failed),
    (Code::ProcErr, "PROCERR", "External check error", Effect::Failed),
    (Code::ProcTout, "PROCTOUT", "External check timeout", Effect::Failed),
    (Code::ProcOk, "PROCOK", "External check passed", Effect::Passed),
];

impl Code {
    /// As statistics print it.
    pub const fn name(self) -> &'static str {
        self.row().1
    }

    /// As HAProxy's logs describe it.
    pub const fn meaning(self) -> &'static str {
        self.row().2
    }

    /// What it does to the health.
    pub const fn effect(self) -> Effect {
        self.row().3
    }

    /// Whether the server is well.
    pub const fn is_success(self) -> bool {
        matches!(self.effect(), Effect::Passed | Effect::PassedConditionally)
    }

    /// Whether a status code belongs to it in logs and statistics.
    pub const fn has_status(self) -> bool {
        self as usize >= Code::L7Ok as usize
    }

    /// The code of that name, letters of either case.
    pub fn by_name(name: &str) -> Option<Code> {
        ROWS.iter().find(|row| row.1.eq_ignore_ascii_case(name)).map(|row| row.0)
    }

    const fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }
}

/// The result of a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What happened.
    pub code: Code,
    /// Status code of the response, result of an LDAP or SQL server, exit status; 0 if there was none.
    pub status: i64,
    /// Reason or error text; may be empty.
    pub detail: String,
}

/// Longest detail, bytes: HAProxy's `HCHK_DESC_LEN`.
const MAX_DETAIL: usize = 127;

impl Outcome {
    /// A result without a status code. The detail ends at its first NUL and is cut to 127 bytes.
    pub fn new(code: Code, detail: impl Into<String>) -> Outcome {
        let mut detail: String = detail.into();
        if let Some(end) = detail.find('\0') {
            detail.truncate(end);
        }
        if detail.len() > MAX_DETAIL {
            let end = (0..=MAX_DETAIL).rev().find(|at| detail.is_char_boundary(*at)).unwrap_or(0);
            detail.truncate(end);
        }
        Outcome { code, status: 0, detail }
    }

    /// The same with a status code.
    pub fn with_status(self, status: i64) -> Outcome {
        Outcome { status, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_stands_in_its_own_row() {
        for (number, row) in ROWS.iter().enumerate() {
            assert_eq!(row.0 as usize, number);
            assert_eq!(Code::by_name(row.1), Some(row.0));
        }
        assert!(Code::L7Sts.has_status() && !Code::L7Rsp.has_status());
    }

    #[test]
    fn details_are_cut_where_characters_end() {
        assert_eq!(Outcome::new(Code::L7Rsp, "a\0b").detail, "a");
        assert_eq!(Outcome::new(Code::L7Rsp, "é".repeat(100)).detail.len(), 126);
    }
}
