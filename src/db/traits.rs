//! What an engine offers. All traits are synchronous: an engine drives its async driver inside itself,
//! so no other room knows that async exists.

use crate::{
    config::{SourceSettings, TargetSettings},
    data::TableData,
    db::{Blueprint, DbError, ScriptError},
    finding::Finding,
    schema::{Column, ColumnId, DialectName, ForeignKey, Schema, Table, TableName},
};

/// An engine at a URL.
pub trait Database: Send + Sync {
    /// How this engine writes SQL.
    fn dialect(&self) -> &dyn Dialect;

    /// Opens it for reading, in one read-only consistent snapshot that lasts as long as the source.
    ///
    /// # Errors
    /// [`DbError`] if the server cannot be reached, or refuses the login or the snapshot.
    fn source(&self) -> Result<Box<dyn Source>, DbError> {
        self.source_with(&SourceSettings::default())
    }

    /// As [`Database::source`], with the timeouts and connections asked for. The throttle is [`crate::db::open_source`]'s.
    ///
    /// # Errors
    /// As [`Database::source`].
    fn source_with(&self, settings: &SourceSettings) -> Result<Box<dyn Source>, DbError>;

    /// Opens it for writing. Nothing is changed before [`Sink::begin`].
    ///
    /// # Errors
    /// [`DbError`] if the server cannot be reached or refuses the login.
    fn sink(&self) -> Result<Box<dyn Sink>, DbError> {
        self.sink_with(&TargetSettings::default())
    }

    /// As [`Database::sink`], with the limits asked for.
    ///
    /// # Errors
    /// As [`Database::sink`].
    fn sink_with(&self, settings: &TargetSettings) -> Result<Box<dyn Sink>, DbError>;
}

/// How an engine writes SQL.
pub trait Dialect: Send + Sync {
    /// The engine.
    fn name(&self) -> DialectName;

    /// What it can do.
    fn capabilities(&self) -> Capabilities;

    /// Quotes an identifier.
    fn quote_identifier(&self, identifier: &str) -> String;

    /// Where rows are tried before they are final: a table that only this connection needs, and the statements that
    /// make it. It has the columns of `table` and [`STAGING_ROW`], computes its generated columns, and has no
    /// constraint at all, not even NOT NULL or a domain's CHECK.
    fn staging(&self, table: &Table) -> (TableName, Vec<String>);

    /// How rows of a staging table are found for which the server cannot compute something.
    fn probe(&self, table: &Table, staging: &TableName, what: Computation<'_>) -> Probe;

    /// How a staging table goes without a generated column until every row in it allows it: what removes the column,
    /// and what adds it again.
    fn set_aside(&self, staging: &TableName, column: &Column) -> (String, String);

    /// Writes a text as a literal.
    fn quote_text(&self, text: &str) -> String {
        format!("'{}'", text.replace('\'', "''"))
    }

    /// Writes which rows of a child a foreign key binds, where not all; `prefix` goes before the column (`c.`).
    fn binding(&self, child: &Table, key: &ForeignKey, prefix: &str) -> Option<String> {
        let when = key.when()?;
        let values: Vec<String> = when.values.iter().map(|value| self.quote_text(value)).collect();
        let column = self.quote_identifier(&child.column(when.column).name);
        Some(format!("{prefix}{column} IN ({})", values.join(", ")))
    }

    /// Quotes a table's name with its namespace.
    fn quote_table(&self, table: &TableName) -> String {
        match &table.namespace {
            Some(namespace) => {
                format!("{}.{}", self.quote_identifier(namespace), self.quote_identifier(&table.name))
            }
            None => self.quote_identifier(&table.name),
        }
    }
}

/// The column of a staging table that numbers its rows, from 0.
pub const STAGING_ROW: &str = "dbsynth_row";

/// What the server computes from each row.
#[derive(Debug, Clone, Copy)]
pub enum Computation<'a> {
    /// A generated column, from its expression.
    Column(&'a Column, &'a str),
    /// Expressions of an index or a key, in the rows that meet its predicate.
    Index(&'a [String], Option<&'a str>),
    /// A condition.
    Condition(&'a str),
}

/// How rows of a staging table are found for which the server cannot compute something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// Statements before the question.
    pub make: Vec<String>,
    /// The question.
    pub question: Question,
    /// Statements after it.
    pub remove: Vec<String>,
}

