//! One table's COPY: a task owns the connection and sends what arrives over a bounded channel, so that
//! encoding and sending overlap and the COPY can stay open between batches.

use sqlx::PgConnection;
use tokio::{sync::mpsc, task::JoinHandle};

use super::{
    copy::{BINARY_HEADER, BINARY_TRAILER, TargetColumn, Values, Wire},
    error::db_error,
    server::ask,
    sql::{literal, quote, quote_table},
};
use crate::{
    db::{
        DbError, DbErrorKind,
        runtime::{block_on, runtime},
    },
    schema::{ColumnId, Table, TableName},
};

/// Bytes gathered before they are sent.
const CHUNK_BYTES: usize = 256 * 1024;
/// Chunks on their way at once.
const CHUNKS_IN_FLIGHT: usize = 4;

/// A COPY under way.
pub(super) struct Bulk {
    table: TableName,
    columns: Vec<ColumnId>,
    wires: Vec<Wire>,
    binary: bool,
    sender: mpsc::Sender<Vec<u8>>,
    task: JoinHandle<(PgConnection, Result<(), sqlx::Error>)>,
}

/// Why rows were not written.
pub(super) enum Stopped {
    /// The server (or the connection) ended the COPY; [`Bulk::finish`] says why.
    ByServer,
    /// A value that its column's type cannot hold.
    ByValue(DbError),
}

impl Bulk {
    /// Asks the target for the types of its columns, domains resolved.
    pub(super) fn wires(
        connection: &mut PgConnection,
        table: &Table,
        columns: &[ColumnId],
    ) -> Result<Vec<Wire>, DbError> {
        let quoted = literal(&quote_table(&table.name));
        let question = include_str!("catalog/target_columns.sql").replace("'{table}'", &quoted);
        let known: Vec<TargetColumn> = block_on(ask(connection, &question))?;
        Ok(columns
            .iter()
            .map(|id| known.iter().find(|column| column.name == table.column(*id).name))
            .map(|column| column.map_or(Wire::TextFormOnly, TargetColumn::wire))
            .collect())
    }

    /// Starts the COPY: binary if every column has an encoder for the values that arrive, else text for the
    /// whole table. Rows that are `frozen` are visible to everybody from the commit on, without a vacuum.
    pub(super) fn start(
        connection: PgConnection,
        (table, frozen): (&Table, bool),
        columns: Vec<ColumnId>,
        wires: Vec<Wire>,
        values: &[Values<'_>],
    ) -> Result<Self, DbError> {
        let binary = values.iter().zip(&wires).all(|(values, wire)| values.fits(*wire));
        let names: Vec<String> = columns.iter().map(|id| quote(&table.column(*id).name)).collect();
        let format = if binary { "binary" } else { "text" };
        let target = quote_table(&table.name);
        let freeze = if frozen { ", FREEZE" } else { "" };
        let sql = format!("COPY {target} ({}) FROM STDIN WITH (FORMAT {format}{freeze})", names.join(", "));
        let (sender, receiver) = mpsc::channel(CHUNKS_IN_FLIGHT);
        let task = runtime()?.spawn(pump(connection, sql, receiver));
        let bulk = Self { table: table.name.clone(), columns, wires, binary, sender, task };
        if binary {
            // If the task has ended already, the first rows will tell.
            let _ = bulk.send(BINARY_HEADER.to_vec())?;
        }
        Ok(bulk)
    }

    /// True if these rows can go into the open COPY.
    pub(super) fn takes(&self, table: &Table, columns: &[ColumnId], values: &[Values<'_>]) -> bool {
        self.table == table.name
            && self.columns == columns
            && (!self.binary || values.iter().zip(&self.wires).all(|(values, wire)| values.fits(*wire)))
    }

    /// Encodes and sends rows.
    pub(super) fn write(&self, table: &Table, values: &[Values<'_>], rows: usize) -> Result<(), Stopped> {
        let mut chunk = Vec::with_capacity(CHUNK_BYTES + CHUNK_BYTES / 8);
        for row in 0..rows {
            if self.binary {
                self.put_binary_row(table, values, row, &mut chunk).map_err(Stopped::ByValue)?;
            } else {
                self.put_text_row(values, row, &mut chunk);
            }
            if chunk.len() >= CHUNK_BYTES {
                let full = std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK_BYTES + CHUNK_BYTES / 8));
                self.send_or_stop(full)?;
            }
        }
        if chunk.is_empty() { Ok(()) } else { self.send_or_stop(chunk) }
    }

    /// Ends the COPY; hands the connection back with what the server said.
    pub(super) fn finish(self) -> Result<(PgConnection, Result<(), DbError>), DbError> {
        let Self { table, binary, sender, task, .. } = self;
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
        Ok((connection, result.map_err(|error| db_error(&doing, error))))
    }

    fn put_binary_row(
        &self,
        table: &Table,
        values: &[Values<'_>],
        row: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), DbError> {
        // No table has more than 1,600 columns.
        let count = i16::try_from(values.len()).unwrap_or(i16::MAX);
        out.extend_from_slice(&count.to_be_bytes());
        for ((values, wire), id) in values.iter().zip(&self.wires).zip(&self.columns) {
            values.put_binary(row, *wire, out).map_err(|_| {
                let column = table.column(*id);
                let place = format!("{}.{}", table.name, column.name);
                let what = format!("a value for {place} does not fit {}", column.native_type);
                DbError::new(DbErrorKind::Constraint, what)
            })?;
        }
        Ok(())
    }

    fn put_text_row(&self, values: &[Values<'_>], row: usize, out: &mut Vec<u8>) {
        for (index, (values, wire)) in values.iter().zip(&self.wires).enumerate() {
            if index > 0 {
                out.push(b'\t');
            }
            values.put_text(row, *wire, out);
        }
        out.push(b'\n');
    }

    /// Sends a chunk; false if the task has ended.
    fn send(&self, chunk: Vec<u8>) -> Result<bool, DbError> {
        block_on(async { Ok(self.sender.send(chunk).await.is_ok()) })
    }

    fn send_or_stop(&self, chunk: Vec<u8>) -> Result<(), Stopped> {
        match self.send(chunk) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Stopped::ByServer),
            Err(error) => Err(Stopped::ByValue(error)),
        }
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
