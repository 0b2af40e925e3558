//! Another configuration: vg-ctl reads it; what can fail is prepared, what cannot is committed; then it is told what changed.
//!
//! Each part finds out by itself what goes on as it is (a socket by its frontend and address, a server's state by its name, a
//! virtual router by what makes it one), so `model::changes` is for people only.

use std::sync::{Arc, PoisonError};

use tokio::sync::oneshot;

use super::start::backends;
use super::{Answer, Loading, Supervisor};
use crate::generation::Generation;
use crate::model::changes::changes;
use crate::model::{Model, Rates};
use crate::resolve;
use crate::run::load::Loaded;
use crate::run::vrrp::VrrpOrder;
use crate::run::{log, namespaces, outset};
use crate::state::sessions::{Door, Paced, Sessions};
use crate::sys;

/// Changes that are told one by one.
const TOLD: usize = 20;

/// Says how many client connections and sessions of the process may come in a second.
pub(super) fn set_rates(sessions: &Sessions, rates: Rates) {
    sessions.set_rate(Paced::Connections, rates.connections);
    sessions.set_rate(Paced::Sessions, rates.sessions);
}

impl Supervisor {
    /// Has the files read; [`finished`] tells when they are.
    pub(super) fn begin_reload(&mut self, answer: Option<Answer>) {
        if self.loading.is_some() {
            if let Some(answer) = answer {
                let _ = answer.send(Err("a reload is already under way".into()));
            }
            return;
        }
        let (sender, receiver) = oneshot::channel();
        if self.loads.try_send(sender).is_ok() {
            self.readiness.reloading();
            self.loading = Some((receiver, answer));
        } else if let Some(answer) = answer {
            let _ = answer.send(Err("vg-ctl cannot read the configuration now".into()));
        }
    }

    /// Runs what was read, or says why not.
    pub(super) fn finish_reload(&mut self, loaded: Result<Loaded, String>) {
        let answer = self.loading.take().and_then(|(_, answer)| answer);
        let result = loaded.and_then(|loaded| self.apply(loaded));
        match &result {
            Ok(_) => {}
            Err(error) => {
                // The diagnostics are for people: as they are, below the log line.
                tracing::error!("the reload was refused, the running configuration stays");
                log::messages::say(&format!("{}\n", error.trim_end()));
            }
        }
        *self.view.reload_error.lock().unwrap_or_else(PoisonError::into_inner) = result.as_ref().err().cloned();
        self.readiness.reloaded();
        if let Some(answer) = answer {
            let _ = answer.send(result);
        }
    }

    /// Prepares everything that can fail, then commits.
    fn apply(&mut self, loaded: Loaded) -> Result<String, String> {
        let current = self.generation.load_full();
        let mut model = loaded.model;
        let changed = self.changed(&current.model, &model);
        resolve::keep(&current.model, &mut model);
        model.process.admin_socket.clone_from(&current.model.process.admin_socket);
        stays_on_the_lan(&current.model, &model)?;
        // The files say what listens, as for HAProxy's new process.
        current.frontends.iter().for_each(|frontend| frontend.sessions.set_door(Door::Open));
        self.listeners.forget_halts(&current.model);
        let next = self.run_model(&current, model)?;
        // The files say the weights, too, but for those that records of a service gave.
        for backend in &next.backends {
            let servers = backend.model.servers.iter().zip(&backend.state.servers);
            let servers = servers.filter(|(server, _)| server.options.naming.service.is_none());
            servers.for_each(|(server, state)| state.set_weight(server.weight));
        }
        set_rates(&self.wiring.sessions, next.model.process.rates);
        tracing::info!(generation = next.number, changed, "a new configuration is running");
        let mut done = format!("configuration {} is running: {changed}", next.number);
        if loaded.warning_count > 0 {
            done.push_str(&format!(", with {} warnings\n{}", loaded.warning_count, loaded.warnings));
        }
        Ok(done)
    }

    /// Prepares what can fail of another model, then runs it.
    pub(super) fn run_model(&mut self, current: &Arc<Generation>, model: Model) -> Result<Arc<Generation>, String> {
        Supervisor::lock_node(&mut self.node_lock, &model)?;
        let prepared = self
            .listeners
            .prepare(&model, self.wiring.workers.len())
            .map_err(|(address, error)| format!("cannot listen on {address}: {error}"))?;
        namespaces::enter(&model).map_err(|error| format!("cannot connect from a {error}"))?;
        let next = Generation::prepare(current.number + 1, model, &self.registry, Some(current))
            .map_err(|error| error.to_string())?;
        outset::set_variables(&next.rules, Some(&current.rules));
        let now = sys::clock::now();
        for backend in &next.backends {
            let servers = backend.model.servers.iter().zip(&backend.state.servers);
            servers.for_each(|(server, state)| state.set_lack(server.options.naming.lack, now));
        }
        self.listeners.commit(&next.model, prepared);
        // In this order, so that vg-check knows the servers that vg-ctl speaks of.
        let board = self.serve_generation(&next);
        self.generation.store(Arc::clone(&next));
        let (model, backends) = (Arc::clone(&next.model), backends(&next));
        let listeners = self.listeners.all();
        let _ = self.wiring.vrrp.send(VrrpOrder::Reconfigure { model, backends, board, listeners });
        Ok(next)
    }

    /// What changes, in a sentence.
    fn changed(&self, before: &Model, after: &Model) -> String {
        let mut before = before.clone();
        // The one in use may be the command line's, which no file changes.
        before.process.admin_socket.clone_from(&self.admin_socket);
        let mut words = changes(&before, after);
        let untold = words.len().saturating_sub(TOLD);
        words.truncate(TOLD);
        match (words.is_empty(), untold) {
            (true, _) => "nothing changed".to_owned(),
            (false, 0) => words.join(", "),
            (false, untold) => format!("{} and {untold} more", words.join(", ")),
        }
    }
}

/// Refuses to move a virtual router to an interface that this node does not have: it would give its addresses up. At the
/// start that is a warning, because the interface may come.
fn stays_on_the_lan(before: &Model, after: &Model) -> Result<(), String> {
    let Ok(interfaces) = sys::hosts::interfaces() else { return Ok(()) };
    let is_there = |name: &str| interfaces.iter().any(|interface| interface.name == name);
    for instance in &after.instances {
        let moved =
            before.instances.iter().find(|old| old.name == instance.name && old.interface != instance.interface);
        if let Some(old) = moved.filter(|_| !is_there(&instance.interface)) {
            let (name, interface) = (&instance.name, &instance.interface);
            return Err(format!(
                "vrrp {name}: this node has no interface `{interface}`; it stays on `{}`",
                old.interface
            ));
        }
    }
    Ok(())
}

/// Waits for the file that is being read; for ever if there is none.
pub(super) async fn finished(loading: &mut Option<Loading>) -> Result<Loaded, String> {
    match loading {
        Some((receiver, _)) => match receiver.await {
            Ok(loaded) => loaded.map_err(|error| error.to_string()),
            Err(_) => Err("vg-ctl is gone".into()),
        },
        None => std::future::pending().await,
    }
}
