//! Durations, ranges, network addresses and bit strings in a server's text form.

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::{distinct, pattern, quantiles::Quantiles};
use crate::{
    privacy::{Guard, Kept},
    seed::Stream,
};

/// Durations: months, days and seconds apart, as Postgres keeps them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct IntervalShape {
    months: Quantiles,
    days: Quantiles,
    seconds: Quantiles,
}

impl IntervalShape {
    pub(super) fn fit(values: &[&str], guard: Guard<'_>) -> Self {
        let read = values.iter().enumerate();
        let parsed: Vec<(usize, [f64; 3])> =
            read.filter_map(|(row, value)| Some((row, parse_interval(value)?))).collect();
        let part = |index: usize| {
            Quantiles::fit(parsed.iter().map(|(row, parts)| (*row, parts[index])), guard)
                .unwrap_or_else(|| Quantiles::constant(0.0))
        };
        Self { months: part(0), days: part(1), seconds: part(2) }
    }

    pub(super) fn write(&self, index: Option<u64>, random: &mut Stream) -> String {
        let months = self.months.draw(random).round() as i64;
        let days = self.days.draw(random).round() as i64;
        let seconds = match index {
            Some(index) => index as i64,
            None => self.seconds.draw(random).round() as i64,
        };
        let mut parts = Vec::new();
        if months != 0 {
            parts.push(format!("{months} mons"));
        }
        if days != 0 {
            parts.push(format!("{days} days"));
        }
        if seconds != 0 || parts.is_empty() {
            let sign = if seconds < 0 { "-" } else { "" };
            let all = seconds.unsigned_abs();
            parts.push(format!("{sign}{:02}:{:02}:{:02}", all / 3600, all / 60 % 60, all % 60));
        }
        parts.join(" ")
    }
}

/// Reads `1 year 2 mons 3 days 04:05:06`.
fn parse_interval(text: &str) -> Option<[f64; 3]> {
    let (mut months, mut days, mut seconds) = (0.0, 0.0, 0.0);
    let mut number: Option<f64> = None;
    for word in text.split_whitespace() {
        if let Ok(value) = word.parse::<f64>() {
            number = Some(value);
        } else if word.contains(':') {
            let sign = if word.starts_with('-') { -1.0 } else { 1.0 };
            let parts: Option<Vec<f64>> =
                word.trim_start_matches(['-', '+']).split(':').map(|part| part.parse().ok()).collect();
            seconds += sign
                * parts?.into_iter().rev().zip([1.0, 60.0, 3600.0]).map(|(p, unit)| p * unit).sum::<f64>();
        } else {
            let value = number.take()?;
            match word.trim_end_matches('s') {
                "year" => months += 12.0 * value,
                "mon" | "month" => months += value,
                "week" => days += 7.0 * value,
                "day" => days += value,
                "hour" => seconds += 3600.0 * value,
                "min" | "minute" => seconds += 60.0 * value,
                "sec" | "second" => seconds += value,
                _ => return None,
            }
        }
    }
    Some([months, days, seconds])
}

/// What a range runs over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Bound {
    Whole,
    Decimal,
    Day,
    Moment,
}

/// Ranges: where they begin and how long they are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct RangeShape {
    bound: Bound,
    /// True for a multirange: a list of ranges in braces.
    many: bool,
    low: Quantiles,
    width: Quantiles,
}

impl RangeShape {
    pub(super) fn fit(native_type: &str, values: &[&str], guard: Guard<'_>) -> Self {
        let native = native_type.to_ascii_lowercase();
        let bound = if native.starts_with("date") {
            Bound::Day
        } else if native.starts_with("ts") {
            Bound::Moment
        } else if native.starts_with("num") {
            Bound::Decimal
        } else {
            Bound::Whole
        };
        let parsed: Vec<(usize, (f64, f64))> = values
            .iter()
            .enumerate()
            .filter_map(|(row, value)| {
                let inner = value.trim_matches(['[', ']', '(', ')', '{', '}']);
                let (low, high) = inner.split_once(',')?;
                let read = |text: &str| bound.read(text.trim().trim_matches('"'));
                Some((row, (read(low)?, read(high)?)))
            })
            .collect();
        let default = if matches!(bound, Bound::Day | Bound::Moment) { 1_600_000_000.0 } else { 1.0 };
        let low = Quantiles::fit(parsed.iter().map(|(row, (low, _))| (*row, *low)), guard);
        let widths = parsed.iter().map(|(row, (low, high))| (*row, (high - low).max(0.0)));
        let width = Quantiles::fit(widths, guard);
        Self {
            bound,
            many: native.contains("multirange"),
            low: low.unwrap_or_else(|| Quantiles::constant(default)),
            width: width.unwrap_or_else(|| Quantiles::constant(86_400.0)),
        }
    }

    /// What it keeps of the source; a range has so many entities behind it.
    pub(super) fn kept(&self, least: u32) -> Vec<Kept> {
        vec![self.low.kept(least, &|number| self.bound.show(number))]
    }

    /// With an `index`, ranges that do not even overlap (exclusion constraints).
    pub(super) fn write(&self, index: Option<u64>, random: &mut Stream) -> String {
        let width = self.width.draw(random).max(self.bound.step());
        let low = match index {
            Some(index) => {
                let widest = self.width.largest().max(self.bound.step()) + self.bound.step();
                self.low.median() + index as f64 * widest
            }
            None => self.low.draw(random),
        };
        let range = format!("[{},{})", self.bound.show(low), self.bound.show(low + width));
        if self.many { format!("{{{range}}}") } else { range }
    }
}

