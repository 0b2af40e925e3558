//! `do-resolve`: a rule asks for the address of a name, and the stream waits for it.

use std::net::IpAddr;
use std::sync::Arc;

use super::expression::Expression;
use super::sample::Sample;
use super::transaction::Transaction;
use super::variable::{Stored, VariableName, Variables};
use crate::model::naming::Family;

/// What a rule asks for.
#[derive(Clone, Debug)]
pub struct Asking {
    pub(super) variable: VariableName,
    pub(super) section: Arc<str>,
    pub(super) preference: Option<Family>,
    pub(super) name: Expression,
}

/// A name whose address a stream waits for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// What gets the address.
    pub variable: VariableName,
    /// The section of name servers.
    pub section: Arc<str>,
    /// The name.
    pub name: String,
    /// The family that the address had best have; `None` is IPv6.
    pub preference: Option<Family>,
}

/// Leaves a question in the effects. `false` if there is no name, and nothing to wait for.
pub(super) fn ask(asking: &Asking, transaction: &mut Transaction<'_>) -> bool {
    let Asking { variable, section, preference, name } = asking;
    let Some(name) = name.value(transaction).and_then(|sample| String::from_utf8(sample.text().to_vec()).ok()) else {
        return false;
    };
    let asked = Asked { variable: variable.clone(), section: Arc::clone(section), name, preference: *preference };
    transaction.effects.asked = Some(asked);
    true
}

/// Keeps the address that a name has.
pub fn learn(variable: &VariableName, address: IpAddr, variables: &Variables) {
    let sample = match address {
        IpAddr::V4(address) => Sample::Ipv4(address),
        IpAddr::V6(address) => Sample::Ipv6(address),
    };
    variables.store(variable, Some(Stored::of(&sample)));
}
