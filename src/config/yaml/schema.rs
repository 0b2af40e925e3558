//! JSON Schema (draft 2020-12) from the keyword table, for editors.

use serde_json::{Map, Value as Json, json};

use super::keyword::{Need, Scalar, Section, Value};
use super::table;

/// The schema of a file.
pub fn schema() -> Json {
    let mut root = section(&table::FILE);
    if let Json::Object(root) = &mut root {
        root.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        root.insert("title".to_owned(), json!("vipgate"));
    }
    root
}

fn section(section: &Section) -> Json {
    let keys = || section.keys.iter().filter(|key| !matches!(key.need, Need::Refused(_)));
    let mut properties = Map::new();
    for key in keys() {
        let mut schema = value(&key.value);
        if let Json::Object(schema) = &mut schema {
            schema.insert("description".to_owned(), json!(key.doc));
        }
        properties.insert(key.name.to_owned(), schema);
    }
    let required: Vec<_> = keys().filter(|key| key.need == Need::Required).map(|key| key.name).collect();
    let mut schema = json!({
        "type": "object",
        "description": section.doc,
        "properties": properties,
        "additionalProperties": false,
    });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn value(value: &Value) -> Json {
    match value {
        Value::One(kind) => scalar(*kind),
        Value::Section(inner) => section(inner),
        Value::Named(name, inner) => json!({
            "type": "object",
            "propertyNames": scalar(*name),
            "additionalProperties": self::value(inner),
        }),
        Value::List(inner) => {
            let inner = self::value(inner);
            json!({"anyOf": [{"type": "array", "items": inner.clone()}, inner]})
        }
        Value::Any(choices) => json!({"anyOf": choices.iter().map(self::value).collect::<Vec<_>>()}),
    }
}

fn scalar(kind: Scalar) -> Json {
    let text = |pattern: &str| json!({"type": "string", "pattern": pattern});
    match kind {
        Scalar::Text | Scalar::Command | Scalar::Header | Scalar::Rule | Scalar::Condition => json!({"type": "string"}),
        Scalar::BackendOption | Scalar::CookieOption | Scalar::ServerOptions => json!({"type": "string"}),
        Scalar::Balance => text(
            "^(roundrobin|static-rr|leastconn|first|source|random|uri|url_param|hdr|hash|log-hash|sticky)([ (].*)?$",
        ),
        Scalar::Name => json!({"type": ["string", "integer"], "pattern": "^[A-Za-z0-9._-]{1,64}$"}),
        Scalar::ProxyName => json!({"type": ["string", "integer"], "pattern": "^[A-Za-z0-9._:-]{1,255}$"}),
        Scalar::Password => text("^\\$"),
        Scalar::Interface => text("^[^ /]{1,15}$"),
        Scalar::Flag => json!({"type": "boolean"}),
        Scalar::Number(least, most) => json!({"type": "integer", "minimum": least, "maximum": most}),
        Scalar::Duration(..) => text("^[0-9]+(\\.[0-9]+)?(ms|s|m|h|d)$"),
        // Editors that follow YAML 1.1 read `off` as false.
        Scalar::Word(["off"]) => json!({"enum": ["off", false]}),
        Scalar::Word(words) => json!({"enum": words}),
        Scalar::Address => text("^[0-9A-Fa-f:.]+$"),
        Scalar::Network => text("^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$"),
        Scalar::Endpoint => text("^([0-9.]+|\\[[0-9A-Fa-f:.]+\\]):[0-9]{1,5}$"),
        Scalar::Server => text(
            "^((udp@)?(ipv[46]@)?([A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+\\]):[+-]?[0-9]{1,5}|(unix|abns|abnsz)@.+|/.+|_[A-Za-z0-9._-]+)$",
        ),
        Scalar::NameServer => text("^((tcp|udp)@)?([0-9.]+|\\[[0-9A-Fa-f:.]+\\]):[0-9]{1,5}$"),
        Scalar::Bind => text(
            "^((vip@[A-Za-z0-9._-]+|\\*|[0-9.]+|\\[[0-9A-Fa-f:.]+\\]):[0-9]{1,5}|fd@[0-9]+|/[^ ]+|(unix|abns)@[^ ]+)( .+)?$",
        ),
        Scalar::Place => text("^((\\*|[0-9.]+|\\[[0-9A-Fa-f:.]+\\]):[0-9]{1,5}|fd@[0-9]+|/.+|(unix|abns)@.+)$"),
        Scalar::Mode => text("^[0-7]{1,4}$"),
        Scalar::Account => text("^.+$"),
        Scalar::Release => json!({"type": ["string", "number"]}),
        Scalar::Status => json!({"type": ["integer", "string"], "pattern": "^[1-5][0-9]{2}(-[1-5][0-9]{2})?$"}),
        Scalar::TrackWeight => {
            json!({"anyOf": [{"enum": ["fault", "degrade"]}, {"type": ["integer", "string"], "pattern": "^[+-][0-9]{1,3}$"}]})
        }
        Scalar::Request => text("^([A-Z]+ +)?[/*][^ ]*$"),
        Scalar::PageStatus => json!({"type": ["string", "integer"], "pattern": "^[2-5][0-9][0-9]$"}),
        Scalar::Method => text("^[A-Za-z]+$"),
        Scalar::Target => text("^[/*]"),
        Scalar::LogTarget => json!({"anyOf": [
            {"const": false},
            text("^(stdout|stderr|off|syslog(:/.+)?|(udp|tcp):.+:[0-9]+|uxst:/.+|fd:[0-9]+|ring:.+)$"),
        ]}),
        Scalar::Stream => text("^(([0-9.]+|\\[[0-9A-Fa-f:.]+\\]):[0-9]{1,5}|(unix|abns|abnsz)@.+|/.+)$"),
        Scalar::Datagrams => text("^(\\*|[0-9.]+|\\[[0-9A-Fa-f:.]+\\]):[0-9]{1,5}( interface .+)?$"),
        Scalar::LogSample => text("^[0-9,-]+:[0-9]+$"),
        Scalar::LogSteps => text("^[a-z,-]+$"),
        Scalar::Path => text("^/"),
        Scalar::TableName => text("^[A-Za-z0-9._:-]{1,255}(/[A-Za-z0-9._:-]{1,255})?$"),
        Scalar::StickTable => json!({"type": "string"}),
        Scalar::ServerName => text("^[A-Za-z0-9._:-]+/[A-Za-z0-9._:-]+$"),
    }
}
