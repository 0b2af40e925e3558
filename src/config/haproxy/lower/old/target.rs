//! Searches that are about the request line: `^([^\ :]*)\ /old/(.*)`, a method, a space and the target.

use super::Lost;
use super::search::{references, renumbered};
use super::tokens::{Kind, Token, closing, groups, outside, text, tokens};

/// A rewriting of request targets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Matches the target.
    pub pattern: String,
    /// What takes its place.
    pub string: String,
    /// The methods it is for; none is every one.
    methods: Vec<String>,
}

/// What a search has before its first space.
enum Method {
    Any,
    These(Vec<String>),
}

impl Target {
    /// # Errors
    /// The search may match another line, or the string changes more than the target.
    pub fn read(search: &str, string: &str) -> Result<Target, Lost> {
        let list = tokens(search);
        let has_bar = outside(&list).any(|(_, token)| token.kind == Kind::Bar);
        let Some(rest) = list.strip_prefix(&[Token { text: "^", kind: Kind::Caret }]).filter(|_| !has_bar) else {
            return Err(any_line());
        };
        let space = outside(rest).find(|(_, token)| token.is_white()).map(|(at, _)| at).ok_or_else(any_line)?;
        let (before, after) = (&rest[..space], &rest[space + 1..]);
        let after = match after {
            [first, others @ ..] if first.kind == Kind::Quantifier => others,
            all => all,
        };
        let is_group = before.first().is_some_and(|token| token.kind == Kind::Open)
            && closing(before, 0) == Some(before.len() - 1);
        let inner = if is_group { &before[1..before.len() - 1] } else { before };
        let methods = match method(inner).ok_or_else(any_line)? {
            Method::Any => Vec::new(),
            Method::These(methods) => methods,
        };
        let lost =
            |why: &str| Lost::new(why, "write 'http-request replace-uri REGEX TARGET', and 'set-method' beside it");
        let (first, rest) = string.split_once(' ').ok_or_else(|| lost("the string is no request line"))?;
        let keeps_method = if is_group { first == "\\1" } else { methods == [first] };
        if !keeps_method || is_group && references(rest, 1) {
            return Err(lost("the string does not begin with the method that the search has found"));
        }
        let (pattern, string) = uri(after, rest.trim_start_matches(' '), usize::from(is_group)).ok_or_else(|| {
            lost("what the string has behind the target is not the version that the search has found there")
        })?;
        let string = if is_group { renumbered(&string, 1) } else { string };
        Ok(Target { pattern, string, methods })
    }

    /// What it asks for beside its pattern.
    pub fn tests(&self) -> Vec<Vec<String>> {
        if self.methods.is_empty() {
            return Vec::new();
        }
        let words = ["{", "method"].into_iter().chain(self.methods.iter().map(String::as_str)).chain(["}"]);
        vec![words.map(str::to_owned).collect()]
    }
}

fn any_line() -> Lost {
    let why = "the search names no field and does not begin with a method and a space, so it may match any line";
    Lost::new(why, "write 'http-request replace-header NAME REGEX VALUE' or 'http-request replace-uri REGEX TARGET'")
}

fn method(list: &[Token<'_>]) -> Option<Method> {
    let is_many = |token: &Token<'_>| matches!(token.text, "*" | "+" | "*?" | "+?");
    match list {
        [one, many] if is_many(many) => match one.kind {
            Kind::Dot => Some(Method::Any),
            Kind::Class if one.text.starts_with("[^") || one.text.contains("A-Z") => Some(Method::Any),
            Kind::Escape if matches!(one.text, "\\S" | "\\w") => Some(Method::Any),
            _ => None,
        },
        _ => {
            let whole = text(list);
            let names: Vec<String> = whole.split('|').map(str::to_owned).collect();
            let is_name = |name: &String| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase());
            names.iter().all(is_name).then_some(Method::These(names))
        }
    }
}

/// The pattern of targets and what takes their place; the version stays as it is. `counted` groups came before.
fn uri(list: &[Token<'_>], string: &str, counted: usize) -> Option<(String, String)> {
    let is_version = |text: &str| matches!(text, "HTTP/1.0" | "HTTP/1.1");
    if let Some((space, _)) = outside(list).find(|(_, token)| token.is_white()) {
        let (own, version) = (&list[..space], &list[space + 1..]);
        let (target, last) = string.rsplit_once(' ')?;
        let number = counted + groups(own) + 1;
        let is_found = version.first().is_some_and(|token| token.kind == Kind::Open) && last == format!("\\{number}");
        let keeps = is_found || groups(version) == 0 && is_version(last);
        return keeps.then(|| (format!("^{}$", text(own)), target.trim_end_matches(' ').to_owned()));
    }
    let list = match list {
        [own @ .., dollar] if dollar.kind == Kind::Dollar => own,
        own => own,
    };
    let is_rest = |token: &Token<'_>, many: &Token<'_>| token.kind == Kind::Dot && many.text == "*";
    match list {
        // The last group has the rest of the line, and the string ends with it.
        [.., open, dot, star, close] if open.kind == Kind::Open && is_rest(dot, star) && close.kind == Kind::Close => {
            let number = counted + groups(list);
            let keeps = !string.contains(' ') && string.ends_with(&format!("\\{number}"));
            keeps.then(|| (format!("^{}", text(list)), string.to_owned()))
        }
        [.., dot, star] if is_rest(dot, star) => {
            let (target, last) = string.rsplit_once(' ')?;
            is_version(last).then(|| (format!("^{}", text(list)), target.trim_end_matches(' ').to_owned()))
        }
        _ => None,
    }
}
