//! From the wire to Arrow: each [`Storage`] is asked for in one SQL type, whose binary form is decoded here.
//!
//! Source of the binary forms: PostgreSQL `src/backend/utils/adt/*send` functions; all big-endian, days and
//! microseconds since 2000-01-01.

use std::sync::Arc;

use arrow_array::{
    ArrayRef,
    builder::{
        BinaryBuilder, BooleanBuilder, Date32Builder, Float64Builder, Int64Builder, StringBuilder,
        Time64MicrosecondBuilder, TimestampMicrosecondBuilder,
    },
};

use super::{
    numeric::{Digits, decimal_text, numeric_float, numeric_text, read_decimal},
    text::timestamp_since,
};
use crate::schema::{Column, DataType, Storage};

/// Days from 1970-01-01 to 2000-01-01.
pub(super) const EPOCH_DAYS: i32 = 10_957;
/// Microseconds from 1970-01-01 to 2000-01-01.
pub(super) const EPOCH_MICROSECONDS: i64 = EPOCH_DAYS as i64 * 86_400_000_000;

/// The last microsecond held: the next one stands for infinity.
const LAST_MICROSECOND: i64 = i64::MAX - 1;

/// Built-in types whose own binary form the readers decode; a cast would cost the server more than all else.
const AS_THEY_ARE: [&str; 15] = [
    "boolean",
    "smallint",
    "integer",
    "bigint",
    "real",
    "double precision",
    "numeric",
    "text",
    "character varying",
    "character",
    "bytea",
    "date",
    "time without time zone",
    "timestamp without time zone",
    "timestamp with time zone",
];

/// What to select so that a column arrives in the form its reader decodes.
pub(super) fn select_expression(quoted: &str, column: &Column) -> String {
    if is_bare(column) {
        return quoted.to_owned();
    }
    let cast = match &column.data_type {
        // Not a cast: a database may define its own from a composite to text. A row of nulls is no null.
        DataType::Other | DataType::Composite { .. } => {
            return format!(
                "CASE WHEN pg_catalog.num_nulls({quoted}) = 0 THEN pg_catalog.format('%s', {quoted}) END"
            );
        }
        // Not float8: the server refuses to turn what is too large for one into it.
        DataType::Decimal { .. } => "numeric",
        DataType::Float { single: true } => "float4",
        DataType::Timestamp { zoned: true } => "timestamptz",
        other => match other.storage() {
            Storage::Boolean => "bool",
            Storage::Integer => "int8",
            Storage::Float => "float8",
            Storage::Text => "text",
            Storage::Bytes => "bytea",
            Storage::Date => "date",
            Storage::Time => "time",
            Storage::Timestamp => "timestamp",
        },
    };
    format!("{quoted}::{cast}")
}

/// True if the column is of a type whose own form is decoded, and is held as that type.
fn is_bare(column: &Column) -> bool {
    let known = AS_THEY_ARE.contains(&unsized_name(&column.native_type).as_str());
    let same = matches!(
        column.data_type,
        DataType::Integer { .. }
            | DataType::Float { .. }
            | DataType::Decimal { .. }
            | DataType::Boolean
            | DataType::Text { .. }
            | DataType::Bytes { .. }
            | DataType::Date
            | DataType::Time
            | DataType::Timestamp { .. }
    );
    known && same
}

/// `timestamp(3) without time zone` → `timestamp without time zone`.
fn unsized_name(native_type: &str) -> String {
    match (native_type.find('('), native_type.find(')')) {
        (Some(open), Some(close)) if open < close => {
            format!("{}{}", &native_type[..open], &native_type[close + 1..])
        }
        _ => native_type.to_owned(),
    }
}

/// What to order by: the column, or its text where the type may have no order (json, point, xml).
pub(super) fn sort_expression(quoted: &str, data_type: &DataType) -> String {
    match data_type {
        DataType::Json
        | DataType::Other
        | DataType::Array { .. }
        | DataType::Range { .. }
        | DataType::Composite { .. }
        | DataType::Native { .. } => format!("{quoted}::text"),
        _ => quoted.to_owned(),
    }
}

/// Gathers one column of a batch.
pub(super) struct ColumnReader {
    builder: Builder,
    /// Texts of values that the builder cannot hold, where they are wanted; as long as the builder.
    exact: Option<StringBuilder>,
    misfits: u64,
}

