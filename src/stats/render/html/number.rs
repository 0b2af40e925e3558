//! Numbers and times as people read them.

use std::time::Duration;

/// Digits in groups of three, apart by narrow spaces.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 2);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

/// `517 B`, `3.4 kB`, `12 MB`: three digits at most.
pub fn bytes(number: u64) -> String {
    let mut value = number as f64;
    for unit in ["B", "kB", "MB", "GB", "TB"] {
        if value < 999.5 {
            let decimals = usize::from(value < 9.95 && unit != "B");
            return format!("{value:.decimals$}\u{202f}{unit}");
        }
        value /= 1000.0;
    }
    format!("{value:.0}\u{202f}PB")
}

/// The two largest units that fit: `3d4h`, `12m05s`, `8s`.
pub fn age(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..=59 => format!("{seconds}s"),
        60..=3599 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3600..=86_399 => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d{}h", seconds / 86_400, seconds / 3600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1\u{202f}000", "1\u{202f}234\u{202f}567"]);
        let sizes = [0, 999, 1000, 34_567, 12_345_678, 999_999].map(|number| bytes(number).replace('\u{202f}', " "));
        assert_eq!(sizes, ["0 B", "999 B", "1.0 kB", "35 kB", "12 MB", "1.0 MB"]);
        assert_eq!(
            [8, 725, 11_000, 273_600].map(|seconds| age(Duration::from_secs(seconds))),
            ["8s", "12m05s", "3h03m", "3d4h"]
        );
    }
}
