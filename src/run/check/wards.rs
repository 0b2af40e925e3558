//! What results make of servers: up, down, stopping, in maintenance; who follows whom; what is told of it.
//!
//! A server is up unless its check failed, its agent says so, or the server that it tracks is down. Results and the operator's
//! decisions come from [`super::servers`] one after the other, and each is told before the next is looked at. This alone writes
//! healths and administrative states; whether a server has an address is said with each new model.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::Notify;

use crate::check::outcome::Effect;
use crate::check::report::{self, Change, Standing, Subject, Which};
use crate::check::{Code, Outcome};
use crate::model::Model;
use crate::model::check::{Care, Mail};
use crate::model::log::Level;
use crate::model::naming::Lack;
use crate::state::levels;
use crate::state::log::Journal;
use crate::state::servers::{Admin, Backend, Health, Prober, Server};
use crate::time::Instant;

use super::notices::{Entry, Notices};

/// A backend as far as messages need it.
pub(super) struct Group {
    pub(super) name: String,
    pub(super) state: Arc<Backend>,
    is_backup: Vec<bool>,
    /// `backend`, or `proxy` for a listen section.
    kind: &'static str,
    pub(super) logs_checks: bool,
    mail: Option<Rc<Mail>>,
    /// Where its messages go.
    journal: Journal,
}

/// A server.
pub(super) struct Ward {
    pub(super) group: Rc<Group>,
    pub(super) server: Arc<Server>,
    /// Place in its backend.
    pub(super) number: usize,
    /// Its number (`id`).
    pub(super) id: u32,
    pub(super) care: Care,
    /// Number of the ward that it tracks.
    tracked: Option<usize>,
    /// Numbers of those that track it.
    trackers: Vec<usize>,
    /// What its own check and agent say so far.
    check: Option<levels::Level>,
    agent: Option<levels::Level>,
    /// Why it has no address.
    lack: Option<Lack>,
    /// What it is called in place of an address.
    host: String,
}

/// What was so before the operator or a name server said something else.
#[derive(Clone, Copy)]
struct Before {
    order: Admin,
    standing: Standing,
    /// Whether it took no new sessions.
    was_leaving: bool,
}

/// Why a server enters or leaves a state.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// Somebody said so of it, or it has no address.
    Own,
    /// It has an address again.
    Resolved,
    /// The server that it tracks did.
    Inherited,
}

impl Cause {
    /// Lines name the tracked server only where that is the cause.
    fn narrow<'a>(self, subject: Subject<'a>) -> Subject<'a> {
        let via = subject.via.filter(|_| self == Cause::Inherited);
        Subject { via, ..subject }
    }
}

/// Every server of the model.
pub(super) struct Wards {
    pub(super) list: Vec<Ward>,
    notices: Notices,
    levels_changed: Arc<Notify>,
}

impl Wards {
    pub(super) fn new(levels_changed: Arc<Notify>) -> Wards {
        Wards { list: Vec::new(), notices: Notices::new(), levels_changed }
    }

