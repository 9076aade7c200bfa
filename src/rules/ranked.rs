//! Places among other rows: 1, 2, 3 … by points, in the order of dates, or in an order that nothing else shows.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, Int64Array, cast::AsArray, types::Int64Type};
use arrow_schema::DataType as ArrowType;
use serde::{Deserialize, Serialize};

use crate::{
    data::{KeyColumns, KeyNumbering, NO_ROW, TableData, ordered},
    schema::{ColumnId, ForeignKeyId},
    seed::spread,
};

use super::evidence::numbers;

/// A column that holds the place of each row among some others, without a gap and without a tie.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ranked {
    /// The column that obeys where it is not null.
    pub to: ColumnId,
    /// Which rows have places among each other.
    pub among: Among,
    /// What their order shows in; without it they stand in the order of what they have drawn.
    pub by: Option<RankOrder>,
    /// The first place: 0 or 1.
    pub start: i64,
    /// Groups that showed it.
    pub groups: usize,
}

/// What rows have in common that have places among each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Among {
    /// The parent along a link.
    Link(ForeignKeyId),
    /// The value of a column.
    Column(ColumnId),
}

/// What the order of places shows in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RankOrder {
    /// A number, date or time; unknown ones come last.
    pub column: ColumnId,
    /// True if the greatest comes first.
    pub descending: bool,
}

impl Ranked {
    /// The places of `rows` whose group `groups` tells. Rows without a group ([`NO_ROW`]) keep what they have, and null
    /// stays null. `None` if `rows` lack a column that is needed.
    #[must_use]
    pub fn values(&self, rows: &TableData, groups: &[u32]) -> Option<ArrayRef> {
        let drawn = rows.column(self.to).filter(|array| *array.data_type() == ArrowType::Int64)?;
        let drawn = drawn.as_primitive::<Int64Type>();
        let keys = match self.by {
            Some(by) => Some(by.keys(rows.column(by.column)?)?),
            None => None,
        };
        let key = |row: usize| keys.as_ref().map_or(0.0, |keys| keys[row]);
        let mut order: Vec<usize> =
            (0..rows.row_count).filter(|row| groups[*row] != NO_ROW && drawn.is_valid(*row)).collect();
        // Of equal rows none comes first because of where it stands.
        order.sort_by(|a, b| {
            groups[*a]
                .cmp(&groups[*b])
                .then(key(*a).total_cmp(&key(*b)))
                .then(drawn.value(*a).cmp(&drawn.value(*b)))
                .then(spread(*a, 0, usize::MAX).cmp(&spread(*b, 0, usize::MAX)))
                .then(a.cmp(b))
        });
        let mut places: Vec<Option<i64>> = drawn.iter().collect();
        for group in order.chunk_by(|a, b| groups[*a] == groups[*b]) {
            for (place, row) in (self.start..).zip(group) {
                places[*row] = Some(place);
            }
        }
        Some(Arc::new(Int64Array::from(places)))
    }
}

impl RankOrder {
    /// Numbers that ascend in this order; what is unknown comes last. `None` if the array has no order.
    pub(super) fn keys(self, array: &ArrayRef) -> Option<Vec<f64>> {
        let mut keys = on_a_line(array)?;
        for key in &mut keys {
            *key = match (key.is_nan(), self.descending) {
                (true, _) => f64::INFINITY,
                (false, true) => -*key,
                (false, false) => *key,
            };
        }
        Some(keys)
    }
}

/// The group of each row by the value of a column, [`NO_ROW`] for null.
#[must_use]
pub fn groups_of(array: &ArrayRef) -> Vec<u32> {
    KeyNumbering::default().number(&KeyColumns::new(&[(array, false)]), array.len())
}

/// The places of numbers, dates and times on a line, NaN where unknown; `None` for other arrays.
pub(super) fn on_a_line(array: &ArrayRef) -> Option<Vec<f64>> {
    numbers(array).or_else(|| {
        let places = ordered(array)?;
        Some(places.into_iter().map(|place| place.map_or(f64::NAN, |place| place as f64)).collect())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::Float64Array;

    fn rows(drawn: Vec<Option<i64>>, points: Vec<Option<f64>>) -> TableData {
        let count = drawn.len();
        let arrays: Vec<ArrayRef> =
            vec![Arc::new(Int64Array::from(drawn)), Arc::new(Float64Array::from(points))];
        TableData::new(vec![ColumnId(0), ColumnId(1)], arrays, count)
    }

    fn places(by: Option<RankOrder>, start: i64, rows: &TableData, groups: &[u32]) -> Vec<Option<i64>> {
        let among = Among::Link(ForeignKeyId(0));
        let rule = Ranked { to: ColumnId(0), among, by, start, groups: 9 };
        rule.values(rows, groups).unwrap().as_primitive::<Int64Type>().iter().collect()
    }

    #[test]
    fn rows_stand_in_the_order_of_what_they_drew() {
        let rows = rows(vec![Some(7), Some(3), None, Some(3), Some(9), Some(4)], vec![None; 6]);

        let found = places(None, 1, &rows, &[0, 0, 0, 1, 1, NO_ROW]);

        assert_eq!(found, [Some(2), Some(1), None, Some(1), Some(2), Some(4)]);
    }

    #[test]
    fn rows_stand_in_the_order_of_another_column_and_the_unknown_last() {
        let rows = rows(
            vec![Some(1), Some(2), Some(9), Some(8), Some(1)],
            vec![Some(10.0), Some(25.0), Some(0.0), Some(0.0), None],
        );
        let by = |descending| Some(RankOrder { column: ColumnId(1), descending });

        let found = places(by(true), 0, &rows, &[4; 5]);
        assert_eq!(found, [Some(1), Some(0), Some(3), Some(2), Some(4)]);

        let found = places(by(false), 1, &rows, &[4; 5]);
        assert_eq!(found, [Some(3), Some(4), Some(2), Some(1), Some(5)]);
    }
}
