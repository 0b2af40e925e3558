//! `option` lines that are honoured.

use crate::config::haproxy::section::{Line, Modifier};
use crate::config::haproxy::table::Row;
use crate::diag::Spanned;
use crate::model::options::Interval;

use super::Context;
use super::proxy;
use super::settings::Settings;
use super::value;

/// What a line of log looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineFormat {
    Http,
    Tcp,
}

/// `option httplog [clf]`, `option tcplog [clf]`.
pub fn log_format(settings: &mut Settings, _: &'static Row, line: &Line, _: &Context<'_>) {
    if line.modifier != Modifier::None {
        settings.line_format = None;
        settings.rules.push(proxy::rule(line));
        return;
    }
    settings.rules.push(proxy::rule(line));
    let format = if line.text(1) == "tcplog" { LineFormat::Tcp } else { LineFormat::Http };
    settings.line_format = Some(Spanned::new(format, line.span_of(2)));
}

/// `option redispatch [INTERVAL]`, `redispatch`.
pub fn redispatch(settings: &mut Settings, _: &'static Row, line: &Line, context: &Context<'_>) {
    let is_old = line.text(0) == "redispatch";
    if is_old {
        let message = "keyword 'redispatch' is read as 'option redispatch'";
        context.warning("W-OLD", line.span_of(1), message, "write 'option redispatch'");
    }
    let interval = if is_old { None } else { line.word(2) };
    if let Some(word) = interval {
        match value::number(word.text.trim_start_matches('-'), 0, 100) {
            Ok(0) => {
                settings.redispatch = Some(Spanned::new(false, word.span));
                return;
            }
            Ok(count) => {
                let count = u32::try_from(count).unwrap_or(u32::MAX);
                let is_backwards = word.text.starts_with('-');
                settings.options.redispatch_interval =
                    if is_backwards { Interval::BeforeLast(count) } else { Interval::Every(count) };
            }
            Err(message) => {
                context.warning("W-VALUE", word.span, message, "it is read as 0");
                settings.redispatch = Some(Spanned::new(false, word.span));
                return;
            }
        }
    }
    settings.redispatch = Some(Spanned::new(line.modifier == Modifier::None, line.span()));
}
