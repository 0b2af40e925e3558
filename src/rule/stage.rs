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

/// Whose rules they are: what a backend and a server know is not there before one is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Side {
    /// Of a frontend.
    Frontend,
    /// Of a backend.
    Backend,
    /// Of a `listen` section: what one of them has is there.
    Both,
    /// Nobody knows: the same.
    #[default]
    Unknown,
}

/// What a fetch looks at (`SMP_USE_` of HAProxy).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Needs {
    /// Nothing that changes with what happens: it is known when the configuration is loaded.
    Constant,
    /// The state of this process.
    Internal,
    /// The client connection as the kernel has it.
    Client,
    /// The client connection once its PROXY header and TLS are through.
    ClientSession,
    /// The frontend.
    Frontend,
    /// Frontend or backend.
    Proxy,
    /// Bytes from the client that are still in the buffer.
    RequestBytes,
    /// The request head, while the request is processed.
    RequestHead,
    /// Something of the request that is kept to the end of the transaction.
    Transaction,
    /// The backend.
    Backend,
    /// The server that was chosen.
    Server,
    /// The connection to the server.
    ServerConnection,
    /// Bytes of either side that are still in the buffer: those that the rule set is about.
    Bytes,
    /// The head of either message: of the one that the rule set is about.
    Head,
    /// Bytes from the server that are still in the buffer.
    ResponseBytes,
    /// The response head.
    ResponseHead,
    /// Something of the response that is kept to the end of the transaction.
    ResponseKept,
    /// What is counted of the request or the transaction, from its begin on.
    RequestCount,
    /// What is counted of the response.
    ResponseCount,
    /// What is counted of the session.
    SessionCount,
}

impl Needs {
    /// Whether it is there at that stage of rules of that side.
    pub fn are_met_at(self, stage: Stage, side: Side) -> bool {
        use Stage::{Check, HttpRequest, Load, Log, TcpConnection, TcpRequest, TcpSession};
        let is_request = matches!(stage, TcpRequest | HttpRequest);
        let is_response = stage.is_response();
        let is_new = matches!(stage, TcpConnection | TcpSession);
        match self {
            Needs::Constant => true,
            Needs::Internal | Needs::Client => stage != Load,
            Needs::ClientSession => !matches!(stage, Load | Check | TcpConnection),
            Needs::Frontend | Needs::SessionCount => !matches!(stage, Load | Check),
            Needs::Proxy => stage != Load,
            // A stream in HTTP mode has its head when `tcp-request content` runs.
            Needs::RequestBytes | Needs::RequestHead => is_request,
            Needs::Transaction | Needs::RequestCount => !is_new && !matches!(stage, Load | Check),
            Needs::Backend => is_response || stage == Log || is_request && side != Side::Frontend,
            Needs::Server | Needs::ServerConnection | Needs::ResponseKept => is_response || stage == Log,
            Needs::Bytes | Needs::Head => is_request || is_response,
            Needs::ResponseBytes | Needs::ResponseHead => is_response,
            Needs::ResponseCount => is_response && stage != Check || stage == Log,
        }
    }

    /// Whether it is bytes as they came: in HTTP mode there are messages instead.
    pub fn is_of_bytes(self) -> bool {
        matches!(self, Needs::RequestBytes | Needs::ResponseBytes | Needs::Bytes)
    }

    /// The manual's words for it.
    pub fn name(self) -> &'static str {
        match self {
            Needs::Constant | Needs::Internal => "internal state",
            Needs::Client => "client-side connection information",
            Needs::ClientSession | Needs::Frontend | Needs::Proxy => "frontend session information",
            Needs::RequestBytes => "request buffer contents",
            Needs::RequestHead => "HTTP request headers",
            Needs::Transaction => "HTTP request meta-information",
            Needs::Backend => "backend information",
            Needs::Server => "the server that was chosen",
            Needs::ServerConnection => "server-side connection information",
            Needs::Bytes => "buffer contents",
            Needs::Head => "HTTP headers",
            Needs::ResponseBytes => "response buffer contents",
            Needs::ResponseHead => "HTTP response headers",
            Needs::ResponseKept => "HTTP response meta-information",
            Needs::RequestCount => "request buffer statistics",
            Needs::ResponseCount => "response buffer statistics",
            Needs::SessionCount => "session statistics",
        }
    }
}
