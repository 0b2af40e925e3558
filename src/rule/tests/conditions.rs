use super::World;
use crate::rule::acl::Outcome;
use crate::rule::condition::Condition;
use crate::rule::error::{By, RuleError, Warning};
use crate::rule::scope::Scope;
use crate::rule::stage::Stage;
use crate::rule::transaction::Data;

fn cut(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

fn outcome_in(world: &mut World, stage: Stage, acls: &[&str], condition: &str) -> Outcome {
    let compile = |scope: &mut Scope<'_>| {
        for acl in acls {
            scope.declare_acl(&cut(acl)).unwrap();
        }
        Condition::compile(&cut(condition), scope).unwrap_or_else(|error| panic!("{condition}: {error:?}"))
    };
    world.with(stage, compile, |condition, transaction| condition.outcome(transaction))
}

fn is_true(condition: &str) -> bool {
    outcome_in(&mut World::new(), Stage::HttpRequest, &[], condition) == Outcome::Match
}

fn complaint(words: &str) -> RuleError {
    let compile = |scope: &mut Scope<'_>| Condition::compile(&cut(words), scope);
    World::new().with(Stage::HttpRequest, compile, |result, _| result.as_ref().unwrap_err().clone())
}

#[test]
fn conditions_combine_acls() {
    for (condition, expected) in [
        ("if TRUE", true),
        ("if FALSE", false),
        ("unless FALSE", true),
        ("if !FALSE", true),
        ("if ! FALSE", true),
        ("if !!TRUE", true),
        ("if TRUE FALSE", false),
        ("if FALSE or TRUE", true),
        ("if FALSE TRUE || TRUE TRUE", true),
        ("if TRUE !{ path /x }", true),
        ("if { path_beg /a } { path_end .html }", true),
        ("if METH_GET LOCALHOST", true),
        ("if METH_POST", false),
        ("if HTTP_1.1 HTTP_URL_SLASH HTTP_CONTENT", true),
        ("if HTTP_URL_ABS or HTTP_URL_STAR", false),
    ] {
        assert_eq!(is_true(condition), expected, "{condition}");
    }
}

#[test]
fn an_alternative_without_a_term_is_passed_over_and_told() {
    for (condition, expected) in [
        ("if", false),
        ("unless", true),
        ("if !", false),
        ("if or", false),
        ("if TRUE or", true),
        ("if or TRUE", true),
        ("unless TRUE or or FALSE", false),
    ] {
        assert_eq!(is_true(condition), expected, "{condition}");
        let compile = |scope: &mut Scope<'_>| {
            Condition::compile(&cut(condition), scope).unwrap();
            scope.warnings.len()
        };
        assert_eq!(World::new().with(Stage::HttpRequest, compile, |count, _| *count), 1, "{condition}");
    }
}

#[test]
fn an_acl_looks_at_every_value() {
    for (condition, expected) in [
        ("if { hdr(x-multi) two }", true),
        ("if { hdr(x-multi) -m str one }", true),
        ("if { hdr(x-multi,1) two }", false),
        ("if { req.fhdr(x-multi) two }", false),
        ("if { req.cook(sid) abc }", true),
        ("if { req.cook(sid) def }", true),
        ("if { hdr_ip(x-forwarded-for) 1.2.0.0/16 }", true),
        ("if { hdr_sub(accept) -i HTML }", true),
        ("if { hdr_cnt(x-multi) ge 3 }", true),
        ("if { hdr_len(host) 20 }", true),
        ("if { hdr(nope) -m found }", false),
        ("if { hdr(host) -m found }", true),
        ("if { hdr(x-multi) -f words.lst }", true),
        ("if { hdr(x-multi) nine -f words.lst }", false),
        ("if { urlp(y) two }", true),
        ("if { path,length gt 5 lt 3 }", true),
        ("if { path,length 1:10 }", false),
        ("if { path_reg ^/a/.*\\.html$ }", true),
        ("if { path_dir b }", true),
        ("if { hdr_dom(host) -i example }", true),
        ("if { src 10.0.0.0/8 127.0.0.0/8 }", true),
        ("if { src_port gt 1024 }", true),
        ("if { method POST PUT }", false),
        ("if { http_auth(ul) }", true),
        ("if { http_auth_group(ul) g }", true),
        ("if { http_auth_group(ul) h }", false),
        ("if { str(a) -m str -i A }", true),
        ("if { str(-i) -m str -- -i }", true),
        ("if { hdr(host),lower -m beg www.example }", true),
        ("if { hdr_beg(host),lower www.example.com:8080 }", true),
        ("if { payload(0,1) 6b }", true),
        ("if { req.payload(0,1) -m bin 6b }", true),
        ("if { http_auth_group(ul) -f words.lst }", false),
        ("if { http_auth_group(ul) -m str a }", true),
        ("if { src -m bin 7f000001 }", true),
        ("if { int(5) -m bool }", true),
        ("if { nbsrv(be) lt 2 }", true),
    ] {
        assert_eq!(is_true(condition), expected, "{condition}");
    }
}

