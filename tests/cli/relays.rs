//! Relays of syslog messages (`log-forward`) and servers of rings, beside the packaged haproxy's.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::proxy::{BOTH, OURS, Proxy};
use super::syslog::{received, receiver};
use super::{ports, until};

/// Each with a host, a time and a priority, so that nothing depends on when it comes.
const MESSAGES: [&str; 8] = [
    "<134>Nov  2 04:40:00 host1 tag[12]: hello world",
    "<134>Nov 12 04:40:00 host1 tag: hello world\n",
    "<134>Nov  2 04:40:00 host1 no tag here",
    "<14>Nov  2 04:40:00 tag[7]: hello without host",
    "<134>Nov  2 04:40:00 host1 tag[12: x",
    "<134>1 2024-06-12T10:09:11.823400+02:00 h2 tag2 33 msgid [a b=\"c\"][d e=\"\\]\"] five",
    "<11>1 2024-06-12T10:09:11Z h2 - - - - x",
    "<0>1 2024-01-02T10:09:11.1-00:00 h t p m - emergency \\ ] [",
];
const FORMS: [&str; 9] = ["", "raw", "rfc3164", "rfc5424", "local", "priority", "short", "timed", "iso"];

/// A relay with these lines; its address is that of both kinds of sockets.
fn relay(program: &[&str], lines: &str) -> (Proxy, SocketAddr) {
    let proxy = Proxy::serving(program, |port, directory| {
        let socket = directory.join("socket");
        format!(
            "global\n nbthread 1\n stats socket {} level admin\nlog-forward relay\n dgram-bind 127.0.0.1:{port}\n \
             bind 127.0.0.1:{port}\n{lines}\n",
            socket.display()
        )
    });
    // Haproxy's socket is there before the others are; its answer is not.
    proxy.ask("show info");
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, proxy.port));
    (proxy, address)
}

#[test]
fn messages_leave_in_the_form_that_is_asked_for() {
    let [theirs, ours] = BOTH.map(|program| {
        let (socket, port) = receiver();
        let targets = FORMS.map(|form| match form {
            "" => format!(" log 127.0.0.1:{port} local3 notice\n log 127.0.0.1:{port} local3 debug warning\n"),
            form => format!(" log 127.0.0.1:{port} format {form} local3\n"),
        });
        let (proxy, address) = relay(program, &targets.concat());
        let mut found = Vec::new();
        for message in MESSAGES {
            socket.send_to(message.as_bytes(), address).expect("it listens");
            // Those that are not grave enough for the first target do not go there.
            let level =
                message[1..].split('>').next().and_then(|text| text.parse::<u8>().ok()).expect("a priority") % 8;
            let count = FORMS.len() + usize::from(level <= 5);
            found.extend((0..count).map(|_| received(&socket)));
        }
        drop(proxy);
        found
    });
    assert!(ours.len() > 60, "{ours:?}");
    assert_eq!(ours, theirs);
}

#[test]
fn connections_bring_lines_and_counted_messages() {
    for program in BOTH {
        let (socket, port) = receiver();
        let (proxy, address) = relay(program, &format!(" log 127.0.0.1:{port} format raw local0\n timeout client 1h"));
        let mut stream = TcpStream::connect(address).expect("it listens");
        stream.write_all(b"<134>one\n<134>two\r\n10 <134>three9 <134>fo\nu<134>five\n11 <13").expect("it reads");
        let expected = ["one\n", "two\n", "three\n", "fo\nu\n", "five\n"];
        assert_eq!(expected.map(|_| received(&socket)), expected, "{}", program[0]);
        stream.write_all(b"4>six\nx\nsix").expect("it reads");
        assert_eq!(received(&socket), "six\nx\n");
        // What begins like no message ends the connection.
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        assert!(rest.is_empty());
        until("all are counted", || proxy.ask("show info").contains("CumRecvLogs: 6\n"));
    }
}

#[test]
fn a_relay_has_as_many_connections_as_it_may() {
    // The packaged haproxy takes no further connection even when the first one has gone.
    let (socket, port) = receiver();
    let (_proxy, address) = relay(OURS, &format!(" maxconn 1\n log 127.0.0.1:{port} format raw local0"));
    let say = |mut stream: &TcpStream, message: &str| {
        stream.write_all(format!("<134>{message}\n").as_bytes()).expect("it reads");
    };
    let first = TcpStream::connect(address).expect("it listens");
    say(&first, "a");
    assert_eq!(received(&socket), "a\n");
    let second = TcpStream::connect(address).expect("it listens");
    say(&second, "b");
    say(&first, "c");
    assert_eq!(received(&socket), "c\n");
    drop(first);
    assert_eq!(received(&socket), "b\n");
}

#[test]
fn what_newer_versions_say_of_hosts_and_framing_holds() {
    let (socket, port) = receiver();
    let lines = format!(
        " option host append\n option assume-rfc6587-ntf\n log 127.0.0.1:{port} format rfc3164 local0\nlog-forward \
         other\n dgram-bind 127.0.0.1:@other@\n option dont-parse-log\n log 127.0.0.1:{port} format raw local0"
    );
    let other = ports::free();
    let (_proxy, address) = relay(OURS, &lines.replace("@other@", &other.port().to_string()));
    socket.send_to(b"<134>Nov  2 04:40:00 host1 t: x", address).expect("it listens");
    assert_eq!(received(&socket), "<134>Nov  2 04:40:00 host1,127.0.0.1 t: x\n");
    TcpStream::connect(address).expect("it listens").write_all(b"5 no length\n").expect("it reads");
    assert!(received(&socket).ends_with(" 127.0.0.1 5 no length\n"));
    socket.send_to(b"<134>Nov  2 04:40:00 host1 t: x", other).expect("it listens");
    assert_eq!(received(&socket), "<134>Nov  2 04:40:00 host1 t: x\n");
}

