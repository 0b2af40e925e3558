//! Counters, peers, warnings, status. Everything here is bounded, whatever the network sends.

use std::collections::BTreeMap;
use std::time::Duration;

use super::probe::mac_text;
use super::{Context, Instance};
use crate::model::vrrp::{ChecksumForm, Family, Version};
use crate::state::vrrp::{InstanceStatus, Peer, State};
use crate::time::Instant;
use crate::vrrp::io::{Effective, Output};
use crate::vrrp::receive::Accepted;

/// Routers that are remembered; the one that was silent longest makes room.
const MAX_PEERS: usize = 16;
/// Least time between two warnings of one kind.
const WARNING_GAP: Duration = Duration::from_secs(60);

/// What an instance tells about itself.
#[derive(Clone, Debug)]
pub struct Report {
    pub reason: String,
    pub since: Instant,
    pub last_state: State,
    pub became_master: u64,
    pub adverts_sent: u64,
    pub adverts_received: u64,
    pub readded: u64,
    pub in_use: u64,
    pub down: Vec<String>,
    pub warned_of_overlap: bool,
    rejected: BTreeMap<&'static str, u64>,
    peers: Vec<Peer>,
    peer_checksum: Option<ChecksumForm>,
    warned: BTreeMap<&'static str, Instant>,
}

impl Report {
    pub fn new(reason: String, now: Instant) -> Report {
        Report {
            reason,
            since: now,
            last_state: State::Initialize,
            became_master: 0,
            adverts_sent: 0,
            adverts_received: 0,
            readded: 0,
            in_use: 0,
            down: Vec::new(),
            warned_of_overlap: false,
            rejected: BTreeMap::new(),
            peers: Vec::new(),
            peer_checksum: None,
            warned: BTreeMap::new(),
        }
    }

    pub fn enter(&mut self, now: Instant, state: State, reason: String) {
        if self.last_state != state {
            self.since = now;
        }
        self.last_state = state;
        self.reason = reason;
    }

    pub fn refuse(&mut self, counter: &'static str) {
        *self.rejected.entry(counter).or_default() += 1;
    }

    pub fn note_peer(&mut self, now: Instant, advert: &Accepted, version: Version) {
        self.adverts_received += 1;
        if version == Version::V3 && Family::of(advert.from) == Family::V4 {
            self.peer_checksum = Some(advert.checksum);
        }
        let heard = Peer { address: advert.from, priority: advert.priority, last_heard: now };
        if let Some(peer) = self.peers.iter_mut().find(|peer| peer.address == advert.from) {
            *peer = heard;
            return;
        }
        if self.peers.len() >= MAX_PEERS {
            let oldest = (0..self.peers.len()).min_by_key(|index| self.peers[*index].last_heard);
            oldest.map(|index| self.peers.swap_remove(index));
        }
        self.peers.push(heard);
        self.peers.sort_by_key(|peer| peer.address);
    }
}

impl Instance {
    /// Warns, once a minute for each kind.
    pub(super) fn warn(&mut self, context: &mut Context<'_>, kind: &'static str, message: impl FnOnce() -> String) {
        if self.report.warned.get(kind).is_some_and(|at| context.now.since(*at) < WARNING_GAP) {
            return;
        }
        self.report.warned.insert(kind, context.now);
        context.outputs.push_back(Output::Warn { instance: self.number, message: message() });
    }

    /// The last result of tracking.
    pub fn tracked(&self) -> (Effective, Vec<String>) {
        (self.effective, self.report.down.clone())
    }

    /// A snapshot.
    pub fn status(&self) -> InstanceStatus {
        let report = &self.report;
        InstanceStatus {
            name: self.config.name.clone(),
            interface: self.config.interface.clone(),
            vrid: self.config.vrid.value(),
            state: self.state(),
            reason: report.reason.clone(),
            since: report.since,
            base_priority: self.config.priority.value(),
            effective_priority: match self.state() {
                State::Backup | State::Master => self.priority(),
                State::Initialize | State::Releasing | State::Fault => 0,
            },
            advert_interval: self.interval,
            addresses: self.config.addresses.iter().map(|virtual_ip| virtual_ip.address).collect(),
            holds_addresses: self.hold.is_any(),
            peers: report.peers.clone(),
            became_master: report.became_master,
            adverts_sent: report.adverts_sent,
            adverts_received: report.adverts_received,
            rejected: report.rejected.clone(),
            peer_checksum: report.peer_checksum.map(|form| match form {
                ChecksumForm::PseudoHeader => "pseudo-header",
                ChecksumForm::MessageOnly => "message-only",
                ChecksumForm::PseudoHeaderMulticast => "pseudo-header-multicast",
            }),
            readded: report.readded,
            in_use: report.in_use,
            in_use_by: self.holder().map(mac_text),
            down: report.down.clone(),
        }
    }
}
