//! ACLs beside the packaged HAProxy: every match method with samples of every type, flags, operators and names that imply
//! a method. Both evaluate the same conditions on the same request, and say which of them hold.

use std::cell::RefCell;

use crate::rules::on_both;

const REQUEST: &str = "GET /a/b.html?c=d&e=5 HTTP/1.1\r\nHost: www.Example.com:8080\r\nX-Multi: one, two\r\nX-Multi: three\r\n\
                       X-Int: 5, 12\r\nX-Ip: 192.0.2.1, 10.0.0.1\r\nCookie: sid=abc; n=5\r\nAuthorization: Basic YTpi\r\n\r\n";

/// Samples of every type.
const SAMPLES: &[&str] = &[
    "int(5)",
    "int(-5)",
    "bool(true)",
    "str(abc)",
    "str()",
    "str(192.0.2.1)",
    "str(/a/b.c?d:e)",
    "ipv4(192.0.2.1)",
    "ipv6(2001:db8::1)",
    "ipv6(::1.2.3.4)",
    "bin(616263)",
    "bin(61006263)",
    "meth(GET)",
    "var(txn.text)",
    "var(txn.number)",
    "var(txn.none)",
    "path",
    "src",
    "hdr(x-multi)",
    "req.fhdr(x-multi)",
    "path,field(2,/)",
];

/// Samples that are numbers, or can be.
const NUMBERS: &[&str] = &[
    "int(5)",
    "int(-5)",
    "bool(true) -m int",
    "str(5) -m int",
    "str(x) -m int",
    "str() -m int",
    "ipv4(0.0.0.5) -m int",
    "src -m int",
    "var(txn.number) -m int",
    "hdr_cnt(x-multi)",
    "hdr_val(x-int)",
    "cook_val(n)",
    "urlp_val(e)",
    "path_len",
    "hdr_len(x-int)",
    "str(abcde),length",
    "str(5),add(1)",
    "int(5) -m len",
    "str(abcde) -m len",
    "str() -m len",
    "bin(616263) -m len",
    "ipv4(192.0.2.1) -m len",
    "method -m len",
    "bool(true) -m len",
];

const RANGES: &[&str] = &[
    "5",
    "5 7",
    "5:7",
    "5-7",
    "5:",
    "5-",
    ":7",
    "-- -5",
    "-- -7",
    "05",
    "lt 5",
    "lt 6",
    "le 5",
    "ge 5",
    "gt 4",
    "gt 5",
    "eq 5",
    "gt 7 lt 6",
    "lt 3 4 gt 7",
    "ge 9 eq 5",
    "lt 5:7",
    "gt 5:7",
    "9223372036854775807",
    "",
];

const TEXTS: &[&str] = &[
    "abc",
    "ABC",
    "-i ABC",
    "-i aBc",
    "a",
    "c",
    "bc",
    "5",
    "/a",
    "/a/",
    "b.c",
    "b.html",
    "e",
    "one",
    "two",
    "-i ONE",
    "one,",
    "GET",
    "G",
    "1",
    "192.0.2.1",
    "::1.2.3.4",
    "2001",
    "xyz abc",
    "\"\"",
    "",
];

const EXPRESSIONS: &[&str] = &["^a", "c$", "^abc$", "-i ^ABC$", "b.?", "^/a/[a-z]", "^$", "[0-9]+", "e$", "^-", "x|b"];

const NETWORKS: &[&str] = &[
    "192.0.2.0/24",
    "192.0.2.1",
    "192.0.2.0/255.255.255.0",
    "10.0.0.0/8 192.0.2.1",
    "0.0.0.5",
    "0.0.0.0/0",
    "127.0.0.1",
    "1.2.3.4",
    "2001:db8::/32",
    "::ffff:192.0.2.0/120",
    "::/0",
    "-n 192.0.2.1",
];

const BYTES: &[&str] = &[
    "616263",
    "-i 414243",
    "61",
    "61006263",
    "35",
    "0000000000000005",
    "fffffffffffffffb",
    "0000000000000001",
    "c0000201",
    "20010db8000000000000000000000001",
    "474554",
    "\"\"",
];

/// Names that imply a method, with parts that it finds or not.
const NAMED: &[&str] = &["path", "url", "base", "hdr(host)", "hdr(x-multi)", "urlp(c)", "cook(sid)"];

const PARTS: &[&str] = &[
    "/a",
    "a",
    "b.html",
    "/b.html",
    "a/b.html",
    "html",
    ".html",
    "c",
    "d",
    "c=d",
    "www",
    "Example",
    "-i EXAMPLE",
    "example.com",
    "-i example.com",
    "com",
    "com:8080",
    "8080",
    ".com",
    "one",
    "two",
    "e, t",
    "three",
    "abc",
    "bc",
    "-i ABC",
];

