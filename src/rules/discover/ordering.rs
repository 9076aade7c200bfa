//! One number or time never above another.

use std::collections::{BTreeMap, BTreeSet};

use arrow_schema::DataType as ArrowType;

use crate::schema::ColumnId;

use super::{
    super::{
        enforce::place,
        eval::order,
        evidence::{LEAST_EXPECTED, LEAST_ORDERED_ROWS},
        relation::Rule,
        value::Value,
    },
    Candidate,
};

/// Share of rows that shuffled numbers must break an ordering in: otherwise the ranges hardly meet, and nothing is won.
const LEAST_BROKEN_SHARE: f64 = 0.01;

/// Pairs with `low ≤ high` in every row, without those that follow from two others.
pub(super) fn orderings(columns: &[&Candidate<'_>], given: &BTreeSet<ColumnId>) -> Vec<Rule> {
    let ordered = |data_type: &ArrowType| !matches!(data_type, ArrowType::Boolean | ArrowType::Utf8);
    let mut found: BTreeMap<(ColumnId, ColumnId), usize> = BTreeMap::new();
    for low in columns {
        for high in columns {
            let comparable = low.id != high.id
                && !(given.contains(&low.id) && given.contains(&high.id))
                && ordered(low.array.data_type())
                && low.array.data_type() == high.array.data_type();
            if comparable && let Some(rows) = ordered_rows(low, high) {
                found.insert((low.id, high.id), rows);
            }
        }
    }
    let pairs: BTreeSet<(ColumnId, ColumnId)> = found.keys().copied().collect();
    let implied = |low: ColumnId, high: ColumnId| {
        columns.iter().any(|middle| pairs.contains(&(low, middle.id)) && pairs.contains(&(middle.id, high)))
    };
    found
        .into_iter()
        .filter(|((low, high), _)| !implied(*low, *high))
        .map(|((low, high), rows)| Rule::Ordering { low, high, rows })
        .collect()
}

/// Rows with both values if `low ≤ high` in all of them and independent columns would break that.
fn ordered_rows(low: &Candidate<'_>, high: &Candidate<'_>) -> Option<usize> {
    let breaks = |x: &Value, y: &Value| {
        !x.is_null() && !y.is_null() && !order(x, y, false).is_some_and(std::cmp::Ordering::is_le)
    };
    let mut strict = false;
    let (mut lows, mut highs) = (Vec::new(), Vec::new());
    for (x, y) in low.sample.iter().zip(&high.sample) {
        if breaks(x, y) {
            return None;
        }
        if let (Some(a), Some(b)) = (place(x), place(y)) {
            strict |= a < b;
            lows.push(a);
            highs.push(b);
        }
    }
    let number = matches!(low.array.data_type(), ArrowType::Int64 | ArrowType::Float64);
    let share = if number { LEAST_BROKEN_SHARE * lows.len() as f64 } else { 0.0 };
    if !strict
        || (number && !(low.is_quantity() && high.is_quantity()))
        || expected_breaks(lows, highs) < share.max(LEAST_EXPECTED)
    {
        return None;
    }
    let mut rows = 0;
    for row in 0..low.array.len() {
        let (x, y) = (Value::read(low.array, row), Value::read(high.array, row));
        if breaks(&x, &y) {
            return None;
        }
        rows += usize::from(!x.is_null() && !y.is_null());
    }
    (rows >= LEAST_ORDERED_ROWS).then_some(rows)
}

/// Rows in which `low > high` if the two columns were shuffled against each other.
fn expected_breaks(mut lows: Vec<f64>, mut highs: Vec<f64>) -> f64 {
    lows.sort_by(f64::total_cmp);
    highs.sort_by(f64::total_cmp);
    let mut below = 0;
    let mut breaks = 0_u64;
    for low in &lows {
        while below < highs.len() && highs[below] < *low {
            below += 1;
        }
        breaks += below as u64;
    }
    breaks as f64 / highs.len().max(1) as f64
}