enum Builder {
    Boolean(BooleanBuilder),
    Integer(Int64Builder),
    Float(Float64Builder),
    /// Decimals with their declared digits.
    Decimal(Float64Builder, Digits),
    /// Single precision, widened through its shortest decimal form: 0.1 stays 0.1.
    Single(Float64Builder),
    Text(StringBuilder),
    /// Text with blanks behind it that are none of its own.
    Padded(StringBuilder),
    Bytes(BinaryBuilder),
    Date(Date32Builder),
    Time(Time64MicrosecondBuilder),
    Timestamp(TimestampMicrosecondBuilder),
}

impl ColumnReader {
    /// A reader for this column; an `exact` one keeps the texts of values that no array holds.
    pub(super) fn new(column: &Column, exact: bool) -> Self {
        let data_type = &column.data_type;
        // What a cast to text would leave out.
        let padded = unsized_name(&column.native_type) == "character";
        let builder = match data_type.storage() {
            Storage::Boolean => Builder::Boolean(BooleanBuilder::new()),
            Storage::Integer => Builder::Integer(Int64Builder::new()),
            Storage::Float if *data_type == (DataType::Float { single: true }) => {
                Builder::Single(Float64Builder::new())
            }
            Storage::Float => match data_type {
                DataType::Decimal { precision, scale } => {
                    Builder::Decimal(Float64Builder::new(), precision.zip(*scale))
                }
                _ => Builder::Float(Float64Builder::new()),
            },
            Storage::Text if padded => Builder::Padded(StringBuilder::new()),
            Storage::Text => Builder::Text(StringBuilder::new()),
            Storage::Bytes => Builder::Bytes(BinaryBuilder::new()),
            Storage::Date => Builder::Date(Date32Builder::new()),
            Storage::Time => Builder::Time(Time64MicrosecondBuilder::new()),
            Storage::Timestamp => Builder::Timestamp(TimestampMicrosecondBuilder::new()),
        };
        Self { builder, exact: exact.then(StringBuilder::new), misfits: 0 }
    }

    /// How many values did not fit and became null.
    pub(super) fn misfits(&self) -> u64 {
        self.misfits
    }

    /// Takes a value in its binary form, or null.
    pub(super) fn push(&mut self, value: Option<&[u8]>) {
        if !self.append(value) {
            self.misfits += 1;
        }
    }

    /// Appends a value in its binary form; false if it does not fit (null is appended) and no exact text tells it.
    fn append(&mut self, bytes: Option<&[u8]>) -> bool {
        let fits = self.append_value(bytes);
        let Some(texts) = &mut self.exact else { return fits };
        let text = match (&self.builder, bytes) {
            (Builder::Decimal(_, digits), Some(raw)) => numeric_text(raw)
                .filter(|text| read_decimal(text).is_none_or(|held| decimal_text(held, *digits) != *text)),
            (Builder::Timestamp(_), Some(raw)) if !fits => {
                int8(raw).map(|micros| timestamp_since(EPOCH_DAYS, micros))
            }
            _ => None,
        };
        let told = text.is_some();
        texts.append_option(text);
        fits || told
    }

    fn append_value(&mut self, bytes: Option<&[u8]>) -> bool {
        macro_rules! append {
            ($builder:expr, $decode:expr) => {{
                let value = bytes.and_then($decode);
                $builder.append_option(value);
                value.is_some() || bytes.is_none()
            }};
        }
        match &mut self.builder {
            Builder::Boolean(b) => append!(b, |raw| raw.first().map(|byte| *byte != 0)),
            Builder::Integer(b) => append!(b, integer),
            Builder::Float(b) => append!(b, |raw| raw.try_into().ok().map(f64::from_be_bytes)),
            Builder::Decimal(b, _) => append!(b, numeric_float),
            Builder::Single(b) => append!(b, |raw| raw.try_into().ok().map(f32::from_be_bytes).map(widen)),
            Builder::Text(b) => append!(b, |raw| std::str::from_utf8(raw).ok()),
            Builder::Padded(b) => {
                append!(b, |raw| std::str::from_utf8(raw).ok().map(|text| text.trim_end_matches(' ')))
            }
            Builder::Bytes(b) => append!(b, Some),
            Builder::Date(b) => {
                append!(b, |raw| raw.try_into().ok().map(i32::from_be_bytes).and_then(unix_days))
            }
            Builder::Time(b) => append!(b, int8),
            Builder::Timestamp(b) => {
                // Some thirty years at the end of the server's calendar are beyond 64 bits since 1970.
                let beyond = bytes.and_then(int8).is_some_and(|micros| unix_microseconds(micros).is_none());
                let last = beyond.then_some(LAST_MICROSECOND);
                b.append_option(bytes.and_then(|raw| int8(raw).and_then(unix_microseconds)).or(last));
                !beyond && bytes.is_none_or(|raw| int8(raw).is_some())
            }
        }
    }

