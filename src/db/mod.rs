//! The only room that opens a connection. Each engine is a folder with the same file names; everything
//! outside asks [`Dialect`] and [`Capabilities`], never which engine it is.

mod blueprint;
mod error;
mod mysql;
mod postgres;
mod runtime;
mod script;
mod sqlite;
mod throttle;
mod traits;
mod user_sql;

pub use blueprint::{Blueprint, Phase, Sequence, Statement};
pub use error::{DbError, DbErrorKind};
pub use script::{Printer, Scribe};
pub use traits::{
    Batch, Capabilities, Computation, Database, Dialect, Introspection, Inventory, Probe, Question,
    STAGING_ROW, Scan, ServerIdentity, Session, Sink, Source,
};
pub use user_sql::{ScriptError, check_script};

use crate::{
    config::{DbUrl, SourceSettings},
    schema::DialectName,
};

/// Opens the engine a URL names. This and [`scribe`] are the only places that tell engines apart.
///
/// # Errors
/// [`DbError`] if the URL cannot be used; the server itself is first contacted by
/// [`Database::source`] or [`Database::sink`].
pub fn connect(url: &DbUrl) -> Result<Box<dyn Database>, DbError> {
    match url.dialect() {
        DialectName::Postgres => postgres::open(url),
        DialectName::MySql => mysql::open(url),
        DialectName::Sqlite => sqlite::open(url),
    }
}

/// How an engine writes what its own client reads later; no server is asked.
#[must_use]
pub fn scribe(engine: DialectName) -> &'static dyn Scribe {
    match engine {
        DialectName::Postgres => &postgres::PostgresScribe,
        DialectName::MySql => &mysql::MySqlScribe,
        DialectName::Sqlite => &sqlite::SqliteScribe,
    }
}

/// Opens a database for reading, as gently as asked.
///
/// # Errors
/// As [`Database::source`].
pub fn open_source(database: &dyn Database, settings: &SourceSettings) -> Result<Box<dyn Source>, DbError> {
    let source = database.source_with(settings)?;
    Ok(match settings.throttle {
        Some(limit) => Box::new(throttle::Throttled::new(source, limit)),
        None => source,
    })
}
