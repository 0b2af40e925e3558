//! The listening sockets of the process. Main owns them; workers get duplicates, vg-vrrp a look.
//!
//! A TCP bind is one socket for each worker (`SO_REUSEPORT`), kept over reloads by its address, so that a reload never
//! refuses a connection. A Unix socket and one that was inherited are one socket each, which the workers share.
//! [`Listeners::prepare`] opens what a new configuration needs without touching what runs; [`Listeners::commit`] cannot
//! fail.

use std::collections::{HashMap, HashSet};
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;

use crate::generation::Relay;
use crate::model::bind::BindPlace;
use crate::model::proxy::{Bind, Frontend};
use crate::model::relay::Datagrams;
use crate::model::{Endpoint, Model};
use crate::proxy::relay::RelaySockets;
use crate::proxy::worker::{ListenerKey, WorkerListener};
use crate::state::sessions::Door;
use crate::sys::handover::Exposed;
use crate::sys::listener::{self, Claim, Ownership};
use crate::sys::tuning::{tune, tune_inherited};

/// Open sockets, by where they listen; one for each worker.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    open: HashMap<BindPlace, Opened>,
    /// Sets of sockets that were ever opened.
    editions: u64,
    /// Where relays take datagrams.
    datagrams: HashMap<Datagrams, UdpSocket>,
    /// Whether another process of this user may listen there, too.
    joins: bool,
    /// Sockets of the process that this one takes the place of.
    taken: Vec<TcpListener>,
    /// Those that are open, for the process that takes the place of this one.
    exposed: Arc<Exposed>,
    /// Frontends whose sockets do not listen, because the operator wants it so.
    halted: HashMap<String, Door>,
}

/// The sockets of one address.
#[derive(Debug)]
struct Opened {
    /// One for each worker.
    sockets: Vec<Arc<TcpListener>>,
    /// What they were opened as.
    nature: Nature,
    /// Which of the sets that listened there it is.
    edition: u64,
}

/// What a socket is for as long as it is open.
#[derive(Debug, PartialEq, Eq)]
struct Nature {
    takes_ipv4: Option<bool>,
    signature: Option<String>,
    congestion: Option<String>,
}

impl Nature {
    fn of(bind: &Bind) -> Nature {
        let options = bind.options.clone();
        Nature { takes_ipv4: options.takes_ipv4, signature: options.signature, congestion: options.congestion }
    }

    /// Whether a socket of another process, of which nothing is known, may be one of these.
    fn is_plain(&self, place: &BindPlace) -> bool {
        let is_anywhere = place.namespace.is_none() && place.interface.is_none();
        is_anywhere && self.takes_ipv4.is_none() && self.signature.is_none()
    }
}

/// Sockets that a new configuration needs beyond those that are open.
#[derive(Debug)]
pub(super) struct Prepared {
    streams: HashMap<BindPlace, Opened>,
    datagrams: HashMap<Datagrams, UdpSocket>,
}

impl Listeners {
    /// None yet, but those that another process gave away. Where `joins` is said, another process of this user may listen on
    /// the same addresses.
    pub(super) fn new(joins: bool, taken: Vec<TcpListener>) -> Listeners {
        Listeners { joins, taken, ..Listeners::default() }
    }

    /// Those that are open now, and later on.
    pub(super) fn exposed(&self) -> Arc<Exposed> {
        Arc::clone(&self.exposed)
    }

    /// Pauses the sockets of a frontend: they stay bound and refuse connections.
    ///
    /// # Errors
    /// One of them cannot be paused; all of them listen as before.
    pub(super) fn pause(&mut self, frontend: &Frontend) -> io::Result<()> {
        let result = self.of(frontend).try_for_each(|socket| listener::pause(socket));
        if result.is_err() {
            // Those that were not paused take it as what they are.
            self.of(frontend).for_each(|socket| drop(listener::resume(socket)));
            return result;
        }
        self.halted.insert(frontend.name.clone(), Door::Paused);
        Ok(())
    }

    /// Has the sockets of a paused frontend listen again.
    ///
    /// # Errors
    /// One of them cannot.
    pub(super) fn resume(&mut self, frontend: &Frontend) -> io::Result<()> {
        self.of(frontend).try_for_each(|socket| listener::resume(socket))?;
        self.halted.remove(&frontend.name);
        Ok(())
    }

    /// Closes the sockets of a frontend; those that another one has too stay.
    pub(super) fn shut(&mut self, model: &Model, frontend: &Frontend) {
        // vg-vrrp looks at a duplicate until the next reload: this way nobody is taken into a queue that no worker empties.
        // What is no TCP socket it does not have.
        self.of(frontend).for_each(|socket| drop(listener::pause(socket)));
        self.halted.insert(frontend.name.clone(), Door::Closed);
        self.close_unnamed(model);
    }

