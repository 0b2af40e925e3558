//! YAML as text: lines, pairs, and words in the quotes that they need.

use std::fmt::Write;
use std::time::Duration;

use crate::config::yaml::duration_text;

/// Lines, indented by two spaces for each level.
#[derive(Default)]
pub(super) struct Text(pub(super) String);

impl Text {
    pub(super) fn line(&mut self, level: usize, content: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "{:width$}{content}", "", width = level * 2);
    }

    pub(super) fn pair(&mut self, level: usize, key: &str, value: impl std::fmt::Display) {
        self.line(level, &format!("{key}: {value}"));
    }
}

/// A text: bare where it is a word that means nothing else in YAML, else in the quotes that need no escapes in it.
pub(super) fn scalar(text: &str) -> String {
    const OTHER_MEANING: [&str; 8] = ["true", "false", "yes", "no", "on", "off", "null", "none"];
    let is_word = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
    if is_word && !OTHER_MEANING.iter().any(|word| text.eq_ignore_ascii_case(word)) {
        return text.to_owned();
    }
    let is_visible = text.chars().all(|c| c.is_ascii_graphic() || c == ' ');
    match is_visible && text.contains(['"', '\\']) && !text.contains('\'') {
        true => format!("'{text}'"),
        // JSON's is YAML's.
        false => serde_json::Value::from(text).to_string(),
    }
}

pub(super) fn time(duration: Duration) -> String {
    duration_text(duration)
}

/// Nothing where there is no text.
pub(super) fn list(out: &mut Text, level: usize, key: &str, texts: &[String]) {
    if !texts.is_empty() {
        out.line(level, &format!("{key}:"));
    }
    for text in texts {
        out.line(level + 1, &format!("- {}", scalar(text)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted_where_they_would_mean_something_else() {
        for (text, expected) in [
            ("web", "web"),
            ("/run/vipgate/admin.sock", "/run/vipgate/admin.sock"),
            ("Off", "\"Off\""),
            ("12", "\"12\""),
            ("192.0.2.1:80", "\"192.0.2.1:80\""),
            ("option httplog", "\"option httplog\""),
            ("say \"a\"", "'say \"a\"'"),
            ("it's \"a\"", "\"it's \\\"a\\\"\""),
            ("\"a\"\n", "\"\\\"a\\\"\\n\""),
            ("", "\"\""),
        ] {
            assert_eq!(scalar(text), expected);
        }
    }
}
