//! What is measured, and how it is held against its limit.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{config::AuditSettings, finding::Finding};

/// One way in which synthetic rows can tell of real ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MeasureKind {
    /// Rows that equal a training row in every attribute, beyond the share of the holdout that does.
    ExactRows,
    /// Rows that equal a training row in all attributes but at most one, beyond the holdout's share.
    NearRows,
    /// Entities as near to a training entity as the nearest twentieth of the holdout, beyond the holdout's share.
    NearEntities,
    /// Share of synthetic entities nearer to a training entity than to a holdout entity: 0.50 is no leak.
    CloserToTraining,
    /// Combinations of two or three attributes that few training entities have, beyond the holdout's share.
    RareCombinations,
    /// Runs of categories in an entity's rows that few training entities have, beyond the holdout's share.
    ChildSequences,
    /// Membership attack by distance, area under its ROC curve: 0.50 is chance.
    MembershipAuc,
    /// Membership attack by distance: share of members it finds at one false alarm in a hundred.
    MembershipTruePositives,
    /// Membership attack by the ratio of densities, area under its ROC curve; only in a full audit.
    DensityAuc,
    /// How much better a secret is guessed of a training row than of a holdout row.
    AttributeInference,
}

impl MeasureKind {
    /// The limit of what this measure may be.
    pub(super) fn limit(self, settings: &AuditSettings) -> f64 {
        match self {
            Self::ExactRows => settings.exact_rows,
            Self::NearRows => settings.near_rows,
            Self::NearEntities => settings.near_entities,
            Self::CloserToTraining => settings.closer_to_training,
            Self::RareCombinations => settings.rare_combinations,
            Self::ChildSequences => settings.child_sequences,
            Self::MembershipAuc | Self::DensityAuc => settings.membership_auc,
            Self::MembershipTruePositives => settings.membership_true_positives,
            Self::AttributeInference => settings.attribute_inference,
        }
    }

    /// For people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::ExactRows => "exact rows beyond chance",
            Self::NearRows => "rows equal but for one column, beyond chance",
            Self::NearEntities => "entities very near to a training entity, beyond chance",
            Self::CloserToTraining => "closer to training than to holdout",
            Self::RareCombinations => "rare combinations beyond chance",
            Self::ChildSequences => "rare child sequences beyond chance",
            Self::MembershipAuc => "membership attack, AUC",
            Self::MembershipTruePositives => "membership attack, found at 1 % false alarms",
            Self::DensityAuc => "membership attack by densities, AUC",
            Self::AttributeInference => "attribute inference",
        }
    }

    /// What the user may do about it.
    fn remedy(self) -> &'static str {
        match self {
            Self::ExactRows | Self::NearRows | Self::RareCombinations | Self::AttributeInference => {
                "leave the column out, give it a meaning in synth.toml, or learn from more entities"
            }
            _ => "learn from more entities, or do not share this copy",
        }
    }
}

impl fmt::Display for MeasureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

/// One measured number with its interval and its limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// What was measured.
    pub kind: MeasureKind,
    /// The table; for measures of entities the root.
    pub table: String,
    /// The column, or the columns joined by ` + `, where the measure is of some.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub column: Option<String>,
    /// The number that is held against the limit: a share, a difference of shares, or an area.
    pub value: f64,
    /// Lower and upper end of its interval; the intervals of all measures hold together at the audit's confidence.
    pub low: f64,
    /// See `low`.
    pub high: f64,
    /// For differences of shares: the share of the synthetic side (for inference, of the training side).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub share: Option<f64>,
    /// For differences of shares: what chance alone gives, which is the share of the holdout; where the hits on rows
    /// held out say that chance hits more, that.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub holdout_share: Option<f64>,
    /// What it may be.
    pub limit: f64,
    /// True if even the lower end is above the limit.
    pub breach: bool,
}

impl Measure {
    /// The warning a breach is.
    pub(super) fn finding(&self) -> Finding {
        let chance = match (self.share, self.holdout_share) {
            (Some(share), Some(holdout)) => {
                format!(" ({:.1} %, by chance {:.1} %)", 100.0 * share, 100.0 * holdout)
            }
            _ => String::new(),
        };
        let what = format!(
            "{} is {:.3}, surely above {:.3}{chance}; the limit is {:.3}",
            self.kind, self.value, self.low, self.limit
        );
        let finding = Finding::warning("privacy-breach", what).table(&self.table).remedy(self.kind.remedy());
        match &self.column {
            Some(column) => finding.column(column),
            None => finding,
        }
    }
}
