//! What a server would make of the bytes on a connection, read as strictly as RFC 9112 allows: whatever two servers could
//! read differently is a complaint. Written without the parser that it judges.

/// A message as everybody reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub target: String,
}

/// The requests in these bytes; the last one may be unfinished.
pub fn requests(mut bytes: &[u8]) -> Result<Vec<Request>, String> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { break };
        let (head, rest) = (&bytes[..end], &bytes[end + 4..]);
        let lines = lines(head)?;
        let target = request_line(lines[0])?;
        let length = length(&lines[1..])?;
        found.push(Request { target });
        match length {
            Length::Known(length) if rest.len() < length => break,
            Length::Known(length) => bytes = &rest[length..],
            Length::Chunked => match chunked(rest)? {
                Some(taken) => bytes = &rest[taken..],
                None => break,
            },
        }
    }
    Ok(found)
}

enum Length {
    Known(usize),
    Chunked,
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn lines(head: &[u8]) -> Result<Vec<&[u8]>, String> {
    let mut lines = Vec::new();
    let mut rest = head;
    while let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
        lines.push(&rest[..end]);
        rest = &rest[end + 2..];
    }
    lines.push(rest);
    match lines.iter().find(|line| line.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0))) {
        Some(line) => Err(format!("a bare line end or NUL: {:?}", text(line))),
        None => Ok(lines),
    }
}

fn request_line(line: &[u8]) -> Result<String, String> {
    let parts: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
    match parts[..] {
        [method, target, b"HTTP/1.1" | b"HTTP/1.0"]
            if method.iter().all(u8::is_ascii_alphabetic) && !target.is_empty() && target.is_ascii() =>
        {
            Ok(text(target))
        }
        _ => Err(format!("no request line: {:?}", text(line))),
    }
}

fn length(fields: &[&[u8]]) -> Result<Length, String> {
    let (mut lengths, mut codings, mut hosts) = (Vec::new(), Vec::new(), 0);
    for field in fields {
        let complaint = || format!("no field: {:?}", text(field));
        let colon = field.iter().position(|byte| *byte == b':').ok_or_else(complaint)?;
        let (name, value) = (&field[..colon], field[colon + 1..].trim_ascii());
        let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
        if name.is_empty() || !name.iter().all(is_token) {
            return Err(complaint());
        }
        match text(name).to_ascii_lowercase().as_str() {
            "content-length" => lengths.push(text(value)),
            "transfer-encoding" => codings.push(text(value)),
            "host" => hosts += 1,
            _ => {}
        }
    }
    if hosts > 1 {
        return Err(format!("{hosts} Host fields"));
    }
    match (&lengths[..], &codings[..]) {
        ([], []) => Ok(Length::Known(0)),
        ([length], []) if length.bytes().all(|byte| byte.is_ascii_digit()) => {
            length.parse().map(Length::Known).map_err(|_| format!("no length: {length:?}"))
        }
        ([], [coding]) if coding.eq_ignore_ascii_case("chunked") => Ok(Length::Chunked),
        _ => Err(format!("lengths {lengths:?}, codings {codings:?}")),
    }
}

/// Bytes of a chunked body; `None` if its end is not there.
fn chunked(bytes: &[u8]) -> Result<Option<usize>, String> {
    let mut at = 0;
    let line = |at: usize| bytes[at..].windows(2).position(|two| two == b"\r\n").map(|end| &bytes[at..at + end]);
    loop {
        let Some(size) = line(at) else { return Ok(None) };
        if size.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
            return Err(format!("a bare line end in a chunk: {:?}", text(size)));
        }
        let digits = size.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii_end();
        let digits = std::str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let length = digits.and_then(|digits| usize::from_str_radix(digits, 16).ok());
        let length = length.ok_or_else(|| format!("no chunk size: {:?}", text(size)))?;
        at += size.len() + 2;
        if length == 0 {
            break;
        }
        if bytes.len() < at + length + 2 {
            return Ok(None);
        }
        if &bytes[at + length..at + length + 2] != b"\r\n" {
            return Err("a chunk does not end where it should".to_owned());
        }
        at += length + 2;
    }
    loop {
        let Some(trailer) = line(at) else { return Ok(None) };
        at += trailer.len() + 2;
        if trailer.is_empty() {
            return Ok(Some(at));
        }
        if !trailer.contains(&b':') || trailer[0].is_ascii_whitespace() {
            return Err(format!("no trailer: {:?}", text(trailer)));
        }
    }
}
