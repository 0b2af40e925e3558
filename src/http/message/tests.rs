use super::*;
use crate::http::{ConnectionField, FieldLine, RequestEdit, parse_request, parse_response};
use crate::http::{write_edited_request, write_edited_response};

const REQUEST: &[u8] = b"POST /a HTTP/1.1\r\nHost: h\r\nA: 1\r\nContent-Length: 3\r\nConnection: close\r\na: 2\r\n\r\n";

fn forwarded(edit: impl FnOnce(&mut Message<'_>)) -> String {
    let (mut head, mut edits, mut out) = (Head::default(), Edits::default(), Vec::new());
    parse_request(REQUEST, &mut head).unwrap();
    let mut message = Message { bytes: REQUEST, head: &head, edits: &mut edits };
    edit(&mut message);
    let request = RequestEdit { addresses: [None; 2], tells_protocol: false, connection: ConnectionField::Omit };
    write_edited_request(&mut out, &message, request);
    String::from_utf8(out).unwrap()
}

#[test]
fn an_untouched_request_is_forwarded_as_it_came() {
    assert_eq!(forwarded(|_| {}), "POST /a HTTP/1.1\r\nHost: h\r\nA: 1\r\nContent-Length: 3\r\na: 2\r\n\r\n");
}

#[test]
fn edits_keep_order_and_framing() {
    let text = forwarded(|message| {
        assert!(message.add(b"B", b"x\r\ny"));
        assert!(!message.add(b"bad name", b"x"));
        assert_eq!(message.remove(|name, _| name.eq_ignore_ascii_case(b"A")), 2);
        assert_eq!(message.remove(|name, _| name.eq_ignore_ascii_case(b"Content-Length")), 1);
        assert!(message.set_target(b"/b?c") && !message.set_target(b"/ b"));
        assert!(message.set_method(b"PUT") && !message.set_method(b"P T"));
        let host = message.fields().position(|field| field.is(b"host")).unwrap();
        message.replace(host, b"other");
    });
    assert_eq!(text, "PUT /b?c HTTP/1.1\r\nContent-Length: 3\r\nHost: other\r\nB: x  y\r\n\r\n");
}

#[test]
fn neighbours_are_written_in_order_whatever_became_of_one_of_them() {
    let text = forwarded(|message| {
        let line = FieldLine::new(b"B", None);
        assert!(message.add_line(&line, b"1") && message.add_line(&line, b"2") && message.add(b"C", b"3"));
        let second = message.len() - 2;
        message.replace(second, b"x\ny");
        message.remove(|name, _| name == b"a");
        assert!(!message.add_line(&FieldLine::new(b"no token", None), b""));
        assert!(!message.edits.adds_cookies());
        assert!(message.add(b"COOKIE", b"a=b") && message.edits.adds_cookies());
    });
    let expected =
        "POST /a HTTP/1.1\r\nHost: h\r\nA: 1\r\nContent-Length: 3\r\nB: 1\r\nB: x y\r\nC: 3\r\nCOOKIE: a=b\r\n\r\n";
    assert_eq!(text, expected);
}

#[test]
fn added_fields_are_found_before_and_after_the_list_is_made() {
    let told = |message: &Message<'_>| {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let fields: Vec<_> = message.fields().map(|field| text(field.name) + "=" + &text(field.value)).collect();
        (fields.join(" "), message.last_value(b"a").map(text), message.values(b"a").count())
    };
    let text = forwarded(|message| {
        assert!(message.add(b"A", b"3") && message.add(b"Longer", b"4"));
        let all = "Host=h A=1 Content-Length=3 a=2 A=3 Longer=4".to_owned();
        assert_eq!(told(message), (all, Some("3".into()), 3));
        message.remove_named(b"HOST");
        assert_eq!(told(message).0, "A=1 Content-Length=3 a=2 A=3 Longer=4");
        message.remove_named(b"a");
        assert_eq!(told(message), ("Content-Length=3 Longer=4".to_owned(), None, 0));
        message.remove_named(b"longer");
        assert!(message.set_line(&FieldLine::new(b"B", None), b"5"));
        assert!(message.set_line(&FieldLine::new(b"b", Some(b"6")), b""));
    });
    assert_eq!(text, "POST /a HTTP/1.1\r\nContent-Length: 3\r\nb: 6\r\n\r\n");
}

