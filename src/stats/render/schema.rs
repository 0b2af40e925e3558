//! `show schema json`: what `show info json` and `show stat json` look like, in the language of json-schema.org.

use serde_json::{Value, json};

/// The schema, on one line.
pub fn schema() -> String {
    let entry = |extra: Value, required: &[&str]| {
        let mut properties = json!({
            "field": {"$ref": "#/definitions/field"},
            "processNum": {"$ref": "#/definitions/processNum"},
            "tags": {"$ref": "#/definitions/tags"},
            "value": {"$ref": "#/definitions/typedValue"},
        });
        if let (Some(properties), Value::Object(extra)) = (properties.as_object_mut(), extra) {
            properties.extend(extra);
        }
        json!({"title": "InfoItem", "type": "object", "properties": properties, "required": required})
    };
    let info = entry(json!({}), &["field", "processNum", "tags", "value"]);
    let number = json!({"type": "integer", "minimum": 0});
    let place = json!({
        "objType": {"enum": ["Frontend", "Backend", "Listener", "Server", "Unknown"]},
        "proxyId": number,
        "id": number,
    });
    let stat = entry(place, &["objType", "proxyId", "id", "field", "processNum", "tags", "value"]);
    let of_type =
        |kind: &str, value: Value| json!({"properties": {"type": {"type": "string", "enum": [kind]}, "value": value}});
    let limits = |least: i64, most: u64| json!({"type": "integer", "minimum": least, "maximum": most});
    json!({
        "$schema": "http://json-schema.org/draft-04/schema#",
        "oneOf": [
            {"title": "Info", "type": "array", "items": info},
            {"title": "Stat", "type": "array", "items": {"type": "array", "items": stat}},
            {
                "title": "Error",
                "type": "object",
                "properties": {"errorStr": {"type": "string"}},
                "required": ["errorStr"],
            },
        ],
        "definitions": {
            "field": {
                "type": "object",
                "properties": {"pos": number, "name": {"type": "string"}},
                "required": ["pos", "name"],
            },
            "processNum": {"type": "integer", "minimum": 1},
            "tags": {
                "type": "object",
                "properties": {
                    "origin": {"type": "string", "enum": ["Metric", "Status", "Key", "Config", "Product", "Unknown"]},
                    "nature": {
                        "type": "string",
                        "enum": [
                            "Gauge", "Limit", "Min", "Max", "Rate", "Counter", "Duration", "Age", "Time", "Name",
                            "Output", "Avg", "Unknown",
                        ],
                    },
                    "scope": {"type": "string", "enum": ["Cluster", "Process", "Service", "System", "Unknown"]},
                },
                "required": ["origin", "nature", "scope"],
            },
            "typedValue": {
                "type": "object",
                "oneOf": [
                    {"$ref": "#/definitions/typedValue/definitions/s32Value"},
                    {"$ref": "#/definitions/typedValue/definitions/u32Value"},
                    {"$ref": "#/definitions/typedValue/definitions/u64Value"},
                    {"$ref": "#/definitions/typedValue/definitions/fltValue"},
                    {"$ref": "#/definitions/typedValue/definitions/strValue"},
                ],
                "definitions": {
                    "s32Value": of_type("s32", limits(i32::MIN.into(), i32::MAX as u64)),
                    "u32Value": of_type("u32", limits(0, u32::MAX.into())),
                    "u64Value": of_type("u64", limits(0, u64::MAX)),
                    "fltValue": of_type("flt", json!({"type": "number"})),
                    "strValue": of_type("str", json!({"type": "string"})),
                },
            },
        },
    })
    .to_string()
}
