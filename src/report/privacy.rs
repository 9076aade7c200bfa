//! The privacy measures of a report, each with its limit.

use serde::Serialize;

use super::number::percent;
use crate::evaluate::{Audit, Measure, Scorecard};

/// Exact copies above those of the holdout that pass.
const COPIES_ABOVE_CHANCE: f64 = 0.01;
/// Largest share of entities that may be closer to a training entity than to a holdout entity.
const NEAREST_SHARE: f64 = 0.6;

/// One measure of one table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PrivacyCheck {
    /// What is measured.
    pub measure: String,
    /// The table, with the column where it is one column's.
    pub place: String,
    /// What was measured.
    pub value: String,
    /// What it may be; empty if there is nothing to compare with.
    pub limit: String,
    /// Whether it is inside the limit; `None` if that cannot be said.
    pub passed: Option<bool>,
    /// True for what is shown first: breaches, and per measure the one that comes closest to its limit.
    pub first: bool,
    /// True if the limit comes from real rows that nobody learnt from.
    pub calibrated: bool,
}

/// The measures of an audit, else those of a scorecard; tables that are `copied` by consent have none.
pub(super) fn checks(card: Option<&Scorecard>, audit: Option<&Audit>, copied: &[&str]) -> Vec<PrivacyCheck> {
    if let Some(audit) = audit.filter(|audit| !audit.measures.is_empty()) {
        let worst = audit.worst();
        let first = |measure: &Measure| measure.breach || worst.contains(&measure);
        return audit.measures.iter().map(|measure| of_measure(measure, first(measure))).collect();
    }
    let Some(card) = card else { return Vec::new() };
    let mut checks = Vec::new();
    for table in card.tables.iter().filter(|table| !copied.contains(&table.table.as_str())) {
        let Some(share) = table.exact_share else { continue };
        let limit = table.holdout_exact_share.map(|chance| chance + COPIES_ABOVE_CHANCE);
        checks.push(PrivacyCheck {
            measure: "rows equal to a real row".to_owned(),
            place: table.table.clone(),
            value: percent(Some(share)),
            limit: limit.map_or_else(
                || "none at all".to_owned(),
                |limit| format!("at most {}", percent(Some(limit))),
            ),
            // Without a holdout nobody knows how many rows chance alone repeats.
            passed: limit.map(|limit| share <= limit).or((share == 0.0).then_some(true)),
            first: true,
            calibrated: limit.is_some(),
        });
    }
    for entity in &card.entities {
        let Some(share) = entity.nearest_is_training else { continue };
        checks.push(PrivacyCheck {
            measure: "entities closer to a training entity than to an unseen one".to_owned(),
            place: entity.table.clone(),
            value: percent(Some(share)),
            limit: format!("at most {}", percent(Some(NEAREST_SHARE))),
            passed: Some(share <= NEAREST_SHARE),
            first: true,
            calibrated: true,
        });
    }
    checks
}

fn of_measure(measure: &Measure, first: bool) -> PrivacyCheck {
    let Measure { kind, table, column, value, low, limit, breach, .. } = measure;
    PrivacyCheck {
        measure: kind.words().to_owned(),
        place: column.as_ref().map_or_else(|| table.clone(), |column| format!("{table}: {column}")),
        value: format!("{value:.3} (surely above {low:.3})"),
        limit: format!("{limit:.3}"),
        passed: Some(!breach),
        first,
        calibrated: true,
    }
}
