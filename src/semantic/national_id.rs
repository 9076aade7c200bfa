//! Numbers of identity papers, with the check digits of their country.
//!
//! A kind is a few fields of digits and what follows from them. A new number takes its first two fields from values that
//! no number of the source begins with, where there are any, so that no source number comes out.

use std::collections::BTreeSet;

use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::{checksum, distinct};
use crate::{privacy::Guard, seed::Stream};

/// A field of digits: its range and its width.
type Field = (u32, u32, usize);

/// One country's number.
struct Kind {
    /// Its name, for people.
    word: &'static str,
    /// What is drawn.
    fields: &'static [Field],
    /// What follows from it; `None` if there is no such number.
    check: fn(&[u32]) -> Option<String>,
}

/// The kinds, those with more check digits first: a number of one of them is hardly one of another by chance.
const KINDS: [Kind; 11] = [
    // Modulus 97 of thirteen digits. Source: INSEE, "Numéro de sécurité sociale".
    Kind {
        word: "fr_nir",
        fields: &[(1, 2, 1), (0, 99, 2), (1, 12, 2), (1, 95, 2), (1, 989, 3), (1, 999, 3)],
        check: |stem| Some(format!("{:02}", 97 - value(stem) % 97)),
    },
    // Source: Receita Federal do Brasil, Cadastro de Pessoas Físicas.
    Kind { word: "br_cpf", fields: &[(0, 99, 2), (0, 9, 1), (0, 999_999, 6)], check: cpf },
    // Modulus 97 of nine digits. Source: Belgian royal decree of 3 April 1984.
    Kind {
        word: "be_nrn",
        fields: &[(0, 99, 2), (1, 12, 2), (1, 28, 2), (1, 997, 3)],
        check: |stem| Some(format!("{:02}", 97 - value(stem) % 97)),
    },
    // A letter by modulus 23. Source: Spanish royal decree 1553/2005.
    Kind {
        word: "es_dni",
        fields: &[(0, 99, 2), (0, 9, 1), (0, 99_999, 5)],
        check: |stem| "TRWAGMYFPDXBNJZSQVHLCKE".chars().nth((value(stem) % 23) as usize).map(String::from),
    },
    // Weights 1, 3, 7, 9. Source: Polish act on population registration.
    Kind {
        word: "pl_pesel",
        fields: &[(0, 99, 2), (1, 12, 2), (1, 28, 2), (0, 9999, 4)],
        check: |stem| {
            let sum = weighed(stem, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3]);
            Some(((10 - sum % 10) % 10).to_string())
        },
    },
    // ISO 7064, MOD 11,10. Source: German Bundeszentralamt für Steuern.
    Kind { word: "de_idnr", fields: &[(10, 99, 2), (0, 9, 1), (0, 9_999_999, 7)], check: mod_11_10 },
    // Weights 10 to 2, modulus 11. Source: NHS Data Dictionary, NHS number.
    Kind {
        word: "gb_nhs",
        fields: &[(40, 79, 2), (0, 9, 1), (0, 999_999, 6)],
        check: |stem| {
            let rest = 11 - weighed(stem, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11;
            (rest != 10).then(|| (rest % 11).to_string())
        },
    },
    // Luhn. Source: Swedish Skatteverket, personnummer.
    Kind {
        word: "se_pnr",
        fields: &[(0, 99, 2), (1, 12, 2), (1, 28, 2), (0, 999, 3)],
        check: |stem| Some(checksum::luhn_check_digit(stem).to_string()),
    },
    // The eleven-test. Source: Dutch Rijksdienst voor Identiteitsgegevens, burgerservicenummer.
    Kind {
        word: "nl_bsn",
        fields: &[(10, 99, 2), (0, 9, 1), (0, 99_999, 5)],
        check: |stem| {
            let rest = weighed(stem, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11;
            (rest != 10).then(|| rest.to_string())
        },
    },
    // Luhn. Source: Canada Revenue Agency, social insurance number.
    Kind {
        word: "ca_sin",
        fields: &[(10, 79, 2), (0, 9, 1), (0, 99_999, 5)],
        check: |stem| Some(checksum::luhn_check_digit(stem).to_string()),
    },
    // No check digit; areas from 900 on are given to nobody. Source: Social Security Administration, RM 10201.030.
    Kind {
        word: "us_ssn",
        fields: &[(900, 999, 3), (1, 99, 2), (1, 9999, 4)],
        check: |_| Some(String::new()),
    },
];

/// Least share of the values that must be right numbers of a kind.
const SHARE: f64 = 0.95;
/// Fewest values for which check digits that are all right are no chance.
const VALUES_MIN: usize = 12;
/// Numbers tried for each index, of which the first right one is taken.
const TRIES: u64 = 16;
/// Beginnings kept that no source number has.
const FREE_MAX: usize = 512;

/// How numbers of a column are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct NationalId {
    kind: usize,
    /// The shape that most values have: `#` for every letter and digit.
    form: String,
    /// Values of the first two fields that no source number begins with.
    free: Vec<(u32, u32)>,
}

