//! What MySQL's column types mean, and how their values travel as text.

use crate::schema::{Column, DataType};

/// A `COLUMN_TYPE` taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct NativeType {
    /// `varchar`, in lower case.
    pub(super) base: String,
    /// What stands between the parentheses, literals unquoted.
    pub(super) arguments: Vec<String>,
    /// True for `unsigned` and `zerofill`.
    pub(super) unsigned: bool,
    /// The spatial reference system of the column, where declared.
    pub(super) srid: Option<u32>,
}

impl NativeType {
    /// Reads `int(11) unsigned`, `enum('a','it''s')`, `point srid 4326`.
    pub(super) fn parse(text: &str) -> Self {
        let text = without_comments(text);
        let text = text.trim();
        let (head, rest) = text.split_once('(').map_or((text, None), |(head, rest)| (head, Some(rest)));
        let mut words = head.split_whitespace().map(str::to_lowercase);
        let base = words.next().unwrap_or_default();
        let (arguments, tail) = rest.map_or_else(|| (Vec::new(), String::new()), arguments);
        let attributes: Vec<String> = words.chain(tail.split_whitespace().map(str::to_lowercase)).collect();
        let srid = attributes.iter().position(|word| word == "srid").and_then(|at| attributes.get(at + 1));
        Self {
            base,
            arguments,
            unsigned: attributes.iter().any(|word| word == "unsigned" || word == "zerofill"),
            srid: srid.and_then(|srid| srid.parse().ok()),
        }
    }

    fn number(&self, index: usize) -> Option<u32> {
        self.arguments.get(index).and_then(|argument| argument.trim().parse().ok())
    }

    /// Digits after the second of a temporal type.
    pub(super) fn fraction_digits(&self) -> usize {
        self.number(0).unwrap_or(0).min(6) as usize
    }

    /// True for geometry columns.
    pub(super) fn is_spatial(&self) -> bool {
        matches!(
            self.base.as_str(),
            "geometry"
                | "point"
                | "linestring"
                | "polygon"
                | "multipoint"
                | "multilinestring"
                | "multipolygon"
                | "geometrycollection"
                | "geomcollection"
        )
    }

    /// True for the type that stands for booleans by convention.
    pub(super) fn is_boolean_by_convention(&self) -> bool {
        self.base == "bool" || self.base == "boolean" || self.base == "tinyint" && self.number(0) == Some(1)
    }

    fn integer(&self, bits: u32) -> DataType {
        let max = i64::MAX >> (64 - bits);
        if self.unsigned {
            let max = if bits == 64 { i64::MAX } else { max * 2 + 1 };
            DataType::Integer { min: 0, max }
        } else {
            DataType::Integer { min: -max - 1, max }
        }
    }

    /// What the type means; `None` if dbsynth does not know it. `tinyint(1)` is an integer here: whether
    /// it is a boolean, only its values tell.
    pub(super) fn data_type(&self) -> Option<DataType> {
        let text = |max_chars| DataType::Text { max_chars };
        let bytes = |max_bytes| DataType::Bytes { max_bytes };
        Some(match self.base.as_str() {
            "bool" | "boolean" | "tinyint" => self.integer(8),
            "smallint" => self.integer(16),
            "mediumint" => self.integer(24),
            "int" | "integer" => self.integer(32),
            "bigint" | "serial" => self.integer(64),
            // 1901 and later, and 0000.
            // And zero, which no other value is near.
            "year" => DataType::Integer { min: 1901, max: 2155 },
            "decimal" | "numeric" | "dec" | "fixed" => DataType::Decimal {
                precision: Some(self.number(0).unwrap_or(10)),
                scale: Some(self.number(1).unwrap_or(0).cast_signed()),
            },
            "float" => DataType::Float { single: true },
            "double" | "real" => DataType::Float { single: false },
            "bit" => DataType::Bits { length: Some(self.number(0).unwrap_or(1)) },
            "date" => DataType::Date,
            "time" => DataType::Time,
            "datetime" => DataType::Timestamp { zoned: false },
            "timestamp" => DataType::Timestamp { zoned: true },
            "char" => text(Some(self.number(0).unwrap_or(1))),
            "varchar" => text(self.number(0)),
            // These four are limited in bytes; as many characters fit if they are ASCII.
            "tinytext" => text(Some(255)),
            "text" => text(Some(65_535)),
            "mediumtext" => text(Some(16_777_215)),
            "longtext" => text(None),
            "binary" => bytes(Some(self.number(0).unwrap_or(1))),
            "varbinary" => bytes(self.number(0)),
            "tinyblob" => bytes(Some(255)),
            "blob" => bytes(Some(65_535)),
            "mediumblob" => bytes(Some(16_777_215)),
            "longblob" => bytes(None),
            "enum" => DataType::Enum { labels: self.arguments.clone() },
            "set" => DataType::Set { labels: self.arguments.clone() },
            "json" => DataType::Json,
            "uuid" => DataType::Uuid,
            "inet4" | "inet6" => DataType::Inet,
            "vector" => DataType::native("vector"),
            _ if self.is_spatial() => DataType::native(&self.base),
            _ => return None,
        })
    }
}

