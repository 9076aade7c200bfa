//! What can be said of databases that are there: do their constraints hold, and how alike are they?

use serde::Serialize;

use super::{Evidence, Planned, score, thread_pool};
use crate::{
    config::{Config, DbUrl},
    db::{connect, open_source},
    error::Error,
    evaluate::{Categories, Scorecard},
    finding::Finding,
    plan::{apply_references, skipped},
    verify::{Proof, SchemaComparison, Side, compare_schemas, prove},
};

/// What was proven of a database.
#[derive(Debug, Clone, Serialize)]
pub struct Verified {
    /// Its constraints.
    #[serde(flatten)]
    pub proof: Proof,
    /// Its schema beside the source's, if there was a source to compare with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<SchemaComparison>,
    /// What is worth knowing.
    #[serde(skip)]
    pub findings: Vec<Finding>,
}

/// Proves every constraint of a database, also those that `[[references]]` add, and compares its schema with that of
/// the source, if one is given.
///
/// # Errors
/// [`Error::Target`] or [`Error::Source`] if one of them cannot be read; [`Error::Plan`] if a reference does not fit.
pub fn verify(target: &DbUrl, source: Option<&DbUrl>, config: &Config) -> Result<Verified, Error> {
    let database = connect(target).map_err(Error::Target)?;
    let mut session = database.source().map_err(Error::Target)?;
    let here = session.introspect().map_err(Error::Target)?;
    let mut findings = here.findings.clone();
    let mut schema = here.schema.clone();
    // A reference between tables that were left out of the target says nothing here.
    let known = |name: &str| schema.find(name).is_some();
    let references = config.references.iter().filter(|one| known(&one.child) && known(&one.parent));
    let references: Vec<_> = references.cloned().collect();
    findings.extend(apply_references(&mut schema, &references)?);
    let tables: Vec<_> = schema.iter().map(|(id, _)| id).collect();
    let (proof, found) =
        prove(session.as_mut(), database.dialect(), &schema, &tables).map_err(Error::Target)?;
    findings.extend(found);
    drop(session);
    let schema = source
        .map(|source| {
            if source.dialect() != target.dialect() {
                let (from, to) = (source.dialect(), target.dialect());
                return Err(Error::DifferentEngines { source_engine: from, target_engine: to });
            }
            let database = connect(source).map_err(Error::Source)?;
            let mut session = open_source(database.as_ref(), &config.source).map_err(Error::Source)?;
            let there = session.introspect().map_err(Error::Source)?;
            let left_out: Vec<_> = skipped(&there.schema, config)?.into_iter().collect();
            Ok(compare_schemas(Side::from(&there), Side::from(&here), &left_out))
        })
        .transpose()?;
    findings.extend(schema.iter().flat_map(SchemaComparison::findings));
    Ok(Verified { proof, schema, findings })
}

/// Scores a synthetic database against the real one, with an optional holdout; `categories` are columns to be
/// compared as categories whatever their type.
///
/// # Errors
/// [`Error`] if one of them cannot be read.
pub fn evaluate(
    real: &DbUrl,
    synthetic: &DbUrl,
    holdout: Option<&DbUrl>,
    config: &Config,
    categories: &Categories,
) -> Result<Scorecard, Error> {
    score::evaluate(real, synthetic, holdout, config, categories)
}

/// Two databases beside each other, as a report shows them.
#[derive(Debug, Clone, Serialize)]
pub struct Examined {
    /// The real schema, and the order in which it would be generated.
    pub planned: Planned,
    /// The synthetic database's constraints, and its schema beside the real one.
    pub verified: Verified,
    /// The scores and what is drawn.
    pub evidence: Evidence,
    /// What is worth knowing.
    pub findings: Vec<Finding>,
}

/// Scores a synthetic database as [`evaluate`] does, proves its constraints, and measures what a report draws.
///
/// # Errors
/// [`Error`] if one of them cannot be read.
pub fn examine(
    real: &DbUrl,
    synthetic: &DbUrl,
    holdout: Option<&DbUrl>,
    config: &Config,
    categories: &Categories,
) -> Result<Examined, Error> {
    let verified = verify(synthetic, Some(real), config)?;
    let pool = thread_pool(config)?;
    pool.install(|| score::examine(real, synthetic, holdout, (config, categories), verified))
}
