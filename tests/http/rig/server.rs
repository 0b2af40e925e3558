//! Servers that follow a script.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::{Peer, Permits, signal};

/// A server that runs `script` for each connection, with the connection's number from 0.
pub struct Scripted {
    pub address: SocketAddr,
    accepted: Arc<AtomicUsize>,
}

impl Scripted {
    pub fn new(script: impl Fn(Peer, usize) + Send + Sync + 'static) -> Scripted {
        let listener = TcpListener::bind((IpAddr::V4(Ipv4Addr::LOCALHOST), 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let accepted = Arc::new(AtomicUsize::new(0));
        let (counter, script) = (Arc::clone(&accepted), Arc::new(script));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let number = counter.fetch_add(1, Ordering::SeqCst);
                let script = Arc::clone(&script);
                std::thread::spawn(move || script(Peer::new(stream), number));
            }
        });
        Scripted { address, accepted }
    }

    /// Runs `script` for each head of a request, on connections that persist.
    pub fn each(script: impl Fn(&mut Peer, String) + Send + Sync + 'static) -> Scripted {
        Scripted::new(move |mut peer, _| {
            loop {
                let head = peer.head();
                if head.is_empty() {
                    return;
                }
                script(&mut peer, head);
            }
        })
    }

    /// Answers every request with its own head and body as the body.
    pub fn echo() -> Scripted {
        Scripted::each(|peer, head| {
            let body = peer.body(&head);
            peer.answer(&(head + &body));
        })
    }

    /// Answers every request with this body.
    pub fn answering(body: &'static str) -> Scripted {
        Scripted::each(|peer, _| {
            peer.answer(body);
        })
    }

    /// Answers a request with this body when it gets a permit, and not at all when there will be none.
    pub fn held(body: &'static str) -> (Scripted, Permits) {
        let (permits, wait) = signal();
        let wait = Mutex::new(wait);
        let server = Scripted::each(move |peer, _| {
            if wait.lock().unwrap().recv().is_ok() {
                peer.answer(body);
            }
        });
        (server, permits)
    }

    /// Answers with `response` once and closes.
    pub fn once(response: &'static str) -> Scripted {
        Scripted::new(move |mut peer, _| {
            peer.head();
            peer.send(response);
        })
    }

    pub fn connections(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}
