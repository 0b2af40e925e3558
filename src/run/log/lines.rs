//! vg-log: lines of log, so that a slow disk or syslog never blocks a worker.
//!
//! Workers append whole lines to their ring, other threads to the book's; this thread empties the rings twenty times a
//! second, and more often where there is much, finds the targets of each line's log and writes the headers. A ring that is
//! full drops lines and counts them, and the loss is reported here.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::{self, Thread};
use std::time::Duration;
use std::{env, io};

use arc_swap::ArcSwap;

use crate::generation::Generation;
use crate::model::log::{Destination, Hostname, Logs, ProcessLogs, Ring, RingServer, Target};
use crate::model::relay::Relaying;
use crate::state::log::{Book, LogRing, Record};
use crate::sys;

use super::backing::Backing;
use super::groups::{self, Group};
use super::header::{self, Line, Origin};
use super::relayed;
use super::remote::Server;
use super::sinks::Sinks;

/// Longest time between two rounds.
const ROUND: Duration = Duration::from_millis(50);
/// Shortest time between two rounds.
const SHORT: Duration = Duration::from_millis(2);
/// Lines of a round, where there are that many: the buffer of a syslog server's socket, as the kernel makes it, holds some
/// 250, and it has to read them before the next ones come.
const BURST: f64 = 128.0;
/// Lines after which nothing more is fetched in a round.
const MOST: usize = 100_000;
/// What is not written within this time at the end is lost.
const LAST_LINES: Duration = Duration::from_secs(1);

/// The running thread.
pub(in crate::run) struct LogThread {
    stop: Arc<AtomicBool>,
    thread: Thread,
    ended: mpsc::Receiver<()>,
    lost: Arc<AtomicU64>,
}

impl LogThread {
    /// Writes what is left and ends the thread; a target that takes nothing more is not waited for long.
    pub(in crate::run) fn flush(self) {
        self.stop.store(true, Ordering::Release);
        self.thread.unpark();
        // The sender goes with the thread: an error is the end that is waited for.
        let _ = self.ended.recv_timeout(LAST_LINES);
    }

    /// Lines lost since start.
    pub(in crate::run) fn lost(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.lost)
    }
}

/// Starts the thread; `generation` is always the one that runs. Destinations of the first are opened before this returns.
///
/// # Errors
/// The thread cannot be created. A syslog that is away is no error: lines are counted as lost until it is back.
pub(in crate::run) fn spawn(generation: Arc<ArcSwap<Generation>>, rings: Vec<Arc<LogRing>>) -> io::Result<LogThread> {
    let stop = Arc::new(AtomicBool::new(false));
    let lost = Arc::new(AtomicU64::new(0));
    let (end, ended) = mpsc::sync_channel(0);
    let (stopped, count) = (Arc::clone(&stop), Arc::clone(&lost));
    let mut writer = Writer::new(&generation.load());
    let handle = thread::Builder::new().name("vg-log".into()).spawn(move || {
        let _end: mpsc::SyncSender<()> = end;
        crate::run::threads::keep_capabilities(&[]);
        write(&rings, &mut writer, &generation, &stopped, &count);
    })?;
    Ok(LogThread { stop, thread: handle.thread().clone(), ended, lost })
}

