//! The control API: HTTP/1.1 on a Unix socket.
//!
//! | request | answer |
//! |---|---|
//! | `GET /v1/status` | 200 and a [`Status`](super::Status) as JSON |
//! | `POST /v1/failover`, `/v1/failover/INSTANCE` | 200 or 409 and a sentence |
//! | `POST /v1/maintenance/on`, `/v1/maintenance/off` | the same |
//! | `POST /v1/reload` | the same; a refusal carries the diagnostics |

use std::convert::Infallible;
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::stats::Snapshot;

use super::{Order, OrderKind, Status};

/// What the API needs of the process around it.
pub trait Node {
    /// The node as it is now.
    fn status(&self) -> Status;
    /// What `show stat`, `show info` and the statistics page tell.
    fn snapshot(&self) -> Snapshot;
    /// Where orders go.
    fn orders(&self) -> mpsc::Sender<Order>;
}

/// Control connections served at once; more wait in the socket's backlog.
const CONNECTIONS: usize = 64;

/// Opens the socket, mode 0660. A stale socket of a dead process is replaced.
///
/// # Errors
/// `AddrInUse` if another process answers on the path, `AlreadyExists` if it is a file of another kind.
pub fn bind(path: &Path) -> io::Result<std::os::unix::net::UnixListener> {
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)?;
    }
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        return Err(io::Error::new(io::ErrorKind::AddrInUse, "another process answers on this socket"));
    }
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => std::fs::remove_file(path)?,
        Ok(_) => return Err(io::Error::new(io::ErrorKind::AlreadyExists, "something that is no socket is there")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let listener = std::os::unix::net::UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660))?;
    Ok(listener)
}

/// Serves until the task is dropped. Runs on a current-thread runtime inside a `LocalSet` or `LocalRuntime`.
pub async fn serve<N: Node + 'static>(listener: UnixListener, node: Arc<N>) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let node = Arc::clone(&node);
                tokio::task::spawn_local(async move {
                    connection(stream, node).await;
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept on the control socket");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn connection<N: Node + 'static>(stream: UnixStream, node: Arc<N>) {
    let service = service_fn(move |request| {
        let node = Arc::clone(&node);
        async move { Ok::<_, Infallible>(answer(&*node, &request).await) }
    });
    let result = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(10))
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = result {
        tracing::debug!(%error, "a control connection ended early");
    }
}

async fn answer<N: Node>(node: &N, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let path = request.uri().path();
    let order = match (request.method(), path) {
        (&Method::GET, "/v1/status") => return status(&node.status()),
        (&Method::POST, "/v1/failover") => OrderKind::Failover(None),
        (&Method::POST, "/v1/maintenance/on") => OrderKind::Maintenance(true),
        (&Method::POST, "/v1/maintenance/off") => OrderKind::Maintenance(false),
        (&Method::POST, "/v1/reload") => OrderKind::Reload,
        (&Method::POST, _) if path.starts_with("/v1/failover/") => {
            OrderKind::Failover(Some(path["/v1/failover/".len()..].to_owned()))
        }
        (&Method::GET | &Method::POST, _) => return text(StatusCode::NOT_FOUND, "no such resource\n".to_owned()),
        _ => return text(StatusCode::METHOD_NOT_ALLOWED, "use GET or POST\n".to_owned()),
    };
    let (sender, receiver) = oneshot::channel();
    if node.orders().send(Order { kind: order, answer: sender }).await.is_err() {
        return text(StatusCode::SERVICE_UNAVAILABLE, "vipgate is stopping\n".to_owned());
    }
    match receiver.await {
        Ok(Ok(done)) => text(StatusCode::OK, done + "\n"),
        Ok(Err(refused)) => text(StatusCode::CONFLICT, refused + "\n"),
        Err(_) => text(StatusCode::SERVICE_UNAVAILABLE, "vipgate is stopping\n".to_owned()),
    }
}

fn status(status: &Status) -> Response<Full<Bytes>> {
    match serde_json::to_vec_pretty(status) {
        Ok(body) => respond(StatusCode::OK, "application/json", body),
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
    }
}

fn text(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    respond(status, "text/plain; charset=utf-8", body.into_bytes())
}

fn respond(status: StatusCode, content_type: &'static str, body: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_no_socket_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("vipgate.yaml");
        std::fs::write(&path, "precious").unwrap();
        assert_eq!(bind(&path).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
    }

    #[test]
    fn the_socket_of_a_dead_process_is_replaced_and_that_of_a_living_one_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("admin.sock");
        let living = bind(&path).unwrap();
        assert_eq!(bind(&path).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        drop(living);
        bind(&path).unwrap();
    }
}
