//! Options of servers: each sets something in [`ServerOptions`], and each setting can be written as words.

use std::net::SocketAddr;

use crate::config::draft::Rule;
use crate::diag::{Span, Spanned};
use crate::model::balance::HashKey;
use crate::model::log::Framing;
use crate::model::options::{Namespace, Origin, PortRange, Pose, ProxyHeader, ServerOptions};

use super::{Wrong, bind, naming, needed, number, time, time_text};

/// What an option does; the words begin with it. Returns how many words it took.
pub type Handler = fn(&mut ServerOptions, &[&str]) -> Result<usize, Wrong>;

const HASH_KEYS: [(&str, HashKey); 5] = [
    ("id", HashKey::Id),
    ("id32", HashKey::Id32),
    ("guid", HashKey::Guid),
    ("addr", HashKey::Address),
    ("addr-port", HashKey::AddressAndPort),
];

/// Every option.
pub const OPTIONS: &[(&str, Handler)] = &[
    ("cookie", |options, words| {
        options.cookie = Some(needed(words, 1, "<name>")?.to_owned());
        Ok(2)
    }),
    ("guid", |options, words| {
        options.guid = Some(super::guid(words, 1)?);
        Ok(2)
    }),
    ("hash-key", |options, words| {
        let name = needed(words, 1, "id, id32, guid, addr or addr-port")?;
        let found = HASH_KEYS.iter().find(|(known, _)| *known == name);
        let what =
            || Wrong::new(1, format!("'hash-key' does not know '{name}'; write id, id32, guid, addr or addr-port"));
        options.hash_key = found.ok_or_else(what)?.1;
        Ok(2)
    }),
    ("id", |options, words| {
        options.id = number(words, 1, 1, u64::from(u32::MAX))? as u32;
        Ok(2)
    }),
    ("log-bufsize", |options, words| {
        options.syslog.room = Some(number(words, 1, 1, 1 << 30)? as usize);
        Ok(2)
    }),
    ("log-proto", |options, words| {
        let name = needed(words, 1, "legacy or octet-count")?;
        let what = || Wrong::new(1, format!("'log-proto' expects 'legacy' or 'octet-count', not '{name}'"));
        options.syslog.framing = Framing::by_word(name).ok_or_else(what)?;
        Ok(2)
    }),
    ("tcp-ut", |options, words| {
        options.user_timeout = Some(time(words, 1)?).filter(|time| !time.is_zero());
        Ok(2)
    }),
    ("cc", |options, words| {
        options.congestion = Some(needed(words, 1, "the name of a congestion control algorithm")?.to_owned());
        Ok(2)
    }),
    ("tcp-md5sig", |options, words| {
        options.signature = Some(bind::password(words)?.to_owned());
        Ok(2)
    }),
    ("tfo", |options, _| {
        options.fast_open = true;
        Ok(1)
    }),
    ("no-tfo", |options, _| {
        options.fast_open = false;
        Ok(1)
    }),
    ("max-reuse", |options, words| {
        options.max_uses = match needed(words, 1, "a count")? {
            "-1" => None,
            // The first use is none of a connection that was used before.
            _ => Some(number(words, 1, 0, u64::from(u32::MAX) - 1)? as u32 + 1),
        };
        Ok(2)
    }),
    ("maxqueue", |options, words| {
        options.maxqueue = Some(number(words, 1, 0, 10_000_000)? as usize).filter(|count| *count > 0);
        Ok(2)
    }),
    ("pool-max-conn", |options, words| {
        options.pool_max = match needed(words, 1, "a count")? {
            "-1" => None,
            _ => Some(number(words, 1, 0, 10_000_000)? as usize),
        };
        Ok(2)
    }),
    ("pool-low-conn", |options, words| {
        options.pool_low = number(words, 1, 0, 10_000_000)? as usize;
        Ok(2)
    }),
    ("pool-purge-delay", |options, words| {
        options.pool_idle = Some(time(words, 1)?);
        Ok(2)
    }),
    ("minconn", |options, words| {
        options.minconn = Some(number(words, 1, 0, 10_000_000)? as usize).filter(|count| *count > 0);
        Ok(2)
    }),
    ("namespace", |options, words| {
        options.namespace = Some(match needed(words, 1, "the name of a network namespace, or *")? {
            "*" => Namespace::OfClient,
            name => Namespace::Named(name.to_owned()),
        });
        Ok(2)
    }),
    ("no-send-proxy", |options, _| {
        options.proxy_header.is_line = false;
        Ok(1)
    }),
    ("no-send-proxy-v2", |options, _| {
        options.proxy_header.is_binary = false;
        Ok(1)
    }),
    ("no-send-proxy-v2-ssl", no_binary_with_tls),
    ("no-send-proxy-v2-ssl-cn", no_binary_with_tls),
    ("proxy-v2-options", proxy_options),
    ("redir", |options, words| {
        options.redirect = Some(needed(words, 1, "<prefix>")?.to_owned());
        Ok(2)
    }),
    ("send-proxy", |options, _| {
        options.proxy_header.is_line = true;
        Ok(1)
    }),
    ("send-proxy-v2", |options, _| {
        options.proxy_header.is_binary = true;
        Ok(1)
    }),
    ("send-proxy-v2-ssl", binary_with_tls),
    ("send-proxy-v2-ssl-cn", binary_with_tls),
    ("set-proxy-v2-tlv-fmt", proxy_value),
    ("slowstart", |options, words| {
        options.slowstart = time(words, 1)?;
        Ok(2)
    }),
    ("socks4", |options, words| {
        let address = needed(words, 1, "<addr>:<port>")?;
        let what = || Wrong::new(1, format!("'{address}' is no address with a port"));
        options.socks = Some(address.parse().map_err(|_| what())?);
        Ok(2)
    }),
];

