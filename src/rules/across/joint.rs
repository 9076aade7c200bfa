//! Columns that several parents decide together, or a parent and a column of the row: the distance between two
//! airports, the price of a product at a supplier, of a size of a product.

use std::{cell::LazyCell, cmp::Reverse};

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
/// What may decide, and which of it each row has: [`NO_ROW`] where that is unknown.
struct Candidate {
    determinant: Determinant,
    codes: Vec<u32>,
}

/// The rows of every combination of some determinants.
struct Grouping {
    /// The determinants, by their places among the candidates.
    choice: Vec<usize>,
    /// Rows of which all determinants are known, combination by combination.
    order: Vec<u32>,
    /// Where each combination ends among them.
    ends: Vec<u32>,
    /// Combinations of two rows or more.
    shared: usize,
    /// Their rows.
    rows: usize,
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
        let ancestors = candidates.iter().filter(|one| matches!(one.determinant, Determinant::Ancestor(_)));
        let (pairs, triples) = choices(ancestors.count(), candidates.len());
        let grouped = |choices: Vec<Vec<usize>>| -> Vec<Grouping> {
            choices.into_iter().filter_map(|choice| Grouping::new(choice, &candidates, rows)).collect()
        };
        let pairs = grouped(pairs);
        let triples = LazyCell::new(|| grouped(triples));
        for (to, values, _) in targets.into_iter().filter(|(_, _, values)| *values > 1) {
            let is_read = found.iter().any(|rule| rule.beside.contains(&Determinant::Column(to)));
            if is_read || rules.discovered.iter().any(|rule| rule.decides() == Some(to)) {
                continue;
            }
            let open = |place: &usize| match candidates[*place].determinant {
                Determinant::Column(own) => {
                    let mut deciding = rules.discovered.iter().filter(|rule| rule.decides() == Some(own));
                    own != to
                        && found.iter().all(|rule| rule.to != own)
                        && deciding.all(|rule| turns_round(rule, to))
                }
                Determinant::Ancestor(_) => true,
            };
            let fewest = |groupings: &[Grouping]| -> Option<Inherited> {
                let usable = groupings.iter().filter(|one| one.choice.iter().all(open));
                let deciding = usable.filter(|grouping| grouping.decides(&candidates, &values));
                deciding.min_by_key(|grouping| grouping.ends.len()).and_then(|one| one.rule(&candidates, to))
            };
            found.extend(fewest(&pairs).or_else(|| fewest(&triples)));
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

/// Choices of two and of three among `all` candidates, of which the first `ancestors` are such; one at least of each.
fn choices(ancestors: usize, all: usize) -> (Vec<Vec<usize>>, Vec<Vec<usize>>) {
    let pairs = (0..ancestors).flat_map(|a| (a + 1..all).map(move |b| vec![a, b]));
    let triples =
        (0..ancestors).flat_map(|a| (a + 1..all).flat_map(move |b| (b + 1..all).map(move |c| vec![a, b, c])));
    (pairs.collect(), triples.take(MOST_TRIPLES).collect())
}

impl Grouping {
    /// The combinations of a choice, if they repeat often enough and across enough entities.
    fn new(choice: Vec<usize>, candidates: &[Candidate], rows: ObservedTable<'_>) -> Option<Self> {
        let codes: Vec<&[u32]> = choice.iter().map(|place| candidates[*place].codes.as_slice()).collect();
        let known: Vec<u32> = (0..rows.data.row_count as u32)
            .filter(|row| codes.iter().all(|codes| codes[*row as usize] != NO_ROW))
            .collect();
        let (order, ends) = sorted(&known, &grouped(&codes, &known));
        let mut grouping = Self { choice, order, ends, shared: 0, rows: 0 };
        let sizes: Vec<usize> = grouping.groups().map(<[u32]>::len).filter(|size| *size > 1).collect();
        (grouping.shared, grouping.rows) = (sizes.len(), sizes.iter().sum());
        let repeats = grouping.rows >= LEAST_ROWS
            && grouping.shared >= LEAST_COMBINATIONS
            && known.len() >= LEAST_SHARING * grouping.ends.len();
        let shared = grouping.groups().filter(|group| group.len() > 1).flatten();
        let enough = rows.guard.enough(shared.map(|row| *row as usize));
        (repeats && enough).then_some(grouping)
    }

    fn groups(&self) -> impl Iterator<Item = &[u32]> {
        groups(&self.order, &self.ends)
    }

    /// True if the determinants decide the values, each of them needed, and that is no chance.
    fn decides(&self, candidates: &[Candidate], values: &[u32]) -> bool {
        let most = (MOST_EXCEPTIONS * self.rows as f64) as usize;
        let Some(found) = exceptions(self.groups(), values, most) else { return false };
        let codes: Vec<&[u32]> =
            self.choice.iter().map(|place| candidates[*place].codes.as_slice()).collect();
        (0..codes.len()).all(|place| {
            let others = codes.iter().enumerate().filter(|(other, _)| *other != place);
            let others: Vec<&[u32]> = others.map(|(_, codes)| *codes).collect();
            let alike = grouped(&others, &self.order);
            let shuffled = shuffled_within(&alike, &self.order, codes[place]);
            let (order, ends) = sorted(&self.order, &paired(&alike, &shuffled));
            let chance = exceptions(groups(&order, &ends), values, usize::MAX).unwrap_or(0) as f64;
            chance >= SEARCHED_EXPECTED && found as f64 <= MOST_OF_CHANCE * chance
        })
    }

    fn rule(&self, candidates: &[Candidate], to: ColumnId) -> Option<Inherited> {
        let mut determinants = self.choice.iter().map(|place| candidates[*place].determinant.clone());
        let Some(Determinant::Ancestor(path)) = determinants.next() else { return None };
        let (how, beside) = (Inheritance::Shared, determinants.collect());
        Some(Inherited { path, to, how, ancestors: self.shared, beside })
    }
}

/// Rows group by group, and where each group ends among them.
fn sorted(rows: &[u32], groups: &[u32]) -> (Vec<u32>, Vec<u32>) {
    let count = groups.iter().max().map_or(0, |last| *last as usize + 1);
    let mut sizes = vec![0_u32; count];
    groups.iter().for_each(|group| sizes[*group as usize] += 1);
    let mut all = 0;
    let mut next: Vec<u32> = Vec::with_capacity(count);
    for size in sizes {
        next.push(all);
        all += size;
    }
    let mut order = vec![0; rows.len()];
    for (row, group) in rows.iter().zip(groups) {
        let place = &mut next[*group as usize];
        order[*place as usize] = *row;
        *place += 1;
    }
    // Each group's next place is now its end.
    (order, next)
}

/// The rows of each group.
fn groups<'a>(order: &'a [u32], ends: &'a [u32]) -> impl Iterator<Item = &'a [u32]> {
    ends.iter().scan(0, |start, end| {
        let group = &order[*start as usize..*end as usize];
        *start = *end;
        Some(group)
    })
}

/// Rows whose value is not that of most of their group; `None` if there are more than `most`.
fn exceptions<'a>(groups: impl Iterator<Item = &'a [u32]>, values: &[u32], most: usize) -> Option<usize> {
    let mut all = 0;
    let mut own: Vec<u32> = Vec::new();
    for group in groups {
        own.clear();
        own.extend(group.iter().map(|row| values[*row as usize]));
        own.sort_unstable();
        let common = own.chunk_by(|one, other| one == other).map(<[_]>::len).max().unwrap_or(0);
        all += own.len() - common;
        if all > most {
            return None;
        }
    }
    Some(all)
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
fn grouped(codes: &[&[u32]], rows: &[u32]) -> Vec<u32> {
    let of = |codes: &[u32]| -> Vec<u32> { rows.iter().map(|row| codes[*row as usize]).collect() };
    let nothing = vec![0; rows.len()];
    codes.iter().fold(nothing, |groups, codes| paired(&groups, &of(codes)))
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
fn shuffled_within(alike: &[u32], rows: &[u32], codes: &[u32]) -> Vec<u32> {
    let places: Vec<u32> = (0..rows.len() as u32).collect();
    let (order, ends) = sorted(&places, alike);
    let mut shuffled = vec![0; rows.len()];
    for group in groups(&order, &ends) {
        let shuffle = Shuffle::new(group.len());
        for (index, place) in group.iter().enumerate() {
            shuffled[*place as usize] = codes[rows[group[shuffle.of(index)] as usize] as usize];
        }
    }
    shuffled
}

#[cfg(test)]
mod tests;
