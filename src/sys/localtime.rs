//! Local time, for log lines.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A moment in the host's time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalTime {
    /// Year, such as 2026.
    pub year: i32,
    /// 0-11.
    pub month: usize,
    /// 1-31.
    pub day: i32,
    /// 0-23.
    pub hour: i32,
    /// 0-59.
    pub minute: i32,
    /// 0-60.
    pub second: i32,
}

impl LocalTime {
    /// As HAProxy's lines have it: `21/Nov/2026:22:19:25`.
    pub fn dated(&self) -> String {
        let LocalTime { year, month, day, hour, minute, second } = self;
        format!("{day:02}/{}/{year}:{hour:02}:{minute:02}:{second:02}", MONTHS[*month])
    }
}

/// English names of the months, as every log format wants them.
pub const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The local time of a point since 1970.
pub fn local(since_1970: Duration) -> LocalTime {
    let seconds = libc::time_t::try_from(since_1970.as_secs()).unwrap_or(libc::time_t::MAX);
    // SAFETY: `tm` is plain integers and a pointer, for which zero is a valid value.
    let mut broken: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are valid for the call, and localtime_r keeps neither.
    unsafe { libc::localtime_r(&raw const seconds, &raw mut broken) };
    LocalTime {
        year: broken.tm_year + 1900,
        month: usize::try_from(broken.tm_mon).unwrap_or(0).min(11),
        day: broken.tm_mday,
        hour: broken.tm_hour,
        minute: broken.tm_min,
        second: broken.tm_sec,
    }
}

/// Seconds east of Greenwich and the zone's name (`CET`) at a moment in seconds since 1970. Each thread remembers the answer
/// of the second that it asked for last: the C library takes a lock for every question.
pub fn zone(seconds: i64) -> (i32, &'static str) {
    type Answer = (i64, (i32, &'static str));
    thread_local! {
        static LAST: Cell<Option<Answer>> = const { Cell::new(None) };
    }
    match LAST.get() {
        Some((known, zone)) if known == seconds => zone,
        _ => {
            let zone = ask_for_zone(seconds);
            LAST.set(Some((seconds, zone)));
            zone
        }
    }
}

fn ask_for_zone(seconds: i64) -> (i32, &'static str) {
    static NAMES: Mutex<Vec<&'static str>> = Mutex::new(Vec::new());
    // SAFETY: `tm` is plain integers and a pointer, for which zero is a valid value.
    let mut broken: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are valid for the call, and localtime_r keeps neither.
    let found = unsafe { libc::localtime_r(&raw const seconds, &raw mut broken) };
    if found.is_null() || broken.tm_zone.is_null() {
        return (0, "UTC");
    }
    // SAFETY: localtime_r has set it to a string of the C library that ends in NUL; it is copied at once.
    let name = unsafe { std::ffi::CStr::from_ptr(broken.tm_zone) }.to_str().unwrap_or("");
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    let known = names.iter().copied().find(|known| *known == name);
    let offset = i32::try_from(broken.tm_gmtoff).unwrap_or(0);
    // A zone has a handful of names; each is kept once.
    let keep = || -> &'static str { Box::leak(name.into()) };
    let name = known.unwrap_or_else(|| {
        let kept = keep();
        names.push(kept);
        kept
    });
    (offset, name)
}

/// `Sat, 21 Nov 2026 14:55:03 +0100`, the date of RFC 5322 §3.3.
pub fn rfc5322(since_1970: Duration) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    let at = local(since_1970);
    let seconds = i64::try_from(since_1970.as_secs()).unwrap_or(i64::MAX);
    let (offset, _) = zone(seconds);
    // 1 January 1970 was a Thursday.
    let day = (seconds.saturating_add(i64::from(offset))).div_euclid(86_400).rem_euclid(7);
    let day = DAYS[usize::try_from(day).unwrap_or(0)];
    let sign = if offset < 0 { '-' } else { '+' };
    let (hours, minutes) = (offset.abs() / 3600, offset.abs() / 60 % 60);
    let (month, year) = (MONTHS[at.month], at.year);
    let (hour, minute, second) = (at.hour, at.minute, at.second);
    format!("{day}, {} {month} {year} {hour:02}:{minute:02}:{second:02} {sign}{hours:02}{minutes:02}", at.day)
}
