//! One COPY … TO STDOUT: what is asked for, and its rows as they arrive.

use futures_util::StreamExt;
use sqlx::PgConnection;

use super::{decode::ColumnReader, error::db_error, parts::Cuts, server::run, unpack::Unpacker};
use crate::{
    data::TableData,
    db::{Batch, DbError, DbErrorKind, Scan, runtime::block_on},
    schema::{DataType, Table},
};

/// What to read of a table.
pub(super) struct Request<'a> {
    pub(super) table: &'a Table,
    pub(super) scan: &'a Scan,
    /// What to select.
    pub(super) columns: String,
    /// The table as it stands behind FROM.
    pub(super) from: String,
    /// What to order by; empty for the server's own order.
    pub(super) order: String,
    /// Where the table is cut.
    pub(super) cuts: Cuts,
    /// Somebody listens to the statements.
    pub(super) show_sql: bool,
}

impl Request<'_> {
    /// The query of a part.
    pub(super) fn sql(&self, part: usize) -> String {
        let mut sql = format!("SELECT {} FROM {}", self.columns, self.from);
        if let Some(condition) = self.cuts.condition(part) {
            sql.push_str(&format!(" WHERE {condition}"));
        }
        if !self.order.is_empty() {
            sql.push_str(&format!(" ORDER BY {}", self.order));
        }
        sql
    }
}

/// A connection to read by.
pub(super) struct Lane<'a> {
    pub(super) connection: &'a mut PgConnection,
    /// A COPY did not start, or did not end: the connection is out of step and must not be used.
    pub(super) lost: &'a mut bool,
}

impl Lane<'_> {
    /// Reads a part, between savepoints: a table that cannot be read must not cost the snapshot of the others. Returns
    /// the number of rows, and per column how many values became null.
    pub(super) fn read(
        &mut self,
        request: &Request<'_>,
        part: usize,
        on_batch: Batch<'_>,
    ) -> Result<(u64, Vec<u64>), DbError> {
        let doing = format!("reading {}", request.table.name);
        block_on(run(self.connection, "SAVEPOINT dbsynth_scan", &doing))?;
        let read = self.stream(request, &request.sql(part), &doing, on_batch);
        let end = if read.is_ok() {
            "RELEASE SAVEPOINT dbsynth_scan"
        } else {
            "ROLLBACK TO SAVEPOINT dbsynth_scan; RELEASE SAVEPOINT dbsynth_scan"
        };
        if *self.lost {
            return read;
        }
        let ended = block_on(run(self.connection, end, &doing));
        read.and_then(|read| ended.map(|()| read))
    }

    fn stream(
        &mut self,
        request: &Request<'_>,
        sql: &str,
        doing: &str,
        on_batch: Batch<'_>,
    ) -> Result<(u64, Vec<u64>), DbError> {
        let Request { table, scan, show_sql, .. } = request;
        let mut readers: Vec<ColumnReader> = scan
            .columns
            .iter()
            .map(|id| {
                let column = table.column(*id);
                // Rows find their parents by every digit of a key.
                let decimal = matches!(column.data_type, DataType::Decimal { .. });
                ColumnReader::new(column, scan.exact || decimal && table.is_in_key(*id))
            })
            .collect();
        let batch_rows = scan.batch_rows.max(1);
        let malformed =
            || DbError::new(DbErrorKind::Other, format!("{doing}: what arrives is no binary COPY"));
        // What the server refuses it refuses here: sqlx loses step with a server that refuses a COPY to start.
        block_on(run(self.connection, &format!("{sql} LIMIT 0"), doing))?;
        let copy = format!("COPY ({sql}) TO STDOUT WITH (FORMAT binary)");
        *self.lost = true;
        let mut total = 0;
        {
            // Each batch is gathered on the runtime, but handed over outside it, so that the reader of
            // the batch may use another connection.
            let mut messages = block_on(async {
                if *show_sql {
                    // The driver tells of every statement but of a COPY.
                    tracing::debug!(target: "sqlx::query", summary = copy);
                }
                let started = self.connection.copy_out_raw(&copy).await;
                started.map_err(|error| db_error(doing, error))
            })?;
            let mut unpacker = Unpacker::default();
            let mut ended = false;
            while !ended {
                let mut held = 0;
                let gathered = block_on(async {
                    while held < batch_rows {
                        let Some(message) = messages.next().await else {
                            ended = true;
                            break;
                        };
                        let message = message.map_err(|error| db_error(doing, error))?;
                        held += unpacker
                            .take(&message, |index, field| {
                                if let Some(reader) = readers.get_mut(index) {
                                    reader.push(field);
                                }
                            })
                            .map_err(|_| malformed())?;
                    }
                    Ok(())
                });
                let handed = gathered.and_then(|()| {
                    if ended && !unpacker.is_whole() {
                        return Err(malformed());
                    }
                    if held == 0 {
                        return Ok(());
                    }
                    let arrays = readers.iter_mut().map(ColumnReader::finish).collect();
                    total += held as u64;
                    let mut batch = TableData::new(scan.columns.clone(), arrays, held);
                    for (id, reader) in scan.columns.iter().zip(&mut readers) {
                        if let Some(texts) = reader.finish_exact() {
                            batch.set_exact(*id, texts);
                        }
                    }
                    on_batch(batch)
                });
                if let Err(error) = handed {
                    // The connection answers again once all has arrived.
                    block_on(async {
                        while messages.next().await.is_some() {}
                        Ok(())
                    })?;
                    drop(messages);
                    *self.lost = false;
                    return Err(error);
                }
            }
        }
        *self.lost = false;
        Ok((total, readers.iter().map(ColumnReader::misfits).collect()))
    }
}
