//! Does the synthetic side repeat the real one? Exact copies, and closeness calibrated by a holdout.

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::{
    c2st::sample_rows,
    entity::{Encoded, EntityColumn, encode},
    frame::Frame,
};
use crate::seed::Seed;

const MOST_ENTITIES: usize = 10_000;
const MOST_QUERIES: usize = 4_000;

/// Share of rows of side `side` whose attributes all equal those of a real row.
pub(super) fn exact_share(frame: &Frame, side: usize) -> Option<f64> {
    if frame.fingerprints[side].is_empty() {
        return None;
    }
    let real: BTreeSet<u128> = frame.fingerprints[0].iter().copied().collect();
    let copies = frame.fingerprints[side].iter().filter(|fingerprint| real.contains(fingerprint)).count();
    Some(copies as f64 / frame.fingerprints[side].len() as f64)
}

/// Share of synthetic entities (side 1) that are closer to a training entity (side 0) than to a holdout entity
/// (side 2), ties counted half: 0.50 means no leak, 1.00 means copies.
///
/// Distance is Euclidean over standardised columns, one-hot for categories.
pub(super) fn nearest_is_training(
    columns: &[EntityColumn],
    row_counts: &[usize],
    seed: Seed,
    name: &str,
) -> Option<f64> {
    let entities = row_counts[0].min(row_counts[2]).min(MOST_ENTITIES);
    if entities == 0 || row_counts[1] == 0 || columns.is_empty() {
        return None;
    }
    let mut random = seed.stream(&format!("evaluate/nearest/{name}"), 0);
    let training = sample_rows(row_counts[0], entities, &mut random);
    let holdout = sample_rows(row_counts[2], entities, &mut random);
    let synthetic = sample_rows(row_counts[1], MOST_QUERIES.min(row_counts[1]), &mut random);
    // One column list with training, holdout and synthetic rows in this order.
    let merged: Vec<EntityColumn> = columns.iter().map(|column| merge(column, &training, &holdout)).collect();
    let references: Vec<u32> = (0..2 * entities as u32).collect();
    let encoded = encode(&merged, (0, &references), (1, &synthetic));
    let scaled: Vec<Scaled> =
        encoded.into_iter().map(|(_, column)| Scaled::new(column, 2 * entities)).collect();
    let nearest = |query: usize, rows: std::ops::Range<usize>| {
        rows.map(|row| {
            let total: f64 = scaled.iter().map(|column| column.distance(query, row)).sum();
            total
        })
        .fold(f64::INFINITY, f64::min)
    };
    let points: Vec<f64> = (0..synthetic.len())
        .into_par_iter()
        .map(|index| {
            let query = 2 * entities + index;
            let to_training = nearest(query, 0..entities);
            let to_holdout = nearest(query, entities..2 * entities);
            // Distances of equal rows may differ in the last bits of their sums.
            if (to_training - to_holdout).abs() <= 1e-9 * (1.0 + to_training) {
                0.5
            } else {
                f64::from(u8::from(to_training < to_holdout))
            }
        })
        .collect();
    Some(points.iter().sum::<f64>() / points.len() as f64)
}

fn merge(column: &EntityColumn, training: &[u32], holdout: &[u32]) -> EntityColumn {
    use super::frame::Values::{Category, Number};
    let reference = match (column.sides[0].take(training), column.sides[2].take(holdout)) {
        (Number(mut values), Number(more)) => {
            values.extend(more);
            Number(values)
        }
        (Category(mut codes), Category(more)) => {
            codes.extend(more);
            Category(codes)
        }
        (other, _) => other,
    };
    let sides = vec![reference, column.sides[1].clone()];
    EntityColumn { name: column.name.clone(), kind: column.kind, sides }
}

/// A column whose squared differences count in units of its variance among the reference rows.
enum Scaled {
    Number(Vec<f64>),
    /// Codes, and per code the inverse variance of its one-hot column.
    Category(Vec<u32>, Vec<f64>),
}

impl Scaled {
    fn new(column: Encoded, references: usize) -> Self {
        let count = references as f64;
        match column {
            Encoded::Number(values) => {
                let mean = values[..references].iter().sum::<f64>() / count;
                let squares: f64 = values[..references].iter().map(|value| (value - mean).powi(2)).sum();
                let deviation = (squares / (count - 1.0).max(1.0)).sqrt();
                let unit = if deviation > 0.0 { deviation } else { 1.0 };
                Self::Number(values.into_iter().map(|value| value / unit).collect())
            }
            Encoded::Category(codes) => {
                let most = codes.iter().max().map_or(0, |code| *code as usize);
                let mut weights = vec![0.0; most + 1];
                for code in &codes[..references] {
                    weights[*code as usize] += 1.0;
                }
                for weight in &mut weights {
                    let share = *weight / count;
                    let variance = share * (1.0 - share) * count / (count - 1.0).max(1.0);
                    *weight = if variance > 0.0 { 1.0 / variance } else { 1.0 };
                }
                Self::Category(codes, weights)
            }
        }
    }

    fn distance(&self, first: usize, second: usize) -> f64 {
        match self {
            Self::Number(values) => (values[first] - values[second]).powi(2),
            Self::Category(codes, weights) => {
                let (a, b) = (codes[first] as usize, codes[second] as usize);
                if a == b { 0.0 } else { weights[a] + weights[b] }
            }
        }
    }
}
