//! A client connection from accept to close, in a task that serves the next one after it.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::mem::replace;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use crate::model::proxy::Mode;
use crate::state::sessions::Sessions;
use crate::state::socket::CountedSocket;
use crate::time::Instant;

use super::account;
use super::buffers::Chunk;
use super::greeting::{self, Arrival};
use super::listener::Listener;
use super::local::{LocalBackend, LocalFrontend, Service, Shared, Stage, Worker};
use super::pool::Idle;
use super::rules::{self, RuleState, Welcome};
use super::seat::Seat;
use super::socket::Socket;
use super::stream::{Received, Receiving, Turn};
use super::tcp;
use super::timers::Wheel;

/// The task of client connections, one after the other: when one has closed it waits for the next, as making a task costs
/// a tenth of what a short connection does here. Small while nothing is under way: this is what an idle connection costs.
#[derive(Debug)]
pub(super) struct Connection {
    worker: Rc<Worker>,
    /// Where the listener puts the next one.
    desk: Desk,
    phase: Phase,
}

/// A connection that a task is to go on with.
pub(super) type Desk = Rc<RefCell<Option<Phase>>>;

/// What a connection is in.
pub(super) enum Phase {
    /// Has none, or one on its desk.
    Vacant,
    /// Waits for a PROXY header.
    Greeting(Pin<Box<dyn Future<Output = Option<Box<Session>>>>>),
    /// Waits for a request. The session is in a box because it moves to the seat and back with every request.
    Receiving(Box<Session>, Receiving),
    /// A request and its response; the session is in the seat.
    Answering(Box<dyn Seat>),
    /// TCP mode.
    Relaying(Pin<Box<dyn Future<Output = Option<Box<Session>>>>>),
    Closed,
}

impl std::fmt::Debug for Phase {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Phase::Vacant => "Vacant",
            Phase::Greeting(_) => "Greeting",
            Phase::Receiving(..) => "Receiving",
            Phase::Answering(_) => "Answering",
            Phase::Relaying(_) => "Relaying",
            Phase::Closed => "Closed",
        })
    }
}

impl Connection {
    /// Hands a connection to a task that has none, or to a new one. The rules for connections run first, one connection
    /// after the other as they come.
    pub(super) fn start(mut session: Box<Session>) {
        let worker = Rc::clone(&session.worker);
        let phase = match rules::may_connect(&mut session) {
            Welcome::Refused => return,
            Welcome::AfterHeader => Phase::Greeting(Box::pin(greeting::greet(session))),
            Welcome::AtOnce => Phase::entering(session),
        };
        if matches!(phase, Phase::Closed) {
            return;
        }
        match worker.take_vacancy() {
            Some((desk, task)) => {
                *desk.borrow_mut() = Some(phase);
                task.wake();
            }
            None => {
                tokio::task::spawn_local(Connection { worker, desk: Desk::default(), phase });
            }
        }
    }
}

impl Phase {
    /// The first phase of a connection of which everything is known.
    fn entering(mut session: Box<Session>) -> Phase {
        if !rules::may_enter(&mut session) {
            return Phase::Closed;
        }
        account::session(&session);
        match session.frontend().running.model.mode {
            Mode::Http => Phase::receiving(session, Turn::First),
            Mode::Tcp | Mode::Log => Phase::Relaying(Box::pin(tcp::run(session))),
        }
    }

    fn receiving(mut session: Box<Session>, turn: Turn) -> Phase {
        let receiving = Receiving::begin(&mut session, turn);
        Phase::Receiving(session, receiving)
    }
}

