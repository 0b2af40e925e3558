//! Lines about the log: `log-format`, `option httplog`, `capture request header`, `unique-id-format` and the like.

use crate::model::proxy::Mode;
use crate::rule::error::RuleError;
use crate::rule::format::{Format, FormatUse};
use crate::rule::scope::Scope;
use crate::rule::stage::Stage;

use super::{CookieCapture, FieldCapture, Logging};

/// `option httplog` (HAProxy manual §8.2.3).
const HTTP: &str =
    "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r";
/// `option httplog clf`
const HTTP_CLF: &str = "%{+Q}o %{-Q}ci - - [%trg] %r %ST %B \"\" \"\" %cp %ms %ft %b %s %TR %Tw %Tc %Tr %Ta %tsc \
                        %ac %fc %bc %sc %rc %sq %bq %CC %CS %hrl %hsl";
/// `option httpslog` (§8.2.5): no error of the connection, and what a connection without TLS shows of it.
const HTTPS: &str = "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs \
                     %{+Q}r 0/-/-/-/0 -/%sslv/%sslc";
/// `option tcplog` (§8.2.2).
const TCP: &str = "%ci:%cp [%t] %ft %b/%s %Tw/%Tc/%Tt %B %ts %ac/%fc/%bc/%sc/%rc %sq/%bq";
/// `option tcplog clf`
const TCP_CLF: &str = "%{+Q}o %{-Q}ci - - [%T] \"TCP \" 000 %B \"\" \"\" %cp %ms %ft %b %s %Th %Tw %Tc %Tt %U %ts-- \
                       %ac %fc %bc %sc %rc %sq %bq \"\" \"\" ";

/// Bytes of a capture that nobody limits: HAProxy's `tune.http.cookielen`.
const LONGEST: usize = 65_535;

impl Logging {
    /// Whether a line is one of these, by its first two words without `no`.
    pub fn has_line(first: &str, second: &str) -> bool {
        match first {
            "log-format" | "log-format-sd" | "error-log-format" | "unique-id-format" | "unique-id-header" => true,
            "capture" | "declare" => true,
            "option" => is_format_option(second),
            _ => false,
        }
    }

    /// Adds what a line says; `is_undone` if `no` stood before it.
    ///
    /// # Errors
    /// The line is wrong.
    pub fn add(&mut self, words: &[&str], is_undone: bool, mode: Mode, scope: &mut Scope<'_>) -> Result<(), RuleError> {
        let taken = match words {
            ["option", option, ..] if is_undone && is_format_option(option) => {
                self.format = None;
                2
            }
            ["option", option, rest @ ..] if !is_undone && is_format_option(option) => {
                let is_clf = rest.first() == Some(&"clf") && *option != "httpslog";
                let text = match (*option, is_clf, mode) {
                    ("httplog", false, Mode::Http) => HTTP,
                    ("httplog", true, Mode::Http) => HTTP_CLF,
                    ("httpslog", _, Mode::Http) => HTTPS,
                    // HAProxy falls back where there is no HTTP.
                    (_, false, _) => TCP,
                    (_, true, _) => TCP_CLF,
                };
                self.format = Some(format(text, scope)?);
                2 + usize::from(is_clf)
            }
            ["log-format", text, ..] => {
                self.format = Some(format(text, scope).map_err(|error| error.later(1))?);
                2
            }
            ["error-log-format", text, ..] => {
                self.error_format = Some(format(text, scope).map_err(|error| error.later(1))?);
                2
            }
            ["log-format-sd", text, ..] => {
                self.structured = Some(format(text, scope).map_err(|error| error.later(1))?);
                2
            }
            ["unique-id-format", text, ..] => {
                scope.stage = Stage::HttpRequest;
                let compiled = Format::compile(text, FormatUse::UniqueId, scope).map_err(|error| error.later(1))?;
                self.unique_id.get_or_insert_default().format = Some(compiled);
                2
            }
            ["unique-id-header", name, ..] => {
                self.unique_id.get_or_insert_default().header = Some(name.as_bytes().into());
                2
            }
            ["declare", "capture", direction, "len", length, ..] => {
                let length = length_of(length).map_err(|error| error.later(4))?;
                slots(direction, scope).map_err(|error| error.later(2))?.push(length);
                5
            }
            ["capture", "cookie", name, "len", length, ..] => {
                let length = length_of(length).map_err(|error| error.later(4))?;
                // An equals sign ends a name that must be just that.
                let (name, is_exact) = name.strip_suffix('=').map_or((*name, false), |name| (name, true));
                self.cookie = Some(CookieCapture { name: name.as_bytes().into(), is_exact, length });
                5
            }
            ["capture", direction, "header", name, "len", length, ..] => {
                let length = length_of(length).map_err(|error| error.later(5))?;
                let slots = slots(direction, scope).map_err(|error| error.later(1))?;
                slots.push(length);
                let field = FieldCapture { name: name.as_bytes().into(), slot: slots.len() - 1 };
                match *direction {
                    "request" => self.request_fields.push(field),
                    _ => self.response_fields.push(field),
                }
                6
            }
            ["capture", ..] => {
                let what =
                    "'capture' expects 'cookie <name> len <length>' or '{request|response} header <name> len <length>'";
                return Err(RuleError::new(1.min(words.len()), what));
            }
            ["declare", ..] => {
                return Err(RuleError::new(
                    1.min(words.len()),
                    "'declare' expects 'capture {request|response} len <length>'",
                ));
            }
            [first, ..] => return Err(RuleError::new(words.len(), format!("'{first}' expects an argument"))),
            [] => return Err(RuleError::new(0, "a line without words")),
        };
        match words.get(taken) {
            None => Ok(()),
            Some(extra) if words[0] == "unique-id-header" => {
                scope.warn(taken, format!("'{extra}' is not read: the name of a field is one word"));
                Ok(())
            }
            Some(extra) => {
                let what = format!("'{}' cannot handle unexpected argument '{extra}'", words[0]);
                Err(RuleError::new(taken, what))
            }
        }
    }
}

fn is_format_option(name: &str) -> bool {
    matches!(name, "httplog" | "tcplog" | "httpslog")
}

fn format(text: &str, scope: &mut Scope<'_>) -> Result<Format, RuleError> {
    scope.stage = Stage::Log;
    Format::compile(text, FormatUse::Log, scope)
}

fn length_of(text: &str) -> Result<usize, RuleError> {
    // Of a length of 0 nothing is kept, which HAProxy allows.
    let length = text.parse().ok().filter(|length| *length <= LONGEST);
    length.ok_or_else(|| RuleError::new(0, format!("'{text}' is not a length; 0 to {LONGEST}")))
}

fn slots<'s>(direction: &str, scope: &'s mut Scope<'_>) -> Result<&'s mut Vec<usize>, RuleError> {
    match direction {
        "request" => Ok(&mut scope.slots.request),
        "response" => Ok(&mut scope.slots.response),
        other => Err(RuleError::new(0, format!("expected 'request' or 'response', found '{other}'"))),
    }
}
