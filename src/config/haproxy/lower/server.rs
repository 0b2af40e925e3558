//! `server` and `default-server` lines and their options.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::config::haproxy::lex::Word;
use crate::config::haproxy::section::{Line, Modifier};
use crate::config::haproxy::table::{self, Place, Row, Support};
use crate::config::options::{self, naming};
use crate::diag::{Diagnostic, Span, Spanned, nearest};
use crate::model::check::InitialState;
use crate::model::naming::Naming;
use crate::model::options::{Origin, PortRange, ServerOptions};

use super::Context;
use super::care::{self, CareOptions};
use super::settings::{Settings, spanned};
use super::value::{self, Host, Ports};

/// HAProxy's time between probes.
pub const INTER: Duration = Duration::from_secs(2);

/// A `server` line.
#[derive(Clone, Debug)]
pub struct Server {
    pub name: Spanned<String>,
    pub address: Option<Spanned<SocketAddr>>,
    pub options: Options,
    pub span: Span,
}

/// What follows the address, on top of `default-server`.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub is_checked: Option<Spanned<bool>>,
    pub is_backup: Option<Spanned<bool>>,
    pub is_disabled: Option<Spanned<bool>>,
    pub inter: Option<Spanned<Duration>>,
    pub fastinter: Option<Spanned<Duration>>,
    pub downinter: Option<Spanned<Duration>>,
    pub rise: Option<Spanned<u64>>,
    pub fall: Option<Spanned<u64>>,
    pub weight: Option<Spanned<u64>>,
    pub maxconn: Option<Spanned<u64>>,
    pub port: Option<Spanned<u64>>,
    pub source: Option<Spanned<IpAddr>>,
    /// Whether a `source` of its own replaces the backend's.
    pub has_source: bool,
    pub is_non_stick: Option<Spanned<bool>>,
    pub check_address: Option<Spanned<SocketAddr>>,
    pub check_sends_proxy: Option<Spanned<bool>>,
    pub socks: Option<Spanned<SocketAddr>>,
    pub initial: Option<Spanned<InitialState>>,
    pub care: CareOptions,
    /// `addr`, whose port is known when all options are.
    check_host: Option<Word>,
    pub more: ServerOptions,
    /// Where the options of `more` end, in order.
    pub places: Vec<(&'static str, Span)>,
}

/// What an option does; the words are itself and its argument.
type Handler = fn(&mut Options, &'static Row, &Word, Option<&Word>, &Context<'_>);

/// Every option that is honoured.
pub const HANDLERS: &[(&str, Handler)] = &[
    ("backup", |options, _, word, _, _| options.is_backup = Some(Spanned::new(true, word.span))),
    ("no-backup", |options, _, word, _, _| options.is_backup = Some(Spanned::new(false, word.span))),
    ("check", |options, _, word, _, _| options.is_checked = Some(Spanned::new(true, word.span))),
    ("no-check", |options, _, word, _, _| options.is_checked = Some(Spanned::new(false, word.span))),
    ("disabled", |options, _, word, _, _| options.is_disabled = Some(Spanned::new(true, word.span))),
    ("enabled", |options, _, word, _, _| options.is_disabled = Some(Spanned::new(false, word.span))),
    ("inter", |options, _, _, argument, context| options.inter = time(argument, context).or(options.inter)),
    ("fastinter", |options, _, _, argument, context| options.fastinter = time(argument, context).or(options.fastinter)),
    ("downinter", |options, _, _, argument, context| options.downinter = time(argument, context).or(options.downinter)),
    ("rise", |options, _, _, argument, context| options.rise = number(argument, 1, 1_000, context).or(options.rise)),
    ("fall", |options, _, _, argument, context| options.fall = number(argument, 1, 1_000, context).or(options.fall)),
    ("weight", |options, _, _, argument, context| {
        let is_number = argument.is_some_and(|word| word.text.parse::<i64>().is_ok());
        let read = |word: &Word| match value::leading_number(&word.text) {
            0..=256 if !is_number => Some(context.lenient(word, 0, 256)),
            _ => number(Some(word), 0, 256, context),
        };
        options.weight = argument.and_then(read).or(options.weight);
    }),
    ("maxconn", |options, _, _, argument, context| {
        // Zero is no limit.
        options.maxconn = argument.map(|word| context.lenient(word, 0, 10_000_000)).filter(|count| count.value > 0);
    }),
    ("port", |options, _, _, argument, context| {
        // Zero is the server's own.
        options.port = argument.map(|word| port(word, context)).filter(|port| port.value > 0);
    }),
    ("source", |options, _, _, argument, context| {
        let (address, ports) = source(argument, context);
        options.source = address;
        options.more.origin = Origin { ports, ..Origin::default() };
        options.has_source = true;
    }),
    ("non-stick", |options, _, word, _, _| options.is_non_stick = Some(Spanned::new(true, word.span))),
    ("stick", |options, _, word, _, _| options.is_non_stick = Some(Spanned::new(false, word.span))),
    ("addr", |options, _, _, argument, _| options.check_host = argument.cloned().or(options.check_host.take())),
    ("check-send-proxy", |options, _, word, _, _| options.check_sends_proxy = Some(Spanned::new(true, word.span))),
    ("no-check-send-proxy", |options, _, word, _, _| options.check_sends_proxy = Some(Spanned::new(false, word.span))),
    ("init-state", initial),
    ("agent-addr", care::agent_address),
    ("agent-check", care::AGENT_CHECK),
    ("agent-inter", care::agent_inter),
    ("agent-port", care::agent_port),
    ("agent-send", care::agent_send),
    ("no-agent-check", care::NO_AGENT_CHECK),
    ("check-via-socks4", care::CHECK_VIA_SOCKS),
    ("healthcheck", care::healthcheck),
    ("observe", care::observe),
    ("on-error", care::on_error),
    ("error-limit", care::error_limit),
    ("on-marked-down", care::on_marked_down),
    ("on-marked-up", care::on_marked_up),
    ("socks4", care::socks),
    ("track", care::track),
    ("proto", proto),
    ("no-check-reuse-pool", nothing),
    ("no-check-sni-auto", nothing),
    ("no-check-ssl", nothing),
    ("no-ssl", nothing),
];

