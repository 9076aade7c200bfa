//! What of the training rows recurs: whole rows, rows but for one column, rare combinations of attributes, runs of
//! children. Each is compared with what recurs in the holdout, which is what chance alone repeats.

use std::collections::{BTreeMap, BTreeSet};

use rand::RngExt;

use super::{
    Raw, Terms,
    hashes::{Attribute, Hashed, attributes, mix},
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
/// Share of a column's runs that few entities have, at which runs are long enough to tell entities apart.
const TELLING_SHARE: f64 = 0.6;
const LONGEST_RUN: usize = 8;

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
    let view = View { hashed: &hashed, owners: &owners };
    let mut found = Vec::new();
    if attributes.len() >= FEWEST_ATTRIBUTES {
        found.extend(raw(MeasureKind::ExactRows, table, None, view.whole_rows()));
        found.extend(raw(MeasureKind::NearRows, table, None, view.rows_but_one()));
    }
    found.extend(view.combinations(table, &attributes, terms));
    if below {
        found.extend(view.runs(table, &attributes, terms));
    }
    found
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
    })
}

/// Hashes and entities of one table on all sides.
struct View<'a> {
    hashed: &'a [Hashed; 3],
    owners: &'a [Vec<u32>; 3],
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

    /// Rows that equal a training row in all attributes but at most one.
    fn rows_but_one(&self) -> Option<[Estimate; 2]> {
        let count = self.hashed[0].columns.len();
        if count <= FEWEST_ATTRIBUTES {
            return None;
        }
        // A cell can be taken out of a sum; which one it was goes back in.
        let without = |side: usize, row: usize, column: usize| {
            let hashed = &self.hashed[side];
            mix(hashed.row(row).wrapping_sub(hashed.columns[column][row])).wrapping_add(column as u64)
        };
        // Of very many rows every n-th is looked for, by both sides alike.
        let step = (self.owners[0].len() * count).div_ceil(MANY_CELLS).max(1);
        let mut training: Vec<u64> = (0..self.owners[0].len())
            .step_by(step)
            .flat_map(|row| (0..count).map(move |column| without(0, row, column)))
            .collect();
        training.sort_unstable();
        training.dedup();
        self.rates(|side, row| {
            let near = (0..count).any(|column| training.binary_search(&without(side, row, column)).is_ok());
            Some(f64::from(u8::from(near)))
        })
    }

    /// Combinations of two or three attributes that few training entities have.
    fn combinations(&self, table: TableId, attributes: &[Attribute], terms: &Terms<'_>) -> Option<Raw> {
        let rows = self.owners[0].len();
        let most = terms.combinations.min((MANY_CELLS / rows.max(1)).max(8));
        let mut random = terms.seed.stream("audit/combinations", table.0 as u64);
        let chosen = choose(attributes.len(), most, &mut random);
        let mut totals: [BTreeMap<u32, (f64, f64)>; 2] = [BTreeMap::new(), BTreeMap::new()];
        let mut worst: Option<(f64, &Vec<usize>)> = None;
        for columns in &chosen {
            let rare = rare(
                self.rows(0).filter_map(|(row, owner)| Some((self.item(0, row, columns)?, owner))),
                terms,
            );
            let mut shares = [0.0; 2];
            for side in [1, 2] {
                let (mut hits, mut items) = (0.0, 0.0);
                for (row, owner) in self.rows(side) {
                    let Some(item) = self.item(side, row, columns) else { continue };
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

    /// Runs of categories of an entity's rows, column by column: as long as it takes for many of them to be rare.
    fn runs(&self, table: TableId, attributes: &[Attribute], terms: &Terms<'_>) -> Vec<Raw> {
        let mut found = Vec::new();
        for (column, attribute) in attributes.iter().enumerate() {
            if attribute.kind != Kind::Category {
                continue;
            }
            let families = [0, 1, 2].map(|side| self.families(side, column));
            let Some((length, rare)) = (2..=LONGEST_RUN).find_map(|length| {
                let items = || runs_of(&families[0], length);
                let rare = rare(items(), terms);
                let (mut few, mut all) = (0, 0);
                for (item, _) in items() {
                    all += 1;
                    few += usize::from(rare.binary_search(&item).is_ok());
                }
                (all > 0 && few as f64 >= TELLING_SHARE * f64::from(all)).then_some((length, rare))
            }) else {
                continue;
            };
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
            found.extend(raw(MeasureKind::ChildSequences, table, Some(attribute.name.clone()), rates));
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

fn runs_of(families: &BTreeMap<u32, Vec<u64>>, length: usize) -> impl Iterator<Item = (u64, u32)> + '_ {
    families.iter().flat_map(move |(owner, values)| {
        values.windows(length).map(move |window| {
            let run = window.iter().fold(length as u64, |hash, value| mix(hash.wrapping_add(*value)));
            (run, *owner)
        })
    })
}

/// Items that fewer than the least number of entities have, sorted.
fn rare(items: impl Iterator<Item = (u64, u32)>, terms: &Terms<'_>) -> Vec<u64> {
    let mut all: Vec<(u64, u32)> = items.collect();
    all.sort_unstable();
    all.dedup();
    let groups = all.chunk_by(|a, b| a.0 == b.0);
    groups.filter(|group| group.len() < terms.limits.rare_below as usize).map(|group| group[0].0).collect()
}

/// All pairs and triples of `count` things, or a seeded choice of `most` of them, half of either.
fn choose(count: usize, most: usize, random: &mut crate::seed::Stream) -> Vec<Vec<usize>> {
    let pairs = (0..count).flat_map(|a| (a + 1..count).map(move |b| vec![a, b]));
    let mut pairs: Vec<Vec<usize>> = pairs.collect();
    let mut shuffle = |list: &mut Vec<Vec<usize>>, keep: usize| {
        for index in 0..list.len().min(keep) {
            let other = random.random_range(index..list.len());
            list.swap(index, other);
        }
        list.truncate(keep);
    };
    let half = most.div_ceil(2);
    shuffle(&mut pairs, half);
    let mut triples: Vec<Vec<usize>> = Vec::new();
    for pair in &pairs {
        triples.extend((pair[1] + 1..count).map(|third| vec![pair[0], pair[1], third]));
    }
    shuffle(&mut triples, half);
    pairs.extend(triples);
    pairs
}
