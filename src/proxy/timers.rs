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
/// Entries that a slot holds before it grows.
const ROOM: usize = 16;

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

impl AsRef<Timer> for Timer {
    fn as_ref(&self) -> &Timer {
        self
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
        // Room in every slot from the start: a slot's first entry would otherwise allocate in the middle of traffic.
        let slots = (0..SLOTS).map(|_| Vec::with_capacity(ROOM)).collect();
        Wheel { slots, next: slot_of(now), due: Vec::with_capacity(ROOM) }
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    struct Owner(Timer);

    impl AsRef<Timer> for Owner {
        fn as_ref(&self) -> &Timer {
            &self.0
        }
    }

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn rig() -> (RefCell<Wheel<Owner>>, Rc<Owner>, Arc<Woken>) {
        let woken = Arc::new(Woken::default());
        let owner = Rc::new(Owner(Timer::new()));
        owner.0.register(&Waker::from(Arc::clone(&woken)));
        (RefCell::new(Wheel::new(at(0))), owner, woken)
    }

    fn at(millis: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(1000) + Duration::from_millis(millis)
    }

    /// When the wheel wakes the owner, in milliseconds.
    fn wakes_at(wheel: &RefCell<Wheel<Owner>>, woken: &Woken, from: u64, to: u64) -> Option<u64> {
        (from..to).step_by(20).find(|now| {
            wheel.borrow_mut().turn(at(*now));
            woken.0.load(Ordering::Relaxed) > 0
        })
    }

    #[test]
    fn deadlines_near_and_far_are_kept_to_a_tick_or_two() {
        for deadline in [1, 50, 999, 5_200, 61_000] {
            let (wheel, owner, woken) = rig();
            Wheel::set(&wheel, &owner, at(deadline));
            let woke = wakes_at(&wheel, &woken, 0, 100_000).unwrap();
            assert!((deadline..=deadline + 40).contains(&woke), "{deadline}: {woke}");
        }
    }

    #[test]
    fn a_deadline_that_moved_is_kept_where_it_went() {
        let (wheel, owner, woken) = rig();
        Wheel::set(&wheel, &owner, at(300));
        Wheel::set(&wheel, &owner, at(3000));
        assert_eq!(wakes_at(&wheel, &woken, 0, 2900), None);
        Wheel::set(&wheel, &owner, at(2950));
        let woke = wakes_at(&wheel, &woken, 2900, 4000).unwrap();
        assert!((2950..=2990).contains(&woke), "{woke}");
    }

    #[test]
    fn a_pause_of_the_worker_fires_what_was_due() {
        let (wheel, owner, woken) = rig();
        Wheel::set(&wheel, &owner, at(100));
        wheel.borrow_mut().turn(at(60_000));
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_timer_that_is_used_again_keeps_its_place() {
        let (wheel, owner, woken) = rig();
        for deadline in [300, 1300, 2300] {
            Wheel::set(&wheel, &owner, at(deadline));
            owner.0.forget();
        }
        assert_eq!(wheel.borrow().slots.iter().map(Vec::len).sum::<usize>(), 1);
        owner.0.register(&Waker::from(Arc::clone(&woken)));
        Wheel::set(&wheel, &owner, at(3000));
        assert_eq!(wakes_at(&wheel, &woken, 0, 2900), None);
        let woke = wakes_at(&wheel, &woken, 2900, 4000).unwrap();
        assert!((3000..=3040).contains(&woke), "{woke}");
    }

    #[test]
    fn whoever_ended_is_not_held() {
        let (wheel, owner, woken) = rig();
        Wheel::set(&wheel, &owner, at(100));
        owner.0.forget();
        assert_eq!(Arc::strong_count(&woken), 1);
        assert_eq!(wakes_at(&wheel, &woken, 0, 1000), None);
        assert_eq!(Rc::strong_count(&owner), 1);
    }
}
