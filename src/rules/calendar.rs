//! Dates and times between numbers, fields and text.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike};

use super::{expression::DateField, value::Value};

/// Microseconds of a day.
pub(super) const DAY_MICROS: i64 = 86_400_000_000;

const EPOCH: NaiveDate = NaiveDate::from_ymd_opt(1970, 1, 1).expect("a valid day");

pub(super) fn date(days: i32) -> Option<NaiveDate> {
    EPOCH.checked_add_signed(TimeDelta::try_days(i64::from(days))?)
}

pub(super) fn timestamp(micros: i64) -> Option<NaiveDateTime> {
    DateTime::from_timestamp_micros(micros).map(|time| time.naive_utc())
}

pub(super) fn time(micros: i64) -> Option<NaiveTime> {
    let seconds = u32::try_from(micros.div_euclid(1_000_000)).ok()?;
    NaiveTime::from_num_seconds_from_midnight_opt(seconds, micros.rem_euclid(1_000_000) as u32 * 1000)
}

/// Reads `2020-01-31`.
pub(super) fn parse_date(text: &str) -> Option<i32> {
    let date = NaiveDate::parse_from_str(text.get(..10)?, "%Y-%m-%d").ok()?;
    i32::try_from(date.signed_duration_since(EPOCH).num_days()).ok()
}

/// Reads `2020-01-31`, `2020-01-31 12:00:00`, with fraction, `T` and a UTC offset of hours.
pub(super) fn parse_timestamp(text: &str) -> Option<i64> {
    let text = text.trim().replacen('T', " ", 1);
    let text = text.trim_end_matches('Z').trim_end_matches("+00").trim_end_matches("+00:00");
    if text.len() == 10 {
        return Some(i64::from(parse_date(text)?) * DAY_MICROS);
    }
    let time = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f")
        .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M"))
        .ok()?;
    Some(time.and_utc().timestamp_micros())
}

/// Reads `12:30`, `12:30:15.5`.
pub(super) fn parse_time(text: &str) -> Option<i64> {
    let time = NaiveTime::parse_from_str(text, "%H:%M:%S%.f")
        .or_else(|_| NaiveTime::parse_from_str(text, "%H:%M"))
        .ok()?;
    Some(i64::from(time.num_seconds_from_midnight()) * 1_000_000 + i64::from(time.nanosecond() / 1000))
}

/// A field of a date, time or timestamp; text is read as a timestamp first.
pub(super) fn field(field: DateField, value: &Value) -> Option<Value> {
    let moment = match value {
        Value::Date(days) => date(*days)?.and_hms_opt(0, 0, 0)?,
        Value::Timestamp(micros) => timestamp(*micros)?,
        Value::Time(micros) => EPOCH.and_time(time(*micros)?),
        Value::Text(text) => timestamp(parse_timestamp(text)?)?,
        _ => return None,
    };
    Some(Value::Integer(match field {
        DateField::Year => i64::from(moment.year()),
        DateField::Quarter => i64::from(moment.month0() / 3 + 1),
        DateField::Month => i64::from(moment.month()),
        DateField::Day => i64::from(moment.day()),
        DateField::DayOfYear => i64::from(moment.ordinal()),
        DateField::Weekday => i64::from(moment.weekday().num_days_from_sunday()),
        DateField::IsoWeekday => i64::from(moment.weekday().number_from_monday()),
        DateField::Hour => i64::from(moment.hour()),
        DateField::Minute => i64::from(moment.minute()),
        DateField::Second => {
            let micros = moment.nanosecond() / 1000;
            return Some(Value::Float(f64::from(moment.second()) + f64::from(micros) / 1e6));
        }
        DateField::Epoch => return Some(Value::Float(moment.and_utc().timestamp_micros() as f64 / 1e6)),
    }))
}

/// Microseconds of an interval of fixed length: `1 day`, `02:30:00`, `1 day 02:00:00`. `None` with months or years,
/// whose length differs.
pub(super) fn parse_span(text: &str) -> Option<i64> {
    let mut total = 0_i64;
    let mut number: Option<i64> = None;
    for word in text.split_whitespace() {
        if word.contains(':') {
            let (sign, clock) = word.strip_prefix('-').map_or((1, word), |clock| (-1, clock));
            total = total.checked_add(sign * parse_time(clock)?)?;
        } else if let Ok(value) = word.parse() {
            number = Some(value);
        } else {
            let unit = match word.trim_end_matches('s') {
                "week" => 7 * DAY_MICROS,
                "day" => DAY_MICROS,
                "hour" => 3_600_000_000,
                "min" | "minute" => 60_000_000,
                "sec" | "second" => 1_000_000,
                _ => return None,
            };
            total = total.checked_add(number.take()?.checked_mul(unit)?)?;
        }
    }
    (number.is_none() && !text.trim().is_empty()).then_some(total)
}
