//! `cookie` with each of its options, beside the packaged HAProxy: what servers see, and what clients are told.

use crate::beside::{exchange, same_on_both, told};

/// A `cookie` line of a backend of its own each. Server s1 has the value v1, s2 v2, s3 is in maintenance with v3, s4 has none.
const COOKIES: &[&str] = &[
    "cookie SRV",
    "cookie SRV indirect",
    "cookie SRV nocache",
    "cookie SRV rewrite",
    "cookie SRV rewrite nocache",
    "cookie SRV rewrite postonly",
    "cookie SRV prefix",
    "cookie SRV prefix nocache",
    "cookie SRV prefix indirect",
    "cookie SRV insert",
    "cookie SRV insert nocache",
    "cookie SRV insert indirect",
    "cookie SRV insert indirect nocache",
    "cookie SRV insert postonly",
    "cookie SRV insert indirect nocache postonly",
    "cookie SRV insert preserve",
    "cookie SRV insert indirect preserve nocache",
    "cookie SRV indirect preserve",
    "cookie SRV insert maxidle 10m",
    "cookie SRV insert indirect maxidle 10m",
    "cookie SRV insert maxlife 1h",
    "cookie SRV insert indirect nocache maxidle 10m maxlife 1h",
    "cookie SRV insert domain .a.example",
    "cookie SRV insert domain .a.example domain .b.example secure",
    "cookie SRV insert secure httponly",
    "cookie SRV insert attr SameSite=None attr \"Max-Age=5\" httponly",
    "cookie SRV insert indirect nocache secure httponly domain a.example maxidle 60s maxlife 1h attr Partitioned",
    "cookie SRV rewrite domain .a.example secure httponly attr x",
    "cookie SRV insert dynamic\n dynamic-cookie-key secret",
    "cookie SRV insert indirect dynamic\n dynamic-cookie-key another",
    "cookie SRV insert indirect\n option persist",
    "cookie SRV insert indirect\n option persist\n option redispatch",
    "cookie SRV insert\n ignore-persist if { hdr(x-ignore) -m found }",
    "cookie SRV insert indirect\n force-persist if TRUE",
];

/// What is sent: a method, fields of the request, and what the server is to say.
const REQUESTS: &[(&str, &str, &str)] = &[
    ("GET", "", ""),
    ("GET", "Cookie: SRV=v2", ""),
    ("GET", "Cookie: SRV=v1; other=x", ""),
    ("GET", "Cookie: a=b; SRV=v2; c=d", ""),
    ("GET", "Cookie: a=b;SRV=v2", ""),
    ("GET", "Cookie: a=b,SRV=v2 , c=d", ""),
    ("GET", "Cookie: SRV=v1; SRV=v2", ""),
    ("GET", "Cookie: a=b\r\nCookie: SRV=v2\r\nX-After: 1", ""),
    ("GET", "Cookie: SRV=nobody; a=b", ""),
    ("GET", "Cookie: SRV=nobody", ""),
    ("GET", "Cookie: SRV=; x=y", ""),
    ("GET", "Cookie: SRV", ""),
    ("GET", "Cookie: SRV=\"v2\"", ""),
    ("GET", "Cookie: $Version=1; SRV=v2; $Path=/", ""),
    ("GET", "Cookie: xSRV=v2; SRVx=v2; srv=v2", ""),
    ("GET", "Cookie: SRV=v3", ""),
    ("GET", "Cookie: SRV=v3; a=b", ""),
    ("GET", "Cookie: SRV=v2~app; a=b", ""),
    ("GET", "Cookie: SRV=v1~", ""),
    ("GET", "Cookie: SRV=v2|ZkTVA|ZkTVA", ""),
    ("GET", "Cookie: SRV=v2|ZkTVA", ""),
    ("GET", "Cookie: SRV=v2|", ""),
    ("GET", "Cookie: SRV=v2|A|B", ""),
    ("GET", "Cookie: ;;", ""),
    ("POST", "Content-Length: 0", ""),
    ("POST", "Content-Length: 0\r\nCookie: SRV=v2", ""),
    ("GET", "X-Ignore: 1\r\nCookie: SRV=v2", ""),
    ("GET", "", "Set-Cookie: SRV=mine; path=/"),
    ("GET", "Cookie: SRV=v2", "Set-Cookie: SRV=mine; path=/x; HttpOnly"),
    ("GET", "Cookie: SRV=v2", "Set-Cookie: a=b & Set-Cookie: SRV=mine & Set-Cookie: c=d"),
    ("GET", "Cookie: SRV=v2", "Set-Cookie: SRV=; path=/"),
    ("GET", "Cookie: SRV=v2", "Set-Cookie: SRV"),
    ("GET", "", "Set-Cookie: SRVx=mine"),
    ("GET", "", "Cache-Control: max-age=5"),
    ("GET", "", "Cache-Control: max-age=0"),
    ("GET", "", "Cache-Control: private, max-age=5"),
    ("GET", "", "Cache-Control: no-cache=\"set-cookie\", max-age=5"),
    ("GET", "", "ETag: x"),
    ("GET", "", "Expires: soon & Pragma: no-cache"),
    ("GET", "Cookie: SRV=v2", "ETag: x & Set-Cookie: SRV=mine"),
    ("POST", "Content-Length: 0", "Set-Cookie: SRV=mine & Cache-Control: public"),
];

#[test]
fn both_sides_see_the_cookies_that_haproxy_shows_them() {
    let [one, two, three, four] = ["one", "two", "three", "four"].map(told);
    let mut text = "frontend web\n bind PORT\n use_backend b%[path,field(2,/)]\n".to_owned();
    for (number, cookie) in COOKIES.iter().enumerate() {
        text += &format!(
            "backend b{number}\n balance roundrobin\n {cookie}\n server s1 {} cookie v1\n server s2 {} cookie v2\n \
             server s3 {} cookie v3 disabled\n server s4 {}\n",
            one.address, two.address, three.address, four.address
        );
    }
    same_on_both("http", &text, |connect| {
        let mut seen = Vec::new();
        for (number, cookie) in COOKIES.iter().enumerate() {
            for (method, fields, says) in REQUESTS {
                let fields = if fields.is_empty() { String::new() } else { format!("{fields}\r\n") };
                let request = format!(
                    "{method} /{number} HTTP/1.1\r\nHost: a\r\n{fields}X-Say: {says}\r\nConnection: close\r\n\r\n"
                );
                seen.push((format!("{cookie}\n{request}"), exchange(connect, &request)));
            }
        }
        seen
    });
}
