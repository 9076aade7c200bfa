//! From SQLite's values to Arrow arrays; what does not fit its column becomes null and is counted.

use std::sync::Arc;

use arrow_array::{
    ArrayRef,
    builder::{
        BinaryBuilder, BooleanBuilder, Date32Builder, Float64Builder, Int64Builder, StringBuilder,
        Time64MicrosecondBuilder, TimestampMicrosecondBuilder,
    },
};
use sqlx::{
    Decode, Row as _, Sqlite, TypeInfo as _, ValueRef as _,
    sqlite::{SqliteRow, SqliteValueRef},
};

use super::{
    encode::on_grid,
    format::{Layout, MICROS_PER_DAY, Moment},
};
use crate::schema::{Column, DataType, Storage};

/// Whole numbers below this are exact in a float.
const EXACT: f64 = 9_007_199_254_740_992.0;

enum Builder {
    Boolean(BooleanBuilder, Option<(String, String)>),
    Integer(Int64Builder),
    Float(Float64Builder),
    Text(StringBuilder),
    Bytes(BinaryBuilder),
    Date(Date32Builder),
    Time(Time64MicrosecondBuilder),
    Timestamp(TimestampMicrosecondBuilder, i64),
}

/// Collects one column of a batch.
pub(super) struct ColumnBuilder {
    builder: Builder,
    /// Values that would not be written back as they are, where those are wanted; as long as the builder.
    exact: Option<StringBuilder>,
    /// How values of the column are written.
    layout: Option<Layout>,
    /// Digits after the point that are written.
    scale: Option<i32>,
    /// Values that did not fit and are null now.
    pub(super) misfits: u64,
}

impl ColumnBuilder {
    /// Starts a column without values; an `exact` one keeps what its array does not hold.
    pub(super) fn new(column: &Column, exact: bool) -> Self {
        let representation = column.representation.as_deref();
        let builder = match column.data_type.storage() {
            Storage::Boolean => {
                let words = representation.and_then(|words| words.split_once('|'));
                let words = words.map(|(yes, no)| (yes.to_owned(), no.to_owned()));
                Builder::Boolean(BooleanBuilder::new(), words)
            }
            Storage::Integer => Builder::Integer(Int64Builder::new()),
            Storage::Float => Builder::Float(Float64Builder::new()),
            Storage::Text => Builder::Text(StringBuilder::new()),
            Storage::Bytes => Builder::Bytes(BinaryBuilder::new()),
            Storage::Date => Builder::Date(Date32Builder::new()),
            Storage::Time => Builder::Time(Time64MicrosecondBuilder::new()),
            Storage::Timestamp => {
                let offset =
                    representation.and_then(Layout::parse).map_or(0, |layout| layout.offset_seconds());
                Builder::Timestamp(TimestampMicrosecondBuilder::new(), offset)
            }
        };
        let storage = column.data_type.storage();
        let layout = match storage {
            Storage::Date => Some((true, false)),
            Storage::Time => Some((false, true)),
            Storage::Timestamp => Some((true, true)),
            _ => None,
        };
        let layout = layout.map(|(date, clock)| {
            representation.and_then(Layout::parse).unwrap_or_else(|| Layout::usual(date, clock))
        });
        let scale = if let DataType::Decimal { scale, .. } = column.data_type { scale } else { None };
        Self { builder, exact: exact.then(StringBuilder::new), layout, scale, misfits: 0 }
    }

