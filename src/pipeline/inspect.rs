//! What a model file holds.

use std::path::Path;

use serde::Serialize;

use super::{Planned, generate::planned};
use crate::{
    config::Config,
    error::Error,
    evaluate::Audit,
    generator::Training,
    model::{Contents, contents, cover_model},
    model_file,
    privacy::Ledger,
};

/// What a model file holds.
#[derive(Debug, Clone, Serialize)]
pub struct Inspected {
    /// The schema and the plan.
    #[serde(flatten)]
    pub planned: Planned,
    /// How each table was learnt, indexed by `TableId`; `None` where nothing was.
    pub training: Vec<Option<TableTraining>>,
    /// What rows generated from it told of real ones when it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit: Option<Audit>,
    /// What was promised to every entity, if differential privacy was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub privacy: Option<Ledger>,
}

/// How a table was learnt.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct TableTraining {
    /// Seconds it took, links and rows.
    pub seconds: f64,
    /// The training of its rows.
    #[serde(flatten)]
    pub rows: Training,
}

/// Reads the schema and plan out of a model file, and how it was learnt.
///
/// # Errors
/// [`Error::ModelFile`] if it cannot be read.
pub fn inspect_model(model: &Path) -> Result<Inspected, Error> {
    let (model, audit) = model_file::load_audited(model)?;
    let training = model
        .tables
        .iter()
        .map(|table| {
            let table = table.as_ref()?;
            let rows = table.row_generator.as_ref()?.training();
            Some(TableTraining { seconds: table.facts.train_seconds, rows })
        })
        .collect();
    let planned = Planned { coverage: cover_model(&model), ..planned(&model, &Config::default()) };
    Ok(Inspected { planned, training, audit, privacy: model.origin.privacy })
}

/// Lists everything a model file keeps of its source.
///
/// # Errors
/// [`Error::ModelFile`] if it cannot be read.
pub fn model_contents(model: &Path) -> Result<Contents, Error> {
    Ok(contents(&model_file::load(model)?))
}
