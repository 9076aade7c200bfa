//! Single values that nested texts hold, as what of them may be learned: times of day, amounts, log positions; of
//! identifiers, addresses and raw bytes only that they are there, and how long.

use rand::RngExt;
use serde_json::{Map, Value, json};

use crate::seed::Stream;

/// Longest run of bytes written.
const BYTES_MAX: u64 = 1 << 16;

/// Microseconds and zone of `12:34:56.7`, `12:34:56+05:30`.
pub(super) fn clock_parts(text: &str) -> Option<(i64, &str)> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, ':' | '.'))).unwrap_or(text.len());
    let (clock, zone) = text.split_at(end);
    if !zone.is_empty() && !zone.starts_with(['+', '-', 'Z']) {
        return None;
    }
    let mut parts = clock.splitn(3, ':');
    let (hours, minutes, seconds) = (parts.next()?, parts.next()?, parts.next().unwrap_or("0"));
    let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
    let whole =
        (hours.parse::<i64>().ok()? * 60 + minutes.parse::<i64>().ok()?) * 60 + whole.parse::<i64>().ok()?;
    let fraction: i64 = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
    Some((whole * 1_000_000 + fraction, zone))
}

/// A time of day in units of so many microseconds, with its zone.
pub(super) fn read_clock(text: &str, unit: i64) -> Option<Value> {
    let (micros, zone) = clock_parts(text)?;
    let mut parts = Map::new();
    parts.insert("clock".to_owned(), Value::from(micros / unit.max(1)));
    if !zone.is_empty() {
        parts.insert("zone".to_owned(), Value::from(zone));
    }
    Some(Value::Object(parts))
}

/// The text of a time of day. A zoned one without a zone is at UTC.
pub(super) fn print_clock(value: &Value, unit: i64, zoned: bool) -> String {
    let clock = value.get("clock").and_then(Value::as_i64).unwrap_or(0);
    let micros = clock.saturating_mul(unit.max(1)).clamp(0, 86_400_000_000);
    let zone = value.get("zone").and_then(Value::as_str).unwrap_or(if zoned { "+00" } else { "" });
    format!("{}{zone}", clock_text(micros))
}

/// Microseconds since midnight as text, without zeros at the end.
pub(super) fn clock_text(micros: i64) -> String {
    let seconds = micros / 1_000_000;
    let mut text = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if micros % 1_000_000 != 0 {
        text.push_str(format!(".{:06}", micros % 1_000_000).trim_end_matches('0'));
    }
    text
}

/// That a hardware address is there.
pub(super) fn read_hardware(text: &str, bytes: usize) -> Option<Value> {
    let digits = text.chars().filter(char::is_ascii_hexdigit).count();
    let clean = text.chars().all(|c| c.is_ascii_hexdigit() || matches!(c, ':' | '-' | '.'));
    (clean && digits == 2 * bytes).then(|| json!({}))
}

/// A locally administered unicast address. Source: IEEE 802, the U/L and I/G bits of the first byte.
pub(super) fn print_hardware(bytes: usize, random: &mut Stream) -> String {
    let mut all: Vec<u8> = (0..bytes).map(|_| random.random()).collect();
    if let Some(first) = all.first_mut() {
        *first = (*first & 0xfc) | 0x02;
    }
    all.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
}

/// That a UUID is there.
pub(super) fn read_uuid(text: &str) -> Option<Value> {
    let digits = text.chars().filter(char::is_ascii_hexdigit).count();
    let clean = text.chars().all(|c| c.is_ascii_hexdigit() || matches!(c, '-' | '{' | '}'));
    (clean && digits == 32).then(|| json!({}))
}

/// A random UUID, version 4. Source: RFC 9562, section 5.4.
pub(super) fn print_uuid(random: &mut Stream) -> String {
    let bits = random.random::<u128>() & !(0xf << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    let hex = format!("{bits:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// The length of raw bytes in the server's hexadecimal form.
pub(super) fn read_bytes(text: &str) -> Option<Value> {
    let digits = text.strip_prefix("\\x")?;
    let clean = digits.len() % 2 == 0 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    clean.then(|| json!({ "length": digits.len() / 2 }))
}

/// Random bytes of a length.
pub(super) fn print_bytes(value: &Value, random: &mut Stream) -> String {
    let length =
        value.get("length").and_then(Value::as_i64).unwrap_or(0).max(0).cast_unsigned().min(BYTES_MAX);
    let digits: String = (0..length).map(|_| format!("{:02x}", random.random::<u8>())).collect();
    format!("\\x{digits}")
}

/// Cents of an amount of money: `$1,234.50`, `-$0.05`.
pub(super) fn read_money(text: &str) -> Option<Value> {
    let negative = text.starts_with(['-', '(']);
    let number: String = text.chars().filter(|c| c.is_ascii_digit() || *c == '.').collect();
    if number.is_empty() {
        return None;
    }
    let (whole, cents) = number.split_once('.').unwrap_or((&number, ""));
    let all: i64 = format!("{whole}{cents:0<2}").get(..whole.len() + 2)?.parse().ok()?;
    Some(Value::from(if negative { -all } else { all }))
}

/// An amount of cents, as any server reads it.
pub(super) fn print_money(value: &Value) -> String {
    let cents = value.as_i64().unwrap_or(0);
    let sign = if cents < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", cents.unsigned_abs() / 100, cents.unsigned_abs() % 100)
}

/// A position in the write-ahead log, `16/B374D848`, as a number.
pub(super) fn read_position(text: &str) -> Option<Value> {
    let (high, low) = text.split_once('/')?;
    let (high, low) = (u64::from_str_radix(high, 16).ok()?, u64::from_str_radix(low, 16).ok()?);
    i64::try_from(high.checked_mul(1 << 32)?.checked_add(low)?).ok().map(Value::from)
}

/// The text of a position.
pub(super) fn print_position(value: &Value) -> String {
    let number = value.as_i64().unwrap_or(0).max(0);
    format!("{:X}/{:X}", number >> 32, number & 0xffff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    #[test]
    fn times_amounts_and_positions_come_back() {
        for (text, unit) in
            [("12:34:56.789", 1000), ("24:00:00", 1_000_000), ("00:00:01+05:30", 1), ("10:00:00-08", 1)]
        {
            let zoned = text.contains(['+', '-']);
            assert_eq!(print_clock(&read_clock(text, unit).unwrap(), unit, zoned), text);
        }
        assert_eq!(print_money(&read_money("-$1,234.50").unwrap()), "-1234.50");
        assert_eq!(print_money(&read_money("$0.05").unwrap()), "0.05");
        assert_eq!(print_position(&read_position("16/B374D848").unwrap()), "16/B374D848");
        assert_eq!(read_clock("soon", 1), None);
        assert_eq!(read_money("abc"), None);
    }

    #[test]
    fn nothing_of_an_address_or_of_bytes_is_kept() {
        let mut random = Seed(1).stream("scalar", 0);
        assert_eq!(read_hardware("08:00:2b:01:02:03", 6).unwrap(), serde_json::json!({}));
        assert!(read_hardware(&print_hardware(8, &mut random), 8).is_some());
        assert!(read_uuid(&print_uuid(&mut random)).is_some());
        assert_eq!(read_bytes("\\x00ff5c").unwrap(), serde_json::json!({ "length": 3 }));
        assert_eq!(print_bytes(&serde_json::json!({ "length": 3 }), &mut random).len(), 8);
    }
}
