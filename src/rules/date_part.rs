//! Columns that repeat a part of a date: the year, month and weekday of a calendar table, the hour of a flight.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Timelike};
use serde::{Deserialize, Serialize};

use super::{calendar, value::Value};

/// A part of a date or a point in time, as tables spell it out in a column of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum DatePart {
    Year,
    /// 1 to 4.
    Quarter,
    Month,
    Day,
    DayOfYear,
    /// Week of ISO 8601.
    Week,
    /// Sunday is 0.
    WeekdayFromSunday,
    /// Sunday is 1.
    WeekdayFromSundayOne,
    /// Monday is 0.
    WeekdayFromMonday,
    /// Monday is 1.
    WeekdayFromMondayOne,
    Hour,
    Minute,
    Second,
    /// 202401.
    YearMonth,
    /// 20240131.
    DateNumber,
    /// 1345 at 13:45.
    ClockNumber,
    /// The date of a point in time.
    Date,
    /// Midnight of the day.
    DayStart,
    HourStart,
    MonthStart,
    YearText,
    /// `01`.
    MonthText,
    /// `2024-01`.
    YearMonthText,
    /// `2024-01-31`.
    DateText,
    /// `Q1`.
    QuarterText,
    /// `Wednesday`.
    WeekdayName,
    /// `Wed`.
    WeekdayShort,
    /// `January`.
    MonthName,
    /// `Jan`.
    MonthShort,
}

impl DatePart {
    /// All of them. Of two that agree on some rows, the plainer one comes first.
    pub const ALL: [Self; 29] = [
        Self::Year,
        Self::Quarter,
        Self::Month,
        Self::Day,
        Self::DayOfYear,
        Self::Week,
        Self::WeekdayFromSunday,
        Self::WeekdayFromSundayOne,
        Self::WeekdayFromMonday,
        Self::WeekdayFromMondayOne,
        Self::Hour,
        Self::Minute,
        Self::Second,
        Self::YearMonth,
        Self::DateNumber,
        Self::ClockNumber,
        Self::Date,
        Self::DayStart,
        Self::HourStart,
        Self::MonthStart,
        Self::YearText,
        Self::MonthText,
        Self::YearMonthText,
        Self::DateText,
        Self::QuarterText,
        Self::WeekdayName,
        Self::WeekdayShort,
        Self::MonthName,
        Self::MonthShort,
    ];

