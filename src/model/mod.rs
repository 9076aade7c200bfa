//! What is learned of a database: per table its codecs, writers, counts, links and generators.
//!
//! Fitting is one pass over the snapshot: encode every table, build the row graph, train table by table.
//! All training is teacher-forced on real rows, so tables train side by side.

mod above;
mod anchor;
mod choose;
mod contents;
mod coverage;
mod encode;
mod fit;
mod keeper;
mod links;
mod parts;
mod purse;
mod relations;
mod spans;
mod uniques;

pub use anchor::{Ancestry, Anchor};
pub use contents::{ColumnContents, Contents, Origin, TableContents, contents};
pub use coverage::{ColumnCoverage, Made, cover, cover_model};
pub use encode::{copied_rows, presence_sub_column, take_linked};
pub use fit::{FitOptions, Fitted, fit};
pub use keeper::{Keeper, Lesson, Networks, Unkept};
pub use links::{LinkTokens, ParentBlocks, blocks_of};
pub use relations::{describe_anchor, discover_rules, find_anchors};
pub use uniques::find_uniques;

use std::sync::Arc;

use crate::{
    codec::Codec,
    data::TableData,
    db::Blueprint,
    generator::TableGenerator,
    plan::Plan,
    privacy::SampleUniques,
    rules::TableRules,
    schema::{ColumnId, ForeignKeyId, Schema, TableId},
    semantic::{Meaning, RowWriter},
    structure::{CountCodec, DepthProfile, Runs},
};

/// The child counts of one foreign key, as the last tokens of its parent's rows.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ChildCount {
    /// The child table.
    pub child: TableId,
    /// Its foreign key to this table.
    pub foreign_key: ForeignKeyId,
    /// Counts ⇄ tokens.
    pub codec: CountCodec,
}

/// Everything of a [`TableModel`] but its networks and copied rows: plain data, stored as JSON.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct TableFacts {
    /// Codecs of the modelled columns, and of the presence of the written ones.
    pub codecs: Vec<(ColumnId, Codec)>,
    /// Writes the columns that are not modelled.
    pub writer: RowWriter,
    /// What must hold inside a row, declared and discovered, and the columns that only number a family's rows.
    pub rules: TableRules,
    /// Foreign keys that are drawn, and their tokens, in token order.
    pub links: Vec<LinkTokens>,
    /// Block tokens of the rows, in token order, between attributes and child counts.
    pub blocks: Vec<ParentBlocks>,
    /// Child counts, in token order.
    pub counts: Vec<ChildCount>,
    /// Links that share an ancestor with the context parent.
    pub anchors: Vec<(ForeignKeyId, Anchor)>,
    /// How deep the forests of self references are.
    pub forests: Vec<(ForeignKeyId, DepthProfile)>,
    /// Share of rows without a context parent although the table has one.
    pub orphan_share: f64,
    /// What was looked for in the values of columns: what they mean, and how sure that is (0 to 1).
    pub meanings: Vec<(ColumnId, Meaning, f32)>,
    /// Distinct entities among the rows learned from.
    pub entities: u64,
    /// Rows in the source.
    pub real_rows: u64,
    /// Seconds spent training.
    pub train_seconds: f64,
}

impl TableFacts {
    /// Where the tokens of a foreign key stand in the table's rows; empty where it has none.
    #[must_use]
    pub fn link_columns(&self, foreign_key: ForeignKeyId) -> std::ops::Range<usize> {
        let width = |link: &LinkTokens| link.sub_columns("").len();
        let before = self.links.iter().take_while(|link| link.foreign_key != foreign_key);
        let start = before.map(width).sum();
        let own = self.links.iter().find(|link| link.foreign_key == foreign_key);
        start..start + own.map_or(0, width)
    }

    /// How long the series of a panel are, and the link whose parents make them.
    #[must_use]
    pub fn panel(&self) -> Option<(ForeignKeyId, &Runs)> {
        self.links.iter().find_map(|link| Some((link.foreign_key, link.runs.as_ref()?)))
    }

    /// Tokens of links, which stand before the attributes.
    #[must_use]
    pub fn given_columns(&self) -> usize {
        self.links.iter().map(|link| link.sub_columns("").len()).sum()
    }

    /// Block tokens, which stand between attributes and child counts.
    #[must_use]
    pub fn block_columns(&self) -> usize {
        self.blocks.iter().map(|blocks| blocks.columns.len()).sum()
    }

    /// Where a child's block tokens stand in rows of `width` tokens.
    #[must_use]
    pub fn parent_block_columns(
        &self,
        (child, foreign_key): (TableId, ForeignKeyId),
        width: usize,
    ) -> Option<std::ops::Range<usize>> {
        let place = self.blocks.iter().position(|b| b.child == child && b.foreign_key == foreign_key)?;
        let before: usize = self.blocks[..place].iter().map(|blocks| blocks.columns.len()).sum();
        let start = width.checked_sub(self.counts.len() + self.block_columns())? + before;
        Some(start..start + self.blocks[place].columns.len())
    }
}

/// One table's fitted pieces.
pub struct TableModel {
    /// Codecs, writers, counts, links.
    pub facts: TableFacts,
    /// Generates the tokens of links (set or null, block, an earlier sibling's), before links are drawn.
    pub link_generator: Option<Box<dyn TableGenerator>>,
    /// Generates attributes and child counts (child counts only, for a copied table).
    pub row_generator: Option<Box<dyn TableGenerator>>,
    /// The rows of a table copied verbatim.
    pub copied: Option<TableData>,
    /// Columns of a copied table whose nulls are filled; never in a model file.
    pub completed: Vec<ColumnId>,
    /// Rows that are not to be repeated; never in a model file.
    pub uniques: Option<Arc<SampleUniques>>,
}

/// Columns whose nulls are filled, of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// The table.
    pub table: TableId,
    /// The columns.
    pub columns: Vec<ColumnId>,
}

/// A whole fitted database.
pub struct Model {
    /// The source's schema.
    pub schema: Schema,
    /// How to build it again.
    pub blueprint: Blueprint,
    /// The order of work.
    pub plan: Plan,
    /// Where it comes from.
    pub origin: Origin,
    /// One entry per table; `None` if it is skipped or left empty.
    pub tables: Vec<Option<TableModel>>,
}

impl Model {
    /// Returns a table's model, if rows of it are generated or copied.
    #[must_use]
    pub fn table(&self, id: TableId) -> Option<&TableModel> {
        self.tables[id.0].as_ref()
    }
}
