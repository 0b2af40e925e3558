//! Frontends, backends, servers and health checks.

use crate::config::yaml::keyword::{Key, Scalar, Section, Value};

use super::{COUNT, OFF, RATE, TIMEOUT, key, log, refused, required};

const MODE: Scalar = Scalar::Word(&["http", "tcp"]);
const DOUBTFUL_FRAMING: Scalar = Scalar::Word(&["refuse", "close", "keep"]);
const MAXCONN: Scalar = Scalar::Number(1, 10_000_000);

const ID: Key = key(
    "id",
    Value::One(Scalar::Number(1, 2_147_483_647)),
    "Number in statistics. Default: the next free one, in the order of the files.",
);

pub(super) static FRONTEND: Section = Section {
    name: "a frontend",
    doc: "Listening addresses and where their traffic goes.",
    keys: &[
        required(
            "bind",
            Value::List(&Value::One(Scalar::Bind)),
            "Listening addresses: vip@NAME:PORT, ADDRESS:PORT, [ADDRESS]:PORT or *:PORT (all IPv4; [::]:PORT is all \
             IPv6 and IPv4). Options in HAProxy's language may follow: `*:80 accept-proxy`.",
        ),
        key("mode", Value::One(MODE), "http or tcp. Default http."),
        ID,
        key("default_backend", Value::One(Scalar::ProxyName), "Backend of its traffic. Default none: 503."),
        key("maxconn", Value::One(MAXCONN), "Concurrent sessions. Default: bounded by the process only."),
        key(
            "session_rate",
            Value::One(RATE),
            "New sessions a second; more wait. Default: bounded by the process only.",
        ),
        key(
            "guid",
            Value::One(Scalar::Text),
            "Its name in the statistics file: letters, digits and .:-_, unlike all others. Default: none.",
        ),
        key("description", Value::One(Scalar::Text), "Text about it on the page of statistics. Default: none."),
        key(
            "socket_stats",
            Value::One(Scalar::Flag),
            "Whether statistics have a row for each listening address. Default false.",
        ),
        key("timeouts", Value::Section(&CLIENT_TIMEOUTS), "Timeouts of the client side."),
        key(
            "forwarded",
            Value::One(Scalar::Flag),
            "Adds X-Forwarded-For and X-Forwarded-Proto. Default true in http mode.",
        ),
        key(
            "doubtful_framing",
            Value::One(DOUBTFUL_FRAMING),
            "What becomes of a message with Transfer-Encoding and Content-Length, or with Transfer-Encoding in HTTP/1.0: \
             `refuse` answers 400, or 502 for a response; `close` reads the chunks, drops the length and closes the \
             connection behind it, as HAProxy does; `keep` does not even close. Default refuse.",
        ),
        key(
            "log",
            Value::Any(&FRONTEND_LOGS),
            "Where its lines go and how they look; false writes none. Default: where the process's go.",
        ),
        refused("tls", "TLS on a bind comes later; terminate it on the servers in tcp mode"),
        key(
            "use_backend",
            Value::List(&Value::Section(&USE_BACKEND)),
            "Backends for some of the traffic: the first whose condition holds. Default: `default_backend`.",
        ),
        STATS,
        ERRORS,
        STICK_TABLE,
        RULES,
    ],
};

const ERRORS: Key = key(
    "errors",
    PAGES,
    "Files with whole responses in place of the proxy's own pages, by status: {503: /etc/vipgate/errors/503.http}; \
     /dev/null closes without an answer. Where frontend and backend have one, the backend's counts.",
);

/// Files by status.
pub(super) const PAGES: Value = Value::Named(Scalar::PageStatus, &Value::One(Scalar::Text));
static FRONTEND_LOGS: [Value; 2] = [Value::One(Scalar::Flag), Value::Section(&log::FRONTEND)];
static BACKEND_LOGS: [Value; 2] = [Value::One(Scalar::Flag), Value::Section(&log::BACKEND)];

const STICK_TABLE: Key = key(
    "stick_table",
    Value::One(Scalar::StickTable),
    "A table of clients in HAProxy's language, such as `type ip size 100k expire 30s store conn_rate(10s)`. Rules name it \
     by the section; a frontend and a backend of one name share it.",
);

const RULES: Key = key(
    "rules",
    Value::List(&Value::One(Scalar::Rule)),
    "Rules in HAProxy's language, in order: `acl`, `http-request`, `http-response`, `http-after-response`, `redirect`, \
     `tcp-request`, `tcp-response`, `stick`, `use-server` and, in frontends, `use_backend` and \
     `force-be-switch`. Among them may stand \
     `errorfile`, `errorfiles`, `errorloc`, `http-error`, `monitor-uri`, `monitor fail`, `timeout tarpit`, `stats` and \
     options about HTTP messages, such as `option http-buffer-request`; and, in frontends, `option clitcpka` with its \
     times, and lines about the log, such as `log-format`, `capture request header` or `unique-id-format`.",
);

