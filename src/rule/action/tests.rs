use crate::rule::action::{Progress, RuleSet, Verdict, Wait, compile_rule, table};
use crate::rule::bandwidth::Filter;
use crate::rule::error::{RuleError, Support};
use crate::rule::expression::Expression;
use crate::rule::fixture::World;
use crate::rule::scope::Scope;
use crate::rule::stage::Stage;
use crate::rule::transaction::{Data, LogLevel, Transaction};
use crate::rule::words;

fn compile(scope: &mut Scope<'_>, rules: &[&str]) -> Result<RuleSet, RuleError> {
    let mut set = RuleSet::new(scope.stage);
    if scope.filters.is_empty() {
        let words = ["filter", "bwlim-out", "slow", "default-limit", "1k", "default-period", "1s"];
        let slow = Filter::compile(&words, scope)?;
        scope.filters.push(slow.into());
    }
    for (line, rule) in rules.iter().enumerate() {
        let words = words::split(rule)?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        set.rules.push(compile_rule(&words, line as u32 + 1, scope)?);
    }
    Ok(set)
}

/// Runs the rules and gives what they left to `look`.
fn run<R>(
    world: &mut World,
    stage: Stage,
    rules: &[&str],
    look: impl FnOnce(Verdict<'_>, &mut Transaction<'_>) -> R,
) -> R {
    world.with(
        stage,
        |scope| compile(scope, rules).unwrap_or_else(|error| panic!("{rules:?}: {error:?}")),
        |set, transaction| {
            let verdict = set.run(transaction, &mut Progress::default());
            look(verdict, transaction)
        },
    )
}

/// What an expression says after the rules.
fn after(stage: Stage, rules: &[&str], expression: &str) -> String {
    let mut world = World::new();
    run(&mut world, stage, rules, |verdict, _| assert!(matches!(verdict, Verdict::Continue), "{rules:?}: {verdict:?}"));
    crate::rule::tests::text(&mut world, stage, expression)
}

fn answer(stage: Stage, rules: &[&str]) -> (u16, String) {
    run(&mut World::new(), stage, rules, |verdict, transaction| {
        let (mut head, mut body) = (Vec::new(), Vec::new());
        let status = match verdict {
            Verdict::Return(reply) | Verdict::Deny(reply) | Verdict::Tarpit(reply) => {
                reply.render(transaction, &mut head, &mut body);
                reply.status
            }
            Verdict::Redirect(redirect) => {
                redirect.render(transaction, &mut head);
                redirect.status
            }
            other => panic!("{rules:?}: {other:?}"),
        };
        head.extend_from_slice(b"\r\n");
        head.extend_from_slice(&body);
        (status, String::from_utf8(head).unwrap())
    })
}

fn complaint(stage: Stage, rule: &str) -> (usize, String) {
    World::new().with(
        stage,
        |scope| compile(scope, &[rule]),
        |result, _| match result {
            Ok(set) => panic!("{rule}: {set:?}"),
            Err(error) => {
                (error.at, error.hint.clone().map_or(error.what.clone(), |hint| format!("{}: {hint}", error.what)))
            }
        },
    )
}

/// Rules, and the request target that haproxy 2.6.12 then has.
const TARGETS: &[(&str, &str)] = &[
    ("set-path /p%[path]?x", "/p/a/b/c.html?x?x=1&y=two;z=3"),
    ("set-query a=%[query,length]", "/a/b/c.html?a=13"),
    ("set-query ''", "/a/b/c.html"),
    ("set-pathq /new?z=1", "/new?z=1"),
    ("set-uri http://h:8/u?q", "http://h:8/u?q"),
    ("replace-path (.*)/c(.*) '\\1/C\\2'", "/a/b/C.html?x=1&y=two;z=3"),
    ("replace-path ^/nope /x", "/a/b/c.html?x=1&y=two;z=3"),
    ("replace-pathq '(.*)\\?(.*)' '\\1-\\2'", "/a/b/c.html-x=1&y=two;z=3"),
    ("replace-uri ^/(.*) 'http://x/\\1'", "http://x/a/b/c.html?x=1&y=two;z=3"),
    ("normalize-uri query-sort-by-name", "/a/b/c.html?x=1&y=two;z=3"),
];

