//! PostgreSQL 12 and later.
//!
//! The source is read in one repeatable-read, read-only transaction; the target is written in one
//! transaction, so whatever it held survives any failure. Readers of the old copy wait from the moment it is
//! dropped until the commit.

mod aside;
mod blueprint;
mod bulk;
mod catalog;
mod constraints;
mod copy;
mod copy_out;
mod decode;
mod error;
mod exclusion;
mod fillers;
mod freeze;
mod further;
mod grants;
mod lanes;
mod layout;
mod lift;
mod numeric;
mod order;
mod parts;
mod probe;
mod read;
mod room;
mod script;
mod sequences;
mod server;
mod sql;
mod tables;
mod text;
mod types;
mod unpack;
mod user_sql;
mod waiting;
mod write;

#[cfg(test)]
mod tests;

pub(super) use script::PostgresScribe;

use crate::{
    config::{DbUrl, SourceSettings, TargetSettings},
    db::{Database, DbError, Dialect, Sink, Source},
};

/// Opens the engine at `url`; the server is contacted later.
pub(super) fn open(url: &DbUrl) -> Result<Box<dyn Database>, DbError> {
    server::options(url)?;
    Ok(Box::new(Postgres { url: url.clone(), dialect: sql::PostgresDialect }))
}

struct Postgres {
    url: DbUrl,
    dialect: sql::PostgresDialect,
}

impl Database for Postgres {
    fn dialect(&self) -> &dyn Dialect {
        &self.dialect
    }

    fn source_with(&self, settings: &SourceSettings) -> Result<Box<dyn Source>, DbError> {
        Ok(Box::new(read::PostgresSource::open(&self.url, settings)?))
    }

    fn sink_with(&self, settings: &TargetSettings) -> Result<Box<dyn Sink>, DbError> {
        Ok(Box::new(write::PostgresSink::open(&self.url, settings)?))
    }
}
