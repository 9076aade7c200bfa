//! The foreign-key graph turned into an order of work: strata, context parents, cut edges, table modes,
//! column roles. Immutable once made.

mod build;
mod context;
mod cycles;
mod entities;
mod error;
pub mod explain;
mod graph;
mod memory;
mod modes;
mod names;
pub mod propose;
mod references;
mod roles;
mod rows;
mod strata;
mod words;

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use tests::schema as fixture;

pub use build::Observed;
pub use entities::EntityPath;
pub use error::PlanError;
pub use memory::{MemoryEstimate, memory_to_generate, memory_to_learn};
pub use modes::{settings, skipped};
pub use references::apply_references;
pub use rows::target_rows;

use serde::{Deserialize, Serialize};

use crate::{
    config::TableMode,
    schema::{ForeignKeyId, TableId},
};

/// What a foreign key does in generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkRole {
    /// Rows are generated per parent row along it: at most one per table.
    Context,
    /// The parent row is drawn once the child row exists.
    Link,
    /// Child and parent are one table: links form a forest.
    SelfReference,
    /// Cut to break a cycle: filled once both tables exist, before anything is loaded.
    Deferred,
    /// It binds only some rows, which a column of theirs names: drawn once the rows' values are there.
    Conditional,
    /// The parent is skipped or left empty: the key is null, or the row cannot be.
    Dangling,
}

/// Where a column's values come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnRole {
    /// Part of one or more foreign keys: values come from the parent rows.
    ForeignKey,
    /// A numbered key without meaning (integer or UUID primary key, auto-increment): fresh values are allotted.
    SurrogateKey,
    /// Part of a primary or unique key and not of a foreign key: a value with meaning that must stay unique.
    KeyAttribute,
    /// Everything else: modelled or written.
    Attribute,
    /// Computed by the server; never written.
    Generated,
}

/// What happens to one table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TablePlan {
    /// The table.
    pub table: TableId,
    /// What is done with it.
    pub mode: TableMode,
    /// Why this mode, in a few words.
    pub reason: String,
    /// The foreign key to its context parent, if it has one.
    pub context: Option<ForeignKeyId>,
    /// The role of every foreign key, aligned with the table's `foreign_keys`.
    pub links: Vec<LinkRole>,
    /// The role of every column, aligned with the table's `columns`.
    pub columns: Vec<ColumnRole>,
    /// Rows the user asked for, where said.
    pub rows: Option<u64>,
    /// The entity its rows belong to, which protection counts.
    pub entity: EntityPath,
}

impl TablePlan {
    /// True if its rows are those of the source, as they are.
    #[must_use]
    pub fn is_copied(&self) -> bool {
        self.mode == TableMode::Copy
    }
}

/// The order of work for a whole schema.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// One entry per table of the schema, indexed by `TableId`.
    pub tables: Vec<TablePlan>,
    /// Tables that can be generated side by side, parents first. Covers every table exactly once.
    pub strata: Vec<Vec<TableId>>,
}

impl Plan {
    /// All tables, parents first.
    pub fn order(&self) -> impl Iterator<Item = TableId> {
        self.strata.iter().flatten().copied()
    }

    /// What happens to a table.
    ///
    /// # Panics
    /// If the id is of another schema.
    #[must_use]
    pub fn table(&self, id: TableId) -> &TablePlan {
        &self.tables[id.0]
    }
}
