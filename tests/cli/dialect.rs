//! The version that a file declares: what it knows, what it makes of a file that nobody reaches, what tools are told.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::{PROGRAM, haproxy, status, until};

const DEFAULTS: &str = "defaults\n mode http\n timeout client 5s\n timeout connect 5s\n timeout server 5s\n";

/// What both say to a file that declares 2.6, which the packaged haproxy is.
fn both(path: &Path, text: &str, arguments: &[&str]) -> (Output, Output) {
    std::fs::write(path, format!("# vipgate: haproxy 2.6\n{text}")).expect("a file");
    let path = path.to_str().expect("utf-8");
    let theirs = Command::new("haproxy").args(arguments).args(["-f", path]).output();
    let theirs = theirs.expect("this needs the packaged haproxy: `./dev test` installs it");
    (haproxy(&[arguments, &["-f", path]].concat()), theirs)
}

#[test]
fn words_of_other_versions_are_judged_as_the_declared_one_does() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("cfg");
    for (place, line, is_right) in [
        ('G', "nbproc 2", false),
        ('G', "tune.memory.hot-size 4096", false),
        ('G', "stress-level 1", false),
        ('F', "reqadd X-A:\\ b", false),
        ('F', "grace 5s", false),
        ('F', "bind-process 1", true),
        ('F', "bind 127.0.0.1:18081 process 1", true),
        ('F', "bind 127.0.0.1:18081 guid-prefix x", false),
        ('F', "http-request set-retries 3", false),
        ('F', "http-request set-fc-mark 3", false),
        ('F', "guid x", false),
        ('B', "option forwarded", false),
        ('B', "hash-preserve-affinity always", false),
        ('B', "option httpchk GET / HTTP/1.1 www", false),
        ('B', "option httpchk GET / HTTP/1.1\\r\\nHost:\\ www", true),
        ('B', "server t 127.0.0.1:2 init-state up", false),
        ('B', "server t 127.0.0.1:2 \"$NOTHING_AT_ALL\" nonsense", true),
        ('B', "dispatch 127.0.0.1:2", true),
    ] {
        let at = |here: char| if here == place { format!(" {line}\n") } else { String::new() };
        let server = if line.starts_with("dispatch") { "" } else { " server s 127.0.0.1:1\n" };
        let text = format!(
            "global\n{}{DEFAULTS}frontend web\n bind 127.0.0.1:18080\n default_backend web\n{}backend web\n{server}{}",
            at('G'),
            at('F'),
            at('B')
        );
        let (ours, theirs) = both(&path, &text, &["-c"]);
        assert_eq!(status(&theirs), Some(i32::from(!is_right)), "haproxy: {line}");
        assert_eq!(status(&ours), status(&theirs), "{line}\n{}", String::from_utf8_lossy(&ours.stderr));
    }
}

#[test]
fn a_file_that_nobody_reaches_does_not_start() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("cfg");
    let files = [
        DEFAULTS.to_owned(),
        "global\n maxconn 5\n".to_owned(),
        format!("{DEFAULTS}backend b\n server s 127.0.0.1:1\n"),
        format!("{DEFAULTS}frontend f\n default_backend b\nbackend b\n server s 127.0.0.1:1\n"),
    ];
    for text in files {
        for (arguments, expected) in [(["-c", "-V"], 2), (["-db", "-V"], 1)] {
            let (ours, theirs) = both(&path, &text, &arguments);
            let said = String::from_utf8_lossy(&ours.stderr).into_owned();
            assert_eq!((status(&theirs), status(&ours)), (Some(expected), Some(expected)), "{text}{said}");
            let what = "No enabled listener found (check for 'bind' directives) ! Exiting.";
            assert_eq!(said.contains(what), expected == 1, "{said}");
            assert!(!text.contains("frontend") || said.contains("frontend 'f' has no 'bind' directive"), "{said}");
        }
        // Newer versions find the file itself in order.
        std::fs::write(&path, &text).expect("a file");
        assert_eq!(status(&haproxy(&["-c", "-f", path.to_str().expect("utf-8")])), Some(0));
    }
}

#[test]
fn a_socket_for_commands_is_reason_enough_to_start() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("cfg");
    let socket = directory.path().join("sock");
    let (ours, theirs) = both(&path, &format!("global\n stats socket {}\n", socket.display()), &["-c"]);
    assert_eq!((status(&ours), status(&theirs)), (Some(0), Some(0)));
}

#[test]
fn predicates_and_the_version_follow_the_environment() {
    let run = |arguments: &[&str], version: &str| {
        let mut command = Command::new(PROGRAM);
        command.arg("haproxy").args(arguments).env("VIPGATE_DIALECT", version).output().expect("it starts")
    };
    for (version, said) in [("2.6", "HAProxy version 2.6.0-vipgate"), ("3.0.5", "HAProxy version 3.0.5-vipgate")] {
        for option in ["-v", "-vv"] {
            let output = run(&[option], version).stdout;
            assert!(output.starts_with(said.as_bytes()), "{}", String::from_utf8_lossy(&output));
        }
        let is_old = i32::from(version != "2.6");
        assert_eq!(status(&run(&["-cc", "version_before(2.7)"], version)), Some(is_old), "{version}");
    }
}

#[test]
fn tools_are_told_the_declared_version_the_node_and_the_description() {
    let directory = tempfile::tempdir().expect("a directory");
    let socket = directory.path().join("sock");
    let path = directory.path().join("cfg");
    let text = format!(
        "# vipgate: haproxy 2.8.3\nglobal\n stats socket {}\n node front-1\n description the first one\n",
        socket.display()
    );
    std::fs::write(&path, text).expect("a file");
    let mut command = Command::new(PROGRAM);
    command.args(["haproxy", "-db", "-f"]).arg(&path).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().expect("it starts");
    until("it answers", || UnixStream::connect(&socket).is_ok());
    let ask = |line: &str| {
        let mut stream = UnixStream::connect(&socket).expect("it listens");
        stream.write_all(line.as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        answer
    };
    let info = ask("show info\n");
    for line in ["Version: 2.8.3-vipgate", "Release_date: 2023/05/31", "node: front-1", "description: the first one"] {
        assert!(info.contains(&format!("\n{line}")), "{line} is missing:\n{info}");
    }
    assert!(ask("show version\n").starts_with("2.8.3-vipgate"));
    child.kill().expect("it runs");
    child.wait().expect("it ends");
}
