//! Small files that are nearly right: the packaged haproxy and vipgate let the same ones through.

use std::process::Command;

use crate::{haproxy, status};

const DEFAULTS: &str = "defaults\n mode http\n timeout client 5s\n timeout connect 5s\n timeout server 5s\n";

/// A file with one line in a place: `F` a frontend, `B` a backend, `G` the global section, `E` the end of the file.
fn file(place: char, line: &str) -> String {
    let at = |here: char| if here == place { format!(" {line}\n") } else { String::new() };
    let end = if place == 'E' { format!("{line}\n") } else { String::new() };
    format!(
        "global\n{}{DEFAULTS}frontend f\n bind 127.0.0.1:18080\n default_backend b\n{}backend b\n server s \
         127.0.0.1:1\n{}{end}",
        at('G'),
        at('F'),
        at('B')
    )
}

/// Both judge these files alike.
fn both_judge(cases: &[(char, &str, bool)]) {
    let is_here = Command::new("haproxy").arg("-v").output().is_ok();
    assert!(is_here, "this needs the packaged haproxy: `./dev test` installs it");
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("cfg");
    let path = path.to_str().expect("utf-8");
    for (place, line, is_right) in cases {
        std::fs::write(path, file(*place, line)).expect("a file");
        let theirs = Command::new("haproxy").args(["-c", "-f", path]).output().expect("it starts");
        let ours = haproxy(&["-c", "-f", path]);
        let said = String::from_utf8_lossy(&ours.stderr).into_owned();
        let expected = Some(i32::from(!is_right));
        assert_eq!(status(&theirs), expected, "haproxy: {line}\n{}", String::from_utf8_lossy(&theirs.stderr));
        assert_eq!(status(&ours), expected, "vipgate: {line}\n{said}");
    }
}

#[test]
fn what_haproxy_refuses_is_refused() {
    both_judge(&[
        ('B', "ignore-persist", false),
        ('F', "force-persist", false),
        ('B', "use-server s", false),
        ('F', "use-server s if TRUE", false),
        ('F', "tcp-response content reject", false),
        ('F', "no option httplog", false),
        ('B', "no option httpchk", false),
        ('F', "bind 127.0.0.1:18081 thread 999", false),
        ('B', "option external-check", false),
        ('B', "server t 127.0.0.1:1 track", false),
        ('B', "option httpchk GET / HTTP/1.1 a b c", false),
        ('B', "option mysql-check user", false),
        ('B', "option pgsql-check", false),
        ('B', "default_backend b", false),
        ('B', "use_backend b if TRUE", false),
        ('F', "appsession X len 5 timeout 5s", false),
        ('G', "user nosuch-user-at-all", false),
        ('G', "group nosuch-group-at-all", false),
        ('G', "stats socket /tmp/x user nosuch-user-at-all", false),
        ('G', "node a b", false),
        ('G', "cpu-map", false),
        ('G', "profiling.tasks nosuch", false),
        ('G', "master-worker x", false),
        ('G', "unix-bind nosuch", false),
        ('G', "h1-case-adjust a", false),
        ('G', "h1-case-adjust a b", false),
        ('G', "tune.bufsize x", false),
        ('G', "ssl-default-bind-options nosuch", false),
    ]);
}

#[test]
fn what_haproxy_lets_pass_passes() {
    both_judge(&[
        ('F', "http-request deny if", true),
        ('F', "http-request deny unless", true),
        ('F', "http-request deny if !", true),
        ('F', "http-request deny if TRUE or", true),
        ('F', "http-request deny if { path /a } or or { path /b }", true),
        ('F', "http-request set-nice 5000", true),
        ('F', "http-request set-tos 999", true),
        ('F', "http-request sc-inc-gpc0", true),
        ('F', "http-request sc-set-gpt0(0)", true),
        ('F', "use_backend b if", true),
        ('F', "monitor fail if", true),
        ('F', "maxconn x", true),
        ('F', "bind 127.0.0.1:18081,", true),
        ('F', "capture request header X len 0", true),
        ('F', "unique-id-header X Y", true),
        ('F', "stats enable x", true),
        ('F', "acl a req_ssl_ver 3.0-3.1", true),
        ('B', "server t 127.0.0.1:1 weight x", true),
        ('B', "server t 127.0.0.1:1 check port 0", true),
        ('B', "server t 127.0.0.1:1 maxconn x", true),
        ('B', "balance roundrobin x", true),
        ('B', "hash-type consistent sdbm avalanche x", true),
        ('B', "retries x", true),
        ('B', "fullconn 0", true),
        ('B', "option redispatch x", true),
        ('B', "stick-table type ip size 1k store", true),
        ('G', "cpu-map 1 0", true),
        ('G', "unix-bind", true),
        ('G', "unix-bind prefix /tmp/vipgate- mode 600 uid 0", true),
        ('G', "uid x", true),
        ('G', "maxconn x", true),
        ('G', "maxconnrate x", true),
        ('G', "maxsessrate x", true),
        ('E', "userlist u\n user a password x", true),
        ('E', "userlist u\n user a insecure-password x\n user a insecure-password y", true),
        ('E', "userlist u\nuserlist u", true),
    ]);
}
