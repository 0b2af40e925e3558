//! What name servers have answered: counted, and what it means for servers.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::model::naming::{Family, Lack};

/// Something that is counted of a name server, in the order of HAProxy's `show resolvers`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tally {
    /// Questions.
    Sent,
    /// Questions that could not be sent.
    SendError,
    /// Good answers.
    Valid,
    /// Addresses of servers that they changed.
    Update,
    /// Answers that were an alias.
    Alias,
    /// Answers with an alias alone.
    AliasError,
    /// Answers without a record.
    Empty,
    /// The name does not exist.
    Nx,
    /// No answer came.
    Timeout,
    /// It refused.
    Refused,
    /// Any other failure.
    Other,
    /// It was no answer, or that to another question.
    Invalid,
    /// It was longer than allowed.
    TooBig,
    /// Something did not find room in it.
    Truncated,
    /// It came when nobody waited for it any more.
    Outdated,
}

impl Tally {
    /// All of them, and what `show resolvers` and `show stat` call each.
    pub const ALL: [(Tally, &'static str, &'static str); 15] = [
        (Tally::Sent, "sent", "sent"),
        (Tally::SendError, "snd_error", "send_error"),
        (Tally::Valid, "valid", "valid"),
        (Tally::Update, "update", "update"),
        (Tally::Alias, "cname", "cname"),
        (Tally::AliasError, "cname_error", "cname_error"),
        (Tally::Empty, "any_err", "any_err"),
        (Tally::Nx, "nx", "nx"),
        (Tally::Timeout, "timeout", "timeout"),
        (Tally::Refused, "refused", "refused"),
        (Tally::Other, "other", "other"),
        (Tally::Invalid, "invalid", "invalid"),
        (Tally::TooBig, "too_big", "too_big"),
        (Tally::Truncated, "truncated", "truncated"),
        (Tally::Outdated, "outdated", "outdated"),
    ];

    /// What is counted, as statistics describe it.
    pub const fn meaning(self) -> &'static str {
        match self {
            Tally::Sent => "Questions sent",
            Tally::SendError => "Questions that could not be sent",
            Tally::Valid => "Good answers",
            Tally::Update => "Addresses of servers that it changed",
            Tally::Alias => "Answers that were an alias",
            Tally::AliasError => "Answers with an alias alone",
            Tally::Empty => "Answers without a record",
            Tally::Nx => "Names that do not exist",
            Tally::Timeout => "Questions without an answer",
            Tally::Refused => "Questions that it refused",
            Tally::Other => "Other failures",
            Tally::Invalid => "Messages that were no answer",
            Tally::TooBig => "Answers that were too long",
            Tally::Truncated => "Answers without room for all records",
            Tally::Outdated => "Answers that came too late",
        }
    }
}

/// What is counted of a name server. Written by vg-ctl alone; lives as long as the names of it and of its section.
#[derive(Debug, Default)]
pub struct Tallies([AtomicU64; Tally::ALL.len()]);

impl Tallies {
    /// One more.
    pub fn count(&self, tally: Tally) {
        self.0[tally as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How many there were.
    pub fn get(&self, tally: Tally) -> u64 {
        self.0[tally as usize].load(Ordering::Relaxed)
    }
}

/// What takes the address of a name, if it has one.
pub type Answer = Box<dyn FnOnce(Option<IpAddr>) + Send>;

/// A name that a rule of a worker asks for. vg-ctl answers.
pub struct Question {
    /// Name of the section of name servers.
    pub section: Arc<str>,
    /// The name.
    pub name: String,
    /// The family that the address had best have; `None` is IPv6.
    pub preference: Option<Family>,
    /// Number of the generation that the rule is of: name servers of an earlier one are not asked.
    pub generation: u64,
    /// Called with the address that the name has, if it has one.
    pub answer: Answer,
}

impl fmt::Debug for Question {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Question").field("section", &self.section).field("name", &self.name).finish()
    }
}

/// A section of name servers, with what is counted of each: index for index as in the model.
#[derive(Clone, Debug)]
pub struct Section {
    /// Its name.
    pub name: String,
    /// Names of the servers.
    pub servers: Vec<(String, Arc<Tallies>)>,
}

impl Section {
    /// That of a server, by its name.
    pub fn find(&self, server: &str) -> Option<&Arc<Tallies>> {
        self.servers.iter().find(|(name, _)| name == server).map(|(_, tallies)| tallies)
    }
}

/// What becomes of a server whose name was looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renewal {
    /// Name of its backend.
    pub backend: String,
    /// Its name.
    pub server: String,
    /// The service or the name that was looked up: one that is called something else now is left alone.
    pub written: String,
    /// What it gets.
    pub news: News,
    /// Who said it, as lines about the server tell; `None` tells nothing.
    pub by: Option<String>,
}

/// What the records of a name, or their absence, mean for a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// It is there; what is `None` stays as it is.
    Place {
        /// Its address.
        address: Option<IpAddr>,
        /// What the record of its service says.
        record: Option<ServiceRecord>,
    },
    /// It has no address.
    Lack(Lack),
    /// Its service has no record for it: it has neither name nor port.
    NoRecord,
}

/// What the record of a service says of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceRecord {
    /// Its name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Its weight, 0-256; `None` leaves it to others.
    pub weight: Option<u16>,
}
