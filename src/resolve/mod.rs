//! How names are followed: what is asked of name servers and when, which answer counts, and which server gets which address
//! (HAProxy's manual §5.3).
//!
//! ```text
//!            interval since the end of the last one
//!  waiting ─────────────────────────────────────────▶ asked (every name server of the section, at once)
//!     ▲                                                 │ first good answer ─▶ known records ─▶ addresses of servers
//!     │                                                 │ every one failed  ─▶ the other family, at once
//!     └──── good answer, or nobody answered well ◀──────┘ patience is over  ─▶ asked again, `retries` times in all
//! ```
//!
//! A failure alone takes no address away: it does when the last good answer is older than the section's `hold` for that kind
//! of failure. Nothing here opens a socket, looks at a clock or changes a server: it says what to send and what to change.
//! Read [`Machine`] first; [`verdict`] judges an answer, [`known`] keeps records and chooses among them, [`place`] carries a
//! change out in a model.

mod verdict;
mod known;
mod follower;
mod machine;
mod place;
#[cfg(test)]
mod tests;

pub use machine::{Machine, Output, Wish};
pub use place::{Told, keep, place, settle};