/// The kind that the values are numbers of, with the share of them that are.
pub(super) fn kind_of(values: &[&str]) -> Option<(&'static str, f64)> {
    let (kind, share) = best(values)?;
    Some((KINDS[kind].word, share))
}

fn best(values: &[&str]) -> Option<(usize, f64)> {
    if values.len() < VALUES_MIN {
        return None;
    }
    let shares = (0..KINDS.len() - 1).map(|kind| {
        let right = values.iter().filter(|value| is_right(kind, value)).count();
        (kind, right as f64 / values.len() as f64)
    });
    // The first of equals: the one with more check digits.
    let found = shares.reduce(|best, next| if next.1 > best.1 { next } else { best });
    let hyphens = values.iter().filter(|value| is_ssn(value)).count() as f64 / values.len() as f64;
    let found = found.filter(|(_, share)| *share >= SHARE);
    found.or((hyphens >= SHARE).then_some((KINDS.len() - 1, hyphens)))
}

/// True for `123-45-6789`.
fn is_ssn(text: &str) -> bool {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '#' } else { c }).collect();
    shape == "###-##-####"
}

/// True if a text is a right number of a kind, whatever stands between its digits.
fn is_right(kind: usize, text: &str) -> bool {
    let plain: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
    let width: usize = KINDS[kind].fields.iter().map(|field| field.2).sum();
    let (Some(stem), Some(check)) = (plain.get(..width), plain.get(width..)) else { return false };
    let digits: Option<Vec<u32>> = stem.chars().map(|c| c.to_digit(10)).collect();
    let Some(digits) = digits else { return false };
    let others =
        text.chars().filter(|c| !c.is_ascii_alphanumeric()).all(|c| matches!(c, ' ' | '-' | '.' | '/' | '+'));
    others
        && in_range(kind, &digits)
        && (KINDS[kind].check)(&digits).is_some_and(|right| right.eq_ignore_ascii_case(check))
}

/// True if months and days are some.
fn in_range(kind: usize, stem: &[u32]) -> bool {
    KINDS[kind].fields.iter().zip(fields_of(kind, stem)).all(|((low, high, _), value)| match (low, high) {
        // Months of other centuries: some countries add 20, 40, 60 or 80.
        (1, 12) => (1..=92).contains(&value),
        (1, 28) => (1..=31).contains(&value),
        _ => true,
    })
}

/// The fields of a stem.
fn fields_of(kind: usize, stem: &[u32]) -> Vec<u32> {
    let mut from = 0;
    let cut = |width: &usize| {
        let part = stem.get(from..from + width).unwrap_or_default();
        from += width;
        value(part) as u32
    };
    KINDS[kind].fields.iter().map(|field| &field.2).map(cut).collect()
}

fn value(digits: &[u32]) -> u64 {
    digits.iter().fold(0, |all, digit| all * 10 + u64::from(*digit))
}

fn weighed(digits: &[u32], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum()
}

fn cpf(stem: &[u32]) -> Option<String> {
    let digit = |digits: &[u32]| {
        let weights: Vec<u32> = (2..=digits.len() as u32 + 1).rev().collect();
        match weighed(digits, &weights) % 11 {
            0 | 1 => 0,
            rest => 11 - rest,
        }
    };
    let first = digit(stem);
    let with_first: Vec<u32> = stem.iter().copied().chain([first]).collect();
    Some(format!("{first}{}", digit(&with_first)))
}

fn mod_11_10(stem: &[u32]) -> Option<String> {
    let product = stem.iter().fold(10, |product, digit| {
        let sum = match (product + digit) % 10 {
            0 => 10,
            sum => sum,
        };
        2 * sum % 11
    });
    Some(((11 - product) % 10).to_string())
}

impl NationalId {
    /// Learns the kind and the shape of values; `None` if they are numbers of no known kind.
    pub(super) fn fit(values: &[&str], guard: Guard<'_>) -> Option<Self> {
        let (kind, _) = best(values)?;
        let form = |text: &str| -> String {
            text.chars().map(|c| if c.is_ascii_alphanumeric() { '#' } else { c }).collect()
        };
        let right =
            values.iter().enumerate().filter(|(_, value)| kind + 1 == KINDS.len() || is_right(kind, value));
        let forms = guard.support(right.map(|(row, value)| (form(value), row)));
        let shared = forms.into_iter().filter(|(_, seen)| seen.entities >= guard.least());
        let form = shared.max_by_key(|(_, seen)| seen.rows).map(|(form, _)| form).unwrap_or_default();
        let used: BTreeSet<(u32, u32)> = values
            .iter()
            .map(|value| {
                let digits: Vec<u32> = value.chars().filter_map(|c| c.to_digit(10)).collect();
                let fields = fields_of(kind, &digits);
                (fields[0], fields[1])
            })
            .collect();
        let [(low, high, _), (from, to, _), ..] = KINDS[kind].fields else { return None };
        let starts = (*low..=*high).flat_map(|first| (*from..=*to).map(move |second| (first, second)));
        let mut free: Vec<(u32, u32)> = starts.filter(|start| !used.contains(start)).collect();
        // Spread over all of them.
        let step = free.len().div_ceil(FREE_MAX).max(1);
        free = free.into_iter().step_by(step).collect();
        Some(Self { kind, form, free })
    }

