//! Ports of our own that connections to a server leave by, where the file gives it some (`source ADDRESS:FIRST-LAST`).
//!
//! Workers and vg-check take ports and give them back, without a lock: a port is a bit, set by whoever has it. They stay
//! with the server over a reload, whatever range it gets then.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use crate::model::options::PortRange;

const BITS: u16 = u64::BITS as u16;

/// Which ports of a server are in use; it is memory once the first one is taken.
#[derive(Debug, Default)]
pub struct SourcePorts(OnceLock<Arc<Taken>>);

#[derive(Debug)]
struct Taken {
    /// Counts attempts, so that a port which was in use lately comes last.
    next: AtomicU32,
    /// A bit for every port that there is.
    used: Box<[AtomicU64]>,
}

impl SourcePorts {
    /// The next port of a range that no connection to the server has; `None` if all are taken.
    pub fn take(&self, range: PortRange) -> Option<TakenPort> {
        let bitmap = || (0..=u16::MAX / BITS).map(|_| AtomicU64::new(0)).collect();
        let taken = self.0.get_or_init(|| Arc::new(Taken { next: AtomicU32::new(0), used: bitmap() }));
        let count = u32::from(range.last - range.first) + 1;
        (0..count).find_map(|_| {
            let turn = taken.next.fetch_add(1, Ordering::Relaxed) % count;
            // It is below the last port.
            let port = range.first + turn as u16;
            let (word, bit) = taken.place(port);
            let is_free = word.fetch_or(bit, Ordering::AcqRel) & bit == 0;
            is_free.then(|| TakenPort { port, taken: Arc::clone(taken) })
        })
    }
}

impl Taken {
    fn place(&self, port: u16) -> (&AtomicU64, u64) {
        (&self.used[usize::from(port / BITS)], 1 << (port % BITS))
    }
}

/// A port that nobody else gets until this is dropped.
#[derive(Debug)]
pub struct TakenPort {
    /// The port.
    pub port: u16,
    taken: Arc<Taken>,
}

impl Drop for TakenPort {
    fn drop(&mut self) {
        let (word, bit) = self.taken.place(self.port);
        word.fetch_and(!bit, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_port_has_one_owner_and_comes_back_last() {
        let ports = SourcePorts::default();
        let range = PortRange { first: 62, last: 65 };
        let mut taken: Vec<TakenPort> = (0..4).map(|_| ports.take(range).unwrap()).collect();
        assert_eq!(taken.iter().map(|taken| taken.port).collect::<Vec<_>>(), [62, 63, 64, 65]);
        assert!(ports.take(range).is_none(), "all are taken");
        taken.remove(1);
        assert_eq!(ports.take(range).map(|taken| taken.port), Some(63));
        taken.clear();
        let again: Vec<u16> = (0..4).map(|_| ports.take(range).unwrap().port).collect();
        assert!(again.windows(2).all(|pair| pair[0] != pair[1]), "{again:?}");
    }

    #[test]
    fn another_range_knows_what_is_taken_of_the_first() {
        let ports = SourcePorts::default();
        let all = PortRange { first: 1, last: u16::MAX };
        let held = ports.take(all).unwrap();
        assert_eq!(held.port, 1);
        assert!(ports.take(PortRange { first: 1, last: 1 }).is_none());
        assert!(ports.take(PortRange { first: u16::MAX, last: u16::MAX }).is_some());
    }
}
