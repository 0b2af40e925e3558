//! What holds for any bytes, and the table of what must not be forwarded.

use proptest::prelude::*;

use super::*;

/// Scans a body in pieces of the given sizes, over and over.
fn scan(bytes: &[u8], sizes: &[usize]) -> Result<(usize, bool), chunked::ChunkError> {
    let mut scanner = ChunkScanner::default();
    let mut at = 0;
    let mut sizes = sizes.iter().cycle();
    while at < bytes.len() && !scanner.is_done() {
        let end = (at + sizes.next().copied().unwrap_or(1).max(1)).min(bytes.len());
        let taken = scanner.scan(&bytes[at..end])?;
        at += taken;
        if at < end {
            break;
        }
    }
    Ok((at, scanner.is_done()))
}

fn request(bytes: &[u8]) -> Result<(Parsed, Head), HeadError> {
    let mut head = Head::default();
    parse_request(bytes, &mut head).map(|parsed| (parsed, head))
}

fn http_like() -> impl Strategy<Value = Vec<u8>> {
    let word = prop::sample::select(vec![
        "GET",
        " ",
        "/",
        "HTTP/1.1",
        "HTTP/1.0",
        "\r\n",
        "\n",
        "\r",
        ":",
        "Content-Length",
        "Transfer-Encoding",
        "chunked",
        "Connection",
        "close",
        "Host",
        "5",
        ",",
        "\t",
        "a",
        "\0",
        "é",
        "HTTP/1.1 200 OK\r\n",
        "GET / HTTP/1.1\r\n",
        "0\r\n\r\n",
        "5\r\nhello\r\n",
        ";x=\"y\"",
    ]);
    prop::collection::vec(word, 0..40).prop_map(|words| words.concat().into_bytes())
}

proptest! {
    #[test]
    fn no_bytes_make_the_parsers_panic(bytes in prop_oneof![http_like(), prop::collection::vec(any::<u8>(), 0..300)]) {
        let mut head = Head::default();
        for parse in [parse_request, parse_response] {
            if parse(&bytes, &mut head) == Ok(Parsed::Complete) {
                prop_assert!(head.length <= bytes.len());
                let mut out = Vec::new();
                write_response(&mut out, &bytes, &head, ConnectionField::Close);
            }
        }
        let _ = scan(&bytes, &[1]);
    }

    #[test]
    fn a_forwarded_head_reads_the_same(bytes in http_like()) {
        let Ok((Parsed::Complete, head)) = request(&bytes) else { return Ok(()) };
        let mut out = Vec::new();
        write_request(&mut out, &bytes, &head, RequestEdit { addresses: [None; 2], tells_protocol: false, connection: ConnectionField::Omit });
        let (parsed, again) = request(&out).expect("what is forwarded is valid");
        prop_assert_eq!(parsed, Parsed::Complete);
        prop_assert_eq!(again.length, out.len());
        prop_assert_eq!(again.request_framing(), head.request_framing());
        prop_assert_eq!(again.target.of(&out), head.target.of(&bytes));
    }

    #[test]
    fn a_head_is_complete_where_its_end_is_found(bytes in http_like(), cut in 0usize..200) {
        let Ok((Parsed::Complete, head)) = request(&bytes) else { return Ok(()) };
        let cut = cut.min(head.length - 1);
        if let Ok((parsed, _)) = request(&bytes[..cut]) {
            prop_assert_eq!(parsed, Parsed::Partial);
            if bytes[0] != b'\r' && bytes[0] != b'\n' {
                prop_assert!(is_head_complete(&bytes, cut));
            }
        }
    }

    #[test]
    fn pieces_do_not_change_where_a_chunked_body_ends(
        bytes in http_like(),
        sizes in prop::collection::vec(1usize..20, 1..5),
    ) {
        prop_assert_eq!(scan(&bytes, &sizes), scan(&bytes, &[usize::MAX >> 1]));
    }

    #[test]
    fn a_chunked_body_ends_after_its_last_chunk(
        chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..200), 0..6),
        after in prop::collection::vec(any::<u8>(), 0..20),
        size in 1usize..50,
    ) {
        let mut body = Vec::new();
        for chunk in &chunks {
            body.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            body.extend_from_slice(chunk);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"0\r\n\r\n");
        let length = body.len();
        body.extend_from_slice(&after);
        prop_assert_eq!(scan(&body, &[size]), Ok((length, true)));
    }
}

