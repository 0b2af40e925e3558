//! The data path over real sockets on the loopback: a worker in a thread, scripted servers, scripted clients.

#[path = "../ports.rs"]
mod ports;
mod rig;
mod messages;
mod framing;
mod failures;
mod limits;
mod tcp;
mod service;
mod logs;
mod golden;
mod rules;
mod old_words;
mod beside;
mod cookies;
mod statistics;
mod exporter;
mod answers;
mod waits;
mod bandwidth;
mod smuggling;
mod daily;
mod stick;
mod inspect;
mod balance;
mod forwarding;
mod retries;
mod rewriting;
mod reuse;
mod rdp;
mod reach;
mod binds;
mod caching;
mod proxy_protocol;
mod places;
mod silence;