    /// Takes the servers of a new model; the numbers of those that came back because they have an address again.
    pub(super) fn configure(
        &mut self,
        now: Instant,
        model: &Model,
        backends: &[Arc<Backend>],
        journals: &[Journal],
    ) -> Vec<usize> {
        let seen: HashMap<*const Server, Option<Lack>> =
            self.list.iter().map(|ward| (Arc::as_ptr(&ward.server), ward.lack)).collect();
        self.list.clear();
        let mut numbers = HashMap::new();
        for ((backend, state), journal) in model.backends.iter().zip(backends).zip(journals) {
            let journal = journal.clone();
            let is_listen = model.frontends.iter().any(|frontend| frontend.name == backend.name);
            let group = Rc::new(Group {
                name: backend.name.clone(),
                state: Arc::clone(state),
                is_backup: backend.servers.iter().map(|server| server.is_backup).collect(),
                kind: if is_listen { "proxy" } else { "backend" },
                logs_checks: backend.reports.logs_checks,
                mail: backend.reports.mail.clone().map(Rc::new),
                journal,
            });
            for (number, (server, entry)) in backend.servers.iter().zip(&state.servers).enumerate() {
                numbers.insert((backend.name.clone(), server.name.clone()), self.list.len());
                let naming = &server.options.naming;
                self.list.push(Ward {
                    group: Rc::clone(&group),
                    server: Arc::clone(entry),
                    number,
                    id: server.options.id,
                    care: server.care.clone(),
                    tracked: None,
                    trackers: Vec::new(),
                    check: server.check.is_some().then_some(levels::Level::Unknown),
                    agent: server.care.agent.is_some().then_some(levels::Level::Unknown),
                    lack: naming.lack,
                    host: naming.host.clone().unwrap_or_default(),
                });
            }
        }
        for number in 0..self.list.len() {
            let Some(tracked) = self.list[number].care.track.as_ref().and_then(|key| numbers.get(key)).copied() else {
                continue;
            };
            self.list[number].tracked = Some(tracked);
            self.list[tracked].trackers.push(number);
        }
        for number in 0..self.list.len() {
            self.adopt(now, number);
        }
        let was = |ward: &Ward| seen.get(&Arc::as_ptr(&ward.server)).copied().unwrap_or(ward.lack);
        let lacked: Vec<_> = self.list.iter().map(was).collect();
        let numbers = 0..self.list.len();
        numbers.filter(|number| self.compare_lack(now, *number, lacked[*number])).collect()
    }

    /// Gives a server that tracks another one the state of that one, without a word.
    fn adopt(&mut self, now: Instant, number: usize) {
        let Some(leader) = self.leader(number) else { return };
        let leader = &self.list[leader].server;
        let ward = &self.list[number];
        let health = match leader.health() {
            // One without a check is up for good.
            Health::Unchecked => Health::Up,
            health => health,
        };
        ward.server.set_health(health, now);
        ward.server.set_shared(leader.own(), now);
        ward.server.show_as(leader);
    }

    /// Shows the answers of a server with those that track it.
    fn show_with_trackers(&self, number: usize) {
        for &tracker in &self.list[number].trackers {
            self.list[tracker].server.show_as(&self.list[number].server);
            self.show_with_trackers(tracker);
        }
    }

    /// The server at the head of the line that this one tracks.
    fn leader(&self, number: usize) -> Option<usize> {
        let mut leader = self.list[number].tracked?;
        // A circle is refused when the configuration is read.
        for _ in 0..self.list.len() {
            match self.list[leader].tracked {
                Some(next) => leader = next,
                None => break,
            }
        }
        Some(leader)
    }

    /// What a check or an agent found.
    pub(super) fn judge(
        &mut self,
        now: Instant,
        number: usize,
        which: Which,
        level: levels::Level,
        outcome: &Outcome,
        details: &str,
    ) {
        let ward = &mut self.list[number];
        match which {
            Which::Health => ward.check = Some(level),
            Which::Agent => ward.agent = Some(level),
        }
        // What the log of checks said already is not said again.
        let details = if ward.group.logs_checks { "" } else { details };
        let has_word = which == Which::Health || outcome.code == Code::L7Sts;
        match outcome.code.effect() {
            Effect::Failed if has_word && level == levels::Level::Down => self.set_down(now, number, details),
            Effect::PassedConditionally if self.may_be_up(number) => self.set_stopping(now, number, details),
            Effect::Passed if which == Which::Agent && self.list[number].server.health() == Health::Stopping => {}
            Effect::Passed if self.may_be_up(number) => self.set_up(now, number, details),
            _ => {}
        }
        let ward = &self.list[number];
        if ward.server.health() == Health::Starting && level != levels::Level::Down {
            // An agent that says nothing leaves the server up.
            ward.server.set_health(Health::Up, now);
            self.levels_changed.notify_one();
        }
        self.show_with_trackers(number);
    }

