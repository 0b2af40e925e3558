//! Did you mean.

/// The known word nearest to an unknown one, if any is near enough to have been meant: at most a third of the letters
/// differ, counting a swap of neighbours as one, or one word begins with the other.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > 64 {
        return None;
    }
    let plain = |text: &str| text.to_ascii_lowercase().replace('-', "_");
    let wanted = plain(word);
    let allowed = (wanted.chars().count() / 3).max(1);
    known
        .into_iter()
        .filter_map(|candidate| {
            let other = plain(candidate);
            let distance = strsim::damerau_levenshtein(&wanted, &other);
            let is_abbreviation = wanted.len() >= 3 && (other.starts_with(&wanted) || wanted.starts_with(&other));
            (distance <= allowed || is_abbreviation).then_some((distance, candidate))
        })
        .min_by_key(|(distance, candidate)| (*distance, letters(candidate) != letters(word)))
        .map(|(_, candidate)| candidate)
}

/// Its letters, sorted: of two that are as near, the one that has the same is meant.
fn letters(word: &str) -> Vec<u8> {
    let mut letters = word.to_ascii_lowercase().into_bytes();
    letters.sort_unstable();
    letters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn swapped_letters_are_near() {
        assert_eq!(nearest("bnid", ["mode", "bind", "log"]), Some("bind"));
    }

    #[test]
    fn abbreviation_is_near() {
        assert_eq!(nearest("virt", ["virtual_router_id", "interface"]), Some("virtual_router_id"));
    }

    #[test]
    fn another_word_is_not_near() {
        assert_eq!(nearest("cookie", ["mode", "balance"]), None);
    }
}
