//! Finds what rows owe to an ancestor row: copies of its values, one value for all of its rows, no time before it.

use std::collections::BTreeMap;

use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType as ArrowType;

use crate::{data::NO_ROW, schema::ColumnId};

use super::{
    super::{
        evidence::{LEAST_EXPECTED, LEAST_ORDERED_ROWS, LEAST_PARENTS, LEAST_ROWS, Shuffle, key},
        value::Value,
    },
    Inheritance,
    given::{moment, repeated_as},
};

/// Improbability (in nats) of a copy if each ancestor row's children had one value, drawn like the ancestors' own.
const LEAST_COPY_SURPRISE: f64 = 16.0;

/// Ancestor rows that a copy needs at least.
const LEAST_ANCESTORS: usize = 5;

/// Improbability (in nats) of one value per family if the rows had drawn their own.
const LEAST_SHARED_SURPRISE: f64 = 30.0;

/// Families of two rows or more needed.
const LEAST_FAMILIES: usize = 20;

/// The ancestor row of every row along one path.
pub(super) struct Line {
    /// [`NO_ROW`] where there is none, or none that was observed.
    pub(super) rows: Vec<u32>,
    /// True where there is none.
    pub(super) absent: Vec<bool>,
}

impl Line {
    /// Rows with a known ancestor, with it.
    fn known(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let rows = self.rows.iter().enumerate().filter(|(_, ancestor)| **ancestor != NO_ROW);
        rows.map(|(row, ancestor)| (row, *ancestor as usize))
    }

    /// Ancestor rows that have rows, ascending.
    fn used(&self) -> Vec<usize> {
        let mut used: Vec<usize> = self.known().map(|(_, ancestor)| ancestor).collect();
        used.sort_unstable();
        used.dedup();
        used
    }
}

/// The ancestor rows that show `to` to be a copy of `from`, which is theirs, or of its day.
pub(super) fn copy(line: &Line, to: &ArrayRef, from: &ArrayRef) -> Option<usize> {
    let from = &repeated_as(from, to.data_type())?;
    let mut rows = 0;
    for (row, ancestor) in line.known() {
        if to.is_null(row) != from.is_null(ancestor) || Value::read(to, row) != Value::read(from, ancestor) {
            return None;
        }
        rows += usize::from(!to.is_null(row));
    }
    let unowned = line.absent.iter().enumerate().any(|(row, absent)| *absent && !to.is_null(row));
    let used = line.used();
    if unowned || rows < LEAST_ROWS || used.len() < LEAST_ANCESTORS {
        return None;
    }
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for ancestor in &used {
        *counts.entry(key(&Value::read(from, *ancestor))).or_default() += 1;
    }
    let total = used.len() as f64;
    let sameness: f64 = counts.values().map(|count| (*count as f64 / total).powi(2)).sum();
    (-sameness.ln() * total >= LEAST_COPY_SURPRISE).then_some(used.len())
}

/// The ancestor rows (of two rows or more) that show all their rows to have one value of `to`.
pub(super) fn shared(line: &Line, to: &ArrayRef) -> Option<usize> {
    if line.absent.contains(&true) || to.null_count() == to.len() {
        return None;
    }
    let mut of_ancestor: BTreeMap<usize, (Value, i32)> = BTreeMap::new();
    for (row, ancestor) in line.known() {
        let value = Value::read(to, row);
        match of_ancestor.get_mut(&ancestor) {
            Some((known, count)) if *known == value => *count += 1,
            Some(_) => return None,
            None => {
                of_ancestor.insert(ancestor, (value, 1));
            }
        }
    }
    let mut counts: BTreeMap<String, i32> = BTreeMap::new();
    for (value, count) in of_ancestor.values() {
        *counts.entry(key(value)).or_default() += count;
    }
    let total = f64::from(counts.values().sum::<i32>());
    let shares: Vec<f64> = counts.values().map(|count| f64::from(*count) / total).collect();
    let families: Vec<i32> = of_ancestor.values().map(|(_, size)| *size).filter(|size| *size > 1).collect();
    let mut sizes: BTreeMap<i32, usize> = BTreeMap::new();
    for size in &families {
        *sizes.entry(*size).or_default() += 1;
    }
    let surprise: f64 = sizes
        .iter()
        .map(|(size, count)| {
            let chance: f64 = shares.iter().map(|share| share.powi(*size)).sum();
            -chance.max(1e-300).ln() * *count as f64
        })
        .sum();
    (families.len() >= LEAST_FAMILIES && surprise >= LEAST_SHARED_SURPRISE).then_some(families.len())
}

