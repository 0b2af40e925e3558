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
        200 => page!("200", "OK", "Service ready."),
        401 => page!("401", "Unauthorized", "You need a valid user and password to access this content."),
        403 => page!("403", "Forbidden", "Request forbidden by administrative rules."),
        404 => page!("404", "Not Found", "The resource could not be found."),
        405 => page!(
            "405",
            "Method Not Allowed",
            "A request was made of a resource using a request method not supported by that resource"
        ),
        407 => page!("407", "Unauthorized", "You need a valid user and password to access this content."),
        410 => page!("410", "Gone", "The resource is no longer available and will not be available again."),
        421 => page!("421", "Misdirected Request", "Request sent to a non-authoritative server."),
        422 => page!("422", "Unprocessable Content", "The server cannot process the contained instructions."),
        425 => page!("425", "Too Early", "Your browser sent early data."),
        429 => page!("429", "Too Many Requests", "You have sent too many requests in a given amount of time."),
        500 => page!("500", "Internal Server Error", "An internal server error occurred."),
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
