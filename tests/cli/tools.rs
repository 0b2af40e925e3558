//! Tools that people have for HAProxy, unchanged, and a browser.
//!
//! `./dev test` installs them. Where one is missing the test fails and says what to install; haproxyadmin comes from PyPI,
//! in an environment of its own that `dev` makes in `~/.cache/vipgate/tools`.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use crate::{PROGRAM, comes, ports, until};

/// vipgate with a stats socket and a page; killed when dropped.
struct Balancer {
    child: Child,
    directory: tempfile::TempDir,
    page: SocketAddr,
}

impl Drop for Balancer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Balancer {
    fn start() -> Balancer {
        let directory = tempfile::tempdir().expect("a directory");
        let (page, web, server) = (ports::free(), ports::free(), ports::free());
        let socket = directory.path().join("admin.sock");
        let text = format!(
            "# vipgate: haproxy 2.6\nglobal\n stats socket {} mode 600 level admin\ndefaults\n mode http\n timeout client 5s\n timeout connect 1s\n \
             timeout server 5s\nfrontend web\n bind {web}\n default_backend app\nbackend app\n server web01 {server} check\n \
             server web02 {web}\n server web03 {page} disabled\nlisten numbers\n bind {page}\n stats enable\n stats uri /stats\n \
             stats show-legends\n stats show-node\n stats admin if TRUE\n",
            socket.display()
        );
        std::fs::write(directory.path().join("cfg"), text).expect("a file");
        let child = Command::new(PROGRAM)
            .args(["haproxy", "-db", "-f"])
            .arg(directory.path().join("cfg"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        until("the page is served", || TcpStream::connect(page).is_ok());
        until("the socket is served", || UnixStream::connect(&socket).is_ok());
        Balancer { child, directory, page }
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("admin.sock")
    }

    fn url(&self, rest: &str) -> String {
        format!("http://{}/stats{rest}", self.page)
    }
}

/// Runs a tool to its end.
fn run(command: &mut Command, package: &str) -> Output {
    let missing = |error| panic!("this needs {package}, which `./dev test` installs: {error}");
    command.stdin(Stdio::null()).output().unwrap_or_else(missing)
}

#[test]
fn hatop_draws_its_screen() {
    let balancer = Balancer::start();
    // It asks for a terminal.
    let tool = format!("stty rows 40 columns 140; TERM=xterm hatop -s {}", balancer.socket().display());
    let mut terminal = Command::new("script")
        .args(["-qec", &tool, "/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this needs script (util-linux)");
    let (mut screen, mut shown) = (terminal.stdout.take().expect("a pipe"), Vec::new());
    let wanted = ["HATop", "web01", "web02", "MAINT"];
    let is_there = |shown: &[u8]| wanted.iter().all(|text| String::from_utf8_lossy(shown).contains(text));
    let mut bytes = [0; 4096];
    until("hatop (`./dev test` installs it) draws its screen", || {
        let count = screen.read(&mut bytes).expect("it reads");
        shown.extend_from_slice(&bytes[..count]);
        assert!(count > 0 || is_there(&shown), "it ended with:\n{}", String::from_utf8_lossy(&shown));
        is_there(&shown)
    });
    terminal.stdin.take().expect("a pipe").write_all(b"q").expect("it reads");
    // What it draws until it ends goes nowhere.
    while screen.read(&mut bytes).is_ok_and(|count| count > 0) {}
    assert!(terminal.wait().expect("it ends").success());
}

#[test]
fn prometheus_exporter_reads_socket_and_page() {
    let balancer = Balancer::start();
    for source in [format!("unix:{}", balancer.socket().display()), balancer.url(";csv")] {
        let address = ports::free();
        let mut exporter = Command::new("prometheus-haproxy-exporter")
            .arg(format!("--haproxy.scrape-uri={source}"))
            .arg(format!("--web.listen-address={address}"))
            .stderr(Stdio::null())
            .spawn()
            .expect("this needs prometheus-haproxy-exporter, which `./dev test` installs");
        let mut missing = String::new();
        // It gives up a scrape of a slow machine after 5 s, and says so by `haproxy_up 0`.
        let has_all = comes(|| {
            let scraped = Command::new("curl").args(["-s", &format!("http://{address}/metrics")]).output();
            let metrics = String::from_utf8_lossy(&scraped.expect("curl starts").stdout).into_owned();
            let lines = [
                "haproxy_up 1",
                "haproxy_server_up{backend=\"app\",server=\"web03\"} 0",
                "haproxy_server_up{backend=\"app\",server=\"web02\"} 1",
                "haproxy_frontend_current_sessions{frontend=\"web\"} 0",
                "haproxy_exporter_csv_parse_failures_total 0",
            ];
            let line = lines.iter().find(|line| !metrics.lines().any(|found| found == **line));
            missing = line.map(|line| format!("{line} is missing, from {source}:\n{metrics}")).unwrap_or_default();
            line.is_none()
        });
        let _ = exporter.kill();
        let _ = exporter.wait();
        assert!(has_all, "{missing}");
    }
}

#[test]
fn haproxyadmin_reads_and_changes() {
    let cache = std::env::var_os("HOME").map_or(PathBuf::new(), PathBuf::from).join(".cache/vipgate/tools");
    let python = std::env::var_os("VIPGATE_TOOLS").map_or(cache, PathBuf::from).join("bin/python");
    let balancer = Balancer::start();
    let program = "import sys\nfrom haproxyadmin import haproxy, STATE_DISABLE\nh = haproxy.HAProxy(socket_file=sys.argv[1])\n\
                   print(h.version.split('.')[0], sorted(f.name for f in h.frontends()), sorted(b.name for b in h.backends()))\n\
                   s = h.server('web02', 'app')[0]\nprint(s.status, s.weight, s.metric('stot'))\n\
                   s.setstate(STATE_DISABLE)\nprint(s.status)\n\
                   s.setweight(7)\nprint(s.weight, int(h.uptimesec) >= 0, h.nodename != '')\n";
    let mut command = Command::new(&python);
    let output = run(
        command.args(["-c", program]).arg(balancer.socket()),
        "haproxyadmin (PyPI) in ~/.cache/vipgate/tools or $VIPGATE_TOOLS",
    );
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(said, "2 ['numbers', 'web'] ['app', 'numbers']\nno check 1 0\nMAINT\n7 True True\n", "{complaint}");
}

#[test]
fn the_page_fills_a_browser() {
    let balancer = Balancer::start();
    let directory = balancer.directory.path();
    // One thing at a time: of a page and a picture in one run, Chromium leaves out the page when it is slow.
    let browse = |name: &str, options: &[String]| {
        let mut command = Command::new("chromium");
        command
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
            .args(["--disable-dev-shm-usage", "--hide-scrollbars"])
            .arg(format!("--user-data-dir={}", directory.join(name).display()))
            .args(options)
            .arg(balancer.url(""));
        run(&mut command, "chromium")
    };
    let page = String::from_utf8_lossy(&browse("page", &["--dump-dom".to_owned()]).stdout).into_owned();
    assert!(page.contains("<title>Statistics Report for HAProxy on "), "{page}");
    assert!(page.contains("web03") && page.contains("Set state to DRAIN"), "{page}");
    for (width, height, name) in [(1500, 900, "wide"), (390, 844, "phone")] {
        let picture = directory.join(format!("{name}.png"));
        let screenshot = format!("--screenshot={}", picture.display());
        browse(name, &[format!("--window-size={width},{height}"), screenshot]);
        let picture = std::fs::read(&picture).expect("a picture");
        assert!(picture.starts_with(b"\x89PNG") && picture.len() > 20_000, "{name}: {} bytes", picture.len());
        if let Some(directory) = std::env::var_os("VIPGATE_PICTURES") {
            std::fs::write(Path::new(&directory).join(format!("{name}.png")), picture).expect("writable");
        }
    }
}
