//! `90s`, `5m`, `1h30m`: a span of time as people write it.

/// Reads a span of time in seconds: numbers with `s`, `m` or `h`, at least a second in all.
///
/// # Errors
/// A sentence that says how to write it.
pub fn parse_duration(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no span of time; write it as 90s, 5m or 1h30m");
    let (mut total, mut number) = (0_u64, None::<u64>);
    for letter in text.chars() {
        if let Some(digit) = letter.to_digit(10) {
            let so_far = number.unwrap_or(0).checked_mul(10).and_then(|n| n.checked_add(u64::from(digit)));
            number = Some(so_far.ok_or_else(wrong)?);
            continue;
        }
        let unit = match letter {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            _ => return Err(wrong()),
        };
        let span = number.take().and_then(|number| number.checked_mul(unit)).ok_or_else(wrong)?;
        total = total.checked_add(span).ok_or_else(wrong)?;
    }
    if number.is_some() || total == 0 { Err(wrong()) } else { Ok(total) }
}

#[cfg(test)]
mod tests {
    use super::parse_duration;

    #[test]
    fn spans_add_up_and_nothing_else_is_guessed() {
        assert_eq!(parse_duration("90s"), Ok(90));
        assert_eq!(parse_duration("5m"), Ok(300));
        assert_eq!(parse_duration("1h30m"), Ok(5_400));
        for wrong in ["", "5", "m", "0s", "5 m", "1d", "-5m", "99999999999999999999s"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }
}
