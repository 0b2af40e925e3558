//! How far the stream is that rules look at: what its line will say, as much of it as is known by then.

use std::rc::Rc;

use crate::sys::tcp_info::TcpInfo;
use crate::time::Instant;

use super::super::connect::Effort;
use super::super::local::LocalFrontend;
use super::super::log::Ending;
use super::super::session::Session;
use super::super::socket::Socket;
use super::RuleState;

/// What is known of the present stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct SoFar {
    /// What its line would say now.
    pub(super) ending: Ending,
    /// Whether its connection to the server had carried another one before.
    pub(super) is_reused: bool,
    /// What the kernel measures of that connection, where rules ask for it.
    pub(super) figures: Option<TcpInfo>,
}

impl SoFar {
    /// Nothing but a beginning.
    pub(super) fn new(began: Instant) -> SoFar {
        SoFar { ending: Ending::new(began, began), is_reused: false, figures: None }
    }
}

/// A response that begins.
#[derive(Clone, Copy, Debug)]
pub(in crate::proxy) struct Answered {
    pub(in crate::proxy) status: u16,
    pub(in crate::proxy) bytes_in: u64,
    pub(in crate::proxy) bytes_to_server: u64,
    pub(in crate::proxy) bytes_from_server: u64,
}

impl Session {
    /// A server has the stream.
    pub(in crate::proxy) fn note_server(
        &mut self,
        frontend: &LocalFrontend,
        server: usize,
        (stream, uses): (&Socket, u32),
        effort: &Effort,
    ) {
        let Some(RuleState { server: chosen, so_far, .. }) = self.rules.as_deref_mut() else { return };
        *chosen = Some(server);
        let so_far = Rc::make_mut(so_far);
        so_far.ending.effort = *effort;
        so_far.is_reused = uses > 0;
        so_far.figures = frontend.asks.server_figures.then(|| stream.tcp_info()).flatten();
    }

    /// Its response begins.
    pub(in crate::proxy) fn note_answer(&mut self, frontend: &LocalFrontend, stream: &Socket, answered: Answered) {
        let now = self.now();
        let Some(RuleState { so_far, .. }) = self.rules.as_deref_mut() else { return };
        let Answered { status, bytes_in, bytes_to_server, bytes_from_server } = answered;
        let so_far = Rc::make_mut(so_far);
        let ending = &mut so_far.ending;
        (ending.answered, ending.status, ending.server_status) = (Some(now), status, status);
        (ending.bytes_in, ending.bytes_to_server) = (bytes_in, bytes_to_server);
        (ending.bytes_out, ending.bytes_from_server) = (bytes_from_server, bytes_from_server);
        if frontend.asks.server_figures {
            so_far.figures = stream.tcp_info();
        }
    }

    /// What its line will say, before an answer of ours is made.
    pub(in crate::proxy) fn note_end(&mut self, ending: impl FnOnce(&Session) -> Ending) {
        if self.rules.is_some() {
            let ending = ending(self);
            if let Some(state) = &mut self.rules {
                Rc::make_mut(&mut state.so_far).ending = ending;
            }
        }
    }
}
