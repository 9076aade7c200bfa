//! Typed views of a column, `None` where the array is of another type.

use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Float64Array, Int64Array, StringArray,
    Time64MicrosecondArray, TimestampMicrosecondArray,
};

pub(super) fn booleans(values: &ArrayRef) -> Option<&BooleanArray> {
    values.as_any().downcast_ref()
}

pub(super) fn integers(values: &ArrayRef) -> Option<&Int64Array> {
    values.as_any().downcast_ref()
}

pub(super) fn floats(values: &ArrayRef) -> Option<&Float64Array> {
    values.as_any().downcast_ref()
}

pub(super) fn texts(values: &ArrayRef) -> Option<&StringArray> {
    values.as_any().downcast_ref()
}

pub(super) fn bytes(values: &ArrayRef) -> Option<&BinaryArray> {
    values.as_any().downcast_ref()
}

pub(super) fn dates(values: &ArrayRef) -> Option<&Date32Array> {
    values.as_any().downcast_ref()
}

pub(super) fn times(values: &ArrayRef) -> Option<&Time64MicrosecondArray> {
    values.as_any().downcast_ref()
}

pub(super) fn timestamps(values: &ArrayRef) -> Option<&TimestampMicrosecondArray> {
    values.as_any().downcast_ref()
}
