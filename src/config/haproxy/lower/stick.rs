//! `stick-table` lines and the tables of `peers` sections.

use crate::config::draft::Table;
use crate::config::haproxy::section::{Line, Section};
use crate::config::haproxy::table::{Place, Row};
use crate::config::stick_table;
use crate::diag::{Diagnostic, Severity, Spanned};

use super::Context;
use super::settings::{Settings, spanned};

/// `stick-table type ...` of a proxy.
pub fn stick_table(settings: &mut Settings, _: &'static Row, line: &Line, context: &Context<'_>) {
    if let Some(first) = &settings.table {
        let message = "a proxy has one stick table";
        let problem = Diagnostic::error("E-DUPLICATE", line.span_of(1), message);
        return context.push(problem.label(first.name.span, "first given here"));
    }
    settings.table = read(line, 1, "", context);
}

/// The tables of a `peers` section.
pub fn peers(section: &Section, context: &Context<'_>) -> Vec<Table> {
    let Some(name) = context.argument(&section.head, 1, "a name") else { return Vec::new() };
    context.no_more(&section.head, 2);
    let mut tables: Vec<Table> = Vec::new();
    for line in &section.lines {
        let Some((row, _)) = context.find(Place::Peers, Place::Peers, line) else { continue };
        if row.name != "table" {
            continue;
        }
        let Some(own) = context.argument(line, 1, "a name") else { continue };
        let whole = spanned(&format!("{}/{}", name.text, own.text), own.span);
        if let Some(first) = tables.iter().find(|known| known.name.value == whole.value) {
            let problem = Diagnostic::error("E-DUPLICATE", own.span, format!("table '{}' is given twice", own.text));
            context.push(problem.label(first.name.span, "first given here"));
            continue;
        }
        tables.extend(read(line, 2, &whole.value, context).map(|table| Table { name: whole, ..table }));
    }
    tables
}

/// Warns of a `peers` section that this node is not in.
pub fn has_local_peer(section: &Section, named: Option<&str>, context: &Context<'_>) {
    let local = named.unwrap_or(context.node);
    let is_local = |line: &&Line| matches!(line.text(0), "peer" | "server") && line.text(1) == local;
    let is_off = |line: &Line| line.text(0) == "disabled";
    if !section.lines.iter().any(|line| is_local(&line)) && !section.lines.iter().any(is_off) {
        let name = section.name().map_or("", |name| name.text.as_str());
        let message = format!("Removing incomplete section 'peers {name}' (no peer named '{local}')");
        let hint = "its tables are kept on this node alone anyway";
        context.warning("W-PEERS", section.head.span_of(2), message, hint);
    }
}

fn read(line: &Line, from: usize, name: &str, context: &Context<'_>) -> Option<Table> {
    let words: Vec<&str> = line.from(from).iter().map(|word| word.text.as_str()).collect();
    let span = |at: usize| line.word(from + at).map_or(line.end(), |word| word.span);
    match stick_table::parse(&words) {
        Ok(mut parsed) => {
            for (at, what) in &parsed.repeated {
                context.push(Diagnostic::new(Severity::Warning, "W-TWICE", what.clone()).label(span(*at), ""));
            }
            if let Some(at) = parsed.peers {
                let message = "'peers' differs: the table is kept on this node alone so far";
                context.push(Diagnostic::new(Severity::Notice, "N-PARTIAL", message).label(span(at), ""));
            }
            parsed.table.name = name.to_owned();
            let peers = parsed.peers.and_then(|at| line.word(from + at)).map(|word| spanned(&word.text, word.span));
            Some(Table { name: Spanned::new(name.to_owned(), line.span_of(from)), model: parsed.table, peers })
        }
        Err(wrong) => {
            context.push(Diagnostic::error("E-VALUE", span(wrong.at), wrong.what).hint_if(wrong.hint));
            None
        }
    }
}