    /// What the operator says of a server's health, in place of its check or agent.
    pub(super) fn force(
        &mut self,
        now: Instant,
        server: &Arc<Server>,
        whose: Prober,
        health: Health,
        whence: &'static str,
    ) {
        let reason = format!(", changed from {whence}");
        let Some(number) = self.list.iter().position(|ward| Arc::ptr_eq(&ward.server, server)) else { return };
        let ward = &mut self.list[number];
        let said = match whose {
            Prober::Check => &mut ward.check,
            Prober::Agent => &mut ward.agent,
        };
        if said.is_some() {
            *said = Some(levels::Level::from(health != Health::Down));
        }
        match health {
            Health::Down => self.set_down(now, number, &reason),
            Health::Stopping => {
                if ward.server.health() == Health::Down && ward.server.own() != Admin::Maint {
                    ward.server.set_health(Health::Up, now);
                }
                self.set_stopping(now, number, &reason);
            }
            Health::Unchecked | Health::Starting | Health::Up => self.set_up(now, number, &reason),
        }
    }

    /// Whether nothing else keeps it down.
    fn may_be_up(&self, number: usize) -> bool {
        let ward = &self.list[number];
        let is_well = |level: Option<levels::Level>| level != Some(levels::Level::Down);
        let follows = ward.tracked.is_none_or(|tracked| self.list[tracked].server.health() != Health::Down);
        ward.server.own() != Admin::Maint && is_well(ward.check) && is_well(ward.agent) && follows
    }

    fn set_down(&mut self, now: Instant, number: usize, details: &str) {
        let ward = &self.list[number];
        if ward.server.own() == Admin::Maint || ward.server.health() == Health::Down {
            return;
        }
        let was_leaving = ward.server.health() == Health::Stopping || ward.server.admin() == Admin::Drain;
        let before = self.standing(number);
        let ward = &self.list[number];
        ward.server.set_health(Health::Down, now);
        if ward.care.closes_when_down {
            ward.server.close_sessions();
        }
        let level = if was_leaving { Level::Notice } else { Level::Alert };
        self.tell(number, level, |subject, standing| report::change(subject, Change::Down, details, standing));
        self.nobody_left(number, before);
        self.levels_changed.notify_one();
        for tracker in self.list[number].trackers.clone() {
            self.set_down(now, tracker, "");
        }
    }

    fn set_up(&mut self, now: Instant, number: usize, details: &str) {
        let ward = &self.list[number];
        let before = ward.server.health();
        if ward.server.own() == Admin::Maint || matches!(before, Health::Up | Health::Unchecked) {
            return;
        }
        ward.server.set_health(Health::Up, now);
        self.levels_changed.notify_one();
        // Before its first probe it took traffic too.
        if before != Health::Starting {
            self.close_backups(number);
            self.tell(number, Level::Notice, |subject, standing| {
                report::change(subject, Change::Up, details, standing)
            });
        }
        for tracker in self.list[number].trackers.clone() {
            self.set_up(now, tracker, "");
        }
    }

    fn set_stopping(&mut self, now: Instant, number: usize, details: &str) {
        let ward = &self.list[number];
        let is_late = matches!(ward.server.health(), Health::Down | Health::Stopping);
        if ward.server.own() == Admin::Maint || is_late {
            return;
        }
        let before = self.standing(number);
        self.list[number].server.set_health(Health::Stopping, now);
        self.tell(number, Level::Notice, |subject, standing| {
            report::change(subject, Change::Stopping, details, standing)
        });
        self.nobody_left(number, before);
        self.levels_changed.notify_one();
        for tracker in self.list[number].trackers.clone() {
            self.set_stopping(now, tracker, "");
        }
    }