#[test]
fn chunked_bodies_that_parsers_disagree_about_are_refused() {
    for body in [
        "5\nhello\r\n",
        "5\r\nhello\n",
        "5\r\nhello0\r\n",
        "+5\r\n",
        "0x5\r\n",
        "-1\r\n",
        "\r\n",
        "1000000000000000\r\n",
        "5;a\nb\r\n",
        "5;a\rb\r\n",
        "0\r\nX Y: 1\r\n\r\n",
        "0\r\n: 1\r\n\r\n",
        "0\r\n X: 1\r\n\r\n",
        "0\r\nX: 1\n\r\n",
    ] {
        assert!(scan(body.as_bytes(), &[100]).is_err(), "{body:?}");
    }
    let long = format!("5;{}", "x".repeat(20_000));
    assert_eq!(scan(long.as_bytes(), &[100]), Err(chunked::ChunkError::TooLong));
}

#[test]
fn a_head_tells_how_its_body_ends() {
    let framing = |text: &str| request(text.as_bytes()).unwrap().1.request_framing();
    assert_eq!(framing("GET / HTTP/1.1\r\n\r\n"), BodyFraming::None);
    assert_eq!(framing("GET / HTTP/1.1\r\ncontent-length: 7\r\n\r\n"), BodyFraming::Length(7));
    assert_eq!(framing("GET / HTTP/1.1\r\nTransfer-Encoding:\t Chunked \r\n\r\n"), BodyFraming::Chunked);
    let mut head = Head::default();
    for (status, method, expected) in [
        (200, Method::Get, BodyFraming::UntilClose),
        (200, Method::Head, BodyFraming::None),
        (204, Method::Get, BodyFraming::None),
        (304, Method::Get, BodyFraming::None),
        (101, Method::Get, BodyFraming::None),
    ] {
        parse_response(format!("HTTP/1.1 {status} X\r\n\r\n").as_bytes(), &mut head).unwrap();
        assert_eq!(head.response_framing(method), expected, "{status}");
    }
}

#[test]
fn bare_line_feeds_are_forwarded_as_line_ends() {
    let bytes = b"GET / HTTP/1.1\nHost: a\nX:b\n\n";
    let (_, head) = request(bytes).unwrap();
    let mut out = Vec::new();
    write_request(
        &mut out,
        bytes,
        &head,
        RequestEdit { addresses: [None; 2], tells_protocol: false, connection: ConnectionField::Omit },
    );
    assert_eq!(out, b"GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n\r\n");
}

#[test]
fn the_client_is_forwarded_as_it_is_written() {
    let bytes = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let (_, head) = request(bytes).unwrap();
    for (client, written) in [
        ("0.9.10.99", "0.9.10.99"),
        ("100.101.255.1", "100.101.255.1"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8::7", "2001:db8::7"),
    ] {
        let mut out = Vec::new();
        let addresses = [Some((&b"X-Forwarded-For"[..], client.parse().unwrap())), None];
        write_request(
            &mut out,
            bytes,
            &head,
            RequestEdit { addresses, tells_protocol: true, connection: ConnectionField::Omit },
        );
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains(&format!("\r\nX-Forwarded-For: {written}\r\n")), "{text}");
    }
}

#[test]
fn a_head_has_at_most_101_fields() {
    let head = |fields: usize| format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(fields));
    assert!(request(head(101).as_bytes()).is_ok());
    assert_eq!(request(head(102).as_bytes()).unwrap_err(), HeadError::TooManyFields);
}

#[test]
fn trailers_are_taken_out_wherever_a_body_is_cut() {
    let (before, trailers, after) = ("3;a=b\r\nabc\r\n2\r\n\r\n\r\n0\r\n", "X: y\r\nZ:\r\n", "\r\n");
    let whole = [before, trailers, after].concat();
    for cut in 0..=whole.len() {
        let (mut scanner, mut out) = (ChunkScanner::default(), Vec::new());
        for part in [&whole[..cut], &whole[cut..], "GET / HTTP/1.1"] {
            scanner.write_without_trailers(part.as_bytes(), &mut out).unwrap();
        }
        assert!(scanner.is_done());
        assert_eq!(String::from_utf8(out).unwrap(), [before, after].concat(), "{cut}");
    }
}
