//! What goes into a router and what comes out of it.

use std::net::IpAddr;
use std::time::Duration;

use crate::model::Priority;
use crate::model::vrrp::{Instance, SyncGroup, VirtualAddress};
use crate::state::command::VrrpCommand;
use crate::state::vrrp::State;
use crate::wire::Mac;

/// All that an instance ever hears of tracked objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effective {
    /// Compete with this priority.
    Priority(Priority),
    /// Offer the addresses; compete with priority 1.
    Degraded,
    /// Release the addresses.
    Fault,
}

/// A VRRP message as it came off the wire: IP header fields and the IP payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Interface that it came in on.
    pub interface: String,
    /// IP source.
    pub source: IpAddr,
    /// IP destination.
    pub destination: IpAddr,
    /// TTL or hop limit; `None` if the kernel did not say (then it is refused).
    pub ttl: Option<u8>,
    /// The VRRP message, without IP header and link padding.
    pub bytes: Vec<u8>,
}

/// An interface as netlink describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Name.
    pub interface: String,
    /// It exists.
    pub is_there: bool,
    /// It exists, is administratively up and has carrier.
    pub is_up: bool,
    /// Its own addresses in the kernel's order, virtual addresses of ours left out: the first IPv4 address is the
    /// source of IPv4 adverts, the first link-local IPv6 address that of IPv6 adverts.
    pub addresses: Vec<IpAddr>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A message arrived.
    Advert(Received),
    /// An interface is in this condition now.
    Link(Link),
    /// Tracking came to this result for an instance number.
    Effective {
        /// Instance number.
        instance: usize,
        /// Result.
        effective: Effective,
        /// Names of the objects behind it that are down.
        down: Vec<String>,
    },
    /// Every check has run (or, after a reload with new checks, has not).
    Ready(bool),
    /// The kernel's answer to [`Output::AddAddresses`].
    AddressesAdded {
        /// Instance number.
        instance: usize,
        /// `Err` is the kernel's refusal.
        result: Result<(), String>,
    },
    /// Everything under way on the addresses of [`Output::Finish`] is finished.
    Finished {
        /// Instance number.
        instance: usize,
    },
    /// Somebody else (an operator, a network manager, the lease's end) removed an address of ours.
    AddressRemoved {
        /// Interface.
        interface: String,
        /// Address.
        address: IpAddr,
    },
    /// Somebody answered [`Output::Probe`], or announced itself after [`Output::Finish`]: a frame that is not ours says that
    /// its sender has the address.
    AddressInUse {
        /// Interface that the answer came in on.
        interface: String,
        /// Address.
        address: IpAddr,
        /// Who has it.
        by: Mac,
    },
    /// An order.
    Command(VrrpCommand),
    /// A new configuration. Instances keep their state by name unless interface, family, version or VRID changed.
    Configure {
        /// Instances of the new model.
        instances: Vec<Instance>,
        /// Groups of the new model.
        groups: Vec<SyncGroup>,
    },
}

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send a VRRP message.
    Send(Transmit),
    /// Install addresses (or refresh their lease: the same netlink call). Answered by [`Input::AddressesAdded`] unless
    /// `is_refresh`.
    AddAddresses {
        /// Instance number.
        instance: usize,
        /// Addresses.
        addresses: Vec<VirtualAddress>,
        /// Kernel lifetime, whole seconds; `None` is for ever.
        lease: Option<Duration>,
        /// Renewal of addresses that are there.
        is_refresh: bool,
    },
    /// A better Master takes these addresses over: begin nothing new on them, finish what is under way, and look out for
    /// its announcement. Answered by [`Input::Finished`] and [`Input::AddressInUse`]; when an answer takes too long the
    /// addresses go without it.
    Finish {
        /// Instance number.
        instance: usize,
        /// Addresses.
        addresses: Vec<VirtualAddress>,
    },
    /// Remove addresses and close the sessions on them.
    RemoveAddresses {
        /// Instance number.
        instance: usize,
        /// Addresses.
        addresses: Vec<VirtualAddress>,
    },
    /// Send one gratuitous ARP or unsolicited neighbour advertisement for each address, `repeat` times.
    Announce {
        /// Instance number.
        instance: usize,
        /// Addresses.
        addresses: Vec<VirtualAddress>,
        /// Frames for each address.
        repeat: u32,
    },
    /// Ask the link who has these addresses. Answered by [`Input::AddressInUse`] or by silence.
    Probe {
        /// Addresses.
        addresses: Vec<VirtualAddress>,
    },
    /// An instance changed state (log it, notify, publish).
    Transition(Transition),
    /// Something an operator should read once; already limited in rate.
    Warn {
        /// Instance number.
        instance: usize,
        /// Lower-case phrase.
        message: String,
    },
    /// [`VrrpCommand::Stop`] is carried out: no address is left.
    Stopped,
}

/// A VRRP message to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// Instance number.
    pub instance: usize,
    /// Interface to send from.
    pub interface: String,
    /// IP source; never a virtual address.
    pub source: IpAddr,
    /// Group or peer.
    pub destination: IpAddr,
    /// TTL or hop limit: 255.
    pub ttl: u8,
    /// The VRRP message with its checksum (IPv6 too: over the RFC 8200 pseudo-header).
    pub bytes: Vec<u8>,
}

/// A change of state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// Instance number.
    pub instance: usize,
    /// Name of the instance.
    pub name: String,
    /// State left.
    pub from: State,
    /// State entered.
    pub to: State,
    /// Why, as a lower-case phrase: `master down timer expired`, `heard priority 200 from 192.0.2.11`.
    pub reason: String,
}
