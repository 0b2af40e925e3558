//! The first message of each side of an MQTT connection: CONNECT and CONNACK of versions 3.1, 3.1.1 and 5.0.
//!
//! Decides whether such a message is right, and finds a field of it. Numbers are told as decimal digits.

use super::super::argument::Argument;
use super::super::error::RuleError;
use super::super::sample::Sample;
use super::super::transaction::Transaction;
use super::text::into_text;

/// Packet types (MQTT 5.0 §2.1.2).
const CONNECT: u8 = 1;
const CONNACK: u8 = 2;

/// The version that has properties.
const WITH_PROPERTIES: u8 = 5;

/// Flags of CONNECT (§3.1.2.3).
const RESERVED: u8 = 0x01;
const WILL: u8 = 0x04;
const WILL_QOS: u8 = 0x18;
const WILL_RETAIN: u8 = 0x20;
const PASSWORD: u8 = 0x40;
const USERNAME: u8 = 0x80;

/// Fields without a number of a property have one from here on.
const FLAGS: u8 = 100;
const REASON_CODE: u8 = 101;
const PROTOCOL_NAME: u8 = 102;
const PROTOCOL_VERSION: u8 = 103;
const CLIENT_IDENTIFIER: u8 = 104;
const WILL_TOPIC: u8 = 105;
const WILL_PAYLOAD: u8 = 106;
const USER: u8 = 107;
const SECRET: u8 = 108;
const KEEPALIVE: u8 = 109;

const NAMES_OF_CONNECT: &[(&str, u8)] = &[
    ("flags", FLAGS),
    ("protocol_name", PROTOCOL_NAME),
    ("protocol_version", PROTOCOL_VERSION),
    ("client_identifier", CLIENT_IDENTIFIER),
    ("will_topic", WILL_TOPIC),
    ("will_payload", WILL_PAYLOAD),
    ("username", USER),
    ("password", SECRET),
    ("keepalive", KEEPALIVE),
];
const NAMES_OF_CONNACK: &[(&str, u8)] =
    &[("flags", FLAGS), ("protocol_version", PROTOCOL_VERSION), ("reason_code", REASON_CODE)];

/// What a property is made of (§2.2.2.2).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// A byte that is 0 or 1.
    Flag,
    /// A number of so many bytes.
    Number(usize),
    /// The same, not 0.
    Positive(usize),
    Text,
    /// The same, not empty.
    Name,
    /// Two texts.
    Pair,
}

/// Pairs may come more than once, and are not told.
const USER_PROPERTY: (u8, Form) = (38, Form::Pair);
const METHOD: (u8, Form) = (21, Form::Text);
const DATA: (u8, Form) = (22, Form::Text);

const OF_CONNECT: &[(u8, Form)] = &[
    (17, Form::Number(4)),
    (33, Form::Positive(2)),
    (39, Form::Positive(4)),
    (34, Form::Number(2)),
    (25, Form::Flag),
    (23, Form::Flag),
    USER_PROPERTY,
    METHOD,
    DATA,
];
const OF_WILL: &[(u8, Form)] = &[
    (24, Form::Number(4)),
    (1, Form::Flag),
    (2, Form::Number(4)),
    (3, Form::Text),
    (8, Form::Text),
    (9, Form::Text),
    USER_PROPERTY,
];
const OF_CONNACK: &[(u8, Form)] = &[
    (17, Form::Number(4)),
    (33, Form::Positive(2)),
    (36, Form::Flag),
    (37, Form::Flag),
    (39, Form::Positive(4)),
    (18, Form::Name),
    (34, Form::Number(2)),
    (31, Form::Text),
    (40, Form::Flag),
    (41, Form::Flag),
    (42, Form::Flag),
    (19, Form::Number(2)),
    (26, Form::Text),
    (28, Form::Text),
    USER_PROPERTY,
    METHOD,
    DATA,
];

/// What a field says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value<'m> {
    Number(u32),
    Text(&'m [u8]),
}

/// What came of reading a message.
enum Outcome<'m> {
    /// It is right, and this is the field that was asked for.
    Right(Option<Value<'m>>),
    Wrong,
    /// More bytes are needed.
    Short,
}

