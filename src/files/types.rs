//! Which Arrow type a column has in a Parquet file, and how its values become one.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, Date32Array, Decimal128Array, Decimal256Array, Float32Array, Float64Array, Int8Array,
    Int16Array, Int32Array, Int64Array, StringArray, Time64MicrosecondArray, TimestampMicrosecondArray,
    UInt8Array, UInt16Array, UInt32Array, UInt64Array,
    builder::{BooleanBuilder, FixedSizeBinaryBuilder, Float32Builder, Float64Builder},
    cast::AsArray as _,
    types::{Date32Type, Float64Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType},
};
use arrow_buffer::i256;
use arrow_schema::{
    DataType as ArrowType, Field, TimeUnit,
    extension::{Json, Uuid},
};

use super::arrays;
use crate::{
    data::arrow_type,
    schema::{Column, DataType, DialectName},
};

/// Most digits of Arrow's two decimals.
const DIGITS_128: u8 = 38;
const DIGITS_256: u8 = 76;
const DAY: i64 = 86_400_000_000;
const ZONE: &str = "UTC";

/// A column of a Parquet file.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    /// Its name, type and nullability.
    pub(super) field: Field,
    how: How,
}

/// How values become the column's type.
#[derive(Debug, Clone, PartialEq)]
enum How {
    /// As they are.
    Same,
    /// Through their text, as the engine prints it.
    Text(ArrowType),
    Integer(ArrowType),
    Single,
    Date,
    Time,
    Timestamp(Option<Arc<str>>),
}

/// A column's values in their type, and how many of them have no place there and are null.
pub(super) struct Shaped {
    pub(super) array: ArrayRef,
    pub(super) lost: u64,
}

impl Shape {
    /// Chooses a column's type.
    pub(super) fn of(column: &Column, engine: DialectName) -> Self {
        let (kind, how) = choose(column, engine);
        // Values without a place in the type become null; SQLite lets nulls into keys.
        let strict =
            matches!(how, How::Same | How::Integer(_) | How::Single) && engine != DialectName::Sqlite;
        let mut field = Field::new(&column.name, kind, column.nullable || !strict);
        match column.data_type {
            DataType::Uuid => field = field.with_extension_type(Uuid),
            DataType::Json => field = field.with_extension_type(Json::default()),
            _ => {}
        }
        Self { field, how }
    }

    /// The type, for people.
    pub(super) fn name(&self) -> String {
        self.field.data_type().to_string()
    }

    /// Gives values their type. `texts` has them as the engine prints them; it is asked only where needed.
    pub(super) fn shape(
        &self,
        array: &ArrayRef,
        exact: Option<&StringArray>,
        texts: impl FnOnce() -> Vec<Option<String>>,
    ) -> Shaped {
        let before = nulls(array, exact);
        let shaped: ArrayRef = match &self.how {
            // What an array does not hold exactly stands in its text: digits, a document, a label.
            How::Same if exact.is_some() => from_texts(array.data_type(), &texts()),
            How::Integer(kind) if exact.is_some() => from_texts(kind, &texts()),
            How::Single if exact.is_some() => from_texts(&ArrowType::Float32, &texts()),
            How::Same => array.clone(),
            How::Text(kind) => from_texts(kind, &texts()),
            How::Integer(kind) => integers(array.as_primitive::<Int64Type>(), kind),
            How::Single => Arc::new(
                array
                    .as_primitive::<Float64Type>()
                    .iter()
                    .map(|v| v.map(|v| v as f32))
                    .collect::<Float32Array>(),
            ),
            How::Date => {
                // The ends of the range are what no calendar has: infinity, a date of zeros.
                let days = array.as_primitive::<Date32Type>().iter();
                let finite = |day: &i32| !matches!(*day, i32::MIN | i32::MAX);
                Arc::new(days.map(|day| day.filter(finite)).collect::<Date32Array>())
            }
            How::Time => {
                let times = array.as_primitive::<Time64MicrosecondType>().iter();
                let of_day = |time: &i64| (0..DAY).contains(time);
                Arc::new(times.map(|time| time.filter(of_day)).collect::<Time64MicrosecondArray>())
            }
            How::Timestamp(zone) => {
                let times = array.as_primitive::<TimestampMicrosecondType>().iter();
                let finite = |time: &i64| !matches!(*time, i64::MIN | i64::MAX);
                let array: TimestampMicrosecondArray = times.map(|time| time.filter(finite)).collect();
                Arc::new(array.with_timezone_opt(zone.clone()))
            }
        };
        let lost = (shaped.null_count() as u64).saturating_sub(before);
        Shaped { array: shaped, lost }
    }
}

/// Values that are null in earnest.
fn nulls(array: &ArrayRef, exact: Option<&StringArray>) -> u64 {
    let null = |row: &usize| array.is_null(*row) && exact.is_none_or(|exact| exact.is_null(*row));
    (0..array.len()).filter(null).count() as u64
}

