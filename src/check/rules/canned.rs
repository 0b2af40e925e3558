//! Checks of protocols as lists of `tcp-check` rules: `option redis-check` and its like (manual §4.2).

use std::sync::Arc;

use crate::rule::RuleError;
use crate::rule::variable::{Stored, VariableName, VariableScope};

use super::words::Reader;
use super::{Expect, Pattern, Verdicts};

/// A canned list.
#[derive(Default)]
pub(super) struct Script {
    /// Words of each rule, or a judgement that has no words.
    pub(super) lines: Vec<(Vec<String>, Option<Custom>)>,
    /// Variables that its rules read.
    pub(super) preset: Vec<(VariableName, Stored)>,
}

/// Judgements that no rule can be written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Custom {
    MysqlGreeting,
    MysqlAnswer,
    Ldap,
    Spop,
}

/// The rule of a judgement.
pub(super) fn custom(custom: Custom) -> Expect {
    let pattern = match custom {
        Custom::MysqlGreeting => Pattern::Mysql { is_second: false },
        Custom::MysqlAnswer => Pattern::Mysql { is_second: true },
        Custom::Ldap => Pattern::Ldap,
        Custom::Spop => Pattern::Spop,
    };
    Expect { pattern, is_inverted: false, min_receive: None, verdicts: Verdicts::default() }
}

/// The list of `option NAME`, whose arguments are next.
pub(super) fn script(name: &str, reader: &mut Reader<'_, '_, '_>) -> Result<Script, RuleError> {
    match name {
        "redis-check" => redis(reader),
        "ssl-hello-chk" => ssl_hello(reader),
        "smtpchk" => smtp(reader),
        "mysql-check" => mysql(reader),
        "pgsql-check" => postgres(reader),
        "ldap-check" => ldap(reader),
        "spop-check" => spop(reader),
        _ => Err(RuleError::new(1, format!("'option {name}' is no kind of check"))),
    }
}

impl Script {
    fn line(mut self, words: &[&str]) -> Script {
        let words = ["tcp-check"].iter().chain(words).map(|word| (*word).to_owned()).collect();
        self.lines.push((words, None));
        self
    }

    fn judge(mut self, custom: Custom) -> Script {
        self.lines.push((Vec::new(), Some(custom)));
        self
    }

    fn with(mut self, name: &str, value: Stored) -> Script {
        self.preset.push((VariableName { scope: VariableScope::Check, name: name.into() }, value));
        self
    }
}

fn text(text: &str) -> Stored {
    Stored::Str(Arc::from(text.as_bytes()))
}

fn redis(reader: &mut Reader<'_, '_, '_>) -> Result<Script, RuleError> {
    reader.end()?;
    Ok(Script::default().line(&["send", "*1\r\n$4\r\nPING\r\n"]).line(&[
        "expect",
        "string",
        "+PONG\r\n",
        "error-status",
        "L7STS",
        "on-error",
        "%[res.payload(0,0),cut_crlf]",
        "on-success",
        "Redis server is ok",
    ]))
}

/// A hello of SSLv3 with 39 ciphers: the server must answer with a handshake or an alert.
fn ssl_hello(reader: &mut Reader<'_, '_, '_>) -> Result<Script, RuleError> {
    reader.end()?;
    let ciphers = (0x01..=0x1b).chain(0x2f..=0x3a).map(|cipher| format!("{cipher:04X}")).collect::<String>();
    let random = b"HAPROXYSSLCHK\nHAPROXYSSLCHK\n".iter().map(|byte| format!("{byte:02X}")).collect::<String>();
    let hello = format!("1603000079010000750300%[date(),htonl,hex]{random}00004E{ciphers}0100");
    Ok(Script::default().line(&["send-binary-lf", &hello]).line(&[
        "expect",
        "rbinary",
        "^1[56]",
        "min-recv",
        "5",
        "ok-status",
        "L6OK",
        "error-status",
        "L6RSP",
        "tout-status",
        "L6TOUT",
    ]))
}

