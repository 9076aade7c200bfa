//! A consistent read of whole families, sampled where a table is larger than the limit.
//!
//! Tables are read once, parents first. A table above the limit keeps whole families only: the rows of a
//! seeded choice of parent rows, all of them; where the families are too few to choose from, the first rows of each. Key values become row indices here ([`Links`]); what leaves
//! this room holds no surrogate key.

mod fill;
mod inclusion;
mod read;
mod siblings;
mod split;

pub use inclusion::{Proposal, proposals};

use std::collections::BTreeMap;

use crate::{
    data::{Families, KeyCourse, Links, TableData},
    db::{DbError, Source},
    plan::Plan,
    progress::{Event, Progress},
    schema::{ForeignKeyId, Schema, TableId},
    seed::Seed,
};

/// One table's part of the snapshot.
#[derive(Debug, Clone)]
pub struct TableSnapshot {
    /// Rows in the source.
    pub total_rows: u64,
    /// The rows kept, in family order (siblings in the order of time or key). Attributes and key attributes
    /// only; every writable column for a table that is copied.
    pub data: TableData,
    /// For a table with a context parent: its rows by parent row. Family `p` belongs to kept parent row `p`;
    /// behind them stands one family per row whose context key is null.
    pub families: Families,
    /// How many families belong to a parent row; the rest are the orphans' singletons.
    pub parent_count: usize,
    /// Per parent row: true if its family was read (always, unless the table was sampled).
    pub known_families: Vec<bool>,
    /// Per foreign key: the parent row of each kept row; [`crate::data::NO_ROW`] for null, or for a parent that
    /// was not kept.
    pub links: Vec<Links>,
    /// Per foreign key: true where the key is not null, for each kept row.
    pub present: Vec<Vec<bool>>,
    /// Per foreign key: children of each kept parent row, counted over all rows of this table.
    pub fan_out: Vec<Vec<u32>>,
    /// Share of all rows whose context key is null (0 without a context parent).
    pub orphan_share: f64,
    /// Per foreign key: rows whose key matches no parent row although the parent was read whole.
    pub dangling: Vec<u64>,
    /// What the numbers of fresh keys of integers tell, in the rows that were read; a table's own key first.
    pub key_courses: Vec<KeyCourse>,
    /// The link whose parents split siblings into series that follow each other: the shops of a product's daily sales.
    pub panel: Option<ForeignKeyId>,
}

impl TableSnapshot {
    /// The families cut into the series of a panel; `None` if the rows are none.
    #[must_use]
    pub fn series(&self) -> Option<Families> {
        self.panel.map(|link| self.families.split(&self.links[link.0].parent))
    }
}

/// The rows a run learns from.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// One entry per table of the schema; `None` if it is skipped or left empty.
    pub tables: Vec<Option<TableSnapshot>>,
}

impl Snapshot {
    /// Returns a table's part, if it was read.
    #[must_use]
    pub fn table(&self, id: TableId) -> Option<&TableSnapshot> {
        self.tables[id.0].as_ref()
    }
}

/// Reads the snapshot.
///
/// # Errors
/// [`DbError`] if a table cannot be read.
pub fn take(
    source: &mut dyn Source,
    schema: &Schema,
    plan: &Plan,
    limits: Limits<'_>,
    progress: &dyn Progress,
) -> Result<Snapshot, DbError> {
    progress.event(&Event::StageStarted { stage: "snapshot" });
    let snapshot = read::Reader::new(schema, plan, limits, progress).read_all(source)?;
    progress.event(&Event::StageFinished { stage: "snapshot" });
    Ok(snapshot)
}

/// How much to read.
#[derive(Debug, Clone, Copy)]
pub struct Limits<'a> {
    /// Most rows to keep of a table.
    pub training_rows: u64,
    /// Rows of each table, by `TableId`.
    pub real_rows: &'a [u64],
    /// Parent rows that have a child, per foreign key.
    pub used_parents: &'a BTreeMap<(TableId, ForeignKeyId), u64>,
    /// Decides which families are kept.
    pub seed: Seed,
}
