//! A worker: the thread's own loop. Takes commands, beats the heart, turns the timer wheel; everything else is tasks.

use std::convert::Infallible;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{Sender, UnboundedReceiver};
use tokio::task::JoinHandle;

use crate::generation::Generation;
use crate::model::bind::BindPlace;
use crate::state::command::{ServerOrder, Suspect};
use crate::state::counters::Shard;
use crate::state::heart::Heart;
use crate::state::log::LogRing;
use crate::state::naming::Question;
use crate::state::process::ProcessFacts;
use crate::state::servers::closings;
use crate::state::sessions::Sessions;
use crate::state::streams::StreamOrder;
use crate::sys::clock;
use crate::sys::listener::Watched;
use crate::time::Instant;

use super::finishing;
use super::listener::Listener;
use super::local::{Service, Stage, Worker};
use super::pools::Pools;
use super::relay::{RelaySockets, Relays};
use super::streams;
use super::timers::{TICK, Wheel};

/// How long an idle connection may still send a request when a drain begins: it gets a response that says `close`
/// instead of finding its connection gone.
const GRACE: Duration = Duration::from_millis(500);
/// Ticks between two looks at the server pools.
const TRIM: u32 = 50;

/// What main tells a worker.
#[derive(Debug)]
pub enum WorkerCommand {
    /// From now on new requests run on this generation, and exactly these sockets are accepted on. A socket whose key
    /// is known already is kept as it is (the duplicate is closed); one that is missing is drained and closed.
    Serve {
        /// The configuration.
        generation: Arc<Generation>,
        /// All sockets of this worker.
        listeners: Vec<WorkerListener>,
    },
    /// From now on messages of others are taken from exactly these sockets.
    Relay(Vec<RelaySockets>),
    /// Every response says `Connection: close` (a planned hand-over).
    Announce,
    /// Takes `Announce` back.
    Resume,
    /// Stop accepting (after what the accept queues hold), finish sessions until the deadline, then end.
    Drain {
        /// When sessions are cut.
        deadline: Instant,
    },
    /// These addresses are about to leave this node: requests under way are finished, idle connections are closed. The
    /// sender is dropped when nothing is left to wait for.
    Finish {
        /// The addresses.
        addresses: Vec<IpAddr>,
        /// Held as long as a request is under way.
        unfinished: Sender<Infallible>,
    },
    /// The address left this node: sessions on it are closed.
    CloseAddress(IpAddr),
    /// A question about streams, or the end of one.
    Streams(StreamOrder),
}

/// What identifies a listening socket of a worker over generations.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ListenerKey {
    /// Name of the frontend.
    pub frontend: String,
    /// Where it listens.
    pub place: BindPlace,
    /// Which of the sockets that were ever opened there it is.
    pub edition: u64,
}

/// A listening socket for a worker.
#[derive(Debug)]
pub struct WorkerListener {
    /// Its identity.
    pub key: ListenerKey,
    /// Frontend number in the generation that it comes with.
    pub frontend: usize,
    /// Non-blocking, a duplicate that the worker may close.
    pub socket: std::net::TcpListener,
    /// Nothing is accepted on it for now; clients that came in by it stay.
    pub is_paused: bool,
}

/// What a worker is given.
#[derive(Debug)]
pub struct WorkerContext {
    /// 0-; selects the shard of counters.
    pub index: usize,
    /// Commands; a closed channel drains at once.
    pub commands: UnboundedReceiver<WorkerCommand>,
    /// Beaten at least every 50 ms.
    pub heart: Arc<Heart>,
    /// Servers that failed `observe` connects in a row; when it is full the next failure tells again.
    pub suspects: Sender<Suspect>,
    /// Access log.
    pub log: Arc<LogRing>,
    /// This worker's counters.
    pub counters: Arc<Shard>,
    /// Client connections of the process and their limit.
    pub sessions: Arc<Sessions>,
    /// What the statistics page tells of the process.
    pub facts: Arc<ProcessFacts>,
    /// Changes of servers that somebody on a statistics page asks for.
    pub orders: Sender<ServerOrder>,
    /// Names that rules ask for; when it is full they have no address.
    pub questions: Sender<Question>,
    /// Idle connections to servers.
    pub pools: Arc<Pools>,
}

/// Runs a worker until it is drained. Must be called inside a tokio `LocalRuntime`.
pub async fn run(context: WorkerContext) {
    let WorkerContext {
        index,
        mut commands,
        heart,
        suspects,
        log,
        counters,
        sessions,
        facts,
        orders,
        questions,
        pools,
    } = context;
    let worker = Rc::new(Worker::new(index, log, counters, sessions, suspects, facts, orders, questions, pools));
    let beat = tokio::task::spawn_local(beat(Rc::clone(&worker), heart));
    let mut listeners: Vec<(Rc<Listener>, JoinHandle<()>)> = Vec::new();
    // Those go on to the very end: what is logged while sessions finish may come in there.
    let mut relays = Relays::default();
    let deadline = loop {
        match commands.recv().await {
            Some(WorkerCommand::Serve { generation, listeners: sockets }) => {
                serve(&worker, &generation, sockets, &mut listeners);
            }
            Some(WorkerCommand::Relay(sockets)) => {
                // The old tasks go first, so that no message is read by two.
                drop(std::mem::take(&mut relays));
                relays = Relays::start(&worker, sockets);
            }
            Some(WorkerCommand::Announce) => worker.service.set(Service::Announcing),
            Some(WorkerCommand::Resume) => worker.service.set(Service::Normal),
            Some(WorkerCommand::Finish { addresses, unfinished }) => {
                tokio::task::spawn_local(finishing::finish(Rc::clone(&worker), addresses, unfinished));
            }
            Some(WorkerCommand::Drain { deadline }) => break deadline,
            Some(command) => inquire(&worker, command),
            None => break clock::now(),
        }
    };
    drain(&worker, commands, listeners, deadline).await;
    worker.retire_pools();
    beat.abort();
    drop(relays);
}