/// Drops `/* mariadb-5.3 */` and `/*M!100301 COMPRESSED*/`; a label never holds one outside its quotes.
fn without_comments(text: &str) -> String {
    use super::lex::{Kind, tokens};
    tokens(text).iter().filter(|token| token.kind != Kind::Comment).map(|token| token.text).collect()
}

/// Reads arguments up to the closing parenthesis; returns them and what follows.
fn arguments(text: &str) -> (Vec<String>, String) {
    let mut arguments = Vec::new();
    let mut current = String::new();
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '\'' => loop {
                match characters.next() {
                    Some('\'') if characters.peek() == Some(&'\'') => {
                        characters.next();
                        current.push('\'');
                    }
                    Some('\\') => current.push(match characters.next() {
                        Some('n') => '\n',
                        Some('r') => '\r',
                        Some('t') => '\t',
                        Some('0') => '\0',
                        Some('Z') => '\u{1a}',
                        Some(other) => other,
                        None => '\\',
                    }),
                    Some('\'') | None => break,
                    Some(other) => current.push(other),
                }
            },
            ',' => arguments.push(std::mem::take(&mut current)),
            ')' => {
                arguments.push(current);
                return (arguments, characters.collect());
            }
            c => current.push(c),
        }
    }
    arguments.push(current);
    (arguments, String::new())
}

/// How a column's values are asked for and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As they are.
    Plain,
    /// Four digits: the string `0` would mean the year 2000.
    Year,
    /// 32-bit floats, whose text is rounded to six digits unless widened first.
    Single,
    /// Decimals with so many digits in all, and so many of them after the point.
    Decimal(usize, usize),
    /// Raw bytes.
    Bytes,
    /// Bits, as 0s and 1s of this length.
    Bits(usize),
    /// Geometry as `SRID=4326;POINT(1 2)`; the declared reference system is the default.
    Spatial(u32),
    /// A vector as `[1,2,3]`.
    Vector,
    /// Seconds with so many digits after the point.
    Temporal(usize),
}

impl Form {
    /// Chooses the form of a column.
    pub(super) fn of(column: &Column) -> Self {
        let native = NativeType::parse(&column.native_type);
        match &column.data_type {
            DataType::Decimal { precision, scale } => Self::Decimal(
                precision.unwrap_or(65) as usize,
                scale.unwrap_or(0).max(0).cast_unsigned() as usize,
            ),
            DataType::Float { single: true } => Self::Single,
            DataType::Bytes { .. } => Self::Bytes,
            DataType::Bits { length } => Self::Bits(length.unwrap_or(1) as usize),
            DataType::Time | DataType::Timestamp { .. } => Self::Temporal(native.fraction_digits()),
            DataType::Integer { .. } if native.base == "year" => Self::Year,
            DataType::Native { .. } if native.is_spatial() => Self::Spatial(native.srid.unwrap_or(0)),
            DataType::Native { .. } if native.base == "vector" => Self::Vector,
            _ => Self::Plain,
        }
    }
}
