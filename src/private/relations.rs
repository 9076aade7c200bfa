//! Which columns of a row depend on which others, and how: noisy counts of a few columns at a time.
//!
//! Source: Zhang et al., "PrivBayes: private data release via Bayesian networks", SIGMOD 2014; the score that weighs
//! what a relation explains against the noise it costs is that of McKenna et al., "AIM: an adaptive and iterative
//! mechanism for differentially private synthetic data", VLDB 2022.

use rayon::prelude::*;

use super::{
    axis::{Level, project},
    budget::Budget,
    table::{Given, LearnedTable},
};
use crate::privacy::Purpose;

/// Most groups of a column's tokens, from the coarsest level to the finest.
pub(super) const LEVELS: [usize; 4] = [3, 6, 12, 24];
/// Groups of a sibling's place: first, second, third, later ones.
pub(super) const PLACES: usize = 4;
/// Most cells of counts over several columns.
const CELLS: usize = 4096;
/// What noise costs a relation, per cell and standard deviation: half of the mean of its size, as smoothing takes much
/// of it away again.
const PENALTY: f64 = 0.4;
/// Columns looked at in pairs: with more, only the nearest ones.
const PAIRED: usize = 24;

/// How one column depends on others.
#[derive(Debug, Clone, Default)]
pub(super) struct Relation {
    /// The level of its own tokens.
    pub(super) level: usize,
    /// What it depends on, each at a level.
    pub(super) given: Vec<(Given, usize)>,
    /// Shares of its own groups, per combination of what it depends on.
    pub(super) shares: Vec<f64>,
}

/// A table's tokens while its relations are learned: those of its rows and of what stands around them.
pub(super) struct View<'a> {
    pub(super) table: &'a LearnedTable,
    pub(super) above: Option<&'a LearnedTable>,
    /// The rows that count.
    pub(super) rows: &'a [u32],
    /// Rows that one entity has among them, at most.
    pub(super) most: f64,
    /// Share of the entities whose rows these are.
    pub(super) rate: f64,
}

