//! Converters: what may be done to a sample (HAProxy manual §7.3.1).
//!
//! Decides one value from another; the only things it changes are variables (`set-var`) and captures. The table
//! ([`rows`]) comes first: `explain` and the documentation print it. Each file below it holds converters of one kind.

mod rows;
mod rows_table;
mod rows_crypto;
mod rows_network;
mod rows_refused;
mod arithmetic;
mod text;
mod encoding;
pub(crate) mod hash;
mod cipher;
mod signature;
mod x509;
mod calendar;
mod date;
mod structured;
mod protobuf;
mod fix;
mod mqtt;
pub(super) mod forwarded;
mod address;
mod frame;
mod packet;
mod segment;
mod state;
mod table;

use super::argument::{Argument, Raw, Spec};
use super::error::{RuleError, Support};
use super::pattern::set::Case;
use super::pattern::{Method, PatternSpec, Regex};
use super::public_key::KeyForm;
use super::sample::{Kind, Sample};
use super::scope::Scope;
use super::stage::Stage;
use super::transaction::Transaction;

pub(super) use date::format as format_date;
pub(super) use encoding::base64_decode;
pub(super) use hash::{avalanche, sdbm};
pub(super) use state::may_set;

/// What a converter does.
pub type Function = for<'t, 'a> fn(&'t Transaction<'a>, &'t [Argument], Sample<'t>) -> Option<Sample<'t>>;

/// A converter.
#[derive(Clone, Copy)]
pub struct Row {
    /// Its name.
    pub name: &'static str,
    /// Its arguments.
    pub arguments: &'static [Spec],
    /// How many of them have to be there.
    pub needed: usize,
    /// The type that its input is turned into.
    pub input: Kind,
    /// Type of its value; [`Kind::Any`] where it depends on the input or the arguments.
    pub output: Kind,
    /// How far it is supported.
    pub support: Support,
    /// What it does; `None` if it is refused.
    pub run: Option<Function>,
    /// What it returns: a sentence.
    pub doc: &'static str,
}

impl std::fmt::Debug for Row {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.name)
    }
}

/// Every converter, table after table.
pub fn all() -> impl Iterator<Item = &'static Row> {
    let tables: [&'static [Row]; 5] =
        [rows::ROWS, rows_table::ROWS, rows_crypto::ROWS, rows_network::ROWS, rows_refused::ROWS];
    tables.into_iter().flatten()
}

/// The converter of that name.
pub fn by_name(name: &str) -> Option<&'static Row> {
    all().find(|row| row.name == name)
}

