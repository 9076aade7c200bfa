//! `2G`, `512M`: an amount of memory as people write it.

/// Reads an amount of memory in bytes: a number with `K`, `M`, `G` or `T` (powers of 1024), maybe followed by `B` or `iB`.
///
/// # Errors
/// A sentence that says how to write it.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no amount of memory; write it as 512M or 2G");
    let upper = text.trim().to_ascii_uppercase();
    let stem = upper.strip_suffix("IB").or_else(|| upper.strip_suffix('B')).unwrap_or(&upper);
    let (number, power) = ["K", "M", "G", "T"]
        .iter()
        .zip(1..)
        .find_map(|(unit, power)| Some((stem.strip_suffix(unit)?, power)))
        .ok_or_else(wrong)?;
    let number: f64 = number.trim().parse().map_err(|_| wrong())?;
    let bytes = number * 1024_f64.powi(power);
    if (1.0..1e18).contains(&bytes) { Ok(bytes as u64) } else { Err(wrong()) }
}

/// An amount of memory for people: `1.5 GB`.
#[must_use]
pub fn shown_bytes(bytes: u64) -> String {
    let megabytes = bytes as f64 / f64::from(1 << 20);
    if megabytes < 1000.0 { format!("{megabytes:.0} MB") } else { format!("{:.1} GB", megabytes / 1024.0) }
}

#[cfg(test)]
mod tests {
    use super::{parse_bytes, shown_bytes};

    #[test]
    fn amounts_have_a_unit_and_nothing_else_is_guessed() {
        assert_eq!(parse_bytes("2G"), Ok(2 << 30));
        assert_eq!(parse_bytes("512MB"), Ok(512 << 20));
        assert_eq!(parse_bytes("1.5 GiB"), Ok(3 << 29));
        assert_eq!(
            (shown_bytes(310 << 20), shown_bytes(3 << 29)),
            ("310 MB".to_owned(), "1.5 GB".to_owned())
        );
        for wrong in ["", "2", "G", "-1G", "0M", "2X", "infG", "nanM", "1e30G"] {
            assert!(parse_bytes(wrong).is_err(), "{wrong}");
        }
    }
}
