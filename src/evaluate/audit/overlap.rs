//! What of the training rows recurs: whole rows, rows but for one column, rare combinations of attributes, runs of
//! children. Each is compared with what recurs in the holdout, which is what chance alone repeats.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Raw, Terms,
    chance::{Excess, Lot, Pool},
    hashes::{Attribute, Hashed, attributes, mix},
    items::{choose, rare, runs_of, telling_length},
    measure::MeasureKind,
    statistics::{Estimate, Tally},
    unit::Members,
};
use crate::{
    data::NO_ROW,
    evaluate::{Side, frame::Kind},
    schema::TableId,
};

/// Fewest attributes a row needs for its recurrence to mean anything.
const FEWEST_ATTRIBUTES: usize = 3;
/// Rows of the training side from which the number of combinations looked at is cut down.
const MANY_CELLS: usize = 4_000_000;

/// The sides in one order: training, synthetic, holdout.
pub(super) struct Sides<'a, 'b> {
    pub(super) sides: [&'a Side<'b>; 3],
    pub(super) members: [&'a Members<'b>; 3],
    /// Entities of the synthetic side that are looked at, by root.
    pub(super) looked_at: &'a BTreeMap<TableId, Vec<bool>>,
}

/// Measures of one table; `root` is that of its entities, `below` says that it hangs below it.
pub(super) fn measure(
    sides: &Sides<'_, '_>,
    (table, root, below): (TableId, TableId, bool),
    terms: &Terms<'_>,
) -> Vec<Raw> {
    let attributes = attributes(sides.sides[0], table);
    if attributes.is_empty() || sides.members.iter().any(|members| members.rows(table) == 0) {
        return Vec::new();
    }
    let real = sides.sides[0].schema;
    let hashed = sides.sides.map(|side| Hashed::new(real, side, table, &attributes));
    let owners = [0, 1, 2].map(|side| {
        let mut owners = sides.members[side].entity[table.0].clone();
        if let (1, Some(chosen)) = (side, sides.looked_at.get(&root)) {
            for owner in &mut owners {
                if !chosen.get(*owner as usize).copied().unwrap_or(false) {
                    *owner = NO_ROW;
                }
            }
        }
        owners
    });
    let lot = Lot { training: sides.members[0].rows(root), holdout: sides.members[2].rows(root) };
    let view = View { hashed: &hashed, owners: &owners, lot };
    let mut found = Vec::new();
    if attributes.len() >= FEWEST_ATTRIBUTES {
        let exact = raw(MeasureKind::ExactRows, table, None, view.whole_rows());
        found.extend(exact.map(|raw| raw.weighed(terms, || view.whole_rows_by_lot())));
        let near = raw(MeasureKind::NearRows, table, None, view.rows_but_one());
        found.extend(near.map(|raw| raw.weighed(terms, || view.rows_but_one_by_lot())));
    }
    let chosen = view.chosen(table, attributes.len(), terms);
    let rare = view.combinations(table, (&attributes, &chosen), terms);
    found.extend(rare.map(|raw| raw.weighed(terms, || view.combinations_by_lot(&chosen, terms))));
    if below {
        found.extend(view.runs(table, &attributes, terms));
    }
    found
}

impl Raw {
    /// With the other way of telling chance, where this one comes near a breach: it is not told for nothing.
    fn weighed(self, terms: &Terms<'_>, by_lot: impl FnOnce() -> Option<Estimate>) -> Self {
        let Estimate { value, error } = self.estimate;
        if value - 2.0 * error > self.kind.limit(terms.limits) {
            Self { by_lot: by_lot(), ..self }
        } else {
            self
        }
    }
}

fn raw(
    kind: MeasureKind,
    table: TableId,
    column: Option<String>,
    rates: Option<[Estimate; 2]>,
) -> Option<Raw> {
    let [synthetic, holdout] = rates?;
    Some(Raw {
        kind,
        table,
        column,
        estimate: synthetic.minus(holdout),
        rates: Some((synthetic.value, holdout.value)),
        by_lot: None,
    })
}

/// Hashes and entities of one table on all sides.
struct View<'a> {
    hashed: &'a [Hashed; 3],
    owners: &'a [Vec<u32>; 3],
    lot: Lot,
}

