//! Connections: from a listening socket to a server and back.
//!
//! Decides how a session runs: which phase it is in, when it is retried, when it times out, what the log says. Never
//! judges health, reads configuration or owns a listening socket beyond the duplicate it was given.
//!
//! A worker is one thread with everything in `Rc` and `Cell`. One task for each client connection drives both sockets;
//! buffers belong to the worker and are held only inside a poll; one coarse wheel keeps all deadlines.
//! Read [`worker`] first, then [`session`](self) and `stream`, which reads top to bottom as the phases of a request.

pub mod worker;
mod listener;
mod finishing;
mod local;
mod session;
mod greeting;
mod seat;
mod socket;
mod tcp;
mod asking;
mod inspect;
mod rules;
mod stream;
mod choosing;
mod persistence;
mod backend;
mod observe;
mod faults;
mod opening;
mod connect;
mod pool;
pub mod pools;
mod splice;
mod throttle;
mod tunnel;
mod buffers;
mod timers;
mod failure;
mod log;
mod account;
mod form;
mod streams;
pub mod relay;
