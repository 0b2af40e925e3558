//! Words that HAProxy has removed. The packaged one no longer has them: it runs the same script with the rules that took
//! their place, as its manual names them.

use crate::rig::field;
use crate::rules::{on_each, status};

fn send(path: &str, fields: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: www.example.com\r\n{fields}\r\n")
}

#[test]
fn old_words_edit_requests_behind_the_rules_and_add_last() {
    let tail = "default_backend app\nbackend app\n server s SERVER\n";
    let ours = format!(
        "frontend web\n bind PORT\n acl is_secure req.hdr(x-tls) -m found\n reqadd X-Proto:\\ https if is_secure\n \
         reqadd X-Rate:\\ 100%\n reqidel ^x-gone:.*\n reqdel ^X-Some-[a-z]*:\n reqrep ^([^\\ :]*)\\ /static/(.*) \\1\\ /\\2\n \
         reqirep ^(host:)\\ www\\.(.*)$ \\1\\ new.\\2\n reqrep ^X-Kept:\\ a(.*) X-Kept:\\ b\\1 unless is_secure\n \
         http-request set-header X-Gone again\n http-request set-header X-Some-A 1\n {tail}"
    );
    let theirs = format!(
        "frontend web\n bind PORT\n acl is_secure req.hdr(x-tls) -m found\n http-request set-header X-Gone again\n \
         http-request set-header X-Some-A 1\n http-request del-header X-Gone\n \
         http-request del-header ^x-some-[a-z]*$ -m reg\n http-request replace-uri ^/static/(.*) /\\1\n \
         http-request replace-header Host www\\.(.*)$ new.\\1\n \
         http-request replace-header X-Kept ^a(.*) b\\1 unless is_secure\n \
         http-request add-header X-Proto https if is_secure\n http-request add-header X-Rate 100%%\n {tail}"
    );
    on_each("http", &ours, &theirs, |connect| {
        let mut client = connect();
        let (_, body) = client.send(send("/static/a?b=/static/c", "X-Tls: 1\r\nX-Kept: a1\r\n")).response();
        assert_eq!(body.lines().next(), Some("GET /a?b=/static/c HTTP/1.1"));
        assert_eq!((field(&body, "x-gone"), field(&body, "x-some-a")), (None, None));
        assert_eq!((field(&body, "host"), field(&body, "x-kept")), (Some("new.example.com"), Some("a1")));
        assert_eq!((field(&body, "x-proto"), field(&body, "x-rate")), (Some("https"), Some("100%")));
        let (_, body) = client.send(send("/b", "X-Kept: a1\r\nX-Kept: c\r\nX-Kept: a2\r\n")).response();
        let kept: Vec<&str> = body.lines().filter(|line| line.to_ascii_lowercase().starts_with("x-kept")).collect();
        assert_eq!(kept.iter().map(|line| &line[8..]).collect::<Vec<_>>(), ["b1", "c", "b2"]);
        assert_eq!((body.lines().next(), field(&body, "x-proto")), (Some("GET /b HTTP/1.1"), None));
    });
}

