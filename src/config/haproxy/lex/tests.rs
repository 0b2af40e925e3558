use proptest::prelude::*;

use super::*;

fn environment() -> Environment {
    let mut environment = Environment::default();
    for (name, value) in [("ONE", "1"), ("LIST", " a b  c "), ("EMPTY", ""), ("HOST", "h.example")] {
        environment.set(name, value);
    }
    environment
}

const PLACE: Place<'_> = Place { file: "a.cfg", line: 7, section: "web" };

fn split(line: &str) -> Result<Vec<String>, (LexError, usize)> {
    words(line, 0, 100, &environment(), PLACE)
        .map(|words| words.into_iter().map(|word| word.text).collect())
        .map_err(|(error, span)| (error, span.start - 100))
}

fn is(line: &str, expected: &[&str]) {
    assert_eq!(split(line), Ok(expected.iter().map(|word| (*word).to_owned()).collect()), "{line}");
}

#[test]
fn spaces_separate_words_and_a_hash_begins_a_comment() {
    is("  bind\t :80  # all", &["bind", ":80"]);
    is("a#b", &["a"]);
    is("# nothing", &[]);
    is("", &[]);
    is("a\r", &["a"]);
}

#[test]
fn quotes_keep_spaces_and_hashes_and_join_what_touches_them() {
    is(r#"a "b c" d"e f"g 'x "y" #z'"#, &["a", "b c", "de fg", "x \"y\" #z"]);
    is(r#"'it''s' "it's""#, &["its", "it's"]);
}

#[test]
fn backslash_escapes_outside_single_quotes_only() {
    is(r"a\ b c\#d e\\f g\'h i\n", &["a b", "c#d", "e\\f", "g'h", "i\n"]);
    is(r#""\x41\t\$ONE" '\x41\$'"#, &["A\t$ONE", "\\x41\\$"]);
    is(r"^\d+\.x$ \$ONE", &["^\\d+\\.x$", "\\$ONE"]);
}

#[test]
fn variables_expand_inside_double_quotes_only() {
    is(r#""$ONE/${HOST}" '$ONE' $ONE "${NOPE-5s}" "${ONE-5s}""#, &["1/h.example", "$ONE", "$ONE", "5s", "1"]);
    is(r#""${.FILE}:${.LINE}:${.SECTION}""#, &["a.cfg:7:web"]);
}

#[test]
fn list_makes_a_word_of_each_part_and_none_when_empty() {
    is(r#"x "${LIST[*]}" y"#, &["x", "a", "b", "c", "y"]);
    is(r#"x "${NOPE[*]}" "${EMPTY[*]}" y"#, &["x", "y"]);
    is(r#""p${ONE[*]}s""#, &["p1s"]);
}

#[test]
fn broken_lines_say_where() {
    assert_eq!(split("a 'b"), Err((LexError::Quote, 2)));
    assert_eq!(split("a \"b ' c"), Err((LexError::Quote, 2)));
    assert_eq!(split("\"${ONE\""), Err((LexError::Brace, 2)));
    assert_eq!(split("\"${ONE:-1}\""), Err((LexError::Brace, 2)));
    assert_eq!(split("\"$1\""), Err((LexError::VariableName, 2)));
    assert_eq!(split("\"$.NOPE\""), Err((LexError::VariableName, 2)));
    assert_eq!(split("a \\x4g"), Err((LexError::Hexadecimal, 2)));
    assert_eq!(split("\"${LIST[0]}\""), Err((LexError::Expansion, 7)));
}

#[test]
fn empty_quotes_and_unset_variables_make_empty_words() {
    is(r#"a "" '' b"#, &["a", "", "", "b"]);
    is(r#"a "${NOPE}" "$EMPTY""#, &["a", "", ""]);
}

#[test]
fn sixty_four_words_are_the_most() {
    let line = |count: usize| vec!["w"; count].join(" ");
    assert_eq!(split(&line(MOST_WORDS)).map(|words| words.len()), Ok(MOST_WORDS));
    assert_eq!(split(&line(MOST_WORDS + 1)), Err((LexError::TooManyWords, 128)));
}

#[test]
fn words_are_text() {
    for line in ["a \\xff", "a \\x00", "a \u{fffd}"] {
        assert_eq!(split(line), Err((LexError::NotText, 2)), "{line}");
    }
    is("a \\xc3\\xa4 # \u{fffd}", &["a", "ä"]);
}

/// Writes a word so that reading gives it back.
fn quoted(word: &str) -> String {
    let escaped = word.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$").replace('\r', "\\r");
    format!("\"{}\"", escaped.replace('\n', "\\n"))
}

proptest! {
    #[test]
    fn quoted_words_come_back(list in prop::collection::vec("[ -~äö\\t\\r\\n]{1,12}", 0..12)) {
        let line = list.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
        prop_assert_eq!(split(&line), Ok(list));
    }

    #[test]
    fn spans_lie_in_the_line_in_order(line in "[a-z\"'\\\\$\\{\\}\\[\\]* #xA-Zäß.-]{0,80}") {
        if let Ok(words) = words(&line, 3, 100, &environment(), PLACE) {
            let mut last = 100;
            for word in words {
                prop_assert!(word.span.start >= last.min(word.span.start) && word.span.start <= word.span.end);
                prop_assert!(word.span.end <= 100 + line.len());
                prop_assert!(line.is_char_boundary(word.span.start - 100) && line.is_char_boundary(word.span.end - 100));
                last = word.span.start;
            }
        }
    }
}
