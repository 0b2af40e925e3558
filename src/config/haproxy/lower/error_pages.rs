//! `http-errors` sections: groups of error pages.

use crate::config::draft::ErrorPages;
use crate::config::haproxy::section::Section;
use crate::config::haproxy::table::Place;

use super::Context;
use super::settings::spanned;
use super::value;

/// A section.
pub fn read(section: &Section, context: &Context<'_>) -> Option<ErrorPages> {
    let name = context.argument(&section.head, 1, "a name")?;
    context.no_more(&section.head, 2);
    let mut pages = Vec::new();
    for line in &section.lines {
        if context.find(Place::HttpErrors, Place::HttpErrors, line).is_none() {
            continue;
        }
        let Some(code) = context.argument(line, 1, "a status code and a file") else { continue };
        let Some(file) = context.argument(line, 2, "a file") else { continue };
        context.no_more(line, 3);
        if let Some(code) = context.value(code, value::number(&code.text, 200, 599)) {
            pages.push((code, spanned(&file.text, file.span)));
        }
    }
    Some(ErrorPages { name: spanned(&name.text, name.span), pages })
}
