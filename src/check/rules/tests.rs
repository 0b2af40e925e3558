//! Lines of checks and what becomes of them.

use std::collections::HashMap;

use super::*;
use crate::rule::{NoFiles, Registry, split};

fn compiled(lines: &[&str]) -> Compiled {
    let lines: Vec<Vec<String>> = lines.iter().map(|line| split(line).expect("words")).collect();
    compile(&lines, &NoFiles, &mut Registry::default(), &HashMap::new())
}

/// The rules in short: their steps and kinds.
fn outline(lines: &[&str]) -> String {
    let compiled = compiled(lines);
    assert!(compiled.errors.is_empty(), "{:?}", compiled.errors);
    let Plan::Rules(set) = compiled.plan else { panic!("no rules") };
    let short = |rule: &Rule| {
        let kind = match &rule.action {
            Action::Connect(_) => "connect",
            Action::Send(_) => "send",
            Action::Expect(_) => "expect",
            Action::Variable(_) => "variable",
            Action::Comment => "comment",
        };
        let comment = rule.comment.as_ref().map(|text| format!("({text})")).unwrap_or_default();
        format!("{}:{kind}{comment}", rule.step)
    };
    set.rules.iter().map(short).collect::<Vec<_>>().join(" ")
}

fn complaint(lines: &[&str]) -> String {
    compiled(lines).errors.first().map(|error| error.what.what.clone()).unwrap_or_default()
}

#[test]
fn no_line_is_one_connection() {
    assert_eq!(outline(&[]), "0:connect");
    assert_eq!(outline(&["option tcp-check"]), "0:connect");
}

#[test]
fn http_rules_are_completed() {
    assert_eq!(outline(&["option httpchk"]), "0:connect 1:send 2:expect");
    assert_eq!(outline(&["option httpchk", "http-check expect status 200"]), "0:connect 1:send 1:expect");
    assert_eq!(outline(&["http-check send uri /x", "option httpchk"]), "0:connect 1:send 2:expect");
    assert_eq!(outline(&["option httpchk", "http-check connect port 81"]), "1:connect 2:send 3:expect");
    let twice = ["option httpchk", "http-check connect", "http-check send", "http-check expect status 200"];
    let more = [&twice[..], &["http-check connect", "http-check send"]].concat();
    assert_eq!(outline(&more), "1:connect 2:send 3:expect 4:connect 5:send 6:expect");
}

#[test]
fn comments_go_to_the_rules_behind_them() {
    let lines = [
        "option tcp-check",
        "tcp-check comment first",
        "tcp-check connect",
        "tcp-check comment second",
        "tcp-check expect string a",
        "tcp-check expect string b comment own",
        "tcp-check send x",
    ];
    assert_eq!(outline(&lines), "2:connect(first) 4:expect(second) 5:expect(own) 6:send");
}

#[test]
fn only_the_last_option_counts_and_the_rules_of_others_are_told() {
    let found = compiled(&["option httpchk", "option tcp-check", "http-check expect status 200"]);
    assert_eq!(found.unused, [(2, "option httpchk")]);
    assert!(matches!(found.plan, Plan::Rules(Ruleset { kind: Kind::Tcp, .. })));
}

#[test]
fn what_is_wrong_is_told() {
    for (lines, expected) in [
        (&["option tcp-check", "tcp-check send x", "tcp-check connect"][..], "first step MUST also be a 'connect'"),
        (&["option tcp-check", "tcp-check expect status 200"], "'status' is not supported by 'tcp-check expect'"),
        (&["option httpchk", "http-check expect binary 00"], "'binary' is not supported by 'http-check expect'"),
        (&["option httpchk", "http-check expect string a string b"], "only one pattern expected"),
        (&["option httpchk", "http-check expect ! min-recv 1"], "[!] not supported with 'min-recv'"),
        (&["option tcp-check", "tcp-check connect ssl"], "TLS comes in a later version"),
        (&["option tcp-check", "tcp-check connect port 0"], "expects a TCP port"),
        (&["option tcp-check", "tcp-check send-binary 0g"], "is no binary string"),
        (&["option tcp-check", "tcp-check frob"], "not 'frob'"),
        (&["option httpchk", "http-check connect", "http-check connect"], "missing expect rule"),
        (&["option httpchk", "http-check expect ok-status L7STS status 200"], "only L7OK"),
        (&["option httpchk", "http-check send hdr x '%[fc_rtt]'"], "health checks do not know it"),
        (&["option mysql-check usr"], "only supports optional values: 'user'"),
        (&["option pgsql-check"], "expects 'user <username>'"),
        (&["option external-check"], "needs 'external-check command'"),
        (&["option redis-check now"], "unexpected argument 'now'"),
    ] {
        let complaint = complaint(lines);
        assert!(complaint.contains(expected), "{lines:?}: {complaint}");
    }
}

#[test]
fn every_canned_check_compiles() {
    for line in [
        "option redis-check",
        "option ssl-hello-chk",
        "option smtpchk",
        "option smtpchk EHLO example.org",
        "option mysql-check",
        "option mysql-check user haproxy",
        "option mysql-check user haproxy pre-41",
        "option mysql-check user haproxy post-80",
        "option pgsql-check user haproxy",
        "option ldap-check",
        "option spop-check",
    ] {
        assert_eq!(complaint(&[line]), "", "{line}");
    }
}

#[test]
fn program_has_a_command_and_a_path() {
    let found = compiled(&["option external-check", "external-check command /bin/true", "external-check path /bin"]);
    let Plan::Program(program) = found.plan else { panic!("no program") };
    assert_eq!(program, Program { command: "/bin/true".to_owned(), path: "/bin".to_owned() });
}
