//! What an agent beside a server says: one line of words (HAProxy manual §5.2, `agent-check`).

use super::outcome::{Code, Outcome};

/// Most bytes of a reply that are looked at.
pub const MAX_REPLY: usize = 1024;

/// What the operator's side of the server shall be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admin {
    /// `ready`
    Ready,
    /// `drain`
    Drain,
    /// `maint`
    Maint,
}

/// What a reply asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// `ready`, `drain`, `maint`.
    pub admin: Option<Admin>,
    /// `75%`, `weight:...`: per cent of the configured weight if it ends with a percent sign, else the weight itself.
    pub weight: Option<String>,
    /// `maxconn:30`
    pub maxconn: Option<String>,
    /// Health, and what is said of it: `CHECKED` says nothing.
    pub outcome: Outcome,
}

/// Reads a reply once its line is complete; `None` if it is not.
pub fn parse(bytes: &[u8]) -> Option<Reply> {
    let end = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r' | 0))?;
    let line = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let (mut words, mut said) = (line.as_str(), "");
    let mut reply = Reply { admin: None, weight: None, maxconn: None, outcome: Outcome::new(Code::Checked, "") };
    let (mut health, mut unknown) = (None, None);
    loop {
        words = words.trim_start_matches([' ', '\t', ',']);
        if let Some(description) = words.strip_prefix('#') {
            said = description.trim_start_matches(['\t', ' ']);
            break;
        }
        let length = words.find([' ', '\t', ',']).unwrap_or(words.len());
        let (word, rest) = words.split_at(length);
        if word.is_empty() {
            break;
        }
        words = rest;
        match word.to_ascii_lowercase().as_str() {
            "up" => health = Some((word, Code::L7Ok)),
            "down" | "stopped" | "fail" => health = Some((word, Code::L7Sts)),
            "ready" => reply.admin = Some(Admin::Ready),
            "drain" => reply.admin = Some(Admin::Drain),
            "maint" => reply.admin = Some(Admin::Maint),
            lower => match (lower.strip_prefix("maxconn:"), lower.strip_prefix("weight:")) {
                (Some(count), _) => reply.maxconn = Some(count.to_owned()),
                (_, Some(weight)) => reply.weight = Some(weight.to_owned()),
                _ if lower.starts_with(|c: char| c.is_ascii_digit()) && lower.contains('%') => {
                    reply.weight = Some(lower.to_owned());
                }
                _ => unknown = unknown.or(Some(word)),
            },
        }
    }
    reply.outcome = match (health, unknown) {
        (Some((word, code)), unknown) => {
            // What is odd is told where nothing else is, or where nothing is wrong.
            let words = if said.is_empty() || code == Code::L7Ok { unknown.unwrap_or(said) } else { said };
            let more = if words.is_empty() { String::new() } else { format!(" ({words})") };
            Outcome::new(code, format!("via agent : {word}{more}"))
        }
        (None, Some(word)) => Outcome::new(Code::Checked, format!("agent reports an error : {word}")),
        (None, None) => Outcome::new(Code::Checked, ""),
    };
    Some(reply)
}

/// A weight of so much per cent of the configured one, or that weight; `None` if the text is none or out of range.
pub fn weight(text: &str, configured: u16) -> Option<u16> {
    match text.strip_suffix('%') {
        Some(percent) => {
            let percent: u32 = percent.parse().ok()?;
            let weight = u32::from(configured).saturating_mul(percent) / 100;
            u16::try_from(weight).ok().filter(|weight| *weight <= 256)
        }
        None => text.parse().ok().filter(|weight| *weight <= 256),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_come_in_any_order_and_the_last_of_a_kind_wins() {
        let reply = parse(b"75%,maxconn:30,maint,down\n").expect("a whole line");
        assert_eq!((reply.weight.as_deref(), reply.maxconn.as_deref()), (Some("75%"), Some("30")));
        assert_eq!(reply.admin, Some(Admin::Maint));
        assert_eq!(reply.outcome, Outcome::new(Code::L7Sts, "via agent : down"));
        let reply = parse(b"drain ready UP 10% 20%\r\n").expect("a whole line");
        assert_eq!((reply.admin, reply.weight.as_deref()), (Some(Admin::Ready), Some("20%")));
        assert_eq!(reply.outcome.code, Code::L7Ok);
    }

    #[test]
    fn what_stands_behind_a_sharp_tells_why() {
        let said = |line: &[u8]| parse(line).map(|reply| reply.outcome.detail);
        assert_eq!(said(b"down # disk full\n").as_deref(), Some("via agent : down (disk full)"));
        assert_eq!(said(b"up foo # all well\n").as_deref(), Some("via agent : up (foo)"));
        assert_eq!(said(b"foo bar\n").as_deref(), Some("agent reports an error : foo"));
    }

    #[test]
    fn incomplete_line_is_no_reply() {
        assert_eq!(parse(b"up"), None);
    }

    #[test]
    fn weights_are_per_cent_of_the_configured_one_or_absolute() {
        assert_eq!(weight("75%", 100), Some(75));
        assert_eq!(weight("50%", 1), Some(0));
        assert_eq!(weight("200", 1), Some(200));
        assert_eq!(weight("257", 1), None);
        assert_eq!(weight("4294967295%", 256), None);
        assert_eq!(weight("x%", 1), None);
    }

    proptest! {
        #[test]
        fn hostile_replies_do_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            parse(&bytes);
        }
    }
}
