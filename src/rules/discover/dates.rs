//! Parts of dates that stand in columns of their own.

use std::collections::BTreeSet;

use arrow_array::Array;
use arrow_schema::DataType as ArrowType;

use crate::{data::TableData, privacy::Guard, schema::ColumnId};

use super::{
    super::{
        date_part::DatePart, enforce::order_equal, evidence::SEARCHED_EXPECTED, relation::Rule, value::Value,
    },
    Candidate, candidates, depends_on, in_order,
};

/// Finds the columns that are a part of a date of their row. `rows` may hold keys and texts as well; columns in `given`
/// are read, never decided.
#[must_use]
pub fn discover_dates(rows: &TableData, given: &BTreeSet<ColumnId>, guard: Guard<'_>) -> Vec<Rule> {
    if !guard.enough(0..rows.row_count) {
        return Vec::new();
    }
    let candidates = candidates(rows);
    let is_time = |candidate: &Candidate<'_>| {
        matches!(candidate.array.data_type(), ArrowType::Date32 | ArrowType::Timestamp(..))
    };
    let mut rules: Vec<Rule> = Vec::new();
    for to in candidates.iter().filter(|to| !given.contains(&to.id)) {
        // A column of one value, or of few that come by chance, is no part of anything.
        let rows = to.array.len() - to.array.null_count();
        if (1.0 - to.sameness()) * (rows as f64) < SEARCHED_EXPECTED {
            continue;
        }
        let free = |from: &&Candidate<'_>| from.id != to.id && !depends_on(&rules, from.id, to.id);
        let found = candidates
            .iter()
            .filter(|from| is_time(from))
            .filter(free)
            .find_map(|from| DatePart::ALL.into_iter().find_map(|part| date_part(from, to, part)));
        rules.extend(found);
    }
    in_order(rules)
}

/// `to` as a part of `from`, if that holds in every row and is more than a copy.
fn date_part(from: &Candidate<'_>, to: &Candidate<'_>, part: DatePart) -> Option<Rule> {
    let holds = |x: &Value, y: &Value| {
        x.is_null() == y.is_null() && (y.is_null() || part.of(x).is_some_and(|guess| order_equal(&guess, y)))
    };
    if !from.sample.iter().zip(&to.sample).all(|(x, y)| holds(x, y)) {
        return None;
    }
    let all = |row: usize| (Value::read(from.array, row), Value::read(to.array, row));
    let mut differs = false;
    for (x, y) in (0..from.array.len()).map(all) {
        if !holds(&x, &y) {
            return None;
        }
        differs |= x != y;
    }
    let rows = to.array.len() - to.array.null_count();
    differs.then_some(Rule::DatePart { from: from.id, to: to.id, part, rows })
}
