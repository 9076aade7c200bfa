//! Writing: one transaction from making room to the marker.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::PgConnection;
use tokio::{sync::mpsc, task::JoinHandle};

use super::{
    copy::{BINARY_HEADER, BINARY_TRAILER, TargetColumn, Values, Wire},
    error::db_error,
    room::{self, MadeObject},
    server::{self, ask, connect, regclass, run, run_guarded, scalar, settle},
    sql::{literal, quote, quote_table},
};
use crate::{
    config::DbUrl,
    data::TableData,
    db::{
        Blueprint, DbError, DbErrorKind, Inventory, ServerIdentity, Session, Sink,
        runtime::{block_on, runtime},
    },
    schema::{ColumnId, DataType, Schema, Table, TableName},
};

/// Readers of the old copy may hold locks for a while; a load may take hours.
const TARGET_SETTINGS: &str = "SET lock_timeout = '60s'; SET statement_timeout = 0; \
    SET default_transaction_read_only = off; SET maintenance_work_mem = '256MB';";
/// Bytes gathered before they are sent.
const CHUNK_BYTES: usize = 256 * 1024;
/// Chunks on their way at once.
const CHUNKS_IN_FLIGHT: usize = 4;
/// With FORCE, the owner himself is bound by the policies: it must wait until the proofs have counted.
const FORCE_ROW_SECURITY: &str = " FORCE ROW LEVEL SECURITY";

/// A Postgres database opened for writing.
pub(super) struct PostgresSink {
    /// Away while a COPY owns it.
    connection: Option<PgConnection>,
    copy: Option<OpenCopy>,
    in_transaction: bool,
    /// What was there and stays.
    before: BTreeSet<MadeObject>,
    /// Statements that must wait until just before the commit.
    at_the_end: Vec<String>,
}

/// A COPY under way: a task owns the connection and sends what arrives.
struct OpenCopy {
    table: TableName,
    columns: Vec<ColumnId>,
    wires: Vec<Wire>,
    binary: bool,
    sender: mpsc::Sender<Vec<u8>>,
    task: JoinHandle<(PgConnection, Result<(), sqlx::Error>)>,
}

impl PostgresSink {
    /// Connects.
    pub(super) fn open(url: &DbUrl) -> Result<Self, DbError> {
        let mut server = connect(url)?;
        block_on(settle(&mut server.connection, TARGET_SETTINGS))?;
        Ok(Self {
            connection: Some(server.connection),
            copy: None,
            in_transaction: false,
            before: BTreeSet::new(),
            at_the_end: Vec::new(),
        })
    }

    /// The connection; an open COPY is ended first.
    fn connection(&mut self) -> Result<&mut PgConnection, DbError> {
        self.end_copy()?;
        self.connection
            .as_mut()
            .ok_or_else(|| DbError::new(DbErrorKind::Disconnected, "the connection to the target is gone"))
    }

    fn end_copy(&mut self) -> Result<(), DbError> {
        let Some(copy) = self.copy.take() else { return Ok(()) };
        let OpenCopy { table, binary, sender, task, .. } = copy;
        let doing = format!("writing {table}");
        let (connection, result) = block_on(async {
            if binary {
                // If the task has ended early, its own error says more.
                let _ = sender.send(BINARY_TRAILER.to_vec()).await;
            }
            drop(sender);
            task.await
                .map_err(|_| DbError::new(DbErrorKind::Disconnected, format!("{doing}: the writer stopped")))
        })?;
        self.connection = Some(connection);
        result.map_err(|error| db_error(&doing, error))
    }

