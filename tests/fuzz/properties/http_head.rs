//! A hostile message head: nothing panics, a prefix is never complete before the whole, and what is forwarded is
//! delimited for the next parser as it was for this one (or a request could be smuggled).

use vipgate::http::{
    ConnectionField, Head, Leniency, Method, Parsed, RequestEdit, is_head_complete, parse_request, parse_response,
    write_request, write_response,
};

/// The first byte chooses request or response, and whether doubtful framings are let through: what is forwarded is read
/// by one that lets none through.
pub fn holds(data: &[u8]) {
    let Some((choice, bytes)) = data.split_first() else { return };
    let parse = if choice % 2 == 0 { parse_request } else { parse_response };
    let leniency = Leniency { transfer_wins: choice & 2 != 0, ..Leniency::default() };
    let mut head = Head::default();
    head.leniency = leniency;
    let Ok(Parsed::Complete) = parse(bytes, &mut head) else { return };
    let end = head.length;
    assert!(end <= bytes.len());
    assert!(is_head_complete(&bytes[..end], 0), "the caller's look for an empty line finds it, too");

    let mut shorter = Head::default();
    shorter.leniency = leniency;
    for cut in (0..end).rev().take(256) {
        assert_ne!(parse(&bytes[..cut], &mut shorter), Ok(Parsed::Complete), "complete at {cut} of {end}");
    }

    let mut out = Vec::new();
    let mut again = Head::default();
    if choice % 2 == 0 {
        let edit = RequestEdit {
            addresses: [Some((b"X-Forwarded-For", [192, 0, 2, 1].into())), None],
            tells_protocol: true,
            connection: ConnectionField::Omit,
        };
        write_request(&mut out, bytes, &head, edit);
        // One more field than was allowed may have been added; nothing else may be refused.
        match parse_request(&out, &mut again) {
            Ok(parsed) => {
                assert_eq!(parsed, Parsed::Complete);
                assert_eq!(head.request_framing(), again.request_framing());
            }
            Err(error) => assert!(head.fields.len() + 3 > 101, "forwarded request is refused: {error}"),
        }
    } else {
        write_response(&mut out, bytes, &head, ConnectionField::Close);
        match parse_response(&out, &mut again) {
            Ok(parsed) => {
                assert_eq!(parsed, Parsed::Complete);
                assert_eq!(head.response_framing(Method::Get), again.response_framing(Method::Get));
            }
            Err(error) => assert!(head.fields.len() + 1 > 101, "forwarded response is refused: {error}"),
        }
    }
    assert!(out.len() >= 4 && out.ends_with(b"\r\n\r\n"));
    assert_eq!(again.length, out.len(), "nothing is left over for a second message");
}
