//! What is watched about servers besides their checks, and who is told.

use crate::config::draft::{Agent, Care, Mail, Reports};
use crate::config::yaml::tree::Node;
use crate::config::yaml::value;
use crate::diag::Spanned;
use crate::model::check::{Layer, OnError};
use crate::model::log::Level;

use super::{list, read, text, word};

pub fn care(node: &Node) -> Care {
    Care {
        agent: node.value("agent").map(|agent| Spanned::new(self::agent(agent), agent.span)),
        track: read(node.value("track"), text),
        observe: read(node.value("observe"), word(&Layer::WORDS)),
        on_error: read(node.value("on_error"), word(&OnError::WORDS)),
        error_limit: read(node.value("error_limit"), value::number),
        closes_when_down: read(node.value("on_marked_down"), word(&[("shutdown-sessions", true)])),
        closes_backups_when_up: read(node.value("on_marked_up"), word(&[("shutdown-backup-sessions", true)])),
    }
}

fn agent(node: &Node) -> Agent {
    Agent {
        address: read(node.value("address"), value::address),
        port: read(node.value("port"), value::number),
        interval: read(node.value("interval"), value::duration),
        timeout: read(node.value("timeout"), value::duration),
        answer_timeout: read(node.value("answer_timeout"), value::duration),
        send: read(node.value("send"), text),
    }
}

pub fn reports(node: &Node) -> Reports {
    let mail = node.value("mail").map(|mail| {
        let written = Mail {
            mailers: list(mail.value("mailers"), value::endpoint),
            timeout: read(mail.value("timeout"), value::duration),
            from: read(mail.value("from"), text),
            to: read(mail.value("to"), text),
            level: read(mail.value("level"), word(&Level::ALL.map(|level| (level.name(), level)))),
            hostname: read(mail.value("hostname"), text),
        };
        Spanned::new(written, mail.span)
    });
    Reports { logs_checks: read(node.value("log_checks"), value::flag), mail }
}