const STATS: Key = key(
    "stats",
    Value::Any(PAGE_OR_NOT),
    "A statistics page as HAProxy's, in http mode: true, or a map. Default: none. Where a line of `rules` begins with `stats`, \
     it belongs to the same page.",
);

const PAGE_OR_NOT: &[Value] = &[Value::One(Scalar::Flag), Value::Section(&STATISTICS)];

static STATISTICS: Section = Section {
    name: "`stats`",
    doc: "A statistics page.",
    keys: &[
        key("uri", Value::One(Scalar::Text), "What paths of its requests begin with. Default /haproxy?stats."),
        key("realm", Value::One(Scalar::Text), "Realm of its passwords. Default HAProxy Statistics."),
        key(
            "users",
            Value::Named(Scalar::Text, &Value::One(Scalar::Text)),
            "Passwords by user. Default: everybody sees the page.",
        ),
        key("refresh", Value::One(TIMEOUT), "How often it reloads by itself. Default: never."),
        key(
            "admin",
            Value::One(Scalar::Condition),
            "When servers may be changed on it, in HAProxy's language: `TRUE`, or a test such as `src 127.0.0.1`. Default: never.",
        ),
        key("hide_version", Value::One(Scalar::Flag), "Leaves the version out. Default false."),
        key("legends", Value::One(Scalar::Flag), "Shows addresses, cookies and algorithms. Default false."),
        key("node", Value::One(Scalar::Flag), "Shows the name of the node. Default false."),
        key("description", Value::One(Scalar::Text), "A text to show."),
        key(
            "scope",
            Value::List(&Value::One(Scalar::Text)),
            "Names of the proxies that it shows; `.` is the one that has it. Default: all.",
        ),
    ],
};

static USE_BACKEND: Section = Section {
    name: "an entry of `use_backend`",
    doc: "A backend for some of the traffic.",
    keys: &[
        required("backend", Value::One(Scalar::ProxyName), "Its name."),
        key(
            "if",
            Value::One(Scalar::Condition),
            "The condition in HAProxy's language: a test such as `path_beg /api`, or names of ACLs. Default: always.",
        ),
        key("unless", Value::One(Scalar::Condition), "The same, inverted."),
    ],
};

static CLIENT_TIMEOUTS: Section = Section {
    name: "`timeouts` of a frontend",
    doc: "Timeouts of the client side.",
    keys: &[
        key("client", Value::One(TIMEOUT), "Inactivity of the client. Default 30s."),
        key("handshake", Value::One(TIMEOUT), "From the connection to the end of its PROXY header. Default: client."),
        key(
            "http_request",
            Value::One(TIMEOUT),
            "From the first byte of a request to the end of its head. Default 10s.",
        ),
        key("http_keep_alive", Value::One(TIMEOUT), "Between two requests. Default 10s."),
        key(
            "tunnel",
            Value::Any(&[Value::One(TIMEOUT), OFF]),
            "Inactivity of an upgraded or TCP connection, both sides; off leaves it to `client` and the backend's \
             `server`. Default 1h; in tcp mode, where one of these is written, off.",
        ),
        key(
            "fin",
            Value::One(TIMEOUT),
            "Inactivity of the client of such a connection once one direction of it has ended. Default: as before.",
        ),
    ],
};

