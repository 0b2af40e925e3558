//! Leaving an address: requests under way and those that are likely any moment are answered, the rest is closed.

use std::convert::Infallible;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::mpsc::Sender;

use crate::sys::clock;

use super::local::{Shared, Stage, Worker};

/// How often the sessions are looked at: they end by the millisecond.
const LOOK: Duration = Duration::from_millis(1);
/// A handshake that was half done when the listeners were shut is over by then.
const HANDSHAKE: Duration = Duration::from_millis(2);
/// A client that has just connected, or just got a response, may send a request so soon: it gets its response, which says
/// `Connection: close`, instead of finding the connection gone.
const NEXT_REQUEST: Duration = Duration::from_millis(60);

/// Finishes the requests on these addresses; `unfinished` is dropped when there is none left. Tunnels are not waited for:
/// they would never be over.
pub(super) async fn finish(worker: Rc<Worker>, addresses: Vec<IpAddr>, unfinished: Sender<Infallible>) {
    let addresses: Vec<_> = addresses.iter().map(IpAddr::to_canonical).collect();
    worker.leaving.borrow_mut().extend(&addresses);
    let began = clock::now();
    let mut looks = tokio::time::interval(LOOK);
    loop {
        looks.tick().await;
        let now = clock::now();
        let mut is_busy = now.since(began) < HANDSHAKE;
        for session in worker.sessions.borrow().iter().map(|(_, session)| session) {
            if !addresses.contains(&session.local) || session.is_killed.get() {
                continue;
            }
            match session.stage.get() {
                Stage::Busy => is_busy = true,
                Stage::Waiting(since) if now.since(since) < NEXT_REQUEST => is_busy = true,
                Stage::Waiting(_) => kill(session),
                Stage::Tunnel => {}
            }
        }
        // Whoever sent the command does not wait any longer.
        if !is_busy || unfinished.is_closed() {
            return;
        }
    }
}

/// The address is gone: closes every session on it.
pub(super) fn close(worker: &Worker, address: IpAddr) {
    let address = address.to_canonical();
    worker.leaving.borrow_mut().retain(|leaving| *leaving != address);
    for session in worker.sessions.borrow().iter().map(|(_, session)| session) {
        if session.local == address {
            kill(session);
        }
    }
}

fn kill(session: &Shared) {
    session.is_killed.set(true);
    session.timer.wake();
}
