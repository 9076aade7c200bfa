//! Making generated rows obey the relations found in the data.

use std::{collections::BTreeMap, sync::Arc};

use arrow_array::{
    Array, ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, StringArray,
    Time64MicrosecondArray, TimestampMicrosecondArray,
};
use arrow_schema::DataType as ArrowType;

use crate::{
    data::TableData,
    schema::{ColumnId, DataType, Storage, Table},
    seed::spread,
};

use super::{
    TableRules,
    across::Given,
    eval::order,
    evidence::key,
    factors::{multiple, numbers_of, remember},
    grid::{Toward, on_grid, settle_on_grids},
    relation::{Rule, rounded},
    value::{Value, take_rows},
};

/// Rounds of mending: what one rule moves can disturb another, as a swap does in a chain a ≤ b ≤ c.
const PASSES: usize = 6;

/// Applies found `rules` to rows. What is `given` comes first and stays; then, until all is quiet, columns are computed
/// (and added where `rows` lacks them), made null or filled, moved behind their limits, and put in order. Returns the
/// rows and the number of values changed; values of added and given columns are not counted.
#[must_use]
pub fn enforce(rules: &[Rule], table: &Table, rows: TableData, given: &Given) -> (TableData, usize) {
    let mut rows = rows;
    settle_on_grids(table, &mut rows);
    let before = rows.clone();
    remember(rules, &mut rows);
    for (column, values) in &given.values {
        rows.set(*column, values.clone());
    }
    for pass in 0..PASSES {
        let mut busy = false;
        for rule in rules {
            if rule.decides().is_some_and(|to| !given.is_given(to)) {
                busy |= match rule {
                    Rule::NullWhen { from, to, values, any_value, .. } => {
                        decide_nulls(&mut rows, *from, *to, values, *any_value)
                    }
                    _ => compute(rule, table, &mut rows),
                };
            }
        }
        busy |= given.keep_limits(&mut rows, pass > 0);
        for rule in rules {
            if let Rule::Ordering { low, high, .. } = rule {
                busy |= order_pair(table, &mut rows, *low, *high, given);
            }
        }
        if !busy {
            break;
        }
    }
    // What all rows of an ancestor share was drawn for each of them, to be overwritten: that is no mending.
    let drawn = before.columns.iter().zip(&before.arrays).filter(|(column, _)| !given.is_given(**column));
    let changed =
        drawn.map(|(column, old)| rows.column(*column).map_or(0, |new| differences(old, new))).sum();
    let rows = rows.select(|column| column.0 < table.columns.len());
    (rows, changed)
}

/// What [`recompute`] did.
#[derive(Debug, Clone)]
pub struct Recomputed {
    /// The rows.
    pub rows: TableData,
    /// Values that are others than before.
    pub changed: usize,
    /// Rows left as they were, because the computed values break a CHECK, a type or a NOT NULL.
    pub left: usize,
}

/// Puts what the children add up to into finished rows, and what depends on it inside the row. `totals` holds the
/// values per aggregate of `rules` (`None` where the sampled one stays), `given` what the ancestors decide.
#[must_use]
pub fn recompute(
    rules: &TableRules,
    table: &Table,
    rows: &TableData,
    totals: &[Vec<Option<Value>>],
    given: &Given,
) -> Recomputed {
    let mut given = given.clone();
    // A value that does not fit stays out alone; a row that breaks a CHECK stays as it was.
    let mut refused = vec![false; rows.row_count];
    let mut left_alone = refused.clone();
    for (rule, values) in rules.aggregates.iter().zip(totals) {
        let (column, Some(own)) = (table.column(rule.to), rows.column(rule.to)) else { continue };
        let fits = |value: &Value| {
            if value.is_null() { column.nullable } else { within(&column.data_type, value) }
        };
        let values: Vec<Value> = (values.iter().enumerate())
            .map(|(row, value)| {
                let fitting = value.clone().filter(&fits);
                refused[row] |= value.is_some() && fitting.is_none();
                fitting.unwrap_or_else(|| Value::read(own, row))
            })
            .collect();
        given.values.extend(build(&column.data_type, &values).map(|array| (rule.to, array)));
    }
    let bad_before = rules.violations(rows);
    let (new, _) = enforce(&rules.discovered, table, rows.clone(), &given);
    for ((left, before), after) in left_alone.iter_mut().zip(bad_before).zip(rules.violations(&new)) {
        *left |= after && !before;
    }
    let count = rows.row_count as u32;
    let index: Vec<u32> =
        (0..count).map(|row| if left_alone[row as usize] { row } else { count + row }).collect();
    let same_columns = new.select(|column| rows.columns.contains(&column));
    let mixed =
        TableData::concat(&[rows.clone(), same_columns]).map_or_else(|| rows.clone(), |all| all.take(&index));
    let changed = rows.arrays.iter().zip(&mixed.arrays).map(|(old, new)| differences(old, new)).sum();
    Recomputed {
        rows: mixed,
        changed,
        left: left_alone.iter().zip(&refused).filter(|(left, refused)| **left || **refused).count(),
    }
}

