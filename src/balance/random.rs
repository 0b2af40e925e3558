//! The least loaded of a few servers drawn at random.

use std::sync::atomic::{AtomicU64, Ordering};

use super::chooser::Load;

/// Step of the Weyl sequence under SplitMix64.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// A stream of random numbers (SplitMix64) that all workers draw from without a lock.
#[derive(Debug)]
pub(super) struct Draws(AtomicU64);

impl Draws {
    /// A stream that differs between backends.
    pub fn new(name: &str) -> Draws {
        let seed = name
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        Draws(AtomicU64::new(seed))
    }

    fn next(&self) -> u64 {
        let mut mixed = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// The least loaded of `draws` servers, each drawn with a chance in proportion to its weight; `load` is `None` for
    /// one that does not compete. Load may change under the scan, so a draw that finds nobody falls to the last seen.
    pub fn best(&self, servers: usize, draws: u32, load: impl Fn(usize) -> Option<Load>) -> Option<usize> {
        let total: u64 = (0..servers).filter_map(&load).map(|load| u64::from(load.weight)).sum();
        if total == 0 {
            return None;
        }
        let mut best: Option<(u64, usize)> = None;
        for _ in 0..draws {
            let mut left = self.next() % total;
            let mut drawn = None;
            for server in 0..servers {
                let Some(load) = load(server) else { continue };
                drawn = Some((load.key(), server));
                match left.checked_sub(u64::from(load.weight)) {
                    Some(rest) => left = rest,
                    None => break,
                }
            }
            if let Some(drawn) = drawn
                && best.is_none_or(|best| drawn.0 < best.0)
            {
                best = Some(drawn);
            }
        }
        best.map(|(_, server)| server)
    }
}
