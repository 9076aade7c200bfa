//! Dates and times inside documents, in the one layout a place uses.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta};
use serde::{Deserialize, Serialize};

/// Share of the texts that must be of one layout.
const SHARE: f64 = 0.99;

/// How a point in time is written: `2024-03-01`, `2024-03-01T10:00:00.000Z`, `2024-03-01 10:00:00+00`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Layout {
    /// The day only.
    Day,
    /// Day and time of day; `digits` of a second (`None`: as many as needed), then a fixed zone.
    Moment { separator: char, digits: Option<usize>, zone: String },
}

/// What a text says: microseconds since 1970 in its own zone.
struct Read {
    micros: i64,
    layout: Layout,
    digits: usize,
}

fn read(text: &str) -> Option<Read> {
    let day = NaiveDate::parse_from_str(text.get(..10)?, "%Y-%m-%d").ok()?;
    let midnight = day.and_time(NaiveTime::MIN).and_utc().timestamp_micros();
    let rest = text.get(10..)?;
    let Some(separator) = rest.chars().next() else {
        return Some(Read { micros: midnight, layout: Layout::Day, digits: 0 });
    };
    if !matches!(separator, 'T' | ' ') {
        return None;
    }
    let clock = NaiveTime::parse_from_str(rest.get(1..9)?, "%H:%M:%S").ok()?;
    let rest = rest.get(9..)?;
    let (fraction, zone) = match rest.strip_prefix('.') {
        Some(more) => more.split_at(more.find(|c: char| !c.is_ascii_digit()).unwrap_or(more.len())),
        None => ("", rest),
    };
    let zoned = zone.is_empty()
        || zone == "Z"
        || (zone.starts_with(['+', '-'])
            && zone.len() <= 6
            && zone[1..].chars().all(|c| c.is_ascii_digit() || c == ':'));
    if !zoned || fraction.len() > 9 {
        return None;
    }
    let micros: i64 = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
    let since = clock.signed_duration_since(NaiveTime::MIN).num_microseconds()?;
    let layout = Layout::Moment { separator, digits: Some(fraction.len()), zone: zone.to_owned() };
    Some(Read { micros: midnight + since + micros, layout, digits: fraction.len() })
}

impl Layout {
    /// Finds the layout that nearly all texts have.
    pub(super) fn fit(texts: &[&str]) -> Option<Self> {
        let all: Vec<Read> = texts.iter().filter_map(|text| read(text)).collect();
        let first = all.first()?;
        let layout = match &first.layout {
            Self::Moment { separator, zone, .. } if all.iter().any(|read| read.digits != first.digits) => {
                Self::Moment { separator: *separator, digits: None, zone: zone.clone() }
            }
            same => same.clone(),
        };
        let fitting = all.iter().filter(|read| layout.holds(&read.layout)).count();
        (fitting as f64 >= SHARE * texts.len() as f64).then_some(layout)
    }

    fn holds(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Moment { separator, digits, zone },
                Self::Moment { separator: other_separator, digits: other_digits, zone: other_zone },
            ) => {
                separator == other_separator
                    && zone == other_zone
                    && (digits.is_none() || digits == other_digits)
            }
            (Self::Day, Self::Day) => true,
            _ => false,
        }
    }

    /// Microseconds since 1970 of a text of this layout.
    pub(super) fn parse(&self, text: &str) -> Option<i64> {
        read(text).filter(|read| self.holds(&read.layout)).map(|read| read.micros)
    }

    /// Writes microseconds since 1970.
    pub(super) fn print(&self, micros: i64) -> String {
        let time = DateTime::from_timestamp_micros(micros).unwrap_or_default().naive_utc();
        match self {
            Self::Day => time.format("%Y-%m-%d").to_string(),
            Self::Moment { separator, digits, zone } => {
                let mut text = format!("{}{separator}{}", time.format("%Y-%m-%d"), time.format("%H:%M:%S"));
                let fraction = format!("{:06}000", micros.rem_euclid(1_000_000));
                let fraction = match digits {
                    Some(digits) => &fraction[..*digits.min(&9)],
                    None => fraction.trim_end_matches('0'),
                };
                if !fraction.is_empty() {
                    text.push('.');
                    text.push_str(fraction);
                }
                text.push_str(zone);
                text
            }
        }
    }
}

/// Microseconds since 1970 of a day number.
pub(super) fn day_micros(day: i32) -> i64 {
    TimeDelta::days(i64::from(day)).num_microseconds().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::Layout;

    #[test]
    fn layouts_come_back_as_they_were_written() {
        for text in [
            "2024-02-29",
            "2024-02-29T10:11:12Z",
            "2024-02-29 10:11:12.5+00",
            "1969-12-31T23:59:59.999+02:00",
            "0999-01-01 00:00:00",
        ] {
            let layout = Layout::fit(&[text]).unwrap();
            assert_eq!(layout.print(layout.parse(text).unwrap()), text);
        }
        assert_eq!(Layout::fit(&["2024-02-30"]), None);
        assert_eq!(Layout::fit(&["2024-02-29x"]), None);
        assert_eq!(Layout::fit(&[]), None);
    }
}
