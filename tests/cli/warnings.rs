//! Files that work, but hardly as they were meant: where warnings are errors (`-dW`), vipgate and the packaged haproxy stop
//! at the same ones.

use std::process::Command;

use crate::{haproxy, status};

const DEFAULTS: &str = "defaults\n mode http\n timeout client 5s\n timeout connect 5s\n timeout server 5s\n";
const FRONT: &str = "frontend f\n bind 127.0.0.1:18080\n";
const BACK: &str = "backend b\n server s 127.0.0.1:1\n";

#[test]
fn both_stop_at_the_same_warnings() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("cfg");
    let path = path.to_str().expect("utf-8");
    let cases = [
        // A setting twice, in a section or in the defaults.
        (format!("{DEFAULTS}{FRONT} timeout client 2s\n timeout client 3s\n"), "overwriting 'timeout client'"),
        (format!("{DEFAULTS} timeout client 2s\n{FRONT}{BACK} timeout server 3s\n"), ""),
        // Nobody listens, nobody logs.
        (format!("{DEFAULTS}{FRONT}frontend g\n"), "frontend 'g' has no 'bind' directive"),
        (format!("{DEFAULTS}{FRONT}listen g\n server s 127.0.0.1:1\n"), "proxy 'g' has no 'bind' directive"),
        (format!("{DEFAULTS}{FRONT} option httplog\n"), "log format ignored for frontend 'f'"),
        (format!("{DEFAULTS} log global\n{FRONT} log-format x\n"), "log format ignored for frontend 'f'"),
        (format!("global\n log 127.0.0.1:9 local0\n{DEFAULTS} log global\n{FRONT} option httplog\n"), ""),
        (format!("{DEFAULTS}{FRONT}{BACK} option httplog\n"), "'option httplog' ignored"),
        // Rules behind those that come later.
        (format!("{DEFAULTS}{FRONT} use_backend b if TRUE\n http-request deny if FALSE\n{BACK}"), "'use_backend' rule"),
        (format!("{DEFAULTS}{FRONT} http-request deny\n tcp-request content accept\n"), "after an 'http-request' rule"),
        (format!("{DEFAULTS}{FRONT} redirect location /\n http-request deny\n"), "after a 'redirect' rule"),
        (format!("{DEFAULTS}{FRONT} tcp-request connection accept\n http-request deny\n use_backend b\n{BACK}"), ""),
        (format!("{DEFAULTS}{BACK} use-server s if TRUE\n http-request deny\n{FRONT}"), "after a 'use-server' rule"),
        // What needs HTTP.
        (format!("{DEFAULTS}{FRONT} mode tcp\n http-request deny\n"), "'http-request' rules ignored"),
        (format!("{DEFAULTS}{FRONT} mode tcp\n redirect location /\n"), "'redirect' rules ignored"),
        (format!("{DEFAULTS}{FRONT}{BACK} mode tcp\n http-response del-header a\n"), "'http-response' rules ignored"),
        (format!("{DEFAULTS}{FRONT} mode tcp\n stats uri /x\n"), "'stats' statement ignored"),
        (format!("{DEFAULTS}{FRONT}{BACK} mode tcp\n cookie X insert\n"), "cookie will be ignored for backend 'b'"),
        (format!("{DEFAULTS}{FRONT}{BACK} mode tcp\n balance uri\n"), "Layer 7 hash not possible for backend 'b'"),
        (format!("{DEFAULTS}{FRONT}{BACK} mode tcp\n balance source\n"), ""),
        // What rules look at and do not find, and what answers do not use.
        (format!("{DEFAULTS}{FRONT} http-request deny if {{ req.len gt 3 }}\n"), "L6 sample fetches ignored"),
        (format!("{DEFAULTS}{FRONT} http-request set-header X %[req.len]\n"), "L6 sample fetch <req.len> ignored"),
        (format!("{DEFAULTS}{FRONT} http-request deny if {{ res.hdr(a) -m found }}\n"), "never matches"),
        (format!("{DEFAULTS}{FRONT} http-request deny if {{ path }}\n"), "never matches"),
        (
            format!("{DEFAULTS}{FRONT} http-request return status 200 content-type text/plain\n"),
            "content-type has no effect",
        ),
        (
            format!(
                "{DEFAULTS}{FRONT} http-request return status 200 content-type text/plain string a hdr content-length 5\n"
            ),
            "has no effect",
        ),
        (
            format!("{DEFAULTS}{FRONT} tcp-request content capture req.hdr(a) len 10\n"),
            "without any 'tcp-request inspect-delay'",
        ),
        (format!("{DEFAULTS}{FRONT} mode tcp\n option forwardfor\n"), "'option forwardfor' ignored"),
        (format!("{DEFAULTS}{FRONT} http-request set-nice 5000\n"), ""),
        // Peers that this node is not among.
        (format!("peers p\n peer nobody-here 127.0.0.1:18099\n{DEFAULTS}{FRONT}"), "no peer named"),
        (format!("global\n localpeer me\npeers p\n peer me 127.0.0.1:18099\n{DEFAULTS}{FRONT}"), ""),
        // Several lines may have one address.
        (format!("{DEFAULTS}{FRONT} bind 127.0.0.1:18080\n"), ""),
        (format!("{DEFAULTS}{FRONT}frontend g\n bind 127.0.0.1:18080\n"), ""),
    ];
    for (text, what) in cases {
        std::fs::write(path, &text).expect("a file");
        let theirs = Command::new("haproxy").args(["-c", "-dW", "-f", path]).output();
        let theirs = theirs.expect("this needs the packaged haproxy: `./dev test` installs it");
        let said = |output: &[u8]| String::from_utf8_lossy(output).into_owned();
        let expected = Some(i32::from(!what.is_empty()));
        assert_eq!(status(&theirs), expected, "haproxy: {text}\n{}", said(&theirs.stderr));
        let warned = haproxy(&["-c", "-f", path]);
        assert_eq!(status(&warned), Some(0), "{text}\n{}", said(&warned.stderr));
        assert!(said(&warned.stderr).contains(what), "{text}\n{}", said(&warned.stderr));
        assert_eq!(status(&haproxy(&["-c", "-dW", "-f", path])), expected, "{text}\n{}", said(&warned.stderr));
    }
}
