//! Counts that must sum to a total in every group: both atoms of a bond belong to one molecule, so each
//! molecule's first atoms and second atoms are equally many.

use std::collections::BTreeMap;

use rand::{RngExt, seq::SliceRandom};

use crate::seed::Stream;

/// Donors tried per stratum and row.
const TRIES: usize = 12;

/// Makes `counts` sum to `demand[group]` in every group by giving rows the count of another row of their stratum
/// (levels from fine to coarse), so that what goes with a count stays with it. What no exchange can close is
/// left; groups without a demand get none.
///
/// `groups[row]` is the group of each row, `strata[level][row]` what a donor must have in common with it.
pub fn balance(
    counts: &mut [u32],
    groups: &[u32],
    demand: &BTreeMap<u32, u64>,
    strata: &[Vec<u32>],
    random: &mut Stream,
) {
    let mut members: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (row, group) in groups.iter().enumerate() {
        members.entry(*group).or_default().push(row as u32);
    }
    let donors: Vec<BTreeMap<u32, Vec<u32>>> = strata
        .iter()
        .map(|stratum| {
            let mut rows: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
            stratum.iter().enumerate().for_each(|(row, key)| rows.entry(*key).or_default().push(row as u32));
            rows
        })
        .collect();
    // What a row may take is what was drawn, whatever was exchanged before.
    let drawn = counts.to_vec();
    for (group, mut rows) in members {
        let wanted = demand.get(&group).copied().unwrap_or(0) as i64;
        let sum: i64 = rows.iter().map(|row| i64::from(counts[*row as usize])).sum();
        let mut gap = wanted - sum;
        for (stratum, donors) in strata.iter().zip(&donors) {
            for _ in 0..2 {
                if gap == 0 {
                    break;
                }
                rows.shuffle(random);
                for row in &rows {
                    let Some(able) = donors.get(&stratum[*row as usize]) else { continue };
                    for _ in 0..TRIES {
                        let donor = able[random.random_range(0..able.len())];
                        let change = i64::from(drawn[donor as usize]) - i64::from(counts[*row as usize]);
                        if change != 0 && change.signum() == gap.signum() && change.abs() <= gap.abs() {
                            counts[*row as usize] = drawn[donor as usize];
                            gap -= change;
                            break;
                        }
                    }
                    if gap == 0 {
                        break;
                    }
                }
            }
        }
    }
}