    /// Writes a right number; with an `index`, a different one for every index while there are any.
    pub(super) fn write(&self, index: Option<u64>, random: &mut Stream) -> String {
        let kind = &KINDS[self.kind];
        let space = |fields: &[Field]| -> u64 {
            fields.iter().map(|(low, high, _)| u64::from(high - low + 1)).product()
        };
        let rest = kind.fields.get(2..).unwrap_or_default();
        let starts = if self.free.is_empty() { space(&kind.fields[..2]) } else { self.free.len() as u64 };
        let all = (starts * space(rest) / TRIES).max(1);
        let base = match index {
            Some(index) => distinct::permute(index % all, all),
            None => random.random_range(0..all),
        };
        for attempt in 0..TRIES {
            let mut left = base * TRIES + attempt;
            let start = left % starts;
            left /= starts;
            let (first, second) = match self.free.get(start as usize) {
                Some(start) => *start,
                None => {
                    let wide = u64::from(kind.fields[1].1 - kind.fields[1].0 + 1);
                    (kind.fields[0].0 + (start / wide) as u32, kind.fields[1].0 + (start % wide) as u32)
                }
            };
            let mut stem = format!("{first:0a$}{second:0b$}", a = kind.fields[0].2, b = kind.fields[1].2);
            for (low, high, width) in rest {
                let size = u64::from(high - low + 1);
                stem.push_str(&format!("{:0width$}", u64::from(*low) + left % size));
                left /= size;
            }
            let digits: Vec<u32> = stem.chars().filter_map(|c| c.to_digit(10)).collect();
            if let Some(check) = (kind.check)(&digits) {
                return self.shaped(&(stem + &check));
            }
        }
        String::new()
    }

    /// Puts the signs of a number into the shape of the column.
    fn shaped(&self, plain: &str) -> String {
        if self.form.matches('#').count() != plain.len() {
            return plain.to_owned();
        }
        let mut signs = plain.chars();
        self.form.chars().map(|c| if c == '#' { signs.next().unwrap_or(c) } else { c }).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{KINDS, NationalId, is_right, kind_of};
    use crate::{privacy::Guard, seed::Seed};

    #[test]
    fn published_examples_are_right_numbers() {
        for (word, number) in [
            ("fr_nir", "2 55 08 14 168 025 38"),
            ("br_cpf", "111.444.777-35"),
            ("es_dni", "12345678Z"),
            ("pl_pesel", "44051401359"),
            ("de_idnr", "86095742719"),
            ("gb_nhs", "943 476 5919"),
            ("se_pnr", "811218-9876"),
            ("nl_bsn", "111222333"),
            ("ca_sin", "046 454 286"),
            ("be_nrn", "85.07.30-033.28"),
        ] {
            let kind = KINDS.iter().position(|kind| kind.word == word).unwrap();
            assert!(is_right(kind, number), "{word} {number}");
            // One digit more or less at the front.
            let first = number.chars().next().and_then(|c| c.to_digit(10)).unwrap();
            let wrong = format!("{}{}", (first + 1) % 10, &number[1..]);
            assert!(!is_right(kind, &wrong), "{word} {wrong}");
        }
    }

    #[test]
    fn written_numbers_are_right_distinct_and_none_of_the_source() {
        for (place, kind) in KINDS.iter().enumerate() {
            // Numbers of the kind, made by itself, stand for a source.
            let maker = NationalId { kind: place, form: String::new(), free: Vec::new() };
            let mut random = Seed(3).stream("ids", 0);
            let mut source: Vec<String> = (0..400).map(|_| maker.write(None, &mut random)).collect();
            if kind.word == "us_ssn" {
                source = (0..400).map(|n| format!("{:03}-{:02}-{:04}", 100 + n, 1 + n % 90, 1 + n)).collect();
            }
            let values: Vec<&str> = source.iter().map(String::as_str).collect();
            let writer = NationalId::fit(&values, Guard::rows(5)).unwrap_or_else(|| panic!("{}", kind.word));
            assert_eq!(KINDS[writer.kind].word, kind_of(&values).unwrap().0);

            let written: Vec<String> = (0..3000).map(|n| writer.write(Some(n), &mut random)).collect();

            let right = |text: &String| writer.kind + 1 == KINDS.len() || is_right(writer.kind, text);
            assert!(written.iter().all(right), "{}", kind.word);
            let distinct: BTreeSet<&String> = written.iter().collect();
            assert_eq!(distinct.len(), written.len(), "{}", kind.word);
            assert!(source.iter().all(|real| !distinct.contains(real)), "{}", kind.word);
        }
    }

    #[test]
    fn other_numbers_are_no_identity_papers() {
        let numbers: Vec<String> =
            (0..200_u64).map(|n| format!("{:09}", n * 7_654_321 % 1_000_000_000)).collect();
        let values: Vec<&str> = numbers.iter().map(String::as_str).collect();
        assert_eq!(kind_of(&values), None);
        assert_eq!(kind_of(&["111222333"]), None, "one number is no evidence");
    }
}
