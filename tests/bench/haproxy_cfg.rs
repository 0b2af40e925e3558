//! The file that vipgate and haproxy both run, word for word.

use std::net::{SocketAddr, UdpSocket};
use std::thread;

/// Where the listeners of one of them are.
#[derive(Clone, Copy, Debug)]
pub struct Listeners {
    /// HTTP, X-Forwarded-For and nothing else.
    pub http: SocketAddr,
    /// As HTTP, with conditions and header rules.
    pub rules: SocketAddr,
    /// HTTP with what sites have: the same rules, a log, a cookie, counters.
    pub features: SocketAddr,
    /// TCP.
    pub tcp: SocketAddr,
}

/// 3 conditions and the rules that they and a site's security ask for, 12 of them about headers.
const RULES: &str = "
    acl is_api path_beg /api/
    acl is_asset path_end .css .js .png .jpg
    acl is_office src 10.0.0.0/8 192.168.0.0/16
    http-request deny if is_api !is_office
    http-request del-header Proxy
    http-request set-header X-Forwarded-Proto http
    http-request set-header X-Forwarded-Host %[req.hdr(host)]
    http-request set-header X-Forwarded-Port %[dst_port]
    http-request set-header X-Real-IP %[src]
    http-request set-header X-Office yes if is_office
    http-request set-header X-Asset yes if is_asset
    http-response del-header Server
    http-response set-header X-Frame-Options DENY
    http-response set-header X-Content-Type-Options nosniff
    http-response set-header Strict-Transport-Security max-age=31536000
    http-response add-header Vary Accept-Encoding
";

/// The configuration: one worker, two servers round robin, pooled server connections, no health checks; log lines go to
/// `log` by UDP.
pub fn text(listeners: Listeners, servers: [SocketAddr; 2], log: SocketAddr) -> String {
    let (Listeners { http, rules, features, tcp }, [one, two]) = (listeners, servers);
    format!(
        "\
global
    nbthread 1
    maxconn 9500
defaults
    mode http
    balance roundrobin
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    timeout http-keep-alive 60s
    http-reuse always

frontend web
    bind {http}
    option forwardfor
    default_backend web
backend web
    server one {one}
    server two {two}

frontend rules
    bind {rules}
    option forwardfor
    default_backend web
{RULES}
frontend features
    bind {features}
    log {log} local0
    option httplog
    option forwardfor
    http-request track-sc0 src
{RULES}
    stick-table type ip size 100k expire 10m store http_req_rate(10s),http_req_cnt
    default_backend features
backend features
    cookie SERVER insert indirect nocache
    server one {one} cookie one
    server two {two} cookie two

listen tcp
    mode tcp
    bind {tcp}
    server one {one}
    server two {two}
"
    )
}

/// Receives log lines for as long as the benchmark runs, and forgets them.
pub fn start_log() -> Result<SocketAddr, String> {
    let socket = UdpSocket::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    let address = socket.local_addr().map_err(|error| error.to_string())?;
    thread::spawn(move || {
        let mut line = [0; 2048];
        while socket.recv(&mut line).is_ok() {}
    });
    Ok(address)
}
