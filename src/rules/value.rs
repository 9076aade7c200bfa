//! One value, as conditions see it.

use arrow_array::{Array, ArrayRef, cast::AsArray, types};
use arrow_schema::DataType as ArrowType;
use serde::{Deserialize, Serialize};

use crate::{data::TableData, schema::ColumnId};

/// A value of a column, of a literal, or of a computation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// Null; also what cannot be known here.
    Null,
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A decimal or float; written as its bits, which JSON text brings back exactly.
    Float(#[serde(with = "bits")] f64),
    /// Text.
    Text(String),
    /// Days since 1970-01-01.
    Date(i32),
    /// Microseconds since midnight.
    Time(i64),
    /// Microseconds since 1970-01-01 00:00.
    Timestamp(i64),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// A float as its bits.
mod bits {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(value.to_bits())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        u64::deserialize(deserializer).map(f64::from_bits)
    }
}

impl Value {
    /// Reads value `row` of a column.
    #[must_use]
    pub fn read(values: &ArrayRef, row: usize) -> Self {
        if values.is_null(row) {
            return Self::Null;
        }
        match values.data_type() {
            ArrowType::Boolean => Self::Boolean(values.as_boolean().value(row)),
            ArrowType::Int64 => Self::Integer(values.as_primitive::<types::Int64Type>().value(row)),
            ArrowType::Float64 => Self::Float(values.as_primitive::<types::Float64Type>().value(row)),
            ArrowType::Utf8 => Self::Text(values.as_string::<i32>().value(row).to_owned()),
            ArrowType::Date32 => Self::Date(values.as_primitive::<types::Date32Type>().value(row)),
            ArrowType::Time64(arrow_schema::TimeUnit::Microsecond) => {
                Self::Time(values.as_primitive::<types::Time64MicrosecondType>().value(row))
            }
            ArrowType::Timestamp(arrow_schema::TimeUnit::Microsecond, _) => {
                Self::Timestamp(values.as_primitive::<types::TimestampMicrosecondType>().value(row))
            }
            ArrowType::Binary => Self::Bytes(values.as_binary::<i32>().value(row).to_owned()),
            _ => Self::Null,
        }
    }

    /// What a condition with this value means: `None` is unknown.
    #[must_use]
    pub fn truth(&self) -> Option<bool> {
        match self {
            Self::Boolean(value) => Some(*value),
            Self::Integer(value) => Some(*value != 0),
            Self::Float(value) => Some(*value != 0.0),
            _ => None,
        }
    }

    /// The number it is, or that its text spells.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Boolean(value) => Some(f64::from(u8::from(*value))),
            Self::Integer(value) => Some(*value as f64),
            Self::Float(value) => Some(*value),
            Self::Text(value) => value.trim().parse().ok(),
            _ => None,
        }
    }

    /// Its text, as a cast to text would write it; `None` for null, and for bytes, which every engine writes in its own way.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        match self {
            Self::Null | Self::Bytes(_) => None,
            Self::Boolean(value) => Some(value.to_string()),
            Self::Integer(value) => Some(value.to_string()),
            Self::Float(value) => Some(value.to_string()),
            Self::Text(value) => Some(value.clone()),
            Self::Date(days) => super::calendar::date(*days).map(|date| date.to_string()),
            Self::Time(micros) => super::calendar::time(*micros).map(|time| time.to_string()),
            Self::Timestamp(micros) => super::calendar::timestamp(*micros).map(|time| time.to_string()),
        }
    }

    /// True for null.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}

/// The values at some rows of a column.
///
/// # Panics
/// If a row is out of range.
#[must_use]
pub(super) fn take_rows(values: &ArrayRef, rows: &[u32]) -> ArrayRef {
    let part = TableData::new(vec![ColumnId(0)], vec![values.clone()], values.len());
    part.take(rows).arrays.remove(0)
}
