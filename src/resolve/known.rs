//! The records of a name, for as long as they count, and the choice among them.

use std::net::IpAddr;
use std::time::Duration;

use xxhash_rust::xxh32::xxh32;

use crate::model::naming::{Family, Network};
use crate::time::Instant;
use crate::wire::dns::Kind;

use super::verdict::Found;

/// Which families of addresses may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// IPv4.
    pub v4: bool,
    /// IPv6; at least one of them is.
    pub v6: bool,
}

impl Accepted {
    /// Whether an address is of one of them.
    pub fn has(self, address: IpAddr) -> bool {
        match Family::of(address) {
            Family::V4 => self.v4,
            Family::V6 => self.v6,
        }
    }

    /// What is asked for first.
    pub fn kind(self, preference: Option<Family>) -> Kind {
        match (self.v4, self.v6, preference) {
            (_, false, _) | (true, true, Some(Family::V4)) => Kind::A,
            _ => Kind::Aaaa,
        }
    }

    /// What is asked for when that kind brought nothing.
    pub fn other(self, kind: Kind) -> Option<Kind> {
        match kind {
            Kind::A if self.v4 && self.v6 => Some(Kind::Aaaa),
            Kind::Aaaa if self.v4 && self.v6 => Some(Kind::A),
            _ => None,
        }
    }
}

/// Which address somebody wants.
#[derive(Clone, Copy, Debug)]
pub struct Want<'a> {
    /// Of this family before the other; `None` is IPv6.
    pub preference: Option<Family>,
    /// In one of these before others.
    pub networks: &'a [Network],
    /// Whether one that another server of the backend has will do.
    pub allows_duplicates: bool,
    /// The one that it has.
    pub current: Option<IpAddr>,
}

#[derive(Clone, Debug)]
struct Item {
    /// HAProxy's key: the same answer gives its servers the same addresses there and here.
    key: u32,
    /// Its turn among those with the same key.
    number: u64,
    found: Found,
    seen: Instant,
}

/// The records of a name.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// By key, then number.
    items: Vec<Item>,
    last_number: u64,
    /// Where the next choice begins to look: behind the last address that was chosen.
    next: Option<u64>,
}

impl Known {
    /// Takes what an answer has.
    pub fn see(&mut self, now: Instant, found: &[Found]) {
        for found in found {
            match self.items.iter_mut().find(|item| is_same(&item.found, found)) {
                Some(item) => {
                    item.seen = now;
                    refresh(&mut item.found, found);
                }
                None => {
                    self.last_number += 1;
                    let item = Item { key: key(found), number: self.last_number, found: found.clone(), seen: now };
                    let place = self.items.partition_point(|known| known.key <= item.key);
                    self.items.insert(place, item);
                }
            }
        }
    }

    /// Forgets what no answer had for so long.
    pub fn forget_obsolete(&mut self, now: Instant, hold: Duration) {
        self.items.retain(|item| item.seen + hold >= now);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.items.clear();
    }

    /// Whether an address is there.
    pub fn has(&self, address: IpAddr) -> bool {
        self.items.iter().any(|item| item.found == Found::Address(address))
    }

    /// Machines of a service, in order.
    pub fn services(&self) -> impl Iterator<Item = (&str, u16, u16, Option<IpAddr>)> {
        self.items.iter().filter_map(|item| match &item.found {
            Found::Service { target, port, weight, address } => Some((target.as_str(), *port, *weight, *address)),
            Found::Address(_) => None,
        })
    }

    /// The address that comes nearest to what is wanted: the preferred family counts most, then a preferred network, then one
    /// that no other server has, then the present one. Of equals it is the first behind the one that was chosen last.
    pub fn choose(&mut self, want: &Want<'_>, accepted: Accepted, is_taken: impl Fn(IpAddr) -> bool) -> Option<IpAddr> {
        let start = self.next.and_then(|next| self.items.iter().position(|item| item.number == next)).unwrap_or(0);
        let preference = want.preference.unwrap_or(Family::V6);
        let mut best: Option<(u32, usize, IpAddr)> = None;
        for offset in 0..self.items.len() {
            let at = (start + offset) % self.items.len();
            let Found::Address(address) = self.items[at].found else { continue };
            // As in HAProxy, networks say of which family addresses are at all.
            let family_fits =
                want.networks.first().is_none_or(|first| Family::of(first.address) == Family::of(address));
            let is_in_network = want.networks.iter().any(|network| network.has(address));
            let is_taken = is_taken(address);
            let may_be = accepted.has(address) && (family_fits || is_in_network);
            if !may_be || (is_taken && !want.allows_duplicates) {
                continue;
            }
            let score = u32::from(Family::of(address) == preference) * 8
                + u32::from(is_in_network) * 4
                + u32::from(!is_taken) * 2
                + u32::from(want.current == Some(address));
            if best.is_none_or(|(most, ..)| score > most) {
                best = Some((score, at, address));
            }
        }
        let (_, at, address) = best?;
        self.next = self.items.get(at + 1).map(|item| item.number);
        Some(address)
    }
}

