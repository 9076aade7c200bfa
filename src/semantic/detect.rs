//! Finding out what a column's values mean.

use std::collections::BTreeMap;

use arrow_array::{ArrayRef, cast::AsArray, types::Int64Type};

use super::{Meaning, SHARED_ROWS, column_name, mask::Masks, national_id, pattern};
use crate::{
    privacy::Guard,
    schema::{ColumnId, DataType, Storage, Table},
};

#[cfg(test)]
mod tests;

/// Values looked at by the patterns.
const SAMPLE: usize = 2_000;
/// Most labels of an enumeration, whatever the number of rows.
const LABELS_MAX: usize = 120;
/// Most labels of an enumeration whose labels repeat often.
const FREQUENT_LABELS_MAX: usize = 1_000;
/// Most labels at all, if each repeats so often that two tokens can learn it.
const MANY_LABELS_MAX: usize = 12_000;
/// Rows a label has, on average, where there are so many.
const MANY_LABELS_ROWS: f64 = 8.0;
/// Longest label in characters.
const LABEL_CHARS: usize = 120;

/// Words for the day a person was born on.
const BIRTH: [&str; 15] = [
    "birth",
    "birthdate",
    "birthday",
    "born",
    "dob",
    "geburtsdatum",
    "geburtstag",
    "naissance",
    "nacimiento",
    "nascita",
    "nascimento",
    "fodselsdato",
    "fodelsedatum",
    "geboortedatum",
    "syntymaaika",
];
/// Words for a part of a place.
const PLACE: [&str; 6] = ["lat", "latitude", "lon", "lng", "long", "longitude"];

/// What a column's values mean, and how sure that is.
#[derive(Debug, Clone, PartialEq)]
pub struct Detected {
    /// The meaning.
    pub meaning: Meaning,
    /// From 0 (a guess for want of a better one) to 1 (said by the user or by the type).
    pub score: f32,
}

impl Detected {
    fn new(meaning: Meaning, score: f32) -> Self {
        Self { meaning, score }
    }
}

/// Finds out what the values of a text-like column (text, bytes, or a type kept in its text form) mean.
///
/// `setting` is the user's word from `synth.toml`; one that names no meaning is ignored here
/// ([`Meaning::parse`] tells). A column of numbers, dates or booleans is a category with score 0: it is not
/// ours.
#[must_use]
pub fn detect(table: &Table, column: ColumnId, values: &ArrayRef, setting: Option<&str>) -> Detected {
    let described = table.column(column);
    let writable = matches!(described.data_type.storage(), Storage::Text | Storage::Bytes | Storage::Integer);
    if let (true, Some(meaning)) = (writable, setting.and_then(Meaning::parse)) {
        return Detected::new(meaning, 1.0);
    }
    match described.data_type.storage() {
        Storage::Text => {}
        Storage::Bytes => return Detected::new(Meaning::Bytes, 1.0),
        _ => return Detected::new(Meaning::Category, 0.0),
    }
    let Some(strings) = values.as_string_opt::<i32>() else { return Detected::new(Meaning::Opaque, 0.0) };
    let all: Vec<&str> = strings.iter().flatten().collect();
    let unique = table.keys().any(|key| key.columns == [column] && key.predicate.is_none());
    let own = of_type(&described.data_type);
    if let Some(meaning) = own {
        // A document or array that repeats is an enumeration in disguise; addresses never are.
        let keeps = matches!(meaning, Meaning::Uuid | Meaning::Inet);
        if !keeps && !unique && (meaning == Meaning::Category || Repetition::of(&all).is_category(false)) {
            return Detected::new(Meaning::Category, 1.0);
        }
        return Detected::new(meaning, 1.0);
    }
    detect_text(&table.name.name, &described.name, &all, unique)
}

