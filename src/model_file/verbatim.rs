//! Rows copied verbatim, as they stand in the model file.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Float64Array, Int64Array, StringArray,
    Time64MicrosecondArray, TimestampMicrosecondArray, cast::AsArray, types,
};
use arrow_schema::DataType as ArrowType;
use serde::{Deserialize, Serialize};

use crate::{data::TableData, schema::ColumnId};

/// Rows of a copied table, column by column.
#[derive(Serialize, Deserialize)]
pub(super) struct Verbatim {
    rows: usize,
    columns: Vec<(ColumnId, Values)>,
    /// What the values above do not hold exactly, as its engine writes it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    exact: Vec<(ColumnId, Values)>,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "storage", content = "values", rename_all = "snake_case")]
enum Values {
    Boolean(Vec<Option<bool>>),
    Integer(Vec<Option<i64>>),
    /// Bits of the float, so that NaN and infinities survive JSON.
    Float(Vec<Option<u64>>),
    Text(Vec<Option<String>>),
    Bytes(Vec<Option<Vec<u8>>>),
    Date(Vec<Option<i32>>),
    Time(Vec<Option<i64>>),
    Timestamp(Vec<Option<i64>>),
}

impl Verbatim {
    pub(super) fn from_rows(rows: &TableData) -> Self {
        let columns = rows.columns.iter().copied().zip(rows.arrays.iter().map(Values::from_array)).collect();
        let exact = rows.exact.iter().map(|(id, texts)| (*id, Values::from_array(texts))).collect();
        Self { rows: rows.row_count, columns, exact }
    }

    pub(super) fn into_rows(self) -> TableData {
        let (columns, arrays) =
            self.columns.into_iter().map(|(id, values)| (id, values.into_array())).unzip();
        let mut rows = TableData::new(columns, arrays, self.rows);
        for (id, texts) in self.exact {
            rows.set_exact(id, texts.into_array());
        }
        rows
    }
}

impl Values {
    fn from_array(array: &ArrayRef) -> Self {
        match array.data_type() {
            ArrowType::Boolean => Self::Boolean(array.as_boolean().iter().collect()),
            ArrowType::Int64 => Self::Integer(array.as_primitive::<types::Int64Type>().iter().collect()),
            ArrowType::Float64 => Self::Float(
                array.as_primitive::<types::Float64Type>().iter().map(|v| v.map(f64::to_bits)).collect(),
            ),
            ArrowType::Binary => {
                Self::Bytes(array.as_binary::<i32>().iter().map(|v| v.map(<[u8]>::to_vec)).collect())
            }
            ArrowType::Date32 => Self::Date(array.as_primitive::<types::Date32Type>().iter().collect()),
            ArrowType::Time64(_) => {
                Self::Time(array.as_primitive::<types::Time64MicrosecondType>().iter().collect())
            }
            ArrowType::Timestamp(_, _) => {
                Self::Timestamp(array.as_primitive::<types::TimestampMicrosecondType>().iter().collect())
            }
            _ => Self::Text(array.as_string::<i32>().iter().map(|v| v.map(str::to_owned)).collect()),
        }
    }

    fn into_array(self) -> ArrayRef {
        match self {
            Self::Boolean(values) => Arc::new(BooleanArray::from(values)),
            Self::Integer(values) => Arc::new(Int64Array::from(values)),
            Self::Float(values) => {
                Arc::new(values.into_iter().map(|v| v.map(f64::from_bits)).collect::<Float64Array>())
            }
            Self::Text(values) => Arc::new(StringArray::from(values)),
            Self::Bytes(values) => Arc::new(values.iter().map(Option::as_deref).collect::<BinaryArray>()),
            Self::Date(values) => Arc::new(Date32Array::from(values)),
            Self::Time(values) => Arc::new(Time64MicrosecondArray::from(values)),
            Self::Timestamp(values) => Arc::new(TimestampMicrosecondArray::from(values)),
        }
    }
}
