//! `http-errors` sections: every file in them is a response.

use std::collections::HashSet;

use crate::config::draft;
use crate::diag::{Diagnostic, Span};
use crate::model::rules::ErrorPages;
use crate::rule::pages::{Own, has_page};

use super::Context;
use super::rules::Shared;

/// Tells what is wrong with the sections.
pub fn check(context: &Context<'_>, shared: &Shared<'_>) {
    let mut names: HashSet<&str> = HashSet::new();
    for section in &context.draft.error_pages {
        if !names.insert(&section.name.value) {
            let message = format!("http-errors section '{}' is declared twice", section.name.value);
            context.problems.push(Diagnostic::error("E-DUPLICATE", section.name.span, message));
        }
        for (status, file) in &section.pages {
            if !u16::try_from(status.value).is_ok_and(has_page) {
                let message = format!("status code '{}' not handled", status.value);
                context.error("E-RULE", status.span, message, "one with a page, 200 to 504");
            }
            let judged = shared.file(&file.value).map_err(|why| format!("cannot read '{}': {why}", file.value));
            let judged = judged
                .and_then(|bytes| Own::of_file(&bytes).map(drop).map_err(|why| format!("'{}': {why}", file.value)));
            if let Err(why) = judged {
                complain(context, file.span, why);
            }
        }
    }
}

fn complain(context: &Context<'_>, place: Span, why: String) {
    context.problems.push(Diagnostic::error("E-RULE", place, why));
}

/// A section without the places of its words.
pub fn resolved(section: &draft::ErrorPages) -> ErrorPages {
    let pages = section.pages.iter();
    let pages = pages.map(|(status, file)| (u16::try_from(status.value).unwrap_or(0), file.value.clone()));
    ErrorPages { name: section.name.value.clone(), pages: pages.collect() }
}
