//! Requests that wait for a connection slot of a server.
//!
//! Slots are `Server::connections`, written by every worker. A backend has one FIFO for all workers under a short lock
//! that is touched only while somebody waits. Freeing decrements the slot first and looks at `length` second; waiting
//! increments `length` first and tries for a slot second, all sequentially consistent, so one of the two sees the
//! other. A freed slot is given to the oldest waiter before anybody new can take it, and its task is woken in its
//! worker. Locks: the queue's, then a ticket's.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;

use super::servers::Server;

/// Where a waiter stands in line: lower classes first, then earlier times (HAProxy manual §4.4 "set-priority-class").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Priority {
    /// -2047 to 2047.
    pub class: i32,
    /// When it came, in milliseconds of any clock that all workers share, and what a rule adds to that.
    pub at: i64,
}

/// What became of a waiter.
#[derive(Debug, Default)]
enum Place {
    #[default]
    Waiting,
    /// It holds a slot of this server; with it comes where it stood in line.
    Granted(usize, u32),
}

#[derive(Debug)]
struct Waiter {
    ticket: u64,
    /// The only server that will do.
    wants: Option<usize>,
    /// How many of its line had been served when it came.
    began: u32,
    priority: Priority,
    waker: Waker,
    place: Arc<Mutex<Place>>,
}

#[derive(Debug, Default)]
struct Line {
    waiters: VecDeque<Waiter>,
    next_ticket: u64,
    /// Waiters for any server that got one; goes round.
    served: u32,
    /// Likewise waiters for one server, by its number.
    served_of: Vec<u32>,
}

impl Line {
    /// How many of those that wait for this server alone, or for any, have been served.
    fn served(&self, wants: Option<usize>) -> u32 {
        wants.map_or(self.served, |server| self.served_of.get(server).copied().unwrap_or(0))
    }

    fn count(&mut self, wants: Option<usize>) {
        let served = match wants {
            None => &mut self.served,
            Some(server) => {
                self.served_of.resize(self.served_of.len().max(server + 1), 0);
                &mut self.served_of[server]
            }
        };
        *served = served.wrapping_add(1);
    }

    /// Where one stands that came when so many had been served: behind those who were served since, itself included.
    fn position(&self, wants: Option<usize>, began: u32) -> u32 {
        self.served(wants).wrapping_sub(began).wrapping_add(1)
    }
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
    wants: Option<usize>,
    began: u32,
    place: Arc<Mutex<Place>>,
}

impl Ticket {
    /// The server of which the waiter now holds a slot.
    pub fn granted(&self) -> Option<usize> {
        match *self.place.lock().unwrap_or_else(PoisonError::into_inner) {
            Place::Waiting => None,
            Place::Granted(server, _) => Some(server),
        }
    }
}

impl Queue {
    /// Waiters now.
    pub fn length(&self) -> usize {
        self.length.load(Ordering::Relaxed)
    }

    /// Waits in line, in the place of its priority, for a slot of server `wants` (`None`: of any), unless `take` gets one
    /// now. It is called under the lock, so it must not use this queue.
    pub fn wait(
        &self,
        waker: &Waker,
        wants: Option<usize>,
        priority: Priority,
        take: impl FnOnce() -> Option<usize>,
    ) -> Result<usize, Ticket> {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        self.length.fetch_add(1, Ordering::SeqCst);
        if let Some(server) = take() {
            self.length.fetch_sub(1, Ordering::SeqCst);
            return Ok(server);
        }
        let number = line.next_ticket;
        line.next_ticket += 1;
        let place = Arc::new(Mutex::new(Place::Waiting));
        let began = line.served(wants);
        let waiter = Waiter { ticket: number, wants, began, priority, waker: waker.clone(), place: Arc::clone(&place) };
        let behind = line.waiters.iter().rposition(|other| other.priority <= priority);
        line.waiters.insert(behind.map_or(0, |behind| behind + 1), waiter);
        Err(Ticket { number, wants, began, place })
    }

    /// Gives a slot of server number `index` back: to the oldest waiter that can use it, or else to everybody.
    /// `may_hand_over` tells whether the server still takes sessions; `reserve` takes a slot again.
    pub fn release(&self, server: &Server, index: usize, may_hand_over: bool, reserve: impl FnOnce() -> bool) {
        if may_hand_over && self.length.load(Ordering::SeqCst) > 0 {
            // The slot changes hands without being free in between, so nobody overtakes the line.
            if self.hand_over(index, || true) {
                return;
            }
        }
        server.connections.fetch_sub(1, Ordering::SeqCst);
        if may_hand_over && self.length.load(Ordering::SeqCst) > 0 {
            // Somebody began to wait while the slot was still taken.
            self.hand_over(index, reserve);
        }
    }