fn smtp(reader: &mut Reader<'_, '_, '_>) -> Result<Script, RuleError> {
    let hello = match (reader.next(), reader.next()) {
        (Some(command @ ("HELO" | "EHLO")), Some(domain)) => format!("{command} {domain}"),
        _ => "HELO localhost".to_owned(),
    };
    reader.end()?;
    if hello.contains(['\r', '\n']) {
        return Err(reader.wrong("a domain is one line"));
    }
    let message = "%[res.payload(4,0),ltrim(' '),cut_crlf]";
    let status = ["status-code", "res.payload(0,3)"];
    let expect = |pattern: &str, more: &[&str]| -> Vec<String> {
        ["expect", "rstring", pattern].iter().chain(more).map(|word| (*word).to_owned()).collect()
    };
    let greeting = expect(
        "^[0-9]{3}[ \r]",
        &["min-recv", "4", "error-status", "L7RSP", "on-error", "%[res.payload(0,0),cut_crlf]"],
    );
    let welcome = expect(
        "^2[0-9]{2}[ \r]",
        &["min-recv", "4", "error-status", "L7STS", "on-error", message, status[0], status[1]],
    );
    let answer = expect(
        "^(2[0-9]{2}-[^\r]*\r\n)*2[0-9]{2}[ \r]",
        &["error-status", "L7STS", "on-error", message, "on-success", message, status[0], status[1]],
    );
    let farewell = expect(
        "^2[0-9]{2}[- \r]",
        &["min-recv", "4", "error-status", "L7STS", "on-error", message, "on-success", message, status[0], status[1]],
    );
    let add = |script: Script, line: &[String]| script.line(&line.iter().map(String::as_str).collect::<Vec<_>>());
    let script = Script::default().with("smtp_cmd", text(&hello)).line(&["connect", "default", "linger"]);
    let script = add(add(script, &greeting), &welcome).line(&["send-lf", "%[var(check.smtp_cmd)]\r\n"]);
    Ok(add(add(script, &answer).line(&["send", "QUIT\r\n"]), &farewell))
}

/// Either waits for the greeting alone, or logs in as a user without a password and leaves.
fn mysql(reader: &mut Reader<'_, '_, '_>) -> Result<Script, RuleError> {
    let script = Script::default().line(&["connect", "default", "linger"]);
    let Some(word) = reader.next() else { return Ok(script.judge(Custom::MysqlGreeting)) };
    if word != "user" {
        return Err(reader.wrong(format!("only supports optional values: 'user' (got '{word}')")));
    }
    let user = reader.argument("a <username>")?;
    const LEAVE: &str = "0100000001";
    let zeros = "00".repeat(23);
    let name = "%[var(check.username),hex]00";
    let (length, body) = match reader.next() {
        None | Some("post-41") => (user.len() + 34, format!("008200000080000121{zeros}{name}00")),
        Some("pre-41") => (user.len() + 7, format!("0080000001{name}00")),
        Some("post-80") => {
            let plugin = "6d7973716c5f6e61746976655f70617373776f726400";
            (user.len() + 56, format!("008208000080000121{zeros}{name}00{plugin}"))
        }
        Some(other) => {
            return Err(reader.wrong(format!("only supports 'post-41', 'pre-41' and 'post-80' (got '{other}')")));
        }
    };
    reader.end()?;
    let length = u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
    let header = Stored::Bin(Arc::from([length[0], length[1], length[2], 1]));
    Ok(script
        .with("header", header)
        .with("username", text(user))
        .line(&["send-binary-lf", &format!("%[var(check.header),hex]{body}{LEAVE}")])
        .judge(Custom::MysqlGreeting)
        .judge(Custom::MysqlAnswer))
}

fn postgres(reader: &mut Reader<'_, '_, '_>) -> Result<Script, RuleError> {
    if reader.next() != Some("user") {
        return Err(reader.wrong("expects 'user <username>' as argument"));
    }
    let user = reader.argument("a <username>")?;
    reader.end()?;
    let length = i64::try_from(user.len() + 15).unwrap_or(i64::MAX);
    let request = "%[var(check.plen),htonl,hex]000300007573657200%[var(check.username),hex]0000";
    Ok(Script::default()
        .with("username", text(user))
        .with("plen", Stored::Int(length))
        .line(&["connect", "default", "linger"])
        .line(&["send-binary-lf", request])
        .line(&[
            "expect",
            "!rstring",
            "^E",
            "min-recv",
            "5",
            "error-status",
            "L7RSP",
            "on-error",
            "%[res.payload(6,0)]",
        ])
        .line(&[
            "expect",
            "rbinary",
            "^52000000[A-Z0-9]{2}000000(00|02|03|04|05|06|07|09|0A)",
            "min-recv",
            "9",
            "error-status",
            "L7STS",
            "on-success",
            "PostgreSQL server is ok",
            "on-error",
            "PostgreSQL unknown error",
        ]))
}

/// An anonymous bind of LDAPv3.
fn ldap(reader: &mut Reader<'_, '_, '_>) -> Result<Script, RuleError> {
    reader.end()?;
    Ok(Script::default()
        .line(&["send-binary", "300C020101600702010304008000"])
        .line(&["expect", "rbinary", "^30", "min-recv", "14", "on-error", "Not LDAPv3 protocol"])
        .judge(Custom::Ldap))
}

/// A hello of a stream processing engine that only wants to know whether the agent is well.
fn spop(reader: &mut Reader<'_, '_, '_>) -> Result<Script, RuleError> {
    reader.end()?;
    let hello = "0000004e010000000100001\
                 2737570706f727465642d76657273696f6e730803322e300e6d61782d6672616d652d73697a6503fcf0060c6361706162\
                 696c697469657308000b6865616c7468636865636b11";
    Ok(Script::default()
        .line(&["connect", "default", "proto", "none"])
        .line(&["send-binary", hello])
        .judge(Custom::Spop))
}
