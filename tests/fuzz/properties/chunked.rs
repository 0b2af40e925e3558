//! A hostile chunked body: the scanner never panics, comes to the same end however the bytes arrive, and agrees with a
//! decoder that was written for this test.

use vipgate::http::ChunkScanner;

/// The first byte is the length of the pieces.
pub fn holds(data: &[u8]) {
    let Some((piece, bytes)) = data.split_first() else { return };
    let mut whole = ChunkScanner::default();
    let at_once = whole.scan(bytes);

    let mut pieces = ChunkScanner::default();
    let mut in_pieces = Ok(0);
    for piece in bytes.chunks(usize::from(*piece).max(1)) {
        let Ok(total) = in_pieces else { break };
        in_pieces = pieces.scan(piece).map(|taken| {
            assert!(taken == piece.len() || pieces.is_done(), "stops before its end");
            total + taken
        });
        if pieces.is_done() {
            break;
        }
    }
    assert_eq!(at_once, in_pieces);
    let Ok(taken) = at_once else { return };
    assert_eq!(whole.is_done(), pieces.is_done());
    if whole.is_done() {
        assert_eq!(end_of_body(bytes), Some(taken));
    } else {
        assert_eq!(taken, bytes.len());
    }
}

/// Length of a chunked body as RFC 9112 §7.1 reads, for bodies that the scanner accepted.
fn end_of_body(bytes: &[u8]) -> Option<usize> {
    let line = |at: usize| bytes[at..].windows(2).position(|pair| pair == b"\r\n").map(|end| at + end);
    let mut at = 0;
    loop {
        let end = line(at)?;
        let digits = bytes[at..end].iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let size = usize::from_str_radix(std::str::from_utf8(&bytes[at..at + digits]).ok()?, 16).ok()?;
        at = end + 2;
        if size == 0 {
            break;
        }
        at = at.checked_add(size)?;
        if bytes.get(at..at + 2)? != b"\r\n" {
            return None;
        }
        at += 2;
    }
    loop {
        let end = line(at)?;
        let is_empty = end == at;
        at = end + 2;
        if is_empty {
            return Some(at);
        }
    }
}
