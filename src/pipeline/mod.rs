//! The stages in order. Only this room knows it.

use std::path::Path;

use serde::Serialize;

use crate::{
    config::{Config, DbUrl},
    error::Error,
    evaluate::Scorecard,
    finding::Finding,
    load::LoadSummary,
    plan::Plan,
    progress::Progress,
    schema::Schema,
    verify::Proof,
};

/// What would happen: shown before anything does.
#[derive(Debug, Clone, Serialize)]
pub struct Planned {
    /// The schema found.
    pub schema: Schema,
    /// The order of work.
    pub plan: Plan,
    /// Rows in the source per table, indexed by `TableId`.
    pub real_rows: Vec<u64>,
    /// Rows to be generated per table, as far as known before training.
    pub target_rows: Vec<u64>,
    /// Tables in the target that will be removed; empty if there is no target or it is empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub replaces: Vec<String>,
    /// What is worth knowing.
    pub findings: Vec<Finding>,
}

/// What a run did.
#[derive(Debug, Clone, Serialize)]
pub struct RunSummary {
    /// What was written.
    pub load: LoadSummary,
    /// The proof of every constraint.
    pub proof: Proof,
    /// What is worth knowing, all stages.
    pub findings: Vec<Finding>,
}

/// Called once the plan is known and before anything is written; an error stops the run.
pub type OnPlan<'a> = &'a mut dyn FnMut(&Planned) -> Result<(), Error>;

/// Makes the plan of a source.
///
/// # Errors
/// [`Error`] if the source cannot be read or the configuration does not fit it.
pub fn plan(source: &DbUrl, config: &Config) -> Result<Planned, Error> {
    let _ = (source, config);
    Err(Error::Interrupted)
}

/// Clones a source into a target.
///
/// # Errors
/// [`Error`] of the stage that failed; the target is then as it was where the engine allows it.
pub fn clone(
    source: &DbUrl,
    target: &DbUrl,
    config: &Config,
    on_plan: OnPlan<'_>,
    progress: &dyn Progress,
) -> Result<RunSummary, Error> {
    let _ = (source, target, config, on_plan, progress);
    Err(Error::Interrupted)
}

/// Learns a source into a model file. Returns what is worth knowing.
///
/// # Errors
/// [`Error`] of the stage that failed.
pub fn train(
    source: &DbUrl,
    model: &Path,
    config: &Config,
    on_plan: OnPlan<'_>,
    progress: &dyn Progress,
) -> Result<Vec<Finding>, Error> {
    let _ = (source, model, config, on_plan, progress);
    Err(Error::Interrupted)
}

/// Generates from a model file into a target.
///
/// # Errors
/// [`Error`] of the stage that failed.
pub fn generate(
    model: &Path,
    target: &DbUrl,
    config: &Config,
    on_plan: OnPlan<'_>,
    progress: &dyn Progress,
) -> Result<RunSummary, Error> {
    let _ = (model, target, config, on_plan, progress);
    Err(Error::Interrupted)
}

/// Reads the schema and plan out of a model file.
///
/// # Errors
/// [`Error::ModelFile`] if it cannot be read.
pub fn inspect_model(model: &Path) -> Result<Planned, Error> {
    let _ = model;
    Err(Error::Interrupted)
}

/// Proves every constraint of a database.
///
/// # Errors
/// [`Error::Target`] if it cannot be read.
pub fn verify(target: &DbUrl) -> Result<(Proof, Vec<Finding>), Error> {
    let _ = target;
    Err(Error::Interrupted)
}

/// Scores a synthetic database against the real one, with an optional holdout.
///
/// # Errors
/// [`Error`] if one of them cannot be read.
pub fn evaluate(
    real: &DbUrl,
    synthetic: &DbUrl,
    holdout: Option<&DbUrl>,
    config: &Config,
) -> Result<Scorecard, Error> {
    let _ = (real, synthetic, holdout, config);
    Err(Error::Interrupted)
}
