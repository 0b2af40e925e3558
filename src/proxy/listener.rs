//! Accepting connections on one socket.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::net::TcpListener;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::sync::Notify;

use crate::model::options::KeepAlive;
use crate::model::proxy::Bind;
use crate::rule::globals::SocketBuffers;
use crate::state::sessions::Sessions;
use crate::state::socket::CountedSocket;
use crate::sys::listener::{Watched, accept};
use crate::sys::{clock, dial};

use super::account;
use super::local::{LocalFrontend, Worker};
use super::session::{Connection, Session};
use super::socket::Socket;
use super::worker::ListenerKey;

/// Connections accepted before other tasks get their turn.
const BUDGET: usize = 16;
/// Pause when the process is out of descriptors or memory: spinning would starve the sessions that could free some.
const PAUSE: Duration = Duration::from_millis(100);

/// A listening socket of a worker.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) key: ListenerKey,
    frontend: RefCell<Rc<LocalFrontend>>,
    /// Sessions of the frontend; the same object in every generation.
    pub(super) sessions: Arc<Sessions>,
    /// Sessions of this address, where it has a limit of its own.
    door: RefCell<Option<Arc<Sessions>>>,
    /// Place of its bind in the frontend.
    number: Cell<usize>,
    /// Where its connections are counted, if they are counted apart.
    pub(super) counted: RefCell<Option<Arc<CountedSocket>>>,
    /// Whether connections begin with a PROXY header.
    pub(super) accepts_proxy: Cell<bool>,
    /// Whether connections are closed with a reset.
    resets: Cell<bool>,
    /// Times of TCP keep-alive, if connections have it.
    keep_alive: Cell<Option<KeepAlive>>,
    /// Buffers of its connections.
    buffers: Cell<SocketBuffers>,
    is_closed: Cell<bool>,
    is_paused: Cell<bool>,
    /// What ends the task that accepts; the next one after a pause has another.
    stop: RefCell<Rc<Stop>>,
}

/// Tells a task to accept no more.
#[derive(Debug, Default)]
struct Stop {
    is_asked: Cell<bool>,
    asked: Notify,
}

impl Stop {
    fn ask(&self) {
        self.is_asked.set(true);
        self.asked.notify_one();
    }
}

impl Listener {
    pub(super) fn new(key: ListenerKey, frontend: Rc<LocalFrontend>) -> Listener {
        let sessions = Arc::clone(&frontend.running.sessions);
        let listener = Listener {
            key,
            frontend: RefCell::new(Rc::clone(&frontend)),
            sessions,
            door: RefCell::default(),
            number: Cell::default(),
            counted: RefCell::default(),
            accepts_proxy: Cell::default(),
            resets: Cell::default(),
            keep_alive: Cell::default(),
            buffers: Cell::default(),
            is_closed: Cell::default(),
            is_paused: Cell::default(),
            stop: RefCell::default(),
        };
        listener.serve(frontend);
        listener
    }

