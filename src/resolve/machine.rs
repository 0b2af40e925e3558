//! Which question is asked when, of every section of name servers, and what its answer means.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::mem;
use std::net::IpAddr;
use std::sync::Arc;

use crate::model::Model;
use crate::model::naming::{Families, Family, Hold, Lack, Resolvers};
use crate::state::naming::{Renewal, Section as Counted, Tallies, Tally};
use crate::time::Instant;
use crate::wire::dns::{self, Kind};

use super::follower::Follower;
use super::known::{Accepted, Known, Want};
use super::verdict::{self, Found};

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send this to every name server of a section.
    Ask {
        /// Number of the section.
        section: usize,
        /// The message.
        question: Vec<u8>,
    },
    /// Something changes about a server.
    Renew(Renewal),
    /// Somebody asked for the address of a name: this is it, if it has one.
    Tell {
        /// What [`Machine::ask`] was given.
        token: u64,
        /// The address.
        address: Option<IpAddr>,
    },
}

/// Which address somebody who asks wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The name.
    pub name: String,
    /// Its preferred family; `None` is IPv6.
    pub preference: Option<Family>,
    /// What the answer is told by.
    pub token: u64,
}

/// What is asked: the name in lower case, and the kind of record that is asked for first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Question {
    name: String,
    kind: Kind,
}

/// How the last resolution ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    /// There was none yet.
    None,
    /// Well.
    Valid,
    /// Servers lack their address for this, in the end.
    Failed(Lack),
}

/// A question that is under way.
#[derive(Clone, Copy, Debug)]
struct Running {
    id: u16,
    /// What is asked for now: the first kind or the other one.
    kind: Kind,
    /// Questions that may follow.
    left: u32,
    sent: Instant,
    /// Name servers that were asked, and that answered.
    asked: usize,
    heard: usize,
}

/// What is done about a name.
#[derive(Debug)]
struct Resolution {
    status: Status,
    running: Option<Running>,
    /// When the last one ended.
    ended: Option<Instant>,
    /// When the last good answer came, or when the name was first asked for.
    valid: Instant,
    known: Known,
    /// Numbers of the followers, in their order.
    followers: Vec<usize>,
    wishes: Vec<Wish>,
}

struct Section {
    model: Resolvers,
    tallies: Vec<Arc<Tallies>>,
    resolutions: BTreeMap<Question, Resolution>,
}

/// What follows every name of the process.
pub struct Machine {
    sections: Vec<Section>,
    followers: Vec<Follower>,
    accepted: Accepted,
    ids: Box<dyn FnMut() -> u16>,
    outputs: VecDeque<Output>,
}

impl Machine {
    /// One that follows nothing; `ids` gives numbers of questions that nobody can guess.
    pub fn new(ids: impl FnMut() -> u16 + 'static) -> Machine {
        Machine {
            sections: Vec::new(),
            followers: Vec::new(),
            accepted: Accepted { v4: true, v6: true },
            ids: Box::new(ids),
            outputs: VecDeque::new(),
        }
    }

    /// Takes the sections and servers of a model. Names that stay go on from what is known of them; `has_route` tells whether
    /// there is a way to IPv6 addresses.
    pub fn configure(&mut self, now: Instant, model: &Model, counted: &[Counted], has_route: bool) {
        self.accepted = match model.process.families {
            Families::Routed => Accepted { v4: true, v6: has_route },
            Families::Both => Accepted { v4: true, v6: true },
            Families::Only(family) => Accepted { v4: family == Family::V4, v6: family == Family::V6 },
        };
        let mut before = mem::take(&mut self.sections);
        for (section, counted) in model.resolvers.iter().zip(counted) {
            let known = before.iter_mut().find(|known| known.model.name == section.name);
            let is_same = known.as_ref().is_some_and(|known| known.model == *section);
            let mut resolutions = known.map(|known| mem::take(&mut known.resolutions)).unwrap_or_default();
            // Other name servers are asked at once.
            for resolution in resolutions.values_mut().filter(|_| !is_same) {
                (resolution.running, resolution.ended) = (None, None);
            }
            let tallies = counted.servers.iter().map(|(_, tallies)| Arc::clone(tallies)).collect();
            self.sections.push(Section { model: section.clone(), tallies, resolutions });
        }
        for wish in before.into_iter().flat_map(|section| section.resolutions.into_values()).flat_map(|one| one.wishes)
        {
            self.outputs.push_back(Output::Tell { token: wish.token, address: None });
        }
        let old = mem::take(&mut self.followers);
        let known = |backend: &str, server: &str| old.iter().find(|old| old.backend == backend && old.server == server);
        for backend in &model.backends {
            for server in &backend.servers {
                let before = known(&backend.name, &server.name);
                self.followers.extend(Follower::new(&backend.name, server, before));
            }
        }
        self.link(now);
    }

