//! The receive checks, in their order: length, version, (VRID: the router has looked it up), TTL, source, authentication,
//! checksum, type, interval, address list. A message that fails one changes a counter and nothing else.

use std::net::IpAddr;
use std::time::Duration;

use super::io::Received;
use crate::model::vrrp::{Authentication, ChecksumForm, Instance, Transport, Version};
use crate::wire::vrrp::{self as wire, Body, Coverage, Malformed, Message};

/// An advert that passed every check.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// IP source.
    pub from: IpAddr,
    /// 0 when the sender leaves.
    pub priority: u8,
    /// The sender's interval.
    pub interval: Duration,
    /// Form of its checksum.
    pub checksum: ChecksumForm,
    /// Whether its address list is ours.
    pub list: List,
}

/// How the address list of an advert compares with ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// The same addresses, in any order.
    Equal,
    /// Some in common: the same virtual router, in the middle of a change.
    Overlapping,
}

/// Why a message was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error("version {theirs} arrived where version {ours} is spoken")]
    VersionMismatch { theirs: u8, ours: u8 },
    #[error("time to live is {}, at least {least} is needed", .ttl.map_or("unknown".to_owned(), |ttl| ttl.to_string()))]
    Ttl { ttl: Option<u8>, least: u8 },
    #[error("sent to {0}, which this instance does not use")]
    Destination(IpAddr),
    #[error("source is this node's own address")]
    OwnAddress,
    #[error("source is not a configured peer")]
    UnknownPeer,
    #[error("authentication type differs")]
    AuthenticationType,
    #[error("password differs")]
    Password,
    #[error("interval is {theirs} s, {ours} s is configured (version 2 needs the same)")]
    IntervalMismatch { theirs: u64, ours: u64 },
    #[error("address list is empty")]
    EmptyList,
    #[error(
        "none of its addresses is one of ours: if it is a peer, the files differ; if not, choose another \
         virtual_router_id"
    )]
    Collision,
}

impl Refusal {
    /// Name of the counter.
    pub const fn counter(&self) -> &'static str {
        match self {
            Refusal::Malformed(malformed) => malformed.counter(),
            Refusal::VersionMismatch { .. } => "version_mismatch",
            Refusal::Ttl { .. } => "ttl",
            Refusal::Destination(_) => "destination",
            Refusal::OwnAddress => "own_address",
            Refusal::UnknownPeer => "unknown_peer",
            Refusal::AuthenticationType => "auth_type",
            Refusal::Password => "auth_password",
            Refusal::IntervalMismatch { .. } => "interval_mismatch",
            Refusal::EmptyList => "empty_list",
            Refusal::Collision => "vrid_collision",
        }
    }
}

/// Puts a message that carries the instance's VRID through every check. `own` is the source of its own adverts.
pub fn check(config: &Instance, own: Option<IpAddr>, received: &Received) -> Result<Accepted, Refusal> {
    let message = Message::new(&received.bytes, received.source, received.destination)?;
    let ours = match config.version {
        Version::V2 => 2,
        Version::V3 => 3,
    };
    if message.version() != ours {
        return Err(Refusal::VersionMismatch { theirs: message.version(), ours });
    }
    check_way(config, own, received)?;
    check_authentication(config, &message)?;
    let coverage = message.coverage()?;
    let advert = message.advert()?;
    let interval = match advert.body {
        Body::V2 { interval, .. } => Duration::from_secs(interval.into()),
        Body::V3 { interval } => Duration::from_millis(u64::from(interval) * 10),
    };
    if config.version == Version::V2 && interval != config.advert_interval {
        return Err(Refusal::IntervalMismatch { theirs: interval.as_secs(), ours: config.advert_interval.as_secs() });
    }
    Ok(Accepted {
        from: received.source,
        priority: advert.priority,
        interval,
        checksum: form(coverage),
        list: compare(config, &advert)?,
    })
}

/// TTL, then where it came from and went to.
fn check_way(config: &Instance, own: Option<IpAddr>, received: &Received) -> Result<(), Refusal> {
    let least = match &config.transport {
        Transport::Multicast { .. } => 255,
        Transport::Unicast { min_ttl, .. } => *min_ttl,
    };
    if received.ttl.is_none_or(|ttl| ttl < least) {
        return Err(Refusal::Ttl { ttl: received.ttl, least });
    }
    if own == Some(received.source) {
        return Err(Refusal::OwnAddress);
    }
    match &config.transport {
        Transport::Multicast { group } if received.destination != *group => {
            Err(Refusal::Destination(received.destination))
        }
        Transport::Unicast { .. } if received.destination.is_multicast() => {
            Err(Refusal::Destination(received.destination))
        }
        Transport::Unicast { peers, check_source: true, .. } if !peers.contains(&received.source) => {
            Err(Refusal::UnknownPeer)
        }
        Transport::Multicast { .. } | Transport::Unicast { .. } => Ok(()),
    }
}

fn check_authentication(config: &Instance, message: &Message<'_>) -> Result<(), Refusal> {
    match (message.authentication(), config.authentication) {
        (None, _) | (Some(wire::Authentication::None), Authentication::None) => Ok(()),
        (Some(wire::Authentication::Pass(theirs)), Authentication::Pass(ours)) => {
            if theirs == ours {
                Ok(())
            } else {
                Err(Refusal::Password)
            }
        }
        _ => Err(Refusal::AuthenticationType),
    }
}

/// Equal is fine, overlapping the same router in the middle of a change, disjoint a stranger with our VRID.
fn compare(config: &Instance, advert: &wire::Advert) -> Result<List, Refusal> {
    if advert.addresses.is_empty() {
        return Err(Refusal::EmptyList);
    }
    let is_ours = |address: &IpAddr| config.addresses.iter().any(|ours| ours.address == *address);
    let is_theirs = |address: &IpAddr| advert.addresses.contains(address);
    if !advert.addresses.iter().any(is_ours) {
        return Err(Refusal::Collision);
    }
    let is_equal = advert.addresses.iter().all(is_ours) && config.addresses.iter().all(|ours| is_theirs(&ours.address));
    Ok(if is_equal { List::Equal } else { List::Overlapping })
}

const fn form(coverage: Coverage) -> ChecksumForm {
    match coverage {
        Coverage::PseudoHeader => ChecksumForm::PseudoHeader,
        Coverage::MessageOnly => ChecksumForm::MessageOnly,
        Coverage::PseudoHeaderMulticast => ChecksumForm::PseudoHeaderMulticast,
    }
}

/// The wire's word for a form.
pub const fn coverage(form: ChecksumForm) -> Coverage {
    match form {
        ChecksumForm::PseudoHeader => Coverage::PseudoHeader,
        ChecksumForm::MessageOnly => Coverage::MessageOnly,
        ChecksumForm::PseudoHeaderMulticast => Coverage::PseudoHeaderMulticast,
    }
}