    /// True if the value, read into the array, is written back as it is.
    fn comes_back(&self, value: &Value<'_>) -> bool {
        match (&self.builder, value) {
            (_, Value::Null) => true,
            (Builder::Boolean(_, None), Value::Integer(flag)) => matches!(flag, 0 | 1),
            (Builder::Boolean(_, Some((yes, no))), Value::Text(text)) => text == yes || text == no,
            (Builder::Integer(_), Value::Integer(_))
            | (Builder::Text(_), Value::Text(_))
            | (Builder::Bytes(_), Value::Blob(_)) => true,
            (Builder::Float(_), Value::Real(real)) => on_grid(*real, self.scale).to_bits() == real.to_bits(),
            (Builder::Date(_) | Builder::Time(_) | Builder::Timestamp(..), Value::Text(text)) => {
                let Some((moment, layout)) = Moment::read(text).zip(self.layout.as_ref()) else {
                    return false;
                };
                let written = match &self.builder {
                    Builder::Timestamp(_, offset) => moment.timestamp(*offset).and_then(|micros| {
                        layout.write(micros.div_euclid(MICROS_PER_DAY), micros.rem_euclid(MICROS_PER_DAY))
                    }),
                    Builder::Time(_) => layout.write(0, moment.micros_of_day()),
                    _ => moment.days().and_then(|days| layout.write(days, 0)),
                };
                written.as_deref() == Some(*text)
            }
            _ => false,
        }
    }

    /// Adds the value at `index` of a row.
    pub(super) fn push(&mut self, row: &SqliteRow, index: usize) {
        let value = Value::read(row, index);
        let fitted = match &mut self.builder {
            Builder::Boolean(builder, words) => {
                value.boolean(words.as_ref()).map(|value| builder.append_option(value))
            }
            Builder::Integer(builder) => value.integer().map(|value| builder.append_option(value)),
            Builder::Float(builder) => value.float().map(|value| builder.append_option(value)),
            Builder::Text(builder) => value.text().map(|value| builder.append_option(value)),
            Builder::Bytes(builder) => value.bytes().map(|value| builder.append_option(value)),
            Builder::Date(builder) => value
                .moment(|moment| i32::try_from(moment.days()?).ok())
                .map(|value| builder.append_option(value)),
            Builder::Time(builder) => {
                value.moment(|moment| Some(moment.micros_of_day())).map(|value| builder.append_option(value))
            }
            Builder::Timestamp(builder, offset) => {
                value.moment(|moment| moment.timestamp(*offset)).map(|value| builder.append_option(value))
            }
        };
        let mut told = false;
        let needed = self.exact.is_some() && !self.comes_back(&value);
        if let Some(texts) = &mut self.exact {
            let text = needed.then(|| value.exact()).flatten();
            told = text.is_some();
            texts.append_option(text);
        }
        if fitted.is_none() {
            self.misfits += u64::from(!told);
            match &mut self.builder {
                Builder::Boolean(builder, _) => builder.append_null(),
                Builder::Integer(builder) => builder.append_null(),
                Builder::Float(builder) => builder.append_null(),
                Builder::Text(builder) => builder.append_null(),
                Builder::Bytes(builder) => builder.append_null(),
                Builder::Date(builder) => builder.append_null(),
                Builder::Time(builder) => builder.append_null(),
                Builder::Timestamp(builder, _) => builder.append_null(),
            }
        }
    }

    /// Returns what the array does not hold.
    pub(super) fn take_exact(&mut self) -> Option<ArrayRef> {
        self.exact.take().map(|mut texts| Arc::new(texts.finish()) as ArrayRef)
    }

    /// Returns the values.
    pub(super) fn finish(self) -> ArrayRef {
        match self.builder {
            Builder::Boolean(mut builder, _) => Arc::new(builder.finish()),
            Builder::Integer(mut builder) => Arc::new(builder.finish()),
            Builder::Float(mut builder) => Arc::new(builder.finish()),
            Builder::Text(mut builder) => Arc::new(builder.finish()),
            Builder::Bytes(mut builder) => Arc::new(builder.finish()),
            Builder::Date(mut builder) => Arc::new(builder.finish()),
            Builder::Time(mut builder) => Arc::new(builder.finish()),
            Builder::Timestamp(mut builder, _) => Arc::new(builder.finish()),
        }
    }
}

/// The storage class of a value that is not null.
enum Class {
    Integer,
    Real,
    Text,
    Blob,
}

