//! `show table`: after the same traffic the entries are told as by the packaged haproxy.

use super::proxy::{BOTH, Proxy};
use super::until;

fn proxy(program: &[&str]) -> Proxy {
    Proxy::serving(program, |port, directory| {
        format!(
            "global\n stats socket {} level admin\n nbthread 1\ndefaults\n mode http\n timeout client 20s\n timeout connect 5s\n \
             timeout server 20s\nfrontend fe\n bind 127.0.0.1:{port}\n \
             http-request track-sc0 src table hosts\n http-request track-sc1 path table paths\n \
             http-request sc-inc-gpc0(0)\n http-request sc-set-gpt0(1) 7 if {{ path /b }}\n \
             http-request deny if {{ path /denied }}\n http-request return status 200\n\
             backend hosts\n stick-table type ip size 1k expire 1h store \
             gpc0,conn_cnt,conn_cur,http_req_cnt,http_req_rate(1h),http_err_cnt\n\
             backend paths\n stick-table type string len 16 size 1k expire 1h store gpt0,http_req_cnt\n",
            directory.join("socket").display()
        )
    })
}

fn get(proxy: &Proxy, path: &str) {
    let answer = proxy.exchange(&format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"));
    assert!(answer.starts_with("HTTP/1.1 "), "{answer}");
}

/// An answer without addresses in memory, times that run down and, as 2.6 has none, the shard, its lines in order.
fn plain(answer: &str) -> String {
    let word = |word: &str| match word.split_once('=') {
        Some(("exp", _)) => "exp=T".to_owned(),
        Some(("shard", _)) => String::new(),
        _ if word.starts_with("0x") => "0x:".to_owned(),
        _ => word.to_owned(),
    };
    let mut lines: Vec<String> = answer
        .lines()
        .map(|line| line.split(' ').map(word).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" "))
        .collect();
    lines.sort_unstable();
    lines.join("\n")
}

#[test]
fn entries_are_told_as_by_the_packaged_haproxy() {
    let commands = [
        "show table",
        "show table hosts",
        "show table paths",
        "show table paths key /b",
        "show table paths key /nowhere",
        "show table paths data.gpt0 eq 7",
        "show table paths data.http_req_cnt gt 1",
        "show table hosts data.gpc0 lt 1",
        "show table nothing",
        "show table paths data.nothing gt 1",
        "show table paths data.conn_cnt gt 1",
        "set table paths key /c data.gpt0 9; show table paths key /c",
        "clear table paths key /a; show table paths",
        "clear table paths data.gpt0 eq 7; show table paths",
    ];
    let [ours, theirs] = BOTH.map(|program| {
        let proxy = proxy(program);
        ["/a", "/b", "/b", "/denied"].iter().for_each(|path| get(&proxy, path));
        // A session may be forgotten a moment after its answer.
        until("nobody is connected", || proxy.ask("show table hosts").contains(" conn_cur=0 "));
        commands.map(|command| plain(&proxy.ask(command)))
    });
    let differs = |((command, ours), theirs): ((&&str, &String), &String)| {
        (ours != theirs).then(|| format!("{command}\n--- vipgate\n{ours}\n--- haproxy\n{theirs}"))
    };
    let differing: Vec<String> = commands.iter().zip(&ours).zip(&theirs).filter_map(differs).collect();
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}
