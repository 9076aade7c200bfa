//! Postgres's binary NUMERIC, to and from decimal text.
//!
//! Source: `numeric_recv` and `numeric_send` in PostgreSQL `src/backend/utils/adt/numeric.c`: base-10000 digits, the
//! weight of the first, a sign word and the count of decimals.

use bytes::BufMut;

const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xC000;
const POSITIVE_INFINITY: u16 = 0xD000;
const NEGATIVE_INFINITY: u16 = 0xF000;

/// Digits in all and after the point (left of it if negative), as declared.
pub(super) type Digits = Option<(u32, i32)>;

/// Writes a number as decimal text: with the declared decimals and no more digits than declared, or as the shortest
/// text that reads back.
pub(super) fn decimal_text(value: f64, digits: Digits) -> String {
    let Some((precision, scale)) = digits else {
        return match value {
            _ if value.is_nan() => "NaN".to_owned(),
            f64::INFINITY => "Infinity".to_owned(),
            f64::NEG_INFINITY => "-Infinity".to_owned(),
            _ => value.to_string(),
        };
    };
    if value.is_nan() {
        return "NaN".to_owned();
    }
    let places = usize::try_from(scale).unwrap_or(0);
    let mut text = format!("{:.places$}", value.clamp(f64::MIN, f64::MAX));
    if let (Ok(left), sign) = (usize::try_from(-scale), usize::from(text.starts_with('-')))
        && left > 0
    {
        // Whole hundreds, thousands …: the digits left of the scale are rounded away.
        text = rounded_left(&text[sign..], left, sign == 1);
    }
    let sign = usize::from(text.starts_with('-'));
    let whole = text[sign..].split('.').next().unwrap_or_default().trim_start_matches('0').len();
    let most = usize::try_from(i64::from(precision) - i64::from(scale)).unwrap_or(0);
    if whole <= most && (most > 0 || whole == 0) && fits_below_one(&text[sign..], precision, scale) {
        return text;
    }
    // A float cannot hold the largest value of many digits: what rounds beyond it is it.
    let nines = "9".repeat((precision as usize).min(1000));
    let sign = if sign == 1 { "-" } else { "" };
    match usize::try_from(-scale) {
        Ok(left) => format!("{sign}{nines}{}", "0".repeat(left)),
        Err(_) => {
            let padded = format!("{nines:0>width$}", width = places.max(nines.len()));
            let (whole, fraction) = padded.split_at(padded.len() - places);
            format!("{sign}{}.{fraction}", if whole.is_empty() { "0" } else { whole })
        }
    }
}

/// True unless the type has more decimals than digits (`numeric(2,4)` ends at 0.0099) and the value is too large.
fn fits_below_one(text: &str, precision: u32, scale: i32) -> bool {
    let Some((_, fraction)) = text.split_once('.').filter(|_| i64::from(scale) > i64::from(precision)) else {
        return true;
    };
    let zeros = fraction.bytes().take_while(|digit| *digit == b'0').count();
    i64::from(scale) - zeros as i64 <= i64::from(precision)
}

/// Rounds the last `left` digits of a whole number to zeros, half away from zero as the server does.
fn rounded_left(digits: &str, left: usize, negative: bool) -> String {
    let padded = format!("0{digits:0>width$}", width = left + 1);
    let (kept, cut) = padded.split_at(padded.len() - left);
    let mut kept: Vec<u8> = kept.bytes().collect();
    if cut.as_bytes()[0] >= b'5' {
        for digit in kept.iter_mut().rev() {
            if *digit == b'9' {
                *digit = b'0';
            } else {
                *digit += 1;
                break;
            }
        }
    }
    let text = String::from_utf8(kept).unwrap_or_default();
    let text = text.trim_start_matches('0');
    match (text.is_empty(), negative) {
        (true, _) => "0".to_owned(),
        (false, true) => format!("-{text}{}", "0".repeat(left)),
        (false, false) => format!("{text}{}", "0".repeat(left)),
    }
}

/// The largest whole number up to which every whole number is a float.
const EXACT: u64 = 1 << 53;
/// The largest power of ten that is a float.
const EXACT_POWER: u32 = 22;