impl Future for Connection {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Connection { worker, desk, phase } = &mut *self;
        worker.look_at_clock();
        loop {
            let next = match phase {
                Phase::Vacant => match desk.borrow_mut().take() {
                    Some(phase) => phase,
                    None => return Poll::Pending,
                },
                Phase::Greeting(greeting) => {
                    let session = ready!(greeting.as_mut().poll(context));
                    session.map_or(Phase::Closed, Phase::entering)
                }
                Phase::Receiving(session, receiving) => match ready!(receiving.poll(session, context)) {
                    Received::Closed => Phase::Closed,
                    received => {
                        let Phase::Receiving(session, _) = replace(phase, Phase::Closed) else { continue };
                        let mut seat = worker.take_seat();
                        seat.begin(session, received);
                        Phase::Answering(seat)
                    }
                },
                Phase::Answering(seat) => {
                    let session = ready!(seat.poll(context));
                    if let Phase::Answering(seat) = replace(phase, Phase::Closed) {
                        worker.give_seat(seat);
                    }
                    session.map_or(Phase::Closed, |session| Phase::receiving(session, Turn::Later))
                }
                Phase::Relaying(relaying) => {
                    let session = ready!(relaying.as_mut().poll(context));
                    // A rule, or the backend, made HTTP of it.
                    session.map_or(Phase::Closed, |session| Phase::receiving(session, Turn::First))
                }
                Phase::Closed if worker.give_vacancy(desk, context.waker()) => Phase::Vacant,
                Phase::Closed => return Poll::Ready(()),
            };
            *phase = next;
        }
    }
}

/// Why a wait ended without what it waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interrupt {
    /// The deadline passed.
    Expired,
    /// The worker wants the connection closed.
    Killed,
}

/// The address of both ends of a Unix socket.
const NOWHERE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// A client connection.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) worker: Rc<Worker>,
    pub(super) shared: Rc<Shared>,
    pub(super) listener: Rc<Listener>,
    pub(super) client: Socket,
    pub(super) peer: SocketAddr,
    pub(super) accepted: Instant,
    /// When it began to wait for its present request: at the accept, or at the end of the last response.
    pub(super) began: Instant,
    /// Unique id of the present request; empty if there is none.
    pub(super) unique_id: Vec<u8>,
    /// Bytes of the client that belong to its next request.
    pub(super) input: Option<Chunk>,
    /// What rules keep; `None` before the first.
    pub(super) rules: Option<Box<RuleState>>,
    /// How it came in, where its socket does not say it.
    pub(super) arrival: Option<Box<Arrival>>,
    /// The server that it was with last, where that matters.
    pub(super) last: Option<Box<LastServer>>,
    /// Where its address is counted apart.
    pub(super) counted: Option<Arc<CountedSocket>>,
    /// Whether a request of it has gone to a server.
    pub(super) has_used_server: bool,
    /// The sessions of its address, where they have a limit of their own.
    door: Option<Arc<Sessions>>,
    key: usize,
}

/// The server that a session was with last.
#[derive(Debug)]
pub(super) struct LastServer {
    pub(super) backend: Rc<LocalBackend>,
    /// Its number.
    pub(super) server: usize,
    /// The connection, where no other session may have it.
    pub(super) own: Option<Idle>,
}

impl Session {
    /// A session whose places were taken: that of its address, if it has one, is `door`.
    pub(super) fn new(
        worker: &Rc<Worker>,
        listener: &Rc<Listener>,
        door: Option<Arc<Sessions>>,
        client: Socket,
        peer: SocketAddr,
    ) -> Session {
        worker.look_at_clock();
        // A socket on one address needs no system call to know its local address. A Unix socket has none.
        let local =
            match listener.key.place.endpoint.tcp().map(|bound| bound.ip()).filter(|bound| !bound.is_unspecified()) {
                Some(bound) => bound,
                None => client.local_addr().map_or(NOWHERE, |local| local.ip()),
            };
        let accepted = worker.now.get();
        let shared = Rc::new(Shared {
            timer: worker.take_timer(),
            stage: Stage::Waiting(accepted).into(),
            is_killed: false.into(),
            local: local.to_canonical(),
            peer,
            accepted,
            listener: Rc::clone(listener),
            backend: Weak::new().into(),
            is_with_server: false.into(),
            server: None.into(),
        });
        let key = worker.sessions.borrow_mut().insert(Rc::clone(&shared));
        Session {
            worker: Rc::clone(worker),
            shared,
            listener: Rc::clone(listener),
            client,
            peer,
            accepted,
            began: accepted,
            unique_id: Vec::new(),
            input: None,
            rules: None,
            arrival: None,
            last: None,
            counted: listener.counted.borrow().clone(),
            has_used_server: false,
            door,
            key,
        }
    }

