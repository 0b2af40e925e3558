use proptest::prelude::*;

use super::{World, complaint, hex, text};
use crate::rule::converter;
use crate::rule::error::Support;
use crate::rule::expression::Expression;
use crate::rule::sample::Sample;
use crate::rule::stage::Stage;

/// Lines of an expression and the hexadecimal value that haproxy 2.6.12 returned for it.
const RECORDED: &str = include_str!("expressions.tsv");

/// The same of haproxy 3.5-dev5, for what 2.6 lacks.
const RECORDED_LATER: &str = include_str!("expressions-3.5.tsv");

#[test]
fn converters_return_what_haproxy_returns() {
    let mut wrong = Vec::new();
    for line in RECORDED.lines().chain(RECORDED_LATER.lines()) {
        let (expression, expected) = line.split_once('\t').unwrap();
        let found = hex(&mut World::new(), Stage::HttpRequest, expression);
        if found != expected {
            wrong.push(format!("{expression}: {found}, haproxy {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Converters that haproxy 2.6 lacks: values from the manual's own examples, or worked out by hand where it has none.
const NEWER: &[(&str, &str)] = &[
    ("str(a=b&c=d&a=r),param(a)", "b"),
    ("str(a&b=c),param(a)", ""),
    ("str(a=&b&c=a),param(b)", ""),
    ("str(a=1;b=2;c=4),param(b,;)", "2"),
    ("str(a=1;b=2;c=4),param(b,0x3b)", "2"),
    ("str(a=1),param(z)", "-"),
    // The manual's example has other numbers, which are not these bytes read from the low one on.
    ("bin(01020304050607),le2dec(:,2)", "513:1027:1541:7"),
    ("bin(01020304050607),le2dec(-,2,1)", "513-1027-1541"),
    ("bin(7f000001),le2dec(.,1)", "127.0.0.1"),
    ("bin(05),base2", "00000101"),
    ("str(example.com),reverse", "moc.elpmaxe"),
    ("str(mail.example.com),reverse_dom", "com.example.mail"),
    ("str(example.com.),reverse_dom", "com.example"),
    ("str(a..b),reverse_dom", "-"),
    ("bin(6162000a),has_ctl", "1"),
    ("str(ab),has_ctl", "0"),
    ("bin(610a),has_ctl(1)", "0"),
    ("str('Sun, 06 Nov 1994 08:49:37 GMT'),date", "784111777"),
    ("int(1000000000123),ms_utime(%S.%3N)", "40.123"),
    ("int(1000000000123456),us_utime(%S.%6N)", "40.123456"),
    ("int(1000000000),us_ltime(%S)", "40"),
    ("int(1000000000),ltime('%H %z %Z')", "03 +0200 CEST"),
    ("str(x),add_item(',',,'(s)')", "x,(s)"),
    ("str(),add_item(',',,'(s)')", "(s)"),
    ("str(a),add_item(',',txn.none)", "a"),
    ("str('for=127.0.0.1;proto=http'),rfc7239_is_valid", "1"),
    ("str('proto=custom'),rfc7239_is_valid", "0"),
    (r#"str('proto=https;host="haproxy.org:80"'),rfc7239_field(host)"#, "haproxy.org:80"),
    (r#"str('proto=https;for="127.0.0.1:9999"'),rfc7239_field(for)"#, "127.0.0.1:9999"),
    ("str(127.0.0.1:9999),rfc7239_n2nn", "127.0.0.1"),
    ("str([ab:cd:ff:ff:ff:ff:ff:ff]:9998),rfc7239_n2nn", "ab:cd:ff:ff:ff:ff:ff:ff"),
    ("str(_name:_port),rfc7239_n2nn", "_name"),
    ("str(_name:_port),rfc7239_n2np", "_port"),
    ("str(127.0.0.1:9999),rfc7239_n2np", "9999"),
    ("ipv6(ab:cd:ff:ff:ff:ff:ff:ff),rfc7239_nn", "[ab:cd:ff:ff:ff:ff:ff:ff]"),
    ("str(test),rfc7239_nn", "_test"),
    ("str(),rfc7239_nn", "unknown"),
    ("int(12),rfc7239_np", "12"),
    ("str(test),rfc7239_np", "_test"),
    // {"alg":"HS256"} . {"sub":"x"}
    ("str(eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln),jwt_header_query($.alg)", "HS256"),
    ("str(eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln),jwt_payload_query", "{\"sub\":\"x\"}"),
    (r#"str('{"a":[1,"b"]}'),json_query($.a)"#, "[1,\"b\"]"),
    ("str(a),when(error)", "-"),
    ("str(a),when(!error)", "a"),
    ("str(a),when(normal)", "a"),
    ("str(a),when(!normal)", "-"),
    ("str(a),when(stopping)", "-"),
    ("str(a),when(!forwarded)", "a"),
    ("str(a),when(acl,TRUE)", "a"),
    ("str(a),when(acl,FALSE)", "-"),
    ("str(a),when(!acl,METH_GET)", "-"),
    ("str(be),nbsrv", "1"),
    ("str(be/s1),srv_is_up", "1"),
    ("str(be/s2),srv_is_up", "-"),
    ("str(a),set-var(txn.z,ifnotexists)", "a"),
    ("str(a),set-var(txn.z,ifexists)", "-"),
    ("str(),set-var(txn.z,ifnotempty)", "-"),
    ("str(www.example.com),map(hosts.map)", "one"),
    ("str(example.net),map(hosts.map)", "-"),
    ("str(example.net),map(hosts.map,none)", "none"),
    ("str(www.example.com.evil),map_beg(hosts.map)", "one"),
    ("str(a.example.org),map_end(hosts.map)", "two"),
    ("str(a.example.org),map_end_key(hosts.map)", "example.org"),
    ("src,map_ip_int(nets.map),add(1)", "6"),
    ("str(foo.com),map_regm(re.map)", "foo-com"),
    ("str(foo.org),map_regm(re.map,dflt)", "dflt"),
];

#[test]
fn newer_converters_return_what_the_manual_says() {
    for (expression, expected) in NEWER {
        assert_eq!(text(&mut World::new(), Stage::HttpRequest, expression), *expected, "{expression}");
    }
}

#[test]
fn a_variable_is_set_and_read_in_one_expression() {
    let mut world = World::new();
    let mut value = |expression: &str| text(&mut world, Stage::HttpRequest, expression);
    assert_eq!(value("str(a),set-var(txn.x)"), "a");
    assert_eq!(value("str(b),concat(<,txn.x,>)"), "b<a>");
    assert_eq!(value("str(abc),strcmp(txn.x)"), "1");
    assert_eq!(value("str(0),strcmp(txn.x)"), "-49");
    assert_eq!(value("str(a),secure_memcmp(txn.x)"), "1");
    assert_eq!(value("str(ab),secure_memcmp(txn.x)"), "0");
    assert_eq!(value("int(3),set-var(txn.i)"), "3");
    assert_eq!(value("int(4),add(txn.i)"), "7");
    assert_eq!(value("int(4),set-var(txn.i,ifgt)"), "-");
    assert_eq!(value("int(4),set-var(txn.i,iflt)"), "4");
    assert_eq!(value("str(012345),bytes(txn.i)"), "45");
    assert_eq!(value("dump_all_vars(txn)"), "txn.i=4, txn.x=a");
    assert_eq!(value("str(),unset-var(txn.x)"), "");
    assert_eq!(value("var(txn.x,gone)"), "gone");
    assert_eq!(value("str(hello),capture-req(1)"), "hello");
    assert_eq!(value("capture.req.hdr(1)"), "hello");
    assert_eq!(value("str(a),set-var(txn.k),hmac(sha1,txn.none),hex"), "-");
}

#[test]
fn what_cannot_work_is_said_at_load() {
    assert_eq!(complaint("src,loewr"), "unknown converter 'loewr' (did you mean 'lower'?)");
    assert_eq!(complaint("src,lower(x)"), "'lower' takes no argument");
    assert_eq!(complaint("src,field(1)"), "'field' lacks its argument 2 (string)");
    assert_eq!(complaint("src,add(x y)"), "argument 1 of 'add': 'x y' is not an integer or a variable name");
    assert_eq!(complaint("src lower"), "unexpected ' lower' after 'src'");
    assert_eq!(complaint("str(a"), "missing closing ')' after 'str('");
    assert_eq!(complaint("str(a),map(none.map)"), "cannot read 'none.map': no such file");
    assert_eq!(
        complaint("str(a),map_str_int(hosts.map)"),
        "hosts.map: the value 'one' of 'www.example.com' is not an integer"
    );
    assert_eq!(complaint("str(a),sha2(100)"), "sha2 has no 100 bits: 224, 256, 384 or 512");
    assert_eq!(complaint("str(a),set-var(txn.a,ifset,ifnotset)"), "ifnotset and ifset exclude each other");
    assert!(complaint("str(a),digest(sha3-256)").starts_with("argument 1 of 'digest': 'sha3-256' is not one of md5,"));
    assert!(complaint("str(a),regsub('(a',b)").contains("unclosed group"));
    assert_eq!(complaint("str(a),table_conn_cnt"), "'table_conn_cnt' lacks its argument 1 (table)");
    assert_eq!(complaint("str(a),table_conn_cnt(none)"), "argument 1 of 'table_conn_cnt': unknown stick table 'none'");
    assert!(complaint("meth(GET),add(1)").contains("takes a value of type integer, not method"));
}

#[test]
fn every_converter_survives_every_kind_of_input() {
    let arguments = "(1,1,1)";
    for row in converter::all().filter(|row| row.support == Support::Full && !row.name.starts_with("map")) {
        for input in ["str()", "str(abc)", "int(-1)", "bool(1)", "ipv4(1.2.3.4)", "ipv6(::1)", "bin(ff00)", "meth(GET)"]
        {
            let takes = row.arguments.len().min(3);
            let word = match takes {
                0 => format!("{input},{}", row.name),
                count => format!("{input},{}{})", row.name, &arguments[..count * 2]),
            };
            World::new().with(
                Stage::HttpRequest,
                |scope| Expression::compile(&word, scope),
                |expression, transaction| {
                    if let Ok(expression) = expression {
                        expression.value(transaction);
                    }
                },
            );
        }
    }
}

proptest! {
    #[test]
    fn no_text_panics_in_a_converter(
        bytes in proptest::collection::vec(any::<u8>(), 0..40),
        at in 0..1000_usize,
        number in any::<i64>(),
        word in "[a-z.,;&=+%0-9\\-]{0,6}",
    ) {
        let rows: Vec<_> = converter::all().filter(|row| row.run.is_some()).collect();
        let row = rows[at % rows.len()];
        let argument = |spec: &crate::rule::argument::Spec| match spec.name() {
            "integer" | "integer or variable" => format!("{number}"),
            "boolean" => "1".into(),
            "variable" => "txn.v".into(),
            "ipv4 mask" => "8".into(),
            "ipv6 mask" => "64".into(),
            _ => format!("'{word}'"),
        };
        let arguments: Vec<String> = row.arguments.iter().map(argument).collect();
        let text = if arguments.is_empty() {
            format!("var(txn.v),{}", row.name)
        } else {
            format!("var(txn.v),{}({})", row.name, arguments.join(","))
        };
        let mut world = World::new();
        let name = crate::rule::variable::VariableName::parse("txn.v").unwrap();
        world.variables.store(&name, Some(crate::rule::variable::Stored::of(&Sample::bin(bytes))));
        world.with(
            Stage::HttpRequest,
            |scope| Expression::compile(&text, scope),
            |expression, transaction| {
                if let Ok(expression) = expression {
                    expression.value(transaction);
                }
            },
        );
    }

    #[test]
    fn no_word_panics_the_parser(word in "[a-z_.(),'\"\\\\ 0-9!\\[\\]]{0,30}") {
        complaint(&word);
    }
}
