use proptest::prelude::*;

use crate::rule::fixture::World;
use crate::rule::format::{Format, FormatUse, Options};
use crate::rule::scope::{Scope, Slots};
use crate::rule::stage::Stage;
use crate::rule::transaction::Captures;

const REQUEST: &[u8] =
    b"GET /a/b.html?x=\"1\" HTTP/1.1\r\nHost: www.Example.com\r\nUser-Agent: ua \"q\"]\\ #|{}\xe9\x80\r\n\r\n";

fn render(purpose: FormatUse, stage: Stage, text: &str) -> String {
    let mut world = World::of(REQUEST);
    let agent = b"ua \"q\"]\\ #|{}\xe9\x80";
    world.captures.declare(&Slots { request: vec![64; 3], response: Vec::new() });
    Captures::store(&world.captures.request, 0, agent);
    Captures::store(&world.captures.request, 2, b"www.Example.com");
    let compile = |scope: &mut Scope<'_>| {
        scope.slots = Slots { request: vec![64; 3], response: Vec::new() };
        Format::compile(text, purpose, scope).unwrap_or_else(|error| panic!("{text}: {error:?}"))
    };
    let out = world.with(stage, compile, |format, transaction| {
        let mut out = Vec::new();
        format.render(transaction, &mut out);
        out
    });
    out.iter().map(|byte| char::from(*byte)).collect()
}

fn complaint(text: &str) -> (usize, String) {
    let compile = |scope: &mut Scope<'_>| Format::compile(text, FormatUse::Log, scope).map(drop);
    World::new().with(Stage::Log, compile, |result, _| {
        let error = result.clone().unwrap_err();
        (error.offset, error.what)
    })
}

/// Formats and the lines that haproxy 2.6.12 wrote for the request above, addresses and dates aside.
const LOGGED: &[(&str, &str)] = &[
    ("%ci a  b   c", "127.0.0.1 a b c"),
    ("  lead  %ci  ", "lead 127.0.0.1 "),
    (
        "[%hr] [%hrl] %CC %CS \"%r\" %{+Q}r",
        "[{ua #22q#22]\\ #23#7C#7B#7D#E9#80||www.Example.com}] [ua #22q#22]\\ #23#7C#7B#7D#E9#80 - www.Example.com] - - \
         \"GET /a/b.html?x=#221#22 HTTP/1.1\" \"GET /a/b.html?x=#221#22 HTTP/1.1\"",
    ),
    ("%{+X}o %ci %cp %ms %fi:%fp %bi", "7F000001 8225 28F 7F000002:0050 -"),
    (
        "%ID|%HM|%HP|%HPO|%HQ|%HU|%HV|%ft|%sslv|%sslc|%si|%sp|%bi|%bp|%ST|%f",
        "-|GET|/a/b.html|/a/b.html|?x=#221#22|/a/b.html?x=#221#22|HTTP/1.1|fe|-|-|-|-|-|-|200|fe",
    ),
    (
        "%{-Q}r %{+Q}ci %{+Q}Tt %{+Q}tsc %{+Q}ST %{+Q}hr %{+Q}CC",
        "GET /a/b.html?x=#221#22 HTTP/1.1 \"127.0.0.1\" 109 --NI 200 \
         \"{ua #22q#22]\\ #23#7C#7B#7D#E9#80||www.Example.com}\" \"\"",
    ),
    (
        "%{}r|%{+M}r|%{foo}r",
        "GET /a/b.html?x=#221#22 HTTP/1.1|GET /a/b.html?x=#221#22 HTTP/1.1|GET /a/b.html?x=#221#22 HTTP/1.1",
    ),
    ("%{+Q}hrl %hsl %hs", "\"ua #22q#22]\\ #23#7C#7B#7D#E9#80\" \"\" \"www.Example.com\" "),
    (
        "%[capture.req.hdr(1)]|%[var(txn.x)]|%[capture.req.hdr(0)]|%{+E}[capture.req.hdr(0)]|%{+Q}[capture.req.hdr(0)]",
        "-|-|ua \"q\"]\\ #|{}\u{e9}\u{80}|ua \\\"q\\\"\\]\\\\ #|{}\u{e9}\u{80}|\"ua \"q\"]\\ #|{}\u{e9}\u{80}\"",
    ),
    (
        "%{+Q,+E}o %[capture.req.hdr(0)] %r %ci",
        "\"ua \\\"q\\\"\\]\\\\ #|{}\u{e9}\u{80}\" \"GET /a/b.html?x=#221#22 HTTP/1.1\" \"127.0.0.1\"",
    ),
    ("%[bin(410042)]|%[bin(0a0d09)]|%[bin(7f80ff)]", "A|\n\r\t|\u{7f}\u{80}\u{ff}"),
    (
        "%{+Q}[capture.req.hdr(1)]|%{+Q}[src]|%{+Q}[int(5)]|%{+X}[src]|%{+X}[int(255)]|%{+Q}[always_true]",
        "\"\"|\"127.0.0.1\"|\"5\"|127.0.0.1|255|\"1\"",
    ),
    ("%{+E}hr", "{ua #22q#22\\]\\\\ #23#7C#7B#7D#E9#80||www.Example.com}"),
    ("100%% %ci%cp", "100% 127.0.0.133317"),
    ("%(name)ci %(n:str)[src]", "127.0.0.1 127.0.0.1"),
    ("%tr %trg %T %Ts", "09/Sep/2001:03:46:40.655 09/Sep/2001:01:46:40 +0000 09/Sep/2001:01:46:40 +0000 1000000000"),
];

