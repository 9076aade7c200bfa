//! Bringing rows that break a check to keep it, without drawing them again: computed sides of equations, and other
//! values in a few columns.

use std::collections::BTreeSet;

use arrow_array::{Array, ArrayRef, UInt32Array};
use arrow_select::take::take;

use crate::{
    data::TableData,
    schema::{ColumnId, Table},
};

use super::{
    CheckRule, TableRules, enforce,
    expression::{Comparison, Expression},
    positions,
    ranges::conjuncts,
    truths,
};

/// Changes tried per row: the first half in one column, the rest in two.
const TRIES: usize = 96;

impl TableRules {
    /// Sets one side of an equation that a check demands (`total = price * amount`) where it does not hold.
    ///
    /// Only columns of `allowed` are set, and only in rows where that makes the equation true.
    pub(super) fn solve_equations(
        &self,
        table: &Table,
        rows: TableData,
        allowed: &BTreeSet<ColumnId>,
    ) -> TableData {
        let mut rows = rows;
        let all = self.checks.iter().filter_map(|check| Some((check, check.expression.as_ref()?)));
        for (check, conjunct) in
            all.flat_map(|(check, all)| conjuncts(all).into_iter().map(move |one| (check, one)))
        {
            let part = |expression: &Expression| CheckRule {
                name: check.name.clone(),
                columns: expression.columns(),
                expression: Some(expression.clone()),
                fold_case: check.fold_case,
            };
            let Some((column, value)) = equation(conjunct, allowed) else { continue };
            let demand = part(conjunct);
            let Some(wrong) = truths(&demand, &rows).map(|truths| falses(&truths)) else { continue };
            let Some(old) = rows.column(column).cloned().filter(|_| !wrong.is_empty()) else { continue };
            let solved = super::evaluated(&part(value), &rows)
                .and_then(|values| enforce::build(&table.column(column).data_type, &values));
            let Some(solved) = solved else { continue };
            let mut trial = rows.clone();
            trial.set(column, mixed(&old, &solved, &wrong));
            let Some(still) = truths(&demand, &trial).map(|truths| falses(&truths)) else { continue };
            let helped: BTreeSet<usize> = wrong.difference(&still).copied().collect();
            rows.set(column, mixed(&old, &solved, &helped));
        }
        rows
    }

    /// Looks for a change in one or two columns that makes a broken row whole: null where it may be, or the value of
    /// another row. Returns the rows and how many were helped.
    pub(super) fn rearrange(
        &self,
        table: &Table,
        rows: TableData,
        bad: &[usize],
        allowed: &BTreeSet<ColumnId>,
    ) -> (TableData, usize) {
        let mut reads: Vec<Vec<ColumnId>> = vec![Vec::new(); rows.row_count];
        for (check, failed) in self.failures(&rows) {
            for row in positions(&failed) {
                reads[row].extend(check.columns.iter().filter(|column| allowed.contains(*column)));
            }
        }
        let mut rows = rows;
        let mut bad: Vec<usize> = bad.iter().copied().filter(|row| !reads[*row].is_empty()).collect();
        let before = bad.len();
        for attempt in 0..TRIES {
            if bad.is_empty() {
                break;
            }
            let trial = changed(table, &rows, &bad, &reads, attempt);
            let broken = self.violations(&trial);
            let whole = bad.iter().enumerate().filter(|(place, _)| !broken[*place]);
            rows = rows.patched(&trial, whole.map(|(place, row)| (*row, place)));
            bad = bad.iter().zip(broken).filter(|(_, broken)| *broken).map(|(row, _)| *row).collect();
        }
        (rows, before - bad.len())
    }
}

/// The rows of `bad`, each with another value in one or two of the columns that its broken checks read.
fn changed(
    table: &Table,
    rows: &TableData,
    bad: &[usize],
    reads: &[Vec<ColumnId>],
    attempt: usize,
) -> TableData {
    let arrays = rows.columns.iter().zip(&rows.arrays).map(|(column, array)| {
        let index: UInt32Array = bad
            .iter()
            .map(|row| {
                let choices = &reads[*row];
                let changes = if attempt < TRIES / 2 { 1 } else { 2 };
                for change in 0..changes {
                    // A fixed hash spreads choices over rows and attempts without a random stream.
                    let dice = mix((*row as u64) << 20 | (attempt as u64) << 4 | change);
                    if choices[(dice % choices.len() as u64) as usize] != *column {
                        continue;
                    }
                    let nulled = table.column(*column).nullable && (dice >> 20).is_multiple_of(3);
                    return (!nulled).then_some(((dice >> 24) % rows.row_count as u64) as u32);
                }
                Some(*row as u32)
            })
            .collect();
        take(array.as_ref(), &index, None).expect("every index is a row")
    });
    TableData::new(rows.columns.clone(), arrays.collect(), bad.len())
}

/// Source: the finaliser of SplitMix64 (Steele, Lea, Flood 2014).
fn mix(seed: u64) -> u64 {
    let mut bits = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

/// A column that a condition says is equal to what other columns give.
fn equation<'a>(
    condition: &'a Expression,
    allowed: &BTreeSet<ColumnId>,
) -> Option<(ColumnId, &'a Expression)> {
    // `x IS NULL OR x = …` says the same of every x that is there.
    let condition = match condition {
        Expression::Or(all) => {
            let mut rest = all.iter().filter(|one| !matches!(one, Expression::IsNull(_)));
            let one = rest.next()?;
            if rest.next().is_some() {
                return None;
            }
            one
        }
        other => other,
    };
    let (Expression::Compare(Comparison::Equal, left, right) | Expression::Same(left, right)) = condition
    else {
        return None;
    };
    [(left, right), (right, left)].into_iter().find_map(|(side, value)| match side.as_ref() {
        Expression::Column(column) if allowed.contains(column) => {
            let reads = value.columns();
            (!reads.is_empty() && !reads.contains(column)).then_some((*column, value.as_ref()))
        }
        _ => None,
    })
}

fn falses(truths: &[Option<bool>]) -> BTreeSet<usize> {
    truths.iter().enumerate().filter(|(_, truth)| **truth == Some(false)).map(|(row, _)| row).collect()
}

/// `new` in some rows, `old` in the others.
fn mixed(old: &ArrayRef, new: &ArrayRef, rows: &BTreeSet<usize>) -> ArrayRef {
    let both = arrow_select::concat::concat(&[old.as_ref(), new.as_ref()]);
    let both = both.expect("values of one column have one type");
    let index: UInt32Array = (0..old.len())
        .map(|row| if rows.contains(&row) { (old.len() + row) as u32 } else { row as u32 })
        .collect();
    take(both.as_ref(), &index, None).expect("every index is a row")
}
