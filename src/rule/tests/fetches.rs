use super::{World, complaint, text};
use crate::rule::stage::Stage;
use crate::rule::transaction::Data;

/// Expressions and what haproxy 2.6.12 returned for the request of the fixture.
const REQUEST: &[(&str, &str)] = &[
    ("method", "GET"),
    ("req.ver", "1.1"),
    ("path", "/a/b/c.html"),
    ("pathq", "/a/b/c.html?x=1&y=two;z=3"),
    ("url", "/a/b/c.html?x=1&y=two;z=3"),
    ("query", "x=1&y=two;z=3"),
    ("base", "www.Example.com:8080/a/b/c.html"),
    ("base32", "2872471503"),
    ("url32", "249550590"),
    ("baseq", "www.Example.com:8080/a/b/c.html?x=1&y=two;z=3"),
    ("req.hdr(x-multi)", "three"),
    ("req.hdr(x-multi,1)", "one"),
    ("req.hdr(x-multi,-2)", "two"),
    ("req.hdr(x-multi,9)", "-"),
    ("req.hdr_cnt(x-multi)", "3"),
    ("req.fhdr(x-multi)", "three"),
    ("req.fhdr(x-multi,1)", "one, two"),
    ("req.fhdr_cnt(x-multi)", "2"),
    (
        "req.hdr_names(/)",
        "host/accept/x-multi/x-multi/cookie/accept-language/x-forwarded-for/user-agent/authorization/content-length",
    ),
    ("req.cook(sid)", "def"),
    ("req.cook_cnt(sid)", "2"),
    ("req.cook(lang)", "en"),
    ("req.cook_cnt", "3"),
    ("req.cook(nope)", "-"),
    ("req.cook", "abc"),
    ("req.cook_names", "sid,lang,sid"),
    ("req.hdr_ip(x-forwarded-for)", "5.6.7.8"),
    ("req.hdr_ip(x-forwarded-for,1)", "1.2.3.4"),
    ("hdr_val(content-length)", "11"),
    ("url_ip", "-"),
    ("http_auth(ul)", "1"),
    ("http_auth_user", "a"),
    ("http_auth_pass", "b"),
    ("http_auth_type", "Basic"),
    ("http_auth_group(ul)", "a"),
    ("http_auth_bearer", "-"),
    ("fe_name", "fe"),
    // What the kernel of the fixture says, as the manual rounds it.
    ("fc_rtt", "2"),
    ("fc_rtt(us)", "1600"),
    ("fc_rttvar", "0"),
    ("fc_unacked", "3"),
    ("fc_lost", "-"),
    ("dst", "127.0.0.2"),
    ("src", "127.0.0.1"),
    ("src_port", "33317"),
    ("req.body", "k=v&k2=w%20"),
    ("req.body_len", "11"),
    ("req.body_size", "11"),
    ("req.body_param(k2),url_dec", "w "),
    ("capture.req.method", "GET"),
    ("capture.req.uri", "/a/b/c.html?x=1&y=two;z=3"),
    ("capture.req.ver", "HTTP/1.1"),
    ("req.proto_http", "1"),
    ("meth(POST)", "POST"),
    ("bool(1)", "1"),
    ("var(txn.nope)", "-"),
    ("var(txn.nope,dflt)", "dflt"),
    ("urlp(x)", "1"),
    ("urlp(y)", "two"),
    ("urlp(Y,,i)", "two"),
    ("urlp_val(x)", "1"),
    ("urlp", "1"),
    ("nbsrv(be)", "1"),
    ("avg_queue(be)", "3"),
    ("avg_queue(down)", "6"),
    ("date", "1000000000"),
    ("date(-1)", "999999999"),
    ("date(0,ms)", "1000000000123"),
    ("date_us", "123456"),
    ("accept_date(ms)", "1000000000655"),
    ("rand(10)", "5"),
    ("uuid", "80000001-8000-4001-8000-000180000001"),
    ("uuid(7)", "00e8d4a5-107b-7001-8000-000180000001"),
    ("env(HOME)", "/root"),
    ("env(NOPE)", "-"),
    ("hostname", "lb1"),
    ("fc_pp_tlv(0xEA)", "tlv"),
    ("http_first_req", "1"),
    ("ssl_fc_has_sni", "0"),
    ("wait_end", "1"),
    ("acl(TRUE,!FALSE)", "1"),
];

#[test]
fn fetches_of_a_request_return_what_haproxy_returns() {
    for (expression, expected) in REQUEST {
        assert_eq!(text(&mut World::new(), Stage::HttpRequest, expression), *expected, "{expression}");
    }
}

