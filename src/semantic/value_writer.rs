//! Writing one value of a known meaning.

use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::{
    array::ArrayShape,
    checksum,
    country::{self, Country},
    distinct,
    geometry::GeometryShape,
    json::JsonShape,
    language::{self, Letters},
    mask::Masks,
    national_id::NationalId,
    opaque::OpaqueShape,
    persona::{self, Persona},
    quantiles::Quantiles,
    span::{AddressShape, BitsShape, IntervalShape, RangeShape, moment},
    text::{Case, TextModel},
    value_fit,
};
use crate::{privacy::Kept, schema::DataType, seed::Stream};

/// What a writer needs to know of its column.
#[derive(Debug, Clone, Copy)]
pub(super) struct ColumnShape<'a> {
    pub(super) name: &'a str,
    pub(super) data_type: &'a DataType,
    pub(super) native_type: &'a str,
    pub(super) max_chars: Option<usize>,
    pub(super) unique: bool,
}

impl<'a> ColumnShape<'a> {
    /// An unbounded text: a leaf of a document, an element of an array.
    pub(super) fn text(name: &'a str) -> Self {
        Self {
            name,
            data_type: &DataType::Text { max_chars: None },
            native_type: "text",
            max_chars: None,
            unique: false,
        }
    }
}

/// The row a value is written for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cell<'a> {
    pub(super) persona: &'a Persona,
    /// The row's index in the whole table, where values must differ.
    pub(super) index: Option<u64>,
    /// Most characters.
    pub(super) max: Option<usize>,
    /// True if the value follows the country of its row.
    pub(super) at_home: bool,
    /// The letters that its column holds.
    pub(super) letters: Letters,
}

impl Cell<'_> {
    fn country(&self) -> Country {
        if self.at_home { self.persona.home } else { self.persona.country }
    }
}

/// Letters of a country's code.
fn two() -> u8 {
    2
}

/// A column's writer: shapes and shared words, never a value of a personal column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ValueWriter {
    /// Labels that enough entities share, with running weights, and how many do (0: the type declares it).
    Labels(Vec<(String, f64, u32)>),
    FirstName(Case),
    LastName(Case),
    FullName {
        case: Case,
        /// True for `Last, First`.
        reversed: bool,
    },
    UserName(Case),
    Email {
        domains: Vec<String>,
        case: Case,
    },
    Street(Case),
    City(Case),
    State {
        case: Case,
        code: bool,
    },
    Country {
        case: Case,
        code: bool,
        /// Letters of the code, two or three.
        #[serde(default = "two")]
        letters: u8,
    },
    Company(Case),
    JobTitle(Case),
    Masked(Masks),
    Url {
        ending: Option<String>,
    },
    Domain,
    Uuid {
        upper: bool,
        hyphens: bool,
    },
    Card {
        prefix: String,
        separator: Option<char>,
    },
    Iban {
        country: String,
        digits: usize,
    },
    NationalId(NationalId),
    Slug(Quantiles),
    Path {
        root: String,
        depth: Quantiles,
        endings: Vec<String>,
    },
    Text(TextModel),
    Json(JsonShape),
    Number {
        values: Quantiles,
        decimals: usize,
    },
    Date {
        format: String,
        seconds: Quantiles,
        /// Seconds that every value is a multiple of.
        grid: i64,
    },
    Interval(IntervalShape),
    Address(AddressShape),
    Bits(BitsShape),
    Set(Vec<(String, f64)>),
    Array(ArrayShape),
    Range(RangeShape),
    Geometry(GeometryShape),
    Opaque(OpaqueShape),
}

