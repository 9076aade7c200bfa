//! Reads single cells of Arrow arrays as numbers or as text, the same way whatever array holds them.

use std::fmt::Write;

use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Float64Array, Int64Array, StringArray,
    Time64MicrosecondArray, TimestampMicrosecondArray,
};

const MICROS_PER_DAY: f64 = 86_400e6;
/// Above this a 64-bit float no longer holds every integer.
const EXACT_FLOAT: f64 = 9_007_199_254_740_992.0;

/// The cells of one column.
pub(super) enum Cells<'a> {
    Boolean(&'a BooleanArray),
    Integer(&'a Int64Array),
    Float(&'a Float64Array),
    Text(&'a StringArray),
    Bytes(&'a BinaryArray),
    Date(&'a Date32Array),
    Time(&'a Time64MicrosecondArray),
    Timestamp(&'a TimestampMicrosecondArray),
    /// An array of another type: every cell counts as null.
    Unread,
}

impl<'a> Cells<'a> {
    pub(super) fn new(array: &'a ArrayRef) -> Self {
        let any = array.as_any();
        if let Some(array) = any.downcast_ref() {
            Self::Boolean(array)
        } else if let Some(array) = any.downcast_ref() {
            Self::Integer(array)
        } else if let Some(array) = any.downcast_ref() {
            Self::Float(array)
        } else if let Some(array) = any.downcast_ref() {
            Self::Text(array)
        } else if let Some(array) = any.downcast_ref() {
            Self::Bytes(array)
        } else if let Some(array) = any.downcast_ref() {
            Self::Date(array)
        } else if let Some(array) = any.downcast_ref() {
            Self::Time(array)
        } else if let Some(array) = any.downcast_ref() {
            Self::Timestamp(array)
        } else {
            Self::Unread
        }
    }

    pub(super) fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Boolean(array) => array.is_null(row),
            Self::Integer(array) => array.is_null(row),
            Self::Float(array) => array.is_null(row) || array.value(row).is_nan(),
            Self::Text(array) => array.is_null(row),
            Self::Bytes(array) => array.is_null(row),
            Self::Date(array) => array.is_null(row),
            Self::Time(array) => array.is_null(row),
            Self::Timestamp(array) => array.is_null(row),
            Self::Unread => true,
        }
    }

    /// The cell as a number (points in time in microseconds since 1970); NaN if null or no number.
    pub(super) fn number(&self, row: usize) -> f64 {
        if self.is_null(row) {
            return f64::NAN;
        }
        match self {
            Self::Boolean(array) => f64::from(u8::from(array.value(row))),
            Self::Integer(array) => array.value(row) as f64,
            Self::Float(array) => array.value(row),
            Self::Date(array) => f64::from(array.value(row)) * MICROS_PER_DAY,
            Self::Time(array) => array.value(row) as f64,
            Self::Timestamp(array) => array.value(row) as f64,
            Self::Text(array) => array.value(row).trim().parse().unwrap_or(f64::NAN),
            Self::Bytes(_) | Self::Unread => f64::NAN,
        }
    }

    /// Appends the cell as text; a number reads the same from an integer and a float array. False if null.
    pub(super) fn write(&self, row: usize, out: &mut String) -> bool {
        if self.is_null(row) {
            return false;
        }
        let written = match self {
            Self::Text(array) => {
                out.push_str(array.value(row));
                Ok(())
            }
            Self::Bytes(array) => array.value(row).iter().try_for_each(|byte| write!(out, "{byte:02x}")),
            Self::Integer(array) if array.value(row).unsigned_abs() as f64 >= EXACT_FLOAT => {
                write!(out, "{}", array.value(row))
            }
            _ => write!(out, "{}", self.number(row)),
        };
        written.is_ok()
    }

    /// The cell as text, `None` if null.
    pub(super) fn text(&self, row: usize) -> Option<String> {
        let mut out = String::new();
        self.write(row, &mut out).then_some(out)
    }
}

/// A fingerprint of some cells of one row: two rows have the same if and (but for a chance of 2⁻¹²⁸) only if
/// their texts are the same. `None` if `nulls_count` is false and a cell is null.
pub(super) fn fingerprint(cells: &[Cells<'_>], row: usize, nulls_count: bool) -> Option<u128> {
    // FNV-1a, 128 bit. Source: RFC 9923, section 5.
    const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let mut hash = BASIS;
    let mut eat = |bytes: &[u8]| {
        for byte in bytes {
            hash = (hash ^ u128::from(*byte)).wrapping_mul(PRIME);
        }
    };
    let mut text = String::new();
    for cell in cells {
        text.clear();
        if cell.write(row, &mut text) {
            eat(text.as_bytes());
            eat(&[0x1f]);
        } else if nulls_count {
            eat(&[0x1e]);
        } else {
            return None;
        }
    }
    Some(hash)
}
