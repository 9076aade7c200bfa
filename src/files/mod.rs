//! Synthetic tables as a folder of files: Parquet, CSV, or a script for the engine's own client.
//!
//! A folder is a target like any other. It is built beside (`NAME.dbsynth-part`) and takes the old one's place at the
//! end; a folder that dbsynth did not make is left alone. The manifest, `dbsynth.json`, says what is in it, and is the
//! mark by which the next run knows its own.

mod arrays;
mod csv;
mod error;
mod folder;
mod manifest;
mod name;
mod parquet;
mod sql;
mod types;
mod writer;

#[cfg(test)]
mod tests;

pub use error::FilesError;
pub use folder::{Folder, Held};
pub use manifest::{MANIFEST, Manifest, ManifestColumn, ManifestFile, ManifestTable, ModelFacts};
pub use writer::{FolderWriter, Made, RunFacts, how_to_load};
