//! Runtime commands that traffic feels: streams that are listed and ended, frontends that stop to listen, kept lines.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::proxy::{BOTH, OURS, Proxy, head};
use super::runtime;
use super::until;

/// A proxy whose only usable server takes connections and never answers.
fn proxy_with_silent_server(program: &[&str]) -> (Proxy, TcpListener) {
    let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = server.local_addr().expect("an address").port();
    let proxy = runtime::proxy(program);
    proxy.ask("disable server be/s1");
    proxy.ask(&format!("set server be/s2 addr 127.0.0.1 port {port}"));
    (proxy, server)
}

fn request(proxy: &Proxy) -> TcpStream {
    let mut client = proxy.client();
    client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").expect("it reads");
    client
}

/// The lines of `show sess` about traffic.
fn streams(proxy: &Proxy) -> Vec<String> {
    let all = proxy.ask("show sess");
    all.lines().filter(|line| line.contains(" fe=fe ")).map(str::to_owned).collect()
}

fn wait_for_stream(proxy: &Proxy) -> String {
    until("a stream is with the server", || streams(proxy).iter().any(|line| line.contains(" srv=s2 ")));
    streams(proxy).remove(0)
}

/// What the client hears until the connection ends.
fn heard(mut client: TcpStream) -> String {
    let mut said = Vec::new();
    match client.read_to_end(&mut said) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}"),
    }
    String::from_utf8_lossy(&said).into_owned()
}

#[test]
fn a_stream_is_listed_and_can_be_ended_by_its_name() {
    for program in BOTH {
        let (proxy, _server) = proxy_with_silent_server(program);
        let client = request(&proxy);
        let line = wait_for_stream(&proxy);
        let source = format!(" src={} ", client.local_addr().expect("an address"));
        assert!(line.contains(" proto=tcpv4 ") && line.contains(&source) && line.contains(" be=be "), "{line}");
        let id = line.split(':').next().expect("a name").to_owned();
        let detail = proxy.ask(&format!("show sess {id}"));
        assert!(detail.contains("  frontend=fe (id=2 mode=http)"), "{detail}");
        assert!(detail.contains("  backend=be (id=3 mode=http)") && detail.contains("  server=s2 (id=2)"), "{detail}");
        assert_eq!(proxy.ask(&format!("shutdown session {id}")), "\n");
        heard(client);
        until("it is gone", || streams(&proxy).is_empty());
    }
}

#[test]
fn streams_of_a_server_can_be_ended_together() {
    for program in BOTH {
        let (proxy, _server) = proxy_with_silent_server(program);
        let clients: Vec<TcpStream> = (0..3).map(|_| request(&proxy)).collect();
        until("all are with the server", || {
            streams(&proxy).iter().filter(|line| line.contains(" srv=s2 ")).count() == 3
        });
        assert_eq!(proxy.ask("shutdown sessions server be/s2"), "\n");
        clients.into_iter().for_each(|client| drop(heard(client)));
        until("they are gone", || streams(&proxy).is_empty());
    }
}

#[test]
fn streams_are_chosen_by_where_they_go() {
    let (proxy, _server) = proxy_with_silent_server(OURS);
    let _client = request(&proxy);
    let line = wait_for_stream(&proxy);
    let id = line.split(':').next().expect("a name");
    let count =
        |options: &str| proxy.ask(&format!("show sess {options}")).lines().filter(|row| row.contains(id)).count();
    for options in ["backend be", "frontend fe", "server be/s2", "all", "older 0"] {
        assert_eq!(count(options), 1, "{options}");
    }
    assert_eq!((count("server be/s1"), count("older 1h")), (0, 0));
    assert_eq!(proxy.ask("show sess backend zz"), "Unknown backend name 'zz'.\n\n");
}

#[test]
fn a_paused_frontend_refuses_connections_and_a_closed_one_does_not_come_back() {
    for program in BOTH {
        let proxy = runtime::proxy(program);
        let connects = || TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port)).map(drop).map_err(|error| error.kind());
        until("it listens", || connects().is_ok());
        proxy.ask("disable frontend fe");
        assert_eq!(connects(), Err(ErrorKind::ConnectionRefused));
        assert!(proxy.ask("show stat fe 1 -1").contains(",PAUSED,"));
        proxy.ask("enable frontend fe");
        assert_eq!(connects(), Ok(()));
        assert!(proxy.ask("show stat fe 1 -1").contains(",OPEN,"));
        proxy.ask("shutdown frontend fe");
        until("it is closed", || connects() == Err(ErrorKind::ConnectionRefused));
        assert!(proxy.ask("show stat fe 1 -1").contains(",STOP,"));
    }
}

