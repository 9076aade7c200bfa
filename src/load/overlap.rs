//! Loading while rows are still being generated: one thread writes what others hand over.

use std::sync::mpsc::Receiver;

use super::{Loader, Trial, Verdict};
use crate::{data::TableData, db::DbError, progress::Progress, schema::TableId};

/// What the generating side hands over. A bounded channel (`sync_channel`) gives back-pressure.
#[derive(Debug)]
pub enum Parcel {
    /// Rows of a table.
    Rows(TableId, TableData),
    /// A table has no more rows.
    Done(TableId),
    /// Rows to be judged, nothing to be kept.
    Judge(Trial),
}

/// Takes what is generated, parcel by parcel.
pub trait Receive {
    /// Why it stops.
    type Error;

    /// Takes rows of a table.
    ///
    /// # Errors
    /// If they cannot be written, or the user stops the run.
    fn write(&mut self, table: TableId, rows: &TableData, progress: &dyn Progress)
    -> Result<(), Self::Error>;

    /// Hears that a table has no more rows.
    ///
    /// # Errors
    /// If its rows cannot all be written.
    fn finish_table(&mut self, table: TableId, progress: &dyn Progress) -> Result<(), Self::Error>;

    /// Judges rows; without anybody to ask, says so.
    ///
    /// # Errors
    /// If nothing can go on.
    fn judge(&mut self, trial: &Trial) -> Result<Verdict, Self::Error> {
        Ok(vec![Err("there is no server to ask".to_owned()); trial.aside.len() + trial.tests.len()])
    }
}

/// Hands parcels to a receiver until every sender is gone.
///
/// The channel is dropped on an error, so that senders stop as well: their `send` fails.
///
/// # Errors
/// The receiver's first error.
pub fn write_all<R: Receive>(
    receiver: &mut R,
    parcels: Receiver<Parcel>,
    progress: &dyn Progress,
) -> Result<(), R::Error> {
    for parcel in parcels {
        match parcel {
            Parcel::Rows(table, rows) => receiver.write(table, &rows, progress)?,
            Parcel::Done(table) => receiver.finish_table(table, progress)?,
            Parcel::Judge(trial) => {
                let verdict = receiver.judge(&trial)?;
                // Whoever asked may have stopped meanwhile.
                let _ = trial.answer.send(verdict);
            }
        }
    }
    Ok(())
}

impl Receive for Loader<'_> {
    type Error = DbError;

    fn write(&mut self, table: TableId, rows: &TableData, progress: &dyn Progress) -> Result<(), DbError> {
        Loader::write(self, table, rows, progress)
    }

    fn finish_table(&mut self, table: TableId, progress: &dyn Progress) -> Result<(), DbError> {
        Loader::finish_table(self, table, progress)
    }

    fn judge(&mut self, trial: &Trial) -> Result<Verdict, DbError> {
        Loader::judge(self, trial)
    }
}