/// What the name of a column that is no text says of a person, if it says anything: such a column is learned, not
/// written, but whoever looks should know.
#[must_use]
pub fn detect_by_name(table: &Table, column: ColumnId) -> Option<Detected> {
    let described = table.column(column);
    let words = column_name::words(&described.name);
    let any = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    let meaning = match described.data_type.storage() {
        Storage::Date | Storage::Timestamp if any(&BIRTH) || words.concat() == "dateofbirth" => {
            Meaning::BirthDate
        }
        Storage::Float if any(&PLACE) => Meaning::Coordinates,
        Storage::Integer | Storage::Float => match column_name::hint(&table.name.name, &described.name)? {
            found @ (Meaning::Phone | Meaning::CreditCard | Meaning::Iban) => found,
            _ => return None,
        },
        _ => return None,
    };
    Some(Detected::new(meaning, 0.5))
}

/// What a column of whole numbers holds of a person, if its values are identifiers and not amounts: telephone, card or
/// account numbers, numbers of identity papers. They are written anew like texts; only few of them repeat.
#[must_use]
pub fn detect_number(table: &Table, column: ColumnId, values: &ArrayRef) -> Option<Detected> {
    let described = table.column(column);
    let DataType::Integer { max, .. } = described.data_type else { return None };
    let numbers = values.as_primitive_opt::<Int64Type>()?;
    let mut seen: Vec<i64> = numbers.iter().flatten().collect();
    let rows = seen.len();
    let longest = seen.iter().max()?.to_string().len();
    // Any number of as many digits must fit.
    let fits = 10_i64.checked_pow(longest as u32).is_some_and(|end| end - 1 <= max);
    let own = !numbers.iter().flatten().any(|number| number < 10_000);
    seen.sort_unstable();
    seen.dedup();
    if rows < SHARED_ROWS || !own || !fits || seen.len() * 2 < rows {
        return None;
    }
    let step = seen.len().div_ceil(SAMPLE).max(1);
    let texts: Vec<String> = seen.iter().step_by(step).map(i64::to_string).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let share = |passes: fn(&str) -> bool| pattern::share(&texts, passes) as f32;
    let named = column_name::hint(&table.name.name, &described.name);
    if share(pattern::is_card) >= 0.95 && texts.len() >= 2 * SHARED_ROWS {
        return Some(Detected::new(Meaning::CreditCard, 0.9));
    }
    if let Some(Meaning::Phone) = named {
        return (share(|text| (7..=15).contains(&text.len())) >= 0.9)
            .then(|| Detected::new(Meaning::Phone, 0.8));
    }
    if !matches!(named, Some(Meaning::Iban | Meaning::CreditCard)) {
        return None;
    }
    match national_id::kind_of(&texts) {
        Some((kind, found)) if kind != "us_ssn" => Some(Detected::new(Meaning::NationalId, found as f32)),
        _ => Some(Detected::new(Meaning::Code { mask: String::new() }, 0.7)),
    }
}

/// True if the texts under a key of a document, or in an array, are labels of an enumeration.
#[must_use]
pub fn is_category(name: &str, texts: &[&str]) -> bool {
    detect_text("", name, texts, false).meaning == Meaning::Category
}

/// What the values of a type are where none of them may be kept as a label: the type's own meaning, else words.
#[must_use]
pub fn unlabelled(data_type: &DataType) -> Meaning {
    of_type(data_type).filter(|meaning| *meaning != Meaning::Category).unwrap_or(Meaning::Title)
}

/// What the type alone says.
fn of_type(data_type: &DataType) -> Option<Meaning> {
    Some(match data_type {
        DataType::Uuid => Meaning::Uuid,
        DataType::Json => Meaning::Json,
        DataType::Interval => Meaning::Interval,
        DataType::Inet => Meaning::Inet,
        DataType::Bits { .. } => Meaning::Bits,
        DataType::Array { .. } => Meaning::Array,
        DataType::Set { .. } => Meaning::Set,
        DataType::Enum { .. } => Meaning::Category,
        DataType::Range { .. } => Meaning::Range,
        DataType::Native { name, .. } if name.starts_with("macaddr") => Meaning::Inet,
        DataType::Native { name, .. } if super::geometry::is_geometric(name) => Meaning::Geometry,
        DataType::Composite { .. } | DataType::Native { .. } | DataType::Other => Meaning::Opaque,
        _ => return None,
    })
}

