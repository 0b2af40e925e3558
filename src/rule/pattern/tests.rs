use proptest::prelude::*;

use crate::rule::sample::Sample;

use super::set::Case;
use super::{Method, Operator, PatternSpec, Patterns, Regex, compared};

fn spec(method: Method) -> PatternSpec {
    PatternSpec { method, case: Case::Sensitive, is_map: false }
}

fn is_match(method: Method, patterns: &[&str], text: &str) -> bool {
    let sample = Sample::str(text.as_bytes()).cast(method.takes());
    let patterns = Patterns::from_words(patterns, spec(method)).unwrap();
    sample.is_some_and(|sample| patterns.matches(&sample))
}

/// (method, pattern, text, whether it matches); the `dir` and `dom` rows are the manual's own examples (§7.1.3).
const ROWS: &[(Method, &str, &str, bool)] = &[
    (Method::Str, "abc", "abc", true),
    (Method::Str, "abc", "abcd", false),
    (Method::Beg, "/api", "/api/v1", true),
    (Method::Beg, "/api", "/ap", false),
    (Method::End, ".png", "/a.png", true),
    (Method::End, ".png", "png", false),
    (Method::Sub, "foo", "a foo b", true),
    (Method::Sub, "foo", "fo o", false),
    (Method::Dir, "/images", "/images/png/logo/32x32.png", true),
    (Method::Dir, "images/png", "/images/png/logo/32x32.png", true),
    (Method::Dir, "/png/logo", "/images/png/logo/32x32.png", true),
    (Method::Dir, "32x32.png", "/images/png/logo/32x32.png", true),
    (Method::Dir, "pn", "/images/png/logo/32x32.png", false),
    (Method::Dir, "32x32", "/images/png/logo/32x32.png", false),
    (Method::Dom, "www1", "http://www1.dc-eu.example.com:80/blah", true),
    (Method::Dom, ".www1", "http://www1.dc-eu.example.com:80/blah", true),
    (Method::Dom, "dc-eu.example", "http://www1.dc-eu.example.com:80/blah", true),
    (Method::Dom, ":www1:", "http://www1.dc-eu.example.com:80/blah", true),
    (Method::Dom, "80", "http://www1.dc-eu.example.com:80/blah", true),
    (Method::Dom, "eu", "http://www1.dc-eu.example.com:80/blah", false),
    (Method::Dom, "dc", "http://www1.dc-eu.example.com:80/blah", false),
    (Method::Reg, "^/a.*z$", "/abcz", true),
    (Method::Reg, "^/a.*z$", "/abc", false),
    (Method::Int, "5:7", "6", true),
    (Method::Int, "5:", "4", false),
    (Method::Int, ":7", "-3", true),
    (Method::Int, "-3", "-3", true),
    (Method::Len, "3", "abc", true),
    (Method::Len, "4:", "abc", false),
    (Method::Bin, "616263", "abc", true),
    (Method::Bin, "6162", "abc", false),
    (Method::Ip, "10.0.0.0/8", "10.200.0.1", true),
    (Method::Ip, "10.0.0.0/8", "11.0.0.1", false),
    (Method::Ip, "127.1/8", "127.9.9.9", true),
    (Method::Ip, "192.168.1", "192.168.0.1", true),
    (Method::Ip, "10.0.0.0/255.0.0.0", "10.9.9.9", true),
    (Method::Ip, "2001:db8::/32", "2001:db8:1::1", true),
    (Method::Ip, "192.0.2.1", "::ffff:192.0.2.1", true),
    (Method::Ip, "192.0.2.1", "2002:c000:201::", true),
    (Method::Ip, "::ffff:192.0.2.0/120", "192.0.2.9", true),
];

#[test]
fn methods_match_as_the_manual_says() {
    for (method, pattern, text, expected) in ROWS {
        assert_eq!(is_match(*method, &[pattern], text), *expected, "{method:?} {pattern} {text}");
    }
}

#[test]
fn operators_become_ranges() {
    for (operator, value, expected) in [
        (Operator::Gt, 5, false),
        (Operator::Gt, 6, true),
        (Operator::Ge, 5, true),
        (Operator::Lt, 5, false),
        (Operator::Lt, -9, true),
        (Operator::Le, 5, true),
    ] {
        let range = compared("5", operator, Method::Int).unwrap();
        let patterns = Patterns::from_words(&[&range], spec(Method::Int)).unwrap();
        assert_eq!(patterns.matches(&Sample::Int(value)), expected, "{operator:?} {value}");
    }
}

