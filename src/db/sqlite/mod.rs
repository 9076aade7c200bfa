//! The SQLite engine: a file, read in one snapshot, written as a side file that is swapped in at the end.
//!
//! SQLite types values, not columns. What a column really holds is therefore measured while introspecting
//! ([`probe`]), and how it holds it (a date as text with a `T`, a boolean as `true`) is kept as the column's
//! representation, so that synthetic values look to an application exactly as the real ones do.

mod application;
mod blueprint;
mod bulk;
mod catalog;
mod ddl;
mod decode;
mod encode;
mod format;
mod lift;
mod probe;
mod read;
mod script;
mod server;
mod sql;
mod strange;
mod swap;
mod types;
mod user_sql;
mod virtual_tables;

#[cfg(test)]
mod tests;

pub(super) use script::SqliteScribe;

use std::path::PathBuf;

use crate::{
    config::{DbUrl, SourceSettings, TargetSettings},
    db::{Capabilities, Computation, Database, DbError, DbErrorKind, Dialect, Probe, Sink, Source},
    schema::{Column, DialectName, Table, TableName},
};

/// Opens the engine at `url`; the file is touched later.
pub(super) fn open(url: &DbUrl) -> Result<Box<dyn Database>, DbError> {
    let path = url
        .sqlite_path()
        .filter(|path| path.as_os_str() != ":memory:")
        .ok_or_else(|| DbError::new(DbErrorKind::Unsupported, format!("{url} names no file")))?;
    Ok(Box::new(SqliteDatabase { path }))
}

struct SqliteDatabase {
    path: PathBuf,
}

impl Database for SqliteDatabase {
    fn dialect(&self) -> &dyn Dialect {
        &SqliteDialect
    }

    fn source_with(&self, settings: &SourceSettings) -> Result<Box<dyn Source>, DbError> {
        Ok(Box::new(read::SqliteSource::open(&self.path, settings)?))
    }

    fn sink_with(&self, _: &TargetSettings) -> Result<Box<dyn Sink>, DbError> {
        Ok(Box::new(bulk::SqliteSink::open(&self.path)?))
    }
}

struct SqliteDialect;

impl Dialect for SqliteDialect {
    fn name(&self) -> DialectName {
        DialectName::Sqlite
    }

    fn capabilities(&self) -> Capabilities {
        // SQLite has no limit on names; this one is far above anybody's.
        Capabilities {
            atomic_load: true,
            enforces_checks: true,
            identifier_bytes: 1 << 16,
            partial_unique: true,
        }
    }

    fn quote_identifier(&self, identifier: &str) -> String {
        sql::identifier(identifier)
    }

    fn staging(&self, table: &Table) -> (TableName, Vec<String>) {
        sql::staging(table)
    }

    fn probe(&self, _: &Table, staging: &TableName, what: Computation<'_>) -> Probe {
        sql::probe(staging, what)
    }

    fn set_aside(&self, staging: &TableName, column: &Column) -> (String, String) {
        sql::set_aside(staging, column)
    }
}
