//! Writing one value of a known meaning.

use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::{
    SHARED_ROWS,
    array::ArrayShape,
    checksum, distinct,
    geometry::GeometryShape,
    json::JsonShape,
    mask::{Masks, Place},
    meaning::Meaning,
    opaque::OpaqueShape,
    pattern,
    persona::{self, Persona},
    quantiles::Quantiles,
    span::{AddressShape, BitsShape, IntervalShape, RangeShape, moment},
    text::{Case, TextModel},
};
use crate::{schema::DataType, seed::Stream};

/// Domains that reach nobody (RFC 2606), most usual first.
const DOMAINS: &[&str] = &[
    "example.com",
    "example.org",
    "example.net",
    "mail.example.com",
    "mail.example.org",
    "synthetic.example",
];
/// Values whose shapes are learned.
const SAMPLE: usize = 50_000;

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
}

/// A column's writer: shapes and shared words, never a value of a personal column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ValueWriter {
    /// Labels that enough rows share, with running weights.
    Labels(Vec<(String, f64)>),
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
    /// Learns how values of a meaning look in this column.
    pub(super) fn fit(meaning: &Meaning, column: &ColumnShape<'_>, all: &[&str]) -> Self {
        let step = all.len().div_ceil(SAMPLE).max(1);
        let values: Vec<&str> = all.iter().step_by(step).copied().collect();
        let values = values.as_slice();
        // Two or three characters leave no room for words: only a shape can tell rows apart.
        if let DataType::Enum { .. } = column.data_type {
            return Self::Labels(labels(values, column).unwrap_or_default());
        }
        let short = column.unique && column.max_chars.is_some_and(|max| max < 8);
        let wordless = matches!(
            meaning,
            Meaning::FirstName
                | Meaning::LastName
                | Meaning::FullName
                | Meaning::UserName
                | Meaning::City
                | Meaning::State
                | Meaning::Country
                | Meaning::Company
                | Meaning::JobTitle
                | Meaning::Title
                | Meaning::FreeText
                | Meaning::Category
                | Meaning::Slug
                | Meaning::StreetAddress
        );
        if short && wordless {
            return Self::Masked(personal_masks(values, column, false));
        }
        let case = Case::of(values);
        let text =
            |sentences, markup| Self::Text(TextModel::fit(values, sentences, markup, column.max_chars));
        match meaning {
            Meaning::Category => labels(values, column).map_or_else(|| text(false, false), Self::Labels),
            Meaning::FirstName => Self::FirstName(case),
            Meaning::LastName => Self::LastName(case),
            Meaning::FullName => {
                Self::FullName { case, reversed: pattern::share(values, |text| text.contains(", ")) > 0.5 }
            }
            Meaning::UserName => Self::UserName(case),
            Meaning::Email => Self::Email { domains: unseen_domains(values), case },
            Meaning::Phone => {
                let masks = personal_masks(values, column, true);
                Self::Masked(masks.unreachable(values))
            }
            Meaning::StreetAddress => Self::Street(case),
            Meaning::City => Self::City(case),
            Meaning::State => Self::State { case, code: is_short(values) },
            Meaning::Country => Self::Country { case, code: is_short(values) },
            Meaning::PostalCode => Self::Masked(masks(values, "#####")),
            Meaning::Company => Self::Company(case),
            Meaning::JobTitle => Self::JobTitle(case),
            Meaning::Url => Self::Url { ending: endings(values).into_iter().next() },
            Meaning::DomainName => Self::Domain,
            Meaning::IpAddress => Self::Address(AddressShape::fit("inet", values)),
            Meaning::Inet => Self::Address(AddressShape::fit(column.native_type, values)),
            Meaning::Uuid => Self::Uuid {
                upper: pattern::share(values, |text| text.chars().any(|c| c.is_ascii_uppercase())) > 0.5,
                hyphens: values.is_empty() || pattern::share(values, pattern::is_hyphenated) > 0.5,
            },
            Meaning::HexToken | Meaning::PasswordHash => Self::Masked(personal_masks(values, column, false)),
            Meaning::CreditCard => Self::Card {
                prefix: ["400000", "510510", "352800", "601100"]
                    .into_iter()
                    .find(|prefix| !values.iter().any(|value| digits(value).starts_with(prefix)))
                    .unwrap_or("999999")
                    .to_owned(),
                separator: [' ', '-']
                    .into_iter()
                    .find(|c| pattern::share(values, |text| text.contains(*c)) > 0.5),
            },
            Meaning::Iban => iban_shape(values),
            Meaning::Slug => Self::Slug(lengths(values)),
            Meaning::FilePath => Self::Path {
                root: ["/", "./", "C:\\"]
                    .into_iter()
                    .find(|root| pattern::share(values, |text| text.starts_with(root)) > 0.5)
                    .unwrap_or_default()
                    .to_owned(),
                depth: Quantiles::fit(
                    values.iter().map(|text| text.matches(['/', '\\']).count() as f64).collect(),
                )
                .unwrap_or_else(|| Quantiles::constant(0.0)),
                endings: endings(values),
            },
            Meaning::Code { mask } => {
                let learned = Masks::fit(values).filter(|masks| !masks.is_fixed());
                let same = learned.as_ref().is_some_and(|masks| mask.is_empty() || masks.describe() == *mask);
                let written = if same { learned } else { Masks::parse(mask).or(learned) };
                Self::Masked(written.unwrap_or_else(|| masks(values, "********")))
            }
            Meaning::Title | Meaning::Bytes => text(false, false),
            Meaning::FreeText => text(true, false),
            Meaning::Markup => text(true, true),
            Meaning::Json => Self::Json(JsonShape::fit(column.name, values)),
            Meaning::NumberText => {
                let numbers = values.iter().filter_map(|text| text.replace(',', ".").parse().ok()).collect();
                let decimals =
                    values.iter().map(|text| text.split_once(['.', ',']).map_or(0, |(_, d)| d.len()));
                Self::Number {
                    decimals: decimals.max().unwrap_or(0).min(12),
                    values: Quantiles::fit(numbers).unwrap_or_else(|| Quantiles::constant(0.0)),
                }
            }
            Meaning::DateText => {
                let format = pattern::date_format(values).unwrap_or("%Y-%m-%d");
                let seconds: Vec<i64> =
                    values.iter().filter_map(|text| pattern::parse_date(text, format)).collect();
                let grid = [86_400, 3_600, 60].into_iter().find(|grid| seconds.iter().all(|s| s % grid == 0));
                Self::Date {
                    format: format.to_owned(),
                    seconds: Quantiles::fit(seconds.iter().map(|s| *s as f64).collect())
                        .unwrap_or_else(|| Quantiles::constant(1.6e9)),
                    grid: grid.unwrap_or(1),
                }
            }
            Meaning::Interval => Self::Interval(IntervalShape::fit(values)),
            Meaning::Bits => {
                let length = if let DataType::Bits { length } = column.data_type { *length } else { None };
                Self::Bits(BitsShape::fit(length, values))
            }
            Meaning::Set => {
                let labels =
                    if let DataType::Set { labels } = column.data_type { labels.as_slice() } else { &[] };
                let share =
                    |label: &String| pattern::share(values, |text| text.split(',').any(|part| part == label));
                Self::Set(labels.iter().map(|label| (label.clone(), share(label))).collect())
            }
            Meaning::Array => {
                let unknown = DataType::Other;
                let element =
                    if let DataType::Array { element } = column.data_type { element } else { &unknown };
                Self::Array(ArrayShape::fit(column.name, element, values))
            }
            Meaning::Range => Self::Range(RangeShape::fit(column.native_type, values)),
            Meaning::Geometry => Self::Geometry(GeometryShape::fit(column.native_type, values)),
            Meaning::Opaque => Self::Opaque(OpaqueShape::fit(column.native_type, values)),
        }
    }

    /// Writes one value; `None` means null.
    pub(super) fn write(&self, cell: &Cell<'_>, random: &mut Stream) -> Option<String> {
        let Cell { persona, index, max } = *cell;
        let text = match self {
            Self::Labels(labels) => {
                if let Some(index) = index {
                    let label = labels.get((index % labels.len().max(1) as u64) as usize);
                    return label.map(|(label, _)| label.clone());
                }
                let total = labels.last().map_or(0.0, |(_, sum)| *sum);
                let place = random.random::<f64>() * total;
                let found = labels.partition_point(|(_, sum)| *sum <= place);
                labels.get(found).map(|(label, _)| label.clone()).unwrap_or_default()
            }
            Self::FirstName(case) => case.apply(&one_of(persona.first, &[&persona::FIRST], "", cell)),
            Self::LastName(case) => case.apply(&one_of(persona.last, &[&persona::LAST], "", cell)),
            Self::FullName { case, reversed } => {
                let lists: [&[&'static str]; 2] = [&persona::FIRST, &persona::LAST];
                let name = match index.map(|index| distinct::combine(index, &lists)) {
                    None if *reversed => format!("{}, {}", persona.last, persona.first),
                    None => format!("{} {}", persona.first, persona.last),
                    Some(Some(parts)) if *reversed => format!("{}, {}", parts[1], parts[0]),
                    Some(Some(parts)) => parts.join(" "),
                    Some(None) => numbered(persona.last, " ", cell),
                };
                case.apply(&fitted(name, cell))
            }
            Self::UserName(case) => {
                let initial = distinct::cut(persona.first, Some(1));
                let base = format!("{initial}{}", persona.last).to_lowercase();
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
            Self::Street(case) => {
                let street = match index {
                    // The number of a house tells rows apart, whatever the street.
                    Some(index) => format!(
                        "{} {}",
                        index + 1,
                        persona.street.split_once(' ').map_or("", |(_, rest)| rest)
                    ),
                    None => persona.street.clone(),
                };
                case.apply(&fitted(street, cell))
            }
            Self::City(case) => {
                case.apply(&one_of(&persona.city, &[&persona::LAST, &persona::TOWN], "", cell))
            }
            Self::State { case, code: true } => {
                case.apply(&one_of(persona.state_code(), &[&persona::STATE_CODE], "", cell))
            }
            Self::State { case, .. } => case.apply(&one_of(persona.state(), &[&persona::STATE], "", cell)),
            Self::Country { case, code: true } => {
                case.apply(&one_of(persona.country_code, &[&persona::COUNTRY_CODE], "", cell))
            }
            Self::Country { case, .. } => {
                case.apply(&one_of(persona.country, &[&persona::COUNTRY], "", cell))
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
                let number = index.unwrap_or_else(|| random.random_range(0..1_000_000_000));
                let bank = random.random_range(0..1_000_000_000_u64);
                let account = format!("{bank:0>20}{number:0>12}");
                // The last digits carry the index.
                checksum::iban(country, &account[account.len() - digits..])
            }
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
    let (mut first, mut last) = (persona.first.to_lowercase(), persona.last.to_lowercase());
    if case == Case::Mixed && cell.index.is_none() && persona.number % 5 == 0 {
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

/// Reserved domains that no source value uses: no source address can come out.
fn unseen_domains(values: &[&str]) -> Vec<String> {
    let seen =
        |domain: &str| values.iter().any(|value| value.to_lowercase().ends_with(&format!("@{domain}")));
    let free: Vec<String> =
        DOMAINS.iter().filter(|domain| !seen(domain)).take(3).map(|domain| (*domain).to_owned()).collect();
    if free.is_empty() { vec!["dbsynth.example".to_owned()] } else { free }
}

/// Shapes of values; the kinds of their characters if too few share a shape.
fn masks(values: &[&str], otherwise: &str) -> Masks {
    let plain = || Masks::parse(otherwise).or_else(|| Masks::parse("********"));
    Masks::fit(values).or_else(|| Masks::generic(values)).or_else(plain).unwrap_or_else(Masks::digits)
}

/// Shapes without anything that could be a shared secret or a whole number: only punctuation, the first digits of
/// a telephone number, and the header of a hash stay.
fn personal_masks(values: &[&str], column: &ColumnShape<'_>, phone: bool) -> Masks {
    if !phone && pattern::share(values, pattern::is_hex) >= 0.9 {
        return Masks::hex(values);
    }
    let otherwise = if phone { "+1-555-###-####" } else { "****************" };
    let otherwise = distinct::cut(otherwise, column.max_chars);
    masks(values, otherwise).loosened(|index, places: &[Place]| {
        if let Some(Place::Literal(literal)) = places.get(index)
            && !literal.is_alphanumeric()
        {
            return true;
        }
        if phone {
            return index < 3;
        }
        // `$2b$12$…`: everything up to the second `$` is the method.
        let signs = places[..index].iter().filter(|place| **place == Place::Literal('$')).count();
        (1..=2).contains(&signs)
            || (index < 2
                && places.first() == Some(&Place::Literal('0'))
                && places.get(1) == Some(&Place::Literal('x')))
    })
}

/// Labels that at least five rows share; `None` if there are none.
fn labels(values: &[&str], column: &ColumnShape<'_>) -> Option<Vec<(String, f64)>> {
    let declared = || {
        let DataType::Enum { labels } = column.data_type else { return None };
        Some(labels.iter().enumerate().map(|(place, label)| (label.clone(), place as f64 + 1.0)).collect())
    };
    if column.unique {
        return declared();
    }
    let mut counts = std::collections::BTreeMap::<&str, usize>::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    let mut sum = 0.0;
    let labels: Vec<(String, f64)> = counts
        .into_iter()
        .filter(|(_, rows)| *rows >= SHARED_ROWS)
        .map(|(label, rows)| {
            sum += rows as f64;
            (label.to_owned(), sum)
        })
        .collect();
    // The labels of an enum type are no data: any of them may be written.
    if labels.is_empty() { declared() } else { Some(labels) }
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

fn is_short(values: &[&str]) -> bool {
    !values.is_empty() && pattern::share(values, |text| text.chars().count() <= 3) > 0.5
}

fn lengths(values: &[&str]) -> Quantiles {
    Quantiles::fit(values.iter().map(|text| text.chars().count() as f64).collect())
        .unwrap_or_else(|| Quantiles::constant(16.0))
}

/// File endings that enough values share.
fn endings(values: &[&str]) -> Vec<String> {
    let mut counts = std::collections::BTreeMap::<&str, usize>::new();
    for value in values {
        let name = value.rsplit(['/', '\\']).next().unwrap_or_default();
        if let Some(dot) = name.rfind('.')
            && name.is_char_boundary(dot)
            && (2..=5).contains(&(name.len() - dot))
            && value.matches('/').count() != 2
        {
            *counts.entry(&name[dot..]).or_default() += 1;
        }
    }
    counts.retain(|_, rows| *rows >= SHARED_ROWS.max(values.len() / 100));
    counts.into_keys().map(str::to_owned).collect()
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

/// Countries whose account numbers may be all digits, with how many. Source: SWIFT IBAN registry.
const IBAN_DIGITS: &[(&str, usize)] = &[
    ("DE", 18),
    ("AT", 16),
    ("BE", 12),
    ("ES", 20),
    ("CH", 17),
    ("PL", 24),
    ("SE", 20),
    ("DK", 14),
    ("NO", 11),
    ("FI", 14),
    ("FR", 23),
    ("PT", 21),
];

fn iban_shape(values: &[&str]) -> ValueWriter {
    let rows = |country: &str| values.iter().filter(|value| value.starts_with(country)).count();
    let (country, digits) = IBAN_DIGITS
        .iter()
        .rev()
        .max_by_key(|(country, _)| rows(country))
        .filter(|(country, _)| rows(country) >= SHARED_ROWS)
        .copied()
        .unwrap_or(("DE", 18));
    ValueWriter::Iban { country: country.to_owned(), digits }
}
