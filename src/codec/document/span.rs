//! Durations, ranges and network addresses: texts as the parts they are made of.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rand::RngExt;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{codec::calendar::unit_of, schema::DataType, seed::Stream};

use super::{
    moment::Layout,
    scalar::{clock_parts, clock_text},
};

/// Months, days and microseconds of a duration: `1 year 2 mons 3 days -04:05:06.7`.
pub(super) fn read_interval(text: &str) -> Option<[i64; 3]> {
    let (mut months, mut days, mut micros) = (0_i64, 0_i64, 0_i64);
    let mut number: Option<f64> = None;
    for word in text.split_whitespace() {
        if let Ok(value) = word.parse::<f64>() {
            number = Some(value);
        } else if word.contains(':') {
            let sign = if word.starts_with('-') { -1.0 } else { 1.0 };
            let parts: Option<Vec<f64>> =
                word.trim_start_matches(['-', '+']).split(':').map(|part| part.parse().ok()).collect();
            let parts = parts.filter(|parts| parts.len() == 3)?;
            let seconds = (parts[0] * 60.0 + parts[1]) * 60.0;
            micros += (sign * (seconds * 1e6 + (parts[2] * 1e6).round())) as i64;
        } else {
            let value = number.take()?;
            match word.trim_end_matches('s') {
                "year" => months += (12.0 * value).round() as i64,
                "mon" | "month" => months += value.round() as i64,
                "week" => days += (7.0 * value).round() as i64,
                "day" => days += value.round() as i64,
                "hour" => micros += (3.6e9 * value).round() as i64,
                "min" | "minute" => micros += (6e7 * value).round() as i64,
                "sec" | "second" => micros += (1e6 * value).round() as i64,
                _ => return None,
            }
        }
    }
    number.is_none().then_some([months, days, micros])
}

/// A duration as Postgres prints it.
pub(super) fn print_interval([months, days, micros]: [i64; 3]) -> String {
    let mut parts = Vec::new();
    let mut add = |value: i64, name: &str| {
        if value != 0 {
            let plural = if value == 1 { "" } else { "s" };
            parts.push(format!("{value} {name}{plural}"));
        }
    };
    add(months / 12, "year");
    add(months % 12, "mon");
    add(days, "day");
    if micros != 0 || parts.is_empty() {
        let sign = if micros < 0 { "-" } else { "" };
        let size = micros.unsigned_abs();
        let (seconds, fraction) = (size / 1_000_000, size % 1_000_000);
        let mut clock = format!("{sign}{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
        if fraction != 0 {
            clock.push_str(format!(".{fraction:06}").trim_end_matches('0'));
        }
        parts.push(clock);
    }
    parts.join(" ")
}

/// What a range runs over, and in which steps its width is counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Axis {
    /// Numbers, in units of the last of so many digits.
    Number { decimals: u32 },
    /// Days.
    Day,
    /// Points in time of this layout; widths in units of so many microseconds.
    Moment { layout: Layout, unit: i64 },
    /// Times of day, in units of so many microseconds.
    Clock { unit: i64 },
    /// Values of any other type: both ends as they are, where enough rows share them.
    Any,
}

/// Ends and bounds of one range: `[1,5)`, `(,2024-01-01]`, `empty` (no ends at all).
struct Ends<'a> {
    low: &'a str,
    high: &'a str,
    bounds: String,
}

fn ends(text: &str) -> Option<Ends<'_>> {
    let open = text.chars().next().filter(|c| matches!(c, '[' | '('))?;
    let close = text.chars().last().filter(|c| matches!(c, ']' | ')'))?;
    let (low, high) = text.get(1..text.len() - 1)?.split_once(',')?;
    Some(Ends { low: low.trim_matches('"'), high: high.trim_matches('"'), bounds: format!("{open}{close}") })
}

/// The single ranges of a multirange `{[1,2),[5,6)}`.
fn singles(text: &str) -> Option<Vec<&str>> {
    let inner = text.strip_prefix('{')?.strip_suffix('}')?;
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, character) in inner.char_indices() {
        match character {
            '[' | '(' => start = at,
            ']' | ')' => parts.push(inner.get(start..=at)?),
            _ => {}
        }
    }
    Some(parts)
}

