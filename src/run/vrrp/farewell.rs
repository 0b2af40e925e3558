//! What is left to do when vg-vrrp panics: say goodbye to the peers, remove the addresses, abort.
//!
//! The hook runs on the panicking thread, before anything is unwound. It takes no lock that it might have to wait for and
//! needs no runtime. vg-vrrp alone writes the list of last words.

use std::cell::Cell;
use std::panic;
use std::sync::{Mutex, Once, PoisonError, TryLockError};

use crate::run::log::messages;
use crate::sys::netlink::held;
use crate::sys::vrrp_socket;
use crate::vrrp::io::Transmit;
use crate::wire::vrrp;

/// Offset of the priority in a VRRP message (RFC 9568 §5.2).
const PRIORITY: usize = 2;

/// The last advert of each instance and destination that has not taken its leave, with the index of its interface.
static LAST: Mutex<Vec<(u32, Transmit)>> = Mutex::new(Vec::new());

thread_local! {
    static IS_VRRP: Cell<bool> = const { Cell::new(false) };
}

/// From now on a panic of the calling thread releases the addresses and ends the process.
pub fn arm() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |information| {
            if !IS_VRRP.get() {
                return previous(information);
            }
            // Whatever the hook before this one does with the news, it comes after the addresses.
            leave();
            previous(information);
            messages::flush();
            std::process::abort();
        }));
    });
    IS_VRRP.set(true);
}

/// Undoes [`arm`] for the calling thread.
pub fn disarm() {
    IS_VRRP.set(false);
}

/// Remembers what was sent, so that the same words can be said with priority 0.
pub fn remember(index: u32, message: &Transmit) {
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    let key = |kept: &Transmit| (kept.instance, kept.destination) == (message.instance, message.destination);
    let found = last.iter().position(|(_, kept)| key(kept));
    match (found, message.bytes.get(PRIORITY)) {
        (Some(found), Some(0)) => drop(last.swap_remove(found)),
        (Some(found), _) => {
            if last[found].1 != *message {
                last[found] = (index, message.clone());
            }
        }
        (None, Some(1..)) => last.push((index, message.clone())),
        (None, _) => {}
    }
}

/// Priority 0 to everybody who heard us, then no address is left.
fn leave() {
    let last = match LAST.try_lock() {
        Ok(last) => last.clone(),
        Err(TryLockError::Poisoned(last)) => last.into_inner().clone(),
        Err(TryLockError::WouldBlock) => Vec::new(),
    };
    for (index, message) in last {
        if let Some(resignation) = resignation(&message) {
            let _ = vrrp_socket::send_once(index, &resignation);
        }
    }
    let _ = held::release_held();
}

/// The same advert with priority 0; one that cannot be read says nothing.
fn resignation(message: &Transmit) -> Option<Transmit> {
    let (mut advert, coverage) = vrrp::parse(&message.bytes, message.source, message.destination).ok()?;
    advert.priority = 0;
    Some(Transmit { bytes: advert.build(message.source, message.destination, coverage), ..message.clone() })
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::wire::vrrp::{Advert, Authentication, Body, Coverage};

    fn audience() -> Vec<IpAddr> {
        LAST.lock().unwrap().iter().map(|(_, kept)| kept.destination).collect()
    }

    const SOURCE: &str = "192.0.2.11";
    const GROUP: &str = "224.0.0.18";

    fn message(priority: u8, body: Body, coverage: Coverage) -> Transmit {
        let (source, destination) = (SOURCE.parse().unwrap(), GROUP.parse().unwrap());
        let addresses = vec!["192.0.2.253".parse().unwrap()];
        let bytes = Advert { vrid: 51, priority, addresses, body }.build(source, destination, coverage);
        Transmit { instance: 0, interface: "eth0".into(), source, destination, ttl: 255, bytes }
    }

    #[test]
    fn resignation_is_the_last_advert_with_priority_zero() {
        let v2 = Body::V2 { interval: 1, authentication: Authentication::Pass(*b"s3cr3t\0\0") };
        let v3 = Body::V3 { interval: 100 };
        for (body, coverage) in [(v2, Coverage::MessageOnly), (v3, Coverage::MessageOnly), (v3, Coverage::PseudoHeader)]
        {
            assert_eq!(resignation(&message(100, body, coverage)), Some(message(0, body, coverage)));
        }
        let noise = Transmit { bytes: vec![1; 5], ..message(1, v3, Coverage::PseudoHeader) };
        assert_eq!(resignation(&noise), None);
    }

    #[test]
    fn only_those_who_heard_us_hear_the_farewell() {
        let message = |priority| message(priority, Body::V3 { interval: 100 }, Coverage::PseudoHeader);
        remember(2, &message(100));
        remember(2, &message(120));
        assert_eq!(audience(), [GROUP.parse::<IpAddr>().unwrap()]);
        remember(2, &message(0));
        assert!(audience().is_empty());
    }
}
