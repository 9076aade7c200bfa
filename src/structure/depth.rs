//! How the rows of a self-referencing table spread over the levels of its forest.

use serde::{Deserialize, Serialize};

use crate::data::{Links, NO_ROW};

/// Deepest level told apart; deeper rows count as this one.
const LEVELS_MAX: usize = 256;

/// Share of the rows with a parent at each depth: `levels[0]` are the children of roots.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DepthProfile {
    /// Sums to 1 unless empty.
    pub levels: Vec<f64>,
}

impl DepthProfile {
    /// Measures a real forest. Rows on a cycle, or hanging below one, have no depth and are left out.
    #[must_use]
    pub fn fit(links: &Links) -> Self {
        let depths = depths(links);
        let mut counts: Vec<u64> = Vec::new();
        for depth in depths.into_iter().flatten().filter(|depth| *depth > 0) {
            let level = (depth - 1).min(LEVELS_MAX - 1);
            if counts.len() <= level {
                counts.resize(level + 1, 0);
            }
            counts[level] += 1;
        }
        let total: u64 = counts.iter().sum();
        Self { levels: counts.iter().map(|count| *count as f64 / total as f64).collect() }
    }

    /// Splits `rows` over the levels, largest remainders first, so that no level below a filled one is empty.
    pub(super) fn split(&self, rows: usize) -> Vec<usize> {
        let mut sizes: Vec<usize> =
            self.levels.iter().map(|share| (share * rows as f64).floor() as usize).collect();
        let rest = rows.saturating_sub(sizes.iter().sum());
        let mut order: Vec<usize> = (0..sizes.len()).collect();
        order.sort_by(|a, b| {
            let fraction = |level: &usize| (self.levels[*level] * rows as f64).fract();
            fraction(b).total_cmp(&fraction(a)).then(a.cmp(b))
        });
        for level in order.iter().cycle().take(if sizes.is_empty() { 0 } else { rest }) {
            sizes[*level] += 1;
        }
        sizes.retain(|size| *size > 0);
        sizes
    }
}

/// The depth of every row, roots at 0; `None` for rows that never reach a root.
#[must_use]
pub fn depths(links: &Links) -> Vec<Option<usize>> {
    const UNKNOWN: usize = usize::MAX;
    const ENDLESS: usize = usize::MAX - 1;
    let mut depth = vec![UNKNOWN; links.parent.len()];
    let mut path = Vec::new();
    for start in 0..depth.len() {
        let mut row = start;
        let above = loop {
            match depth.get(row).copied() {
                None | Some(ENDLESS) => break ENDLESS,
                Some(UNKNOWN) => {}
                Some(known) => break known,
            }
            // Marked while on the path: meeting it again means a cycle.
            depth[row] = ENDLESS;
            path.push(row);
            match links.parent[row] {
                NO_ROW => break UNKNOWN,
                parent => row = parent as usize,
            }
        };
        let mut below = above;
        while let Some(row) = path.pop() {
            below = match below {
                ENDLESS => ENDLESS,
                UNKNOWN => 0,
                depth => depth + 1,
            };
            depth[row] = below;
        }
    }
    depth.into_iter().map(|depth| (depth < ENDLESS).then_some(depth)).collect()
}