/// `init-state fully-up|up|down|fully-down|none`.
fn initial(options: &mut Options, _: &'static Row, _: &Word, argument: Option<&Word>, context: &Context<'_>) {
    let Some(word) = argument else { return };
    let state = match word.text.as_str() {
        "fully-up" => InitialState::FullyUp,
        "up" | "none" => InitialState::Up,
        "down" => InitialState::Down,
        "fully-down" => InitialState::FullyDown,
        other => {
            let message = format!(
                "'init-state' expects one of 'none', 'fully-up', 'up', 'down', or 'fully-down' but got '{other}'"
            );
            context.error("E-VALUE", word.span, message);
            return;
        }
    };
    options.initial = Some(Spanned::new(state, word.span));
}

/// The address of checks: its port is that of `port`, its own, or the server's.
fn check_address(options: &Options, server: Option<SocketAddr>, context: &Context<'_>) -> Option<Spanned<SocketAddr>> {
    let word = options.check_host.as_ref()?;
    let (host, ports) = context.address(word, &word.text)?;
    let own = match ports {
        Ports::Range(first, last) if first == last => Some(first),
        _ => None,
    };
    let port = options.port.and_then(|port| u16::try_from(port.value).ok()).or(own);
    let port = port.or(server.map(|server| server.port())).unwrap_or(0);
    if host == Host::Any {
        context.error("E-VALUE", word.span, format!("'{}' is not the address of a server", word.text));
        return None;
    }
    context.resolve(&host, port, word).map(|address| Spanned::new(address, word.span))
}

/// A port as HAProxy cuts it: the digits that the word begins with, in sixteen bits.
pub fn port(word: &Word, context: &Context<'_>) -> Spanned<u64> {
    let read = value::leading_number(&word.text) & 0xffff;
    if word.text.parse() != Ok(read) {
        let message = format!("'{}' is not a port; 1 to 65535", word.text);
        context.warning("W-VALUE", word.span, message, format!("it is read as {read}"));
    }
    Spanned::new(read, word.span)
}

/// It undoes what is refused, so there is nothing to undo.
fn nothing(_: &mut Options, _: &'static Row, _: &Word, _: Option<&Word>, _: &Context<'_>) {}

pub fn time(argument: Option<&Word>, context: &Context<'_>) -> Option<Spanned<Duration>> {
    let word = argument?;
    let parsed = value::time(&word.text);
    let parsed =
        parsed.and_then(|time| if time.is_zero() { Err("a time of 0 is no pause".to_owned()) } else { Ok(time) });
    context.value(word, parsed)
}

pub fn number(argument: Option<&Word>, least: u64, most: u64, context: &Context<'_>) -> Option<Spanned<u64>> {
    let word = argument?;
    context.value(word, value::number(&word.text, least, most))
}

fn proto(_: &mut Options, row: &'static Row, word: &Word, argument: Option<&Word>, context: &Context<'_>) {
    if let Some(argument) = argument.filter(|argument| argument.text != "h1") {
        let why = row.support.why().unwrap_or_default();
        context.refuse(argument.span, &format!("'{} {}'", word.text, argument.text), why);
    }
}

