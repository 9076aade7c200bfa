//! One value decides another.

use std::collections::BTreeMap;

use arrow_array::Array;
use arrow_schema::DataType as ArrowType;

use crate::privacy::Guard;

use super::{
    super::{
        evidence::{LEAST_EXPECTED, key},
        relation::Rule,
        value::Value,
    },
    Candidate, MAX_VALUES,
};

/// Rows per value, on average, of a number that determines another column.
const LEAST_NUMBER_ROWS: usize = 10;

/// Improbability, in nats, of one partner per value among independent columns: rows of one family may be alike, so more
/// than a search would need.
const LEAST_SURPRISE: f64 = 100.0;

/// Share of the rows whose pair must be kept where labels are paired: a label that is not would get the most frequent
/// one beside it.
const COVERED: f64 = 0.995;

/// True if, in the sample, every value of `from` comes with one value of `to`, and that is no chance.
pub(super) fn decides(from: &Candidate<'_>, to: &Candidate<'_>) -> bool {
    let nameable = match from.array.data_type() {
        ArrowType::Utf8 | ArrowType::Boolean => true,
        // Numbers and days must repeat enough for generated ones to be among those seen.
        ArrowType::Int64 | ArrowType::Date32 => from.counts.len() * LEAST_NUMBER_ROWS <= from.sample.len(),
        _ => false,
    };
    if !nameable || from.counts.len() < to.counts.len() || to.counts.len() < 2 {
        return false;
    }
    let mut partner: Vec<Option<u32>> = vec![None; from.counts.len()];
    for (x, y) in from.codes.iter().zip(&to.codes) {
        if *partner[*x as usize].get_or_insert(*y) != *y {
            return false;
        }
    }
    let rows = to.sample.len() as f64;
    let shares: Vec<f64> = to.counts.iter().map(|count| *count as f64 / rows).collect();
    let (mut expected, mut surprise) = (0.0, 0.0);
    for size in &from.counts {
        let one_value: f64 = shares.iter().map(|share| share.powi(*size as i32)).sum();
        expected += 1.0 - one_value;
        surprise -= one_value.max(f64::MIN_POSITIVE).ln();
        // Many values that would have shown an exception each, or a few with rows enough for any number of them.
        if expected >= LEAST_EXPECTED || surprise >= LEAST_SURPRISE {
            return true;
        }
    }
    false
}

/// The value map from every row, of the pairs that enough entities have; `None` if some row breaks it.
pub(super) fn determination(from: &Candidate<'_>, to: &Candidate<'_>, guard: Guard<'_>) -> Option<Rule> {
    let mut seen: BTreeMap<String, (Value, Value, Vec<usize>)> = BTreeMap::new();
    let mut frequency: BTreeMap<String, (Value, Vec<usize>)> = BTreeMap::new();
    for row in 0..from.array.len() {
        let (x, y) = (Value::read(from.array, row), Value::read(to.array, row));
        frequency.entry(key(&y)).or_insert_with(|| (y.clone(), Vec::new())).1.push(row);
        let entry = seen.entry(key(&x)).or_insert_with(|| (x, y.clone(), Vec::new()));
        entry.2.push(row);
        if entry.1 != y || seen.len() > MAX_VALUES {
            return None;
        }
    }
    let (otherwise, most) = frequency.into_values().max_by_key(|(_, rows)| rows.len())?;
    if !guard.enough(most.into_iter()) {
        return None;
    }
    let kept: Vec<(Value, Value, Vec<usize>)> =
        seen.into_values().filter(|(.., rows)| guard.enough(rows.iter().copied())).collect();
    let covered: usize = kept.iter().map(|(.., rows)| rows.len()).sum();
    let labelled = [from, to].iter().any(|side| *side.array.data_type() == ArrowType::Utf8);
    if labelled && (covered as f64) < COVERED * from.array.len() as f64 {
        return None;
    }
    let pairs = kept.into_iter().map(|(x, y, _)| (x, y)).collect();
    Some(Rule::Determines { from: from.id, to: to.id, pairs, otherwise, rows: from.array.len() })
}