impl ValueWriter {
    /// What it keeps of the source. A range, and an ending of paths, has at least `least` entities behind it.
    pub(super) fn kept(&self, least: u32) -> Vec<Kept> {
        match self {
            Self::Labels(labels) => {
                let kept = labels.iter().filter(|(.., entities)| *entities > 0);
                kept.map(|(label, _, entities)| Kept::value(label.clone(), *entities)).collect()
            }
            Self::Masked(masks) => masks.kept(),
            Self::Url { ending } => ending.iter().map(|ending| Kept::value(ending.clone(), least)).collect(),
            Self::Path { endings, .. } => {
                endings.iter().map(|ending| Kept::value(ending.clone(), least)).collect()
            }
            Self::Text(model) => model.kept(),
            Self::Json(shape) => {
                let mut kept = Vec::new();
                shape.kept(least, &mut kept);
                kept
            }
            Self::Number { values, decimals } => {
                vec![values.kept(least, &|number| format!("{number:.decimals$}"))]
            }
            Self::Date { format, seconds, .. } => {
                vec![seconds.kept(least, &|time| moment(time).format(format).to_string())]
            }
            Self::Array(shape) => shape.kept(least),
            Self::Range(shape) => shape.kept(least),
            Self::Geometry(shape) => shape.kept(least),
            Self::Opaque(shape) => shape.kept(least),
            _ => Vec::new(),
        }
    }

