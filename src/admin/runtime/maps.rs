//! Maps and the patterns of ACLs: looked at and changed while rules read them.
//!
//! Both families have the same commands; `map` or `acl` is their second word.

use std::fmt::Write;

use crate::model::runtime::Level;
use crate::rule::pattern::{Case, Entry, Patterns, Reference};
use crate::rule::sample::Sample;

use super::table::Command;
use super::{Answer, Call};

/// Two commands, one for each family.
macro_rules! both {
    ($($verb:literal, $level:expr, $map:literal, $map_doc:literal, $acl:literal, $acl_doc:literal, $run:expr;)*) => {
        &[$(
            Command::now(concat!($verb, " map"), $level, $map, $map_doc, $run),
            Command::now(concat!($verb, " acl"), $level, $acl, $acl_doc, $run),
        )*
            Command::now("set map", Level::Admin, "set map <map> [<key>|#<ref>] <value>", "modify a map entry", |call| {
                answer(set(call))
            }),
        ]
    };
}

pub const COMMANDS: &[Command] = both! {
    "add", Level::Admin,
    "add map [@<ver>] <map> <key> <val>", "add a map entry (payload supported instead of key/val)",
    "add acl [@<ver>] <acl> <pattern>", "add an acl entry",
    |call| answer(add(call));
    "clear", Level::Admin,
    "clear map [@<ver>] <map>", "clear the contents of this map",
    "clear acl [@<ver>] <acl>", "clear the contents of this acl",
    |call| answer(clear(call));
    "commit", Level::Admin,
    "commit map @<ver> <map>", "commit the map at this version",
    "commit acl @<ver> <acl>", "commit the ACL at this version",
    |call| answer(commit(call));
    "del", Level::Admin,
    "del map <map> [<key>|#<ref>]", "delete map entries matching <key>",
    "del acl <acl> [<key>|#<ref>]", "delete acl entries matching <key>",
    |call| answer(delete(call));
    "get", Level::User,
    "get map <acl> <value>", "report the keys and values matching a sample for a map",
    "get acl <acl> <value>", "report the patterns matching a sample for an ACL",
    |call| answer(get(call));
    "prepare", Level::Admin,
    "prepare map <acl>", "prepare a new version for atomic map replacement",
    "prepare acl <acl>", "prepare a new version for atomic ACL replacement",
    |call| answer(prepare(call));
    "show", Level::User,
    "show map [@ver] [map]", "report available maps or dump a map's contents",
    "show acl [@<ver>] <acl>]", "report available acls or dump an acl's contents",
    |call| answer(show(call));
};

fn answer(result: Result<Answer, Answer>) -> Answer {
    result.unwrap_or_else(|refusal| refusal)
}

/// Which of the two families a command belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Map,
    Acl,
}

impl Family {
    fn of(call: &Call<'_>) -> Family {
        if call.word(1) == "map" { Family::Map } else { Family::Acl }
    }

    fn has(self, set: &Patterns) -> bool {
        set.spec.is_map == (self == Family::Map)
    }

    /// As sentences name it.
    fn noun(self) -> &'static str {
        match self {
            Family::Map => "map",
            Family::Acl => "ACL",
        }
    }
}

/// A version, where one is written, and the words behind it.
fn version<'a>(call: &'a Call<'_>) -> (Option<u32>, &'a [String]) {
    let rest = call.words.get(2..).unwrap_or_default();
    match rest.first().and_then(|word| word.strip_prefix('@')) {
        // What is no number is zero for HAProxy.
        Some(number) if !number.is_empty() => (Some(number.parse().unwrap_or(0)), rest.get(1..).unwrap_or_default()),
        _ => (None, rest),
    }
}

/// Every set of patterns with its number.
fn references(call: &Call<'_>, family: Family) -> Vec<(u32, Reference)> {
    let all = call.process.generation.load().rules.registry.references();
    let is_used = |(_, reference): &(u32, Reference)| reference.sets.iter().any(|set| family.has(set));
    all.into_iter().filter(is_used).collect()
}

/// The sets that a word names: `#3`, or a file.
fn find(call: &Call<'_>, family: Family, word: &str) -> Result<Reference, Answer> {
    let is_it = |(number, reference): &(u32, Reference)| match word.strip_prefix('#') {
        Some(wanted) => wanted.parse() == Ok(*number),
        None => reference.name() == Some(word),
    };
    let found = references(call, family).into_iter().find(is_it).map(|(_, reference)| reference);
    let unknown = || Answer::error(format!("Unknown {} identifier. Please use #<id> or <file>.", family.noun()));
    found.filter(|_| !word.is_empty()).ok_or_else(unknown)
}

