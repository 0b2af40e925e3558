//! `option httpchk`, `option tcp-check`, `http-check expect` and `http-check send`: what a probe asks and accepts.

use crate::config::draft::{Check, Request};
use crate::config::haproxy::lex::Word;
use crate::config::haproxy::section::{Line, Modifier};
use crate::diag::{Span, Spanned};

use super::Context;
use super::server::Options;
use super::settings::Settings;
use super::value;

/// What the probes of a backend do.
#[derive(Clone, Debug, Default)]
pub struct Checks {
    /// `option httpchk`, and where it stands.
    http: Option<Span>,
    method: Option<String>,
    path: Option<String>,
    headers: Vec<(String, String)>,
    status: Vec<Spanned<(u16, u16)>>,
    body: Option<Spanned<String>>,
    /// First `http-check` line, which needs `option httpchk`.
    rule: Option<Span>,
}

/// `option httpchk [[METHOD] URI [VERSION]]`.
pub fn httpchk(settings: &mut Settings, line: &Line, context: &Context<'_>) {
    let checks = &mut settings.checks;
    if line.modifier != Modifier::None {
        checks.http = None;
        return;
    }
    checks.http = Some(line.span_of(2));
    let (method, path, version) = match line.words.len() {
        0..=2 => return,
        3 => (None, line.text(2), ""),
        _ => (Some(line.text(2)), line.text(3), line.text(4)),
    };
    checks.method = method.map(str::to_owned);
    checks.path = Some(path.to_owned());
    // Header fields used to be smuggled in behind the version.
    for field in version.split("\r\n").skip(1).filter(|field| !field.is_empty()) {
        match field.split_once(':') {
            Some((name, content)) => checks.headers.push((name.trim().to_owned(), content.trim().to_owned())),
            None => context.error("E-VALUE", line.span(), format!("'{field}' is no header field")),
        }
    }
    if let Some(host) = line.word(5) {
        checks.headers.push(("Host".to_owned(), host.text.clone()));
    }
    context.no_more(line, 6);
}

/// `option tcp-check`: a connect, where no tcp-check rules follow (they are refused).
pub fn tcp_check(settings: &mut Settings, line: &Line, _: &Context<'_>) {
    if line.modifier == Modifier::None {
        settings.checks = Checks::default();
    }
}

/// `http-check send [meth M] [uri U] [ver V] [hdr NAME VALUE]...`.
pub fn send(settings: &mut Settings, line: &Line, context: &Context<'_>) {
    let checks = &mut settings.checks;
    checks.rule.get_or_insert(line.span_of(2));
    let mut at = 2;
    while let Some(word) = line.word(at) {
        let count = if word.text == "hdr" { 2 } else { 1 };
        if context.argument(line, at + count, "a value").is_none() {
            return;
        }
        let value = line.text(at + 1);
        match word.text.as_str() {
            "meth" => checks.method = Some(value.to_owned()),
            "uri" => checks.path = Some(value.to_owned()),
            "ver" | "comment" => {}
            "hdr" if line.text(at + 2).contains('%') => {
                context.refuse(word.span, "a log-format in 'http-check send'", "expressions come in a later version");
            }
            "hdr" => checks.headers.push((value.to_owned(), line.text(at + 2).to_owned())),
            "body" | "body-lf" | "uri-lf" => {
                let why = "bodies and formats of probes come in a later version";
                context.refuse(word.span, &format!("'http-check send {}'", word.text), why);
            }
            _ => {
                let message = format!("'http-check send' does not know '{}'", word.text);
                context.error("E-UNKNOWN-KEY", word.span, message);
                return;
            }
        }
        at += 1 + count;
    }
}

/// `http-check expect [min-recv N] [comment TEXT] [...-status S] [!] status|string VALUE`.
pub fn expect(settings: &mut Settings, line: &Line, context: &Context<'_>) {
    let checks = &mut settings.checks;
    checks.rule.get_or_insert(line.span_of(2));
    let mut at = 2;
    while let "min-recv" | "comment" | "ok-status" | "error-status" | "tout-status" | "on-success" | "on-error"
    | "status-code" = line.text(at)
    {
        let word = &line.words[at];
        if word.text != "comment" {
            context.refuse(word.span, &format!("'http-check expect {}'", word.text), "it comes in a later version");
        }
        at += 2;
    }
    let Some(kind) = context.argument(line, at, "what the answer must be, such as status 200") else { return };
    match kind.text.as_str() {
        "!" | "rstatus" | "rstring" | "hdr" | "fhdr" | "string-lf" => {
            let why = "`status` with codes and ranges, and `string`, are known so far";
            context.refuse(kind.span, &format!("'http-check expect {}'", kind.text), why);
        }
        "status" => {
            let Some(word) = context.argument(line, at + 1, "a status") else { return };
            context.no_more(line, at + 2);
            checks.status = word.text.split(',').filter_map(|part| status(part, word, context)).collect();
        }
        "string" => {
            let Some(word) = context.argument(line, at + 1, "a text") else { return };
            context.no_more(line, at + 2);
            checks.body = Some(Spanned::new(word.text.clone(), word.span));
        }
        other => {
            let message = format!("'http-check expect' does not know '{other}'; write status or string");
            context.error("E-UNKNOWN-KEY", kind.span, message);
        }
    }
}

fn status(text: &str, word: &Word, context: &Context<'_>) -> Option<Spanned<(u16, u16)>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let code =
        |text: &str| value::number(text, 100, 599).map_err(|_| format!("'{text}' is no status code; 100 to 599"));
    let range = code(first).and_then(|first| Ok((first, code(last)?)));
    let narrow = |code: u64| u16::try_from(code).unwrap_or(u16::MAX);
    context.value(word, range).map(|range| range.map(|(first, last)| (narrow(first), narrow(last))))
}

impl Checks {
    /// Reports rules that nothing asks for.
    pub fn unused(&self, context: &Context<'_>) {
        if let (None, Some(span)) = (self.http, self.rule) {
            let message = "'http-check' ignored without 'option httpchk'";
            context.warning("W-CHECK", span, message, "add 'option httpchk'");
        }
    }

    /// The check of a server that asked for one.
    pub fn of(&self, options: &Options, timeout: Option<Spanned<std::time::Duration>>, span: Span) -> Spanned<Check> {
        let interval = options.inter;
        let mut check = Check {
            is_probe_written: true,
            interval,
            // HAProxy hurries only where it was told to.
            fast_interval: options.fastinter.or(interval).or(Some(Spanned::new(super::server::INTER, span))),
            down_interval: options.downinter.or(interval),
            timeout: timeout.or(interval),
            rise: options.rise,
            fall: options.fall,
            port: options.port,
            observe: Some(Spanned::new(None, span)),
            ..Check::default()
        };
        match self.http {
            None => check.tcp = Some(Spanned::new(true, span)),
            Some(place) => {
                let request = Request {
                    method: self.method.clone().unwrap_or_else(|| "OPTIONS".to_owned()),
                    path: self.path.clone().unwrap_or_else(|| "/".to_owned()),
                    headers: self.headers.clone(),
                };
                check.http = Some(Spanned::new(request, place));
                check.status.clone_from(&self.status);
                check.body.clone_from(&self.body);
                if self.status.is_empty()
                    && let Some(body) = &self.body
                {
                    // A text alone makes any status right.
                    check.status.push(Spanned::new((100, 599), body.span));
                }
            }
        }
        Spanned::new(check, span)
    }
}
