//! Network namespaces. Calls move the calling *thread* alone.
//!
//! Whoever opens sockets in another namespace later on has no right to enter it by then. So a thread enters each namespace
//! at the start ([`inhabit`]), gives up its rights, and opens sockets there for whoever asks ([`socket`]).

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError, mpsc};

use nix::sched::{CloneFlags, setns, unshare};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::sync::oneshot;

use super::caps;

/// Moves the calling thread into the network namespace that `path` names (`/run/netns/NAME`, `/proc/PID/ns/net`).
pub fn enter_netns(path: &Path) -> io::Result<()> {
    Ok(setns(File::open(path)?, CloneFlags::CLONE_NEWNET)?)
}

/// Does something in the network namespace of that name (`ip netns`), on a thread of its own.
///
/// # Errors
/// There is no such namespace, the right to enter it is missing (CAP_SYS_ADMIN), or what is done there fails.
pub fn inside<R: Send>(name: &str, action: impl FnOnce() -> io::Result<R> + Send) -> io::Result<R> {
    let path = Path::new("/run/netns").join(name);
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let known = |error: io::Error| io::Error::new(error.kind(), format!("network namespace '{name}': {error}"));
            enter_netns(&path).map_err(known)?;
            action()
        });
        thread.join().unwrap_or_else(|_| Err(io::Error::other("the thread in the network namespace panicked")))
    })
}

/// Whom to ask for a socket in a namespace, by its name. They live as long as the process.
static INHABITANTS: Mutex<BTreeMap<String, mpsc::Sender<Wanted>>> = Mutex::new(BTreeMap::new());

/// A TCP socket that somebody waits for.
struct Wanted {
    domain: Domain,
    answer: oneshot::Sender<io::Result<Socket>>,
}

/// Has a thread live in the network namespace of that name, unless one does already: sockets can be had there from now on.
///
/// # Errors
/// As those of [`inside`].
pub fn inhabit(name: &str) -> io::Result<()> {
    let mut inhabitants = INHABITANTS.lock().unwrap_or_else(PoisonError::into_inner);
    if inhabitants.contains_key(name) {
        return Ok(());
    }
    let path = Path::new("/run/netns").join(name);
    let (sender, wanted) = mpsc::channel::<Wanted>();
    let (entered, outcome) = mpsc::channel();
    std::thread::Builder::new().name("vg-netns".to_owned()).spawn(move || {
        let result = enter_netns(&path).and_then(|()| caps::keep_only(&[]));
        let is_there = result.is_ok();
        let _ = entered.send(result);
        for Wanted { domain, answer } in wanted.iter().take_while(|_| is_there) {
            let _ = answer.send(Socket::new(domain, Type::STREAM.nonblocking(), Some(Protocol::TCP)));
        }
    })?;
    let known = |error: io::Error| io::Error::new(error.kind(), format!("network namespace '{name}': {error}"));
    outcome.recv().map_err(io::Error::other)?.map_err(known)?;
    inhabitants.insert(name.to_owned(), sender);
    Ok(())
}

/// Whether sockets can be had in the network namespace of that name.
pub fn is_inhabited(name: &str) -> bool {
    INHABITANTS.lock().unwrap_or_else(PoisonError::into_inner).contains_key(name)
}

/// A TCP socket in the network namespace of that name, non-blocking.
///
/// # Errors
/// Nobody [lives](inhabit) there, or the kernel's.
pub async fn socket(name: &str, domain: Domain) -> io::Result<Socket> {
    let inhabitant = INHABITANTS.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
    let inhabitant = inhabitant.ok_or(io::ErrorKind::NotFound)?;
    let (answer, socket) = oneshot::channel();
    inhabitant.send(Wanted { domain, answer }).map_err(io::Error::other)?;
    socket.await.map_err(io::Error::other)?
}

/// Moves the calling thread into a new, empty network namespace.
pub fn unshare_netns() -> io::Result<()> {
    Ok(unshare(CloneFlags::CLONE_NEWNET)?)
}
