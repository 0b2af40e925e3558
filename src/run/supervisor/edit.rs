//! A server that is changed, added or removed at run time: the model that runs, edited, becomes the next generation, with
//! the same guarantees as a reload. The next reload reads the files again and forgets it, as HAProxy's does.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use super::Supervisor;
use crate::admin::ServerEdit;
use crate::config::options::cookie;
use crate::config::{self, HostFacts};
use crate::diag::{Severity, Source};
use crate::generation::Generation;
use crate::model::check::Agent;
use crate::model::proxy::{Backend, Mode, Server};
use crate::model::{Model, Weight};
use crate::state::servers::Admin;
use crate::sys;

impl Supervisor {
    /// Changes a server; the sentence is HAProxy's answer.
    pub(super) fn edit_server(&mut self, backend: &str, server: &str, edit: ServerEdit) -> Result<String, String> {
        let current = self.generation.load_full();
        let mut model = (*current.model).clone();
        let number = model.backends.iter().position(|known| known.name == backend).ok_or("No such backend.")?;
        let is_added = matches!(edit, ServerEdit::Add(_));
        if edit == ServerEdit::Delete {
            may_go(&current, number, server)?;
        }
        change(&mut model.backends[number], server, edit)?;
        if is_added && has_guid_twice(&model, number) {
            return Err("The guid of the server is another one's.".into());
        }
        let weights = Weights::of(&current);
        let next = self.run_model(&current, model)?;
        weights.apply(&next);
        if is_added {
            // A server that comes takes no traffic until it is enabled.
            let state = next.backends.get(number).and_then(|backend| backend.state.servers.last().cloned());
            state.iter().for_each(|state| state.set_admin(Admin::Maint, sys::clock::now()));
        }
        Ok(String::new())
    }
}

/// Whether the last server of a backend has the `guid` of something else.
fn has_guid_twice(model: &Model, backend: usize) -> bool {
    let added = model.backends[backend].servers.last().and_then(|server| server.options.guid.as_ref());
    let frontends = model.frontends.iter().map(|frontend| &frontend.guid);
    let binds = model.frontends.iter().flat_map(|frontend| &frontend.binds).map(|bind| &bind.options.guid);
    let backends = model.backends.iter().map(|backend| &backend.options.guid);
    let servers = model.backends.iter().flat_map(|backend| &backend.servers).map(|server| &server.options.guid);
    let all = frontends.chain(binds).chain(backends).chain(servers);
    added.is_some_and(|added| all.flatten().filter(|guid| *guid == added).count() > 1)
}

/// Whether nothing needs a server any more.
fn may_go(current: &Generation, backend: usize, server: &str) -> Result<(), String> {
    let backend = current.backends.get(backend).ok_or("No such backend.")?;
    let state = backend.state.servers.iter().find(|known| known.name == server).ok_or("No such server.")?;
    if state.admin() != Admin::Maint {
        return Err("Only servers in maintenance mode can be deleted.".into());
    }
    if state.connections.load(Ordering::Relaxed) > 0 {
        return Err("Server still has connections attached to it, cannot remove it.".into());
    }
    Ok(())
}

fn change(backend: &mut Backend, server: &str, edit: ServerEdit) -> Result<(), String> {
    let at = backend.servers.iter().position(|known| known.name == server);
    if let ServerEdit::Add(words) = edit {
        if at.is_some() {
            return Err("Already exists a server with the same name in backend.".into());
        }
        let number_of = |known: &Server| known.options.id;
        let is_taken = |id: u32| backend.servers.iter().map(number_of).any(|known| known == id);
        let free = (1..).find(|id| !is_taken(*id)).unwrap_or(u32::MAX);
        let added = parse(backend.mode, server, &words, free)?;
        if is_taken(added.options.id) {
            return Err(format!("Another server of the backend has the id {}.", added.options.id));
        }
        backend.servers.push(added);
        return Ok(());
    }
    let at = at.ok_or("No such server.")?;
    let unchecked = || "health checks are not enabled on this server".to_owned();
    let known = &mut backend.servers[at];
    match edit {
        ServerEdit::Address(address) => {
            let is_made =
                known.options.cookie.is_some() && known.options.cookie == cookie::made(&backend.options, known.address);
            known.address = address;
            known.options.naming.lack = None;
            if is_made {
                known.options.cookie = cookie::made(&backend.options, address);
            }
        }
        ServerEdit::Name(name) => {
            known.options.naming.host = Some(name);
            known.options.naming.is_renamed = true;
        }
        ServerEdit::Maxconn(maxconn) => known.maxconn = maxconn,
        ServerEdit::CheckPort(port) => known.check.as_mut().ok_or_else(unchecked)?.port = port,
        ServerEdit::CheckAddress(address) => {
            let port = known.address.port();
            let check = known.check.as_mut().ok_or_else(unchecked)?;
            check.address = Some((address, check.address.map_or(port, |old| old.port())).into());
        }
        ServerEdit::AgentAddress(address) => agent(known)?.address.set_ip(address),
        ServerEdit::AgentPort(port) => agent(known)?.address.set_port(port),
        ServerEdit::AgentSend(text) => agent(known)?.send = text,
        ServerEdit::Delete => drop(backend.servers.remove(at)),
        ServerEdit::Add(_) => {}
    }
    Ok(())
}