impl View<'_> {
    fn rows(&self, side: usize) -> impl Iterator<Item = (usize, u32)> + '_ {
        let owners = self.owners[side].iter().enumerate();
        owners.filter(|(_, owner)| **owner != NO_ROW).map(|(row, owner)| (row, *owner))
    }

    /// Rates of rows of the synthetic side and the holdout of which `hit` says so.
    fn rates(&self, hit: impl Fn(usize, usize) -> Option<f64>) -> Option<[Estimate; 2]> {
        let rate = |side: usize| {
            let mut entities: BTreeMap<u32, (f64, f64)> = BTreeMap::new();
            for (row, owner) in self.rows(side) {
                if let Some(hit) = hit(side, row) {
                    let tally = entities.entry(owner).or_default();
                    *tally = (tally.0 + hit, tally.1 + 1.0);
                }
            }
            Tally { entities: entities.into_values().collect() }.rate()
        };
        Some([rate(1)?, rate(2)?])
    }

    fn whole_rows(&self) -> Option<[Estimate; 2]> {
        let training: BTreeSet<u64> = (0..self.owners[0].len()).map(|row| self.hashed[0].row(row)).collect();
        self.rates(|side, row| Some(f64::from(u8::from(training.contains(&self.hashed[side].row(row))))))
    }

    fn whole_rows_by_lot(&self) -> Option<Estimate> {
        self.excess(1, |side, row| vec![self.hashed[side].row(row)])
    }

    /// Rows that equal a training row in all attributes but at most one.
    fn rows_but_one(&self) -> Option<[Estimate; 2]> {
        if self.hashed[0].columns.len() <= FEWEST_ATTRIBUTES {
            return None;
        }
        let mut training: Vec<u64> =
            (0..self.owners[0].len()).step_by(self.step()).flat_map(|row| self.all_but_one(0, row)).collect();
        training.sort_unstable();
        training.dedup();
        self.rates(|side, row| {
            let near = self.all_but_one(side, row).any(|rest| training.binary_search(&rest).is_ok());
            Some(f64::from(u8::from(near)))
        })
    }

    fn rows_but_one_by_lot(&self) -> Option<Estimate> {
        self.excess(self.step(), |side, row| self.all_but_one(side, row).collect())
    }

    /// Of very many rows every n-th is looked for, by all sides alike.
    fn step(&self) -> usize {
        (self.owners[0].len() * self.hashed[0].columns.len()).div_ceil(MANY_CELLS).max(1)
    }

    /// A row's hashes without each of its columns: a cell can be taken out of a sum; which one it was goes back in.
    fn all_but_one(&self, side: usize, row: usize) -> impl Iterator<Item = u64> + '_ {
        let hashed = &self.hashed[side];
        let whole = hashed.row(row);
        let columns = hashed.columns.iter().enumerate();
        columns.map(move |(column, cells)| mix(whole.wrapping_sub(cells[row])).wrapping_add(column as u64))
    }

    /// Synthetic rows that hit training entities with any of their hashes, beyond chance as the lot tells it; of the
    /// real rows every `step`-th is looked for.
    fn excess(&self, step: usize, hashes: impl Fn(usize, usize) -> Vec<u64>) -> Option<Estimate> {
        let mut pool = Pool::new(self.lot);
        for (side, held) in [(0, false), (2, true)] {
            for (row, owner) in self.owners[side].iter().enumerate().step_by(step) {
                if !held || *owner != NO_ROW {
                    hashes(side, row).into_iter().for_each(|item| pool.put(item, *owner, held));
                }
            }
        }
        let mut excess = Excess::new(self.lot, usize::MAX);
        excess.count(pool, self.rows(1).map(|(row, owner)| (owner, hashes(1, row))));
        excess.estimate()
    }

    /// The combinations of attributes that are looked at.
    fn chosen(&self, table: TableId, attributes: usize, terms: &Terms<'_>) -> Vec<Vec<usize>> {
        let most = terms.combinations.min((MANY_CELLS / self.owners[0].len().max(1)).max(8));
        choose(attributes, most, &mut terms.seed.stream("audit/combinations", table.0 as u64))
    }

    /// Combinations of two or three attributes that few training entities have.
    fn combinations(
        &self,
        table: TableId,
        (attributes, chosen): (&[Attribute], &[Vec<usize>]),
        terms: &Terms<'_>,
    ) -> Option<Raw> {
        let mut totals: [BTreeMap<u32, (f64, f64)>; 2] = [BTreeMap::new(), BTreeMap::new()];
        let mut worst: Option<(f64, &Vec<usize>)> = None;
        for columns in chosen {
            let rare = rare(self.items(0, columns), terms.limits.rare_below as usize);
            let mut shares = [0.0; 2];
            for side in [1, 2] {
                let (mut hits, mut items) = (0.0, 0.0);
                for (item, owner) in self.items(side, columns) {
                    let hit = f64::from(u8::from(rare.binary_search(&item).is_ok()));
                    let tally = totals[side - 1].entry(owner).or_default();
                    *tally = (tally.0 + hit, tally.1 + 1.0);
                    hits += hit;
                    items += 1.0;
                }
                shares[side - 1] = hits / f64::max(items, 1.0);
            }
            let gap = shares[0] - shares[1];
            if worst.is_none_or(|(most, _)| gap > most) {
                worst = Some((gap, columns));
            }
        }
        let [synthetic, holdout] =
            totals.map(|entities| Tally { entities: entities.into_values().collect() }.rate());
        let names = worst.map(|(_, columns)| {
            columns.iter().map(|column| attributes[*column].name.as_str()).collect::<Vec<_>>().join(" + ")
        });
        raw(MeasureKind::RareCombinations, table, names, Some([synthetic?, holdout?]))
    }

    fn combinations_by_lot(&self, chosen: &[Vec<usize>], terms: &Terms<'_>) -> Option<Estimate> {
        let mut excess = Excess::new(self.lot, terms.limits.rare_below as usize);
        for columns in chosen {
            self.count_by_lot(&mut excess, |side| self.items(side, columns));
        }
        excess.estimate()
    }

    /// Counts the items of the synthetic side against those of the others.
    fn count_by_lot<I: Iterator<Item = (u64, u32)>>(&self, excess: &mut Excess, items: impl Fn(usize) -> I) {
        let mut pool = Pool::new(self.lot);
        for (side, held) in [(0, false), (2, true)] {
            items(side).for_each(|(item, owner)| pool.put(item, owner, held));
        }
        excess.count(pool, items(1).map(|(item, owner)| (owner, vec![item])));
    }

    /// The combinations that the rows of a side have in some columns, without nulls.
    fn items<'a>(&'a self, side: usize, columns: &'a [usize]) -> impl Iterator<Item = (u64, u32)> + 'a {
        self.rows(side).filter_map(move |(row, owner)| Some((self.item(side, row, columns)?, owner)))
    }

    fn item(&self, side: usize, row: usize, columns: &[usize]) -> Option<u64> {
        let mut sum = 0_u64;
        for column in columns {
            let cell = self.hashed[side].columns[*column][row];
            if cell == 0 {
                return None;
            }
            sum = sum.wrapping_add(cell);
        }
        Some(sum)
    }

    /// Runs of categories of an entity's rows, column by column: of the length that tells most.
    fn runs(&self, table: TableId, attributes: &[Attribute], terms: &Terms<'_>) -> Vec<Raw> {
        let mut found = Vec::new();
        for (column, attribute) in attributes.iter().enumerate() {
            if attribute.kind != Kind::Category {
                continue;
            }
            let families = [0, 1, 2].map(|side| self.families(side, column));
            let Some(length) = telling_length(&families[0]) else { continue };
            let least = terms.limits.rare_below as usize;
            let rare = rare(runs_of(&families[0], length), least);
            let rate = |side: usize| {
                let mut entities: BTreeMap<u32, (f64, f64)> = BTreeMap::new();
                for (item, owner) in runs_of(&families[side], length) {
                    let hit = f64::from(u8::from(rare.binary_search(&item).is_ok()));
                    let tally = entities.entry(owner).or_default();
                    *tally = (tally.0 + hit, tally.1 + 1.0);
                }
                Tally { entities: entities.into_values().collect() }.rate()
            };
            let rates = rate(1).zip(rate(2)).map(|(synthetic, holdout)| [synthetic, holdout]);
            let raw = raw(MeasureKind::ChildSequences, table, Some(attribute.name.clone()), rates);
            found.extend(raw.map(|raw| {
                raw.weighed(terms, || {
                    let mut excess = Excess::new(self.lot, least);
                    self.count_by_lot(&mut excess, |side| runs_of(&families[side], length));
                    excess.estimate()
                })
            }));
        }
        found
    }

    /// Per entity, the column's values of its rows, in the order of the rows.
    fn families(&self, side: usize, column: usize) -> BTreeMap<u32, Vec<u64>> {
        let mut families: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
        for (row, owner) in self.rows(side) {
            families.entry(owner).or_default().push(self.hashed[side].columns[column][row]);
        }
        families
    }
}