    fn start_copy(
        &mut self,
        table: &Table,
        columns: Vec<ColumnId>,
        values: &[Values<'_>],
    ) -> Result<(), DbError> {
        let quoted = quote_table(&table.name);
        let question = include_str!("catalog/target_columns.sql").replace("'{table}'", &literal(&quoted));
        let known: Vec<TargetColumn> = block_on(ask(self.connection()?, &question))?;
        let wires: Vec<Wire> = columns
            .iter()
            .map(|id| known.iter().find(|column| column.name == table.column(*id).name))
            .map(|column| column.map_or(Wire::TextFormOnly, TargetColumn::wire))
            .collect();
        let binary = values.iter().zip(&wires).all(|(values, wire)| values.fits(*wire));
        let names: Vec<String> = columns.iter().map(|id| quote(&table.column(*id).name)).collect();
        let format = if binary { "binary" } else { "text" };
        let sql = format!("COPY {quoted} ({}) FROM STDIN WITH (FORMAT {format})", names.join(", "));
        let Some(connection) = self.connection.take() else {
            return Err(DbError::new(DbErrorKind::Disconnected, "the connection to the target is gone"));
        };
        let (sender, receiver) = mpsc::channel(CHUNKS_IN_FLIGHT);
        let task = runtime()?.spawn(pump(connection, sql, receiver));
        self.copy = Some(OpenCopy { table: table.name.clone(), columns, wires, binary, sender, task });
        if binary { self.send(BINARY_HEADER.to_vec()) } else { Ok(()) }
    }

    fn send(&mut self, chunk: Vec<u8>) -> Result<(), DbError> {
        let Some(copy) = &self.copy else { return Ok(()) };
        let sent = block_on(async { Ok(copy.sender.send(chunk).await.is_ok()) })?;
        if sent {
            return Ok(());
        }
        // The task ended early: its error is the reason.
        let table = copy.table.clone();
        self.end_copy()?;
        Err(DbError::new(DbErrorKind::Other, format!("writing {table}: the server ended the COPY")))
    }
}

/// Sends chunks until the channel closes; always hands the connection back.
async fn pump(
    mut connection: PgConnection,
    sql: String,
    mut chunks: mpsc::Receiver<Vec<u8>>,
) -> (PgConnection, Result<(), sqlx::Error>) {
    let sent = async {
        let mut copy = connection.copy_in_raw(&sql).await?;
        while let Some(chunk) = chunks.recv().await {
            copy.send(chunk).await?;
        }
        copy.finish().await.map(|_| ())
    }
    .await;
    (connection, sent)
}

impl Session for PostgresSink {
    fn identity(&mut self) -> Result<ServerIdentity, DbError> {
        block_on(server::identity(self.connection()?))
    }

    fn count(&mut self, sql: &str) -> Result<u64, DbError> {
        let in_transaction = self.in_transaction;
        block_on(server::count(self.connection()?, sql, in_transaction))
    }
}

impl Sink for PostgresSink {
    fn inventory(&mut self) -> Result<Inventory, DbError> {
        block_on(room::inventory(self.connection()?))
    }