/// What may stand behind an address of `source`, and in YAML anywhere.
const BEHIND_SOURCE: &[(&str, Handler)] = &[
    ("interface", |options, words| {
        options.origin.interface = Some(needed(words, 1, "the name of an interface")?.to_owned());
        Ok(2)
    }),
    ("source-ports", |options, words| {
        let text = needed(words, 1, "a port, or two with a '-' between them")?;
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let ports = first.parse().ok().zip(last.parse().ok()).filter(|(first, last)| (1..=*last).contains(first));
        let what = || Wrong::new(1, format!("'source-ports' expects ports from 1 to 65535, not '{text}'"));
        options.origin.ports = Some(ports.map(|(first, last)| PortRange { first, last }).ok_or_else(what)?);
        Ok(2)
    }),
    ("usesrc", |options, words| {
        options.origin.pose = Some(pose(needed(words, 1, "client, clientip or an address")?)?);
        Ok(2)
    }),
];

/// What stands behind `usesrc`.
fn pose(text: &str) -> Result<Pose, Wrong> {
    match text {
        "client" => Ok(Pose::Client),
        "clientip" => Ok(Pose::ClientAddress),
        _ if text.starts_with("hdr_ip(") => field(&text["hdr_ip(".len()..]),
        _ => {
            let address = text.parse::<SocketAddr>().ok().or_else(|| Some(SocketAddr::new(text.parse().ok()?, 0)));
            let what = || Wrong::new(1, format!("'usesrc' expects client, clientip or an address, not '{text}'"));
            address.map(Pose::Address).ok_or_else(what)
        }
    }
}

/// What stands in the parentheses of `usesrc hdr_ip(NAME[,OCCURRENCE])`.
fn field(text: &str) -> Result<Pose, Wrong> {
    let what = || Wrong::new(1, format!("'usesrc hdr_ip({text}' expects the name of a field, and a number"));
    let (name, occurrence) = text.trim_end_matches(')').split_once(',').unwrap_or((text.trim_end_matches(')'), "-1"));
    let occurrence: i32 = occurrence.trim().parse().map_err(|_| what())?;
    if occurrence < -FARTHEST {
        let why = format!("'usesrc hdr_ip' does not look at more than the last {FARTHEST} values");
        return Err(Wrong::new(1, why));
    }
    match name.trim() {
        "" => Err(what()),
        name => Ok(Pose::Field { name: name.to_owned(), occurrence }),
    }
}

