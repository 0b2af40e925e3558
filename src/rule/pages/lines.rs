//! The lines that say which page a status has: `errorfile`, `errorfiles`, `errorloc`, `http-error`.

use super::super::action::Reply;
use super::super::error::RuleError;
use super::super::reference::ReferenceKind;
use super::super::scope::Scope;
use super::builtin::has_page;
use super::{Own, Page, Pages};

impl Pages {
    /// Whether a line is one of these.
    pub fn has_line(word: &str) -> bool {
        matches!(word, "errorfile" | "errorfiles" | "errorloc" | "errorloc302" | "errorloc303" | "http-error")
    }

    /// Adds what a line says.
    ///
    /// # Errors
    /// The line is wrong.
    pub fn add(&mut self, words: &[&str], scope: &mut Scope<'_>) -> Result<(), RuleError> {
        match words {
            ["errorfile", code, file] => {
                let status = status(code)?;
                self.set(status, file_of(file, 2, scope)?);
            }
            [first @ ("errorloc" | "errorloc302" | "errorloc303"), code, url] => {
                let status = status(code)?;
                let (to, reason) = if *first == "errorloc303" { (303, "See Other") } else { (302, "Found") };
                let text = format!(
                    "HTTP/1.1 {to} {reason}\r\nCache-Control: no-cache\r\nContent-length: 0\r\nLocation: {url}\r\n\r\n"
                );
                let page = Page::parse(text.as_bytes()).map_err(|why| RuleError::new(2, why))?;
                self.set(status, Own::Page(page.into()));
            }
            ["errorfiles", name, codes @ ..] => self.import(name, codes, scope)?,
            ["http-error", rest @ ..] => {
                let (reply, taken) = Reply::compile(rest, 0, false, scope).map_err(|error| error.later(1))?;
                if let Some(word) = rest.get(taken) {
                    return Err(RuleError::new(taken + 1, format!("unexpected '{word}' after the answer")));
                }
                if !has_page(reply.status) {
                    let what = match reply.status {
                        0 => "'http-error' needs 'status' and a code".to_owned(),
                        other => format!("status code '{other}' not handled"),
                    };
                    return Err(RuleError::new(0, what));
                }
                let status = reply.status;
                self.set(status, reply.into_own());
            }
            [first, ..] => {
                let what = match *first {
                    "errorfile" => "'errorfile' expects a status code and a file".to_owned(),
                    "errorfiles" => "'errorfiles' expects the name of an 'http-errors' section".to_owned(),
                    _ => format!("'{first}' expects a status code and a URL"),
                };
                return Err(RuleError::new(words.len().min(3), what));
            }
            [] => {}
        }
        Ok(())
    }

    /// The pages of an `http-errors` section: those with these codes, or all.
    fn import(&mut self, name: &str, codes: &[&str], scope: &mut Scope<'_>) -> Result<(), RuleError> {
        scope.refer(ReferenceKind::ErrorFiles, name);
        let Some(section) = scope.error_pages.iter().find(|section| section.name == name) else { return Ok(()) };
        for (status, file) in &section.pages {
            if codes.is_empty() || codes.iter().any(|code| code.parse() == Ok(*status)) {
                self.set(*status, file_of(file, 1, scope)?);
            }
        }
        for (number, code) in codes.iter().enumerate() {
            let status = status(code).map_err(|error| error.later(number + 1))?;
            if !section.pages.iter().any(|(known, _)| *known == status) {
                scope
                    .warn_too(number + 2, format!("status '{status}' is not declared in http-errors section '{name}'"));
            }
        }
        Ok(())
    }
}

/// The page of a file.
pub(in crate::rule) fn file_of(name: &str, at: usize, scope: &Scope<'_>) -> Result<Own, RuleError> {
    let bytes = scope.read(name).map_err(|error| error.later(at))?;
    Own::of_file(&bytes).map_err(|why| RuleError::new(at, format!("'{name}': {why}")))
}

/// The status in the second word.
fn status(text: &str) -> Result<u16, RuleError> {
    let code = text.parse().ok().filter(|code| has_page(*code));
    code.ok_or_else(|| {
        RuleError::new(1, format!("status code '{text}' not handled")).hint("one with a page, 200 to 504")
    })
}
