//! The vector each row is generated under: message passing over the rows already generated.
//!
//! A table's rows see a tree of *messages*. Each message is a relation walked from the row: up a foreign
//! key to a parent row, or from a parent down to its rows in an earlier child table (cousins). The network
//! turns each into a vector with weights of its own relation, sends it along the tree (two hops and more),
//! and sums what arrives; everything is trained jointly with the table's generator.
//!
//! Dimension letters: `N` rows of this table, `P` parent rows (families), `D` feature width, `C` width of
//! the conditioning vector.

mod course;
mod features;
mod folded;
mod graph;
mod lines;
mod nearness;
mod network;
mod pace;
mod siblings;

pub use course::Course;
pub use features::{Distortion, features_of};
pub use folded::{FoldedState, FoldedWeights, Neighbours};
pub use graph::{Receiver, RowGraph, RowGraphTable};
pub use lines::FoldedMessages;
pub use network::{
    ContextNetwork, ContextShape, FamilyPart, Inputs, MessageShape, RowInputs, RowSums, gather,
};
pub use siblings::{Halvings, SiblingLayout, SiblingState, Siblings};

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    codec::{EncodedTable, RunningTotals},
    data::Families,
    privacy::SampleUniques,
};

/// Whose rows a message's index counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Per {
    /// One entry per family (per context-parent row): the same for all siblings.
    Family,
    /// One entry per row of this table (a linked parent).
    Row,
}

/// Where a message comes from.
#[derive(Debug, Clone)]
pub enum MessageSource {
    /// Exactly one row of an earlier table per entry; [`crate::data::NO_ROW`] means none (features are 0 and a
    /// flag says so).
    Row {
        /// The other table's rows.
        table: Arc<EncodedTable>,
        /// Row index per entry.
        index: Vec<u32>,
    },
    /// All rows of one family of an earlier child table, pooled by their mean, with their count.
    Pool {
        /// The other table's rows.
        table: Arc<EncodedTable>,
        /// Their families.
        families: Arc<Families>,
        /// Family index per entry.
        index: Vec<u32>,
    },
}

/// One relation a row hears from.
#[derive(Debug, Clone)]
pub struct Message {
    /// For people and for the weights' names: `orders→customers`, stable between training and sampling.
    pub name: String,
    /// Whose entries `source` counts.
    pub per: Per,
    /// The message this one is sent through (the next hop towards the row), `None` if it reaches the row itself.
    /// Always a smaller index than its own.
    pub via: Option<usize>,
    /// True if its rows are copied as they are: whatever is known of one of them holds for the same row later.
    pub copied: bool,
    /// The rows it carries.
    pub source: MessageSource,
}

/// Everything one table's rows are generated (or trained) under.
///
/// In sampling, `messages` must list the same names in the same order as in training.
#[derive(Debug, Clone)]
pub struct Conditioning {
    /// Rows grouped by context parent; [`Families::singletons`] for a table without one.
    pub families: Families,
    /// True if rows have a context parent, so that siblings exist (sibling state is kept).
    pub has_siblings: bool,
    /// The relations.
    pub messages: Vec<Message>,
    /// Tokens of this table's own rows that are already decided (null links, link blocks): per row, `N` rows.
    /// They condition every sub-column and are part of the sibling state.
    pub given: Option<Arc<EncodedTable>>,
    /// Totals that go on from sibling to sibling; they are computed as rows are drawn.
    pub running: Option<Arc<RunningTotals>>,
    /// Rows that are not to be drawn, as far as another draw helps.
    pub avoided: Option<Arc<SampleUniques>>,
}

impl Conditioning {
    /// Rows under nothing: no relations, no siblings, nothing decided.
    #[must_use]
    pub fn free(families: Families) -> Self {
        Self {
            families,
            has_siblings: false,
            messages: Vec::new(),
            given: None,
            running: None,
            avoided: None,
        }
    }
}
