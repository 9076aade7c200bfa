//! Points as servers write them.

/// The coordinates of a point in any of its notations.
pub(super) fn read_point(text: &str) -> Option<(f64, f64)> {
    if text.len() >= 42 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return binary_point(text);
    }
    let body = text.rsplit(';').next()?.trim();
    let inner = match body.strip_prefix('(') {
        Some(inner) => inner,
        None => {
            let (kind, inner) = body.split_once('(')?;
            if !kind.trim().eq_ignore_ascii_case("point") {
                return None;
            }
            inner
        }
    };
    let mut numbers =
        inner.strip_suffix(')')?.split([',', ' ']).filter(|part| !part.is_empty()).map(str::parse);
    let (x, y) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    numbers.next().is_none().then_some((x, y))
}

fn byte(hex: &str, place: usize) -> Option<u8> {
    u8::from_str_radix(hex.get(place * 2..place * 2 + 2)?, 16).ok()
}

fn bytes<const N: usize>(hex: &str, from: usize) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    for (place, slot) in bytes.iter_mut().enumerate() {
        *slot = byte(hex, from + place)?;
    }
    Some(bytes)
}

/// A two-dimensional point in PostGIS's extended well-known binary, little endian.
fn binary_point(hex: &str) -> Option<(f64, f64)> {
    let flags = byte(hex, 4)?;
    // 0x80 and 0x40 say that there is a third or fourth coordinate.
    if byte(hex, 0)? != 1 || byte(hex, 1)? != 1 || flags & 0xc0 != 0 {
        return None;
    }
    let start = if flags & 0x20 != 0 { 9 } else { 5 };
    Some((f64::from_le_bytes(bytes(hex, start)?), f64::from_le_bytes(bytes(hex, start + 8)?)))
}

/// The spatial reference a binary point names, as the text form has it.
pub(super) fn binary_prefix(hex: &str) -> Option<String> {
    binary_point(hex)?;
    (byte(hex, 4)? & 0x20 != 0)
        .then(|| bytes(hex, 5).map(|srid| format!("SRID={};", u32::from_le_bytes(srid))))?
}
