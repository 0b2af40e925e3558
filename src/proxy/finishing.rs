//! Leaving an address: requests under way are finished, everything else on it is closed.

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
/// A client that has connected sends its request within this time, or only keeps a connection ready.
const FIRST_BYTE: Duration = Duration::from_millis(20);

/// Finishes the requests on these addresses; `unfinished` is dropped when there is none left. Tunnels are not waited for.
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
                Stage::Fresh if now.since(session.accepted) < FIRST_BYTE => is_busy = true,
                Stage::Fresh | Stage::Idle => kill(session),
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
