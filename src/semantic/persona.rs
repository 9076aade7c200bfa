//! One invented person (and place, and firm) per row, so that the columns of a row agree.

use std::sync::LazyLock;

use fake::locales::{Data, EN};
use indexmap::IndexSet;
use rand::RngExt;

use crate::seed::Stream;

/// Entries that differ even ignoring case: what index-built values are combined from.
fn list(entries: &'static [&'static str]) -> Vec<&'static str> {
    let mut seen = IndexSet::new();
    entries
        .iter()
        .copied()
        .filter(|entry| entry.chars().all(|c| c.is_ascii_alphabetic() || c == ' '))
        .filter(|entry| seen.insert(entry.to_lowercase()))
        .collect()
}

/// Given names.
pub(super) static FIRST: LazyLock<Vec<&'static str>> = LazyLock::new(|| list(EN::NAME_FIRST_NAME));
/// Family names.
pub(super) static LAST: LazyLock<Vec<&'static str>> = LazyLock::new(|| list(EN::NAME_LAST_NAME));
/// Endings of towns.
pub(super) static TOWN: LazyLock<Vec<&'static str>> = LazyLock::new(|| list(EN::ADDRESS_CITY_SUFFIX));
/// Endings of streets.
pub(super) static STREET: LazyLock<Vec<&'static str>> = LazyLock::new(|| list(EN::ADDRESS_STREET_SUFFIX));
/// Countries.
pub(super) static COUNTRY: LazyLock<Vec<&'static str>> = LazyLock::new(|| list(EN::ADDRESS_COUNTRY));
/// Two-letter codes of countries.
pub(super) static COUNTRY_CODE: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| list(EN::ADDRESS_COUNTRY_CODE));
/// States.
pub(super) static STATE: LazyLock<Vec<&'static str>> = LazyLock::new(|| list(EN::ADDRESS_STATE));
/// Two-letter codes of states.
pub(super) static STATE_CODE: LazyLock<Vec<&'static str>> = LazyLock::new(|| list(EN::ADDRESS_STATE_ABBR));
/// Legal forms.
pub(super) const FIRM: &[&str] = &["Inc", "LLC", "Group", "Partners", "Ltd", "Holdings"];
/// Job titles: rank, field, position.
pub(super) static JOB: LazyLock<[Vec<&'static str>; 3]> =
    LazyLock::new(|| [list(EN::JOB_SENIORITY), list(EN::JOB_FIELD), list(EN::JOB_POSITION)]);
/// Filler words, lower case.
pub(super) static LOREM: LazyLock<Vec<&'static str>> = LazyLock::new(|| list(EN::LOREM_WORD));
/// Words for names of things, lower case.
pub(super) static THING: LazyLock<Vec<String>> = LazyLock::new(|| {
    let words = list(EN::COMPANY_BUZZWORD_HEAD).into_iter().chain(list(EN::COMPANY_BUZZWORD_TAIL));
    let mut seen = IndexSet::new();
    for word in words.filter(|word| !word.contains(' ')) {
        seen.insert(word.to_lowercase());
    }
    seen.into_iter().collect()
});

/// An invented person with a home and a firm.
#[derive(Debug, Clone)]
pub(super) struct Persona {
    pub(super) first: &'static str,
    pub(super) last: &'static str,
    /// A small number, for login names and the like.
    pub(super) number: u32,
    pub(super) street: String,
    pub(super) city: String,
    state: usize,
    pub(super) country: &'static str,
    pub(super) country_code: &'static str,
    pub(super) company: String,
    pub(super) job: String,
}

impl Persona {
    /// Invents one; always draws the same number of times.
    pub(super) fn draw(random: &mut Stream) -> Self {
        let company = format!("{} {}", pick(&LAST, random), pick(FIRM, random));
        let [rank, field, position] = &*JOB;
        Self {
            first: pick(&FIRST, random),
            last: pick(&LAST, random),
            number: random.random_range(10..1000),
            street: format!(
                "{} {} {}",
                random.random_range(1..2000),
                pick(&LAST, random),
                pick(&STREET, random)
            ),
            city: format!("{}{}", pick(&LAST, random), pick(&TOWN, random)),
            state: random.random_range(0..STATE.len().min(STATE_CODE.len())),
            country: pick(&COUNTRY, random),
            country_code: pick(&COUNTRY_CODE, random),
            company,
            job: format!("{} {} {}", pick(rank, random), pick(field, random), pick(position, random)),
        }
    }

    pub(super) fn state(&self) -> &'static str {
        STATE[self.state]
    }

    pub(super) fn state_code(&self) -> &'static str {
        STATE_CODE[self.state]
    }
}

/// One entry of a list.
pub(super) fn pick(entries: &[&'static str], random: &mut Stream) -> &'static str {
    entries[random.random_range(0..entries.len())]
}
