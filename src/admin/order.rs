//! What the operator can ask for.

use std::net::{IpAddr, SocketAddr};

use tokio::sync::oneshot;

use crate::model::proxy::Mode;
use crate::state::naming::Renewal;

/// A request to the supervisor and where its answer goes.
#[derive(Debug)]
pub struct Order {
    /// What to do.
    pub kind: OrderKind,
    /// `Ok` is a sentence for the operator, `Err` the reason why nothing happened.
    pub answer: oneshot::Sender<Result<String, String>>,
}

/// A change of a server at run time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerEdit {
    /// Another address.
    Address(SocketAddr),
    /// Another name, which is followed from now on.
    Name(String),
    /// Another limit of connections; `None` is none.
    Maxconn(Option<usize>),
    /// Another port of its probes; `None` is that of its traffic.
    CheckPort(Option<u16>),
    /// Another address of its probes.
    CheckAddress(IpAddr),
    /// Another address of its agent.
    AgentAddress(IpAddr),
    /// Another port of its agent.
    AgentPort(u16),
    /// What its agent is sent.
    AgentSend(String),
    /// It comes, as a `server` line of HAProxy's describes it: the words behind its name.
    Add(Vec<String>),
    /// It goes.
    Delete,
}

/// A change of a backend, or of the list of them, at run time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BackendEdit {
    /// It comes, unpublished.
    Add {
        /// What it begins with.
        template: String,
        /// In place of the template's mode.
        mode: Option<Mode>,
    },
    /// It goes.
    Delete,
    /// Frontends use it, or pass it over.
    Publish(bool),
    /// Its servers without a cookie value have one made of their addresses, or have none.
    DynamicCookie(bool),
    /// What else those values are made of.
    CookieKey(String),
}

/// What becomes of a frontend's listening sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrontendChange {
    /// They stay bound, and refuse connections.
    Pause,
    /// They listen again.
    Resume,
    /// They are closed.
    Shutdown,
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
    /// Stop a frontend from listening, or let it listen again, until the next reload.
    Frontend {
        /// Its name.
        name: String,
        /// What becomes of it.
        change: FrontendChange,
    },
    /// Change the list of backends of the configuration that runs, until the next reload.
    Backend {
        /// Its name.
        name: String,
        /// What changes.
        edit: BackendEdit,
    },
    /// Give servers what name servers said of their names.
    Renew(Vec<Renewal>),
    /// Change a server of the configuration that runs, until the next reload.
    Server {
        /// Name of its backend.
        backend: String,
        /// Its name.
        server: String,
        /// What changes.
        edit: ServerEdit,
    },
}