pub(super) static BACKEND: Section = Section {
    name: "a backend",
    doc: "A group of servers.",
    keys: &[
        required(
            "servers",
            Value::Any(&[
                Value::Named(Scalar::ProxyName, &Value::Any(&[Value::One(Scalar::Server), Value::Section(&SERVER)])),
                OFF,
            ]),
            "Servers by name: address:port, or a map. Address 0.0.0.0 is where the client wanted to go, port 0 the one that \
             it came in by, +1000 that and so much more; in log mode udp@ in front makes datagrams. off has none: the backend only answers by rules, or holds a stick table.",
        ),
        key(
            "mode",
            Value::One(Scalar::Word(&["http", "tcp", "log"])),
            "http, tcp, or log: its servers get messages of logs that have it as a target. Default: that of the frontend that \
             uses it.",
        ),
        ID,
        key(
            "balance",
            Value::Any(&[Value::One(Scalar::Balance), Value::Section(&RANDOM)]),
            "How a server is chosen, as in HAProxy: roundrobin, static-rr, leastconn, first, source, random, `uri depth 2`, \
             `url_param id`, hdr(host), rdp-cookie, `hash src,ipmask(24)`, sticky, in log mode `log-hash field(1)`... `random` draws two; {random: 3} draws three. Default roundrobin.",
        ),
        key("retries", Value::One(Scalar::Number(0, 100)), "Connection attempts after the first. Default 3."),
        key("redispatch", Value::One(Scalar::Flag), "Whether the last retry may go to another server. Default true."),
        key("timeouts", Value::Section(&SERVER_TIMEOUTS), "Timeouts of the server side."),
        key("check", Value::Section(&CHECK), "How servers are probed. Default: not at all, they count as up."),
        key("log_checks", Value::One(Scalar::Flag), "Logs every probe that changes something. Default false."),
        key("mail", Value::Section(&super::care::MAIL), "Mails about its servers. Default: none."),
        STATS,
        ERRORS,
        key(
            "log",
            Value::Any(&BACKEND_LOGS),
            "Where messages about it and its servers go; false writes none. Default: where the process's go.",
        ),
        STICK_TABLE,
        key("cookie", Value::Section(&COOKIE), "The cookie that keeps a client on its server. Default: none."),
        key(
            "options",
            Value::List(&Value::One(Scalar::BackendOption)),
            "Lines of a backend in HAProxy's language: dynamic-cookie-key, fullconn, hash-balance-factor, hash-preserve-affinity, hash-type, \
             http-reuse, load-server-state-from-file, max-keep-alive-queue, `persist rdp-cookie`, retry-on, server-state-file-name, `option allbackups`, `option persist`, `option prefer-last-server`.",
        ),
        RULES,
        refused("stick", "write its lines under `rules`, such as `stick on src`"),
    ],
};

static COOKIE: Section = Section {
    name: "`cookie`",
    doc: "The cookie that keeps a client on its server; its values are the servers' own, such as `options: cookie a`.",
    keys: &[
        required("name", Value::One(Scalar::Text), "Its name."),
        key(
            "mode",
            Value::One(Scalar::Word(&["rewrite", "insert", "prefix"])),
            "rewrite: the server makes it, its value is replaced; insert: vipgate makes it; prefix: the server makes it, its \
             value is preceded. Default: the server makes it and knows the value.",
        ),
        key(
            "options",
            Value::List(&Value::One(Scalar::CookieOption)),
            "In HAProxy's language: indirect, nocache, postonly, preserve, httponly, secure, dynamic, `domain .example.com`, \
             `maxidle 30m`, `maxlife 8h`, `attr SameSite=None`.",
        ),
    ],
};

static RANDOM: Section = Section {
    name: "`balance`",
    doc: "Random draws.",
    keys: &[required("random", Value::One(Scalar::Number(1, 64)), "Draws; the least loaded of them is chosen.")],
};

static SERVER_TIMEOUTS: Section = Section {
    name: "`timeouts` of a backend",
    doc: "Timeouts of the server side.",
    keys: &[
        key("connect", Value::One(TIMEOUT), "TCP connect. Default 5s."),
        key("server", Value::One(TIMEOUT), "Inactivity of the server. Default 30s."),
        key("queue", Value::One(TIMEOUT), "Waiting for a free slot of a server. Default 5s."),
        key(
            "tunnel",
            Value::One(TIMEOUT),
            "Inactivity of an upgraded or TCP connection, both sides. Default: the frontend's.",
        ),
        key(
            "fin",
            Value::One(TIMEOUT),
            "Inactivity of the server of such a connection once one direction of it has ended. Default: as before.",
        ),
    ],
};

static CHECK: Section = Section {
    name: "a check",
    doc: "How servers are probed.",
    keys: &[
        key("tcp", Value::One(Scalar::Flag), "true: a connection that is accepted is a success."),
        key(
            "http",
            Value::Any(&[Value::One(Scalar::Request), Value::Section(&REQUEST)]),
            "A request, such as GET /health, that is answered as expected.",
        ),
        key(
            "expect",
            Value::Any(&[
                Value::One(Scalar::Status),
                Value::List(&Value::One(Scalar::Status)),
                Value::Section(&EXPECT),
            ]),
            "Accepted answers: status codes such as 200-399, a list of them, or {status, body}. Default 200-399.",
        ),
        key(
            "rules",
            Value::List(&Value::One(Scalar::Rule)),
            "Steps in HAProxy's language, in order: `option httpchk`, `option tcp-check`, `option redis-check` and its \
             like, `http-check`, `tcp-check`, `external-check`. In place of `tcp`, `http` and `expect`.",
        ),
        key("interval", Value::One(TIMEOUT), "Pause between probes in a settled state. Default 2s."),
        key(
            "fast_interval",
            Value::One(TIMEOUT),
            "Pause between probes while the state changes. Default: 250ms, or interval if that is shorter.",
        ),
        key("down_interval", Value::One(TIMEOUT), "Pause between probes while down. Default: interval."),
        key("timeout", Value::One(TIMEOUT), "Time after which a probe has failed. Default: interval."),
        key(
            "answer_timeout",
            Value::One(TIMEOUT),
            "Time for an answer once a connection is made. Default: what is left of timeout.",
        ),
        key("rise", Value::One(COUNT), "Consecutive successes before up. Default 2."),
        key("fall", Value::One(COUNT), "Consecutive failures before down. Default 3."),
        key("port", Value::One(Scalar::Number(1, 65_535)), "Another port than the server's own."),
        key("address", Value::One(Scalar::Endpoint), "Another address and port than the server's own."),
        key(
            "observe",
            Value::Any(&[Value::One(COUNT), OFF]),
            "Consecutive connect failures of traffic that bring the next probe forward. Default 3.",
        ),
        key(
            "send_proxy",
            Value::One(Scalar::Flag),
            "Connections begin with a PROXY header. Default: as those of traffic, unless checks have a place of their own.",
        ),
        key("socks", Value::One(Scalar::Endpoint), "SOCKS4 proxy that connections go through."),
        key(
            "initial",
            Value::One(Scalar::Word(&["fully-up", "up", "down", "fully-down"])),
            "State before the first probe, as HAProxy's init-state. Default up.",
        ),
    ],
};

