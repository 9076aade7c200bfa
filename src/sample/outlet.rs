//! Where finished rows go.

use std::collections::BTreeMap;

use crate::{
    data::TableData,
    sample::{Answer, SampleError, Suspect},
    schema::TableId,
};

/// Which rows are handed out: where they stand among those of their table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Piece {
    /// The table.
    pub table: TableId,
    /// Ascending in the order of the table's rows; numbers may be left out.
    pub number: u64,
}

/// Takes finished rows.
pub trait Outlet {
    /// Takes rows of a table.
    ///
    /// # Errors
    /// [`SampleError::Closed`] if nobody takes them any more.
    fn rows(&mut self, piece: Piece, rows: TableData) -> Result<(), SampleError>;

    /// Hears that a table is complete.
    ///
    /// # Errors
    /// [`SampleError::Closed`] if nobody listens any more.
    fn done(&mut self, table: TableId) -> Result<(), SampleError>;

    /// Says which of some rows, meant for a table, the target would refuse; `None` if there is no target to ask.
    ///
    /// # Errors
    /// [`SampleError::Closed`] if nobody listens any more.
    fn judge(
        &mut self,
        table: TableId,
        rows: &TableData,
        suspects: &[Suspect],
    ) -> Result<Option<Answer>, SampleError> {
        let _ = (table, rows, suspects);
        Ok(None)
    }
}

/// Constraints that nobody was there to judge.
#[derive(Debug, Clone, Default)]
pub struct Unjudged(BTreeMap<(TableId, Suspect), usize>);

impl Unjudged {
    /// Notes that nobody judged some rows. An index that cannot be made of them costs the index, no row.
    pub fn note(&mut self, table: TableId, suspects: &[Suspect], rows: usize) {
        for suspect in suspects.iter().filter(|suspect| !matches!(suspect, Suspect::Index(_))) {
            let known = self.0.entry((table, *suspect)).or_default();
            *known = rows.max(*known);
        }
    }

    /// Each with the most rows that were asked about at a time.
    pub fn iter(&self) -> impl Iterator<Item = (TableId, Suspect, usize)> {
        self.0.iter().map(|((table, suspect), rows)| (*table, *suspect, *rows))
    }
}
