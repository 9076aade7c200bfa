//! Learning how values of a known meaning look in a column.

use super::{
    array::ArrayShape,
    column_name, distinct,
    geometry::GeometryShape,
    json::JsonShape,
    mask::{Masks, Place},
    meaning::Meaning,
    national_id::NationalId,
    opaque::OpaqueShape,
    pattern,
    quantiles::Quantiles,
    span::{AddressShape, BitsShape, IntervalShape, RangeShape},
    text::{Case, TextModel},
    value_writer::{ColumnShape, ValueWriter},
};
use crate::{privacy::Guard, schema::DataType};

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

impl ValueWriter {
    /// Learns how values of a meaning look in this column.
    pub(super) fn fit(meaning: &Meaning, column: &ColumnShape<'_>, all: &[&str], guard: Guard<'_>) -> Self {
        let step = all.len().div_ceil(SAMPLE).max(1);
        let values: Vec<&str> = all.iter().step_by(step).copied().collect();
        let values = values.as_slice();
        let owners: Vec<u32> = (0..all.len()).step_by(step).map(|row| guard.owner(row)).collect();
        let guard = Guard::entities(&owners, guard.least() as u32);
        // Two or three characters leave no room for words: only a shape can tell rows apart.
        if let DataType::Enum { .. } = column.data_type {
            return Self::Labels(labels(values, column, guard).unwrap_or_default());
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
            return Self::Masked(personal_masks(values, column, guard, false));
        }
        let case = Case::of(values);
        let text = |sentences, markup| {
            Self::Text(TextModel::fit(values, guard, (sentences, markup), column.max_chars))
        };
        match meaning {
            Meaning::Category => {
                labels(values, column, guard).map_or_else(|| text(false, false), Self::Labels)
            }
            Meaning::FirstName => Self::FirstName(case),
            Meaning::LastName => Self::LastName(case),
            Meaning::FullName => {
                Self::FullName { case, reversed: pattern::share(values, |text| text.contains(", ")) > 0.5 }
            }
            Meaning::UserName => Self::UserName(case),
            Meaning::Email => Self::Email { domains: unseen_domains(values), case },
            Meaning::Phone => {
                let masks = personal_masks(values, column, guard, true);
                Self::Masked(masks.unreachable(values))
            }
            Meaning::StreetAddress => Self::Street(case),
            Meaning::City => Self::City(case),
            Meaning::State => Self::State { case, code: is_short(values) },
            Meaning::Country => Self::Country {
                case,
                code: is_short(values),
                letters: if pattern::share(values, |text| text.chars().count() == 3) > 0.5 { 3 } else { 2 },
            },
            Meaning::PostalCode => Self::Masked(masks(values, guard, "#####")),
            Meaning::Company => Self::Company(case),
            Meaning::JobTitle => Self::JobTitle(case),
            Meaning::Url => Self::Url { ending: endings(values, guard).into_iter().next() },
            Meaning::DomainName => Self::Domain,
            Meaning::IpAddress => Self::Address(AddressShape::fit("inet", values)),
            Meaning::Inet => Self::Address(AddressShape::fit(column.native_type, values)),
            Meaning::Uuid => Self::Uuid {
                upper: pattern::share(values, |text| text.chars().any(|c| c.is_ascii_uppercase())) > 0.5,
                hyphens: values.is_empty() || pattern::share(values, pattern::is_hyphenated) > 0.5,
            },
            Meaning::HexToken | Meaning::PasswordHash => {
                Self::Masked(personal_masks(values, column, guard, false))
            }
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
            Meaning::Iban => iban_shape(values, guard),
            Meaning::NationalId => match NationalId::fit(values, guard) {
                Some(numbers) => Self::NationalId(numbers),
                None => Self::Masked(masks(values, guard, "#########").unreachable(values)),
            },
            Meaning::Slug => Self::Slug(lengths(values, guard)),
            Meaning::FilePath => Self::Path {
                root: ["/", "./", "C:\\"]
                    .into_iter()
                    .find(|root| pattern::share(values, |text| text.starts_with(root)) > 0.5)
                    .unwrap_or_default()
                    .to_owned(),
                depth: Quantiles::fit(
                    values.iter().map(|text| text.matches(['/', '\\']).count() as f64).enumerate(),
                    guard,
                )
                .unwrap_or_else(|| Quantiles::constant(0.0)),
                endings: endings(values, guard),
            },
            Meaning::Code { mask } => {
                let learned = Masks::fit(values, guard).filter(|masks| !masks.is_fixed());
                let same = learned.as_ref().is_some_and(|masks| mask.is_empty() || masks.describe() == *mask);
                let written = if same { learned } else { Masks::parse(mask).or(learned) };
                let masks = written.unwrap_or_else(|| masks(values, guard, "********"));
                // Numbers of accounts and identity papers: no source number may come out.
                let personal = column_name::hint("", column.name) == Some(Meaning::Iban);
                Self::Masked(if personal { masks.unreachable(values) } else { masks })
            }
            Meaning::Title | Meaning::Bytes => text(false, false),
            Meaning::FreeText => text(true, false),
            Meaning::Markup => text(true, true),
            Meaning::Json => Self::Json(JsonShape::fit(column.name, values, guard)),
            Meaning::NumberText | Meaning::Coordinates => {
                let read = |text: &str| text.replace(',', ".").parse::<f64>().ok();
                let numbers = values.iter().enumerate();
                let numbers = numbers.filter_map(|(row, text)| Some((row, read(text)?)));
                let decimals =
                    values.iter().map(|text| text.split_once(['.', ',']).map_or(0, |(_, d)| d.len()));
                Self::Number {
                    decimals: decimals.max().unwrap_or(0).min(12),
                    values: Quantiles::fit(numbers, guard).unwrap_or_else(|| Quantiles::constant(0.0)),
                }
            }
            Meaning::DateText | Meaning::BirthDate => {
                let format = pattern::date_format(values).unwrap_or("%Y-%m-%d");
                let read = values.iter().enumerate();
                let seconds: Vec<(usize, i64)> =
                    read.filter_map(|(row, text)| Some((row, pattern::parse_date(text, format)?))).collect();
                let grids = [86_400, 3_600, 60];
                let grid = grids.into_iter().find(|grid| seconds.iter().all(|(_, s)| s % grid == 0));
                Self::Date {
                    format: format.to_owned(),
                    seconds: Quantiles::fit(seconds.iter().map(|(row, s)| (*row, *s as f64)), guard)
                        .unwrap_or_else(|| Quantiles::constant(1.6e9)),
                    grid: grid.unwrap_or(1),
                }
            }
            Meaning::Interval => Self::Interval(IntervalShape::fit(values, guard)),
            Meaning::Bits => {
                let length = if let DataType::Bits { length } = column.data_type { *length } else { None };
                Self::Bits(BitsShape::fit(length, values, guard))
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
                Self::Array(ArrayShape::fit(column.name, element, values, guard))
            }
            Meaning::Range if has_unknown_ends(column.data_type) => {
                Self::Opaque(OpaqueShape::fit(column.data_type, &type_name(column), values, guard))
            }
            Meaning::Range => Self::Range(RangeShape::fit(&type_name(column), values, guard)),
            Meaning::Geometry => Self::Geometry(GeometryShape::fit(&type_name(column), values, guard)),
            Meaning::Opaque => {
                Self::Opaque(OpaqueShape::fit(column.data_type, &type_name(column), values, guard))
            }
        }
    }
}

