//! Rules of haproxy.cfg. Every script runs twice, against vipgate and against the packaged HAProxy, with the same file: a
//! script that fails on HAProxy is a wrong script.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};

use vipgate::config::{HostFacts, load, render, rule_files};
use vipgate::diag::Source;
use vipgate::model::Model;
use vipgate::model::proxy::Mode;

use crate::ports;
use crate::rig::{Peer, Proxy, Scripted, field, until};

pub const DEFAULTS: &str = "defaults\n timeout client 60s\n timeout connect 60s\n timeout server 60s\n";

/// A running HAProxy; killed when dropped.
pub struct Packaged(pub Child);

impl Drop for Packaged {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn read(name: &str, text: &str) -> Model {
    let sources = [Source::new(name, text)];
    let mut host = HostFacts { node: "lb1".to_owned(), ..HostFacts::default() };
    let files = rule_files(&sources, &host).into_iter().map(|name| {
        let content = std::fs::read(&name).map(Into::into).map_err(|error| error.to_string());
        (name, content)
    });
    host.files = files.collect::<BTreeMap<_, _>>();
    let loaded = load(&sources, &host);
    let said = render(&loaded.diagnostics, &sources, 1);
    loaded.model.unwrap_or_else(|| panic!("{said}"))
}

/// Runs a script against both. `PORT` in the file is where to listen, `SERVER` a server that echoes what it was sent. Both
/// have one thread: with more, a client can have its answer before the server counts as idle.
pub fn on_both(mode: &str, text: &str, script: impl Fn(&dyn Fn() -> Peer)) {
    on_each(mode, text, text, script);
}

/// The same with a file for vipgate, and one for HAProxy that says it in other words.
pub fn on_each(mode: &str, ours: &str, theirs: &str, script: impl Fn(&dyn Fn() -> Peer)) {
    let server = Scripted::echo();
    // The packaged haproxy is 2.6, and what it reads as it is must mean the same here.
    let declared = if ours == theirs { "# vipgate: haproxy 2.6\n" } else { "" };
    let file = |text: &str, port: u16| {
        let text = text.replace("PORT", &format!("127.0.0.1:{port}")).replace("SERVER", &server.address.to_string());
        format!("{declared}global\n nbthread 1\n{DEFAULTS} mode {mode}\n{}\n", text.trim_end())
    };
    let kind = if mode == "tcp" { Mode::Tcp } else { Mode::Http };
    let proxy = Proxy::start(kind, &[], |model| {
        let port = model.frontends[0].binds[0].endpoint.tcp().unwrap().port();
        *model = read("rules.cfg", &file(ours, port));
    });
    script(&|| proxy.client());
    let directory = tempfile::tempdir().unwrap();
    let address = ports::free();
    let path = directory.path().join("haproxy.cfg");
    std::fs::write(&path, file(theirs, address.port())).unwrap();
    let mut command = Command::new("haproxy");
    command.arg("-db").arg("-f").arg(&path).stdout(Stdio::null()).stderr(Stdio::null());
    let _packaged = Packaged(command.spawn().expect("this needs the packaged haproxy: `./dev test` installs it"));
    until("haproxy serves", || TcpStream::connect(address).is_ok());
    script(&|| Peer::new(TcpStream::connect(address).unwrap()));
}

/// vipgate alone, with a file in which `PORT` is where to listen.
pub fn ours(text: &str) -> Proxy {
    Proxy::start(Mode::Http, &[], |model| {
        let port = model.frontends[0].binds[0].endpoint.tcp().unwrap().port();
        let text = text.replace("PORT", &format!("127.0.0.1:{port}"));
        *model = read("rules.cfg", &format!("{DEFAULTS} mode http\n{text}"));
    })
}

pub fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: www.example.com\r\nX-Gone: 1\r\nX-Kept: a, b\r\n\r\n")
}

pub fn status(head: &str) -> &str {
    head.split(' ').nth(1).unwrap_or_default()
}

