//! Requests that wait for a connection slot of a server.
//!
//! Slots are `Server::connections`, written by every worker. A backend has one FIFO for all workers under a short lock
//! that is touched only while somebody waits. Freeing decrements the slot first and looks at `length` second; waiting
//! increments `length` first and tries for a slot second, all sequentially consistent, so one of the two sees the
//! other. A freed slot is given to the oldest waiter before anybody new can take it, and its task is woken in its
//! worker. Locks: the queue's alone, never two.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;

use super::servers::Server;

/// Takes a slot of `server`, of which it has `maxconn`.
pub fn try_take(server: &Server, maxconn: Option<usize>) -> bool {
    let limit = maxconn.unwrap_or(usize::MAX);
    if server.connections.fetch_add(1, Ordering::SeqCst) < limit {
        return true;
    }
    server.connections.fetch_sub(1, Ordering::SeqCst);
    false
}

/// What became of a waiter.
#[derive(Debug, Default)]
enum Place {
    #[default]
    Waiting,
    /// It holds a slot of this server.
    Granted(usize),
}

#[derive(Debug)]
struct Waiter {
    ticket: u64,
    waker: Waker,
    place: Arc<Mutex<Place>>,
}

#[derive(Debug, Default)]
struct Line {
    waiters: VecDeque<Waiter>,
    next_ticket: u64,
}

/// The queue of a backend.
#[derive(Debug, Default)]
pub struct Queue {
    length: AtomicUsize,
    line: Mutex<Line>,
}

/// A place in a queue. Whoever drops it must have called [`Queue::leave`] or taken the grant.
#[derive(Debug)]
pub struct Ticket {
    number: u64,
    /// Waiters that were in front when it was drawn.
    pub ahead: usize,
    place: Arc<Mutex<Place>>,
}

impl Ticket {
    /// The server of which the waiter now holds a slot.
    pub fn granted(&self) -> Option<usize> {
        match *self.place.lock().unwrap_or_else(PoisonError::into_inner) {
            Place::Waiting => None,
            Place::Granted(server) => Some(server),
        }
    }
}

impl Queue {
    /// Waiters now.
    pub fn length(&self) -> usize {
        self.length.load(Ordering::Relaxed)
    }

    /// Waits in line, unless `take` gets a slot now; it is called under the lock and only if nobody waits already.
    pub fn wait(&self, waker: &Waker, take: impl FnOnce() -> Option<usize>) -> Result<usize, Ticket> {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        let ahead = self.length.fetch_add(1, Ordering::SeqCst);
        if let Some(server) = (ahead == 0).then(take).flatten() {
            self.length.fetch_sub(1, Ordering::SeqCst);
            return Ok(server);
        }
        let number = line.next_ticket;
        line.next_ticket += 1;
        let place = Arc::new(Mutex::new(Place::Waiting));
        line.waiters.push_back(Waiter { ticket: number, waker: waker.clone(), place: Arc::clone(&place) });
        Err(Ticket { number, ahead, place })
    }

    /// Gives a slot of `server` (number `index`) back, or hands it to the oldest waiter if `may_hand_over`.
    pub fn release(&self, server: &Server, index: usize, may_hand_over: impl FnOnce() -> bool) {
        server.connections.fetch_sub(1, Ordering::SeqCst);
        if self.length.load(Ordering::SeqCst) == 0 || !may_hand_over() {
            return;
        }
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(waiter) = line.waiters.pop_front() {
            server.connections.fetch_add(1, Ordering::SeqCst);
            *waiter.place.lock().unwrap_or_else(PoisonError::into_inner) = Place::Granted(index);
            self.length.fetch_sub(1, Ordering::SeqCst);
            drop(line);
            waiter.waker.wake();
        }
    }

    /// Gives the place up. `Some` is a slot that was granted in the meantime and that the caller must release.
    pub fn leave(&self, ticket: Ticket) -> Option<usize> {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = line.waiters.iter().position(|waiter| waiter.ticket == ticket.number) {
            line.waiters.remove(at);
            self.length.fetch_sub(1, Ordering::SeqCst);
        }
        drop(line);
        ticket.granted()
    }
}