impl Axis {
    /// Finds what ranges over a type run over; `None` if that cannot be seen.
    pub(super) fn fit(subtype: &DataType, values: &[&str], many: bool) -> Option<Self> {
        let all: Vec<&str> = values
            .iter()
            .flat_map(|text| if many { singles(text).unwrap_or_default() } else { vec![*text] })
            .collect();
        let pairs: Vec<(&str, &str)> =
            all.iter().filter_map(|text| ends(text)).map(|e| (e.low, e.high)).collect();
        let shown = || pairs.iter().flat_map(|(low, high)| [*low, *high]).filter(|end| !end.is_empty());
        Some(match subtype {
            DataType::Integer { .. } | DataType::Decimal { .. } | DataType::Float { .. } => {
                let digits = |end: &str| end.split_once('.').map_or(0, |(_, digits)| digits.len() as u32);
                Self::Number { decimals: shown().map(digits).max().unwrap_or(0).min(9) }
            }
            DataType::Date => Self::Day,
            DataType::Timestamp { .. } => {
                let finite: Vec<&str> = shown().filter(|end| !end.ends_with("infinity")).collect();
                let layout = Layout::fit(&finite)?;
                let widths: Vec<i64> = pairs
                    .iter()
                    .filter_map(|(low, high)| Some(layout.parse(high)? - layout.parse(low)?))
                    .collect();
                Self::Moment { layout, unit: unit_of(widths.iter().copied()) }
            }
            DataType::Time => {
                let clocks: Vec<i64> = shown().filter_map(|end| Some(clock_parts(end)?.0)).collect();
                Self::Clock { unit: unit_of(clocks.iter().copied()) }
            }
            _ => Self::Any,
        })
    }

    /// A place on the axis as a number of steps.
    fn steps(&self, text: &str) -> Option<i64> {
        match self {
            Self::Number { decimals } => {
                let (whole, digits) = text.split_once('.').unwrap_or((text, ""));
                if digits.len() > *decimals as usize {
                    return None;
                }
                format!("{whole}{digits:0<width$}", width = *decimals as usize).parse().ok()
            }
            Self::Day => Layout::Day.parse(text).map(|micros| micros / 86_400_000_000),
            Self::Moment { layout, .. } => layout.parse(text),
            Self::Clock { unit } => Some(clock_parts(text)?.0 / (*unit).max(1)),
            Self::Any => None,
        }
    }

    fn show(&self, steps: i64) -> String {
        match self {
            Self::Number { decimals: 0 } => steps.to_string(),
            Self::Number { decimals } => {
                let unit = 10_u64.pow(*decimals);
                let sign = if steps < 0 { "-" } else { "" };
                let size = steps.unsigned_abs();
                format!("{sign}{}.{:0width$}", size / unit, size % unit, width = *decimals as usize)
            }
            Self::Day => Layout::Day.print(steps.saturating_mul(86_400_000_000)),
            Self::Moment { layout, .. } => format!("\"{}\"", layout.print(steps)),
            Self::Clock { unit } => clock_text(steps.saturating_mul((*unit).max(1)).clamp(0, 86_400_000_000)),
            Self::Any => String::new(),
        }
    }

    fn unit(&self) -> i64 {
        if let Self::Moment { unit, .. } = self { (*unit).max(1) } else { 1 }
    }

    /// Where a range begins: a date for its calendar, else a number.
    fn place(&self, steps: i64) -> Value {
        match self {
            Self::Number { .. } | Self::Clock { .. } | Self::Any => Value::from(steps),
            Self::Day => Value::from(Layout::Day.print(steps.saturating_mul(86_400_000_000))),
            Self::Moment { layout, .. } => Value::from(layout.print(steps)),
        }
    }

    fn placed(&self, value: &Value) -> Option<i64> {
        value.as_i64().or_else(|| self.steps(value.as_str()?))
    }

    /// One range as bounds, place and width; an unbounded end is not there.
    pub(super) fn read(&self, text: &str) -> Option<Value> {
        if text == "empty" {
            return Some(Value::from("empty"));
        }
        if *self == Self::Any {
            return Some(Value::from(text));
        }
        let Ends { low, high, bounds } = ends(text)?;
        let known = |end: &str| (!end.is_empty() && !end.ends_with("infinity")).then(|| self.steps(end));
        let mut object = Map::new();
        object.insert("bounds".to_owned(), Value::from(bounds));
        match (known(low), known(high)) {
            (Some(low), Some(high)) => {
                object.insert("low".to_owned(), self.place(low?));
                object.insert("width".to_owned(), Value::from((high? - low?) / self.unit()));
            }
            (Some(low), None) => {
                object.insert("low".to_owned(), self.place(low?));
            }
            (None, Some(high)) => {
                object.insert("high".to_owned(), self.place(high?));
            }
            (None, None) => {}
        }
        Some(Value::Object(object))
    }

    pub(super) fn read_many(&self, text: &str) -> Option<Value> {
        singles(text)?.into_iter().map(|text| self.read(text)).collect::<Option<Vec<_>>>().map(Value::Array)
    }

    /// The text of a range read by [`Axis::read`].
    pub(super) fn print(&self, value: &Value) -> String {
        if let (Self::Any, Some(text)) = (self, value.as_str()) {
            return text.to_owned();
        }
        let Value::Object(object) = value else { return "empty".to_owned() };
        let at = |key: &str| object.get(key).and_then(|value| self.placed(value));
        let width = object.get("width").and_then(Value::as_i64);
        let low = at("low");
        let high = match (low, width) {
            (Some(low), Some(width)) => Some(low.saturating_add(width.max(0).saturating_mul(self.unit()))),
            (None, _) => at("high"),
            _ => None,
        };
        let bounds = object.get("bounds").and_then(Value::as_str).unwrap_or("[)");
        let mut signs = bounds.chars();
        let (open, close) = (signs.next().unwrap_or('['), signs.next().unwrap_or(')'));
        // An end that is not there cannot be included.
        let open = if low.is_none() { '(' } else { open };
        let close = if high.is_none() { ')' } else { close };
        let show = |end: Option<i64>| end.map_or_else(String::new, |end| self.show(end));
        format!("{open}{},{}{close}", show(low), show(high))
    }