/// How a [`Probe`] asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// By a query for the numbers of the rows.
    Rows(String),
    /// By a statement over some rows that fails if one of them does; `BETWEEN … AND …` comes after it.
    Range(String),
}

/// What an engine can do; asked instead of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// A failed load leaves no trace because DDL is transactional (or the file is swapped in).
    pub atomic_load: bool,
    /// CHECK constraints are enforced.
    pub enforces_checks: bool,
    /// Longest identifier, in bytes.
    pub identifier_bytes: usize,
    /// `NULLS NOT DISTINCT` and partial unique indexes exist.
    pub partial_unique: bool,
}

/// Which database of which server this is, so that a target can never be its own source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerIdentity {
    /// Unique per server (Postgres `system_identifier`, MySQL `@@server_uuid`, SQLite device and inode).
    pub server: String,
    /// Unique per database inside the server.
    pub database: String,
    /// For people: `PostgreSQL 15.18`.
    pub version: String,
}

/// What [`Source::introspect`] returns.
#[derive(Debug, Clone)]
pub struct Introspection {
    /// The schema as plain data.
    pub schema: Schema,
    /// How to build it again.
    pub blueprint: Blueprint,
    /// What could not be read or will be lost.
    pub findings: Vec<Finding>,
}

/// Which columns of a table to read, and how.
#[derive(Debug, Clone)]
pub struct Scan {
    /// Columns to read.
    pub columns: Vec<ColumnId>,
    /// Order of the rows (a stable one makes runs repeatable); empty means the engine's own order.
    pub order_by: Vec<ColumnId>,
    /// Most rows per batch.
    pub batch_rows: usize,
    /// True to bring along every value that its array does not hold exactly ([`TableData::exact`]), so that the rows
    /// can be written again as they are.
    pub exact: bool,
}

/// A batch handed to the reader of a scan.
pub type Batch<'a> = &'a mut dyn FnMut(TableData) -> Result<(), DbError>;

/// An open connection.
pub trait Session: Send {
    /// Which database this is.
    ///
    /// # Errors
    /// [`DbError`] if the server does not answer.
    fn identity(&mut self) -> Result<ServerIdentity, DbError>;

    /// Runs a query that returns one integer (a count). The SQL is built by dbsynth from quoted names
    /// and catalog expressions; a table after its `FROM` means the rows of that table alone, without those of
    /// tables that inherit from it.
    ///
    /// # Errors
    /// [`DbError`] if the server refuses the query.
    fn count(&mut self, sql: &str) -> Result<u64, DbError>;
}

/// A database opened for reading.
pub trait Source: Session {
    /// Reads the catalog: every table that holds rows, keys, checks, and how to build it all again.
    ///
    /// # Errors
    /// [`DbError`] if the catalog cannot be read. What is merely not understood is a finding.
    fn introspect(&mut self) -> Result<Introspection, DbError>;

    /// Refuses tables whose rows the role may not read, or not all of them, and says what would help.
    ///
    /// # Errors
    /// [`DbErrorKind::Permission`](crate::db::DbErrorKind::Permission) naming every such table and the grant it needs.
    fn check_readable(&mut self, _tables: &[&Table]) -> Result<(), DbError> {
        Ok(())
    }

    /// Counts a table's rows, exactly, in the snapshot.
    ///
    /// # Errors
    /// [`DbError`] if the table cannot be read.
    fn row_count(&mut self, table: &Table) -> Result<u64, DbError>;

    /// Streams a table's rows. Returns their number.
    ///
    /// Every column arrives as the array its [`crate::schema::Storage`] names. A value that does not fit
    /// (SQLite text in an integer column, a zero date, invalid UTF-8) becomes null; their number per
    /// column is kept and returned by [`Source::take_findings`].
    ///
    /// # Errors
    /// [`DbError`] if the table cannot be read, or what `on_batch` returns.
    fn scan(&mut self, table: &Table, scan: &Scan, on_batch: Batch<'_>) -> Result<u64, DbError>;

    /// Returns the findings of the scans so far.
    fn take_findings(&mut self) -> Vec<Finding>;
}

/// What a target holds before the load.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inventory {
    /// Tables (and views) that are there.
    pub tables: Vec<TableName>,
    /// True if dbsynth made them all: its marker is there and names them.
    pub made_by_dbsynth: bool,
    /// True if the server holds names of tables that differ only in case for one name.
    pub ignores_case: bool,
}

