//! A name server that is asked over a connection (RFC 7766): each message behind its length, in 16 bits.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::sys;
use crate::time::Instant;
use crate::wire::dns;

use super::{Report, Reporter};

/// How long a connection is kept that nobody uses.
const IDLE: Duration = Duration::from_secs(5);
/// Bytes that are read at once.
const PIECE: usize = 4096;

struct Connection {
    stream: TcpStream,
    /// What has come of messages that are not whole.
    received: Vec<u8>,
    used: Instant,
}

/// Sends each question and reports each answer, until nobody asks any more. A connection that ends takes its questions with
/// it: they are asked again when their time is over.
pub(super) async fn ask(
    address: SocketAddr,
    patience: Duration,
    mut questions: mpsc::UnboundedReceiver<Vec<u8>>,
    reporter: Reporter,
) {
    let mut connection: Option<Connection> = None;
    loop {
        let idle = connection.as_ref().map_or(Instant::FAR_FUTURE, |open| open.used + IDLE);
        tokio::select! {
            question = questions.recv() => {
                let Some(question) = question else { return };
                let report = match send(&mut connection, address, patience, &question).await {
                    Ok(()) => Report::Sent,
                    Err(_) => Report::Unsent(dns::id(&question).unwrap_or_default()),
                };
                reporter.tell(report);
            }
            read = receive(connection.as_mut()) => match read {
                Ok(messages) => messages.into_iter().for_each(|message| reporter.tell(Report::Reply(message))),
                Err(_) => connection = None,
            },
            () = tokio::time::sleep_until(sys::clock::tokio_deadline(idle)) => connection = None,
        }
    }
}

/// A connection that was kept may have ended meanwhile, so it is tried once more, with a new one.
async fn send(
    connection: &mut Option<Connection>,
    address: SocketAddr,
    patience: Duration,
    question: &[u8],
) -> io::Result<()> {
    let length = u16::try_from(question.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let message = [&length.to_be_bytes(), question].concat();
    if let Some(open) = connection.as_mut() {
        let written = tokio::time::timeout(patience, open.stream.write_all(&message)).await;
        if matches!(written, Ok(Ok(()))) {
            open.used = sys::clock::now();
            return Ok(());
        }
    }
    *connection = None;
    let connect = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(&message).await?;
        Ok::<_, io::Error>(stream)
    };
    let stream = tokio::time::timeout(patience, connect).await.map_err(|_| io::ErrorKind::TimedOut)??;
    *connection = Some(Connection { stream, received: Vec::new(), used: sys::clock::now() });
    Ok(())
}

/// Whole messages that have come.
async fn receive(connection: Option<&mut Connection>) -> io::Result<Vec<Vec<u8>>> {
    let Some(Connection { stream, received, used }) = connection else { return std::future::pending().await };
    received.reserve(PIECE);
    if stream.read_buf(received).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    *used = sys::clock::now();
    Ok(take_messages(received))
}

/// Takes the whole messages from the front.
fn take_messages(received: &mut Vec<u8>) -> Vec<Vec<u8>> {
    let mut messages = Vec::new();
    while let Some(length) = received.first_chunk().map(|length| usize::from(u16::from_be_bytes(*length))) {
        let Some(message) = received.get(2..2 + length) else { break };
        messages.push(message.to_vec());
        received.drain(..2 + length);
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_apart_wherever_they_were_cut() {
        let mut received = b"\x00\x03abc\x00\x02d".to_vec();
        assert_eq!(take_messages(&mut received), [b"abc"]);
        assert_eq!(take_messages(&mut received), Vec::<Vec<u8>>::new());
        received.extend(b"e\x00\x00");
        assert_eq!(take_messages(&mut received), [b"de".to_vec(), Vec::new()]);
        assert!(received.is_empty());
    }
}
