//! Check digits: payment cards and bank accounts.

/// True if the digits (13 to 19, blanks and hyphens aside) pass the Luhn test. Source: ISO/IEC 7812-1, annex B.
pub(super) fn luhn_is_valid(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(10)).collect();
    let others = text.chars().all(|c| c.is_ascii_digit() || c == ' ' || c == '-');
    others && (13..=19).contains(&digits.len()) && luhn_sum(&digits).is_multiple_of(10)
}

/// The digit that makes `digits` followed by it pass the Luhn test.
pub(super) fn luhn_check_digit(digits: &[u32]) -> u32 {
    let mut all = digits.to_vec();
    all.push(0);
    (10 - luhn_sum(&all) % 10) % 10
}

fn luhn_sum(digits: &[u32]) -> u32 {
    let doubled = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| if place % 2 == 1 { doubled(*digit) } else { *digit })
        .sum()
}

/// A thirteen-digit article number that begins with `prefix`. Source: ISO 2108, annex A, and ISO 3297, annex B: weights
/// of 1 and 3 in turn. The last two digits of a journal's number before the check digit are zeros.
pub(super) fn article_number(prefix: &str, number: u64) -> String {
    let zeros = if prefix == "977" { "00" } else { "" };
    let width = 12_usize.saturating_sub(prefix.len() + zeros.len());
    let number = number % 10_u64.pow(width.min(18) as u32);
    let digits = format!("{prefix}{number:0width$}{zeros}");
    let sum: u32 = (digits.chars().filter_map(|c| c.to_digit(10)).enumerate())
        .map(|(place, digit)| if place % 2 == 1 { 3 * digit } else { digit })
        .sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

/// True if the text is an IBAN with right check digits. Source: ISO 13616.
pub(super) fn iban_is_valid(text: &str) -> bool {
    let compact: String = text.chars().filter(|c| *c != ' ').collect();
    let bytes = compact.as_bytes();
    (15..=34).contains(&bytes.len())
        && bytes.iter().all(u8::is_ascii_alphanumeric)
        && bytes[..2].iter().all(u8::is_ascii_uppercase)
        && bytes[2..4].iter().all(u8::is_ascii_digit)
        && remainder_97(&format!("{}{}", &compact[4..], &compact[..4])) == 1
}

/// Puts country, check digits and account number together.
pub(super) fn iban(country: &str, account: &str) -> String {
    let check = 98 - remainder_97(&format!("{account}{country}00"));
    format!("{country}{check:02}{account}")
}

fn remainder_97(text: &str) -> u32 {
    text.chars()
        .filter_map(|c| c.to_digit(36))
        .fold(0, |rest, value| if value > 9 { (rest * 100 + value) % 97 } else { (rest * 10 + value) % 97 })
}

#[cfg(test)]
mod tests {
    use super::article_number;

    #[test]
    fn article_numbers_carry_their_check_digit() {
        assert_eq!(article_number("978", 30_640_615), "9780306406157");
        // ISSN 0317-8471.
        assert_eq!(article_number("977", 317_847), "9770317847001");
    }
}
