//! The one async runtime of the process: engines block on it, nobody else knows it.

use std::{future::Future, sync::OnceLock};

use tokio::runtime::{Builder, Runtime};

use crate::db::{DbError, DbErrorKind};

static RUNTIME: OnceLock<Runtime> = OnceLock::new();

/// Returns the process's runtime, starting it the first time.
pub(super) fn runtime() -> Result<&'static Runtime, DbError> {
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let started = Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(|error| {
        DbError::new(DbErrorKind::Other, "cannot start the database runtime").caused_by(error)
    })?;
    Ok(RUNTIME.get_or_init(|| started))
}

/// Runs a future to its end on the calling thread.
pub(super) fn block_on<T>(future: impl Future<Output = Result<T, DbError>>) -> Result<T, DbError> {
    runtime()?.block_on(future)
}
