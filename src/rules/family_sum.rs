//! Columns whose values sum to the same in every family: charges of a molecule, debits and credits of an entry.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, Float64Array, Int64Array, cast::AsArray, types::Float64Type, types::Int64Type,
};
use arrow_schema::DataType as ArrowType;
use serde::{Deserialize, Serialize};

use crate::{
    data::{Families, TableData},
    schema::ColumnId,
};

/// Share of families with siblings that must have the sum.
const SHARE: f64 = 0.999;
/// Families with siblings needed before a common sum is no coincidence.
const LEAST_FAMILIES: usize = 20;
/// Finest decimal grid looked for.
const MAX_DECIMALS: i32 = 6;
/// Largest value in grid units that is exact as a float, with room for sums.
const MAX_UNITS: f64 = 1e12;

/// A column whose values sum to one total in every family of two rows or more.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FamilySum {
    /// The column.
    pub column: ColumnId,
    /// Decimals of the grid its values lie on.
    decimals: i32,
    /// The total, in units of the grid.
    total: i64,
    /// Smallest and largest value, in units of the grid.
    range: (i64, i64),
}

/// Finds numeric columns without nulls that sum to one total in ≥ 99.9 % of the families with siblings although
/// they vary inside them. `rows` are in the order of `families`.
#[must_use]
pub fn family_sums(rows: &TableData, families: &Families) -> Vec<FamilySum> {
    let with_siblings = || (0..families.len()).map(|f| families.rows(f)).filter(|rows| rows.len() >= 2);
    if with_siblings().count() < LEAST_FAMILIES || families.row_count() != rows.row_count {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (column, array) in rows.columns.iter().zip(&rows.arrays) {
        let Some((decimals, units)) = on_grid(array) else { continue };
        let sums: Vec<i64> = with_siblings().map(|rows| units[rows].iter().sum()).collect();
        let mut sorted = sums.clone();
        sorted.sort_unstable();
        let total = sorted[sorted.len() / 2];
        let agreeing = sums.iter().filter(|sum| **sum == total).count();
        // Equal values in families of one size sum to one total as well, and need no help.
        let varied =
            with_siblings().filter(|rows| units[rows.clone()].iter().any(|x| *x != units[rows.start]));
        if (agreeing as f64) < SHARE * sums.len() as f64 || varied.count() * 2 < sums.len() {
            continue;
        }
        let range = units.iter().fold((i64::MAX, i64::MIN), |(low, high), x| (low.min(*x), high.max(*x)));
        found.push(FamilySum { column: *column, decimals, total, range });
    }
    found
}

/// The coarsest decimal grid all values lie on, and the values in its units.
fn on_grid(array: &ArrayRef) -> Option<(i32, Vec<i64>)> {
    if array.null_count() > 0 || array.is_empty() {
        return None;
    }
    match array.data_type() {
        ArrowType::Int64 => {
            let values = array.as_primitive::<Int64Type>().values();
            values.iter().all(|x| x.unsigned_abs() < MAX_UNITS as u64).then(|| (0, values.to_vec()))
        }
        ArrowType::Float64 => {
            let values = array.as_primitive::<Float64Type>().values();
            (0..=MAX_DECIMALS).find_map(|decimals| {
                let scale = 10_f64.powi(decimals);
                let fits = |x: &f64| {
                    let unit = x * scale;
                    unit.abs() < MAX_UNITS && (unit - unit.round()).abs() < 1e-6 * unit.abs().max(1.0)
                };
                let units = || values.iter().map(|x| (x * scale).round() as i64).collect();
                values.iter().all(fits).then(|| (decimals, units()))
            })
        }
        _ => None,
    }
}

impl FamilySum {
    /// The total of every family, in units of the grid.
    #[must_use]
    pub fn total(&self) -> i64 {
        self.total
    }

    /// The column's values in units of the grid; `None` if it is not numeric or has nulls.
    #[must_use]
    pub fn units(&self, array: &ArrayRef) -> Option<Vec<i64>> {
        let scale = 10_f64.powi(self.decimals);
        match array.data_type() {
            _ if array.null_count() > 0 => None,
            ArrowType::Int64 => Some(array.as_primitive::<Int64Type>().values().to_vec()),
            ArrowType::Float64 => {
                let values = array.as_primitive::<Float64Type>().values();
                Some(values.iter().map(|x| (x * scale).round() as i64).collect())
            }
            _ => None,
        }
    }

    /// Moves all values of each family with siblings by (almost) the same amount, so that they sum to the total
    /// inside the range seen. Returns the new column; `None` if it is not numeric.
    #[must_use]
    pub fn settle(&self, array: &ArrayRef, families: &Families) -> Option<ArrayRef> {
        let mut units = self.units(array).filter(|units| units.len() == families.row_count())?;
        for family in (0..families.len()).map(|family| families.rows(family)) {
            if family.len() >= 2 {
                self.share_out(&mut units[family]);
            }
        }
        let scale = 10_f64.powi(self.decimals);
        Some(match array.data_type() {
            ArrowType::Int64 => Arc::new(Int64Array::from(units)) as ArrayRef,
            _ => Arc::new(Float64Array::from_iter_values(units.iter().map(|x| *x as f64 / scale))),
        })
    }

    fn share_out(&self, units: &mut [i64]) {
        let (low, high) = self.range;
        let mut gap = self.total - units.iter().sum::<i64>();
        // Values at the end of the range stay there, and the others move on.
        while gap != 0 {
            let up = gap > 0;
            let room = |x: i64| if up { x < high } else { x > low };
            let movable = units.iter().filter(|x| room(**x)).count() as i64;
            if movable == 0 {
                return;
            }
            let (step, rest) = (gap / movable, gap % movable);
            for (seen, unit) in (0_i64..).zip(units.iter_mut().filter(|x| room(**x))) {
                // The remainder goes to rows spread over the family.
                let extra = (seen + 1) * rest / movable - seen * rest / movable;
                let moved = (*unit + step + extra).clamp(low, high);
                gap -= moved - *unit;
                *unit = moved;
            }
        }
    }
}
