//! What the numbers of a key run with: a time, or the key of the parent.

use arrow_array::{Array, ArrayRef, cast::AsArray, types};
use arrow_schema::{DataType as ArrowType, TimeUnit};

use super::TableData;
use crate::schema::ColumnId;

/// How often a column goes on, and how often it goes back, from one row to the next in the order of the table's key.
/// Equal and unknown values count for neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyRun {
    /// The column.
    pub with: ColumnId,
    /// Steps on.
    pub ahead: u64,
    /// Steps back.
    pub behind: u64,
}

impl KeyRun {
    /// Compares a key of integers with the columns of times among `rows`, and with those of `others` that are integers.
    #[must_use]
    pub fn of(key: ColumnId, others: &[ColumnId], rows: &TableData) -> Vec<Self> {
        let Some(numbers) = rows.column(key).and_then(ordered) else { return Vec::new() };
        let mut order: Vec<usize> = (0..rows.row_count).filter(|row| numbers[*row].is_some()).collect();
        order.sort_by_key(|row| numbers[*row]);
        let columns = rows.columns.iter().zip(&rows.arrays).filter(|(column, array)| {
            **column != key && (others.contains(column) || *array.data_type() != ArrowType::Int64)
        });
        columns
            .filter_map(|(column, array)| {
                let values = ordered(array)?;
                let known: Vec<i64> = order.iter().filter_map(|row| values[*row]).collect();
                let steps = |on: fn(&i64, &i64) -> bool| {
                    known.windows(2).filter(|pair| on(&pair[0], &pair[1])).count() as u64
                };
                Some(Self {
                    with: *column,
                    ahead: steps(|one, next| one < next),
                    behind: steps(|one, next| one > next),
                })
            })
            .collect()
    }
}

/// The places of integers, dates and timestamps on a line, null where unknown; `None` for other arrays.
#[must_use]
pub fn ordered(array: &ArrayRef) -> Option<Vec<Option<i64>>> {
    Some(match array.data_type() {
        ArrowType::Int64 => array.as_primitive::<types::Int64Type>().iter().collect(),
        ArrowType::Date32 => {
            array.as_primitive::<types::Date32Type>().iter().map(|day| day.map(i64::from)).collect()
        }
        ArrowType::Timestamp(TimeUnit::Microsecond, _) => {
            array.as_primitive::<types::TimestampMicrosecondType>().iter().collect()
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Date32Array, Int64Array, StringArray};

    use super::KeyRun;
    use crate::{data::TableData, schema::ColumnId};

    #[test]
    fn steps_are_counted_in_the_order_of_the_key() {
        let key: ArrayRef = Arc::new(Int64Array::from(vec![30, 10, 20, 40]));
        let day: ArrayRef = Arc::new(Date32Array::from(vec![Some(7), Some(5), None, Some(6)]));
        let parent: ArrayRef = Arc::new(Int64Array::from(vec![2, 1, 1, 9]));
        let amount: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3, 4]));
        let text: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "c", "d"]));
        let columns = (0..5).map(ColumnId).collect();
        let rows = TableData::new(columns, vec![key, day, parent, amount, text], 4);

        let runs = KeyRun::of(ColumnId(0), &[ColumnId(2)], &rows);

        assert_eq!(
            runs,
            [
                KeyRun { with: ColumnId(1), ahead: 1, behind: 1 },
                KeyRun { with: ColumnId(2), ahead: 2, behind: 0 }
            ]
        );
        assert!(KeyRun::of(ColumnId(4), &[], &rows).is_empty(), "no numbers");
    }
}
