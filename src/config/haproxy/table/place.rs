//! Where a word may stand.

/// A section, a set of rules, or a line that takes options.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Place {
    /// Outside of sections: what opens one.
    Top,
    /// Settings of the process.
    Global,
    /// Settings that other sections begin with.
    Defaults,
    /// Where clients connect.
    Frontend,
    /// Frontend and backend in one.
    Listen,
    /// A group of servers.
    Backend,
    /// Peers.
    Peers,
    /// Users and groups.
    Userlist,
    /// Name servers.
    Resolvers,
    /// A cache.
    Cache,
    /// Error pages.
    HttpErrors,
    /// A buffer of log lines.
    Ring,
    /// A relay of logs.
    LogForward,
    /// Formats of log lines.
    LogProfile,
    /// A program.
    Program,
    /// Mail servers.
    Mailers,
    /// A FastCGI application.
    FcgiApp,
    /// Certificates by name.
    CrtStore,
    /// Options in a list of certificates.
    CrtList,
    /// Traces.
    Traces,
    /// An ACME account.
    Acme,
    /// A health check by name.
    Healthcheck,
    /// Options of a `bind` line.
    Bind,
    /// Options of a `server` line.
    Server,
    /// Options of a `load` line of a crt-store.
    Load,
    /// Actions on requests.
    HttpRequest,
    /// Actions on responses.
    HttpResponse,
    /// Actions on every response.
    HttpAfterResponse,
    /// Actions on QUIC handshakes.
    QuicInitial,
    /// Actions on connections.
    TcpConnection,
    /// Actions on sessions.
    TcpSession,
    /// Actions on the first bytes.
    TcpContent,
    /// Actions on the first bytes of a server.
    TcpResponse,
}

/// Each place and what the language calls it; a set of rules by the words that begin its lines.
const NAMES: [(Place, &str); 33] = [
    (Place::Top, "file"),
    (Place::Global, "global"),
    (Place::Defaults, "defaults"),
    (Place::Frontend, "frontend"),
    (Place::Listen, "listen"),
    (Place::Backend, "backend"),
    (Place::Peers, "peers"),
    (Place::Userlist, "userlist"),
    (Place::Resolvers, "resolvers"),
    (Place::Cache, "cache"),
    (Place::HttpErrors, "http-errors"),
    (Place::Ring, "ring"),
    (Place::LogForward, "log-forward"),
    (Place::LogProfile, "log-profile"),
    (Place::Program, "program"),
    (Place::Mailers, "mailers"),
    (Place::FcgiApp, "fcgi-app"),
    (Place::CrtStore, "crt-store"),
    (Place::CrtList, "crt-list"),
    (Place::Traces, "traces"),
    (Place::Acme, "acme"),
    (Place::Healthcheck, "healthcheck"),
    (Place::Bind, "bind"),
    (Place::Server, "server"),
    (Place::Load, "load"),
    (Place::HttpRequest, "http-request"),
    (Place::HttpResponse, "http-response"),
    (Place::HttpAfterResponse, "http-after-response"),
    (Place::QuicInitial, "quic-initial"),
    (Place::TcpConnection, "tcp-request connection"),
    (Place::TcpSession, "tcp-request session"),
    (Place::TcpContent, "tcp-request content"),
    (Place::TcpResponse, "tcp-response content"),
];

/// Sets of rules: their lines begin with the name of the place, then the action.
pub const RULES: [Place; 8] = [
    Place::HttpRequest,
    Place::HttpResponse,
    Place::HttpAfterResponse,
    Place::QuicInitial,
    Place::TcpConnection,
    Place::TcpSession,
    Place::TcpContent,
    Place::TcpResponse,
];

impl Place {
    /// What the language calls it.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(place, _)| *place == self).map_or("", |(_, name)| name)
    }

    /// Whether it is a section, a set of rules or a line.
    pub fn kind(self) -> &'static str {
        match self {
            Place::Bind | Place::Server | Place::Load => "line",
            _ if RULES.contains(&self) => "rules",
            _ => "section",
        }
    }

    /// By that name.
    pub fn by_name(name: &str) -> Option<Place> {
        NAMES.iter().find(|(_, known)| *known == name).map(|(place, _)| *place)
    }

    /// The section that a keyword opens.
    pub fn section(keyword: &str) -> Option<Place> {
        Place::by_name(keyword)
            .filter(|place| (Place::Global..=Place::Healthcheck).contains(place))
            .filter(|place| *place != Place::CrtList)
    }

    /// `defaults`, `frontend`, `listen` and `backend`.
    pub fn is_proxy(self) -> bool {
        (Place::Defaults..=Place::Backend).contains(&self)
    }
}

/// Several places.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Places(u64);

impl Places {
    /// Whether it is one of them.
    pub fn contains(self, place: Place) -> bool {
        self.0 & Places::bit(place) != 0
    }

    /// Whether they have one in common.
    pub fn meets(self, other: Places) -> bool {
        self.0 & other.0 != 0
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = Place> {
        NAMES.iter().map(|(place, _)| *place).filter(move |place| self.contains(*place))
    }

    fn bit(place: Place) -> u64 {
        1 << (place as u8)
    }
}

impl From<Place> for Places {
    fn from(place: Place) -> Places {
        Places(Places::bit(place))
    }
}

impl FromIterator<Place> for Places {
    fn from_iter<T: IntoIterator<Item = Place>>(places: T) -> Places {
        Places(places.into_iter().fold(0, |bits, place| bits | Places::bit(place)))
    }
}
