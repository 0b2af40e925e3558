//! Rules of a connection: `tcp-request connection` and `tcp-request session`, and in tcp mode those about its bytes.

use std::net::SocketAddr;
use std::rc::Rc;

use crate::rule::scope::Slots;
use crate::rule::{Data, Progress, RuleSet, Section, Verdict, Wait};

use super::super::account;
use super::super::local::{LocalBackend, LocalFrontend};
use super::super::session::Session;
use super::request;
use super::{RuleState, World};
use crate::model::proxy::Server;
use crate::sys::{options, quiet};

/// Whether a new connection may stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::proxy) enum Welcome {
    /// No; one that is to be forgotten has its reset prepared.
    Refused,
    /// It says who it is first, in a PROXY header.
    AfterHeader,
    AtOnce,
}

/// Whether a new connection may stay, by what its socket knows.
pub(in crate::proxy) fn may_connect(session: &mut Session) -> Welcome {
    let mut expects_header = session.listener.accepts_proxy.get();
    let frontend = session.frontend();
    if let Some(section) = frontend.rules.as_ref().filter(|section| !section.connection.rules.is_empty()) {
        if !pass(session, &frontend, section, None, &[&section.connection]) {
            account::front(session, &frontend).for_each(|side| side.denied_connections.add(1));
            return Welcome::Refused;
        }
        expects_header |= session.rules.as_ref().is_some_and(|state| state.effects.expects_header);
        session.settle_ends();
    }
    if expects_header { Welcome::AfterHeader } else { Welcome::AtOnce }
}

/// Whether a connection of which everything is known may stay; one that is to be forgotten has its reset prepared.
pub(in crate::proxy) fn may_enter(session: &mut Session) -> bool {
    let frontend = session.frontend();
    let Some(section) = &frontend.rules else { return true };
    if !pass(session, &frontend, section, None, &[&section.session]) {
        account::front(session, &frontend).for_each(|side| side.denied_sessions.add(1));
        return false;
    }
    let now = session.now();
    if let Some(tracking) = session.tracking() {
        tracking.count_session(now);
    }
    true
}

/// How the rules about bytes of a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::proxy) enum Ruling {
    Passes,
    /// It goes on as HTTP.
    Http,
    /// What was received is passed on, then both sides close.
    Closed,
    Refused,
}

/// What became of rules about bytes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::proxy) enum Stand {
    Decided(Ruling),
    /// They wait for more bytes.
    Bytes,
    /// They wait for the address of a name.
    Name,
}

/// The backend that `use_backend` chooses in tcp mode, by what came so far.
pub(in crate::proxy) fn choose(
    session: &mut Session,
    frontend: &LocalFrontend,
    section: &Section,
) -> Option<Rc<LocalBackend>> {
    let mut state = session.take_rules(frontend);
    let mut world = World::new(session, frontend, None);
    let bytes = session.input.as_deref().unwrap_or_default();
    let chosen = request::choose(&mut world, section, frontend, &mut state, bytes);
    session.rules = Some(state);
    chosen
}

/// Asks `tcp-request content` about what came so far.
pub(in crate::proxy) fn inspect_request(
    session: &mut Session,
    frontend: &LocalFrontend,
    section: &Section,
    backend: Option<&LocalBackend>,
    is_final: bool,
    progress: &mut Progress,
) -> Stand {
    let mut state = session.take_rules(frontend);
    state.effects.is_in_backend = backend.is_some();
    if backend.is_none() && *progress == Progress::default() {
        state.captures.clear(frontend.rules.as_ref().map_or(&Slots::NONE, |section| &section.slots));
    }
    let mut world = World::new(session, frontend, backend);
    let bytes = session.input.as_deref().unwrap_or_default();
    state.find_head(bytes);
    let data = Data { bytes, is_final, announced: None };
    let verdict = world.run_on_bytes(&section.content, &mut state, (data, Data::default()), progress);
    obey(session, state, &verdict)
}

/// Asks `tcp-response content` of the backend about what the server sent so far.
pub(in crate::proxy) fn inspect_response(
    session: &mut Session,
    frontend: &LocalFrontend,
    backend: &LocalBackend,
    (bytes, is_final): (&[u8], bool),
    progress: &mut Progress,
) -> Stand {
    let Some(section) = &backend.rules else { return Stand::Decided(Ruling::Passes) };
    let mut state = session.take_rules(frontend);
    let mut world = World::new(session, frontend, Some(backend));
    let data = Data { bytes, is_final, announced: None };
    let verdict = world.run_on_bytes(&section.response_content, &mut state, (Data::default(), data), progress);
    obey(session, state, &verdict)
}

