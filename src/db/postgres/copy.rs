//! The body of COPY … FROM STDIN: binary where every column has an encoder, else text for the whole table.
//!
//! Source of the binary forms: PostgreSQL documentation, "COPY: Binary Format", and the server's `*recv`
//! functions.

use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Float64Array, Int64Array, StringArray,
    Time64MicrosecondArray, TimestampMicrosecondArray,
};
use bytes::BufMut;
use serde::Deserialize;

use super::{
    decode::{EPOCH_DAYS, EPOCH_MICROSECONDS},
    numeric::{Digits, decimal_text, put_numeric},
    text::{date_text, put_escaped, time_text, timestamp_text},
    types::numeric_modifier,
};

/// Signature, flags and header extension of the binary format.
pub(super) const BINARY_HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// What ends the binary format.
pub(super) const BINARY_TRAILER: &[u8] = &[0xff, 0xff];

/// A column of the target as its catalog describes it, domains resolved.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct TargetColumn {
    pub(super) name: String,
    /// `typname` of the base type.
    #[serde(rename = "type")]
    base: String,
    /// `typtype` of the base type.
    kind: char,
    modifier: i32,
    built_in: bool,
}

impl TargetColumn {
    /// The form its values take on the wire.
    pub(super) fn wire(&self) -> Wire {
        match (self.kind, self.built_in, self.base.as_str()) {
            ('e', _, _) | ('b', false, "citext") => Wire::Text,
            ('b', true, name) => match name {
                "bool" => Wire::Boolean,
                "int2" => Wire::Int2,
                "int4" => Wire::Int4,
                "int8" => Wire::Int8,
                "oid" => Wire::Oid,
                "float4" => Wire::Float4,
                "float8" => Wire::Float8,
                "numeric" => Wire::Numeric(numeric_modifier(self.modifier)),
                "money" => Wire::Money,
                "text" | "varchar" | "bpchar" | "name" | "json" => Wire::Text,
                "jsonb" => Wire::Jsonb,
                "bytea" => Wire::Bytes,
                "date" => Wire::Date,
                "time" => Wire::Time,
                "timestamp" | "timestamptz" => Wire::Timestamp,
                "uuid" => Wire::Uuid,
                _ => Wire::TextFormOnly,
            },
            _ => Wire::TextFormOnly,
        }
    }
}

/// The form of a column's values on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wire {
    Boolean,
    Int2,
    Int4,
    Int8,
    Oid,
    Float4,
    Float8,
    /// With its digits, where declared.
    Numeric(Digits),
    Money,
    /// Plain bytes: text types, enums, json.
    Text,
    Jsonb,
    Bytes,
    Date,
    Time,
    Timestamp,
    Uuid,
    /// No binary encoder here: arrays, ranges, inet, interval, composite …
    TextFormOnly,
}

/// The digits of money.
pub(super) const MONEY: Digits = Some((19, 2));

/// One column of a batch, typed once per batch; some values may have an exact text that goes before them.
pub(super) struct Values<'a> {
    array: Typed<'a>,
    exact: Option<&'a StringArray>,
}

