//! What can go wrong with a folder.

use std::{io, path::Path};

use ::parquet::errors::ParquetError;

use crate::db::DbError;

/// Why a folder could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FilesError {
    /// The system refuses a file or folder.
    #[error("cannot {action} {path}: {source}")]
    System {
        /// `write`, `create`, `replace` …
        action: &'static str,
        /// The file or folder.
        path: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The folder holds what dbsynth did not make.
    #[error("{path} holds {} dbsynth did not make: {}", if .names.len() == 1 { "a file" } else { "files" }, listed(.names))]
    Strangers {
        /// The folder.
        path: String,
        /// What is in it.
        names: Vec<String>,
    },
    /// The folder can never be replaced.
    #[error("{path} cannot be replaced: {reason}")]
    Refused {
        /// The folder.
        path: String,
        /// Why.
        reason: String,
    },
    /// Values of a table do not fit their columns.
    #[error(transparent)]
    Values(#[from] DbError),
    /// The user stopped the run.
    #[error("interrupted")]
    Interrupted,
}

impl FilesError {
    /// What the system said about a path.
    pub(super) fn system(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::System { action, path: path.display().to_string(), source }
    }

    /// What the Parquet writer said about a file.
    pub(super) fn parquet(path: &Path, error: ParquetError) -> Self {
        let source = match error {
            ParquetError::External(inner) => match inner.downcast::<io::Error>() {
                Ok(system) => *system,
                Err(other) => io::Error::other(other),
            },
            other => io::Error::other(other),
        };
        Self::system("write", path, source)
    }

    /// True if there is no room left.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        let full = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded, io::ErrorKind::FileTooLarge];
        matches!(self, Self::System { source, .. } if full.contains(&source.kind()))
    }
}

fn listed(names: &[String]) -> String {
    const MOST: usize = 5;
    match names.len() {
        0..=MOST => names.join(", "),
        all => format!("{} and {} more", names[..MOST].join(", "), all - MOST),
    }
}