/// Values of a field that may be counted from the last one (HAProxy's `MAX_HDR_HISTORY`).
const FARTHEST: i32 = 10;

/// The words behind `usesrc`.
fn pose_text(pose: &Pose) -> String {
    match pose {
        Pose::Field { name, occurrence } => format!("hdr_ip({name},{occurrence})"),
        Pose::Client => "client".to_owned(),
        Pose::ClientAddress => "clientip".to_owned(),
        Pose::Address(address) if address.port() == 0 => address.ip().to_string(),
        Pose::Address(address) => address.to_string(),
    }
}

fn binary_with_tls(options: &mut ServerOptions, _: &[&str]) -> Result<usize, Wrong> {
    let header = &mut options.proxy_header;
    (header.is_binary, header.tells_tls) = (true, true);
    Ok(1)
}

fn no_binary_with_tls(options: &mut ServerOptions, _: &[&str]) -> Result<usize, Wrong> {
    let header = &mut options.proxy_header;
    (header.is_binary, header.tells_tls) = (false, false);
    Ok(1)
}

/// `proxy-v2-options OPTION[,OPTION...]`. What certificates and ciphers say stands within what is told of TLS.
fn proxy_options(options: &mut ServerOptions, words: &[&str]) -> Result<usize, Wrong> {
    let header = &mut options.proxy_header;
    for name in needed(words, 1, "a list of options")?.split(',') {
        match name {
            "ssl" | "cert-cn" | "cert-key" | "cert-sig" | "ssl-cipher" => header.tells_tls = true,
            "authority" => header.has_authority = true,
            "crc32c" => header.has_checksum = true,
            "unique-id" => header.has_unique_id = true,
            other => return Err(Wrong::new(1, format!("'proxy-v2-options': unknown option '{other}'"))),
        }
    }
    Ok(2)
}

/// `set-proxy-v2-tlv-fmt(ID) [FORMAT]`: the next word is the format, whatever it is.
fn proxy_value(options: &mut ServerOptions, words: &[&str]) -> Result<usize, Wrong> {
    let id = words[0].split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or_default();
    let number = match id.strip_prefix("0x").or_else(|| id.strip_prefix("0X")) {
        Some(digits) => u8::from_str_radix(digits, 16).ok(),
        None => id.parse().ok(),
    };
    let what = || Wrong::new(0, format!("'{}': the type of a value is a number from 0 to 255", words[0]));
    let kind = number.ok_or_else(what)?;
    let format = words.get(1).map(|word| (*word).to_owned());
    let count = 1 + usize::from(format.is_some());
    options.proxy_header.values.push((kind, format.filter(|format| !format.is_empty())));
    Ok(count)
}

/// Carries out the option that these words begin with; how many it took.
///
/// # Errors
/// What is wrong with which word.
pub fn read(options: &mut ServerOptions, words: &[&str]) -> Result<usize, Wrong> {
    let name = words.first().copied().unwrap_or_default();
    // What stands in parentheses belongs to the word.
    let plain = name.split_once('(').map_or(name, |(plain, _)| plain);
    match OPTIONS.iter().chain(&naming::OPTIONS).chain(BEHIND_SOURCE).find(|(known, _)| *known == plain) {
        Some((_, handler)) => handler(options, words),
        None => Err(Wrong::new(0, format!("'{name}' is no option of a server"))),
    }
}

/// Carries out all words.
///
/// # Errors
/// What is wrong with which word.
pub fn read_all(options: &mut ServerOptions, words: &[&str]) -> Result<(), Wrong> {
    let mut at = 0;
    while at < words.len() {
        at += read(options, &words[at..]).map_err(|wrong| wrong.later(at))?;
    }
    Ok(())
}

