//! Options of listening addresses: each sets something in [`BindOptions`], and each setting can be written as words.

use crate::model::bind::BindOptions;

use super::{Wrong, needed, number};

/// What an option does; the words begin with it. Returns how many words it took.
type Handler = fn(&mut BindOptions, &[&str]) -> Result<usize, Wrong>;

/// Every option.
pub const OPTIONS: &[(&str, Handler)] = &[
    ("accept-proxy", |options, _| {
        options.accepts_proxy = true;
        Ok(1)
    }),
    ("id", |options, words| {
        options.id = Some(number(words, 1, 1, u64::from(u32::MAX >> 1))? as u32);
        Ok(2)
    }),
    ("name", |options, words| {
        options.name = Some(needed(words, 1, "a name")?.to_owned());
        Ok(2)
    }),
];

/// Carries out the option that these words begin with; how many it took.
///
/// # Errors
/// What is wrong with which word.
pub fn read(options: &mut BindOptions, words: &[&str]) -> Result<usize, Wrong> {
    let name = words.first().copied().unwrap_or_default();
    match OPTIONS.iter().find(|(known, _)| *known == name) {
        Some((_, handler)) => handler(options, words),
        None => Err(Wrong::new(0, format!("'{name}' is no option of a listening address"))),
    }
}

/// Carries out all words.
///
/// # Errors
/// What is wrong with which word.
pub fn read_all(options: &mut BindOptions, words: &[&str]) -> Result<(), Wrong> {
    let mut at = 0;
    while at < words.len() {
        at += read(options, &words[at..]).map_err(|wrong| wrong.later(at))?;
    }
    Ok(())
}

/// The options that make these of the default.
pub fn texts(options: &BindOptions) -> Vec<String> {
    let mut texts = Vec::new();
    if options.accepts_proxy {
        texts.push("accept-proxy".to_owned());
    }
    texts.extend(options.id.map(|id| format!("id {id}")));
    texts.extend(options.name.as_ref().map(|name| crate::rule::join(["name", name].into_iter())));
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: &[&str] = &["accept-proxy", "id 7", "name web"];

    #[test]
    fn every_option_is_written_as_it_is_read() {
        let mut options = BindOptions::default();
        for text in TEXTS {
            let words: Vec<&str> = text.split(' ').collect();
            assert_eq!(read_all(&mut options, &words), Ok(()), "{text}");
            assert!(texts(&options).contains(&(*text).to_owned()), "{text}");
        }
        let mut again = BindOptions::default();
        for text in texts(&options) {
            read_all(&mut again, &text.split(' ').collect::<Vec<_>>()).expect("it was written by us");
        }
        assert_eq!(again, options);
    }

    #[test]
    fn every_option_is_among_the_tested() {
        for (name, _) in OPTIONS {
            assert!(TEXTS.iter().any(|text| text.split(' ').next() == Some(name)), "{name}");
        }
    }

    #[test]
    fn wrong_options_are_told_with_their_place() {
        for (text, at) in [("id", 1), ("id 0", 1), ("accept-proxy now", 1), ("name", 1)] {
            let words: Vec<&str> = text.split(' ').collect();
            let result = read_all(&mut BindOptions::default(), &words);
            assert_eq!(result.map_err(|wrong| wrong.at), Err(at), "{text}");
        }
    }
}
