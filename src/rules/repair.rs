//! Making generated rows satisfy the checks.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    data::TableData,
    schema::{ColumnId, Table},
    seed::spread,
};

use super::{TableRules, positions};

/// Donors tried per row in the last resort.
const DONORS: usize = 8;

/// How many rows violated a check, and what became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RepairTally {
    /// Generated anew.
    pub repaired: usize,
    /// Given the values of another generated row, or null, in columns of the check.
    pub copied: usize,
    /// Still violating.
    pub left: usize,
}

impl TableRules {
    /// Replaces rows that violate a check.
    ///
    /// `retry` generates a replacement for each row index it is given, in that order and with the same columns; it
    /// is asked at most `max_rounds` times. What still violates takes the values of `allowed` columns (attributes,
    /// never keys) that the failed checks read, and of those bound to them, from another row of the batch, if that helps;
    /// at last other values are tried in one or two columns. Equations are solved before anything is replaced.
    pub fn repair(
        &self,
        table: &Table,
        rows: &TableData,
        allowed: &BTreeSet<ColumnId>,
        retry: &mut dyn FnMut(&[usize]) -> TableData,
        max_rounds: usize,
    ) -> (TableData, RepairTally) {
        let mut tally = RepairTally::default();
        let mut rows = self.solve_equations(table, rows.clone(), allowed);
        let mut bad = positions(&self.violations(&rows));
        for _ in 0..max_rounds {
            if bad.is_empty() {
                break;
            }
            let fresh = retry(&bad);
            if fresh.row_count != bad.len() || fresh.columns != rows.columns {
                break;
            }
            let fresh = self.solve_equations(table, fresh, allowed);
            let good: Vec<usize> =
                positions(&self.violations(&fresh).iter().map(|bad| !bad).collect::<Vec<_>>());
            tally.repaired += good.len();
            rows = rows.patched(&fresh, good.iter().map(|place| (bad[*place], *place)));
            let fixed: BTreeSet<usize> = good.into_iter().collect();
            bad = bad
                .iter()
                .enumerate()
                .filter(|(place, _)| !fixed.contains(place))
                .map(|(_, row)| *row)
                .collect();
        }
        for attempt in 0..DONORS {
            if bad.is_empty() {
                break;
            }
            let (next, copied) = self.copy(&rows, &bad, allowed, attempt);
            rows = next;
            tally.copied += copied;
            bad = positions(&self.violations(&rows));
        }
        let (rows, helped) = self.rearrange(table, rows, &bad, allowed);
        tally.copied += helped;
        tally.left = bad.len() - helped;
        (rows, tally)
    }

    /// Gives each row of `bad` the values of a donor in the columns its failed checks read; keeps what helps.
    fn copy(
        &self,
        rows: &TableData,
        bad: &[usize],
        allowed: &BTreeSet<ColumnId>,
        attempt: usize,
    ) -> (TableData, usize) {
        let failures: Vec<(Vec<ColumnId>, Vec<bool>)> = self
            .failures(rows)
            .into_iter()
            .map(|(check, failed)| (self.bound_to(&check.columns), failed))
            .collect();
        let is_bad: BTreeSet<usize> = bad.iter().copied().collect();
        let donors: Vec<u32> =
            (0..rows.row_count as u32).filter(|row| !is_bad.contains(&(*row as usize))).collect();
        if donors.is_empty() {
            return (rows.clone(), 0);
        }
        // A fixed hash of the row spreads the donors over the batch without a random stream.
        let donor = |row: usize| donors[spread(row, attempt, donors.len())];
        let candidate = |rows_to_change: &[usize]| {
            let arrays = rows.columns.iter().zip(&rows.arrays).map(|(column, array)| {
                let mut index: Vec<u32> = (0..rows.row_count as u32).collect();
                for row in rows_to_change {
                    let wanted = allowed.contains(column)
                        && failures.iter().any(|(columns, failed)| failed[*row] && columns.contains(column));
                    if wanted {
                        index[*row] = donor(*row);
                    }
                }
                TableData::new(vec![*column], vec![array.clone()], rows.row_count)
                    .take(&index)
                    .arrays
                    .remove(0)
            });
            TableData::new(rows.columns.clone(), arrays.collect(), rows.row_count)
        };
        let tried: Vec<u32> = bad.iter().map(|row| *row as u32).collect();
        let still = self.violations(&candidate(bad).take(&tried));
        let helped: Vec<usize> =
            bad.iter().zip(still).filter(|(_, violates)| !violates).map(|(row, _)| *row).collect();
        if helped.is_empty() { (rows.clone(), 0) } else { (candidate(&helped), helped.len()) }
    }
}
