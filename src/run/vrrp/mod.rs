//! vg-vrrp: the thread that holds the virtual IPs.
//!
//! One loop around [`crate::vrrp::Router`]: look at the clock and do what is due **before** reading anything (a process that
//! was stopped steps down before it hears a peer), read what has arrived, carry out what the router asks for and give it
//! the kernel's answers, publish, sleep. It decides nothing about VRRP; it judges only whether the other threads' hearts
//! beat. It owns VIPs and link state; others send it [`VrrpOrder`]s, and hear of it through a watch and [`VrrpNotice`]s.
//! Levels are read where they live in every turn; `levels_changed` only makes the turn come now (`notify_one`).
//!
//! Read this file first, then [`effects`].

mod effects;
mod farewell;
mod finishing;
mod hearts;
mod levels;
mod links;
mod notice;
mod probes;

use std::future::poll_fn;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::sync::{Notify, watch};

pub use notice::{VrrpNotice, VrrpOrder};

use crate::model::Model;
use crate::state::command::VrrpCommand;
use crate::state::heart::Heart;
use crate::state::levels::{Board, Levels};
use crate::state::servers::Backend;
use crate::state::vrrp::VrrpStatus;
use crate::sys::caps::{self, Capability};
use crate::sys::clock;
use crate::sys::netlink::{Event, Events, held};
use crate::sys::sched;
use crate::time::Instant;
use crate::track::Tracker;
use crate::vrrp::Router;
use crate::vrrp::io::{Effective, Input, Output};

use effects::{Effects, Parting};
use finishing::AllFinishing;
use hearts::Hearts;
use levels::Sources;
use links::Consequence;

/// Messages read in one turn.
const BUDGET: usize = 256;
/// Pause in reading after a turn that used its budget up: a flood gets at most a budget in each such pause.
const FLOOD_PAUSE: Duration = Duration::from_millis(2);
/// The loop looks around at least this often.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);
/// A turn that comes so much later than planned means that the whole process stood still.
const STALL: Duration = Duration::from_millis(200);
/// Counters are published at most this often; changes of state at once.
const COUNTERS_EVERY: Duration = Duration::from_millis(250);

/// How the thread is to be scheduled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheduling {
    /// SCHED_RR and locked memory where permitted; of the capabilities only CAP_NET_ADMIN and CAP_NET_RAW are kept.
    RealTime,
    /// As it is (the lab without root, tests).
    Normal,
}

/// What vg-vrrp is given.
pub struct VrrpContext {
    /// The first configuration.
    pub model: Arc<Model>,
    /// Its backends, by backend number.
    pub backends: Vec<Arc<Backend>>,
    /// Its board.
    pub board: Arc<Board>,
    /// Its listening sockets, with the addresses that they are bound to: new connections are held back there while an
    /// address moves.
    pub listeners: Vec<(SocketAddr, Arc<TcpListener>)>,
    /// Hearts of the workers and of vg-check.
    pub hearts: Vec<Arc<Heart>>,
    /// Its own heart, beaten once in each turn.
    pub heart: Arc<Heart>,
    /// Somebody wrote a level: look now. Signalled with `notify_one`.
    pub levels_changed: Arc<Notify>,
    /// Orders. When every sender is gone the thread stops as if told to.
    pub orders: UnboundedReceiver<VrrpOrder>,
    /// The latest status.
    pub status: watch::Sender<Arc<VrrpStatus>>,
    /// News for main.
    pub notices: UnboundedSender<VrrpNotice>,
    /// Scheduling.
    pub scheduling: Scheduling,
}

/// Runs vg-vrrp on the calling thread, in a current-thread runtime with I/O and time; returns when told to stop and every
/// address is removed. `Err`: the kernel refuses the sockets that it cannot work without (CAP_NET_RAW, CAP_NET_ADMIN).
pub async fn run(context: VrrpContext) -> io::Result<()> {
    farewell::arm();
    if context.scheduling == Scheduling::RealTime {
        settle_in()?;
    }
    let result = match Loop::start(context) {
        Ok(mut running) => running.run().await,
        Err(error) => Err(error),
    };
    farewell::disarm();
    result
}

