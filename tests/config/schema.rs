//! The JSON Schema covers what the examples use.

use serde_json::Value;

/// Every key of a YAML text of the examples' style, by line: enough to see that a schema knows the words.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for line in
        text.lines().map(|line| line.split(" #").next().unwrap_or_default()).filter(|line| !line.starts_with('#'))
    {
        for piece in line.split(['{', ',']) {
            if let Some((key, _)) =
                piece.split_once(": ").or_else(|| piece.trim_end().strip_suffix(':').map(|k| (k, "")))
            {
                words.push(key.trim().trim_start_matches("- ").trim_matches(['"', ' ']).to_owned());
            }
        }
    }
    words
}

fn properties(schema: &Value, found: &mut Vec<String>, undocumented: &mut Vec<String>) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::Object(known)) = object.get("properties") {
                for (name, schema) in known {
                    found.push(name.clone());
                    if schema.get("description").and_then(Value::as_str).is_none_or(|text| text.is_empty()) {
                        undocumented.push(name.clone());
                    }
                }
            }
            object.values().for_each(|inner| properties(inner, found, undocumented));
        }
        Value::Array(items) => items.iter().for_each(|inner| properties(inner, found, undocumented)),
        _ => {}
    }
}

#[test]
fn schema_documents_every_key() {
    let (mut found, mut undocumented) = (Vec::new(), Vec::new());
    properties(&vipgate::config::schema(), &mut found, &mut undocumented);
    assert!(found.len() > 80);
    assert_eq!(undocumented, Vec::<String>::new());
}

#[test]
fn schema_knows_every_key_of_the_examples() {
    let mut found = Vec::new();
    properties(&vipgate::config::schema(), &mut found, &mut Vec::new());
    // Names that the operator chose.
    let own = [
        "lb1", "lb2", "web", "left", "right", "db", "www", "raw", "app", "app_raw", "web01", "web02", "web03",
        "postgres", "primary", "standby", "gateway", "Host",
    ];
    for file in crate::examples::FILES {
        for word in words(&crate::read(file)) {
            assert!(found.contains(&word) || own.contains(&word.as_str()), "{file}: {word}");
        }
    }
}

#[test]
fn unsupported_keys_are_not_offered_to_editors() {
    let mut found = Vec::new();
    properties(&vipgate::config::schema(), &mut found, &mut Vec::new());
    assert!(!found.contains(&"stick".to_owned()));
}