#[test]
fn request_fields_and_path_are_what_rules_make_of_them() {
    let text = "frontend web\n bind PORT\n default_backend app\n http-request set-header X-Client %[src]\n \
                http-request del-header X-Gone\n http-request replace-value X-Kept b c\n \
                http-request set-path /new%[path] if { path_beg /old }\n http-request set-query q=1 if { path /old/q }\n \
                http-request add-header X-Who \"%[req.hdr(host),field(2,.)] %f %b\"\n\
                backend app\n http-request set-header X-Backend %b\n server s SERVER\n";
    on_both("http", text, |connect| {
        let mut client = connect();
        for path in ["/old/a", "/b"] {
            let (_, body) = client.send(get(path)).response();
            let expected = if path == "/b" { "GET /b HTTP/1.1" } else { "GET /new/old/a HTTP/1.1" };
            assert_eq!(body.lines().next(), Some(expected));
            assert_eq!(field(&body, "x-client"), Some("127.0.0.1"));
            assert_eq!((field(&body, "x-gone"), field(&body, "x-kept")), (None, Some("a,c")));
            assert_eq!((field(&body, "x-who"), field(&body, "x-backend")), (Some("example web web"), Some("app")));
        }
    });
}

#[test]
fn a_body_follows_a_head_that_was_edited() {
    let text = "frontend web\n bind PORT\n default_backend app\n http-request set-header X-A b\n\
                backend app\n server s SERVER\n";
    on_both("http", text, |connect| {
        let mut client = connect();
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc");
        let (_, body) = client.send(format!("def{}", get("/next"))).response();
        assert!(body.starts_with("POST / HTTP/1.1\r\n") && body.ends_with("\r\n\r\nabcdef"), "{body}");
        assert!(client.response().1.starts_with("GET /next HTTP/1.1\r\n"));
    });
}

#[test]
fn patterns_that_look_around_match_as_in_haproxy() {
    let text = r#"frontend web
 bind PORT
 http-request set-header X-Out no-admin if { path_reg ^/(?!admin) }
 http-request set-header X-Atom atom if { path_reg '^/(?>a+)b' } !{ path_reg '^/a++ab' }
 http-request replace-path ^/(?:.*/)?(?<=/)([a-z]+)(?=\.html) /new/\1
 http-request set-header X-Sub "%[str(a.b.c),regsub('(?<=[.])([a-z])','<\\1>',g)]"
 http-request set-header X-Twice "%[path,regsub('([a-z])\\1','-')]"
 default_backend app
backend app
 server s SERVER"#;
    on_both("http", text, |connect| {
        let mut client = connect();
        for (path, first, out, atom) in [
            ("/admin/x", "/admin/x", None, None),
            ("/shop", "/shop", Some("no-admin"), None),
            ("/aab", "/aab", Some("no-admin"), Some("atom")),
            ("/x/page.html", "/new/page", Some("no-admin"), None),
        ] {
            let (_, body) = client.send(get(path)).response();
            assert!(body.starts_with(&format!("GET {first} HTTP/1.1\r\n")), "{path}: {body}");
            assert_eq!((field(&body, "x-out"), field(&body, "x-atom")), (out, atom), "{path}");
            assert_eq!(field(&body, "x-sub"), Some("a.<b>.<c>"));
            assert_eq!(field(&body, "x-twice"), Some(if path == "/aab" { "/-b" } else { first }), "{path}");
        }
    });
}

