//! States of servers that a file keeps over restarts, as the packaged haproxy reads them.

use super::proxy::{BOTH, Proxy};

/// Options of each server, and what the file says: operational state, administrative state, weight, the weight that was
/// configured, state of the check, port.
const SERVERS: &[(&str, &str, &str)] = &[
    ("reweighted", "weight 10", "2 0 7 10 1 0 0 0 1"),
    ("weighted-anew", "weight 20", "2 0 3 10 1 0 0 0 1"),
    ("down", "check inter 1h", "0 0 1 1 8 2 0 2 1"),
    ("down-unchecked", "", "0 0 1 1 1 0 0 0 1"),
    ("maintained", "", "0 1 1 1 1 0 0 0 1"),
    ("drained", "", "2 8 1 1 1 0 0 0 1"),
    ("stopping", "", "3 0 1 1 1 0 0 0 1"),
    ("drained-by-weight", "weight 5", "2 8 0 0 1 0 0 0 1"),
    ("disabled-now", "disabled", "2 0 1 1 1 0 0 0 1"),
    ("disabled-before", "", "0 5 1 1 1 0 0 0 1"),
    ("enabled-by-hand", "disabled", "2 4 1 1 1 0 0 0 1"),
    ("moved", "", "2 0 1 1 1 0 0 0 99"),
    ("wrong", "weight 3", "7 0 1 3 1 0 0 0 1"),
];

fn file() -> String {
    let lines = SERVERS.iter().zip(1..).map(|((name, _, state), number)| {
        let fields: Vec<&str> = state.split(' ').collect();
        let [operation, admin, weight, configured, status, result, health, check, port] = fields[..] else {
            panic!("{state}")
        };
        format!(
            "3 be {number} {name} 127.0.0.1 {operation} {admin} {weight} {configured} 600 {status} {result} {health} \
             {check} 0 0 0 - {port} - 0 0 - - 0\n"
        )
    });
    format!(
        "1\n# be_id be_name srv_id srv_name\n{}3 be 99 gone 127.0.0.1 2 0 1 1 6 1 0 0 0 0 0 0 - 1 - 0 0 - - 0\n",
        lines.collect::<String>()
    )
}

/// With these lines of the process and the backend; the file is `states/kept`.
fn proxy(program: &[&str], of_process: &str, of_backend: &str, file: Option<&str>) -> Proxy {
    Proxy::serving(program, |port, directory| {
        let directory = directory.display().to_string();
        std::fs::create_dir(format!("{directory}/states")).expect("a directory");
        if let Some(file) = file {
            std::fs::write(format!("{directory}/states/kept"), file).expect("a file");
        }
        let servers = SERVERS.iter().map(|(name, options, _)| format!(" server {name} 127.0.0.1:1 {options}\n"));
        format!(
            "global\n stats socket {directory}/socket level admin\n {}\ndefaults\n timeout client 5s\n timeout connect \
             5s\n timeout server 5s\nfrontend fe\n bind 127.0.0.1:{port}\n default_backend be\nbackend be\n {}\n{}",
            of_process.replace("DIR", &directory),
            of_backend.replace("DIR", &directory),
            servers.collect::<String>()
        )
    })
}

/// Name, administrative state, weights and port of each server; its operational state where it is not in maintenance; and
/// whether it has been like that for the ten minutes that the file says (haproxy is a second off at times).
fn states(proxy: &Proxy) -> Vec<String> {
    let dump = proxy.ask("show servers state be");
    let line = |line: &str| {
        let fields: Vec<&str> = line.split(' ').collect();
        let since: i64 = fields[9].parse().expect("seconds");
        let operation = if fields[6] == "0" || fields[6] == "8" { fields[5] } else { "-" };
        format!("{} {operation} {} {}", fields[3], fields[6..9].join(" "), fields[18])
            + if since >= 590 { " kept" } else { "" }
    };
    dump.lines().skip(2).filter(|line| !line.is_empty()).map(line).collect()
}

#[test]
fn servers_are_after_a_start_what_the_file_says_as_in_haproxy() {
    let file = file();
    for (of_process, of_backend) in [
        ("server-state-file DIR/states/kept", "load-server-state-from-file global"),
        ("server-state-base DIR/states\n server-state-file kept", "load-server-state-from-file global"),
        ("server-state-base DIR/states/", "load-server-state-from-file local\n server-state-file-name kept"),
    ] {
        let [theirs, ours] = BOTH.map(|program| states(&proxy(program, of_process, of_backend, Some(&file))));
        assert_eq!(ours, theirs, "{of_process}");
        assert!(theirs.iter().any(|line| line == "reweighted 2 0 7 10 1 kept"), "{theirs:?}");
        assert!(theirs.iter().any(|line| line.starts_with("down 0 ")), "{theirs:?}");
    }
}

#[test]
fn a_file_that_is_missing_wrong_or_not_asked_for_changes_nothing() {
    let file = file();
    let cut = file.trim_end();
    for (of_backend, file) in [
        ("load-server-state-from-file global", None),
        ("load-server-state-from-file global", Some("")),
        ("load-server-state-from-file global", Some("2\n")),
        ("load-server-state-from-file global", Some(cut)),
        ("load-server-state-from-file none", Some(&*file)),
        ("server-state-file-name kept", Some(&*file)),
    ] {
        // What is probed may be down by now.
        let [theirs, ours] = BOTH.map(|program| {
            let mut states = states(&proxy(program, "server-state-file DIR/states/kept", of_backend, file));
            states.retain(|line| !line.starts_with("down "));
            states
        });
        assert_eq!(ours, theirs, "{of_backend} {file:?}");
        assert!(theirs.iter().any(|line| line == "reweighted 2 0 10 10 1"), "{theirs:?}");
    }
}

#[test]
fn what_one_process_dumps_the_next_one_takes() {
    let [backend, process] = ["load-server-state-from-file global", "server-state-file DIR/states/kept"];
    for program in BOTH {
        let first = proxy(program, process, backend, None);
        for command in ["set weight be/reweighted 4", "disable server be/moved", "set server be/drained state drain"] {
            assert_eq!(first.ask(command), "\n", "{program:?}: {command}");
        }
        let dump = first.ask("show servers state");
        drop(first);
        for next in BOTH {
            let states = states(&proxy(next, process, backend, Some(&dump)));
            for line in ["reweighted 2 0 4 10 1", "moved - 1 1 1 1", "drained 2 8 1 1 1"] {
                let is_there = states.iter().any(|state| state.trim_end_matches(" kept") == line);
                assert!(is_there, "{program:?} to {next:?}: {line} in {states:?}");
            }
        }
    }
}
