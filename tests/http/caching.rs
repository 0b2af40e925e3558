//! `option checkcache`: a response whose cookies a cache would give to others is not passed on.

use crate::beside::told;
use crate::rig::Peer;
use crate::rules::{get, on_both, ours, status};

/// Whether the server's response comes through.
fn passes(connect: &dyn Fn() -> Peer, request: &str) -> bool {
    connect().send(request).response().1.starts_with("server saw ")
}

#[test]
fn a_response_that_a_cache_would_keep_with_its_cookie_is_withheld() {
    let server = told("server");
    let text = format!(
        "frontend web\n bind PORT\n default_backend app\nbackend app\n option checkcache\n server s {}\n",
        server.address
    );
    let cookie = "Set-Cookie: id=1";
    let asking = |fields: &str| get("/").replace("X-Gone: 1", &format!("X-Say: {fields}"));
    on_both("http", &text, |connect| {
        assert!(passes(connect, &asking("Expires: 0")));
        for (fields, comes) in [
            ("X-Other: 1", true),
            ("Expires: 0", false),
            ("ETag: \"1\"", false),
            ("Last-Modified: x", false),
            ("Cache-Control: max-age=9", false),
            ("Cache-Control: max-age=0 & ETag: x", true),
            ("Cache-Control: s-maxage=9, max-age=0", true),
            ("Cache-Control: private & ETag: x", true),
            ("Cache-Control: private, public & ETag: x", false),
            ("Cache-Control: no-cache=\"set-cookie\", max-age=9", true),
            ("Cache-Control: NO-STORE & ETag: x", true),
            ("Pragma: no-cache & ETag: x", true),
        ] {
            let request = asking(&format!("{cookie} & {fields}"));
            assert_eq!(passes(connect, &request), comes, "{fields}");
            let post = request.replace("GET", "POST").replace("X-Kept: a, b", "Content-Length: 0");
            assert_eq!(passes(connect, &post), !fields.contains("public"), "POST: {fields}");
        }
    });
    let proxy = ours(&text);
    let connect = || proxy.client();
    // As HAProxy has it since 2.9: what is said to shared caches weighs more.
    assert!(!passes(&connect, &asking(&format!("{cookie} & Cache-Control: max-age=0, s-maxage=9"))));
    // HAProxy's manual (§8.5, "PH") says 502; the program sends its page for 200.
    assert_eq!(status(&proxy.client().send(asking(&format!("{cookie} & ETag: x"))).head()), "502");
}
