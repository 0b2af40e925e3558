//! What the exporter calls things: names, help and types of HAProxy's own exporter, which dashboards and alerts are made for.

use crate::stats::catalog::{Column, Kind};

use Kind::{Backend, Frontend, Listener, Server};
use Nature::{Counter, Gauge};

/// Whether a value only grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nature {
    /// It does, until the process starts anew.
    Counter,
    /// It does not.
    Gauge,
}

impl Nature {
    /// Its word in the text.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Counter => "counter",
            Gauge => "gauge",
        }
    }
}

/// A metric of the process.
pub(super) struct ProcessMetric {
    /// Name of the line of `show info` that has its value.
    pub(super) line: &'static str,
    /// Its name behind `haproxy_process_`.
    pub(super) name: &'static str,
    /// Whether it only grows.
    pub(super) nature: Nature,
    /// What it is.
    pub(super) help: &'static str,
}

/// A metric of proxies, listening addresses and servers.
pub(super) struct Metric {
    /// The column of `show stat` that has its value.
    pub(super) column: Column,
    /// Its name behind `haproxy_`, the kind and an underscore.
    pub(super) name: &'static str,
    /// What has it.
    pub(super) kinds: &'static [Kind],
    /// Whether it only grows.
    pub(super) nature: Nature,
    /// What it is.
    pub(super) help: &'static str,
}

const fn process(line: &'static str, name: &'static str, nature: Nature, help: &'static str) -> ProcessMetric {
    ProcessMetric { line, name, nature, help }
}

const fn metric(
    column: Column,
    name: &'static str,
    kinds: &'static [Kind],
    nature: Nature,
    help: &'static str,
) -> Metric {
    Metric { column, name, kinds, nature, help }
}

const ALL: &[Kind] = &[Frontend, Listener, Backend, Server];
const PROXIES: &[Kind] = &[Frontend, Backend];
const CLIENTS: &[Kind] = &[Frontend, Listener];
const SERVERS: &[Kind] = &[Backend, Server];