enum Typed<'a> {
    Boolean(&'a BooleanArray),
    Integer(&'a Int64Array),
    Float(&'a Float64Array),
    Text(&'a StringArray),
    Bytes(&'a BinaryArray),
    Date(&'a Date32Array),
    Time(&'a Time64MicrosecondArray),
    Timestamp(&'a TimestampMicrosecondArray),
}

/// A value that its column's type cannot hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Misfit;

impl<'a> Values<'a> {
    /// Types an array; none if no [`crate::schema::Storage`] has this array type.
    pub(super) fn new(array: &'a ArrayRef, exact: Option<&'a StringArray>) -> Option<Self> {
        let any = array.as_any();
        let array = any
            .downcast_ref()
            .map(Typed::Boolean)
            .or_else(|| any.downcast_ref().map(Typed::Integer))
            .or_else(|| any.downcast_ref().map(Typed::Float))
            .or_else(|| any.downcast_ref().map(Typed::Text))
            .or_else(|| any.downcast_ref().map(Typed::Bytes))
            .or_else(|| any.downcast_ref().map(Typed::Date))
            .or_else(|| any.downcast_ref().map(Typed::Time))
            .or_else(|| any.downcast_ref().map(Typed::Timestamp))?;
        Some(Self { array, exact })
    }

    /// True if these values have a binary form for `wire`.
    pub(super) fn fits(&self, wire: Wire) -> bool {
        if self.exact.is_some() {
            return false;
        }
        match &self.array {
            Typed::Boolean(_) => wire == Wire::Boolean,
            Typed::Integer(_) => matches!(wire, Wire::Int2 | Wire::Int4 | Wire::Int8 | Wire::Oid),
            Typed::Float(_) => {
                matches!(wire, Wire::Float4 | Wire::Float8 | Wire::Numeric(_) | Wire::Money)
            }
            Typed::Text(_) => matches!(wire, Wire::Text | Wire::Jsonb | Wire::Uuid),
            Typed::Bytes(_) => wire == Wire::Bytes,
            Typed::Date(_) => wire == Wire::Date,
            Typed::Time(_) => wire == Wire::Time,
            Typed::Timestamp(_) => wire == Wire::Timestamp,
        }
    }

    fn is_null(&self, row: usize) -> bool {
        match &self.array {
            Typed::Boolean(a) => a.is_null(row),
            Typed::Integer(a) => a.is_null(row),
            Typed::Float(a) => a.is_null(row),
            Typed::Text(a) => a.is_null(row),
            Typed::Bytes(a) => a.is_null(row),
            Typed::Date(a) => a.is_null(row),
            Typed::Time(a) => a.is_null(row),
            Typed::Timestamp(a) => a.is_null(row),
        }
    }

    /// Appends one field of the binary format, length included.
    pub(super) fn put_binary(&self, row: usize, wire: Wire, out: &mut Vec<u8>) -> Result<(), Misfit> {
        if self.is_null(row) {
            out.put_i32(-1);
            return Ok(());
        }
        let start = out.len();
        out.put_i32(0);
        match (&self.array, wire) {
            (Typed::Boolean(a), _) => out.put_u8(u8::from(a.value(row))),
            (Typed::Integer(a), Wire::Int2) => out.put_i16(a.value(row).try_into().map_err(|_| Misfit)?),
            (Typed::Integer(a), Wire::Int4) => out.put_i32(a.value(row).try_into().map_err(|_| Misfit)?),
            (Typed::Integer(a), Wire::Oid) => out.put_u32(a.value(row).try_into().map_err(|_| Misfit)?),
            (Typed::Integer(a), _) => out.put_i64(a.value(row)),
            (Typed::Float(a), Wire::Float4) => out.put_f32(a.value(row) as f32),
            (Typed::Float(a), Wire::Numeric(digits)) => put_numeric(a.value(row), digits, out),
            (Typed::Float(a), Wire::Money) => out.put_i64(cents(a.value(row))?),
            (Typed::Float(a), _) => out.put_f64(a.value(row)),
            (Typed::Text(a), Wire::Uuid) => out.extend_from_slice(&uuid_bytes(a.value(row)).ok_or(Misfit)?),
            (Typed::Text(a), Wire::Jsonb) => {
                // The version of jsonb's binary form.
                out.put_u8(1);
                out.extend_from_slice(a.value(row).as_bytes());
            }
            (Typed::Text(a), _) => out.extend_from_slice(a.value(row).as_bytes()),
            (Typed::Bytes(a), _) => out.extend_from_slice(a.value(row)),
            (Typed::Date(a), _) => out.put_i32(match a.value(row) {
                infinite @ (i32::MIN | i32::MAX) => infinite,
                days => days.checked_sub(EPOCH_DAYS).ok_or(Misfit)?,
            }),
            (Typed::Time(a), _) => out.put_i64(a.value(row)),
            (Typed::Timestamp(a), _) => out.put_i64(match a.value(row) {
                infinite @ (i64::MIN | i64::MAX) => infinite,
                time => time.checked_sub(EPOCH_MICROSECONDS).ok_or(Misfit)?,
            }),
        }
        let length = i32::try_from(out.len() - start - 4).map_err(|_| Misfit)?;
        out[start..start + 4].copy_from_slice(&length.to_be_bytes());
        Ok(())
    }

    /// Appends one field of the text format.
    pub(super) fn put_text(&self, row: usize, wire: Wire, out: &mut Vec<u8>) {
        if let Some(exact) = self.exact.filter(|exact| exact.is_valid(row)) {
            put_escaped(exact.value(row).as_bytes(), out);
            return;
        }
        match &self.array {
            Typed::Text(a) if a.is_valid(row) => put_escaped(a.value(row).as_bytes(), out),
            Typed::Bytes(_) => {
                out.push(b'\\');
                if !self.put_plain(row, wire, out) {
                    out.push(b'N');
                }
            }
            _ => {
                if !self.put_plain(row, wire, out) {
                    out.extend_from_slice(b"\\N");
                }
            }
        }
    }

    /// Appends a value as the server prints it, with no escapes; false if it is null.
    pub(super) fn put_plain(&self, row: usize, wire: Wire, out: &mut Vec<u8>) -> bool {
        if let Some(exact) = self.exact.filter(|exact| exact.is_valid(row)) {
            out.extend_from_slice(exact.value(row).as_bytes());
            return true;
        }
        if self.is_null(row) {
            return false;
        }
        match &self.array {
            Typed::Boolean(a) => out.push(if a.value(row) { b't' } else { b'f' }),
            Typed::Integer(a) => out.extend_from_slice(a.value(row).to_string().as_bytes()),
            Typed::Float(a) => out.extend_from_slice(float_text(a.value(row), wire).as_bytes()),
            Typed::Text(a) => out.extend_from_slice(a.value(row).as_bytes()),
            Typed::Bytes(a) => {
                out.extend_from_slice(b"\\x");
                for byte in a.value(row) {
                    out.extend_from_slice(format!("{byte:02x}").as_bytes());
                }
            }
            Typed::Date(a) => out.extend_from_slice(date_text(a.value(row)).as_bytes()),
            Typed::Time(a) => out.extend_from_slice(time_text(a.value(row)).as_bytes()),
            Typed::Timestamp(a) => out.extend_from_slice(timestamp_text(a.value(row)).as_bytes()),
        }
        true
    }
}

/// The text of a number: a float's in the fewest digits that read back, another one's in its declared digits.
fn float_text(value: f64, wire: Wire) -> String {
    match wire {
        Wire::Numeric(digits) => decimal_text(value, digits),
        Wire::Money => decimal_text(value, MONEY),
        // An exponent keeps 1e300 from becoming 301 digits.
        Wire::Float4 | Wire::Float8
            if value.is_finite() && value != 0.0 && !(1e-4..1e15).contains(&value.abs()) =>
        {
            if wire == Wire::Float4 { format!("{:e}", value as f32) } else { format!("{value:e}") }
        }
        Wire::Float4 if value.is_finite() => (value as f32).to_string(),
        _ => decimal_text(value, None),
    }
}

/// Money is stored in cents (the session's `lc_monetary` is C on both sides). The cast saturates: what rounds beyond
/// the largest amount is it.
fn cents(value: f64) -> Result<i64, Misfit> {
    let cents = (value * 100.0).round();
    if cents.is_nan() { Err(Misfit) } else { Ok(cents as i64) }
}

/// Reads a UUID in any form of 32 hexadecimal digits with hyphens and braces between them.
fn uuid_bytes(text: &str) -> Option<[u8; 16]> {
    let mut bytes = [0_u8; 16];
    let mut digits = 0;
    for character in text.chars().filter(|c| !matches!(c, '-' | '{' | '}')) {
        let digit = character.to_digit(16)? as u8;
        let byte = bytes.get_mut(digits / 2)?;
        *byte = *byte << 4 | digit;
        digits += 1;
    }
    (digits == 32).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::{Misfit, Values, Wire, cents, uuid_bytes};
    use arrow_array::{ArrayRef, Int64Array, StringArray};
    use std::sync::Arc;

    #[test]
    fn a_number_that_its_type_cannot_hold_is_a_misfit() {
        let array: ArrayRef = Arc::new(Int64Array::from(vec![70_000]));
        let values = Values::new(&array, None).unwrap();

        assert_eq!(values.put_binary(0, Wire::Int2, &mut Vec::new()), Err(Misfit));
        assert_eq!(values.put_binary(0, Wire::Int4, &mut Vec::new()), Ok(()));
    }

    #[test]
    fn a_binary_field_is_its_length_and_its_bytes_and_null_is_minus_one() {
        let array: ArrayRef = Arc::new(StringArray::from(vec![Some("ä"), None]));
        let values = Values::new(&array, None).unwrap();
        let mut out = Vec::new();
        values.put_binary(0, Wire::Text, &mut out).unwrap();
        values.put_binary(1, Wire::Text, &mut out).unwrap();

        assert_eq!(out, [0, 0, 0, 2, 0xc3, 0xa4, 0xff, 0xff, 0xff, 0xff]);
    }

    #[test]
    fn uuids_and_money_are_strict() {
        assert_eq!(uuid_bytes("00000000-0000-0000-0000-0000000000ff").unwrap()[15], 255);
        assert_eq!(uuid_bytes("00000000-0000-0000-0000-0000000000f"), None);
        assert_eq!(uuid_bytes("not a uuid"), None);
        assert_eq!(cents(-12.345), Ok(-1235));
        assert_eq!(cents(f64::NAN), Err(Misfit));
        assert_eq!(cents(1e30), Ok(i64::MAX));
    }
}