#[test]
fn a_server_of_a_ring_gets_every_line_over_its_connection() {
    for program in BOTH {
        for (framing, expected) in [("legacy", "one\ntwo\n"), ("octet-count", "3 one3 two")] {
            let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
            let to = server.local_addr().expect("an address");
            let (proxy, address) = relay(
                program,
                &format!(
                    " log ring@kept local0\nring kept\n description \"for the test\"\n size 32768\n timeout connect 5s\n \
                     timeout server 5s\n server s {to} log-proto {framing}"
                ),
            );
            let (socket, _) = receiver();
            let mut reader = None;
            for message in ["one", "two"] {
                socket.send_to(format!("<134>{message}").as_bytes(), address).expect("it listens");
                let accept = || BufReader::new(server.accept().expect("it connects").0);
                let reader = reader.get_or_insert_with(accept);
                let count = expected.len() / 2;
                let mut bytes = vec![0; count];
                reader.read_exact(&mut bytes).expect("it sends");
                let at = if message == "one" { 0 } else { count };
                assert_eq!(String::from_utf8_lossy(&bytes), expected[at..at + count], "{} {framing}", program[0]);
            }
            // A ring without a format keeps what is said and nothing else.
            until("both are kept", || proxy.ask("show events kept") == "one\ntwo\n\n");
            assert!(proxy.ask("show events").contains("    kept       : type=buffer, 0 dropped, for the test\n"));
            drop(proxy);
            assert_eq!(reader.map(|mut reader| reader.read_until(0, &mut Vec::new()).unwrap_or(0)), Some(0));
        }
    }
}

#[test]
fn lines_of_a_ring_are_followed_until_the_client_says_something() {
    for program in BOTH {
        let (proxy, address) = relay(program, " log ring@kept local0\nring kept\n size 32768");
        let (socket, _) = receiver();
        let say =
            |message: &str| _ = socket.send_to(format!("<134>{message}").as_bytes(), address).expect("it listens");
        say("one");
        until("it is kept", || proxy.ask("show events kept") == "one\n\n");
        let follow = |options: &str| {
            let mut stream = UnixStream::connect(proxy.socket()).expect("it listens");
            stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a limit");
            stream.write_all(format!("show events kept {options}\n").as_bytes()).expect("it reads");
            BufReader::new(stream)
        };
        let line = |reader: &mut BufReader<UnixStream>| {
            let mut line = String::new();
            reader.read_line(&mut line).expect("a line comes");
            line
        };
        let mut all = follow("-w");
        assert_eq!(line(&mut all), "one\n", "{}", program[0]);
        say("two");
        assert_eq!(line(&mut all), "two\n", "{}", program[0]);
        all.get_ref().shutdown(Shutdown::Write).expect("it is open");
        assert_eq!([line(&mut all), line(&mut all)], ["\n", ""], "{}", program[0]);
        assert_eq!(proxy.ask("show events kept -n"), "\n");
        assert_eq!(proxy.ask("show events kept -x"), "unknown option\n");
    }
}

#[test]
fn a_target_over_a_connection_gets_lines() {
    for program in BOTH {
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let to = server.local_addr().expect("an address");
        let (_proxy, address) = relay(program, &format!(" log tcp@{to} format priority local0"));
        let (socket, _) = receiver();
        socket.send_to(b"<134>one", address).expect("it listens");
        let mut line = String::new();
        BufReader::new(server.accept().expect("it connects").0).read_line(&mut line).expect("it sends");
        assert_eq!(line, "<134>one\n", "{}", program[0]);
    }
}

#[test]
fn a_ring_with_a_file_has_its_lines_after_a_crash() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name);
    let lines = format!(
        " log ring@kept local0\nring kept\n size 32768\n format raw\n backing-file {}",
        path("kept.ring").display()
    );
    let (mut proxy, address) = relay(OURS, &lines);
    let (socket, _) = receiver();
    for message in ["one", "two"] {
        socket.send_to(format!("<134>{message}").as_bytes(), address).expect("it listens");
    }
    until("both are kept", || proxy.ask("show events kept") == "one\ntwo\n\n");
    // Each has its length before it and a zero behind it; what is before them all is HAProxy's header.
    let has_both = |name: &str| {
        let bytes = std::fs::read(path(name)).expect("a file");
        bytes.len() == 32768 && bytes[192..].starts_with(b"\0\x03one\0\x03two\0")
    };
    until("both are in the file", || has_both("kept.ring"));
    proxy.process.kill().expect("it runs");
    proxy.process.wait().expect("it ends");
    assert!(has_both("kept.ring") && !path("kept.ring.bak").exists());
    let (again, _) = relay(OURS, &lines);
    assert!(has_both("kept.ring.bak"));
    assert_eq!(again.ask("show events kept"), "\n");
}

#[test]
fn the_ring_that_is_always_there_is_a_target_like_others() {
    let [theirs, ours] = BOTH.map(|program| {
        let (proxy, address) = relay(program, " log ring@buf0 local0");
        let (socket, _) = receiver();
        let (message, text) = ("<134>Nov  2 04:40:00 host1 tag[12]: hello", "<6>");
        socket.send_to(message.as_bytes(), address).expect("it listens");
        until("it is kept", || proxy.ask("show events buf0").starts_with(text));
        let listed =
            proxy.ask("show events").lines().filter(|line| line.contains("buf0")).collect::<Vec<_>>().join("\n");
        (proxy.ask("show events buf0"), listed)
    });
    assert_eq!(ours, theirs);
    // Its year is this one, or the last.
    assert!(ours.0.ends_with("-11-02T04:40:00-00:00 hello\n\n"), "{ours:?}");
}
