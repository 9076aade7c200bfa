//! MySQL and MariaDB.
//!
//! `catalog` asks, `lift` turns the answers into a schema, `ddl` into a blueprint; `read` streams rows out,
//! `bulk` and `infile` stream them in; `sink` builds in a side database and swaps it in.

mod bulk;
mod calendar;
mod catalog;
mod collation;
mod ddl;
mod error;
mod exclusions;
mod grants;
#[cfg(feature = "mysql-infile")]
mod infile;
mod lex;
mod lift;
mod portable;
mod probe;
mod read;
mod road;
mod script;
mod server;
mod shown;
mod sink;
mod source;
mod sql;
mod swap;
mod types;
mod user_sql;
mod waiting;

#[cfg(test)]
mod tests;

pub(super) use script::MySqlScribe;

use crate::{
    config::{DbUrl, SourceSettings, TargetSettings},
    db::{Capabilities, Computation, Database, DbError, Dialect, Probe, Sink, Source},
    schema::{Column, DialectName, Table, TableName},
};

/// Opens the engine at `url`; the server is contacted later.
pub(super) fn open(url: &DbUrl) -> Result<Box<dyn Database>, DbError> {
    server::options(url)?;
    Ok(Box::new(MySql { url: url.clone() }))
}

/// A MySQL or MariaDB database.
struct MySql {
    url: DbUrl,
}

impl Database for MySql {
    fn dialect(&self) -> &dyn Dialect {
        &MySqlDialect
    }

    fn source_with(&self, settings: &SourceSettings) -> Result<Box<dyn Source>, DbError> {
        Ok(Box::new(source::MySqlSource::open(&self.url, settings)?))
    }

    fn sink_with(&self, settings: &TargetSettings) -> Result<Box<dyn Sink>, DbError> {
        Ok(Box::new(sink::MySqlSink::open(&self.url, settings)?))
    }
}

/// How MySQL and MariaDB write SQL.
struct MySqlDialect;

impl Dialect for MySqlDialect {
    fn name(&self) -> DialectName {
        DialectName::MySql
    }

    fn capabilities(&self) -> Capabilities {
        // Identifiers may have 64 characters; 64 bytes is the safe promise.
        Capabilities { atomic_load: true, enforces_checks: true, identifier_bytes: 64, partial_unique: false }
    }

    fn quote_text(&self, text: &str) -> String {
        sql::literal(text)
    }

    fn quote_identifier(&self, identifier: &str) -> String {
        sql::identifier(identifier)
    }

    fn staging(&self, table: &Table) -> (TableName, Vec<String>) {
        sql::staging(table)
    }

    fn probe(&self, table: &Table, staging: &TableName, what: Computation<'_>) -> Probe {
        probe::probe(table, staging, what)
    }

    fn set_aside(&self, staging: &TableName, column: &Column) -> (String, String) {
        probe::set_aside(staging, column)
    }
}
