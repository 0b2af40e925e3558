//! Follows names on vg-ctl: sockets to name servers, the clock, and orders to main.
//!
//! What is asked when, and what an answer means, is decided by [`crate::resolve`]. One loop owns the machine; each name
//! server has a task that sends questions and reports answers, so that one that hangs holds up nothing. Main alone changes
//! servers: it is told what they get, and gives back the generation that has it.

mod packets;
mod stream;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;

use crate::admin::{Order, OrderKind};
use crate::generation::Generation;
use crate::model::naming::{NameServer, Resolvers, Transport};
use crate::resolve::{Machine, Output, Wish};
use crate::state::naming::{Answer, Question};
use crate::sys;
use crate::time::Instant;

/// How often the way to IPv6 is looked for.
const LOOK: Duration = Duration::from_secs(30);

/// What a name server's task reports.
#[derive(Debug)]
enum Report {
    /// A question went out.
    Sent,
    /// A question with this number could not.
    Unsent(u16),
    /// Bytes came.
    Reply(Vec<u8>),
}

/// A report and whose it is.
#[derive(Debug)]
struct Event {
    /// Which set of name servers it belongs to: those of an earlier configuration are not listened to.
    epoch: u64,
    section: usize,
    server: usize,
    report: Report,
}

/// Tells the loop what became of a question.
#[derive(Clone)]
struct Reporter {
    epoch: u64,
    section: usize,
    server: usize,
    events: mpsc::UnboundedSender<Event>,
}

impl Reporter {
    fn tell(&self, report: Report) {
        let Reporter { epoch, section, server, .. } = *self;
        // The loop outlives its tasks, so a failed send happens only while the thread ends.
        let _ = self.events.send(Event { epoch, section, server, report });
    }
}

/// A name server that is asked.
struct Asked {
    questions: mpsc::UnboundedSender<Vec<u8>>,
    task: AbortHandle,
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Follower {
    machine: Machine,
    generation: Option<Arc<Generation>>,
    /// Section for section, server for server.
    asked: Vec<Vec<Asked>>,
    epoch: u64,
    has_route: bool,
    looks: Instant,
    events: mpsc::UnboundedSender<Event>,
    orders: mpsc::Sender<Order>,
    /// Questions of rules whose generation has not come yet.
    early: Vec<Question>,
    /// Who waits for an address, by the number of the question.
    waiting: HashMap<u64, Answer>,
    /// Questions of rules so far.
    numbered: u64,
}

/// Follows the names of each generation that comes, until there are no more, and answers what rules ask for.
pub(super) async fn follow(
    mut generations: mpsc::UnboundedReceiver<Arc<Generation>>,
    mut questions: mpsc::Receiver<Question>,
    orders: mpsc::Sender<Order>,
) {
    // Bounded by the questions that are under way: an answer that nobody waits for is dropped by its task's socket.
    let (sender, mut events) = mpsc::unbounded_channel();
    let mut secret = match sys::random::Secret::open() {
        Ok(secret) => secret,
        Err(error) => return tracing::error!(%error, "names of servers are not followed: there are no random numbers"),
    };
    let mut follower = Follower {
        machine: Machine::new(move || secret.sixteen()),
        generation: None,
        asked: Vec::new(),
        epoch: 0,
        has_route: false,
        looks: Instant::ZERO,
        events: sender,
        orders,
        early: Vec::new(),
        waiting: HashMap::new(),
        numbered: 0,
    };
    loop {
        let wake = sys::clock::tokio_deadline(follower.wake());
        tokio::select! {
            generation = generations.recv() => match generation {
                Some(generation) => follower.configure(sys::clock::now(), generation),
                None => return,
            },
            Some(question) = questions.recv() => follower.ask(sys::clock::now(), question),
            Some(event) = events.recv() => follower.hear(sys::clock::now(), event),
            () = tokio::time::sleep_until(wake) => follower.handle_timeout(sys::clock::now()),
        }
        follower.drain();
    }
}

impl Follower {
    fn wake(&self) -> Instant {
        match self.machine.poll_timeout() {
            // The way to IPv6 matters while something is asked for.
            Some(next) => next.min(self.looks),
            None => Instant::FAR_FUTURE,
        }
    }

