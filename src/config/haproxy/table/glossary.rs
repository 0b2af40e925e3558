//! Words of the language that are no keywords: algorithms, flags, methods of matching, directives, predicates.

/// A word and what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The word.
    pub word: &'static str,
    /// How it stands in a line.
    pub usage: &'static str,
    /// What it does, one phrase.
    pub doc: &'static str,
}

/// Every entry, in the order of the text.
pub fn glossary() -> impl Iterator<Item = Entry> {
    let rows = include_str!("glossary.table").lines().filter(|line| !line.starts_with('#'));
    rows.filter_map(|line| {
        let (word, rest) = line.split_once(" | ")?;
        let (usage, doc) = rest.split_once(" | ")?;
        Some(Entry { word, usage, doc })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_an_entry_and_no_word_stands_twice() {
        let mut words: Vec<_> = glossary().map(|entry| entry.word).collect();
        assert_eq!(words.len(), include_str!("glossary.table").lines().count() - 1);
        words.sort_unstable();
        assert!(words.windows(2).all(|pair| pair[0] != pair[1]), "{words:?}");
    }
}
