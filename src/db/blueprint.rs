//! Everything needed to build a schema again: DDL statements in phases, read from the source's catalog.

use serde::{Deserialize, Serialize};

use crate::schema::{ColumnId, DialectName, TableId};

/// When a statement runs. `load` runs the phases in this order; rows are written after `Table`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Schemas, extensions, types, domains, sequences, functions that tables need.
    Prepare,
    /// Bare tables (with whatever the engine cannot add later: SQLite's inline constraints, MySQL's primary key).
    Table,
    /// Columns that the target computes itself once its rows are there; not for rows that are copied as they are.
    Fill,
    /// Primary and unique keys.
    Key,
    /// Other indexes and CHECK/EXCLUDE constraints.
    Index,
    /// Foreign keys.
    ForeignKey,
    /// Views, materialised views, functions, triggers, comments.
    Finish,
}

/// One DDL statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// When it runs.
    pub phase: Phase,
    /// What it makes, for messages: `index orders_date_idx`.
    pub object: String,
    /// The table it belongs to; it is left out if that table is skipped.
    pub table: Option<TableId>,
    /// For a foreign key: the parent table; it is left out if that table is skipped.
    pub parent: Option<TableId>,
    /// The SQL.
    pub sql: String,
    /// True if a failure is a finding, not an abort (a view over a skipped table, an extension not available …).
    pub optional: bool,
}

/// A sequence (or auto-increment counter) and the column it numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sequence {
    /// Its quoted, qualified name in SQL; for AUTO_INCREMENT counters the quoted table.
    pub name: String,
    /// The table.
    pub table: TableId,
    /// The column.
    pub column: ColumnId,
}

/// How to build a schema again in an empty database of the same engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blueprint {
    /// The engine whose SQL this is.
    pub dialect: DialectName,
    /// Statements, in the order they must run within their phase.
    pub statements: Vec<Statement>,
    /// Sequences to set after the load.
    pub sequences: Vec<Sequence>,
}
