use proptest::prelude::*;

use crate::rule::fixture::World;
use crate::rule::format::{Format, FormatUse};
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
    ("%{+X}o %ci %cp %ms %fi:%fp %bi", "7F000001 8225 655 7F000002:0050 -"),
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
    assert_eq!(
        complaint("%{+json}o %ci").1,
        "format flag 'json' is not supported: vipgate writes log lines as text only"
    );
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
                assert!(!text.is_empty() || !row.tag.is_never_empty(purpose), "{flags}{} {purpose:?}", row.name);
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
