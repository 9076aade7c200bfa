//! `[audit]`: how closely a run looks for traces of real rows, and what it may find.

use serde::{Deserialize, Serialize};

/// How much an audit does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuditLevel {
    /// Nothing: no entities are held out either.
    Off,
    /// Samples, so that it takes a few seconds.
    #[default]
    Cheap,
    /// Larger samples, and the attack by densities.
    Full,
}

/// `[audit]` of `synth.toml`: the level, the holdout and the limits. Shares are of 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuditSettings {
    /// How much is done.
    pub level: AuditLevel,
    /// Share of the entities that nothing is learnt from.
    pub holdout: f64,
    /// Whether a breach keeps the new rows out of the target, which then stays as it was.
    pub withhold: bool,
    /// The chance that the intervals of all measures hold together.
    pub confidence: f64,
    /// Combinations and runs are rare if fewer entities than this have them.
    pub rare_below: u32,
    /// Most rows that equal a training row, beyond the holdout's share.
    pub exact_rows: f64,
    /// Most rows that do so in all attributes but one, beyond the holdout's share.
    pub near_rows: f64,
    /// Most entities very near to a training entity, beyond the holdout's share.
    pub near_entities: f64,
    /// Largest share of entities nearer to a training entity than to a holdout entity.
    pub closer_to_training: f64,
    /// Most rare combinations of training rows, beyond the holdout's share.
    pub rare_combinations: f64,
    /// Most rare runs of children of training entities, beyond the holdout's share.
    pub child_sequences: f64,
    /// Largest area under the ROC curve of a membership attack.
    pub membership_auc: f64,
    /// Most members found at one false alarm in a hundred.
    pub membership_true_positives: f64,
    /// Largest risk of attribute inference.
    pub attribute_inference: f64,
}

impl Default for AuditSettings {
    fn default() -> Self {
        Self {
            level: AuditLevel::Cheap,
            holdout: 0.05,
            withhold: false,
            confidence: 0.99,
            rare_below: 5,
            exact_rows: 0.01,
            near_rows: 0.25,
            near_entities: 0.25,
            closer_to_training: 0.55,
            rare_combinations: 0.05,
            child_sequences: 0.05,
            membership_auc: 0.55,
            membership_true_positives: 0.02,
            attribute_inference: 0.1,
        }
    }
}

impl AuditSettings {
    /// Says what makes no sense.
    pub(super) fn check(&self) -> Result<(), String> {
        if !(self.holdout > 0.0 && self.holdout <= 0.5) {
            return Err(format!("holdout must be above 0 and at most 0.5, not {}", self.holdout));
        }
        if !(self.confidence >= 0.5 && self.confidence < 1.0) {
            return Err(format!("confidence must be at least 0.5 and below 1, not {}", self.confidence));
        }
        if self.rare_below < 2 {
            return Err("rare_below must be at least 2".to_owned());
        }
        let limits = [
            ("exact_rows", self.exact_rows),
            ("near_rows", self.near_rows),
            ("near_entities", self.near_entities),
            ("closer_to_training", self.closer_to_training),
            ("rare_combinations", self.rare_combinations),
            ("child_sequences", self.child_sequences),
            ("membership_auc", self.membership_auc),
            ("membership_true_positives", self.membership_true_positives),
            ("attribute_inference", self.attribute_inference),
        ];
        match limits.iter().find(|(_, limit)| !(0.0..=1.0).contains(limit)) {
            Some((name, limit)) => Err(format!("{name} must be between 0 and 1, not {limit}")),
            None => Ok(()),
        }
    }
}