#[test]
fn named_acls_grow() {
    let acls = ["a path /x", "a path_beg /a", "b hdr(host) -m found"];
    assert_eq!(outcome_in(&mut World::new(), Stage::HttpRequest, &acls, "if a b"), Outcome::Match);
    assert_eq!(outcome_in(&mut World::new(), Stage::HttpRequest, &acls[..1], "if a"), Outcome::NoMatch);
    let late = |scope: &mut Scope<'_>| {
        scope.declare_acl(&["a", "path", "/x"]).unwrap();
        let condition = Condition::compile(&["if", "a"], scope).unwrap();
        scope.declare_acl(&["a", "path_beg", "/a"]).unwrap();
        condition
    };
    let outcome = World::new().with(Stage::HttpRequest, late, |condition, transaction| condition.outcome(transaction));
    assert_eq!(outcome, Outcome::Match);
}

#[test]
fn a_test_waits_for_data_that_could_change_it() {
    let mut world = World::new();
    let mut outcome = |bytes: &'static [u8], is_final, condition: &str| {
        world.body = Data { bytes, is_final, announced: None };
        outcome_in(&mut world, Stage::TcpRequest, &[], condition)
    };
    assert_eq!(outcome(b"abc", false, "if { req.len gt 5 }"), Outcome::Unknown);
    assert_eq!(outcome(b"abcdef", false, "if { req.len gt 5 }"), Outcome::Match);
    assert_eq!(outcome(b"abc", true, "if { req.len gt 5 }"), Outcome::NoMatch);
    assert_eq!(outcome(b"abc", false, "if WAIT_END"), Outcome::Unknown);
    assert_eq!(outcome(b"abc", true, "if WAIT_END"), Outcome::Match);
    assert_eq!(outcome(b"\x16\x03", false, "if { req.ssl_hello_type 1 }"), Outcome::Unknown);
    assert_eq!(outcome(b"GET ", false, "if { req.ssl_hello_type 1 }"), Outcome::NoMatch);
    assert_eq!(outcome(b"abc", false, "if { req.len gt 5 } FALSE"), Outcome::NoMatch);
    assert_eq!(outcome(b"abc", false, "unless { req.len gt 5 }"), Outcome::Unknown);
}

#[test]
fn complaints_point_at_the_word() {
    let error = complaint("if TRUE fool");
    assert_eq!((error.at, error.what.as_str()), (2, "unknown ACL 'fool'"));
    assert_eq!(complaint("if FALS").hint.as_deref(), Some("did you mean 'FALSE'?"));
    let error = complaint("if { path -m foo /a }");
    assert_eq!((error.at, error.what.as_str()), (4, "unknown matching method 'foo'"));
    let error = complaint("if { src 10.0.0.0/8 1.2.3.4.5 }");
    assert_eq!((error.at, error.what.as_str()), (4, "'1.2.3.4.5' is not an address"));
    let error = complaint("if { path,loewr /a }");
    assert_eq!((error.at, error.offset), (2, 5));
    assert_eq!(complaint("if { path /a").what, "'{' is not closed");
    assert_eq!(complaint("when TRUE").what, "unexpected 'when'");
    let error = complaint("if { req.body abc }");
    assert_eq!(error.what, "'req.body' returns a value of type binary: say with -m how to match it");
    assert_eq!(complaint("if { bin(00) -m int 0 }").what, "a value of type binary cannot be matched by 'int'");
    let error = complaint("if { path -x /a }");
    assert_eq!((error.at, error.what.as_str()), (3, "unknown flag '-x'"));
    assert_eq!(complaint("if { str(x) -5 }").what, "unknown flag '-5'");
    assert_eq!(complaint("if { path -u 7 /a } { path -u 7 /b }").what, "another ACL has the number 7");
    assert_eq!(complaint("if { req.hdr_beg(host) a }").what, "unknown fetch or ACL keyword 'req.hdr_beg'");
    assert_eq!(
        complaint("if { meth(GET) GET }").what,
        "'meth(GET)' returns a value of type method: say with -m how to match it"
    );
    assert_eq!(
        complaint("if { path -f hosts.map } { path -M -f hosts.map }").what,
        "'hosts.map' is read as patterns elsewhere, and cannot be a map here"
    );
    assert_eq!(complaint("if { path_bge /a }").hint.as_deref(), Some("did you mean 'path_beg'?"));
}

#[test]
fn conditions_that_never_hold_are_warned_about() {
    let compile = |scope: &mut Scope<'_>| {
        Condition::compile(&cut("if TRUE { status 200 }"), scope).unwrap();
        std::mem::take(&mut scope.warnings)
    };
    let warnings = World::new().with(Stage::HttpRequest, compile, |warnings, _| warnings.clone());
    let what = "ACL 'status 200' never matches: 'status' needs HTTP response meta-information, which 'http-request' does not have";
    assert_eq!(warnings, [Warning { at: 1, what: what.into(), by: By::Both }]);
}

#[test]
fn a_condition_can_be_one_text() {
    for (text, expected) in [
        ("path_beg /a", Outcome::Match),
        ("path_beg /x", Outcome::NoMatch),
        ("!TRUE", Outcome::NoMatch),
        ("{ path_beg /a } or FALSE", Outcome::Match),
        ("if METH_GET", Outcome::Match),
        ("unless METH_GET", Outcome::NoMatch),
        ("hdr(user-agent) -m sub 'ua \"q'", Outcome::Match),
    ] {
        let compile = |scope: &mut Scope<'_>| Condition::compile_text(text, scope).unwrap();
        let outcome = World::new().with(Stage::HttpRequest, compile, |found, transaction| found.outcome(transaction));
        assert_eq!(outcome, expected, "{text}");
    }
}
