//! The library's error: one variant per stage.

use crate::{
    config::UrlError, db::DbError, generator::GeneratorError, plan::PlanError, sample::SampleError,
};

/// Why a run failed. `cli` turns it into a message with a hint and an exit code.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A URL does not parse.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// The source failed.
    #[error("source: {0}")]
    Source(#[source] DbError),
    /// The target failed or was refused.
    #[error("target: {0}")]
    Target(#[source] DbError),
    /// A generator failed.
    #[error(transparent)]
    Generator(#[from] GeneratorError),
    /// The configuration does not fit the schema.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The rows could not be generated.
    #[error(transparent)]
    Sample(#[from] SampleError),
    /// A model file cannot be read or written.
    #[error("model file {path}: {reason}")]
    ModelFile {
        /// The file.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// The user asked for something that does not fit the database.
    #[error("{0}")]
    Usage(String),
    /// The run was interrupted.
    #[error("interrupted; the target is as it was before")]
    Interrupted,
}