/// The thread's work.
fn write(
    rings: &[Arc<LogRing>],
    writer: &mut Writer,
    generation: &ArcSwap<Generation>,
    stopped: &AtomicBool,
    count: &AtomicU64,
) {
    let (mut text, mut waiting, mut rest) = (Vec::new(), Vec::new(), ROUND);
    loop {
        let is_last = stopped.load(Ordering::Acquire);
        writer.look(&generation.load());
        let book = Arc::clone(&writer.book);
        // What one thread did after another one had is written after it: a message is there before the lines of requests
        // that it was answered before, and what was logged before a message is fetched once more when there is one.
        loop {
            let count = waiting.len();
            rings.iter().for_each(|ring| fetch(ring, false, &mut text, &mut waiting));
            let lines = waiting.len();
            fetch(book.messages(), true, &mut text, &mut waiting);
            if waiting.len() == lines || lines - count > MOST {
                break;
            }
        }
        rest = pause(rest, waiting.len());
        // Of several workers, the one that wrote first comes first.
        waiting.sort_by_key(|(record, ..)| record.at);
        for (record, range, is_message) in waiting.drain(..) {
            writer.write(&record, &text[range], is_message);
        }
        text.clear();
        let dropped = rings.iter().map(|ring| ring.dropped()).sum::<u64>() + book.messages().dropped();
        let lost = writer.sinks.end_round() + dropped;
        let before = count.swap(lost, Ordering::Relaxed);
        if lost > before {
            tracing::warn!(lines = lost - before, "access log lines were lost");
        }
        if is_last {
            writer.sinks.close(sys::clock::now() + LAST_LINES);
            return;
        }
        thread::park_timeout(rest);
    }
}

/// Takes everything that is in a ring.
fn fetch(ring: &LogRing, is_message: bool, text: &mut Vec<u8>, waiting: &mut Vec<(Record, Range<usize>, bool)>) {
    let mut start = text.len();
    while let Some(record) = ring.pop(text) {
        waiting.push((record, start..text.len(), is_message));
        start = text.len();
    }
}

/// The time until the next round, after one that brought so many lines: as long as it takes for [`BURST`] of them.
fn pause(before: Duration, lines: usize) -> Duration {
    before.mul_f64(BURST / lines.max(1) as f64).clamp(SHORT, ROUND)
}

/// A buffer in memory.
struct Kept {
    ring: Ring,
    /// Those that read it.
    servers: Vec<Server>,
    /// Its file.
    backing: Option<Backing>,
}

/// What the thread knows.
struct Writer {
    book: Arc<Book>,
    /// Logs of the book that lines came for, by number.
    known: Vec<Arc<Logs>>,
    /// Number of the generation whose settings these are.
    generation: u64,
    settings: ProcessLogs,
    tag: String,
    /// Tags of log profiles, by their names.
    profile_tags: HashMap<String, String>,
    hostname: Option<String>,
    process: u32,
    /// Lines of the present period, by target.
    samples: HashMap<Target, u32>,
    sinks: Sinks,
    /// Buffers in memory.
    rings: Vec<Kept>,
    /// Backends that are targets, by name.
    groups: HashMap<String, Group>,
    message: Vec<u8>,
    /// Room for the name of a host.
    host: Vec<u8>,
}

impl Writer {
    fn new(generation: &Generation) -> Writer {
        let mut writer = Writer {
            book: Arc::clone(&generation.book),
            known: Vec::new(),
            generation: 0,
            settings: ProcessLogs::default(),
            tag: String::new(),
            profile_tags: HashMap::new(),
            hostname: None,
            process: std::process::id(),
            samples: HashMap::new(),
            sinks: Sinks::default(),
            rings: Vec::new(),
            groups: HashMap::new(),
            message: Vec::new(),
            host: Vec::new(),
        };
        writer.look(generation);
        writer
    }

    /// Takes over the settings of a generation, and opens what it names.
    fn look(&mut self, generation: &Generation) {
        if self.generation == generation.number {
            return;
        }
        self.generation = generation.number;
        let model = &generation.model;
        self.settings = model.process.log.clone();
        self.tag = self.settings.tag.clone().unwrap_or_else(program);
        let profiles = generation.rules.globals.profiles.iter();
        self.profile_tags = profiles.filter_map(|profile| Some((profile.name.clone(), profile.tag.clone()?))).collect();
        self.hostname = match &self.settings.hostname {
            None => None,
            Some(Hostname::Own) => sys::hosts::short_hostname().ok(),
            Some(Hostname::Text(name)) => Some(name.clone()),
        };
        let mut streams = HashSet::new();
        for target in model.targets() {
            if let Destination::Stream(endpoint) = &target.destination {
                streams.insert(endpoint);
            }
            self.sinks.open(&target.destination);
        }
        self.keep_rings(model.rings());
        self.groups = groups::of(generation);
        self.sinks.keep_only(&self.rings.iter().flat_map(|kept| &kept.servers).cloned().collect(), &streams);
    }

