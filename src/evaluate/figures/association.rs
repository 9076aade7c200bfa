//! How the columns of a table go together.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use serde::Serialize;

use super::round;
use crate::{
    evaluate::{
        c2st::sample_rows,
        distances::{Pair, correlation},
        frame::{Frame, FrameColumn, Values},
    },
    seed::Seed,
};

/// Fewest real rows from which anything is told.
const FEWEST_ROWS: usize = 20;
/// Most rows of a side that are looked at.
const MOST_ROWS: usize = 5_000;
/// Most columns of a picture: more cannot be read.
const MOST_COLUMNS: usize = 24;
/// Equally full bins that numbers fall into beside a category.
const BINS: usize = 8;

/// A measure for every pair of columns on both sides: Pearson's correlation (−1 to 1) of two numbers or times,
/// Cramér's V (0 to 1) of all other pairs, numbers in equally full bins.
///
/// V is corrected for its bias. Source: Bergsma, "A bias-correction for Cramér's V and Tschuprow's T", Journal of the
/// Korean Statistical Society 42 (2013), equations 6 and 7.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Associations {
    /// The columns.
    pub columns: Vec<String>,
    /// Columns that were left out because there are too many.
    pub left_out: usize,
    /// Row by row, column by column; `None` where there is nothing to measure. Symmetric.
    pub real: Vec<Vec<Option<f64>>>,
    /// The same for the synthetic side.
    pub synthetic: Vec<Vec<Option<f64>>>,
}

impl Associations {
    /// Measures the columns of a table that are drawn; `None` if there are fewer than two, or too few rows. Labels of
    /// fewer than `least` real rows count as one.
    pub(super) fn measure(
        frame: &Frame,
        drawn: &dyn Fn(&str) -> bool,
        (least, seed): (usize, Seed),
    ) -> Option<Self> {
        let all: Vec<&FrameColumn> = frame.columns.iter().filter(|column| drawn(&column.name)).collect();
        let chosen: Vec<&FrameColumn> = all.iter().copied().take(MOST_COLUMNS).collect();
        if chosen.len() < 2 || frame.row_counts[..2].iter().any(|rows| *rows < FEWEST_ROWS.max(least)) {
            return None;
        }
        let rare: Vec<BTreeSet<u32>> = chosen.iter().map(|column| rare(&column.sides[0], least)).collect();
        let mut random = seed.stream(&format!("evaluate/associations/{}", frame.name), 0);
        let mut of_side = |side: usize| {
            let rows = sample_rows(frame.row_counts[side], MOST_ROWS, &mut random);
            let columns = chosen.iter().zip(&rare);
            let taken = columns.map(|(column, rare)| merged(column.sides[side].take(&rows), rare));
            matrix(&taken.collect::<Vec<_>>())
        };
        Some(Self {
            columns: chosen.iter().map(|column| column.name.clone()).collect(),
            left_out: all.len() - chosen.len(),
            real: of_side(0),
            synthetic: of_side(1),
        })
    }

    /// Mean difference of all pairs that both sides measure.
    #[must_use]
    pub fn mean_difference(&self) -> Option<f64> {
        let size = self.columns.len();
        let pairs = (0..size).flat_map(|row| (0..row).map(move |column| (row, column)));
        let differences: Vec<f64> = pairs
            .filter_map(|(row, column)| Some((self.real[row][column]? - self.synthetic[row][column]?).abs()))
            .collect();
        let count = differences.len();
        (count > 0).then(|| differences.into_iter().sum::<f64>() / count as f64)
    }
}

/// Labels of too few real rows.
fn rare(values: &Values, least: usize) -> BTreeSet<u32> {
    let Values::Category(codes) = values else { return BTreeSet::new() };
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    for code in codes {
        *counts.entry(*code).or_default() += 1;
    }
    // Labels that only the synthetic side has are rare as well: they have no real row at all.
    let most = counts.keys().max().copied().unwrap_or(0);
    let known = counts.into_iter().filter(|(_, count)| *count < least).map(|(code, _)| code);
    known.chain([most + 1]).collect()
}

/// Puts rare labels together, and all that come after the last real one.
fn merged(values: Values, rare: &BTreeSet<u32>) -> Values {
    let Values::Category(codes) = values else { return values };
    let beyond = rare.last().copied().unwrap_or(u32::MAX);
    let code = |code: u32| if code >= beyond || rare.contains(&code) { beyond } else { code };
    Values::Category(codes.into_iter().map(code).collect())
}

fn matrix(columns: &[Values]) -> Vec<Vec<Option<f64>>> {
    let codes: Vec<Vec<u32>> = columns.iter().map(codes).collect();
    let lower: Vec<Vec<Option<f64>>> = (0..columns.len())
        .into_par_iter()
        .map(|row| {
            let of = |column: usize| {
                let measured = match (&columns[row], &columns[column]) {
                    (first @ Values::Number(_), second @ Values::Number(_)) => {
                        correlation(&Pair { first, second })
                    }
                    _ => cramers_v(&codes[row], &codes[column]),
                };
                measured.map(round)
            };
            (0..row).map(of).collect()
        })
        .collect();
    (0..columns.len())
        .map(|row| {
            (0..columns.len())
                .map(|column| match row.cmp(&column) {
                    std::cmp::Ordering::Less => lower[column][row],
                    std::cmp::Ordering::Equal => Some(1.0),
                    std::cmp::Ordering::Greater => lower[row][column],
                })
                .collect()
        })
        .collect()
}

/// Codes of a column; numbers fall into equally full bins. 0 is null.
fn codes(values: &Values) -> Vec<u32> {
    match values {
        Values::Category(codes) => codes.clone(),
        Values::Number(numbers) => {
            let mut sorted: Vec<f64> = numbers.iter().copied().filter(|value| value.is_finite()).collect();
            sorted.sort_by(f64::total_cmp);
            let edges: Vec<f64> =
                (1..BINS).filter_map(|bin| sorted.get(bin * sorted.len() / BINS).copied()).collect();
            let bin = |value: &f64| {
                if value.is_finite() { 1 + edges.partition_point(|edge| edge <= value) as u32 } else { 0 }
            };
            numbers.iter().map(bin).collect()
        }
    }
}

/// Bias-corrected Cramér's V; `None` if either column has one code only.
fn cramers_v(first: &[u32], second: &[u32]) -> Option<f64> {
    let mut cells: BTreeMap<(u32, u32), f64> = BTreeMap::new();
    let (mut rows, mut columns) = (BTreeMap::<u32, f64>::new(), BTreeMap::<u32, f64>::new());
    for (a, b) in first.iter().zip(second) {
        *cells.entry((*a, *b)).or_default() += 1.0;
        *rows.entry(*a).or_default() += 1.0;
        *columns.entry(*b).or_default() += 1.0;
    }
    let count = first.len() as f64;
    let (r, c) = (rows.len() as f64, columns.len() as f64);
    if r < 2.0 || c < 2.0 || count < 2.0 {
        return None;
    }
    // φ² = Σ p_ij² / (p_i p_j) − 1 needs the filled cells only.
    let phi_squared: f64 = cells.iter().map(|((a, b), n)| n * n / (rows[a] * columns[b])).sum::<f64>() - 1.0;
    let corrected = (phi_squared - (r - 1.0) * (c - 1.0) / (count - 1.0)).max(0.0);
    let levels = |k: f64| k - (k - 1.0).powi(2) / (count - 1.0);
    let least = levels(r).min(levels(c)) - 1.0;
    (least > 0.0).then(|| (corrected / least).sqrt().min(1.0))
}
