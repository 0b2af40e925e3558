//! What scripts of runtime commands lean on: waits, echoes, prompts, payloads, cookies made of addresses.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

use super::proxy::{OURS, Proxy};
use super::until;

fn proxy(lines: &str) -> Proxy {
    Proxy::serving(OURS, |port, directory| {
        format!(
            "global\n stats socket {}/socket level admin\ndefaults\n mode http\n timeout client 60s\n timeout connect 5s\n \
             timeout server 60s\nfrontend fe\n bind 127.0.0.1:{port}\n default_backend be\nbackend be\n{lines}",
            directory.display()
        )
    })
}

#[test]
fn waits_say_why_they_ended() {
    let proxy = proxy(" server s1 127.0.0.1:1\n");
    for (command, said) in [
        ("echo  a  b; echo", "a b\n\n\n\n"),
        ("wait", "Expects a duration in milliseconds.\n\n"),
        ("wait 0", "Invalid duration.\n\n"),
        ("wait 1", "Done.\n\n"),
        ("wait 1 srv-removable", "Missing server name (<backend>/<server>).\n\n"),
        ("wait 1 srv-removable be", "Require 'backend/server'.\n\n"),
        ("wait 1 srv-removable be/zz", "Failed. No such server.\n\n"),
        ("wait 1h srv-removable be/s1", "Failed. Only servers in maintenance mode can be deleted.\n\n"),
        (
            "wait 1h be-removable be",
            "Failed. This proxy cannot be removed at runtime due to other configuration elements pointing to it.\n\n",
        ),
        ("user; wait 1", "\nPermission denied\n\n"),
    ] {
        assert_eq!(proxy.ask(command), said, "{command}");
    }
    assert!(proxy.ask("wait -h").starts_with("Usage: wait {-h|<duration>} [condition [args...]]\n  - '-h' displays"));
}

#[test]
fn a_server_becomes_removable_when_its_last_session_is_over() {
    // It takes connections and never answers.
    let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = server.local_addr().expect("an address").port();
    let proxy = proxy(&format!(" server s1 127.0.0.1:{port}\n server s2 127.0.0.1:1 disabled\n"));
    let mut client = TcpStream::connect(("127.0.0.1", proxy.port)).expect("it listens");
    client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").expect("it reads");
    until("the request is with the server", || proxy.ask("show sess server be/s1").contains("srv=s1"));
    proxy.ask("disable server be/s1");
    let held = "Wait delay expired. Server still has connections attached to it, cannot remove it.\n\n";
    assert_eq!(proxy.ask("wait 1 srv-removable be/s1"), held);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| proxy.ask("wait 1h srv-removable be/s1; del server be/s1"));
        proxy.ask("shutdown sessions server be/s1");
        assert_eq!(waiting.join().expect("it ends"), "Done.\n\nServer deleted.\n");
    });
    drop(server);
}

/// What a connection says to these commands until it ends.
fn talk(proxy: &Proxy, commands: &str) -> String {
    let mut stream = std::os::unix::net::UnixStream::connect(proxy.path("socket")).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a limit");
    stream.write_all(commands.as_bytes()).expect("it reads");
    let mut said = String::new();
    match stream.read_to_string(&mut said) {
        Ok(_) => said,
        Err(error) => panic!("{:?} {said}", error.kind() == ErrorKind::WouldBlock),
    }
}

#[test]
fn a_payload_may_have_empty_lines_and_ends_with_the_line_that_was_announced() {
    let proxy = Proxy::serving(OURS, |port, directory| {
        std::fs::write(directory.join("m.map"), "a.com be1\n").expect("a file");
        let directory = directory.display();
        format!(
            "global\n stats socket {directory}/socket level admin\ndefaults\n mode http\n timeout client 5s\n timeout connect \
             5s\n timeout server 5s\nfrontend fe\n bind 127.0.0.1:{port}\n http-request return status 200 hdr x \
             %[hdr(host),map({directory}/m.map)]\n"
        )
    });
    assert_eq!(proxy.ask("add map DIR/m.map <<EOF\n\nb.com be2\n\nc.com be3\nEOF\nget map DIR/m.map b.com"), {
        let found = "type=str, case=sensitive, found=yes, idx=tree, key=\"b.com\", value=\"be2\", type=\"str\"";
        format!("\n{found}\n\n")
    });
    assert!(proxy.ask("get map DIR/m.map c.com").contains("value=\"be3\""));
}

