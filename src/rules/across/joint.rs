//! Columns that several parents decide together, or a parent and a column of the row: the distance between two
//! airports, the price of a product at a supplier, of a size of a product.

use std::cmp::Reverse;

use arrow_array::Array;
use indexmap::IndexMap;

use crate::{
    data::NO_ROW,
    schema::{ColumnId, Storage, TableId},
};

use super::{
    super::{
        Rule, TableRules,
        evidence::{LEAST_ROWS, SEARCHED_EXPECTED, Shuffle, key},
        value::Value,
    },
    Determinant, Inheritance, Inherited,
    find::{Observed, ObservedTable},
};

/// Most rows that differ from the others of their combination, as a share: corrections, units that changed.
const MOST_EXCEPTIONS: f64 = 0.005;
/// The same beside the rows that would differ if one determinant were shuffled among the rows the others leave alike.
const MOST_OF_CHANCE: f64 = 0.05;
/// Combinations of two rows or more.
const LEAST_COMBINATIONS: usize = 20;
/// Rows per combination, on average.
const LEAST_SHARING: usize = 2;
/// Rows per value, on average, of a column of the row that decides others.
const LEAST_VALUE_ROWS: usize = 10;
/// Most ancestors and most columns of the row that are tried as determinants.
const MOST_LINES: usize = 8;
const MOST_COLUMNS: usize = 6;
/// Most choices of three determinants that are tried.
const MOST_TRIPLES: usize = 40;
/// Rows looked at first, and the share of exceptions that ends the search there.
const PROBED_ROWS: usize = 20_000;
const PROBED_EXCEPTIONS: f64 = 0.03;

/// What may decide, and which of it each row has: [`NO_ROW`] where that is unknown.
struct Candidate {
    determinant: Determinant,
    codes: Vec<u32>,
}

/// How the rows of combinations agree.
#[derive(Debug, Clone, Copy, Default)]
struct Agreement {
    /// Combinations.
    groups: usize,
    /// Those of two rows or more.
    shared: usize,
    /// Their rows.
    rows: usize,
    /// Rows that differ from most of their combination.
    exceptions: usize,
}

impl Observed<'_> {
    /// Columns that ancestors decide together with each other or with a column of the row.
    pub(super) fn joint(&self, id: TableId, rules: &TableRules) -> Vec<Inherited> {
        let Some(rows) = self.made(id) else { return Vec::new() };
        let mut free = self.free(id, rules);
        free.retain(|column| rules.inherited.iter().all(|rule| rule.to != *column));
        let storage = |column: ColumnId| self.schema.table(id).column(column).data_type.storage();
        let discrete = |column: &ColumnId| {
            matches!(storage(*column), Storage::Boolean | Storage::Integer | Storage::Text)
        };
        let columns: Vec<ColumnId> = free.iter().copied().filter(discrete).collect();
        let candidates = self.determinants(id, rows, &columns);
        let mut found: Vec<Inherited> = Vec::new();
        free.retain(|to| discrete(to) || storage(*to) == Storage::Float);
        let coded = |to: ColumnId| value_codes(rows, to, true).map(|(codes, values)| (to, codes, values));
        let mut targets: Vec<(ColumnId, Vec<u32>, usize)> = free.into_iter().filter_map(coded).collect();
        // Of two columns that show each other the one of more values is decided: sizes have prices.
        targets.sort_by_key(|(_, _, values)| Reverse(*values));
        for (to, values, _) in targets.into_iter().filter(|(_, _, values)| *values > 1) {
            let is_read = found.iter().any(|rule| rule.beside.contains(&Determinant::Column(to)));
            if is_read || rules.discovered.iter().any(|rule| rule.decides() == Some(to)) {
                continue;
            }
            let open: Vec<&Candidate> = candidates
                .iter()
                .filter(|candidate| match candidate.determinant {
                    Determinant::Column(own) => {
                        let mut deciding = rules.discovered.iter().filter(|rule| rule.decides() == Some(own));
                        own != to
                            && found.iter().all(|rule| rule.to != own)
                            && deciding.all(|rule| turns_round(rule, to))
                    }
                    Determinant::Ancestor(_) => true,
                })
                .collect();
            found.extend(decided(rows, (to, &values), &open));
        }
        found
    }

    /// Ancestors, and those columns of the row that have few values; the ancestors first.
    fn determinants(&self, id: TableId, rows: ObservedTable<'_>, columns: &[ColumnId]) -> Vec<Candidate> {
        let lines = self.lines(id).into_iter().take(MOST_LINES);
        let mut all: Vec<Candidate> = lines
            .map(|(path, _, line)| Candidate { determinant: Determinant::Ancestor(path), codes: line.rows })
            .collect();
        if all.is_empty() {
            return all;
        }
        let few = columns.iter().filter_map(|column| {
            let (codes, values) = value_codes(rows, *column, false)?;
            let few = values > 1 && values * LEAST_VALUE_ROWS <= codes.len();
            few.then_some(Candidate { determinant: Determinant::Column(*column), codes })
        });
        all.extend(few.take(MOST_COLUMNS));
        all
    }
}

