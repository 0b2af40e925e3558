//! Words into actions.

use crate::model::log::Level;

use super::super::argument::{self, Argument, Raw};
use super::super::carried;
use super::super::converter;
use super::super::error::{RuleError, Support};
use super::super::expression::Expression;
use super::super::format::{Format, FormatUse};
use super::super::pattern::set::Case;
use super::super::pattern::{Method, Operator, PatternSpec, Patterns, Regex};
use super::super::sample::Kind;
use super::super::scope::Scope;
use super::super::stage::Stage;
use super::super::transaction::LogLevel;
use super::super::variable::VariableName;
use super::table::{self, ACTIONS};
use super::{
    Action, Bulk, Knob, Likeness, NameMatch, Normalizer, Part, PatternChange, Place, Redirect, Reply, Time, Timeout,
    Value, counter,
};

/// Reads words from the left; complaints have the number of the word.
struct Reader<'w, 's, 'a> {
    words: &'w [&'w str],
    at: usize,
    scope: &'s mut Scope<'a>,
}

/// Compiles the action at the start of the words, and says how many it takes.
pub(super) fn action(words: &[&str], scope: &mut Scope<'_>) -> Result<(Action, usize), RuleError> {
    let Some(first) = words.first() else { return Err(RuleError::new(0, "an action is missing")) };
    let call = argument::call(first)?;
    let stage = scope.stage;
    let here = || ACTIONS.iter().filter(|row| row.stages.contains(&stage)).map(|row| row.name);
    let Some(row) = table::by_name(call.name) else {
        return Err(RuleError::unknown(&format!("action of '{}'", stage.name()), call.name, here()));
    };
    if let Support::Refused(why) = row.support {
        return Err(RuleError::new(0, format!("action '{}' is not supported: {why}", row.name)));
    }
    if scope.proxy.is_some()
        && let Support::Refused(why) = carried::action(row)
    {
        return Err(RuleError::new(0, format!("action '{}' is not supported: {why}", row.name)));
    }
    if !row.stages.contains(&stage) {
        let places: Vec<_> = row.stages.iter().map(|stage| stage.name()).collect();
        let error = RuleError::new(0, format!("action '{}' is not allowed in '{}'", row.name, stage.name()));
        return Err(error.hint(format!("it is in {}", places.join(", "))));
    }
    if call.length < first.len() {
        let error = RuleError::new(0, format!("unexpected '{}' after the action", &first[call.length..]));
        return Err(error.further(call.length));
    }
    if !call.arguments.is_empty() && !row.usage.starts_with('(') {
        return Err(RuleError::new(0, format!("'{}' takes no argument in parentheses", row.name)));
    }
    let mut reader = Reader { words, at: 1, scope };
    // By the name that was written: the number of a counter is a part of it.
    let action = reader.action(call.name, &call.arguments)?;
    Ok((action, reader.at))
}

