//! Which Arrow type holds a storage.

use arrow_schema::{DataType as ArrowType, TimeUnit};

use crate::schema::Storage;

/// The Arrow type that holds `storage`.
#[must_use]
pub fn arrow_type(storage: Storage) -> ArrowType {
    match storage {
        Storage::Boolean => ArrowType::Boolean,
        Storage::Integer => ArrowType::Int64,
        Storage::Float => ArrowType::Float64,
        Storage::Text => ArrowType::Utf8,
        Storage::Bytes => ArrowType::Binary,
        Storage::Date => ArrowType::Date32,
        Storage::Time => ArrowType::Time64(TimeUnit::Microsecond),
        Storage::Timestamp => ArrowType::Timestamp(TimeUnit::Microsecond, None),
    }
}
