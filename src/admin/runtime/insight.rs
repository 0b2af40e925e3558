//! What can be told of the inside of the process: threads, descriptors, libraries, activity. HAProxy's words, where they
//! mean something here; what vipgate does not have (memory pools, a scheduler that measures) is said to be missing.

use std::fmt::Write;
use std::fs;

use crate::model::runtime::Level;
use crate::state::counters::{Counter, Shard};
use crate::sys;

use super::table::Command;
use super::{Answer, Call};

pub const COMMANDS: &[Command] = &[
    Command::now(
        "show activity",
        Level::Operator,
        "show activity",
        "show per-thread activity stats (for support/developers)",
        activity,
    ),
    Command::now("show threads", Level::User, "show threads", "show some threads debugging information", |_| threads()),
    Command::now(
        "show fd",
        Level::Operator,
        "show fd [num]",
        "dump list of file descriptors in use or a specific one",
        descriptors,
    ),
    Command::now("show libs", Level::Operator, "show libs", "show loaded object files and libraries", |_| libraries()),
    Command::now("show pools", Level::User, "show pools", "report information about the memory pools usage", |_| {
        Answer::Text(
            "Dumping pools usage: memory comes from the allocator of the system, there are no pools.\n\
             Total: 0 pools, 0 bytes allocated, 0 used (~0 by thread caches).\n"
                .to_owned(),
        )
    }),
    Command::now(
        "show profiling",
        Level::Admin,
        "show profiling [<what>|<#lines>|byaddr]*",
        "show profiling state (all,status,tasks,memory)",
        |_| {
            Answer::Text(
                "Per-task CPU profiling              : off           # not available\n\
                 Memory usage profiling              : off           # not available\n"
                    .to_owned(),
            )
        },
    ),
    Command::now(
        "set profiling",
        Level::Admin,
        "set profiling <what> {auto|on|off}",
        "enable/disable resource profiling (tasks,memory)",
        profiling,
    ),
    Command::now(
        "show startup-logs",
        Level::Operator,
        "show startup-logs",
        "report logs emitted during HAProxy startup",
        |call| Answer::Text(format!("{}\n", call.process.facts.startup_logs)),
    ),
];

/// Picks a counter of a worker.
type CounterOf = fn(&Shard) -> &Counter;

fn activity(call: &Call<'_>) -> Answer {
    let (wall, shards) = (sys::clock::wall(), &call.process.counters);
    let mut out = format!("date_now: {}.{:06}\n", wall.as_secs(), wall.subsec_micros());
    let rows: [(&str, CounterOf); 8] = [
        ("accepted", |shard| &shard.accepted),
        ("accept_errors", |shard| &shard.accept_errors),
        ("requests", |shard| &shard.requests),
        ("bad_messages", |shard| &shard.bad_messages),
        ("connects", |shard| &shard.connects),
        ("reuses", |shard| &shard.reuses),
        ("replays", |shard| &shard.replays),
        ("panics", |shard| &shard.panics),
    ];
    for (name, cell) in rows {
        let counts: Vec<u64> = shards.iter().map(|shard| cell(shard).value()).collect();
        let each: Vec<String> = counts.iter().map(u64::to_string).collect();
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{name}: {} [ {} ]", counts.iter().sum::<u64>(), each.join(" "));
    }
    Answer::Text(out)
}

/// Every thread of the process with the processor time that it has used, as the kernel counts it.
fn threads() -> Answer {
    let mut out = String::new();
    for (number, thread) in (1..).zip(sys::processes::threads()) {
        let _ = writeln!(
            out,
            "  Thread {number} : id={} name={} state={} cpu_ms={}",
            thread.id,
            thread.name,
            thread.state,
            thread.used.as_millis()
        );
    }
    Answer::Text(out)
}

fn descriptors(call: &Call<'_>) -> Answer {
    let wanted = call.word(2);
    let Ok(entries) = fs::read_dir("/proc/self/fd") else { return Answer::error("The kernel does not tell.") };
    let mut open: Vec<(u32, String)> = entries
        .flatten()
        .filter_map(|entry| {
            let number = entry.file_name().to_str()?.parse().ok()?;
            // One that was closed meanwhile has no target any more.
            Some((number, fs::read_link(entry.path()).ok()?.display().to_string()))
        })
        .collect();
    open.sort();
    if !wanted.is_empty() {
        let Ok(wanted) = wanted.parse::<u32>() else { return Answer::error("The descriptor's number is expected.") };
        open.retain(|(number, _)| *number == wanted);
    }
    let mut out = String::new();
    for (number, target) in open {
        let _ = writeln!(out, "{number:>7} : {target}");
    }
    Answer::Text(out)
}

/// Object files in memory, with the addresses of the first and last byte.
fn libraries() -> Answer {
    let Ok(maps) = fs::read_to_string("/proc/self/maps") else { return Answer::error("The kernel does not tell.") };
    let mut known: Vec<(String, u64, u64)> = Vec::new();
    for line in maps.lines() {
        let Some(path) = line.find('/').map(|at| &line[at..]) else { continue };
        let bounds = line.split(' ').next().and_then(|range| range.split_once('-'));
        let parse = |text: &str| u64::from_str_radix(text, 16).ok();
        let Some((Some(start), Some(end))) = bounds.map(|(start, end)| (parse(start), parse(end))) else { continue };
        match known.iter_mut().find(|(name, ..)| name == path) {
            Some((_, _, last)) => *last = end.max(*last),
            None => known.push((path.to_owned(), start, end)),
        }
    }
    let mut out = String::new();
    for (path, start, end) in known {
        let _ = writeln!(out, "{start:#018x}-{:#018x} ({:#09x}) {path}", end - 1, end - start);
    }
    Answer::Text(out)
}

fn profiling(call: &Call<'_>) -> Answer {
    match (call.word(2), call.word(3)) {
        ("tasks" | "memory", "off" | "auto") => Answer::Done,
        ("tasks" | "memory", _) => {
            Answer::error("Profiling is not available: measure the process from outside, with perf or a heap profiler.")
        }
        _ => Answer::error("Expects either 'tasks' or 'memory'."),
    }
}
