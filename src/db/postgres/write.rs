//! Writing: one transaction from making room to the marker.

use sqlx::PgConnection;

use super::{
    aside::drop_aside,
    bulk::{Bulk, Stopped},
    copy::Values,
    freeze::{self, Fresh},
    grants,
    room::{self, Cleared},
    sequences::{exists, numbered, set_sequence},
    server::{self, Hold, connect, pooled_finding, run, run_guarded, settle},
    sql::{own_rows, quote_table},
    user_sql, waiting,
};
use crate::{
    config::{DbUrl, TargetSettings},
    data::TableData,
    db::{
        Blueprint, DbError, DbErrorKind, Inventory, ScriptError, ServerIdentity, Session, Sink,
        runtime::{block_on, runtime},
    },
    finding::Finding,
    schema::{ColumnId, Schema, Table, TableName},
};

/// Readers of the old copy may hold locks for a while; a load may take hours.
fn target_settings(limits: TargetSettings) -> String {
    let lock = limits.lock_seconds();
    format!(
        "SET lock_timeout = '{lock}s'; SET statement_timeout = 0; \
         SET default_transaction_read_only = off; SET maintenance_work_mem = '256MB';"
    )
}
/// With FORCE, the owner himself is bound by the policies: it must wait until the proofs have counted.
pub(super) const FORCE_ROW_SECURITY: &str = " FORCE ROW LEVEL SECURITY";
/// Event triggers must not fire at what dbsynth does: they are switched on last of all.
pub(super) const SWITCH_EVENT_TRIGGER: &str = "DO $event_trigger$";

/// A Postgres database opened for writing.
pub(super) struct PostgresSink {
    /// Away while a COPY owns it.
    connection: Option<PgConnection>,
    copy: Option<Bulk>,
    in_transaction: bool,
    /// What may be loaded frozen.
    fresh: Fresh,
    url: DbUrl,
    limits: TargetSettings,
    findings: Vec<Finding>,
    /// Tables that others inherit from, once asked for; the next statement may change them.
    with_heirs: Option<Vec<TableName>>,
    /// What was there: what stays, and what goes at the end.
    before: Cleared,
    /// Statements that must wait until just before the commit.
    at_the_end: Vec<String>,
    /// Kept with the marker.
    note: Option<String>,
}

impl PostgresSink {
    /// Connects.
    pub(super) fn open(url: &DbUrl, limits: &TargetSettings) -> Result<Self, DbError> {
        let mut server = connect(url)?;
        // A session that others are lent as well must not keep our settings; `begin` makes them in its transaction.
        if !server.pooled {
            block_on(settle(&mut server.connection, &target_settings(*limits), Hold::Session))?;
        }
        Ok(Self {
            connection: Some(server.connection),
            findings: server.pooled.then(|| pooled_finding("target")).into_iter().collect(),
            with_heirs: None,
            copy: None,
            in_transaction: false,
            fresh: Fresh::default(),
            url: url.clone(),
            limits: *limits,
            before: Cleared::default(),
            at_the_end: Vec::new(),
            note: None,
        })
    }

    /// The connection; an open COPY is ended first.
    fn connection(&mut self) -> Result<&mut PgConnection, DbError> {
        self.end_copy()?;
        self.connection.as_mut().ok_or_else(gone)
    }

    fn end_copy(&mut self) -> Result<(), DbError> {
        let Some(copy) = self.copy.take() else { return Ok(()) };
        let (connection, result) = copy.finish()?;
        self.connection = Some(connection);
        result
    }

    fn start_copy(
        &mut self,
        table: &Table,
        columns: Vec<ColumnId>,
        values: &[Values<'_>],
    ) -> Result<Bulk, DbError> {
        let wires = Bulk::wires(self.connection()?, table, &columns)?;
        let frozen = match self.fresh.may_be() {
            true => block_on(freeze::is_plain(self.connection()?, table))?
                .is_some_and(|name| self.fresh.has_made(&name)),
            false => false,
        };
        let Some(connection) = self.connection.take() else { return Err(gone()) };
        Bulk::start(connection, (table, frozen), columns, wires, values)
    }
}

fn gone() -> DbError {
    DbError::new(DbErrorKind::Disconnected, "the connection to the target is gone")
}

impl Session for PostgresSink {
    fn identity(&mut self) -> Result<ServerIdentity, DbError> {
        block_on(server::identity(self.connection()?))
    }

    fn count(&mut self, sql: &str) -> Result<u64, DbError> {
        let in_transaction = self.in_transaction;
        let heirs = match self.with_heirs.take() {
            Some(heirs) => heirs,
            None => block_on(server::with_heirs(self.connection()?))?,
        };
        let counted = block_on(server::count(self.connection()?, &own_rows(sql, &heirs), in_transaction));
        self.with_heirs = Some(heirs);
        counted
    }
}

impl Sink for PostgresSink {
    fn inventory(&mut self) -> Result<Inventory, DbError> {
        block_on(room::inventory(self.connection()?))
    }

    fn check_writable(&mut self, schema: &Schema) -> Result<(), DbError> {
        block_on(grants::check_writing(self.connection()?, schema))
    }

    fn can_rehearse(&self) -> bool {
        true
    }

    fn take_findings(&mut self) -> Vec<Finding> {
        std::mem::take(&mut self.findings)
    }