    fn begin(&mut self) -> Result<(), DbError> {
        let connection = self.connection()?;
        let before = block_on(async {
            run(connection, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", "opening the load").await?;
            settle(connection, TARGET_SETTINGS).await?;
            room::clear(connection).await
        })?;
        self.before = before;
        self.in_transaction = true;
        Ok(())
    }

    fn execute(&mut self, sql: &str) -> Result<(), DbError> {
        if sql.ends_with(FORCE_ROW_SECURITY) {
            self.at_the_end.push(sql.to_owned());
            return Ok(());
        }
        let in_transaction = self.in_transaction;
        let connection = self.connection()?;
        let doing = "running DDL";
        block_on(async {
            if in_transaction {
                run_guarded(connection, sql, doing).await
            } else {
                run(connection, sql, doing).await
            }
        })
    }

    fn append(&mut self, table: &Table, rows: &TableData) -> Result<(), DbError> {
        let mut columns = Vec::new();
        let mut values = Vec::new();
        for (id, array) in rows.columns.iter().zip(&rows.arrays) {
            if table.column(*id).generated.is_some() {
                continue;
            }
            columns.push(*id);
            values.push(Values::new(array).ok_or_else(|| {
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
        let goes_on = self.copy.as_ref().is_some_and(|copy| {
            copy.table == table.name
                && copy.columns == columns
                && (!copy.binary || values.iter().zip(&copy.wires).all(|(v, wire)| v.fits(*wire)))
        });
        if !goes_on {
            self.end_copy()?;
            self.start_copy(table, columns.clone(), &values)?;
        }
        let Some((wires, binary)) = self.copy.as_ref().map(|copy| (copy.wires.clone(), copy.binary)) else {
            return Ok(());
        };
        let mut chunk = Vec::with_capacity(CHUNK_BYTES + CHUNK_BYTES / 8);
        for row in 0..rows.row_count {
            if binary {
                put_binary_row(table, &columns, &values, &wires, row, &mut chunk)?;
            } else {
                for (index, (values, wire)) in values.iter().zip(&wires).enumerate() {
                    if index > 0 {
                        chunk.push(b'\t');
                    }
                    values.put_text(row, *wire, &mut chunk);
                }
                chunk.push(b'\n');
            }
            if chunk.len() >= CHUNK_BYTES {
                let full = std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK_BYTES + CHUNK_BYTES / 8));
                self.send(full)?;
            }
        }
        if chunk.is_empty() { Ok(()) } else { self.send(chunk) }
    }

    fn finish_table(&mut self, _table: &Table) -> Result<(), DbError> {
        self.end_copy()
    }

    fn set_sequences(&mut self, schema: &Schema, blueprint: &Blueprint) -> Result<(), DbError> {
        let mut columns: BTreeMap<&str, Vec<(String, String)>> = BTreeMap::new();
        for sequence in &blueprint.sequences {
            let table = schema.table(sequence.table);
            let column = table.column(sequence.column);
            // A sequence inside a text default numbers nothing that could be compared.
            if matches!(column.data_type, DataType::Integer { .. } | DataType::Decimal { .. }) {
                let place = (quote_table(&table.name), quote(&column.name));
                columns.entry(&sequence.name).or_default().push(place);
            }
        }
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

    fn commit(mut self: Box<Self>) -> Result<(), DbError> {
        let at_the_end = std::mem::take(&mut self.at_the_end);
        let before = std::mem::take(&mut self.before);
        let connection = self.connection()?;
        block_on(async {
            for sql in at_the_end {
                run(connection, &sql, "forcing row security").await?;
            }
            room::mark(connection, &before).await?;
            run(connection, "COMMIT", "committing the load").await
        })
    }
}

fn put_binary_row(
    table: &Table,
    columns: &[ColumnId],
    values: &[Values<'_>],
    wires: &[Wire],
    row: usize,
    out: &mut Vec<u8>,
) -> Result<(), DbError> {
    let count = i16::try_from(values.len()).unwrap_or(i16::MAX);
    out.extend_from_slice(&count.to_be_bytes());
    for ((values, wire), id) in values.iter().zip(wires).zip(columns) {
        values.put_binary(row, *wire, out).map_err(|_| {
            let column = table.column(*id);
            let what =
                format!("a value for {}.{} does not fit {}", table.name, column.name, column.native_type);
            DbError::new(DbErrorKind::Constraint, what)
        })?;
    }
    Ok(())
}

async fn exists(connection: &mut PgConnection, quoted: &str) -> Result<bool, DbError> {
    let question = format!("SELECT pg_catalog.to_regclass({}) IS NOT NULL", literal(quoted));
    scalar(connection, &question, "looking up a table").await
}

/// Moves a sequence past the outermost value of its columns in its own direction, or to its start.
async fn set_sequence(
    connection: &mut PgConnection,
    sequence: &str,
    places: &[(String, String)],
) -> Result<(), DbError> {
    if !exists(connection, sequence).await? {
        return Ok(());
    }
    let mut edges = Vec::new();
    for (table, column) in places {
        if exists(connection, table).await? {
            edges.push(format!(
                "SELECT max({column})::numeric AS high, min({column})::numeric AS low FROM {table}"
            ));
        }
    }
    if edges.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "SELECT pg_catalog.setval(s.seqrelid::pg_catalog.regclass, coalesce(e.edge, s.seqstart), e.edge IS NOT NULL) \
         FROM pg_catalog.pg_sequence s \
         CROSS JOIN (SELECT max(high) AS high, min(low) AS low FROM ({}) v) r \
         CROSS JOIN LATERAL (SELECT CASE \
             WHEN s.seqincrement > 0 AND r.high >= s.seqmin THEN least(r.high, s.seqmax)::int8 \
             WHEN s.seqincrement < 0 AND r.low <= s.seqmax THEN greatest(r.low, s.seqmin)::int8 END AS edge) e \
         WHERE s.seqrelid = {}",
        edges.join(" UNION ALL "),
        regclass(sequence)
    );
    run(connection, &sql, &format!("setting {sequence}")).await
}