#[test]
fn log_lines_are_haproxys() {
    for (format, expected) in LOGGED {
        assert_eq!(render(FormatUse::Log, Stage::Log, format), *expected, "{format}");
    }
}

/// The same of haproxy 3.5, which has encodings.
const ENCODED: &[(&str, &str)] = &[
    (
        "%{+json}o left %(a)f out %b %(c)ST %(d)[src] %(e)[int(5)] %(f)[always_true] %(g)r",
        r##"{"a": "fe", "c": 200, "d": "127.0.0.1", "e": 5, "f": true, "g": "GET /a/b.html?x=#221#22 HTTP/1.1"}"##,
    ),
    ("%(a)f %{+json}o x %(b)b %{+json,+Q}r", r#"{"a": "fe", "b": "be"}"#),
    (
        "%{+json}o %(a:str)[int(5)] %(b:sint)[str(12x)] %(c:bool)[int(2)] %(d:raw)[str(qq)] %(e:sint)[str(x)] \
         %(f:bool)[src] %(g:sint)[bin(41)] %(h:str)ST %(i:bool)ST %(:str)B",
        r#"{"a": "5", "b": 12, "c": true, "d": qq, "e": 0, "f": "", "g": "", "h": "200", "i": true}"#,
    ),
    (
        "%{+json}o %(a)hr %(b)hs %(c)hrl %(d)hsl %(e)CC %(g)ts %(h)tsc %(j)bi %(k)bp %(l)ID %(m)OG %(n)rc %(o)ft",
        r##"{"a": "{ua #22q#22]\\ #23#7C#7B#7D#E9#80||www.Example.com}", "b": null, "c": ["ua #22q#22]\\ #23#7C#7B#7D#E9#80", "-", "www.Example.com"], "d": null, "e": "", "g": "--", "h": "--NI", "j": "", "k": "", "l": "", "m": "txn_close", "n": 0, "o": "fe"}"##,
    ),
    (
        "%{+json,+X}o %(a)ci %(b)fi %(d)cp %(e)lc %(f)ms %(g)ST",
        r#"{"a": "7F000001", "b": "7F000002", "d": "8225", "e": "0000", "f": "28F", "g": 200}"#,
    ),
    ("%{+json,+bin}o %(a)[bin(412242)] %(b:str)[bin(41220042)]", r#"{"a": A\"B, "b": "A\""}"#),
    ("%{+json,+cbor}o %(a)f", r#"{"a": "fe"}"#),
    ("%{+json}o %{-json}o %(a)f %b", "fe be"),
    (
        "%{+json}[src] %{+json}[int(7)] %{+json}[var(txn.x)] %{+json}[always_false] %{+cbor}[int(-500)]",
        r#""127.0.0.1" 7 "" false 3901F3"#,
    ),
    (
        "%{+cbor}o %(a)f %b %(c)ST %(d)[src] %(e)[int(5)] %(f)[always_true]",
        "BF6161626665616318C86164693132372E302E302E316165056166F5FF",
    ),
    (
        "%{+cbor}o %(a:str)[int(5)] %(b:sint)[str(12x)] %(c:bool)[int(2)] %(d:raw)[str(qq)]",
        "BF6161613561620C6163F56164qqFF",
    ),
    ("%{+cbor}o %(h:str)ST %(i:bool)ST %(f:bool)[src]", "BF616818C86169F56166F6FF"),
    ("%{+cbor}o %(e)CC %(b)hs %(d)hsl %(g)ts %(o)ft", "BF6165F66162F66164F66167622D2D616F7F626665FFFF"),
    (
        "%{+cbor}o %(a)[bin(41220042)] %(b)[str(abc)] %(q)HQ",
        "BF61615F4441220042FF61626361626361717F633F783D63233232613163233232FFFF",
    ),
    ("%{+cbor,+bin}o %(a)[bin(41220042)] %(b)[str(abc)] %(c)HM", "\u{bf}aa_DA\"\0B\u{ff}abcabcac\x7fcGET\u{ff}\u{ff}"),
    ("%{+bin}o %[bin(41220042)] %{+Q}[bin(4142)] %(x:str)[bin(41004200)] %[var(txn.x)] %f", "A\"\0B AB A - fe"),
    ("%{+M}[var(txn.x)] %{-M}[var(txn.x)] %{-M}CC-%CC", "-  --"),
    ("%{+X}lc %lc", "0000 0"),
];

#[test]
fn encoded_lines_are_haproxys() {
    for (format, expected) in ENCODED {
        assert_eq!(render(FormatUse::Log, Stage::Log, format), *expected, "{format}");
    }
}

#[test]
fn json_stays_valid_where_a_value_has_control_characters() {
    let text = render(FormatUse::Log, Stage::Log, "%{+json}o %(a)[bin(0a09222f5c1f)]");
    assert_eq!(text, r#"{"a": "\u000A\u0009\"/\\\u001F"}"#);
    let read: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(read["a"], "\n\t\"/\\\u{1f}");
}

#[test]
fn header_fields_have_no_encoding_and_variables_have() {
    let format = "%{+json}o a %(x)[src] %{+json}[src]";
    assert_eq!(render(FormatUse::Http, Stage::HttpRequest, format), " a 127.0.0.1 127.0.0.1");
    assert_eq!(render(FormatUse::Plain, Stage::HttpRequest, format), r#"{"x": "127.0.0.1"}"#);
}

#[test]
fn variables_and_names_of_backends_keep_every_byte_and_quotes() {
    for (format, expected) in [
        ("x%[bin(0a410042)]", "x\nA"),
        ("%{+Q}[str(a)]|%{+Q}[req.hdr(nope)]|%[req.hdr(nope)]", "\"a\"|\"\"|"),
        ("%{+E}[str(a\\])]", "a\\\\\\]"),
    ] {
        assert_eq!(render(FormatUse::Plain, Stage::HttpRequest, format), expected, "{format}");
    }
}

#[test]
fn the_http_log_format_writes_an_http_log_line() {
    let format =
        "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r";
    let expected = "127.0.0.1:33317 [09/Sep/2001:03:46:40.655] fe be/s1 10/0/30/69/109 200 2750 - - --NI 1/1/1/1/0 0/0 \
                    {ua #22q#22]\\ #23#7C#7B#7D#E9#80||www.Example.com} \"GET /a/b.html?x=#221#22 HTTP/1.1\"";
    assert_eq!(render(FormatUse::Log, Stage::Log, format), expected);
}

#[test]
fn fields_keep_spaces_and_no_control_character() {
    for (format, expected) in [
        ("a %[bin(0a0d0941007f80ff)] b%[str(\"q\")]", "a %0A%0D\tA bq"),
        ("%{+Q}[req.hdr(nope)]|%{+Q}[str(v)]|%[req.hdr(nope)]|", "|v||"),
        ("x=%[src]  y %%", "x=127.0.0.1  y %"),
        ("%[bin(7f80ff)]", "%7F\u{80}\u{ff}"),
        ("%{+Q}r", "\"GET /a/b.html?x=#221#22 HTTP/1.1\""),
    ] {
        assert_eq!(render(FormatUse::Http, Stage::HttpRequest, format), expected, "{format}");
    }
}

#[test]
fn complaints_point_into_the_format() {
    assert_eq!(complaint("ab %foo"), (4, "unknown tag 'foo'".into()));
    assert_eq!(complaint("%[src"), (5, "missing ']' after 'src'".into()));
    assert_eq!(complaint("a%[src,loewr]"), (7, "unknown converter 'loewr'".into()));
    assert_eq!(complaint("%{+Q"), (1, "missing '}' after '%{'".into()));
    assert_eq!(complaint("100%"), (3, "a tag or '[' is missing after '%'".into()));
    assert_eq!(complaint("%(a b)ci"), (3, "the name of a value has letters, digits, '_' and '-'".into()));
    assert_eq!(complaint("x %(a:int)ci"), (6, "'int' is no type of a value: str, sint, bool, raw".into()));
    let (offset, what) = complaint("x %[req.hdr(a)]");
    assert_eq!((offset, what.as_str()), (4, "'req.hdr' needs HTTP request headers, which 'log-format' does not have"));
}

#[test]
fn every_tag_has_one_row_and_writes_something_harmless() {
    let mut names: Vec<_> = super::TAGS.iter().map(|row| row.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), super::TAGS.len());
    for name in names {
        for flags in ["", "{+Q}", "{+X}", "{+E}"] {
            render(FormatUse::Log, Stage::Log, &format!("%{flags}{name}"));
        }
    }
}

#[test]
fn a_tag_that_is_never_empty_always_writes() {
    for row in super::TAGS {
        for purpose in [FormatUse::Log, FormatUse::Http, FormatUse::UniqueId] {
            for flags in ["", "{+Q}", "{+X}", "{+E}"] {
                let compile = |scope: &mut Scope<'_>| {
                    Format::compile(&format!("%{flags}{}", row.name), purpose, scope)
                        .unwrap_or_else(|error| panic!("{error:?}"))
                };
                // A world in which nothing has happened.
                let text = World::new().with(Stage::Log, compile, |format, transaction| {
                    let mut out = Vec::new();
                    format.render(transaction, &mut out);
                    out
                });
                let dash = purpose == FormatUse::Log;
                let is_never_empty = row.tag.is_never_empty(Options { dash, ..Options::default() });
                assert!(!text.is_empty() || !is_never_empty, "{flags}{} {purpose:?}", row.name);
            }
        }
    }
}

proptest! {
    #[test]
    fn no_format_panics(text in "[%a-zA-Z {}+,\\[\\]()']{0,24}") {
        for purpose in [FormatUse::Log, FormatUse::Http] {
            World::new().with(
                Stage::HttpRequest,
                |scope| Format::compile(&text, purpose, scope),
                |format, transaction| {
                    if let Ok(format) = format {
                        format.render(transaction, &mut Vec::new());
                    }
                },
            );
        }
    }
}