/// Lets sessions finish until the deadline, and cuts those that are left.
async fn drain(
    worker: &Rc<Worker>,
    mut commands: UnboundedReceiver<WorkerCommand>,
    listeners: Vec<(Rc<Listener>, JoinHandle<()>)>,
    deadline: Instant,
) {
    worker.service.set(Service::Draining);
    let end = clock::tokio_deadline(deadline);
    for (listener, _) in &listeners {
        listener.close();
    }
    // Each takes what is in its queue before it ends.
    for (_, task) in listeners {
        let _ = tokio::time::timeout_at(end, task).await;
    }
    hurry_idle(worker, deadline);
    while !worker.sessions.borrow().is_empty() {
        tokio::select! {
            () = worker.emptied.notified() => {}
            () = tokio::time::sleep_until(end) => break,
            command = commands.recv() => match command {
                Some(WorkerCommand::Drain { .. }) | None => break,
                Some(command) => inquire(worker, command),
            },
        }
    }
    // The rest is cut, each with its log line.
    for session in worker.sessions.borrow().iter().map(|(_, session)| session) {
        session.is_killed.set(true);
        session.timer.wake();
    }
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
}

/// What a worker does at any time: closes sessions, tells about them. The rest is no business of one that drains.
fn inquire(worker: &Worker, command: WorkerCommand) {
    match command {
        WorkerCommand::CloseAddress(address) => finishing::close(worker, address),
        WorkerCommand::Streams(StreamOrder::List(answer)) => answer(streams::list(worker)),
        WorkerCommand::Streams(StreamOrder::Close(id, answer)) => answer(streams::close(worker, id)),
        WorkerCommand::Serve { .. }
        | WorkerCommand::Relay(_)
        | WorkerCommand::Announce
        | WorkerCommand::Resume
        | WorkerCommand::Drain { .. }
        | WorkerCommand::Finish { .. } => {}
    }
}

/// Beats the heart and turns the wheel.
async fn beat(worker: Rc<Worker>, heart: Arc<Heart>) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut until_trim = TRIM;
    let mut seen = closings();
    loop {
        let now = clock::now();
        heart.beat(now);
        worker.look_at_wall_clock(now);
        worker.wheel.borrow_mut().turn(now);
        if seen != closings() {
            seen = closings();
            close_unwanted(&worker);
        }
        until_trim -= 1;
        if until_trim == 0 {
            until_trim = TRIM;
            worker.trim_pools(now);
        }
        ticks.tick().await;
    }
}

fn serve(
    worker: &Rc<Worker>,
    generation: &Arc<Generation>,
    sockets: Vec<WorkerListener>,
    known: &mut Vec<(Rc<Listener>, JoinHandle<()>)>,
) {
    let frontends = worker.localize(generation);
    known.retain(|(listener, _)| {
        let stays = sockets.iter().any(|socket| socket.key == listener.key);
        if !stays {
            listener.close();
        }
        stays
    });
    for WorkerListener { key, frontend, socket, is_paused } in sockets {
        let Some(frontend) = frontends.get(frontend) else { continue };
        let place = known.iter().position(|(listener, _)| listener.key == key);
        let listener = match place.and_then(|place| known.get(place)) {
            Some((listener, _)) => {
                listener.serve(Rc::clone(frontend));
                if is_paused {
                    listener.pause();
                }
                if is_paused || !listener.resume() {
                    continue;
                }
                Rc::clone(listener)
            }
            None => Rc::new(Listener::new(key, Rc::clone(frontend))),
        };
        match Watched::new(socket) {
            Ok(socket) => {
                let task = tokio::task::spawn_local(Rc::clone(&listener).run(Rc::clone(worker), socket));
                match place.and_then(|place| known.get_mut(place)) {
                    Some(known) => known.1 = task,
                    None => known.push((listener, task)),
                }
            }
            Err(error) => tracing::error!(worker = worker.index, %error, "a listening socket cannot be watched"),
        }
    }
}

/// Closes sessions with servers that went down, where that was asked for (`on-marked-down shutdown-sessions`).
fn close_unwanted(worker: &Worker) {
    for session in worker.sessions.borrow().iter().map(|(_, session)| session).filter(|session| session.is_unwanted()) {
        session.is_killed.set(true);
        session.timer.wake();
    }
}

fn hurry_idle(worker: &Worker, deadline: Instant) {
    let at = deadline.min(clock::now() + GRACE);
    for session in worker.sessions.borrow().iter().map(|(_, session)| session) {
        let is_idle = matches!(session.stage.get(), Stage::Waiting(_));
        let waits = session.listener.frontend().manners.keeps_idle_at_stop;
        if is_idle && !waits && session.timer.deadline() > at {
            Wheel::set(&worker.wheel, &session.timer, at);
        }
    }
}
