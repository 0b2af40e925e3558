//! What servers are told of the client: `option forwardfor`, `option originalto`, `option forwarded`.

use crate::rig::Scripted;
use crate::rules::{on_both, ours};

/// The values of the fields of a name in what a server was sent.
fn values(sent: &str, name: &str) -> Vec<String> {
    let fields = sent.lines().filter_map(|line| line.split_once(": "));
    fields.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned()).collect()
}

fn request(path: &str, fields: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: www.example.com\r\n{fields}\r\n")
}

#[test]
fn forwardfor_knows_exceptions_names_and_if_none() {
    let text = "frontend web\n bind PORT\n http-request set-src hdr(x-src)\n option forwardfor except 10.0.0.0/8 if-none\n \
                use_backend named if { path /named }\n use_backend always if { path /always }\n default_backend app\n\
                backend app\n server s SERVER\n\
                backend named\n option forwardfor header X-Client if-none except 192.0.2.128/25\n server s SERVER\n\
                backend always\n option forwardfor\n server s SERVER\n";
    on_both("http", text, |connect| {
        let mut client = connect();
        let mut told = |path: &str, fields: &str, name: &str| {
            let (_, sent) = client.send(request(path, fields)).response();
            assert_eq!(values(&sent, "x-forwarded-proto"), Vec::<String>::new());
            values(&sent, name)
        };
        let near = "X-Src: 10.1.2.3\r\n";
        let far = "X-Src: 192.0.2.1\r\n";
        let other = "X-Src: 192.0.2.200\r\n";
        assert_eq!(told("/", near, "x-forwarded-for"), Vec::<String>::new());
        assert_eq!(told("/", far, "x-forwarded-for"), ["192.0.2.1"]);
        assert_eq!(told("/", &format!("{far}X-Forwarded-For: a\r\n"), "x-forwarded-for"), ["a"]);
        assert_eq!(told("/named", far, "x-client"), ["192.0.2.1"]);
        assert_eq!(told("/named", far, "x-forwarded-for"), Vec::<String>::new());
        assert_eq!(told("/named", other, "x-client"), Vec::<String>::new());
        assert_eq!(told("/named", &format!("{far}X-Client: a\r\n"), "x-client"), ["a"]);
        assert_eq!(told("/always", &format!("{far}X-Forwarded-For: a\r\n"), "x-forwarded-for"), ["a", "192.0.2.1"]);
        assert_eq!(told("/always", near, "x-forwarded-for"), Vec::<String>::new());
    });
}

#[test]
fn a_backend_alone_may_ask_for_the_clients_address() {
    let text = "frontend web\n bind PORT\n default_backend app\n\
                backend app\n option forwardfor except 10.0.0.0/8 header X-Real-Ip\n server s SERVER\n";
    on_both("http", text, |connect| {
        let (_, sent) = connect().send(request("/", "")).response();
        assert_eq!(values(&sent, "x-real-ip"), ["127.0.0.1"]);
    });
}

#[test]
fn originalto_tells_where_the_client_wanted_to_go() {
    let text = "frontend web\n bind PORT\n http-request set-dst hdr(x-dst) if { req.hdr(x-dst) -m found }\n \
                option originalto except 192.0.2.0/24\n default_backend app\n\
                backend app\n option originalto header X-To\n server s SERVER\n";
    on_both("http", text, |connect| {
        let mut client = connect();
        let mut told = |fields: &str| values(&client.send(request("/", fields)).response().1, "x-to");
        assert_eq!(told(""), ["127.0.0.1"]);
        assert_eq!(told("X-Dst: 198.51.100.7\r\n"), ["198.51.100.7"]);
        assert_eq!(told("X-Dst: 192.0.2.7\r\n"), Vec::<String>::new());
    });
}

#[test]
fn forwarded_has_the_parameters_that_are_asked_for() {
    let server = Scripted::echo();
    let text = format!(
        "frontend web\n bind PORT\n http-request set-src hdr(x-src)\n http-request set-dst hdr(x-dst)\n \
         use_backend all if {{ path /all }}\n use_backend own if {{ path /own }}\n default_backend app\n\
         backend app\n option forwarded\n server s {0}\n\
         backend all\n option forwarded proto host by by_port-expr int(10) for for_port-expr str(id)\n server s {0}\n\
         backend own\n option forwarded host-expr str(a.example) for-expr req.hdr(x-name)\n server s {0}\n",
        server.address
    );
    let proxy = ours(&text);
    let mut client = proxy.client();
    let mut told = |path: &str, fields: &str| values(&client.send(request(path, fields)).response().1, "forwarded");
    let ends = "X-Src: 127.0.0.2\r\nX-Dst: 127.0.0.3\r\n";
    assert_eq!(told("/", ends), ["proto=http;for=127.0.0.2"]);
    assert_eq!(told("/", "X-Src: 2001:db8::1\r\n"), ["proto=http;for=\"[2001:db8::1]\""]);
    let all = r#"proto=http;host="www.example.com";by="127.0.0.3:10";for="127.0.0.2:_id""#;
    assert_eq!(told("/all", ends), [all]);
    assert_eq!(told("/own", "X-Name: me\r\n"), [r#"host="a.example";for=_me"#]);
    assert_eq!(told("/own", "X-Name: a name\r\n"), [r#"host="a.example";for=unknown"#]);
    // A good one is continued, a bad one is left alone.
    assert_eq!(told("/", &format!("{ends}Forwarded: for=192.0.2.1\r\n")), ["for=192.0.2.1, proto=http;for=127.0.0.2"]);
    assert_eq!(told("/", &format!("{ends}Forwarded: evil\r\n")), ["evil", "proto=http;for=127.0.0.2"]);
}
