//! The network namespaces that connections to servers are made in.

use std::io;

use crate::model::Model;
use crate::model::options::Namespace;
use crate::sys::namespace;

/// Makes sure that sockets can be had in all namespaces that `model` names: the PROXY header of a client may name any of
/// them.
///
/// # Errors
/// There is no such namespace, or no right to enter it (any more).
pub(super) fn enter(model: &Model) -> io::Result<()> {
    let servers = || model.backends.iter().flat_map(|backend| &backend.servers);
    let namespaces = servers().filter_map(|server| server.options.namespace.as_ref());
    let binds = model.frontends.iter().flat_map(|frontend| &frontend.binds);
    let of_binds = binds.filter_map(|bind| bind.options.namespace.as_ref());
    let follows_clients = namespaces.clone().any(|namespace| *namespace == Namespace::OfClient);
    let named = namespaces.filter_map(|namespace| match namespace {
        Namespace::Named(name) => Some(name),
        Namespace::OfClient => None,
    });
    named.chain(of_binds.filter(|_| follows_clients)).try_for_each(|name| namespace::inhabit(name))
}
