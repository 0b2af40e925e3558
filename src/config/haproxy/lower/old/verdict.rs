//! `reqallow`, `reqdeny`, `reqtarpit`, `reqsetbe` and `rspdeny`: what is done with a request or a response one line of
//! which matches.

use crate::config::draft::Rule;
use crate::config::haproxy::lower::Context;
use crate::config::haproxy::lower::settings::Settings;
use crate::config::haproxy::section::Line;

use super::conjunctions::Conjunctions;
use super::search::Field;
use super::tokens::{Kind as Piece, Token, outside, tokens, within_lines};
use super::{ALLOWED, Action, Kind, Lost, REQUEST_LINE, put_before, rule};

/// The variable that has the backend of the first `reqsetbe` that matched.
const BACKEND: &str = "txn.reqsetbe";

/// The rules of a line, which the section has then.
pub fn verdict(settings: &mut Settings, kind: Kind, line: &Line, context: &Context<'_>) -> Result<Vec<Rule>, Lost> {
    let tests = tests(kind, line.text(1))?;
    let condition = Conjunctions::read(line.from(1 + kind.arguments()))?.and(line, &tests.list);
    let mut rules = Vec::new();
    if tests.asks_request_line && !settings.old.knows_request_line {
        let name = format!("set-var-fmt({REQUEST_LINE})");
        rules.push(rule(line, &["http-request", &name, "%[method] %[url] HTTP/%[req.ver]"], &[]));
        settings.old.knows_request_line = true;
    }
    let unless_allowed = |condition: Conjunctions| {
        let test = ["!", "{", &format!("var({ALLOWED})"), "-m", "bool", "}"].map(str::to_owned);
        if context.lets_requests_pass() && !kind.is_response {
            condition.and(line, &[test.to_vec()])
        } else {
            condition
        }
    };
    match kind.action {
        Action::Allow => {
            let set = format!("set-var({ALLOWED})");
            rules.push(rule(line, &["http-request", &set, "bool(true)"], &condition.words(line)));
        }
        Action::SetBackend => {
            let name = line.text(2);
            let is_free = ["!", "{", &format!("var({BACKEND})"), "-m", "found", "}"].map(str::to_owned);
            let condition = condition.and(line, &[is_free.to_vec()]).words(line);
            let (set, value) = (format!("set-var({BACKEND})"), format!("str({name})"));
            rules.push(rule(line, &["http-request", &set, &value], &condition));
            let is_it =
                ["if", "{", &format!("var({BACKEND})"), "-m", "str", name, "}"].map(|word| super::at(line, word));
            let choice = rule(line, &["use_backend", name], &is_it);
            put_before(settings, choice.clone(), "use_backend");
            settings.old.edits.extend(rules.iter().cloned());
            rules.push(choice);
            return Ok(rules);
        }
        action => {
            let name = if action == Action::Tarpit { "tarpit" } else { "deny" };
            rules.push(rule(line, &[kind.set(), name], &unless_allowed(condition).words(line)));
        }
    }
    settings.old.edits.extend(rules.iter().cloned());
    Ok(rules)
}

/// Tests one of which matches where the search matches a line.
struct Tests {
    list: Vec<Vec<String>>,
    asks_request_line: bool,
}

fn tests(kind: Kind, search: &str) -> Result<Tests, Lost> {
    let test = |sample: &str, pattern: &str| {
        let case = kind.is_case_blind.then_some("-i");
        let words = ["{", sample, "-m", "reg"].into_iter().chain(case).chain(["--", pattern, "}"]);
        words.map(str::to_owned).collect::<Vec<_>>()
    };
    if let Some(field) = Field::read(search) {
        let field = field?;
        let side = if kind.is_response { "res" } else { "req" };
        let sample = format!("{side}.fhdr({})", field.name);
        let found = || ["{", &sample, "-m", "found", "}"].map(str::to_owned).to_vec();
        let own = if field.value.is_empty() { found() } else { test(&sample, &field.value) };
        return Ok(Tests { list: vec![own], asks_request_line: false });
    }
    if kind.is_response {
        let why = "the search names no field, so it may match the status line, too";
        return Err(Lost::new(why, "write 'http-response deny if { status ... }' or '{ res.fhdr(NAME) -m reg ... }'"));
    }
    let list = tokens(search);
    let mut tests = vec![test(&format!("var({REQUEST_LINE})"), search)];
    if !is_of_request_line(&list) {
        let Some(pattern) = within_lines(&list) else {
            let why = "a piece of the search could match beyond the end of a line";
            return Err(Lost::new(why, "write 'http-request deny if { req.fhdr(NAME) -m reg ... }' for each field"));
        };
        tests.push(test("req.hdrs", &pattern));
    }
    Ok(Tests { list: tests, asks_request_line: true })
}

/// Whether no field matches: what comes before the first space has no colon, and every field has one.
fn is_of_request_line(list: &[Token<'_>]) -> bool {
    let has_bar = outside(list).any(|(_, token)| token.kind == Piece::Bar);
    let Some((first, rest)) = list.split_first().filter(|(first, _)| first.kind == Piece::Caret && !has_bar) else {
        return false;
    };
    debug_assert_eq!(first.kind, Piece::Caret);
    let Some((space, _)) = outside(rest).find(|(_, token)| token.is_white()) else { return false };
    rest[..space].iter().all(|token| match token.kind {
        Piece::Open | Piece::OpenUncounted | Piece::Close | Piece::Bar | Piece::Quantifier => true,
        Piece::Class if token.text.starts_with("[^") => token.text.contains(':') && token.text.contains(' '),
        Piece::Class => token.text.trim_matches(['[', ']']).chars().all(|c| c.is_ascii_alphanumeric() || c == '-'),
        Piece::Escape => token.text == "\\w" || token.character().is_some_and(|c| c != ':'),
        Piece::Literal => token.text != ":",
        _ => false,
    })
}
