//! The kernel, and nothing but the kernel: clock, sockets, netlink, capabilities, scheduling, what a process is given.
//!
//! Nothing here decides: a call does what it is told and says how it ended. It is the only module with `unsafe`, one call
//! for each block. Which address to hold, which advert to believe and when to step down are decided in `vrrp`; the loop
//! that joins the two is `run::vrrp`. Read [`netlink`] first: it is where a virtual IP comes to exist.

pub mod clock;
pub mod localtime;
pub mod netlink;
pub mod vrrp_socket;
pub mod link_frame;
pub mod listener;
pub mod handover;
pub mod tuning;
pub mod signature;
pub mod syn_filter;
pub mod new_connections;
pub mod options;
pub mod splice;
pub mod sched;
pub mod tcp_info;
pub mod thread;
pub mod caps;
pub mod confine;
pub mod dial;
pub mod limits;
pub mod datagrams;
pub mod descriptors;
pub mod hosts;
pub mod environment;
pub mod random;
pub mod users;
pub mod processes;
pub mod quiet;
pub mod namespace;
pub mod node_lock;
