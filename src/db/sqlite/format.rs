//! Dates and times as SQLite applications write them: as text, each in a layout of its own.
//!
//! A layout is shown (and kept in the schema) as a pattern: `YYYY-MM-DD hh:mm:ss`, `YYYY-MM-DDThh:mm:ss.fffZ`.
//! `[.ffffff]` is a fraction left out when zero (Python), `<.ffffff>` one without trailing zeros (Go).

use std::fmt;

use chrono::{Datelike as _, NaiveDate};

const MICROS_PER_SECOND: i64 = 1_000_000;
/// Microseconds of a day.
pub(super) const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;
/// Days from 0001-01-01 to 1970-01-01, as chrono counts them.
const EPOCH_DAY: i32 = 719_163;

/// How the fraction of a second is written; digits after the point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fraction {
    /// Always that many digits; 0 for no fraction.
    Fixed(usize),
    /// That many digits, or nothing if they are all zero.
    OmittedAtZero(usize),
    /// At most that many digits, without trailing zeros.
    Trimmed(usize),
}

/// The part of a layout that shows the time of day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Clock {
    pub(super) seconds: bool,
    pub(super) fraction: Fraction,
}

/// A layout of dates, times or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    /// What stands between year, month and day, if there is a date.
    pub(super) date: Option<char>,
    /// What stands between date and time, if there are both.
    pub(super) separator: Option<char>,
    pub(super) clock: Option<Clock>,
    /// What follows: `Z`, `+00:00`, ` UTC` or nothing.
    pub(super) suffix: String,
}

/// A text read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) layout: Layout,
    year: i32,
    month: u32,
    day: u32,
    micros: i64,
    offset_seconds: i64,
}

impl Layout {
    /// The layout used where the source shows none.
    pub(super) fn usual(date: bool, clock: bool) -> Self {
        Self {
            date: date.then_some('-'),
            separator: (date && clock).then_some(' '),
            clock: clock.then_some(Clock { seconds: true, fraction: Fraction::Fixed(0) }),
            suffix: String::new(),
        }
    }

    /// Reads a pattern as [`fmt::Display`] writes it.
    pub(super) fn parse(pattern: &str) -> Option<Self> {
        let mut rest = pattern;
        let mut date = None;
        if let Some(after) = rest.strip_prefix("YYYY") {
            let mark = after.chars().next()?;
            rest = after.strip_prefix(&format!("{mark}MM{mark}DD"))?;
            date = Some(mark);
        }
        let Some(clock_at) = rest.find("hh:mm") else {
            return Some(Self { date, separator: None, clock: None, suffix: rest.to_owned() });
        };
        let separator = rest[..clock_at].chars().next();
        rest = &rest[clock_at + "hh:mm".len()..];
        let seconds = rest.strip_prefix(":ss");
        rest = seconds.unwrap_or(rest);
        let digits = rest.chars().filter(|character| *character == 'f').count();
        let fraction = match rest.chars().next() {
            Some('.') => Fraction::Fixed(digits),
            Some('[') => Fraction::OmittedAtZero(digits),
            Some('<') => Fraction::Trimmed(digits),
            _ => Fraction::Fixed(0),
        };
        let suffix = rest.trim_start_matches(['[', '<', '.', 'f', ']', '>']).to_owned();
        Some(Self { date, separator, clock: Some(Clock { seconds: seconds.is_some(), fraction }), suffix })
    }

    /// The offset from UTC that the suffix states, in seconds.
    pub(super) fn offset_seconds(&self) -> i64 {
        read_suffix(&self.suffix).unwrap_or(0)
    }

    /// Writes a day (days since 1970-01-01), a time of day in microseconds, or both.
    pub(super) fn write(&self, days: i64, micros: i64) -> Option<String> {
        let mut text = String::with_capacity(32);
        if let Some(mark) = self.date {
            let day =
                NaiveDate::from_num_days_from_ce_opt(i32::try_from(days).ok()?.checked_add(EPOCH_DAY)?)?;
            text = format!("{:04}{mark}{:02}{mark}{:02}", day.year(), day.month(), day.day());
        }
        if let Some(clock) = &self.clock {
            let seconds = micros / MICROS_PER_SECOND;
            let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
            text.extend(self.separator);
            text += &format!("{hour:02}:{minute:02}");
            if clock.seconds {
                text += &format!(":{second:02}");
            }
            text += &clock.fraction.write(micros % MICROS_PER_SECOND);
        }
        Some(text + &self.suffix)
    }
}

