//! Numbers that must sum to a total in every group: both atoms of a bond belong to one molecule, so each
//! molecule's first atoms and second atoms are equally many.

use std::collections::BTreeMap;

use rand::{RngExt, seq::SliceRandom};

use crate::seed::Stream;

/// Donors tried per stratum and row.
const TRIES: usize = 12;
/// Passes over a group per stratum.
const PASSES: usize = 2;
/// Rows, and values of each, tried in pairs to close a gap exactly.
const FINISH_ROWS: usize = 8;
const FINISH_VALUES: usize = 64;

/// Chooses rows that take another row's value, so that `values` sum to `totals[group]` (0 where there is none) in
/// every group. Donors are of the row's stratum (levels from fine to coarse), so that what goes with a value stays
/// with it. What no exchange can close is left.
///
/// `groups[row]` is the group of each row, `strata[level][row]` what a donor must have in common with it.
/// Returns the donor of each row, itself where it keeps its value.
#[must_use]
pub fn balance(
    values: &[i64],
    groups: &[u32],
    totals: &BTreeMap<u32, i64>,
    strata: &[Vec<u32>],
    random: &mut Stream,
) -> Vec<u32> {
    let mut members: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (row, group) in groups.iter().enumerate() {
        members.entry(*group).or_default().push(row as u32);
    }
    let able: Vec<BTreeMap<u32, Vec<u32>>> = strata
        .iter()
        .map(|stratum| {
            let mut rows: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
            stratum.iter().enumerate().for_each(|(row, key)| rows.entry(*key).or_default().push(row as u32));
            rows
        })
        .collect();
    // Per stratum of the finest level its values, each with a row that has it.
    let exact: BTreeMap<u32, BTreeMap<i64, u32>> = able
        .first()
        .into_iter()
        .flatten()
        .map(|(key, rows)| (*key, rows.iter().map(|row| (values[*row as usize], *row)).collect()))
        .collect();
    let mut donors: Vec<u32> = (0..values.len() as u32).collect();
    for (group, mut rows) in members {
        let sum: i64 = rows.iter().map(|row| values[*row as usize]).sum();
        let mut gap = totals.get(&group).copied().unwrap_or(0) - sum;
        for round in 0..=strata.len() * PASSES {
            let level = round / PASSES;
            // One or two exact exchanges change least; else many small ones, and again what is left exactly.
            if (round == 0 || round == PASSES) && gap != 0 {
                rows.shuffle(random);
                let of_row = |row: u32| exact.get(&strata[0][row as usize]);
                gap -= finish(values, &rows, gap, &of_row, &mut donors);
            }
            if gap == 0 || level == strata.len() {
                break;
            }
            rows.shuffle(random);
            for row in &rows {
                let Some(others) = able[level].get(&strata[level][*row as usize]) else { continue };
                let own = values[donors[*row as usize] as usize];
                let fits = |donor: &u32| {
                    let change = values[*donor as usize] - own;
                    change != 0 && change.signum() == gap.signum() && change.abs() <= gap.abs()
                };
                let mut tried = (0..TRIES).map(|_| others[random.random_range(0..others.len())]);
                if let Some(donor) = tried.find(fits) {
                    donors[*row as usize] = donor;
                    gap -= values[donor as usize] - own;
                }
                if gap == 0 {
                    break;
                }
            }
        }
    }
    donors
}

/// Closes a gap exactly by one row's exchange, or by two rows'. Returns what was closed.
fn finish<'a>(
    values: &[i64],
    rows: &[u32],
    gap: i64,
    of_row: &impl Fn(u32) -> Option<&'a BTreeMap<i64, u32>>,
    donors: &mut [u32],
) -> i64 {
    let own = |row: u32, donors: &[u32]| values[donors[row as usize] as usize];
    let donor = |row: u32, change: i64, donors: &[u32]| {
        of_row(row).and_then(|known| known.get(&(own(row, donors) + change))).copied()
    };
    for row in rows {
        if let Some(found) = donor(*row, gap, donors) {
            donors[*row as usize] = found;
            return gap;
        }
    }
    for (place, first) in rows.iter().enumerate().take(FINISH_ROWS) {
        for (value, found) in of_row(*first).into_iter().flatten().take(FINISH_VALUES) {
            let rest = gap - (value - own(*first, donors));
            for second in rows.iter().skip(place + 1).take(FINISH_ROWS) {
                if let Some(other) = donor(*second, rest, donors) {
                    donors[*first as usize] = *found;
                    donors[*second as usize] = other;
                    return gap;
                }
            }
        }
    }
    0
}

/// Numbers rows by what they have in common: the strata of [`balance`].
#[must_use]
pub fn strata(rows: usize, key: impl Fn(usize) -> Vec<u32>) -> Vec<u32> {
    let mut numbers = BTreeMap::<Vec<u32>, u32>::new();
    (0..rows)
        .map(|row| {
            let next = numbers.len() as u32;
            *numbers.entry(key(row)).or_insert(next)
        })
        .collect()
}