    pub(super) fn print_many(&self, value: &Value) -> String {
        let parts: Vec<String> = value
            .as_array()
            .into_iter()
            .flatten()
            .map(|part| self.print(part))
            .filter(|p| p != "empty")
            .collect();
        format!("{{{}}}", parts.join(","))
    }
}

/// Family and prefix length of a network address: all that is kept of one.
pub(super) fn read_address(text: &str, network: bool) -> Option<Value> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix.parse::<u8>().ok()?)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let widest = if address.is_ipv6() { 128 } else { 32 };
    // A cast to text writes /32 or /128 after a lone host, which Postgres itself never shows.
    let prefix = prefix.filter(|prefix| network || *prefix < widest);
    Some(match prefix {
        Some(prefix) => json!({ "six": address.is_ipv6(), "prefix": prefix }),
        None => json!({ "six": address.is_ipv6() }),
    })
}

/// A private or documentation address of that family and prefix length.
pub(super) fn print_address(value: &Value, network: bool, random: &mut Stream) -> String {
    let six = value.get("six").and_then(Value::as_bool).unwrap_or(false);
    let widest = if six { 128 } else { 32 };
    let prefix = value.get("prefix").and_then(Value::as_u64).map(|prefix| prefix.min(widest) as u32);
    let low = random.random::<u64>();
    if six {
        // 2001:db8::/32 is for documentation (RFC 3849).
        let mut bits = (0x2001_0db8_u128 << 96) | (u128::from(low) << 32) >> 8;
        if let (true, Some(prefix)) = (network, prefix) {
            bits &= u128::MAX.checked_shl(128 - prefix).unwrap_or(0);
        }
        let address = Ipv6Addr::from_bits(bits);
        return prefix.map_or_else(|| address.to_string(), |prefix| format!("{address}/{prefix}"));
    }
    let mut bits = (10_u32 << 24) | (low as u32 >> 8);
    if let (true, Some(prefix)) = (network, prefix) {
        bits &= u32::MAX.checked_shl(32 - prefix).unwrap_or(0);
    }
    let address = Ipv4Addr::from_bits(bits);
    prefix.map_or_else(|| address.to_string(), |prefix| format!("{address}/{prefix}"))
}

#[cfg(test)]
mod tests {
    use super::{Axis, print_interval, read_address, read_interval};
    use crate::schema::DataType;

    #[test]
    fn intervals_print_as_postgres_does() {
        for text in
            ["1 year 2 mons 3 days 04:05:06.7", "-1 days", "00:00:00", "-00:00:01", "11 mons", "1 day"]
        {
            assert_eq!(print_interval(read_interval(text).unwrap()), text);
        }
        assert_eq!(read_interval("soon"), None);
    }

    #[test]
    fn ranges_come_back_from_their_parts() {
        let whole = DataType::Integer { min: i64::MIN, max: i64::MAX };
        let decimal = DataType::Decimal { precision: None, scale: None };
        let all = [
            (whole.clone(), vec!["[1,5)", "(,3)", "[7,)", "(,)", "empty"]),
            (decimal, vec!["[1.50,2.25]", "(-0.75,0.00]"]),
            (DataType::Date, vec!["[2024-01-01,2024-02-01)", "(,2020-02-29)"]),
            (DataType::Timestamp { zoned: false }, vec!["[\"2024-01-01 10:00:00\",\"2024-01-01 11:30:00\")"]),
            (DataType::Time, vec!["[09:00:00,17:30:00)"]),
            (DataType::Inet, vec!["[10.0.0.1,10.0.0.9]"]),
        ];
        for (subtype, values) in all {
            let axis = Axis::fit(&subtype, &values, false).unwrap();
            for text in values {
                assert_eq!(axis.print(&axis.read(text).unwrap()), text);
            }
        }
        let many = ["{[1,2),[5,9)}", "{}"];
        let axis = Axis::fit(&whole, &many, true).unwrap();
        for text in many {
            assert_eq!(axis.print_many(&axis.read_many(text).unwrap()), text);
        }
    }

    #[test]
    fn addresses_keep_family_and_prefix_only() {
        assert_eq!(
            read_address("192.168.7.9/24", false).unwrap().to_string(),
            r#"{"six":false,"prefix":24}"#
        );
        assert_eq!(read_address("::1", false).unwrap().to_string(), r#"{"six":true}"#);
        assert_eq!(read_address("192.168.7.9/32", false).unwrap().to_string(), r#"{"six":false}"#);
    }
}
