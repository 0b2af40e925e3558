//! One coarse timer wheel for all connections of a worker.
//!
//! A connection stores its deadline in a cell on every activity; that is the whole cost. The wheel holds one entry for
//! a connection, at some time not after the deadline: when it comes up, it is put back at the deadline, or if that has
//! passed the task is woken and finds `has_expired`.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::Waker;
use std::time::Duration;

use crate::time::Instant;

/// How often the wheel turns: also the precision of every timeout.
pub(super) const TICK: Duration = Duration::from_millis(20);
const SLOTS: usize = 256;

/// The timer of a connection.
#[derive(Debug)]
pub(super) struct Timer {
    deadline: Cell<Instant>,
    /// When the wheel looks next; later entries are stale.
    armed: Cell<Instant>,
    waker: RefCell<Option<Waker>>,
}

impl Timer {
    pub(super) fn new() -> Timer {
        let never = Cell::new(Instant::FAR_FUTURE);
        Timer { deadline: never.clone(), armed: never, waker: RefCell::new(None) }
    }

    /// Remembers whom to wake. Cheap when it is the same task again.
    pub(super) fn register(&self, waker: &Waker) {
        let mut known = self.waker.borrow_mut();
        if !known.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *known = Some(waker.clone());
        }
    }

    /// Whether the deadline has passed.
    pub(super) fn has_expired(&self, now: Instant) -> bool {
        now >= self.deadline.get()
    }

    /// Wakes the task.
    pub(super) fn wake(&self) {
        if let Some(waker) = self.waker.borrow().as_ref() {
            waker.wake_by_ref();
        }
    }

    /// Lets the task go: an entry of the wheel may outlive it for seconds.
    pub(super) fn forget(&self) {
        self.deadline.set(Instant::FAR_FUTURE);
        self.waker.take();
    }

    pub(super) fn deadline(&self) -> Instant {
        self.deadline.get()
    }
}

/// The wheel.
#[derive(Debug)]
pub(super) struct Wheel<T> {
    slots: Vec<Vec<(Instant, Rc<T>)>>,
    /// The slot number (time / TICK) that is due next.
    next: u64,
    due: Vec<(Instant, Rc<T>)>,
}

impl<T: AsRef<Timer>> Wheel<T> {
    pub(super) fn new(now: Instant) -> Wheel<T> {
        Wheel { slots: (0..SLOTS).map(|_| Vec::new()).collect(), next: slot_of(now), due: Vec::new() }
    }

    /// Sets the deadline of `owner`. Touches the wheel only if it would look too late.
    pub(super) fn set(wheel: &RefCell<Wheel<T>>, owner: &Rc<T>, deadline: Instant) {
        let timer = (**owner).as_ref();
        timer.deadline.set(deadline);
        if deadline < timer.armed.get() {
            wheel.borrow_mut().arm(owner, deadline);
        }
    }

    fn arm(&mut self, owner: &Rc<T>, at: Instant) {
        // Beyond the horizon the entry comes up early and is put back.
        let slot = slot_of(at).saturating_add(1).clamp(self.next, self.next + SLOTS as u64 - 1);
        (**owner).as_ref().armed.set(at);
        self.slots[slot as usize % SLOTS].push((at, Rc::clone(owner)));
    }

    /// Turns the wheel and wakes whoever is late.
    pub(super) fn turn(&mut self, now: Instant) {
        let end = slot_of(now);
        // After a long pause every slot is due once.
        let start = self.next.max((end + 1).saturating_sub(SLOTS as u64));
        self.next = end + 1;
        for slot in start..=end {
            let mut due = std::mem::take(&mut self.due);
            std::mem::swap(&mut due, &mut self.slots[slot as usize % SLOTS]);
            for (armed, owner) in due.drain(..) {
                let timer = (*owner).as_ref();
                if timer.armed.get() != armed {
                    continue;
                }
                timer.armed.set(Instant::FAR_FUTURE);
                if timer.has_expired(now) {
                    timer.wake();
                } else if timer.deadline.get() < Instant::FAR_FUTURE && Rc::strong_count(&owner) > 1 {
                    let deadline = timer.deadline.get();
                    self.arm(&owner, deadline);
                }
            }
            self.due = due;
        }
    }
}

fn slot_of(at: Instant) -> u64 {
    at.as_nanos() / TICK.as_nanos() as u64
}
