//! Where lines of log go, how they look there, and which are written (HAProxy manual §4.2, `log`).

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::proxy::{Backend, Mode, Server};
use super::relay::{Relay, Relaying};
use super::{Endpoint, Model};

/// Severities of syslog (RFC 5424 §6.2.1), the gravest first: a lesser one is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Level {
    /// The system cannot be used: a backend has no server left.
    Emerg,
    /// Somebody must act at once: a server is down.
    Alert,
    /// Critical.
    Crit,
    /// Errors; with `option log-separate-errors` also what went wrong with traffic.
    Err,
    /// Warnings.
    Warning,
    /// Normal, but worth a word: a proxy starts, a server is up.
    Notice,
    /// Traffic.
    Info,
    /// For those who look for a fault.
    Debug,
}

impl Level {
    /// Every level, the gravest first.
    pub const ALL: [Level; 8] =
        [Level::Emerg, Level::Alert, Level::Crit, Level::Err, Level::Warning, Level::Notice, Level::Info, Level::Debug];

    /// As configurations write it.
    pub const fn name(self) -> &'static str {
        ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"][self as usize]
    }

    /// The level of that name.
    pub fn by_name(name: &str) -> Option<Level> {
        Level::ALL.into_iter().find(|level| level.name() == name)
    }

    /// The level of that number, 0-7; what is beyond is [`Level::Debug`].
    pub fn of_number(number: u8) -> Level {
        Level::ALL.get(usize::from(number)).copied().unwrap_or(Level::Debug)
    }
}

/// Facilities of syslog by number (RFC 5424 §6.2.1), with the names of HAProxy's manual.
pub const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "auth2", "ftp", "ntp", "audit",
    "alert", "cron2", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
];

/// A facility, 0-23.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Facility(u8);

impl Facility {
    /// `local0`, the usual choice for load balancers.
    pub const LOCAL0: Facility = Facility(16);

    /// The facility of that name.
    pub fn by_name(name: &str) -> Option<Facility> {
        FACILITIES.iter().position(|known| *known == name).and_then(|number| u8::try_from(number).ok()).map(Facility)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        FACILITIES[usize::from(self.0)]
    }

    /// Its number, 0-23.
    pub fn number(self) -> u8 {
        self.0
    }
}

/// What is written in front of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// `<PRI>Mon dd hh:mm:ss host tag[pid]: ` (RFC 3164).
    Rfc3164,
    /// `<PRI>1 time host tag pid - structured-data ` (RFC 5424).
    Rfc5424,
    /// As RFC 3164, without the host.
    Local,
    /// `<PRI>`
    Priority,
    /// `<level>`
    Short,
    /// `<level>` and the time.
    Timed,
    /// The time.
    Iso,
    /// Nothing.
    Raw,
    /// The one that a relayed message came with.
    Received,
}

impl Form {
    /// Every form that can be asked for.
    pub const ALL: [Form; 8] =
        [Form::Local, Form::Rfc3164, Form::Rfc5424, Form::Priority, Form::Short, Form::Timed, Form::Iso, Form::Raw];

    /// As configurations write it.
    pub const fn name(self) -> &'static str {
        match self {
            Form::Rfc3164 => "rfc3164",
            Form::Rfc5424 => "rfc5424",
            Form::Local => "local",
            Form::Priority => "priority",
            Form::Short => "short",
            Form::Timed => "timed",
            Form::Iso => "iso",
            Form::Raw => "raw",
            Form::Received => "received",
        }
    }

    /// The form of that name.
    pub fn by_name(name: &str) -> Option<Form> {
        Form::ALL.into_iter().find(|form| form.name() == name)
    }
}

