//! Safe literals for server types that dbsynth does not know.

use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::{checksum, distinct, persona, quantiles::Quantiles};
use crate::{
    privacy::{Guard, Kept},
    schema::DataType,
    seed::Stream,
};

/// What stands in for the values of an unknown type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum OpaqueShape {
    /// Words in quotes: a text-search document.
    Lexemes,
    /// A text-search query.
    Query,
    /// An XML document.
    Xml,
    /// A label path.
    LabelPath,
    /// Keys and values.
    KeyValue,
    /// An amount of money.
    Money(Quantiles),
    /// A log position.
    LogPosition,
    /// A text type under another name (citext, a domain).
    Word,
    /// A book, journal or article number that begins so, with its check digit.
    Article(String),
    /// A composite of so many fields, all null.
    Composite(usize),
    /// A vector of so many numbers.
    Vector(usize),
    /// A cube or similar of numbers.
    Tuple,
    /// Where a row lies: block and place.
    RowPlace,
    /// Which transactions are seen.
    Snapshot,
    /// A range of private addresses; true for a list of such ranges.
    AddressRange(bool),
    /// A whole number.
    Number,
    /// A time of day with its zone.
    Clock,
    /// A literal that every server takes for this type.
    Constant(String),
    /// A value that enough entities share, and how many do.
    Shared(String, u32),
    /// Null where the column allows, else an empty text.
    Missing,
}

impl OpaqueShape {
    pub(super) fn fit(data_type: &DataType, native_type: &str, values: &[&str], guard: Guard<'_>) -> Self {
        if let DataType::Composite { fields } = data_type {
            return Self::Composite(fields.len());
        }
        if let DataType::Range { subtype, multi } = data_type
            && **subtype == DataType::Inet
        {
            return Self::AddressRange(*multi);
        }
        if let DataType::Range { multi, .. } = data_type {
            return Self::Constant(if *multi { "{}" } else { "empty" }.to_owned());
        }
        let native = native_type.to_ascii_lowercase();
        let head = native.split('(').next().unwrap_or_default().trim();
        let base = head.rsplit('.').next().unwrap_or_default().trim_matches('"');
        let composite = values.first().filter(|value| value.starts_with('(') && value.ends_with(')'));
        match base {
            "tsvector" => Self::Lexemes,
            "tsquery" => Self::Query,
            "xml" => Self::Xml,
            "ltree" => Self::LabelPath,
            "hstore" => Self::KeyValue,
            "money" => {
                let amounts =
                    values.iter().enumerate().filter_map(|(row, value)| Some((row, amount(value)?)));
                Self::Money(Quantiles::fit(amounts, guard).unwrap_or_else(|| Quantiles::constant(0.0)))
            }
            "pg_lsn" => Self::LogPosition,
            "citext" | "name" | "bpchar" | "refcursor" => Self::Word,
            "vector" | "halfvec" => {
                let width = values.first().map_or(1, |value| value.matches(',').count() + 1);
                Self::Vector(width)
            }
            "cube" => Self::Tuple,
            "oid" | "xid" | "xid8" | "cid" | "seg" => Self::Number,
            "isbn" | "isbn13" => Self::Article("978".to_owned()),
            "issn" | "issn13" => Self::Article("977".to_owned()),
            "ismn" | "ismn13" => Self::Article("9790".to_owned()),
            "upc" => Self::Article("0".to_owned()),
            // Kept free for use inside a shop.
            "ean13" => Self::Article("2".to_owned()),
            "timetz" => Self::Clock,
            "jsonpath" => Self::Constant("$".to_owned()),
            "pg_snapshot" | "txid_snapshot" => Self::Snapshot,
            "tid" => Self::RowPlace,
            "lquery" => Self::Constant("*".to_owned()),
            "ltxtquery" | "query_int" => Self::Constant("1".to_owned()),
            "int2vector" | "oidvector" => Self::Constant("1".to_owned()),
            // Zero, the object that is none; an operator may be called `-`.
            "regoper" | "regoperator" => Self::Constant("0".to_owned()),
            _ if base.starts_with("reg") => Self::Constant("-".to_owned()),
            _ => match (shared(values, guard), data_type) {
                (Some((value, entities)), _) => Self::Shared(value, entities),
                (None, DataType::Native { stand_in: Some(literal), .. }) => Self::Constant(literal.clone()),
                (None, _) => match composite {
                    Some(value) => Self::Composite(value.matches(',').count() + 1),
                    None => Self::Missing,
                },
            },
        }
    }

