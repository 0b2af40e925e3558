//! The client: asks the VIP for a page all the time, on new connections and on kept ones, and writes down what it saw.
//!
//! The rate does not depend on the answers: a request is sent every [`EVERY`] even while earlier ones still wait.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Context;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::measure::{Outcome, Sample};
use super::scene::Scene;
use super::topology::{VIP, move_thread_to, node_of};

/// Time between two requests on new connections.
pub(super) const EVERY: Duration = Duration::from_millis(10);
/// A request without an answer after this time has failed.
pub(super) const PATIENCE: Duration = Duration::from_millis(500);
/// Kept connections.
const KEPT: usize = 4;
/// Time between two requests on a kept connection.
const KEPT_EVERY: Duration = Duration::from_millis(50);

/// What the client wrote down.
#[derive(Clone, Default)]
pub(super) struct Notebook {
    fresh: Arc<Mutex<Vec<Sample>>>,
    kept: Arc<Mutex<Vec<Sample>>>,
}

impl Notebook {
    /// Requests on new connections, in the order of sending.
    pub(super) fn fresh(&self) -> Vec<Sample> {
        sorted(&self.fresh)
    }

    /// Requests on kept connections, in the order of sending.
    pub(super) fn kept(&self) -> Vec<Sample> {
        sorted(&self.kept)
    }
}

fn sorted(samples: &Mutex<Vec<Sample>>) -> Vec<Sample> {
    let mut samples = samples.lock().unwrap_or_else(PoisonError::into_inner).clone();
    samples.sort_by_key(|sample| sample.sent);
    samples
}

/// Starts the client in its namespace; it asks until the lab ends.
pub(super) fn start(scene: &Scene) -> anyhow::Result<Notebook> {
    let notebook = Notebook::default();
    let address: Ipv4Addr = VIP.parse().context("the VIP of the lab")?;
    let (scene, notes) = (scene.clone(), notebook.clone());
    thread::Builder::new().name("client".to_owned()).spawn(move || {
        let outcome = move_thread_to("client").and_then(|()| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(ask_for_ever(&scene, &notes, address));
            Ok(())
        });
        if let Err(error) = outcome {
            eprintln!("the lab's client ended: {error:#}");
        }
    })?;
    Ok(notebook)
}

async fn ask_for_ever(scene: &Scene, notebook: &Notebook, address: Ipv4Addr) {
    for _ in 0..KEPT {
        tokio::spawn(keep_asking(scene.clone(), notebook.clone(), address));
    }
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    loop {
        ticks.tick().await;
        let (scene, notebook) = (scene.clone(), notebook.clone());
        tokio::spawn(async move {
            let sent = scene.elapsed();
            let answer = match timeout(PATIENCE, ask_once(address)).await {
                Ok(answer) => answer,
                Err(_) => Err("timeout".to_owned()),
            };
            let outcome = match &answer {
                Ok(_) => Outcome::Answered,
                Err(why) => Outcome::Failed(why.clone()),
            };
            notebook.fresh.lock().unwrap_or_else(PoisonError::into_inner).push(Sample { sent, outcome });
            tell(&scene, sent, answer);
        });
    }
}

/// Puts an answer into the facts, and into the timeline where it differs from the one before.
fn tell(scene: &Scene, sent: Duration, answer: Result<Answer, String>) {
    scene.update(|facts| {
        match &answer {
            Ok(answer) => facts.note_answer(answer.server.clone()),
            Err(_) => facts.answers_in_a_row = 0,
        }
        if sent < facts.newest {
            return None;
        }
        facts.newest = sent;
        let was_failing = std::mem::replace(&mut facts.is_failing, answer.is_err());
        let answer = match answer {
            Ok(answer) => answer,
            Err(why) => return (!was_failing).then(|| format!("client  request failed: {why}")),
        };
        let node = node_of(&answer.through);
        let has_moved = std::mem::replace(&mut facts.served_by, node) != node;
        let node = node.unwrap_or("?");
        match (was_failing, has_moved) {
            (true, _) => Some(format!("client  is answered again, through {node}")),
            (false, true) => Some(format!("client  is answered through {node}")),
            (false, false) => None,
        }
    });
}