fn conditions() -> Vec<String> {
    let mut all = Vec::new();
    let mut add = |criterion: &str, values: &[&str]| {
        all.extend(values.iter().map(|value| format!("{criterion} {value}").trim_end().to_owned()));
    };
    for sample in SAMPLES {
        add(sample, &["-m found", "-m str -m found"]);
        // Binary bytes and what is only known at run time need a method.
        let has_method = !["bin", "meth(", "var"].iter().any(|word| sample.starts_with(word));
        let is_address = sample.starts_with("ip") || *sample == "src";
        let is_number = sample.starts_with("int") || sample.starts_with("bool");
        if has_method {
            add(
                sample,
                if is_address {
                    NETWORKS
                } else if is_number {
                    &["5", ""]
                } else {
                    TEXTS
                },
            );
        }
        let methods: &[&str] = if is_number { &["str", "sub"] } else { &["str", "beg", "end", "sub", "dir", "dom"] };
        for method in methods {
            add(&format!("{sample} -m {method}"), TEXTS);
        }
        add(&format!("{sample} -m reg"), EXPRESSIONS);
        add(&format!("{sample} -m bin"), BYTES);
        // HAProxy makes no number of an IPv6 address, of bytes or of a method, and no address of a boolean.
        if !["ipv6", "bin(", "meth"].iter().any(|word| sample.starts_with(word)) {
            add(sample, &["-m bool", "-m bool 5"]);
        }
        if !["bool", "bin(", "meth"].iter().any(|word| sample.starts_with(word)) {
            add(&format!("{sample} -m ip"), NETWORKS);
        }
    }
    for number in NUMBERS {
        add(number, RANGES);
    }
    for name in NAMED {
        let (name, argument) = name.split_at(name.find('(').unwrap_or(name.len()));
        for suffix in ["beg", "end", "sub", "dir", "dom"] {
            add(&format!("{name}_{suffix}{argument}"), PARTS);
        }
        add(&format!("{name}_reg{argument}"), EXPRESSIONS);
        add(&format!("{name}_len{argument}"), &["lt 5", "ge 5", "3:4"]);
    }
    add("path_beg,upper", &["/A/B.HTML", "/A", "/a"]);
    add("hdr_end(x-multi),length", &["3", "5", "gt 5"]);
    add("http_auth_group(team)", &["ops", "dev ops", "dev", "a"]);
    add("hdr_ip(x-ip)", NETWORKS);
    add("payload(0,0) -m len", &["0", "gt 0"]);
    all
}

/// How many conditions go into a file.
const AT_ONCE: usize = 480;

/// Bits of a number.
const BITS: usize = 60;

fn file(conditions: &[String]) -> String {
    let mut text = "userlist team\n group ops\n group dev\n group a\n user a insecure-password b groups ops\nfrontend web\n bind PORT\n \
                    http-request set-var(txn.text) str(abc)\n http-request set-var(txn.number) int(5)\n"
        .to_owned();
    for (number, condition) in conditions.iter().enumerate() {
        let (word, bit) = (number / BITS, 1_u64 << (number % BITS));
        if number % BITS == 0 {
            text += &format!(" http-request set-var(txn.v{word}) int(0)\n");
        }
        text += &format!(" acl a{number} {condition}\n");
        text += &format!(" http-request set-var(txn.v{word}) var(txn.v{word}),or({bit}) if a{number}\n");
    }
    let words: Vec<String> = (0..conditions.len().div_ceil(BITS)).map(|word| format!("%[var(txn.v{word})]")).collect();
    text + &format!(" http-request return status 200 content-type text/plain lf-string \"{}\"\n", words.join(" "))
}

#[test]
fn conditions_hold_where_haproxys_do() {
    let all = conditions();
    let mut holding = 0;
    for conditions in all.chunks(AT_ONCE) {
        let said = RefCell::new(Vec::new());
        on_both("http", &file(conditions), |connect| said.borrow_mut().push(connect().send(REQUEST).response().1));
        let said = said.into_inner();
        let bits = |text: &str| -> Vec<bool> {
            let words: Vec<u64> = text.split(' ').map(|word| word.parse().unwrap()).collect();
            (0..conditions.len()).map(|number| words[number / BITS] >> (number % BITS) & 1 == 1).collect()
        };
        let (ours, theirs) = (bits(&said[0]), bits(&said[1]));
        let differing: Vec<String> = conditions
            .iter()
            .zip(ours.iter().zip(&theirs))
            .filter(|(_, (ours, theirs))| ours != theirs)
            .map(|(condition, (ours, _))| format!("{condition}: vipgate says {ours}"))
            .collect();
        assert!(differing.is_empty(), "{}", differing.join("\n"));
        holding += theirs.iter().filter(|holds| **holds).count();
    }
    assert!(all.len() > 4000 && holding > 800 && holding < all.len() - 800, "{holding} of {}", all.len());
}
