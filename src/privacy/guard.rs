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

impl Default for Guard<'_> {
    fn default() -> Self {
        Guard::OFF
    }
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

    /// Values with the entity that has each; each comes with its row.
    pub fn own<T>(&self, values: impl Iterator<Item = (usize, T)>) -> Vec<Owned<T>> {
        values.map(|(row, value)| (value, self.owner(row))).collect()
    }

    /// Distinct entities among rows.
    #[must_use]
    pub fn distinct(&self, rows: impl Iterator<Item = usize>) -> usize {
        distinct(rows.map(|row| self.owner(row)))
    }

    /// The number that enough distinct entities reach; each comes at the place of its row. `None` if too few have one.
    #[must_use]
    pub fn highest(&self, numbers: &[u32]) -> Option<u32> {
        let mut all = self.own(numbers.iter().copied().enumerate());
        all.sort_unstable();
        inner(&all, self.least()).map(|inner| all[inner.end - 1].0)
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

/// The part of sorted keys between the `least`-th distinct entity from below and from above: what is left of a range
/// once so many entities at either end are cut off. All of it if nothing is protected; `None` if nothing is left.
#[must_use]
pub fn inner<T>(sorted: &[Owned<T>], least: usize) -> Option<std::ops::Range<usize>> {
    if least == 0 {
        return (!sorted.is_empty()).then_some(0..sorted.len());
    }
    let low = place_of(sorted.iter(), least)?;
    let high = sorted.len() - 1 - place_of(sorted.iter().rev(), least)?;
    (low <= high).then_some(low..high + 1)
}

/// The place of the entity that is the `least`-th one seen.
fn place_of<'a, T: 'a>(keys: impl Iterator<Item = &'a Owned<T>>, least: usize) -> Option<usize> {
    let mut seen: Vec<u32> = Vec::with_capacity(least);
    for (place, (_, owner)) in keys.enumerate() {
        if !seen.contains(owner) {
            seen.push(*owner);
            if seen.len() >= least {
                return Some(place);
            }
        }
    }
    None
}

/// Distinct entities among owned values.
#[must_use]
pub fn entities<T>(values: &[Owned<T>]) -> usize {
    distinct(values.iter().map(|(_, owner)| *owner))
}

/// Distinct numbers.
fn distinct(owners: impl Iterator<Item = u32>) -> usize {
    let mut all: Vec<u32> = owners.collect();
    all.sort_unstable();
    all.dedup();
    all.len()
}
