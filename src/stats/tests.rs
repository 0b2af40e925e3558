//! Rows and texts of a small balancer.

use std::time::Duration;

use super::catalog::{COLUMNS, Column};
use super::render::{show_info, show_schema, show_stat};
use super::row::Cell;
use super::snapshot::{Backend, Check, Frontend, Level, Proxy, Server, Snapshot, Standing};
use super::{InfoRequest, StatRequest};
use crate::model::proxy::Mode;
use crate::state::counters::Totals;
use crate::state::servers::{Admin, Health, LastCheck};
use crate::time::Instant;

fn server(name: &str, id: u32) -> Server {
    Server {
        name: name.to_owned(),
        id,
        address: "127.0.0.1:8081".parse().unwrap(),
        cookie: None,
        lacks_address: false,
        admin: Admin::Ready,
        tracked: None,
        health: Health::Unchecked,
        check: None,
        weight: (1, 1),
        is_backup: false,
        sessions: Level::default(),
        queued: Level::default(),
        agent: None,
        shared: Admin::Ready,
        guid: None,
        idle: [0; 2],
        idle_limit: None,
        throttle: None,
        standing: Standing { since: Duration::from_secs(18), downs: 1, downtime: Duration::from_secs(17) },
        last_session: None,
        totals: Totals::default(),
    }
}

fn checked(health: Health, counter: u32, code: &'static str, detail: &str) -> Server {
    let last = LastCheck {
        code,
        meaning: "in words",
        status: detail.split(' ').next().and_then(|code| code.parse().ok()),
        detail: detail.split_once(' ').map_or("", |(_, rest)| rest).to_owned(),
        duration: Duration::from_millis(3),
        at: Instant::ZERO,
    };
    let check = Check { rise: 2, fall: 3, counter, failures: 1, last: Some(last) };
    Server { health, check: Some(check), ..server("checked", 1) }
}

fn snapshot() -> Snapshot {
    let mut fe = Proxy::new("fe", 2, Mode::Http);
    let totals =
        Totals { sessions: 3, requests: 3, connections: 3, bytes_in: 246, bytes_out: 348, ..Totals::default() };
    let sessions = Level { now: 0, most: 1, limit: Some(9984) };
    fe.frontend = Some(Frontend { sessions, totals, ..Frontend::default() });
    let mut be = Proxy::new("be", 3, Mode::Http);
    be.servers = vec![
        server("s1", 1),
        Server { admin: Admin::Maint, ..server("s2", 2) },
        Server { is_backup: true, ..server("s3", 3) },
    ];
    be.backend = Some(Backend { algorithm: "roundrobin", ..Backend::default() });
    Snapshot { proxies: vec![fe, be], ..Snapshot::default() }
}

fn stat(words: &str) -> Result<String, &'static str> {
    let words: Vec<&str> = words.split(' ').filter(|word| !word.is_empty()).collect();
    show_stat(&snapshot(), &StatRequest::of(&words))
}