fn differences(old: &ArrayRef, new: &ArrayRef) -> usize {
    if Arc::ptr_eq(old, new) {
        return 0;
    }
    (0..old.len()).filter(|row| Value::read(old, *row) != Value::read(new, *row)).count()
}

/// Mends each row that breaks `low ≤ high`; true if any did. Dates change places. Of numbers the lower one is cut to
/// the higher: exchanged, a year could become 5. As every observed row keeps the order, a value stays inside the range
/// of its new column either way. Beside a given column the other one gives way.
fn order_pair(table: &Table, rows: &mut TableData, low: ColumnId, high: ColumnId, given: &Given) -> bool {
    let (Some(lows), Some(highs)) = (rows.column(low).cloned(), rows.column(high).cloned()) else {
        return false;
    };
    if lows.data_type() != highs.data_type() {
        return false;
    }
    let count = rows.row_count as u32;
    let mut index: Vec<u32> = (0..count).collect();
    let mut broken = false;
    for row in 0..count {
        let (x, y) = (Value::read(&lows, row as usize), Value::read(&highs, row as usize));
        if order(&x, &y, false).is_some_and(std::cmp::Ordering::is_gt) {
            index[row as usize] = count + row;
            broken = true;
        }
    }
    if !broken {
        return false;
    }
    let pick = |own: &ArrayRef, other: &ArrayRef| {
        let part = |array: &ArrayRef| TableData::new(vec![ColumnId(0)], vec![array.clone()], rows.row_count);
        TableData::concat(&[part(own), part(other)]).map(|both| take_rows(&both.arrays[0], &index))
    };
    let numbers = matches!(lows.data_type(), ArrowType::Int64 | ArrowType::Float64);
    let (low_stays, high_stays) =
        (given.is_given(low), given.is_given(high) || numbers && !given.is_given(low));
    let new_low = pick(&lows, &highs).filter(|_| !low_stays);
    let new_high = pick(&highs, &lows).filter(|_| !high_stays);
    let moved = new_low.is_some() || new_high.is_some();
    // The other's value may lie between two points of a column's own grid: away from each other they stay in order.
    for (column, array, toward) in [(low, new_low, Toward::Lower), (high, new_high, Toward::Higher)] {
        if let Some(array) = array {
            let settled = on_grid(table.column(column), &array, toward);
            rows.set(column, settled.unwrap_or(array));
        }
    }
    moved
}

