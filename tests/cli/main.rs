//! The binary as HAProxy's scripts call it: exit statuses, output, pid file, signals.
//!
//! The packaged haproxy judges some of the same files: `./dev test` installs it.

#![allow(clippy::disallowed_methods, reason = "waits for processes of the real world")]

mod output;
#[path = "../ports.rs"]
mod ports;
mod proxy;
mod runtime;
mod names;
mod asking;
mod runtime_traffic;
mod backends;
mod rates;
mod relays;
mod log_backends;
mod syslog;
mod states;
mod counts;
mod scripting;
mod dialect;
mod environment;
mod errors;
mod handover;
mod observe;
mod health;
mod logged;
mod stopping;
mod tables;
mod tools;
mod verdicts;
mod warnings;

use std::io::Read;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const PROGRAM: &str = env!("CARGO_BIN_EXE_vipgate");

fn haproxy(arguments: &[&str]) -> Output {
    Command::new(PROGRAM).arg("haproxy").args(arguments).output().expect("the program starts")
}

fn status(output: &Output) -> Option<i32> {
    output.status.code()
}

/// A file with one listener on a port that is free now.
fn file(directory: &Path) -> (PathBuf, u16) {
    let port = ports::free().port();
    let text = format!(
        "defaults\n mode http\n timeout client 5s\n timeout connect 1s\n timeout server 5s\nlisten web\n bind \
         127.0.0.1:{port}\n server one 127.0.0.1:1\n"
    );
    let path = directory.join("cfg");
    std::fs::write(&path, text).expect("a file");
    (path, port)
}

/// Waits for something that comes soon.
fn until(what: &str, is_so: impl FnMut() -> bool) {
    assert!(comes(is_so), "{what}");
}

/// Whether something comes to hold in good time.
fn comes(mut is_so: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    true
}

fn start(arguments: &[&str], directory: &Path) -> Child {
    let (path, _) = file(directory);
    let pid_file = directory.join("pid");
    let child = Command::new(PROGRAM)
        .arg("haproxy")
        .args(arguments)
        .args(["-f", path.to_str().expect("utf-8"), "-p", pid_file.to_str().expect("utf-8")])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    until("it serves", || std::fs::read_to_string(&pid_file).is_ok_and(|pid| pid.ends_with('\n')));
    child
}

#[test]
fn check_says_valid_only_when_asked_and_fails_with_1() {
    let directory = tempfile::tempdir().expect("a directory");
    let (path, _) = file(directory.path());
    let path = path.to_str().expect("utf-8");
    let silent = haproxy(&["-c", "-f", path]);
    assert_eq!((status(&silent), silent.stdout.as_slice(), silent.stderr.as_slice()), (Some(0), &b""[..], &b""[..]));
    assert_eq!(haproxy(&["-c", "-V", "-f", path]).stdout, b"Configuration file is valid\n");
    std::fs::write(path, "global\n maxcon 5\n").expect("a file");
    let wrong = haproxy(&["-c", "-f", path]);
    let said = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert_eq!(status(&wrong), Some(1));
    assert!(said.contains(&format!("parsing [{path}:2] : unknown keyword 'maxcon' in 'global' section")), "{said}");
}

#[test]
fn warnings_are_errors_where_zero_warning_is_asked_for() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("cfg");
    std::fs::write(&path, "global\n.warning \"careful\"\n").expect("a file");
    let path = path.to_str().expect("utf-8");
    assert_eq!(status(&haproxy(&["-c", "-f", path])), Some(0));
    assert_eq!(status(&haproxy(&["-c", "-dW", "-f", path])), Some(1));
    std::fs::write(path, "global\n zero-warning\n.warning \"careful\"\n").expect("a file");
    assert_eq!(status(&haproxy(&["-c", "-f", path])), Some(1));
}

#[test]
fn condition_is_true_false_or_none() {
    for (condition, expected) in [
        ("version_atleast(2.4) && !feature(LUA)", 0),
        ("streq(\"$HOME\",\"$HOME\")", 0),
        ("", 1),
        ("feature(LUA)", 1),
        ("nonsense(1)", 2),
        ("1 &&", 2),
    ] {
        assert_eq!(status(&haproxy(&["-cc", condition])), Some(expected), "{condition}");
    }
}

