//! Sets of status codes (`http-err-codes`, `http-fail-codes`).

/// A set of status codes, 100-599.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Codes([u64; 10]);

impl Codes {
    /// Codes that count as errors of clients where nothing else is written: 400-499.
    pub const ERRORS: Codes = Codes::range(400, 499);
    /// Codes that count as failures of servers where nothing else is written: 500-599 without 501 and 505.
    pub const FAILURES: Codes = Codes::range(500, 599).without(501).without(505);

    const fn range(first: u16, last: u16) -> Codes {
        let mut codes = Codes([0; 10]);
        let mut code = first;
        while code <= last {
            codes.0[code as usize / 64] |= 1 << (code % 64);
            code += 1;
        }
        codes
    }

    const fn without(mut self, code: u16) -> Codes {
        self.0[code as usize / 64] &= !(1 << (code % 64));
        self
    }

    /// Whether the code is one of them.
    pub fn has(&self, code: u16) -> bool {
        self.0.get(usize::from(code / 64)).is_some_and(|bits| bits & 1 << (code % 64) != 0)
    }

    /// Changes the set as a word says: `400-499` are its codes from now on, `+500,503` are added, `-404` is taken out.
    ///
    /// # Errors
    /// What is wrong with the word.
    pub fn change(&mut self, word: &str) -> Result<(), String> {
        let (ranges, sign) = match word.strip_prefix(['+', '-']) {
            Some(ranges) => (ranges, word.as_bytes()[0]),
            None => (word, b'='),
        };
        if sign == b'=' {
            *self = Codes([0; 10]);
        }
        for range in ranges.split(',') {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let code = |text: &str| text.parse::<u16>().ok().filter(|code| (100..=599).contains(code));
            let wrong = || format!("'{range}' is no status code or range of them, 100-599");
            let (first, last) = code(first).zip(code(last)).filter(|(a, b)| a <= b).ok_or_else(wrong)?;
            let mask = Codes::range(first, last);
            for (bits, mask) in self.0.iter_mut().zip(mask.0) {
                *bits = if sign == b'-' { *bits & !mask } else { *bits | mask };
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(mut codes: Codes, words: &[&str]) -> Vec<u16> {
        words.iter().for_each(|word| codes.change(word).expect("it is right"));
        (0..=1000).filter(|code| codes.has(*code)).collect()
    }

    #[test]
    fn words_replace_extend_and_reduce() {
        assert_eq!(made(Codes::ERRORS, &["220", "+300-302,310", "-301-305"]), [220, 300, 310]);
        assert_eq!(made(Codes::FAILURES, &["-500-599", "+501"]), [501]);
        assert!(!Codes::FAILURES.has(501) && Codes::FAILURES.has(503) && !Codes::FAILURES.has(499));
    }

    #[test]
    fn what_is_no_range_is_told() {
        for word in ["", "99", "600", "x", "404-400", "+", "400,,401"] {
            assert!(Codes::ERRORS.clone().change(word).is_err(), "{word}");
        }
    }
}
