//! The lines of `show info`: HAProxy's names and order, each once, with what stands in them (management guide §9.3).

use std::time::Duration;

use crate::state::counters::Rate;

use super::catalog::Described;
use super::snapshot::{Process, Snapshot};

/// What stands in a line.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number of 32 bits.
    U32(u64),
    /// A number of 64 bits.
    U64(u64),
    /// Seconds, shown with fractions where they are asked for.
    Seconds(Duration),
    /// A text.
    Text(String),
    /// The line is left out: there is nothing to say.
    Absent,
}

/// A line.
pub struct Line {
    /// Its name, tags and description.
    pub described: Described,
    /// What stands in it.
    pub value: fn(&Snapshot) -> Value,
}

const fn line(name: &'static str, tags: &'static str, value: fn(&Snapshot) -> Value, doc: &'static str) -> Line {
    Line { described: Described { name, tags, doc }, value }
}

fn process(snapshot: &Snapshot) -> &Process {
    &snapshot.process
}

fn text(text: impl Into<String>) -> Value {
    Value::Text(text.into())
}

fn rate(rate: Rate) -> [Value; 2] {
    [Value::U32(rate.now), Value::U32(rate.most)]
}

fn now(of: Rate) -> Value {
    let [now, _] = rate(of);
    now
}

fn most(of: Rate) -> Value {
    let [_, most] = rate(of);
    most
}

/// What this process has none of: memory pools, TLS, compression, peers.
fn none(_: &Snapshot) -> Value {
    Value::U32(0)
}

/// `0d 1h02m03s`.
pub fn uptime(time: Duration) -> String {
    let seconds = time.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    format!("{days}d {hours}h{minutes:02}m{:02}s", seconds % 60)
}