fn choose(column: &Column, engine: DialectName) -> (ArrowType, How) {
    let same = || (arrow_type(column.data_type.storage()), How::Same);
    let through_text = |kind: ArrowType| (kind.clone(), How::Text(kind));
    match &column.data_type {
        DataType::Integer { .. } => match integer(&column.data_type, &column.native_type) {
            ArrowType::Int64 => same(),
            kind => (kind.clone(), How::Integer(kind)),
        },
        DataType::Float { single: true } if engine != DialectName::Sqlite => {
            (ArrowType::Float32, How::Single)
        }
        DataType::Decimal { precision: Some(precision), scale: Some(scale) } => {
            decimal(*precision, *scale).map_or_else(same, through_text)
        }
        DataType::Date => (ArrowType::Date32, How::Date),
        DataType::Time => (ArrowType::Time64(TimeUnit::Microsecond), How::Time),
        DataType::Timestamp { zoned } => {
            let zone: Option<Arc<str>> = zoned.then(|| ZONE.into());
            (ArrowType::Timestamp(TimeUnit::Microsecond, zone.clone()), How::Timestamp(zone))
        }
        DataType::Uuid => through_text(ArrowType::FixedSizeBinary(16)),
        DataType::Array { element } => {
            through_text(ArrowType::List(Arc::new(Field::new_list_field(element_type(element), true))))
        }
        _ => same(),
    }
}

/// The type of an array's elements.
fn element_type(element: &DataType) -> ArrowType {
    match element {
        DataType::Boolean => ArrowType::Boolean,
        DataType::Integer { .. } => integer(element, ""),
        DataType::Float { single: true } => ArrowType::Float32,
        DataType::Float { single: false } => ArrowType::Float64,
        DataType::Decimal { precision: Some(precision), scale: Some(scale) } => {
            decimal(*precision, *scale).unwrap_or(ArrowType::Utf8)
        }
        DataType::Uuid => ArrowType::FixedSizeBinary(16),
        _ => ArrowType::Utf8,
    }
}

/// The smallest type that holds a range.
fn integer(range: &DataType, native: &str) -> ArrowType {
    let DataType::Integer { min, max } = *range else { return ArrowType::Int64 };
    let within = |low: i64, high: i64| low <= min && max <= high;
    match () {
        () if within(0, u8::MAX.into()) => ArrowType::UInt8,
        () if within(i8::MIN.into(), i8::MAX.into()) => ArrowType::Int8,
        () if within(0, u16::MAX.into()) => ArrowType::UInt16,
        () if within(i16::MIN.into(), i16::MAX.into()) => ArrowType::Int16,
        () if within(0, u32::MAX.into()) => ArrowType::UInt32,
        () if within(i32::MIN.into(), i32::MAX.into()) => ArrowType::Int32,
        () if native.to_lowercase().contains("unsigned") => ArrowType::UInt64,
        () => ArrowType::Int64,
    }
}

/// A decimal type; none if Arrow's largest is too small. Parquet knows no digits left of the point to be zero, and no
/// more decimals than digits.
fn decimal(precision: u32, scale: i32) -> Option<ArrowType> {
    let (digits, scale) = if scale < 0 {
        (precision.checked_add(scale.unsigned_abs())?, 0)
    } else {
        (precision, scale.unsigned_abs())
    };
    let digits = u8::try_from(digits.max(scale).max(1)).ok()?;
    let scale = i8::try_from(scale).ok()?;
    if digits <= DIGITS_128 {
        Some(ArrowType::Decimal128(digits, scale))
    } else {
        (digits <= DIGITS_256).then_some(ArrowType::Decimal256(digits, scale))
    }
}

fn integers(values: &Int64Array, kind: &ArrowType) -> ArrayRef {
    macro_rules! narrow {
        ($array:ty) => {
            Arc::new(values.iter().map(|value| value.and_then(|v| v.try_into().ok())).collect::<$array>())
        };
    }
    match kind {
        ArrowType::Int8 => narrow!(Int8Array),
        ArrowType::Int16 => narrow!(Int16Array),
        ArrowType::Int32 => narrow!(Int32Array),
        ArrowType::UInt8 => narrow!(UInt8Array),
        ArrowType::UInt16 => narrow!(UInt16Array),
        ArrowType::UInt32 => narrow!(UInt32Array),
        ArrowType::UInt64 => narrow!(UInt64Array),
        _ => Arc::new(values.clone()),
    }
}

