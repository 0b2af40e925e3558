//! Questions to name servers and their answers (RFC 1035, RFC 2782, RFC 6891). The format is simple-dns's; what of an answer
//! counts is read here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use simple_dns::rdata::{OPT, RData};
use simple_dns::{CLASS, Name, Packet, PacketFlag, QCLASS, QTYPE, Question, RCODE, ResourceRecord, TYPE};

/// Bytes of a header.
pub const HEADER: usize = 12;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// IPv4 addresses.
    A,
    /// IPv6 addresses.
    Aaaa,
    /// Names, ports and weights of a service.
    Srv,
}

impl Kind {
    /// Its number on the wire.
    pub fn number(self) -> u16 {
        match self {
            Kind::A => 1,
            Kind::Aaaa => 28,
            Kind::Srv => 33,
        }
    }
}

/// How an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// NOERROR.
    Done,
    /// NXDOMAIN.
    NoSuchName,
    /// REFUSED.
    Refused,
    /// Any other.
    Failed,
}

/// A record of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Whose it is, in lower case.
    pub owner: String,
    /// What it says.
    pub data: Data,
}

/// What a record says. Names are in lower case, without a dot at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// A or AAAA.
    Address(IpAddr),
    /// CNAME.
    Alias(String),
    /// SRV.
    Service {
        /// 0-65535.
        weight: u16,
        /// Its port.
        port: u16,
        /// The name of the machine.
        target: String,
    },
    /// Anything else.
    Other,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// That of the question.
    pub id: u16,
    /// How it ends.
    pub code: Code,
    /// Whether something did not find room.
    pub is_truncated: bool,
    /// The name that it answers, in lower case; `None` unless there is exactly one.
    pub question: Option<String>,
    /// What was asked for.
    pub records: Vec<Record>,
    /// What is told besides.
    pub additional: Vec<Record>,
}

/// Bytes that are no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no DNS message")]
pub struct Malformed;

/// A name that no question can have: a label is longer than 63 bytes or empty, or all of it longer than 255.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no domain name")]
pub struct NoName;

/// Whether a question can have that name.
pub fn is_name(name: &str) -> bool {
    let labels = name.split('.');
    !name.is_empty() && name.len() <= 253 && labels.clone().all(|label| (1..=63).contains(&label.len()))
}

/// A question with recursion, whose answer may have so many bytes.
///
/// # Errors
/// The name is none.
pub fn question(id: u16, kind: Kind, name: &str, payload: u16) -> Result<Vec<u8>, NoName> {
    let kind = match kind {
        Kind::A => TYPE::A,
        Kind::Aaaa => TYPE::AAAA,
        Kind::Srv => TYPE::SRV,
    };
    if !is_name(name) {
        return Err(NoName);
    }
    let name = Name::new(name).map_err(|_| NoName)?;
    let mut packet = Packet::new_query(id);
    packet.set_flags(PacketFlag::RECURSION_DESIRED);
    packet.questions.push(Question::new(name, QTYPE::TYPE(kind), QCLASS::CLASS(CLASS::IN), false));
    *packet.opt_mut() = Some(OPT { udp_packet_size: payload, version: 0, opt_codes: Vec::new() });
    packet.build_bytes_vec().map_err(|_| NoName)
}

/// The number of the question that bytes answer.
pub fn id(bytes: &[u8]) -> Option<u16> {
    bytes.first_chunk().map(|first| u16::from_be_bytes(*first))
}

/// Reads an answer.
///
/// # Errors
/// The bytes are none.
pub fn answer(bytes: &[u8]) -> Result<Answer, Malformed> {
    // An error may come without a question, and its code is all that counts.
    let header: &[u8; HEADER] = bytes.first_chunk().ok_or(Malformed)?;
    let is_response = header[2] & 0x80 != 0;
    if !is_response {
        return Err(Malformed);
    }
    let bare = |code| Answer {
        id: u16::from_be_bytes([header[0], header[1]]),
        code,
        is_truncated: header[2] & 0x02 != 0,
        question: None,
        records: Vec::new(),
        additional: Vec::new(),
    };
    match header[3] & 0x0f {
        0 => {}
        3 => return Ok(bare(Code::NoSuchName)),
        5 => return Ok(bare(Code::Refused)),
        _ => return Ok(bare(Code::Failed)),
    }
    // What cannot be there is not made room for: a question has 5 bytes at least, a record 11.
    let count = |at: usize| usize::from(u16::from_be_bytes([header[at], header[at + 1]]));
    if (count(4) + count(6) + count(8) + count(10)) * 5 > bytes.len() {
        return Err(Malformed);
    }
    let packet = Packet::parse(bytes).map_err(|_| Malformed)?;
    let question = match &packet.questions[..] {
        [one] => Some(text(&one.qname)),
        _ => None,
    };
    let code = if packet.rcode() == RCODE::NoError { Code::Done } else { Code::Failed };
    Ok(Answer {
        question,
        records: packet.answers.iter().map(record).collect(),
        additional: packet.additional_records.iter().map(record).collect(),
        ..bare(code)
    })
}