impl Fraction {
    fn digits(self) -> usize {
        match self {
            Self::Fixed(digits) | Self::OmittedAtZero(digits) | Self::Trimmed(digits) => digits,
        }
    }

    fn write(self, micros: i64) -> String {
        let digits = self.digits();
        let mut text = format!("{micros:06}");
        while text.len() < digits {
            text.push('0');
        }
        text.truncate(digits);
        let zero = text.bytes().all(|digit| digit == b'0');
        match self {
            _ if digits == 0 => String::new(),
            Self::OmittedAtZero(_) | Self::Trimmed(_) if zero => String::new(),
            Self::Trimmed(_) => format!(".{}", text.trim_end_matches('0')),
            Self::Fixed(_) | Self::OmittedAtZero(_) => format!(".{text}"),
        }
    }

    /// The one rule that explains the numbers of digits seen in a column.
    pub(super) fn explain(mut digits: Vec<usize>) -> Self {
        digits.sort_unstable();
        digits.dedup();
        match digits[..] {
            [] => Self::Fixed(0),
            [only] => Self::Fixed(only),
            [0, other] => Self::OmittedAtZero(other),
            [.., most] => Self::Trimmed(most),
        }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(mark) = self.date {
            write!(f, "YYYY{mark}MM{mark}DD")?;
        }
        if let Some(clock) = &self.clock {
            if let Some(separator) = self.separator {
                write!(f, "{separator}")?;
            }
            write!(f, "hh:mm{}", if clock.seconds { ":ss" } else { "" })?;
            let digits = "f".repeat(clock.fraction.digits());
            match clock.fraction {
                Fraction::Fixed(0) => {}
                Fraction::Fixed(_) => write!(f, ".{digits}")?,
                Fraction::OmittedAtZero(_) => write!(f, "[.{digits}]")?,
                Fraction::Trimmed(_) => write!(f, "<.{digits}>")?,
            }
        }
        f.write_str(&self.suffix)
    }
}

impl Moment {
    /// Reads any known layout; the values may still be impossible (a month 13), see [`Moment::days`].
    pub(super) fn read(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let mut moment = Self {
            layout: Layout { date: None, separator: None, clock: None, suffix: String::new() },
            year: 1970,
            month: 1,
            day: 1,
            micros: 0,
            offset_seconds: 0,
        };
        let mut at = 0;
        if let (Some(year), Some(mark @ (b'-' | b'/'))) = (number(bytes, 0, 4), bytes.get(4).copied()) {
            moment.year = i32::try_from(year).ok()?;
            moment.month = u32::try_from(number(bytes, 5, 2)?).ok()?;
            moment.day = u32::try_from(number(bytes, 8, 2)?).ok()?;
            if bytes.get(7) != Some(&mark) {
                return None;
            }
            moment.layout.date = Some(char::from(mark));
            at = 10;
            match bytes.get(at) {
                None => return Some(moment),
                Some(mark @ (b' ' | b'T' | b't')) => moment.layout.separator = Some(char::from(*mark)),
                Some(_) => return None,
            }
            at += 1;
        }
        let (hour, minute) = (number(bytes, at, 2)?, number(bytes, at + 3, 2)?);
        if bytes.get(at + 2) != Some(&b':') {
            return None;
        }
        at += 5;
        let mut clock = Clock { seconds: false, fraction: Fraction::Fixed(0) };
        let mut second = 0;
        let mut micros = 0;
        if bytes.get(at) == Some(&b':') {
            second = number(bytes, at + 1, 2)?;
            clock.seconds = true;
            at += 3;
            if bytes.get(at) == Some(&b'.') {
                let digits = bytes[at + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
                if !(1..=9).contains(&digits) {
                    return None;
                }
                let kept = digits.min(6);
                micros = number(bytes, at + 1, kept)? * 10_i64.pow(6 - u32::try_from(kept).ok()?);
                clock.fraction = Fraction::Fixed(digits);
                at += 1 + digits;
            }
        }
        if hour > 24 || minute > 59 || second > 60 {
            return None;
        }
        moment.micros = ((hour * 60 + minute) * 60 + second) * MICROS_PER_SECOND + micros;
        moment.layout.clock = Some(clock);
        moment.layout.suffix = text.get(at..)?.to_owned();
        moment.offset_seconds = read_suffix(&moment.layout.suffix)?;
        Some(moment)
    }

    /// Days since 1970-01-01; `None` if there is no such day.
    pub(super) fn days(&self) -> Option<i64> {
        let day = NaiveDate::from_ymd_opt(self.year, self.month, self.day)?;
        Some(i64::from(day.num_days_from_ce() - EPOCH_DAY))
    }

    /// Microseconds since midnight.
    pub(super) fn micros_of_day(&self) -> i64 {
        self.micros
    }

    /// Microseconds since 1970-01-01 00:00, moved from the offset it states to `offset_seconds`.
    pub(super) fn timestamp(&self, offset_seconds: i64) -> Option<i64> {
        let shift = (offset_seconds - self.offset_seconds) * MICROS_PER_SECOND;
        Some(self.days()? * MICROS_PER_DAY + self.micros + shift)
    }
}

fn number(bytes: &[u8], from: usize, length: usize) -> Option<i64> {
    let digits = bytes.get(from..from + length)?;
    let all = digits.iter().all(u8::is_ascii_digit);
    all.then(|| digits.iter().fold(0, |value, digit| value * 10 + i64::from(digit - b'0')))
}

/// Seconds east of UTC that a suffix states; `None` if it is none we know.
fn read_suffix(suffix: &str) -> Option<i64> {
    if matches!(suffix, "" | "Z" | "z" | " UTC" | " Z") {
        return Some(0);
    }
    let offset = suffix.strip_prefix(' ').unwrap_or(suffix);
    let sign = match offset.bytes().next()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits: String = offset[1..].replacen(':', "", 1);
    let digits = digits.strip_suffix(" UTC").unwrap_or(&digits);
    let hours = number(digits.as_bytes(), 0, 2)?;
    let minutes = match digits.len() {
        2 => 0,
        4 => number(digits.as_bytes(), 2, 2)?,
        _ => return None,
    };
    Some(sign * (hours * 60 + minutes) * 60)
}

#[cfg(test)]
mod tests {
    use super::{Fraction, Layout, MICROS_PER_DAY, Moment};