#[test]
fn the_first_use_backend_that_applies_chooses() {
    let text = "frontend web\n bind PORT\n acl is_api path_beg /api /v1\n acl is_new hdr(x-new) -m found\n \
                use_backend api if is_api !is_new\n use_backend %[path,field(2,/)] if { path_dir dynamic none }\n \
                default_backend app\n\
                backend app\n http-request set-header X-B app\n server s SERVER\n\
                backend api\n http-request set-header X-B api\n server s SERVER\n\
                backend dynamic\n http-request set-header X-B dynamic\n server s SERVER\n";
    on_both("http", text, |connect| {
        let mut client = connect();
        for (path, expected) in
            [("/", "app"), ("/api/x", "api"), ("/v1", "api"), ("/dynamic/x", "dynamic"), ("/none", "app")]
        {
            assert_eq!(field(&client.send(get(path)).response().1, "x-b"), Some(expected), "{path}");
        }
        let new = get("/api").replace("X-Gone", "X-New");
        assert_eq!(field(&client.send(new).response().1, "x-b"), Some("app"));
    });
}

#[test]
fn rules_answer_in_place_of_a_server() {
    let text = "frontend web\n bind PORT\n default_backend app\n http-request deny if { path /deny }\n \
                http-request deny deny_status 429 content-type text/plain string slower if { path /slow }\n \
                http-request return status 200 content-type text/plain lf-string \"%[path] of %[src]\" if { path /own }\n \
                http-request redirect location https://%[req.hdr(host)]%[pathq] code 301 if { path /secure }\n \
                http-request auth realm ops if { path /auth }\n redirect prefix http://b.example if { path /moved }\n\
                backend app\n server s SERVER\n";
    on_both("http", text, |connect| {
        let mut client = connect();
        let (head, body) = client.send(get("/own")).response();
        assert_eq!((status(&head), body.as_str()), ("200", "/own of 127.0.0.1"));
        assert_eq!(field(&head, "content-type"), Some("text/plain"));
        let (head, body) = client.send(get("/slow")).response();
        assert_eq!((status(&head), body.as_str()), ("429", "slower"));
        let (head, _) = client.send(get("/secure?a=b")).response();
        assert_eq!((status(&head), field(&head, "location")), ("301", Some("https://www.example.com/secure?a=b")));
        let (head, _) = client.send(get("/moved")).response();
        assert_eq!((status(&head), field(&head, "location")), ("302", Some("http://b.example/moved")));
        let (head, body) = client.send(get("/auth")).response();
        assert_eq!((status(&head), field(&head, "www-authenticate")), ("401", Some("Basic realm=\"ops\"")));
        assert!(body.contains("401 Unauthorized"), "{body}");
        let (head, body) = client.send(get("/deny")).response();
        assert!(status(&head) == "403" && body.contains("Request forbidden by administrative rules."), "{head}{body}");
        assert!(client.send(get("/")).response().1.starts_with("GET / "), "the connection goes on");
    });
}

#[test]
fn a_rejected_request_ends_its_connection() {
    let text = "frontend web\n bind PORT\n default_backend app\n http-request reject if { path /reject }\n\
                backend app\n server s SERVER\n";
    on_both("http", text, |connect| {
        assert!(connect().send(get("/reject")).is_ended());
    });
}

#[test]
fn response_rules_see_the_request_through_variables() {
    let text = "frontend web\n bind PORT\n default_backend app\n http-request set-var(txn.path) path\n \
                http-response set-header X-Path %[var(txn.path)]\n http-response add-header X-Order frontend\n \
                http-response set-status 299 reason Fine if { var(txn.path) -m str /status }\n \
                http-response deny if { var(txn.path) -m str /secret }\n http-after-response set-header X-After %f\n\
                backend app\n http-response set-header X-Order %s\n server s1 SERVER\n";
    on_both("http", text, |connect| {
        let mut client = connect();
        let (head, _) = client.send(get("/a")).response();
        assert_eq!((field(&head, "x-path"), field(&head, "x-after")), (Some("/a"), Some("web")));
        let order: Vec<_> =
            head.lines().filter_map(|line| line.to_lowercase().strip_prefix("x-order: ").map(str::to_owned)).collect();
        assert_eq!(order, ["s1", "frontend"]);
        assert!(client.send(get("/status")).response().0.starts_with("HTTP/1.1 299 Fine\r\n"));
        let head = connect().send(get("/secret")).head();
        assert_eq!((status(&head), field(&head, "x-after")), ("502", Some("web")));
    });
}

