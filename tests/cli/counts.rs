//! Counters that a file keeps over restarts.

use std::collections::BTreeMap;

use super::proxy::{OURS, Proxy};

/// With this statistics file, or one that is not there.
fn proxy(file: Option<&str>) -> Proxy {
    Proxy::serving(OURS, |port, directory| {
        let at = |name: &str| directory.join(name).display().to_string();
        if let Some(file) = file {
            std::fs::write(at("kept"), file).expect("a file");
        }
        format!(
            "global\n stats socket {} level admin\n stats-file {}\ndefaults\n mode http\n timeout client 5s\n timeout \
             connect 5s\n timeout server 5s\nfrontend fe\n guid web\n option socket-stats\n bind 127.0.0.1:{port} \
             guid-prefix door name door\n default_backend be\nbackend be\n guid app\n server s1 127.0.0.1:1 guid app:s1\n \
             server s2 127.0.0.1:1\nbackend other\n",
            at("socket"),
            at("kept")
        )
    })
}

/// Values of a column, by the name of the row.
fn column(proxy: &Proxy, name: &str) -> BTreeMap<String, String> {
    let csv = proxy.ask("show stat");
    let mut lines = csv.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().expect("a header");
    let place = header.iter().position(|one| *one == name).expect("a column");
    let rows = lines.filter(|cells| cells.len() == header.len());
    rows.map(|cells| (format!("{}/{}", cells[0], cells[1]), cells[place].to_owned())).collect()
}

/// Sessions of the rows that have some.
fn sessions(proxy: &Proxy) -> Vec<(String, String)> {
    column(proxy, "stot").into_iter().filter(|(_, value)| value != "0").collect()
}

fn rows(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn counters_go_on_from_what_was_dumped() {
    let first = proxy(Some(
        "#fe guid,stot,h1sess,hrsp_2xx,\nweb,10,1,8,\ndoor-0,9,1,0,\napp,1,1,1,\n\n#be guid,stot,chkfail,chkdown,bin,\n\
         app,7,0,3,500,\napp:s1,6,4,2,400,\nnobody,5,5,5,5,\n",
    ));
    let told = rows(&[("be/BACKEND", "7"), ("be/s1", "6"), ("fe/FRONTEND", "10"), ("fe/door", "9")]);
    assert_eq!(sessions(&first), told);
    assert_eq!(column(&first, "hrsp_2xx")["fe/FRONTEND"], "8");
    assert_eq!((&*column(&first, "bin")["be/s1"], &*column(&first, "chkdown")["be/BACKEND"]), ("400", "3"));
    let dump = first.ask("dump stats-file");
    drop(first);
    let second = proxy(Some(&dump));
    assert_eq!(sessions(&second), told);
    assert_eq!(second.ask("dump stats-file"), dump);
    second.ask("clear counters all");
    assert_eq!(sessions(&second), rows(&[]));
}

#[test]
fn a_file_that_is_missing_or_another_counts_for_nothing() {
    for file in [None, Some("web,10\n"), Some("#fe stot,guid,\nweb,10,\n")] {
        assert_eq!(sessions(&proxy(file)), rows(&[]), "{file:?}");
    }
}