/// The address of `source` and its ports, where they are not the kernel's choice.
pub fn source(argument: Option<&Word>, context: &Context<'_>) -> (Option<Spanned<IpAddr>>, Option<PortRange>) {
    let Some((word, (host, ports))) = argument.and_then(|word| Some((word, context.address(word, &word.text)?))) else {
        return (None, None);
    };
    let ports = match ports {
        Ports::None => None,
        Ports::Range(first, last) => Some(PortRange { first, last }),
        Ports::Offset(_) => {
            context.error("E-VALUE", word.span, format!("port offset not permitted in '{}'", word.text));
            None
        }
    };
    let address = context.resolve(&host, 0, word).map(|address| address.ip());
    (address.filter(|ip| !ip.is_unspecified()).map(|ip| Spanned::new(ip, word.span)), ports)
}

/// `default-server OPTION...`.
pub fn default_server(settings: &mut Settings, _: &'static Row, line: &Line, context: &Context<'_>) {
    read(&mut settings.server_options, line.from(1), context);
}

/// Servers that one line may make; more is a slip of the keyboard.
const MOST_SERVERS: u64 = 4096;

/// `server-template PREFIX COUNT|FIRST-LAST NAME[:PORT] OPTION...`.
pub fn template(settings: &mut Settings, _: &'static Row, line: &Line, context: &Context<'_>) {
    let Some(prefix) = context.argument(line, 1, "a prefix") else { return };
    let Some(range) = context.argument(line, 2, "<num> or <num_low>-<num_high>") else { return };
    let Some(address) = context.argument(line, 3, "a name and a port") else { return };
    let (first, last) = range.text.split_once('-').unwrap_or(("1", &range.text));
    let (first, last) = (value::number(first, 0, u32::MAX.into()), value::number(last, 0, u32::MAX.into()));
    let Some((first, last)) = first.ok().zip(last.ok()).filter(|(first, last)| first <= last) else {
        let message = format!("'server-template': '{}' is no number and no range of numbers", range.text);
        return context.error("E-VALUE", range.span, message);
    };
    if last - first >= MOST_SERVERS {
        return context.error("E-RANGE", range.span, format!("more than {MOST_SERVERS} servers by one line"));
    }
    for number in first..=last {
        let name = Word { text: format!("{}{number}", prefix.text), ..prefix.clone() };
        one(settings, line, (&name, address, 4), context);
    }
}

/// `server NAME ADDRESS[:PORT] OPTION...`.
pub fn server(settings: &mut Settings, _: &'static Row, line: &Line, context: &Context<'_>) {
    let Some(name) = context.argument(line, 1, "a name and an address") else { return };
    let Some(address) = context.argument(line, 2, "an address and a port") else { return };
    one(settings, line, (name, address, 3), context);
}

/// What stands instead of servers.
pub fn only(name: &str, address: Word) -> (Word, Word) {
    (Word { text: name.to_owned(), span: address.span }, address)
}

/// Makes a server of `dispatch` or `option transparent`, which needs that there are none.
pub fn add_only(settings: &mut Settings, context: &Context<'_>) {
    let Some((name, address)) = settings.only.take() else { return };
    if !settings.servers.is_empty() {
        let why = "write a server, and give those that are not meant a weight of 0";
        return context.refuse(address.span, &format!("'{}' beside servers", name.text.to_lowercase()), why);
    }
    let line = Line { words: vec![name.clone(), address.clone()], modifier: Modifier::None };
    one(settings, &line, (&name, &address, 2), context);
}

/// A server whose options begin at that word.
fn one(settings: &mut Settings, line: &Line, (name, address, first): (&Word, &Word, usize), context: &Context<'_>) {
    let mut options = settings.server_options.clone();
    read(&mut options, line.from(first), context);
    let resolved = self::address(address, &mut options, context);
    options.check_address = check_address(&options, resolved, context);
    let name_span = name.span;
    if let Some(first) = settings.servers.iter().find(|server| server.name.value == name.text) {
        let message = format!("another server named '{}' was already defined", name.text);
        context.push(Diagnostic::error("E-DUPLICATE", name_span, message).label(first.name.span, "first given here"));
    }
    settings.servers.push(Server {
        name: spanned(&name.text, name_span),
        address: resolved.map(|resolved| Spanned::new(resolved, address.span)),
        options,
        span: line.span_of(2),
    });
}

/// What stands before an address that takes datagrams, and what says the same of its family alone.
const DATAGRAMS: [(&str, &str); 3] = [("udp@", ""), ("udp4@", "ipv4@"), ("udp6@", "ipv6@")];

