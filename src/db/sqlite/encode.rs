//! From Arrow arrays to SQLite's values, in the representation the source had.

use std::borrow::Cow;

use arrow_array::{
    Array, ArrayRef, StringArray,
    cast::AsArray as _,
    types::{Date32Type, Float64Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType},
};
use sqlx::{Arguments as _, sqlite::SqliteArguments};

use super::{
    format::{Layout, MICROS_PER_DAY},
    probe::ANY_CLASS,
};
use crate::{
    db::{DbError, DbErrorKind},
    schema::{Column, DataType, Storage, Table},
};

/// Binds the values of one column.
pub(super) struct ColumnWriter<'a> {
    pub(super) column: &'a Column,
    array: &'a ArrayRef,
    how: How,
    /// Values that go before those of the array, each with its class in front.
    exact: Option<&'a StringArray>,
}

enum How {
    /// 0 and 1, or the words for true and false.
    Boolean(Option<(String, String)>),
    Integer,
    /// Digits after the point, where declared.
    Float(Option<i32>),
    Text,
    /// Text, or the number it is written as.
    Any,
    Bytes,
    Date(Layout),
    Time(Layout),
    Timestamp(Layout),
}

impl<'a> ColumnWriter<'a> {
    /// Checks that the array is of the column's kind.
    pub(super) fn new(
        table: &Table,
        column: &'a Column,
        (array, exact): (&'a ArrayRef, Option<&'a StringArray>),
    ) -> Result<Self, DbError> {
        let representation = column.representation.as_deref();
        let layout = |date, clock| {
            representation.and_then(Layout::parse).unwrap_or_else(|| Layout::usual(date, clock))
        };
        let (how, fits) = match column.data_type.storage() {
            Storage::Boolean => {
                let words = representation.and_then(|words| words.split_once('|'));
                let words = words.map(|(yes, no)| (yes.to_owned(), no.to_owned()));
                (How::Boolean(words), array.as_boolean_opt().is_some())
            }
            Storage::Integer => (How::Integer, array.as_primitive_opt::<Int64Type>().is_some()),
            Storage::Float => {
                let scale = match column.data_type {
                    DataType::Decimal { scale, .. } => scale,
                    _ => None,
                };
                (How::Float(scale), array.as_primitive_opt::<Float64Type>().is_some())
            }
            Storage::Text => {
                let how = if representation == Some(ANY_CLASS) { How::Any } else { How::Text };
                (how, array.as_string_opt::<i32>().is_some())
            }
            Storage::Bytes => (How::Bytes, array.as_binary_opt::<i32>().is_some()),
            Storage::Date => {
                (How::Date(layout(true, false)), array.as_primitive_opt::<Date32Type>().is_some())
            }
            Storage::Time => {
                (How::Time(layout(false, true)), array.as_primitive_opt::<Time64MicrosecondType>().is_some())
            }
            Storage::Timestamp => (
                How::Timestamp(layout(true, true)),
                array.as_primitive_opt::<TimestampMicrosecondType>().is_some(),
            ),
        };
        if !fits {
            let message = format!("{}.{} is written from the wrong kind of array", table.name, column.name);
            return Err(DbError::new(DbErrorKind::Other, message));
        }
        Ok(Self { column, array, how, exact })
    }

    /// Binds the value of a row.
    pub(super) fn bind(&self, row: usize, arguments: &mut SqliteArguments) -> Result<(), DbError> {
        let bound = match self.value(row) {
            Bound::Null => arguments.add(None::<i64>),
            Bound::Integer(value) => arguments.add(value),
            Bound::Real(value) => arguments.add(value),
            Bound::Text(text) => arguments.add(&*text),
            Bound::Blob(bytes) => arguments.add(&*bytes),
        };
        bound.map_err(|error| {
            DbError::new(DbErrorKind::Other, format!("cannot bind {}", self.column.name)).caused_by(error)
        })
    }

    /// The value of a row, as the file holds it.
    pub(super) fn value(&self, row: usize) -> Bound<'_> {
        let exact =
            self.exact.filter(|exact| exact.is_valid(row)).and_then(|exact| Bound::read(exact.value(row)));
        if let Some(exact) = exact {
            return exact;
        }
        if self.array.is_null(row) {
            return Bound::Null;
        }
        let text = |text| Bound::Text(Cow::Borrowed(text));
        // What no calendar has is null.
        let moment =
            |written: Option<String>| written.map_or(Bound::Null, |text| Bound::Text(Cow::Owned(text)));
        match &self.how {
            How::Boolean(None) => Bound::Integer(i64::from(self.array.as_boolean().value(row))),
            How::Boolean(Some((yes, no))) => text(if self.array.as_boolean().value(row) { yes } else { no }),
            How::Integer => Bound::Integer(self.array.as_primitive::<Int64Type>().value(row)),
            How::Float(scale) => {
                Bound::Real(on_grid(self.array.as_primitive::<Float64Type>().value(row), *scale))
            }
            How::Text => text(self.array.as_string::<i32>().value(row)),
            How::Any => {
                let value = self.array.as_string::<i32>().value(row);
                let whole = value.parse::<i64>().ok().filter(|number| number.to_string() == value);
                let real = value.parse::<f64>().ok().filter(|number| number.to_string() == value);
                match (whole, real) {
                    (Some(whole), _) => Bound::Integer(whole),
                    (None, Some(real)) => Bound::Real(real),
                    (None, None) => text(value),
                }
            }
            How::Bytes => Bound::Blob(Cow::Borrowed(self.array.as_binary::<i32>().value(row))),
            How::Date(layout) => {
                moment(layout.write(i64::from(self.array.as_primitive::<Date32Type>().value(row)), 0))
            }
            How::Time(layout) => {
                let micros = self.array.as_primitive::<Time64MicrosecondType>().value(row);
                moment(layout.write(0, micros.rem_euclid(MICROS_PER_DAY)))
            }
            How::Timestamp(layout) => {
                let micros = self.array.as_primitive::<TimestampMicrosecondType>().value(row);
                let (days, rest) = (micros.div_euclid(MICROS_PER_DAY), micros.rem_euclid(MICROS_PER_DAY));
                moment(layout.write(days, rest))
            }
        }
    }
}

/// A value of any class.
#[derive(Debug, PartialEq)]
pub(super) enum Bound<'a> {
    Null,
    Integer(i64),
    Real(f64),
    Text(Cow<'a, str>),
    Blob(Cow<'a, [u8]>),
}

impl<'a> Bound<'a> {
    /// Reads the text that [`super::decode`] makes of a value.
    fn read(text: &'a str) -> Option<Self> {
        let (class, rest) = text.split_at_checked(1)?;
        Some(match class {
            "i" => Self::Integer(rest.parse().ok()?),
            "r" => Self::Real(f64::from_bits(u64::from_str_radix(rest, 16).ok()?)),
            "t" => Self::Text(Cow::Borrowed(rest)),
            "b" => {
                let byte = |at: usize| u8::from_str_radix(rest.get(at..at + 2)?, 16).ok();
                Self::Blob(Cow::Owned((0..rest.len()).step_by(2).map(byte).collect::<Option<_>>()?))
            }
            _ => return None,
        })
    }
}

/// Rounds to the declared digits after the point, so that 1.98 is written as 1.98 and not as a near miss.
pub(super) fn on_grid(value: f64, scale: Option<i32>) -> f64 {
    let Some(scale) = scale.filter(|scale| (0..=15).contains(scale)) else { return value };
    let unit = 10_f64.powi(scale);
    let rounded = (value * unit).round() / unit;
    if rounded.is_finite() { rounded } else { value }
}