#[test]
fn a_prompt_is_shown_where_it_is_asked_for() {
    let proxy = proxy(" server s1 127.0.0.1:1\n");
    assert_eq!(talk(&proxy, "prompt i\necho a\nquit\n"), "\na\n\n");
    assert_eq!(talk(&proxy, "prompt p\necho a\nprompt n\n"), "\n> a\n\n> \n");
    assert_eq!(talk(&proxy, "prompt\necho a\nprompt\n"), "\n> a\n\n> \n");
    let timed = talk(&proxy, "prompt timed\nquit\n");
    assert!(timed.starts_with("\n[0:00:") && timed.ends_with("]> "), "{timed}");
    assert!(talk(&proxy, "prompt x\n").starts_with("Usage: prompt [help | n | i | p | timed]*\n"));
}

/// The value of the cookie column of a server.
fn cookie(proxy: &Proxy, server: &str) -> String {
    let csv = proxy.ask("show stat");
    let mut lines = csv.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let place = lines.next().and_then(|header| header.iter().position(|name| *name == "cookie")).expect("a column");
    let row = lines.find(|cells| cells.get(1) == Some(&server)).expect("a row");
    row[place].to_owned()
}

#[test]
fn cookies_made_of_addresses_change_with_their_key_and_the_address() {
    let proxy = proxy(
        " cookie SRV insert dynamic\n dynamic-cookie-key one\n server s1 192.0.2.1:80\n server s2 192.0.2.2:80 cookie own\n",
    );
    let both = || [cookie(&proxy, "s1"), cookie(&proxy, "s2")];
    let first = cookie(&proxy, "s1");
    assert_eq!((first.len(), both()), (16, [first.clone(), "own".to_owned()]));
    proxy.ask("set dynamic-cookie-key backend be two");
    let second = cookie(&proxy, "s1");
    assert!(second.len() == 16 && second != first);
    proxy.ask("set server be/s1 addr 192.0.2.3");
    let third = cookie(&proxy, "s1");
    assert!(third.len() == 16 && third != second);
    proxy.ask("disable dynamic-cookie backend be");
    assert_eq!(both(), [String::new(), "own".to_owned()]);
    proxy.ask("enable dynamic-cookie backend be");
    assert_eq!(both(), [third, "own".to_owned()]);
}

#[test]
fn a_guid_is_nobody_elses() {
    let proxy = proxy(" guid app\n server s1 192.0.2.1:80 guid app:s1\n");
    for guid in ["app", "app:s1"] {
        let said = proxy.ask(&format!("add server be/s2 192.0.2.2:80 guid {guid}"));
        assert_eq!(said, "The guid of the server is another one's.\n\n");
    }
    assert_eq!(proxy.ask("add server be/s2 192.0.2.2:80 guid app:s2"), "New server registered.\n\n");
    assert!(proxy.ask("dump stats-file").contains("\napp:s2,0,"));
}

#[test]
fn help_about_words_tells_what_is_like_them() {
    let proxy = proxy(" server s1 127.0.0.1:1\n");
    let listed = |command: &str| proxy.ask(command).lines().skip(1).filter(|line| !line.is_empty()).count();
    let told = proxy.ask("help show ta");
    assert!(told.starts_with("The following commands are valid at this level:\n  show table "), "{told}");
    // One that is meant, and how to get help, a prompt and out.
    assert_eq!(listed("help show ta"), 4);
    assert!((4..=8).contains(&listed("help no such thing")));
    assert!(listed("help") > 70);
}

#[test]
fn what_vipgate_does_not_have_is_told_in_a_line() {
    let proxy = proxy(" server s1 127.0.0.1:1\n");
    for (command, said) in [
        ("set ssl cert a.pem", "vipgate has no TLS yet"),
        ("show tasks", "vipgate's scheduler does not list its tasks"),
        ("trace h1 sink stderr", "vipgate has no trace sources"),
        ("set anon on", "vipgate does not anonymize"),
    ] {
        let answer = proxy.ask(command);
        assert!(answer.starts_with(said) && answer.trim_end().lines().count() == 1, "{answer}");
    }
    assert_eq!(proxy.ask("show anon"), "Anonymized mode disabled\n\n");
    assert_eq!(proxy.ask("show default-server zz"), "Can't find backend.\n\n");
}