    fn configure(&mut self, now: Instant, generation: Arc<Generation>) {
        let sections = |generation: &Generation| generation.model.resolvers.clone();
        let before = self.generation.as_deref().map(sections).unwrap_or_default();
        if before != generation.model.resolvers {
            self.epoch += 1;
            let sections = generation.model.resolvers.iter().enumerate();
            self.asked = sections.map(|(number, section)| self.open(number, section)).collect();
        }
        if !generation.model.resolvers.is_empty() {
            self.has_route = sys::hosts::has_ipv6_route();
            self.looks = now + LOOK;
        }
        self.machine.configure(now, &generation.model, &generation.resolvers, self.has_route);
        self.generation = Some(generation);
        for question in std::mem::take(&mut self.early) {
            self.ask(now, question);
        }
    }

    /// Takes a question of a rule: name servers that its generation has and the last one did not come with it.
    fn ask(&mut self, now: Instant, question: Question) {
        if self.generation.as_ref().is_none_or(|generation| generation.number < question.generation) {
            return self.early.push(question);
        }
        self.numbered += 1;
        let Question { section, name, preference, answer, .. } = question;
        self.waiting.insert(self.numbered, answer);
        self.machine.ask(now, &section, Wish { name, preference, token: self.numbered });
    }

    fn open(&self, number: usize, section: &Resolvers) -> Vec<Asked> {
        let servers = section.servers.iter().enumerate();
        servers.map(|(place, server)| self.one(number, place, server, section)).collect()
    }

    fn one(&self, section: usize, server: usize, asked: &NameServer, model: &Resolvers) -> Asked {
        let (questions, received) = mpsc::unbounded_channel();
        let reporter = Reporter { epoch: self.epoch, section, server, events: self.events.clone() };
        let address = asked.address;
        let task = match asked.transport {
            Transport::Udp => {
                tokio::task::spawn_local(packets::ask(address, model.payload, received, reporter)).abort_handle()
            }
            Transport::Tcp => {
                tokio::task::spawn_local(stream::ask(address, model.interval, received, reporter)).abort_handle()
            }
        };
        Asked { questions, task }
    }

    fn hear(&mut self, now: Instant, event: Event) {
        let Event { epoch, section, server, report } = event;
        if epoch != self.epoch {
            return;
        }
        match report {
            Report::Sent => self.machine.handle_sent(section, server),
            Report::Unsent(id) => self.machine.handle_unsent(section, server, id),
            Report::Reply(bytes) => self.machine.handle_reply(now, section, server, &bytes),
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.looks <= now {
            self.looks = now + LOOK;
            let has_route = sys::hosts::has_ipv6_route();
            if has_route != self.has_route
                && let Some(generation) = self.generation.clone()
            {
                self.configure(now, generation);
            }
        }
        self.machine.handle_timeout(now);
    }

    /// Does what the machine wants.
    fn drain(&mut self) {
        let mut renewals = Vec::new();
        while let Some(output) = self.machine.poll_output() {
            match output {
                Output::Ask { section, question } => {
                    for asked in self.asked.get(section).into_iter().flatten() {
                        // A task whose receiver is gone has ended with a panic: its name server is silent.
                        let _ = asked.questions.send(question.clone());
                    }
                }
                Output::Renew(renewal) => renewals.push(renewal),
                Output::Tell { token, address } => {
                    if let Some(answer) = self.waiting.remove(&token) {
                        answer(address);
                    }
                }
            }
        }
        if renewals.is_empty() {
            return;
        }
        let orders = self.orders.clone();
        // Main answers with a generation; until it does, the machine goes on with what it knows.
        drop(tokio::task::spawn_local(async move {
            let (answer, answered) = oneshot::channel();
            if orders.send(Order { kind: OrderKind::Renew(renewals), answer }).await.is_ok()
                && let Ok(Err(error)) = answered.await
            {
                tracing::error!(error, "servers cannot be given the addresses of their names");
            }
        }));
    }
}