/// `proxy/server` of each line.
fn names(words: &str) -> String {
    let text = stat(words).unwrap();
    let name = |line: &str| line.split(',').take(2).collect::<Vec<_>>().join("/");
    text.lines().skip(1).map(name).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_frontend_is_haproxys_line() {
    let haproxy = "fe,FRONTEND,,,0,1,9984,3,246,348,0,0,0,,,,,OPEN,,,,,,,,,1,2,0,,,,0,0,0,0,,,,0,0,0,0,0,0,,0,0,3,,,0,0,0,0,\
                   ,,,,,,,,,,,,,,,,,,,,http,,0,0,3,0,0,0,0,,,0,0,,,,,,,0,,,,,,,,,-,";
    assert_eq!(stat("fe 1 -1").unwrap().lines().nth(1), Some(haproxy));
}

#[test]
fn a_server_without_a_check_is_haproxys_line() {
    let haproxy = "be,s3,0,0,0,0,,0,0,0,,0,,0,0,0,0,no check,1,0,1,,,18,,,1,3,3,,0,,2,0,,0,,,,0,0,0,0,0,0,,,,0,0,0,,,,,-1,,,\
                   0,0,0,0,,,,,,,,,,,,127.0.0.1:8081,,http,,,,,,,,0,0,0,,,0,,0,0,0,0,0,0,0,0,0,1,,,,-,";
    assert_eq!(stat("be 4 3").unwrap().lines().nth(1), Some(haproxy));
}

#[test]
fn rows_are_chosen_by_proxy_kind_and_number() {
    assert_eq!(names(""), "fe/FRONTEND be/s1 be/s2 be/s3 be/BACKEND");
    assert_eq!(names("-1 4 -1"), "be/s1 be/s2 be/s3");
    assert_eq!(names("3 2 -1"), "be/BACKEND");
    assert_eq!(names("be 6 2"), "be/s2 be/BACKEND");
    assert_eq!(names("99 -1 -1"), "");
    assert_eq!(names("-1 -1 -1 no-maint"), "fe/FRONTEND be/s1 be/s3 be/BACKEND");
    assert_eq!(stat("nosuch 4 -1"), Err("No such proxy.\n"));
}

#[test]
fn a_status_says_how_far_the_checks_are() {
    let status = |server: Server| super::row::status_of_server(&server);
    let table = [
        (checked(Health::Up, 4, "L4OK", ""), "UP"),
        (checked(Health::Up, 3, "L4CON", ""), "UP 2/3"),
        (checked(Health::Up, 2, "L4CON", ""), "UP 1/3"),
        (checked(Health::Down, 0, "L4CON", ""), "DOWN"),
        (checked(Health::Down, 1, "L4OK", ""), "DOWN 1/2"),
        (Server { admin: Admin::Drain, ..checked(Health::Up, 4, "L4OK", "") }, "DRAIN"),
        (Server { admin: Admin::Drain, ..checked(Health::Up, 3, "L4CON", "") }, "DRAIN 2/3"),
        (Server { weight: (0, 1), ..checked(Health::Up, 4, "L4OK", "") }, "UP"),
        (Server { admin: Admin::Maint, ..checked(Health::Down, 0, "L4CON", "") }, "MAINT"),
        (Server { shared: Admin::Maint, tracked: Some("a/b".to_owned()), ..server("s", 1) }, "MAINT (via a/b)"),
        (Server { shared: Admin::Drain, tracked: Some("a/b".to_owned()), ..server("s", 1) }, "DRAIN"),
        (server("s", 1), "no check"),
    ];
    table.into_iter().for_each(|(server, expected)| assert_eq!(status(server), expected));
}

#[test]
fn a_check_of_layer_7_has_its_code_in_a_column_of_its_own() {
    let mut proxy = Proxy::new("be", 1, Mode::Http);
    proxy.servers = vec![checked(Health::Down, 0, "L7STS", "503 Service Unavailable")];
    let row = &super::row::rows(&proxy)[0];
    assert_eq!(row.cell(Column::CheckStatus), &Cell::Text("L7STS".to_owned()));
    assert_eq!(row.cell(Column::CheckCode), &Cell::U32(503));
    assert_eq!(row.cell(Column::LastChk), &Cell::Text("Service Unavailable".to_owned()));
    assert_eq!((row.cell(Column::CheckDuration), row.cell(Column::Chkdown)), (&Cell::U64(3), &Cell::U64(1)));
}

#[test]
fn typed_lines_have_position_tags_and_type() {
    let text = stat("fe 1 -1 typed").unwrap();
    let first: Vec<&str> = text.lines().take(4).collect();
    assert_eq!(
        first,
        [
            "F.2.0.0.pxname.1:KNS:str:fe",
            "F.2.0.1.svname.1:KNS:str:FRONTEND",
            "F.2.0.4.scur.1:MGP:u32:0",
            "F.2.0.5.smax.1:MMP:u32:1"
        ]
    );
    assert!(stat("be 2 -1 typed").unwrap().contains("\nB.3.0.19.act.1:MGP:u32:1\n"));
    assert!(stat("be 4 1 typed desc").unwrap().contains("S.3.1.19.act.1:SGP:u32:1:\"Whether it is active"));
}

#[test]
fn json_has_haproxys_keys_in_their_order() {
    let text = stat("fe 1 -1 json").unwrap();
    let first = "[[{\"objType\":\"Frontend\",\"proxyId\":2,\"id\":0,\"field\":{\"pos\":0,\"name\":\"pxname\"},\
                 \"processNum\":1,\"tags\":{\"origin\":\"Key\",\"nature\":\"Name\",\"scope\":\"Service\"},\
                 \"value\":{\"type\":\"str\",\"value\":\"fe\"}},";
    assert!(text.starts_with(first), "{text}");
    assert!(serde_json::from_str::<serde_json::Value>(&show_schema()).is_ok());
}

#[test]
fn info_has_what_the_tools_need() {
    let mut snapshot = snapshot();
    snapshot.process.version = crate::model::identity::Version::read("2.6.12");
    snapshot.process.node = "lb1".to_owned();
    snapshot.process.uptime = Duration::from_secs(93_784);
    let text = show_info(&snapshot, InfoRequest::default());
    // hatop's list.
    for name in
        ["Version", "Release_date", "Nbproc", "Process_num", "Pid", "Uptime", "Maxconn", "CurrConns", "PipesUsed"]
            .into_iter()
            .chain(["Maxpipes", "Tasks", "Run_queue", "node"])
    {
        assert!(text.lines().any(|line| line.starts_with(&format!("{name}: "))), "{name} is missing");
    }
    assert!(text.starts_with("Name: HAProxy\nVersion: 2.6.12"), "{text}");
    assert!(text.contains("\nUptime: 1d 2h03m04s\nUptime_sec: 93784\n"));
    let typed = show_info(&snapshot, InfoRequest::of(&["typed", "float"]));
    assert!(typed.contains("8.Uptime_sec.1:MDP:flt:93784.000000\n") && typed.contains("50.node.1:COS:str:lb1\n"));
    assert!(show_info(&snapshot, InfoRequest::of(&["json"])).starts_with("[{\"field\":{\"pos\":0,\"name\":\"Name\"}"));
}

#[test]
fn every_column_but_the_last_has_tags_and_a_phrase() {
    let (last, columns) = COLUMNS.split_last().unwrap();
    assert_eq!(last.name, "-");
    assert!(columns.iter().all(|column| column.tags.len() == 3 && !column.doc.is_empty()));
}