/// Where lines go.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Destination {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// A descriptor that the process was started with.
    Descriptor(i32),
    /// Datagrams to a Unix socket, normally `/dev/log`.
    Unix(PathBuf),
    /// Datagrams over UDP.
    Udp(SocketAddr),
    /// A connection, over which lines go (RFC 6587 §3.4.2): TCP or a Unix socket.
    Stream(Endpoint),
    /// A buffer in memory, by the name of its section.
    Ring(String),
    /// A server of a backend in log mode, by the backend's name.
    Backend(String),
}

/// Which lines of every so many are sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sample {
    /// Ranges of numbers within the period, 1-, ascending, both ends included.
    pub ranges: Vec<(u32, u32)>,
    /// Lines in a period, 1-.
    pub size: u32,
}

/// The bytes of a message that HAProxy keeps unless `len` says otherwise.
pub const LENGTH: usize = 1024;

/// A destination and what it gets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// Where it is.
    pub destination: Destination,
    /// What is in front of each line.
    pub form: Form,
    /// Facility in the priority.
    pub facility: Facility,
    /// The least grave level that goes there.
    pub level: Level,
    /// Graver lines are sent as if they had this level.
    pub floor: Level,
    /// Bytes of a message at most, its header and line end included, 80-65535.
    pub length: usize,
    /// `None` sends every line.
    pub sample: Option<Sample>,
    /// It gets lines about traffic and no messages about proxies and servers.
    pub only_traffic: bool,
    /// Name of the profile that says how its lines look; `None` leaves it to the proxy.
    pub profile: Option<String>,
}

impl Target {
    /// Everything, as HAProxy sends it by default.
    pub fn new(destination: Destination, form: Form) -> Target {
        Target {
            destination,
            form,
            facility: Facility::LOCAL0,
            level: Level::Debug,
            floor: Level::Emerg,
            length: LENGTH,
            sample: None,
            only_traffic: false,
            profile: None,
        }
    }
}

/// The log of a proxy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Logs {
    /// Where it goes; none writes nothing.
    pub targets: Vec<Target>,
    /// In place of the process's tag.
    pub tag: Option<String>,
    /// What becomes of messages of others; `None` for our own.
    pub relaying: Option<Relaying>,
}

/// Which sessions and requests of a frontend leave a line, and when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Selection {
    /// None for connections that brought nothing (`option dontlognull`).
    pub skips_empty: bool,
    /// None for what went well (`option dontlog-normal`).
    pub skips_normal: bool,
    /// Failures at level `err` (`option log-separate-errors`).
    pub separates_errors: bool,
    /// Before the response has been sent (`option logasap`).
    pub is_early: bool,
    /// A line at each of these steps (`log-steps`); `None` is one in all.
    pub steps: Option<Steps>,
}

/// When a line is written: at a step of a session or request, or by a rule (HAProxy manual §8.3.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Origin {
    /// A connection was accepted; of HTTP, a request begins.
    Accept,
    /// The head of a request is there.
    Request,
    /// The connection to the server is there.
    Connect,
    /// The head of a response is there.
    Response,
    /// All is over.
    #[default]
    Close,
    /// What came was no request.
    Error,
    /// A connection ended before it was a session.
    Killed,
    /// `quic-initial ... do-log`
    QuicInitial,
    /// `tcp-request connection do-log`
    TcpConnection,
    /// `tcp-request session do-log`
    TcpSession,
    /// `tcp-request content do-log`
    TcpRequest,
    /// `tcp-response content do-log`
    TcpResponse,
    /// `http-request do-log`
    HttpRequest,
    /// `http-response do-log`
    HttpResponse,
    /// `http-after-response do-log`
    HttpAfterResponse,
}