/// What `set-proxy-v2-tlv-fmt` says, as a line of its backend: the engine compiles it there.
pub fn line_of_value(server: &str, kind: u8, format: &str, span: Span) -> Rule {
    let words = ["server", server, &kind.to_string(), format];
    Rule { words: words.iter().map(|word| Spanned::new((*word).to_owned(), span)).collect(), span }
}

/// What `usesrc hdr_ip` says, likewise.
pub fn line_of_pose(server: &str, origin: &Origin, span: Span) -> Option<Rule> {
    let Some(Pose::Field { name, occurrence }) = &origin.pose else { return None };
    let words = ["server", server, "usesrc", &format!("req.hdr_ip({name},{occurrence})")];
    Some(Rule { words: words.iter().map(|word| Spanned::new((*word).to_owned(), span)).collect(), span })
}

/// The options that make these of the default.
pub fn texts(options: &ServerOptions) -> Vec<String> {
    let mut texts = Vec::new();
    if options.id > 0 {
        texts.push(format!("id {}", options.id));
    }
    texts.extend(options.guid.as_ref().map(|guid| format!("guid {guid}")));
    if options.hash_key != HashKey::default() {
        let name = HASH_KEYS.iter().find(|(_, key)| *key == options.hash_key).map_or("id", |(name, _)| name);
        texts.push(format!("hash-key {name}"));
    }
    texts.extend(options.cookie.as_ref().map(|value| crate::rule::join(["cookie", value].into_iter())));
    header_texts(&options.proxy_header, &mut texts);
    texts.extend(options.minconn.map(|count| format!("minconn {count}")));
    texts.extend(options.max_uses.map(|uses| format!("max-reuse {}", uses - 1)));
    texts.extend(options.maxqueue.map(|count| format!("maxqueue {count}")));
    if options.pool_low > 0 {
        texts.push(format!("pool-low-conn {}", options.pool_low));
    }
    texts.extend(options.pool_max.map(|count| format!("pool-max-conn {count}")));
    texts.extend(options.pool_idle.map(|time| format!("pool-purge-delay {}", time_text(time))));
    texts.extend(options.redirect.as_ref().map(|prefix| crate::rule::join(["redir", prefix].into_iter())));
    texts.extend(options.socks.map(|address| format!("socks4 {address}")));
    texts.extend(options.origin.interface.as_ref().map(|name| crate::rule::join(["interface", name].into_iter())));
    texts.extend(options.origin.pose.iter().map(|pose| format!("usesrc {}", pose_text(pose))));
    let namespace = options.namespace.as_ref().map(|namespace| match namespace {
        Namespace::OfClient => "*",
        Namespace::Named(name) => name,
    });
    texts.extend(namespace.map(|name| crate::rule::join(["namespace", name].into_iter())));
    texts.extend(options.origin.ports.map(|ports| format!("source-ports {}-{}", ports.first, ports.last)));
    let named = [("cc", &options.congestion), ("tcp-md5sig", &options.signature)];
    for (name, value) in named {
        texts.extend(value.as_ref().map(|value| crate::rule::join([name, value].into_iter())));
    }
    texts.extend(options.user_timeout.map(|time| format!("tcp-ut {}", time_text(time))));
    texts.extend(options.fast_open.then(|| "tfo".to_owned()));
    if !options.slowstart.is_zero() {
        texts.push(format!("slowstart {}", time_text(options.slowstart)));
    }
    if options.syslog.framing == Framing::OctetCount {
        texts.push("log-proto octet-count".to_owned());
    }
    texts.extend(options.syslog.room.map(|room| format!("log-bufsize {room}")));
    texts.extend(naming::texts(&options.naming));
    texts
}