    /// Hands over the texts of values that the array does not hold, and starts anew.
    pub(super) fn finish_exact(&mut self) -> Option<ArrayRef> {
        self.exact.as_mut().map(|texts| Arc::new(texts.finish()) as ArrayRef)
    }

    /// Hands over the array and starts the next one.
    pub(super) fn finish(&mut self) -> ArrayRef {
        match &mut self.builder {
            Builder::Boolean(b) => Arc::new(b.finish()),
            Builder::Integer(b) => Arc::new(b.finish()),
            Builder::Float(b) | Builder::Single(b) | Builder::Decimal(b, _) => Arc::new(b.finish()),
            Builder::Text(b) | Builder::Padded(b) => Arc::new(b.finish()),
            Builder::Bytes(b) => Arc::new(b.finish()),
            Builder::Date(b) => Arc::new(b.finish()),
            Builder::Time(b) => Arc::new(b.finish()),
            Builder::Timestamp(b) => Arc::new(b.finish()),
        }
    }
}

/// An integer of any width.
fn integer(raw: &[u8]) -> Option<i64> {
    match raw.len() {
        2 => raw.try_into().ok().map(|raw| i16::from_be_bytes(raw).into()),
        4 => raw.try_into().ok().map(|raw| i32::from_be_bytes(raw).into()),
        _ => int8(raw),
    }
}

fn int8(raw: &[u8]) -> Option<i64> {
    raw.try_into().ok().map(i64::from_be_bytes)
}

/// The shortest decimal that reads back as this f32, as f64.
fn widen(value: f32) -> f64 {
    let shortest: Option<f64> = value.to_string().parse().ok();
    shortest.filter(|wide| *wide as f32 == value).unwrap_or_else(|| value.into())
}

/// Shifts the epoch; the infinities are the extremes on both sides.
fn unix_days(days: i32) -> Option<i32> {
    match days {
        i32::MIN | i32::MAX => Some(days),
        _ => days.checked_add(EPOCH_DAYS),
    }
}

/// Shifts the epoch; the infinities are the extremes on both sides.
fn unix_microseconds(microseconds: i64) -> Option<i64> {
    match microseconds {
        i64::MIN | i64::MAX => Some(microseconds),
        _ => microseconds.checked_add(EPOCH_MICROSECONDS),
    }
}

#[cfg(test)]
mod tests {
    use super::{ColumnReader, unix_days, unix_microseconds, widen};
    use crate::schema::{Column, DataType};
    use arrow_array::{Array, cast::AsArray};

    #[test]
    fn infinities_stay_and_other_times_move_to_the_unix_epoch() {
        assert_eq!(unix_days(i32::MAX), Some(i32::MAX));
        assert_eq!(unix_days(0), Some(10_957));
        assert_eq!(unix_microseconds(i64::MIN), Some(i64::MIN));
        assert_eq!(unix_microseconds(0), Some(946_684_800_000_000));
        assert_eq!(unix_microseconds(i64::MAX - 1), None);
    }

    #[test]
    fn a_single_keeps_its_shortest_decimal() {
        assert_eq!(widen(0.1), 0.1);
    }

    fn column(native_type: &str) -> Column {
        let data_type = DataType::Text { max_chars: None };
        Column { native_type: native_type.to_owned(), ..Column::new("c", data_type) }
    }

    #[test]
    fn what_pads_a_text_is_not_read() {
        let mut reader = ColumnReader::new(&column("character(5)"), false);
        assert!(reader.append(Some(b" ab  ")));

        assert_eq!(reader.finish().as_string::<i32>().value(0), " ab");
    }

    #[test]
    fn invalid_text_becomes_null_and_is_counted() {
        let mut reader = ColumnReader::new(&column("text"), false);
        assert!(reader.append(Some(b"ok")) && reader.append(None) && !reader.append(Some(&[0xff])));

        assert_eq!(reader.finish().null_count(), 2);
    }
}