/// Metrics of the process, in their order.
#[rustfmt::skip]
pub(super) const PROCESS: &[ProcessMetric] = &[
    process("Nbthread", "nbthread", Gauge, "Number of started threads (global.nbthread)"),
    process("Nbproc", "nbproc", Gauge, "Number of started worker processes (historical, always 1)"),
    process("Process_num", "relative_process_id", Gauge, "Relative worker process number (1)"),
    process("Uptime_sec", "uptime_seconds", Gauge, "How long ago this worker process was started (seconds)"),
    process("PoolFailed", "pool_failures_total", Counter, "Number of failed pool allocations since this worker was started"),
    process("Ulimit-n", "max_fds", Gauge, "Hard limit on the number of per-process file descriptors"),
    process("Maxsock", "max_sockets", Gauge, "Hard limit on the number of per-process sockets"),
    process("Maxconn", "max_connections", Gauge, "Hard limit on the number of per-process connections (configured or imposed by Ulimit-n)"),
    process("Hard_maxconn", "hard_max_connections", Gauge, "Hard limit on the number of per-process connections (imposed by Memmax_MB or Ulimit-n)"),
    process("CurrConns", "current_connections", Gauge, "Current number of connections on this worker process"),
    process("CumConns", "connections_total", Counter, "Total number of connections on this worker process since started"),
    process("CumReq", "requests_total", Counter, "Total number of requests on this worker process since started"),
    process("MaxSslConns", "max_ssl_connections", Gauge, "Hard limit on the number of per-process SSL endpoints (front+back), 0=unlimited"),
    process("CurrSslConns", "current_ssl_connections", Gauge, "Current number of SSL endpoints on this worker process (front+back)"),
    process("CumSslConns", "ssl_connections_total", Counter, "Total number of SSL endpoints on this worker process since started (front+back)"),
    process("Maxpipes", "max_pipes", Gauge, "Hard limit on the number of pipes for splicing, 0=unlimited"),
    process("PipesUsed", "pipes_used_total", Counter, "Current number of pipes in use in this worker process"),
    process("PipesFree", "pipes_free_total", Counter, "Current number of allocated and available pipes in this worker process"),
    process("ConnRate", "current_connection_rate", Gauge, "Number of front connections created on this worker process over the last second"),
    process("ConnRateLimit", "limit_connection_rate", Gauge, "Hard limit for ConnRate (global.maxconnrate)"),
    process("MaxConnRate", "max_connection_rate", Gauge, "Highest ConnRate reached on this worker process since started (in connections per second)"),
    process("SessRate", "current_session_rate", Gauge, "Number of sessions created on this worker process over the last second"),
    process("SessRateLimit", "limit_session_rate", Gauge, "Hard limit for SessRate (global.maxsessrate)"),
    process("MaxSessRate", "max_session_rate", Gauge, "Highest SessRate reached on this worker process since started (in sessions per second)"),
    process("SslRate", "current_ssl_rate", Gauge, "Number of SSL connections created on this worker process over the last second"),
    process("SslRateLimit", "limit_ssl_rate", Gauge, "Hard limit for SslRate (global.maxsslrate)"),
    process("MaxSslRate", "max_ssl_rate", Gauge, "Highest SslRate reached on this worker process since started (in connections per second)"),
    process("SslFrontendKeyRate", "current_frontend_ssl_key_rate", Gauge, "Number of SSL keys created on frontends in this worker process over the last second"),
    process("SslFrontendMaxKeyRate", "max_frontend_ssl_key_rate", Gauge, "Highest SslFrontendKeyRate reached on this worker process since started (in SSL keys per second)"),
    process("SslFrontendSessionReuse_pct", "frontend_ssl_reuse", Gauge, "Percent of frontend SSL connections which did not require a new key"),
    process("SslBackendKeyRate", "current_backend_ssl_key_rate", Gauge, "Number of SSL keys created on backends in this worker process over the last second"),
    process("SslBackendMaxKeyRate", "max_backend_ssl_key_rate", Gauge, "Highest SslBackendKeyRate reached on this worker process since started (in SSL keys per second)"),
    process("SslCacheLookups", "ssl_cache_lookups_total", Counter, "Total number of SSL session ID lookups in the SSL session cache on this worker since started"),
    process("SslCacheMisses", "ssl_cache_misses_total", Counter, "Total number of SSL session ID lookups that didn't find a session in the SSL session cache on this worker since started"),
    process("CompressBpsIn", "http_comp_bytes_in_total", Counter, "Number of bytes submitted to the HTTP compressor in this worker process over the last second"),
    process("CompressBpsOut", "http_comp_bytes_out_total", Counter, "Number of bytes emitted by the HTTP compressor in this worker process over the last second"),
    process("CompressBpsRateLim", "limit_http_comp", Gauge, "Limit of CompressBpsOut beyond which HTTP compression is automatically disabled"),
    process("ZlibMemUsage", "current_zlib_memory", Gauge, "Amount of memory currently used by HTTP compression on the current worker process (in bytes)"),
    process("MaxZlibMemUsage", "max_zlib_memory", Gauge, "Limit on the amount of memory used by HTTP compression above which it is automatically disabled (in bytes, see global.maxzlibmem)"),
    process("Tasks", "current_tasks", Gauge, "Total number of tasks in the current worker process (active + sleeping)"),
    process("Run_queue", "current_run_queue", Gauge, "Total number of active tasks+tasklets in the current worker process"),
    process("Idle_pct", "idle_time_percent", Gauge, "Percentage of last second spent waiting in the current worker thread"),
    process("Stopping", "stopping", Gauge, "1 if the worker process is currently stopping, otherwise zero"),
    process("Jobs", "jobs", Gauge, "Current number of active jobs on the current worker process (frontend connections, master connections, listeners)"),
    process("Unstoppable Jobs", "unstoppable_jobs", Gauge, "Current number of unstoppable jobs on the current worker process (master connections)"),
    process("Listeners", "listeners", Gauge, "Current number of active listeners on the current worker process"),
    process("ActivePeers", "active_peers", Gauge, "Current number of verified active peers connections on the current worker process"),
    process("ConnectedPeers", "connected_peers", Gauge, "Current number of peers having passed the connection step on the current worker process"),
    process("DroppedLogs", "dropped_logs_total", Counter, "Total number of dropped logs for current worker process since started"),
    process("BusyPolling", "busy_polling_enabled", Gauge, "1 if busy-polling is currently in use on the worker process, otherwise zero (config.busy-polling)"),
    process("FailedResolutions", "failed_resolutions", Counter, "Total number of failed DNS resolutions in current worker process since started"),
    process("TotalBytesOut", "bytes_out_total", Counter, "Total number of bytes emitted by current worker process since started"),
    process("TotalSplicdedBytesOut", "spliced_bytes_out_total", Counter, "Total number of bytes emitted by current worker process through a kernel pipe since started"),
    process("BytesOutRate", "bytes_out_rate", Gauge, "Number of bytes emitted by current worker process over the last second"),
    process("CumRecvLogs", "recv_logs_total", Counter, "Total number of log messages received by log-forwarding listeners on this worker process since started"),
    process("Build info", "build_info", Gauge, "Build info"),
    process("Memmax_bytes", "max_memory_bytes", Gauge, "Worker process's hard limit on memory usage in byes (-m on command line)"),
    process("PoolAlloc_bytes", "pool_allocated_bytes", Gauge, "Amount of memory allocated in pools (in bytes)"),
    process("PoolUsed_bytes", "pool_used_bytes", Gauge, "Amount of pool memory currently used (in bytes)"),
    process("Start_time_sec", "start_time_seconds", Gauge, "Start time in seconds"),
];

