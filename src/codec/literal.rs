//! One value of any storage, kept exactly.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Float64Array, Int64Array, StringArray,
    Time64MicrosecondArray, TimestampMicrosecondArray, new_null_array,
};
use arrow_schema::DataType as ArrowType;
use serde::{Deserialize, Serialize};

use crate::{data::arrow_type, schema::Storage};

use super::{calendar, reading};

/// One non-null value. Floats are kept as their bits: text would not bring every one back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Literal {
    Boolean(bool),
    Integer(i64),
    FloatBits(u64),
    Text(String),
    Bytes(Vec<u8>),
    Date(i32),
    Time(i64),
    Timestamp(i64),
}

impl Literal {
    /// Reads value `row` of `values`; `None` if null or of a type no storage uses.
    pub(super) fn read(values: &ArrayRef, row: usize) -> Option<Self> {
        if values.is_null(row) {
            return None;
        }
        Some(match values.data_type() {
            ArrowType::Boolean => Self::Boolean(reading::booleans(values)?.value(row)),
            ArrowType::Int64 => Self::Integer(reading::integers(values)?.value(row)),
            ArrowType::Float64 => Self::FloatBits(reading::floats(values)?.value(row).to_bits()),
            ArrowType::Utf8 => Self::Text(reading::texts(values)?.value(row).to_owned()),
            ArrowType::Binary => Self::Bytes(reading::bytes(values)?.value(row).to_vec()),
            ArrowType::Date32 => Self::Date(reading::dates(values)?.value(row)),
            ArrowType::Time64(_) => Self::Time(reading::times(values)?.value(row)),
            ArrowType::Timestamp(..) => Self::Timestamp(reading::timestamps(values)?.value(row)),
            _ => return None,
        })
    }

    /// Builds a column that holds this value where `present`, else null.
    pub(super) fn fill(&self, present: &[bool]) -> ArrayRef {
        fn spread<T: Clone>(value: &T, present: &[bool]) -> Vec<Option<T>> {
            present.iter().map(|here| here.then(|| value.clone())).collect()
        }
        match self {
            Self::Boolean(value) => Arc::new(BooleanArray::from(spread(value, present))),
            Self::Integer(value) => Arc::new(Int64Array::from(spread(value, present))),
            Self::FloatBits(bits) => Arc::new(Float64Array::from(spread(&f64::from_bits(*bits), present))),
            Self::Text(value) => Arc::new(StringArray::from(spread(&value.as_str(), present))),
            Self::Bytes(value) => Arc::new(BinaryArray::from(spread(&value.as_slice(), present))),
            Self::Date(value) => Arc::new(Date32Array::from(spread(value, present))),
            Self::Time(value) => Arc::new(Time64MicrosecondArray::from(spread(value, present))),
            Self::Timestamp(value) => Arc::new(TimestampMicrosecondArray::from(spread(value, present))),
        }
    }

    /// Writes the value as a person would read it.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Boolean(value) => value.to_string(),
            Self::Integer(value) => value.to_string(),
            Self::FloatBits(bits) => f64::from_bits(*bits).to_string(),
            Self::Text(value) => value.clone(),
            Self::Bytes(value) => value.iter().map(|byte| format!("{byte:02x}")).collect(),
            Self::Date(value) => calendar::date_text(i64::from(*value)),
            Self::Time(value) => calendar::time_text(*value),
            Self::Timestamp(value) => calendar::timestamp_text(*value),
        }
    }
}

/// A column of `length` nulls of `storage`.
pub(super) fn nulls(storage: Storage, length: usize) -> ArrayRef {
    new_null_array(&arrow_type(storage), length)
}
