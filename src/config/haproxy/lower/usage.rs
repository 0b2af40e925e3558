//! What the manual's form of a line (`<size>`, `{ on|off }`) asks of the words behind a keyword that does nothing.

use super::value;

/// Keywords of which HAProxy reads the word behind them and nothing more, or not even that before it is needed.
const UNREAD: [&str; 6] = [
    "anonkey",
    "close-spread-time",
    "grace",
    "max-session-srv-conns",
    "ssl-provider-path",
    "warn-blocked-traffic-after",
];

/// What stands behind a keyword whose line ends after one word.
enum Form<'a> {
    /// One of these; it may be left out.
    Choice { words: Vec<&'a str>, is_optional: bool },
    /// The digits that it begins with are a number from the one to the other.
    Range(i64, i64),
    /// Bytes, with `k`, `m` or `g` behind the number.
    Size,
    /// A time.
    Time,
    /// Any word.
    Word,
}

impl Form<'_> {
    /// Of a usage of the keyword table; `None` where it has room for more than one word.
    fn of(usage: &'static str) -> Option<Form<'static>> {
        let is_optional = usage.starts_with('[');
        let inner = usage.strip_prefix(['{', '[', '<'])?.strip_suffix(['}', ']', '>'])?.trim();
        match usage {
            "<size>" => return Some(Form::Size),
            "<time>" | "<timeout>" | "<delay in milliseconds>" => return Some(Form::Time),
            _ => {}
        }
        if let Some((least, most)) = inner.split_once("..") {
            return Some(Form::Range(least.parse().ok()?, most.parse().ok()?));
        }
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"|-.".contains(&byte);
        match inner.contains('|') && inner.bytes().all(is_plain) {
            true => Some(Form::Choice { words: inner.split('|').collect(), is_optional }),
            false if usage.starts_with('<') && !inner.contains(['<', '>', '[', ',']) => Some(Form::Word),
            false => None,
        }
    }
}

/// Judges the words behind `name` by the manual's form of its line; the complaint is about the word of that number.
pub fn judge(name: &str, usage: &'static str, words: &[&str]) -> Result<(), (usize, String)> {
    let is_unread = UNREAD.contains(&name) || name.starts_with("tune.vars.");
    let Some(form) = Form::of(usage).filter(|_| !is_unread) else { return Ok(()) };
    if let Some(more) = words.get(1) {
        return Err((1, format!("'{name}' cannot handle unexpected argument '{more}'")));
    }
    let word = words.first().copied();
    let text = word.unwrap_or_default();
    let complaint = match form {
        Form::Choice { is_optional: true, .. } if word.is_none() => None,
        Form::Choice { words: known, .. } if !known.contains(&text) => {
            let known: Vec<String> = known.iter().map(|known| format!("'{known}'")).collect();
            Some(format!("'{name}' expects {} but got '{text}'", known.join(" or ")))
        }
        Form::Range(least, most) if !(least..=most).contains(&leading(text)) => {
            Some(format!("'{name}' expects a number between {least} and {most} but got '{text}'"))
        }
        Form::Size => size(text).err(),
        Form::Time => value::time(text).err(),
        Form::Choice { .. } | Form::Range(..) | Form::Word => None,
    };
    complaint.map_or(Ok(()), |what| Err((0, what)))
}

/// The number that a text begins with, as C's `atol` reads it: 0 without any.
fn leading(text: &str) -> i64 {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    sign * i64::try_from(value::leading_number(digits)).unwrap_or(i64::MAX)
}

/// A number of bytes: digits, with `k`, `m` or `g` behind them.
fn size(text: &str) -> Result<(), String> {
    let digits = text.strip_suffix(['k', 'K', 'm', 'M', 'g', 'G']).unwrap_or(text);
    value::number(digits, 0, u32::MAX.into()).map(drop).map_err(|_| format!("'{text}' is not a size"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_the_form_of_a_line_has_no_room_for_are_told_with_their_place() {
        for (usage, line) in [
            ("{ on|off }", "on"),
            ("[ on|off ]", ""),
            ("<number>", "100"),
            ("<number>", "10s"),
            ("<size>", "32k"),
            ("<timeout>", "10s"),
            ("<-20..19>", "-5"),
            ("<0..9>", "abc"),
            ("<dir>", "/a"),
            ("<cmd> <args> ...", "a b c"),
            ("[ queue|l7-retries|check ]*", "queue check"),
        ] {
            let words: Vec<&str> = line.split_whitespace().collect();
            assert_eq!(judge("x", usage, &words), Ok(()), "{usage}: {line}");
        }
        for (usage, line, at) in [
            ("{ on|off }", "yes", 0),
            ("{ on|off }", "", 0),
            ("{ on|off }", "on off", 1),
            ("[ on|off ]", "yes", 0),
            ("<number>", "1 2", 1),
            ("<size>", "10s", 0),
            ("<timeout>", "abc", 0),
            ("<-20..19>", "20", 0),
            ("<1..9>", "abc", 0),
            ("<dir>", "/a /b", 1),
        ] {
            let words: Vec<&str> = line.split_whitespace().collect();
            assert_eq!(judge("x", usage, &words).map_err(|(at, _)| at), Err(at), "{usage}: {line}");
        }
    }
}