#[test]
fn case_is_ignored_where_asked() {
    for method in [Method::Str, Method::Beg, Method::End, Method::Sub, Method::Dir, Method::Dom, Method::Reg] {
        let ignoring = PatternSpec { method, case: Case::Ignored, is_map: false };
        let patterns = Patterns::from_words(&["WwW"], ignoring).unwrap();
        assert!(patterns.matches(&Sample::str(b"wWw")), "{method:?}");
    }
}

#[test]
fn wrong_patterns_are_named() {
    let complaint = |method, word: &str| Patterns::from_words(&["1", word], spec(method)).unwrap_err();
    assert_eq!(complaint(Method::Int, "x").at, 1);
    assert_eq!(complaint(Method::Int, "7:5").what, "'7:5' is an empty range: the lower bound comes first");
    assert!(complaint(Method::Reg, "(a").what.contains("unclosed group"), "{:?}", complaint(Method::Reg, "(a"));
    assert!(complaint(Method::Reg, "(?=a").what.starts_with("regex '(?=a': "));
    let networks = Patterns::from_words(&["10.0.0.0/33"], spec(Method::Ip)).unwrap_err();
    assert_eq!(networks.what, "'10.0.0.0/33' is not an IPv4 network");
    let name = Patterns::from_words(&["example.com"], spec(Method::Ip)).unwrap_err();
    assert!(name.what.contains("host names are not resolved"));
}

#[test]
fn a_map_gives_the_value_of_the_finest_key_and_can_be_changed() {
    let content = b"# comment\n\n  10.0.0.0/8   all of ten  \r\n10.1.0.0/16 one\n";
    let map = PatternSpec { method: Method::Ip, case: Case::Sensitive, is_map: true };
    let map = Patterns::from_file("net.map", content, map).unwrap();
    let value = |text: &str| {
        let sample = Sample::address(text.parse().unwrap());
        map.value(&sample).map(|value| String::from_utf8(value.to_vec()).unwrap())
    };
    assert_eq!(value("10.1.2.3").as_deref(), Some("one"));
    assert_eq!(value("10.2.2.3").as_deref(), Some("all of ten"));
    assert_eq!(value("11.0.0.1"), None);
    assert_eq!(map.set(b"10.1.0.0/16", b"two"), 1);
    assert_eq!(value("10.1.2.3").as_deref(), Some("two"));
    map.add(b"11.0.0.1", Some(b"eleven")).unwrap();
    assert_eq!(value("11.0.0.1").as_deref(), Some("eleven"));
    assert!(map.add(b"nonsense", None).is_err());
    assert_eq!(map.remove(b"10.1.0.0/16"), 1);
    assert_eq!(value("10.1.2.3").as_deref(), Some("all of ten"));
    map.clear();
    assert!(map.is_empty());
}

#[test]
fn the_longest_prefix_of_a_map_wins() {
    let map = PatternSpec { method: Method::Beg, case: Case::Sensitive, is_map: true };
    let map = Patterns::from_file("p.map", b"/a short\n/a/b long\n/ root\n", map).unwrap();
    assert_eq!(map.value(&Sample::str(b"/a/b/c")).as_deref(), Some(&b"long"[..]));
    assert_eq!(map.value(&Sample::str(b"/x")).as_deref(), Some(&b"root"[..]));
}

#[test]
fn a_matched_regex_fills_its_value() {
    let map = PatternSpec { method: Method::Reg, case: Case::Sensitive, is_map: true };
    let map = Patterns::from_file("r.map", b"^(.*)\\.example\\.com$ /home/\\1\n", map).unwrap();
    assert_eq!(map.expanded(b"ann.example.com").as_deref(), Some(&b"/home/ann"[..]));
    assert_eq!(map.expanded(b"example.org"), None);
}

