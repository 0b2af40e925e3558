//! `tcp-check send` and its forms, and `http-check send`.

use crate::rule::{Format, RuleError};

use super::words::{Reader, binary};

/// What is sent.
#[derive(Clone, Debug)]
pub enum Send {
    /// These bytes.
    Bytes(Vec<u8>),
    /// A text computed each time.
    Format(Format),
    /// Pairs of hexadecimal digits, computed each time.
    Digits(Format),
    /// A request.
    Http(Box<HttpRequest>),
}

/// A text that is written or computed.
#[derive(Clone, Debug)]
pub enum Text {
    /// As it is.
    Fixed(String),
    /// Computed.
    Computed(Format),
}

/// A request. What is `None` was not written.
#[derive(Clone, Debug, Default)]
pub struct HttpRequest {
    /// `OPTIONS` by default.
    pub method: Option<String>,
    /// `/` by default.
    pub target: Option<Text>,
    /// `HTTP/1.0` by default.
    pub version: Option<String>,
    /// Name and value, in order.
    pub fields: Vec<(String, Format)>,
    /// Body.
    pub body: Option<Text>,
    /// Whether it is that of `option httpchk`, with which the first `http-check send` is merged.
    pub(super) is_of_option: bool,
}

impl HttpRequest {
    /// Takes over what another one says.
    pub(super) fn overwrite(&mut self, other: HttpRequest) {
        self.method = other.method.or(self.method.take());
        self.target = other.target.or(self.target.take());
        self.version = other.version.or(self.version.take());
        self.body = other.body.or(self.body.take());
        if !other.fields.is_empty() {
            let is_kept =
                |(name, _): &(String, Format)| !other.fields.iter().any(|(new, _)| new.eq_ignore_ascii_case(name));
            self.fields.retain(is_kept);
            self.fields.extend(other.fields);
        }
    }
}

/// The words behind `tcp-check`: `send TEXT [comment TEXT]` and its forms.
pub(super) fn compile(form: &str, reader: &mut Reader<'_, '_, '_>) -> Result<(Send, Option<String>), RuleError> {
    let text = reader.argument(if form == "send" { "a string" } else { "a string or a binary string" })?;
    let send = match form {
        "send" => Send::Bytes(text.as_bytes().to_vec()),
        "send-binary" => match binary(text.as_bytes()) {
            Some(bytes) => Send::Bytes(bytes),
            None => {
                return Err(reader.wrong(format!("'{text}' is no binary string: it needs pairs of hexadecimal digits")));
            }
        },
        "send-lf" => Send::Format(reader.format(text)?),
        _ => Send::Digits(reader.format(text)?),
    };
    Ok((send, comment(reader)?))
}

fn comment(reader: &mut Reader<'_, '_, '_>) -> Result<Option<String>, RuleError> {
    match reader.next() {
        None => Ok(None),
        Some("comment") => {
            let text = reader.argument("a string")?.to_owned();
            reader.end()?;
            Ok(Some(text))
        }
        Some(other) => Err(reader.wrong(format!("expects 'comment' but got '{other}'"))),
    }
}

/// The words behind `http-check send`.
pub(super) fn compile_http(reader: &mut Reader<'_, '_, '_>) -> Result<(HttpRequest, Option<String>), RuleError> {
    let (mut request, mut comment) = (HttpRequest::default(), None);
    while let Some(word) = reader.next() {
        match word {
            "meth" => request.method = Some(token(reader)?),
            "uri" => request.target = Some(Text::Fixed(in_line(reader)?)),
            "uri-lf" => {
                let text = reader.argument("a string")?;
                request.target = Some(Text::Computed(reader.format(text)?));
            }
            "ver" => request.version = Some(in_line(reader)?),
            "hdr" => {
                let name = token(reader)?;
                if request.fields.iter().any(|(known, _)| known.eq_ignore_ascii_case(&name)) && is_single(&name) {
                    return Err(reader.wrong(format!("'{name}' header already defined")));
                }
                let value = reader.argument("<name> and <value>")?;
                if !is_single_line(value) {
                    return Err(reader.wrong("a header value is one line"));
                }
                let value = reader.format(value)?;
                // The length is that of the body.
                if !name.eq_ignore_ascii_case("content-length") && !name.eq_ignore_ascii_case("transfer-encoding") {
                    request.fields.push((name, value));
                }
            }
            "body" => request.body = Some(Text::Fixed(reader.argument("a string")?.to_owned())),
            "body-lf" => {
                let text = reader.argument("a string")?;
                request.body = Some(Text::Computed(reader.format(text)?));
            }
            "comment" => comment = Some(reader.argument("a string")?.to_owned()),
            other => {
                let what = "'comment', 'meth', 'uri', 'uri-lf', 'ver', 'hdr', 'body' or 'body-lf'";
                return Err(reader.wrong(format!("expects {what} but got '{other}'")));
            }
        }
    }
    Ok((request, comment))
}

/// The words behind `option httpchk`: `[[METHOD] URI [VERSION [HOST]]]`.
pub(super) fn compile_option(reader: &mut Reader<'_, '_, '_>) -> Result<HttpRequest, RuleError> {
    let mut request = HttpRequest { is_of_option: true, ..HttpRequest::default() };
    let Some(first) = reader.next() else { return Ok(request) };
    let Some(target) = reader.next() else {
        request.target = Some(Text::Fixed(first.to_owned()));
        return Ok(request);
    };
    request.method = Some(first.to_owned());
    request.target = Some(Text::Fixed(target.to_owned()));
    let Some(version) = reader.next() else { return Ok(request) };
    // Header fields used to be smuggled in behind the version; HAProxy 2.9 still warns of it, 3.x refuses it.
    let mut lines = version.split("\r\n");
    request.version = lines.next().map(str::to_owned).filter(|version| !version.is_empty());
    for line in lines.by_ref().take_while(|line| !line.is_empty()).collect::<Vec<_>>() {
        let Some((name, value)) = line.split_once(':') else {
            return Err(reader.wrong(format!("'{line}' is no header field")));
        };
        let value = reader.format(&value.trim().replace('%', "%%"))?;
        request.fields.push((name.trim().to_owned(), value));
    }
    let body: Vec<&str> = lines.collect();
    if !body.is_empty() {
        request.body = Some(Text::Fixed(body.join("\r\n")));
    }
    if let Some(host) = reader.next() {
        let value = reader.format(host)?;
        request.fields.push(("host".to_owned(), value));
    }
    reader.end()?;
    Ok(request)
}

/// Fields that a request has once.
fn is_single(name: &str) -> bool {
    ["host", "connection"].iter().any(|known| known.eq_ignore_ascii_case(name))
}

fn is_single_line(text: &str) -> bool {
    !text.contains(['\r', '\n', '\0'])
}

fn in_line(reader: &mut Reader<'_, '_, '_>) -> Result<String, RuleError> {
    let text = reader.argument("a string")?;
    match is_single_line(text) && !text.contains(' ') {
        true => Ok(text.to_owned()),
        false => Err(reader.wrong(format!("'{text}' cannot stand in a request line"))),
    }
}

fn token(reader: &mut Reader<'_, '_, '_>) -> Result<String, RuleError> {
    let text = reader.argument("a string")?;
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    match !text.is_empty() && text.bytes().all(is_token) {
        true => Ok(text.to_owned()),
        false => Err(reader.wrong(format!("'{text}' is no method and no name of a field"))),
    }
}