    #[test]
    fn a_text_comes_back_as_it_was_in_every_layout() {
        for text in [
            "2009-01-31",
            "2009/01/31",
            "2009-01-31 23:59:58",
            "2009-01-31T23:59:58Z",
            "2009-01-31T23:59:58.120Z",
            "2009-01-31 23:59:58.123456+00:00",
            "2009-01-31 23:59:58.123456000 +0000 UTC",
            "2009-01-31 23:59",
            "23:59:58.5",
            "1899-12-31T00:00:00-05:00",
        ] {
            let moment = Moment::read(text).unwrap();
            let layout = Layout::parse(&moment.layout.to_string()).unwrap();

            assert_eq!(layout, moment.layout, "{text}");
            let written = layout.write(moment.days().unwrap(), moment.micros_of_day());
            assert_eq!(written.as_deref(), Some(text));
        }
    }

    #[test]
    fn what_is_no_date_is_not_read() {
        for text in ["", "n/a", "2009-1-31", "31.01.2009", "2009-01-31 25:00", "2009-01-31 later", "20090131"]
        {
            assert_eq!(Moment::read(text), None, "{text}");
        }
        assert_eq!(Moment::read("2009-02-30").unwrap().days(), None);
        assert_eq!(Moment::read("0000-00-00").unwrap().days(), None);
    }

    #[test]
    fn an_offset_moves_the_moment() {
        let east = Moment::read("1970-01-02T01:00:00+01:00").unwrap();

        assert_eq!(east.timestamp(0), Some(MICROS_PER_DAY));
        assert_eq!(east.timestamp(3600), Some(MICROS_PER_DAY + 3_600_000_000));
    }

    #[test]
    fn fractions_follow_the_rule_of_the_column() {
        let write = |fraction: Fraction| [0, 500_000, 123_456].map(|micros| fraction.write(micros));

        assert_eq!(write(Fraction::Fixed(3)), [".000", ".500", ".123"]);
        assert_eq!(write(Fraction::explain(vec![6, 0])), ["", ".500000", ".123456"]);
        assert_eq!(write(Fraction::explain(vec![0, 1, 6])), ["", ".5", ".123456"]);
    }
}
