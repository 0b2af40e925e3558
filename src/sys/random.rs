//! Random numbers, for what need not be secret.

use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read};

/// 32 random bits: a hash that is keyed anew for each call, from a seed of the kernel's.
pub fn bits() -> u32 {
    (RandomState::new().hash_one(0) >> 32) as u32
}

/// Numbers that nobody can guess, from the kernel.
pub struct Secret(File);

impl Secret {
    /// Opens the kernel's source.
    ///
    /// # Errors
    /// There is none.
    pub fn open() -> io::Result<Secret> {
        File::open("/dev/urandom").map(Secret)
    }

    /// Sixteen bits; where the kernel gives none, those of [`bits`].
    pub fn sixteen(&mut self) -> u16 {
        let mut bytes = [0; 2];
        match self.0.read_exact(&mut bytes) {
            Ok(()) => u16::from_ne_bytes(bytes),
            Err(_) => (bits() & 0xffff) as u16,
        }
    }
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
