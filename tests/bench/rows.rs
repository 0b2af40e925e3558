//! The rows of the table, and one run of all of them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use crate::client::{self, Load, Reuse};
use crate::measure;
use crate::options::Options;
use crate::targets::{self, Target};
use crate::{process, server, table};

/// Which listener a row uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listener {
    /// HTTP mode.
    Http,
    /// HTTP mode with 3 conditions and 12 header rules.
    Rules,
    /// HTTP mode with a log, 3 conditions, 12 header rules, a cookie and counters.
    Features,
    /// TCP mode: the same requests, but the proxy only relays bytes.
    Tcp,
}

/// A thing to measure.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Its name.
    pub name: &'static str,
    listener: Listener,
    length: usize,
    connections: usize,
    reuse: Reuse,
    /// Most CPU per request that vipgate should use, as a ratio to haproxy; `None` has no aim.
    pub aim: Option<f64>,
}

const fn row(
    name: &'static str,
    listener: Listener,
    length: usize,
    connections: usize,
    reuse: Reuse,
    aim: Option<f64>,
) -> Row {
    Row { name, listener, length, connections, reuse, aim }
}

/// Every row, in the order of the table.
pub const ROWS: [Row; 12] = [
    row("http 128 B c1", Listener::Http, 128, 1, Reuse::KeepAlive, None),
    row("http 128 B c32", Listener::Http, 128, 32, Reuse::KeepAlive, Some(0.70)),
    row("http 128 B c256", Listener::Http, 128, 256, Reuse::KeepAlive, Some(0.60)),
    row("http 10 KB c32", Listener::Http, 10 * 1024, 32, Reuse::KeepAlive, None),
    row("http 1 MB c8", Listener::Http, 1024 * 1024, 8, Reuse::KeepAlive, Some(0.50)),
    row("http 1 MB c32", Listener::Http, 1024 * 1024, 32, Reuse::KeepAlive, Some(0.50)),
    row("http 128 B c32 new connection each", Listener::Http, 128, 32, Reuse::Close, Some(0.90)),
    row("rules 128 B c32", Listener::Rules, 128, 32, Reuse::KeepAlive, None),
    row("features 128 B c32", Listener::Features, 128, 32, Reuse::KeepAlive, Some(0.60)),
    row("features 128 B c256", Listener::Features, 128, 256, Reuse::KeepAlive, Some(0.60)),
    row("tcp 128 B c32", Listener::Tcp, 128, 32, Reuse::KeepAlive, None),
    row("tcp 1 MB c8", Listener::Tcp, 1024 * 1024, 8, Reuse::KeepAlive, None),
];

/// What one proxy did in one row.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    /// CPU microseconds per request, one figure for each round.
    pub cpu: Vec<f64>,
    /// Requests per second, one figure for each round.
    pub rate: Vec<f64>,
    /// CPU microseconds per request that rules cost, one figure for each round; empty in rows without rules alone.
    pub rules: Vec<f64>,
    /// System calls per request.
    pub syscalls: Option<f64>,
    /// Failed requests, by what happened, over all rounds.
    pub errors: BTreeMap<String, u64>,
}

/// Whether every request was answered correctly.
#[derive(Clone, Copy, Debug, Default)]
pub struct Verdict {
    errors: u64,
}

impl Verdict {
    /// A verdict over this many failed requests.
    pub const fn of(errors: u64) -> Verdict {
        Verdict { errors }
    }

    /// Whether every request was answered correctly.
    pub const fn is_clean(self) -> bool {
        self.errors == 0
    }
}

/// Starts the proxies, measures every row, prints the table.
pub fn run(options: &Options) -> Result<Verdict, String> {
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    let servers = server::start()?;
    process::pin(process::LOAD_CORE);
    let targets = targets::start_all(options, servers, directory.path())?;
    table::print_setting(options);
    table::print_header(&targets);
    let (mut errors, mut costs) = (0, Vec::new());
    for row in ROWS.iter().filter(|row| row.name.contains(&options.only)) {
        let cells = measure_row(row, &targets, options, directory.path());
        errors += cells.iter().flatten().flat_map(|cell| cell.errors.values()).sum::<u64>();
        table::print_row(row, &targets, &cells);
        if row.listener == Listener::Rules {
            costs.push(cells);
        }
    }
    costs.iter().for_each(|cells| table::print_rules(&targets, cells));
    Ok(Verdict::of(errors))
}

impl Row {
    fn address(&self, target: &Target) -> Option<SocketAddr> {
        match self.listener {
            // A relay would open a connection to a server for each.
            Listener::Http if self.reuse == Reuse::Close && !target.has_pool => None,
            Listener::Http => Some(target.http),
            Listener::Rules => target.rules,
            Listener::Features => target.features,
            Listener::Tcp => target.tcp,
        }
    }

    fn load(&self, address: SocketAddr) -> Load {
        Load { address, connections: self.connections, length: self.length, reuse: self.reuse }
    }
}

impl Cell {
    /// One round.
    fn measure(&mut self, row: &Row, target: &Target, address: SocketAddr, options: &Options) {
        // Rules are measured right beside the same traffic without them.
        let plain = (row.listener == Listener::Rules).then(|| self.load(row, target, target.http, options).0);
        let (cpu, rate) = self.load(row, target, address, options);
        self.cpu.push(cpu);
        self.rate.push(rate);
        self.rules.extend(plain.map(|plain| cpu - plain));
    }

    /// CPU microseconds per request, and requests per second.
    fn load(&mut self, row: &Row, target: &Target, address: SocketAddr, options: &Options) -> (f64, f64) {
        let pids = target.process.pids();
        let (outcome, before) =
            client::run(row.load(address), options.warm_up, options.measured, || measure::cpu_time(&pids));
        let used = measure::cpu_time(&pids).saturating_sub(before);
        for (why, count) in outcome.errors {
            *self.errors.entry(why).or_default() += count;
        }
        let completed = outcome.completed.max(1) as f64;
        (used.as_secs_f64() * 1e6 / completed, completed / outcome.elapsed.as_secs_f64())
    }
}

fn measure_row(row: &Row, targets: &[Target], options: &Options, directory: &std::path::Path) -> Vec<Option<Cell>> {
    let mut cells: Vec<Option<Cell>> =
        targets.iter().map(|target| row.address(target).map(|_| Cell::default())).collect();
    for round in 0..options.rounds {
        let order: Vec<usize> = match round % 2 {
            0 => (0..targets.len()).collect(),
            _ => (0..targets.len()).rev().collect(),
        };
        for number in order {
            let (Some(address), Some(cell)) = (row.address(&targets[number]), &mut cells[number]) else { continue };
            cell.measure(row, &targets[number], address, options);
        }
    }
    for (number, cell) in cells.iter_mut().enumerate() {
        let (Some(cell), Some(address)) = (cell, row.address(&targets[number])) else { continue };
        let pids = targets[number].process.pids();
        let counted = measure::count_syscalls(&pids, directory, || {
            client::run(row.load(address), Duration::ZERO, options.measured, || ()).0.completed
        });
        cell.syscalls = counted.map(|(calls, completed)| calls as f64 / completed.max(1) as f64);
    }
    cells
}
