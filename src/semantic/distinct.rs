//! Values that differ by construction: a row's index written into its value.

/// A bijection of `0..size` that scatters neighbours: affine, with a factor near the golden section that shares
/// no divisor with `size`. `index` must be below `size`.
pub(super) fn permute(index: u64, size: u64) -> u64 {
    if size < 2 {
        return 0;
    }
    let (index, size) = (u128::from(index), u128::from(size));
    let mut factor = (size * 618 / 1000).max(1);
    while gcd(factor, size) != 1 {
        factor += 1;
    }
    ((index * factor + size / 3) % size) as u64
}

fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// Cuts a text after `max` characters (never inside one).
pub(super) fn cut(text: &str, max: Option<usize>) -> &str {
    match max.and_then(|max| text.char_indices().nth(max)) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

/// `base` followed by `index`, at most `max` characters: the base gives way, the number stays whole. Injective in
/// `index` for any bases that do not end in a digit (ending digits are taken off).
pub(super) fn numbered(base: &str, joint: &str, index: u64, max: Option<usize>) -> String {
    let number = index.to_string();
    let Some(max) = max else {
        return format!("{}{joint}{number}", base.trim_end_matches(|c: char| c.is_ascii_digit()));
    };
    if number.len() > max {
        // 36 signs say more per character.
        return cut(&base_36(index), Some(max)).to_owned();
    }
    let joint = if number.len() + joint.len() < max { joint } else { "" };
    let room = max - number.len() - joint.chars().count();
    let base = cut(base, Some(room)).trim_end_matches(|c: char| c.is_ascii_digit() || c.is_whitespace());
    format!("{base}{joint}{number}")
}

/// The digits of a text as a number, as many as a 64-bit integer holds.
pub(super) fn leading_number(text: &str) -> Option<i64> {
    text.chars().filter(char::is_ascii_digit).take(18).collect::<String>().parse().ok()
}

/// Digits in base 36, least significant first (so a cut keeps what differs).
pub(super) fn base_36(mut index: u64) -> String {
    let mut text = String::new();
    loop {
        text.push(char::from_digit((index % 36) as u32, 36).unwrap_or('0'));
        index /= 36;
        if index == 0 {
            return text;
        }
    }
}

/// Picks one entry per list so that different indices give different picks; `None` once all are used up.
pub(super) fn combine(index: u64, lists: &[&[&'static str]]) -> Option<Vec<&'static str>> {
    let size = lists.iter().try_fold(1_u64, |size, list| size.checked_mul(list.len() as u64))?;
    if index >= size {
        return None;
    }
    let mut rest = permute(index, size);
    Some(
        lists
            .iter()
            .map(|list| {
                let pick = list[(rest % list.len() as u64) as usize];
                rest /= list.len() as u64;
                pick
            })
            .collect(),
    )
}

/// Words that spell `index`: two of them, or as many more as it takes. Texts of different word counts differ, so
/// the whole is injective as long as `words` are distinct and hold no blank.
pub(super) fn spell(index: u64, words: &[String]) -> Vec<&str> {
    let base = words.len().max(2) as u64;
    let mut count = 2_u32;
    let mut first = 0_u64;
    loop {
        let size = base.saturating_pow(count);
        if index - first < size || size == u64::MAX {
            let mut rest = permute(index - first, size.min(1 << 62));
            return (0..count)
                .map(|_| {
                    let word = words.get((rest % base) as usize).map_or("word", String::as_str);
                    rest /= base;
                    word
                })
                .collect();
        }
        first += size;
        count += 1;
    }
}
