//! What is decided before a row's own rules: values of its ancestors, and times it may not pass.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, Date32Array, TimestampMicrosecondArray,
    cast::AsArray,
    types::{Date32Type, TimestampMicrosecondType},
};
use arrow_schema::{DataType as ArrowType, TimeUnit};
use arrow_select::interleave::interleave;

use crate::{
    data::{NO_ROW, TableData},
    schema::ColumnId,
    seed::spread,
};

use super::{
    super::value::{Value, take_rows},
    Inheritance, Inherited,
};

const DAY: i64 = 86_400_000_000;

/// What a path of foreign keys led to, per row.
#[derive(Debug, Clone)]
pub enum Heirloom {
    /// The ancestor's value; null without an ancestor.
    Values(ArrayRef),
    /// The ancestor row, [`NO_ROW`] without one.
    Ancestors(Vec<u32>),
    /// One of some values, by its place among them; [`NO_ROW`] leaves the row its own.
    Chosen {
        /// The values.
        values: ArrayRef,
        /// The place of each row's value.
        places: Vec<u32>,
    },
}

/// Values and limits that rows get from elsewhere, aligned with them.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// Columns that have these values and no others.
    pub values: Vec<(ColumnId, ArrayRef)>,
    limits: Vec<Limit>,
}

/// A time that a column may not pass.
#[derive(Debug, Clone)]
struct Limit {
    column: ColumnId,
    /// True if the column is never before it, false if never after it.
    before: bool,
    times: ArrayRef,
}

impl Given {
    /// What `rows` get, by rule. For a value that all rows of an ancestor share the first of them counts.
    #[must_use]
    pub fn new(rules: &[(&Inherited, Heirloom)], rows: &TableData) -> Self {
        let mut given = Self::default();
        for (rule, heirloom) in rules {
            match (rule.how, heirloom) {
                (Inheritance::Copy(_), Heirloom::Values(values)) => {
                    given.values.push((rule.to, values.clone()));
                }
                (Inheritance::Shared, Heirloom::Ancestors(ancestors)) => {
                    if let Some(own) = rows.column(rule.to) {
                        given.values.push((rule.to, take_rows(own, &firsts(ancestors))));
                    }
                }
                (Inheritance::Shared, Heirloom::Chosen { values, places }) => {
                    let own = rows.column(rule.to);
                    given.values.extend(own.and_then(|own| Some((rule.to, chosen(own, values, places)?))));
                }
                (Inheritance::NotBefore(_) | Inheritance::NotAfter(_), Heirloom::Values(times)) => {
                    let before = matches!(rule.how, Inheritance::NotBefore(_));
                    given.limits.push(Limit { column: rule.to, before, times: times.clone() });
                }
                _ => {}
            }
        }
        given
    }

    /// Adds numbers borrowed from ancestors, under the names that rules know them by.
    #[must_use]
    pub fn with_borrowed(mut self, borrowed: Vec<(ColumnId, ArrayRef)>) -> Self {
        self.values.extend(borrowed);
        self
    }

    /// That of some rows.
    #[must_use]
    pub fn take(&self, rows: &[u32]) -> Self {
        let values = self.values.iter().map(|(id, values)| (*id, take_rows(values, rows))).collect();
        let part = |limit: &Limit| Limit { times: take_rows(&limit.times, rows), ..limit.clone() };
        Self { values, limits: self.limits.iter().map(part).collect() }
    }

    /// The rows whose values of some columns are not those given.
    #[must_use]
    pub fn differing(&self, rows: &TableData, columns: impl Iterator<Item = ColumnId>) -> Vec<u32> {
        let mut differs = vec![false; rows.row_count];
        for column in columns {
            let given = self.values.iter().find(|(id, _)| *id == column);
            let (Some((_, given)), Some(own)) = (given, rows.column(column)) else { continue };
            for (row, differs) in differs.iter_mut().enumerate() {
                *differs |= Value::read(given, row) != Value::read(own, row);
            }
        }
        (0..rows.row_count as u32).filter(|row| differs[*row as usize]).collect()
    }

    /// The columns whose values are given.
    pub(in crate::rules) fn is_given(&self, column: ColumnId) -> bool {
        self.values.iter().any(|(given, _)| *given == column)
    }

    /// Moves times that pass a limit: by as much behind it as another row is, or `tightly` onto it. Returns whether
    /// any moved.
    pub(in crate::rules) fn keep_limits(&self, rows: &mut TableData, tightly: bool) -> bool {
        let mut moved = false;
        for limit in self.limits.iter().filter(|limit| !self.is_given(limit.column)) {
            let Some(own) = rows.column(limit.column).cloned() else { continue };
            if let Some(array) = limit.kept(&own, tightly) {
                rows.set(limit.column, array);
                moved = true;
            }
        }
        moved
    }
}

/// Values by their places, and a row's own where it has none.
fn chosen(own: &ArrayRef, values: &ArrayRef, places: &[u32]) -> Option<ArrayRef> {
    let pick = places.iter().enumerate().map(|(row, place)| match *place {
        NO_ROW => (0, row),
        place => (1, place as usize),
    });
    interleave(&[own.as_ref(), values.as_ref()], &pick.collect::<Vec<_>>()).ok()
}