/// Computes the column of a rule; true if a value changed or the column is new.
fn compute(rule: &Rule, table: &Table, rows: &mut TableData) -> bool {
    let Some(to) = rule.decides() else { return false };
    let sources: Option<Vec<ArrayRef>> = rule.reads().iter().map(|id| rows.column(*id).cloned()).collect();
    let Some(sources) = sources else { return false };
    let old = rows.column(to).cloned();
    let factors = match rule {
        Rule::Ratio { factors, decimals, .. } => {
            rows.column(numbers_of(to)).map(|numbers| (factors, *decimals, numbers.clone()))
        }
        _ => None,
    };
    let map = ValueMap::new(rule);
    let values: Vec<Value> = (0..rows.row_count)
        .map(|row| {
            let from: Vec<Value> = sources.iter().map(|source| Value::read(source, row)).collect();
            let kept = old.as_ref().map(|old| Value::read(old, row));
            match (&map, from.first()) {
                (_, Some(from)) if let Some((factors, decimals, numbers)) = &factors => {
                    let product = multiple(factors, from, &Value::read(numbers, row));
                    let product = product.map(|product| decimals.map_or(product, |d| rounded(product, d)));
                    product.map_or(Value::Null, Value::Float)
                }
                (Some(map), Some(from)) => map.value(from, kept),
                _ => rule.predict(&from, kept.as_ref()).or(kept).unwrap_or(Value::Null),
            }
        })
        .collect();
    let values: Vec<Value> = match table.column(to).data_type {
        // Amounts are numbers: what comes of a float that is none stays as it was drawn.
        DataType::Decimal { precision: Some(_), .. } => {
            let drawn = |row: usize| old.as_ref().map(|old| Value::read(old, row)).filter(is_number);
            let instead = if table.column(to).nullable { Value::Null } else { Value::Float(0.0) };
            let kept =
                |(row, value)| if is_number(&value) { value } else { drawn(row).unwrap_or(instead.clone()) };
            values.into_iter().enumerate().map(kept).collect()
        }
        _ => values,
    };
    let Some(array) = build(&table.column(to).data_type, &values) else { return false };
    let array = on_grid(table.column(to), &array, Toward::Nearest).unwrap_or(array);
    let changed = old.is_none_or(|old| differences(&old, &array) > 0);
    if changed {
        rows.set(to, array);
    }
    changed
}

/// False for floats that are no numbers, or beyond all.
fn is_number(value: &Value) -> bool {
    !matches!(value, Value::Float(float) if !float.is_finite())
}

/// Makes `to` null exactly where `from` says; a value that must be known comes from another row that has one.
fn decide_nulls(
    rows: &mut TableData,
    from: ColumnId,
    to: ColumnId,
    values: &[Value],
    any_value: bool,
) -> bool {
    let (Some(source), Some(own)) = (rows.column(from).cloned(), rows.column(to).cloned()) else {
        return false;
    };
    let listed: Vec<String> = values.iter().map(key).collect();
    let absent = |row: usize| {
        if any_value { source.is_null(row) } else { listed.contains(&key(&Value::read(&source, row))) }
    };
    let count = rows.row_count;
    let wanted: Vec<bool> = (0..count).map(absent).collect();
    if (0..count).all(|row| wanted[row] == own.is_null(row)) {
        return false;
    }
    let donors: Vec<u32> = (0..count as u32).filter(|row| !own.is_null(*row as usize)).collect();
    let index: Vec<u32> = (0..count as u32)
        .map(|row| match (wanted[row as usize], own.is_null(row as usize), donors.len()) {
            (true, ..) => crate::data::NO_ROW,
            // A fixed hash of the row spreads the donors without a random stream.
            (false, true, 1..) => donors[spread(row as usize, 0, donors.len())],
            _ => row,
        })
        .collect();
    let Some(array) = take_or_null(&own, &index) else { return false };
    let changed = differences(&own, &array) > 0;
    rows.set(to, array);
    changed
}

/// A determination, ready to be looked up.
struct ValueMap<'a> {
    exact: BTreeMap<String, &'a Value>,
    /// By place on the line of `from`, ascending; empty for texts.
    placed: Vec<(f64, &'a Value)>,
    otherwise: &'a Value,
}

impl<'a> ValueMap<'a> {
    fn new(rule: &'a Rule) -> Option<Self> {
        let Rule::Determines { pairs, otherwise, .. } = rule else { return None };
        let exact = pairs.iter().map(|(x, y)| (key(x), y)).collect();
        let mut placed: Vec<(f64, &Value)> = pairs.iter().filter_map(|(x, y)| Some((place(x)?, y))).collect();
        placed.sort_by(|a, b| a.0.total_cmp(&b.0));
        Some(Self { exact, placed, otherwise })
    }

