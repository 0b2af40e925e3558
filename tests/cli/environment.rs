//! The environment of the process: what the file makes of it is what expressions and the runtime socket see, for vipgate
//! as for the packaged haproxy.

use super::proxy::{OURS, Proxy, THEIRS};

fn proxy(program: &[&str]) -> Proxy {
    Proxy::serving(program, |port, directory| {
        format!(
            "# vipgate: haproxy 2.6\nglobal\n stats socket {} level admin\n setenv SET b\n setenv PATH here\n \
             presetenv PRESET c\n presetenv PATH there\n unsetenv HOME\ndefaults\n mode http\n timeout client 20s\n \
             timeout connect 20s\n timeout server 20s\nfrontend fe\n bind 127.0.0.1:{port}\n http-request return status \
             200 content-type text/plain lf-string \"%[env(SET)] %[env(PRESET)] %[env(PATH)] %[env(HOME)].\"\n",
            directory.join("socket").display(),
        )
    })
}

#[test]
fn what_the_file_makes_of_the_environment_is_what_is_seen() {
    let (theirs, ours) = (proxy(THEIRS), proxy(OURS));
    for proxy in [&theirs, &ours] {
        let said = proxy.exchange("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
        assert!(said.ends_with("\r\n\r\nb c here ."), "{said}");
    }
    for name in ["SET", "PRESET", "PATH", "HOME", "HAPROXY_CFGFILES", "HAPROXY_CLI", "HAPROXY_LOCALPEER"] {
        let command = format!("show env {name}");
        assert_eq!(ours.ask(&command), theirs.ask(&command), "{name}");
    }
    assert_eq!(ours.ask("show env HAPROXY_CFGFILES"), "HAPROXY_CFGFILES=DIR/cfg\n\n");
    assert_eq!(ours.ask("show env HAPROXY_CLI"), "HAPROXY_CLI=unix@DIR/socket\n\n");
}