/// Metrics of everything else, in the order of the columns.
#[rustfmt::skip]
pub(super) const METRICS: &[Metric] = &[
    metric(Column::Qcur, "current_queue", SERVERS, Gauge, "Number of current queued connections"),
    metric(Column::Qmax, "max_queue", SERVERS, Gauge, "Highest value of queued connections encountered since process started"),
    metric(Column::Scur, "current_sessions", ALL, Gauge, "Number of current sessions on the frontend, backend or server"),
    metric(Column::Smax, "max_sessions", ALL, Gauge, "Highest value of current sessions encountered since process started"),
    metric(Column::Slim, "limit_sessions", ALL, Gauge, "Frontend/listener/server's maxconn, backend's fullconn"),
    metric(Column::Stot, "sessions_total", ALL, Counter, "Total number of sessions since process started"),
    metric(Column::Bin, "bytes_in_total", ALL, Counter, "Total number of request bytes since process started"),
    metric(Column::Bout, "bytes_out_total", ALL, Counter, "Total number of response bytes since process started"),
    metric(Column::Dreq, "requests_denied_total", &[Frontend, Listener, Backend], Counter, "Total number of denied requests since process started"),
    metric(Column::Dresp, "responses_denied_total", ALL, Counter, "Total number of denied responses since process started"),
    metric(Column::Ereq, "request_errors_total", CLIENTS, Counter, "Total number of invalid requests since process started"),
    metric(Column::Econ, "connection_errors_total", SERVERS, Counter, "Total number of failed connections to server since the worker process started"),
    metric(Column::Eresp, "response_errors_total", SERVERS, Counter, "Total number of invalid responses since the worker process started"),
    metric(Column::Wretr, "retry_warnings_total", SERVERS, Counter, "Total number of server connection retries since the worker process started"),
    metric(Column::Wredis, "redispatch_warnings_total", SERVERS, Counter, "Total number of server redispatches due to connection failures since the worker process started"),
    metric(Column::Status, "status", ALL, Gauge, "Current status of the service, per state label value."),
    metric(Column::Weight, "weight", SERVERS, Gauge, "Server's effective weight, or sum of active servers' effective weights for a backend"),
    metric(Column::Act, "active_servers", &[Backend], Gauge, "Total number of active UP servers with a non-zero weight"),
    metric(Column::Bck, "backup_servers", &[Backend], Gauge, "Total number of backup UP servers with a non-zero weight"),
    metric(Column::Chkfail, "check_failures_total", &[Server], Counter, "Total number of failed individual health checks per server/backend, since the worker process started"),
    metric(Column::Chkdown, "check_up_down_total", SERVERS, Counter, "Total number of failed checks causing UP to DOWN server transitions, per server/backend, since the worker process started"),
    metric(Column::Lastchg, "check_last_change_seconds", SERVERS, Gauge, "How long ago the last server state changed, in seconds"),
    metric(Column::Downtime, "downtime_seconds_total", SERVERS, Counter, "Total time spent in DOWN state, for server or backend"),
    metric(Column::Qlimit, "queue_limit", &[Server], Gauge, "Limit on the number of connections in queue, for servers only (maxqueue argument)"),
    metric(Column::Throttle, "current_throttle", &[Server], Gauge, "Throttling ratio applied to a server's maxconn and weight during the slowstart period (0 to 100%)"),
    metric(Column::Lbtot, "loadbalanced_total", SERVERS, Counter, "Total number of requests routed by load balancing since the worker process started (ignores queue pop and stickiness)"),
    metric(Column::RateLim, "limit_session_rate", &[Frontend], Gauge, "Limit on the number of sessions accepted in a second (frontend only, 'rate-limit sessions' setting)"),
    metric(Column::RateMax, "max_session_rate", &[Frontend, Backend, Server], Gauge, "Highest value of sessions per second observed since the worker process started"),
    metric(Column::CheckStatus, "check_status", &[Server], Gauge, "Status of last health check, per state label value."),
    metric(Column::CheckCode, "check_code", &[Server], Gauge, "layer5-7 code, if available of the last health check."),
    metric(Column::CheckDuration, "check_duration_seconds", &[Server], Gauge, "Total duration of the latest server health check, in seconds."),
    metric(Column::Hrsp1xx, "http_responses_total", &[Frontend, Backend, Server], Counter, "Total number of HTTP responses with status 100-199 returned by this object since the worker process started"),
    metric(Column::ReqRateMax, "http_requests_rate_max", &[Frontend], Gauge, "Highest value of http requests observed since the worker process started"),
    metric(Column::ReqTot, "http_requests_total", PROXIES, Counter, "Total number of HTTP requests processed by this object since the worker process started"),
    metric(Column::CliAbrt, "client_aborts_total", SERVERS, Counter, "Total number of requests or connections aborted by the client since the worker process started"),
    metric(Column::SrvAbrt, "server_aborts_total", SERVERS, Counter, "Total number of requests or connections aborted by the server since the worker process started"),
    metric(Column::CompIn, "http_comp_bytes_in_total", PROXIES, Counter, "Total number of bytes submitted to the HTTP compressor for this object since the worker process started"),
    metric(Column::CompOut, "http_comp_bytes_out_total", PROXIES, Counter, "Total number of bytes emitted by the HTTP compressor for this object since the worker process started"),
    metric(Column::CompByp, "http_comp_bytes_bypassed_total", PROXIES, Counter, "Total number of bytes that bypassed HTTP compression for this object since the worker process started (CPU/memory/bandwidth limitation)"),
    metric(Column::CompRsp, "http_comp_responses_total", PROXIES, Counter, "Total number of HTTP responses that were compressed for this object since the worker process started"),
    metric(Column::Lastsess, "last_session_seconds", SERVERS, Gauge, "How long ago some traffic was seen on this object on this worker process, in seconds"),
    metric(Column::Qtime, "queue_time_average_seconds", SERVERS, Gauge, "Avg. queue time for last 1024 successful connections."),
    metric(Column::Ctime, "connect_time_average_seconds", SERVERS, Gauge, "Avg. connect time for last 1024 successful connections."),
    metric(Column::Rtime, "response_time_average_seconds", SERVERS, Gauge, "Avg. response time for last 1024 successful connections."),
    metric(Column::Ttime, "total_time_average_seconds", SERVERS, Gauge, "Avg. total time for last 1024 successful connections."),
    metric(Column::ConnRateMax, "connections_rate_max", &[Frontend], Gauge, "Highest value of connections per second observed since the worker process started"),
    metric(Column::ConnTot, "connections_total", &[Frontend], Counter, "Total number of new connections accepted on this frontend since the worker process started"),
    metric(Column::Intercepted, "intercepted_requests_total", &[Frontend], Counter, "Total number of HTTP requests intercepted on the frontend (redirects/stats/services) since the worker process started"),
    metric(Column::Dcon, "denied_connections_total", CLIENTS, Counter, "Total number of incoming connections blocked on a listener/frontend by a tcp-request connection rule since the worker process started"),
    metric(Column::Dses, "denied_sessions_total", CLIENTS, Counter, "Total number of incoming sessions blocked on a listener/frontend by a tcp-request connection rule since the worker process started"),
    metric(Column::Wrew, "failed_header_rewriting_total", ALL, Counter, "Total number of failed HTTP header rewrites since the worker process started"),
    metric(Column::Connect, "connection_attempts_total", SERVERS, Counter, "Total number of outgoing connection attempts on this backend/server since the worker process started"),
    metric(Column::Reuse, "connection_reuses_total", SERVERS, Counter, "Total number of reused connection on this backend/server since the worker process started"),
    metric(Column::CacheLookups, "http_cache_lookups_total", PROXIES, Counter, "Total number of HTTP requests looked up in the cache on this frontend/backend since the worker process started"),
    metric(Column::CacheHits, "http_cache_hits_total", PROXIES, Counter, "Total number of HTTP requests not found in the cache on this frontend/backend since the worker process started"),
    metric(Column::SrvIcur, "idle_connections_current", &[Server], Gauge, "Current number of idle connections available for reuse on this server"),
    metric(Column::SrcIlim, "idle_connections_limit", &[Server], Gauge, "Limit on the number of available idle connections on this server (server 'pool_max_conn' directive)"),
    metric(Column::QtimeMax, "max_queue_time_seconds", SERVERS, Gauge, "Maximum observed time spent in the queue"),
    metric(Column::CtimeMax, "max_connect_time_seconds", SERVERS, Gauge, "Maximum observed time spent waiting for a connection to complete"),
    metric(Column::RtimeMax, "max_response_time_seconds", SERVERS, Gauge, "Maximum observed time spent waiting for a server response"),
    metric(Column::TtimeMax, "max_total_time_seconds", SERVERS, Gauge, "Maximum observed total request+response time (request+queue+connect+response+processing)"),
    metric(Column::Eint, "internal_errors_total", ALL, Counter, "Total number of internal errors since process started"),
    metric(Column::IdleConnCur, "unsafe_idle_connections_current", &[Server], Gauge, "Current number of unsafe idle connections"),
    metric(Column::SafeConnCur, "safe_idle_connections_current", &[Server], Gauge, "Current number of safe idle connections"),
    metric(Column::UsedConnCur, "used_connections_current", &[Server], Gauge, "Current number of connections in use"),
    metric(Column::NeedConnEst, "need_connections_current", &[Server], Gauge, "Estimated needed number of connections"),
    metric(Column::Uweight, "uweight", SERVERS, Gauge, "Server's user weight, or sum of active servers' user weights for a backend"),
    metric(Column::AggServerStatus, "agg_server_status", &[Backend], Gauge, "Backend's aggregated gauge of servers' status"),
    metric(Column::AggServerCheckStatus, "agg_server_check_status", &[Backend], Gauge, "Backend's aggregated gauge of servers' state check status"),
    metric(Column::AggCheckStatus, "agg_check_status", &[Backend], Gauge, "Backend's aggregated gauge of servers' state check status"),
];
