//! Names of what is counted (HAProxy's `guid`): none is there twice.

use crate::config::options::guid_fault;
use crate::diag::{Diagnostic, Span};

use super::Context;

/// A thing with a name, and where it stands.
struct Named<'a> {
    guid: &'a str,
    /// The proxy that it is; a frontend and a backend of one name are one. `None` is a socket or a server.
    proxy: Option<&'a str>,
    place: Span,
}

/// Reports names that are none and names that two things have.
pub(super) fn check(context: &Context<'_>) {
    let draft = context.draft;
    for guid in draft.frontends.iter().filter_map(|frontend| frontend.guid.as_ref()) {
        if let Some(what) = guid_fault(&guid.value) {
            context.error("E-VALUE", guid.span, what, "letters, digits and .:-_ make a guid");
        }
    }
    let frontends = draft.frontends.iter().filter_map(|frontend| {
        let guid = frontend.guid.as_ref()?;
        Some(Named { guid: &guid.value, proxy: Some(&frontend.name.value), place: guid.span })
    });
    let sockets =
        draft.frontends.iter().flat_map(|frontend| &frontend.binds).filter_map(|bind| {
            Some(Named { guid: bind.value.options.guid.as_deref()?, proxy: None, place: bind.span })
        });
    let backends = draft.backends.iter().filter_map(|backend| {
        let guid = backend.options.guid.as_deref()?;
        Some(Named { guid, proxy: Some(&backend.name.value), place: backend.name.span })
    });
    let servers = draft.backends.iter().flat_map(|backend| &backend.servers).filter_map(|server| {
        Some(Named { guid: server.options.guid.as_deref()?, proxy: None, place: server.name.span })
    });
    let mut known: Vec<Named<'_>> = Vec::new();
    for one in frontends.chain(sockets).chain(backends).chain(servers) {
        match known.iter().find(|other| other.guid == one.guid) {
            Some(other) if one.proxy.is_some() && one.proxy == other.proxy => {}
            Some(other) => context.problems.push(
                Diagnostic::error("E-DUPLICATE", one.place, format!("the guid `{}` is given twice", one.guid))
                    .label(other.place, "first given here")
                    .hint("everything that is counted has a guid of its own"),
            ),
            None => known.push(one),
        }
    }
}
