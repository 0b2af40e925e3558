//! `bind` lines, and `listen` with addresses on its own line.

use crate::config::draft::Bind;
use crate::config::haproxy::lex::Word;
use crate::config::haproxy::section::Line;
use crate::config::haproxy::table::{Place, Row, Support};
use crate::diag::Spanned;

use super::Context;
use super::server::{argument, row};
use super::settings::Settings;
use super::value::Ports;

/// Sockets that one line may make; more is a slip of the keyboard.
const MOST_PORTS: usize = 4096;

/// What an option does; the words are itself and its argument.
type Handler = fn(&'static Row, &Word, Option<&Word>, &Context<'_>);

/// Every option that is honoured.
pub const HANDLERS: &[(&str, Handler)] = &[("transparent", noticed), ("v4v6", noticed), ("proto", proto)];

fn noticed(row: &'static Row, word: &Word, _: Option<&Word>, context: &Context<'_>) {
    context.notice(row, word.span);
}

fn proto(row: &'static Row, word: &Word, argument: Option<&Word>, context: &Context<'_>) {
    if let Some(argument) = argument.filter(|argument| argument.text != "h1") {
        let why = row.support.why().unwrap_or_default();
        context.refuse(argument.span, &format!("'{} {}'", word.text, argument.text), why);
    }
}

/// `bind ADDRESS:PORT[,...] OPTION...`.
pub fn bind(settings: &mut Settings, line: &Line, context: &Context<'_>) {
    let Some(word) = context.argument(line, 1, "[addr1]:port1[-end1]{,[addr]:port[-end]}...") else { return };
    addresses(settings, word, context);
    let words = line.from(2);
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let Some(row) = row(Place::Bind, word, context) else { return };
        let Some((count, argument)) = argument(row, words, at, context) else { return };
        match row.support {
            Support::Refused(why) => context.refuse(word.span, &format!("'bind ... {}'", word.text), why),
            Support::Ignored(_) => context.notice(row, word.span),
            Support::Full | Support::Partial(_) => {
                if let Some((_, handler)) = HANDLERS.iter().find(|(name, _)| *name == row.name) {
                    handler(row, word, argument, context);
                }
            }
        }
        at += count;
    }
}

/// The addresses of a word, ranges of ports one by one.
pub fn addresses(settings: &mut Settings, word: &Word, context: &Context<'_>) {
    for text in word.text.split(',') {
        if let Some(special) = context.special(word, text) {
            settings.binds.extend(special.map(|endpoint| Spanned::new(Bind::Other(endpoint), word.span)));
            continue;
        }
        let Some((host, ports)) = context.address(word, text) else {
            continue;
        };
        let Ports::Range(first, last) = ports else {
            context.error("E-VALUE", word.span, format!("missing port number: '{text}'"));
            continue;
        };
        if settings.binds.len() + usize::from(last - first) >= MOST_PORTS {
            context.error("E-RANGE", word.span, format!("more than {MOST_PORTS} sockets for one proxy"));
            return;
        }
        for port in first..=last {
            let Some(address) = context.resolve(&host, port, word) else { break };
            settings.binds.push(Spanned::new(Bind::Address(address), word.span));
        }
    }
}
