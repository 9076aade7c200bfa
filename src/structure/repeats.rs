//! Do siblings link to the same parent twice? A user rents a film again; an order never lists a product twice.

use serde::{Deserialize, Serialize};

use crate::data::{Families, NO_ROW};

/// Rows that repeat a sibling's parent from which a token says so, and their share of the rows that could.
const LEAST_REPEATS: u64 = 20;
const LEAST_SHARE: f64 = 0.01;
/// Rows that could repeat one, needed before none doing so means something.
const LEAST_LATER: u64 = 100;

/// How siblings share the parents of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Repeats {
    /// As chance has it.
    #[default]
    Free,
    /// Never.
    Never,
    /// Often enough for a token to say which rows do.
    Token,
}

/// True for every row whose parent an earlier row of its family has.
#[must_use]
pub fn repeated(families: &Families, parents: &[u32]) -> Vec<bool> {
    let mut repeats = vec![false; parents.len()];
    let mut seen = std::collections::BTreeSet::new();
    for family in 0..families.len() {
        seen.clear();
        for row in families.rows(family) {
            repeats[row] = parents[row] != NO_ROW && !seen.insert(parents[row]);
        }
    }
    repeats
}

impl Repeats {
    /// Looks at the real links, in the order of `families`.
    #[must_use]
    pub fn fit(families: &Families, parents: &[u32]) -> Self {
        if families.row_count() != parents.len() {
            return Self::Free;
        }
        let repeats = repeated(families, parents).iter().filter(|again| **again).count() as u64;
        let later: u64 = (0..families.len())
            .map(|family| families.rows(family).filter(|row| parents[*row] != NO_ROW).count() as u64)
            .map(|linked| linked.saturating_sub(1))
            .sum();
        if repeats >= LEAST_REPEATS && repeats as f64 >= LEAST_SHARE * later as f64 {
            Self::Token
        } else if repeats == 0 && later >= LEAST_LATER {
            Self::Never
        } else {
            Self::Free
        }
    }
}
