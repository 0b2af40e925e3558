//! The columns of `show stat`, each once: HAProxy's names, order and tags (management guide §9.1 to §9.3).

/// Declares the columns: name, tags, what it is.
macro_rules! columns {
    ($($variant:ident $name:literal $tags:literal $doc:literal;)*) => {
        /// A column of `show stat`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(usize)]
        pub enum Column {
            $(#[doc = $doc] $variant,)*
        }

        /// Every column, in HAProxy's order.
        pub static COLUMNS: &[Described] = &[$(Described { name: $name, tags: $tags, doc: $doc },)*];
    };
}

/// A column or line, with what is told about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Described {
    /// HAProxy's name.
    pub name: &'static str,
    /// Three letters: origin, nature, scope.
    pub tags: &'static str,
    /// One phrase.
    pub doc: &'static str,
}

columns! {
    Pxname "pxname" "KNS" "Name of the proxy";
    Svname "svname" "KNS" "Name of the server or socket, or FRONTEND or BACKEND";
    Qcur "qcur" "MGP" "Requests that wait now";
    Qmax "qmax" "MMP" "Most requests that waited at a time";
    Scur "scur" "MGP" "Sessions now";
    Smax "smax" "MMP" "Most sessions at a time";
    Slim "slim" "CLP" "Sessions at a time that are allowed";
    Stot "stot" "MCP" "Sessions so far";
    Bin "bin" "MCP" "Bytes from clients";
    Bout "bout" "MCP" "Bytes to clients";
    Dreq "dreq" "MCP" "Requests that rules refused";
    Dresp "dresp" "MCP" "Responses that rules refused";
    Ereq "ereq" "MCP" "Requests that were bad, broken off or too slow";
    Econ "econ" "MCP" "Requests that got no connection to a server";
    Eresp "eresp" "MCP" "Responses that were bad or broken off";
    Wretr "wretr" "MCP" "Connection attempts after the first";
    Wredis "wredis" "MCP" "Requests that were moved to another server";
    Status "status" "SGP" "State";
    Weight "weight" "MaP" "Weight now; of a backend the sum of its usable servers";
    Act "act" "SGP" "Whether it is active; of a backend the number of active servers";
    Bck "bck" "SGP" "Whether it is a backup; of a backend the number of backup servers";
    Chkfail "chkfail" "MCP" "Checks that failed while the server was up";
    Chkdown "chkdown" "MCP" "Times that it went down";
    Lastchg "lastchg" "MAP" "Seconds since the last change of state";
    Downtime "downtime" "MCP" "Seconds that it was down";
    Qlimit "qlimit" "CLS" "Requests that may wait for this server";
    Pid "pid" "KGP" "Number of the process, always 1";
    Iid "iid" "KGS" "Number of the proxy";
    Sid "sid" "KGS" "Number of the server or socket";
    Throttle "throttle" "MaP" "Percentage of its weight that a starting server has";
    Lbtot "lbtot" "MCP" "Times that the balancing chose it";
    Tracked "tracked" "CGS" "Server whose health it follows";
    Type "type" "CGS" "0 frontend, 1 backend, 2 server, 3 socket";
    Rate "rate" "MRP" "Sessions in the last second";
    RateLim "rate_lim" "CLP" "Sessions a second that are allowed";
    RateMax "rate_max" "MMP" "Most sessions in a second";
    CheckStatus "check_status" "MOP" "Result of the last check";
    CheckCode "check_code" "MOP" "Code of the last check";
    CheckDuration "check_duration" "MDP" "Milliseconds that the last check took";
    Hrsp1xx "hrsp_1xx" "MCP" "Responses with status 1xx";
    Hrsp2xx "hrsp_2xx" "MCP" "Responses with status 2xx";
    Hrsp3xx "hrsp_3xx" "MCP" "Responses with status 3xx";
    Hrsp4xx "hrsp_4xx" "MCP" "Responses with status 4xx";
    Hrsp5xx "hrsp_5xx" "MCP" "Responses with status 5xx";
    HrspOther "hrsp_other" "MCP" "Responses with another status or none";
    Hanafail "hanafail" "MCP" "Failures that traffic showed";
    ReqRate "req_rate" "MRP" "Requests in the last second";
    ReqRateMax "req_rate_max" "MMP" "Most requests in a second";
    ReqTot "req_tot" "MCP" "Requests so far";
    CliAbrt "cli_abrt" "MCP" "Transfers that the client broke off";
    SrvAbrt "srv_abrt" "MCP" "Transfers that the server broke off";
    CompIn "comp_in" "MCP" "Bytes given to the compressor";
    CompOut "comp_out" "MCP" "Bytes that it gave back";
    CompByp "comp_byp" "MCP" "Bytes that went past it";
    CompRsp "comp_rsp" "MCP" "Responses that were compressed";
    Lastsess "lastsess" "MAP" "Seconds since the last session; -1 before the first";
    LastChk "last_chk" "MOP" "What the last check found";
    LastAgt "last_agt" "MOP" "What the last agent check found";
    Qtime "qtime" "MaP" "Milliseconds in the queue, mean over about the last 1024";
    Ctime "ctime" "MaP" "Milliseconds to connect, mean over about the last 1024";
    Rtime "rtime" "MaP" "Milliseconds to respond, mean over about the last 1024";
    Ttime "ttime" "MaP" "Milliseconds in all, mean over about the last 1024";
    AgentStatus "agent_status" "MOP" "Result of the last agent check";
    AgentCode "agent_code" "MOP" "Code of the last agent check";
    AgentDuration "agent_duration" "MDP" "Milliseconds that the last agent check took";
    CheckDesc "check_desc" "MOP" "Result of the last check in words";
    AgentDesc "agent_desc" "MOP" "Result of the last agent check in words";
    CheckRise "check_rise" "CGS" "Successes before up";
    CheckFall "check_fall" "CGS" "Failures before down";
    CheckHealth "check_health" "CGS" "Counter of the checks, up from check_rise on";
    AgentRise "agent_rise" "CGS" "Successes before up, of the agent";
    AgentFall "agent_fall" "CGS" "Failures before down, of the agent";
    AgentHealth "agent_health" "CGS" "Counter of the agent checks";
    Addr "addr" "CGS" "Address and port";
    Cookie "cookie" "CNS" "Value of the cookie; of a backend its name";
    Mode "mode" "CGS" "tcp or http";
    Algo "algo" "CGS" "How a server is chosen";
    ConnRate "conn_rate" "MRP" "Connections in the last second";
    ConnRateMax "conn_rate_max" "MMP" "Most connections in a second";
    ConnTot "conn_tot" "MCP" "Connections so far";
    Intercepted "intercepted" "MCP" "Requests that were answered here";
    Dcon "dcon" "MCP" "Connections that rules refused";
    Dses "dses" "MCP" "Sessions that rules refused";
    Wrew "wrew" "MCP" "Rewrites that failed";
    Connect "connect" "MCP" "Connections attempted to servers";
    Reuse "reuse" "MCP" "Requests over a used connection";
    CacheLookups "cache_lookups" "MCP" "Requests looked up in the cache";
    CacheHits "cache_hits" "MCP" "Requests found in the cache";
    SrvIcur "srv_icur" "MGP" "Idle connections now";
    SrcIlim "src_ilim" "CLP" "Idle connections that are allowed";
    QtimeMax "qtime_max" "MMP" "Most milliseconds in the queue";
    CtimeMax "ctime_max" "MMP" "Most milliseconds to connect";
    RtimeMax "rtime_max" "MMP" "Most milliseconds to respond";
    TtimeMax "ttime_max" "MMP" "Most milliseconds in all";
    Eint "eint" "MCP" "Requests that failed because of this process";
    IdleConnCur "idle_conn_cur" "MGP" "Idle connections that only a first request may not use";
    SafeConnCur "safe_conn_cur" "MGP" "Idle connections for every request";
    UsedConnCur "used_conn_cur" "MGP" "Connections in use";
    NeedConnEst "need_conn_est" "MGP" "Connections that are likely needed";
    Uweight "uweight" "MaP" "Weight as configured; of a backend the sum of its usable servers";
    AggServerStatus "agg_server_status" "MGP" "Whether the backend has servers in this state";
    AggServerCheckStatus "agg_server_check_status" "MGP" "Whether the backend has servers whose check says so";
    AggCheckStatus "agg_check_status" "MGP" "Whether the backend has servers whose check says so";
    Separator "-" "" "Columns of modules come after this one; there are none";
}

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A frontend.
    Frontend = 0,
    /// A backend.
    Backend = 1,
    /// A server.
    Server = 2,
    /// A listening address.
    Listener = 3,
}

