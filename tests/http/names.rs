//! The letter case of names of fields, for those who insist on one, and bodies that old clients send.

use crate::rig::{Peer, Scripted};
use crate::rules::{get, on_both, status};

/// Whether a line of the text begins with these very letters.
fn begins(text: &str, start: &str) -> bool {
    text.lines().any(|line| line.starts_with(start))
}

#[test]
fn names_have_the_letter_case_that_clients_and_servers_insist_on() {
    let cases = "global\n h1-case-adjust x-kept X-KePT\n h1-case-adjust content-length Content-LENGTH\n \
                 h1-case-adjust x-own X-OWN\n";
    let page = "http-request return status 200 hdr X-Own 1 content-type a/b string x if { path /own }\n ";
    for (option, for_client, for_server) in [
        ("option h1-case-adjust-bogus-client", true, false),
        ("option h1-case-adjust-bogus-server", false, true),
        ("option h1-case-adjust-bogus-client\n option h1-case-adjust-bogus-server", true, true),
        ("no option h1-case-adjust-bogus-client", false, false),
    ] {
        let text = format!(
            "{cases}listen web\n bind PORT\n {option}\n {page}http-response set-header x-own %[status]\n server s SERVER\n"
        );
        on_both("http", &text, |connect| {
            let (head, body) = connect().send(get("/")).response();
            assert_eq!(begins(&body, "X-KePT: a, b"), for_server, "{option}\n{body}");
            assert_eq!(begins(&head, "Content-LENGTH: "), for_client, "{option}\n{head}");
            assert_eq!(begins(&head, "X-OWN: 200"), for_client, "{option}\n{head}");
            let head = connect().send(get("/own")).head();
            assert_eq!(begins(&head, "X-OWN: 1"), for_client, "{option}\n{head}");
        });
    }
}

#[test]
fn names_for_those_who_insist_may_stand_in_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("names");
    std::fs::write(&file, "# names\n\n x-gone \t X-gOnE  \nx-kept X-KEPT\n").unwrap();
    let text = format!(
        "global\n h1-case-adjust-file {}\nlisten web\n bind PORT\n option h1-case-adjust-bogus-server\n server s SERVER\n",
        file.display()
    );
    on_both("http", &text, |connect| {
        let (_, body) = connect().send(get("/")).response();
        assert!(begins(&body, "X-gOnE: 1") && begins(&body, "X-KEPT: a, b"), "{body}");
    });
}

#[test]
fn old_clients_may_send_bodies_with_any_method_where_the_process_says_so() {
    let server = Scripted::new(|mut peer: Peer, _| {
        let head = peer.head();
        let body = peer.body(&head);
        peer.answer(&body);
    });
    for (word, expected) in [("h1-accept-payload-with-any-method", "200"), ("description none", "413")] {
        let text = format!("global\n {word}\nlisten web\n bind PORT\n server s {}\n", server.address);
        on_both("http", &text, |connect| {
            for method in ["GET", "DELETE"] {
                let request = format!("{method} / HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc");
                let head = connect().send(request).head();
                assert_eq!(status(&head), expected, "{word}: {method}");
            }
        });
    }
}