#[test]
fn a_listen_section_runs_its_rules_once() {
    let text = "listen web\n bind PORT\n http-request add-header X-Once 1\n http-response add-header X-Once 1\n server s SERVER\n";
    on_both("http", text, |connect| {
        let (head, body) = connect().send(get("/")).response();
        let count = |text: &str| text.to_lowercase().matches("x-once: 1").count();
        assert_eq!((count(&head), count(&body)), (1, 1), "{head}{body}");
    });
}

#[test]
fn own_pages_pass_http_after_response() {
    let text =
        "frontend web\n bind PORT\n http-after-response set-header X-After yes\n default_backend app\nbackend app\n";
    on_both("http", text, |connect| {
        let head = connect().send(get("/")).head();
        assert_eq!((status(&head), field(&head, "x-after")), ("503", Some("yes")));
    });
}

#[test]
fn patterns_and_maps_come_from_files() {
    let directory = tempfile::tempdir().unwrap();
    let (list, map) = (directory.path().join("list"), directory.path().join("map"));
    std::fs::write(&list, "# networks\n127.0.0.0/8\n").unwrap();
    std::fs::write(&map, "/a alpha\n/b beta\n").unwrap();
    let text = format!(
        "frontend web\n bind PORT\n default_backend app\n http-request set-header X-Local yes if {{ src -f {} }}\n \
         http-request set-header X-Map %[path,map_beg({},none)]\nbackend app\n server s SERVER\n",
        list.display(),
        map.display()
    );
    on_both("http", &text, |connect| {
        let mut client = connect();
        for (path, expected) in [("/a/x", "alpha"), ("/b", "beta"), ("/c", "none")] {
            let (_, body) = client.send(get(path)).response();
            assert_eq!((field(&body, "x-map"), field(&body, "x-local")), (Some(expected), Some("yes")));
        }
    });
}

#[test]
fn passwords_of_a_userlist_let_in() {
    // openssl passwd -5 -salt saltsalt secret; -6 for cat
    let text = "userlist team\n group ops users ann\n user ann insecure-password pw\n \
                user bob password $5$saltsalt$0IyaXrmV7.sGNS6tirgqHLqX/G.FBvgkYA.lpPdS5sA\n \
                user cat password $6$saltsalt$TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDehy0S5knV8wiOQSpT0Y77vwPZN.Pq.H91p5hVO1 groups ops\n\
                frontend web\n bind PORT\n default_backend app\n http-request auth unless { http_auth(team) }\n \
                http-request set-header X-Ops yes if { http_auth_group(team) ops }\n\
                backend app\n server s SERVER\n";
    on_both("http", text, |connect| {
        // ann:pw, bob:secret, bob:wrong, cat:secret, cat:wrong, dan:secret, bob:$5$saltsalt$0IyaX
        for (credentials, code, is_ops) in [
            ("YW5uOnB3", "200", true),
            ("Ym9iOnNlY3JldA==", "200", false),
            ("Ym9iOndyb25n", "401", false),
            ("Y2F0OnNlY3JldA==", "200", true),
            ("Y2F0Ondyb25n", "401", false),
            ("ZGFuOnNlY3JldA==", "401", false),
            ("Ym9iOiQ1JHNhbHRzYWx0JDBJeWFY", "401", false),
        ] {
            let request = get("/").replace("X-Gone: 1", &format!("Authorization: Basic {credentials}"));
            let (head, body) = connect().send(request).response();
            assert_eq!((status(&head), field(&body, "x-ops").is_some()), (code, is_ops), "{head}{body}");
        }
        assert_eq!(status(&connect().send(get("/")).response().0), "401");
    });
}

