//! `email-alert` lines and `mailers` sections: who gets mails about servers (manual §4.2, §3.6).

use std::net::SocketAddr;
use std::time::Duration;

use crate::config::draft::Mail;
use crate::config::haproxy::section::{Line, Modifier, Section};
use crate::config::haproxy::table::{Place, Row};
use crate::diag::{Diagnostic, Spanned, nearest};
use crate::model::log::Level;

use super::Context;
use super::settings::{Settings, spanned};
use super::value::{self, Host, Ports};

/// What the lines of a proxy say.
#[derive(Clone, Debug, Default)]
pub struct Alerts {
    mailers: Option<Spanned<String>>,
    from: Option<Spanned<String>>,
    to: Option<Spanned<String>>,
    level: Option<Spanned<Level>>,
    hostname: Option<Spanned<String>>,
    is_off: bool,
}

/// A `mailers` section.
#[derive(Clone, Debug)]
pub struct Mailers {
    name: Spanned<String>,
    list: Vec<Spanned<SocketAddr>>,
    timeout: Option<Spanned<Duration>>,
}

/// `email-alert from|to|level|mailers|myhostname VALUE`, `no email-alert`.
pub fn alert(settings: &mut Settings, _: &'static Row, line: &Line, context: &Context<'_>) {
    let alerts = &mut settings.alerts;
    if line.modifier != Modifier::None {
        *alerts = Alerts { is_off: true, ..Alerts::default() };
        return;
    }
    let Some(word) = context.argument(line, 2, "a value") else { return };
    context.no_more(line, 3);
    alerts.is_off = false;
    let text = Some(spanned(&word.text, word.span));
    match line.text(1) {
        "mailers" => alerts.mailers = text,
        "from" => alerts.from = text,
        "to" => alerts.to = text,
        "myhostname" => alerts.hostname = text,
        _ => match Level::by_name(&word.text) {
            Some(level) => alerts.level = Some(Spanned::new(level, word.span)),
            None => {
                let message = format!("unknown log level '{}' after 'level'", word.text);
                let hint =
                    nearest(&word.text, Level::ALL.map(Level::name)).map(|level| format!("did you mean '{level}'?"));
                context.push(Diagnostic::error("E-VALUE", word.span, message).hint_if(hint));
            }
        },
    }
}

/// Reads a section.
pub fn read(section: &Section, known: &[Mailers], context: &Context<'_>) -> Option<Mailers> {
    let name = context.argument(&section.head, 1, "a name")?;
    context.no_more(&section.head, 2);
    if known.iter().any(|mailers| mailers.name.value == name.text) {
        context.error("E-DUPLICATE", name.span, format!("mailers section '{}' is declared twice", name.text));
    }
    let mut mailers = Mailers { name: spanned(&name.text, name.span), list: Vec::new(), timeout: None };
    for line in &section.lines {
        match context.find(Place::Mailers, Place::Mailers, line) {
            Some((row, _)) if row.name == "mailer" => mailers.list.extend(mailer(line, context)),
            Some(_) => {
                let Some(word) = context.argument(line, 2, "a time") else { continue };
                context.no_more(line, 3);
                mailers.timeout = context.value(word, value::time(&word.text)).or(mailers.timeout);
            }
            None => {}
        }
    }
    Some(mailers)
}

fn mailer(line: &Line, context: &Context<'_>) -> Option<Spanned<SocketAddr>> {
    context.argument(line, 1, "a name and an address")?;
    let word = context.argument(line, 2, "an address and a port")?;
    context.no_more(line, 3);
    match context.address(word, &word.text)? {
        (host, Ports::Range(first, last)) if first == last && host != Host::Any => {
            context.resolve(&host, first, word).map(|address| Spanned::new(address, word.span))
        }
        _ => {
            context.error("E-VALUE", word.span, format!("'{}' is no address with a port", word.text));
            None
        }
    }
}

impl Alerts {
    /// Whether it says everything, of mail servers that there are.
    pub fn is_whole(&self, sections: &[Mailers]) -> bool {
        let is_known = |name: &Spanned<String>| sections.iter().any(|section| section.name.value == name.value);
        self.from.is_some() && self.to.is_some() && self.mailers.as_ref().is_some_and(is_known)
    }

    /// What they come to; nothing, with HAProxy's warning, where something is missing.
    pub fn lower(&self, sections: &[Mailers], context: &Context<'_>) -> Option<Spanned<Mail>> {
        let spans = [&self.mailers, &self.from, &self.to, &self.hostname].into_iter().flatten().map(|word| word.span);
        let place = spans.chain(self.level.map(|level| level.span)).next().filter(|_| !self.is_off)?;
        let (Some(name), Some(from), Some(to)) = (&self.mailers, &self.from, &self.to) else {
            let message = "email-alert will be ignored: 'email-alert mailers', 'email-alert from' and 'email-alert to' belong together";
            context.warning("W-MAIL", place, message, "write all three");
            return None;
        };
        let Some(section) = sections.iter().find(|section| section.name.value == name.value) else {
            let known = sections.iter().map(|section| section.name.value.as_str());
            let hint = nearest(&name.value, known).map(|known| format!("did you mean '{known}'?"));
            let message = format!("unable to find mailers '{}'", name.value);
            context.push(Diagnostic::error("E-UNRESOLVED", name.span, message).hint_if(hint));
            return None;
        };
        let mail = Mail {
            mailers: section.list.clone(),
            timeout: section.timeout,
            from: Some(from.clone()),
            to: Some(to.clone()),
            level: self.level,
            hostname: self.hostname.clone(),
        };
        Some(Spanned::new(mail, place))
    }
}