#[test]
fn a_line_with_its_value_is_added_as_any_other() {
    let text = forwarded(|message| {
        let line = FieldLine::new(b"Host", Some(b"x\ny"));
        message.remove_named(b"HOST");
        assert!(message.add_line(&line, b"") && message.add_line(&FieldLine::new(b"B", Some(b"")), b""));
        assert_eq!((message.value(b"host"), message.value(b"b")), (Some(&b"x y"[..]), Some(&b""[..])));
        message.remove_named(b"a");
        assert!(!message.add_line(&FieldLine::new(b"no token", Some(b"1")), b""));
    });
    assert_eq!(text, "POST /a HTTP/1.1\r\nContent-Length: 3\r\nHost: x y\r\nB: \r\n\r\n");
}

#[test]
fn target_and_host_field_follow_each_other() {
    let rewritten = |target: &str, edit: &dyn Fn(&mut Message<'_>)| {
        let bytes = format!("GET {target} HTTP/1.1\r\nHost: a:81\r\n\r\n");
        let (mut head, mut edits) = (Head::default(), Edits::default());
        parse_request(bytes.as_bytes(), &mut head).unwrap();
        let mut message = Message { bytes: bytes.as_bytes(), head: &head, edits: &mut edits };
        edit(&mut message);
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (text(message.target()), message.values(b"host").map(text).collect::<Vec<_>>().join("|"))
    };
    let is = |target: &str, host: &str| (target.to_owned(), host.to_owned());
    let set_host = |host: &'static [u8]| {
        move |message: &mut Message<'_>| {
            message.remove(|name, _| name.eq_ignore_ascii_case(b"host"));
            assert!(message.add(b"Host", host));
        }
    };
    assert_eq!(rewritten("/x", &|message| assert!(message.set_target(b"http://u@b/y?z"))), is("http://u@b/y?z", "b"));
    assert_eq!(rewritten("http://a:81/x", &|message| assert!(message.set_target(b"/y"))), is("/y", "a:81"));
    assert_eq!(rewritten("http://a:81/x?y", &set_host(b"b:90")), is("http://b:90/x?y", "b:90"));
    assert_eq!(rewritten("http://a:81/x", &|message| message.replace(0, b"c")), is("http://c/x", "c"));
    assert_eq!(rewritten("/x", &set_host(b"b")), is("/x", "b"));
    for odd in [&b"b /c HTTP/1.1"[..], b"b/c", b"u@b", b""] {
        let host = std::str::from_utf8(odd).unwrap();
        assert_eq!(rewritten("http://a:81/x?y", &set_host(odd)), is("/x?y", host));
        assert_eq!(rewritten("http://a:81?y", &set_host(odd)), is("/?y", host));
    }
}

#[test]
fn a_response_can_change_its_status() {
    let bytes = b"HTTP/1.0 200 OK\r\nServer: x\r\n\r\n";
    let (mut head, mut edits, mut out) = (Head::default(), Edits::default(), Vec::new());
    parse_response(bytes, &mut head).unwrap();
    let mut message = Message { bytes, head: &head, edits: &mut edits };
    assert_eq!((message.status(), message.reason()), (200, &b"OK"[..]));
    message.set_status(404, b"Gone\nAway");
    write_edited_response(&mut out, &message, ConnectionField::Omit);
    assert_eq!(String::from_utf8(out).unwrap(), "HTTP/1.1 404 Gone Away\r\nServer: x\r\n\r\n");
}

#[test]
fn added_fields_are_sent_in_order_whatever_else_is_kept_with_them() {
    let added = "B: 1\r\nX-Forwarded-Proto: https\r\nC: 2\r\n\r\n";
    let add = |message: &mut Message<'_>| {
        assert!(message.add(b"B", b"1") && message.add(b"X-Forwarded-Proto", b"https"));
    };
    let alone = forwarded(|message| {
        add(message);
        assert!(message.add(b"C", b"2"));
    });
    assert_eq!(alone, format!("POST /a HTTP/1.1\r\nHost: h\r\nA: 1\r\nContent-Length: 3\r\na: 2\r\n{added}"));
    let with_target = forwarded(|message| {
        add(message);
        assert!(message.set_target(b"/b") && message.set_method(b"PUT") && message.add(b"C", b"2"));
    });
    assert_eq!(with_target, alone.replacen("POST /a", "PUT /b", 1));
    let with_hop = forwarded(|message| {
        add(message);
        assert!(message.add(b"Keep-Alive", b"x") && message.add(b"Content-Length", b"9") && message.add(b"C", b"2"));
    });
    assert_eq!(with_hop, alone, "what is the proxy's business is left out");
}