    /// The address of a name, told now or by [`Output::Tell`] later.
    pub fn ask(&mut self, now: Instant, section: &str, wish: Wish) {
        let token = wish.token;
        let number = self.sections.iter().position(|known| known.model.name == section);
        let name = wish.name.trim_end_matches('.').to_ascii_lowercase();
        let Some(section) = number.and_then(|number| self.sections.get_mut(number)).filter(|_| dns::is_name(&name))
        else {
            return self.outputs.push_back(Output::Tell { token, address: None });
        };
        let hold = section.model.hold.valid;
        let question = Question { name, kind: self.accepted.kind(wish.preference) };
        let resolution = section.resolutions.entry(question).or_insert_with(|| Resolution::new(now));
        let is_fresh = resolution.ended.is_some_and(|ended| ended + hold > now);
        if resolution.running.is_none() && resolution.status == Status::Valid && is_fresh {
            let address = resolution.choose(&wish, self.accepted);
            return self.outputs.push_back(Output::Tell { token, address });
        }
        resolution.wishes.push(wish);
        self.handle_timeout(now);
    }

    /// When [`Machine::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let next = |section: &Section, resolution: &Resolution| match (&resolution.running, resolution.ended) {
            (Some(running), _) => running.sent + section.model.patience,
            (None, None) => Instant::ZERO,
            (None, Some(ended)) if resolution.is_wanted() => ended + section.model.interval,
            (None, Some(ended)) => ended + section.model.hold.valid,
        };
        let all = self
            .sections
            .iter()
            .flat_map(|section| section.resolutions.values().map(move |resolution| next(section, resolution)));
        all.min()
    }

    /// What to do next.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Asks again what got no answer, and anew what was asked long enough ago.
    pub fn handle_timeout(&mut self, now: Instant) {
        for section in 0..self.sections.len() {
            let patience = self.sections[section].model.patience;
            let late =
                |resolution: &Resolution| resolution.running.is_some_and(|running| running.sent + patience <= now);
            let late: Vec<Question> = self.pick(section, late);
            late.iter().for_each(|question| self.time_out(now, section, question));
            let Section { model, resolutions, .. } = &mut self.sections[section];
            resolutions.retain(|_, one| {
                let is_old = one.ended.is_none_or(|ended| ended + model.hold.valid <= now);
                one.is_wanted() || one.running.is_some() || !is_old
            });
            let interval = model.interval;
            let due: Vec<Question> = self.pick(section, |one| {
                let is_due = one.ended.is_none_or(|ended| ended + interval <= now);
                one.running.is_none() && one.is_wanted() && is_due
            });
            due.iter().for_each(|question| self.start(now, section, question));
        }
    }

    fn pick(&self, section: usize, is_meant: impl Fn(&Resolution) -> bool) -> Vec<Question> {
        let all = self.sections[section].resolutions.iter();
        all.filter(|(_, resolution)| is_meant(resolution)).map(|(question, _)| question.clone()).collect()
    }

    /// A question could not be sent to a name server.
    pub fn handle_unsent(&mut self, section: usize, server: usize, id: u16) {
        let Some(section) = self.sections.get_mut(section) else { return };
        section.count(server, Tally::SendError);
        let running = section.resolutions.values_mut().filter_map(|one| one.running.as_mut());
        for running in running.filter(|running| running.id == id) {
            running.asked = running.asked.saturating_sub(1);
        }
    }

    /// A question went out to a name server.
    pub fn handle_sent(&self, section: usize, server: usize) {
        if let Some(section) = self.sections.get(section) {
            section.count(server, Tally::Sent);
        }
    }

    /// Bytes came from a name server.
    pub fn handle_reply(&mut self, now: Instant, number: usize, server: usize, bytes: &[u8]) {
        let Some(section) = self.sections.get_mut(number) else { return };
        if bytes.len() > usize::from(section.model.payload) {
            return section.count(server, Tally::TooBig);
        }
        let Some(id) = dns::id(bytes) else { return section.count(server, Tally::Invalid) };
        let has_id = |one: &Resolution| one.running.is_some_and(|running| running.id == id);
        let found = section.resolutions.iter_mut().find(|(_, one)| has_id(one));
        let Some((question, resolution)) = found else { return section.count(server, Tally::Outdated) };
        let Some(running) = resolution.running.as_mut() else { return };
        running.heard += 1;
        let judged = match dns::answer(bytes) {
            Ok(answer) => verdict::judge(&answer, &question.name, question.kind),
            Err(_) => Err(verdict::Fault::Invalid),
        };
        let question = question.clone();
        match judged {
            Ok(found) => {
                section.count(server, Tally::Valid);
                self.succeed(now, number, server, &question, &found);
            }
            Err(fault) => {
                resolution.status = Status::Failed(fault.lack());
                let running = *running;
                section.count(server, fault.tally());
                // Another name server may know better.
                if running.heard < running.asked {
                    return;
                }
                match self.accepted.other(question.kind) {
                    Some(other) if running.kind == question.kind => {
                        self.send(now, number, &question, other, running.left)
                    }
                    Some(_) if running.left == 0 => self.fail(now, number, &question),
                    // It is asked again when its time is over.
                    _ => {}
                }
            }
        }
    }

    /// A question got no good answer in time.
    fn time_out(&mut self, now: Instant, number: usize, question: &Question) {
        let Some(resolution) = self.sections[number].resolutions.get_mut(question) else { return };
        let Some(running) = resolution.running else { return };
        if running.left == 0 {
            if running.heard == 0 {
                resolution.status = Status::Failed(Lack::Timeout);
                let section = &self.sections[number];
                section.tallies.iter().for_each(|tallies| tallies.count(Tally::Timeout));
            }
            return self.fail(now, number, question);
        }
        let other = self.accepted.other(question.kind);
        match other.filter(|_| running.heard > 0 && running.kind == question.kind) {
            Some(other) => self.send(now, number, question, other, running.left),
            None => self.send(now, number, question, question.kind, running.left - 1),
        }
    }

    fn start(&mut self, now: Instant, number: usize, question: &Question) {
        let tries = self.sections[number].model.retries;
        self.send(now, number, question, question.kind, tries.saturating_sub(1));
    }

    /// Asks every name server.
    fn send(&mut self, now: Instant, number: usize, question: &Question, kind: Kind, left: u32) {
        let section = &mut self.sections[number];
        let is_taken =
            |id: u16| section.resolutions.values().any(|one| one.running.is_some_and(|running| running.id == id));
        // With every number taken, one that is not free does no more harm than a lost answer.
        let mut id = (self.ids)();
        for _ in 0..100 {
            if !is_taken(id) {
                break;
            }
            id = (self.ids)();
        }
        let Some(resolution) = section.resolutions.get_mut(question) else { return };
        resolution.running = Some(Running { id, kind, left, sent: now, asked: section.tallies.len(), heard: 0 });
        // Names that cannot be asked for were refused before.
        if let Ok(bytes) = dns::question(id, kind, &question.name, section.model.payload) {
            self.outputs.push_back(Output::Ask { section: number, question: bytes });
        }
    }

    fn succeed(&mut self, now: Instant, number: usize, server: usize, question: &Question, found: &[Found]) {
        let Section { model, resolutions, .. } = &mut self.sections[number];
        let Some(resolution) = resolutions.get_mut(question) else { return };
        (resolution.status, resolution.valid) = (Status::Valid, now);
        resolution.known.see(now, found);
        resolution.known.forget_obsolete(now, model.hold.obsolete);
        (resolution.running, resolution.ended) = (None, Some(now));
        for wish in mem::take(&mut resolution.wishes) {
            let address = resolution.choose(&wish, self.accepted);
            self.outputs.push_back(Output::Tell { token: wish.token, address });
        }
        match question.kind {
            Kind::Srv => self.distribute(now, number, question),
            Kind::A | Kind::Aaaa => self.spread(number, server, question),
        }
    }

    /// Gives each follower of a name one of its addresses.
    fn spread(&mut self, number: usize, server: usize, question: &Question) {
        let section = &mut self.sections[number];
        let Some(resolution) = section.resolutions.get_mut(question) else { return };
        let answering = section.model.servers.get(server).map_or("", |server| &server.name);
        let mut by = format!("{}/{answering}", section.model.name);
        // Servers that have an address of theirs keep it, whoever comes first.
        let mut taken: HashSet<(String, IpAddr)> = HashSet::new();
        for &follower in &resolution.followers {
            let follower = &mut self.followers[follower];
            follower.is_held =
                follower.is_held && follower.address.is_some_and(|address| resolution.known.has(address));
            taken.extend(
                follower.address.filter(|_| follower.is_held).map(|address| (follower.backend.clone(), address)),
            );
        }
        for &follower in &resolution.followers {
            let follower = &mut self.followers[follower];
            if !follower.is_held {
                let is_taken = |address| taken.contains(&(follower.backend.clone(), address));
                let renewal = match resolution.known.choose(&follower.want(), self.accepted, is_taken) {
                    Some(address) => {
                        taken.insert((follower.backend.clone(), address));
                        follower.take(address, by.clone())
                    }
                    None => follower.lose(Lack::NoAddress),
                };
                let is_update = renewal.as_ref().is_some_and(|renewal| renewal.by.is_some());
                if is_update
                    && by != CACHE
                    && let Some(tallies) = section.tallies.get(server)
                {
                    tallies.count(Tally::Update);
                }
                self.outputs.extend(renewal.map(Output::Renew));
            }
            // The answer is told once; for the others it is known by now.
            CACHE.clone_into(&mut by);
        }
    }

    /// Gives each record of a service to one of the servers of each backend.
    fn distribute(&mut self, now: Instant, number: usize, question: &Question) {
        let Some(resolution) = self.sections[number].resolutions.get(question) else { return };
        let records: Vec<(String, u16, u16, Option<IpAddr>)> = resolution
            .known
            .services()
            .map(|(target, port, weight, told)| (target.to_owned(), port, weight, told))
            .collect();
        let mut groups: Vec<(&str, Vec<usize>)> = Vec::new();
        for &follower in &resolution.followers {
            let backend = self.followers[follower].backend.as_str();
            match groups.iter_mut().find(|(known, _)| *known == backend) {
                Some((_, members)) => members.push(follower),
                None => groups.push((backend, vec![follower])),
            }
        }
        let groups: Vec<Vec<usize>> = groups.into_iter().map(|(_, members)| members).collect();
        for members in groups {
            let is_there = |record: &(String, u16)| {
                records.iter().any(|(target, port, ..)| (target, port) == (&record.0, &record.1))
            };
            for &member in &members {
                if self.followers[member].record.as_ref().is_some_and(|record| !is_there(record)) {
                    let renewal = self.followers[member].orphan();
                    self.outputs.extend(renewal.map(Output::Renew));
                }
            }
            for (target, port, weight, told) in &records {
                let told = told.filter(|address| self.accepted.has(*address));
                let has_it = |member: &&usize| {
                    let record = &self.followers[**member].record;
                    record.as_ref().is_some_and(|record| (&record.0, record.1) == (target, *port))
                };
                let is_free = |member: &&usize| self.followers[**member].record.is_none();
                let chosen = members.iter().find(has_it).or_else(|| members.iter().find(is_free)).copied();
                if let Some(chosen) = chosen {
                    let renewal = self.followers[chosen].adopt(target, *port, *weight, told);
                    self.outputs.extend(renewal.map(Output::Renew));
                }
            }
        }
        // Names of machines are asked for now.
        self.link(now);
    }

    /// Nobody answered well.
    fn fail(&mut self, now: Instant, number: usize, question: &Question) {
        let Section { model, resolutions, .. } = &mut self.sections[number];
        let Some(resolution) = resolutions.get_mut(question) else { return };
        let lack = match resolution.status {
            Status::Failed(lack) => lack,
            Status::None | Status::Valid => Lack::Other,
        };
        (resolution.running, resolution.ended) = (None, Some(now));
        for wish in mem::take(&mut resolution.wishes) {
            self.outputs.push_back(Output::Tell { token: wish.token, address: None });
        }
        if resolution.valid + period(&model.hold, lack) > now {
            return;
        }
        resolution.known.clear();
        let lost: Vec<Renewal> = resolution
            .followers
            .iter()
            .filter_map(|follower| match question.kind {
                Kind::Srv => self.followers[*follower].orphan(),
                Kind::A | Kind::Aaaa => self.followers[*follower].lose(lack),
            })
            .collect();
        let is_orphaned = question.kind == Kind::Srv && !lost.is_empty();
        self.outputs.extend(lost.into_iter().map(Output::Renew));
        if is_orphaned {
            self.link(now);
        }
    }

    /// Has every follower in the list of what it follows.
    fn link(&mut self, now: Instant) {
        for resolution in self.sections.iter_mut().flat_map(|section| section.resolutions.values_mut()) {
            resolution.followers.clear();
        }
        for number in 0..self.followers.len() {
            let follower = &self.followers[number];
            let naming = &follower.naming;
            let section = self.sections.iter_mut().find(|one| Some(&one.model.name) == naming.resolvers.as_ref());
            let Some(section) = section else { continue };
            let service = naming.service.as_ref().map(|name| (name, Kind::Srv));
            let host = naming.host.as_ref().filter(|_| !follower.is_told);
            let host = host.map(|name| (name, self.accepted.kind(naming.preference)));
            for (name, kind) in service.into_iter().chain(host).filter(|(name, _)| dns::is_name(name)) {
                let question = Question { name: name.to_ascii_lowercase(), kind };
                let resolution = section.resolutions.entry(question).or_insert_with(|| Resolution::new(now));
                resolution.followers.push(number);
            }
        }
    }
}

/// Who tells those that come after the first.
const CACHE: &str = "DNS cache";

/// How long the last good answer holds.
fn period(hold: &Hold, lack: Lack) -> std::time::Duration {
    match lack {
        Lack::Nx => hold.nx,
        Lack::Timeout => hold.timeout,
        Lack::Refused => hold.refused,
        Lack::Unknown | Lack::NoRecord | Lack::NoAddress | Lack::Other => hold.other,
    }
}

impl Section {
    fn count(&self, server: usize, tally: Tally) {
        if let Some(tallies) = self.tallies.get(server) {
            tallies.count(tally);
        }
    }
}

impl Resolution {
    fn new(now: Instant) -> Resolution {
        Resolution {
            status: Status::None,
            running: None,
            ended: None,
            valid: now,
            known: Known::default(),
            followers: Vec::new(),
            wishes: Vec::new(),
        }
    }

    fn is_wanted(&self) -> bool {
        !self.followers.is_empty() || !self.wishes.is_empty()
    }

    fn choose(&mut self, wish: &Wish, accepted: Accepted) -> Option<IpAddr> {
        let want = Want { preference: wish.preference, networks: &[], allows_duplicates: false, current: None };
        self.known.choose(&want, accepted, |_| false)
    }
}