    /// When the task was woken: the clock is read once for each poll.
    pub(super) fn now(&self) -> Instant {
        self.worker.now.get()
    }

    /// What is known of how it came in, to be added to.
    pub(super) fn arrival(&mut self) -> &mut Arrival {
        self.arrival.get_or_insert_default()
    }

    /// The client and what it connected to, as a PROXY header said.
    pub(super) fn announced(&self) -> Option<(SocketAddr, SocketAddr)> {
        self.arrival.as_ref()?.addresses
    }

    /// Our end of the connection; asks the kernel.
    pub(super) fn local_address(&self) -> SocketAddr {
        if let Some(set) = self.arrival.as_ref().and_then(|arrival| arrival.local) {
            return set;
        }
        let port = self.listener.key.place.endpoint.tcp().map_or(0, |bound| bound.port());
        self.client.local_addr().unwrap_or(SocketAddr::new(self.shared.local, port))
    }

    /// The frontend of the current generation.
    pub(super) fn frontend(&self) -> Rc<LocalFrontend> {
        self.listener.frontend()
    }

    /// Whether the client may send another request on this connection.
    pub(super) fn may_persist(&self) -> bool {
        self.worker.service.get() == Service::Normal && !self.listener.is_closed() && !self.is_leaving()
    }

    /// Whether the address that the client connected to is about to leave this node.
    pub(super) fn is_leaving(&self) -> bool {
        self.worker.leaving.borrow().contains(&self.shared.local)
    }

    /// Moves the deadline.
    pub(super) fn set_deadline(&self, at: Instant) {
        Wheel::set(&self.worker.wheel, &self.shared.timer, at);
    }

    /// To be asked at the start of every poll that waits.
    pub(super) fn interrupt(&self, context: &Context<'_>, now: Instant) -> Option<Interrupt> {
        self.shared.timer.register(context.waker());
        if self.shared.is_killed.get() {
            Some(Interrupt::Killed)
        } else if self.shared.timer.has_expired(now) {
            Some(Interrupt::Expired)
        } else {
            None
        }
    }

    /// Reads what has come and nobody wants: with unread bytes closing would be a reset, where HAProxy ends in order.
    pub(super) async fn discard_input(&mut self) {
        let mut budget = 1 << 16;
        poll_fn(|context| {
            let mut scratch = self.worker.buffers.scratch.borrow_mut();
            while let Poll::Ready(Ok(count)) = self.client.poll_read(context, &mut scratch[..])
                && count > 0
                && budget > count
            {
                budget -= count;
            }
            Poll::Ready(())
        })
        .await;
    }

    /// Whether the client has sent more than was asked of it.
    pub(super) fn has_unread(&self) -> bool {
        self.input.is_some() || self.client.has_unread()
    }

    /// Ends our direction and reads until the client closes, at most for `limit` and 1 MiB: a reset for unread bytes
    /// would destroy the response on its way.
    pub(super) async fn linger(&mut self, limit: Duration) {
        self.set_deadline(self.now() + limit);
        if self.client.shutdown().is_err() {
            return;
        }
        let mut budget = 1 << 20;
        poll_fn(|context| {
            if self.interrupt(context, self.now()).is_some() {
                return Poll::Ready(());
            }
            let mut scratch = self.worker.buffers.scratch.borrow_mut();
            loop {
                match self.client.poll_read(context, &mut scratch[..]) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Ok(count)) if count > 0 && budget > count => budget -= count,
                    Poll::Ready(_) => return Poll::Ready(()),
                }
            }
        })
        .await;
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.worker.counters.panics.add(1);
        }
        self.end_tracking();
        self.worker.give_timer(&self.shared.timer);
        let mut sessions = self.worker.sessions.borrow_mut();
        sessions.try_remove(self.key);
        if sessions.is_empty() {
            self.worker.emptied.notify_one();
        }
        if let Some(counted) = &self.counted {
            counted.leave();
        }
        self.worker.process.leave();
        self.listener.sessions.leave();
        if let Some(door) = self.door.take() {
            door.leave();
        }
    }
}
