//! A file opened for writing: everything goes into a side file, in one transaction, and takes the target's
//! place at commit. Until then (and after any failure) the target is untouched.

use std::path::{Path, PathBuf};

use sqlx::{Arguments as _, AssertSqlSafe, Row as _, sqlite::SqliteArguments};

use super::{
    application, ddl,
    encode::ColumnWriter,
    server::{Connection, canonical, identity, lift_error},
    sql::{counter, identifier, insert},
    swap, user_sql,
};
use crate::{
    data::TableData,
    db::{
        Blueprint, DbError, DbErrorKind, Inventory, ScriptError, ServerIdentity, Session, Sink,
        runtime::block_on,
    },
    schema::{Schema, Table, TableName},
};

/// SQLite's limit on bound values of one statement.
const MOST_VALUES: usize = 32_766;
/// More rows per insert than this are slower again (measured: 294 k rows/s at 500, 212 k at 2000).
const MOST_ROWS: usize = 500;

/// The side file is thrown away on failure, so nothing needs to reach the disk before commit. The journal
/// stays in memory (not off) so that a refused statement can be undone. The query takes the lock that
/// tells another run to keep away (a write would fix the page size).
const PRAGMAS: &str = "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; \
                       PRAGMA cache_size = -65536; PRAGMA foreign_keys = OFF; SELECT count(*) FROM sqlite_schema";

/// A file opened for writing.
pub(super) struct SqliteSink {
    target: PathBuf,
    partial: PathBuf,
    connection: Option<Connection>,
    in_transaction: bool,
    /// Kept with the marker.
    note: Option<String>,
    /// True if what was built stays after a failure.
    keeps: bool,
}

impl SqliteSink {
    /// Names the target; the disk is first touched by `begin`.
    pub(super) fn open(path: &Path) -> Result<Self, DbError> {
        let target = canonical(path);
        if target.is_dir() {
            return Err(DbError::new(DbErrorKind::Unreachable, format!("{} is a folder", path.display())));
        }
        let partial = swap::partial_path(&target);
        Ok(Self { target, partial, connection: None, in_transaction: false, note: None, keeps: false })
    }

    fn connection(&mut self) -> Result<&mut Connection, DbError> {
        let missing = || DbError::new(DbErrorKind::Other, "the load has not begun");
        self.connection.as_mut().ok_or_else(missing)
    }

    /// Opens the transaction late: some settings of a file can only be made outside of one.
    fn in_transaction(&mut self) -> Result<&mut Connection, DbError> {
        if !self.in_transaction {
            self.connection()?.run("cannot begin to write", "BEGIN EXCLUSIVE")?;
            self.in_transaction = true;
        }
        self.connection()
    }

    fn discard(&mut self) {
        if let Some(mut connection) = self.connection.take() {
            if std::mem::take(&mut self.keeps) {
                // Whatever there is of it.
                let _ = connection.run("cannot keep the unfinished file", "COMMIT");
                let _ = connection.close();
                return;
            }
            // The file goes away whatever closing it says.
            let _ = connection.close();
            swap::remove_partial(&self.partial);
        }
    }
}

impl Drop for SqliteSink {
    fn drop(&mut self) {
        self.discard();
    }
}

impl Session for SqliteSink {
    fn identity(&mut self) -> Result<ServerIdentity, DbError> {
        Ok(identity(&self.target, "SQLite".to_owned()))
    }

    fn count(&mut self, sql: &str) -> Result<u64, DbError> {
        let count = match &mut self.connection {
            Some(connection) => connection.integer("cannot count", sql)?,
            None => Connection::read(&self.target)?.integer("cannot count", sql)?,
        };
        Ok(u64::try_from(count).unwrap_or(0))
    }
}

impl Sink for SqliteSink {
    fn inventory(&mut self) -> Result<Inventory, DbError> {
        swap::inventory(&self.target)
    }

    fn begin(&mut self) -> Result<(), DbError> {
        self.discard();
        swap::refuse_running(&self.partial)?;
        swap::remove_partial(&self.partial);
        let mut connection = Connection::create(&self.partial)?;
        let prepared = connection.run("cannot prepare the new file", PRAGMAS);
        self.connection = Some(connection);
        self.in_transaction = false;
        prepared
    }

    fn execute(&mut self, sql: &str) -> Result<(), DbError> {
        let first = sql.split_whitespace().take(2).collect::<Vec<_>>().join(" ").to_uppercase();
        if first.starts_with("PRAGMA") {
            return self.connection()?.run("the new file refuses a setting", sql);
        }
        let connection = self.in_transaction()?;
        connection.stand_in(ddl::collations(sql))?;
        connection.run("the new file refuses a statement", sql)?;
        if first == "CREATE VIEW" { application::try_view(connection) } else { Ok(()) }
    }