    /// Writes one value; `None` means null.
    pub(super) fn write(&self, cell: &Cell<'_>, random: &mut Stream) -> Option<String> {
        let Cell { persona, index, max, at_home, letters } = *cell;
        let text = match self {
            Self::Labels(labels) => {
                if let Some(index) = index {
                    let label = labels.get((index % labels.len().max(1) as u64) as usize);
                    return label.map(|(label, ..)| label.clone());
                }
                let total = labels.last().map_or(0.0, |(_, sum, _)| *sum);
                let place = random.random::<f64>() * total;
                let found = labels.partition_point(|(_, sum, _)| *sum <= place);
                labels.get(found).map(|(label, ..)| label.clone()).unwrap_or_default()
            }
            Self::FirstName(case) => {
                case.apply(&letters.spell(&one_of(persona.first, &[persona.firsts], "", cell)))
            }
            Self::LastName(case) => {
                case.apply(&letters.spell(&one_of(persona.last, &[persona.lasts], "", cell)))
            }
            Self::FullName { case, reversed } => {
                let lists: [&[&'static str]; 2] = [persona.firsts, persona.lasts];
                let name = match index.map(|index| distinct::combine(index, &lists)) {
                    None if *reversed => format!("{}, {}", persona.last, persona.first),
                    None => persona.full_name(),
                    Some(Some(parts)) if *reversed => format!("{}, {}", parts[1], parts[0]),
                    Some(Some(parts)) => parts.join(" "),
                    Some(None) => numbered(persona.last, " ", cell),
                };
                case.apply(&letters.spell(&fitted(name, cell)))
            }
            Self::UserName(case) => {
                let first = language::handle(persona.first);
                let base = format!("{}{}", distinct::cut(&first, Some(1)), language::handle(persona.last));
                let name = match index {
                    Some(_) => numbered(&base, "", cell),
                    None => format!("{base}{}", persona.number),
                };
                if *case == Case::Upper { name.to_uppercase() } else { name }
            }
            Self::Email { domains, case } => {
                let domain = domains
                    .get(random.random_range(0..domains.len().max(1)))
                    .map_or("example.com", String::as_str);
                email(cell, domain, *case)
            }
            Self::Street(case) => case.apply(&letters.spell(&fitted(persona.address(index), cell))),
            Self::City(case) => {
                let lists: [&[&'static str]; 2] = [&persona::LAST, &persona::TOWN];
                case.apply(&letters.spell(&one_of(&persona.city, &lists, "", cell)))
            }
            Self::State { case, code: true } => {
                case.apply(&one_of(persona.state_code(), &[&persona::STATE_CODE], "", cell))
            }
            Self::State { case, .. } => case.apply(&one_of(persona.state(), &[&persona::STATE], "", cell)),
            Self::Country { case, code: true, letters } => {
                let codes = if *letters == 3 { &country::LONG_CODES } else { &country::CODES };
                case.apply(&one_of(cell.country().code(*letters), &[codes], "", cell))
            }
            Self::Country { case, .. } => {
                case.apply(&one_of(cell.country().name(), &[&country::NAMES], "", cell))
            }
            Self::Company(case) => {
                let lists: [&[&'static str]; 3] = [&persona::LAST, &persona::LAST, persona::FIRM];
                let name = match index.map(|index| distinct::combine(index, &lists)) {
                    None => persona.company.clone(),
                    Some(Some(parts)) => format!("{} and {} {}", parts[0], parts[1], parts[2]),
                    Some(None) => numbered(&persona.company, " ", cell),
                };
                case.apply(&fitted(name, cell))
            }
            Self::JobTitle(case) => {
                let [rank, field, position] = &*persona::JOB;
                case.apply(&one_of(&persona.job, &[rank, field, position], " ", cell))
            }
            Self::Masked(masks) if at_home => masks.write_dialled(persona.home.calling(), index, max, random),
            Self::Masked(masks) => masks.write(index, max, random),
            Self::Url { ending } => {
                let ending = ending.as_deref().unwrap_or_default();
                let page = match index {
                    Some(index) => format!("{}-{index}", word(random)),
                    None => format!("{}-{}", word(random), random.random_range(100..100_000)),
                };
                let long = format!("https://www.example.com/{}/{page}{ending}", word(random));
                if max.is_some_and(|max| long.len() > max) {
                    numbered(
                        "https://example.com/p",
                        "",
                        &Cell { index: Some(index.unwrap_or(u64::from(persona.number))), ..*cell },
                    )
                } else {
                    long
                }
            }
            Self::Domain => {
                let number = index.unwrap_or_else(|| random.random_range(1..1000));
                let long = format!("{}-{number}.example.com", word(random));
                if max.is_some_and(|max| long.len() > max) {
                    numbered("h", "", &Cell { index: Some(number), ..*cell })
                } else {
                    long
                }
            }
            Self::Uuid { upper, hyphens } => uuid(*upper, *hyphens, random),
            Self::Card { prefix, separator } => card(prefix, *separator, index, random),
            Self::Iban { country, digits } => {
                let own = (country.as_str(), *digits);
                let abroad = value_fit::iban_digits(persona.home.code(2)).filter(|_| at_home);
                let (country, digits) = abroad.unwrap_or(own);
                let number = index.unwrap_or_else(|| random.random_range(0..1_000_000_000));
                let bank = random.random_range(0..1_000_000_000_u64);
                let account = format!("{bank:0>20}{number:0>12}");
                // The last digits carry the index.
                checksum::iban(country, &account[account.len() - digits..])
            }
            Self::NationalId(numbers) => numbers.write(index, random),
            Self::Slug(lengths) => {
                let target = lengths.draw_count(random);
                let mut slug = word(random).to_lowercase();
                while slug.len() < target {
                    slug.push('-');
                    slug.push_str(&word(random).to_lowercase());
                }
                match index {
                    Some(_) => numbered(&slug, "-", cell),
                    None => slug,
                }
            }
            Self::Path { root, depth, endings } => {
                let separator = if root.contains('\\') { '\\' } else { '/' };
                let mut path = root.clone();
                let folders =
                    depth.draw_count(random).saturating_sub(root.matches(['/', '\\']).count()).min(12);
                for _ in 0..folders {
                    path.push_str(word(random));
                    path.push(separator);
                }
                let ending =
                    endings.get(random.random_range(0..endings.len().max(1))).map_or("", String::as_str);
                let number = index.unwrap_or(u64::from(persona.number));
                let long = format!("{path}{}-{number}{ending}", word(random));
                if max.is_some_and(|max| long.len() > max) {
                    numbered("f", "", &Cell { index: Some(number), ..*cell })
                } else {
                    long
                }
            }
            Self::Text(model) => model.write(index, max, random),
            Self::Json(shape) => shape.write(cell, random),
            Self::Number { values, decimals } => match index {
                Some(index) => (index + 1).to_string(),
                None => format!("{:.decimals$}", values.draw(random)),
            },
            Self::Date { format, seconds, grid } => {
                let time = match index {
                    Some(index) => seconds.median() + index as f64 * *grid as f64,
                    None => seconds.draw(random),
                };
                let grid = *grid as f64;
                moment((time / grid).floor() * grid).format(format).to_string()
            }
            Self::Interval(shape) => shape.write(index, random),
            Self::Address(shape) => shape.write(index, random),
            Self::Bits(shape) => shape.write(index, random),
            Self::Set(labels) => {
                let chosen: Vec<&str> = labels
                    .iter()
                    .filter(|(_, share)| random.random_bool(share.clamp(0.0, 1.0)))
                    .map(|(label, _)| label.as_str())
                    .collect();
                chosen.join(",")
            }
            Self::Array(shape) => shape.write(cell, random),
            Self::Range(shape) => shape.write(index, random),
            Self::Geometry(shape) => shape.write(index, random),
            Self::Opaque(shape) => return shape.write(index, random),
        };
        let cut = distinct::cut(&text, max);
        Some(if cut.len() < text.len() { cut.trim_end().to_owned() } else { text })
    }
}

/// A filler word, lower case.
fn word(random: &mut Stream) -> &'static str {
    persona::pick(&persona::LOREM, random)
}

/// `base` with the row's index after it.
fn numbered(base: &str, joint: &str, cell: &Cell<'_>) -> String {
    distinct::numbered(base, joint, cell.index.unwrap_or(0), cell.max)
}

/// The name itself if it fits the column, else a short one that still tells rows apart.
fn fitted(name: String, cell: &Cell<'_>) -> String {
    match (cell.max, cell.index) {
        (Some(max), Some(_)) if name.chars().count() > max => numbered(cell.persona.last, " ", cell),
        _ => name,
    }
}

/// The persona's own entry, or the one that the row's index picks from the lists, or a numbered one.
fn one_of(own: &str, lists: &[&[&'static str]], joint: &str, cell: &Cell<'_>) -> String {
    let Some(index) = cell.index else { return own.to_owned() };
    match distinct::combine(index, lists) {
        Some(parts) => {
            let [first, rest @ ..] = parts.as_slice() else { return own.to_owned() };
            let text = rest.iter().fold((*first).to_owned(), |text, part| format!("{text}{joint}{part}"));
            match cell.max {
                Some(max) if text.chars().count() > max => numbered(own, " ", cell),
                _ => text,
            }
        }
        None => numbered(own, " ", cell),
    }
}

fn email(cell: &Cell<'_>, domain: &str, case: Case) -> String {
    let persona = cell.persona;
    let (mut first, mut last) = (language::handle(persona.first), language::handle(persona.last));
    if case == Case::Mixed && cell.index.is_none() && persona.number.is_multiple_of(5) {
        last.push_str(&persona.number.to_string());
    }
    if case == Case::Upper {
        (first, last) = (first.to_uppercase(), last.to_uppercase());
    }
    let room = cell.max.map(|max| max.saturating_sub(domain.len() + 1));
    let long = format!("{first}.{last}");
    let local = match (cell.index, room) {
        (Some(index), _) => distinct::numbered(&long, ".", index, room.map(|room| room.max(1))),
        (None, Some(room)) if long.chars().count() > room => {
            distinct::cut(&long, Some(room.max(1))).trim_end_matches('.').to_owned()
        }
        _ => long,
    };
    format!("{local}@{}", if case == Case::Upper { domain.to_uppercase() } else { domain.to_owned() })
}

/// A random (version 4) UUID. Source: RFC 9562, section 5.4.
fn uuid(upper: bool, hyphens: bool, random: &mut Stream) -> String {
    let bits = random.random::<u128>() & !(0xf << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    let hex = format!("{bits:032x}");
    let text = if hyphens {
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    } else {
        hex
    };
    if upper { text.to_uppercase() } else { text }
}

fn card(prefix: &str, separator: Option<char>, index: Option<u64>, random: &mut Stream) -> String {
    let number = match index {
        Some(index) => distinct::permute(index % 1_000_000_000, 1_000_000_000),
        None => random.random_range(0..1_000_000_000),
    };
    let mut digits: Vec<u32> =
        format!("{prefix}{number:09}").chars().filter_map(|c| c.to_digit(10)).collect();
    digits.push(checksum::luhn_check_digit(&digits));
    let mut text = String::new();
    for (place, digit) in digits.iter().enumerate() {
        if let (true, Some(separator)) = (place > 0 && place % 4 == 0, separator) {
            text.push(separator);
        }
        text.push(char::from_digit(*digit, 10).unwrap_or('0'));
    }
    text
}
