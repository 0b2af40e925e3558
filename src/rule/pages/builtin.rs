//! The proxy's own pages: to the byte those of HAProxy, because scripts look for them.

use std::sync::LazyLock;

use super::Page;

/// A page: status, Connection field if it has one, reason, length of the body, sentence.
macro_rules! page {
    ($code:literal, $connection:literal, $reason:literal, $length:literal, $sentence:literal) => {
        (
            $code,
            concat!(
                "HTTP/1.1 ",
                $code,
                " ",
                $reason,
                "\r\nContent-length: ",
                $length,
                "\r\nCache-Control: no-cache\r\n",
                $connection,
                "Content-Type: text/html\r\n\r\n<html><body><h1>",
                $code,
                " ",
                $reason,
                "</h1>\n",
                $sentence,
                "\n</body></html>\n"
            ),
        )
    };
}

#[rustfmt::skip]
const TEXTS: [(&str, &str); 21] = [
    page!("200", "", "OK", "58", "Service ready."),
    page!("400", "Connection: close\r\n", "Bad request", "90", "Your browser sent an invalid request."),
    page!("401", "", "Unauthorized", "112", "You need a valid user and password to access this content."),
    page!("403", "", "Forbidden", "93", "Request forbidden by administrative rules."),
    page!("404", "", "Not Found", "83", "The resource could not be found."),
    page!("405", "", "Method Not Allowed", "147", "A request was made of a resource using a request method not supported by that resource."),
    page!("407", "", "Unauthorized", "112", "You need a valid user and password to access this content."),
    page!("408", "Connection: close\r\n", "Request Time-out", "110", "Your browser didn't send a complete request in time."),
    page!("410", "", "Gone", "114", "The resource is no longer available and will not be available again."),
    page!("413", "", "Payload Too Large", "106", "The request entity exceeds the maximum allowed."),
    page!("414", "", "URI Too Long", "110", "The URI provided was too long for the server to process."),
    page!("421", "", "Misdirected Request", "104", "Request sent to a non-authoritative server."),
    page!("422", "", "Unprocessable Content", "116", "The server cannot process the contained instructions."),
    page!("425", "", "Too Early", "80", "Your browser sent early data."),
    page!("429", "", "Too Many Requests", "117", "You have sent too many requests in a given amount of time."),
    page!("431", "", "Request Header Fields Too Large", "105", "Request Header Fields Too Large."),
    page!("500", "", "Internal Server Error", "97", "An internal server error occurred."),
    page!("501", "", "Not Implemented", "135", "The server does not support the functionality required to fulfill the request."),
    page!("502", "", "Bad Gateway", "107", "The server returned an invalid or incomplete response."),
    page!("503", "", "Service Unavailable", "107", "No server is available to handle this request."),
    page!("504", "", "Gateway Time-out", "92", "The server didn't respond in time."),
];

static PAGES: LazyLock<Vec<(u16, &'static [u8], Page)>> = LazyLock::new(|| {
    let parsed = TEXTS.iter().map(|(code, text)| {
        let page = Page::parse(text.as_bytes()).expect("a test parses every page");
        (code.parse().expect("a number"), text.as_bytes(), page)
    });
    parsed.collect()
});

/// Whether there is a page for the status.
pub fn has_page(status: u16) -> bool {
    PAGES.iter().any(|(code, ..)| *code == status)
}

/// The page of a status; of an unknown one that of 503.
pub fn page(status: u16) -> &'static Page {
    &entry(status).2
}

/// The page as a connection without a request gets it: this is HAProxy's text, with its capitals.
pub fn text(status: u16) -> &'static [u8] {
    entry(status).1
}

fn entry(status: u16) -> &'static (u16, &'static [u8], Page) {
    let find = |wanted: u16| PAGES.iter().find(|(code, ..)| *code == wanted);
    find(status).or_else(|| find(503)).expect("503 has a page")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_is_a_response_with_its_length() {
        for (code, text) in TEXTS {
            let page = Page::parse(text.as_bytes()).unwrap_or_else(|why| panic!("{code}: {why}"));
            assert_eq!(page.status.to_string(), code);
            assert!(page.is_delimited, "{code}");
        }
        assert_eq!(text(999), text(503));
    }
}
