//! `bind` lines, and `listen` with addresses on its own line.

use crate::config::draft::{Bind, Listener};
use crate::config::haproxy::lex::Word;
use crate::config::haproxy::section::Line;
use crate::config::haproxy::table::{Place, Row, Support};
use crate::config::options;
use crate::diag::Spanned;
use crate::model::bind::BindOptions;

use super::Context;
use super::server::{argument, row};
use super::settings::Settings;
use super::value::Ports;

/// Sockets that one line may make; more is a slip of the keyboard.
const MOST_PORTS: usize = 4096;

/// What an option does; the words are itself and its argument.
type Handler = fn(&mut BindOptions, &'static Row, &Word, Option<&Word>, &Context<'_>);

/// Every option that is honoured.
pub const HANDLERS: &[(&str, Handler)] = &[("guid-prefix", guid_prefix), ("transparent", noticed), ("proto", proto)];

/// Numbered when the sockets of the line are known.
fn guid_prefix(
    options: &mut BindOptions,
    _: &'static Row,
    word: &Word,
    argument: Option<&Word>,
    context: &Context<'_>,
) {
    let Some(prefix) = argument else { return };
    match options::guid_fault(&prefix.text) {
        None => options.guid = Some(prefix.text.clone()),
        Some(what) => context.error("E-VALUE", prefix.span, format!("'{}' : {what}", word.text)),
    }
}

fn noticed(_: &mut BindOptions, row: &'static Row, word: &Word, _: Option<&Word>, context: &Context<'_>) {
    context.notice(row, word.span);
}

fn proto(_: &mut BindOptions, row: &'static Row, word: &Word, argument: Option<&Word>, context: &Context<'_>) {
    if let Some(argument) = argument.filter(|argument| argument.text != "h1") {
        let why = row.support.why().unwrap_or_default();
        context.refuse(argument.span, &format!("'{} {}'", word.text, argument.text), why);
    }
}

/// `bind ADDRESS:PORT[,...] OPTION...`.
pub fn bind(settings: &mut Settings, _: &'static Row, line: &Line, context: &Context<'_>) {
    let Some(word) = context.argument(line, 1, "[addr1]:port1[-end1]{,[addr]:port[-end]}...") else { return };
    let options = options(line.from(2), context);
    addresses(settings, word, &options, context);
}

/// Options and their arguments.
pub fn options(words: &[Word], context: &Context<'_>) -> BindOptions {
    let mut options = BindOptions::default();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let Some(row) = row(Place::Bind, word, context) else { break };
        let Some((mut count, argument)) = argument(row, words, at, context) else { break };
        match row.support {
            Support::Refused(why) => context.refuse(word.span, &format!("'bind ... {}'", word.text), why),
            Support::Ignored(_) => {
                let arguments = words.get(at + 1..at + count).unwrap_or_default();
                super::ignored::judge(row, arguments, word.span, context);
                context.notice(row, word.span);
            }
            Support::Full | Support::Partial(_) => {
                if let Some((_, handler)) = HANDLERS.iter().find(|(name, _)| *name == row.name) {
                    handler(&mut options, row, word, argument, context);
                } else {
                    let texts: Vec<&str> = words[at..].iter().map(|word| word.text.as_str()).collect();
                    match options::bind::read(&mut options, &texts) {
                        Ok(taken) => count = taken,
                        Err(wrong) => context.wrong(&words[at..], &wrong),
                    }
                }
            }
        }
        at += count;
    }
    options
}

/// The addresses of a word, ranges of ports one by one.
pub fn addresses(settings: &mut Settings, word: &Word, options: &BindOptions, context: &Context<'_>) {
    let before = settings.binds.len();
    // `guid-prefix` is followed by the place of the socket in its line.
    let listener = |bind, place: usize| {
        let guid = options.guid.as_ref().map(|prefix| format!("{prefix}-{place}"));
        Spanned::new(Listener { bind, options: BindOptions { guid, ..options.clone() } }, word.span)
    };
    // HAProxy passes over a comma at the end.
    let list = word.text.strip_suffix(',').unwrap_or(&word.text);
    for text in list.split(',') {
        if let Some(special) = context.special(word, text) {
            let place = settings.binds.len() - before;
            settings.binds.extend(special.map(|endpoint| {
                let ownership = context.unix_bind.borrow().owned(&endpoint, &options.ownership);
                let mut listener = listener(Bind::Other(endpoint), place);
                listener.value.options.ownership = ownership;
                listener
            }));
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
            settings.binds.push(listener(Bind::Address(address), settings.binds.len() - before));
        }
    }
}
