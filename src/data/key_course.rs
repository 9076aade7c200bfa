//! What the numbers of a fresh key tell: how they lie, and what they run with.

use super::{KeyRun, TableData, ordered};
use crate::schema::ColumnId;

/// One of so many rows lies below the lower mark, and as many above the upper one.
const MARK: usize = 20;

/// A key of integers whose values never reach a model, as far as the rows that were read tell of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyCourse {
    /// The key.
    pub key: ColumnId,
    /// How its numbers lie; `None` where some repeat or are unknown.
    pub spread: Option<KeySpread>,
    /// What they run with.
    pub runs: Vec<KeyRun>,
}

/// Two marks inside the numbers of a key, far enough from its ends to be no row's own business.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeySpread {
    /// The number of the row that one row in twenty lies below.
    pub low: i64,
    /// The number of the row that one row in twenty lies above.
    pub high: i64,
    /// Rows below the one, and as many above the other.
    pub outside: usize,
    /// Rows read.
    pub rows: usize,
}

impl KeyCourse {
    /// Looks at a key among `rows`, beside their times and the integers of `others`.
    #[must_use]
    pub fn of(key: ColumnId, others: &[ColumnId], rows: &TableData) -> Self {
        let numbers = rows.column(key).and_then(ordered).unwrap_or_default();
        Self {
            key,
            spread: numbers.into_iter().collect::<Option<_>>().and_then(KeySpread::of),
            runs: KeyRun::of(key, others, rows),
        }
    }
}

impl KeySpread {
    fn of(mut numbers: Vec<i64>) -> Option<Self> {
        numbers.sort_unstable();
        let distinct = numbers.windows(2).all(|pair| pair[0] < pair[1]);
        let (rows, outside) = (numbers.len(), numbers.len() / MARK);
        let (low, high) = (*numbers.get(outside)?, *numbers.get((rows - outside).checked_sub(1)?)?);
        distinct.then_some(Self { low, high, outside, rows })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array};

    use super::{KeyCourse, KeySpread};
    use crate::{data::TableData, schema::ColumnId};

    fn spread(numbers: Vec<Option<i64>>) -> Option<KeySpread> {
        let rows = numbers.len();
        let key: ArrayRef = Arc::new(Int64Array::from(numbers));
        KeyCourse::of(ColumnId(0), &[], &TableData::new(vec![ColumnId(0)], vec![key], rows)).spread
    }

    #[test]
    fn marks_lie_inside_the_numbers_and_repeated_numbers_have_none() {
        let numbers = || (0..40).rev().map(|row| Some(500 + 3 * row));

        assert_eq!(
            spread(numbers().collect()),
            Some(KeySpread { low: 506, high: 611, outside: 2, rows: 40 })
        );
        assert_eq!(spread(numbers().chain([Some(503)]).collect()), None, "a number comes twice");
        assert_eq!(spread(numbers().chain([None]).collect()), None, "a number is unknown");
        assert_eq!(spread(Vec::new()), None);
    }
}
