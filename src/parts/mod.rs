//! Rows of a generation that several processes share, kept in a folder until all of them are there.
//!
//! Each shard leaves one part: its rows by table, each piece with its place among the rows of the table, and what it
//! has to say. A part is whole or not there. Whoever finds all parts there writes the target from them.

mod error;
mod folder;
mod merge;
mod piece;
mod writer;

#[cfg(test)]
mod tests;

pub use error::PartsError;
pub use folder::PartsFolder;
pub use merge::Parts;
pub use writer::PartWriter;

use serde::{Deserialize, Serialize};

use crate::{
    finding::Finding,
    sample::{SampleSummary, Suspect, TableSample},
    schema::TableId,
};

/// What a shard says of its part.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct PartManifest {
    /// Per `TableId`: rows in the part.
    rows: Vec<u64>,
    /// Per `TableId`: seconds spent generating.
    seconds: Vec<f64>,
    findings: Vec<Finding>,
    /// Constraints that nobody was there to judge, with the rows they bind.
    unjudged: Vec<(TableId, Suspect, usize)>,
}

impl PartManifest {
    fn new(summary: &SampleSummary, unjudged: Vec<(TableId, Suspect, usize)>) -> Self {
        Self {
            rows: summary.tables.iter().map(|table| table.rows).collect(),
            seconds: summary.tables.iter().map(|table| table.seconds).collect(),
            findings: summary.findings.clone(),
            unjudged,
        }
    }

    fn tables(&self) -> impl Iterator<Item = TableSample> {
        self.rows
            .iter()
            .zip(&self.seconds)
            .map(|(rows, seconds)| TableSample { rows: *rows, seconds: *seconds })
    }
}