    /// `on-marked-up shutdown-backup-sessions`
    fn close_backups(&self, number: usize) {
        let ward = &self.list[number];
        let is_backup = ward.group.is_backup.get(ward.number) == Some(&true);
        if ward.care.closes_backups_when_up && !is_backup && ward.server.weight() > 0 {
            let servers = ward.group.state.servers.iter().zip(&ward.group.is_backup);
            servers.filter(|(_, is_backup)| **is_backup).for_each(|(server, _)| server.close_sessions());
        }
    }

    /// Does what the operator decided of a server; whether it came back from maintenance, to be probed now.
    pub(super) fn set_admin(&mut self, now: Instant, number: usize, admin: Admin) -> bool {
        let before = self.before(number);
        let server = Arc::clone(&self.list[number].server);
        let had_said = server.admin();
        server.set_admin(admin, now);
        if had_said == admin {
            return false;
        }
        match (had_said, before.order, server.order()) {
            (Admin::Maint, Admin::Maint, Admin::Maint) => {
                self.tell(number, Level::Notice, |subject, _| report::still_in_other_maintenance(subject));
            }
            (_, Admin::Drain, Admin::Drain) => self.tell_rest_of_drain(number),
            _ => {}
        }
        self.move_on(now, number, before, Cause::Own)
    }

    /// Does what it means that a server has an address again, or none any more; main wrote it down when the model began to
    /// run. Whether the server came back.
    fn compare_lack(&mut self, now: Instant, number: usize, lacked: Option<Lack>) -> bool {
        let ward = &self.list[number];
        if lacked.is_some() == ward.lack.is_some() {
            return false;
        }
        let mut before = self.before(number);
        let others = ward.server.admin().max(ward.server.shared());
        before.order = if lacked.is_some() { Admin::Maint } else { others };
        before.was_leaving = ward.server.health() == Health::Stopping || others == Admin::Drain;
        let is_well = !matches!(ward.server.health(), Health::Down | Health::Stopping);
        // It counted until now.
        before.standing.active += usize::from(is_well && before.order == Admin::Ready);
        if lacked.is_some() && others == Admin::Maint {
            let host = ward.host.clone();
            self.tell(number, Level::Notice, |subject, _| report::still_in_maintenance(subject, &host));
        }
        self.move_on(now, number, before, if lacked.is_some() { Cause::Resolved } else { Cause::Own })
    }

    fn before(&self, number: usize) -> Before {
        let server = &self.list[number].server;
        let order = server.order();
        let was_leaving = server.health() == Health::Stopping || order == Admin::Drain;
        Before { order, standing: self.standing(number), was_leaving }
    }

    /// Does what follows from a change of what holds; whether the server came back from maintenance.
    fn move_on(&mut self, now: Instant, number: usize, before: Before, cause: Cause) -> bool {
        match (before.order, self.list[number].server.order()) {
            (before, after) if before == after => return false,
            (_, Admin::Maint) => self.enter_maintenance(number, before, cause),
            (Admin::Maint, _) => self.leave_maintenance(now, number, cause),
            (_, Admin::Drain) => self.tell_drain(number, before, cause),
            (_, Admin::Ready) => {
                let is_down = self.list[number].server.health() == Health::Down;
                self.tell(number, Level::Notice, |subject, _| report::end_of_drain(cause.narrow(subject), is_down));
            }
        }
        for tracker in self.list[number].trackers.clone() {
            let before = self.before(tracker);
            let order = self.list[number].server.order();
            let shared = self.list[tracker].server.set_shared(order, now);
            if shared == Admin::Maint && order != Admin::Maint && self.list[tracker].server.order() == Admin::Maint {
                self.tell(tracker, Level::Notice, |subject, _| report::still_forced(subject));
            }
            self.move_on(now, tracker, before, Cause::Inherited);
        }
        self.levels_changed.notify_one();
        before.order == Admin::Maint
    }

    fn tell_drain(&self, number: usize, before: Before, cause: Cause) {
        let is_down = self.list[number].server.health() == Health::Down;
        self.tell(number, Level::Notice, |subject, standing| report::drain(cause.narrow(subject), is_down, standing));
        self.nobody_left(number, before.standing);
    }

