//! Lines into commands and words: `;` separates commands, `\` escapes, `<<` or `<<END` at the end of a command begins a
//! payload.

/// Begins the last word of a command that a payload follows; the rest of the word is the line that ends it.
const PAYLOAD: &str = "<<";
/// Longest line that may end a payload, in bytes.
const LONGEST_END: usize = 64;

/// The command before its payload, and the line that ends that; `None` if no payload follows.
pub fn announces(text: &str) -> Option<(&str, &str)> {
    let last = text.rfind([' ', '\t']).map_or(0, |at| at + 1);
    let (command, word) = text.split_at(last);
    let end = word.strip_prefix(PAYLOAD).filter(|end| end.len() <= LONGEST_END)?;
    Some((command, end))
}

/// Longest command with its payload, in bytes: HAProxy's is a buffer, 16 KiB; maps and certificates are sent this way.
pub const LONGEST: usize = 1 << 20;

/// Where the next command ends: the length without its end, and with it. `None` if the end has not arrived.
pub fn command(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 1,
            b'\n' => return Some((without_return(bytes, at), at + 1)),
            b';' => return Some((at, at + 1)),
            _ => {}
        }
        at += 1;
    }
    None
}

/// Where the next line of a payload ends, likewise.
pub fn line(bytes: &[u8]) -> Option<(usize, usize)> {
    let at = bytes.iter().position(|byte| *byte == b'\n')?;
    Some((without_return(bytes, at), at + 1))
}

fn without_return(bytes: &[u8], at: usize) -> usize {
    at - usize::from(at > 0 && bytes.get(at - 1) == Some(&b'\r'))
}

/// The words of a command: spaces and tabs separate them unless a backslash stands before.
pub fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            ' ' | '\t' => words.extend(word.take()),
            '\\' => {
                let word = word.get_or_insert_default();
                word.extend(characters.next());
            }
            _ => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_separated_by_spaces_that_are_not_escaped() {
        assert_eq!(words(r"  add map  a\ b	c\\d \;e "), ["add", "map", "a b", r"c\d", ";e"]);
        assert_eq!(words("   "), Vec::<String>::new());
    }

    #[test]
    fn a_payload_ends_with_the_line_that_was_announced() {
        assert_eq!(announces("add map x <<"), Some(("add map x ", "")));
        assert_eq!(announces("add map x <<EOF"), Some(("add map x ", "EOF")));
        assert_eq!(announces("add map x a<<"), None);
        assert_eq!(announces(&format!("add map x <<{}", "e".repeat(65))), None);
    }

    #[test]
    fn a_command_ends_with_its_line_or_a_semicolon() {
        assert_eq!(command(b"show info;show stat\n"), Some((9, 10)));
        assert_eq!(command(b"show stat\r\n"), Some((9, 11)));
        assert_eq!(command(br"a\;b"), None);
        assert_eq!(command(b"a\\;b\n"), Some((4, 5)));
        assert_eq!(command(b"\n"), Some((0, 1)));
    }
}