/// Appends the binary form, without its length.
pub(super) fn put_numeric(value: f64, digits: Digits, out: &mut Vec<u8>) {
    if put_short(value, digits, out).is_some() {
        return;
    }
    let special = match (value, digits) {
        (v, _) if v.is_nan() => Some(NAN),
        (f64::INFINITY, None) => Some(POSITIVE_INFINITY),
        (f64::NEG_INFINITY, None) => Some(NEGATIVE_INFINITY),
        _ => None,
    };
    if let Some(sign) = special {
        put_header(0, 0, sign, 0, out);
        return;
    }
    let text = decimal_text(value, digits);
    let (sign, text) = text.strip_prefix('-').map_or((0, text.as_str()), |rest| (NEGATIVE, rest));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut digits = Vec::with_capacity(text.len() / 4 + 2);
    let lead = whole.len() % 4;
    if lead > 0 {
        digits.push(group(&whole.as_bytes()[..lead]));
    }
    digits.extend(whole.as_bytes()[lead..].chunks(4).map(group));
    let mut weight = digits.len() as i16 - 1;
    digits.extend(fraction.as_bytes().chunks(4).map(|chunk| {
        let missing = 4 - chunk.len() as u32;
        group(chunk) * 10_i16.pow(missing)
    }));
    let zeros = digits.iter().take_while(|digit| **digit == 0).count();
    digits.drain(..zeros);
    weight -= zeros as i16;
    while digits.last() == Some(&0) {
        digits.pop();
    }
    let (weight, sign) = if digits.is_empty() { (0, 0) } else { (weight, sign) };
    put_header(digits.len() as i16, weight, sign, fraction.len() as u16, out);
    for digit in digits {
        out.put_i16(digit);
    }
}

/// Appends the binary form of a number that has no more decimals than declared, and few enough digits for exact
/// arithmetic; does nothing for others.
fn put_short(value: f64, digits: Digits, out: &mut Vec<u8>) -> Option<()> {
    let (precision, scale) = digits?;
    let scale = u32::try_from(scale).ok().filter(|scale| *scale <= 15)?;
    let unit = 10_u64.pow(scale) as f64;
    let whole = (value.abs() * unit).round();
    // Only what reads back from this many decimals has no more of them.
    if !(whole > 0.0 && whole < EXACT as f64) || whole / unit != value.abs() {
        return None;
    }
    let most = 10_u64.checked_pow(precision).unwrap_or(u64::MAX);
    let whole = whole as u64;
    let mut rest = (whole < most).then_some(whole * 10_u64.pow((4 - scale % 4) % 4))?;
    // Least significant first: 2⁵³ with three zeros behind it has five groups.
    let mut groups = [0_i16; 5];
    let mut count = 0;
    while rest > 0 {
        groups[count] = (rest % 10_000) as i16;
        rest /= 10_000;
        count += 1;
    }
    let weight = count as i16 - scale.div_ceil(4) as i16 - 1;
    let zeros = groups[..count].iter().take_while(|group| **group == 0).count();
    put_header((count - zeros) as i16, weight, if value < 0.0 { NEGATIVE } else { 0 }, scale as u16, out);
    for group in groups[zeros..count].iter().rev() {
        out.put_i16(*group);
    }
    Some(())
}

/// Reads the binary form as the nearest float; none if it is damaged.
pub(super) fn numeric_float(bytes: &[u8]) -> Option<f64> {
    short_float(bytes).or_else(|| read_decimal(&numeric_text(bytes)?))
}

/// The float nearest to a decimal; what is too large for one is the largest.
pub(super) fn read_decimal(text: &str) -> Option<f64> {
    let value: f64 = text.parse().ok()?;
    Some(if value.is_infinite() && !text.ends_with("Infinity") { f64::MAX.copysign(value) } else { value })
}

/// The nearest float, where few digits make it the quotient of two exact ones.
fn short_float(bytes: &[u8]) -> Option<f64> {
    let (header, groups) = bytes.split_at_checked(8)?;
    let word = |place: usize| i16::from_be_bytes([header[place], header[place + 1]]);
    let (weight, sign) = (i32::from(word(2)), word(4).cast_unsigned());
    if groups.len() > 8 || sign & !NEGATIVE != 0 {
        return None;
    }
    let digits = groups.chunks_exact(2).map(|pair| u64::from(u16::from_be_bytes([pair[0], pair[1]])));
    let whole = digits.fold(0, |sum: u64, group| sum * 10_000 + group);
    let shift = 4 * (weight + 1 - groups.len() as i32 / 2);
    let power = 10_f64.powi(shift.abs());
    if whole > EXACT || shift.unsigned_abs() > EXACT_POWER {
        return None;
    }
    let value = if shift < 0 { whole as f64 / power } else { whole as f64 * power };
    Some(if sign == NEGATIVE { -value } else { value })
}