fn agent(server: &mut Server) -> Result<&mut Agent, String> {
    server.care.agent.as_mut().ok_or_else(|| "agent checks are not enabled on this server".to_owned())
}

/// The server that the words of a `server` line describe; its number is `free` unless they say another one.
fn parse(mode: Mode, name: &str, words: &[String], free: u32) -> Result<Server, String> {
    if mode == Mode::Tcp && words.iter().skip(1).any(|word| word == "proto") {
        // HAProxy's protocols with a name are all of HTTP.
        return Err("MUX protocol is not usable for server.".into());
    }
    let mode = if mode == Mode::Http { "http" } else { "tcp" };
    let quoted = |word: &str| format!("'{}'", word.replace('\'', "'\\''"));
    let mut words = words.iter().map(|word| quoted(word));
    let address = words.next().unwrap_or_default();
    let (name, options) = (quoted(name), words.collect::<Vec<_>>().join(" "));
    // Of two numbers the last one counts.
    let text = format!("backend runtime\n mode {mode}\n server {name} {address} id {free} {options}\n");
    let source = Source::new("runtime.cfg".to_owned(), text);
    let host = HostFacts { node: "runtime".to_owned(), ..HostFacts::default() };
    let loaded = config::load(&[source], &host);
    let first = loaded.diagnostics.iter().find(|found| found.severity == Severity::Error);
    if let Some(error) = first {
        return Err(format!("{}.", error.message.trim_end_matches('.')));
    }
    let server = loaded.model.and_then(|model: Model| model.backends.into_iter().next());
    server.and_then(|backend| backend.servers.into_iter().next()).ok_or_else(|| "It describes no server.".into())
}

/// What the operator gave servers and frontends beside the model: the next generation keeps it.
pub(super) struct Weights {
    servers: HashMap<(String, String), u16>,
    limits: HashMap<String, Option<usize>>,
}

impl Weights {
    pub(super) fn of(generation: &Generation) -> Weights {
        let servers = generation.backends.iter().flat_map(|backend| {
            let name = backend.model.name.clone();
            backend.state.servers.iter().map(move |server| ((name.clone(), server.name.clone()), server.weight()))
        });
        let limit = |limit: usize| (limit != usize::MAX).then_some(limit);
        let limits = generation.frontends.iter().map(|one| (one.model.name.clone(), limit(one.sessions.limit())));
        Weights { servers: servers.collect(), limits: limits.collect() }
    }

    pub(super) fn apply(&self, generation: &Generation) {
        for backend in &generation.backends {
            for server in &backend.state.servers {
                let key = (backend.model.name.clone(), server.name.clone());
                if let Some(weight) = self.servers.get(&key).copied().and_then(Weight::new) {
                    server.set_weight(weight);
                }
            }
        }
        for frontend in &generation.frontends {
            if let Some(limit) = self.limits.get(&frontend.model.name) {
                frontend.sessions.set_limit(*limit);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::balance::Balance;
    use crate::model::fixture;

    #[test]
    fn servers_that_come_have_numbers_of_their_own() {
        let mut backend = fixture::backend(Balance::RoundRobin, &[]);
        let mut add = |name: &str, line: &str| {
            let words = line.split(' ').map(str::to_owned).collect();
            let result = change(&mut backend, name, ServerEdit::Add(words));
            (result, backend.servers.last().map_or(0, |server| server.options.id))
        };
        assert_eq!(add("a", "127.0.0.1:1"), (Ok(()), 1));
        assert_eq!(add("b", "127.0.0.1:2 id 3"), (Ok(()), 3));
        assert_eq!(add("c", "127.0.0.1:3 cookie id"), (Ok(()), 2));
        assert_eq!(add("it's", "127.0.0.1:4"), (Ok(()), 4));
        assert!(add("e", "127.0.0.1:5 id 3").0.is_err());
    }
}
