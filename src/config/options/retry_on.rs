//! `retry-on`.

use crate::model::options::RetryOn;

use super::{Wrong, needed};

/// Status codes that it knows.
const STATUSES: [u16; 12] = [401, 403, 404, 408, 421, 425, 429, 500, 501, 502, 503, 504];

/// Status codes that mean a server in trouble.
const TROUBLE: [u16; 4] = [500, 502, 503, 504];

/// What the words behind `retry-on` say, which is all that counts from then on.
pub(super) fn read(words: &[&str]) -> Result<RetryOn, Wrong> {
    needed(words, 1, "failures such as conn-failure")?;
    let mut on = RetryOn { no_connection: false, ..RetryOn::default() };
    for (at, word) in words.iter().enumerate().skip(1) {
        match *word {
            "none" if words.len() == 2 => {}
            "none" => return Err(Wrong::new(at, "'retry-on': 'none' keyword only usable alone")),
            "conn-failure" => on.no_connection = true,
            "empty-response" => on.empty_response = true,
            "junk-response" => on.junk_response = true,
            "response-timeout" => on.timeout = true,
            // No early data is sent to servers, so that none can be rejected.
            "0rtt-rejected" => {}
            "all-retryable-errors" => {
                (on.no_connection, on.empty_response, on.junk_response, on.timeout) = (true, true, true, true);
                on.statuses.extend(TROUBLE);
            }
            other => match other.parse::<u16>().ok().filter(|status| STATUSES.contains(status)) {
                Some(status) => on.statuses.push(status),
                None => return Err(Wrong::new(at, format!("'retry-on': unknown keyword '{other}'"))),
            },
        }
    }
    on.statuses.sort_unstable();
    on.statuses.dedup();
    Ok(on)
}

/// The line that says the same; `None` for the default.
pub(super) fn text(on: &RetryOn) -> Option<String> {
    if *on == RetryOn::default() {
        return None;
    }
    let words = [
        ("conn-failure", on.no_connection),
        ("empty-response", on.empty_response),
        ("junk-response", on.junk_response),
        ("response-timeout", on.timeout),
    ];
    let words = words.iter().filter(|(_, is_on)| *is_on).map(|(word, _)| (*word).to_owned());
    let words: Vec<String> = words.chain(on.statuses.iter().map(u16::to_string)).collect();
    Some(format!("retry-on {}", if words.is_empty() { "none".to_owned() } else { words.join(" ") }))
}
