//! HAProxy's consistent hash (`hash-type consistent`): every server stands at many places of a ring of 32-bit numbers, and
//! a hash leads to the place that is nearest to it. A server that leaves gives its own keys away and no others.

use std::net::IpAddr;

use crate::model::balance::HashKey;
use crate::model::proxy::Server;

use super::hash::mixed;

/// Numbers between the first places of two servers with numbers in a row.
const SPACING: u32 = 256 * super::rotation::SCALE;

/// The places of some of the servers of a backend.
#[derive(Debug)]
pub(super) struct Ring {
    /// What the places of each server are made of.
    seeds: Box<[u32]>,
    weights: Box<[u32]>,
    /// Places and their servers, in order.
    places: Vec<(u32, u32)>,
    /// The place that had the last turn, where there is nothing to hash.
    last: Option<(u32, u32)>,
}

impl Ring {
    /// For servers with these seeds, none of which takes part.
    pub fn new(seeds: impl Iterator<Item = u32>) -> Ring {
        let seeds: Box<[u32]> = seeds.collect();
        let weights = vec![0; seeds.len()].into_boxed_slice();
        Ring { seeds, weights, places: Vec::new(), last: None }
    }

    /// Takes over the weights: as many places as a weight says. The only call that allocates, when weights change.
    pub fn update(&mut self, weight: impl Fn(usize) -> u32) {
        let mut has_changed = false;
        for (server, known) in self.weights.iter_mut().enumerate() {
            let weight = weight(server);
            has_changed |= *known != weight;
            *known = weight;
        }
        if !has_changed {
            return;
        }
        self.places.clear();
        for (server, (seed, weight)) in (0_u32..).zip(self.seeds.iter().zip(&self.weights)) {
            self.places.extend((0..*weight).map(|number| (mixed(seed.wrapping_add(number)), server)));
        }
        self.places.sort_unstable();
    }

    /// The server of a hash: that of the nearest place, or of the next ones while it is `avoid` or must not have more.
    pub fn look_up(&self, hash: u32, avoid: Option<usize>, may_have_more: impl Fn(usize) -> bool) -> Option<usize> {
        let count = self.places.len();
        if count == 0 {
            return None;
        }
        let after = self.places.partition_point(|(place, _)| *place < hash) % count;
        let before = (after + count - 1) % count;
        let is_before_nearer = hash.wrapping_sub(self.places[before].0) <= self.places[after].0.wrapping_sub(hash);
        let start = if is_before_nearer { before } else { after };
        let server = |at: usize| self.places[at % count].1 as usize;
        let suits = |server: usize| Some(server) != avoid && may_have_more(server);
        let around = (start..start + count).map(server).find(|server| suits(*server));
        // Nobody may: to the last one of the ring, as HAProxy gives up there.
        around.or_else(|| Some(server(count - 1)))
    }

    /// The server of the next place with room; `avoid` only if no other has.
    pub fn next(&mut self, avoid: Option<usize>, has_room: impl Fn(usize) -> bool) -> Option<usize> {
        let count = self.places.len();
        let start = self.last.map_or(0, |last| self.places.partition_point(|place| *place <= last));
        let mut avoided = None;
        for at in start..start + count {
            let place = self.places[at % count];
            let server = place.1 as usize;
            if !has_room(server) {
                continue;
            }
            if Some(server) != avoid {
                self.last = Some(place);
                return Some(server);
            }
            avoided = Some(place);
        }
        self.last = avoided.or(self.last);
        avoided.map(|(_, server)| server as usize)
    }
}

fn by_number(server: &Server) -> u32 {
    server.options.id.wrapping_mul(SPACING)
}

/// What the places of a server are made of.
pub(super) fn seed(server: &Server) -> u32 {
    let port = match server.options.hash_key {
        HashKey::Id => return by_number(server),
        HashKey::Guid => {
            let hash = |guid: &String| xxhash_rust::xxh32::xxh32(guid.as_bytes(), 0);
            return server.options.guid.as_ref().map_or_else(|| by_number(server), hash);
        }
        HashKey::Id32 => return mixed(server.options.id.swap_bytes()),
        HashKey::Address => 0,
        HashKey::AddressAndPort => mixed(u32::from(server.address.port())),
    };
    match server.address.ip() {
        // The address as it lies in memory, whatever the machine.
        IpAddr::V4(address) => mixed(port.wrapping_add(u32::from_le_bytes(address.octets()))),
        IpAddr::V6(address) => xxhash_rust::xxh32::xxh32(&address.octets(), port),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(weights: &[u32]) -> Ring {
        let mut ring = Ring::new((1..).map(|id| id * SPACING).take(weights.len()));
        ring.update(|server| weights[server] * 16);
        ring
    }

    fn everyone(ring: &Ring) -> Vec<Option<usize>> {
        (0..1000_u32).map(|key| ring.look_up(mixed(key), None, |_| true)).collect()
    }

    #[test]
    fn a_server_that_leaves_moves_its_own_keys_only() {
        let mut ring = of(&[10, 10, 10]);
        let before = everyone(&ring);
        ring.update(|server| if server == 1 { 0 } else { 160 });
        for (before, after) in before.iter().zip(everyone(&ring)) {
            assert!(*before == after || *before == Some(1));
            assert_ne!(after, Some(1));
        }
        ring.update(|_| 160);
        assert_eq!(everyone(&ring), before);
    }

    #[test]
    fn keys_follow_weights() {
        let first = everyone(&of(&[10, 30])).iter().filter(|server| **server == Some(0)).count();
        assert!((150..350).contains(&first), "{first}");
    }

    #[test]
    fn without_a_key_places_take_turns() {
        let mut ring = of(&[1, 1]);
        let turns: Vec<_> = (0..32).filter_map(|_| ring.next(None, |_| true)).collect();
        assert_eq!(turns.iter().filter(|server| **server == 0).count(), 16);
        assert_eq!(ring.next(Some(0), |server| server == 0), Some(0));
        assert_eq!(ring.next(None, |_| false), None);
    }

    #[test]
    fn an_avoided_server_is_chosen_if_it_is_alone() {
        assert_eq!(of(&[1, 1]).look_up(7, Some(0), |_| true), Some(1));
        assert_eq!(of(&[1]).look_up(7, Some(0), |_| true), Some(0));
        assert_eq!(of(&[]).look_up(7, None, |_| true), None);
    }
}