#[test]
fn substitutions_are_those_of_haproxy() {
    let replace = |pattern: &str, text: &str, with: &str, all| {
        let regex = Regex::new(pattern, Case::Sensitive).unwrap();
        regex.replace(text.as_bytes(), with.as_bytes(), all).map(|out| String::from_utf8(out).unwrap())
    };
    assert_eq!(replace("foo", "foobarfoo", "X", false).as_deref(), Some("Xbarfoo"));
    assert_eq!(replace("foo", "foobarfoo", "X", true).as_deref(), Some("XbarX"));
    assert_eq!(replace("/+", "////a///b", "/", true).as_deref(), Some("/a/b"));
    assert_eq!(replace("x*", "abc", "-", true).as_deref(), Some("-a-b-c-"));
    assert_eq!(replace("(o+)b(a)", "foobar", r"\2\1-\0\x21\\", false).as_deref(), Some(r"faoo-ooba!\r"));
    assert_eq!(replace("z", "abc", "-", true), None);
    assert_eq!(replace(r"\/a\/", "/a/", "-", true).as_deref(), Some("-"));
}

proptest! {
    #[test]
    fn no_pattern_and_no_text_panics(word in ".{0,20}", text in proptest::collection::vec(any::<u8>(), 0..40)) {
        for name in Method::names() {
            let method = Method::by_name(name).unwrap();
            for case in [Case::Sensitive, Case::Ignored] {
                let spec = PatternSpec { method, case, is_map: false };
                if let Ok(patterns) = Patterns::from_words(&[&word], spec)
                    && let Some(sample) = Sample::str(&text).cast(method.takes())
                {
                    patterns.matches(&sample);
                }
            }
        }
    }
}

#[test]
fn patterns_that_need_backtracking_match_as_pcre_does() {
    for (pattern, text, is_match) in [
        (r"^/(?!admin)", "/shop", true),
        (r"^/(?!admin)", "/admin/x", false),
        (r"^(?=.*a)(?=.*b)", "xbxa", true),
        (r"(?<=/)x$", "/x", true),
        (r"(?<!/)x$", "/x", false),
        (r"^(\w)\1$", "aa", true),
        (r"^(\w)\1$", "ab", false),
        (r"^a++a", "aaa", false),
        (r"^(?>a+)b\/", "aab/", true),
    ] {
        let regex = Regex::new(pattern, Case::Sensitive).expect(pattern);
        assert_eq!(regex.is_match(text.as_bytes()), is_match, "{pattern} {text}");
    }
    let regex = Regex::new(r"(?<=\.)([a-z]+)(?=\.)", Case::Ignored).expect("a regex");
    assert_eq!(regex.replace(b"a.B.c.\xff", br"<\1>", true).as_deref(), Some(&b"a.<B>.<c>.\xff"[..]));
    assert_eq!(regex.replace(b"a.B.c.d", br"<\1>", false).as_deref(), Some(&b"a.<B>.c.d"[..]));
    assert_eq!(regex.replace(b"abc", b"x", true), None);
}

#[test]
fn a_search_that_goes_back_for_ever_is_given_up() {
    let regex = Regex::new(r"^(a|aa)+(?!x)$", Case::Sensitive).expect("a regex");
    assert!(regex.is_match(&[b'a'; 20]));
    let mut text = vec![b'a'; 2_000];
    text.push(b'b');
    assert!(!regex.is_match(&text));
}

#[test]
fn what_pcre_writes_otherwise_is_understood() {
    for (pattern, texts) in [
        (r"^\/v\<1\>$", [("/v<1>", true), ("/v1", false)]),
        (r"^[[a&&b]+$", [("[a&b", true), ("c", false)]),
        (r"^[^[]$", [("a", true), ("[", false)]),
        (r"^[]x]+$", [("]x", true), ("[", false)]),
        (r"^[[:digit:]a]+$", [("1a", true), (":", false)]),
        (r"^[a~~b]+$", [("a~b", true), ("c", false)]),
        (r"^\101\07$", [("A\x07", true), ("A7", false)]),
        (r"^\cA$", [("\x01", true), ("cA", false)]),
        (r"^\Qa.b*\E.$", [("a.b*c", true), ("axb*c", false)]),
        (r"^[\b]$", [("\x08", true), ("b", false)]),
    ] {
        let regex = Regex::new(pattern, Case::Sensitive).expect(pattern);
        for (text, is_match) in texts {
            assert_eq!(regex.is_match(text.as_bytes()), is_match, "{pattern} {text}");
        }
    }
}
