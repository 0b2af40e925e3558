//! A name server that is asked in datagrams.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::UdpSocket;
use tokio::sync::mpsc;

use crate::wire::dns;

use super::{Report, Reporter};

/// Sends each question and reports each answer, until nobody asks any more. The kernel lets through only what comes from
/// where the questions go.
pub(super) async fn ask(
    address: SocketAddr,
    payload: u16,
    mut questions: mpsc::UnboundedReceiver<Vec<u8>>,
    reporter: Reporter,
) {
    let mut socket = None;
    // One byte more tells an answer that is too long.
    let mut buffer = vec![0; usize::from(payload) + 1];
    loop {
        tokio::select! {
            question = questions.recv() => {
                let Some(question) = question else { return };
                let report = match send(&mut socket, address, &question).await {
                    Ok(()) => Report::Sent,
                    Err(_) => Report::Unsent(dns::id(&question).unwrap_or_default()),
                };
                reporter.tell(report);
            }
            // Of an error nothing is told: nobody listens there now, and the question waits for its time to be over.
            received = receive(socket.as_ref(), &mut buffer) => if let Ok(length) = received {
                reporter.tell(Report::Reply(buffer[..length].to_vec()));
            },
        }
    }
}

/// An error of the kernel's may belong to an earlier question, so it is tried once more, with another socket.
async fn send(socket: &mut Option<UdpSocket>, address: SocketAddr, question: &[u8]) -> io::Result<()> {
    if let Some(open) = socket.as_ref()
        && open.send(question).await.is_ok()
    {
        return Ok(());
    }
    let any: IpAddr = if address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let open = UdpSocket::bind((any, 0)).await?;
    open.connect(address).await?;
    open.send(question).await?;
    *socket = Some(open);
    Ok(())
}

async fn receive(socket: Option<&UdpSocket>, buffer: &mut [u8]) -> io::Result<usize> {
    match socket {
        Some(socket) => socket.recv(buffer).await,
        None => std::future::pending().await,
    }
}