/// An answer of the lab's servers: who gave it, and which address had asked.
struct Answer {
    server: String,
    through: String,
    is_last: bool,
}

async fn ask_once(address: Ipv4Addr) -> Result<Answer, String> {
    let mut stream = TcpStream::connect((address, 80)).await.map_err(|error| in_a_word(&error))?;
    ask(&mut stream, "Connection: close\r\n").await
}

async fn keep_asking(scene: Scene, notebook: Notebook, address: Ipv4Addr) {
    loop {
        // Reconnecting is what the other requests measure; here only requests on an open connection count.
        if let Ok(Ok(mut stream)) = timeout(PATIENCE, TcpStream::connect((address, 80))).await {
            loop {
                let (sample, is_last) = ask_again(&scene, &mut stream).await;
                notebook.kept.lock().unwrap_or_else(PoisonError::into_inner).push(sample);
                // A server may end a connection that is idle.
                if is_last || timeout(KEPT_EVERY, stream.readable()).await.is_ok() {
                    break;
                }
            }
        }
        sleep(KEPT_EVERY).await;
    }
}

/// Sends the next request on a kept connection, and says whether it was the last one that can be sent there.
async fn ask_again(scene: &Scene, stream: &mut TcpStream) -> (Sample, bool) {
    let sent = scene.elapsed();
    match timeout(PATIENCE, ask(stream, "")).await {
        Ok(Ok(answer)) => (Sample { sent, outcome: Outcome::Answered }, answer.is_last),
        Ok(Err(why)) => (Sample { sent, outcome: Outcome::Failed(why) }, true),
        Err(_) => (Sample { sent, outcome: Outcome::Failed("timeout".to_owned()) }, true),
    }
}

async fn ask(stream: &mut TcpStream, header: &str) -> Result<Answer, String> {
    let request = format!("GET / HTTP/1.1\r\nHost: www.lab\r\n{header}\r\n");
    stream.write_all(request.as_bytes()).await.map_err(|error| in_a_word(&error))?;
    let mut received = Vec::with_capacity(512);
    loop {
        if let Some(answer) = read_answer(&received) {
            return answer;
        }
        match stream.read_buf(&mut received).await {
            Ok(0) => return Err("closed without an answer".to_owned()),
            Ok(_) => {}
            Err(error) => return Err(in_a_word(&error)),
        }
    }
}

/// The answer in these bytes, if they hold all of it.
fn read_answer(received: &[u8]) -> Option<Result<Answer, String>> {
    let text = std::str::from_utf8(received).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split_whitespace().nth(1).unwrap_or_default();
    if status != "200" {
        return Some(Err(format!("HTTP {status}")));
    }
    let head = head.to_ascii_lowercase();
    if !body.ends_with('\n') {
        return None;
    }
    let mut words = body.split_whitespace().map(str::to_owned);
    let answer = Answer { server: words.next()?, through: words.next()?, is_last: head.contains("connection: close") };
    Some(Ok(answer))
}

fn in_a_word(error: &std::io::Error) -> String {
    use std::io::ErrorKind::{ConnectionRefused, ConnectionReset, HostUnreachable, NetworkUnreachable};
    match error.kind() {
        ConnectionRefused => "refused".to_owned(),
        ConnectionReset => "reset".to_owned(),
        HostUnreachable | NetworkUnreachable => "unreachable".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_names_server_and_asker() {
        let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 21\r\nConnection: close\r\n\r\nweb01 198.51.100.11\n";
        let answer = read_answer(bytes).expect("complete").expect("200");
        assert_eq!((answer.server.as_str(), answer.through.as_str(), answer.is_last), ("web01", "198.51.100.11", true));
    }

    #[test]
    fn half_an_answer_is_none() {
        assert!(read_answer(b"HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\nweb01 198.5").is_none());
    }

    #[test]
    fn an_error_page_is_a_failure() {
        assert!(
            matches!(read_answer(b"HTTP/1.0 503 Service Unavailable\r\n\r\n"), Some(Err(why)) if why == "HTTP 503")
        );
    }
}
