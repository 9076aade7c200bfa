//! Asks the target which rows it would refuse, before they are final.

use std::sync::{Arc, mpsc::Sender};

use arrow_array::Int64Array;

use super::Loader;
use crate::{
    data::TableData,
    db::{DbError, DbErrorKind, STAGING_ROW},
    schema::{Column, ColumnId, DataType, TableId, TableName},
};

/// Rows per write into the staging table.
const STAGING_ROWS: usize = 20_000;

/// A request to judge rows.
#[derive(Debug)]
pub struct Trial {
    /// The table the rows are meant for.
    pub table: TableId,
    /// The rows.
    pub rows: TableData,
    /// The staging table and what makes it, as [`crate::db::Dialect::staging`] says.
    pub staging: (TableName, Vec<String>),
    /// Queries for the numbers of violating rows, against the staging table.
    pub tests: Vec<String>,
    /// Where the answer goes.
    pub answer: Sender<Verdict>,
}

/// Per test: the violating rows, ascending, or why the server could not say.
pub type Verdict = Vec<Result<Vec<u32>, String>>;

impl Loader<'_> {
    /// Judges rows. What the server refuses to do is part of the verdict.
    ///
    /// # Errors
    /// [`DbError`] only if the connection is gone or the run is interrupted.
    pub fn judge(&mut self, trial: &Trial) -> Result<Verdict, DbError> {
        let Trial { table, rows, staging: (name, make), tests, .. } = trial;
        let mut staging = self.schema.table(*table).clone();
        staging.name = name.clone();
        let number = ColumnId(staging.columns.len());
        staging.columns.push(Column {
            native_type: "bigint".to_owned(),
            ..Column::new(STAGING_ROW, DataType::Integer { min: i64::MIN, max: i64::MAX })
        });
        let mut numbered = rows.clone();
        numbered.set(number, Arc::new(Int64Array::from_iter_values(0..rows.row_count as i64)));
        // Rows of the table itself may be on their way already, in a bulk write that bars the connection.
        self.sink.finish_table(self.schema.table(*table))?;
        self.sink.begin_trial()?;
        let filled = self.fill(&staging, make, &numbered);
        let verdict = match filled.map_err(recoverable) {
            Err(Some(error)) => return Err(error),
            Err(None) => vec![Err("the rows could not be tried on the target".to_owned()); tests.len()],
            Ok(()) => {
                let mut verdict = Vec::with_capacity(tests.len());
                for test in tests {
                    verdict.push(match self.sink.numbers(test) {
                        Ok(numbers) => {
                            Ok(numbers.into_iter().filter_map(|n| u32::try_from(n).ok()).collect())
                        }
                        Err(error) => {
                            let message = error.message.clone();
                            if let Some(fatal) = recoverable(error) {
                                return Err(fatal);
                            }
                            Err(message)
                        }
                    });
                }
                verdict
            }
        };
        self.sink.end_trial(name)?;
        Ok(verdict)
    }

    fn fill(
        &mut self,
        staging: &crate::schema::Table,
        make: &[String],
        rows: &TableData,
    ) -> Result<(), DbError> {
        for statement in make {
            self.sink.execute(statement)?;
        }
        for from in (0..rows.row_count).step_by(STAGING_ROWS) {
            let count = STAGING_ROWS.min(rows.row_count - from);
            self.sink.append(staging, &rows.slice(from, count))?;
        }
        self.sink.finish_table(staging)
    }
}

/// The error, if nothing can go on after it.
fn recoverable(error: DbError) -> Option<DbError> {
    let fatal = matches!(
        error.kind,
        DbErrorKind::DiskFull
            | DbErrorKind::Disconnected
            | DbErrorKind::Unreachable
            | DbErrorKind::Interrupted
    );
    fatal.then_some(error)
}