    /// The part of a date or a point in time; null of null, `None` for a value that has no such part (infinity).
    #[must_use]
    pub fn of(self, value: &Value) -> Option<Value> {
        let moment: NaiveDateTime = match value {
            Value::Null => return Some(Value::Null),
            Value::Date(days) => calendar::date(*days)?.and_time(NaiveTime::MIN),
            Value::Timestamp(micros) => DateTime::from_timestamp_micros(*micros)?.naive_utc(),
            _ => return None,
        };
        let day = moment.date();
        let (year, month) = (day.year(), day.month());
        let weekday = day.weekday();
        let start = |date: NaiveDate, hour: u32| match value {
            Value::Date(_) => Some(days(date)).map(Value::Date),
            _ => Some(Value::Timestamp(date.and_hms_opt(hour, 0, 0)?.and_utc().timestamp_micros())),
        };
        let number = match self {
            Self::Year => i64::from(year),
            Self::Quarter => i64::from(day.month0() / 3 + 1),
            Self::Month => i64::from(month),
            Self::Day => i64::from(day.day()),
            Self::DayOfYear => i64::from(day.ordinal()),
            Self::Week => i64::from(day.iso_week().week()),
            Self::WeekdayFromSunday => i64::from(weekday.num_days_from_sunday()),
            Self::WeekdayFromSundayOne => i64::from(weekday.number_from_sunday()),
            Self::WeekdayFromMonday => i64::from(weekday.num_days_from_monday()),
            Self::WeekdayFromMondayOne => i64::from(weekday.number_from_monday()),
            Self::Hour => i64::from(moment.hour()),
            Self::Minute => i64::from(moment.minute()),
            Self::Second => i64::from(moment.second()),
            Self::YearMonth => i64::from(year) * 100 + i64::from(month),
            Self::DateNumber => i64::from(year) * 10_000 + i64::from(month * 100 + day.day()),
            Self::ClockNumber => i64::from(moment.hour() * 100 + moment.minute()),
            Self::Date => return Some(Value::Date(days(day))),
            Self::DayStart => return start(day, 0),
            Self::HourStart => return start(day, moment.hour()),
            Self::MonthStart => return start(day.with_day(1)?, 0),
            Self::YearText => return text(&moment, "%Y"),
            Self::MonthText => return text(&moment, "%m"),
            Self::YearMonthText => return text(&moment, "%Y-%m"),
            Self::DateText => return text(&moment, "%Y-%m-%d"),
            Self::QuarterText => return Some(Value::Text(format!("Q{}", day.month0() / 3 + 1))),
            Self::WeekdayName => return text(&moment, "%A"),
            Self::WeekdayShort => return text(&moment, "%a"),
            Self::MonthName => return text(&moment, "%B"),
            Self::MonthShort => return text(&moment, "%b"),
        };
        Some(Value::Integer(number))
    }

    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Year | Self::YearText => "year",
            Self::Quarter | Self::QuarterText => "quarter",
            Self::Month | Self::MonthText | Self::MonthName | Self::MonthShort => "month",
            Self::Day => "day",
            Self::DayOfYear => "day of the year",
            Self::Week => "week",
            Self::WeekdayFromSunday
            | Self::WeekdayFromSundayOne
            | Self::WeekdayFromMonday
            | Self::WeekdayFromMondayOne
            | Self::WeekdayName
            | Self::WeekdayShort => "weekday",
            Self::Hour => "hour",
            Self::Minute => "minute",
            Self::Second => "second",
            Self::YearMonth | Self::YearMonthText => "year and month",
            Self::DateNumber | Self::Date | Self::DateText => "date",
            Self::ClockNumber => "time of day",
            Self::DayStart => "start of the day",
            Self::HourStart => "start of the hour",
            Self::MonthStart => "start of the month",
        }
    }
}

fn days(date: NaiveDate) -> i32 {
    date.signed_duration_since(NaiveDate::default()).num_days() as i32
}

fn text(moment: &NaiveDateTime, format: &str) -> Option<Value> {
    Some(Value::Text(moment.format(format).to_string()))
}

#[cfg(test)]
mod tests {
    use super::{DatePart, Value};

    /// 2024-02-29 13:45:10, a Thursday.
    const MOMENT: Value = Value::Timestamp(1_709_214_310_000_000);

    #[test]
    fn parts_are_those_of_the_calendar() {
        let of = |part: DatePart| part.of(&MOMENT).unwrap();
        let numbers = [
            (DatePart::Year, 2024),
            (DatePart::Quarter, 1),
            (DatePart::DayOfYear, 60),
            (DatePart::Week, 9),
            (DatePart::WeekdayFromSunday, 4),
            (DatePart::WeekdayFromSundayOne, 5),
            (DatePart::WeekdayFromMonday, 3),
            (DatePart::WeekdayFromMondayOne, 4),
            (DatePart::YearMonth, 202_402),
            (DatePart::DateNumber, 20_240_229),
            (DatePart::ClockNumber, 1345),
        ];
        for (part, number) in numbers {
            assert_eq!(of(part), Value::Integer(number), "{part:?}");
        }
        let texts = [
            (DatePart::MonthText, "02"),
            (DatePart::DateText, "2024-02-29"),
            (DatePart::QuarterText, "Q1"),
            (DatePart::WeekdayName, "Thursday"),
            (DatePart::MonthShort, "Feb"),
        ];
        for (part, text) in texts {
            assert_eq!(of(part), Value::Text(text.to_owned()), "{part:?}");
        }
        assert_eq!(of(DatePart::Date), Value::Date(19_782));
        assert_eq!(of(DatePart::HourStart), Value::Timestamp(1_709_211_600_000_000));
        assert_eq!(DatePart::MonthStart.of(&Value::Date(19_782)), Some(Value::Date(19_754)));
    }

    #[test]
    fn what_is_no_date_has_no_part() {
        assert_eq!(DatePart::Year.of(&Value::Null), Some(Value::Null));
        assert_eq!(DatePart::Year.of(&Value::Date(i32::MAX)), None);
        assert_eq!(DatePart::Year.of(&Value::Integer(7)), None);
    }
}