/// HAProxy 2.6 cannot, and what 3.x does is this.
#[test]
fn clients_of_a_paused_unix_socket_wait_until_it_is_resumed() {
    let proxy = Proxy::serving(OURS, |port, directory| {
        format!(
            "global\n stats socket {} level admin\ndefaults\n mode http\n timeout client 20s\nfrontend fe\n bind {}\n \
             http-request return status 200\nfrontend other\n bind 127.0.0.1:{port}\n",
            directory.join("socket").display(),
            directory.join("web").display()
        )
    });
    let path = proxy.directory.path().join("web");
    let asks = || {
        let mut client = UnixStream::connect(&path).expect("it listens");
        client.set_read_timeout(Some(Duration::from_millis(200))).expect("a timeout");
        client.write_all(b"GET / HTTP/1.0\r\n\r\n").expect("the kernel takes it");
        client
    };
    let is_answered = |client: &mut UnixStream| client.read(&mut [0; 4096]).is_ok_and(|count| count > 0);
    until("it answers", || is_answered(&mut asks()));
    assert_eq!(proxy.ask("disable frontend fe"), "\n");
    assert!(proxy.ask("show stat fe 1 -1").contains(",PAUSED,"));
    let mut waiting = None;
    until("clients wait", || {
        let mut client = asks();
        let is_waiting = !is_answered(&mut client);
        waiting = is_waiting.then_some(client);
        is_waiting
    });
    assert_eq!(proxy.ask("enable frontend fe"), "\n");
    let mut waiting = waiting.expect("one waits");
    until("it is answered", || is_answered(&mut waiting));
    until("so are others", || is_answered(&mut asks()));
}

#[test]
fn clients_of_a_paused_frontend_stay_and_those_of_a_closed_one_go_with_their_next_response() {
    for program in BOTH {
        let proxy = Proxy::serving(program, |port, directory| {
            format!(
                "global\n stats socket {} level admin\ndefaults\n mode http\n timeout client 20s\n timeout connect 5s\n \
                 timeout server 20s\nfrontend fe\n bind 127.0.0.1:{port}\n http-request return status 200\n",
                directory.join("socket").display()
            )
        });
        let mut client = proxy.client();
        let mut asked = || {
            client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").expect("it reads");
            head(&mut client).expect("it answers").to_ascii_lowercase()
        };
        assert!(!asked().contains("connection:"));
        proxy.ask("disable frontend fe");
        (0..2).for_each(|_| assert!(!asked().contains("connection:"), "{}", program[0]));
        proxy.ask("enable frontend fe");
        assert!(!asked().contains("connection:"));
        proxy.ask("shutdown frontend fe");
        until("its clients are told to go", || asked().contains("connection: close"));
        assert_eq!(heard(client), "");
    }
}

#[test]
fn lines_in_a_ring_are_told() {
    let proxy = runtime::proxy(OURS);
    proxy.ask("disable server be/s1");
    until("the change was logged", || proxy.ask("show events kept").contains("Server be/s1 "));
    assert_eq!(proxy.ask("show events kept -n"), "\n");
    assert!(proxy.ask("show events").contains("    kept       : type=buffer"));
    assert_eq!(proxy.ask("show events nothing"), "No such event sink\n\n");
}

#[test]
fn the_process_tells_of_its_inside_what_it_knows() {
    let proxy = runtime::proxy(OURS);
    // A thread names itself when it begins.
    until("the threads have their names", || {
        let threads = proxy.ask("show threads");
        threads.contains("name=vg-w00 ") && threads.contains("name=vg-check ")
    });
    assert!(proxy.ask("show fd").contains(": socket:["));
    assert!(proxy.ask("show libs").contains("/vipgate\n"));
    assert!(proxy.ask("show activity").contains("\naccepted: 0 ["));
    assert!(proxy.ask("show pools").ends_with("Total: 0 pools, 0 bytes allocated, 0 used (~0 by thread caches).\n\n"));
    assert!(proxy.ask("set profiling tasks on").starts_with("Profiling is not available"));
}
