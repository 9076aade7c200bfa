//! Names of persons, streets and towns as a country has them.
//!
//! The names are those of the crate `fake`, whose lists do not say whose they are: [`super::language_table`] tells
//! women's from men's, and names that it cannot tell are for rows without a gender alone.

use std::{borrow::Cow, collections::BTreeSet, sync::LazyLock};

use serde::{Deserialize, Serialize};

use super::{
    country::Country,
    gender::Gender,
    language_table::{Described, LANGUAGES, Signs},
};

/// Fewer names than this are no list to draw from.
const NAMES_MIN: usize = 10;

/// What names are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Script {
    /// Latin letters.
    Latin,
    /// Chinese and Japanese signs.
    EastAsian,
    /// Arabic letters.
    Arabic,
}

impl Script {
    /// The script of a letter; `None` for others.
    pub(super) fn of(letter: char) -> Option<Self> {
        match letter {
            'A'..='Z' | 'a'..='z' | '\u{c0}'..='\u{24f}' => Some(Self::Latin),
            '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' => Some(Self::EastAsian),
            '\u{600}'..='\u{6ff}' => Some(Self::Arabic),
            _ => None,
        }
    }
}

/// The letters that a column may hold: no more than its source shows, for its character set may have no others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Letters {
    /// Those of ASCII.
    #[default]
    Ascii,
    /// Those of Western Europe (ISO 8859-1) as well.
    Western,
    /// All.
    Any,
}

impl Letters {
    /// What it takes to write a text that stands in a source.
    pub(super) fn of(text: &str) -> Self {
        let letters = text.chars().filter(|c| c.is_alphabetic());
        letters.map(Self::of_letter).max().unwrap_or_default()
    }

    fn of_letter(letter: char) -> Self {
        match letter {
            '\0'..='\x7f' => Self::Ascii,
            // Windows calls a set Latin 1 that has seven letters more.
            '\u{80}'..='\u{ff}' | 'Œ' | 'œ' | 'Š' | 'š' | 'Ÿ' | 'Ž' | 'ž' => Self::Western,
            _ => Self::Any,
        }
    }

    /// A name in these letters: as it is, or in plain ones.
    pub(super) fn spell(self, name: &str) -> Cow<'_, str> {
        let has_all = match self {
            Self::Ascii => name.is_ascii(),
            Self::Western => name.chars().all(|c| c <= '\u{ff}'),
            Self::Any => true,
        };
        if has_all { Cow::Borrowed(name) } else { Cow::Owned(plain(name)) }
    }
}

/// A text in plain ASCII letters: accents fall away, other scripts are transliterated.
pub(super) fn plain(text: &str) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    deunicode::deunicode(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The lower-case ASCII letters and digits of a name, for addresses of mail and login names.
pub(super) fn handle(name: &str) -> String {
    plain(name).chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase()
}

/// How persons, streets and towns of some countries are called.
#[derive(Debug)]
pub(super) struct Language {
    described: &'static Described,
    /// Given names: women's, men's, all.
    women: Vec<&'static str>,
    men: Vec<&'static str>,
    all: Vec<&'static str>,
    pub(super) lasts: Vec<&'static str>,
}

impl Language {
    /// The language of a country's names; `None` if that is English or no list here is in it.
    pub(super) fn of(country: Country) -> Option<&'static Self> {
        static ALL: LazyLock<Vec<Language>> = LazyLock::new(|| LANGUAGES.iter().map(Language::new).collect());
        let speaks =
            |language: &&Self| language.described.countries.split(' ').any(|code| code == country.code(2));
        ALL.iter().find(speaks)
    }

    fn new(described: &'static Described) -> Self {
        let all: Vec<&'static str> = list(described, described.given);
        let of = |wanted| {
            let fits = |name: &&&'static str| described.signs.gender(name) == Some(wanted);
            all.iter().filter(fits).copied().collect()
        };
        let (women, men) = (of(Gender::Woman), of(Gender::Man));
        Self { described, women, men, all, lasts: list(described, described.family) }
    }

    /// Given names for a gender, or for a person whose gender nothing says; `None` if there are too few.
    pub(super) fn given(&self, gender: Option<Gender>) -> Option<&[&'static str]> {
        let names = match gender {
            Some(Gender::Woman) => &self.women,
            Some(Gender::Man) => &self.men,
            None => &self.all,
        };
        (names.len() >= NAMES_MIN).then_some(names.as_slice())
    }

    /// What its names are written in.
    pub(super) fn script(&self) -> Script {
        self.described.script
    }

    /// A whole name, in the order of the language.
    pub(super) fn full_name(&self, first: &str, last: &str) -> String {
        let order = self.described.order;
        order.replace('F', "\0").replace('L', last).replace('\0', first)
    }

    /// Ways to name a street after somebody: `{}` stands for the name, `#` for the number of a house.
    pub(super) fn streets(&self) -> &'static [&'static str] {
        self.described.streets
    }

    /// Ways to name a town after somebody.
    pub(super) fn towns(&self) -> &'static [&'static str] {
        self.described.towns
    }
}

