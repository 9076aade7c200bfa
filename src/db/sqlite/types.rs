//! From a declared type and the values that are really there to what a column means.
//!
//! Source of the affinity rules: <https://www.sqlite.org/datatype3.html#determination_of_column_affinity>.

use crate::schema::DataType;

/// Columns where at most this share of values has another storage class keep their type; the others are dirt.
const DIRT: f64 = 0.1;

/// What a column holds, counted.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Contents {
    pub(super) integers: u64,
    pub(super) reals: u64,
    pub(super) texts: u64,
    pub(super) blobs: u64,
    /// True if every integer is 0 or 1.
    pub(super) flags_only: bool,
    /// Longest text in characters.
    pub(super) longest_text: u64,
    /// True if every text begins like an ISO date and none is longer than one can be.
    pub(super) texts_like_dates: bool,
}

/// The family a declared type names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Declared {
    Boolean,
    Integer,
    /// Digits, digits after the point.
    Decimal(Option<u32>, Option<i32>),
    Float,
    Text(Option<u32>),
    Bytes,
    Date,
    Time,
    Timestamp,
    Uuid,
    Json,
    /// No declared type.
    Untyped,
    /// NUMERIC affinity by a name that says nothing.
    Number,
}

/// What the values of a column have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StorageClass {
    Nothing,
    Integer,
    Real,
    Text,
    Blob,
}

impl Contents {
    /// Values that are not null.
    pub(super) fn total(&self) -> u64 {
        self.integers + self.reals + self.texts + self.blobs
    }

    /// The class that describes the column best.
    pub(super) fn class(&self) -> StorageClass {
        let total = self.total();
        let dirt = (total as f64 * DIRT) as u64;
        if total == 0 {
            StorageClass::Nothing
        } else if self.blobs * 2 > total {
            StorageClass::Blob
        } else if self.texts > dirt {
            // Numbers can be shown as text, never the other way round.
            StorageClass::Text
        } else if self.reals > 0 {
            StorageClass::Real
        } else if self.integers > 0 {
            StorageClass::Integer
        } else {
            StorageClass::Blob
        }
    }
}

/// Reads a declared type by its name, else by SQLite's affinity rules.
pub(super) fn declared(text: &str) -> Declared {
    let upper = text.to_uppercase();
    let (name, arguments) = match upper.split_once('(') {
        Some((name, rest)) => (name.trim(), rest.split_once(')').map_or(rest, |(inside, _)| inside)),
        None => (upper.trim(), ""),
    };
    let mut numbers = arguments.split(',').map(|number| number.trim().parse::<u32>().ok());
    let (first, second) = (numbers.next().flatten(), numbers.next().flatten());
    let scale = second.and_then(|scale| i32::try_from(scale).ok());
    match name {
        "" => Declared::Untyped,
        "ANY" => Declared::Untyped,
        "BOOL" | "BOOLEAN" => Declared::Boolean,
        "BIT" if matches!(first, None | Some(1)) => Declared::Boolean,
        "TINYINT" if first == Some(1) => Declared::Boolean,
        "DECIMAL" | "NUMERIC" | "DEC" | "NUMBER" | "MONEY" | "SMALLMONEY" | "CURRENCY" => {
            Declared::Decimal(first, scale.or(first.map(|_| 0)))
        }
        "DATE" => Declared::Date,
        "UUID" | "GUID" | "UNIQUEIDENTIFIER" => Declared::Uuid,
        "JSON" | "JSONB" => Declared::Json,
        _ if name.starts_with("DATETIME") || name.starts_with("TIMESTAMP") => Declared::Timestamp,
        _ if name == "TIME" || name.starts_with("TIME WITH") => Declared::Time,
        _ if name.contains("INT") => Declared::Integer,
        _ if ["CHAR", "CLOB", "TEXT", "STRING"].iter().any(|part| name.contains(part)) => {
            Declared::Text(first)
        }
        _ if name.contains("BLOB") || name.contains("BINARY") => Declared::Bytes,
        _ if ["REAL", "FLOA", "DOUB"].iter().any(|part| name.contains(part)) => Declared::Float,
        _ => Declared::Number,
    }
}

