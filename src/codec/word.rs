//! A codec for people: what it is called, and what it does not keep of its column.

use arrow_array::{Array, ArrayRef};

use super::{Codec, ColumnCodec};

impl Codec {
    /// What it is called, in one or two words.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Constant(_) => "constant",
            Self::Categorical(_) => "labels",
            Self::Numeric(_) => "number",
            Self::Datetime(_) => "time",
            Self::Document(_) => "document, part by part",
            Self::Place(place) if place.partner().is_some() => "place, in two columns",
            Self::Place(_) => "place",
            Self::Elapsed(_) => "time since another one",
            Self::Span(_) => "time after another of its row",
            Self::Presence(_) => "null or not",
        }
    }

    /// How many tokens a value becomes.
    #[must_use]
    pub fn tokens(&self) -> usize {
        self.sub_columns().len()
    }

    /// Rows of the column it was fitted to whose value has no token of its own: too few rows share it, so one of the
    /// other values stands for it.
    #[must_use]
    pub fn unkept_rows(&self, values: &ArrayRef) -> usize {
        match self {
            Self::Categorical(codec) => {
                (values.len() - values.null_count()).saturating_sub(codec.kept_rows())
            }
            _ => 0,
        }
    }
}
