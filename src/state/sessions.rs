//! Concurrent sessions and their limit: of the process and of each frontend.
//!
//! Workers enter and leave; where the limit is reached a listener stops accepting (the kernel's backlog waits) and
//! leaves its waker. Leaving looks at `waiting` after it has decremented, a waiter increments `waiting` before it tries
//! again, both sequentially consistent: one of the two sees the other, so nobody sleeps beside a free place.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::time::Instant;

use super::counters::{Rated, Sharded};

/// Whether a frontend's sockets listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Door {
    /// They do.
    Open = 0,
    /// The operator paused them.
    Paused = 1,
    /// The operator closed them.
    Closed = 2,
}

/// What may come at a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Paced {
    /// Client connections.
    Connections = 0,
    /// Those that the rules for connections let pass.
    Sessions = 1,
}

/// A bounded number of sessions.
#[derive(Debug)]
pub struct Sessions {
    door: AtomicU8,
    limit: AtomicUsize,
    /// Connections and sessions that may come in a second; zero is any number.
    rates: [AtomicU32; 2],
    current: AtomicUsize,
    waiting: AtomicUsize,
    wakers: Mutex<VecDeque<Waker>>,
    /// What they add up to.
    pub counters: Sharded,
}

impl Sessions {
    /// At most `limit` at once; `None` is unlimited.
    pub fn new(limit: Option<usize>) -> Sessions {
        Sessions {
            door: AtomicU8::new(Door::Open as u8),
            limit: AtomicUsize::new(limit.unwrap_or(usize::MAX)),
            rates: Default::default(),
            current: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            wakers: Mutex::new(VecDeque::new()),
            counters: Sharded::default(),
        }
    }

    /// Changes the limit; sessions above a lower one stay.
    pub fn set_limit(&self, limit: Option<usize>) {
        self.limit.store(limit.unwrap_or(usize::MAX), Ordering::SeqCst);
        self.wake_all();
    }

    /// Whether its sockets listen.
    pub fn door(&self) -> Door {
        match self.door.load(Ordering::Relaxed) {
            1 => Door::Paused,
            2 => Door::Closed,
            _ => Door::Open,
        }
    }

    /// Says whether its sockets listen (main only).
    pub fn set_door(&self, door: Door) {
        self.door.store(door as u8, Ordering::Relaxed);
    }

    /// The limit; `usize::MAX` is none.
    pub fn limit(&self) -> usize {
        self.limit.load(Ordering::Relaxed)
    }

    /// Says how many may come in a second.
    pub fn set_rate(&self, what: Paced, rate: Option<u32>) {
        self.rates[what as usize].store(rate.unwrap_or(0), Ordering::Relaxed);
    }

    /// How many may come in a second; `None` any number.
    pub fn rate(&self, what: Paced) -> Option<u32> {
        Some(self.rates[what as usize].load(Ordering::Relaxed)).filter(|rate| *rate > 0)
    }

    /// Whether sessions may only come at a rate.
    pub fn is_paced(&self) -> bool {
        [Paced::Connections, Paced::Sessions].into_iter().any(|what| self.rate(what).is_some())
    }

    /// How long the next one has to wait for the sake of the rates. Workers that ask at the same moment may each be let in.
    pub fn pause(&self, now: Instant) -> Duration {
        let wait = |what: Paced| {
            let rated = if what == Paced::Connections { Rated::Connections } else { Rated::Sessions };
            self.rate(what).map(|rate| self.counters.pause(rated, rate.into(), now))
        };
        wait(Paced::Connections).max(wait(Paced::Sessions)).unwrap_or_default()
    }

    /// Takes a place if there is one.
    pub fn try_enter(&self) -> bool {
        let limit = self.limit.load(Ordering::Relaxed);
        if self.current.fetch_add(1, Ordering::SeqCst) >= limit {
            // Somebody may have been turned away by our overshoot: leaving wakes them.
            self.leave();
            return false;
        }
        true
    }

    /// Takes a place, or leaves the task's waker and is called again when there may be one.
    pub fn poll_enter(&self, context: &mut Context<'_>) -> Poll<()> {
        if self.try_enter() {
            return Poll::Ready(());
        }
        {
            let mut wakers = self.wakers.lock().unwrap_or_else(PoisonError::into_inner);
            if !wakers.iter().any(|waker| waker.will_wake(context.waker())) {
                wakers.push_back(context.waker().clone());
                self.waiting.store(wakers.len(), Ordering::SeqCst);
            }
        }
        if self.current.load(Ordering::SeqCst) < self.limit.load(Ordering::SeqCst) {
            context.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// Gives a place back.
    pub fn leave(&self) {
        self.current.fetch_sub(1, Ordering::SeqCst);
        if self.waiting.load(Ordering::SeqCst) > 0 {
            self.wake_all();
        }
    }

    fn wake_all(&self) {
        let mut wakers = self.wakers.lock().unwrap_or_else(PoisonError::into_inner);
        self.waiting.store(0, Ordering::SeqCst);
        wakers.drain(..).for_each(Waker::wake);
    }

    /// Sessions now.
    pub fn current(&self) -> usize {
        self.current.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_holds_and_a_free_place_is_taken_again() {
        let sessions = Sessions::new(Some(2));
        assert!(sessions.try_enter() && sessions.try_enter() && !sessions.try_enter());
        assert_eq!(sessions.current(), 2);
        sessions.leave();
        assert!(sessions.try_enter());
    }
}