static REQUEST: Section = Section {
    name: "the request of a check",
    doc: "The request of a check.",
    keys: &[
        key("method", Value::One(Scalar::Method), "Method. Default GET."),
        required("path", Value::One(Scalar::Target), "Request target."),
        key(
            "headers",
            Value::Named(Scalar::Method, &Value::One(Scalar::Header)),
            "Header fields. Default Host: localhost.",
        ),
        key("version", Value::One(Scalar::Word(&["1.0", "1.1"])), "HTTP version; 1.0 needs no Host. Default 1.1."),
    ],
};

static EXPECT: Section = Section {
    name: "`expect`",
    doc: "Accepted answers.",
    keys: &[
        key("status", Value::List(&Value::One(Scalar::Status)), "Status codes. Default 200-399."),
        key("body", Value::One(Scalar::Text), "Text that the body must contain."),
    ],
};

static SERVER: Section = Section {
    name: "a server",
    doc: "A server.",
    keys: &[
        required(
            "address",
            Value::One(Scalar::Server),
            "address:port, or a Unix socket: unix@PATH, abns@NAME, abnsz@NAME.",
        ),
        key("weight", Value::One(Scalar::Number(0, 256)), "Share of the traffic; 0 takes no new sessions. Default 1."),
        key("maxconn", Value::One(MAXCONN), "Concurrent connections; more wait in the queue. Default unlimited."),
        key("backup", Value::One(Scalar::Flag), "Used only when no other server is usable. Default false."),
        key("source", Value::One(Scalar::Address), "Source address of connections and probes."),
        key("check", Value::Section(&CHECK), "How it is probed. Default: as the backend says."),
        key("disabled", Value::One(Scalar::Flag), "Starts in maintenance. Default false."),
        key("non_stick", Value::One(Scalar::Flag), "Never remembered by `stick` rules. Default false."),
        key("agent", Value::Section(&super::care::AGENT), "A program beside it that tells its state. Default: none."),
        key("track", Value::One(Scalar::Text), "Server whose state it follows: SERVER or BACKEND/SERVER."),
        key(
            "observe",
            Value::One(Scalar::Word(&["layer4", "layer7"])),
            "Traffic whose errors count like those of probes: connections, or responses too. Default: none.",
        ),
        key(
            "on_error",
            Value::One(Scalar::Word(&["fastinter", "fail-check", "sudden-death", "mark-down"])),
            "What they do: probe sooner, count as a failed probe, make one more failure enough, take it down. Default \
             fail-check.",
        ),
        key("error_limit", Value::One(Scalar::Number(1, 1_000_000_000)), "Errors in a row that count. Default 10."),
        key(
            "on_marked_down",
            Value::One(Scalar::Word(&["shutdown-sessions"])),
            "shutdown-sessions closes its sessions when it goes down. Default: they go on.",
        ),
        key(
            "on_marked_up",
            Value::One(Scalar::Word(&["shutdown-backup-sessions"])),
            "shutdown-backup-sessions closes those of backup servers when it comes up. Default: they go on.",
        ),
        key(
            "options",
            Value::List(&Value::One(Scalar::ServerOptions)),
            "Options of a server in HAProxy's language: cookie, hash-key, id, interface, max-reuse, maxqueue, minconn, namespace, \
             pool-low-conn, pool-max-conn, pool-purge-delay, proxy-v2-options, redir, send-proxy, send-proxy-v2, slowstart, \
             socks4, usesrc, and source-ports FIRST-LAST.",
        ),
    ],
};
