//! Text forms for COPY: days, times and escapes.

/// Writes a day as ISO text, `infinity` at the extremes, ` BC` before year 1.
/// Source of the calendar arithmetic: Howard Hinnant, "chrono-compatible low-level date algorithms".
pub(super) fn date_text(days: i32) -> String {
    match days {
        i32::MAX => "infinity".to_owned(),
        i32::MIN => "-infinity".to_owned(),
        _ => {
            let (day, before_christ) = day_text(i64::from(days));
            format!("{day}{}", era(before_christ))
        }
    }
}

/// Writes microseconds since 1970-01-01 UTC as ISO text with zone; a column without one ignores it.
pub(super) fn timestamp_text(microseconds: i64) -> String {
    match microseconds {
        i64::MAX => "infinity".to_owned(),
        i64::MIN => "-infinity".to_owned(),
        _ => timestamp_since(0, microseconds),
    }
}

/// Writes microseconds since a day, itself counted from 1970-01-01: the server's last years lie beyond what 64 bits
/// of microseconds since 1970 reach.
pub(super) fn timestamp_since(day: i32, microseconds: i64) -> String {
    const DAY: i64 = 86_400_000_000;
    let (text, before_christ) = day_text(i64::from(day) + microseconds.div_euclid(DAY));
    format!("{text} {}+00{}", time_text(microseconds.rem_euclid(DAY)), era(before_christ))
}

/// Writes microseconds since midnight, without zeros at the end of the fraction.
pub(super) fn time_text(microseconds: i64) -> String {
    let seconds = microseconds.div_euclid(1_000_000);
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    let mut text = format!("{hours:02}:{minutes:02}:{:02}", seconds % 60);
    let fraction = microseconds.rem_euclid(1_000_000);
    if fraction > 0 {
        text.push_str(format!(".{fraction:06}").trim_end_matches('0'));
    }
    text
}

/// Appends a text field of COPY's text format, escaped.
pub(super) fn put_escaped(text: &[u8], out: &mut Vec<u8>) {
    for byte in text {
        match *byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            other => out.push(other),
        }
    }
}

fn era(before_christ: bool) -> &'static str {
    if before_christ { " BC" } else { "" }
}

fn day_text(days: i64) -> (String, bool) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    // There is no year 0: it is 1 BC.
    let (shown, before_christ) = if year > 0 { (year, false) } else { (1 - year, true) };
    (format!("{shown:04}-{month:02}-{day:02}"), before_christ)
}

#[cfg(test)]
mod tests {
    use super::{date_text, put_escaped, timestamp_text};

    #[test]
    fn days_and_times_print_as_the_server_does() {
        assert_eq!(date_text(0), "1970-01-01");
        assert_eq!(date_text(11_016), "2000-02-29");
        assert_eq!(date_text(-719_529), "0002-12-31 BC");
        assert_eq!(date_text(i32::MAX), "infinity");
        assert_eq!(timestamp_text(-1), "1969-12-31 23:59:59.999999+00");
        assert_eq!(timestamp_text(36_001_500_000), "1970-01-01 10:00:01.5+00");
        assert_eq!(timestamp_text(0), "1970-01-01 00:00:00+00");
        assert_eq!(timestamp_text(i64::MIN), "-infinity");
    }

    #[test]
    fn separators_are_escaped() {
        let mut out = Vec::new();
        put_escaped(b"a\tb\\N\nc", &mut out);

        assert_eq!(out, b"a\\tb\\\\N\\nc");
    }
}
