//! One table's rows given their conditioning: the traits, the autoregressive generator, the baselines.

mod again;
mod autoregressive;
mod batches;
mod calibrate;
mod evidence;
mod exposure;
mod network;
mod restriction;
mod sample;
mod save;
mod settings;
mod strata;
mod train;
mod view;
mod walk;

pub use autoregressive::{Autoregressive, Flattened, Independent};
pub use restriction::{Restriction, Shares, TokenLimit};
pub use save::load;
pub use settings::{Settings, expected_work};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    codec::EncodedTable,
    conditioning::Conditioning,
    config::{Ablation, GeneratorKind},
    progress::{Allowance, Progress, Unlimited},
    seed::Seed,
};

use autoregressive::Ablated;

/// What a generator learns from: encoded rows in the order of `conditioning.families` (siblings in their
/// order in time or key).
#[derive(Debug, Clone)]
pub struct TrainingSet {
    /// The table, for messages and stream names.
    pub name: String,
    /// The rows to learn, `N` rows.
    pub rows: EncodedTable,
    /// What they are generated under.
    pub conditioning: Conditioning,
}

/// Why a generator could not be fitted or sampled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GeneratorError {
    /// The tensor library failed: shapes or memory.
    #[error("the network of table {table} failed")]
    Tensor {
        /// The table.
        table: String,
        /// What the tensor library said.
        #[source]
        source: candle_core::Error,
    },
    /// Sampling was asked under other messages than training saw.
    #[error("table {table} was trained under other relations than it is sampled under: {detail}")]
    Mismatch {
        /// The table.
        table: String,
        /// What differs.
        detail: String,
    },
    /// The run was interrupted.
    #[error("interrupted")]
    Interrupted,
}

/// A plain tensor, for the model file: shape and values.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    /// Dimensions.
    pub shape: Vec<usize>,
    /// Values, row-major.
    pub values: Vec<f32>,
}

/// A fitted generator taken apart for the model file: what it is, and its tensors by name.
#[derive(Debug, Clone, PartialEq)]
pub struct SavedGenerator {
    /// The generator's own description (JSON), with its kind under `"kind"`.
    pub header: serde_json::Value,
    /// Its tensors.
    pub weights: BTreeMap<String, Weights>,
}

/// How a generator was trained; all zero if it was not (a table of a handful of rows).
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Training {
    /// Steps taken.
    pub steps: usize,
    /// Most steps it might have taken.
    pub max_steps: usize,
    /// The step whose weights were kept.
    pub best_step: usize,
    /// Passes over the rows.
    pub epochs: u32,
    /// Validation loss of the kept weights, nats per row; `None` if nothing was held out.
    pub loss: Option<f32>,
    /// True if a time budget ended it: another run may get another number of steps.
    pub out_of_time: bool,
}

/// A specification that can be fitted.
pub trait GeneratorSpec: Send + Sync {
    /// Learns a table. Deterministic in `seed` and the set.
    ///
    /// # Errors
    /// [`GeneratorError`] if the network fails.
    fn fit(
        &self,
        set: &TrainingSet,
        seed: Seed,
        progress: &dyn Progress,
    ) -> Result<Box<dyn TableGenerator>, GeneratorError> {
        self.fit_within(set, seed, progress, &Unlimited)
    }

    /// Learns a table as long as it may. Where the allowance ends it, the result depends on the clock.
    ///
    /// # Errors
    /// [`GeneratorError`] if the network fails.
    fn fit_within(
        &self,
        set: &TrainingSet,
        seed: Seed,
        progress: &dyn Progress,
        allowance: &dyn Allowance,
    ) -> Result<Box<dyn TableGenerator>, GeneratorError>;
}

/// A fitted generator of one table's rows.
pub trait TableGenerator: Send + Sync {
    /// Generates `given.families.row_count()` rows. Deterministic in `seed` and `name` at any thread count.
    ///
    /// # Errors
    /// [`GeneratorError::Mismatch`] if `given` does not fit what it was trained under.
    fn sample(&self, given: &Conditioning, seed: Seed, name: &str) -> Result<EncodedTable, GeneratorError>;

    /// Generates rows as [`TableGenerator::sample`] does, whose tokens are restricted; the others are drawn to suit.
    ///
    /// # Errors
    /// [`GeneratorError::Mismatch`] if `given` or the restriction does not fit what it was trained under.
    fn sample_under(
        &self,
        given: &Conditioning,
        seed: Seed,
        name: &str,
        restriction: &Restriction<'_>,
    ) -> Result<EncodedTable, GeneratorError>;

    /// How it was trained.
    fn training(&self) -> Training;

    /// Takes it apart for the model file.
    fn save(&self) -> SavedGenerator;
}

/// Returns the specification of a kind of generator, sized by each table it is fitted to. An `ablation` takes
/// something away from the relational one; the baselines have nothing to lose.
#[must_use]
pub fn specification(kind: GeneratorKind, ablation: Option<Ablation>) -> Box<dyn GeneratorSpec> {
    match (kind, ablation) {
        (GeneratorKind::Relational, None) => Box::new(Autoregressive::default()),
        (GeneratorKind::Relational, Some(ablation)) => Box::new(Ablated(ablation)),
        (GeneratorKind::Independent, _) => Box::new(Independent::default()),
        (GeneratorKind::Flattened, _) => Box::new(Flattened::default()),
    }
}
#[cfg(test)]
mod tests;
