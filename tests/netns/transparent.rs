//! Connections to servers that bear the client's address (`source ... usesrc`), and clients that are told nothing.

use crate::harness::{Lan, Vipgate, Web, until};

const CLIENT: &str = "192.0.2.50";

#[test]
fn the_server_sees_the_client_where_connections_bear_its_address() {
    let lan = Lan::new();
    let _web = Web::start(&lan, "web01");
    // What the server answers comes back here, and is for this machine although it has another address.
    lan.ip("web01", "route add 192.0.2.0/24 via 198.51.100.11");
    lan.ip("lb1", "rule add iif eth1 lookup 100");
    lan.ip("lb1", "route add local default dev lo table 100");
    let text = "global\n nbthread 1\ndefaults\n mode http\n timeout client 20s\n timeout connect 5s\n timeout server \
                20s\nlisten web\n bind 192.0.2.11:80\n source 0.0.0.0 usesrc clientip\n server web01 \
                198.51.100.21:80\nlisten exact\n bind 192.0.2.11:81\n source 0.0.0.0 usesrc client\n server web01 \
                198.51.100.21:80\nlisten own\n bind 192.0.2.11:82\n server web01 198.51.100.21:80\nlisten named\n bind \
                192.0.2.11:83\n http-request set-header x-ip 192.0.2.77,192.0.2.78\n server web01 198.51.100.21:80 source \
                0.0.0.0 usesrc hdr_ip(x-ip,1)\nlisten lost\n bind 192.0.2.11:84\n server web01 198.51.100.21:80 source \
                0.0.0.0 usesrc hdr_ip(x-ip)\n";
    let config = lan.write("transparent.cfg", text);
    let mut vipgate = Vipgate::start(&lan, "lb1", &config);
    let capture = lan.capture("back", "tcp dst port 80 and tcp[tcpflags] & tcp-syn != 0");
    for port in [80, 81, 82] {
        until("the server answers", || lan.request(&format!("http://192.0.2.11:{port}/")).is_ok());
    }
    assert_eq!(lan.request("http://192.0.2.11:83/").as_deref(), Ok("web01 192.0.2.77"));
    let said = lan.request("http://192.0.2.11:84/").unwrap_err();
    assert!(said.contains("500"), "there is no such field: {said}");
    until("both servers see the client", || capture.text().matches(&format!("{CLIENT}.")).count() >= 2);
    until("another server sees the balancer", || capture.text().contains("198.51.100.11."));
    vipgate.process.stop();
}

#[test]
fn a_client_that_is_dropped_in_silence_hears_nothing() {
    let lan = Lan::new();
    let text = "global\n nbthread 1\ndefaults\n mode http\n timeout client 20s\n\
                frontend web\n bind 192.0.2.11:80\n http-request silent-drop if { path /quiet }\n \
                http-request silent-drop rst-ttl 5 if { path /reset }\n http-request return status 200\n";
    let config = lan.write("quiet.cfg", text);
    let mut vipgate = Vipgate::start(&lan, "lb1", &config);
    until("others are served", || lan.request("http://192.0.2.11:80/").is_ok());
    let said = lan.request("http://192.0.2.11:80/quiet").unwrap_err();
    assert!(said.contains("timed out"), "{said}");
    let said = lan.request("http://192.0.2.11:80/reset").unwrap_err();
    assert!(said.contains("reset by peer"), "{said}");
    vipgate.process.stop();
}