/// A test of one value.
type Pattern = fn(&str) -> bool;

/// What text values mean, from the names of their table and column and from the values.
pub(super) fn detect_text(table: &str, column: &str, all: &[&str], unique: bool) -> Detected {
    let step = all.len().div_ceil(SAMPLE).max(1);
    let sample: Vec<&str> =
        all.iter().step_by(step).copied().filter(|value| !value.trim().is_empty()).collect();
    let share = |passes: fn(&str) -> bool| pattern::share(&sample, passes) as f32;
    let hint = match (column_name::hint(table, column), column_name::single_name(column)) {
        (Some(Meaning::FullName), Some(single)) if share(|text| !text.contains(' ')) > 0.8 => Some(single),
        (hint, _) => hint,
    };

    if sample.is_empty() {
        // Nothing to look at: the name decides.
        return hint.map_or(Detected::new(Meaning::Title, 0.0), |meaning| Detected::new(meaning, 0.5));
    }
    let certain: [(Pattern, Meaning, f32); 9] = [
        (pattern::is_email, Meaning::Email, 0.6),
        (pattern::is_password_hash, Meaning::PasswordHash, 0.6),
        (pattern::is_iban, Meaning::Iban, 0.8),
        (pattern::is_uuid, Meaning::Uuid, 0.95),
        (pattern::is_url, Meaning::Url, 0.8),
        (pattern::is_ip, Meaning::IpAddress, 0.9),
        (pattern::is_json, Meaning::Json, 0.9),
        (pattern::is_markup, Meaning::Markup, 0.4),
        (pattern::is_hex, Meaning::HexToken, 0.9),
    ];
    for (passes, meaning, least) in certain {
        let found = share(passes);
        if found < least {
            continue;
        }
        // 32 hexadecimal digits are a UUID only where the name does not say token.
        if meaning == Meaning::Uuid
            && share(pattern::is_hyphenated) < 0.5
            && hint.is_some()
            && hint != Some(Meaning::Uuid)
        {
            continue;
        }
        if meaning == Meaning::HexToken && hint == Some(Meaning::PasswordHash) {
            return Detected::new(Meaning::PasswordHash, found);
        }
        if meaning == Meaning::HexToken && share(pattern::is_number) > 0.9 {
            continue;
        }
        return Detected::new(meaning, found);
    }
    // Without a check digit only the name tells a number of social security from another code.
    if let Some((kind, found)) = national_id::kind_of(&sample)
        && (kind != "us_ssn" || hint == Some(Meaning::Iban))
    {
        return Detected::new(Meaning::NationalId, found as f32);
    }
    let repetition = Repetition::of(all);
    if let Some(detected) = by_name(hint.as_ref(), &sample, &repetition) {
        return detected;
    }
    if share(pattern::is_card) >= 0.95 && sample.len() >= SHARED_ROWS {
        return Detected::new(Meaning::CreditCard, 0.9);
    }
    let label = column_name::is_label(column);
    if !unique && repetition.is_category(label) {
        return Detected::new(Meaning::Category, 0.8);
    }
    let places = share(pattern::is_address);
    if places >= 0.6 {
        return Detected::new(Meaning::StreetAddress, places * 0.8);
    }
    // Names of persons in a column that is not called so.
    let named = share(pattern::is_full_name);
    if named >= 0.6 {
        return Detected::new(Meaning::FullName, named);
    }
    let first = share(pattern::is_first_name);
    if first >= 0.8 && sample.len() >= 2 * SHARED_ROWS {
        return Detected::new(Meaning::FirstName, first);
    }
    by_value(hint, &sample)
}