fn is_same(known: &Found, found: &Found) -> bool {
    match (known, found) {
        (Found::Address(a), Found::Address(b)) => a == b,
        (Found::Service { target: a, port: x, .. }, Found::Service { target: b, port: y, .. }) => (a, x) == (b, y),
        _ => false,
    }
}

/// What may change about a record that stays.
fn refresh(known: &mut Found, found: &Found) {
    if let (Found::Service { weight, address, .. }, Found::Service { weight: new, address: told, .. }) = (known, found)
    {
        *weight = *new;
        *address = *told;
    }
}

/// The hash of what a record says, seeded with its type, as HAProxy orders records by it.
fn key(found: &Found) -> u32 {
    let seed = |kind: Kind| u32::from(kind.number());
    match found {
        Found::Address(IpAddr::V4(address)) => xxh32(&address.octets(), seed(Kind::A)),
        Found::Address(IpAddr::V6(address)) => xxh32(&address.octets(), seed(Kind::Aaaa)),
        Found::Service { target, .. } => {
            let mut labels = Vec::with_capacity(target.len() + 1);
            for label in target.split('.') {
                labels.push(u8::try_from(label.len()).unwrap_or(u8::MAX));
                labels.extend_from_slice(label.as_bytes());
            }
            xxh32(&labels, seed(Kind::Srv))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: Accepted = Accepted { v4: true, v6: true };
    const ANY: Want<'static> = Want { preference: None, networks: &[], allows_duplicates: false, current: None };

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn known(addresses: &[&str]) -> Known {
        let mut known = Known::default();
        known.see(Instant::ZERO, &addresses.iter().map(|text| Found::Address(ip(text))).collect::<Vec<_>>());
        known
    }

    #[test]
    fn the_preferred_family_counts_before_anything_else() {
        let addresses = ["192.0.2.1", "2001:db8::1"];
        let want = Want { current: Some(ip("192.0.2.1")), ..ANY };
        assert_eq!(known(&addresses).choose(&want, BOTH, |_| false), Some(ip("2001:db8::1")));
        let want = Want { preference: Some(Family::V4), ..ANY };
        assert_eq!(known(&addresses).choose(&want, BOTH, |_| false), Some(ip("192.0.2.1")));
        let only = Accepted { v4: true, v6: false };
        assert_eq!(known(&addresses).choose(&ANY, only, |_| false), Some(ip("192.0.2.1")));
        assert_eq!(known(&addresses[1..]).choose(&ANY, only, |_| false), None);
    }

    #[test]
    fn a_preferred_network_counts_more_than_the_present_address() {
        let networks = [Network { address: ip("10.0.0.0"), prefix: 8 }];
        let want = Want { networks: &networks, current: Some(ip("192.0.2.1")), ..ANY };
        assert_eq!(known(&["192.0.2.1", "10.1.2.3"]).choose(&want, BOTH, |_| false), Some(ip("10.1.2.3")));
        assert_eq!(known(&["192.0.2.1", "192.0.2.9"]).choose(&want, BOTH, |_| false), Some(ip("192.0.2.1")));
        assert_eq!(known(&["2001:db8::1"]).choose(&want, BOTH, |_| false), None);
    }

    #[test]
    fn an_address_that_another_server_has_is_taken_only_where_that_is_allowed() {
        let is_first = |address| address == ip("192.0.2.1");
        assert_eq!(known(&["192.0.2.1"]).choose(&ANY, BOTH, is_first), None);
        let want = Want { allows_duplicates: true, ..ANY };
        assert_eq!(known(&["192.0.2.1"]).choose(&want, BOTH, is_first), Some(ip("192.0.2.1")));
        assert_eq!(known(&["192.0.2.1", "192.0.2.2"]).choose(&want, BOTH, is_first), Some(ip("192.0.2.2")));
    }

    #[test]
    fn equals_are_chosen_in_turn() {
        let mut known = known(&["192.0.2.1", "192.0.2.2", "192.0.2.3"]);
        let chosen: Vec<_> = (0..6).filter_map(|_| known.choose(&ANY, BOTH, |_| false)).collect();
        assert_eq!(chosen[..3], chosen[3..]);
        let mut all = chosen[..3].to_vec();
        all.sort();
        assert_eq!(all, [ip("192.0.2.1"), ip("192.0.2.2"), ip("192.0.2.3")]);
    }

    #[test]
    fn records_count_for_as_long_as_they_are_held() {
        let second = |count| Instant::ZERO + Duration::from_secs(count);
        let mut known = known(&["192.0.2.1"]);
        known.see(second(5), &[Found::Address(ip("192.0.2.2"))]);
        known.forget_obsolete(second(5), Duration::from_secs(5));
        assert!(known.has(ip("192.0.2.1")) && known.has(ip("192.0.2.2")));
        known.forget_obsolete(second(6), Duration::from_secs(5));
        assert!(!known.has(ip("192.0.2.1")) && known.has(ip("192.0.2.2")));
    }
}