    fn tell_rest_of_drain(&self, number: usize) {
        let is_own = self.list[number].server.admin() == Admin::Drain;
        let cause = if is_own { Cause::Own } else { Cause::Inherited };
        self.tell(number, Level::Notice, |subject, _| report::rest_of_drain(cause.narrow(subject)));
    }

    fn enter_maintenance(&self, number: usize, before: Before, cause: Cause) {
        let ward = &self.list[number];
        let was_down = ward.server.health() == Health::Down;
        let level = if was_down || before.was_leaving { Level::Notice } else { Level::Alert };
        if ward.care.closes_when_down && !was_down {
            ward.server.close_sessions();
        }
        let lack = self.list[number].lack.map_or("", Lack::words);
        self.tell(number, level, |subject, standing| {
            report::maintenance(cause.narrow(subject), lack, was_down, standing)
        });
        self.nobody_left(number, before.standing);
    }

    fn leave_maintenance(&mut self, now: Instant, number: usize, cause: Cause) {
        let ward = &mut self.list[number];
        if ward.check.is_some() {
            ward.check = Some(levels::Level::Unknown);
        }
        let is_draining = ward.server.order() == Admin::Drain;
        let was_unchecked = ward.server.health() == Health::Unchecked;
        if !was_unchecked && self.may_be_up(number) {
            self.list[number].server.set_health(Health::Up, now);
        }
        self.close_backups(number);
        let is_down = self.list[number].server.health() == Health::Down;
        let host = self.list[number].host.clone();
        self.tell(number, Level::Notice, |subject, _| match cause {
            Cause::Resolved => report::resolution_of(subject, &host, is_down, is_draining),
            Cause::Own | Cause::Inherited => report::return_of(cause.narrow(subject), is_down, is_draining),
        });
        if is_draining {
            self.tell_rest_of_drain(number);
        }
    }

    /// A line about a result, where the backend logs its checks.
    pub(super) fn log_result(&self, number: usize, text: &str) {
        let ward = &self.list[number];
        let (level, mailed_as) = (Level::Notice, Some(Level::Info));
        let entry = Entry { backend: &ward.group.name, level, mailed_as, text };
        self.notices.write(&entry, &ward.group.journal, ward.group.mail.as_ref());
    }

    /// What lines say of a server.
    pub(super) fn subject(&self, number: usize) -> Subject<'_> {
        let ward = &self.list[number];
        Subject {
            backend: &ward.group.name,
            server: &ward.server.name,
            is_backup: ward.group.is_backup.get(ward.number) == Some(&true),
            via: ward.server.tracked.as_deref(),
        }
    }

    fn standing(&self, number: usize) -> Standing {
        let ward = &self.list[number];
        let count = |wanted: bool| {
            let servers = ward.group.state.servers.iter().zip(&ward.group.is_backup);
            servers.filter(|(server, is_backup)| **is_backup == wanted && server.is_usable()).count()
        };
        let sessions = ward.server.connections.load(Ordering::Relaxed);
        Standing { active: count(false), backup: count(true), sessions }
    }

    fn tell(&self, number: usize, level: Level, text: impl FnOnce(Subject<'_>, Standing) -> String) {
        let ward = &self.list[number];
        let text = text(self.subject(number), self.standing(number));
        let entry = Entry { backend: &ward.group.name, level, mailed_as: Some(level), text: &text };
        self.notices.write(&entry, &ward.group.journal, ward.group.mail.as_ref());
    }

    fn nobody_left(&self, number: usize, before: Standing) {
        let after = self.standing(number);
        if after.active + after.backup > 0 || before.active + before.backup == 0 {
            return;
        }
        let group = &self.list[number].group;
        let text = report::nobody_left(group.kind, &group.name);
        let entry = Entry { backend: &group.name, level: Level::Emerg, mailed_as: None, text: &text };
        self.notices.write(&entry, &group.journal, None);
    }
}
