//! Value ⇄ tokens: every modelled value becomes one or more tokens of known vocabularies, and decodes
//! back inside its column's own domain.

mod table;

pub use table::{EncodedTable, SubColumn};

use arrow_array::ArrayRef;

use crate::seed::Stream;

/// One fitted column codec. `fit` lives with each codec and returns this; nothing here can be "unfitted".
pub trait ColumnCodec: Send + Sync {
    /// The sub-columns a value becomes, in the order they are generated.
    fn sub_columns(&self) -> &[SubColumn];

    /// Encodes a column: one token vector per sub-column. Total: a value never seen has a token too.
    fn encode(&self, column: &ArrayRef) -> Vec<Vec<u16>>;

    /// Decodes tokens (one slice per sub-column, equally long) into values of the column's storage.
    /// `random` places a value inside its bin.
    fn decode(&self, tokens: &[&[u16]], random: &mut Stream) -> ArrayRef;
}