/// Every line, in HAProxy's order.
pub static LINES: &[Line] = &[
    line("Name", "POS", |_| text("HAProxy"), "Program whose dialect this is"),
    line("Version", "POS", |all| text(process(all).version.told()), "Version of that dialect, and of vipgate"),
    line("Release_date", "POS", |all| text(process(all).version.date()), "Date of that version"),
    line("Nbthread", "CGS", |all| Value::U32(process(all).threads as u64), "Worker threads"),
    line("Nbproc", "CGS", |_| Value::U32(1), "Processes, always 1"),
    line("Process_num", "KGP", |_| Value::U32(1), "Number of this process, always 1"),
    line("Pid", "SGP", |all| Value::U32(process(all).pid.into()), "Its number in the system"),
    line("Uptime", "MDP", |all| text(uptime(process(all).uptime)), "Time since the start"),
    line("Uptime_sec", "MDP", |all| Value::Seconds(process(all).uptime), "Seconds since the start"),
    line("Memmax_MB", "CLP", none, "Limit of its memory; 0 is none"),
    line("PoolAlloc_MB", "MGP", none, "Memory of pools; there are none"),
    line("PoolUsed_MB", "MGP", none, "Memory of pools in use; there are none"),
    line("PoolFailed", "MCP", none, "Allocations of pools that failed; there are none"),
    line("Ulimit-n", "CLP", |all| Value::U32(process(all).descriptors), "Descriptors that it may have"),
    line("Maxsock", "CLP", |all| Value::U32(process(all).descriptors), "Sockets that it may have"),
    line("Maxconn", "CLP", |all| Value::U32(process(all).maxconn), "Client connections that are allowed"),
    line("Hard_maxconn", "CLP", |all| Value::U32(process(all).maxconn), "The same, as the system allows them"),
    line("CurrConns", "MGP", |all| Value::U32(process(all).connections), "Client connections now"),
    line("CumConns", "MCP", |all| Value::U32(process(all).connections_total), "Client connections so far"),
    line("CumReq", "MCP", |all| Value::U32(process(all).requests_total), "Requests so far"),
    line("MaxSslConns", "MMP", none, "TLS connections that are allowed; 0 is no limit"),
    line("CurrSslConns", "MGP", none, "TLS connections now"),
    line("CumSslConns", "MCP", none, "TLS connections so far"),
    line("Maxpipes", "CLP", none, "Kernel pipes that are allowed; 0 is no limit"),
    line("PipesUsed", "MGP", none, "Kernel pipes in use; those for splicing belong to the workers and are not counted"),
    line("PipesFree", "MGP", none, "Kernel pipes that wait for use"),
    line("ConnRate", "MRP", |all| now(process(all).connection_rate), "Client connections in the last second"),
    line(
        "ConnRateLimit",
        "CLP",
        |all| Value::U32(all.process.rate_limits[0]),
        "Client connections a second that are allowed; 0 is no limit",
    ),
    line("MaxConnRate", "MMP", |all| most(process(all).connection_rate), "Most client connections in a second"),
    line("SessRate", "MRP", |all| now(process(all).session_rate), "Sessions in the last second"),
    line(
        "SessRateLimit",
        "CLP",
        |all| Value::U32(all.process.rate_limits[1]),
        "Sessions a second that are allowed; 0 is no limit",
    ),
    line("MaxSessRate", "MRP", |all| most(process(all).session_rate), "Most sessions in a second"),
    line("SslRate", "MRP", none, "TLS connections in the last second"),
    line("SslRateLimit", "CLP", none, "TLS connections a second that are allowed; 0 is no limit"),
    line("MaxSslRate", "MMP", none, "Most TLS connections in a second"),
    line("SslFrontendKeyRate", "MGP", none, "TLS keys of clients in the last second"),
    line("SslFrontendMaxKeyRate", "MMP", none, "Most TLS keys of clients in a second"),
    line("SslFrontendSessionReuse_pct", "MGP", none, "Percentage of TLS connections that went on with a session"),
    line("SslBackendKeyRate", "MRP", none, "TLS keys of servers in the last second"),
    line("SslBackendMaxKeyRate", "MMP", none, "Most TLS keys of servers in a second"),
    line("SslCacheLookups", "MCP", none, "TLS sessions that were looked up"),
    line("SslCacheMisses", "MCP", none, "TLS sessions that were not found"),
    line("CompressBpsIn", "MRP", none, "Bytes given to the compressor in the last second"),
    line("CompressBpsOut", "MRP", none, "Bytes that it gave back in the last second"),
    line("CompressBpsRateLim", "CLP", none, "Bytes a second that it may give back; 0 is no limit"),
    // Positions of lines that only some builds of HAProxy have.
    line("ZlibMemUsage", "MGP", |_| Value::Absent, "Memory of the compressor"),
    line("MaxZlibMemUsage", "CLP", |_| Value::Absent, "Memory that the compressor may have"),
    line("Tasks", "MGP", |all| Value::U32(process(all).connections + process(all).listeners), "Tasks"),
    line("Run_queue", "MGP", none, "Tasks that wait for their turn"),
    line(
        "Idle_pct",
        "MaP",
        |all| Value::U32(process(all).idle_percent.into()),
        "Percentage of the time since the last question that its processors were idle",
    ),
    line("node", "COS", |all| text(process(all).node.as_str()), "Name of this node"),
    line(
        "description",
        "COS",
        |all| process(all).description.as_ref().map_or(Value::Absent, text),
        "Text about this node",
    ),
    line("Stopping", "MGP", |all| Value::U32(process(all).is_stopping.into()), "1 while it finishes its sessions"),
    line(
        "Jobs",
        "MGP",
        |all| Value::U32(process(all).connections + process(all).listeners),
        "Client connections and listening addresses",
    ),
    line("Unstoppable Jobs", "MGP", none, "Those that a stop does not wait for"),
    line("Listeners", "MGP", |all| Value::U32(process(all).listeners), "Listening addresses"),
    line("ActivePeers", "MGP", none, "Peers with which stick tables are shared"),
    line("ConnectedPeers", "MGP", none, "Peers that are connected"),
    line("DroppedLogs", "MGP", |all| Value::U32(process(all).logs_dropped), "Log lines that were lost"),
    line("BusyPolling", "MGP", none, "1 if it polls without a pause"),
    line("FailedResolutions", "MGP", none, "Name resolutions that failed"),
    line("TotalBytesOut", "MGP", |all| Value::U64(process(all).bytes_out), "Bytes sent to clients"),
    line(
        "TotalSplicdedBytesOut",
        "MGP",
        |_| Value::U64(0),
        "Those of them that are known to have gone through kernel pipes; they are not counted apart",
    ),
    line(
        "BytesOutRate",
        "MRP",
        |all| Value::U64(process(all).bytes_out_rate),
        "Bytes sent to clients in the last second",
    ),
    line("DebugCommandsIssued", "MGP", none, "Debugging commands so far; there are none"),
    line("CumRecvLogs", "MCP", |all| Value::U32(process(all).logs_received), "Log lines received from others"),
    line("Build info", "POS", |all| text(process(all).version.told()), "Version of that dialect, and of vipgate"),
    line("Memmax_bytes", "CLP", none, "Limit of its memory; 0 is none"),
    line("PoolAlloc_bytes", "MGP", |_| Value::U64(0), "Memory of pools; there are none"),
    line("PoolUsed_bytes", "MGP", |_| Value::U64(0), "Memory of pools in use; there are none"),
    line("Start_time_sec", "MDP", |all| Value::Seconds(process(all).started), "When it started, seconds since 1970"),
    line("Tainted", "SGP", |_| text("0"), "Experimental features in use; there are none"),
];
