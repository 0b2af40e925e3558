//! `vipgate explain`.

use std::collections::BTreeSet;
use std::process::ExitCode;

use crate::admin::runtime;
use crate::config::haproxy::table::{self, Place, Reload, Row};
use crate::diag::nearest;
use crate::rule::{self, Explanation, Support};

use super::arguments::ExplainOptions;
use super::haproxy;
use super::output::print;

pub(super) fn run(options: &ExplainOptions) -> anyhow::Result<ExitCode> {
    let words = options.words.join(" ");
    let texts = all(&words);
    // `Server Weight`, `%[src,lower]` and `balance leastconn` are asked for as they are seen.
    let texts = if texts.is_empty() { all(&words.to_lowercase()) } else { texts };
    let texts = if texts.is_empty() { inner(&words).map(all).unwrap_or_default() } else { texts };
    if texts.is_empty() {
        let known = nearest(&words, table::rows().iter().map(|row| row.name));
        let hint = match known {
            Some(known) => format!("did you mean `{known}`?"),
            None => "ask for words as they stand in a line, such as `timeout client` or `server weight`".to_owned(),
        };
        anyhow::bail!("no word of haproxy.cfg is `{words}`; {hint}");
    }
    print(&texts.join("\n"))?;
    Ok(ExitCode::SUCCESS)
}

/// Everything that is known of a word.
fn all(words: &str) -> Vec<String> {
    let entries = table::glossary().filter(|entry| entry.word == words || entry.usage == format!("`{words}`"));
    let entries = entries.map(|entry| format!("{}\n    {}\n    where    {}\n", entry.word, entry.doc, entry.usage));
    let commands = runtime::described().filter(|command| command.words == words).map(command);
    let rows = table::lookup(words).into_iter().map(explain);
    let expressions = rule::explain(words);
    let options = haproxy::explain(words);
    let texts = rows.chain(expressions.iter().filter_map(expression)).chain(entries).chain(commands).chain(options);
    texts.chain(family(words)).collect()
}

/// The fetch of `%[src,lower]`.
fn inner(words: &str) -> Option<&str> {
    let inside = words.strip_prefix("%[")?.strip_suffix(']')?;
    inside.split(['(', ',']).next()
}

/// A command of the runtime socket.
fn command(command: runtime::Described) -> String {
    let runtime::Described { usage, doc, level, .. } = command;
    format!("{usage}\n    {doc}\n    where    runtime socket, for level {} and above\n", level.word())
}

/// The words of two or more parts that begin with this one: `timeout client`, `timeout server`...
fn family(first: &str) -> Option<String> {
    let begins = |name: &&str| name.strip_prefix(first).is_some_and(|rest| rest.starts_with(' '));
    let names: BTreeSet<&str> = table::rows().iter().map(|row| row.name).filter(begins).collect();
    let list = names.into_iter().collect::<Vec<_>>().join("\n    ");
    (!list.is_empty()).then(|| format!("words that begin with `{first}`\n    {list}\n"))
}

/// A fetch, a converter, a tag; actions have rows of their own.
fn expression(found: &Explanation) -> Option<String> {
    let support = match found.support {
        Support::Full => "full".to_owned(),
        Support::Partial(why) => format!("partial: {why}"),
        Support::Refused(why) => format!("refused: {why}"),
    };
    let Explanation { kind, usage, place, doc, .. } = found;
    let place = if place.is_empty() { "formats" } else { place };
    (*kind != "action").then(|| format!("{usage}\n    {kind}: {doc}\n    where    {place}\n    vipgate  {support}\n"))
}

fn explain(row: &Row) -> String {
    let usage = if row.usage == "-" { String::new() } else { format!(" {}", row.usage) };
    let places = row.places.iter().map(place).collect::<Vec<_>>().join(", ");
    let versions = match (row.since, row.removed) {
        (None, None) => "every version".to_owned(),
        (Some(since), None) => format!("since {since}"),
        (None, Some(removed)) => format!("until {removed}, which removed it"),
        (Some(since), Some(removed)) => format!("since {since}, until {removed}, which removed it"),
    };
    let why = row.support.why().map(|why| format!(": {why}")).unwrap_or_default();
    let reload = match row.reload {
        Reload::Live => "at a reload",
        Reload::Restart => "at the next start",
    };
    format!(
        "{}{usage}\n    {}\n    where    {places}\n    HAProxy  {versions}\n    vipgate  {}{why}\n    changes  {reload}\n",
        row.name,
        row.doc,
        row.support.name(),
    )
}

fn place(place: Place) -> String {
    match place {
        Place::Top => "by itself".to_owned(),
        Place::Bind | Place::Server | Place::Load => format!("on `{}` lines", place.name()),
        _ if table::RULES.contains(&place) => format!("`{}` rules", place.name()),
        _ => place.name().to_owned(),
    }
}