/// A database opened for writing. Calls come in this order: `inventory`, `begin`, statements of phases
/// `Prepare` and `Table`, per table `append`… and `finish_table`, statements of the later phases,
/// `set_sequences`, counts that prove the constraints, `commit`. Until `commit` whatever the target held is
/// still there for its readers wherever the engine allows it; dropping the sink rolls back.
pub trait Sink: Session {
    /// Says what the target holds.
    ///
    /// # Errors
    /// [`DbError`] if the catalog cannot be read.
    fn inventory(&mut self) -> Result<Inventory, DbError>;

    /// Refuses a target this role cannot write `schema` to, and says what would help. Changes nothing.
    ///
    /// # Errors
    /// [`DbErrorKind::Permission`](crate::db::DbErrorKind::Permission) naming the grant that is missing.
    fn check_writable(&mut self, _schema: &Schema) -> Result<(), DbError> {
        Ok(())
    }

    /// True if a whole schema can be made on trial for next to nothing, leaving no trace when the sink is dropped.
    fn can_rehearse(&self) -> bool {
        false
    }

    /// Makes room: opens the transaction (or the side file, or the side database) and removes there what the
    /// target held. The caller has checked that this is allowed.
    ///
    /// # Errors
    /// [`DbError`] if the server refuses.
    fn begin(&mut self) -> Result<(), DbError>;

    /// Runs one DDL statement; a failure leaves the sink usable (a savepoint where transactions need one).
    ///
    /// # Errors
    /// [`DbError`] if the server refuses it; the caller decides if that is fatal.
    fn execute(&mut self, sql: &str) -> Result<(), DbError>;

    /// Writes rows by the fastest path the server allows.
    ///
    /// # Errors
    /// [`DbError`] if the server refuses them; names table and column, never a value.
    fn append(&mut self, table: &Table, rows: &TableData) -> Result<(), DbError>;

    /// Runs a query that returns integers; returns them ascending.
    ///
    /// # Errors
    /// [`DbError`] if the server refuses the query; the sink stays usable.
    fn numbers(&mut self, sql: &str) -> Result<Vec<u64>, DbError>;

    /// Begins to try rows in a staging table: whatever fails until [`Sink::end_trial`] harms nothing.
    ///
    /// # Errors
    /// [`DbError`] if the connection is gone.
    fn begin_trial(&mut self) -> Result<(), DbError> {
        Ok(())
    }

    /// Removes the staging table, which may not have come to be.
    ///
    /// # Errors
    /// [`DbError`] if the server refuses.
    fn end_trial(&mut self, staging: &TableName) -> Result<(), DbError>;

    /// Ends the bulk write of a table; all its rows are on the server afterwards.
    ///
    /// # Errors
    /// [`DbError`] if the server refuses them.
    fn finish_table(&mut self, table: &Table) -> Result<(), DbError>;

    /// Sets every sequence just past the largest value of its column (or to its start if the table is empty),
    /// and refreshes the planner's statistics.
    ///
    /// # Errors
    /// [`DbError`] if the server refuses.
    fn set_sequences(&mut self, schema: &Schema, blueprint: &Blueprint) -> Result<(), DbError>;

    /// Returns what the user should know about how the target was written so far.
    fn take_findings(&mut self) -> Vec<Finding> {
        Vec::new()
    }

    /// Runs a script of the user. After [`Sink::begin`] it sees what the load has made so far and is undone with it;
    /// before, it runs on the target itself. The session is afterwards as it was.
    ///
    /// # Errors
    /// [`ScriptError`] with the line of the statement that failed.
    fn script(&mut self, sql: &str) -> Result<(), ScriptError>;

    /// Where the load builds, if not in the target itself: the name of a database, or a file.
    fn side(&self) -> Option<String> {
        None
    }

    /// Asks for what was built to be kept if the load fails. Returns its name; `None` if this engine undoes it anyway.
    fn keep_failed(&mut self) -> Option<String> {
        None
    }

    /// Keeps a note with the marker, for [`Sink::recall`] of the next run.
    fn remember(&mut self, note: String);

    /// The note that the last load into this target left; `None` if there is none.
    ///
    /// # Errors
    /// [`DbError`] if the server does not answer.
    fn recall(&mut self) -> Result<Option<String>, DbError>;

    /// Leaves the marker that says dbsynth made these tables, and makes everything visible at once.
    ///
    /// # Errors
    /// [`DbError`] if the server refuses; the target is then as it was before.
    fn commit(self: Box<Self>) -> Result<(), DbError>;
}
