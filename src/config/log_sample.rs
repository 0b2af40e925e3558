//! Which lines of every so many a log target gets, as HAProxy writes it and YAML after it (HAProxy manual §4.2, `log`).

use crate::model::log::Sample;

/// Reads `1,3-4:10`: of every ten lines the first, the third and the fourth.
///
/// # Errors
/// What is wrong with it.
pub fn parse(text: &str) -> Result<Sample, String> {
    let (ranges, size) = text.split_once(':').ok_or_else(|| format!("missing sample size in '{text}'"))?;
    let size = number(size, u32::MAX).ok_or_else(|| format!("wrong sample size '{size}'"))?;
    let range = |text: &str| {
        let (low, high) = text.split_once('-').unwrap_or((text, text));
        let is_range = text.contains('-');
        let ends = number(low, size).zip(number(high, size));
        let ends = ends.filter(|(low, high)| low < high || low == high && !is_range);
        ends.ok_or_else(|| format!("wrong sample range '{text}'"))
    };
    let mut ranges = ranges.split(',').map(range).collect::<Result<Vec<_>, String>>()?;
    ranges.sort_unstable();
    if ranges.windows(2).any(|pair| pair[0].1 >= pair[1].0) {
        return Err(format!("ranges are overlapping in '{text}'"));
    }
    Ok(Sample { ranges, size })
}

fn number(text: &str, most: u32) -> Option<u32> {
    text.parse().ok().filter(|number| (1..=most).contains(number))
}

/// As it would be typed.
pub fn text(sample: &Sample) -> String {
    let range = |(low, high): &(u32, u32)| if low == high { low.to_string() } else { format!("{low}-{high}") };
    let ranges: Vec<String> = sample.ranges.iter().map(range).collect();
    format!("{}:{}", ranges.join(","), sample.size)
}

#[cfg(test)]
mod tests {
    use super::text as text_of;
    use super::*;

    #[test]
    fn samples_have_ranges_and_a_size() {
        let of = |ranges: &[(u32, u32)], size| Ok(Sample { ranges: ranges.to_vec(), size });
        assert_eq!(parse("1:4"), of(&[(1, 1)], 4));
        assert_eq!(parse("5-7,1,3:10"), of(&[(1, 1), (3, 3), (5, 7)], 10));
        for text in ["", "1", ":4", "0:4", "5:4", "2-1:4", "1-1:4", "1-3,3:4", "a:4", "1:x", "1:0"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!(parse("5-7,1:10").map(|sample| text_of(&sample)), Ok("1,5-7:10".to_owned()));
    }
}