/// Compiles the arguments of a converter.
pub(super) fn compile(row: &Row, raw: &[Raw], scope: &mut Scope<'_>) -> Result<Box<[Argument]>, RuleError> {
    let mut arguments = super::argument::compile(row.name, raw, row.arguments, row.needed, scope)?;
    let text = |at: usize| raw.get(at).map_or("", |raw| raw.text.as_str());
    let place = raw.first().map_or(0, |raw| raw.offset);
    match row.name {
        "regsub" => {
            let flags = text(2);
            if let Some(wrong) = flags.chars().find(|flag| !matches!(flag, 'g' | 'i')) {
                let error = RuleError::new(0, format!("regsub has no flag '{wrong}': only g and i"));
                return Err(error.further(raw.get(2).map_or(0, |raw| raw.offset)));
            }
            let case = if flags.contains('i') { Case::Ignored } else { Case::Sensitive };
            let regex = Regex::new(text(0), case).map_err(|why| RuleError::new(0, why).further(place))?;
            arguments[0] = Argument::Regex(regex.into());
        }
        name if name == "map" || name.starts_with("map_") => {
            let (method, output) = map_of(name);
            let spec = PatternSpec { method, case: Case::Sensitive, is_map: true };
            let patterns = scope.file(text(0), spec).map_err(|error| error.further(place))?;
            let wrong = |value: &[u8]| match output {
                Kind::Int => std::str::from_utf8(value).ok().and_then(|text| text.parse::<i64>().ok()).is_none(),
                Kind::Addr => Sample::str(value).to_address().is_none(),
                _ => false,
            };
            let values = patterns.entries();
            if let Some(entry) = values.iter().find(|entry| entry.value.as_deref().is_some_and(wrong)) {
                let (key, value) = (String::from_utf8_lossy(&entry.key), entry.value.as_deref().unwrap_or_default());
                let value = String::from_utf8_lossy(value);
                let what = format!("{}: the value '{value}' of '{key}' is not an {}", text(0), output.name());
                return Err(RuleError::new(0, what).further(place));
            }
            if output == Kind::Int && raw.get(1).is_some_and(|default| default.text.parse::<i64>().is_err()) {
                let what = format!("'{}' is not an integer", text(1));
                return Err(RuleError::new(0, what).further(raw.get(1).map_or(0, |raw| raw.offset)));
            }
            arguments[0] = Argument::Patterns(patterns);
        }
        "bytes" => {
            let number = |at: usize| match arguments.get(at) {
                Some(Argument::Int(number)) => Some(*number),
                _ => None,
            };
            if number(0).is_some_and(|offset| offset < 0) || number(1).is_some_and(|length| length <= 0) {
                let what = "bytes needs an offset of at least 0 and a length of at least 1";
                return Err(RuleError::new(0, what).further(place));
            }
        }
        "field" if arguments[0].int_or(1) == 0 => {
            return Err(RuleError::new(0, "field counts from 1, or from the end with -1").further(place));
        }
        "be2dec" | "le2dec" if !(1..=8).contains(&arguments[1].int_or(0)) => {
            let what = format!("a chunk has 1 to 8 bytes, not {}", text(1));
            return Err(RuleError::new(0, what).further(raw.get(1).map_or(0, |raw| raw.offset)));
        }
        "fix_tag_value" => fix::check_tag(text(0)).map_err(|error| error.further(place))?,
        "mqtt_field_value" => {
            let compiled = mqtt::compile(text(0), text(1));
            let place = |at: usize| raw.get(at).map_or(0, |raw: &Raw| raw.offset);
            arguments = Box::new(compiled.map_err(|(at, error)| error.further(place(at)))?);
        }
        "json_query" | "jwt_header_query" | "jwt_payload_query" if !text(0).is_empty() => {
            // HAProxy takes it, and finds nothing.
            structured::check_path(text(0)).map_or_else(|error| scope.warn(0, error.what), drop);
        }
        "capture-req" | "capture-res" => {
            let slot = usize::try_from(arguments[0].int_or(-1)).ok();
            let length = slot.and_then(|slot| scope.slot_length(row.name == "capture-res", slot));
            if length.is_none() {
                return Err(RuleError::new(0, format!("there is no capture slot {}", text(0))).further(place));
            }
        }
        "add_item" if raw.len() < 2 => {
            return Err(RuleError::new(0, "add_item needs a variable or a text to add").further(place));
        }
        "aes_cbc_dec" | "aes_cbc_enc" => cipher::check(raw, 1..4)?,
        "aes_gcm_dec" => cipher::check(raw, 1..5)?,
        "aes_gcm_enc" => {
            cipher::check(raw, 1..3)?;
            cipher::check(raw, 4..5)?;
        }
        "jwt_verify" => signature::check(KeyForm::Bare, raw, &arguments, scope)?,
        "jwt_verify_cert" => signature::check(KeyForm::Certificate, raw, &arguments, scope)?,
        "protobuf" | "ungrpc" => protobuf::check_path(text(0)).map_err(|error| error.further(place))?,
        "fe_exists" if scope.stage == Stage::Check => {
            return Err(RuleError::new(0, "health checks do not know frontends"));
        }
        "when" => arguments = Box::new(state::compile_when(raw, scope)?),
        "set-var" => state::check_conditions(&raw[1..])?,
        "sha2" if !matches!(text(0), "" | "224" | "256" | "384" | "512") => {
            return Err(RuleError::new(0, format!("sha2 has no {} bits: 224, 256, 384 or 512", text(0))).further(place));
        }
        _ => {}
    }
    Ok(arguments)
}

/// Matching method and output type in the name of a map converter.
fn map_of(name: &str) -> (Method, Kind) {
    let mut parts = name.split('_').skip(1);
    let method = match parts.next() {
        Some(name) => Method::by_name(name).unwrap_or(Method::Str),
        None => Method::Str,
    };
    let output = match parts.next() {
        Some("int") => Kind::Int,
        Some("ip") => Kind::Addr,
        _ => Kind::Str,
    };
    (method, output)
}

const fn row(
    name: &'static str,
    (arguments, needed): (&'static [Spec], usize),
    input: Kind,
    output: Kind,
    run: Function,
    doc: &'static str,
) -> Row {
    Row { name, arguments, needed, input, output, support: Support::Full, run: Some(run), doc }
}

const fn partial(
    name: &'static str,
    arguments: (&'static [Spec], usize),
    (input, output): (Kind, Kind),
    run: Function,
    why: &'static str,
    doc: &'static str,
) -> Row {
    Row { support: Support::Partial(why), ..row(name, arguments, input, output, run, doc) }
}

const fn refused(name: &'static str, input: Kind, output: Kind, why: &'static str, doc: &'static str) -> Row {
    Row { name, arguments: &[], needed: 0, input, output, support: Support::Refused(why), run: None, doc }
}
