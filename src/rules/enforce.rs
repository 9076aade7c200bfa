//! Making generated rows obey the relations found in the data.

use std::{collections::BTreeMap, sync::Arc};

use arrow_array::{
    Array, ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, StringArray,
    Time64MicrosecondArray, TimestampMicrosecondArray,
};
use arrow_schema::DataType as ArrowType;

use crate::{
    data::TableData,
    schema::{ColumnId, Storage, Table},
};

use super::{
    discover::{Rule, place},
    eval::order,
    value::Value,
};

/// Passes over the orderings: a swap can disturb a chain a ≤ b ≤ c.
const PASSES: usize = 4;

/// Applies `rules` of [`super::discover`] to rows: values that break an ordering are mended, computed columns are
/// computed (and added where `rows` lacks them). Returns the rows and the number of values changed; values of
/// added columns are not counted.
#[must_use]
pub fn enforce(rules: &[Rule], table: &Table, rows: TableData) -> (TableData, usize) {
    let mut rows = rows;
    let mut changed = 0;
    for _ in 0..PASSES {
        let mut quiet = true;
        for rule in rules {
            if let Rule::Ordering { low, high, .. } = rule {
                let now = order_pair(&mut rows, *low, *high);
                changed += now;
                quiet &= now == 0;
            }
        }
        if quiet {
            break;
        }
    }
    for rule in rules {
        changed += compute(rule, table, &mut rows);
    }
    (rows, changed)
}

fn index_of(rows: &TableData, column: ColumnId) -> Option<usize> {
    rows.columns.iter().position(|held| *held == column)
}

/// Mends each row that breaks `low ≤ high`; returns the values changed. Dates change places. Of numbers the lower one is
/// cut to the higher: exchanged, a year could become 5. As every observed row keeps the order, a value stays inside
/// the range of its new column either way.
fn order_pair(rows: &mut TableData, low: ColumnId, high: ColumnId) -> usize {
    let (Some(low), Some(high)) = (index_of(rows, low), index_of(rows, high)) else { return 0 };
    let (lows, highs) = (rows.arrays[low].clone(), rows.arrays[high].clone());
    if lows.data_type() != highs.data_type() {
        return 0;
    }
    let count = rows.row_count as u32;
    let broken: Vec<u32> = (0..count)
        .filter(|row| {
            let (x, y) = (Value::read(&lows, *row as usize), Value::read(&highs, *row as usize));
            order(&x, &y, false).is_some_and(std::cmp::Ordering::is_gt)
        })
        .collect();
    if broken.is_empty() {
        return 0;
    }
    let pick = |own: &ArrayRef, other: &ArrayRef| {
        let part = |array: &ArrayRef| TableData::new(vec![ColumnId(0)], vec![array.clone()], rows.row_count);
        let mut index: Vec<u32> = (0..count).collect();
        for row in &broken {
            index[*row as usize] = count + row;
        }
        TableData::concat(&[part(own), part(other)]).map(|both| both.take(&index).arrays.remove(0))
    };
    let numbers = matches!(lows.data_type(), ArrowType::Int64 | ArrowType::Float64);
    let new_high = if numbers { Some(highs.clone()) } else { pick(&highs, &lows) };
    if let (Some(new_low), Some(new_high)) = (pick(&lows, &highs), new_high) {
        rows.arrays[low] = new_low;
        rows.arrays[high] = new_high;
    }
    if numbers { broken.len() } else { 2 * broken.len() }
}

/// Computes the column of a rule; returns how many values changed.
fn compute(rule: &Rule, table: &Table, rows: &mut TableData) -> usize {
    let Some((to, from)) = rule.computes() else { return 0 };
    let Some(source) = rows.column(from).cloned() else { return 0 };
    let old = rows.column(to).cloned();
    let map = ValueMap::new(rule);
    let values: Vec<Value> = (0..rows.row_count)
        .map(|row| {
            let x = Value::read(&source, row);
            let kept = old.as_ref().map(|old| Value::read(old, row));
            match &map {
                Some(map) => map.value(&x, kept),
                None => rule.predict(&x).or(kept).unwrap_or(Value::Null),
            }
        })
        .collect();
    let Some(array) = build(table.column(to).data_type.storage(), &values) else { return 0 };
    match index_of(rows, to) {
        Some(index) => {
            let before = &rows.arrays[index];
            let changed = (0..rows.row_count)
                .filter(|row| Value::read(before, *row) != Value::read(&array, *row))
                .count();
            rows.arrays[index] = array;
            changed
        }
        None => {
            rows.columns.push(to);
            rows.arrays.push(array);
            0
        }
    }
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

fn key(value: &Value) -> String {
    value.text().map_or_else(|| "n".to_owned(), |text| format!("v{text}"))
}

/// An array of `storage` from values; what does not fit it is null. `None` for bytes.
fn build(storage: Storage, values: &[Value]) -> Option<ArrayRef> {
    fn each<T>(values: &[Value], read: impl Fn(&Value) -> Option<T>) -> Vec<Option<T>> {
        values.iter().map(read).collect()
    }
    Some(match storage {
        Storage::Boolean => Arc::new(BooleanArray::from(each(values, Value::truth))),
        Storage::Integer => Arc::new(Int64Array::from(each(values, |value| match value {
            Value::Integer(value) => Some(*value),
            other => other.number().map(|number| number.round() as i64),
        }))),
        Storage::Float => Arc::new(Float64Array::from(each(values, Value::number))),
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