impl View<'_> {
    fn groups(&self, given: Given, level: usize) -> usize {
        match given {
            Given::Own(column) => self.table.levels[column][level].groups,
            // One more for the first sibling, which has none before it.
            Given::Before(column) => self.table.levels[column][level].groups + 1,
            Given::Above(column) => self.above.map_or(1, |above| above.levels[column][level].groups),
            Given::Place => PLACES,
        }
    }

    fn group(&self, given: Given, level: usize, row: u32) -> usize {
        let of = |table: &LearnedTable, column: usize, row: u32| {
            usize::from(table.levels[column][level].of[usize::from(table.tokens[column][row as usize])])
        };
        let kin = &self.table.kin;
        match given {
            Given::Own(column) => of(self.table, column, row),
            Given::Above(column) => self.above.map_or(0, |above| of(above, column, kin.above[row as usize])),
            Given::Before(column) => match kin.before[row as usize] {
                crate::data::NO_ROW => self.table.levels[column][level].groups,
                before => of(self.table, column, before),
            },
            Given::Place => (kin.place[row as usize] as usize).min(PLACES - 1),
        }
    }

    fn cells(&self, column: usize, candidate: &Relation) -> usize {
        let own = self.table.levels[column][candidate.level].groups;
        candidate
            .given
            .iter()
            .fold(own, |all, (given, level)| all.saturating_mul(self.groups(*given, *level)))
    }

    pub(super) fn count(&self, column: usize, candidate: &Relation) -> Vec<f64> {
        let own = &self.table.levels[column][candidate.level];
        let mut counts = vec![0.0; self.cells(column, candidate)];
        for row in self.rows {
            let mut index = 0;
            for (given, level) in &candidate.given {
                index = index * self.groups(*given, *level) + self.group(*given, *level, *row);
            }
            let token = self.table.tokens[column][*row as usize];
            counts[index * own.groups + usize::from(own.of[usize::from(token)])] += 1.0;
        }
        counts
    }

    /// What a column may depend on: columns before it, all of the row above, the sibling before.
    fn candidates(&self, column: usize, room: f64) -> Vec<Relation> {
        let mut givens: Vec<Given> = (0..column).rev().map(Given::Own).collect();
        if let Some(above) = self.above {
            givens.push(Given::Place);
            givens.push(Given::Before(column));
            givens.extend((0..above.levels.len()).map(Given::Above));
            givens.extend((0..self.table.levels.len()).filter(|other| *other != column).map(Given::Before));
        }
        let distinct = |levels: &[Level], wanted: &[usize]| {
            let mut kept: Vec<usize> = Vec::new();
            for level in wanted {
                if kept.iter().all(|other| levels[*other].groups != levels[*level].groups) {
                    kept.push(*level);
                }
            }
            kept
        };
        let levels_of = |given: Given, wanted: &[usize]| match given {
            Given::Own(column) | Given::Before(column) => distinct(&self.table.levels[column], wanted),
            Given::Above(column) => {
                self.above.map_or_else(Vec::new, |above| distinct(&above.levels[column], wanted))
            }
            Given::Place => vec![0],
        };
        let informative = |given: Given, level: usize| {
            self.groups(given, level) > 1 + usize::from(matches!(given, Given::Before(_)))
        };
        let mut all = vec![Relation::default()];
        let mut consider = |level: usize, given: Vec<(Given, usize)>| {
            let candidate = Relation { level, given, shares: Vec::new() };
            let cells = self.cells(column, &candidate);
            if cells <= CELLS && (cells as f64) < room {
                all.push(candidate);
            }
        };
        for own in distinct(&self.table.levels[column], &[1, 2, 3]) {
            for given in &givens {
                for level in levels_of(*given, &[0, 1, 2, 3]) {
                    if informative(*given, level) {
                        consider(own, vec![(*given, level)]);
                    }
                }
            }
        }
        for own in distinct(&self.table.levels[column], &[1, 2]) {
            for (place, first) in givens.iter().take(PAIRED).enumerate() {
                for second in givens.iter().take(PAIRED).skip(place + 1) {
                    for level in [0, 1] {
                        let has = |given: Given| levels_of(given, &[level]).first().copied();
                        let (Some(a), Some(b)) = (has(*first), has(*second)) else { continue };
                        if informative(*first, a) && informative(*second, b) {
                            consider(own, vec![(*first, a), (*second, b)]);
                        }
                    }
                }
            }
        }
        all
    }

    /// How far a column is from what it would be if it did not depend on the others, in rows, less what noise costs.
    pub(super) fn score(&self, column: usize, candidate: &Relation, sigma: f64) -> f64 {
        if candidate.given.is_empty() {
            return 0.0;
        }
        let alone = self.alone(column, candidate.level);
        let counts = self.count(column, candidate);
        let explained: f64 = counts
            .chunks(alone.len())
            .map(|counts| {
                let rows: f64 = counts.iter().sum();
                counts.iter().zip(&alone).map(|(count, share)| (count - rows * share).abs()).sum::<f64>()
            })
            .sum();
        explained - PENALTY * sigma * self.rate * counts.len() as f64
    }

    /// The shares of a column's groups, from the look at it alone.
    fn alone(&self, column: usize, level: usize) -> Vec<f64> {
        let level = &self.table.levels[column][level];
        let mut shares = vec![0.0; level.groups];
        for (token, share) in self.table.shares[column].iter().enumerate() {
            shares[usize::from(level.of[token])] += share;
        }
        shares
    }

    /// Chooses what a column depends on. One row more moves a score by two at most: one in the counts, one in what is
    /// expected of them.
    pub(super) fn choose(&self, budget: &mut Budget, column: usize, of: usize) -> Relation {
        let sigma = budget.sigma((Purpose::Relations, 1.0), of, self.most);
        // What cannot hold more rows than its noise is wide is of no use to anybody.
        let room = self.table.expected / (0.25 * sigma).max(1.0) + 16.0;
        let mut candidates = self.candidates(column, room);
        let scores: Vec<f64> =
            candidates.par_iter().map(|candidate| self.score(column, candidate, sigma)).collect();
        let chosen = budget.choose(of, &scores, 2.0 * self.most);
        candidates.swap_remove(chosen)
    }

    /// Counts a chosen relation with noise, and smooths it towards the column alone where rows are few.
    pub(super) fn measure(
        &self,
        budget: &mut Budget,
        column: usize,
        (mut relation, of): (Relation, usize),
    ) -> Relation {
        let alone = self.alone(column, relation.level);
        if relation.given.is_empty() {
            relation.shares = alone;
            return relation;
        }
        let mut counts = self.count(column, &relation);
        let mut look = budget.look((Purpose::Relations, 1.0), of, self.most);
        look.blur(&mut counts);
        let prior = look.sigma * (alone.len() as f64).sqrt();
        relation.shares = counts
            .chunks(alone.len())
            .flat_map(|counts| {
                // What the column alone was found not to have, it has nowhere.
                let known = |(count, alone): (&f64, &f64)| if *alone > 0.0 { *count } else { 0.0 };
                let counts: Vec<f64> = counts.iter().zip(&alone).map(known).collect();
                let rows = counts.iter().sum::<f64>().max(0.0);
                let own = project(&counts);
                let weight = rows / (rows + prior);
                own.into_iter()
                    .zip(&alone)
                    .map(|(own, alone)| weight * own + (1.0 - weight) * alone)
                    .collect::<Vec<_>>()
            })
            .collect();
        relation
    }
}
