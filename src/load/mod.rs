//! Order, chunk and finish the bulk write.

mod around;
mod judge;
mod loader;
mod overlap;
mod probe;
mod selection;

#[cfg(test)]
mod tests;

pub use judge::{Aside, Test, Trial, Verdict};
pub use loader::{Loader, Written, refuse_same, refuse_strangers, rehearse};
pub use overlap::{Parcel, Receive, write_all};
pub use selection::{here, lost_keys};

use serde::Serialize;

/// What was written of one table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TableLoad {
    /// The table, as the user would write it.
    pub table: String,
    /// What was done with it: `synthesize`, `copy`, `structure`, `skip`.
    pub mode: crate::config::TableMode,
    /// Rows in the source.
    pub real_rows: u64,
    /// Rows written.
    pub synthetic_rows: u64,
    /// Seconds spent learning it.
    pub train_seconds: f64,
    /// Seconds spent generating it.
    pub sample_seconds: f64,
    /// Seconds spent writing it.
    pub load_seconds: f64,
}

/// What a run wrote.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LoadSummary {
    /// Tables in the order of the schema.
    pub tables: Vec<TableLoad>,
    /// Seconds of the whole run.
    pub seconds: f64,
}