/// A name that says what the values are, if the values do not speak against it.
fn by_name(hint: Option<&Meaning>, sample: &[&str], repetition: &Repetition) -> Option<Detected> {
    let share = |passes: fn(&str) -> bool| pattern::share(sample, passes);
    let meaning = hint?;
    let mean_chars = repetition.mean_chars;
    let wordy = share(|text| text.chars().any(char::is_alphabetic));
    let fits = match meaning {
        Meaning::FirstName | Meaning::LastName | Meaning::FullName => wordy > 0.8 && mean_chars < 60.0,
        Meaning::UserName => mean_chars < 60.0,
        Meaning::Phone => {
            share(|text| text.chars().filter(char::is_ascii_digit).count() >= 5) > 0.5 && mean_chars < 40.0
        }
        Meaning::PasswordHash => repetition.distinct > 2,
        Meaning::StreetAddress => wordy > 0.5 && mean_chars > 4.0 && mean_chars < 150.0,
        Meaning::CreditCard => {
            share(pattern::is_card) > 0.5
                || share(|text| text.chars().filter(char::is_ascii_digit).count() >= 12) > 0.8
        }
        Meaning::HexToken => share(pattern::is_base64) > 0.8 || share(pattern::is_hex) > 0.5,
        Meaning::Email => share(|text| text.contains('@')) > 0.1,
        Meaning::IpAddress => share(pattern::is_ip) > 0.3,
        Meaning::City
        | Meaning::State
        | Meaning::Country
        | Meaning::PostalCode
        | Meaning::JobTitle
        | Meaning::Company => {
            if repetition.is_category(false) || (repetition.distinct <= 2 && mean_chars < 3.0) {
                return None;
            }
            match meaning {
                Meaning::PostalCode => share(|text| text.chars().any(|c| c.is_ascii_digit())) > 0.5,
                Meaning::State | Meaning::Country => wordy > 0.8 && mean_chars < 60.0,
                _ => wordy > 0.8 && mean_chars < 80.0,
            }
        }
        Meaning::FilePath => share(pattern::is_path) > 0.6,
        Meaning::DomainName => share(pattern::is_domain) > 0.6,
        _ => false,
    };
    // Numbers of accounts and identity papers in a national form: their shape is written anew.
    if *meaning == Meaning::Iban
        && share(|text| text.chars().filter(char::is_ascii_digit).count() >= 5) > 0.8
        && mean_chars < 40.0
    {
        return Some(Detected::new(Meaning::Code { mask: String::new() }, 0.7));
    }
    // Customers and the like may be firms.
    if fits
        && *meaning == Meaning::FullName
        && share(pattern::is_firm) > share(pattern::is_full_name).max(0.05)
    {
        return Some(Detected::new(Meaning::Company, 0.6));
    }
    fits.then(|| Detected::new(meaning.clone(), 0.8))
}

/// What is left: shapes, phrases, sentences.
fn by_value(hint: Option<Meaning>, sample: &[&str]) -> Detected {
    let share = |passes: fn(&str) -> bool| pattern::share(sample, passes) as f32;
    if pattern::date_format(sample).is_some() {
        return Detected::new(Meaning::DateText, 0.9);
    }
    let numbers = share(pattern::is_number);
    if numbers >= 0.95 {
        // Digits that all begin with 0 or are too long to count with are codes.
        let codes = share(|text| {
            text.len() > 15 || (text.len() > 1 && text.starts_with('0') && !text.starts_with("0."))
        });
        if codes < 0.05 {
            return Detected::new(Meaning::NumberText, numbers);
        }
    }
    let phones = share(pattern::is_phone);
    if phones >= 0.9 && share(|text| text.starts_with('+') || text.contains(['-', '(', ' '])) > 0.9 {
        return Detected::new(Meaning::Phone, phones * 0.8);
    }
    let slugs = share(pattern::is_slug);
    if slugs >= 0.9
        && share(|text| text.chars().any(char::is_alphabetic)) > 0.9
        && (hint == Some(Meaning::Slug) || !is_code(sample))
    {
        return Detected::new(Meaning::Slug, slugs);
    }
    let domains = share(pattern::is_domain);
    if domains >= 0.9 {
        return Detected::new(Meaning::DomainName, domains);
    }
    let paths = share(pattern::is_path);
    if paths >= 0.9 {
        return Detected::new(Meaning::FilePath, paths);
    }
    let tokens = share(|text| {
        pattern::is_base64(text)
            && text.chars().any(|c| c.is_ascii_digit())
            && text.chars().any(char::is_uppercase)
    });
    if tokens >= 0.9 {
        return Detected::new(Meaning::HexToken, tokens);
    }
    if is_code(sample) {
        let mask = Masks::fit(sample, Guard::rows(SHARED_ROWS as u32))
            .map(|masks| masks.describe())
            .unwrap_or_default();
        return Detected::new(Meaning::Code { mask }, 0.7);
    }
    let words =
        sample.iter().map(|text| text.split_whitespace().count()).sum::<usize>() as f64 / sample.len() as f64;
    let sentences = share(|text| text.trim_end().ends_with(['.', '!', '?']) || text.contains('\n'));
    let long = words > 8.0 || (words > 4.0 && sentences > 0.5);
    match hint {
        _ if long => Detected::new(Meaning::FreeText, 0.7),
        Some(Meaning::FreeText) if words > 3.0 => Detected::new(Meaning::FreeText, 0.7),
        _ => Detected::new(Meaning::Title, 0.5),
    }
}

