//! `dbsynth.json`: what a folder holds, and the mark that dbsynth made it. No time and no path stands in it: the same
//! run gives the same bytes.

use serde::{Deserialize, Serialize};

use crate::{
    config::{FileFormat, TableMode},
    finding::Finding,
    schema::DialectName,
};

/// The manifest's file name.
pub const MANIFEST: &str = "dbsynth.json";
/// Version of its form.
const VERSION: u32 = 1;

/// What a folder holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the manifest's form.
    pub manifest: u32,
    /// The dbsynth that wrote it.
    pub dbsynth: String,
    /// The form of its files.
    pub format: FileFormat,
    /// The engine whose tables these are.
    pub engine: DialectName,
    /// The seed of the rows.
    pub seed: u64,
    /// Synthetic rows per real row.
    pub scale: f64,
    /// The model.
    pub model: ModelFacts,
    /// Its tables, in the order of the schema.
    pub tables: Vec<ManifestTable>,
    /// Every file but the manifest, by name.
    pub files: Vec<ManifestFile>,
    /// What is worth knowing.
    pub findings: Vec<Finding>,
}

/// Which model the rows are drawn from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelFacts {
    /// The dbsynth that learned it.
    pub dbsynth: String,
    /// The seed it was learned with.
    pub seed: u64,
    /// A hash over the schema and the row counts learned from.
    pub fingerprint: String,
}

/// One table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestTable {
    /// The table, as the user would write it.
    pub table: String,
    /// Its schema, where the engine has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its bare name.
    pub name: String,
    /// What was done with it.
    pub mode: TableMode,
    /// Rows written.
    pub rows: u64,
    /// The file its rows are in.
    pub file: String,
    /// The columns there, in their order.
    pub columns: Vec<ManifestColumn>,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestColumn {
    /// Its name.
    pub name: String,
    /// Its type, as the engine prints it.
    #[serde(rename = "type")]
    pub native_type: String,
    /// Its type in the file, where the file has types.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_type: Option<String>,
    /// True if it may be null.
    pub nullable: bool,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestFile {
    /// Its name.
    pub name: String,
    /// Its length, in bytes.
    pub bytes: u64,
}

impl Manifest {
    /// The version of the form that is written.
    #[must_use]
    pub const fn form() -> u32 {
        VERSION
    }

    /// Reads a manifest; none if the text is something else.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// Its text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }
}