/// The address of a server, and what it makes of its options.
fn address(word: &Word, options: &mut Options, context: &Context<'_>) -> Option<SocketAddr> {
    if let Some(socket) = context.server_socket(word) {
        options.more.socket = Some(socket?);
        return Some(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0));
    }
    let text = context.expanded(&word.text);
    let datagrams =
        DATAGRAMS.iter().find_map(|(prefix, family)| Some(format!("{family}{}", text.strip_prefix(prefix)?)));
    options.more.syslog.is_datagram = datagrams.is_some();
    let (host, ports) = context.address(word, datagrams.as_ref().unwrap_or(&word.text))?;
    let port = match ports {
        Ports::Range(first, last) if first == last => first,
        Ports::Range(..) => {
            context.error("E-VALUE", word.span, format!("port range not permitted in '{}'", word.text));
            return None;
        }
        // The one that the client came in by.
        Ports::None => 0,
        Ports::Offset(offset) => {
            options.more.port_offset = offset;
            0
        }
    };
    match host {
        // Where the client wanted to go.
        Host::Any => Some(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port)),
        Host::Address(address) => Some(SocketAddr::new(address, port)),
        // Its first address is found when everything is known.
        Host::Name(name, family) => {
            let named = naming::named(name, family);
            let options = &mut options.more.naming;
            *options = Naming { host: named.host, service: named.service, only: named.only, ..options.clone() };
            Some(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port))
        }
    }
}

/// Options and their arguments.
fn read(options: &mut Options, words: &[Word], context: &Context<'_>) {
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let Some(row) = row(Place::Server, word, context) else { return };
        let (mut count, argument) = match argument(row, words, at, context) {
            Some(taken) => taken,
            None => return,
        };
        match row.support {
            Support::Refused(why) => context.refuse(word.span, &format!("'server ... {}'", word.text), why),
            Support::Ignored(_) => context.notice(row, word.span),
            Support::Full | Support::Partial(_) => match HANDLERS.iter().find(|(name, _)| *name == row.name) {
                Some((_, handler)) => handler(options, row, word, argument, context),
                None => {
                    let texts: Vec<&str> = words[at..].iter().map(|word| word.text.as_str()).collect();
                    match options::server::read(&mut options.more, &texts) {
                        Ok(taken) => {
                            count = taken;
                            options.places.extend(words.get(at + taken - 1).map(|last| (row.name, last.span)));
                        }
                        Err(wrong) => context.wrong(&words[at..], &wrong),
                    }
                }
            },
        }
        at += count;
        if row.name == "source" {
            at += origin(&mut options.more, words.get(at..).unwrap_or_default(), context);
        }
    }
}

/// `usesrc ...` and `interface NAME` behind a source address; how many words they are.
pub fn origin(options: &mut ServerOptions, words: &[Word], context: &Context<'_>) -> usize {
    let mut at = 0;
    while words.get(at).is_some_and(|word| matches!(word.text.as_str(), "usesrc" | "interface")) {
        let texts: Vec<String> = words[at..].iter().map(|word| context.expanded(&word.text)).collect();
        let texts: Vec<&str> = texts.iter().map(|text| text.strip_suffix(":0").unwrap_or(text)).collect();
        match options::server::read(options, &texts) {
            Ok(taken) => at += taken,
            Err(wrong) => {
                context.wrong(&words[at..], &wrong);
                at += 2;
            }
        }
    }
    at
}

/// The row of an option; reports it if there is none.
pub fn row(place: Place, word: &Word, context: &Context<'_>) -> Option<&'static Row> {
    let rows = table::rows_of(place);
    let found = table::find(&[&word.text], place).map(|(row, _)| row);
    if found.is_some_and(|row| context.is_strange(row, place, word.span)) {
        return None;
    }
    if found.is_none() {
        let hint = nearest(table::plain(&word.text), rows.map(|row| row.name));
        let message = format!("unknown keyword '{}' on a '{}' line", word.text, place.name());
        let hint = hint.map(|known| format!("did you mean '{known}' maybe ?"));
        context.push(Diagnostic::error("E-UNKNOWN-KEY", word.span, message).hint_if(hint));
    }
    found
}

/// How many words an option is, and its argument; reports a missing one.
pub fn argument<'w>(
    row: &Row,
    words: &'w [Word],
    at: usize,
    context: &Context<'_>,
) -> Option<(usize, Option<&'w Word>)> {
    // What stands in parentheses belongs to the word itself.
    let usage = row.usage.split_once(") ").map_or(row.usage, |(_, rest)| rest);
    if usage == "-" {
        return Some((1, None));
    }
    let argument = words.get(at + 1);
    // `[<backend>/]<server>` begins with what may be left out and is needed all the same.
    if argument.is_none() && usage.starts_with('[') && !usage.ends_with('>') {
        return Some((1, None));
    }
    if argument.is_none() {
        let span = words.get(at).map(|word| word.span).unwrap_or_default();
        context.error("E-MISSING", span, format!("'{}' expects {usage}", row.name));
    }
    argument.map(|argument| (2, Some(argument)))
}