#[test]
fn request_targets_change_as_in_haproxy() {
    for (rule, expected) in TARGETS {
        assert_eq!(after(Stage::HttpRequest, &[rule], "url"), *expected, "{rule}");
    }
    assert_eq!(after(Stage::HttpRequest, &["set-uri http://h:8/u?q", "set-path /v"], "url"), "http://h:8/v?q");
}

#[test]
fn fields_change_as_in_haproxy() {
    for (rules, expression, expected) in [
        (&["add-header X-Multi four"][..], "req.fhdr(x-multi)", "four"),
        (&["add-header X-Multi four"], "req.hdr_cnt(x-multi)", "4"),
        (&["set-header X-Multi %[src]"], "req.hdr_cnt(x-multi)", "1"),
        (&["set-header Host h", "set-header X-Seen %[req.hdr(host)]"], "req.hdr(x-seen)", "h"),
        (&["del-header X-Multi"], "req.hdr_cnt(x-multi)", "0"),
        // Of haproxy 3.5-dev5, as 2.6 has no lists.
        (
            &["set-var(txn.f) req.hdrs_bin", "del-header X-Multi", "add-headers-bin var(txn.f) prefix x-m"],
            "req.hdr_cnt(x-multi)",
            "3",
        ),
        (&["set-var(txn.f) req.hdrs_bin", "set-headers-bin var(txn.f) prefix x-"], "req.fhdr(x-multi)", "three"),
        (&["set-var(txn.f) req.hdrs_bin", "set-headers-bin var(txn.f) prefix x-"], "req.hdr_cnt(x-multi)", "1"),
        (&["add-headers-bin bin(06636f6f6b6965036e3d310000)"], "req.cook(n)", "1"),
        (&["del-headers-bin bin(02782d00) -m beg"], "req.hdr_cnt(x-forwarded-for)", "0"),
        (&["del-headers-bin bin(07782d6d756c746900)"], "req.hdr_cnt(x-multi)", "0"),
        (&["strict-mode off", "del-headers-bin bin(09)"], "req.hdr_cnt(x-multi)", "3"),
        (
            &["del-header x- -m beg"],
            "req.hdr_names",
            "host,accept,cookie,accept-language,user-agent,authorization,content-length",
        ),
        (&["del-header ^x-|^acc -m reg"], "req.hdr_names", "host,cookie,user-agent,authorization,content-length"),
        (&["replace-header x-multi t\\w+ T"], "req.fhdr(x-multi,1)", "T"),
        (&["replace-header x-multi ^t T"], "req.fhdr(x-multi,1)", "one, two"),
        (&["replace-value x-multi t\\w+ T"], "req.fhdr(x-multi,1)", "one,T"),
        (&["replace-value x-multi (t)\\w+ '<\\1>'"], "req.fhdr(x-multi,2)", "<t>"),
        (&["add-header A 1", "del-header A", "add-header A 2"], "req.hdr(a)", "2"),
        (&["set-header A %[bin(0d0a)]x"], "req.hdr(a)", "%0D%0Ax"),
        (&["set-method PATCH"], "method", "PATCH"),
        (&["set-var(txn.v) str(HeLLo) lower if TRUE"], "var(txn.v)", "hello"),
        (&["set-var-fmt(txn.v) 'x=%[src]  y %%'"], "var(txn.v)", "x=127.0.0.1  y %"),
        (&["set-var(txn.v) int(1)", "set-var(txn.v,ifnotexists) int(2)"], "var(txn.v)", "1"),
        (&["set-var(txn.v) int(1)", "unset-var(txn.v)"], "var(txn.v)", "-"),
        (&["capture req.hdr(host) id 1"], "capture.req.hdr(1)", "www.Exam"),
        (&["capture path len 4"], "capture.req.hdr(2)", "/a/b"),
        (&["set-src req.hdr_ip(x-forwarded-for,1)", "set-src-port int(99)"], "src", "1.2.3.4"),
        (&["set-src-port int(99)"], "src_port", "99"),
        (&["set-dst ipv4(9.9.9.9)"], "dst", "9.9.9.9"),
        (&["set-priority-class int(5000)"], "prio_class", "2047"),
        (&["deny if { path /nope }", "allow", "deny"], "method", "GET"),
        (&["strict-mode off", "set-method 'A B'"], "method", "GET"),
    ] {
        assert_eq!(after(Stage::HttpRequest, rules, expression), expected, "{rules:?}");
    }
}