impl Origin {
    /// Each with its word in `on` and `log-steps`, and what lines show of it (`%OG`).
    pub const WORDS: [(Origin, &str, &str); 15] = [
        (Origin::Accept, "accept", "txn_accept"),
        (Origin::Request, "request", "txn_request"),
        (Origin::Connect, "connect", "txn_connect"),
        (Origin::Response, "response", "txn_response"),
        (Origin::Close, "close", "txn_close"),
        (Origin::Error, "error", "sess_error"),
        (Origin::Killed, "error", "sess_killed"),
        (Origin::QuicInitial, "quic-init", "quic-init"),
        (Origin::TcpConnection, "tcp-req-conn", "tcp-req-conn"),
        (Origin::TcpSession, "tcp-req-sess", "tcp-req-sess"),
        (Origin::TcpRequest, "tcp-req-cont", "tcp-req-cont"),
        (Origin::TcpResponse, "tcp-res-cont", "tcp-res-cont"),
        (Origin::HttpRequest, "http-req", "http-req"),
        (Origin::HttpResponse, "http-res", "http-res"),
        (Origin::HttpAfterResponse, "http-after-res", "http-after-res"),
    ];

    /// As lines show it.
    pub const fn shown(self) -> &'static str {
        Origin::WORDS[self as usize].2
    }

    /// The first of that word.
    pub fn by_word(word: &str) -> Option<Origin> {
        Origin::WORDS.iter().find(|(_, known, _)| *known == word).map(|(origin, ..)| *origin)
    }

    /// Whether nothing is known yet but the client's connection.
    pub const fn is_before_transaction(self) -> bool {
        matches!(self, Origin::Accept | Origin::TcpConnection | Origin::TcpSession)
    }
}

/// Steps at which lines are written, a bit for each that is not a rule's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Steps(u8);

impl Steps {
    /// Those that there are.
    const ALL: [Origin; 5] = [Origin::Accept, Origin::Request, Origin::Connect, Origin::Response, Origin::Close];

    /// Reads `all` or a list with commas; an error is the part that is none of them. Rules write their lines whether they
    /// are in the list or not.
    ///
    /// # Errors
    /// A word is no step.
    pub fn parse(text: &str) -> Result<Steps, String> {
        if text == "all" {
            return Ok(Steps(0b1_1111));
        }
        let mut steps = Steps(0);
        for word in text.split(',').filter(|word| !word.is_empty()) {
            match Origin::by_word(word) {
                Some(origin) if Steps::ALL.contains(&origin) => steps.0 |= 1 << origin as u8,
                Some(origin) if !matches!(origin, Origin::Error | Origin::Killed) => {}
                _ => {
                    let words: Vec<&str> = Steps::ALL.iter().map(|step| Origin::WORDS[*step as usize].1).collect();
                    return Err(format!("'{word}' is no step of a log; all, or some of {}", words.join(", ")));
                }
            }
        }
        // As in HAProxy, where a list without a step is every step.
        Ok(if steps.0 == 0 { Steps(0b1_1111) } else { steps })
    }

    /// Whether a line is written there.
    pub const fn has(self, step: Origin) -> bool {
        (step as u8) < 5 && self.0 & 1 << step as u8 != 0
    }
}

impl std::fmt::Display for Steps {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let words = Steps::ALL.into_iter().filter(|step| self.has(*step)).map(|step| Origin::WORDS[step as usize].1);
        out.write_str(&words.collect::<Vec<_>>().join(","))
    }
}

/// What is logged with the name of the process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProcessLogs {
    /// Where messages of the process go, and what `log global` stands for.
    pub targets: Vec<Target>,
    /// Name of the program in headers; `None` is `haproxy` or `vipgate`, as it was started.
    pub tag: Option<String>,
    /// Host in headers; `None` leaves it out.
    pub hostname: Option<Hostname>,
    /// Buffers in memory.
    pub rings: Vec<Ring>,
    /// Relays of messages of others.
    pub relays: Vec<Relay>,
}

/// The host in headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hostname {
    /// This machine's name.
    Own,
    /// This text.
    Text(String),
}