/// Reads values from their texts; what cannot be read is null.
pub(super) fn from_texts(kind: &ArrowType, texts: &[Option<String>]) -> ArrayRef {
    macro_rules! parsed {
        ($array:ty) => {
            Arc::new(
                texts.iter().map(|text| text.as_deref().and_then(|t| t.parse().ok())).collect::<$array>(),
            )
        };
    }
    let present = || texts.iter().map(|text| text.as_deref());
    match kind {
        ArrowType::Int8 => parsed!(Int8Array),
        ArrowType::Int16 => parsed!(Int16Array),
        ArrowType::Int32 => parsed!(Int32Array),
        ArrowType::Int64 => parsed!(Int64Array),
        ArrowType::UInt8 => parsed!(UInt8Array),
        ArrowType::UInt16 => parsed!(UInt16Array),
        ArrowType::UInt32 => parsed!(UInt32Array),
        ArrowType::UInt64 => parsed!(UInt64Array),
        ArrowType::Float32 => {
            let mut built = Float32Builder::new();
            present().for_each(|text| built.append_option(text.and_then(|text| text.parse().ok())));
            Arc::new(built.finish())
        }
        ArrowType::Float64 => {
            let mut built = Float64Builder::new();
            present().for_each(|text| built.append_option(text.and_then(|text| text.parse().ok())));
            Arc::new(built.finish()) as Arc<Float64Array>
        }
        ArrowType::Boolean => {
            let mut built = BooleanBuilder::new();
            present().for_each(|text| {
                built.append_option(match text {
                    Some("t" | "true" | "1") => Some(true),
                    Some("f" | "false" | "0") => Some(false),
                    _ => None,
                });
            });
            Arc::new(built.finish())
        }
        ArrowType::Decimal128(digits, scale) => {
            let read = |text: &str| unscaled(text, *digits, *scale)?.parse::<i128>().ok();
            let array: Decimal128Array = present().map(|text| text.and_then(read)).collect();
            // The digits are those of `decimal`, which the type takes.
            Arc::new(array.with_data_type(kind.clone()))
        }
        ArrowType::Decimal256(digits, scale) => {
            let read = |text: &str| i256::from_string(&unscaled(text, *digits, *scale)?);
            let array: Decimal256Array = present().map(|text| text.and_then(read)).collect();
            Arc::new(array.with_data_type(kind.clone()))
        }
        ArrowType::FixedSizeBinary(16) => {
            let mut built = FixedSizeBinaryBuilder::with_capacity(texts.len(), 16);
            for text in present() {
                match text.and_then(uuid) {
                    // The length is right by its type.
                    Some(bytes) => drop(built.append_value(bytes)),
                    None => built.append_null(),
                }
            }
            Arc::new(built.finish())
        }
        ArrowType::List(element) => arrays::lists(element, texts),
        ArrowType::Binary => {
            Arc::new(present().map(|text| text.and_then(hexadecimal)).collect::<arrow_array::BinaryArray>())
        }
        _ => Arc::new(present().collect::<StringArray>()),
    }
}

/// The digits of a decimal without its point, with exactly `scale` after it; none if they are too many.
fn unscaled(text: &str, digits: u8, scale: i8) -> Option<String> {
    let scale = usize::try_from(scale).ok()?;
    let plain = text.contains(['e', 'E']).then(|| text.parse().map(|value: f64| format!("{value:.scale$}")));
    let plain = plain.transpose().ok()?;
    let text = plain.as_deref().unwrap_or(text);
    let (sign, number) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(whole) || !plain(fraction) || fraction.len() > scale {
        return None;
    }
    let all = format!("{whole}{fraction:0<scale$}");
    let all = all.trim_start_matches('0');
    match all.len() {
        0 => Some("0".to_owned()),
        length if length <= usize::from(digits) => Some(format!("{sign}{all}")),
        _ => None,
    }
}

fn uuid(text: &str) -> Option<[u8; 16]> {
    let digits: String = text.chars().filter(|c| !matches!(c, '-' | '{' | '}')).collect();
    hexadecimal(&digits)?.try_into().ok()
}

/// Bytes of hexadecimal digits, with or without the server's `\x`.
fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("\\x").unwrap_or(text);
    let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    (0..digits.len()).step_by(2).map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::{decimal, unscaled};
    use arrow_schema::DataType as ArrowType;

    #[test]
    fn a_decimal_keeps_its_digits_and_what_does_not_fit_has_none() {
        assert_eq!(unscaled("-12.50", 10, 2).as_deref(), Some("-1250"));
        assert_eq!(unscaled("7", 10, 2).as_deref(), Some("700"));
        assert_eq!(unscaled("0.00", 3, 2).as_deref(), Some("0"));
        assert_eq!(unscaled("1234.5", 4, 1), None);
        assert_eq!(unscaled("1.234", 9, 2), None);
        assert_eq!(unscaled("NaN", 9, 2), None);
        assert_eq!(unscaled("1.5e3", 9, 2).as_deref(), Some("150000"));
        assert_eq!(unscaled("12.0", 9, 2).as_deref(), Some("1200"));
    }

    #[test]
    fn decimals_of_odd_scales_have_a_type_that_holds_them() {
        assert_eq!(decimal(10, 2), Some(ArrowType::Decimal128(10, 2)));
        assert_eq!(decimal(3, -2), Some(ArrowType::Decimal128(5, 0)));
        assert_eq!(decimal(2, 4), Some(ArrowType::Decimal128(4, 4)));
        assert_eq!(decimal(65, 30), Some(ArrowType::Decimal256(65, 30)));
        assert_eq!(decimal(1000, 2), None);
    }
}
