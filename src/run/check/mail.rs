//! Mails about servers (`email-alert`): a small SMTP client (RFC 5321) on the machine of the health checks.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::check::mail::{Session, Step};
use crate::model::check::Mail;
use crate::sys::{clock, localtime};

/// A mail to be sent.
pub(super) struct Letter {
    pub(super) mailer: SocketAddr,
    pub(super) mail: Rc<Mail>,
    /// What it says.
    pub(super) text: Arc<str>,
}

/// Sends one after another.
pub(super) async fn deliver(mut letters: mpsc::Receiver<Letter>) {
    while let Some(letter) = letters.recv().await {
        let mailer = letter.mailer;
        let sent = tokio::time::timeout(letter.mail.timeout, send(&letter)).await;
        match sent {
            Ok(Ok(())) => tracing::debug!(%mailer, "a mail about a server is on its way"),
            Ok(Err(why)) => tracing::warn!(%mailer, why, "a mail about a server was not taken"),
            Err(_) => tracing::warn!(%mailer, "a mail about a server was not taken in time"),
        }
    }
}

async fn send(letter: &Letter) -> Result<(), String> {
    let describe = |error: std::io::Error| error.to_string();
    let mut stream = TcpStream::connect(letter.mailer).await.map_err(describe)?;
    let date = localtime::rfc5322(clock::wall());
    let mut session = Session::new(&letter.mail, &letter.text, &date);
    let mut buffer = [0; 1024];
    loop {
        let read = stream.read(&mut buffer).await.map_err(describe)?;
        if read == 0 {
            return Err("the mail server closed the connection".to_owned());
        }
        match session.received(&buffer[..read]) {
            Step::Wait => {}
            Step::Send(bytes) => stream.write_all(&bytes).await.map_err(describe)?,
            Step::Done => return Ok(()),
            Step::Refused(why) => return Err(why),
        }
    }
}
