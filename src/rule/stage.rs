//! When a rule runs, and what is there to look at then (HAProxy manual §4.3, §7.3).

/// A rule set, or another place where expressions are evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// `tcp-request connection`
    TcpConnection,
    /// `tcp-request session`
    TcpSession,
    /// `tcp-request content`
    TcpRequest,
    /// `http-request`
    HttpRequest,
    /// `tcp-response content`
    TcpResponse,
    /// `http-response`
    HttpResponse,
    /// `http-after-response`
    HttpAfterResponse,
    /// Log lines, at the end of a stream.
    Log,
    /// When the configuration is loaded (`global set-var`).
    Load,
    /// Health checks.
    Check,
}

impl Stage {
    /// The words that start such a rule.
    pub fn name(self) -> &'static str {
        match self {
            Stage::TcpConnection => "tcp-request connection",
            Stage::TcpSession => "tcp-request session",
            Stage::TcpRequest => "tcp-request content",
            Stage::HttpRequest => "http-request",
            Stage::TcpResponse => "tcp-response content",
            Stage::HttpResponse => "http-response",
            Stage::HttpAfterResponse => "http-after-response",
            Stage::Log => "log-format",
            Stage::Load => "global",
            Stage::Check => "tcp-check",
        }
    }

    /// Whether the stage has an HTTP message.
    pub fn is_http(self) -> bool {
        matches!(self, Stage::HttpRequest | Stage::HttpResponse | Stage::HttpAfterResponse)
    }

    /// Whether the stage looks at what the server sent.
    pub fn is_response(self) -> bool {
        matches!(self, Stage::TcpResponse | Stage::HttpResponse | Stage::HttpAfterResponse | Stage::Check)
    }
}

/// What a fetch looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Needs {
    /// Nothing, or the state of this process.
    Internal,
    /// The client connection.
    Client,
    /// The frontend session, with its HTTP or TCP mode.
    Session,
    /// Bytes from the client that are still in the buffer.
    RequestBytes,
    /// The request head, while the request is processed.
    RequestHead,
    /// Something of the request that is kept to the end of the transaction.
    Transaction,
    /// The connection to the server, or the choice of one.
    Server,
    /// Bytes from the server that are still in the buffer.
    ResponseBytes,
    /// The response head.
    ResponseHead,
    /// Something of the response that is kept to the end of the transaction.
    ResponseKept,
    /// The end of the stream.
    End,
}

impl Needs {
    /// Whether it is there at that stage.
    pub fn are_met_at(self, stage: Stage) -> bool {
        use Stage::{
            Check, HttpAfterResponse, HttpRequest, HttpResponse, Load, Log, TcpConnection, TcpRequest, TcpResponse,
            TcpSession,
        };
        match self {
            Needs::Internal => true,
            Needs::Client => stage != Load && stage != Check,
            Needs::Session => !matches!(stage, Load | Check | TcpConnection),
            Needs::RequestBytes => matches!(stage, TcpRequest | HttpRequest),
            // A stream in HTTP mode has its head when `tcp-request content` runs.
            Needs::RequestHead => matches!(stage, TcpRequest | HttpRequest),
            Needs::Transaction => {
                matches!(stage, TcpRequest | HttpRequest | TcpResponse | HttpResponse | HttpAfterResponse | Log)
            }
            Needs::Server => !matches!(stage, Load | TcpConnection | TcpSession),
            Needs::ResponseBytes => matches!(stage, TcpResponse | HttpResponse | Check),
            Needs::ResponseHead => matches!(stage, TcpResponse | HttpResponse | HttpAfterResponse | Check),
            Needs::ResponseKept => stage.is_response() || stage == Log,
            Needs::End => stage == Log,
        }
    }

    /// The manual's words for it.
    pub fn name(self) -> &'static str {
        match self {
            Needs::Internal => "internal state",
            Needs::Client => "client-side connection information",
            Needs::Session => "frontend session information",
            Needs::RequestBytes => "request buffer contents",
            Needs::RequestHead => "HTTP request headers",
            Needs::Transaction => "HTTP request meta-information",
            Needs::Server => "server-side connection information",
            Needs::ResponseBytes => "response buffer contents",
            Needs::ResponseHead => "HTTP response headers",
            Needs::ResponseKept => "HTTP response meta-information",
            Needs::End => "information about the end of the stream",
        }
    }
}
