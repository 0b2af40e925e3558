//! Which server of a backend receives the next session.
//!
//! Decides between usable servers by the algorithms of HAProxy's `balance`, and chooses the server that HAProxy would.
//! Never judges health (`check`), never connects or waits (`proxy` keeps the queue), never allocates while choosing unless
//! a weight changed. Read [`chooser`] first; [`hash`] and [`key`] make the number that hashing algorithms start
//! from; [`cookie`] is the other way to a server.
//!
//! | Algorithm | Weights | A full server | Excluded server |
//! |---|---|---|---|
//! | roundrobin | at run time | skipped | chosen only if nothing else has room |
//! | static-rr | of the file | skipped | the same |
//! | leastconn | at run time | skipped | the same |
//! | random | at run time | skipped | the same |
//! | first | zero or not | skipped | the same |
//! | sticky | zero or not | waited for | chosen |
//! | a hash, map-based | of the file | waited for | the next one in the map |
//! | a hash, consistent | at run time | waited for | the next one in the ring |

pub mod chooser;
pub mod cookie;
pub mod hash;
pub mod key;
mod leastconn;
mod map;
mod random;
mod ring;
mod rotation;

pub use chooser::{Choice, Chooser, Warmth, Wish};
