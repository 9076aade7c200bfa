//! Calendars: tables that hold every day, or every hour, once.

use std::sync::Arc;

use arrow_array::{ArrayRef, Date32Array, TimestampMicrosecondArray};
use arrow_schema::DataType as ArrowType;
use serde::{Deserialize, Serialize};

use crate::{data::ordered, schema::ColumnId};

use super::{evidence::LEAST_ROWS, value::Value};

/// Share of the steps from one time to the next that must be equal.
const EQUAL_STEPS: f64 = 0.99;
/// Steps at either end that are not looked at: where a calendar begins follows from where its inner part lies.
const OUTSIDE: usize = 5;

/// A column whose times follow each other at one distance, row by row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarRun {
    /// The column.
    pub column: ColumnId,
    /// The first time, in units of the storage: days or microseconds.
    first: i64,
    /// From one to the next.
    step: i64,
    /// True for days.
    is_date: bool,
}

impl CalendarRun {
    /// Looks at all times of a table that has no siblings.
    #[must_use]
    pub fn find(column: ColumnId, array: &ArrayRef) -> Option<Self> {
        let is_date = match array.data_type() {
            ArrowType::Date32 => true,
            ArrowType::Timestamp(..) => false,
            _ => return None,
        };
        let mut times = ordered(array)?.into_iter().collect::<Option<Vec<i64>>>()?;
        if times.len() < LEAST_ROWS {
            return None;
        }
        times.sort_unstable();
        let mut steps: Vec<i64> = times.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect();
        let inner = times[OUTSIDE];
        steps.sort_unstable();
        let step = steps[steps.len() / 2];
        let equal = steps.iter().filter(|other| **other == step).count();
        let first = inner.checked_sub(step.checked_mul(OUTSIDE as i64)?)?;
        (step > 0 && equal as f64 >= EQUAL_STEPS * steps.len() as f64).then_some(Self {
            column,
            first,
            step,
            is_date,
        })
    }

    /// The times of some rows of the table, counted from its first.
    #[must_use]
    pub fn times(&self, rows: std::ops::Range<usize>) -> ArrayRef {
        let time = |row: usize| self.first.saturating_add(self.step.saturating_mul(row as i64));
        if self.is_date {
            let day = |row| i32::try_from(time(row)).unwrap_or(i32::MAX - 1);
            Arc::new(Date32Array::from_iter_values(rows.map(day)))
        } else {
            Arc::new(TimestampMicrosecondArray::from_iter_values(rows.map(time)))
        }
    }

    /// Its first time, as people write it.
    pub(super) fn begin(&self) -> Option<String> {
        let first = if self.is_date {
            Value::Date(i32::try_from(self.first).ok()?)
        } else {
            Value::Timestamp(self.first)
        };
        first.text()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Date32Array};

    use super::CalendarRun;
    use crate::schema::ColumnId;

    fn find(days: impl Iterator<Item = i32>) -> Option<CalendarRun> {
        let array: ArrayRef = Arc::new(Date32Array::from_iter_values(days));
        CalendarRun::find(ColumnId(1), &array)
    }

    #[test]
    fn every_day_in_any_order_is_a_calendar_that_runs_on() {
        let run = find((0..400).map(|row| 9862 + row * 7 % 400)).expect("all days, each once");

        let days: ArrayRef = Arc::new(Date32Array::from_iter_values(9862..9862 + 500));
        assert_eq!(&run.times(0..500), &days);
        assert_eq!(run.begin().as_deref(), Some("1997-01-01"));
    }

    #[test]
    fn days_with_gaps_or_twice_are_none() {
        assert_eq!(find((0..400).map(|row| row / 2)), None);
        assert_eq!(find((0..400).map(|row| row * row)), None);
        assert_eq!(find(0..50), None, "too few");
    }
}
