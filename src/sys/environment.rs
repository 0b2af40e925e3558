//! Environment variables, which nothing in the process changes.

use std::collections::HashMap;
use std::ffi::OsString;
use std::sync::LazyLock;

static VARIABLES: LazyLock<HashMap<String, Vec<u8>>> = LazyLock::new(|| {
    let pair = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_encoded_bytes()));
    std::env::vars_os().filter_map(pair).collect()
});

/// The bytes of a variable; `None` if there is none of that name.
pub fn variable(name: &str) -> Option<&'static [u8]> {
    VARIABLES.get(name).map(Vec::as_slice)
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
