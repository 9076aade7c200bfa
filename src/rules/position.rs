//! Columns that only number the rows of their family: line 1, 2, 3 … of an order.

use arrow_array::{Array, cast::AsArray, types::Int64Type};
use arrow_schema::DataType as ArrowType;
use serde::{Deserialize, Serialize};

use crate::{
    data::{Families, TableData},
    schema::ColumnId,
};

/// Share of families that must be numbered without a gap.
const SHARE: f64 = 0.999;

/// Families needed, and how many of them with two rows or more, before numbering is no coincidence.
const LEAST_FAMILIES: usize = 20;
const LEAST_SIBLINGS: usize = 5;

/// A column computed as the row's place in its family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The column.
    pub column: ColumnId,
    /// The value of a family's first row; each further row has one more.
    pub start: i64,
}

/// Finds integer columns that are `start, start + 1, …` (start 0 or 1) in ≥ 99.9 % of the families. `rows` are in the
/// order of `families`.
#[must_use]
pub fn family_positions(rows: &TableData, families: &Families) -> Vec<Position> {
    let sizes: Vec<usize> = (0..families.len()).map(|family| families.rows(family).len()).collect();
    let filled = sizes.iter().filter(|size| **size > 0).count();
    let with_siblings = sizes.iter().filter(|size| **size >= 2).count();
    if filled < LEAST_FAMILIES || with_siblings < LEAST_SIBLINGS || families.row_count() != rows.row_count {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (column, array) in rows.columns.iter().zip(&rows.arrays) {
        if *array.data_type() != ArrowType::Int64 || array.null_count() > 0 {
            continue;
        }
        let values = array.as_primitive::<Int64Type>().values();
        for start in [1_i64, 0] {
            // Families of one row prove little: those with siblings must be numbered as well.
            let numbered = |least: usize| {
                (0..families.len())
                    .filter(|family| {
                        let members = &values[families.rows(*family)];
                        members.len() >= least
                            && members.iter().zip(start..).all(|(value, expected)| *value == expected)
                    })
                    .count() as f64
            };
            if numbered(1) >= SHARE * filled as f64 && numbered(2) >= SHARE * with_siblings as f64 {
                found.push(Position { column: *column, start });
                break;
            }
        }
    }
    found
}
