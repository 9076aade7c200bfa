//! Postgres's binary NUMERIC from an f64.
//!
//! Source: `numeric_recv` in PostgreSQL `src/backend/utils/adt/numeric.c`: base-10000 digits, the weight of
//! the first, a sign word and the count of decimals.

use bytes::BufMut;

const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xC000;
const POSITIVE_INFINITY: u16 = 0xD000;
const NEGATIVE_INFINITY: u16 = 0xF000;

/// Writes a number as decimal text: with `scale` decimals, or as the shortest text that reads back.
pub(super) fn decimal_text(value: f64, scale: Option<i32>) -> String {
    match scale {
        _ if value.is_nan() => "NaN".to_owned(),
        _ if value.is_infinite() => if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned(),
        Some(scale) => format!("{value:.*}", usize::try_from(scale).unwrap_or(0)),
        None => value.to_string(),
    }
}

/// Appends the binary form, without its length.
pub(super) fn put_numeric(value: f64, scale: Option<i32>, out: &mut Vec<u8>) {
    let special = match value {
        v if v.is_nan() => Some(NAN),
        f64::INFINITY => Some(POSITIVE_INFINITY),
        f64::NEG_INFINITY => Some(NEGATIVE_INFINITY),
        _ => None,
    };
    if let Some(sign) = special {
        put_header(0, 0, sign, 0, out);
        return;
    }
    let text = decimal_text(value, scale);
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
    use super::{decimal_text, put_numeric};

    /// Reads the binary form back, as `numeric_out` does.
    fn read(bytes: &[u8]) -> String {
        let word = |place: usize| i16::from_be_bytes([bytes[place * 2], bytes[place * 2 + 1]]);
        let (count, weight, negative, scale) = (word(0), word(1), word(2) == 0x4000, word(3));
        let digit = |place: i16| if (0..count).contains(&place) { word(4 + place as usize) } else { 0 };
        let mut text = if negative { "-".to_owned() } else { String::new() };
        let whole: String = (0..=weight.max(0)).map(|p| format!("{:04}", digit(p + weight.min(0)))).collect();
        let whole = if weight < 0 { "" } else { whole.trim_start_matches('0') };
        text.push_str(if whole.is_empty() { "0" } else { whole });
        if scale > 0 {
            let places = (scale + 3) / 4;
            let fraction: String = (1..=places).map(|p| format!("{:04}", digit(weight + p))).collect();
            text.push('.');
            text.push_str(&fraction[..scale as usize]);
        }
        text
    }

    #[test]
    fn the_binary_form_reads_back_as_the_decimal_text() {
        let cases = [0.0, 1.0, 0.1, 0.00001, 12345.6789, -10000.0, 99999999.99, 1e20, 3e-7, -0.5, 10_000.5];
        for value in cases {
            for scale in [None, Some(0), Some(2), Some(9), Some(-2)] {
                let mut bytes = Vec::new();
                put_numeric(value, scale, &mut bytes);
                let expected = decimal_text(value, scale);
                let expected = if expected.trim_matches(['-', '0', '.']).is_empty() {
                    expected.trim_start_matches('-').to_owned()
                } else {
                    expected
                };
                assert_eq!(read(&bytes), expected, "{value} with scale {scale:?}");
            }
        }
    }

    #[test]
    fn specials_have_no_digits() {
        let mut bytes = Vec::new();
        put_numeric(f64::NAN, Some(2), &mut bytes);

        assert_eq!(bytes, [0, 0, 0, 0, 0xC0, 0, 0, 0]);
    }
}
