//! The sockets themselves: opened by main, served on vg-ctl.

use std::io;
use std::net::TcpListener;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use crate::model::Endpoint;
use crate::model::runtime::{Runtime, Socket};
use crate::sys::listener::{self, Claim, Watched};

use super::Process;
use super::connection;
use super::master::Target;
use super::session::Session;

/// A runtime socket that listens.
#[derive(Debug)]
pub struct Open {
    /// Whether it is the master CLI.
    pub is_master: bool,
    /// What the configuration says of it.
    pub socket: Socket,
    /// The listening socket: TCP or Unix.
    pub listener: TcpListener,
}

/// Opens every socket of a configuration, and the master CLI.
///
/// # Errors
/// The first that cannot be opened, and why.
pub fn bind(runtime: &Runtime, master: Option<&Socket>) -> Result<Vec<Open>, (Endpoint, io::Error)> {
    let open = |(socket, is_master): (&Socket, bool)| {
        let listener = open(socket).map_err(|error| (socket.endpoint.clone(), error))?;
        Ok(Open { is_master, socket: socket.clone(), listener })
    };
    let sockets = runtime.sockets.iter().map(|socket| (socket, false));
    sockets.chain(master.map(|socket| (socket, true))).map(open).collect()
}

fn open(socket: &Socket) -> io::Result<TcpListener> {
    match &socket.endpoint {
        Endpoint::Tcp(address) => listener::bind(*address, Claim::First),
        Endpoint::Inherited(descriptor) => listener::inherit((*descriptor).into()),
        Endpoint::Unix(path) => listener::bind_unix(path, &listener::Ownership::of(&socket.ownership)?),
        Endpoint::Abstract(name) => listener::bind_abstract(name, listener::Padding::Zeros),
        Endpoint::AbstractExact(name) => listener::bind_abstract(name, listener::Padding::None),
    }
}

/// Serves the sockets, each in a task of its own. Runs on a current-thread runtime.
pub fn serve(sockets: Vec<Open>, maxconn: usize, process: Process) {
    let permits = Arc::new(Semaphore::new(maxconn));
    let process = Rc::new(process);
    for open in sockets {
        tokio::task::spawn_local(accept(open, Arc::clone(&permits), Rc::clone(&process)));
    }
}

async fn accept(open: Open, permits: Arc<Semaphore>, process: Rc<Process>) {
    let Open { is_master, socket, listener } = open;
    let watched = match Watched::new(listener) {
        Ok(watched) => watched,
        Err(error) => {
            tracing::error!(socket = %socket.endpoint, %error, "a runtime socket cannot be watched");
            return;
        }
    };
    loop {
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
        let accepted = std::future::poll_fn(|context| watched.poll_accept(context)).await;
        match accepted.and_then(|(stream, _)| TcpStream::from_std(stream)) {
            Ok(stream) => {
                let process = Rc::clone(&process);
                let target = is_master.then_some(Target::Master);
                let mut session = Session::new(target, socket.level, socket.severity, process.timeout);
                session.exposes_listeners = socket.exposes_listeners;
                tokio::task::spawn_local(async move {
                    if let Err(error) = connection::serve(stream, &process, &session).await {
                        tracing::debug!(%error, "a connection to a runtime socket ended early");
                    }
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::warn!(socket = %socket.endpoint, %error, "cannot accept on a runtime socket");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}