#[test]
fn unwanted_connections_are_not_served() {
    let text = "frontend web\n bind PORT\n tcp-request connection reject if { src 127.0.0.0/8 } { dst_port gt 0 }\n \
                default_backend app\nbackend app\n server s SERVER\n";
    on_both("http", text, |connect| {
        use std::io::{Read, Write};
        let mut client = connect().stream;
        // Whether the write still succeeds is a race with the reset.
        let _ = client.write_all(get("/").as_bytes());
        let mut answer = Vec::new();
        let _ = client.read_to_end(&mut answer);
        assert!(answer.is_empty());
    });
}

#[test]
fn tcp_connections_choose_by_address() {
    let text = "frontend web\n bind PORT\n use_backend here if { src 127.0.0.1 }\n default_backend nowhere\n\
                backend here\n server s SERVER\nbackend nowhere\n";
    on_both("tcp", text, |connect| {
        assert!(connect().send(get("/")).response().1.starts_with("GET / "));
    });
}

#[test]
fn rules_of_yaml_are_rules_of_haproxy() {
    let server = Scripted::echo();
    let text = |port: u16, server: SocketAddr| {
        format!(
            "nodes: {{lb1: {{}}}}\nfrontends:\n  web:\n    bind: [\"127.0.0.1:{port}\"]\n    default_backend: app\n    \
             use_backend: [{{backend: api, if: \"path_beg /api\"}}, {{backend: none, unless: is_known}}]\n    \
             rules: [\"acl is_known path_beg /api /app\", \"http-request set-header X-Client %[src]\"]\n\
             backends:\n  app: {{servers: {{s: \"{server}\"}}}}\n  \
             api: {{servers: {{s: \"{server}\"}}, rules: [\"http-request set-header X-B api\"]}}\n  \
             none: {{servers: {{s: \"{server}\"}}, rules: [\"http-request deny status 404\"]}}\n"
        )
    };
    let proxy = Proxy::start(Mode::Http, &[], |model| {
        let port = model.frontends[0].binds[0].endpoint.tcp().unwrap().port();
        *model = read("rules.yaml", &text(port, server.address));
    });
    let mut client = proxy.client();
    let (_, body) = client.send(get("/api/x")).response();
    assert_eq!((field(&body, "x-b"), field(&body, "x-client")), (Some("api"), Some("127.0.0.1")));
    let (_, body) = client.send(get("/app")).response();
    assert_eq!((field(&body, "x-b"), field(&body, "x-client")), (None, Some("127.0.0.1")));
    assert_eq!(status(&client.send(get("/other")).response().0), "404");
}

#[test]
fn requests_that_rules_answered_are_logged_as_haproxy_logs_them() {
    let proxy = Proxy::start(Mode::Http, &[], |model| {
        let port = model.frontends[0].binds[0].endpoint.tcp().unwrap().port();
        let rules = "http-request deny if { path /deny }\n http-request return status 204 if { path /own }\n \
                     http-request set-log-level silent if { path /quiet }\n http-request return status 200 if { path /quiet }\n \
                     http-request reject if { path /reject }\n http-request set-path /x\n option httplog\n";
        *model = read("a.cfg", &format!("{DEFAULTS} mode http\nfrontend web\n bind 127.0.0.1:{port}\n {rules}"));
        model.frontends[0].log = crate::rig::logs();
    });
    assert!(proxy.client().send(get("/quiet")).head().starts_with("HTTP/1.1 200 "));
    for (path, status, state) in
        [("/deny", "403", "PR--"), ("/own", "204", "LR--"), ("/else", "503", "SC--"), ("/reject", "-1", "PR--")]
    {
        proxy.client().send(get(path)).head();
        let line = proxy.line();
        assert!(line.starts_with("web web/<NOSRV> ") && line.contains(&format!(" {status} ")), "{line}");
        assert!(
            line.contains(&format!(" - - {state} ")) && line.ends_with(&format!("\"GET {path} HTTP/1.1\"")),
            "{line}"
        );
    }
}
