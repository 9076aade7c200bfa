//! What stands in the folder of a run: `run.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::finding::Finding;

/// What an unfinished run has left.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// The database that is learned.
    pub(super) source: String,
    /// What is written: a database or a model file.
    pub(super) target: String,
    /// When the last run began, in seconds since 1970 (UTC).
    pub(super) started: u64,
    /// The settings of that run, by name.
    pub(super) settings: String,
    /// Tables that it was going to learn.
    pub(super) tables: usize,
    /// What was learned of each table, by its name.
    pub(super) learned: BTreeMap<String, Kept>,
    /// The whole model, once learning had ended.
    pub(super) model: Option<KeptModel>,
}

/// A file of networks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    /// What they were learned from, by name; also the name of the file.
    pub(super) lesson: String,
    /// The content of the file, by name.
    pub(super) content: String,
}

/// The file of the whole model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeptModel {
    /// Catalog, counts and settings, by name.
    pub(super) source: String,
    /// The rows that were read, by name.
    pub(super) rows: String,
    /// The content of the file, by name.
    pub(super) content: String,
    /// True if entities were held out of learning, to audit what is generated.
    pub(super) audited: bool,
    /// True if some rows are not to be repeated: only who reads the source knows which.
    pub(super) uniques: bool,
    /// What was found in reading.
    pub(super) read: Vec<Finding>,
    /// What was found in learning.
    pub(super) learned: Vec<Finding>,
}