    fn begin(&mut self) -> Result<(), DbError> {
        let settings = target_settings(self.limits);
        let connection = self.connection()?;
        let before = block_on(async {
            run(connection, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", "opening the load").await?;
            settle(connection, &settings, Hold::Transaction).await?;
            room::clear(connection).await
        });
        let before = before.map_err(|error| waiting::explain(&self.url, self.limits, error))?;
        self.before = before;
        self.in_transaction = true;
        Ok(())
    }

    fn execute(&mut self, sql: &str) -> Result<(), DbError> {
        if sql.ends_with(FORCE_ROW_SECURITY) || sql.starts_with(SWITCH_EVENT_TRIGGER) {
            self.at_the_end.push(sql.to_owned());
            return Ok(());
        }
        self.with_heirs = None;
        let in_transaction = self.in_transaction;
        let connection = self.connection()?;
        let doing = "running DDL";
        block_on(async {
            if in_transaction {
                run_guarded(connection, sql, doing).await
            } else {
                run(connection, sql, doing).await
            }
        })?;
        if in_transaction {
            self.fresh.made(sql);
        }
        Ok(())
    }

    fn append(&mut self, table: &Table, rows: &TableData) -> Result<(), DbError> {
        let mut columns = Vec::new();
        let mut values = Vec::new();
        for (id, array) in rows.columns.iter().zip(&rows.arrays) {
            if table.column(*id).generated.is_some() {
                continue;
            }
            columns.push(*id);
            values.push(Values::new(array, rows.exact(*id)).ok_or_else(|| {
                let name = &table.column(*id).name;
                let what = format!("{}.{name} arrived as an array of an unknown type", table.name);
                DbError::new(DbErrorKind::Unsupported, what)
            })?);
        }
        if columns.is_empty() {
            // COPY needs a column: rows of defaults only are inserted.
            let sql = format!(
                "INSERT INTO {} SELECT FROM pg_catalog.generate_series(1, {})",
                quote_table(&table.name),
                rows.row_count
            );
            let doing = format!("writing {}", table.name);
            return block_on(run(self.connection()?, &sql, &doing));
        }
        let open = match self.copy.take() {
            Some(open) if open.takes(table, &columns, &values) => open,
            other => {
                self.copy = other;
                self.end_copy()?;
                self.start_copy(table, columns, &values)?
            }
        };
        let written = open.write(table, &values, rows.row_count);
        self.copy = Some(open);
        match written {
            Ok(()) => Ok(()),
            Err(Stopped::ByValue(error)) => Err(error),
            Err(Stopped::ByServer) => {
                self.end_copy()?;
                let what = format!("writing {}: the server ended the COPY", table.name);
                Err(DbError::new(DbErrorKind::Other, what))
            }
        }
    }

    fn numbers(&mut self, sql: &str) -> Result<Vec<u64>, DbError> {
        let in_transaction = self.in_transaction;
        block_on(server::numbers(self.connection()?, sql, in_transaction))
    }

    fn begin_trial(&mut self) -> Result<(), DbError> {
        self.fresh.in_trial(true);
        block_on(run(self.connection()?, "SAVEPOINT dbsynth_trial", "trying rows"))
    }

    fn end_trial(&mut self, _staging: &TableName) -> Result<(), DbError> {
        // What a COPY into the staging table complains of now is undone with it.
        let _ = self.end_copy();
        let undo = "ROLLBACK TO SAVEPOINT dbsynth_trial; RELEASE SAVEPOINT dbsynth_trial";
        block_on(run(self.connection()?, undo, "trying rows"))?;
        self.fresh.in_trial(false);
        Ok(())
    }

    fn finish_table(&mut self, _table: &Table) -> Result<(), DbError> {
        self.end_copy()
    }

    fn set_sequences(&mut self, schema: &Schema, blueprint: &Blueprint) -> Result<(), DbError> {
        let columns = numbered(schema, blueprint);
        let tables: Vec<String> = schema.tables.iter().map(|table| quote_table(&table.name)).collect();
        let connection = self.connection()?;
        block_on(async {
            for (sequence, places) in columns {
                set_sequence(connection, sequence, &places).await?;
            }
            for table in tables {
                if exists(connection, &table).await? {
                    let doing = format!("gathering statistics of {table}");
                    run(connection, &format!("ANALYZE {table}"), &doing).await?;
                }
            }
            Ok(())
        })
    }

    fn script(&mut self, sql: &str) -> Result<(), ScriptError> {
        self.with_heirs = None;
        // It may leave a cursor or a savepoint.
        self.fresh.forget();
        let (in_transaction, settings) = (self.in_transaction, target_settings(self.limits));
        let connection = self.connection()?;
        // Not `block_on`: its error is another.
        runtime()?.block_on(async {
            user_sql::run_script(connection, sql, in_transaction).await?;
            if in_transaction {
                settle(connection, &settings, Hold::Transaction).await?;
            }
            Ok(())
        })
    }

    fn remember(&mut self, note: String) {
        self.note = Some(note);
    }

    fn recall(&mut self) -> Result<Option<String>, DbError> {
        block_on(user_sql::read_note(self.connection()?))
    }

    fn commit(mut self: Box<Self>) -> Result<(), DbError> {
        let note = self.note.take();
        let at_the_end = std::mem::take(&mut self.at_the_end);
        let before = std::mem::take(&mut self.before);
        let connection = self.connection()?;
        let committed = block_on(async {
            drop_aside(connection, &before.aside).await?;
            room::mark(connection, &before.kept).await?;
            if let Some(note) = note {
                user_sql::leave_note(connection, &note).await?;
            }
            for sql in at_the_end {
                run(connection, &sql, "forcing row security and switching event triggers on").await?;
            }
            run(connection, "COMMIT", "committing the load").await
        });
        committed.map_err(|error| waiting::explain(&self.url, self.limits, error))
    }
}
