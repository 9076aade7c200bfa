//! Nulls, once for every codec: where nulls were seen, the last token of a vocabulary means "no value".

use arrow_array::{Array, ArrayRef};
use serde::{Deserialize, Serialize};

use super::SubColumn;

/// Whether a codec has a null token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Nulls {
    seen: bool,
}

impl Nulls {
    /// Looks whether `values` holds a null.
    pub(super) fn fit(values: &ArrayRef) -> Self {
        Self { seen: values.null_count() > 0 }
    }

    /// Null has a token, whether or not a column holds one.
    pub(super) fn possible() -> Self {
        Self { seen: true }
    }

    /// True if null has a token.
    pub(super) fn seen(self) -> bool {
        self.seen
    }

    /// The null token of a vocabulary of `size` tokens, null included. Without one, null falls to token 0: a value
    /// of a column that never held a null.
    pub(super) fn token(self, size: u16) -> u16 {
        if self.seen { size - 1 } else { 0 }
    }

    /// True if `token` of a vocabulary of `size` tokens means null.
    pub(super) fn is_null(self, token: u16, size: u16) -> bool {
        self.seen && token + 1 >= size
    }

    /// Describes a vocabulary of `size` values, with the null token added where nulls were seen.
    pub(super) fn sub_column(self, name: &str, size: usize, mut scalars: Vec<f32>) -> SubColumn {
        if self.seen && !scalars.is_empty() {
            scalars.push(0.0);
        }
        let size = size + usize::from(self.seen);
        SubColumn {
            name: name.to_owned(),
            size: size as u16,
            scalars,
            counts_children: false,
            one_hot: size > 1,
        }
    }
}