    /// Every frontend's sockets are to listen: what was closed is missing now, what was paused listens.
    pub(super) fn forget_halts(&mut self, model: &Model) {
        let paused = model.frontends.iter().filter(|known| self.halted.get(&known.name) == Some(&Door::Paused));
        // A socket that cannot listen again is found missing by whoever connects, and by vg-vrrp's look.
        paused.flat_map(|known| self.of(known)).for_each(|socket| drop(listener::resume(socket)));
        self.halted.clear();
    }

    fn of(&self, frontend: &Frontend) -> impl Iterator<Item = &Arc<TcpListener>> {
        frontend.binds.iter().filter_map(|bind| self.open.get(&bind.place())).flat_map(|opened| &opened.sockets)
    }

    /// The frontends whose sockets are open.
    fn serving<'a>(&'a self, model: &'a Model) -> impl Iterator<Item = &'a Frontend> {
        model.frontends.iter().filter(|known| self.halted.get(&known.name) != Some(&Door::Closed))
    }

    fn close_unnamed(&mut self, model: &Model) {
        let binds = self.serving(model).flat_map(|known| &known.binds).chain(relayed(model));
        let named: HashSet<BindPlace> = binds.map(Bind::place).collect();
        self.open.retain(|place, _| named.contains(place));
        let tcp = self.open.iter().filter(|(place, _)| place.endpoint.tcp().is_some());
        self.exposed.store(Arc::new(tcp.flat_map(|(_, opened)| &opened.sockets).map(Arc::downgrade).collect()));
    }

    /// Opens what `model` needs and is not open yet.
    ///
    /// # Errors
    /// The first endpoint that cannot be bound, with the kernel's reason.
    pub(super) fn prepare(&mut self, model: &Model, workers: usize) -> Result<Prepared, (String, io::Error)> {
        let mut fresh = HashMap::new();
        let mut taken = std::mem::take(&mut self.taken);
        let mut edition = self.editions;
        for bind in self.serving(model).flat_map(|frontend| &frontend.binds).chain(relayed(model)) {
            let (nature, place) = (Nature::of(bind), bind.place());
            let is_open = self.open.get(&place).is_some_and(|opened| opened.nature == nature);
            if !is_open && !fresh.contains_key(&place) {
                let has_own = self.open.keys().chain(fresh.keys()).any(|known| overlap(known, &place));
                let claim = if has_own || self.joins { Claim::Join } else { Claim::First };
                let own = if nature.is_plain(&place) { take(&mut taken, &bind.endpoint, workers) } else { Vec::new() };
                let sockets = open(bind, workers, claim, own).map_err(|error| (bind.endpoint.to_string(), error))?;
                edition += 1;
                fresh.insert(place, Opened { sockets, nature, edition });
            }
        }
        self.editions = edition;
        let mut datagrams = HashMap::new();
        for place in model.process.log.relays.iter().flat_map(|relay| &relay.datagrams) {
            if !self.datagrams.contains_key(place) {
                let socket = listener::bind_datagrams(place).map_err(|error| (place.to_string(), error))?;
                datagrams.insert(place.clone(), socket);
            }
        }
        Ok(Prepared { streams: fresh, datagrams })
    }

    /// Keeps the sockets that `model` names, adds the prepared ones, closes the rest.
    pub(super) fn commit(&mut self, model: &Model, prepared: Prepared) {
        self.retune(model, &prepared);
        self.open.extend(prepared.streams);
        self.datagrams.extend(prepared.datagrams);
        let named: HashSet<&Datagrams> = model.process.log.relays.iter().flat_map(|relay| &relay.datagrams).collect();
        self.datagrams.retain(|place, _| named.contains(place));
        self.close_unnamed(model);
    }

    /// Gives sockets that stay the options that are written now. What the kernel refuses was said when they were opened.
    fn retune(&self, model: &Model, prepared: &Prepared) {
        let stay = model.frontends.iter().filter(|known| !self.halted.contains_key(&known.name));
        let binds = stay.flat_map(|frontend| &frontend.binds).chain(relayed(model));
        for bind in binds.filter(|bind| !prepared.streams.contains_key(&bind.place())) {
            for socket in self.open.get(&bind.place()).into_iter().flat_map(|opened| &opened.sockets) {
                if let Err(error) = settle(bind, socket) {
                    tracing::warn!(bind = %bind.endpoint, %error, "a listening socket keeps options that it had");
                }
            }
        }
    }