/// Entries of a list in the letters of their language, which differ even without their accents.
fn list(described: &Described, entries: &'static [&'static str]) -> Vec<&'static str> {
    let fits = |c: char| {
        c == ' '
            || (c.is_alphabetic()
                && Script::of(c) == Some(described.script)
                && (described.script != Script::Latin
                    || c.is_ascii()
                    || c.to_lowercase().all(|c| described.accents.contains(c))))
    };
    let mut seen = BTreeSet::new();
    let kept = entries.iter().map(|entry| entry.trim()).filter(|entry| {
        // `FAnke`, `LÉON`: slips of the list.
        let shouts = entry.chars().nth(1).is_some_and(char::is_uppercase);
        let is_left_out = described.left_out.split(' ').any(|name| name == *entry);
        !entry.is_empty() && entry.chars().all(fits) && !shouts && !is_left_out
    });
    let unaccented = |entry: &str| match described.script {
        Script::Latin => plain(entry).to_lowercase(),
        _ => entry.to_owned(),
    };
    kept.filter(|entry| seen.insert(unaccented(entry))).collect()
}

impl Signs {
    /// Whose name a given name is; `None`: both have it, or nothing here tells.
    fn gender(&self, name: &str) -> Option<Gender> {
        let has = |list: &str, name: &str| list.split(' ').any(|known| known == name);
        match self {
            Self::Characters { women, men } => {
                let any = |signs: &str| name.chars().any(|c| signs.contains(c));
                one_of(any(women), any(men))
            }
            Self::Endings { women, men, both, womens_ends, mens_ends } => {
                let name = plain(name).to_lowercase();
                if has(both, &name) {
                    return None;
                }
                let longest = |ends: &str| {
                    let fitting = ends.split(' ').filter(|end| !end.is_empty() && name.ends_with(end));
                    fitting.map(str::len).max().unwrap_or(0)
                };
                let (woman, man) = (longest(womens_ends), longest(mens_ends));
                one_of(has(women, &name), has(men, &name))
                    .or_else(|| Gender::of_name(&name))
                    .or_else(|| one_of(woman > man, man > woman))
            }
            Self::Unknown => None,
        }
    }
}