/// A buffer of lines in memory, with the servers that read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ring {
    /// Name of the section.
    pub name: String,
    /// What it is for, shown beside it.
    pub description: Option<String>,
    /// What is in front of each line, for targets that say nothing; `None` is nothing.
    pub form: Option<Form>,
    /// Bytes of a line at most; the rest is cut.
    pub line_length: usize,
    /// Bytes in all; the oldest lines make room for new ones.
    pub size: usize,
    /// The file that holds the lines, too, so that they are there after a crash.
    pub file: Option<PathBuf>,
    /// Syslog servers: each gets every line. As much as the ring holds waits for one that is away.
    pub servers: Vec<RingServer>,
    /// Time limit of a connect to one of them; `None` is the kernel's.
    pub connect_timeout: Option<Duration>,
    /// How long a server may take nothing before it is connected to anew; `None` is for ever.
    pub send_timeout: Option<Duration>,
}

/// The ring in which messages wait for a server of a backend in log mode, by name.
pub fn own_ring(backend: &str, server: &Server) -> String {
    format!("{backend}/{}", server.name)
}

impl Model {
    /// Every target of every log.
    pub fn targets(&self) -> impl Iterator<Item = &Target> {
        let proxies = self.frontends.iter().map(|one| &one.log).chain(self.backends.iter().map(|one| &one.log));
        let relays = self.process.log.relays.iter().flat_map(|relay| &relay.targets);
        proxies.flat_map(|log| &log.targets).chain(&self.process.log.targets).chain(relays)
    }

    /// Buffers in memory: those of the process, then one for each server of a backend in log mode that has connections.
    pub fn rings(&self) -> impl Iterator<Item = Ring> {
        let backends = self.backends.iter().filter(|backend| backend.mode == Mode::Log);
        let own = backends.flat_map(|backend| {
            let servers = backend.servers.iter().filter(|server| !server.options.syslog.is_datagram);
            servers.map(|server| Ring::of(backend, server))
        });
        self.process.log.rings.iter().cloned().chain(own)
    }
}

impl Ring {
    /// That of a server of a backend in log mode.
    fn of(backend: &Backend, server: &Server) -> Ring {
        let Syslog { framing, room, .. } = server.options.syslog;
        let reader = RingServer { name: server.name.clone(), endpoint: Endpoint::Tcp(server.address), framing };
        Ring {
            name: own_ring(&backend.name, server),
            description: Some("created from log backend".to_owned()),
            form: None,
            line_length: usize::MAX,
            size: room.unwrap_or(BUFFER),
            file: None,
            servers: vec![reader],
            connect_timeout: Some(backend.timeouts.connect),
            send_timeout: Some(backend.timeouts.server),
        }
    }
}

/// A syslog server that reads a ring.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RingServer {
    /// Its name.
    pub name: String,
    /// Where it listens: TCP or a Unix socket.
    pub endpoint: Endpoint,
    /// How messages are told apart.
    pub framing: Framing,
}

/// How messages are told apart on a connection (RFC 6587).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Framing {
    /// Each has its length in front.
    OctetCount,
    /// Each ends with a line feed.
    #[default]
    Lines,
}

impl Framing {
    /// HAProxy's words (`log-proto`).
    pub const WORDS: [(&str, Framing); 2] = [("octet-count", Framing::OctetCount), ("legacy", Framing::Lines)];

    /// The framing of that word.
    pub fn by_word(word: &str) -> Option<Framing> {
        Framing::WORDS.iter().find(|(known, _)| *known == word).map(|(_, framing)| *framing)
    }
}

/// How messages go to a server of a backend in log mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Syslog {
    /// Whether each is a datagram, to a UDP address.
    pub is_datagram: bool,
    /// How they are told apart on a connection (`log-proto`).
    pub framing: Framing,
    /// Bytes of messages that may wait for its connection (`log-bufsize`), 1-; `None` is a buffer of HAProxy's.
    pub room: Option<usize>,
}

/// Bytes of a buffer of HAProxy's (`tune.bufsize`): of a ring, and what may wait for a server, unless they say otherwise.
pub const BUFFER: usize = 16_384;