/// True if the values have no blanks and few lengths, and digits or capitals only.
fn is_code(sample: &[&str]) -> bool {
    let shape = pattern::share(sample, |text| {
        let digits = text.chars().any(|c| c.is_ascii_digit());
        let capitals = text.chars().all(|c| !c.is_lowercase());
        !text.contains(char::is_whitespace) && text.is_ascii() && text.len() <= 40 && (digits || capitals)
    });
    let mut lengths = BTreeMap::<usize, usize>::new();
    for value in sample {
        *lengths.entry(value.chars().count()).or_default() += 1;
    }
    shape >= 0.9 && lengths.len() <= 12
}

/// How often values repeat.
struct Repetition {
    rows: usize,
    distinct: usize,
    /// Distinct values seen in at least three rows.
    frequent: usize,
    /// Share of the rows that hold one of those.
    covered: f64,
    longest: usize,
    mean_chars: f64,
}

impl Repetition {
    fn of(values: &[&str]) -> Self {
        let mut counts = BTreeMap::<&str, usize>::new();
        for value in values {
            *counts.entry(value).or_default() += 1;
            // Hopeless columns (all different) need no complete count.
            if counts.len() > 20 * FREQUENT_LABELS_MAX {
                break;
            }
        }
        let rows: usize = counts.values().sum();
        let frequent: Vec<usize> = counts.values().copied().filter(|count| *count >= 3).collect();
        let chars: usize = counts.keys().map(|value| value.chars().count()).sum();
        Self {
            rows,
            distinct: counts.len(),
            frequent: frequent.len(),
            covered: frequent.iter().sum::<usize>() as f64 / rows.max(1) as f64,
            longest: counts.keys().map(|value| value.chars().count()).max().unwrap_or(0),
            mean_chars: chars as f64 / counts.len().max(1) as f64,
        }
    }

    /// True if the values are labels of an enumeration: few, or each seen often.
    fn is_category(&self, named_so: bool) -> bool {
        let mean = self.rows as f64 / self.distinct.max(1) as f64;
        if self.rows < 2 || self.longest > LABEL_CHARS {
            return false;
        }
        let few = self.distinct <= LABELS_MAX && self.distinct as f64 <= 0.2 * self.rows as f64;
        let often = self.distinct <= FREQUENT_LABELS_MAX && mean >= 4.0 && self.covered >= 0.9;
        let many = self.distinct <= MANY_LABELS_MAX && mean >= MANY_LABELS_ROWS && self.covered >= 0.95;
        // A long tail of rare values around labels that cover nearly all rows.
        let tail = self.frequent <= LABELS_MAX && self.frequent > 0 && self.covered >= 0.95 && mean >= 3.0;
        let said = named_so && self.distinct <= LABELS_MAX && mean >= 2.0;
        few || often || many || tail || said || self.distinct == 1
    }
}
