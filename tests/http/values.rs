//! Values of expressions beside the packaged HAProxy's: both say what they are in one answer.

use crate::rules::{get, on_both};

/// An MQTT 5.0 CONNECT with a will, its properties, a user and a password.
const CONNECT: &str = "106100044d51545405c6003c2311000000102100142700001000220005190117012600016b0001761500016d16 00016400036369641b180000000501010200000009030002637408000272740900026364000277740002777000047573657200027077";

/// Expressions and their values; nothing stands for none.
fn rows() -> Vec<(String, &'static str)> {
    let connect = CONNECT.replace(' ', "");
    let field = |name: &str| format!("bin({connect}),mqtt_field_value(connect,{name})");
    let rows = [
        (format!("bin({connect}),mqtt_is_valid"), "1"),
        (field("protocol_name"), "MQTT"),
        (field("protocol_version"), "5"),
        (field("flags"), "198"),
        (field("keepalive"), "60"),
        (field("client_identifier"), "cid"),
        (field("Will_Topic"), "wt"),
        (field("will_payload"), "wp"),
        (field("username"), "user"),
        (field("password"), "pw"),
        (field("17"), "16"),
        (field("33"), "20"),
        (field("21"), "m"),
        (field("24"), "5"),
        (field("3"), "ct"),
        (field("9"), "cd"),
    ];
    let fixed = [
        ("bin(200200 05),mqtt_is_valid", "1"),
        ("bin(200200 05),mqtt_field_value(connack,reason_code)", "5"),
        ("bin(200200 05),mqtt_field_value(2,protocol_version)", "4"),
        ("bin(200200 05),mqtt_field_value(2,36)", ""),
        ("bin(200202 00),mqtt_is_valid", "0"),
        ("bin(2003000000),mqtt_field_value(2,36)", "0"),
        ("bin(2002),mqtt_is_valid", ""),
        ("bin(1000),mqtt_is_valid", "0"),
        ("bin(100c00044d5154540402003c0000),mqtt_is_valid", "1"),
        ("bin(100c00044d5154540402003c0000),mqtt_field_value(1,client_identifier)", ""),
        ("bin(100c00044d5154540602003c0000),mqtt_is_valid", "0"),
        ("bin(100c00044d5154540403003c0000),mqtt_is_valid", "0"),
        ("bin(110c00044d5154540402003c0000),mqtt_is_valid", "0"),
        ("int(-5),div(0)", "9223372036854775807"),
        ("str(abc),djb2(2)", "2235766107"),
        ("str(abc),djb2(0)", "193485963"),
        ("str(),hex2i", "0"),
        ("str(x),hex2i", ""),
        ("str(),add(1)", ""),
        ("str(5x),add(1)", "6"),
        ("ipv4(0.0.0.5),add(1)", "6"),
        ("ipv6(::ffff:1.2.3.4),ipmask(24)", "1.2.3.0"),
        ("ipv6(::1.2.3.4)", "::1.2.3.4"),
        ("int(5),hex", "0000000000000005"),
        ("bool(true),hex", "0000000000000001"),
        ("meth(GET),hex", "474554"),
        ("ipv4(192.0.2.1),hex", "C0000201"),
        ("dst_conn", "1"),
    ];
    rows.into_iter().chain(fixed.map(|(expression, value)| (expression.replace(' ', ""), value))).collect()
}

#[test]
fn values_of_expressions_are_haproxys() {
    let rows = rows();
    let shown: Vec<String> = rows.iter().map(|(expression, _)| format!("<%[{expression}]>")).collect();
    let text = format!(
        "frontend web\n bind PORT\n http-request return status 200 content-type text/plain lf-string \"{}\"\n",
        shown.join(" ")
    );
    let expected: Vec<String> = rows.iter().map(|(expression, value)| format!("{expression} <{value}>")).collect();
    on_both("http", &text, |connect| {
        let (_, body) = connect().send(get("/")).response();
        let values: Vec<String> =
            rows.iter().zip(body.split(' ')).map(|((expression, _), value)| format!("{expression} {value}")).collect();
        let differing: Vec<_> = values.iter().zip(&expected).filter(|(value, expected)| value != expected).collect();
        assert!(differing.is_empty() && values.len() == expected.len(), "{differing:#?}");
    });
}
