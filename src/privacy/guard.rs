//! How many entities must share a value before it is kept.

use std::collections::BTreeMap;

use rand::RngExt;

use crate::seed::Seed;

/// Most that a threshold is above the number asked for.
const NOISE_MAX: u32 = 2;

/// How widely a value is shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Support {
    /// Rows (or places in documents) that have it.
    pub rows: usize,
    /// Distinct entities among them.
    pub entities: usize,
}

/// A value and the entity that has it.
pub type Owned<T> = (T, u32);

/// Who the rows of a column belong to, and how many distinct entities must share what is kept of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guard<'a> {
    owners: Option<&'a [u32]>,
    least: u32,
}

impl Guard<'static> {
    /// Keeps everything: for what the schema declares, and what is copied by consent.
    pub const OFF: Self = Self { owners: None, least: 0 };

    /// Every row is an entity of its own.
    #[must_use]
    pub fn rows(least: u32) -> Self {
        Self { owners: None, least }
    }
}

impl<'a> Guard<'a> {
    /// Row `n` belongs to entity `owners[n]`.
    #[must_use]
    pub fn entities(owners: &'a [u32], least: u32) -> Self {
        Self { owners: Some(owners), least }
    }

    /// The threshold for one column (or another `what`): `k`, or up to two more, by a noise that the seed and the
    /// name decide, so that what is kept does not show the exact count at the boundary.
    #[must_use]
    pub fn noisy(owners: &'a [u32], k: u32, seed: Seed, what: &str) -> Self {
        let noise = seed.stream(&format!("privacy/{what}"), 0).random_range(0..=NOISE_MAX);
        Self { owners: Some(owners), least: k.saturating_add(noise) }
    }

    /// Distinct entities that must share a value; 0 if nothing is protected.
    #[must_use]
    pub fn least(&self) -> usize {
        self.least as usize
    }

    /// The same owners under another threshold.
    #[must_use]
    pub fn with_least(self, least: u32) -> Self {
        Self { least, ..self }
    }

    /// The entity of a row.
    #[must_use]
    pub fn owner(&self, row: usize) -> u32 {
        self.owners.and_then(|owners| owners.get(row).copied()).unwrap_or(row as u32)
    }

    /// Distinct entities among rows.
    #[must_use]
    pub fn distinct(&self, rows: impl Iterator<Item = usize>) -> usize {
        distinct(rows.map(|row| self.owner(row)))
    }

    /// True if enough distinct entities are among rows.
    #[must_use]
    pub fn enough(&self, rows: impl Iterator<Item = usize>) -> bool {
        self.least == 0 || self.distinct(rows) >= self.least()
    }

    /// How widely every value is shared; each comes with its row.
    #[must_use]
    pub fn support<T: Ord>(&self, values: impl Iterator<Item = (T, usize)>) -> BTreeMap<T, Support> {
        let mut all: Vec<Owned<T>> = values.map(|(value, row)| (value, self.owner(row))).collect();
        all.sort_unstable();
        let mut found: BTreeMap<T, Support> = BTreeMap::new();
        let mut last: Option<u32> = None;
        let mut open: Option<(T, Support)> = None;
        for (value, owner) in all {
            match &mut open {
                Some((known, support)) if *known == value => {
                    support.rows += 1;
                    support.entities += usize::from(last != Some(owner));
                }
                _ => {
                    found.extend(open.replace((value, Support { rows: 1, entities: 1 })));
                }
            }
            last = Some(owner);
        }
        found.extend(open);
        found
    }
}

/// Distinct numbers.
fn distinct(owners: impl Iterator<Item = u32>) -> usize {
    let mut all: Vec<u32> = owners.collect();
    all.sort_unstable();
    all.dedup();
    all.len()
}