    /// These are the rings from now on. A file that was open stays so.
    fn keep_rings(&mut self, rings: impl Iterator<Item = Ring>) {
        let mut before = std::mem::take(&mut self.rings);
        for ring in rings {
            let is_same = |kept: &&mut Kept| kept.ring.file == ring.file && kept.ring.size == ring.size;
            let open = before.iter_mut().find(is_same).and_then(|kept| kept.backing.take());
            let backing = open.or_else(|| {
                let path = ring.file.as_ref()?;
                let failed = |error: &io::Error| {
                    tracing::error!(ring = ring.name, file = %path.display(), %error, "cannot open the file of a ring");
                };
                Backing::open(path, ring.size).inspect_err(failed).ok()
            });
            self.rings.push(Kept { servers: servers(&ring), ring, backing });
        }
    }

    /// Sends a line where its log says.
    fn write(&mut self, record: &Record, text: &[u8], is_message: bool) {
        let Some(logs) = self.find(record.log) else { return };
        if let Some(relaying) = logs.relaying {
            return self.relay(&logs, relaying, record, text);
        }
        let (text, structured) = text.split_at(record.text);
        let line = Line { level: record.level, at: record.at, text, structured };
        for target in &logs.targets {
            let is_wanted = record.level <= target.level && !(is_message && target.only_traffic);
            if !is_wanted || text.is_empty() || !self.is_sampled(target) {
                continue;
            }
            let of_profile = target.profile.as_ref().and_then(|profile| self.profile_tags.get(profile));
            let tag = of_profile.or(logs.tag.as_ref()).unwrap_or(&self.tag);
            let origin = Origin { tag, process: self.process, hostname: self.hostname.as_deref() };
            header::compose(&mut self.message, target, &line, &origin);
            self.send(&target.destination, text);
        }
    }

    /// Sends a message of somebody else where its relay says; its sender stands behind it.
    fn relay(&mut self, logs: &Logs, relaying: Relaying, record: &Record, text: &[u8]) {
        let (text, source) = text.split_at(record.text);
        let mut host = std::mem::take(&mut self.host);
        let relayed = relayed::read(text, source, relaying, record.at, &mut host);
        for target in &logs.targets {
            if relayed.is_for(target) && self.is_sampled(target) {
                relayed.compose(&mut self.message, target);
                self.send(&target.destination, relayed.text());
            }
        }
        self.host = host;
    }

    /// Sends the message that was made of a text.
    fn send(&mut self, destination: &Destination, text: &[u8]) {
        let place = match destination {
            Destination::Backend(name) => self.groups.get(name).and_then(|group| group.place_of(text)),
            other => Some(other),
        };
        match place {
            Some(Destination::Ring(name)) => {
                if let Some(number) = self.rings.iter().position(|kept| kept.ring.name == *name) {
                    self.store(number);
                }
            }
            Some(other) => self.sinks.send(other, &self.message),
            None => self.sinks.lose(),
        }
    }

    /// Whether this line is one of those that the target's sample lets through.
    fn is_sampled(&mut self, target: &Target) -> bool {
        let Some(sample) = &target.sample else { return true };
        let counter = match self.samples.get_mut(target) {
            Some(counter) => counter,
            None => self.samples.entry(target.clone()).or_default(),
        };
        *counter = *counter % sample.size + 1;
        sample.ranges.iter().any(|(low, high)| (low..=high).contains(&&*counter))
    }