/// The ancestor rows that show `to` to be never before (or never after) their `from`.
pub(super) fn limit(line: &Line, to: &ArrayRef, from: &ArrayRef, before: bool) -> Option<usize> {
    if !is_time(to) || !is_time(from) {
        return None;
    }
    let by_day = to.data_type() != from.data_type();
    let at = |array: &ArrayRef, row: usize| moment(array, row, by_day);
    let breaks = |own: i64, limit: i64| if before { own < limit } else { own > limit };
    // The row of each ancestor that is nearest to breaking it.
    let mut extremes: BTreeMap<usize, i64> = BTreeMap::new();
    let (mut rows, mut strict) = (0, false);
    for (row, ancestor) in line.known() {
        let (Some(own), Some(limit)) = (at(to, row), at(from, ancestor)) else { continue };
        if breaks(own, limit) {
            return None;
        }
        rows += 1;
        strict |= own != limit;
        let extreme = extremes.entry(ancestor).or_insert(own);
        *extreme = if before { own.min(*extreme) } else { own.max(*extreme) };
    }
    if !strict || rows < LEAST_ORDERED_ROWS || extremes.len() < LEAST_PARENTS {
        return None;
    }
    let pairs: Vec<(i64, i64)> =
        extremes.iter().filter_map(|(ancestor, own)| Some((*own, at(from, *ancestor)?))).collect();
    let shuffle = Shuffle::new(pairs.len());
    let exceptions =
        (0..pairs.len()).filter(|place| breaks(pairs[*place].0, pairs[shuffle.of(*place)].1)).count();
    (exceptions as f64 >= LEAST_EXPECTED).then_some(extremes.len())
}

/// Leaves out the limits that follow from a tighter one on the same column, as the ancestors' rows show.
pub(super) fn tightest(
    found: Vec<(Inheritance, usize)>,
    column: &dyn Fn(ColumnId) -> Option<ArrayRef>,
) -> Vec<(Inheritance, usize)> {
    let looser = |one: &Inheritance, other: &Inheritance| {
        let (before, a, b) = match (one, other) {
            (Inheritance::NotBefore(a), Inheritance::NotBefore(b)) => (true, *a, *b),
            (Inheritance::NotAfter(a), Inheritance::NotAfter(b)) => (false, *a, *b),
            _ => return false,
        };
        let (Some(one), Some(other)) = (column(a), column(b)) else { return false };
        let by_day = one.data_type() != other.data_type();
        let mut strict = false;
        let holds = (0..one.len()).all(|row| {
            match (moment(&one, row, by_day), moment(&other, row, by_day)) {
                (Some(x), Some(y)) => {
                    strict |= x != y;
                    if before { x <= y } else { x >= y }
                }
                // Where the tighter one is unknown, the looser one still binds.
                (known, None) => known.is_none(),
                (None, Some(_)) => true,
            }
        });
        holds && (strict || a > b)
    };
    let keep: Vec<bool> =
        found.iter().map(|(one, _)| !found.iter().any(|(other, _)| looser(one, other))).collect();
    found.into_iter().zip(keep).filter(|(_, keep)| *keep).map(|(found, _)| found).collect()
}

fn is_time(array: &ArrayRef) -> bool {
    matches!(array.data_type(), ArrowType::Date32 | ArrowType::Timestamp(..))
}