/// Says what a column means. Text in a date column is judged by its layout elsewhere; here such a column
/// is plain text.
pub(super) fn data_type(declared: Declared, contents: &Contents) -> DataType {
    let integer = DataType::Integer { min: i64::MIN, max: i64::MAX };
    let decimal = |precision, scale| DataType::Decimal { precision, scale };
    let float = DataType::Float { single: false };
    match (contents.class(), declared) {
        (StorageClass::Nothing, _) => by_declaration(declared),
        (StorageClass::Integer, Declared::Boolean) if contents.flags_only => DataType::Boolean,
        (StorageClass::Integer, Declared::Decimal(precision, Some(scale))) if scale > 0 => {
            decimal(precision, Some(scale))
        }
        (StorageClass::Integer, Declared::Float) => float,
        (StorageClass::Integer, _) => integer,
        (StorageClass::Real, Declared::Decimal(precision, scale)) => {
            // A declared scale of 0 is no scale if there are fractions.
            decimal(precision, scale.filter(|scale| *scale > 0))
        }
        (StorageClass::Real, _) => float,
        (StorageClass::Text, Declared::Uuid) => DataType::Uuid,
        (StorageClass::Text, Declared::Json) => DataType::Json,
        (StorageClass::Text, Declared::Text(Some(limit))) => {
            // SQLite does not hold anybody to the declared length.
            let longest = u32::try_from(contents.longest_text).unwrap_or(u32::MAX);
            DataType::Text { max_chars: Some(limit.max(longest)) }
        }
        (StorageClass::Text, _) => DataType::Text { max_chars: None },
        (StorageClass::Blob, _) => DataType::Bytes { max_bytes: None },
    }
}

fn by_declaration(declared: Declared) -> DataType {
    match declared {
        Declared::Boolean => DataType::Boolean,
        Declared::Integer => DataType::Integer { min: i64::MIN, max: i64::MAX },
        Declared::Decimal(precision, scale) => DataType::Decimal { precision, scale },
        Declared::Float | Declared::Number => DataType::Float { single: false },
        Declared::Text(max_chars) => DataType::Text { max_chars },
        Declared::Untyped => DataType::Text { max_chars: None },
        Declared::Bytes => DataType::Bytes { max_bytes: None },
        Declared::Date => DataType::Date,
        Declared::Time => DataType::Time,
        Declared::Timestamp => DataType::Timestamp { zoned: false },
        Declared::Uuid => DataType::Uuid,
        Declared::Json => DataType::Json,
    }
}

#[cfg(test)]
mod tests {
    use super::{Contents, Declared, data_type, declared};
    use crate::schema::{DataType, Storage};

    #[test]
    fn declared_names_are_read_before_affinities() {
        let pairs = [
            ("NVARCHAR(160)", Declared::Text(Some(160))),
            ("numeric(10,2)", Declared::Decimal(Some(10), Some(2))),
            ("DECIMAL(10)", Declared::Decimal(Some(10), Some(0))),
            ("DATETIME(6)", Declared::Timestamp),
            ("timestamp without time zone", Declared::Timestamp),
            ("UNSIGNED BIG INT", Declared::Integer),
            ("tinyint(1)", Declared::Boolean),
            ("tinyint(4)", Declared::Integer),
            ("double precision", Declared::Float),
            ("VARBINARY(16)", Declared::Bytes),
            ("", Declared::Untyped),
            ("geometry", Declared::Number),
        ];
        for (text, expected) in pairs {
            assert_eq!(declared(text), expected, "{text}");
        }
    }

    #[test]
    fn values_outvote_the_declaration() {
        let storage = |declared, contents: Contents| data_type(declared, &contents).storage();

        let reals = Contents { integers: 5, reals: 1, ..Contents::default() };
        assert_eq!(storage(Declared::Integer, reals), Storage::Float);
        let words = Contents { integers: 5, texts: 5, ..Contents::default() };
        assert_eq!(storage(Declared::Integer, words), Storage::Text);
        let dirt = Contents { integers: 99, texts: 1, ..Contents::default() };
        assert_eq!(storage(Declared::Integer, dirt), Storage::Integer);
        let unix = Contents { integers: 9, ..Contents::default() };
        assert_eq!(storage(Declared::Timestamp, unix), Storage::Integer);
        let beyond_flags = Contents { integers: 9, flags_only: false, ..Contents::default() };
        assert_eq!(storage(Declared::Boolean, beyond_flags), Storage::Integer);
        assert_eq!(data_type(Declared::Boolean, &Contents::default()), DataType::Boolean);
    }
}
