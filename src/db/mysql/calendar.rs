//! Dates and times between MySQL's text and our integers, without a calendar library in the inner loop.

use std::fmt::Write as _;

pub(super) const MICROS_PER_SECOND: i64 = 1_000_000;
const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;

/// Days since 1970-01-01 of a proleptic Gregorian date.
///
/// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The inverse of `days_from_civil`; same source.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted_month + 2) / 5 + 1)
}

/// The server's date of zeros, which no calendar has: a value of its own, before all others.
const ZERO_DATE: &str = "0000-00-00";
/// Its place among days and among points in time.
pub(super) const ZERO_DAY: i32 = i32::MIN;
pub(super) const ZERO_TIMESTAMP: i64 = i64::MIN;

/// Reads `2024-02-29`; `None` for dates with some zero part.
pub(super) fn read_date(text: &str) -> Option<i32> {
    if text == ZERO_DATE {
        return Some(ZERO_DAY);
    }
    let mut parts = text.splitn(3, '-').map(str::parse::<i64>);
    let (year, month, day) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    let days = days_from_civil(year, month, day);
    // A round trip refuses 2024-02-30 as well.
    (civil_from_days(days) == (year, month, day) && year > 0).then(|| i32::try_from(days).ok()).flatten()
}

/// Reads `[-]HHH:MM:SS[.ffffff]` as microseconds.
pub(super) fn read_time(text: &str) -> Option<i64> {
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut parts = whole.splitn(3, ':').map(str::parse::<i64>);
    let (hours, minutes, seconds) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    let mut micros = (hours * 3_600 + minutes * 60 + seconds) * MICROS_PER_SECOND;
    if !fraction.is_empty() {
        micros += format!("{fraction:0<6}").get(..6)?.parse::<i64>().ok()?;
    }
    Some(if negative { -micros } else { micros })
}

/// Reads `2024-02-29 12:00:00.5` as microseconds since 1970.
pub(super) fn read_timestamp(text: &str) -> Option<i64> {
    let (date, time) = text.split_once([' ', 'T']).unwrap_or((text, "00:00:00"));
    if date == ZERO_DATE {
        return (read_time(time)? == 0).then_some(ZERO_TIMESTAMP);
    }
    Some(i64::from(read_date(date)?) * MICROS_PER_DAY + read_time(time)?)
}

/// Writes a date.
pub(super) fn write_date(days: i64, out: &mut String) {
    if days == i64::from(ZERO_DAY) {
        out.push_str(ZERO_DATE);
        return;
    }
    let (year, month, day) = civil_from_days(days);
    let _ = write!(out, "{year:04}-{month:02}-{day:02}");
}

/// Writes a time of day (or duration) with `digits` after the second; more are cut off, never rounded up.
pub(super) fn write_time(micros: i64, digits: usize, out: &mut String) {
    if micros < 0 {
        out.push('-');
    }
    let micros = micros.unsigned_abs();
    let seconds = micros / 1_000_000;
    let _ = write!(out, "{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if digits > 0 {
        let fraction = micros % 1_000_000 / 10_u64.pow(6 - digits.min(6) as u32);
        let _ = write!(out, ".{fraction:0digits$}");
    }
}

/// Writes a point in time with `digits` after the second.
pub(super) fn write_timestamp(micros: i64, digits: usize, out: &mut String) {
    if micros == ZERO_TIMESTAMP {
        out.push_str(ZERO_DATE);
        out.push_str(" 00:00:00");
        return;
    }
    write_date(micros.div_euclid(MICROS_PER_DAY), out);
    out.push(' ');
    write_time(micros.rem_euclid(MICROS_PER_DAY), digits, out);
}