/// The rest of a message, and the field that is looked for in it.
struct Reader<'m> {
    rest: &'m [u8],
    wanted: u8,
    found: Option<Value<'m>>,
}

impl<'m> Reader<'m> {
    fn take(&mut self, length: usize) -> Option<&'m [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    fn note(&mut self, field: u8, value: Value<'m>) {
        if field == self.wanted {
            self.found = Some(value);
        }
    }

    fn number(&mut self, field: u8, length: usize) -> Option<u32> {
        let value = self.take(length)?.iter().fold(0, |value, byte| value << 8 | u32::from(*byte));
        self.note(field, Value::Number(value));
        Some(value)
    }

    fn byte(&mut self, field: u8) -> Option<u8> {
        self.number(field, 1).map(|value| value as u8)
    }

    fn text(&mut self, field: u8) -> Option<&'m [u8]> {
        let length = self.take(2)?;
        let text = self.take(usize::from(u16::from_be_bytes([length[0], length[1]])))?;
        self.note(field, Value::Text(text));
        Some(text)
    }

    /// Reads the properties of a packet or a will; `None` if one is wrong, unknown or there twice.
    fn properties(&mut self, known: &[(u8, Form)]) -> Option<()> {
        let (length, taken) = variable_number(self.rest)?;
        self.take(taken)?;
        let behind = self.rest.len().checked_sub(length)?;
        // What is not there is a number of 0.
        if known.iter().any(|(id, form)| *id == self.wanted && form.is_number()) {
            self.found = Some(Value::Number(0));
        }
        let (mut seen, mut method, mut data) = (0_u64, false, false);
        while self.rest.len() > behind {
            let id = self.take(1)?[0];
            let (_, form) = known.iter().find(|(known, _)| *known == id)?;
            if *form != Form::Pair && seen & 1 << id != 0 {
                return None;
            }
            seen |= 1 << id;
            let is_right = match form {
                Form::Flag => self.byte(id)? <= 1,
                Form::Number(length) => self.number(id, *length).is_some(),
                Form::Positive(length) => self.number(id, *length)? > 0,
                Form::Text | Form::Name => {
                    let text = self.text(id)?;
                    method |= id == METHOD.0 && !text.is_empty();
                    data |= id == DATA.0 && !text.is_empty();
                    *form == Form::Text || !text.is_empty()
                }
                Form::Pair => self.text(id).and_then(|_| self.text(id)).is_some(),
            };
            if !is_right {
                return None;
            }
        }
        (self.rest.len() == behind && (method || !data)).then_some(())
    }

    fn connect(&mut self) -> Option<()> {
        let name = self.text(PROTOCOL_NAME)?;
        if !name.eq_ignore_ascii_case(b"MQTT") && !name.eq_ignore_ascii_case(b"MQIsdp") {
            return None;
        }
        let version = self.byte(PROTOCOL_VERSION).filter(|version| (3..=WITH_PROPERTIES).contains(version))?;
        let flags = self.byte(FLAGS)?;
        if flags & RESERVED != 0 || flags & (WILL | WILL_QOS | WILL_RETAIN) == WILL_QOS {
            return None;
        }
        self.number(KEEPALIVE, 2)?;
        if version == WITH_PROPERTIES {
            self.properties(OF_CONNECT)?;
        }
        self.text(CLIENT_IDENTIFIER)?;
        if flags & WILL != 0 {
            if version == WITH_PROPERTIES {
                self.properties(OF_WILL)?;
            }
            self.text(WILL_TOPIC)?;
            self.text(WILL_PAYLOAD)?;
        }
        if flags & USERNAME != 0 {
            self.text(USER)?;
        }
        if flags & PASSWORD != 0 {
            self.text(SECRET)?;
        }
        self.rest.is_empty().then_some(())
    }

    fn connack(&mut self) -> Option<()> {
        let version = if self.rest.len() == 2 { 4 } else { WITH_PROPERTIES };
        self.note(PROTOCOL_VERSION, Value::Number(version.into()));
        if self.byte(FLAGS)? > 1 {
            return None;
        }
        self.byte(REASON_CODE)?;
        if version == WITH_PROPERTIES {
            self.properties(OF_CONNACK)?;
        }
        self.rest.is_empty().then_some(())
    }
}

