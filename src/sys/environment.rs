//! Environment variables: those that the process was started with, as its configuration has changed them.
//!
//! The start changes them once, before any other thread asks; nothing does afterwards. The C library's own stay as they
//! were.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::OnceLock;

static VARIABLES: OnceLock<BTreeMap<String, Vec<u8>>> = OnceLock::new();

/// What the process was started with.
pub fn inherited() -> BTreeMap<String, Vec<u8>> {
    let pair = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_encoded_bytes()));
    std::env::vars_os().filter_map(pair).collect()
}

/// From now on these are the variables, unless somebody has asked before.
pub fn begin(variables: BTreeMap<String, Vec<u8>>) {
    // Of two starts in one process, which only tests have, the first counts.
    let _ = VARIABLES.set(variables);
}

/// All of them by name.
pub fn variables() -> &'static BTreeMap<String, Vec<u8>> {
    VARIABLES.get_or_init(inherited)
}

/// The bytes of a variable; `None` if there is none of that name.
pub fn variable(name: &str) -> Option<&'static [u8]> {
    variables().get(name).map(Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_what_the_process_was_started_with() {
        let path = std::env::var_os("PATH").expect("cargo sets it").into_encoded_bytes();
        assert_eq!(variable("PATH"), Some(path.as_slice()));
        assert_eq!(variable("VIPGATE_NOBODY_SETS_THIS"), None);
    }
}
