//! Which codec a column gets.

use arrow_array::{Array, ArrayRef};

use crate::{
    privacy::Guard,
    schema::{Column, DataType, Storage},
};

use super::{Categorical, Codec, Constant, Datetime, Numeric, Presence};

/// What the caller knows about a column beyond its type.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Hints<'a> {
    /// True if text values are an enumeration to be modelled; else only their presence is.
    pub categorical: bool,
    /// Range decoded numbers must stay in, both ends included.
    pub bounds: Option<(f64, f64)>,
    /// Whose the rows are: a value is kept, and a range end is used, only if enough entities have (or exceed) it.
    pub guard: Guard<'a>,
}

impl Codec {
    /// Fits the codec that suits a column and its values. Never fails: what cannot be modelled gets
    /// [`Codec::Presence`], and its values must be written elsewhere.
    #[must_use]
    pub fn fit(column: &Column, values: &ArrayRef, hints: &Hints<'_>) -> Self {
        let presence = || Self::Presence(Presence::fit(column, values));
        let storage = column.data_type.storage();
        let enumerated =
            matches!(column.data_type, DataType::Boolean | DataType::Enum { .. } | DataType::Set { .. })
                || (storage == Storage::Text && hints.categorical);
        let written_elsewhere = matches!(storage, Storage::Text | Storage::Bytes) && !enumerated;
        if values.null_count() == values.len() {
            return Self::Constant(Constant::all_null(column, values));
        }
        if written_elsewhere {
            return presence();
        }
        if let Some(constant) = Constant::fit(column, values, hints.guard) {
            return Self::Constant(constant);
        }
        match storage {
            Storage::Boolean | Storage::Text | Storage::Bytes => {
                Categorical::fit(column, values, hints.guard).map(Self::Categorical)
            }
            Storage::Integer | Storage::Float => {
                Numeric::fit(column, values, hints.bounds, hints.guard).map(Self::Numeric)
            }
            Storage::Date | Storage::Time | Storage::Timestamp => {
                Datetime::fit(column, values, hints.guard).map(Self::Datetime)
            }
        }
        .unwrap_or_else(presence)
    }
}