/// True if a rule reads a determinant off the value `to` that it decides: prices that differ from size to size show
/// the size.
fn turns_round(rule: &Rule, to: ColumnId) -> bool {
    matches!(rule, Rule::Determines { from, .. } if *from == to)
}

/// Adds what was found to the rules of a table. A determinant is no longer read off what it has a part in deciding.
pub(super) fn add(found: Vec<Inherited>, rules: &mut TableRules) {
    for joint in &found {
        rules.discovered.retain(|rule| {
            let determinant = rule.decides().map(Determinant::Column);
            !(turns_round(rule, joint.to) && determinant.is_some_and(|one| joint.beside.contains(&one)))
        });
    }
    rules.inherited.extend(found);
}

/// The rule of the fewest combinations that decide a column.
fn decided(
    rows: ObservedTable<'_>,
    (to, values): (ColumnId, &[u32]),
    candidates: &[&Candidate],
) -> Option<Inherited> {
    let lines = candidates.iter().filter(|one| matches!(one.determinant, Determinant::Ancestor(_))).count();
    let pairs = (0..lines).flat_map(|a| (a + 1..candidates.len()).map(move |b| vec![a, b]));
    let triples = (0..lines).flat_map(|a| {
        let further = a + 1..candidates.len();
        further.flat_map(move |b| (b + 1..candidates.len()).map(move |c| vec![a, b, c]))
    });
    let test = |choice: Vec<usize>| {
        let chosen: Vec<&Candidate> = choice.iter().map(|place| candidates[*place]).collect();
        holds(rows, &chosen, values).map(|agreement| (agreement, choice))
    };
    // Of equally many combinations the first.
    let fewer = |best: (Agreement, Vec<usize>), next: (Agreement, Vec<usize>)| {
        if next.0.groups < best.0.groups { next } else { best }
    };
    let best = pairs.filter_map(test).reduce(fewer);
    let (agreement, chosen) = best.or_else(|| triples.take(MOST_TRIPLES).filter_map(test).reduce(fewer))?;
    let mut determinants = chosen.into_iter().map(|place| candidates[place].determinant.clone());
    let Some(Determinant::Ancestor(path)) = determinants.next() else { return None };
    let beside = determinants.collect();
    Some(Inherited { path, to, how: Inheritance::Shared, ancestors: agreement.shared, beside })
}

