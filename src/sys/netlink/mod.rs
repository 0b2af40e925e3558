//! Addresses and links, over rtnetlink.
//!
//! A virtual IP is an address that carries our [`TAG`] and, with a lease, a lifetime after which the kernel removes it by
//! itself. Requests ([`Kernel`]) are synchronous: the kernel carries a request out while it is being sent, so its answer
//! is there when the call returns, and the same code works in a panic hook where no runtime is left. Changes made by
//! others arrive in [`Events`]; when the kernel had to drop some ([`Event::Lost`]) the tables are read again.
//!
//! It never decides which address belongs here. Read [`kernel`] first, then [`held`] for what survives a panic.

pub mod socket;
pub mod address;
pub mod link;
pub mod kernel;
pub mod events;
pub mod held;

pub use address::{Address, Installation, installed_prefix};
pub use events::{Event, Events};
pub use kernel::Kernel;
pub use link::Interface;

/// IFA_PROTO of every address that vipgate installs (`ip address` prints `proto 0x76`): "v". The kernel's own are 1-3.
pub const TAG: u8 = 0x76;
