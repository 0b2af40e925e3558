//! What the operator can ask for.

use tokio::sync::oneshot;

/// A request to the supervisor and where its answer goes.
#[derive(Debug)]
pub struct Order {
    /// What to do.
    pub kind: OrderKind,
    /// `Ok` is a sentence for the operator, `Err` the reason why nothing happened.
    pub answer: oneshot::Sender<Result<String, String>>,
}

/// A kind of request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderKind {
    /// Offer the virtual addresses to a peer, once; `None` is every instance.
    Failover(Option<String>),
    /// Stay away from the virtual addresses while a peer can hold them.
    Maintenance(bool),
    /// Read the configuration again.
    Reload,
}