#[test]
fn response_rules_change_the_response() {
    let stage = Stage::HttpResponse;
    assert_eq!(after(stage, &["set-status 404"], "status"), "404");
    assert_eq!(
        after(stage, &["set-header Server vipgate", "del-header Set-Cookie"], "res.hdr_names"),
        "x-count,server"
    );
    assert_eq!(after(stage, &["set-var(res.code) status", "add-header X %[var(res.code)]"], "res.hdr(x)"), "301");
}

/// Rules, and the response of haproxy 2.6.12 without its Connection field.
#[rustfmt::skip]
const ANSWERS: &[(&str, &str)] = &[
    ("redirect location '/x?%[path]' code 301", "HTTP/1.1 301 Moved Permanently\r\ncontent-length: 0\r\nlocation: /x?/a/b/c.html\r\n\r\n"),
    ("redirect prefix https://p drop-query append-slash set-cookie A=b", "HTTP/1.1 302 Found\r\ncontent-length: 0\r\nlocation: https://p/a/b/c.html/\r\ncache-control: no-cache\r\nset-cookie: A=b; path=/;\r\n\r\n"),
    ("redirect prefix /p append-slash", "HTTP/1.1 302 Found\r\ncontent-length: 0\r\nlocation: /p/a/b/c.html?x=1&y=two;z=3/\r\ncache-control: no-cache\r\n\r\n"),
    ("redirect scheme https", "HTTP/1.1 302 Found\r\ncontent-length: 0\r\nlocation: https://www.Example.com:8080/a/b/c.html?x=1&y=two;z=3\r\ncache-control: no-cache\r\n\r\n"),
    ("redirect location / code 307 clear-cookie A=", "HTTP/1.1 307 Temporary Redirect\r\ncontent-length: 0\r\nlocation: /\r\ncache-control: no-cache\r\nset-cookie: A=; path=/; Max-Age=0;\r\n\r\n"),
    ("deny deny_status 429 hdr x-y z%[src] content-type text/plain lf-string 'no %[path]'", "HTTP/1.1 429 Too Many Requests\r\nx-y: z127.0.0.1\r\ncontent-length: 14\r\ncontent-type: text/plain\r\n\r\nno /a/b/c.html"),
    ("return", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
    ("return status 404", "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"),
    ("return status 200 hdr a b", "HTTP/1.1 200 OK\r\na: b\r\ncontent-length: 0\r\n\r\n"),
    ("return status 503 content-type text/html string '  raw %[src]'", "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 12\r\ncontent-type: text/html\r\n\r\n  raw %[src]"),
    ("return status 204", "HTTP/1.1 204 No Content\r\n\r\n"),
    ("redirect prefix /pre", "HTTP/1.1 302 Found\r\ncontent-length: 0\r\nlocation: /pre/a/b/c.html?x=1&y=two;z=3\r\ncache-control: no-cache\r\n\r\n"),
    ("redirect prefix /", "HTTP/1.1 302 Found\r\ncontent-length: 0\r\nlocation: /a/b/c.html?x=1&y=two;z=3\r\ncache-control: no-cache\r\n\r\n"),
    ("redirect scheme https drop-query code 308", "HTTP/1.1 308 Permanent Redirect\r\ncontent-length: 0\r\nlocation: https://www.Example.com:8080/a/b/c.html\r\n\r\n"),
    ("redirect location /a ignore-empty", "HTTP/1.1 302 Found\r\ncontent-length: 0\r\nlocation: /a\r\ncache-control: no-cache\r\n\r\n"),
    ("redirect code 301 location http://new/ keep-query", "HTTP/1.1 301 Moved Permanently\r\ncontent-length: 0\r\nlocation: http://new/?x=1&y=two;z=3\r\n\r\n"),
];

#[test]
fn answers_are_haproxys() {
    for (rule, expected) in ANSWERS {
        assert_eq!(answer(Stage::HttpRequest, &[rule]).1, *expected, "{rule}");
    }
}

#[test]
fn a_line_end_in_a_value_does_not_end_its_field() {
    for (rule, field) in [
        ("redirect location /%{+E}[str('a\r\nb')]", "location: "),
        ("redirect location / set-cookie-fmt a=%{+E}[str('a\r\nb')]", "set-cookie: "),
        ("return hdr a %{+E}[str('a\r\nb')]", "a: "),
    ] {
        let (_, head) = answer(Stage::HttpRequest, &[rule]);
        let line = head.split("\r\n").find(|line| line.starts_with(field));
        assert!(line.is_some_and(|line| line.contains("a%0D%0Ab")), "{rule}: {head:?}");
    }
}

#[test]
fn an_empty_location_can_be_passed_over() {
    let rules = ["redirect location %[var(txn.none)] ignore-empty", "return status 201"];
    assert_eq!(answer(Stage::HttpRequest, &rules).0, 201);
}

#[test]
fn pages_are_left_to_the_proxy() {
    let content = |rule: &str| {
        run(&mut World::new(), Stage::HttpRequest, &[rule], |verdict, _| match verdict {
            Verdict::Deny(reply) | Verdict::Tarpit(reply) | Verdict::Return(reply) => {
                format!("{} {:?}", reply.status, reply.content)
            }
            other => format!("{other:?}"),
        })
    };
    assert_eq!(content("deny"), "403 DefaultPage");
    assert_eq!(content("tarpit"), "500 DefaultPage");
    assert_eq!(content("deny status 429"), "429 DefaultPage");
    assert_eq!(content("return status 403 default-errorfiles"), "403 DefaultPage");
    assert_eq!(
        content("deny errorfiles mine"),
        "403 DefaultPage",
        "a section that is not there is somebody else's error"
    );
    assert_eq!(content("deny errorfile /dev/null"), "403 Silent");
}

#[test]
fn connections_are_ended_without_an_answer() {
    let verdict = |stage, rule: &str| run(&mut World::new(), stage, &[rule], |verdict, _| format!("{verdict:?}"));
    assert_eq!(verdict(Stage::HttpRequest, "reject"), "Reject");
    assert_eq!(verdict(Stage::TcpConnection, "reject if { src 127.0.0.0/8 }"), "Reject");
    assert_eq!(verdict(Stage::TcpConnection, "reject if { src 10.0.0.0/8 }"), "Continue");
    assert_eq!(verdict(Stage::TcpConnection, "expect-proxy layer4"), "Continue");
    assert_eq!(verdict(Stage::HttpRequest, "silent-drop rst-ttl 3"), "SilentDrop { hops: Some(3) }");
    assert_eq!(verdict(Stage::TcpResponse, "close"), "Close");
    assert_eq!(verdict(Stage::TcpRequest, "switch-mode http"), "SwitchToHttp");
    assert_eq!(verdict(Stage::HttpRequest, "use-service prometheus-exporter"), "UseExporter");
    assert_eq!(verdict(Stage::HttpRequest, "set-method 'A B'"), "Failed { status: 500 }");
    assert_eq!(verdict(Stage::HttpResponse, "strict-mode on"), "Continue");
    assert!(verdict(Stage::HttpRequest, "auth realm 'my realm' unless FALSE").starts_with("Auth("));
    assert_eq!(verdict(Stage::HttpRequest, "auth unless { http_auth(ul) }"), "Continue");
}

#[test]
fn a_set_goes_on_where_it_waited() {
    let rules = ["accept if { req.len gt 5 }", "reject"];
    let mut world = World::new();
    for (bytes, is_final, expected) in
        [(&b"abc"[..], false, "Wait(Data)"), (b"abcdef", false, "Continue"), (b"abc", true, "Reject")]
    {
        world.body = Data { bytes, is_final, announced: None };
        let verdict = run(&mut world, Stage::TcpRequest, &rules, |verdict, _| format!("{verdict:?}"));
        assert_eq!(verdict, expected);
    }
    let mut world = World::new();
    world.body = Data { bytes: b"", is_final: false, announced: Some(3) };
    world.with(
        Stage::HttpRequest,
        |scope| compile(scope, &["wait-for-body time 2s", "return status 201"]).unwrap(),
        |set, transaction| {
            let mut progress = Progress::default();
            let verdict = set.run(transaction, &mut progress);
            assert!(matches!(verdict, Verdict::Wait(Wait::Body { at_least: 0, .. })), "{verdict:?}");
            assert!(matches!(set.run(transaction, &mut progress), Verdict::Return(_)));
            assert_eq!(transaction.effects.last_rule.as_ref().map(|(_, line)| *line), Some(2));
        },
    );
}

#[test]
fn effects_are_left_for_the_proxy() {
    let rules = [
        "set-log-level silent",
        "set-nice -5",
        "set-tos 0x10",
        "set-mark 0xff",
        "set-timeout server 5s",
        "set-timeout tunnel int(1500)",
        "disable-l7-retry",
        "early-hint Link '</style.css>; rel=preload'",
        "set-retries 4",
    ];
    run(&mut World::new(), Stage::HttpRequest, &rules, |_, transaction| {
        let effects = &transaction.effects;
        assert_eq!(effects.log_level, Some(LogLevel::Silent));
        assert_eq!((effects.nice, effects.client_tos, effects.client_mark), (Some(-5), Some(16), Some(255)));
        assert_eq!(effects.server_timeout.map(|time| time.as_millis()), Some(5000));
        assert_eq!(effects.tunnel_timeout.map(|time| time.as_millis()), Some(1500));
        assert!(effects.forbids_retry);
        assert_eq!(effects.early_hints, b"Link: </style.css>; rel=preload\r\n");
        assert_eq!(effects.retries, Some(4));
    });
}

#[test]
fn rules_change_maps_that_other_rules_read() {
    let rules = [
        "set-var(txn.first) str(k),map(hosts.map,none)",
        "set-map(hosts.map) k %[method]",
        "set-var(txn.second) str(k),map(hosts.map,none)",
        "set-map(hosts.map) k other",
        "set-var(txn.third) str(k),map(hosts.map,none)",
        "del-map(hosts.map) k",
        "set-var(txn.fourth) str(k),map(hosts.map,none)",
    ];
    let values = "dump_all_vars(txn)";
    assert_eq!(
        after(Stage::HttpRequest, &rules, values),
        "txn.fourth=none, txn.third=other, txn.second=GET, txn.first=none"
    );
}

#[test]
fn complaints_about_rules_point_at_the_word() {
    let stage = Stage::HttpRequest;
    assert_eq!(
        complaint(stage, "set-heder a b"),
        (0, "unknown action of 'http-request' 'set-heder': did you mean 'set-header'?".into())
    );
    assert_eq!(complaint(stage, "set-header a"), (1, "'set-header' needs a value".into()));
    assert_eq!(
        complaint(stage, "set-header a b c"),
        (3, "unexpected 'c' after the action: if, unless, or the end of the line".into())
    );
    assert_eq!(complaint(stage, "set-header a %[scr]"), (2, "unknown fetch 'scr': did you mean 'src'?".into()));
    assert_eq!(complaint(stage, "set-header a b if FOO").0, 4);
    assert_eq!(
        complaint(stage, "set-header a %[status]"),
        (2, "'status' needs HTTP response meta-information, which 'http-request' does not have".into())
    );
    assert_eq!(
        complaint(stage, "set-status 200"),
        (0, "action 'set-status' is not allowed in 'http-request': it is in http-response, http-after-response".into())
    );
    assert_eq!(
        complaint(stage, "track-sc0 src table onw"),
        (3, "unknown stick table 'onw': did you mean 'own'?".into())
    );
    assert_eq!(
        complaint(stage, "track-sc3 src").1,
        "there is no counter 3: a session has 3, from 0: 'tune.stick-counters' in the global section sets how many there are"
    );
    assert_eq!(
        complaint(stage, "track-sc0 req.body"),
        (1, "a value of type binary is no key of the stick table 'own', which has type ip".into())
    );
    assert_eq!(
        complaint(stage, "sc-inc-gpc(1)"),
        (0, "'sc-inc-gpc' needs an element and the number of a counter in parentheses".into())
    );
    assert_eq!(
        complaint(stage, "redirect location / code 200"),
        (4, "unsupported redirect code '200': 301, 302, 303, 307 or 308".into())
    );
    assert_eq!(complaint(stage, "redirect code 301"), (2, "a redirect needs 'location', 'prefix' or 'scheme'".into()));
    assert_eq!(complaint(stage, "return status 99"), (2, "'99' is not a status code: 200-599".into()));
    assert_eq!(complaint(stage, "return string x"), (1, "a body needs its content-type".into()));
    assert_eq!(
        complaint(stage, "deny status 299"),
        (2, "there is no page for status 299: say what the body is: string, lf-string, file or errorfile".into())
    );
    assert_eq!(
        complaint(stage, "set-var(foo) src").1,
        "argument 1 of 'set-var': variable 'foo' has no scope: proc., sess., txn., req., res. or check. and a name"
    );
    assert_eq!(complaint(stage, "set-log-level loud").0, 1);
    assert_eq!(complaint(stage, "use-service lua.x"), (1, "there is no service 'lua.x': prometheus-exporter".into()));
    assert_eq!(complaint(stage, "replace-path ( x").0, 1);
    assert_eq!(complaint(stage, "deny(x)"), (0, "'deny' takes no argument in parentheses".into()));
    assert_eq!(
        complaint(Stage::HttpResponse, "redirect scheme https"),
        (1, "only 'redirect location' is possible for responses".into())
    );
    assert_eq!(complaint(Stage::HttpResponse, "capture res.hdr(a) len 5").0, 2);
}

#[test]
fn bandwidth_limits_are_shared_or_each_streams_own() {
    let complaint = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let compiled = World::new().with(
            Stage::HttpRequest,
            |scope| Filter::compile(&words, scope).map_err(|error| (error.at, error.what)).map(drop),
            |compiled, _| compiled.clone(),
        );
        compiled.err()
    };
    for line in [
        "filter bwlim-in a default-limit 1m default-period 1s min-size 2896",
        "filter bwlim-out a limit 1m key src",
        "filter bwlim-out a key req.hdr(host),lower limit 1m table own min-size 1",
    ] {
        assert_eq!(complaint(line), None, "{line}");
    }
    for (line, at, what) in [
        ("filter bwlim-in", 1, "'bwlim-in' needs a name"),
        ("filter bwlim-in a", 1, "'bwlim-in' needs 'default-period' and a time above 0"),
        ("filter bwlim-in a default-period 1s", 1, "'bwlim-in' needs 'default-limit' and a size above 0"),
        ("filter bwlim-in a default-limit 1x", 4, "'1x' is not a size"),
        ("filter bwlim-in a default-limit 1k nonsense", 5, "unexpected 'nonsense'"),
        (
            "filter bwlim-in a default-limit 1k key src",
            5,
            "'default-limit' and 'key' exclude each other: a limit is shared, or each stream's own",
        ),
        ("filter bwlim-in a limit 1k table own", 1, "'bwlim-in' needs 'key' and an expression"),
        ("filter bwlim-in a limit 1k key src", 1, "stick table 'own' does not store 'bytes_in_rate'"),
        ("filter bwlim-in a limit 1k key src table nowhere", 8, "unknown stick table 'nowhere'"),
    ] {
        assert_eq!(complaint(line), Some((at, what.to_owned())), "{line}");
    }
    assert_eq!(self::complaint(Stage::HttpRequest, "set-bandwidth-limit none").0, 1);
    assert_eq!(self::complaint(Stage::HttpRequest, "set-bandwidth-limit slow speed 1").0, 2);
    assert_eq!(self::complaint(Stage::HttpRequest, "set-bandwidth-limit slow limit 1k period").0, 5);
}

