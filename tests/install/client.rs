//! The client: 100 requests a second on new connections, and some on connections that it keeps.
#![allow(clippy::disallowed_methods, reason = "measures and paces real time")]

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::network::VIP;

/// Pause between two requests on new connections.
const EVERY: Duration = Duration::from_millis(10);
/// Connections that are kept, and the pause between two requests on each.
const KEPT: usize = 4;
const KEPT_EVERY: Duration = Duration::from_millis(40);
/// A request that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(2);

/// A request.
#[derive(Clone, Debug)]
struct Sample {
    sent: Instant,
    ended: Instant,
    failure: Option<String>,
}

/// What the client saw in a time.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Requests sent.
    pub requests: usize,
    /// Why requests failed, one text for each.
    pub failures: Vec<String>,
    /// Longest time between two answers.
    pub gap: Duration,
    /// Longest time from a request to its answer.
    pub slowest: Duration,
}

impl Seen {
    /// The reasons of the failures, each with its number.
    pub fn reasons(&self) -> String {
        let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
        self.failures.iter().for_each(|reason| *reasons.entry(reason).or_default() += 1);
        reasons.iter().map(|(reason, count)| format!("{count} x {reason}")).collect::<Vec<_>>().join("; ")
    }
}

/// A client at work, until it is dropped.
pub struct Client {
    samples: Arc<Mutex<Vec<Sample>>>,
    is_over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Client {
    /// Starts asking.
    pub fn start() -> Client {
        let address: SocketAddr = format!("{VIP}:80").parse().expect("an address");
        let (samples, is_over) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let mut threads = Vec::new();
        let (notes, over) = (Arc::clone(&samples), Arc::clone(&is_over));
        threads.push(thread::spawn(move || ask_on_new_connections(address, &notes, &over)));
        for _ in 0..KEPT {
            let (notes, over) = (Arc::clone(&samples), Arc::clone(&is_over));
            threads.push(thread::spawn(move || ask_on_a_kept_connection(address, &notes, &over)));
        }
        Client { samples, is_over, threads }
    }

    /// What became of the requests that were sent from `from` on. Waits until each of them has ended.
    pub fn seen(&self, from: Instant) -> Seen {
        let until = Instant::now();
        thread::sleep(PATIENCE + EVERY);
        let samples = self.samples.lock().expect("no client thread panics");
        let window: Vec<_> = samples.iter().filter(|sample| sample.sent >= from && sample.sent < until).collect();
        let answered = || window.iter().filter(|sample| sample.failure.is_none());
        let mut answers: Vec<_> = answered().map(|sample| sample.ended).chain([from, until]).collect();
        answers.sort();
        Seen {
            requests: window.len(),
            failures: window.iter().filter_map(|sample| sample.failure.clone()).collect(),
            gap: answers.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default(),
            slowest: answered().map(|sample| sample.ended - sample.sent).max().unwrap_or_default(),
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn note(samples: &Mutex<Vec<Sample>>, sent: Instant, result: &io::Result<Answer>, kind: &str) {
    let failure = match result {
        Ok(answer) if answer.status == "200" => None,
        Ok(answer) => Some(format!("{kind}: HTTP {}", answer.status)),
        Err(error) => Some(format!("{kind}: {error}")),
    };
    samples.lock().expect("no client thread panics").push(Sample { sent, ended: Instant::now(), failure });
}

fn ask_on_new_connections(address: SocketAddr, samples: &Arc<Mutex<Vec<Sample>>>, is_over: &AtomicBool) {
    let mut next = Instant::now();
    while !is_over.load(Ordering::Relaxed) {
        let samples = Arc::clone(samples);
        thread::spawn(move || {
            let sent = Instant::now();
            let answer = connect(address).and_then(|mut stream| ask(&mut stream, "Connection: close\r\n"));
            note(&samples, sent, &answer, "new connection");
        });
        next += EVERY;
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
}

fn ask_on_a_kept_connection(address: SocketAddr, samples: &Mutex<Vec<Sample>>, is_over: &AtomicBool) {
    let mut kept: Option<TcpStream> = None;
    while !is_over.load(Ordering::Relaxed) {
        thread::sleep(KEPT_EVERY);
        // Connecting is what the other requests measure; an idle connection may be closed by the other end.
        let Some(mut stream) = kept.take().filter(is_open).or_else(|| connect(address).ok()) else { continue };
        let sent = Instant::now();
        let answer = ask(&mut stream, "");
        note(samples, sent, &answer, "kept connection");
        kept = answer.is_ok_and(|answer| !answer.is_last).then_some(stream);
    }
}

/// Whether the other end has not closed it.
fn is_open(stream: &TcpStream) -> bool {
    let is_silent = stream.set_nonblocking(true).is_ok()
        && stream.peek(&mut [0]).is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock);
    is_silent && stream.set_nonblocking(false).is_ok()
}

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

struct Answer {
    status: String,
    is_last: bool,
}

fn ask(stream: &mut TcpStream, header: &str) -> io::Result<Answer> {
    stream.write_all(format!("GET / HTTP/1.1\r\nHost: www.example\r\n{header}\r\n").as_bytes())?;
    let (mut received, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        if let Some(answer) = complete(&received) {
            return Ok(answer);
        }
        match stream.read(&mut buffer)? {
            0 => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "closed without an answer")),
            count => received.extend_from_slice(&buffer[..count]),
        }
    }
}

/// The answer, once its body (`Content-Length`) is there.
fn complete(received: &[u8]) -> Option<Answer> {
    let text = String::from_utf8_lossy(received).to_ascii_lowercase();
    let (head, body) = text.split_once("\r\n\r\n")?;
    let header = |name: &str| {
        let line = head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.map(str::trim)
    };
    let is_close = header("connection") == Some("close");
    match header("content-length").and_then(|length| length.parse::<usize>().ok()) {
        Some(length) if body.len() < length => None,
        // An error page of the proxy's has no length: its status is enough.
        _ => Some(Answer { status: head.split(' ').nth(1)?.to_owned(), is_last: is_close }),
    }
}
