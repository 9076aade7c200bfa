//! Days, weekdays and times of day as numbers and as text.

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta};

/// Microseconds of a day.
pub(super) const DAY_MICROS: i64 = 86_400_000_000;

/// The weekday of a day number (days since 1970-01-01, a Thursday): Monday is 0.
pub(super) fn weekday(day: i64) -> usize {
    (day.rem_euclid(7) + 3) as usize % 7
}

/// The first and the last day of the decade of a day, where a calendar has it.
pub(super) fn decade(day: i64) -> Option<(i64, i64)> {
    let first = date_of(day)?.year().div_euclid(10) * 10;
    let start =
        |year| Some((NaiveDate::from_ymd_opt(year, 1, 1)? - NaiveDate::from_ymd_opt(1970, 1, 1)?).num_days());
    Some((start(first)?, start(first + 10)? - 1))
}

fn date_of(day: i64) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(1970, 1, 1)?.checked_add_signed(TimeDelta::try_days(day)?)
}

/// ISO text of a day number.
pub(super) fn date_text(day: i64) -> String {
    date_of(day).map_or_else(|| format!("day {day}"), |date| date.to_string())
}

/// Clock text of microseconds since midnight.
pub(super) fn time_text(micros: i64) -> String {
    let (sign, size) = if micros < 0 { ("-", micros.unsigned_abs()) } else { ("", micros.unsigned_abs()) };
    let seconds = size / 1_000_000;
    let text = format!("{sign}{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if size % 1_000_000 == 0 { text } else { format!("{text}.{:06}", size % 1_000_000) }
}

/// ISO text of microseconds since 1970-01-01 00:00.
pub(super) fn timestamp_text(micros: i64) -> String {
    DateTime::from_timestamp_micros(micros)
        .map_or_else(|| format!("microsecond {micros}"), |time| time.naive_utc().to_string())
}

/// Units a span of time may be counted in, in microseconds: an hour down to one.
const UNITS: [i64; 7] = [3_600_000_000, 900_000_000, 60_000_000, 1_000_000, 1_000, 10, 1];

/// The largest unit all of `micros` are whole numbers of.
pub(super) fn unit_of(micros: impl Iterator<Item = i64> + Clone) -> i64 {
    UNITS.into_iter().find(|unit| micros.clone().all(|micros| micros % unit == 0)).unwrap_or(1)
}
