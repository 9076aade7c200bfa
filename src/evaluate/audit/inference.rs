//! Attribute inference: does knowing the synthetic rows help to guess a secret column of somebody who was in the
//! training rows more than of somebody who was not?
//!
//! Source: Giomi et al., "A unified framework for quantifying privacy risk in synthetic data" (Anonymeter), PETS 2023:
//! the attacker knows all other columns, guesses the secret of the nearest synthetic row, and the success over the
//! holdout is what the data teach about everybody.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::{
    Raw, Terms,
    measure::MeasureKind,
    statistics::{Estimate, Tally},
    unit::Members,
};
use crate::{
    data::NO_ROW,
    evaluate::frame::{Frame, FrameColumn, Kind, Values},
    schema::TableId,
};

/// A guessed number is right if it is off by at most this share of the secret.
const TOLERANCE: f64 = 0.05;
/// A guessed time is right if it is off by at most this share of the range.
const TIME_TOLERANCE: f64 = 0.01;
/// Where chance alone guesses more often than this, nothing is secret.
const PLAIN: f64 = 0.95;

/// Risk per column of one table.
pub(super) fn measure(frame: &Frame, members: &[Members<'_>; 3], terms: &Terms<'_>) -> Vec<Raw> {
    if frame.columns.len() < 2 || frame.row_counts[1] == 0 {
        return Vec::new();
    }
    let targets = [0, 2].map(|side| one_per_entity(&members[side].entity[frame.table.0], terms.targets));
    if targets.iter().any(|rows| rows.len() < super::FEWEST_ENTITIES) {
        return Vec::new();
    }
    let ranges: Vec<f64> = frame.columns.iter().map(range).collect();
    let synthetic = frame.row_counts[1].min(terms.guesses);
    let guesses = [(0, &targets[0]), (2, &targets[1])].map(|(side, rows)| {
        let guessed = |row: &u32| attack(frame, &ranges, (side, *row as usize), synthetic);
        rows.par_iter().map(guessed).collect::<Vec<Vec<Guess>>>()
    });
    let columns = frame.columns.iter().enumerate();
    columns.filter_map(|(place, column)| risk(&guesses, place, frame.table, column)).collect()
}

/// A guess of a secret: the synthetic row it comes from, and whether it is right; `None` where the secret is null.
type Guess = Option<(u32, bool)>;

fn risk(guesses: &[Vec<Vec<Guess>>; 2], place: usize, table: TableId, column: &FrameColumn) -> Option<Raw> {
    let rate = |guesses: &[Vec<Guess>]| rate(guesses.iter().filter_map(|row| row[place]));
    let (members, others) = (rate(&guesses[0])?, rate(&guesses[1])?);
    if others.value > PLAIN {
        return None;
    }
    let gap = members.minus(others);
    let rest = 1.0 - others.value;
    let estimate = Estimate { value: gap.value / rest, error: gap.error / rest };
    let kind = MeasureKind::AttributeInference;
    let rates = Some((members.value, others.value));
    Some(Raw { kind, table, column: Some(column.name.clone()), estimate, rates, by_lot: None })
}

/// The share of right guesses. All that one synthetic row answers are one trial: whether it holds the usual value or an
/// odd one is drawn once, for all whose nearest row it is.
fn rate(guesses: impl Iterator<Item = (u32, bool)>) -> Option<Estimate> {
    let mut answered: BTreeMap<u32, (f64, f64)> = BTreeMap::new();
    for (row, right) in guesses {
        let (hits, all) = answered.entry(row).or_default();
        *hits += f64::from(u8::from(right));
        *all += 1.0;
    }
    Tally { entities: answered.into_values().collect() }.rate()
}

/// One row each of entities from all over the table: the first ones may be of one kind (the managers, the oldest
/// customers), and others than those held out for that reason alone.
fn one_per_entity(entities: &[u32], most: usize) -> Vec<u32> {
    let mut seen = std::collections::BTreeSet::new();
    let rows = entities.iter().enumerate().filter(|(_, entity)| **entity != NO_ROW && seen.insert(**entity));
    let rows: Vec<u32> = rows.map(|(row, _)| row as u32).collect();
    let count = most.min(rows.len());
    (0..count).map(|place| rows[place * rows.len() / count]).collect()
}

fn range(column: &FrameColumn) -> f64 {
    let Values::Number(values) = &column.sides[0] else { return 1.0 };
    let known = || values.iter().copied().filter(|value| value.is_finite());
    let (low, high) = (known().fold(f64::INFINITY, f64::min), known().fold(f64::NEG_INFINITY, f64::max));
    if high > low { high - low } else { 1.0 }
}

/// How different two cells are, 0 to 1. Source: Gower, "A general coefficient of similarity", Biometrics 27, 1971.
fn difference(column: &FrameColumn, range: f64, (side, row): (usize, usize), guess: usize) -> f64 {
    match (&column.sides[side], &column.sides[1]) {
        (Values::Number(real), Values::Number(synthetic)) => {
            let (a, b) = (real[row], synthetic[guess]);
            if a.is_nan() || b.is_nan() {
                f64::from(u8::from(a.is_nan() != b.is_nan()))
            } else {
                ((a - b).abs() / range).min(1.0)
            }
        }
        (Values::Category(real), Values::Category(synthetic)) => {
            f64::from(u8::from(real[row] != synthetic[guess]))
        }
        _ => 1.0,
    }
}

/// For every column, what the nearest synthetic row by all others guesses.
fn attack(frame: &Frame, ranges: &[f64], target: (usize, usize), synthetic: usize) -> Vec<Guess> {
    let count = frame.columns.len();
    let mut best = vec![(f64::INFINITY, 0_usize); count];
    let mut parts = vec![0.0; count];
    for guess in 0..synthetic {
        for ((part, column), range) in parts.iter_mut().zip(&frame.columns).zip(ranges) {
            *part = difference(column, *range, target, guess);
        }
        let total: f64 = parts.iter().sum();
        for (best, part) in best.iter_mut().zip(&parts) {
            if total - part < best.0 {
                *best = (total - part, guess);
            }
        }
    }
    let columns = frame.columns.iter().zip(ranges).zip(best);
    let guess = |((column, range), (_, guess)): ((&FrameColumn, &f64), (f64, usize))| {
        guessed(column, *range, target, guess).map(|right| (guess as u32, right))
    };
    columns.map(guess).collect()
}

fn guessed(column: &FrameColumn, range: f64, (side, row): (usize, usize), guess: usize) -> Option<bool> {
    match (&column.sides[side], &column.sides[1]) {
        (Values::Number(real), Values::Number(synthetic)) => {
            let secret = real[row];
            let allowed =
                if column.kind == Kind::Time { TIME_TOLERANCE * range } else { TOLERANCE * secret.abs() };
            (!secret.is_nan()).then(|| (synthetic[guess] - secret).abs() <= allowed)
        }
        (Values::Category(real), Values::Category(synthetic)) => {
            (real[row] != 0).then(|| real[row] == synthetic[guess])
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{NO_ROW, one_per_entity, rate};

    #[test]
    fn the_attacked_are_from_all_over_the_table() {
        // Rows of entities 0, 0, none, 1, 1, none, …, 99.
        let entities: Vec<u32> = (0..100).flat_map(|entity| [entity, entity, NO_ROW]).collect();

        assert_eq!(one_per_entity(&entities, 4), [0, 75, 150, 225]);
        assert_eq!(one_per_entity(&entities, 1000).len(), 100);
        assert!(one_per_entity(&[NO_ROW], 4).is_empty());
    }

    #[test]
    fn guesses_from_one_synthetic_row_are_one_trial() {
        let apart = rate((0..50).map(|target| (target, target % 2 == 0))).unwrap();
        let together = rate((0..50).map(|target| (target % 10, target % 2 == 0))).unwrap();

        assert!((apart.value - 0.5).abs() < 1e-9 && (together.value - 0.5).abs() < 1e-9);
        assert!(together.error > 2.0 * apart.error, "{} {}", together.error, apart.error);
        assert!(rate(std::iter::empty()).is_none());
    }
}
