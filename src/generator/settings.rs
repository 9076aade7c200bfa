//! Sizes and rates of a table's network, chosen by how much there is to learn from.

use serde::{Deserialize, Serialize};

use crate::codec::SubColumn;

/// Widths, regularisation and budget of one table's training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Hidden units per head, `H`.
    pub hidden: usize,
    /// Width of the conditioning vector, `C`.
    pub context: usize,
    /// Width of a message.
    pub message: usize,
    /// Width of a token's embedding.
    pub embedding: usize,
    /// Probability of dropping a hidden unit of a head.
    pub dropout: f32,
    /// Probability of dropping a unit of a message or of the conditioning vector.
    pub context_dropout: f32,
    /// Probability of dropping an input feature.
    pub input_dropout: f32,
    /// Probability that a head does not see a token of the row before it.
    pub token_dropout: f32,
    /// Probability of replacing a token of the conditioning by a random one.
    pub corruption: f32,
    /// Share of each target that is the marginal distribution.
    pub smoothing: f32,
    /// Learning rate.
    pub rate: f32,
    /// Decoupled weight decay.
    pub decay: f32,
    /// Decay of the running average of the weights.
    pub average: f32,
    /// Rows per step.
    pub batch_rows: usize,
    /// Most passes over the rows.
    pub max_epochs: usize,
    /// Most steps.
    pub max_steps: usize,
    /// Validations without improvement before training stops.
    pub patience: usize,
    /// Share of the families that are held out to know when to stop.
    pub validation: f32,
}

/// Most rows per step. Larger batches leave the processor's caches and learn no more from as many rows: on 42,000 rows of
/// 36 sub-columns a step of 1,024 rows took as long as 17 of 128.
const MAX_BATCH_ROWS: usize = 128;

/// Rows of a family from where on every further one counts as much as those before it.
const LONG_FAMILY: f32 = 10.0;

/// Multiply-adds one table may spend on training: about 40 seconds of one core.
const BUDGET: f64 = 0.5e12;

impl Settings {
    /// Chooses settings for `rows` rows in `families` families with `sub_columns` token positions each.
    ///
    /// Regularisation follows what there is to learn from (see [`evidence`]). With 1,000 families of a few rows a dropout
    /// of 0.4 beats one of 0.1 by far; with 100,000 it only slows learning. With far less than 1,000, what validates best
    /// comes early and heads shrink to it anyway, and more dropout hides what little there is: over eight seeds, networks
    /// of 45 parents and their children with one of 0.3 gave entities told apart at 0.71 instead of 0.77.
    #[must_use]
    pub fn for_size(rows: usize, families: usize, sub_columns: usize) -> Self {
        let evidence = evidence(rows, families);
        let decades = (evidence / 1_000.0).log10();
        let least = if decades < 0.0 { 0.3 } else { 0.05 };
        let dropout = (0.5 - 0.2 * decades.abs()).max(least);
        let batch_rows = (rows / 32).next_power_of_two().clamp(32, MAX_BATCH_ROWS);
        Self {
            hidden: match sub_columns {
                0..=40 => 64,
                41..=80 => 32,
                _ => 16,
            },
            context: if evidence < 15_000.0 { 64 } else { 128 },
            message: if evidence < 15_000.0 { 32 } else { 64 },
            embedding: match (evidence as usize, sub_columns) {
                (0..1_250, 0..=40) => 32,
                (_, 0..=80) => 16,
                _ => 8,
            },
            dropout,
            context_dropout: dropout * 0.18,
            input_dropout: dropout * 0.12,
            token_dropout: 0.0,
            corruption: 0.05,
            smoothing: (2.0 / rows.max(1) as f32).min(0.2),
            rate: (0.003 * (1_600.0 / evidence)).clamp(0.002, 0.01),
            decay: 0.1,
            average: 0.99,
            batch_rows,
            max_epochs: 300,
            max_steps: 20_000,
            patience: 10,
            validation: 0.12,
        }
    }

    /// Returns the steps a network of `weights` weights may take within the budget.
    #[must_use]
    pub fn steps_for(&self, rows: usize, weights: usize) -> usize {
        let affordable = BUDGET / (3.0 * weights.max(1) as f64 * self.batch_rows as f64);
        let epochs = self.max_epochs.saturating_mul(rows.div_ceil(self.batch_rows));
        epochs.min(self.max_steps).min(affordable as usize).max(1)
    }
}

/// Multiply-adds that training on `rows` rows in `families` families is at most, roughly: rows × sub-columns × weights,
/// up to the budget. For shares of time and for what is left of it, so only ratios matter.
#[must_use]
pub fn expected_work(rows: usize, families: usize, sub_columns: &[SubColumn]) -> f64 {
    let columns = sub_columns.len();
    let settings = Settings::for_size(rows, families, columns);
    let tokens: usize = sub_columns.iter().map(|column| usize::from(column.size)).sum();
    let seen = columns * (settings.embedding + 1) + settings.context;
    let weights = settings.hidden * (columns * seen + tokens);
    let steps = settings.steps_for(rows, weights);
    3.0 * weights as f64 * settings.batch_rows as f64 * steps as f64
}

/// How many independent rows a table is worth, roughly: rows of one family tell less than as many rows of different ones,
/// so that a family is worth the root of its rows; but what a long one tells of one row and the next it tells many times
/// over, so that none counts for less than a third of its rows. By the root alone, networks of 45 families of 330 rows
/// were so small and so disturbed that they did not learn what the rows of a family have in common.
fn evidence(rows: usize, families: usize) -> f32 {
    let rows = rows.max(1) as f32;
    let per_family = rows / (families.max(1) as f32).min(rows);
    rows / per_family.min(LONG_FAMILY).sqrt()
}

#[cfg(test)]
mod tests {
    use super::evidence;

    #[test]
    fn rows_of_one_family_are_worth_less_than_rows_of_many_but_never_next_to_nothing() {
        let close = |a: f32, b: f32| (a / b - 1.0).abs() < 1e-3;
        assert!(close(evidence(1_000, 1_000), 1_000.0));
        assert!(close(evidence(4_000, 1_000), 2_000.0));
        assert!(evidence(100_000, 1_000) > 30_000.0);
        assert!(evidence(15_000, 45) > 4_500.0 && evidence(15_000, 45) < 5_000.0);
        assert!(close(evidence(0, 0), 1.0));
        for rows in [10, 1_000, 100_000] {
            let of: Vec<f32> = [1, 10, 100, 1_000].map(|families| evidence(rows, families)).to_vec();
            assert!(of.windows(2).all(|pair| pair[0] <= pair[1] * 1.001), "{rows}: {of:?}");
        }
    }
}