/// Reads the binary form as the server prints it; none if it is damaged.
pub(super) fn numeric_text(bytes: &[u8]) -> Option<String> {
    let word = |place: usize| Some(i16::from_be_bytes(bytes.get(place * 2..place * 2 + 2)?.try_into().ok()?));
    let (count, weight, sign, scale) =
        (word(0)?, i32::from(word(1)?), word(2)?.cast_unsigned(), usize::try_from(word(3)?).ok()?);
    match sign {
        NAN => return Some("NaN".to_owned()),
        POSITIVE_INFINITY => return Some("Infinity".to_owned()),
        NEGATIVE_INFINITY => return Some("-Infinity".to_owned()),
        _ => {}
    }
    let digits: Vec<i16> = (0..usize::try_from(count).ok()?).map(|at| word(4 + at)).collect::<Option<_>>()?;
    let digit = |place: i32| usize::try_from(place).ok().and_then(|at| digits.get(at)).copied().unwrap_or(0);
    let mut text = if sign == NEGATIVE { "-".to_owned() } else { String::new() };
    let whole: String = (0..=weight).map(|place| format!("{:04}", digit(place))).collect();
    let whole = whole.trim_start_matches('0');
    text.push_str(if whole.is_empty() { "0" } else { whole });
    if scale > 0 {
        let places = scale.div_ceil(4) as i32;
        let fraction: String = (1..=places).map(|place| format!("{:04}", digit(weight + place))).collect();
        text.push('.');
        text.push_str(fraction.get(..scale)?);
    }
    Some(text)
}

fn put_header(digits: i16, weight: i16, sign: u16, scale: u16, out: &mut Vec<u8>) {
    out.put_i16(digits);
    out.put_i16(weight);
    out.put_u16(sign);
    out.put_u16(scale);
}

fn group(digits: &[u8]) -> i16 {
    digits.iter().fold(0, |sum, digit| sum * 10 + i16::from(digit - b'0'))
}

#[cfg(test)]
mod tests {
    use super::{decimal_text, numeric_float, numeric_text, put_numeric, put_short};
    use proptest::prelude::*;

    #[test]
    fn the_binary_form_reads_back_as_the_decimal_text() {
        let cases = [0.0, 1.0, 0.1, 0.00001, 12345.6789, -10000.0, 99999999.99, 1e20, 3e-7, -0.5, 10_000.5];
        for value in cases {
            for digits in [None, Some((40, 0)), Some((40, 2)), Some((40, 9)), Some((40, -2))] {
                let mut bytes = Vec::new();
                put_numeric(value, digits, &mut bytes);
                let expected = decimal_text(value, digits);
                let expected = if expected.trim_matches(['-', '0', '.']).is_empty() {
                    expected.trim_start_matches('-').to_owned()
                } else {
                    expected
                };
                assert_eq!(numeric_text(&bytes).unwrap(), expected, "{value} with {digits:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn short_numbers_have_the_form_of_their_text(whole in -99_999_999_999_i64..=99_999_999_999, scale in 0_i32..=9) {
            let value = whole as f64 / 10_f64.powi(scale);
            let digits = Some((18, scale));
            let (mut short, mut long) = (Vec::new(), Vec::new());
            prop_assert_eq!(put_short(value, digits, &mut short).is_some(), whole != 0);
            put_numeric(value, digits, &mut long);
            prop_assert_eq!(numeric_text(&long).unwrap(), decimal_text(value, digits));
            prop_assert_eq!(numeric_float(&long), Some(value));
        }

        #[test]
        fn any_number_reads_back_as_the_float_it_was(value in -1e12_f64..1e12) {
            let mut bytes = Vec::new();
            put_numeric(value, None, &mut bytes);
            prop_assert_eq!(numeric_float(&bytes), Some(value));
            put_numeric(value, Some((30, 4)), &mut bytes);
            prop_assert!(put_short(value, Some((30, 4)), &mut bytes).is_none() || decimal_text(value, Some((30, 4))).parse() == Ok(value));
        }
    }

    #[test]
    fn no_number_has_more_digits_than_declared() {
        assert_eq!(decimal_text(1e29, Some((38, 10))), format!("{}.{}", "9".repeat(28), "9".repeat(10)));
        assert_eq!(decimal_text(-1e9, Some((5, 2))), "-999.99");
        assert_eq!(decimal_text(f64::INFINITY, Some((3, 0))), "999");
        assert_eq!(decimal_text(12_350.0, Some((3, -2))), "12400");
        assert_eq!(decimal_text(-949_999.0, Some((3, -2))), "-99900");
        assert_eq!(decimal_text(49.0, Some((3, -2))), "0");
        assert_eq!(decimal_text(0.5, Some((2, 4))), "0.0099");
        assert_eq!(decimal_text(0.0042, Some((2, 4))), "0.0042");
        assert_eq!(decimal_text(0.5, Some((2, 2))), "0.50");
        assert_eq!(decimal_text(1.0, Some((2, 2))), "0.99");
    }

    #[test]
    fn specials_have_no_digits() {
        let mut bytes = Vec::new();
        put_numeric(f64::NAN, Some((5, 2)), &mut bytes);

        assert_eq!(bytes, [0, 0, 0, 0, 0xC0, 0, 0, 0]);
        assert_eq!(numeric_text(&bytes).unwrap(), "NaN");
        assert_eq!(numeric_text(&[0, 1]), None);
    }
}
