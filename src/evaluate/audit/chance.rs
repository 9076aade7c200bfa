//! What chance repeats of real rows that never repeat each other.
//!
//! The holdout's share of hits is what chance gives where rows are drawn with putting back. Where every row differs (a
//! log that names each thing once, a key that nobody declared) no holdout row can equal a training row, yet a synthetic
//! row that knows of neither lands on a taken place as often as places are taken. Which of the real entities were
//! learnt from was decided by lot, so the hits on those held out tell how many of the others are chance.

use std::collections::BTreeMap;

use super::statistics::{Estimate, Tally};

/// What more real entities than these have in common is no one's own.
const COMMON: usize = 64;

/// Entities that were learnt from and held out: which are which was decided by lot.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lot {
    pub(super) training: usize,
    pub(super) holdout: usize,
}

impl Lot {
    /// Share of the entities that are held out.
    fn held(self) -> f64 {
        self.holdout as f64 / (self.training + self.holdout).max(1) as f64
    }

    /// Chances that at least one and fewer than `below` of `count` entities were learnt from, per `count`.
    fn expected(self, below: usize) -> Vec<f64> {
        let (held, learnt) = (self.held(), 1.0 - self.held());
        let chance = |count: usize| {
            // The binomial distribution, from one number of entities to the next.
            let mut here = held.powi(count as i32);
            let mut sum = 0.0;
            for taken in 1..=count.min(below - 1) {
                here *= (count - taken + 1) as f64 / taken as f64 * learnt / held;
                sum += here;
            }
            sum
        };
        (0..=COMMON).map(chance).collect()
    }
}

/// Counts how much more synthetic items hit training entities than chance says.
///
/// An item that `count` real entities have would be a hit with a known chance if it were drawn without knowing the
/// lot. What it is beyond that is divided by the chance that an entity is held out: a copy of what one entity has
/// counts 1, and a hit on one held out takes away as many as there are training entities to one held out.
pub(super) struct Excess {
    lot: Lot,
    /// An item that as many training entities have is no hit.
    below: usize,
    expected: Vec<f64>,
    /// Per synthetic entity, hits beyond chance and items.
    owners: BTreeMap<u32, (f64, f64)>,
    /// What each real entity weighs: had the lot fallen otherwise, it would weigh otherwise.
    weights: BTreeMap<u32, f64>,
    items: f64,
    /// True if an entity held out was hit.
    chance: bool,
}

impl Excess {
    /// Where an item is a hit if at least one and fewer than `below` training entities have it.
    pub(super) fn new(lot: Lot, below: usize) -> Self {
        Self {
            lot,
            below,
            expected: lot.expected(below),
            owners: BTreeMap::new(),
            weights: BTreeMap::new(),
            items: 0.0,
            chance: false,
        }
    }

    /// Counts synthetic items: their owners and hashes, of which any may hit the pool.
    pub(super) fn count(&mut self, pool: Pool, synthetic: impl Iterator<Item = (u32, Vec<u64>)>) {
        let pool = pool.sorted();
        for (owner, hashes) in synthetic {
            let found = pool.entities(&hashes);
            let learnt = found.partition_point(|entity| *entity < pool.first_held);
            let hit = f64::from(u8::from((1..self.below).contains(&learnt)));
            let expected = self.expected.get(found.len());
            let beyond = expected.map_or(0.0, |expected| (hit - expected) / self.lot.held());
            let tally = self.owners.entry(owner).or_default();
            *tally = (tally.0 + beyond, tally.1 + 1.0);
            self.items += 1.0;
            self.chance |= learnt < found.len();
            if expected.is_some() {
                let weighed = if beyond < 0.0 { &found[learnt..] } else { &found[..learnt] };
                for entity in weighed {
                    *self.weights.entry(*entity).or_default() += beyond / weighed.len() as f64;
                }
            }
        }
    }

    /// The excess as a share of all items, as unsure as the lot or the draw of synthetic entities makes it, whichever
    /// is more: of rows that know nothing of the lot, the lot alone decides. `None` if no hit is on an entity held out:
    /// then nothing says that chance hits anything.
    pub(super) fn estimate(self) -> Option<Estimate> {
        let rate = Tally { entities: self.owners.into_values().collect() }.rate().filter(|_| self.chance)?;
        let lots: f64 = self.weights.values().map(|weight| weight.powi(2)).sum();
        Some(Estimate { value: rate.value, error: rate.error.max(lots.sqrt() / self.items) })
    }
}