#[test]
fn an_absolute_target_has_a_path_an_address_and_a_port() {
    let request = b"GET http://192.0.2.7:81/p?q HTTP/1.1\r\nHost: 192.0.2.7:81\r\n\r\n";
    for (expression, expected) in
        [("path", "/p"), ("query(with_qm)", "?q"), ("url_ip", "192.0.2.7"), ("url_port", "81"), ("pathq", "/p?q")]
    {
        assert_eq!(text(&mut World::of(request), Stage::HttpRequest, expression), expected, "{expression}");
    }
    let request = b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n";
    assert_eq!(text(&mut World::of(request), Stage::HttpRequest, "path"), "-");
    assert_eq!(text(&mut World::of(request), Stage::HttpRequest, "url"), "*");
}

#[test]
fn fetches_of_a_response_look_at_the_response() {
    for (expression, expected) in [
        ("status", "301"),
        ("res.ver", "1.1"),
        ("res.hdr(server)", "x"),
        ("res.hdr_val(x-count)", "7"),
        ("res.cook(s)", "1"),
        ("res.cook(t)", "2"),
        ("res.cook_cnt", "2"),
        ("res.hdr_cnt(set-cookie)", "3"),
        ("res.fhdr_cnt(set-cookie)", "2"),
        ("res.body", "body"),
        ("capture.res.ver", "HTTP/1.1"),
        ("res.hdr_names", "server,set-cookie,set-cookie,x-count"),
    ] {
        assert_eq!(text(&mut World::new(), Stage::HttpResponse, expression), expected, "{expression}");
    }
}

/// A ClientHello of TLS 1.3 for `example.com` with h2 and http/1.1, as far as it matters.
fn client_hello() -> Vec<u8> {
    let extension =
        |number: u16, body: &[u8]| [&number.to_be_bytes()[..], &(body.len() as u16).to_be_bytes(), body].concat();
    let extensions = [
        extension(0, b"\x00\x0e\x00\x00\x0bexample.com"),
        extension(16, b"\x00\x0c\x02h2\x08http/1.1"),
        extension(43, b"\x04\x03\x04\x03\x03"),
        extension(35, b""),
        extension(10, b"\x00\x02\x00\x1d"),
    ]
    .concat();
    let mut hello = vec![3, 3];
    hello.extend([7; 32]);
    hello.extend(b"\x00\x00\x02\x13\x01\x01\x00");
    hello.extend((extensions.len() as u16).to_be_bytes());
    hello.extend(extensions);
    let handshake = [&[1, 0][..], &(hello.len() as u16).to_be_bytes(), &hello].concat();
    [&[22, 3, 1][..], &(handshake.len() as u16).to_be_bytes(), &handshake].concat()
}

#[test]
fn a_client_hello_is_read_without_being_decrypted() {
    let hello: &'static [u8] = client_hello().leak();
    for (expression, expected) in [
        ("req.ssl_hello_type", "1"),
        ("req.ssl_sni", "example.com"),
        ("req.ssl_alpn", "h2,http/1.1"),
        ("req.ssl_ver", "196612"),
        ("req.ssl_st_ext", "1"),
        ("req.ssl_ec_ext", "1"),
        ("req.len,add(0)", &hello.len().to_string()[..]),
        ("req.payload(0,2),hex", "1603"),
        ("req.payload_lv(3,2),hex,length", &(hello.len() * 2 - 10).to_string()[..]),
    ] {
        let mut world = World::new();
        world.body = Data { bytes: hello, is_final: true, announced: None };
        assert_eq!(text(&mut world, Stage::TcpRequest, expression), expected, "{expression}");
        for length in 0..hello.len() {
            world.body.bytes = &hello[..length];
            text(&mut world, Stage::TcpRequest, expression);
        }
    }
}

#[test]
fn unknown_and_unsupported_fetches_say_so() {
    assert_eq!(complaint("scr"), "unknown fetch 'scr' (did you mean 'src'?)");
    assert_eq!(complaint("src_conn_cnt(none)"), "argument 1 of 'src_conn_cnt': unknown stick table 'none'");
    assert_eq!(complaint("sc_conn_cnt(3)"), "fine", "HAProxy takes it");
    assert_eq!(complaint("uuid(5)"), "there is no UUID of version 5: 4 or 7");
    assert_eq!(complaint("http_auth(none)"), "argument 1 of 'http_auth': unknown userlist 'none'");
    assert_eq!(complaint("rand(x)"), "argument 1 of 'rand': 'x' is not an integer");
    assert_eq!(complaint("srv_is_up"), "'srv_is_up' lacks its argument 1 (server)");
}
