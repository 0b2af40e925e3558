//! Signatures of tokens: keys, certificates and tokens were made for these tests with the openssl command.

use super::{World, complaint, hex, text};
use crate::rule::stage::Stage;

/// Lines of an expression and the hexadecimal value that haproxy 3.5-dev5 returned for it.
const SIGNED: &str = include_str!("tokens/signed.tsv");

const FILES: [(&str, &str); 7] = [
    ("rsa.pem", include_str!("tokens/rsa.pem")),
    ("rsa-pkcs1.pem", include_str!("tokens/rsa-pkcs1.pem")),
    ("rsa-certificate.pem", include_str!("tokens/rsa-certificate.pem")),
    ("p256.pem", include_str!("tokens/p256.pem")),
    ("p256-certificate.pem", include_str!("tokens/p256-certificate.pem")),
    ("p384.pem", include_str!("tokens/p384.pem")),
    ("p521.pem", include_str!("tokens/p521.pem")),
];

fn world() -> World {
    let mut world = World::new();
    world.files.extend(FILES);
    world
}

#[test]
fn tokens_are_judged_as_by_haproxy() {
    let mut wrong = Vec::new();
    for line in SIGNED.lines() {
        let (expression, expected) = line.split_once('\t').unwrap();
        let found = hex(&mut world(), Stage::HttpRequest, expression);
        if found != expected {
            wrong.push(format!("{expression}: {found}, haproxy {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_key_named_by_a_variable_is_one_that_a_rule_named() {
    let genuine = SIGNED.lines().next().unwrap().split_once('\t').unwrap().0;
    let token = genuine.split_once(',').unwrap().0;
    let mut world = world();
    let mut value = |expression: &str| text(&mut world, Stage::HttpRequest, expression);
    value("str(rsa.pem),set-var(txn.key)");
    value("str(RS256),set-var(txn.algorithm)");
    assert_eq!(value(&format!("{token},jwt_verify(txn.algorithm,txn.key)")), "-5", "nobody has read it");
    assert_eq!(value(&format!("{token},jwt_verify(txn.algorithm,rsa.pem)")), "1");
    assert_eq!(value(&format!("{token},jwt_verify(txn.algorithm,txn.key)")), "1");
    assert_eq!(value(&format!("{token},jwt_verify_cert(txn.algorithm,txn.key)")), "-5", "it is no certificate");
    value("str(HS256),set-var(txn.algorithm)");
    assert_eq!(value(&format!("{token},jwt_verify(txn.algorithm,'a secret')")), "0");
    assert_eq!(value(&format!("{token},jwt_verify_cert(txn.algorithm,txn.key)")), "-2");
    value("str(XX256),set-var(txn.algorithm)");
    assert_eq!(value(&format!("{token},jwt_verify(txn.algorithm,txn.key)")), "-1");
}

#[test]
fn keys_that_cannot_be_read_are_refused() {
    assert!(complaint("str(a),jwt_verify(RS256,none.pem)").starts_with("cannot read 'none.pem'"));
    assert!(complaint("str(a),jwt_verify(RS256,words.lst)").starts_with("'words.lst' has no public key in PEM"));
    assert!(complaint("str(a),jwt_verify_cert(RS256,words.lst)").starts_with("'words.lst' has no certificate in PEM"));
    assert!(complaint("str(a),jwt_verify(XX256,words.lst)").starts_with("unknown algorithm of tokens: XX256"));
    assert!(complaint("str(a),jwt_verify_cert(HS256,words.lst)").contains("see jwt_verify"));
    assert!(complaint("str(a),aes_gcm_enc(100,txn.n,txn.k,txn.t)").contains("128, 192 or 256"));
    assert!(complaint("str(a),aes_gcm_enc(128,!,txn.k,txn.t)").contains("neither a variable nor base64"));
    assert!(complaint("bin(00),protobuf(1.a)").contains("not a path of field numbers"));
}
