//! A value is there or not because of another: an open order has no closing day.

use std::collections::{BTreeMap, BTreeSet};

use arrow_array::Array;
use arrow_schema::DataType as ArrowType;

use crate::{data::TableData, privacy::Guard, schema::ColumnId};

use super::{
    super::{
        evidence::{LEAST_EXPECTED, LEAST_ROWS, key},
        relation::Rule,
        value::Value,
    },
    depends_on,
};

/// Most values of a column that decides about a null.
const MAX_STATES: usize = 32;

/// Improbability (in nats, −ln of the chance) of a rule among independent columns: e⁻³⁰ leaves room for trying every pair.
const LEAST_SURPRISE: f64 = 30.0;

/// Finds columns that are null exactly where another one is, or has one of a few values. `rows` may hold any columns;
/// those in `given` are read only, and `rules` are known already. A value is kept only if enough entities under
/// `guard` have it.
#[must_use]
pub fn discover_nulls(
    rows: &TableData,
    given: &BTreeSet<ColumnId>,
    rules: &[Rule],
    guard: Guard<'_>,
) -> Vec<Rule> {
    let mut all = rules.to_vec();
    let mut found = Vec::new();
    let count = rows.row_count;
    if count < LEAST_ROWS {
        return found;
    }
    // From the last column to the first, so that the earlier of two decides about the later.
    for (to, array) in rows.columns.iter().zip(&rows.arrays).rev() {
        let nulls = array.null_count();
        let rare = nulls.min(count - nulls);
        let computed = all.iter().any(|rule| rule.computes() == Some(*to));
        if (rare as f64) < LEAST_EXPECTED || given.contains(to) || computed {
            continue;
        }
        let absent: Vec<bool> = (0..count).map(|row| array.is_null(row)).collect();
        let free = |from: &ColumnId| from != to && !depends_on(&all, *from, *to);
        let sources = || rows.columns.iter().zip(&rows.arrays).filter(|(from, _)| free(from));
        let together = || {
            sources()
                .filter(|(_, other)| other.null_count() == nulls)
                .find(|(_, other)| (0..count).all(|row| other.is_null(row) == absent[row]))
                .map(|(from, _)| (*from, vec![Value::Null], true))
        };
        let by_state = || {
            // Bytes are no states, and none of them may be kept.
            let mut readable = sources().filter(|(_, other)| *other.data_type() != ArrowType::Binary);
            readable.find_map(|(from, other)| {
                let values = states(&absent, |row| Value::read(other, row), guard)?;
                Some((*from, values, false))
            })
        };
        let surprising = || surprise(&[nulls, count - nulls], nulls as f64 / count as f64) >= LEAST_SURPRISE;
        let rule = together().filter(|_| surprising()).or_else(by_state);
        if let Some((from, values, any_value)) = rule {
            let rule = Rule::NullWhen { from, to: *to, values, any_value, rows: count };
            all.push(rule.clone());
            found.push(rule);
        }
    }
    found
}

/// The values that go with a null, if every value always does or never does.
fn states(absent: &[bool], read: impl Fn(usize) -> Value, guard: Guard<'_>) -> Option<Vec<Value>> {
    let mut seen: BTreeMap<String, (Value, bool, Vec<usize>)> = BTreeMap::new();
    for (row, absent) in absent.iter().enumerate() {
        let value = read(row);
        let name = key(&value);
        if let Some((_, goes_with_null, rows)) = seen.get_mut(&name) {
            if goes_with_null != absent {
                return None;
            }
            rows.push(row);
        } else {
            seen.insert(name, (value, *absent, vec![row]));
            if seen.len() > MAX_STATES {
                return None;
            }
        }
    }
    let share = absent.iter().filter(|absent| **absent).count() as f64 / absent.len() as f64;
    let sizes: Vec<usize> = seen.values().map(|(.., rows)| rows.len()).collect();
    // Each value chooses between null and not: so much of the surprise is the search's own.
    let searched = seen.len() as f64 * std::f64::consts::LN_2;
    if surprise(&sizes, share) < LEAST_SURPRISE + searched {
        return None;
    }
    // A value too rare to be kept is none that will be generated.
    let kept = |rows: &[usize]| guard.enough(rows.iter().copied());
    let values: Vec<Value> =
        seen.into_values().filter(|(_, null, rows)| *null && kept(rows)).map(|(value, ..)| value).collect();
    (!values.is_empty()).then_some(values)
}

/// −ln of the chance that each group of rows is all null or all known, if a row is null with this `share`.
fn surprise(sizes: &[usize], share: f64) -> f64 {
    sizes
        .iter()
        .map(|size| -(share.powf(*size as f64) + (1.0 - share).powf(*size as f64)).max(1e-300).ln())
        .sum()
}