/// A rule for every action of the table that is not refused.
#[test]
fn every_action_compiles() {
    let arguments = |name: &str| match name {
        "add-acl" | "del-acl" | "del-map" => "(hosts.map) k",
        "set-map" => "(hosts.map) k v",
        "track-sc0" | "track-sc1" | "track-sc2" => " src table own",
        "sc-inc-gpc0" | "sc-inc-gpc1" => "(0)",
        "sc-set-gpt0" => "(0) 1",
        "sc-inc-gpc" => "(1,0)",
        "sc-add-gpc" | "sc-set-gpt" => "(1,0) int(1)",
        "add-header" | "set-header" | "early-hint" => " n v",
        "del-header" => " n",
        "replace-header" | "replace-value" => " n r v",
        "replace-path" | "replace-pathq" | "replace-uri" => " r v",
        "capture" => " src id 0",
        "expect-proxy" => " layer4",
        "normalize-uri" => " path-strip-dotdot full",
        "pause" => " 5s",
        "redirect" => " location /",
        "set-bc-mark"
        | "set-bc-tos"
        | "set-fc-mark"
        | "set-fc-tos"
        | "set-mark"
        | "set-tos"
        | "set-nice"
        | "set-priority-class"
        | "set-priority-offset"
        | "set-retries" => " 1",
        "do-resolve" => "(txn.a,dns,ipv4) hdr(host),host_only",
        "set-bandwidth-limit" => " slow limit int(5) period 1s",
        "set-dst" | "set-src" => " src",
        "set-dst-port" | "set-src-port" => " int(1)",
        "set-log-level" => " info",
        "set-method" | "set-path" | "set-pathq" | "set-query" | "set-uri" => " /x",
        "set-status" => " 200 reason Fine",
        "set-timeout" => " client 5s",
        "set-var" => "(txn.a) int(1)",
        "set-var-fmt" => "(txn.a) %[int(1)]",
        "unset-var" => "(txn.a)",
        "strict-mode" => " off",
        "switch-mode" => " http",
        "add-headers-bin" | "set-headers-bin" => " var(txn.fields) prefix x-",
        "del-headers-bin" => " var(txn.names) -m beg",
        "use-service" => " prometheus-exporter",
        "wait-for-body" => " time 1s at-least 1k",
        _ => "",
    };
    let mut names = Vec::new();
    for row in table::ACTIONS {
        assert!(!names.contains(&row.name) && !row.doc.is_empty());
        names.push(row.name);
        for stage in row.stages.iter().filter(|_| !matches!(row.support, Support::Refused(_))) {
            let rule = format!("{}{} if TRUE", row.name, arguments(row.name));
            run(&mut World::new(), *stage, &[&rule], |_, _| {});
        }
    }
}