fn record(record: &ResourceRecord<'_>) -> Record {
    let data = match &record.rdata {
        RData::A(a) => Data::Address(Ipv4Addr::from(a.address).into()),
        RData::AAAA(aaaa) => Data::Address(Ipv6Addr::from(aaaa.address).into()),
        RData::CNAME(alias) => Data::Alias(text(&alias.0)),
        RData::SRV(service) => {
            Data::Service { weight: service.weight, port: service.port, target: text(&service.target) }
        }
        _ => Data::Other,
    };
    Record { owner: text(&record.name), data }
}

/// A name in lower case; bytes that are no text stand as they are printed.
fn text(name: &Name<'_>) -> String {
    name.to_string().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Header of an answer, the question `web.test A`, and whatever follows.
    fn reply(flags: u16, counts: [u16; 3], rest: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x12, 0x34];
        for field in [flags, 1, counts[0], counts[1], counts[2]] {
            bytes.extend(field.to_be_bytes());
        }
        bytes.extend(b"\x03WEB\x04test\x00\x00\x01\x00\x01");
        bytes.extend(rest);
        bytes
    }

    #[test]
    fn a_question_asks_for_recursion_and_says_how_much_may_come() {
        let bytes = question(0x1234, Kind::Srv, "_http._tcp.test", 4096).unwrap();
        let expected = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01\x05_http\x04_tcp\x04test\x00\x00\x21\x00\x01\
                         \x00\x00\x29\x10\x00\x00\x00\x00\x00\x00\x00";
        assert_eq!(bytes, expected);
    }

    #[test]
    fn what_is_no_name_is_not_asked_for() {
        for name in ["", ".", "a..b", &"a".repeat(64), &"ab.".repeat(90)] {
            assert_eq!(question(1, Kind::A, name, 512), Err(NoName), "{name}");
        }
    }

    #[test]
    fn addresses_and_aliases_are_read_with_their_owners() {
        let rest = b"\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x04\x01B\xc0\x10\
                     \xc0\x26\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x07";
        let answer = answer(&reply(0x8180, [2, 0, 0], rest)).unwrap();
        assert_eq!((answer.id, answer.code, answer.is_truncated), (0x1234, Code::Done, false));
        assert_eq!(answer.question.as_deref(), Some("web.test"));
        let alias = Record { owner: "web.test".into(), data: Data::Alias("b.test".into()) };
        let address = Record { owner: "b.test".into(), data: Data::Address([192, 0, 2, 7].into()) };
        assert_eq!(answer.records, [alias, address]);
    }

    #[test]
    fn a_service_is_read_with_its_port_and_weight() {
        let rest = b"\xc0\x0c\x00\x21\x00\x01\x00\x00\x00\x3c\x00\x0a\x00\x01\x00\x64\x1f\x90\x01a\xc0\x10";
        let answer = answer(&reply(0x8180, [1, 0, 0], rest)).unwrap();
        let data = Data::Service { weight: 100, port: 8080, target: "a.test".into() };
        assert_eq!(answer.records, [Record { owner: "web.test".into(), data }]);
    }

    #[test]
    fn errors_count_by_their_code_alone() {
        for (flags, code) in [(0x8183, Code::NoSuchName), (0x8185, Code::Refused), (0x8182, Code::Failed)] {
            assert_eq!(answer(&reply(flags, [9, 9, 9], b"")).unwrap().code, code);
        }
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        let question = question(1, Kind::A, "web.test", 512).unwrap();
        let short = reply(0x8180, [1, 0, 0], b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0");
        for bytes in [&b""[..], b"\x12\x34", &question, &short] {
            assert_eq!(answer(bytes), Err(Malformed));
        }
    }
}