#[test]
fn name_of_the_program_is_enough() {
    let directory = tempfile::tempdir().expect("a directory");
    let link = directory.path().join("haproxy");
    std::os::unix::fs::symlink(PROGRAM, &link).expect("a link");
    let output = Command::new(link).arg("-vv").output().expect("the program starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.starts_with("HAProxy version ") && said.contains("TARGET  = linux-glibc"), "{said}");
}

#[test]
fn interrupt_ends_at_once_and_a_master_says_by_what() {
    for (mode, signal, expected) in
        [("-d", Signal::SIGINT, 0), ("-Ws", Signal::SIGINT, 130), ("-Ws", Signal::SIGTERM, 0)]
    {
        let directory = tempfile::tempdir().expect("a directory");
        let mut child = start(&[mode], directory.path());
        kill(Pid::from_raw(child.id().cast_signed()), signal).expect("it runs");
        assert_eq!(child.wait().expect("it ends").code(), Some(expected), "{mode} {signal}");
    }
}

#[test]
fn the_signal_of_haproxys_unit_reloads() {
    for mode in ["-W", "-Ws", "-db"] {
        let directory = tempfile::tempdir().expect("a directory");
        let mut child = start(&[mode], directory.path());
        let (_, port) = file(directory.path());
        kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGUSR2).expect("it runs");
        until("it serves what is new", || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok());
        kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM).expect("it runs");
        child.wait().expect("it ends");
    }
}

#[test]
fn background_returns_when_it_serves_and_leaves_its_pid() {
    let directory = tempfile::tempdir().expect("a directory");
    let (path, port) = file(directory.path());
    let pid_file = directory.path().join("pid");
    let arguments = ["haproxy", "-D", "-f", path.to_str().expect("utf-8"), "-p", pid_file.to_str().expect("utf-8")];
    let mut first = Command::new(PROGRAM).args(arguments).stdout(Stdio::piped()).spawn().expect("the program starts");
    assert_eq!(first.wait().expect("it ends").code(), Some(0));
    let mut said = String::new();
    first.stdout.take().expect("piped").read_to_string(&mut said).expect("nobody keeps it open");
    assert_eq!(said, "");
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("it serves already");
    let pid = std::fs::read_to_string(&pid_file).expect("a pid file").trim().parse().expect("a pid");
    kill(Pid::from_raw(pid), Signal::SIGTERM).expect("it runs");
    until("it ends", || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err());
}

#[test]
fn a_port_in_use_fails_in_the_background_too() {
    let directory = tempfile::tempdir().expect("a directory");
    let (path, port) = file(directory.path());
    let _holder = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("still free");
    assert_eq!(status(&haproxy(&["-D", "-f", path.to_str().expect("utf-8")])), Some(1));
}

#[test]
fn a_file_with_rules_and_a_statistics_page_converts() {
    let directory = tempfile::tempdir().expect("a directory");
    let (path, _) = file(directory.path());
    let mut text = std::fs::read_to_string(&path).expect("a file");
    text +=
        " http-request deny if { path /private }\n stats uri /stats\n stats auth ann:secret\n stats admin if TRUE\n";
    std::fs::write(&path, text).expect("a file");
    let path = path.to_str().expect("utf-8");
    let output = Command::new(PROGRAM).args(["convert", "-f", path]).output().expect("the program starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("- \"stats uri /stats\"") && said.contains("- \"http-request deny if"), "{output:?}");
}

#[test]
fn a_file_whose_rules_name_files_converts() {
    let directory = tempfile::tempdir().expect("a directory");
    let (path, _) = file(directory.path());
    let (page, list) = (directory.path().join("503.http"), directory.path().join("agents"));
    std::fs::write(&page, "HTTP/1.0 503 Out\r\nContent-Length: 0\r\n\r\n").expect("a file");
    std::fs::write(&list, "curl\n").expect("a file");
    let more = format!(
        " errorfile 503 {}\n http-request deny if {{ hdr(user-agent) -f {} }}\n",
        page.display(),
        list.display()
    );
    std::fs::write(&path, std::fs::read_to_string(&path).expect("a file") + &more).expect("a file");
    let output = Command::new(PROGRAM).args(["convert", "-f"]).arg(&path).output().expect("the program starts");
    assert!(output.status.success() && !output.stdout.is_empty(), "{output:?}");
}