fn obey(session: &mut Session, state: Box<RuleState>, verdict: &Verdict<'_>) -> Stand {
    session.rules = Some(state);
    session.set_client_options();
    let ruling = match verdict {
        Verdict::Wait(Wait::Data) => return Stand::Bytes,
        Verdict::Wait(Wait::Name) => return Stand::Name,
        Verdict::Continue => Ruling::Passes,
        Verdict::SwitchToHttp => Ruling::Http,
        Verdict::Close => Ruling::Closed,
        Verdict::SilentDrop { hops } => {
            session.forget_client(*hops);
            Ruling::Refused
        }
        _ => Ruling::Refused,
    };
    Stand::Decided(ruling)
}

fn pass(
    session: &mut Session,
    frontend: &LocalFrontend,
    section: &Section,
    backend: Option<&LocalBackend>,
    sets: &[&RuleSet],
) -> bool {
    if section.is_empty() || sets.iter().all(|set| set.rules.is_empty()) {
        return true;
    }
    let mut state = session.take_rules(frontend);
    let mut world = World::new(session, frontend, backend);
    let mut forgets = None;
    let mut passes = true;
    for set in sets {
        match world.run(set, &mut state, &[], false) {
            Verdict::Continue => continue,
            Verdict::SilentDrop { hops } => forgets = Some(hops),
            _ => {}
        }
        passes = false;
        break;
    }
    session.rules = Some(state);
    session.set_client_options();
    if let Some(hops) = forgets {
        session.forget_client(hops);
    } else if !passes {
        // As HAProxy rejects: no lingering.
        session.client.reset_on_close();
    }
    passes
}

impl Session {
    /// Does to the client's socket what rules asked for: type of service and mark. A mark that we may not set
    /// (CAP_NET_ADMIN) is left out, as HAProxy leaves it out.
    pub(in crate::proxy) fn set_client_options(&mut self) {
        let Some(effects) = self.rules.as_mut().map(|state| &mut state.effects) else { return };
        let (tos, mark) = (effects.client_tos.take(), effects.client_mark.take());
        if let Some(socket) = self.client.kernel().filter(|_| tos.is_some() || mark.is_some()) {
            options::set(&socket, tos, mark);
        }
    }

    /// The client's address and port, as rules or a PROXY header may have set it.
    pub(in crate::proxy) fn source(&self) -> SocketAddr {
        let set = self.rules.as_ref().and_then(|state| state.effects.source());
        set.unwrap_or_else(|| self.arrived_from())
    }

    /// The same as it was before rules of the request or the session.
    pub(in crate::proxy) fn arrived_from(&self) -> SocketAddr {
        self.announced().map_or(self.peer, |(source, _)| source)
    }

    /// The address and port that the client connected to, as rules or a PROXY header may have set it.
    pub(in crate::proxy) fn destination(&self) -> SocketAddr {
        let set = self.rules.as_ref().and_then(|state| state.effects.destination());
        set.unwrap_or_else(|| self.arrived_at())
    }

    /// The same as it was before rules of the request or the session.
    pub(in crate::proxy) fn arrived_at(&self) -> SocketAddr {
        self.announced().map_or_else(|| self.local_address(), |(_, destination)| destination)
    }

    /// What `tcp-request connection` made of the ends of the connection holds for the connection itself, not for what is
    /// known beyond it (HAProxy manual §7.3.3 "fc_src").
    fn settle_ends(&mut self) {
        let Some(effects) = self.rules.as_mut().map(|state| &mut state.effects) else { return };
        let (source, destination) = (effects.session_source.take(), effects.session_destination.take());
        self.peer = source.unwrap_or(self.peer);
        if let (Some(_), Some(state)) = (destination, &self.rules) {
            *state.local.borrow_mut() = destination;
            self.arrival().local = destination;
        }
    }

    /// Type of service and mark of a connection to a server.
    pub(in crate::proxy) fn server_options(&self) -> (Option<u8>, Option<u32>) {
        self.rules.as_ref().map_or((None, None), |state| (state.effects.server_tos, state.effects.server_mark))
    }

    /// Whether a connection to a server is for this session alone: where it goes, or how, depends on the client.
    pub(in crate::proxy) fn needs_own_connection(&self, server: &Server) -> bool {
        let goes_elsewhere = server.address.ip().is_unspecified() || server.address.port() == 0;
        (goes_elsewhere && server.options.socket.is_none()) || self.server_options() != (None, None)
    }

    /// Makes the close one of which the client hears nothing: no packet leaves, or, where we have no CAP_NET_ADMIN or `hops`
    /// are given, a reset that lives for so many of them, 1 without.
    pub(in crate::proxy) fn forget_client(&self, hops: Option<u8>) {
        if let Some(socket) = self.client.kernel()
            && !(hops.is_none() && quiet::end_without_a_word(&socket))
        {
            let hops = hops.unwrap_or(1);
            // One of them is not of the socket's family and fails.
            let _ = socket.set_ttl_v4(u32::from(hops));
            let _ = socket.set_unicast_hops_v6(u32::from(hops));
        }
        self.client.reset_on_close();
    }
}
