//! One invented person (and place, and firm) per row, so that the columns of a row agree.

use std::sync::LazyLock;

use fake::locales::{Data, EN};
use indexmap::IndexSet;
use rand::RngExt;

use super::{
    Meaning,
    country::Country,
    distinct,
    gender::NEUTRAL,
    language::Language,
    told::{NameTeller, Told},
};
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
    /// The given names that fit.
    pub(super) firsts: &'static [&'static str],
    pub(super) last: &'static str,
    /// The family names that fit.
    pub(super) lasts: &'static [&'static str],
    /// The language of the name; `None`: English.
    language: Option<&'static Language>,
    /// A small number, for login names and the like.
    pub(super) number: u32,
    /// A number of a house.
    house: u32,
    /// The street with a `#` for the number.
    street: String,
    pub(super) city: String,
    state: usize,
    pub(super) country: Country,
    /// The country that the row says, or else the same.
    pub(super) home: Country,
    pub(super) company: String,
    pub(super) job: String,
}

impl Persona {
    /// Invents one who fits what a row tells. `gendered`: other rows tell a gender, so a row that does not takes a name
    /// that is in neither list. `names`: they are in the language of a country.
    pub(super) fn draw(told: Told, gendered: bool, names: Option<&NameTeller>, random: &mut Stream) -> Self {
        let company = format!("{} {}", pick(&LAST, random), pick(FIRM, random));
        let [rank, field, position] = &*JOB;
        let country = Country::any(random);
        let language = names.and_then(|names| names.language(told, country));
        let spoken = language.and_then(|language| Some((language, language.given(told.gender)?)));
        let firsts: &'static [&'static str] = match (spoken, told.gender) {
            (Some((_, firsts)), _) => firsts,
            (None, Some(gender)) => gender.names(),
            (None, None) if gendered => &NEUTRAL,
            (None, None) => &FIRST,
        };
        let lasts: &'static [&'static str] = spoken.map_or(&LAST, |(language, _)| &language.lasts);
        Self {
            first: pick(firsts, random),
            firsts,
            last: pick(lasts, random),
            lasts,
            language: spoken.map(|(language, _)| language),
            number: random.random_range(10..1000),
            house: random.random_range(1..2000),
            street: street(language, random),
            city: city(language, random),
            state: random.random_range(0..STATE.len().min(STATE_CODE.len())),
            country,
            home: told.country.unwrap_or(country),
            company,
            job: format!("{} {} {}", pick(rank, random), pick(field, random), pick(position, random)),
        }
    }

    /// Takes the name that a row's index picks where names must differ, so that all columns of the row say the same one.
    pub(super) fn rename(&mut self, meaning: &Meaning, index: u64) {
        let name = |lists: &[&[&'static str]]| distinct::combine(index, lists);
        match meaning {
            Meaning::FirstName => {
                if let Some(&[first]) = name(&[self.firsts]).as_deref() {
                    self.first = first;
                }
            }
            Meaning::LastName => {
                if let Some(&[last]) = name(&[self.lasts]).as_deref() {
                    self.last = last;
                }
            }
            Meaning::FullName => {
                if let Some(&[first, last]) = name(&[self.firsts, self.lasts]).as_deref() {
                    (self.first, self.last) = (first, last);
                }
            }
            _ => {}
        }
    }

    /// The whole name, in the order of its language.
    pub(super) fn full_name(&self) -> String {
        match self.language {
            Some(language) => language.full_name(self.first, self.last),
            None => format!("{} {}", self.first, self.last),
        }
    }

    /// The street with the number of a house: another one than the persona's own, to tell rows apart.
    pub(super) fn address(&self, other: Option<u64>) -> String {
        self.street.replace('#', &other.map_or(u64::from(self.house), |index| index + 1).to_string())
    }

    pub(super) fn state(&self) -> &'static str {
        STATE[self.state]
    }

    pub(super) fn state_code(&self) -> &'static str {
        STATE_CODE[self.state]
    }
}

/// A street, with a `#` for the number of a house.
fn street(language: Option<&'static Language>, random: &mut Stream) -> String {
    match language.filter(|language| !language.streets().is_empty()) {
        Some(language) => called_after(language, language.streets(), random),
        None => format!("# {} {}", pick(&LAST, random), pick(&STREET, random)),
    }
}

/// A town.
fn city(language: Option<&'static Language>, random: &mut Stream) -> String {
    match language.filter(|language| !language.towns().is_empty()) {
        Some(language) => called_after(language, language.towns(), random),
        None => format!("{}{}", pick(&LAST, random), pick(&TOWN, random)),
    }
}

/// A name with somebody's in it, without `van den` and the like.
fn called_after(language: &Language, ways: &[&'static str], random: &mut Stream) -> String {
    let name = pick(&language.lasts, random);
    pick(ways, random).replace("{}", name.rsplit(' ').next().unwrap_or(name))
}

/// One entry of a list.
pub(super) fn pick(entries: &[&'static str], random: &mut Stream) -> &'static str {
    entries[random.random_range(0..entries.len())]
}
