//! Backends that come, go and are published at run time.

use super::proxy::{OURS, Proxy};

const UNAVAILABLE: &str = "HTTP/1.1 503 ";
const OK: &str = "HTTP/1.1 200 ";

fn proxy() -> Proxy {
    Proxy::serving(OURS, |port, directory| {
        let at = |name: &str| directory.join(name).display().to_string();
        std::fs::write(at("names"), "web be\n").expect("a file");
        format!(
            "global\n stats socket {} level admin\ndefaults\n mode http\n timeout client 5s\n timeout connect 5s\n \
             timeout server 5s\nfrontend fe\n bind 127.0.0.1:{port}\n force-be-switch if {{ req.hdr(x-admin) 1 }}\n \
             use_backend %[req.hdr(x-name),map({})]\n default_backend last\nbackend last\n be-unpublished\n \
             http-request return status 200\ndefaults plain\ndefaults web\n mode http\n timeout connect 5s\n \
             timeout server 5s\n http-request set-header x-by template\n http-request return status 200 hdr x-by \
             %[req.hdr(x-by)]\n",
            at("socket"),
            at("names")
        )
    })
}

/// The answer to a request with these fields.
fn answer(proxy: &Proxy, fields: &str) -> String {
    proxy.exchange(&format!("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{fields}\r\n"))
}

#[test]
fn a_backend_that_comes_is_used_when_it_is_published_and_goes_when_nothing_holds_it() {
    let proxy = proxy();
    for (command, said) in [
        ("show defaults", "plain\nweb\n\n"),
        ("add backend be", "Usage: add backend <name> from <defproxy>.\n\n"),
        ("add backend be from nothing", "Cannot find default proxy 'nothing'.\n\n"),
        ("add backend be from plain", "Mode is required as 'plain' default proxy does not explicitly defines it.\n\n"),
        ("add backend b/e from web", "Invalid character '/' in backend name.\n\n"),
        (
            "add backend fe from web",
            "Error during backend creation : name is already used by other proxy 'frontend fe'.\n\n",
        ),
        ("publish backend be", "No such backend.\n\n"),
    ] {
        assert_eq!(proxy.ask(command), said, "{command}");
    }
    proxy.ask("add map DIR/names extra other");
    assert_eq!(proxy.ask("add backend be from web"), "New backend registered.\n\n");
    assert!(proxy.ask("show map DIR/names").contains(" extra other\n"), "what was added to the map stays");
    assert!(proxy.ask("show stat be 2 -1").contains(",UP (UNPUB),"), "{}", proxy.ask("show stat be 2 -1"));
    assert!(answer(&proxy, "x-name: web\r\n").starts_with(UNAVAILABLE));
    let admitted = answer(&proxy, "x-name: web\r\nx-admin: 1\r\n");
    assert!(admitted.starts_with(OK) && admitted.contains("x-by: template\r\n"), "{admitted}");
    assert_eq!(proxy.ask("publish backend be"), "Backend published.\n\n");
    assert!(answer(&proxy, "x-name: web\r\n").starts_with(OK));
    assert_eq!(proxy.ask("del backend be"), "Backend must be unpublished prior to its deletion.\n\n");
    assert_eq!(proxy.ask("unpublish backend be"), "Backend unpublished.\n\n");
    assert_eq!(proxy.ask("add server be/s 127.0.0.1:1"), "New server registered.\n\n");
    assert_eq!(proxy.ask("del backend be"), "Only a backend without server can be deleted.\n\n");
    assert_eq!(proxy.ask("del server be/s").trim_end(), "Server deleted.");
    assert_eq!(proxy.ask("del backend be"), "Backend deleted.\n\n");
    assert_eq!(proxy.ask("show backend"), "# name\nlast\n\n");
    assert_eq!(
        proxy.ask("del backend last"),
        "This proxy cannot be removed at runtime due to other configuration elements pointing to it.\n\n"
    );
}

#[test]
fn a_default_backend_that_is_unpublished_serves_those_who_are_admitted() {
    let proxy = proxy();
    assert!(answer(&proxy, "").starts_with(UNAVAILABLE));
    assert!(answer(&proxy, "x-admin: 1\r\n").starts_with(OK));
    assert_eq!(proxy.ask("publish backend last"), "Backend published.\n\n");
    assert!(answer(&proxy, "").starts_with(OK));
}

#[test]
fn a_server_that_another_follows_or_a_rule_names_stays() {
    let proxy = Proxy::serving(OURS, |port, directory| {
        format!(
            "global\n stats socket {}/socket level admin\ndefaults\n timeout client 5s\n timeout connect 5s\n timeout \
             server 5s\nfrontend fe\n bind 127.0.0.1:{port}\n default_backend be\nbackend be\n use-server s3 unless {{ \
             always_false }}\n server s2 127.0.0.1:1 check\n server s3 127.0.0.1:1 track s2\n server s4 127.0.0.1:1\n",
            directory.display()
        )
    });
    let held = "This server cannot be removed at runtime due to other configuration elements pointing to it.";
    for (server, said) in [("s2", held), ("s3", held), ("s4", "Only servers in maintenance mode can be deleted.")] {
        assert_eq!(proxy.ask(&format!("del server be/{server}")).trim_end(), said, "{server}");
    }
    assert_eq!(proxy.ask("add server be/s5 127.0.0.1:1 proto h2").trim_end(), "MUX protocol is not usable for server.");
}
