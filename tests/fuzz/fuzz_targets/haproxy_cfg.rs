#![no_main]

#[path = "../properties/haproxy_cfg.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|data: &[u8]| property::holds(data));
