//! Reads a source no faster than asked: after each batch it waits until the time is up that the batch may take.

use std::time::{Duration, Instant};

use arrow_array::Array;

use crate::{
    config::Throttle,
    data::TableData,
    db::{Batch, DbError, Introspection, Scan, ServerIdentity, Session, Source},
    finding::Finding,
    progress::interrupted,
    schema::Table,
};

/// Longest sleep before looking for an interrupt.
const NAP: Duration = Duration::from_millis(200);

/// A source with a limit.
pub(super) struct Throttled {
    inner: Box<dyn Source>,
    limit: Throttle,
    /// When the first batch was asked for; what was read since then, in seconds that it must take.
    begun: Option<Instant>,
    due: f64,
}

impl Throttled {
    /// Puts a limit on a source.
    pub(super) fn new(inner: Box<dyn Source>, limit: Throttle) -> Self {
        Self { inner, limit, begun: None, due: 0.0 }
    }
}

fn bytes(rows: &TableData) -> u64 {
    rows.arrays.iter().map(|array| array.to_data().get_slice_memory_size().unwrap_or(0) as u64).sum()
}

impl Session for Throttled {
    fn identity(&mut self) -> Result<ServerIdentity, DbError> {
        self.inner.identity()
    }

    fn count(&mut self, sql: &str) -> Result<u64, DbError> {
        self.inner.count(sql)
    }
}

impl Source for Throttled {
    fn introspect(&mut self) -> Result<Introspection, DbError> {
        self.inner.introspect()
    }

    fn check_readable(&mut self, tables: &[&Table]) -> Result<(), DbError> {
        self.inner.check_readable(tables)
    }

    fn row_count(&mut self, table: &Table) -> Result<u64, DbError> {
        self.inner.row_count(table)
    }

    fn scan(&mut self, table: &Table, scan: &Scan, on_batch: Batch<'_>) -> Result<u64, DbError> {
        let begun = *self.begun.get_or_insert_with(Instant::now);
        let (limit, due) = (self.limit, &mut self.due);
        // Small batches, so that the server is asked steadily and not in bursts.
        let batch_rows = match limit {
            Throttle::Rows(most) => scan.batch_rows.min(usize::try_from(most).unwrap_or(usize::MAX)).max(1),
            Throttle::Bytes(_) => scan.batch_rows.min(1_000),
        };
        let scan = Scan { batch_rows, ..scan.clone() };
        self.inner.scan(table, &scan, &mut |rows| {
            // Time that was spent elsewhere is not caught up with.
            *due = due.max(begun.elapsed().as_secs_f64() - 1.0);
            *due += limit.seconds(rows.row_count as u64, bytes(&rows));
            on_batch(rows)?;
            while !interrupted() {
                let left = *due - begun.elapsed().as_secs_f64();
                if left <= 0.0 {
                    break;
                }
                std::thread::sleep(NAP.min(Duration::from_secs_f64(left)));
            }
            Ok(())
        })
    }

    fn take_findings(&mut self) -> Vec<Finding> {
        self.inner.take_findings()
    }
}
