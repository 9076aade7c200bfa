//! Loading while rows are still being generated: one thread writes what others hand over.

use std::sync::mpsc::Receiver;

use super::{Loader, Trial};
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

/// Writes parcels until every sender is gone.
///
/// The receiver is dropped on an error, so that senders stop as well: their `send` fails.
///
/// # Errors
/// The first error of the engine, or [`crate::db::DbErrorKind::Interrupted`].
pub fn write_all(
    loader: &mut Loader<'_>,
    parcels: Receiver<Parcel>,
    progress: &dyn Progress,
) -> Result<(), DbError> {
    for parcel in parcels {
        match parcel {
            Parcel::Rows(table, rows) => loader.write(table, &rows, progress)?,
            Parcel::Done(table) => loader.finish_table(table, progress)?,
            Parcel::Judge(trial) => {
                let verdict = loader.judge(&trial)?;
                // Whoever asked may have stopped meanwhile.
                let _ = trial.answer.send(verdict);
            }
        }
    }
    Ok(())
}
