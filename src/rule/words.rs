//! A text cut into words, for rules that come as one string (YAML).

use super::error::RuleError;

/// Cuts at white space; quotes and backslashes protect it, as in HAProxy's files (manual §2.2). Quotes that follow a `(`
/// on the same level are kept for the arguments' own parser.
pub fn split(text: &str) -> Result<Vec<String>, RuleError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut depth = 0_usize;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (Some(open), character) if open == character => {
                quote = None;
                if depth > 0 {
                    word.get_or_insert_default().push(character);
                }
            }
            (Some(_), character) if depth > 0 => word.get_or_insert_default().push(character),
            (Some('"') | None, '\\') if depth == 0 => {
                let word = word.get_or_insert_default();
                match characters.next() {
                    Some(next @ (' ' | '#' | '\\' | '\'' | '"')) => word.push(next),
                    Some('n') => word.push('\n'),
                    Some('r') => word.push('\r'),
                    Some('t') => word.push('\t'),
                    // `\d` of a regex and the like stay as they are.
                    Some(next) => word.extend(['\\', next]),
                    None => word.push('\\'),
                }
            }
            (Some(_), character) => word.get_or_insert_default().push(character),
            (None, '"' | '\'') => {
                quote = Some(character);
                let word = word.get_or_insert_default();
                if depth > 0 {
                    word.push(character);
                }
            }
            (None, character) if character.is_ascii_whitespace() && depth == 0 => words.extend(word.take()),
            (None, character) => {
                match character {
                    '(' => depth += 1,
                    ')' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                word.get_or_insert_default().push(character);
            }
        }
    }
    if quote.is_some() {
        return Err(RuleError::new(words.len(), "unterminated quote"));
    }
    words.extend(word);
    Ok(words)
}

/// Words as one text that [`split`] cuts into the same words.
pub fn join<'w>(words: impl Iterator<Item = &'w str>) -> String {
    let is_plain = |word: &str| {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:%[],=<>+*$^!{}|?&@~;".contains(c);
        !word.is_empty() && word.chars().all(is_plain)
    };
    let quoted = |word: &str| match is_plain(word) {
        true => word.to_owned(),
        false => format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\"")),
    };
    words.map(quoted).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::{join, split};

    #[test]
    fn joined_words_are_cut_into_the_same() {
        for words in [vec!["a", "b c", ""], vec!["f(x y)", "g('a b',\"c\")", "("], vec![r"\d+\.x\", "a\nb", "#"]] {
            assert_eq!(split(&join(words.iter().copied())).unwrap(), words);
        }
    }

    #[test]
    fn quotes_protect_white_space() {
        let cut = |text: &str| split(text).unwrap();
        assert_eq!(cut("path_beg /a /b"), ["path_beg", "/a", "/b"]);
        assert_eq!(cut(r#"path "/a b" /c\ d"#), ["path", "/a b", "/c d"]);
        assert_eq!(cut("path,regsub('a b',c)  x"), ["path,regsub('a b',c)", "x"]);
        assert_eq!(cut("a ''"), ["a", ""]);
        assert_eq!(cut(r"reg \d+\ x\\"), ["reg", r"\d+ x\"]);
        assert!(split("a 'b").is_err());
    }
}