/// Priority, memory, capabilities.
fn settle_in() -> io::Result<()> {
    if let Err(error) = sched::realtime() {
        tracing::warn!(%error, "no real-time scheduling: adverts may be late on a busy host");
    }
    if let Err(error) = sched::lock_memory() {
        tracing::warn!(%error, "memory of vg-vrrp cannot be locked: adverts may be late on a host that swaps");
    }
    caps::keep_only(&[Capability::CAP_NET_ADMIN, Capability::CAP_NET_RAW])
}

struct Loop {
    context: VrrpContext,
    router: Router,
    effects: Effects,
    finishing: AllFinishing,
    events: Events,
    hearts: Hearts,
    tracker: Tracker,
    levels: Levels,
    effective: Vec<(Effective, Vec<String>)>,
    is_ready: Option<bool>,
    /// When the next turn was to come.
    planned: Instant,
    /// Sockets are not read before this.
    reads_again: Instant,
    /// When the status was last published.
    published: Instant,
    /// Something but a counter changed since then.
    is_news: bool,
    is_stopped: bool,
    /// Nobody is left who could give orders.
    is_orphaned: bool,
}

/// Why a turn begins.
enum Wake {
    Look,
    Order(VrrpOrder),
    /// Nobody is left who could give orders.
    Orphaned,
}

impl Loop {
    fn start(mut context: VrrpContext) -> io::Result<Loop> {
        let now = clock::now();
        // Without virtual addresses this process has no lock on them: they may be a living process's.
        if !context.model.instances.is_empty() {
            match held::release_vips() {
                Ok(0) => {}
                Ok(count) => tracing::warn!(count, "removed virtual IPs that an earlier process left behind"),
                Err(error) => tracing::error!(%error, "virtual IPs of an earlier process cannot be removed"),
            }
        }
        let mut effects = Effects::open(context.notices.clone())?;
        let events = Events::subscribe()?;
        effects.links.resync(&mut effects.kernel)?;
        let mut running = Loop {
            hearts: Hearts::new(std::mem::take(&mut context.hearts), hearts::KERNEL),
            tracker: Tracker::new(&context.model),
            router: Router::new(now),
            levels: Levels::new(),
            effective: Vec::new(),
            is_ready: None,
            planned: Instant::FAR_FUTURE,
            reads_again: Instant::ZERO,
            published: Instant::ZERO,
            is_news: true,
            is_stopped: false,
            is_orphaned: false,
            context,
            effects,
            finishing: AllFinishing::default(),
            events,
        };
        running.configure(now);
        Ok(running)
    }

    async fn run(&mut self) -> io::Result<()> {
        let mut wake = Wake::Look;
        loop {
            self.turn(wake)?;
            if self.is_stopped {
                self.effects.remove_all();
                while let Some(at) = self.finishing.next() {
                    tokio::time::sleep_until(clock::tokio_deadline(at)).await;
                    self.finishing.send_on(clock::now());
                }
                self.publish(clock::now());
                let _ = self.context.notices.send(VrrpNotice::Stopped);
                return Ok(());
            }
            wake = self.wait().await;
        }
    }

    /// One turn. The clock comes first, and what is due by now is done before anything is heard.
    fn turn(&mut self, wake: Wake) -> io::Result<()> {
        let now = clock::now();
        if now.since(self.planned) > STALL {
            self.hearts.excuse(now);
        }
        self.router.handle_timeout(now);
        self.carry_out(now);
        while let Some(instance) = self.finishing.finished() {
            self.input(now, Input::Finished { instance });
        }
        self.finishing.send_on(now);
        self.follow_kernel(now)?;
        self.look_at_levels(now);
        match wake {
            Wake::Look => {}
            Wake::Order(VrrpOrder::Command(command)) => self.input(now, Input::Command(command)),
            Wake::Order(VrrpOrder::Reconfigure { model, backends, board, listeners }) => {
                self.context.listeners = listeners;
                self.context.model = model;
                self.context.backends = backends;
                self.context.board = board;
                self.configure(now);
            }
            Wake::Orphaned => self.input(now, Input::Command(VrrpCommand::Stop)),
        }
        self.listen(now);
        for probes::Answer { interface, address, by } in self.effects.answers(now) {
            self.input(now, Input::AddressInUse { interface, address, by });
        }
        self.publish(now);
        self.context.heart.beat(now);
        Ok(())
    }

