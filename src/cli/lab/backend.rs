//! An HTTP server of the lab: answers with its name and with the address of whoever asked, which names the node.

use std::net::SocketAddr;
use std::thread;

use anyhow::{Context, anyhow};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::topology::move_thread_to;

/// Longest request head that it reads, bytes.
const HEAD_LIMIT: usize = 8192;

/// Whether a server's process is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Power {
    /// It answers.
    On,
    /// Its connections are gone and new ones are refused.
    Off,
}

/// A running server.
pub(super) struct Backend {
    power: watch::Sender<Power>,
}

impl Backend {
    /// Starts a server in its namespace on port 80; it listens when this returns.
    pub(super) fn start(name: &'static str, address: &str) -> anyhow::Result<Backend> {
        let address: SocketAddr = format!("{address}:80").parse().context("address of a lab server")?;
        let (power, commands) = watch::channel(Power::On);
        let (ready, is_ready) = std::sync::mpsc::channel();
        thread::Builder::new().name(name.to_owned()).spawn(move || {
            let outcome = move_thread_to(name).and_then(|()| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                let ready = ready.clone();
                runtime.block_on(serve(name, address, commands, ready))
            });
            if let Err(error) = outcome {
                // The receiver is gone once the server was ready.
                let _ = ready.send(Err(error));
            }
        })?;
        is_ready.recv().unwrap_or_else(|_| Err(anyhow!("{name} ended")))?;
        Ok(Backend { power })
    }

    /// Takes the server's process away, or starts it again.
    pub(super) fn switch(&self, power: Power) {
        self.power.send_replace(power);
    }
}

async fn serve(
    name: &'static str,
    address: SocketAddr,
    mut power: watch::Receiver<Power>,
    ready: std::sync::mpsc::Sender<anyhow::Result<()>>,
) -> anyhow::Result<()> {
    loop {
        let listener = TcpListener::bind(address).await.with_context(|| format!("{name} cannot listen"))?;
        let _ = ready.send(Ok(()));
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => if let Ok((stream, peer)) = accepted {
                    connections.spawn(converse(name, stream, peer));
                },
                Some(_) = connections.join_next() => {}
                changed = power.changed() => match changed {
                    Ok(()) if *power.borrow() == Power::Off => break,
                    Ok(()) => {}
                    Err(_) => return Ok(()),
                },
            }
        }
        drop(connections);
        drop(listener);
        if power.wait_for(|power| *power == Power::On).await.is_err() {
            return Ok(());
        }
    }
}

/// Answers requests on one connection until the peer ends it.
async fn converse(name: &'static str, mut stream: TcpStream, peer: SocketAddr) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let body = format!("{name} {}\n", peer.ip());
    let mut received = Vec::new();
    loop {
        let end = match received.windows(4).position(|window| window == b"\r\n\r\n") {
            Some(end) => end + 4,
            None if received.len() > HEAD_LIMIT => return Ok(()),
            None => match stream.read_buf(&mut received).await? {
                0 => return Ok(()),
                _ => continue,
            },
        };
        let head = String::from_utf8_lossy(&received[..end]).to_ascii_lowercase();
        received.drain(..end);
        let is_last = head.contains("connection: close");
        let connection = if is_last { "Connection: close\r\n" } else { "" };
        let text = if head.starts_with("head ") { "" } else { body.as_str() };
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n{connection}\r\n{text}",
            body.len()
        );
        stream.write_all(answer.as_bytes()).await?;
        if is_last {
            return Ok(());
        }
    }
}
