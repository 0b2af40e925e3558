//! HAProxy's map of servers for hashes (`hash-type map-based`): each usable server fills as many slots as its weight
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
        }
    }

    /// The server of a hash, or the next other one in the map if that is `exclude`, or `exclude` if there is no other.
    pub fn look_up(&mut self, hash: u32, exclude: Option<usize>, is_usable: impl Fn(usize) -> bool) -> Option<usize> {
        let mut has_changed = false;
        for (server, was_usable) in self.was_usable.iter_mut().enumerate() {
            let usable = is_usable(server);
            has_changed |= *was_usable != usable;
            *was_usable = usable;
        }
        if has_changed {
            self.remake();
        }
        let start = hash as usize % self.slots.len().max(1);
        let server = *self.slots.get(start)? as usize;
        if Some(server) != exclude {
            return Some(server);
        }
        let around = self.slots[start..].iter().chain(&self.slots[..start]).map(|server| *server as usize);
        around.into_iter().find(|server| Some(*server) != exclude).or(Some(server))
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
        map.look_up(0, None, is_usable);
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
        assert_eq!(map.look_up(1, None, |server| server == 0), Some(0));
        assert_eq!(map.look_up(1, None, |_| true), Some(1));
        assert_eq!(map.look_up(1, None, |_| false), None);
    }

    #[test]
    fn remaking_the_largest_map_does_not_allocate() {
        let mut map = Map::new([256, 255, 1].into_iter());
        let reserved = map.slots.capacity();
        map.look_up(0, None, |_| true);
        assert_eq!(map.slots.len(), 512);
        assert_eq!(map.slots.capacity(), reserved);
    }
}
