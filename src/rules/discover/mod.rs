//! Relations between the columns of one row that hold without exception.

mod arithmetic;
mod dates;
mod determine;
mod nulls;
mod ordering;
mod pairs;

#[cfg(test)]
mod tests;

pub use dates::discover_dates;
pub use nulls::discover_nulls;

use std::collections::{BTreeMap, BTreeSet};

use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType as ArrowType;

use crate::{data::TableData, privacy::Guard, schema::ColumnId};

use super::{
    evidence::{LEAST_QUANTITIES, LEAST_ROWS, key},
    relation::Rule,
    value::Value,
};

/// Rows looked at first; what holds on these is then tested on every row.
const SAMPLE_ROWS: usize = 20_000;

/// Most values of a column that determines another.
const MAX_VALUES: usize = 4096;

/// A column and a sample of its values.
struct Candidate<'a> {
    id: ColumnId,
    array: &'a ArrayRef,
    sample: Vec<Value>,
    /// Rows of the sample per distinct value; empty once there are more than half as many values as rows.
    codes: Vec<u32>,
    counts: Vec<usize>,
}

/// Finds the relations of a table's rows. `rows` must hold attributes only: keys get fresh values, so nothing may be
/// computed from theirs. Columns in `given` are decided elsewhere: read here, never decided. A pair of values is kept
/// only if enough entities under `guard` have it; without so many entities nothing is found.
/// Computed columns need not be sampled: [`super::enforce`] fills them in.
#[must_use]
pub fn discover(rows: &TableData, given: &BTreeSet<ColumnId>, guard: Guard<'_>) -> Vec<Rule> {
    let nothing = TableData::bare(rows.row_count);
    discover_beside(rows, &nothing, given, guard)
}

/// Does the same, and lets products have a factor among `borrowed` columns, which are not of the row itself.
#[must_use]
pub fn discover_beside(
    rows: &TableData,
    borrowed: &TableData,
    given: &BTreeSet<ColumnId>,
    guard: Guard<'_>,
) -> Vec<Rule> {
    if !guard.enough(0..rows.row_count) {
        return Vec::new();
    }
    let (candidates, borrowed) = (candidates(rows), candidates(borrowed));
    let is_given = |column: ColumnId| given.contains(&column);

    let mut rules: Vec<Rule> = Vec::new();
    for (index, to) in candidates.iter().enumerate().filter(|(_, to)| !is_given(to.id)) {
        let others = candidates.iter().enumerate();
        let rule = others
            // What is given may be read wherever it stands.
            .filter(|(place, from)| *place < index || is_given(from.id))
            .map(|(_, from)| from)
            .filter(|from| !is_decided(&rules, from.id))
            .find_map(|from| pairs::computation(from, to));
        rules.extend(rule);
    }
    arithmetic::add_rules(&candidates, &borrowed, given, &mut rules);
    for to in candidates.iter().rev() {
        if is_given(to.id) || is_decided(&rules, to.id) || to.counts.len() < 2 {
            continue;
        }
        let mut sources: Vec<&Candidate<'_>> = candidates
            .iter()
            .filter(|from| {
                from.id != to.id && !depends_on(&rules, from.id, to.id) && determine::decides(from, to)
            })
            .collect();
        sources.sort_by_key(|from| (from.counts.len(), from.id));
        rules.extend(sources.into_iter().find_map(|from| determine::determination(from, to, guard)));
    }
    for to in candidates.iter().filter(|to| !is_given(to.id)) {
        if !is_decided(&rules, to.id) {
            let sources = candidates.iter().filter(|from| from.id != to.id);
            let rule = sources
                .filter(|from| !depends_on(&rules, from.id, to.id))
                .find_map(|from| pairs::ratio(from, to, guard));
            rules.extend(rule);
        }
    }
    let free: Vec<&Candidate<'_>> =
        candidates.iter().filter(|candidate| !is_decided(&rules, candidate.id)).collect();
    let mut all = ordering::orderings(&free, given);
    all.extend(in_order(rules));
    all
}

/// The columns of which enough is known.
fn candidates(rows: &TableData) -> Vec<Candidate<'_>> {
    let stride = rows.row_count.div_ceil(SAMPLE_ROWS).max(1);
    let columns = rows.columns.iter().zip(&rows.arrays);
    columns
        .filter(|(_, array)| *array.data_type() != ArrowType::Binary)
        .filter(|(_, array)| array.len() - array.null_count() >= LEAST_ROWS)
        .map(|(id, array)| Candidate::new(*id, array, stride))
        .collect()
}

impl<'a> Candidate<'a> {
    fn new(id: ColumnId, array: &'a ArrayRef, stride: usize) -> Self {
        let sample: Vec<Value> =
            (0..array.len()).step_by(stride).map(|row| Value::read(array, row)).collect();
        let mut known: BTreeMap<String, u32> = BTreeMap::new();
        let mut counts: Vec<usize> = Vec::new();
        let mut codes = Vec::with_capacity(sample.len());
        for value in &sample {
            let next = known.len() as u32;
            let code = *known.entry(key(value)).or_insert(next);
            if code == next && counts.len() == next as usize {
                counts.push(0);
            }
            counts[code as usize] += 1;
            codes.push(code);
            if counts.len() > MAX_VALUES {
                break;
            }
        }
        if counts.len() > MAX_VALUES || counts.len() * 2 > sample.len() {
            codes.clear();
            counts.clear();
        }
        Self { id, array, sample, codes, counts }
    }

    /// Share of row pairs with the same value; 0 for a column of many values.
    fn sameness(&self) -> f64 {
        let rows = self.sample.len() as f64;
        self.counts.iter().map(|count| (*count as f64 / rows).powi(2)).sum()
    }

    /// True if it has enough distinct values to be a quantity and not a code.
    fn is_quantity(&self) -> bool {
        self.counts.is_empty() || self.counts.len() >= LEAST_QUANTITIES
    }
}

/// True if a rule decides the column.
fn is_decided(rules: &[Rule], column: ColumnId) -> bool {
    rules.iter().any(|rule| rule.decides() == Some(column))
}

/// True if the value of `column` depends on that of `origin`, directly or through others; also if they are one.
fn depends_on(rules: &[Rule], column: ColumnId, origin: ColumnId) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![column];
    while let Some(at) = open.pop() {
        if at == origin {
            return true;
        }
        if seen.insert(at) {
            open.extend(rules.iter().filter(|rule| rule.decides() == Some(at)).flat_map(Rule::reads));
        }
    }
    false
}

/// Sources before what depends on them.
fn in_order(rules: Vec<Rule>) -> Vec<Rule> {
    let mut left = rules;
    let mut ordered = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let waits = |rule: &Rule| {
            rule.reads().iter().any(|read| left.iter().any(|other| other.decides() == Some(*read)))
        };
        let ready: Vec<bool> = left.iter().map(|rule| !waits(rule)).collect();
        // Discovery makes no circle; were there one, its rules would stand in the order they were found in.
        let any = ready.contains(&true);
        let mut flags = ready.into_iter();
        let (now, later) = left.into_iter().partition(|_| flags.next() == Some(true) || !any);
        ordered.extend::<Vec<Rule>>(now);
        left = later;
    }
    ordered
}
