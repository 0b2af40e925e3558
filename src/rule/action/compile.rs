//! Words into actions.

use std::ops::RangeInclusive;

use crate::http::FieldLine;
use crate::model::log::Level;
use crate::model::naming::Family;

use super::super::argument::{self, Argument, Raw};
use super::super::asking::Asking;
use super::super::bandwidth::Setting;
use super::super::carried;
use super::super::converter;
use super::super::error::{RuleError, Support};
use super::super::format::{Format, FormatUse};
use super::super::pattern::set::Case;
use super::super::pattern::{Method, PatternSpec, Patterns};
use super::super::reference::ReferenceKind;
use super::super::sample::Kind;
use super::super::scope::Scope;
use super::super::stage::Stage;
use super::super::transaction::LogLevel;
use super::super::variable::VariableName;
use super::reader::Reader;
use super::table::{self, ACTIONS};
use super::{
    Action, Bulk, Knob, Likeness, NameMatch, Normalizer, Part, PatternChange, Place, Redirect, Reply, Timeout, Value,
    counter,
};

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

impl Reader<'_, '_, '_> {
    /// A list of fields in binary form, and what narrows it.
    fn fields(&mut self, mut what: Bulk) -> Result<Action, RuleError> {
        let list = self.expression()?;
        let mut prefix = "";
        match &mut what {
            Bulk::Add | Bulk::Set if self.takes("prefix") => prefix = self.word("the start of names")?,
            Bulk::Delete(likeness) if self.takes("-m") => {
                let method = self.word("a method")?;
                *likeness = Likeness::by_name(method).ok_or_else(|| {
                    self.wrong(format!("names are not compared by '{method}'")).hint("str, beg, end, sub")
                })?;
            }
            _ => {}
        }
        Ok(Action::ChangeFields { what, list, prefix: prefix.as_bytes().into() })
    }

    fn knob(&mut self, knob: Knob, range: RangeInclusive<i64>) -> Result<Action, RuleError> {
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

    fn reply(&mut self, default: u16, is_page: bool) -> Result<Reply, RuleError> {
        self.part(|words, scope| Reply::compile(words, default, is_page, scope))
    }

    /// `track-sc0 <key> [table <table>]`
    fn track(&mut self, number: &str) -> Result<Action, RuleError> {
        let counter = self.scope.counter(number).map_err(|error| error.further("track-sc".len()))?;
        let at = self.at;
        let key = self.expression()?;
        let table = if self.takes("table") {
            let name = self.word("the name of a stick table")?;
            self.scope.table(name).map_err(|error| error.later(self.at - 1))?
        } else {
            self.scope.own_table()?
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
                Ok(Action::Capture { is_response, slot, value })
            }
            "len" => Err(self.wrong("a capture of a response needs 'id', of a slot that was declared")),
            "id" => {
                let id = usize::try_from(self.number(0..=i64::from(u16::MAX))?).unwrap_or_default();
                match self.scope.slot_length(is_response, id) {
                    Some(_) => Ok(Action::Capture { is_response, slot: id, value }),
                    None => Err(self.wrong(format!("there is no capture slot {id}"))),
                }
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
            "redirect" => Action::Redirect(self.part(|words, scope| Redirect::compile(words, true, scope))?),
            "auth" if self.takes("realm") => Action::Auth(self.format("a realm")?),
            "auth" => Action::Auth(Format::compile("", FormatUse::Http, self.scope)?),
            "silent-drop" if self.takes("rst-ttl") => {
                Action::SilentDrop { hops: u8::try_from(self.number(1..=255)?).ok() }
            }
            "silent-drop" => Action::SilentDrop { hops: None },
            "do-log" => {
                let named = self.takes("profile");
                let profile = named.then(|| self.word("the name of a log profile")).transpose()?;
                profile.iter().for_each(|name| self.scope.refer(ReferenceKind::LogProfile, name));
                Action::DoLog { profile: profile.map(Into::into) }
            }
            "add-header" => self.line().map(|(line, value)| Action::AddHeader { line, value })?,
            "set-header" => self.line().map(|(line, value)| Action::SetHeader { line, value })?,
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
            "replace-path" => self.replace(Part::Path)?,
            "replace-pathq" => self.replace(Part::PathAndQuery)?,
            "replace-uri" => self.replace(Part::Whole)?,
            "normalize-uri" => Action::Normalize(self.normalizer()?),
            "set-status" => self.status()?,
            "set-var" => {
                let (name, conditions) = self.variable(arguments)?;
                Action::SetVariable { name, conditions, value: self.expression()? }
            }
            "set-var-fmt" => {
                let (name, conditions) = self.variable(arguments)?;
                Action::SetVariableFormat { name, conditions, value: self.format_for("a format", FormatUse::Plain)? }
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
            "set-src" => Action::SetSource(self.address()?),
            "set-dst" => Action::SetDestination(self.address()?),
            "set-timeout" => Action::SetTimeout { timeout: self.timeout()?, value: self.time()? },
            "set-map" => self.patterns(arguments, true, false)?,
            "del-map" | "del-acl" => self.patterns(arguments, false, true)?,
            "add-acl" => self.patterns(arguments, false, false)?,
            "wait-for-body" => self.wait_for_body()?,
            "wait-for-handshake" => Action::WaitForHandshake,
            "do-resolve" => self.resolve(arguments)?,
            "set-bandwidth-limit" => self.bandwidth()?,
            "pause" => Action::Pause(self.time()?),
            "strict-mode" => self.strict_mode()?,
            "disable-l7-retry" => Action::DisableRetry,
            "switch-mode" => self.exactly("http").map(|()| Action::SwitchToHttp)?,
            "expect-proxy" => self.exactly("layer4").map(|()| Action::ExpectProxyHeader)?,
            "use-service" => self.service()?,
            "sc-inc-gpc" | "sc-inc-gpc0" | "sc-inc-gpc1" => {
                Action::CountUp { place: Place::compile(name, arguments, self.scope)?, by: counter::ONE }
            }
            "sc-add-gpc" => Action::CountUp {
                place: Place::compile(name, arguments, self.scope)?,
                by: self.value(0..=i64::from(u32::MAX))?,
            },
            "sc-set-gpt" | "sc-set-gpt0" => {
                Action::SetTag { place: Place::compile(name, arguments, self.scope)?, to: self.tag(name)? }
            }
            name if name.starts_with("track-sc") => self.track(&name["track-sc".len()..])?,
            // Every row that is not refused is above; `every_action_compiles` holds it.
            other => return Err(RuleError::new(0, format!("action '{other}' is not supported"))),
        })
    }

    /// The field that is added, and what makes its value if that is not always the same.
    fn line(&mut self) -> Result<(FieldLine, Option<Format>), RuleError> {
        let (name, value) = (self.name()?, self.format("a value")?);
        let line = FieldLine::new(&name, value.constant());
        let is_made = value.constant().is_none();
        Ok((line, is_made.then_some(value)))
    }

    fn replace(&mut self, part: Part) -> Result<Action, RuleError> {
        Ok(Action::ReplaceTarget { part, regex: self.regex()?, value: self.format("a replacement")? })
    }

    fn normalizer(&mut self) -> Result<Normalizer, RuleError> {
        let word = self.word("a normalizer")?;
        let unknown = || RuleError::unknown("normalizer", word, Normalizer::NAMES.into_iter()).later(self.at - 1);
        let (normalizer, taken) = Normalizer::by_words(word, self.peek()).ok_or_else(unknown)?;
        self.at += taken - 1;
        Ok(normalizer)
    }

    fn status(&mut self) -> Result<Action, RuleError> {
        let status = u16::try_from(self.number(100..=999)?).unwrap_or(200);
        let reason = if self.takes("reason") { Some(self.word("a reason")?.as_bytes().into()) } else { None };
        Ok(Action::SetStatus { status, reason })
    }

    fn strict_mode(&mut self) -> Result<Action, RuleError> {
        match self.word("'on' or 'off'")? {
            "on" => Ok(Action::StrictMode { is_on: true }),
            "off" => Ok(Action::StrictMode { is_on: false }),
            other => Err(self.wrong(format!("expected 'on' or 'off', found '{other}'"))),
        }
    }

    fn service(&mut self) -> Result<Action, RuleError> {
        match self.word("a service")? {
            "prometheus-exporter" => Ok(Action::UseExporter),
            other => Err(self.wrong(format!("there is no service '{other}'")).hint("prometheus-exporter")),
        }
    }

    /// What a general tag is set to.
    fn tag(&mut self, name: &str) -> Result<Value, RuleError> {
        if self.peek().is_none() {
            self.scope.warn(0, format!("'{name}' without a number sets 0"));
            return Ok(Value::Fixed(0));
        }
        self.value(0..=i64::from(u32::MAX))
    }

    fn delete_header(&mut self) -> Result<Action, RuleError> {
        let at = self.at;
        let name = self.word("the name of a field")?;
        if !self.takes("-m") {
            self.at = at;
            return Ok(Action::DeleteHeader(NameMatch::Is(self.name()?)));
        }
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
        let patterns = Patterns::from_words(&[name], spec).map_err(|error| error.later(at))?;
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

    /// `do-resolve(<var>,<resolvers>[,ipv4|ipv6]) <expr>`
    fn resolve(&mut self, arguments: &[Raw]) -> Result<Action, RuleError> {
        let missing = || {
            let what = "'do-resolve' needs a variable and a section of name servers in parentheses";
            RuleError::new(0, what).hint("do-resolve(txn.address,mydns,ipv4)")
        };
        let (variable, section, preference) = match arguments {
            [variable, section] => (variable, section, None),
            [variable, section, preference] => (variable, section, Some(preference)),
            _ => return Err(missing()),
        };
        if section.text.is_empty() {
            return Err(missing());
        }
        let preference = match preference.map(|family| (family, family.text.as_str())) {
            None => None,
            Some((_, "ipv4")) => Some(Family::V4),
            Some((_, "ipv6")) => Some(Family::V6),
            Some((family, other)) => {
                let error = RuleError::new(0, format!("'{other}' is no family of addresses")).hint("ipv4 or ipv6");
                return Err(error.further(family.offset));
            }
        };
        let name = VariableName::parse(&variable.text).map_err(|error| error.further(variable.offset))?;
        self.scope.refer(ReferenceKind::Resolvers, &section.text);
        let at = self.at;
        let expression = self.expression()?;
        if !expression.output().casts_to(Kind::Str) {
            return Err(RuleError::new(at, "the expression does not return a name"));
        }
        let (section, variable) = (section.text.as_str().into(), name);
        Ok(Action::Resolve(Asking { variable, section, preference, name: expression }))
    }

    /// `set-bandwidth-limit <name> [limit <size>|<expr>] [period <time>|<expr>]`
    fn bandwidth(&mut self) -> Result<Action, RuleError> {
        let name = self.word("the name of a bandwidth limit")?;
        let known = self.scope.filters.iter().find(|filter| *filter.name == *name).cloned();
        let Some(filter) = known else {
            let known = self.scope.filters.iter().map(|filter| &*filter.name);
            return Err(RuleError::unknown("bandwidth limit", name, known).later(self.at - 1));
        };
        if let Some(key) = filter.key() {
            key.check_stage(self.scope).map_err(|error| error.later(self.at - 1))?;
        }
        let (mut limit, mut period) = (None, None);
        while let Some(word) = self.peek() {
            self.at += 1;
            if !matches!(word, "limit" | "period") {
                return Err(self.wrong(format!("expected 'limit' or 'period', found '{word}'")));
            }
            if filter.key().is_some() {
                return Err(
                    self.wrong(format!("bandwidth limit '{name}' is shared: it has no '{word}' for one stream"))
                );
            }
            let fixed = self.peek().filter(|_| word == "limit").and_then(argument::size);
            match (word, fixed.and_then(|size| i64::try_from(size).ok())) {
                ("limit", Some(size)) => {
                    self.at += 1;
                    limit = Some(Value::Fixed(size));
                }
                ("limit", None) => limit = Some(self.value(0..=i64::MAX)?),
                _ => period = Some(self.time()?),
            }
        }
        Ok(Action::LimitBandwidth(Setting { filter, limit, period }))
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
                    at_least = argument::size(text).ok_or_else(|| self.wrong(format!("'{text}' is not a size")))?;
                }
                other => return Err(self.wrong(format!("expected 'time' or 'at-least', found '{other}'"))),
            }
        }
        let time = time.ok_or_else(|| RuleError::new(0, "'wait-for-body' needs 'time' and a time"))?;
        Ok(Action::WaitForBody { time, at_least })
    }
}