impl Bound {
    fn read(self, text: &str) -> Option<f64> {
        match self {
            Self::Whole | Self::Decimal => text.parse().ok(),
            Self::Day => pattern::parse_date(text, "%Y-%m-%d").map(|seconds| seconds as f64),
            Self::Moment => {
                let text = text.get(..19)?;
                pattern::parse_date(text, "%Y-%m-%d %H:%M:%S").map(|seconds| seconds as f64)
            }
        }
    }

    fn step(self) -> f64 {
        match self {
            Self::Whole | Self::Moment => 1.0,
            Self::Decimal => 0.01,
            Self::Day => 86_400.0,
        }
    }

    fn show(self, value: f64) -> String {
        match self {
            Self::Whole => format!("{}", value.round() as i64),
            Self::Decimal => format!("{value:.2}"),
            Self::Day => day(value),
            Self::Moment => format!("\"{}\"", moment(value).format("%Y-%m-%d %H:%M:%S")),
        }
    }
}

/// A point in time from seconds since 1970; 1970 itself if out of range.
pub(super) fn moment(seconds: f64) -> NaiveDateTime {
    DateTime::from_timestamp(seconds as i64, 0).map(|time| time.naive_utc()).unwrap_or_default()
}

fn day(seconds: f64) -> String {
    let date: NaiveDate = moment(seconds).date();
    date.format("%Y-%m-%d").to_string()
}

/// Network addresses, all private or reserved for documentation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct AddressShape {
    kind: AddressKind,
    /// Share of the addresses that are IPv6.
    six: f64,
    /// Share of the addresses with a prefix length.
    prefixed: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AddressKind {
    Host,
    Network,
    Hardware,
    LongHardware,
}

impl AddressShape {
    pub(super) fn fit(native_type: &str, values: &[&str]) -> Self {
        let native = native_type.to_ascii_lowercase();
        let kind = match native.as_str() {
            native if native.contains("macaddr8") => AddressKind::LongHardware,
            native if native.contains("mac") => AddressKind::Hardware,
            native if native.contains("cidr") => AddressKind::Network,
            _ => AddressKind::Host,
        };
        let by_type = if native.contains("inet6") { 1.0 } else { 0.0 };
        let six = if values.is_empty() { by_type } else { pattern::share(values, |text| text.contains(':')) };
        // A cast to text writes /32 or /128 after a lone host, which Postgres itself never shows.
        let network = |text: &str| text.contains('/') && !text.ends_with("/32") && !text.ends_with("/128");
        Self { kind, six, prefixed: pattern::share(values, network) }
    }

    pub(super) fn write(&self, index: Option<u64>, random: &mut Stream) -> String {
        let number = index.map_or_else(
            || random.random_range(0..1_u64 << 24),
            |i| distinct::permute(i % (1 << 24), 1 << 24),
        );
        let [_, _, _, _, _, a, b, c] = number.to_be_bytes();
        match self.kind {
            // The second bit says: locally administered, no maker's number.
            AddressKind::Hardware => format!("02:00:00:{a:02x}:{b:02x}:{c:02x}"),
            AddressKind::LongHardware => format!("02:00:00:00:00:{a:02x}:{b:02x}:{c:02x}"),
            AddressKind::Network if self.six > 0.5 => format!("2001:db8:{a:x}{b:02x}:{c:x}::/64"),
            AddressKind::Network if index.is_some() => format!("10.{a}.{b}.{c}/32"),
            AddressKind::Network => format!("10.{a}.{b}.0/24"),
            AddressKind::Host => {
                let six = random.random_bool(self.six.clamp(0.0, 1.0));
                let address =
                    if six { format!("2001:db8::{a:x}:{b:x}{c:02x}") } else { format!("10.{a}.{b}.{c}") };
                let prefixed = random.random_bool(self.prefixed.clamp(0.0, 1.0));
                match (prefixed && index.is_none(), six) {
                    (true, true) => format!("{address}/64"),
                    (true, false) => format!("{address}/24"),
                    _ => address,
                }
            }
        }
    }
}

/// Bit strings: how long, and how many ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct BitsShape {
    length: Quantiles,
    /// Share of ones per place, the last entry for all places after it.
    ones: Vec<f64>,
}

impl BitsShape {
    pub(super) fn fit(length: Option<u32>, values: &[&str], guard: Guard<'_>) -> Self {
        let observed = Quantiles::fit(values.iter().map(|value| value.len() as f64).enumerate(), guard);
        let fixed = length.map(|length| Quantiles::constant(f64::from(length)));
        let places = values.iter().map(|value| value.len()).max().unwrap_or(1).clamp(1, 256);
        let share = |place: usize| {
            let seen: Vec<&str> = values.iter().filter_map(|value| value.get(place..=place)).collect();
            let few = !guard.enough((0..values.len()).filter(|row| values[*row].len() > place));
            if seen.is_empty() || few { 0.5 } else { pattern::share(&seen, |bit| bit == "1") }
        };
        Self {
            // A fixed type takes its length only; a varying one (`bit varying(8)`) shows shorter values.
            length: match (fixed, observed) {
                (_, Some(observed)) => observed,
                (Some(fixed), None) => fixed,
                (None, None) => Quantiles::constant(1.0),
            },
            ones: (0..places).map(share).collect(),
        }
    }

    pub(super) fn write(&self, index: Option<u64>, random: &mut Stream) -> String {
        let length = self.length.draw_count(random);
        (0..length)
            .map(|place| {
                let share = self.ones.get(place).or(self.ones.last()).copied().unwrap_or(0.5);
                let drawn = random.random_bool(share.clamp(0.0, 1.0));
                let from_end = length - 1 - place;
                let one = match index {
                    Some(index) if from_end < 64 => index >> from_end & 1 == 1,
                    Some(_) => false,
                    None => drawn,
                };
                if one { '1' } else { '0' }
            })
            .collect()
    }
}
