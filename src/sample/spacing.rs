//! The spacing that the values of a column keep: full hours, weeks, first days of months. A value that must move stays
//! on it.

use arrow_array::{ArrayRef, cast::AsArray, types};

use crate::{
    codec::CalendarGrid,
    schema::{Column, Storage},
};

/// Microseconds.
pub(super) const SECOND: i64 = 1_000_000;
pub(super) const DAY: i64 = 86_400_000_000;

/// Values that show a spacing, at least; fewer have one by chance.
const LEAST_VALUES: usize = 12;

/// How far apart the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spacing {
    /// Multiples of this many, from any of them on.
    Steps(i64),
    /// Days of the calendar.
    Calendar(CalendarGrid),
}

impl Spacing {
    /// The widest spacing that all values of a column of whole numbers, days or times have.
    pub(super) fn of(column: &Column, array: &ArrayRef) -> Self {
        let storage = column.data_type.storage();
        let values: Vec<i64> = match storage {
            Storage::Integer => array.as_primitive::<types::Int64Type>().iter().flatten().collect(),
            Storage::Date => {
                array.as_primitive::<types::Date32Type>().iter().flatten().map(i64::from).collect()
            }
            Storage::Time => array.as_primitive::<types::Time64MicrosecondType>().iter().flatten().collect(),
            Storage::Timestamp => {
                array.as_primitive::<types::TimestampMicrosecondType>().iter().flatten().collect()
            }
            _ => Vec::new(),
        };
        let unit = if storage == Storage::Timestamp { DAY } else { 1 };
        let is_days = storage == Storage::Date
            || storage == Storage::Timestamp && values.iter().all(|value| value % DAY == 0);
        if is_days {
            let mut days: Vec<i64> = values.iter().map(|value| value / unit).collect();
            days.sort_unstable();
            if let Some(grid) = CalendarGrid::of(&days) {
                return Self::Calendar(grid);
            }
        }
        Self::Steps(common_step(&values))
    }

    /// True if a value so far from another one keeps the spacing, as far as a distance tells.
    pub(super) fn keeps(self, distance: i64) -> bool {
        match self {
            Self::Steps(step) => distance % step == 0,
            Self::Calendar(_) => true,
        }
    }
}

/// The greatest common divisor of all differences; 1 where too few values tell.
fn common_step(values: &[i64]) -> i64 {
    let finite = |value: &&i64| value.unsigned_abs() < i64::MAX.unsigned_abs() / 4;
    let mut all = values.iter().filter(finite);
    let Some(first) = all.next() else { return 1 };
    let divisor = all.fold(0, |divisor, value| gcd(divisor, (value - first).unsigned_abs()));
    if values.len() < LEAST_VALUES { 1 } else { i64::try_from(divisor).unwrap_or(1).max(1) }
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Date32Array, Int64Array, TimestampMicrosecondArray};

    use super::*;
    use crate::schema::DataType;

    fn of(data_type: DataType, array: impl arrow_array::Array + 'static) -> Spacing {
        Spacing::of(&Column::new("c", data_type), &(Arc::new(array) as ArrayRef))
    }

    #[test]
    fn hours_weeks_and_months_are_told_from_chance() {
        let stamp = DataType::Timestamp { zoned: false };
        let hours = |from: i64| (from..from + 20).map(|hour| hour * 3600 * SECOND).collect::<Vec<i64>>();
        let integer = DataType::Integer { min: 0, max: 9999 };

        assert_eq!(
            of(stamp.clone(), TimestampMicrosecondArray::from(hours(7))),
            Spacing::Steps(3600 * SECOND)
        );
        assert_eq!(
            of(stamp.clone(), TimestampMicrosecondArray::from(vec![0, 3600 * SECOND])),
            Spacing::Steps(1)
        );
        let weekly: Vec<i32> = (0..30).map(|week| 100 + 7 * week).collect();
        assert_eq!(of(DataType::Date, Date32Array::from(weekly)), Spacing::Steps(7));
        let fives: Vec<i64> = (0..40).map(|n| 3 + 5 * (n % 13)).collect();
        assert_eq!(of(integer.clone(), Int64Array::from(fives)), Spacing::Steps(5));
        assert_eq!(of(integer.clone(), Int64Array::from(vec![7; 40])), Spacing::Steps(1));
        // The first days of 1970's months, and of 1971's.
        let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let months: Vec<i64> = (0..24)
            .scan(0, |day, month| {
                let first = *day;
                *day += lengths[month % 12];
                Some(first * DAY)
            })
            .collect();
        assert!(matches!(of(stamp, TimestampMicrosecondArray::from(months)), Spacing::Calendar(_)));
    }
}