/// Items of the real entities: which of them have it.
pub(super) struct Pool {
    /// Item and entity; those held out come after those that were learnt from.
    items: Vec<(u64, u32)>,
    /// The first number of an entity that was held out; the one before it is nobody's.
    first_held: u32,
}

impl Pool {
    pub(super) fn new(lot: Lot) -> Self {
        Self { items: Vec::new(), first_held: lot.training as u32 + 1 }
    }

    /// Puts an item of a training entity (or of a training row without one) in, or of one that was held out.
    pub(super) fn put(&mut self, item: u64, owner: u32, held: bool) {
        let entity = if held { self.first_held + owner } else { owner.min(self.first_held - 1) };
        self.items.push((item, entity));
    }

    fn sorted(mut self) -> Self {
        self.items.sort_unstable();
        self.items.dedup();
        self
    }

    /// The real entities that have any of the items, sorted; of what very many have, more than [`COMMON`] of them.
    fn entities(&self, hashes: &[u64]) -> Vec<u32> {
        let mut found = Vec::new();
        for hash in hashes {
            let from = self.items.partition_point(|(item, _)| item < hash);
            let same = self.items[from..].iter().take_while(|(item, _)| item == hash);
            found.extend(same.take(COMMON + 1).map(|(_, entity)| *entity));
            if found.len() > COMMON * 4 {
                break;
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::{Excess, Lot, Pool};
    use crate::evaluate::audit::statistics::Estimate;

    const LOT: Lot = Lot { training: 900, holdout: 100 };

    /// A thousand entities of which each has an item of its own; every tenth is held out.
    fn distinct() -> Pool {
        let mut pool = Pool::new(LOT);
        for entity in 0..1000_u32 {
            let held = entity % 10 == 0;
            pool.put(u64::from(entity), if held { entity / 10 } else { entity - entity / 10 - 1 }, held);
        }
        pool
    }

    fn excess(pool: Pool, rows: impl Iterator<Item = u64>) -> Option<Estimate> {
        let mut excess = Excess::new(LOT, usize::MAX);
        excess.count(pool, rows.zip(0..).map(|(item, owner)| (owner, vec![item])));
        excess.estimate()
    }

    #[test]
    fn hits_in_the_proportion_of_the_lot_are_chance() {
        let found = excess(distinct(), 0..2000).unwrap();

        assert!(found.value.abs() < 1e-9, "{found:?}");
        // A hundred hits on the holdout, each worth nine: 9 * 10 / 2000 and a little.
        assert!((0.045..0.06).contains(&found.error), "{found:?}");
    }

    #[test]
    fn copies_count_one_each() {
        // 600 copies of training rows among 6,000 rows, and one hit by chance.
        let copies = (0..600).map(|copy| copy / 9 * 10 + copy % 9 + 1);

        let found = excess(distinct(), copies.chain([0]).chain(100_000..105_399)).unwrap();

        assert!((found.value - (600.0 - 9.0) / 6000.0).abs() < 1e-9, "{found:?}");
        assert!(found.value - 3.0 * found.error > 0.05, "{found:?}");
    }

    #[test]
    fn nothing_is_said_where_nothing_held_out_is_hit() {
        assert_eq!(excess(distinct(), 1..9), None);
    }

    #[test]
    fn what_many_have_in_common_says_nothing() {
        let mut pool = distinct();
        for entity in 0..50 {
            pool.put(7_000, entity, false);
            pool.put(7_000, entity, true);
        }

        assert_eq!(excess(pool, std::iter::repeat_n(7_000, 500)).unwrap().value, 0.0);
    }

    #[test]
    fn the_chance_to_be_of_few_is_binomial() {
        let expected = LOT.expected(3);

        assert_eq!(expected[0], 0.0);
        assert!((expected[1] - 0.9).abs() < 1e-12);
        assert!((expected[2] - 0.99).abs() < 1e-12);
        // Of three: one or two, not three.
        assert!((expected[3] - (3.0 * 0.9 * 0.01 + 3.0 * 0.81 * 0.1)).abs() < 1e-12);
    }
}
