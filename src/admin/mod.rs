//! The operator's doors: an HTTP API on a Unix socket, what it says, and the client that `vipgate status` uses; and
//! [`runtime`], HAProxy's runtime sockets.
//!
//! It changes nothing itself: every order goes to the supervisor as an [`Order`] and comes back as an answer. Read
//! [`status`] first.

pub mod client;
pub mod order;
pub mod render;
pub mod server;
pub mod status;
pub mod runtime;

pub use order::{BackendEdit, FrontendChange, Order, OrderKind, ServerEdit};
pub use status::Status;
