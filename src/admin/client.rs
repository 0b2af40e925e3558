//! The other end of the control API, for the command line.

use std::path::{Path, PathBuf};
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::net::UnixStream;

use super::Status;

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum ClientError {
    /// Nobody listens.
    #[error("cannot reach vipgate on {path}: {source}; is it running, and may you open its socket?")]
    Connect {
        /// The socket.
        path: PathBuf,
        /// The kernel's reason.
        source: std::io::Error,
    },
    /// The connection broke.
    #[error("the control connection broke: {0}")]
    Http(#[from] hyper::Error),
    /// No answer in time.
    #[error("vipgate did not answer in {0:?}")]
    TimedOut(Duration),
    /// vipgate said no.
    #[error("{0}")]
    Refused(String),
    /// An answer of another version.
    #[error("cannot read the answer: {0}")]
    Format(#[from] serde_json::Error),
}

/// Time for a whole exchange. A planned failover waits for the peer, so this is longer than any master-down time.
const DEADLINE: Duration = Duration::from_secs(30);

/// The status of the node behind a socket. After an upgrade the running binary is older than this one, which was started
/// from what is installed: the status has both versions.
///
/// # Errors
/// See [`ClientError`].
pub async fn status(socket: &Path) -> Result<Status, ClientError> {
    let running: Status = serde_json::from_slice(&request(socket, Method::GET, "/v1/status").await?)?;
    Ok(Status { installed_version: Some(crate::VERSION.to_owned()), ..running })
}

/// Gives an order by its path (`/v1/failover`) and returns the sentence that answers it.
///
/// # Errors
/// See [`ClientError`].
pub async fn order(socket: &Path, path: &str) -> Result<String, ClientError> {
    let body = request(socket, Method::POST, path).await?;
    Ok(String::from_utf8_lossy(&body).trim_end().to_owned())
}

async fn request(socket: &Path, method: Method, path: &str) -> Result<Bytes, ClientError> {
    tokio::time::timeout(DEADLINE, exchange(socket, method, path)).await.unwrap_or(Err(ClientError::TimedOut(DEADLINE)))
}

async fn exchange(socket: &Path, method: Method, path: &str) -> Result<Bytes, ClientError> {
    let stream =
        UnixStream::connect(socket).await.map_err(|source| ClientError::Connect { path: socket.to_owned(), source })?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let exchange = async {
        let mut request = Request::new(Empty::<Bytes>::new());
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().map_err(|_| ClientError::Refused(format!("{path} is not a valid path")))?;
        request.headers_mut().insert(hyper::header::HOST, hyper::header::HeaderValue::from_static("vipgate"));
        let response = sender.send_request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        match status {
            StatusCode::OK => Ok(body),
            _ => Err(ClientError::Refused(String::from_utf8_lossy(&body).trim_end().to_owned())),
        }
    };
    tokio::pin!(exchange);
    // The connection future drives the socket; it ends only after the exchange or by an error that the exchange sees.
    tokio::select! {
        done = &mut exchange => done,
        ended = connection => { ended?; exchange.await }
    }
}