    fn hand_over(&self, index: usize, reserve: impl FnOnce() -> bool) -> bool {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        let suits = |waiter: &Waiter| waiter.wants.is_none_or(|wanted| wanted == index);
        let Some(at) = line.waiters.iter().position(suits) else { return false };
        if !reserve() {
            return false;
        }
        let Some(waiter) = line.waiters.remove(at) else { return false };
        let position = line.position(waiter.wants, waiter.began);
        line.count(waiter.wants);
        *waiter.place.lock().unwrap_or_else(PoisonError::into_inner) = Place::Granted(index, position);
        self.length.fetch_sub(1, Ordering::SeqCst);
        drop(line);
        waiter.waker.wake();
        true
    }

    /// Where a waiter stands, or stood when it got a slot, as HAProxy counts (`%sq`, `%bq`): 1 if nobody of its line was
    /// served while it waited.
    pub fn position(&self, ticket: &Ticket) -> u32 {
        let line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        match *ticket.place.lock().unwrap_or_else(PoisonError::into_inner) {
            Place::Granted(_, position) => position,
            Place::Waiting => line.position(ticket.wants, ticket.began),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{balance::Balance, fixture};
    use crate::state::servers::Registry;

    fn server() -> Arc<Server> {
        let model = fixture::model(vec![fixture::backend(Balance::RoundRobin, &[1])]);
        let server = Arc::clone(&Registry::default().resolve(&model)[0].servers[0]);
        server.connections.store(1, Ordering::SeqCst);
        server
    }

    fn wait(queue: &Queue, wants: Option<usize>) -> Ticket {
        queue.wait(Waker::noop(), wants, Priority::default(), || None).expect_err("there is no slot")
    }

    #[test]
    fn a_freed_slot_goes_to_the_oldest_waiter_without_being_free() {
        let (queue, server) = (Queue::default(), server());
        let (first, second) = (wait(&queue, None), wait(&queue, None));
        queue.release(&server, 0, true, || panic!("the slot changes hands"));
        assert_eq!((first.granted(), second.granted(), queue.length()), (Some(0), None, 1));
        assert_eq!(server.connections.load(Ordering::SeqCst), 1);
        queue.release(&server, 0, true, || true);
        queue.release(&server, 0, true, || true);
        assert_eq!((second.granted(), server.connections.load(Ordering::SeqCst)), (Some(0), 0));
        assert_eq!((queue.position(&first), queue.position(&second)), (1, 2));
    }

    #[test]
    fn lower_classes_and_earlier_times_come_first() {
        let (queue, server) = (Queue::default(), server());
        let wait = |class, at| {
            let priority = Priority { class, at };
            queue.wait(Waker::noop(), None, priority, || None).expect_err("there is no slot")
        };
        let tickets = [wait(0, 20), wait(0, 10), wait(1, 0), wait(-1, 30), wait(0, 10)];
        let order = [3, 1, 4, 0, 2];
        for (number, next) in order.iter().enumerate() {
            queue.release(&server, 0, true, || true);
            for later in &order[number + 1..] {
                assert_eq!((tickets[*next].granted(), tickets[*later].granted()), (Some(0), None), "{next}");
            }
        }
    }

    #[test]
    fn a_waiter_for_one_server_is_passed_over_by_another() {
        let (queue, server) = (Queue::default(), server());
        let (picky, any) = (wait(&queue, Some(1)), wait(&queue, None));
        queue.release(&server, 0, true, || true);
        assert_eq!((picky.granted(), any.granted()), (None, Some(0)));
        // They stand in different lines.
        assert_eq!((queue.position(&picky), queue.position(&any)), (1, 1));
    }

    #[test]
    fn a_server_that_takes_no_sessions_gives_no_slot() {
        let (queue, server) = (Queue::default(), server());
        let ticket = wait(&queue, None);
        queue.release(&server, 0, false, || true);
        assert_eq!((ticket.granted(), server.connections.load(Ordering::SeqCst)), (None, 0));
    }

    #[test]
    fn leaving_returns_a_slot_granted_meanwhile() {
        let (queue, server) = (Queue::default(), server());
        let (first, second) = (wait(&queue, None), wait(&queue, None));
        assert_eq!(queue.leave(second), None);
        queue.release(&server, 0, true, || true);
        assert_eq!((queue.leave(first), queue.length()), (Some(0), 0));
    }
}