/// How the rows agree if the determinants decide the values, each of them needed, and that is no chance.
fn holds(rows: ObservedTable<'_>, chosen: &[&Candidate], values: &[u32]) -> Option<Agreement> {
    let codes: Vec<&[u32]> = chosen.iter().map(|candidate| candidate.codes.as_slice()).collect();
    let stride = values.len().div_ceil(PROBED_ROWS).max(1);
    if stride > 1 {
        let probe: Vec<usize> = (0..values.len()).step_by(stride).collect();
        let probed = agreement(&grouped(&codes, &probe), &probe, values);
        if probed.exceptions as f64 > PROBED_EXCEPTIONS * probed.rows as f64 {
            return None;
        }
    }
    let known: Vec<usize> =
        (0..values.len()).filter(|row| codes.iter().all(|codes| codes[*row] != NO_ROW)).collect();
    let groups = grouped(&codes, &known);
    let found = agreement(&groups, &known, values);
    let repeats = found.rows >= LEAST_ROWS
        && found.shared >= LEAST_COMBINATIONS
        && known.len() >= LEAST_SHARING * found.groups;
    if !repeats || found.exceptions as f64 > MOST_EXCEPTIONS * found.rows as f64 {
        return None;
    }
    let needed = |place: usize| {
        let others: Vec<&[u32]> =
            codes.iter().enumerate().filter(|(other, _)| *other != place).map(|(_, codes)| *codes).collect();
        let alike = grouped(&others, &known);
        let shuffled = shuffled_within(&alike, &known, codes[place]);
        let chance = agreement(&paired(&alike, &shuffled), &known, values).exceptions as f64;
        chance >= SEARCHED_EXPECTED && found.exceptions as f64 <= MOST_OF_CHANCE * chance
    };
    if !(0..codes.len()).all(needed) {
        return None;
    }
    let mut sizes = vec![0_u32; found.groups];
    groups.iter().for_each(|group| sizes[*group as usize] += 1);
    let shared = known.iter().zip(&groups).filter(|(_, group)| sizes[**group as usize] > 1);
    rows.guard.enough(shared.map(|(row, _)| *row)).then_some(found)
}

/// Numbers the values of a column; null is a value of its own or unknown. Returns how many there are as well.
fn value_codes(rows: ObservedTable<'_>, column: ColumnId, with_null: bool) -> Option<(Vec<u32>, usize)> {
    let array = rows.data.column(column)?;
    let mut seen: IndexMap<String, u32> = IndexMap::new();
    let codes = (0..array.len())
        .map(|row| {
            if array.is_null(row) && !with_null {
                return NO_ROW;
            }
            let next = seen.len() as u32;
            *seen.entry(key(&Value::read(array, row))).or_insert(next)
        })
        .collect();
    Some((codes, seen.len()))
}

/// Numbers the combinations of codes, for some rows.
fn grouped(codes: &[&[u32]], rows: &[usize]) -> Vec<u32> {
    let of = |codes: &[u32]| -> Vec<u32> { rows.iter().map(|row| codes[*row]).collect() };
    let Some((first, further)) = codes.split_first() else { return vec![0; rows.len()] };
    let nothing = vec![0; rows.len()];
    further.iter().fold(paired(&nothing, &of(first)), |groups, codes| paired(&groups, &of(codes)))
}

/// Numbers pairs of codes, from 0.
fn paired(one: &[u32], other: &[u32]) -> Vec<u32> {
    let mut seen: IndexMap<(u32, u32), u32> = IndexMap::new();
    let pairs = one.iter().zip(other);
    pairs
        .map(|(one, other)| {
            let next = seen.len() as u32;
            *seen.entry((*one, *other)).or_insert(next)
        })
        .collect()
}

/// Codes of some rows, exchanged among those of one group.
fn shuffled_within(groups: &[u32], rows: &[usize], codes: &[u32]) -> Vec<u32> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|place| groups[*place]);
    let mut shuffled = vec![0; rows.len()];
    for group in order.chunk_by(|one, other| groups[*one] == groups[*other]) {
        let shuffle = Shuffle::new(group.len());
        for (index, place) in group.iter().enumerate() {
            shuffled[*place] = codes[rows[group[shuffle.of(index)]]];
        }
    }
    shuffled
}

/// How the values of some rows agree in each group.
fn agreement(groups: &[u32], rows: &[usize], values: &[u32]) -> Agreement {
    let mut pairs: Vec<(u32, u32)> =
        groups.iter().zip(rows).map(|(group, row)| (*group, values[*row])).collect();
    pairs.sort_unstable();
    let mut found = Agreement::default();
    for group in pairs.chunk_by(|one, other| one.0 == other.0) {
        let most = group.chunk_by(|one, other| one.1 == other.1).map(<[_]>::len).max().unwrap_or(0);
        found.groups += 1;
        if group.len() > 1 {
            found.shared += 1;
            found.rows += group.len();
            found.exceptions += group.len() - most;
        }
    }
    found
}

#[cfg(test)]
mod tests;
