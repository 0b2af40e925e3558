//! From lines to the draft: what each honoured word of the table means.
//!
//! It decides what a line says, with the defaults of HAProxy where they differ from vipgate's own. Whether a word is known,
//! has its place and is supported was said by the table before ([`Context::find`]); names of backends are resolved later, in
//! `validate`. Start with [`draft`]; [`settings`] is what the lines of a proxy add up to.

pub mod value;
mod context;
mod usage;
mod ignored;
mod unix_bind;
mod settings;
mod global;
mod runtime;
mod defaults;
mod kept;
mod proxy;
mod option;
mod old;
mod timeout;
mod bind;
mod server;
mod check;
mod care;
mod healthcheck;
mod mail;
mod log;
mod log_profile;
mod ring;
mod relay;
mod resolvers;
mod order;
mod advice;
mod finish;
mod userlist;
mod error_pages;
mod stick;

pub use context::Context;

use crate::config::draft::Draft;
use crate::model::options::StateSource;

use super::section::Section;
use super::table::{Place, Support};

/// Sections that others name.
#[derive(Debug, Default)]
struct Named {
    mailers: Vec<mail::Mailers>,
    checks: Vec<healthcheck::Healthcheck>,
}

/// What the sections say together.
pub fn draft(sections: &[Section], context: &Context<'_>) -> Draft {
    let mut draft = Draft::default();
    let mut proxies = proxy::Proxies::default();
    let mut named = Named::default();
    let mut global = global::Global::new();
    let mut profiles = Vec::new();
    context.look_for_allowance(sections);
    let mut of_process = sections.iter().filter(|section| section.place == Place::Global).flat_map(|one| &one.lines);
    let local_peer = of_process.rfind(|line| line.text(0) == "localpeer").map(|line| line.text(1));
    for section in sections {
        let Some((row, _)) = context.find(Place::Top, Place::Top, &section.head) else {
            context.spell_check(section);
            continue;
        };
        debug_assert!(
            matches!(row.support, Support::Full | Support::Partial(_)),
            "other sections hold nothing that is lowered"
        );
        match section.place {
            Place::Global => {
                context.no_more(&section.head, 1);
                global.read(section, context);
            }
            Place::Resolvers => draft.resolvers.extend(resolvers::read(section, context)),
            Place::Ring => draft.log.rings.extend(ring::read(section, context)),
            Place::LogProfile => profiles.extend(log_profile::read(section, &profiles, context)),
            Place::LogForward => draft.log.relays.extend(relay::read(section, context)),
            Place::Userlist => draft.userlists.extend(userlist::read(section, &draft.userlists, context)),
            Place::HttpErrors => draft.error_pages.extend(error_pages::read(section, context)),
            Place::Peers => {
                draft.tables.extend(stick::peers(section, context));
                stick::has_local_peer(section, local_peer, context);
                draft.peers.extend(section.name().map(|name| name.text.clone()));
            }
            Place::Mailers => {
                let read = mail::read(section, &named.mailers, context);
                named.mailers.extend(read);
            }
            Place::Healthcheck => {
                let read = healthcheck::read(section, &named.checks, context);
                named.checks.extend(read);
            }
            _ => proxies.read(section, context),
        }
    }
    global.lower(&mut draft, context);
    draft.globals.extend(profiles);
    draft.identity.version = context.dialect.declared();
    draft.start.judges_listeners = context.dialect.judges_listeners();
    draft.start.has_peers = !draft.peers.is_empty();
    finish::lower(proxies, &global, &named, &mut draft, context);
    ring::add_traces(&mut draft);
    for backend in draft.backends.iter_mut().filter(|backend| backend.options.state_source == StateSource::Local) {
        let name = backend.options.state_file.as_ref().unwrap_or(&backend.name.value);
        backend.options.state_file = Some(global.state_path(name));
    }
    draft
}