    /// What the configuration says of it.
    pub(super) fn bind<'f>(&self, frontend: &'f LocalFrontend) -> Option<&'f Bind> {
        frontend.running.model.binds.get(self.number.get())
    }

    /// Its number in the frontend, 1-.
    pub(super) fn id(&self, frontend: &LocalFrontend) -> u32 {
        let place = u32::try_from(self.number.get() + 1).unwrap_or(u32::MAX);
        self.bind(frontend).and_then(|bind| bind.options.id).unwrap_or(place)
    }

    /// Connections to the address now; `None` where those of several addresses are not counted apart.
    pub(super) fn connections(&self) -> Option<usize> {
        let counted = self.counted.borrow().as_ref().map(|socket| socket.current());
        let limited = || self.door.borrow().as_ref().map(|door| door.current());
        let only = || (self.frontend.borrow().running.model.binds.len() == 1).then(|| self.sessions.current());
        counted.or_else(limited).or_else(only)
    }

    /// The frontend of the current generation.
    pub(super) fn frontend(&self) -> Rc<LocalFrontend> {
        Rc::clone(&self.frontend.borrow())
    }

    /// Moves to a new generation: sessions see it at their next request.
    pub(super) fn serve(&self, frontend: Rc<LocalFrontend>) {
        let place = frontend.running.model.binds.iter().position(|bind| bind.place() == self.key.place);
        self.number.set(place.unwrap_or(0));
        *self.counted.borrow_mut() = place.and_then(|place| frontend.running.sockets.get(place).cloned());
        self.accepts_proxy.set(self.bind(&frontend).is_some_and(|bind| bind.options.accepts_proxy));
        self.resets.set(frontend.manners.resets);
        self.keep_alive.set(frontend.manners.keep_alive);
        self.buffers.set(frontend.others.rules.globals.client_buffers);
        *self.door.borrow_mut() = frontend.running.doors.get(self.number.get()).cloned().flatten();
        *self.frontend.borrow_mut() = frontend;
    }

    /// Takes what waits in the accept queue, then closes the socket.
    pub(super) fn close(&self) {
        self.is_closed.set(true);
        self.stop.borrow().ask();
    }

    /// The same, but those who came in by it stay, as in HAProxy.
    pub(super) fn pause(&self) {
        self.is_paused.set(true);
        self.stop.borrow().ask();
    }

    /// Whether it was paused: then it may [`run`](Self::run) again.
    pub(super) fn resume(&self) -> bool {
        let was_paused = self.is_paused.replace(false);
        if was_paused {
            self.stop.replace(Rc::default());
        }
        was_paused
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.get()
    }

    /// Accepts until closed or paused.
    pub(super) async fn run(self: Rc<Self>, worker: Rc<Worker>, socket: Watched) {
        let stop = Rc::clone(&self.stop.borrow());
        loop {
            let accepted = tokio::select! {
                biased;
                accepted = self.accept_some(&worker, &socket) => accepted,
                () = stop.asked.notified() => break,
            };
            match accepted {
                Ok(pause) if pause.is_zero() => tokio::task::yield_now().await,
                Ok(pause) => {
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        () = stop.asked.notified() => break,
                    }
                }
                Err(_) => {
                    worker.counters.accept_errors.add(1);
                    tokio::time::sleep(PAUSE).await;
                }
            }
            if stop.is_asked.get() {
                break;
            }
        }
        self.take_rest(&worker, socket.into_socket());
    }

    /// Takes what the kernel has completed for us: the close would reset it. The reactor may not have heard of it yet,
    /// so the socket itself is asked.
    fn take_rest(self: &Rc<Self>, worker: &Rc<Worker>, socket: TcpListener) {
        let mut places = Places::of(self, worker);
        while places.try_enter() {
            match accept(&socket) {
                Ok((client, peer)) => self.start(places.hand_over(), worker, client, peer),
                Err(_) => return,
            }
        }
    }

    /// Accepts up to [`BUDGET`] connections; what is returned is how long the next one has to wait for the sake of a rate. An
    /// error is one that repeats if tried at once.
    async fn accept_some(self: &Rc<Self>, worker: &Rc<Worker>, socket: &Watched) -> std::io::Result<Duration> {
        let mut places = Places::of(self, worker);
        let mut left = BUDGET;
        poll_fn(|context| {
            loop {
                if worker.process.is_paced() || self.sessions.is_paced() {
                    let now = clock::now();
                    let pause = worker.process.pause(now).max(self.sessions.pause(now));
                    if !pause.is_zero() {
                        return Poll::Ready(Ok(pause));
                    }
                    // Sessions are counted when their tasks have run.
                    left = 1;
                }
                // Places first: at the limit, connections wait in the kernel's backlog.
                std::task::ready!(places.poll_enter(context));
                match socket.poll_accept(context) {
                    Poll::Ready(Ok((client, peer))) => {
                        self.start(places.hand_over(), worker, client, peer);
                        left -= 1;
                        if left == 0 {
                            return Poll::Ready(Ok(Duration::ZERO));
                        }
                    }
                    Poll::Ready(Err(error)) if is_about_one_connection(&error) => {}
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending => {
                        // An idle listener holds no place: it would be missing elsewhere.
                        places.give_back();
                        return Poll::Pending;
                    }
                }
            }
        })
        .await
    }

    fn start(
        self: &Rc<Self>,
        door: Option<Arc<Sessions>>,
        worker: &Rc<Worker>,
        client: std::net::TcpStream,
        peer: std::net::SocketAddr,
    ) {
        worker.counters.accepted.add(1);
        // The session gives its places back when it is dropped, also by a panic.
        let session = Box::new(Session::new(worker, self, door, Socket::unwatched(client), peer));
        if self.resets.get() {
            session.client.reset_on_close();
        }
        if let Some(times) = self.keep_alive.get() {
            session.client.keep_alive(&times);
        }
        let buffers = self.buffers.get();
        if buffers != SocketBuffers::default()
            && let Some(socket) = session.client.kernel()
        {
            dial::size_buffers(&socket, buffers.receive, buffers.send);
        }
        account::connection(&session);
        Connection::start(session);
    }
}

fn is_about_one_connection(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}

/// Places taken for a connection that has not come yet.
struct Places<'a> {
    listener: &'a Listener,
    worker: &'a Worker,
    /// Of the address, while it has a limit of its own.
    door: Option<Arc<Sessions>>,
    process: bool,
    frontend: bool,
}

impl<'a> Places<'a> {
    fn of(listener: &'a Listener, worker: &'a Worker) -> Places<'a> {
        Places { listener, worker, door: None, process: false, frontend: false }
    }

    /// Takes those that are missing, or is called again when there may be one. The address comes first: whoever waits there
    /// keeps nobody else waiting.
    fn poll_enter(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.door.is_none() && self.listener.door.borrow().is_some() {
            let door = self.listener.door.borrow().clone();
            if let Some(door) = &door {
                ready!(door.poll_enter(context));
            }
            self.door = door;
        }
        if !self.process {
            ready!(self.worker.process.poll_enter(context));
            self.process = true;
        }
        if !self.frontend {
            ready!(self.listener.sessions.poll_enter(context));
            self.frontend = true;
        }
        Poll::Ready(())
    }

    /// Takes all of them, or none.
    fn try_enter(&mut self) -> bool {
        let door = self.listener.door.borrow().clone();
        if door.as_ref().is_some_and(|door| !door.try_enter()) {
            return false;
        }
        self.door = door;
        self.process = self.worker.process.try_enter();
        self.frontend = self.process && self.listener.sessions.try_enter();
        if !self.frontend {
            self.give_back();
        }
        self.frontend
    }

    /// They are the session's now; that of the address is told.
    fn hand_over(&mut self) -> Option<Arc<Sessions>> {
        (self.process, self.frontend) = (false, false);
        self.door.take()
    }

    fn give_back(&mut self) {
        if std::mem::take(&mut self.process) {
            self.worker.process.leave();
        }
        if std::mem::take(&mut self.frontend) {
            self.listener.sessions.leave();
        }
        if let Some(door) = self.door.take() {
            door.leave();
        }
    }
}

impl Drop for Places<'_> {
    fn drop(&mut self) {
        self.give_back();
    }
}
