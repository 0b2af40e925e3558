//! Days, months and years of seconds since 1970, in the proleptic Gregorian calendar.

use std::io::Write as _;

pub(super) const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A moment taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Civil {
    pub(super) year: i64,
    /// 1-12
    pub(super) month: i64,
    /// 1-31
    pub(super) day: i64,
    pub(super) hour: i64,
    pub(super) minute: i64,
    pub(super) second: i64,
    /// 0 is Sunday.
    pub(super) weekday: i64,
    /// 1-366
    pub(super) yearday: i64,
}

/// Days since 1970-01-01 of a date (Howard Hinnant's days_from_civil).
pub(super) fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year - era * 400;
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

impl Civil {
    /// Of seconds since 1970. Beyond a million years the clock stops.
    pub(super) fn of(seconds: i64) -> Civil {
        let seconds = seconds.clamp(-31_556_952_000_000, 31_556_952_000_000);
        let days = seconds.div_euclid(86_400);
        let time = seconds.rem_euclid(86_400);
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let index = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * index + 2) / 5 + 1;
        let month = if index < 10 { index + 3 } else { index - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Civil {
            year,
            month,
            day,
            hour: time / 3600,
            minute: time / 60 % 60,
            second: time % 60,
            weekday: (days + 4).rem_euclid(7),
            yearday: days - days_of(year, 1, 1) + 1,
        }
    }

    pub(super) fn day_name(self) -> &'static str {
        usize::try_from(self.weekday).ok().and_then(|at| DAYS.get(at)).copied().unwrap_or_default()
    }

    pub(super) fn month_name(self) -> &'static str {
        usize::try_from(self.month - 1).ok().and_then(|at| MONTHS.get(at)).copied().unwrap_or_default()
    }

    /// Year and week of ISO 8601: weeks start on Monday, the first one has the year's first Thursday.
    pub(super) fn iso_week(self) -> (i64, i64) {
        let thursday = days_of(self.year, self.month, self.day) + 3 - (self.weekday + 6) % 7;
        let thursday = Civil::of(thursday * 86_400);
        (thursday.year, (thursday.yearday - 1) / 7 + 1)
    }
}

/// Appends an IMF-fixdate (RFC 9110 §5.6.7), with a fraction where one is given.
pub(super) fn write_http_date(out: &mut Vec<u8>, seconds: i64, fraction: Option<i64>) {
    let date = Civil::of(seconds);
    let Civil { day, year, hour, minute, second, .. } = date;
    let (weekday, month) = (&date.day_name()[..3], &date.month_name()[..3]);
    // Writing to a Vec cannot fail.
    let _ = write!(out, "{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02}");
    if let Some(fraction) = fraction {
        let _ = write!(out, ".{fraction}");
    }
    out.extend_from_slice(b" GMT");
}

/// Reads a date of an HTTP field: IMF-fixdate, RFC 850 or asctime.
pub(super) fn parse_http_date(text: &str) -> Option<i64> {
    let words: Vec<&str> = text.split([' ', '-', ',']).filter(|word| !word.is_empty()).collect();
    let (day, month, year, time) = match words[..] {
        [_, day, month, year, time, "GMT"] => (day, month, year, time),
        [_, month, day, time, year] => (day, month, year, time),
        _ => return None,
    };
    let month = MONTHS.iter().position(|name| name[..3].eq_ignore_ascii_case(month))? + 1;
    let day = day.parse().ok().filter(|day| (1..=31).contains(day))?;
    let year = match year.parse::<i64>().ok()? {
        year @ 0..70 if words[2].len() == 3 && words[3].len() == 2 => year + 2000,
        year @ 70..100 if words[3].len() == 2 => year + 1900,
        year @ 1970..=9999 => year,
        _ => return None,
    };
    let mut parts = time.split(':').map(|part| part.parse::<i64>().ok().filter(|part| (0..=60).contains(part)));
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some() || hour > 23 || minute > 59 {
        return None;
    }
    Some(days_of(year, i64::try_from(month).ok()?, day) * 86_400 + hour * 3600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms_of_a_date_are_one_moment() {
        for text in ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"] {
            assert_eq!(parse_http_date(text), Some(784_111_777), "{text}");
        }
        for text in ["", "x", "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 06 Nov 1994 25:49:37 GMT"] {
            assert_eq!(parse_http_date(text), None, "{text}");
        }
    }

    #[test]
    fn dates_survive_there_and_back() {
        for seconds in (-4_000_000_000_i64..8_000_000_000).step_by(12_345_677) {
            let Civil { year, month, day, hour, minute, second, .. } = Civil::of(seconds);
            assert_eq!(days_of(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second, seconds);
        }
    }

    #[test]
    fn iso_weeks_turn_with_their_thursday() {
        let week = |year, month, day| Civil::of(days_of(year, month, day) * 86_400).iso_week();
        assert_eq!(week(2001, 9, 9), (2001, 36));
        assert_eq!(week(2005, 1, 1), (2004, 53));
        assert_eq!(week(2008, 12, 29), (2009, 1));
        assert_eq!(week(2010, 1, 3), (2009, 53));
        assert_eq!(week(2012, 12, 31), (2013, 1));
        assert_eq!(week(2026, 12, 31), (2026, 53));
    }
}
