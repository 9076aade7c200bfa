//! The classifier two-sample test: how often a classifier tells real rows from synthetic ones.
//! Source: Lopez-Paz & Oquab, "Revisiting Classifier Two-Sample Tests", ICLR 2017.

use rand::RngExt;
use rayon::prelude::*;
use serde::Serialize;

use super::{
    boosting::Boosted,
    entity::{EntityColumn, encode, features},
};
use crate::seed::{Seed, Stream};

/// Most rows of a side that are looked at.
pub(super) const MOST_ROWS: usize = 20_000;
const FEWEST_ROWS: usize = 20;
const FOLDS: usize = 5;
const MOST_TELLTALES: usize = 5;

/// An accuracy and how sure it is: 0.50 cannot tell, 1.00 always can; clearly below 0.50 hints at copies.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Accuracy {
    /// Share of held-out rows told right.
    pub accuracy: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// Rows of each side that were looked at.
    pub rows: usize,
}

/// A feature the classifier tells rows by.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Telltale {
    /// The column, the part of a time, or the aggregate over child rows.
    pub feature: String,
    /// Its share of everything the splits gained, 0 to 1, over all folds.
    pub share: f64,
}

/// What a classifier reached, and by which features: the most useful ones first.
pub(super) struct Verdict {
    pub(super) accuracy: Accuracy,
    pub(super) telltales: Vec<Telltale>,
}

/// Draws `count` of `total` rows without repetition, in random order.
pub(super) fn sample_rows(total: usize, count: usize, random: &mut Stream) -> Vec<u32> {
    let mut rows: Vec<u32> = (0..total as u32).collect();
    for index in 0..count.min(total) {
        let other = random.random_range(index..total);
        rows.swap(index, other);
    }
    rows.truncate(count);
    rows
}

/// Tests rows of side `first` against rows of side `second` by five-fold cross-validation. `None` if there are
/// too few rows or no column to look at.
pub(super) fn test(
    columns: &[EntityColumn],
    first: (usize, usize),
    second: (usize, usize),
    seed: Seed,
    name: &str,
) -> Option<Verdict> {
    let rows = first.1.min(second.1).min(MOST_ROWS);
    if rows < FEWEST_ROWS || columns.is_empty() {
        return None;
    }
    let mut random = seed.stream(&format!("evaluate/c2st/{name}"), first.0 as u64);
    let first_rows = sample_rows(first.1, rows, &mut random);
    let second_rows = sample_rows(second.1, rows, &mut random);
    let (names, features) = features(encode(columns, (first.0, &first_rows), (second.0, &second_rows)));
    let labels: Vec<bool> = (0..2 * rows).map(|row| row < rows).collect();
    // Both halves are in random order already: the i-th row of each goes to fold 5·i/n.
    let fold_of = |row: u32| (row as usize % rows) * FOLDS / rows;
    let folds: Vec<(usize, Vec<f64>)> = (0..FOLDS)
        .into_par_iter()
        .map(|fold| {
            let (tested, learnt): (Vec<u32>, Vec<u32>) =
                (0..2 * rows as u32).partition(|row| fold_of(*row) == fold);
            let model = Boosted::fit(&features, &labels, &learnt);
            let right = |row: &&u32| model.predict(&features, **row as usize) == labels[**row as usize];
            (tested.iter().filter(right).count(), model.gains().to_vec())
        })
        .collect();
    let total = (2 * rows) as f64;
    let accuracy = folds.iter().map(|(hits, _)| hits).sum::<usize>() as f64 / total;
    let standard_error = (accuracy * (1.0 - accuracy) / total).sqrt();
    let gains: Vec<f64> =
        (0..names.len()).map(|feature| folds.iter().map(|(_, gains)| gains[feature]).sum()).collect();
    Some(Verdict {
        accuracy: Accuracy { accuracy, standard_error, rows },
        telltales: telltales(names, &gains),
    })
}

fn telltales(names: Vec<String>, gains: &[f64]) -> Vec<Telltale> {
    let total: f64 = gains.iter().sum();
    let shares = names.into_iter().zip(gains).filter(|(_, gain)| **gain > 0.0);
    let mut telltales: Vec<Telltale> =
        shares.map(|(feature, gain)| Telltale { feature, share: gain / total }).collect();
    telltales.sort_by(|a, b| b.share.total_cmp(&a.share));
    telltales.truncate(MOST_TELLTALES);
    telltales
}
