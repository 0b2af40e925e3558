//! Frontends and servers in network namespaces other than that of the process, and behind interfaces.

use crate::harness::{Lan, Vipgate, Web, until};

const DEFAULTS: &str =
    "global\n nbthread 2\ndefaults\n mode http\n timeout client 20s\n timeout connect 5s\n timeout server 20s\n";

/// What somebody in a namespace gets for a request.
fn asked(lan: &Lan, from: &str, url: &str) -> String {
    let output = lan.command(from, "curl").args(["-sS", "-m", "5", url]).output().expect("curl");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[test]
fn one_address_is_another_one_in_each_namespace() {
    let lan = Lan::new();
    let bind = |name: &str| format!(" bind 127.0.0.1:8099 namespace {}\n", lan.name(name));
    let text = format!(
        "{DEFAULTS}frontend one\n{} http-request return status 200 content-type a/b string one\n\
         frontend two\n{} http-request return status 200 content-type a/b string two\n\
         frontend own\n bind 127.0.0.1:8099\n http-request return status 200 content-type a/b string own\n",
        bind("client"),
        bind("web01")
    );
    let mut vipgate = Vipgate::start(&lan, "lb1", &lan.write("binds.cfg", &text));
    for (from, expected) in [("client", "one"), ("web01", "two"), ("lb1", "own")] {
        until("the frontend answers", || asked(&lan, from, "http://127.0.0.1:8099/") == expected);
    }
    vipgate.process.stop();
}

#[test]
fn one_address_is_another_one_behind_each_interface() {
    let lan = Lan::new();
    let text = format!(
        "{DEFAULTS}frontend front\n bind :8099 interface eth0\n http-request return status 200 content-type a/b string front\n\
         frontend back\n bind :8099 interface eth1\n http-request return status 200 content-type a/b string back\n"
    );
    let mut vipgate = Vipgate::start(&lan, "lb1", &lan.write("interfaces.cfg", &text));
    until("the frontend answers", || asked(&lan, "client", "http://192.0.2.11:8099/") == "front");
    for _ in 0..8 {
        assert_eq!(asked(&lan, "client", "http://192.0.2.11:8099/"), "front");
        assert_eq!(asked(&lan, "web01", "http://198.51.100.11:8099/"), "back");
    }
    vipgate.process.stop();
}

#[test]
fn servers_are_reached_and_probed_in_their_namespace() {
    let lan = Lan::new();
    let _web = Web::start(&lan, "web01");
    let namespace = lan.name("web01");
    let text = format!(
        "{DEFAULTS}listen named\n bind 192.0.2.11:80\n option httpchk GET /health\n server web01 127.0.0.1:80 namespace {namespace} \
         check inter 200ms source 127.0.0.5\nlisten clients\n bind 192.0.2.11:81 accept-proxy\n retries 0\n server web01 \
         127.0.0.1:80 namespace *\n"
    );
    let mut vipgate = Vipgate::start(&lan, "lb1", &lan.write("servers.cfg", &text));
    until("the server answers", || lan.request("http://192.0.2.11:80/").as_deref() == Ok("web01 127.0.0.5"));
    let status = |name: &str| {
        // A PROXY header with a name of a namespace: signature, TCP over IPv4, both ends, the value.
        let header = r"\x0d\x0a\x0d\x0a\x00\x0d\x0aQUIT\x0a\x21\x11";
        let ends = r"\xc0\x00\x02\x32\xc0\x00\x02\x0b\x10\x00\x00\x51";
        let (length, size) = (15 + name.len(), name.len());
        let request = r"GET / HTTP/1.0\x0d\x0a\x0d\x0a";
        let message = format!(r"{header}\x00\x{length:02x}{ends}\x30\x00\x{size:02x}{name}{request}");
        let script = format!("exec 3<>/dev/tcp/192.0.2.11/81; printf '{message}' >&3; head -1 <&3");
        lan.run_in("client", "bash", &["-c", &script])
    };
    assert!(status(&namespace).contains(" 200 "), "the client's namespace has the server");
    assert!(status("nowhere").contains(" 503 "), "no namespace of that name is known, and ours has no server");
    vipgate.process.stop();
}
