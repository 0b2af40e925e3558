//! What one probe found.

/// HAProxy's codes for the result of a probe (management guide §9.1, `check_status`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The connection was accepted.
    L4Ok,
    /// The connection was refused or there is no route.
    L4Con,
    /// The connection was not accepted in time.
    L4Tout,
    /// The response was as expected.
    L7Ok,
    /// The response's status or body was not as expected.
    L7Sts,
    /// No complete response came in time.
    L7Tout,
    /// The response was not HTTP, or ended early.
    L7Rsp,
    /// This host could not open a socket.
    SockErr,
}

impl Code {
    /// As statistics print it.
    pub const fn name(self) -> &'static str {
        match self {
            Code::L4Ok => "L4OK",
            Code::L4Con => "L4CON",
            Code::L4Tout => "L4TOUT",
            Code::L7Ok => "L7OK",
            Code::L7Sts => "L7STS",
            Code::L7Tout => "L7TOUT",
            Code::L7Rsp => "L7RSP",
            Code::SockErr => "SOCKERR",
        }
    }

    /// As HAProxy's logs describe it.
    pub const fn meaning(self) -> &'static str {
        match self {
            Code::L4Ok => "Layer4 check passed",
            Code::L4Con => "Layer4 connection problem",
            Code::L4Tout => "Layer4 timeout",
            Code::L7Ok => "Layer7 check passed",
            Code::L7Sts => "Layer7 wrong status",
            Code::L7Tout => "Layer7 timeout",
            Code::L7Rsp => "Layer7 invalid response",
            Code::SockErr => "Socket error",
        }
    }

    /// Whether the server is well.
    pub const fn is_success(self) -> bool {
        matches!(self, Code::L4Ok | Code::L7Ok)
    }
}

/// The result of a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What happened.
    pub code: Code,
    /// Status code or error text; may be empty.
    pub detail: String,
}

impl Outcome {
    /// A result with its detail.
    pub fn new(code: Code, detail: impl Into<String>) -> Outcome {
        Outcome { code, detail: detail.into() }
    }
}
