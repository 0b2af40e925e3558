//! What a stop does to connections that are idle, for vipgate as for the packaged haproxy.

use std::io::{Read, Write};
use std::net::TcpStream;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::ports;
use super::proxy::{BOTH, Proxy, head};

/// Asks over a connection that stays open, and gives back the head of the answer.
fn ask(client: &mut TcpStream) -> String {
    client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").expect("it reads");
    head(client).expect("an answer")
}

#[test]
fn a_stop_closes_idle_connections_but_for_those_that_wait_for_an_answer() {
    for program in BOTH {
        let kept = ports::free();
        let proxy = Proxy::serving(program, |port, directory| {
            format!(
                "global\n nbthread 1\n stats socket {} level admin\ndefaults\n mode http\n timeout client 60s\n timeout \
                 connect 60s\n timeout server 60s\nfrontend fe\n bind 127.0.0.1:{port}\n http-request return status \
                 204\nfrontend kept\n bind {kept}\n option idle-close-on-response\n http-request return status 204\n",
                directory.join("socket").display(),
            )
        });
        let (mut idle, mut waiting) = (proxy.client(), TcpStream::connect(kept).expect("it listens"));
        assert!(!ask(&mut idle).contains("lose") && !ask(&mut waiting).contains("lose"), "{program:?}: both persist");
        kill(Pid::from_raw(proxy.process.id().cast_signed()), Signal::SIGUSR1).expect("it runs");
        assert_eq!(idle.read(&mut [0]).expect("an end"), 0, "{program:?}");
        assert!(ask(&mut waiting).contains("onnection: close\r\n"), "{program:?}");
        assert_eq!(waiting.read(&mut [0]).expect("an end"), 0, "{program:?}");
    }
}