    /// Waits until there is something to do.
    async fn wait(&mut self) -> Wake {
        let now = clock::now();
        let is_paused = self.reads_again > now;
        let mut until = now + LONGEST_SLEEP;
        until = until.min(self.router.poll_timeout().unwrap_or(Instant::FAR_FUTURE));
        until = until.min(self.hearts.next_look(now));
        until = until.min(self.finishing.next().unwrap_or(Instant::FAR_FUTURE));
        if is_paused {
            until = until.min(self.reads_again);
        }
        self.planned = until;
        let (effects, events, finishing) = (&self.effects, &mut self.events, &mut self.finishing);
        let something = poll_fn(|context| {
            let is_event = events.poll_ready(context).is_ready();
            let is_message = !is_paused && effects.poll_ready(context).is_ready();
            let is_finished = finishing.poll_finished(context).is_ready();
            if is_event || is_message || is_finished { Poll::Ready(()) } else { Poll::Pending }
        });
        tokio::select! {
            biased;
            order = self.context.orders.recv(), if !self.is_orphaned => match order {
                Some(order) => Wake::Order(order),
                None => {
                    self.is_orphaned = true;
                    Wake::Orphaned
                }
            },
            () = something => Wake::Look,
            () = self.context.levels_changed.notified() => Wake::Look,
            () = tokio::time::sleep_until(clock::tokio_deadline(until)) => Wake::Look,
        }
    }

    /// Runs the model in `context`.
    fn configure(&mut self, now: Instant) {
        let model = Arc::clone(&self.context.model);
        self.tracker = Tracker::new(&model);
        self.hearts.configure(&model);
        self.levels.clear();
        self.effective.clear();
        self.effects.links.watch(&model.instances);
        self.effects.arrange_sockets(now, &model.instances);
        let (instances, groups) = (model.instances.clone(), model.sync_groups.clone());
        self.input(now, Input::Configure { instances, groups });
        self.report_links(now);
        self.look_at_levels(now);
    }

    fn input(&mut self, now: Instant, input: Input) {
        self.is_news = true;
        self.router.handle_input(now, input);
        self.carry_out(now);
    }

    /// Reads netlink events.
    fn follow_kernel(&mut self, now: Instant) -> io::Result<()> {
        loop {
            let events = self.events.read()?;
            if events.is_empty() {
                return Ok(());
            }
            let mut removed = Vec::new();
            let (mut must_reread, mut must_resync, mut must_report) = (false, false, false);
            for event in events {
                must_resync |= event == Event::Lost;
                match self.effects.links.follow(event, self.effects.kernel.port()) {
                    Consequence::None => {}
                    Consequence::Report | Consequence::Resync => must_report = true,
                    Consequence::Reread => must_reread = true,
                    Consequence::Removed(address) => {
                        must_reread |= !address.is_tagged;
                        removed.extend(self.effects.held_on(address.index, address.address));
                    }
                }
            }
            let Effects { links, kernel, .. } = &mut self.effects;
            if must_resync {
                tracing::warn!("kernel events were lost; tables are read again");
                links.resync(kernel)?;
                removed = self.effects.missing();
            } else if must_reread {
                links.reread(kernel)?;
            }
            if must_reread || must_resync || must_report {
                let model = Arc::clone(&self.context.model);
                self.effects.arrange_sockets(now, &model.instances);
                self.report_links(now);
            }
            for (interface, address) in removed {
                self.input(now, Input::AddressRemoved { interface, address });
            }
        }
    }

    fn report_links(&mut self, now: Instant) {
        for link in self.effects.links.changes() {
            self.input(now, Input::Link(link));
        }
    }

