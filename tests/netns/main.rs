//! vipgate on a real network: pairs of processes in network namespaces, with each other and with keepalived.
//!
//! Needs root (in a user namespace is enough: `./dev test` sees to that), iproute2, keepalived, tcpdump and curl. A test
//! that lacks one of them fails and says which.
//!
//! [`harness`] has the network and the processes; [`interop`] vipgate with keepalived, [`pair`] failures of two vipgate,
//! [`rules`] what a running pair must keep, [`operator`] what an operator types, [`examples`] the files of `configs/`;
//! [`transparent`] connections to servers with addresses of clients; [`namespaces`] those in other namespaces;
//! [`kernel`] is the layer below, without a process: addresses, frames, events; [`claim`] the question before a claim;
//! [`hardship`] what a host does to a node, [`fate`] what a panic leaves behind.
//! [`documentation`] types what the documentation says; it reads pages as `tests/docs` does.

mod harness;

#[path = "../docs/console.rs"]
mod console;
#[path = "../docs/page.rs"]
mod page;
#[path = "../docs/shape.rs"]
mod shape;

mod claim;
mod documentation;
mod examples;
mod fate;
mod hardship;
mod interop;
mod kernel;
mod namespaces;
mod operator;
mod pair;
mod rules;
mod transparent;