fn show(call: &Call<'_>) -> Result<Answer, Answer> {
    let family = Family::of(call);
    let (version, rest) = version(call);
    match rest.first() {
        None => Ok(Answer::Text(list(call, family))),
        Some(word) => {
            let reference = find(call, family, word)?;
            let mut out = String::new();
            for entry in reference.sets.first().map(|set| entries(set, version)).unwrap_or_default() {
                // Writing to a String cannot fail.
                let _ = write!(out, "{:#x} {}", handle(&entry), String::from_utf8_lossy(&entry.key));
                if let Some(value) = &entry.value {
                    let _ = write!(out, " {}", String::from_utf8_lossy(value));
                }
                out.push('\n');
            }
            Ok(Answer::Text(out))
        }
    }
}

fn entries(set: &Patterns, version: Option<u32>) -> Vec<Entry> {
    version.map_or_else(|| set.entries(), |version| set.entries_of(version))
}

/// What names an entry: HAProxy's is an address.
fn handle(entry: &Entry) -> u64 {
    0x1000_0000 + entry.id * 0x40
}

fn entry_of(handle: &str) -> Option<u64> {
    let number = u64::from_str_radix(handle.strip_prefix("0x").unwrap_or(handle), 16).ok()?;
    number.checked_sub(0x1000_0000).map(|offset| offset / 0x40)
}

fn list(call: &Call<'_>, family: Family) -> String {
    let mut out = "# id (file) description\n".to_owned();
    for (number, reference) in references(call, family) {
        let Some(set) = reference.sets.first() else { continue };
        let origin = &reference.origin;
        let (word, name) = (if family == Family::Map { "map" } else { "acl" }, reference.name().unwrap_or_default());
        let place = format!("file '{}' line {}", origin.file, origin.line);
        let description = match reference.name() {
            Some(file) => format!("pattern loaded from file '{file}' used by {word} at {place}"),
            None => format!("{word} '{}' {place}", origin.keyword),
        };
        let (current, prepared) = set.versions();
        let count = set.len() + set.pending();
        let _ =
            writeln!(out, "{number} ({name}) {description}. curr_ver={current} next_ver={prepared} entry_cnt={count}");
    }
    out
}

fn get(call: &Call<'_>) -> Result<Answer, Answer> {
    let family = Family::of(call);
    if call.word(3).is_empty() {
        return Err(Answer::error(format!("Missing {} identifier and/or key.", family.noun())));
    }
    let reference = find(call, family, call.word(2))?;
    let mut out = String::new();
    for set in &reference.sets {
        out.push_str(&lookup(set, family, call.word(3)));
        out.push('\n');
    }
    Ok(Answer::Text(out))
}

/// What a set says to a sample, in HAProxy's form.
fn lookup(set: &Patterns, family: Family, text: &str) -> String {
    let (method, spec) = (set.spec.method, set.spec);
    let case = if spec.case == Case::Ignored { "insensitive" } else { "sensitive" };
    let found = Sample::str(text.as_bytes()).cast(method.takes()).and_then(|sample| set.find(&sample));
    let mut out = format!("type={}, case={case}", method.name());
    let words = if family == Family::Map { ("found", "key") } else { ("match", "pattern") };
    match found {
        None => {
            let _ = write!(out, ", {}=no", words.0);
        }
        Some(entry) => {
            let index = if set.is_indexed() { "tree" } else { "list" };
            let key = String::from_utf8_lossy(&entry.key);
            let _ = write!(out, ", {}=yes, idx={index}, {}=\"{key}\"", words.0, words.1);
            if let Some(value) = &entry.value {
                let _ = write!(out, ", value=\"{}\", type=\"str\"", String::from_utf8_lossy(value));
            }
        }
    }
    out
}

