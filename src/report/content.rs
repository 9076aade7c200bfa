//! What a report says, whatever it is written as.

use serde::Serialize;

use super::{
    privacy::{PrivacyCheck, checks},
    verdict::Verdict,
};
use crate::{
    config::TableMode,
    evaluate::{Audit, Scorecard, figures::Figures},
    finding::Finding,
    load::{LoadSummary, TableLoad},
    plan::explain::Explanation,
    privacy::Ledger,
    verify::{Proof, SchemaComparison},
};

/// Everything one run can show. What was not measured is `None` or empty, and the report says so.
#[derive(Debug, Clone, Serialize)]
pub struct Report<'a> {
    /// What was done, with what.
    pub run: RunFacts,
    /// The three answers on top.
    pub verdict: Verdict,
    /// The tables and the order in which they are generated.
    pub order: Option<Explanation>,
    /// What was written.
    pub load: Option<&'a LoadSummary>,
    /// The constraints that were checked.
    pub proof: Option<&'a Proof>,
    /// The target's schema beside the source's.
    pub schema: Option<&'a SchemaComparison>,
    /// The scores.
    pub scorecard: Option<&'a Scorecard>,
    /// What is drawn.
    pub figures: Option<&'a Figures>,
    /// The audit, if there was one.
    pub audit: Option<&'a Audit>,
    /// What was promised to every entity, if differential privacy was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub promise: Option<&'a Ledger>,
    /// Every privacy measure with its limit.
    pub privacy: Vec<PrivacyCheck>,
    /// Relations found in the rows and kept.
    pub rules: Vec<FoundRule>,
    /// What is worth knowing.
    pub findings: &'a [Finding],
}

/// What was done, with what.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RunFacts {
    /// The command: `clone`, `generate`, `evaluate`.
    pub command: String,
    /// The real database, as it may be shown: never a password.
    pub source: Option<String>,
    /// The synthetic database, likewise.
    pub target: String,
    /// When the report was written, in the words of whoever writes it; no clock is read here.
    pub written: Option<String>,
    /// Settings and versions, in the order to be shown.
    pub settings: Vec<RunSetting>,
}

/// A setting or a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunSetting {
    /// What it is called.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// A relation that was found in the rows of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FoundRule {
    /// The table.
    pub table: String,
    /// What holds, in words.
    pub rule: String,
}

/// What was measured, to be put into a report.
#[derive(Debug, Clone, Copy, Default)]
pub struct Measured<'a> {
    /// What was written.
    pub load: Option<&'a LoadSummary>,
    /// The constraints that were checked.
    pub proof: Option<&'a Proof>,
    /// The target's schema beside the source's.
    pub schema: Option<&'a SchemaComparison>,
    /// The scores.
    pub scorecard: Option<&'a Scorecard>,
    /// What is drawn.
    pub figures: Option<&'a Figures>,
    /// The audit, if there was one.
    pub audit: Option<&'a Audit>,
    /// What was promised to every entity, if differential privacy was asked for.
    pub promise: Option<&'a Ledger>,
}

impl<'a> Report<'a> {
    /// Puts a report together and judges it.
    #[must_use]
    pub fn new(
        run: RunFacts,
        order: Option<Explanation>,
        measured: Measured<'a>,
        rules: Vec<FoundRule>,
        findings: &'a [Finding],
    ) -> Self {
        let Measured { load, proof, schema, scorecard, figures, audit, promise } = measured;
        let copied = |table: &&TableLoad| table.mode == TableMode::Copy;
        let copied: Vec<&str> = load
            .iter()
            .flat_map(|load| &load.tables)
            .filter(copied)
            .map(|table| table.table.as_str())
            .collect();
        let privacy = checks(scorecard, audit, &copied);
        let verdict = Verdict::of(measured, &privacy);
        Self {
            run,
            verdict,
            order,
            load,
            proof,
            schema,
            scorecard,
            figures,
            audit,
            promise,
            privacy,
            rules,
            findings,
        }
    }

    /// Writes it as indented JSON: the same content as [`super::html::page`].
    ///
    /// # Errors
    /// If a value cannot be written as JSON; none is known.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }
}
