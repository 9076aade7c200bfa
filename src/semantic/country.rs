//! Countries: their names, codes and calling codes, read and written.

use std::{collections::BTreeMap, sync::LazyLock};

use rand::RngExt;

use super::country_table::{COUNTRIES, LARGE, SMALL};
use crate::seed::Stream;

/// A country of the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Country {
    /// Its place in the lists below.
    index: usize,
}

/// Names, as they are written.
pub(super) static NAMES: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| COUNTRIES.iter().map(|(.., name, _)| *name).collect());
/// Codes of two letters, in the order of the names.
pub(super) static CODES: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| COUNTRIES.iter().map(|(code, ..)| *code).collect());
/// Codes of three letters, in the order of the names.
pub(super) static LONG_CODES: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| COUNTRIES.iter().map(|(_, code, ..)| *code).collect());

/// What a country is called, in lower case, with its place.
static CALLED: LazyLock<BTreeMap<String, usize>> = LazyLock::new(|| {
    let mut called = BTreeMap::new();
    for (index, (short, long, _, name, others)) in COUNTRIES.iter().enumerate() {
        let plain = [*short, *long, *name].into_iter().chain(others.split('|'));
        for name in plain.filter(|name| !name.is_empty()) {
            // Names stand before the short forms of other countries.
            called.entry(plainly(name)).or_insert(index);
        }
    }
    called
});

/// Running sums of the weights, in the order of the lists.
static WEIGHTS: LazyLock<Vec<u32>> = LazyLock::new(|| {
    let large = |code: &str| LARGE.iter().find(|(large, _)| *large == code);
    let weights = COUNTRIES.iter().map(|(code, ..)| large(code).map_or(SMALL, |(_, weight)| *weight));
    weights
        .scan(0, |sum, weight| {
            *sum += weight;
            Some(*sum)
        })
        .collect()
});

impl Country {
    /// A country, large ones more often: nobody has as many customers in Nauru as in Germany.
    pub(super) fn any(random: &mut Stream) -> Self {
        let place = random.random_range(0..WEIGHTS.last().copied().unwrap_or(1));
        Self { index: WEIGHTS.partition_point(|sum| *sum <= place) }
    }

    /// The country at a place of the lists.
    #[cfg(test)]
    pub(super) fn at(index: usize) -> Self {
        Self { index: index % COUNTRIES.len() }
    }

    /// How many there are.
    #[cfg(test)]
    pub(super) fn count() -> usize {
        COUNTRIES.len()
    }

    /// Reads a name or a code of two or three letters, in any case; `None` for anything else.
    pub(super) fn read(text: &str) -> Option<Self> {
        CALLED.get(&plainly(text)).map(|index| Self { index: *index })
    }

    /// Reads a name; a code is none.
    pub(super) fn read_name(text: &str) -> Option<Self> {
        if text.trim().chars().count() <= 3 { None } else { Self::read(text) }
    }

    /// The name.
    pub(super) fn name(self) -> &'static str {
        COUNTRIES[self.index].3
    }

    /// The code of so many letters, two or three.
    pub(super) fn code(self, letters: u8) -> &'static str {
        let (short, long, ..) = COUNTRIES[self.index];
        if letters == 3 { long } else { short }
    }

    /// The digits that are dialled from abroad, without `+`.
    pub(super) fn calling(self) -> &'static str {
        COUNTRIES[self.index].2
    }

    /// True if a telephone number in the international form (`+49…`, `0049…`) leads there; `None` for any other form.
    pub(super) fn rings(self, phone: &str) -> Option<bool> {
        let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
        let abroad =
            if phone.trim_start().starts_with('+') { Some(&digits[..]) } else { digits.strip_prefix("00") };
        abroad.map(|digits| digits.starts_with(self.calling()))
    }
}

/// Lower-case words, one blank between them.
fn plainly(text: &str) -> String {
    let spaced = text.to_lowercase().replace(|c: char| !c.is_alphabetic(), " ");
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_country_is_read_by_its_name_and_both_codes_in_any_case() {
        for text in ["Germany", "DE", "de", "DEU", "Deutschland", " germany "] {
            assert_eq!(Country::read(text).map(Country::name), Some("Germany"), "{text}");
        }
        assert_eq!(Country::read("USA"), Country::read("United States of America"));
        assert_eq!(Country::read("U.S.A."), Country::read("us"));
        assert_eq!(Country::read("Bosnia & Herzegovina"), None);
        assert_eq!(Country::read("Atlantis"), None);
        assert_eq!(Country::read(""), None);
        assert_eq!(Country::read_name("DE"), None);
    }

    #[test]
    fn the_lists_hold_no_name_or_code_twice() {
        for list in [&*NAMES, &*CODES, &*LONG_CODES] {
            let distinct: BTreeSet<String> = list.iter().map(|entry| entry.to_lowercase()).collect();
            assert_eq!(distinct.len(), Country::count());
        }
        for index in 0..Country::count() {
            let country = Country::at(index);
            for text in [country.name(), country.code(2), country.code(3)] {
                assert_eq!(Country::read(text), Some(country), "{text}");
            }
            assert!((1..=4).contains(&country.calling().len()));
        }
    }

    #[test]
    fn large_countries_come_more_often_and_every_country_comes() {
        let mut random = crate::seed::Seed(3).stream("countries", 0);
        let mut seen = BTreeMap::<&str, usize>::new();
        for _ in 0..100_000 {
            *seen.entry(Country::any(&mut random).code(2)).or_default() += 1;
        }

        assert_eq!(seen.len(), Country::count());
        assert!(LARGE.iter().all(|(code, _)| Country::read(code).is_some()));
        assert!(seen["US"] > 2 * seen["DE"] && seen["DE"] > 10 * seen["NR"], "{seen:?}");
    }

    #[test]
    fn a_number_rings_where_its_calling_code_says() {
        let germany = Country::read("DE").unwrap();

        assert_eq!(germany.rings("+49 30 1234567"), Some(true));
        assert_eq!(germany.rings("0049-30-1234567"), Some(true));
        assert_eq!(germany.rings("+43 1 1234567"), Some(false));
        assert_eq!(germany.rings("030 1234567"), None);
    }
}
