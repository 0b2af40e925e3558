//! The proxies. vipgate and haproxy run the same file ([`haproxy_cfg`](crate::haproxy_cfg)), nginx one that means the same
//! as its plain listeners.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::client::{self, Load, Reuse};
use crate::haproxy_cfg::{self, Listeners};
use crate::options::Options;
use crate::process::{self, Process};
use crate::relay;

/// A proxy that runs.
pub struct Target {
    /// Its name in the tables.
    pub name: &'static str,
    /// The HTTP listener.
    pub http: SocketAddr,
    /// The HTTP listener with rules; `None` where the program has no such things.
    pub rules: Option<SocketAddr>,
    /// The HTTP listener with a log, rules, a cookie and counters; `None` where the program has no such things.
    pub features: Option<SocketAddr>,
    /// The TCP listener; `None` where the package has no TCP proxy.
    pub tcp: Option<SocketAddr>,
    /// Whether it keeps connections to servers for the next client.
    pub has_pool: bool,
    /// The process.
    pub process: Process,
}

/// What stands around the proxies.
#[derive(Clone, Copy, Debug)]
struct Peers {
    servers: [SocketAddr; 2],
    log: SocketAddr,
}

/// Starts every proxy that the options ask for, in the order of the tables, and sends each a request.
pub fn start_all(options: &Options, servers: [SocketAddr; 2], directory: &Path) -> Result<Vec<Target>, String> {
    let peers = Peers { servers, log: haproxy_cfg::start_log()? };
    let makers = [start_vipgate, start_haproxy, start_nginx, start_relay];
    let mut targets = Vec::new();
    for maker in makers {
        targets.extend(maker(options, peers, directory)?);
    }
    for target in &mut targets {
        for address in [Some(target.http), target.rules, target.features, target.tcp].into_iter().flatten() {
            target.process.wait_for(address).map_err(|why| format!("{}: {why}", target.name))?;
            let load = Load { address, connections: 1, length: 128, reuse: Reuse::KeepAlive };
            client::hold(load).map_err(|why| format!("{}: {why}\n{}", target.name, target.process.output()))?;
        }
    }
    Ok(targets)
}

fn write(directory: &Path, name: &str, text: &str) -> Result<PathBuf, String> {
    let path = directory.join(name);
    fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(path)
}

fn exists(name: &str, path: &Path) -> Result<(), String> {
    if path.exists() { Ok(()) } else { Err(format!("{name} is missing: there is no {}", path.display())) }
}

fn start_vipgate(options: &Options, peers: Peers, directory: &Path) -> Result<Option<Target>, String> {
    let Some(program) = &options.vipgate else { return Ok(None) };
    exists("vipgate", program)?;
    start_with_haproxy_cfg("vipgate", program, &["haproxy"], peers, directory)
}

fn start_haproxy(options: &Options, peers: Peers, directory: &Path) -> Result<Option<Target>, String> {
    exists("haproxy", &options.haproxy)?;
    start_with_haproxy_cfg("haproxy", &options.haproxy, &[], peers, directory)
}

fn start_with_haproxy_cfg(
    name: &'static str,
    program: &Path,
    before: &[&str],
    peers: Peers,
    directory: &Path,
) -> Result<Option<Target>, String> {
    let [http, rules, features, tcp] = [(); 4].map(|()| process::free_address());
    let listeners = Listeners { http: http?, rules: rules?, features: features?, tcp: tcp? };
    let text = haproxy_cfg::text(listeners, peers.servers, peers.log);
    let path = write(directory, &format!("{name}.cfg"), &text)?.display().to_string();
    let arguments = [before, &["-db", "-f", &path]].concat();
    let process = Process::start(program, &arguments, &directory.join(format!("{name}.log")))?;
    let Listeners { http, rules, features, tcp } = listeners;
    let (rules, features, tcp) = (Some(rules), Some(features), Some(tcp));
    Ok(Some(Target { name, http, rules, features, tcp, has_pool: true, process }))
}

fn start_nginx(options: &Options, peers: Peers, directory: &Path) -> Result<Option<Target>, String> {
    exists("nginx", &options.nginx)?;
    let (http, tcp) = (process::free_address()?, process::free_address()?);
    let ([one, two], here) = (peers.servers, directory.display());
    // The TCP proxy is a module of its own (Debian: libnginx-mod-stream).
    let module = Path::new("/usr/lib/nginx/modules/ngx_stream_module.so");
    let (load, stream) = match module.exists() {
        true => (
            format!("load_module {};", module.display()),
            format!(
                "stream {{ upstream tcp {{ server {one}; server {two}; }} server {{ listen {tcp}; proxy_pass tcp; }} }}"
            ),
        ),
        false => (String::new(), String::new()),
    };
    let text = format!(
        "\
{load}
user root;
daemon off;
worker_processes 1;
pid {here}/nginx.pid;
error_log {here}/nginx.err;
worker_rlimit_nofile 20000;
events {{ worker_connections 19000; }}
http {{
    access_log off;
    keepalive_timeout 60s;
    keepalive_requests 1000000000;
    proxy_temp_path {here}/nginx-proxy;
    client_body_temp_path {here}/nginx-body;
    fastcgi_temp_path {here}/nginx-fastcgi;
    uwsgi_temp_path {here}/nginx-uwsgi;
    scgi_temp_path {here}/nginx-scgi;
    upstream web {{
        server {one};
        server {two};
        keepalive 1024;
        keepalive_requests 1000000000;
    }}
    server {{
        listen {http} backlog=4096 reuseport;
        location / {{
            proxy_pass http://web;
            proxy_http_version 1.1;
            proxy_max_temp_file_size 0;
            proxy_set_header Connection \"\";
            proxy_set_header Host $host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        }}
    }}
}}
{stream}
"
    );
    let path = write(directory, "nginx.conf", &text)?;
    let arguments = ["-c", &path.to_string_lossy()];
    let process = Process::start(&options.nginx, &arguments, &directory.join("nginx.log"))?;
    Ok(Some(Target {
        name: "nginx",
        http,
        rules: None,
        features: None,
        tcp: module.exists().then_some(tcp),
        has_pool: true,
        process,
    }))
}

fn start_relay(_: &Options, peers: Peers, directory: &Path) -> Result<Option<Target>, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let address = process::free_address()?;
    let [listen, one, two] = [address, peers.servers[0], peers.servers[1]].map(|address| address.to_string());
    let process = Process::start(&program, &[relay::WORD, &listen, &one, &two], &directory.join("relay.log"))?;
    let tcp = Some(address);
    Ok(Some(Target { name: "relay", http: address, rules: None, features: None, tcp, has_pool: false, process }))
}