#[test]
fn old_verdicts_look_at_every_line_and_reqallow_ends_them() {
    let tail = "default_backend app\nbackend app\n reqdeny ^X-Second:\n server s SERVER\n";
    let ours = format!(
        "frontend web\n bind PORT\n acl local src 127.0.0.1\n block if {{ path /blocked }}\n reqiallow ^authorization:\\ basic\n \
         reqideny ^[^:\\ ]*\\ .*\\.exe if local\n reqdeny [Ee]vil$\n reqdeny nowhere unless local\n {tail}"
    );
    let theirs = "frontend web\n bind PORT\n http-request deny if { path /blocked }\n \
                  acl allowed req.hdr(authorization) -i -m beg basic\n \
                  http-request set-var(txn.allowed) bool(1) if allowed\n \
                  http-request deny if !allowed { url -i -m sub .exe }\n \
                  http-request deny if !allowed { req.fhdr() -m end Evil evil }\n default_backend app\n\
                  backend app\n http-request deny if !{ var(txn.allowed) -m found } { req.hdr(x-second) -m found }\n \
                  server s SERVER\n";
    on_each("http", &ours, theirs, |connect| {
        for (path, fields, expected) in [
            ("/", "", "200"),
            ("/blocked", "", "403"),
            ("/CMD.EXE?x", "", "403"),
            ("/CMD.EXE?x", "Authorization: BASIC abc\r\n", "200"),
            ("/", "X-A: is evil\r\n", "403"),
            ("/", "X-A: evil is it\r\n", "200"),
            ("/", "X-Second: 1\r\n", "403"),
            ("/", "X-Second: 1\r\nAuthorization: Basic abc\r\n", "200"),
            ("/nowhere", "", "200"),
        ] {
            let (head, _) = connect().send(send(path, fields)).response();
            assert_eq!(status(&head), expected, "{path} {fields}");
        }
    });
}

#[test]
fn old_words_edit_responses() {
    let ours = "rspidel ^Server:.*\n rspirep ^(location:)\\ http://app(:80)?/(.*) \\1\\ https://www/\\3\n \
                rspirep ^(set-cookie:.*) \\1;\\ Secure\n rspadd X-New:\\ a:b\n";
    let theirs = "http-response del-header Server\n \
                  http-response replace-header Location http://app(:80)?/(.*) https://www/\\2\n \
                  http-response replace-header Set-Cookie (.*) \"\\1; Secure\"\n http-response add-header X-New a:b\n";
    let file = |rules: &str| {
        format!(
            "frontend web\n bind PORT\n {rules} default_backend app\nbackend app\n http-response set-header Server x\n \
             http-response set-header Location http://app:80/a\n http-response add-header Set-Cookie a=1\n \
             http-response add-header Set-Cookie b=2\n server s SERVER\n"
        )
    };
    on_each("http", &file(ours), &file(theirs), |connect| {
        let (head, _) = connect().send(send("/", "")).response();
        assert_eq!((status(&head), field(&head, "x-new"), field(&head, "server")), ("200", Some("a:b"), None));
        assert_eq!(field(&head, "location"), Some("https://www/a"));
        let cookies =
            head.lines().filter_map(|line| line.to_ascii_lowercase().strip_prefix("set-cookie: ").map(str::to_owned));
        assert_eq!(cookies.collect::<Vec<_>>(), ["a=1; secure", "b=2; secure"]);
    });
}

#[test]
fn reqsetbe_chooses_before_use_backend_and_the_first_wins() {
    let ours = "frontend web\n bind PORT\n use_backend other if TRUE\n reqisetbe ^[^:\\ ]*\\ /(img|css)/ app\n \
                reqsetbe ^X-Backend:\\ other other\n reqirep ^X-Backend:.* X-Backend:\\ gone\n\
                backend app\n http-request set-header X-B app\n server s SERVER\n\
                backend other\n http-request set-header X-B other\n server s SERVER\n";
    let theirs = "frontend web\n bind PORT\n use_backend app if { path_beg /img/ /css/ }\n use_backend other if TRUE\n\
                  backend app\n http-request set-header X-B app\n http-request replace-header X-Backend .* gone\n server s SERVER\n\
                  backend other\n http-request set-header X-B other\n http-request replace-header X-Backend .* gone\n \
                  server s SERVER\n";
    on_each("http", ours, theirs, |connect| {
        let mut client = connect();
        for (path, expected) in [("/img/a", "app"), ("/css/", "app"), ("/", "other")] {
            let (_, body) = client.send(send(path, "X-Backend: other\r\n")).response();
            assert_eq!((field(&body, "x-b"), field(&body, "x-backend")), (Some(expected), Some("gone")), "{path}");
        }
    });
}