/// The names in the manual's table (§4.3, HAProxy 3.5), without `lua.` and with the two deprecated ones.
const MANUAL: &str = "accept add-acl add-header add-headers-bin allow attach-srv auth cache-store cache-use capture close \
    del-acl del-header del-headers-bin del-map deny dgram-drop disable-l7-retry do-log do-resolve early-hint \
    expect-netscaler-cip expect-proxy normalize-uri pause redirect reject replace-header replace-path replace-pathq \
    replace-uri replace-value return sc-add-gpc sc-inc-gpc sc-inc-gpc0 sc-inc-gpc1 sc-set-gpt sc-set-gpt0 send-retry \
    send-spoe-group set-bandwidth-limit set-bc-mark set-bc-tos set-dst set-dst-port set-fc-mark set-fc-tos set-header \
    set-headers-bin set-log-level set-map set-mark set-method set-nice set-path set-pathq set-priority-class \
    set-priority-offset set-query set-retries set-src set-src-port set-status set-timeout set-tos set-uri set-var \
    set-var-fmt silent-drop strict-mode switch-mode tarpit track-sc0 track-sc1 track-sc2 unset-var use-service \
    wait-for-body wait-for-handshake";

#[test]
fn every_action_of_the_manual_has_a_row() {
    let rows: Vec<_> = table::ACTIONS.iter().map(|row| row.name).collect();
    assert_eq!(rows.len(), MANUAL.split_whitespace().count());
    for name in MANUAL.split_whitespace() {
        assert!(rows.contains(&name), "{name}");
    }
}

#[test]
fn the_framing_is_not_a_rules_business() {
    let warnings = World::new().with(
        Stage::HttpRequest,
        |scope| {
            compile(scope, &["del-header Transfer-Encoding"]).unwrap();
            std::mem::take(&mut scope.warnings)
        },
        |warnings, _| warnings.clone(),
    );
    let what = "'Transfer-Encoding' is forwarded as received, whatever rules do: it delimits the body";
    assert_eq!((warnings[0].at, warnings[0].what.as_str()), (1, what));
}

#[test]
fn an_expression_takes_converters_from_the_words_behind_it() {
    let taken = World::new().with(
        Stage::HttpRequest,
        |scope| Expression::compile_words(&["src,ipmask(8)", "hex", "lower", "if"], scope).unwrap().1,
        |taken, _| *taken,
    );
    assert_eq!(taken, 3);
    let action = World::new().with(
        Stage::HttpRequest,
        |scope| compile(scope, &["set-var(txn.a) path length if TRUE"]).unwrap().rules.remove(0).action,
        |action, _| format!("{action:?}"),
    );
    assert!(action.starts_with("SetVariable") && action.contains("length"), "{action}");
}