impl<'w> Reader<'w, '_, '_> {
    fn peek(&self) -> Option<&'w str> {
        self.words.get(self.at).copied().filter(|word| !matches!(*word, "if" | "unless"))
    }

    /// The next word, which has to be there.
    fn word(&mut self, what: &str) -> Result<&'w str, RuleError> {
        let missing = || RuleError::new(self.at - 1, format!("'{}' needs {what}", self.words[0]));
        let word = self.words.get(self.at).copied().ok_or_else(missing)?;
        self.at += 1;
        Ok(word)
    }

    fn wrong(&self, what: impl Into<String>) -> RuleError {
        RuleError::new(self.at - 1, what)
    }

    fn format(&mut self, what: &str) -> Result<Format, RuleError> {
        let at = self.at;
        let word = self.word(what)?;
        Format::compile(word, FormatUse::Http, self.scope).map_err(|error| error.later(at))
    }

    fn expression(&mut self) -> Result<Expression, RuleError> {
        let at = self.at;
        let (expression, taken) = Expression::compile_words(self.words.get(at..).unwrap_or_default(), self.scope)
            .map_err(|error| error.later(at))?;
        expression.check_stage(self.scope).map_err(|error| error.later(at))?;
        self.at += taken;
        Ok(expression)
    }

    fn regex(&mut self) -> Result<Regex, RuleError> {
        let word = self.word("a regex")?;
        Regex::new(word, Case::Sensitive).map_err(|why| self.wrong(why))
    }

    /// A field name; framing is not a rule's business.
    fn name(&mut self) -> Result<Box<[u8]>, RuleError> {
        let name = self.word("the name of a field")?;
        if !name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':') || name.is_empty() {
            return Err(self.wrong(format!("'{name}' is not the name of a field")));
        }
        if ["content-length", "transfer-encoding"].iter().any(|framing| name.eq_ignore_ascii_case(framing)) {
            let what = format!("'{name}' is forwarded as received, whatever rules do: it delimits the body");
            self.scope.warn(self.at - 1, what);
        }
        let of_a_connection = ["connection", "keep-alive", "proxy-connection", "te", "upgrade"];
        if of_a_connection.iter().any(|known| name.eq_ignore_ascii_case(known)) {
            let what = format!("'{name}' is about one connection and not forwarded, whatever rules make of it");
            self.scope.warn(self.at - 1, what);
        }
        Ok(name.as_bytes().into())
    }

    /// A list of fields in binary form, and what narrows it.
    fn fields(&mut self, mut what: Bulk) -> Result<Action, RuleError> {
        let list = self.expression()?;
        let mut prefix = "";
        match (self.peek(), &mut what) {
            (Some("prefix"), Bulk::Add | Bulk::Set) => {
                self.at += 1;
                prefix = self.word("the start of names")?;
            }
            (Some("-m"), Bulk::Delete(likeness)) => {
                self.at += 1;
                let method = self.word("a method")?;
                *likeness = Likeness::by_name(method).ok_or_else(|| {
                    self.wrong(format!("names are not compared by '{method}'")).hint("str, beg, end, sub")
                })?;
            }
            _ => {}
        }
        Ok(Action::ChangeFields { what, list, prefix: prefix.as_bytes().into() })
    }

    fn number(&mut self, range: std::ops::RangeInclusive<i64>) -> Result<i64, RuleError> {
        let word = self.word("a number")?;
        let number = match word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
            Some(digits) => i64::from_str_radix(digits, 16).ok(),
            None => word.parse().ok(),
        };
        let wrong = || self.wrong(format!("'{word}' is not a number from {} to {}", range.start(), range.end()));
        number.filter(|number| range.contains(number)).ok_or_else(wrong)
    }

    /// A number within the range, or an expression for one.
    fn value(&mut self, range: std::ops::RangeInclusive<i64>) -> Result<Value, RuleError> {
        let is_number = self.peek().is_some_and(|word| word.starts_with(|c: char| c.is_ascii_digit() || c == '-'));
        if is_number {
            return self.number(range).map(Value::Fixed);
        }
        let at = self.at;
        let expression = self.expression()?;
        if !expression.output().casts_to(Kind::Int) {
            return Err(RuleError::new(at, "the expression does not return a number"));
        }
        Ok(Value::Computed(expression))
    }

    fn knob(&mut self, knob: Knob, range: std::ops::RangeInclusive<i64>) -> Result<Action, RuleError> {
        Ok(Action::SetKnob { knob, value: self.value(range)? })
    }

    /// `set-nice`, whose number HAProxy moves to the nearest that there is.
    fn nice(&mut self) -> Result<Action, RuleError> {
        let at = self.at;
        let value = match self.value(i64::from(i32::MIN)..=i64::from(i32::MAX))? {
            Value::Fixed(number) if !(-1024..=1024).contains(&number) => {
                let nearest = number.clamp(-1024, 1024);
                self.scope.warn(at, format!("{number} is read as {nearest}: the range is -1024 to 1024"));
                Value::Fixed(nearest)
            }
            value => value,
        };
        Ok(Action::SetKnob { knob: Knob::Nice, value })
    }

    /// `set-tos` and its like: the kernel takes the lowest eight bits.
    fn type_of_service(&mut self, knob: Knob) -> Result<Action, RuleError> {
        let at = self.at;
        let value = match self.value(0..=i64::from(i32::MAX))? {
            Value::Fixed(number) if number > 255 => {
                self.scope.warn(at, format!("{number} is read as {}: it is one byte", number & 255));
                Value::Fixed(number & 255)
            }
            value => value,
        };
        Ok(Action::SetKnob { knob, value })
    }

    fn time(&mut self) -> Result<Time, RuleError> {
        let fixed = self.peek().and_then(argument::duration);
        match fixed {
            Some(duration) => {
                self.at += 1;
                Ok(Time::Fixed(duration))
            }
            None => self.expression().map(Time::Computed),
        }
    }

    fn addresses(&mut self) -> Result<Expression, RuleError> {
        let at = self.at;
        let expression = self.expression()?;
        if !expression.output().casts_to(Kind::Addr) {
            return Err(RuleError::new(at, "the expression does not return an address"));
        }
        Ok(expression)
    }

    fn reply(&mut self, default: u16, is_page: bool) -> Result<Reply, RuleError> {
        let at = self.at;
        let words = self.words.get(at..).unwrap_or_default();
        let (reply, taken) = Reply::compile(words, default, is_page, self.scope).map_err(|error| error.later(at))?;
        self.at += taken;
        Ok(reply)
    }

    /// `track-sc0 <key> [table <table>]`
    fn track(&mut self, number: &str) -> Result<Action, RuleError> {
        let counter = self.scope.counter(number).map_err(|error| error.further("track-sc".len()))?;
        let at = self.at;
        let key = self.expression()?;
        let table = match self.peek() {
            Some("table") => {
                self.at += 1;
                let name = self.word("the name of a stick table")?;
                self.scope.table(name).map_err(|error| error.later(self.at - 1))?
            }
            _ => self.scope.own_table()?,
        };
        counter::check_key(&key, &table).map_err(|error| error.later(at))?;
        Ok(Action::Track { counter, key, table })
    }

    fn variable(&mut self, arguments: &[Raw]) -> Result<(VariableName, Box<[Argument]>), RuleError> {
        // The converter of that name has the same arguments and knows which conditions exclude each other.
        let missing = || RuleError::new(0, format!("'{}' needs a variable in parentheses", self.words[0]));
        let row = converter::by_name("set-var").filter(|_| !arguments.is_empty()).ok_or_else(missing)?;
        let compiled = converter::compile(row, arguments, self.scope)?;
        match compiled.split_first() {
            Some((Argument::Variable(name), conditions)) => Ok((name.clone(), conditions.into())),
            _ => Err(missing()),
        }
    }

    fn patterns(&mut self, arguments: &[Raw], has_value: bool, deletes: bool) -> Result<Action, RuleError> {
        let missing = || RuleError::new(0, format!("'{}' needs a file in parentheses", self.words[0]));
        let file = arguments.first().ok_or_else(missing)?.text.as_str().into();
        let key = self.format("a key")?;
        let change = match (has_value, deletes) {
            (true, _) => PatternChange::Set(self.format("a value")?),
            (false, true) => PatternChange::Delete,
            (false, false) => PatternChange::Add,
        };
        Ok(Action::ChangePatterns { file, key, change })
    }

    fn capture(&mut self) -> Result<Action, RuleError> {
        let value = self.expression()?;
        let is_response = self.scope.stage.is_response();
        let how = self.word("'len' or 'id'")?;
        match how {
            "len" if !is_response => {
                let length = usize::try_from(self.number(1..=i64::from(u16::MAX))?).unwrap_or_default();
                self.scope.slots.request.push(length);
                let slot = self.scope.slots.request.len() - 1;
                Ok(Action::Capture { is_response, slot, length, value })
            }
            "len" => Err(self.wrong("a capture of a response needs 'id', of a slot that was declared")),
            "id" => {
                let id = usize::try_from(self.number(0..=i64::from(u16::MAX))?).unwrap_or_default();
                let slots = if is_response { &self.scope.slots.response } else { &self.scope.slots.request };
                let length = slots.get(id).copied();
                let length = length.ok_or_else(|| self.wrong(format!("there is no capture slot {id}")))?;
                Ok(Action::Capture { is_response, slot: id, length, value })
            }
            other => Err(self.wrong(format!("expected 'len' or 'id', found '{other}'"))),
        }
    }

    fn action(&mut self, name: &str, arguments: &[Raw]) -> Result<Action, RuleError> {
        let target = |part, value| Action::SetTarget { part, value };
        Ok(match name {
            "allow" | "accept" => Action::Allow,
            "reject" => Action::Reject,
            "close" => Action::Close,
            "deny" if self.scope.stage == Stage::HttpResponse => Action::Deny(self.reply(502, true)?),
            "deny" => Action::Deny(self.reply(403, true)?),
            "tarpit" => Action::Tarpit(self.reply(500, true)?),
            "return" => Action::Return(self.reply(200, false)?),
            "redirect" => {
                let at = self.at;
                let words = self.words.get(at..).unwrap_or_default();
                let (redirect, taken) = Redirect::compile(words, true, self.scope).map_err(|error| error.later(at))?;
                self.at += taken;
                Action::Redirect(redirect)
            }
            "auth" => {
                if self.peek() == Some("realm") {
                    self.at += 1;
                    Action::Auth(self.format("a realm")?)
                } else {
                    Action::Auth(Format::compile("", FormatUse::Http, self.scope)?)
                }
            }
            "silent-drop" => {
                let hops = if self.peek() == Some("rst-ttl") {
                    self.at += 1;
                    u8::try_from(self.number(1..=255)?).ok()
                } else {
                    None
                };
                Action::SilentDrop { hops }
            }
            "add-header" => Action::AddHeader { name: self.name()?, value: self.format("a value")? },
            "set-header" => Action::SetHeader { name: self.name()?, value: self.format("a value")? },
            "early-hint" => Action::EarlyHint { name: self.name()?, value: self.format("a value")? },
            "del-header" => self.delete_header()?,
            "add-headers-bin" => self.fields(Bulk::Add)?,
            "set-headers-bin" => self.fields(Bulk::Set)?,
            "del-headers-bin" => self.fields(Bulk::Delete(Likeness::Same))?,
            "replace-header" | "replace-value" => Action::ReplaceHeader {
                name: self.name()?,
                regex: self.regex()?,
                value: self.format("a value")?,
                each_value: name == "replace-value",
            },
            "set-method" => Action::SetMethod(self.format("a method")?),
            "set-path" => target(Part::Path, self.format("a path")?),
            "set-pathq" => target(Part::PathAndQuery, self.format("a path")?),
            "set-query" => target(Part::Query, self.format("a query")?),
            "set-uri" => target(Part::Whole, self.format("a request target")?),
            "replace-path" | "replace-pathq" | "replace-uri" => {
                let part = match name {
                    "replace-path" => Part::Path,
                    "replace-pathq" => Part::PathAndQuery,
                    _ => Part::Whole,
                };
                Action::ReplaceTarget { part, regex: self.regex()?, value: self.format("a replacement")? }
            }
            "normalize-uri" => {
                let word = self.word("a normalizer")?;
                let option = self.peek();
                let unknown = || RuleError::unknown("normalizer", word, Normalizer::NAMES.into_iter());
                let (normalizer, taken) =
                    Normalizer::by_words(word, option).ok_or_else(|| unknown().later(self.at - 1))?;
                self.at += taken - 1;
                Action::Normalize(normalizer)
            }
            "set-status" => {
                let status = u16::try_from(self.number(100..=999)?).unwrap_or(200);
                let reason = if self.peek() == Some("reason") {
                    self.at += 1;
                    Some(self.word("a reason")?.as_bytes().into())
                } else {
                    None
                };
                Action::SetStatus { status, reason }
            }
            "set-var" => {
                let (name, conditions) = self.variable(arguments)?;
                Action::SetVariable { name, conditions, value: self.expression()? }
            }
            "set-var-fmt" => {
                let (name, conditions) = self.variable(arguments)?;
                Action::SetVariableFormat { name, conditions, value: self.format("a format")? }
            }
            "unset-var" => Action::UnsetVariable(self.variable(arguments)?.0),
            "capture" => self.capture()?,
            "set-log-level" => Action::SetLogLevel(self.log_level()?),
            "set-nice" => self.nice()?,
            "set-tos" | "set-fc-tos" => self.type_of_service(Knob::ClientTos)?,
            "set-bc-tos" => self.type_of_service(Knob::ServerTos)?,
            "set-mark" | "set-fc-mark" => self.knob(Knob::ClientMark, 0..=i64::from(u32::MAX))?,
            "set-bc-mark" => self.knob(Knob::ServerMark, 0..=i64::from(u32::MAX))?,
            "set-priority-class" => self.knob(Knob::PriorityClass, -2047..=2047)?,
            "set-priority-offset" => self.knob(Knob::PriorityOffset, -524_287..=524_287)?,
            "set-retries" => self.knob(Knob::Retries, 0..=i64::from(u16::MAX))?,
            "set-src-port" => self.knob(Knob::SourcePort, 0..=65_535)?,
            "set-dst-port" => self.knob(Knob::DestinationPort, 0..=65_535)?,
            "set-src" => Action::SetSource(self.addresses()?),
            "set-dst" => Action::SetDestination(self.addresses()?),
            "set-timeout" => Action::SetTimeout { timeout: self.timeout()?, value: self.time()? },
            "set-map" => self.patterns(arguments, true, false)?,
            "del-map" | "del-acl" => self.patterns(arguments, false, true)?,
            "add-acl" => self.patterns(arguments, false, false)?,
            "wait-for-body" => self.wait_for_body()?,
            "wait-for-handshake" => Action::WaitForHandshake,
            "pause" => Action::Pause(self.time()?),
            "strict-mode" => match self.word("'on' or 'off'")? {
                "on" => Action::StrictMode { is_on: true },
                "off" => Action::StrictMode { is_on: false },
                other => return Err(self.wrong(format!("expected 'on' or 'off', found '{other}'"))),
            },
            "disable-l7-retry" => Action::DisableRetry,
            "switch-mode" => self.exactly("http", Action::SwitchToHttp)?,
            "expect-proxy" => self.exactly("layer4", Action::ExpectProxyHeader)?,
            "use-service" => {
                let service = self.word("a service")?;
                if service != "prometheus-exporter" {
                    let what = format!("there is no service '{service}'");
                    return Err(self.wrong(what).hint("prometheus-exporter"));
                }
                Action::UseExporter
            }
            "sc-inc-gpc" | "sc-inc-gpc0" | "sc-inc-gpc1" => {
                Action::CountUp { place: Place::compile(name, arguments, self.scope)?, by: counter::ONE }
            }
            "sc-add-gpc" => {
                let place = Place::compile(name, arguments, self.scope)?;
                Action::CountUp { place, by: self.value(0..=i64::from(u32::MAX))? }
            }
            "sc-set-gpt" | "sc-set-gpt0" => {
                let place = Place::compile(name, arguments, self.scope)?;
                if self.peek().is_none_or(|word| matches!(word, "if" | "unless")) {
                    self.scope.warn(0, format!("'{name}' without a number sets 0"));
                    return Ok(Action::SetTag { place, to: Value::Fixed(0) });
                }
                Action::SetTag { place, to: self.value(0..=i64::from(u32::MAX))? }
            }
            name if name.starts_with("track-sc") => self.track(&name["track-sc".len()..])?,
            // Every row that is not refused is above; `every_action_compiles` holds it.
            other => return Err(RuleError::new(0, format!("action '{other}' is not supported"))),
        })
    }

    fn exactly(&mut self, wanted: &str, action: Action) -> Result<Action, RuleError> {
        let word = self.word(&format!("'{wanted}'"))?;
        if word == wanted { Ok(action) } else { Err(self.wrong(format!("expected '{wanted}', found '{word}'"))) }
    }

    fn delete_header(&mut self) -> Result<Action, RuleError> {
        let at = self.at;
        let name = self.word("the name of a field")?;
        if self.peek() != Some("-m") {
            self.at = at;
            return Ok(Action::DeleteHeader(NameMatch::Is(self.name()?)));
        }
        self.at += 1;
        let word = self.word("a matching method")?;
        let method = match Method::by_name(word) {
            Some(Method::Str) => return Ok(Action::DeleteHeader(NameMatch::Is(name.as_bytes().into()))),
            Some(method @ (Method::Beg | Method::End | Method::Sub | Method::Reg)) => method,
            _ => {
                let error = self.wrong(format!("fields cannot be selected by '{word}'"));
                return Err(error.hint("str, beg, end, sub or reg"));
            }
        };
        // Names of fields have no case.
        let spec = PatternSpec { method, case: Case::Ignored, is_map: false };
        let patterns = Patterns::from_words(&[name], spec, Operator::Eq).map_err(|error| error.later(at))?;
        Ok(Action::DeleteHeader(NameMatch::Matches(patterns.into())))
    }

    fn log_level(&mut self) -> Result<LogLevel, RuleError> {
        let word = self.word("a level")?;
        if word == "silent" {
            return Ok(LogLevel::Silent);
        }
        let known = Level::ALL.into_iter().map(Level::name).chain(["silent"]);
        let level = Level::by_name(word).map(|level| level as u8);
        let unknown = || RuleError::unknown("log level", word, known).later(self.at - 1);
        level.map(LogLevel::Level).ok_or_else(unknown)
    }

    fn timeout(&mut self) -> Result<Timeout, RuleError> {
        let word = self.word("the name of a timeout")?;
        Ok(match word {
            "client" => Timeout::Client,
            "server" => Timeout::Server,
            "connect" => Timeout::Connect,
            "queue" => Timeout::Queue,
            "tarpit" => Timeout::Tarpit,
            "tunnel" => Timeout::Tunnel,
            _ => {
                let error = self.wrong(format!("timeout '{word}' cannot be set by a rule"));
                return Err(error.hint("client, server, connect, queue, tarpit or tunnel"));
            }
        })
    }

    fn wait_for_body(&mut self) -> Result<Action, RuleError> {
        let (mut time, mut at_least) = (None, 0);
        while let Some(word) = self.peek() {
            self.at += 1;
            match word {
                "time" => {
                    let text = self.word("a time")?;
                    let wrong = || self.wrong(format!("'{text}' is not a time"));
                    time = Some(argument::duration(text).ok_or_else(wrong)?);
                }
                "at-least" => {
                    let text = self.word("a size")?;
                    at_least = size(text).ok_or_else(|| self.wrong(format!("'{text}' is not a size")))?;
                }
                other => return Err(self.wrong(format!("expected 'time' or 'at-least', found '{other}'"))),
            }
        }
        let time = time.ok_or_else(|| RuleError::new(0, "'wait-for-body' needs 'time' and a time"))?;
        Ok(Action::WaitForBody { time, at_least })
    }
}

/// Bytes, with `k`, `m` or `g` (manual §2.6).
fn size(text: &str) -> Option<usize> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let value: usize = text[..end].parse().ok()?;
    let factor = match &text[end..] {
        "" => 1,
        "k" | "K" => 1 << 10,
        "m" | "M" => 1 << 20,
        "g" | "G" => 1 << 30,
        _ => return None,
    };
    value.checked_mul(factor)
}
