//! What a column's type means, and how its values are stored in memory.

use serde::{Deserialize, Serialize};

/// What a column's type means, across servers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataType {
    /// True or false, including MySQL's `tinyint(1)`.
    Boolean,
    /// Whole numbers between `min` and `max`.
    Integer {
        /// Smallest value of the type.
        min: i64,
        /// Largest value of the type (capped at `i64::MAX` for unsigned 64-bit).
        max: i64,
    },
    /// Exact decimals; `precision` digits in all, `scale` after the point, where declared.
    Decimal {
        /// Digits in all.
        precision: Option<u32>,
        /// Digits after the point.
        scale: Option<i32>,
    },
    /// Binary floating point; true if single precision.
    Float {
        /// True for 32-bit.
        single: bool,
    },
    /// Character data.
    Text {
        /// Longest value in characters, where declared.
        max_chars: Option<u32>,
    },
    /// Raw bytes.
    Bytes {
        /// Longest value in bytes, where declared.
        max_bytes: Option<u32>,
    },
    /// A day.
    Date,
    /// A time of day.
    Time,
    /// A point in time, microseconds kept; `zoned` for `timestamptz`.
    Timestamp {
        /// True if the server stores it with a zone (values are UTC here).
        zoned: bool,
    },
    /// One of a list of labels: an enum type.
    Enum {
        /// Labels in their order.
        labels: Vec<String>,
    },
    /// Any subset of a list of labels: MySQL's SET; values are comma-joined labels.
    Set {
        /// Labels in their order.
        labels: Vec<String>,
    },
    /// A UUID in its 36-character text form.
    Uuid,
    /// A JSON document.
    Json,
    /// A duration, in the server's text form.
    Interval,
    /// An IP address or network, in text form.
    Inet,
    /// A bit string, in text form of 0s and 1s.
    Bits {
        /// Length, where fixed.
        length: Option<u32>,
    },
    /// An array of another type, in the server's text form (`{1,2}`).
    Array {
        /// The element type.
        element: Box<DataType>,
    },
    /// A range of values of a type, or a list of such ranges, in the server's text form.
    Range {
        /// What it runs over.
        subtype: Box<DataType>,
        /// True for a list of ranges: a multirange.
        multi: bool,
    },
    /// A row of its own, in the server's text form: a composite type.
    Composite {
        /// Fields in order, by name.
        fields: Vec<(String, DataType)>,
    },
    /// A type known by its name (geometry, tsvector, xml, hstore …), domains resolved: in lower case, without its
    /// schema and its arguments. In the server's text form.
    Native {
        /// The name.
        name: String,
    },
    /// A type that nothing is known of, in the server's text form.
    Other,
}

/// How a column's values are stored in memory: which Arrow array holds them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Storage {
    /// `BooleanArray`.
    Boolean,
    /// `Int64Array`.
    Integer,
    /// `Float64Array`; also decimals, written back with the column's scale.
    Float,
    /// `StringArray` (the server's text form for every type without a better home).
    Text,
    /// `BinaryArray`.
    Bytes,
    /// `Date32Array`: days since 1970-01-01.
    Date,
    /// `Time64MicrosecondArray`: microseconds since midnight (MySQL's TIME may exceed a day or be negative).
    Time,
    /// `TimestampMicrosecondArray` without zone: microseconds since 1970-01-01 00:00 (UTC if the type is zoned).
    Timestamp,
}

impl DataType {
    /// Says which Arrow array holds values of this type.
    #[must_use]
    pub fn storage(&self) -> Storage {
        match self {
            Self::Boolean => Storage::Boolean,
            Self::Integer { .. } => Storage::Integer,
            Self::Decimal { .. } | Self::Float { .. } => Storage::Float,
            Self::Bytes { .. } => Storage::Bytes,
            Self::Date => Storage::Date,
            Self::Time => Storage::Time,
            Self::Timestamp { .. } => Storage::Timestamp,
            Self::Text { .. }
            | Self::Enum { .. }
            | Self::Set { .. }
            | Self::Uuid
            | Self::Json
            | Self::Interval
            | Self::Inet
            | Self::Bits { .. }
            | Self::Array { .. }
            | Self::Range { .. }
            | Self::Composite { .. }
            | Self::Native { .. }
            | Self::Other => Storage::Text,
        }
    }

    /// A type known by its name.
    #[must_use]
    pub fn native(name: &str) -> Self {
        Self::Native { name: name.to_lowercase() }
    }
}