/// True for ranges of anything but numbers and days: no end of one can be made up.
fn has_unknown_ends(data_type: &DataType) -> bool {
    let DataType::Range { subtype, .. } = data_type else { return false };
    !matches!(
        subtype.as_ref(),
        DataType::Integer { .. }
            | DataType::Decimal { .. }
            | DataType::Float { .. }
            | DataType::Date
            | DataType::Timestamp { .. }
    )
}

/// The name of a type below its domains, with the arguments of the declared type where it is that type.
fn type_name(column: &ColumnShape<'_>) -> String {
    match column.data_type {
        DataType::Native { name, .. } => {
            let declared = column.native_type.to_lowercase();
            let bare = declared.split(['(', ' ']).next().unwrap_or_default();
            let same = bare.rsplit('.').next().unwrap_or_default().trim_matches('"') == name;
            if same { declared } else { name.clone() }
        }
        DataType::Range { subtype, multi } => {
            let kind = match subtype.as_ref() {
                DataType::Integer { .. } => "int8",
                DataType::Date => "date",
                DataType::Timestamp { zoned: true } => "tstz",
                DataType::Timestamp { zoned: false } => "ts",
                _ => "num",
            };
            format!("{kind}{}", if *multi { "multirange" } else { "range" })
        }
        _ => column.native_type.to_owned(),
    }
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
fn masks(values: &[&str], guard: Guard<'_>, otherwise: &str) -> Masks {
    let plain = || Masks::parse(otherwise).or_else(|| Masks::parse("********"));
    // Shapes that most values share say more; the kinds of characters alone fit every value.
    Masks::fit(values, guard)
        .filter(|masks| masks.coverage(values) >= 0.5 && !masks.is_fixed())
        .or_else(|| Masks::generic(values, guard))
        .or_else(plain)
        .unwrap_or_else(Masks::digits)
}

/// Shapes without anything that could be a shared secret or a whole number: only punctuation, the first digits of
/// a telephone number, and the header of a hash stay.
fn personal_masks(values: &[&str], column: &ColumnShape<'_>, guard: Guard<'_>, phone: bool) -> Masks {
    if !phone && pattern::share(values, pattern::is_hex) >= 0.9 {
        return Masks::hex(values);
    }
    let otherwise = if phone { "+1-555-###-####" } else { "****************" };
    let otherwise = distinct::cut(otherwise, column.max_chars);
    if phone
        && !guard.enough(0..values.len())
        && let Some(masks) = Masks::parse(otherwise)
    {
        return masks;
    }
    masks(values, guard, otherwise).loosened(|index, places: &[Place]| {
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

/// Labels that enough entities share; `None` if there are none.
fn labels(values: &[&str], column: &ColumnShape<'_>, guard: Guard<'_>) -> Option<Vec<(String, f64, u32)>> {
    let declared = || {
        let DataType::Enum { labels } = column.data_type else { return None };
        let weighed = labels.iter().enumerate();
        Some(weighed.map(|(place, label)| (label.clone(), place as f64 + 1.0, 0)).collect())
    };
    if column.unique {
        return declared();
    }
    let counts = guard.support(values.iter().enumerate().map(|(row, value)| (*value, row)));
    let mut sum = 0.0;
    let labels: Vec<(String, f64, u32)> = counts
        .into_iter()
        .filter(|(_, seen)| seen.entities >= guard.least())
        .map(|(label, seen)| {
            sum += seen.rows as f64;
            (label.to_owned(), sum, seen.entities as u32)
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

fn lengths(values: &[&str], guard: Guard<'_>) -> Quantiles {
    Quantiles::fit(values.iter().map(|text| text.chars().count() as f64).enumerate(), guard)
        .unwrap_or_else(|| Quantiles::constant(16.0))
}

/// File endings that enough entities share.
fn endings(values: &[&str], guard: Guard<'_>) -> Vec<String> {
    let ending = |value: &'_ &'_ str| -> Option<String> {
        let name = value.rsplit(['/', '\\']).next().unwrap_or_default();
        if let Some(dot) = name.rfind('.')
            && name.is_char_boundary(dot)
            && (2..=5).contains(&(name.len() - dot))
            && value.matches('/').count() != 2
        {
            return Some(name[dot..].to_owned());
        }
        None
    };
    let all = values.iter().enumerate().filter_map(|(row, value)| Some((ending(value)?, row)));
    let mut counts = guard.support(all);
    counts.retain(|_, seen| seen.entities >= guard.least() && seen.rows >= values.len() / 100);
    counts.into_keys().collect()
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

/// A country whose account numbers may be all digits, and how many they have.
pub(super) fn iban_digits(country: &str) -> Option<(&'static str, usize)> {
    IBAN_DIGITS.iter().find(|(known, _)| *known == country).copied()
}

fn iban_shape(values: &[&str], guard: Guard<'_>) -> ValueWriter {
    let with = |country: &str| {
        let has = |row: &usize| values[*row].starts_with(country);
        guard.distinct((0..values.len()).filter(has))
    };
    let (country, digits) = IBAN_DIGITS
        .iter()
        .rev()
        .max_by_key(|(country, _)| with(country))
        .filter(|(country, _)| with(country) >= guard.least().max(1))
        .copied()
        .unwrap_or(("DE", 18));
    ValueWriter::Iban { country: country.to_owned(), digits }
}
