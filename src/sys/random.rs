//! Random numbers, for what need not be secret.

use std::hash::{BuildHasher, RandomState};

/// 32 random bits: a hash that is keyed anew for each call, from a seed of the kernel's.
pub fn bits() -> u32 {
    (RandomState::new().hash_one(0) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_differ_from_call_to_call() {
        let first = bits();
        assert!((0..8).any(|_| bits() != first));
    }
}
