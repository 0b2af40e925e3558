//! Responses of the proxy's own, shaped as HAProxy's so that scripts that look for them find them.

/// The whole response for a status; an unknown one is a 503.
pub(super) fn page(status: u16) -> &'static [u8] {
    macro_rules! page {
        ($code:literal, $reason:literal, $text:literal) => {
            concat!(
                "HTTP/1.1 ",
                $code,
                " ",
                $reason,
                "\r\nCache-Control: no-cache\r\nConnection: close\r\n",
                "Content-Type: text/html\r\n\r\n<html><body><h1>",
                $code,
                " ",
                $reason,
                "</h1>\n",
                $text,
                "\n</body></html>\n"
            )
            .as_bytes()
        };
    }
    match status {
        400 => page!("400", "Bad request", "Your browser sent an invalid request."),
        408 => page!("408", "Request Time-out", "Your browser didn't send a complete request in time."),
        413 => page!("413", "Payload Too Large", "The request entity exceeds the maximum allowed."),
        501 => page!(
            "501",
            "Not Implemented",
            "The server does not support the functionality required to fulfill the request."
        ),
        502 => page!("502", "Bad Gateway", "The server returned an invalid or incomplete response."),
        504 => page!("504", "Gateway Time-out", "The server didn't respond in time."),
        _ => page!("503", "Service Unavailable", "No server is available to handle this request."),
    }
}