    /// The value decided by `x`. For an `x` never seen: that of the nearest one on its line, else the `old` value, else
    /// the most frequent.
    fn value(&self, x: &Value, old: Option<Value>) -> Value {
        if let Some(value) = self.exact.get(&key(x)) {
            return (*value).clone();
        }
        let nearest = place(x).and_then(|at| {
            let above = self.placed.partition_point(|(place, _)| *place < at);
            let beside = [above.checked_sub(1), Some(above)].into_iter().flatten();
            beside
                .filter_map(|index| self.placed.get(index))
                .min_by(|a, b| (a.0 - at).abs().total_cmp(&(b.0 - at).abs()))
                .map(|(_, value)| (*value).clone())
        });
        nearest.or(old).unwrap_or_else(|| self.otherwise.clone())
    }
}

/// The rows of an array, null where the index is [`crate::data::NO_ROW`].
fn take_or_null(array: &ArrayRef, index: &[u32]) -> Option<ArrayRef> {
    let rows: arrow_array::UInt32Array =
        index.iter().map(|row| (*row != crate::data::NO_ROW).then_some(*row)).collect();
    arrow_select::take::take(array.as_ref(), &rows, None).ok()
}

/// True if a number is one that a column of this type can hold.
fn within(data_type: &DataType, value: &Value) -> bool {
    let Some(number) = value.number() else { return true };
    let (low, high) = range(data_type);
    (low..=high).contains(&number)
}

/// The range of numbers that a type holds.
fn range(data_type: &DataType) -> (f64, f64) {
    match data_type {
        DataType::Integer { min, max } => (*min as f64, *max as f64),
        DataType::Decimal { precision: Some(precision), scale } => {
            let scale = scale.unwrap_or(0);
            let most = 10_f64.powi(*precision as i32 - scale) - 10_f64.powi(-scale);
            (-most, most)
        }
        _ => (f64::NEG_INFINITY, f64::INFINITY),
    }
}

/// An array of a type's storage from values; what is of another kind is null, a number too large the largest there is.
/// `None` for bytes.
pub(super) fn build(data_type: &DataType, values: &[Value]) -> Option<ArrayRef> {
    fn each<T>(values: &[Value], read: impl Fn(&Value) -> Option<T>) -> Vec<Option<T>> {
        values.iter().map(read).collect()
    }
    let (low, high) = range(data_type);
    Some(match data_type.storage() {
        Storage::Boolean => Arc::new(BooleanArray::from(each(values, Value::truth))),
        Storage::Integer => Arc::new(Int64Array::from(each(values, |value| match value {
            Value::Integer(value) => Some(*value),
            other => other.number().map(|number| number.round().clamp(low, high) as i64),
        }))),
        Storage::Float => {
            Arc::new(Float64Array::from(each(values, |value| Some(value.number()?.clamp(low, high)))))
        }
        Storage::Text => Arc::new(StringArray::from(each(values, Value::text))),
        Storage::Date => Arc::new(Date32Array::from(each(values, |value| match value {
            Value::Date(value) => Some(*value),
            _ => None,
        }))),
        Storage::Time => Arc::new(Time64MicrosecondArray::from(each(values, |value| match value {
            Value::Time(value) => Some(*value),
            _ => None,
        }))),
        Storage::Timestamp => Arc::new(TimestampMicrosecondArray::from(each(values, |value| match value {
            Value::Timestamp(value) => Some(*value),
            _ => None,
        }))),
        Storage::Bytes => return None,
    })
}

/// True if two values are one, as numbers of whatever type.
pub(super) fn order_equal(one: &Value, other: &Value) -> bool {
    one == other || order(one, other, false).is_some_and(std::cmp::Ordering::is_eq)
}

/// A value as a number of its own line; NaN has no place.
pub(super) fn place(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(value) | Value::Time(value) | Value::Timestamp(value) => Some(*value as f64),
        Value::Float(value) => (!value.is_nan()).then_some(*value),
        Value::Date(value) => Some(f64::from(*value)),
        _ => None,
    }
}
