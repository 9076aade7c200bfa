//! How many children a parent row has, and which parents a row links to.

mod balance;
mod blocks;
mod cluster;
mod cohorts;
mod count_codec;
mod degrees;
mod depth;
mod fan_out;
mod fenwick;
mod forest;
mod link;
mod pool;
mod profile;
mod repeats;
mod runs;
mod spectral;
mod supply;
#[cfg(test)]
mod tests;

pub use balance::{balance, strata};
pub use blocks::{BlockEvidence, Blocks, Peer};
pub use cohorts::{CohortEvidence, cohorts};
pub use count_codec::CountCodec;
pub use depth::{DepthProfile, depths};
pub use fan_out::TokenFanOut;
pub use fenwick::Fenwick;
pub use link::StubLinker;
pub use repeats::{Repeats, repeated};
pub use runs::Runs;
pub use supply::supply;

use crate::{data::Links, seed::Stream};

/// Why the structure of a table cannot be drawn.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StructureError {
    /// The bounds cannot sum to the wanted total.
    #[error("{wanted} children cannot be spread over {parents} parents")]
    Infeasible {
        /// Rows wanted.
        wanted: u64,
        /// Parents there are.
        parents: usize,
    },
}

/// How many children each parent row gets: the parent's count tokens turned into counts.
pub trait FanOut: Send + Sync {
    /// Samples one count per entry of `tokens`, so that the counts sum to `target` where one is given
    /// (stochastic rounding of a common factor, parents without children stay without where possible).
    ///
    /// # Errors
    /// [`StructureError::Infeasible`] if `target` cannot be met.
    fn sample(
        &self,
        tokens: &[u16],
        target: Option<u64>,
        random: &mut Stream,
    ) -> Result<Vec<u32>, StructureError>;
}

/// One link foreign key to draw: which parent row each child row gets.
#[derive(Debug, Clone, Default)]
pub struct LinkRequest<'a> {
    /// False where the child's key is null.
    pub present: &'a [bool],
    /// Stubs per parent row: the number of children each parent expects (its count token's value).
    pub stubs: &'a [f32],
    /// For columns shared with a foreign key already drawn, or an ancestor that both must share: the group each
    /// child row must draw from, and the group each parent row is in. `None` means one group.
    pub groups: Option<(&'a [u32], &'a [u32])>,
    /// Where a unique key covers this link and what is already decided: rows with the same value here must not
    /// draw the same parent twice (the value stands for the other columns of the key).
    pub distinct_within: Option<&'a [u32]>,
    /// True if child and parent are one table: the links must form a forest (no row is its own ancestor).
    pub forest: bool,
    /// The blocks the child rows chose, where learned: a child draws inside its block while that has stubs, then
    /// inside the one most like it.
    pub blocks: Option<BlockChoice<'a>>,
    /// Whether siblings share parents, where learned; a wish, not a rule.
    pub siblings: Option<Siblings<'a>>,
    /// Per child row a parent row it must not draw ([`crate::data::NO_ROW`]: none): no bond of an atom with itself.
    pub avoid: Option<&'a [u32]>,
}

/// Who chose which block.
#[derive(Debug, Clone, Copy)]
pub struct BlockChoice<'a> {
    /// The blocks.
    pub blocks: &'a Blocks,
    /// Block per child row; `None` draws from all.
    pub of_children: &'a [Option<u16>],
    /// Block per parent row.
    pub of_parents: &'a [Option<u16>],
}

/// Which rows are siblings, and which of them take an earlier sibling's parent.
#[derive(Debug, Clone, Copy)]
pub struct Siblings<'a> {
    /// Family per child row.
    pub family: &'a [u32],
    /// True where a row takes the parent of an earlier sibling, others take one no sibling has; `None` if no
    /// row does.
    pub again: Option<&'a [bool]>,
}

/// Draws link foreign keys.
pub trait Linker: Send + Sync {
    /// Draws one parent row per child row; [`crate::data::NO_ROW`] where `present` is false or nothing is left to
    /// draw (the caller repairs and counts).
    fn sample(&self, request: &LinkRequest<'_>, random: &mut Stream) -> Links;
}
