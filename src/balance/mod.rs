//! Which server of a backend receives the next session.
//!
//! Decides between usable servers by the algorithms of HAProxy's `balance`. Never judges health (`check`), never connects
//! or waits (`proxy` keeps the queue), never allocates while choosing. Read [`chooser`] first.
//!
//! | Algorithm | Weights | A full server | Excluded server |
//! |---|---|---|---|
//! | roundrobin | at run time | skipped | chosen only if nothing else has room |
//! | static-rr | of the file | skipped | the same |
//! | leastconn | at run time | skipped | the same |
//! | random | at run time | skipped | the same |
//! | first | zero or not | skipped | the same |
//! | source | of the file | waited for | the next one in the map |

pub mod chooser;
mod leastconn;
mod map;
mod random;
mod smooth;

pub use chooser::{Choice, Chooser};
