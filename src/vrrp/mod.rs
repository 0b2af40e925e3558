//! Virtual routers, sans-IO: who holds the virtual addresses (RFC 9568, RFC 3768, and what real networks taught).
//!
//! Decides states, adverts, addresses and announcements from what it is told; never looks at a clock, opens a socket or
//! knows what a proxy is. [`Router`] is the entrance, [`io`] what goes in and out; then read `instance/mod.rs`.
//!
//! ```text
//!               up                down timer: advert, add addresses, announce
//! Initialize ──────> Backup ──────────────────────────────────────────────────> Master
//!                      ^                                                        │ │ ^
//!                      │                     stop, failover, degraded: advertise│ │ │ nobody took them
//!                      │                     0, keep serving                    v │ │ (a stop: remove, Initialize)
//!                      │                                               Releasing ─┼─┘
//!                      │                              any advert above 0   │      │ a better advert
//!                      │                                                   v      v
//!                      └────────────────────────────────────── Releasing (giving way: finishes requests)
//!                           remove addresses, advertise 0
//!
//! every state ──> Fault: interface, tracking or kernel says no ──> Backup when the obstacle is gone
//! ```
//!
//! A Backup asks the link who has the addresses before its down timer fires (`instance/probe.rs`).
//!
//! Rules that no input may bend: the advert timer starts again only when an advert was **sent**, the down timer only when
//! one was **accepted**; a router that woke later than its lease or a whole Master_Down steps down before it does
//! anything else; an announcement never precedes its address.

pub mod io;
mod timers;
mod receive;
mod announce;
mod instance;
mod groups;
mod router;

pub use io::{Effective, Input, Output};
pub use router::Router;

#[cfg(test)]
mod tests;