impl Class {
    fn of(raw: &SqliteValueRef<'_>) -> Self {
        match raw.type_info().name() {
            "INTEGER" => Self::Integer,
            "REAL" => Self::Real,
            "TEXT" => Self::Text,
            _ => Self::Blob,
        }
    }
}

/// One value as SQLite holds it. The readers return `None` for a value that does not fit, `Some(None)` for null.
enum Value<'r> {
    Null,
    Integer(i64),
    Real(f64),
    Text(&'r str),
    Blob(&'r [u8]),
    /// Text that is no UTF-8.
    Broken,
}

impl<'r> Value<'r> {
    fn read(row: &'r SqliteRow, index: usize) -> Self {
        let Ok(raw) = row.try_get_raw(index) else { return Self::Broken };
        if raw.is_null() {
            return Self::Null;
        }
        match Class::of(&raw) {
            Class::Integer => <i64 as Decode<'_, Sqlite>>::decode(raw).map_or(Self::Broken, Self::Integer),
            Class::Real => <f64 as Decode<'_, Sqlite>>::decode(raw).map_or(Self::Broken, Self::Real),
            Class::Text => <&str as Decode<'_, Sqlite>>::decode(raw).map_or(Self::Broken, Self::Text),
            Class::Blob => <&[u8] as Decode<'_, Sqlite>>::decode(raw).map_or(Self::Broken, Self::Blob),
        }
    }

    /// The value and its class, as [`super::encode`] binds it again; none for text that is no UTF-8.
    fn exact(&self) -> Option<String> {
        match self {
            Self::Null | Self::Broken => None,
            Self::Integer(value) => Some(format!("i{value}")),
            Self::Real(value) => Some(format!("r{:016x}", value.to_bits())),
            Self::Text(text) => Some(format!("t{text}")),
            Self::Blob(bytes) => {
                let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                Some(format!("b{digits}"))
            }
        }
    }

    fn boolean(&self, words: Option<&(String, String)>) -> Option<Option<bool>> {
        match (self, words) {
            (Self::Null, _) => Some(None),
            (Self::Integer(flag @ (0 | 1)), _) => Some(Some(*flag == 1)),
            (Self::Text(text), Some((yes, no))) if text == yes || text == no => Some(Some(text == yes)),
            _ => None,
        }
    }

    fn integer(&self) -> Option<Option<i64>> {
        match self {
            Self::Null => Some(None),
            Self::Integer(value) => Some(Some(*value)),
            // A key may hold its parent's number in another class; SQLite still calls them equal.
            Self::Real(value) if value.fract() == 0.0 && value.abs() < EXACT => Some(Some(*value as i64)),
            Self::Text(text) => text.parse().ok().filter(|value: &i64| value.to_string() == *text).map(Some),
            _ => None,
        }
    }

    fn float(&self) -> Option<Option<f64>> {
        match self {
            Self::Null => Some(None),
            Self::Integer(value) => Some(Some(*value as f64)),
            Self::Real(value) => Some(Some(*value)),
            _ => None,
        }
    }

    fn text(&self) -> Option<Option<String>> {
        match self {
            Self::Null => Some(None),
            Self::Integer(value) => Some(Some(value.to_string())),
            Self::Real(value) => Some(Some(value.to_string())),
            Self::Text(text) => Some(Some((*text).to_owned())),
            Self::Blob(_) | Self::Broken => None,
        }
    }

    fn bytes(&self) -> Option<Option<&'r [u8]>> {
        match self {
            Self::Null => Some(None),
            Self::Blob(bytes) => Some(Some(bytes)),
            _ => None,
        }
    }

    fn moment<T>(&self, read: impl FnOnce(&Moment) -> Option<T>) -> Option<Option<T>> {
        match self {
            Self::Null => Some(None),
            Self::Text(text) => Moment::read(text).and_then(|moment| read(&moment)).map(Some),
            _ => None,
        }
    }
}