#[test]
fn packaged_haproxy_judges_as_we_do() {
    let is_here = Command::new("haproxy").arg("-v").output().is_ok();
    assert!(is_here, "this needs the packaged haproxy: `./dev test` installs it");
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("cfg");
    let head =
        "defaults\n mode http\n timeout client 5s\n timeout connect 5s\n timeout server 5s\nlisten l\n bind :8000\n";
    for line in [
        "server s 127.0.0.1:1 check inter 2s rise 2 fall 3 weight 10 backup",
        "server s 127.0.0.1:1 chek",
        "server s 127.0.0.1:1 inter",
        "server s 127.0.0.1:1-3",
        "bind :80-79",
        "bind :99999",
        "bind 127.0.0.1:8001,[::1]:8002 name x",
        "balance random(3)",
        "balance nonsense",
        "timeout client 5x",
        "timeout clint 5s",
        "option httpchk GET / HTTP/1.1",
        "option nonsense",
        "option dontlognull x",
        "http-check expect status 200",
        "http-check expect status abc",
        "retry-on conn-failure",
        "retry-on nonsense",
        "default_backend nope",
        "no timeout client",
        "log 127.0.0.1 local0 info",
        "log 127.0.0.1 local9",
        "log 127.0.0.1",
        ".if version_atleast(2.4)\n retries 3\n .endif",
        ".if streq(a)\n .endif",
        ".if 1",
        ".else",
        "retries \"3",
        "retries \"${\"",
        "retries \"${NOPE-3}\"",
        "retries \"${NOPE}\"",
        "acl a path_beg /api",
        "acl a path_bg /api",
        "acl a path_beg",
        "acl a src 10.0.0.0/33",
        "acl a path_reg (",
        "acl a hdr(host),lower -m end .example.com",
        "http-request deny if a",
        "acl a always_true\n http-request deny if a !a or a",
        "http-request deny if { src 10.0.0.0/8 } || METH_POST",
        "http-request deny deny_status 429",
        "http-request deny status 99",
        "http-request nonsense",
        "http-request set-header X",
        "http-request set-header X %[src",
        "http-request set-header X %[src,lower,nonsense]",
        "http-request set-header X %[res.hdr(a)]",
        "http-request set-header X %ci:%cp",
        "http-request set-var(txn.a) path,lower",
        "http-request set-var(nope.a) path",
        "http-request redirect scheme https code 301 unless { ssl_fc }",
        "http-request redirect scheme https code 299",
        "http-request return status 200 content-type text/plain string hello",
        "http-request return status 200 string hello",
        "http-request replace-path (.*) /x\\1",
        "http-request set-map(/nowhere/map) a b",
        "http-request auth realm x if { http_auth(nope) }",
        "http-response set-status 299 reason x",
        "http-response set-status 99",
        "http-response set-header X %[path]",
        "http-after-response set-header X y",
        "http-after-response deny",
        "tcp-request connection reject if { src 10.0.0.1 }",
        "tcp-request connection reject if { path / }",
        "tcp-request content accept",
        "tcp-request nonsense accept",
        "redirect location http://a.example/ if { path / }",
        "redirect prefix",
        "use_backend nope if TRUE",
        "use_backend l if TRUE",
        "use_backend %[hdr(host)]",
    ] {
        std::fs::write(&path, format!("{head} {line}\n")).expect("a file");
        let file = path.to_str().expect("utf-8");
        let theirs = Command::new("haproxy").args(["-c", "-f", file]).output().expect("it starts");
        let ours = haproxy(&["-c", "-f", file]);
        let said = String::from_utf8_lossy(&ours.stderr).into_owned();
        assert_eq!(status(&ours), status(&theirs), "{line}\n{said}{}", String::from_utf8_lossy(&theirs.stderr));
    }
}