fn header_texts(header: &ProxyHeader, texts: &mut Vec<String>) {
    let flags = [(header.is_line, "send-proxy"), (header.is_binary, "send-proxy-v2")];
    texts.extend(flags.iter().filter(|(is_set, _)| *is_set).map(|(_, name)| (*name).to_owned()));
    let parts = [
        (header.tells_tls, "ssl"),
        (header.has_authority, "authority"),
        (header.has_checksum, "crc32c"),
        (header.has_unique_id, "unique-id"),
    ];
    let parts: Vec<&str> = parts.iter().filter(|(is_set, _)| *is_set).map(|(_, name)| *name).collect();
    if !parts.is_empty() {
        texts.push(format!("proxy-v2-options {}", parts.join(",")));
    }
    for (kind, format) in &header.values {
        let name = format!("set-proxy-v2-tlv-fmt({kind:#04x})");
        let format = format.iter().map(|format| crate::rule::join([format.as_str()].into_iter()));
        texts.push(std::iter::once(name).chain(format).collect::<Vec<_>>().join(" "));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_is_written_as_it_is_read() {
        let mut options = ServerOptions::default();
        for text in [
            "id 7",
            "cookie a",
            "guid app:s1",
            "hash-key guid",
            "minconn 10",
            "slowstart 30000ms",
            "init-addr last,libc,none,192.0.2.1",
            "resolvers mydns",
            "resolve-prefer ipv4",
            "resolve-net 10.0.0.0/8,2001:db8::/32",
            "resolve-opts allow-dup-ip,ignore-weight",
            "max-reuse 3",
            "maxqueue 9",
            "pool-max-conn 0",
            "pool-low-conn 4",
            "pool-purge-delay 1000ms",
            "redir http://images.example",
            "socks4 192.0.2.1:1080",
            "interface eth0",
            "usesrc 192.0.2.1:99",
            "usesrc ::1",
            "usesrc client",
            "usesrc clientip",
            "usesrc hdr_ip(x-real-ip,-2)",
            "source-ports 1000-2000",
            "namespace blue",
            "namespace *",
            "cc reno",
            "tcp-md5sig secret",
            "tcp-ut 9000ms",
            "tfo",
            "log-proto octet-count",
            "log-bufsize 20000",
            "send-proxy",
            "send-proxy-v2",
            "proxy-v2-options ssl,authority,crc32c,unique-id",
            "set-proxy-v2-tlv-fmt(0xe1) %[src]",
        ] {
            let words: Vec<&str> = text.split(' ').collect();
            assert_eq!(read_all(&mut options, &words), Ok(()), "{text}");
            assert!(texts(&options).contains(&text.to_owned()), "{text}");
        }
        let mut again = ServerOptions::default();
        for text in texts(&options) {
            read_all(&mut again, &text.split(' ').collect::<Vec<_>>()).expect("it was written by us");
        }
        assert_eq!(again, options);
    }

    #[test]
    fn wrong_options_are_told_with_their_place() {
        for (text, at) in [
            ("id", 1),
            ("log-proto lines", 1),
            ("log-bufsize 0", 1),
            ("id 0", 1),
            ("id 1 x", 2),
            ("hash-key name", 1),
            ("guid a/b", 1),
            ("slowstart soon", 1),
            ("usesrc nobody", 1),
            ("init-addr soon", 1),
            ("resolve-prefer ipv5", 1),
            ("resolve-net foo", 1),
            ("resolve-opts foo", 1),
            ("usesrc hdr_ip(x,y)", 1),
            ("usesrc hdr_ip(x,-11)", 1),
            ("usesrc hdr_ip()", 1),
            ("source-ports 0-1", 1),
            ("source-ports 2-1", 1),
            ("source-ports 65536", 1),
            ("interface", 1),
            ("proxy-v2-options crc", 1),
            ("set-proxy-v2-tlv-fmt(256)", 0),
        ] {
            let words: Vec<&str> = text.split(' ').collect();
            let result = read_all(&mut ServerOptions::default(), &words);
            assert_eq!(result.map_err(|wrong| wrong.at), Err(at), "{text}");
        }
    }
}