    /// Every TCP socket with the address that it is bound to, for vg-vrrp.
    pub(super) fn all(&self) -> Vec<(SocketAddr, Arc<TcpListener>)> {
        let tcp = self.open.iter().filter_map(|(place, opened)| Some((place.endpoint.tcp()?, &opened.sockets)));
        tcp.flat_map(|(bound, sockets)| sockets.iter().map(move |socket| (bound, Arc::clone(socket)))).collect()
    }

    /// Duplicates of one worker's sockets, those that are paused too.
    ///
    /// # Errors
    /// No descriptor is free.
    pub(super) fn for_worker(&self, model: &Model, worker: usize) -> io::Result<Vec<WorkerListener>> {
        let mut listeners = Vec::new();
        let listening = model.frontends.iter().enumerate();
        for (number, frontend) in listening {
            let door = self.halted.get(&frontend.name).copied().unwrap_or(Door::Open);
            if door == Door::Closed {
                continue;
            }
            for bind in &frontend.binds {
                let place = bind.place();
                let Some(opened) = self.open.get(&place) else { continue };
                let Some(socket) = opened.sockets.get(worker) else { continue };
                listeners.push(WorkerListener {
                    key: ListenerKey { frontend: frontend.name.clone(), place, edition: opened.edition },
                    frontend: number,
                    socket: socket.try_clone()?,
                    is_paused: door == Door::Paused,
                });
            }
        }
        Ok(listeners)
    }

    /// Duplicates of one worker's sockets of relays. The first worker alone has those of datagrams, which keeps their order.
    ///
    /// # Errors
    /// No descriptor is free.
    pub(super) fn for_relays(&self, relays: &[Arc<Relay>], worker: usize) -> io::Result<Vec<RelaySockets>> {
        let one = |relay: &Arc<Relay>| {
            let streams =
                relay.model.streams.iter().filter_map(|bind| self.open.get(&bind.place())?.sockets.get(worker));
            let places = relay.model.datagrams.iter().filter(|_| worker == 0);
            let datagrams = places.filter_map(|place| self.datagrams.get(place));
            Ok(RelaySockets {
                relay: Arc::clone(relay),
                streams: streams.map(|socket| socket.try_clone()).collect::<io::Result<_>>()?,
                datagrams: datagrams.map(UdpSocket::try_clone).collect::<io::Result<_>>()?,
            })
        };
        relays.iter().map(one).collect()
    }
}

/// Where relays take connections.
fn relayed(model: &Model) -> impl Iterator<Item = &Bind> {
    model.process.log.relays.iter().flat_map(|relay| &relay.streams)
}

/// Whether two addresses can only be listened on together by sockets that allow it: a wildcard and one of its ports, or the
/// same twice.
fn overlap(one: &BindPlace, other: &BindPlace) -> bool {
    let (Some(address), Some(another)) = (one.endpoint.tcp(), other.endpoint.tcp()) else { return false };
    if one.namespace != other.namespace {
        return false;
    }
    let (one, other) = (address, another);
    one.port() == other.port() && (one == other || one.ip().is_unspecified() || other.ip().is_unspecified())
}

/// Those among the sockets of another process that listen at an address, as many as there are workers.
fn take(taken: &mut Vec<TcpListener>, endpoint: &Endpoint, workers: usize) -> Vec<Arc<TcpListener>> {
    let is_there =
        |socket: &mut TcpListener| endpoint.tcp().is_some_and(|bound| socket.local_addr().ok() == Some(bound));
    taken.extract_if(.., is_there).take(workers).map(Arc::new).collect()
}

/// One socket for each worker, beginning with what another process gave away; the first one of a TCP address finds a
/// foreign holder, unless it has to join a socket of our own.
fn open(bind: &Bind, workers: usize, claim: Claim, own: Vec<Arc<TcpListener>>) -> io::Result<Vec<Arc<TcpListener>>> {
    let endpoint = &bind.endpoint;
    let mut sockets = own;
    if sockets.is_empty() {
        sockets.push(Arc::new(match endpoint {
            Endpoint::Tcp(address) => listener::bind_as(*address, claim, &bind.options)?,
            Endpoint::Inherited(descriptor) => listener::inherit((*descriptor).into())?,
            Endpoint::Unix(path) => listener::bind_unix(path, &Ownership::of(&bind.options.ownership)?)?,
            Endpoint::Abstract(name) => listener::bind_abstract(name, listener::Padding::Zeros)?,
            Endpoint::AbstractExact(name) => listener::bind_abstract(name, listener::Padding::None)?,
        }));
    }
    for _ in sockets.len()..workers {
        sockets.push(match (endpoint, sockets.first()) {
            (Endpoint::Tcp(address), _) => Arc::new(listener::bind_as(*address, Claim::Join, &bind.options)?),
            (_, Some(shared)) => Arc::clone(shared),
            (_, None) => break,
        });
    }
    // A Unix socket was made as it is to be.
    let is_settled = matches!(endpoint, Endpoint::Unix(_));
    sockets.iter().filter(|_| !is_settled).try_for_each(|socket| settle(bind, socket))?;
    Ok(sockets)
}