    fn append(&mut self, table: &Table, rows: &TableData) -> Result<(), DbError> {
        let connection = self.in_transaction()?;
        let what = format!("cannot write {}", table.name);
        let mut columns = Vec::with_capacity(rows.columns.len());
        for (id, array) in rows.columns.iter().zip(&rows.arrays) {
            let column = table.column(*id);
            if column.generated.is_none() {
                columns.push(ColumnWriter::new(table, column, (array, rows.exact(*id)))?);
            }
        }
        let names: Vec<&str> = columns.iter().map(|column| column.column.name.as_str()).collect();
        let most = if columns.is_empty() { 1 } else { (MOST_VALUES / columns.len()).clamp(1, MOST_ROWS) };
        let whole = insert(&table.name.name, &names, most);
        block_on(async {
            let mut from = 0;
            while from < rows.row_count {
                let count = most.min(rows.row_count - from);
                let mut arguments = SqliteArguments::default();
                arguments.reserve(count * columns.len(), 0);
                for row in from..from + count {
                    for column in &columns {
                        column.bind(row, &mut arguments)?;
                    }
                }
                let full = count == most;
                let sql = if full { whole.clone() } else { insert(&table.name.name, &names, count) };
                let query = sqlx::query_with(AssertSqlSafe(sql), arguments).persistent(full);
                query.execute(&mut connection.inner).await.map_err(|error| lift_error(&what, error))?;
                from += count;
            }
            Ok(())
        })
    }

    fn numbers(&mut self, sql: &str) -> Result<Vec<u64>, DbError> {
        let rows = self.connection()?.rows("cannot find rows", sql)?;
        let mut numbers: Vec<u64> = rows
            .iter()
            .filter_map(|row| row.try_get::<i64, _>(0).ok())
            .filter_map(|number| u64::try_from(number).ok())
            .collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn end_trial(&mut self, staging: &TableName) -> Result<(), DbError> {
        let sql = format!("DROP TABLE IF EXISTS {}", identifier(&staging.name));
        self.in_transaction()?.run("cannot remove a table", &sql)
    }

    fn finish_table(&mut self, _table: &Table) -> Result<(), DbError> {
        Ok(())
    }

    fn set_sequences(&mut self, schema: &Schema, blueprint: &Blueprint) -> Result<(), DbError> {
        let connection = self.in_transaction()?;
        for sequence in &blueprint.sequences {
            let table = schema.table(sequence.table);
            let name = &table.name.name;
            // SQLite counts up while rows come in; only a table written out of order of its numbers needs help.
            let there = format!(
                "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = {}",
                super::sql::literal(name)
            );
            if connection.integer("cannot read the catalog", &there)? == 0 {
                continue;
            }
            let sql = counter(name, &table.column(sequence.column).name);
            connection.run("cannot set a counter", &sql)?;
        }
        connection.run("cannot refresh the statistics", "ANALYZE")
    }

    fn script(&mut self, sql: &str) -> Result<(), ScriptError> {
        if self.connection.is_none() {
            return user_sql::run_on_file(&self.target, sql);
        }
        user_sql::run_script(self.in_transaction()?, sql)
    }

    fn side(&self) -> Option<String> {
        self.connection.as_ref().map(|_| self.partial.display().to_string())
    }

    fn keep_failed(&mut self) -> Option<String> {
        self.keeps = true;
        Some(format!("file {}", self.partial.display()))
    }

    fn remember(&mut self, note: String) {
        self.note = Some(note);
    }

    fn recall(&mut self) -> Result<Option<String>, DbError> {
        user_sql::read_note(&self.target)
    }

    fn commit(mut self: Box<Self>) -> Result<(), DbError> {
        let note = self.note.take();
        let connection = self.in_transaction()?;
        swap::write_marker(connection)?;
        if let Some(note) = note {
            user_sql::leave_note(connection, &note)?;
        }
        connection.run("cannot commit", "COMMIT")?;
        let said = connection.texts("cannot check the new file", "PRAGMA quick_check(1)")?.concat();
        if said != "ok" {
            // The text names tables and pages, never values.
            return Err(DbError::new(
                DbErrorKind::Constraint,
                format!("the new file fails its check: {said}"),
            ));
        }
        let Some(connection) = self.connection.take() else {
            return Err(DbError::new(DbErrorKind::Other, "the load has not begun"));
        };
        let swapped = connection.close().and_then(|()| swap::swap(&self.partial, &self.target));
        if swapped.is_err() {
            swap::remove_partial(&self.partial);
        }
        swapped
    }
}