fn add(call: &Call<'_>) -> Result<Answer, Answer> {
    let family = Family::of(call);
    let (version, rest) = version(call);
    let (name, key) = (word(rest, 0), word(rest, 1));
    let pairs: Vec<(String, Option<String>)> = match (family, call.payload) {
        (Family::Map, Some(payload)) if !name.is_empty() && key.is_empty() => payload.lines().map(pair).collect(),
        (Family::Map, _) if !word(rest, 2).is_empty() => {
            vec![(key.to_owned(), Some(word(rest, 2).to_owned()))]
        }
        (Family::Map, _) => {
            return Err(Answer::error(
                "'add map' expects three parameters (map identifier, key and value) or one parameter (map \
                 identifier) and a payload",
            ));
        }
        (Family::Acl, _) if !key.is_empty() => vec![(key.to_owned(), None)],
        (Family::Acl, _) => {
            return Err(Answer::error("'add acl' expects two parameters: ACL identifier and pattern."));
        }
    };
    let reference = find(call, family, name)?;
    for set in &reference.sets {
        let (current, prepared) = set.versions();
        if version.is_some_and(|version| version > prepared) {
            let word = if family == Family::Map { "map" } else { "acl" };
            return Err(Answer::error(format!("Version number in the future, please use 'prepare {word}' before.")));
        }
        for (key, value) in &pairs {
            let value = value.as_deref().map(str::as_bytes);
            let added = match version.filter(|version| *version != current) {
                Some(version) => set.add_to(version, key.as_bytes(), value),
                None => set.add(key.as_bytes(), value),
            };
            added.map_err(|why| Answer::error(format!("{why}.")))?;
        }
    }
    Ok(Answer::Done)
}

fn word(words: &[String], number: usize) -> &str {
    words.get(number).map_or("", String::as_str)
}

/// A line of a payload: a key, and a value up to the end.
fn pair(line: &str) -> (String, Option<String>) {
    let line = line.trim_start_matches([' ', '\t']);
    let (key, value) = line.split_once([' ', '\t']).unwrap_or((line, ""));
    (key.to_owned(), Some(value.trim_start_matches([' ', '\t']).to_owned()))
}

fn set(call: &Call<'_>) -> Result<Answer, Answer> {
    if call.word(4).is_empty() {
        return Err(Answer::error("'set map' expects three parameters: map identifier, key and value."));
    }
    let reference = find(call, Family::Map, call.word(2))?;
    let value = call.word(4);
    let count: usize = reference
        .sets
        .iter()
        .map(|set| match handle_of(call.word(3)) {
            Some(id) => set.set_id(id, value.as_bytes()),
            None => set.set(call.word(3).as_bytes(), value.as_bytes()),
        })
        .sum();
    match count {
        0 => Err(Answer::error("entry not found.")),
        _ => Ok(Answer::Done),
    }
}

/// The number of an entry that is named by its handle, `#0x...`.
fn handle_of(word: &str) -> Option<u64> {
    // A handle that is none names nothing.
    word.strip_prefix('#').map(|handle| entry_of(handle).unwrap_or(u64::MAX))
}

fn delete(call: &Call<'_>) -> Result<Answer, Answer> {
    let family = Family::of(call);
    if call.word(3).is_empty() {
        return Err(Answer::error(format!(
            "This command expects two parameters: {} identifier and key.",
            family.noun()
        )));
    }
    let reference = find(call, family, call.word(2))?;
    let count: usize = reference
        .sets
        .iter()
        .map(|set| match handle_of(call.word(3)) {
            Some(id) => set.remove_id(id),
            None => set.remove(call.word(3).as_bytes()),
        })
        .sum();
    match count {
        0 => Err(Answer::error("Key not found.")),
        _ => Ok(Answer::Done),
    }
}

fn clear(call: &Call<'_>) -> Result<Answer, Answer> {
    let family = Family::of(call);
    let (version, rest) = version(call);
    let name = rest.first().ok_or_else(|| Answer::error(format!("Missing {} identifier.", family.noun())))?;
    for set in find(call, family, name)?.sets {
        match version {
            Some(version) => set.clear_version(version),
            None => set.clear(),
        }
    }
    Ok(Answer::Done)
}

fn prepare(call: &Call<'_>) -> Result<Answer, Answer> {
    let reference = find(call, Family::of(call), call.word(2))?;
    let versions = reference.sets.iter().map(|set| set.prepare());
    // All of them are changed together, so their versions are the same.
    let version = versions.max().unwrap_or_default();
    Ok(Answer::info(format!("New version created: {version}")))
}

fn commit(call: &Call<'_>) -> Result<Answer, Answer> {
    let (version, rest) = version(call);
    let version = version.ok_or_else(|| Answer::error("Missing version number."))?;
    let reference = find(call, Family::of(call), word(rest, 0))?;
    for set in &reference.sets {
        let (current, prepared) = set.versions();
        if !(current..=prepared).contains(&version) {
            return Err(Answer::error("Version number out of range."));
        }
        set.commit(version).map_err(|why| Answer::error(format!("{why}.")))?;
    }
    Ok(Answer::Done)
}
