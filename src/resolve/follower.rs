//! A server whose name is followed.

use std::net::IpAddr;

use crate::model::naming::{Lack, Naming};
use crate::model::proxy::Server;
use crate::state::naming::{News, Renewal, ServiceRecord};

use super::known::Want;

/// A server whose name is followed, as far as it is known here: the model is what counts.
#[derive(Clone, Debug)]
pub struct Follower {
    /// Name of its backend.
    pub backend: String,
    /// Its name.
    pub server: String,
    /// How it is followed, and its name now.
    pub naming: Naming,
    /// Its address; `None` lacks one.
    pub address: Option<IpAddr>,
    /// Whether that is one of the known records of its name, rather than where it began.
    pub is_held: bool,
    /// The record of its service that it has: name and port.
    pub record: Option<(String, u16)>,
    /// Whether that record came with the address, so that the name needs no question of its own.
    pub is_told: bool,
    /// The weight that the record said last, 0-256.
    weight: Option<u16>,
}

impl Follower {
    /// That of a server of a model; `None` is followed by nobody. What is known of it goes on if it is called the same.
    pub fn new(backend: &str, server: &Server, before: Option<&Follower>) -> Option<Follower> {
        let naming = &server.options.naming;
        naming.resolvers.as_ref().filter(|_| naming.is_there())?;
        let address = Some(server.address.ip()).filter(|_| naming.lack.is_none());
        let is_same = |before: &&Follower| {
            let key = |naming: &Naming| (naming.resolvers.clone(), naming.service.clone(), naming.host.clone());
            key(&before.naming) == key(naming)
        };
        let before = before.filter(is_same);
        let restored = || Some((naming.host.clone()?, server.address.port()));
        let record = naming.service.as_ref().and_then(|_| restored());
        Some(Follower {
            backend: backend.to_owned(),
            server: server.name.clone(),
            address,
            is_held: address.is_some() && before.is_some_and(|before| before.is_held && before.address == address),
            record,
            is_told: before.is_some_and(|before| before.is_told),
            weight: before.and_then(|before| before.weight),
            naming: naming.clone(),
        })
    }

    /// Which address it wants.
    pub fn want(&self) -> Want<'_> {
        Want {
            preference: self.naming.preference,
            networks: &self.naming.networks,
            allows_duplicates: self.naming.allows_duplicates,
            current: self.address,
        }
    }

    /// It has this address now; what changes, if it had another one.
    pub fn take(&mut self, address: IpAddr, by: String) -> Option<Renewal> {
        self.is_held = true;
        if self.address == Some(address) && self.naming.lack.is_none() {
            return None;
        }
        (self.address, self.naming.lack) = (Some(address), None);
        Some(self.renewal(News::Place { address: Some(address), record: None }, Some(by)))
    }

    /// It has no address any more; what changes, if it had one.
    pub fn lose(&mut self, lack: Lack) -> Option<Renewal> {
        self.is_held = false;
        if self.naming.lack.is_some() {
            return None;
        }
        (self.address, self.naming.lack) = (None, Some(lack));
        Some(self.renewal(News::Lack(lack), None))
    }

    /// A record of its service is its own; what changes, if something does.
    pub fn adopt(&mut self, target: &str, port: u16, weight: u16, told: Option<IpAddr>) -> Option<Renewal> {
        // 0 stays 0, and 65535 becomes 256.
        let weight = weight.div_ceil(256);
        let weight = Some(weight).filter(|_| !self.naming.ignores_weight);
        let has_record = self.record.as_ref().is_some_and(|(host, known)| (host.as_str(), *known) == (target, port));
        let address = told.filter(|told| self.address != Some(*told) || self.naming.lack.is_some());
        self.is_told = told.is_some();
        if has_record && address.is_none() && self.weight == weight {
            return None;
        }
        self.record = Some((target.to_owned(), port));
        self.naming.host = Some(target.to_owned());
        self.weight = weight;
        if let Some(address) = address {
            (self.address, self.naming.lack) = (Some(address), None);
        }
        let record = Some(ServiceRecord { host: target.to_owned(), port, weight });
        let by = address.map(|_| "DNS additional record".to_owned());
        Some(self.renewal(News::Place { address, record }, by))
    }

    /// Its service has no record for it any more; what changes, if it had one.
    pub fn orphan(&mut self) -> Option<Renewal> {
        self.record.take()?;
        (self.address, self.is_held, self.is_told, self.weight) = (None, false, false, None);
        self.naming.host = None;
        self.naming.lack.get_or_insert(Lack::NoRecord);
        Some(self.renewal(News::NoRecord, None))
    }

    fn renewal(&self, news: News, by: Option<String>) -> Renewal {
        Renewal {
            backend: self.backend.clone(),
            server: self.server.clone(),
            written: self.naming.written().unwrap_or_default().to_owned(),
            news,
            by,
        }
    }
}