/// Gives an open socket its options.
fn settle(bind: &Bind, socket: &TcpListener) -> io::Result<()> {
    match &bind.endpoint {
        Endpoint::Tcp(_) => tune(socket, &bind.options),
        Endpoint::Inherited(_) => tune_inherited(socket, &bind.options),
        Endpoint::Unix(path) => listener::give(path, &Ownership::of(&bind.options.ownership)?),
        Endpoint::Abstract(_) | Endpoint::AbstractExact(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::PermissionsExt;

    use crate::config::{HostFacts, load};
    use crate::diag::Source;

    use super::*;

    #[test]
    fn the_file_of_a_unix_socket_is_whose_it_is_told_to_be_after_a_reload_too() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("web");
        let host = HostFacts { node: "lb1".to_owned(), ..HostFacts::default() };
        let mut listeners = Listeners::new(false, Vec::new());
        for mode in ["640", "600"] {
            let text = format!("frontend web\n bind unix@{} mode {mode}\n timeout client 1s\n", path.display());
            let model = load(&[Source::new("haproxy.cfg", text)], &host).model.unwrap();
            let prepared = listeners.prepare(&model, 1).unwrap();
            listeners.commit(&model, prepared);
            let found = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
            assert_eq!(format!("{found:o}"), mode);
        }
    }

    #[test]
    fn a_relays_sockets_stay_over_a_reload_and_go_with_its_lines() {
        let host = HostFacts { node: "lb1".to_owned(), ..HostFacts::default() };
        let port = listener::bind("127.0.0.1:0".parse().unwrap(), Claim::First).unwrap().local_addr().unwrap().port();
        let mut listeners = Listeners::new(false, Vec::new());
        let mut numbers = Vec::new();
        for lines in ["maxconn 5", "maxconn 6"] {
            let places = format!("dgram-bind 127.0.0.1:{port}\n bind 127.0.0.1:{port}");
            let text = format!("log-forward relay\n {places}\n {lines}\n log stdout local0\n");
            let model = load(&[Source::new("haproxy.cfg", text)], &host).model.unwrap();
            let prepared = listeners.prepare(&model, 1).unwrap();
            listeners.commit(&model, prepared);
            let datagrams = listeners.datagrams.values().map(|socket| socket.as_raw_fd());
            numbers.push(
                datagrams
                    .chain(listeners.open.values().flat_map(|opened| &opened.sockets).map(|socket| socket.as_raw_fd()))
                    .collect::<Vec<_>>(),
            );
        }
        assert_eq!((numbers[0].len(), &numbers[0]), (2, &numbers[1]));
        let text = "log-forward relay\n log stdout local0\n";
        let model = load(&[Source::new("haproxy.cfg", text)], &host).model.unwrap();
        let prepared = listeners.prepare(&model, 1).unwrap();
        listeners.commit(&model, prepared);
        assert!(listeners.datagrams.is_empty() && listeners.open.is_empty());
    }

    #[test]
    fn a_socket_that_is_to_be_another_one_is_opened_anew_and_others_stay() {
        let inherited = TcpListener::bind("127.0.0.1:0").unwrap();
        let descriptor = std::os::fd::AsRawFd::as_raw_fd(&inherited);
        let host = HostFacts { node: "lb1".to_owned(), ..HostFacts::default() };
        let mut listeners = Listeners::new(false, Vec::new());
        let mut editions = Vec::new();
        for options in ["cc cubic", "cc reno backlog 5", "cc reno backlog 9"] {
            let text = format!("frontend web\n bind fd@{descriptor} {options}\n timeout client 1s\n");
            let model = load(&[Source::new("haproxy.cfg", text)], &host).model.unwrap();
            let prepared = listeners.prepare(&model, 1).unwrap();
            listeners.commit(&model, prepared);
            let worker = listeners.for_worker(&model, 0).unwrap().remove(0);
            let congestion = socket2::SockRef::from(&worker.socket).tcp_congestion().unwrap();
            assert!(congestion.starts_with(options.split(' ').nth(1).unwrap().as_bytes()));
            editions.push(worker.key.edition);
        }
        assert_eq!(editions, [1, 2, 2]);
    }
}