impl Form {
    fn is_number(self) -> bool {
        matches!(self, Form::Flag | Form::Number(_) | Form::Positive(_))
    }
}

/// A number of up to four bytes, the low seven bits first (§1.5.5), and how many it takes.
fn variable_number(bytes: &[u8]) -> Option<(usize, usize)> {
    let last = bytes.iter().take(4).position(|byte| byte & 0x80 == 0)?;
    let digits = bytes[..=last].iter().rev();
    Some((digits.fold(0, |value, byte| value << 7 | usize::from(byte & 0x7f)), last + 1))
}

/// Reads the message at the start.
fn read(message: &[u8], kind: Option<u8>, wanted: u8) -> Outcome<'_> {
    let Some((first, rest)) = message.split_first() else { return Outcome::Short };
    let (length, taken) = match variable_number(rest) {
        Some(found) => found,
        None if rest.len() < 4 => return Outcome::Short,
        None => return Outcome::Wrong,
    };
    let packet = first >> 4;
    if first & 0x0f != 0 || !matches!(packet, CONNECT | CONNACK) {
        return Outcome::Wrong;
    }
    let Some(body) = rest[taken..].get(..length) else { return Outcome::Short };
    let mut reader = Reader { rest: body, wanted, found: None };
    let is_right = if packet == CONNECT { reader.connect() } else { reader.connack() };
    match is_right {
        Some(()) if kind.is_none_or(|kind| kind == packet) => Outcome::Right(reader.found),
        _ => Outcome::Wrong,
    }
}

/// `mqtt_is_valid`
pub(super) fn is_valid<'t>(_: &'t Transaction<'_>, _: &'t [Argument], sample: Sample<'t>) -> Option<Sample<'t>> {
    match read(&into_text(sample), None, 0) {
        Outcome::Right(_) => Some(Sample::Bool(true)),
        Outcome::Wrong => Some(Sample::Bool(false)),
        Outcome::Short => None,
    }
}

/// `mqtt_field_value`
pub(super) fn field<'t>(_: &'t Transaction<'_>, arguments: &'t [Argument], sample: Sample<'t>) -> Option<Sample<'t>> {
    let number = |at: usize| u8::try_from(arguments.get(at)?.int_or(0)).ok();
    match read(&into_text(sample), Some(number(0)?), number(1)?) {
        Outcome::Right(Some(Value::Number(value))) => Some(Sample::bin(value.to_string())),
        Outcome::Right(Some(Value::Text(text))) if !text.is_empty() => Some(Sample::bin(text)),
        Outcome::Right(_) | Outcome::Wrong | Outcome::Short => None,
    }
}

/// The numbers of a packet type and a field of it.
///
/// # Errors
/// There is no such type or field. Counts from the argument.
pub(super) fn compile(kind: &str, field: &str) -> Result<[Argument; 2], (usize, RuleError)> {
    let packet = match kind.to_ascii_lowercase().as_str() {
        "connect" | "1" => CONNECT,
        "connack" | "2" => CONNACK,
        _ => return Err((0, RuleError::new(0, format!("'{kind}' is no packet that is read: connect or connack")))),
    };
    let (names, properties) = match packet {
        CONNECT => (NAMES_OF_CONNECT, [OF_CONNECT, OF_WILL].concat()),
        _ => (NAMES_OF_CONNACK, OF_CONNACK.to_vec()),
    };
    let named = names.iter().find(|(name, _)| name.eq_ignore_ascii_case(field)).map(|(_, code)| *code);
    let numbered = || {
        let id = field.parse::<u8>().ok()?;
        properties.iter().find(|(known, form)| *known == id && *form != Form::Pair).map(|(id, _)| *id)
    };
    let code = named.or_else(numbered).ok_or_else(|| {
        let known: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
        let what = format!("'{field}' is no field of {kind}: {}, or the number of a property", known.join(", "));
        (1, RuleError::new(0, what))
    })?;
    Ok([Argument::Int(packet.into()), Argument::Int(code.into())])
}