fn one_of(woman: bool, man: bool) -> Option<Gender> {
    match (woman, man) {
        (true, false) => Some(Gender::Woman),
        (false, true) => Some(Gender::Man),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn language(code: &str) -> &'static Language {
        Language::of(Country::read(code).unwrap()).unwrap()
    }

    #[test]
    fn names_are_of_the_gender_that_they_have_in_their_language() {
        for (code, women, men) in [
            ("DE", "Heike Andrea Sabine", "Jürgen Matthias Uwe"),
            ("FR", "Hélène Cécile Manon", "François Jérémie Étienne Jean"),
            ("IT", "Giulia Alice Noemi", "Andrea Simone Luca Giuseppe"),
            ("NL", "Maaike Sanne", "Wouter Sjoerd"),
            ("BR", "Patrícia Thaís Beatriz Luiza", "João Vicente Wellington"),
            ("PT", "Matilde Inês", "Gonçalo Rui"),
            ("TR", "Ayşe Büşra", "Hüseyin Onur"),
            ("JP", "美咲 莉子", "健太 翔"),
            ("TW", "雅婷 淑芬", "志豪 俊宏"),
        ] {
            let signs = &language(code).described.signs;
            assert!(women.split(' ').all(|name| signs.gender(name) == Some(Gender::Woman)), "{code}");
            assert!(men.split(' ').all(|name| signs.gender(name) == Some(Gender::Man)), "{code}");
        }
        // Names of both, and names that nothing tells.
        assert_eq!(language("FR").described.signs.gender("Dominique"), None);
        assert_eq!(language("CN").described.signs.gender("清云"), None);
    }

    #[test]
    fn lists_are_of_one_script_without_a_name_twice() {
        for language in LANGUAGES.iter().map(Language::new) {
            let Language { described, women, men, all, lasts } = &language;
            let countries = described.countries;
            assert!(all.len() >= 2 * NAMES_MIN && lasts.len() >= NAMES_MIN, "{countries}");
            assert!(women.iter().all(|name| !men.contains(name)), "{countries}");
            assert!(language.given(None) == Some(all), "{countries}");
            for list in [all, lasts] {
                let mut distinct = BTreeSet::new();
                for name in list {
                    assert!(distinct.insert(name.to_lowercase()), "{countries}: {name}");
                    let script = |c: char| c == ' ' || Script::of(c) == Some(described.script);
                    assert!(name.chars().all(script), "{countries}: {name}");
                    assert!(!handle(name).is_empty() && handle(name).is_ascii(), "{countries}: {name}");
                }
            }
            let known = described
                .countries
                .split(' ')
                .all(|code| Country::read(code).is_some_and(|country| country.code(2) == code));
            assert!(known, "{countries}");
        }
    }

    #[test]
    fn each_country_has_one_language_and_most_have_none_here() {
        let mut seen = BTreeSet::new();
        assert!(
            LANGUAGES.iter().flat_map(|language| language.countries.split(' ')).all(|code| seen.insert(code))
        );
        assert!(Language::of(Country::read("US").unwrap()).is_none());
        assert!(Language::of(Country::read("GB").unwrap()).is_none());
        // No list says whose given names the Persian ones are.
        assert!(language("IR").given(Some(Gender::Woman)).is_none());
        assert!(language("IR").given(None).is_some());
    }

    #[test]
    fn a_name_is_spelt_in_the_letters_of_its_column() {
        assert_eq!(Letters::Ascii.spell("Müller"), "Muller");
        assert_eq!(Letters::Western.spell("Müller"), "Müller");
        assert_eq!(Letters::Western.spell("Şahin"), "Sahin");
        assert_eq!(Letters::Any.spell("Şahin"), "Şahin");
        assert_eq!(Letters::of("Smith, J."), Letters::Ascii);
        // Quotation marks and dashes are no letters.
        assert_eq!(Letters::of("“O’Hara” – 5 €"), Letters::Ascii);
        assert_eq!(Letters::of("Søren Œuvre"), Letters::Western);
        assert_eq!(Letters::of("Łukasz"), Letters::Any);
        assert_eq!(handle("van den Berg"), "vandenberg");
        assert_eq!(handle("Weiß"), "weiss");
    }

    #[test]
    fn whole_names_are_in_the_order_of_their_language() {
        assert_eq!(language("FR").full_name("Luc", "Fabre"), "Luc Fabre");
        assert_eq!(language("JP").full_name("健太", "佐藤"), "佐藤 健太");
        assert_eq!(language("CN").full_name("雅婷", "王"), "王雅婷");
    }
}
