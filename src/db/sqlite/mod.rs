//! The sqlite engine.

use crate::{
    config::DbUrl,
    db::{Database, DbError, DbErrorKind},
};

/// Opens the engine at `url`; the server is contacted later.
pub(super) fn open(url: &DbUrl) -> Result<Box<dyn Database>, DbError> {
    Err(DbError::new(DbErrorKind::Unsupported, format!("no engine for {url}")))
}