/// Per row, the first row with the same ancestor; itself without one.
fn firsts(ancestors: &[u32]) -> Vec<u32> {
    let most = ancestors.iter().filter(|row| **row != NO_ROW).max().map_or(0, |row| *row as usize + 1);
    let mut first = vec![NO_ROW; most];
    (0..ancestors.len() as u32)
        .zip(ancestors)
        .map(|(row, ancestor)| match first.get_mut(*ancestor as usize) {
            Some(first) if *first == NO_ROW => {
                *first = row;
                row
            }
            Some(first) => *first,
            None => row,
        })
        .collect()
}

impl Limit {
    /// The column with every time on the right side; `None` if it is already.
    fn kept(&self, own: &ArrayRef, tightly: bool) -> Option<ArrayRef> {
        let by_day = own.data_type() != self.times.data_type();
        let sign = if self.before { 1 } else { -1 };
        // How far each row is on the right side; negative on the wrong one.
        let distance =
            |row: usize| Some((moment(own, row, by_day)? - moment(&self.times, row, by_day)?) * sign);
        let distances: Vec<Option<i64>> = (0..own.len()).map(distance).collect();
        let broken: Vec<usize> =
            (0..own.len()).filter(|row| distances[*row].is_some_and(|distance| distance < 0)).collect();
        if broken.is_empty() {
            return None;
        }
        let donors: Vec<i64> =
            distances.iter().copied().flatten().filter(|distance| *distance >= 0).collect();
        let scale = if by_day && own.data_type() != &ArrowType::Date32 { DAY } else { 1 };
        let grid = grid(own);
        let mut times: Vec<Option<i64>> = (0..own.len()).map(|row| moment(own, row, false)).collect();
        for row in broken {
            let (Some(time), Some(distance)) = (times[row], distances[row]) else { continue };
            // A fixed hash of the row chooses whose distance it gets.
            let further = match donors.len() {
                0 => 0,
                _ if tightly => 0,
                count => donors[spread(row, 0, count)],
            };
            let wanted = time + (further - distance) * sign * scale;
            // Back onto the column's grid, never back over the limit.
            let below = wanted.div_euclid(grid) * grid;
            let on_grid = if below == wanted || !self.before { below } else { below + grid };
            times[row] = Some(on_grid);
        }
        Some(match own.data_type() {
            ArrowType::Date32 => {
                let days = times.iter().map(|time| time.and_then(|days| i32::try_from(days).ok()));
                Arc::new(days.collect::<Date32Array>())
            }
            _ => Arc::new(TimestampMicrosecondArray::from(times)),
        })
    }
}

/// The coarsest of some usual units that every time of a column is a multiple of.
fn grid(array: &ArrayRef) -> i64 {
    if *array.data_type() == ArrowType::Date32 {
        return 1;
    }
    let units = [DAY, 3_600_000_000, 60_000_000, 1_000_000, 1000];
    let fits = |unit: &i64| {
        (0..array.len()).filter_map(|row| moment(array, row, false)).all(|time| time.rem_euclid(*unit) == 0)
    };
    units.into_iter().find(fits).unwrap_or(1)
}

/// Values in the type of a column that repeats them: themselves, the days of points in time, or the midnights of days;
/// `None` for others.
#[must_use]
pub fn repeated_as(values: &ArrayRef, wanted: &ArrowType) -> Option<ArrayRef> {
    if values.data_type() == wanted {
        return Some(values.clone());
    }
    match (values.data_type(), wanted) {
        (ArrowType::Timestamp(TimeUnit::Microsecond, _), ArrowType::Date32) => {
            let times = values.as_primitive::<TimestampMicrosecondType>();
            let day = |time: i64| match time {
                // The infinities.
                i64::MAX => i32::MAX,
                i64::MIN => i32::MIN,
                _ => time.div_euclid(DAY) as i32,
            };
            Some(Arc::new(times.iter().map(|time| time.map(day)).collect::<Date32Array>()))
        }
        (ArrowType::Date32, ArrowType::Timestamp(TimeUnit::Microsecond, _)) => {
            let days = values.as_primitive::<Date32Type>();
            let midnight = |day: i32| match day {
                i32::MAX => i64::MAX,
                i32::MIN => i64::MIN,
                _ => i64::from(day).saturating_mul(DAY),
            };
            Some(Arc::new(days.iter().map(|day| day.map(midnight)).collect::<TimestampMicrosecondArray>()))
        }
        _ => None,
    }
}

/// A date in days or a time in microseconds, all in days if `by_day`; `None` for null and anything else.
pub(super) fn moment(array: &ArrayRef, row: usize, by_day: bool) -> Option<i64> {
    if array.is_null(row) {
        return None;
    }
    match array.data_type() {
        ArrowType::Date32 => Some(i64::from(array.as_primitive::<Date32Type>().value(row))),
        ArrowType::Timestamp(TimeUnit::Microsecond, _) => {
            let time = array.as_primitive::<TimestampMicrosecondType>().value(row);
            Some(if by_day { time.div_euclid(DAY) } else { time })
        }
        _ => None,
    }
}