    /// Reads the levels and tells the router what they come to, if that changed.
    fn look_at_levels(&mut self, now: Instant) {
        for thread in self.hearts.look(now) {
            if self.effects.may_complain(now, "starved", "") {
                tracing::warn!(thread, "a thread gets no CPU time: this host is overloaded");
            }
        }
        let links = &self.effects.links;
        let sources = Sources {
            board: &self.context.board,
            backends: &self.context.backends,
            hearts: &self.hearts,
            is_up: &|name| links.is_up(name),
        };
        let levels = levels::gather(&self.context.model, &sources);
        let are_settled = self.context.backends.iter().all(|backend| backend.is_settled());
        let is_ready = self.tracker.is_ready(&levels) && are_settled;
        if levels != self.levels || self.effective.is_empty() {
            self.levels = levels;
            let effective = self.tracker.effective(&self.levels);
            let old = std::mem::replace(&mut self.effective, effective.clone());
            for (instance, (effective, down)) in effective.into_iter().enumerate() {
                if old.get(instance) != Some(&(effective, down.clone())) {
                    self.input(now, Input::Effective { instance, effective, down });
                }
            }
        }
        if self.is_ready != Some(is_ready) {
            self.is_ready = Some(is_ready);
            self.input(now, Input::Ready(is_ready));
        }
    }

    /// Reads the VRRP sockets.
    fn listen(&mut self, now: Instant) {
        if self.reads_again > now {
            return;
        }
        let mut heard = Vec::new();
        let is_flooded = self.effects.receive(BUDGET, |message| heard.push(message));
        for message in heard {
            self.router.handle_input(now, Input::Advert(message));
            self.carry_out(now);
        }
        if is_flooded {
            self.reads_again = now + FLOOD_PAUSE;
        }
    }

    /// Does what the router asks for until it asks for nothing more.
    fn carry_out(&mut self, now: Instant) {
        while let Some(output) = self.router.poll_output() {
            match output {
                Output::Send(message) => self.effects.send(now, &message),
                Output::AddAddresses { addresses, lease, is_refresh: true, .. } => {
                    self.effects.renew(now, &addresses, lease);
                }
                Output::AddAddresses { instance, addresses, lease, is_refresh: false } => {
                    let result = self.effects.add(&addresses, lease);
                    self.input_answer(now, instance, result);
                }
                Output::Finish { instance, addresses } => {
                    self.effects.watch_for_others(now, &addresses);
                    let held = self.effects.places(&addresses);
                    let unfinished = self.finishing.begin(instance, &held, &self.context.listeners);
                    let addresses = addresses.iter().map(|vip| vip.address).collect();
                    let _ = self.context.notices.send(VrrpNotice::Finish { addresses, unfinished });
                }
                Output::RemoveAddresses { instance, addresses } => {
                    let is_over = self.finishing.is_here(instance);
                    self.effects.remove(&addresses, if is_over { Parting::Over } else { Parting::Short });
                    self.finishing.leave(now, instance, &self.context.listeners);
                }
                Output::Announce { addresses, repeat, .. } => self.effects.announce(now, &addresses, repeat),
                Output::Probe { addresses } => self.effects.probe(now, &addresses),
                Output::Transition(transition) => {
                    self.is_news = true;
                    let (from, to) = (transition.from.name(), transition.to.name());
                    let (instance, reason) = (&transition.name, &transition.reason);
                    tracing::info!(%instance, state = %to, %from, %reason, "state changed");
                    let _ = self.context.notices.send(VrrpNotice::Transition(transition));
                }
                Output::Warn { instance, message } => {
                    let name = self.context.model.instances.get(instance).map_or("", |instance| &instance.name);
                    tracing::warn!(instance = %name, "{message}");
                }
                Output::Stopped => self.is_stopped = true,
            }
        }
    }

    /// The kernel's answer; what follows from it is carried out by the loop that asked.
    fn input_answer(&mut self, now: Instant, instance: usize, result: Result<(), String>) {
        self.is_news = true;
        self.router.handle_input(now, Input::AddressesAdded { instance, result });
    }

    /// Publishes the status if it changed.
    fn publish(&mut self, now: Instant) {
        if !self.is_news && now.since(self.published) < COUNTERS_EVERY {
            return;
        }
        self.is_news = false;
        self.published = now;
        let status = self.router.status(now);
        self.context.status.send_if_modified(|old| {
            let is_new = **old != status;
            if is_new {
                *old = Arc::new(status);
            }
            is_new
        });
    }
}
