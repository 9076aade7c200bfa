//! What can go wrong with a folder of parts.

use std::{io, path::Path};

use crate::sample::SampleError;

/// Why parts could not be kept or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PartsError {
    /// The system refuses a file or folder.
    #[error("cannot {action} {path}: {source}")]
    System {
        /// `write`, `create`, `read` …
        action: &'static str,
        /// The file or folder.
        path: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A part is not as its shard left it.
    #[error("{path}: {reason}")]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Nobody takes the rows any more, or the run was interrupted.
    #[error(transparent)]
    Sample(#[from] SampleError),
}

impl PartsError {
    pub(super) fn system(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.display().to_string();
        move |source| Self::System { action, path, source }
    }

    pub(super) fn damaged(path: &Path, reason: impl ToString) -> Self {
        Self::Damaged { path: path.display().to_string(), reason: reason.to_string() }
    }
}
