//! Replays the fuzz corpus: every file that a fuzzer found or that was written for it keeps its property.
//!
//! The fuzz targets themselves are in `tests/fuzz` and use the same properties.

use std::fs;
use std::path::Path;

#[path = "../fuzz/properties/chunked.rs"]
mod chunked;
#[path = "../fuzz/properties/haproxy_cfg.rs"]
mod haproxy_cfg;
#[path = "../fuzz/properties/http_head.rs"]
mod http_head;
#[path = "../fuzz/properties/rule.rs"]
mod rule;
#[path = "../fuzz/properties/vrrp_frame.rs"]
mod vrrp_frame;
#[path = "../fuzz/properties/yaml.rs"]
mod yaml;

fn replay(target: &str, holds: fn(&[u8])) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target);
    let mut count = 0;
    for entry in fs::read_dir(&directory).expect("the corpus is part of the package") {
        let path = entry.expect("the directory can be read").path();
        let data = fs::read(&path).expect("a file of the corpus can be read");
        eprintln!("{}", path.display());
        holds(&data);
        // Cut short anywhere is what a network makes of it.
        (0..data.len().min(512)).for_each(|length| holds(&data[..length]));
        count += 1;
    }
    assert!(count > 0, "{} is empty", directory.display());
}

#[test]
fn vrrp_corpus_keeps_its_property() {
    replay("vrrp_frame", vrrp_frame::holds);
}

#[test]
fn http_head_corpus_keeps_its_property() {
    replay("http_head", http_head::holds);
}

#[test]
fn chunked_corpus_keeps_its_property() {
    replay("chunked", chunked::holds);
}

#[test]
fn haproxy_cfg_corpus_keeps_its_property() {
    replay("haproxy_cfg", haproxy_cfg::holds);
}

#[test]
fn yaml_corpus_keeps_its_property() {
    replay("yaml", yaml::holds);
}

#[test]
fn rule_corpus_keeps_its_property() {
    replay("rule", rule::holds);
}
