//! How large heads may be, by what the process says of HAProxy's buffers.

use crate::rig::Scripted;
use crate::rules::{get, on_both, status};

#[test]
fn heads_may_be_as_large_as_the_process_says() {
    let server = Scripted::each(|peer, head| {
        let size = head.split(['/', ' ']).nth(2).and_then(|text| text.parse().ok()).unwrap_or(1);
        peer.send(format!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Large: {}\r\n\r\n", "a".repeat(size)));
    });
    let large = |size: usize| get("/").replace("X-Gone: 1", &format!("X-Large: {}", "a".repeat(size)));
    let many = |count: usize| get("/").replace("X-Gone: 1\r\n", &"X-Many: 1\r\n".repeat(count - 2));
    for (words, fits, exceeds) in [
        ("description none", 14_000, 16_000),
        ("tune.bufsize 32768", 30_000, 32_600),
        ("tune.bufsize 32768\n tune.maxrewrite 8192", 24_000, 24_700),
        ("tune.maxrewrite 8192", 7_500, 8_300),
    ] {
        let text = format!("global\n {words}\nlisten web\n bind PORT\n retries 0\n server s {}\n", server.address);
        on_both("http", &text, |connect| {
            for (size, request_status, response_status) in [(fits, "200", "200"), (exceeds, "400", "502")] {
                assert_eq!(status(&connect().send(large(size)).head()), request_status, "{words}: {size}");
                let head = connect().send(get(&format!("/{size}"))).head();
                assert_eq!(status(&head), response_status, "{words}: {size}");
            }
        });
    }
    for (words, most) in [("description none", 101), ("tune.http.maxhdr 30", 30), ("tune.http.maxhdr 300", 300)] {
        let text = format!("global\n {words}\nfrontend web\n bind PORT\n http-request return status 200\n");
        on_both("http", &text, |connect| {
            assert_eq!(status(&connect().send(many(most - 1)).head()), "200", "{words}");
            assert_eq!(status(&connect().send(many(most + 1)).head()), "400", "{words}");
        });
    }
}
