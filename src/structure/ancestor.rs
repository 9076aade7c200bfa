//! Two links of one row that lead to one ancestor: `bond.atom1` and `bond.atom2` of one molecule.

use std::collections::BTreeMap;

use crate::data::NO_ROW;

/// Share of rows in which both links must lead to the same ancestor. Below it, the rule would forbid rows
/// that the real data has.
const AGREEMENT: f64 = 0.999;
/// Fewest rows that carry evidence.
const EVIDENCE_ROWS: usize = 20;
/// Agreement expected by chance above which agreeing proves nothing (few or lopsided ancestors).
const CHANCE: f64 = 0.5;

/// Finds the ancestor that two link columns share.
///
/// `left` and `right` hold the parent rows of each child row. Each candidate is a pair: the ancestor row of
/// every possible left parent, and of every possible right parent, both counting rows of one ancestor table
/// (an identity array where the link's target is the ancestor itself). Rows without one of the links or
/// ancestors carry no evidence.
///
/// Returns the first candidate whose ancestors agree in ≥ 99.9 % of rows although chance alone would rarely
/// make them.
#[must_use]
pub fn shared_ancestor(left: &[u32], right: &[u32], candidates: &[(&[u32], &[u32])]) -> Option<usize> {
    candidates.iter().position(|(left_ancestor, right_ancestor)| {
        let mut rows = 0_usize;
        let mut agreeing = 0_usize;
        let mut left_counts = BTreeMap::<u32, usize>::new();
        let mut right_counts = BTreeMap::<u32, usize>::new();
        for (left_parent, right_parent) in left.iter().zip(right) {
            let ancestors = (ancestor(left_ancestor, *left_parent), ancestor(right_ancestor, *right_parent));
            let (Some(a), Some(b)) = ancestors else { continue };
            rows += 1;
            agreeing += usize::from(a == b);
            *left_counts.entry(a).or_default() += 1;
            *right_counts.entry(b).or_default() += 1;
        }
        if rows < EVIDENCE_ROWS || (agreeing as f64) < AGREEMENT * rows as f64 {
            return false;
        }
        let squared_rows = (rows as f64).powi(2);
        let chance: f64 = left_counts
            .iter()
            .filter_map(|(row, count)| Some(*count as f64 * *right_counts.get(row)? as f64 / squared_rows))
            .sum();
        chance < CHANCE
    })
}

fn ancestor(of_parent: &[u32], parent: u32) -> Option<u32> {
    if parent == NO_ROW {
        return None;
    }
    of_parent.get(parent as usize).copied().filter(|row| *row != NO_ROW)
}
