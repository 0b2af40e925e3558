//! HAProxy's map of servers (`hash-type map-based`, `static-rr`): each usable server fills as many slots as its weight
//! says, and a hash modulo the number of slots is a slot.

/// The slots, remade when the set of usable servers changes. Room for the largest map is reserved at the start.
#[derive(Debug)]
pub(super) struct Map {
    /// Weights of the file over their greatest common divisor.
    weights: Box<[u32]>,
    /// Whether each server was usable when the slots were made.
    was_usable: Box<[bool]>,
    score: Box<[i64]>,
    slots: Vec<u32>,
    /// The slot whose turn it is, where there is nothing to hash.
    turn: usize,
}

impl Map {
    /// A map with no slot yet.
    pub fn new(weights: impl Iterator<Item = u16>) -> Map {
        let weights: Vec<u32> = weights.map(u32::from).collect();
        let divisor = weights.iter().copied().fold(0, greatest_common_divisor).max(1);
        let weights: Box<[u32]> = weights.into_iter().map(|weight| weight / divisor).collect();
        let most = weights.iter().sum::<u32>() as usize;
        let servers = weights.len();
        Map {
            weights,
            was_usable: vec![false; servers].into_boxed_slice(),
            score: vec![0; servers].into_boxed_slice(),
            slots: Vec::with_capacity(most),
            turn: 0,
        }
    }

    /// Takes over who is usable.
    pub fn update(&mut self, is_usable: impl Fn(usize) -> bool) {
        let mut has_changed = false;
        for (server, was_usable) in self.was_usable.iter_mut().enumerate() {
            let usable = is_usable(server);
            has_changed |= *was_usable != usable;
            *was_usable = usable;
        }
        if has_changed {
            self.remake();
        }
    }

    /// The server of a hash, or the next other one in the map if that is `exclude`, or `exclude` if there is no other.
    pub fn look_up(&self, hash: u32, exclude: Option<usize>) -> Option<usize> {
        let start = hash as usize % self.slots.len().max(1);
        let server = *self.slots.get(start)? as usize;
        if Some(server) != exclude {
            return Some(server);
        }
        let around = self.slots[start..].iter().chain(&self.slots[..start]).map(|server| *server as usize);
        around.into_iter().find(|server| Some(*server) != exclude).or(Some(server))
    }

    /// The server of the next slot with room; `avoid` only if no other has.
    pub fn next(&mut self, avoid: Option<usize>, has_room: impl Fn(usize) -> bool) -> Option<usize> {
        let count = self.slots.len();
        let start = if self.turn < count { self.turn } else { 0 };
        let mut avoided = None;
        for at in (start..start + count).map(|at| at % count) {
            let server = self.slots[at] as usize;
            if !has_room(server) {
                continue;
            }
            self.turn = at + 1;
            if Some(server) != avoid {
                return Some(server);
            }
            avoided = Some((server, at + 1));
        }
        let (server, turn) = avoided?;
        self.turn = turn;
        Some(server)
    }

    /// As HAProxy's `recalc_server_map`, its rounding included, so that both send a client to the same server.
    fn remake(&mut self) {
        self.slots.clear();
        self.score.fill(0);
        let usable = || (0..self.weights.len()).filter(|server| self.was_usable[*server]);
        let total = i64::from(usable().map(|server| self.weights[server]).sum::<u32>());
        for _ in 0..total {
            let mut best: Option<(i64, usize)> = None;
            for server in (0..self.weights.len()).filter(|server| self.was_usable[*server]) {
                self.score[server] += i64::from(self.weights[server]);
                let rank = (self.score[server] + total) / total;
                if best.is_none_or(|(most, _)| rank > most) {
                    best = Some((rank, server));
                }
            }
            let Some((_, best)) = best else { return };
            self.score[best] -= total;
            self.slots.push(best as u32);
        }
    }
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(weights: &[u16], is_usable: impl Fn(usize) -> bool) -> Vec<u32> {
        let mut map = Map::new(weights.iter().copied());
        map.update(is_usable);
        map.slots
    }

    #[test]
    fn slots_follow_weights_over_their_common_divisor() {
        assert_eq!(slots(&[100, 100, 100], |_| true), [0, 1, 2]);
        let slots = slots(&[10, 30], |_| true);
        assert_eq!(slots.len(), 4);
        assert_eq!(slots.iter().filter(|server| **server == 1).count(), 3);
    }

    #[test]
    fn unusable_servers_have_no_slot() {
        assert_eq!(slots(&[1, 1, 1], |server| server != 1), [0, 2]);
        assert_eq!(slots(&[1, 1], |_| false), [] as [u32; 0]);
    }

    #[test]
    fn map_is_remade_when_a_server_returns() {
        let mut map = Map::new([1, 1].into_iter());
        map.update(|server| server == 0);
        assert_eq!(map.look_up(1, None), Some(0));
        map.update(|_| true);
        assert_eq!(map.look_up(1, None), Some(1));
        map.update(|_| false);
        assert_eq!((map.look_up(1, None), map.next(None, |_| true)), (None, None));
    }

    #[test]
    fn slots_take_turns() {
        let mut map = Map::new([1, 2].into_iter());
        map.update(|_| true);
        let turns: Vec<_> = (0..6).filter_map(|_| map.next(None, |_| true)).collect();
        assert_eq!(
            turns,
            [map.slots.as_slice(), map.slots.as_slice()].concat().iter().map(|s| *s as usize).collect::<Vec<_>>()
        );
        assert_eq!(map.next(Some(1), |server| server == 1), Some(1));
        assert_eq!(map.next(None, |_| false), None);
    }

    #[test]
    fn remaking_the_largest_map_does_not_allocate() {
        let mut map = Map::new([256, 255, 1].into_iter());
        let reserved = map.slots.capacity();
        map.update(|_| true);
        assert_eq!(map.slots.len(), 512);
        assert_eq!(map.slots.capacity(), reserved);
    }
}
