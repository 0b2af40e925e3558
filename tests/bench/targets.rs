//! The proxies and their configurations: one worker, two servers round robin, X-Forwarded-For, pooled server
//! connections, no log, no health checks, one HTTP and one TCP listener.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::client::{self, Load, Reuse};
use crate::options::Options;
use crate::process::{self, Process};
use crate::relay;

/// A proxy that runs.
pub struct Target {
    /// Its name in the tables.
    pub name: &'static str,
    /// The HTTP listener.
    pub http: SocketAddr,
    /// The TCP listener; `None` where the package has no TCP proxy.
    pub tcp: Option<SocketAddr>,
    /// Whether it keeps connections to servers for the next client.
    pub has_pool: bool,
    /// The process.
    pub process: Process,
}

/// Starts every proxy that the options ask for, in the order of the tables, and sends each a request.
pub fn start_all(options: &Options, servers: [SocketAddr; 2], directory: &Path) -> Result<Vec<Target>, String> {
    let makers = [start_vipgate, start_haproxy, start_nginx, start_relay];
    let mut targets = Vec::new();
    for maker in makers {
        targets.extend(maker(options, servers, directory)?);
    }
    for target in &mut targets {
        for address in [Some(target.http), target.tcp].into_iter().flatten() {
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

fn start_vipgate(options: &Options, servers: [SocketAddr; 2], directory: &Path) -> Result<Option<Target>, String> {
    let Some(program) = &options.vipgate else { return Ok(None) };
    exists("vipgate", program)?;
    let (http, tcp) = (process::free_address()?, process::free_address()?);
    let ([one, two], socket) = (servers, directory.join("vipgate.sock"));
    let text = format!(
        "\
nodes:
  bench: {{address: 127.0.0.1}}
frontends:
  web:
    bind: [\"{http}\"]
    mode: http
    default_backend: web
    timeouts: {{client: 60s, http_keep_alive: 60s}}
  tcp:
    bind: [\"{tcp}\"]
    mode: tcp
    default_backend: tcp
    timeouts: {{client: 60s}}
backends:
  web:
    mode: http
    balance: roundrobin
    servers: {{one: \"{one}\", two: \"{two}\"}}
  tcp:
    mode: tcp
    balance: roundrobin
    servers: {{one: \"{one}\", two: \"{two}\"}}
process: {{workers: 1}}
log: {{access: off}}
admin: {{socket: {}}}
",
        socket.display()
    );
    let path = write(directory, "vipgate.yaml", &text)?;
    let arguments = ["run", "-f", &path.to_string_lossy(), "--node", "bench"];
    let process = Process::start(program, &arguments, &directory.join("vipgate.log"))?;
    Ok(Some(Target { name: "vipgate", http, tcp: Some(tcp), has_pool: true, process }))
}

fn start_haproxy(options: &Options, servers: [SocketAddr; 2], directory: &Path) -> Result<Option<Target>, String> {
    exists("haproxy", &options.haproxy)?;
    let (http, tcp) = (process::free_address()?, process::free_address()?);
    let [one, two] = servers;
    let text = format!(
        "\
global
    nbthread 1
    maxconn 9500
defaults
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    timeout http-keep-alive 60s
frontend web
    mode http
    bind {http}
    option forwardfor
    default_backend web
backend web
    mode http
    balance roundrobin
    http-reuse always
    server one {one}
    server two {two}
listen tcp
    mode tcp
    bind {tcp}
    balance roundrobin
    server one {one}
    server two {two}
"
    );
    let path = write(directory, "haproxy.cfg", &text)?;
    let arguments = ["-db", "-f", &path.to_string_lossy()];
    let process = Process::start(&options.haproxy, &arguments, &directory.join("haproxy.log"))?;
    Ok(Some(Target { name: "haproxy", http, tcp: Some(tcp), has_pool: true, process }))
}

fn start_nginx(options: &Options, servers: [SocketAddr; 2], directory: &Path) -> Result<Option<Target>, String> {
    exists("nginx", &options.nginx)?;
    let (http, tcp) = (process::free_address()?, process::free_address()?);
    let ([one, two], here) = (servers, directory.display());
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
    Ok(Some(Target { name: "nginx", http, tcp: module.exists().then_some(tcp), has_pool: true, process }))
}

fn start_relay(_: &Options, servers: [SocketAddr; 2], directory: &Path) -> Result<Option<Target>, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let address = process::free_address()?;
    let [listen, one, two] = [address, servers[0], servers[1]].map(|address| address.to_string());
    let process = Process::start(&program, &[relay::WORD, &listen, &one, &two], &directory.join("relay.log"))?;
    Ok(Some(Target { name: "relay", http: address, tcp: Some(address), has_pool: false, process }))
}