    /// What it keeps of the source; a range has so many entities behind it.
    pub(super) fn kept(&self, least: u32) -> Vec<Kept> {
        match self {
            Self::Money(amounts) => vec![amounts.kept(least, &|amount| format!("{amount:.2}"))],
            Self::Shared(text, entities) => vec![Kept::value(text.clone(), *entities)],
            _ => Vec::new(),
        }
    }

    /// A few words for the finding.
    pub(super) fn describe(&self) -> &'static str {
        match self {
            Self::Lexemes | Self::Query => "random lexemes are written",
            Self::Xml => "an empty document is written",
            Self::LabelPath | Self::Word => "random words are written",
            Self::KeyValue => "empty key-value sets are written",
            Self::Money(_) => "amounts inside the observed range are written",
            Self::Article(_)
            | Self::RowPlace
            | Self::Snapshot
            | Self::AddressRange(_)
            | Self::LogPosition
            | Self::Number
            | Self::Vector(_)
            | Self::Tuple => "random values are written",
            Self::Clock => "times of the whole day are written",
            Self::Constant(_) => "one harmless value is written",
            Self::Shared(..) => "the value that most rows share is written",
            Self::Composite(_) => "composites of nulls are written",
            Self::Missing => "null is written (an empty text where null is not allowed)",
        }
    }

    /// `None` means null.
    pub(super) fn write(&self, index: Option<u64>, random: &mut Stream) -> Option<String> {
        let number = index.unwrap_or_else(|| random.random_range(1..1_000_000));
        let mut word = || persona::pick(&persona::LOREM, random);
        Some(match self {
            Self::Lexemes => {
                let first = index.map_or_else(|| word().to_owned(), |i| format!("w{i}"));
                format!("'{first}':1 '{}':2", word())
            }
            Self::Query => format!("'{}'", index.map_or_else(|| word().to_owned(), |i| format!("w{i}"))),
            Self::Xml => index.map_or_else(|| "<doc/>".to_owned(), |i| format!("<doc>{i}</doc>")),
            Self::LabelPath => {
                let last = index.map_or_else(|| word().to_owned(), |i| format!("n{i}"));
                format!("{}.{last}", word())
            }
            Self::KeyValue => index.map_or_else(String::new, |i| format!("\"n\"=>\"{i}\"")),
            Self::Money(amounts) => match index {
                Some(index) => format!("{}.{:02}", index / 100, index % 100),
                None => format!("{:.2}", amounts.draw(random)),
            },
            Self::LogPosition => format!("0/{number:X}"),
            Self::Word => {
                index.map_or_else(|| word().to_owned(), |i| distinct::numbered("word", " ", i, None))
            }
            Self::Composite(fields) => format!("({})", ",".repeat(fields.saturating_sub(1))),
            Self::Vector(width) => {
                let numbers: Vec<String> =
                    (0..*width).map(|_| format!("{:.4}", random.random_range(-1.0..1.0))).collect();
                format!("[{}]", numbers.join(","))
            }
            Self::Article(prefix) => checksum::article_number(prefix, number),
            Self::Tuple => format!("({number})"),
            Self::RowPlace => format!("({number},1)"),
            Self::Snapshot => format!("{number}:{}:", number + 1),
            Self::AddressRange(many) => {
                let [.., a, b] = number.to_be_bytes();
                let range = format!("[10.{a}.{b}.1,10.{a}.{b}.254]");
                if *many { format!("{{{range}}}") } else { range }
            }
            Self::Number => number.to_string(),
            Self::Clock => {
                let second = number % 86_400;
                format!("{:02}:{:02}:{:02}+00", second / 3600, second / 60 % 60, second % 60)
            }
            Self::Constant(text) | Self::Shared(text, _) => text.clone(),
            Self::Missing => return None,
        })
    }
}

/// The value that most entities share, if enough do.
fn shared(values: &[&str], guard: Guard<'_>) -> Option<(String, u32)> {
    let counts = guard.support(values.iter().enumerate().map(|(row, value)| (*value, row)));
    let most = counts.into_iter().map(|(value, seen)| (seen.entities, std::cmp::Reverse(value))).max()?;
    (most.0 >= guard.least()).then(|| (most.1.0.to_owned(), most.0 as u32))
}

/// `$1,234.50` → 1234.5.
fn amount(text: &str) -> Option<f64> {
    let digits: String = text.chars().filter(|c| c.is_ascii_digit() || matches!(c, '.' | '-')).collect();
    digits.parse().ok()
}