    /// Keeps the message in a ring and passes it on to the ring's servers.
    fn store(&mut self, number: usize) {
        let Some(Kept { ring, servers, backing }) = self.rings.get_mut(number) else { return };
        let mut dropped = 0;
        for server in servers {
            dropped += u64::from(!self.sinks.forward(server, &self.message));
        }
        self.book.keep(&ring.name, ring.size, &self.message, dropped);
        if let Some(Err(error)) = backing.as_mut().map(|backing| backing.append(&self.message)) {
            let file = ring.file.as_deref().unwrap_or_else(|| Path::new(""));
            tracing::error!(ring = ring.name, file = %file.display(), %error, "cannot write to the file of a ring");
            *backing = None;
        }
    }

    fn find(&mut self, number: u32) -> Option<Arc<Logs>> {
        let index = usize::try_from(number).ok()?;
        while self.known.len() <= index {
            let next = u32::try_from(self.known.len()).ok()?;
            self.known.push(self.book.find(next)?);
        }
        self.known.get(index).cloned()
    }
}

/// The servers of a ring: for each, as much as the ring holds may wait.
fn servers(ring: &Ring) -> Vec<Server> {
    let one = |server: &RingServer| Server {
        ring: Some(ring.name.clone()),
        endpoint: server.endpoint.clone(),
        framing: server.framing,
        connect_timeout: ring.connect_timeout,
        send_timeout: ring.send_timeout,
        room: ring.size,
    };
    ring.servers.iter().map(one).collect()
}

/// Name under which the program was started: `vipgate`, `haproxy`.
fn program() -> String {
    let path = env::args_os().next().map(std::path::PathBuf::from);
    let name = path.as_deref().and_then(|path| path.file_name()).map(|name| name.to_string_lossy().into_owned());
    name.unwrap_or_else(|| "vipgate".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fixture;
    use crate::model::log::{Form, Level, Sample};
    use crate::state::servers::Registry;

    fn messages(target: Target, lines: u32) -> Vec<Vec<u8>> {
        let mut model = fixture::model(Vec::new());
        model.process.log.rings = vec![crate::model::log::Ring {
            name: "r".to_owned(),
            description: None,
            form: None,
            line_length: 1024,
            size: 100,
            file: None,
            servers: Vec::new(),
            connect_timeout: None,
            send_timeout: None,
        }];
        model.process.log.targets = vec![target];
        let generation = Generation::prepare(1, model, &Registry::default(), None).unwrap();
        let mut writer = Writer::new(&generation);
        for number in 1..=lines {
            let text = number.to_string().into_bytes();
            let number = generation.journal.number();
            let record = Record { log: number, level: Level::Info, at: Duration::ZERO, text: text.len() };
            writer.write(&record, &text, false);
        }
        generation.book.kept_since("r", 0).0
    }

    #[test]
    fn rounds_are_as_long_as_lines_are_few() {
        assert_eq!(pause(ROUND, 0), ROUND);
        assert_eq!(pause(ROUND, 256), ROUND / 2);
        assert_eq!(pause(ROUND / 2, 128), ROUND / 2);
        assert_eq!(pause(ROUND / 2, 1), ROUND);
        assert_eq!(pause(ROUND, 1_000_000), SHORT);
    }

    #[test]
    fn a_sample_lets_its_lines_through() {
        let sample = Some(Sample { ranges: vec![(1, 1), (3, 4)], size: 5 });
        let target = Target { sample, ..Target::new(Destination::Ring("r".to_owned()), Form::Raw) };
        assert_eq!(messages(target, 9), [b"1\n", b"3\n", b"4\n", b"6\n", b"8\n", b"9\n"]);
    }

    #[test]
    fn a_ring_keeps_the_newest_lines() {
        let kept = messages(Target::new(Destination::Ring("r".to_owned()), Form::Raw), 100);
        assert!(kept.len() < 100 && kept.last().is_some_and(|line| line == b"100\n"));
        assert!(kept.iter().map(Vec::len).sum::<usize>() <= 100);
    }

    #[test]
    fn a_target_gets_its_levels_only() {
        let target = Target { level: Level::Err, ..Target::new(Destination::Ring("r".to_owned()), Form::Raw) };
        assert!(messages(target, 3).is_empty());
    }
}