impl Kind {
    /// Its letter in the typed form.
    pub const fn letter(self) -> char {
        match self {
            Kind::Frontend => 'F',
            Kind::Backend => 'B',
            Kind::Server => 'S',
            Kind::Listener => 'L',
        }
    }

    /// Its name in the JSON form.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Frontend => "Frontend",
            Kind::Backend => "Backend",
            Kind::Server => "Server",
            Kind::Listener => "Listener",
        }
    }
}

/// The tags of a cell: those of its column, but for a few that differ in rows of backends.
pub fn tags(column: usize, kind: Kind) -> &'static str {
    let is = |one: Column| one as usize == column;
    match kind {
        Kind::Backend if [Column::Act, Column::Bck, Column::Rate, Column::RateMax].into_iter().any(is) => "MGP",
        _ => COLUMNS[column].tags,
    }
}

/// The three letters of tags in words: origin, nature, scope (management guide §9.2).
pub fn tag_words(tags: &str) -> [&'static str; 3] {
    let mut letters = tags.bytes();
    let origin = match letters.next() {
        Some(b'M') => "Metric",
        Some(b'S') => "Status",
        Some(b'K') => "Key",
        Some(b'C') => "Config",
        Some(b'P') => "Product",
        _ => "Unknown",
    };
    let nature = match letters.next() {
        Some(b'A') => "Age",
        Some(b'a') => "Avg",
        Some(b'C') => "Counter",
        Some(b'D') => "Duration",
        Some(b'G') => "Gauge",
        Some(b'L') => "Limit",
        Some(b'M') => "Max",
        Some(b'm') => "Min",
        Some(b'N') => "Name",
        Some(b'O') => "Output",
        Some(b'R') => "Rate",
        Some(b'T') => "Time",
        _ => "Unknown",
    };
    let scope = match letters.next() {
        Some(b'C') => "Cluster",
        Some(b'P') => "Process",
        Some(b'S') => "Service",
        Some(b's') => "System",
        _ => "Unknown",
    };
    [origin, nature, scope]
}
