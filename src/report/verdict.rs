//! The three answers on top of a report: does it hold together, is it alike, is it private?

use serde::Serialize;

use super::{
    content::Measured,
    number::{count, plural},
    privacy::PrivacyCheck,
};
use crate::{
    evaluate::{
        Scorecard,
        figures::{Figures, TableFigures},
    },
    verify::{Proof, SchemaComparison},
};

/// From here on, both sides are alike.
const ALIKE: f64 = 0.9;
/// Below this, they are not.
const UNLIKE: f64 = 0.8;
/// Tables with fewer rows on a side say nothing about likeness: chance alone makes them differ.
const FEWEST_ROWS: usize = 100;

/// A traffic light. It is shown with a shape and a word of its own, not by colour alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Light {
    /// All is well.
    Good,
    /// Worth a look.
    Look,
    /// Not good.
    Bad,
    /// Nothing was measured.
    Unknown,
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// How good it is.
    pub light: Light,
    /// The answer in a few words.
    pub headline: String,
    /// What it rests on, in plain words.
    pub sentences: Vec<String>,
}

/// The three answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Does every constraint hold, and is the schema complete?
    pub integrity: Answer,
    /// Does it look and behave like the real database?
    pub fidelity: Answer,
    /// Does it keep what is real to itself?
    pub privacy: Answer,
}

impl Verdict {
    /// Judges what was measured.
    pub(super) fn of(measured: Measured<'_>, privacy: &[PrivacyCheck]) -> Self {
        let rows = measured.scorecard.zip(measured.figures);
        Self {
            integrity: integrity(measured.proof, measured.schema),
            fidelity: rows.map_or_else(unknown_fidelity, |(card, figures)| fidelity(card, figures)),
            privacy: self::privacy(privacy),
        }
    }
}

fn answer(light: Light, headline: impl Into<String>, sentences: Vec<String>) -> Answer {
    Answer { light, headline: headline.into(), sentences }
}

fn integrity(proof: Option<&Proof>, schema: Option<&SchemaComparison>) -> Answer {
    let Some(proof) = proof else {
        return answer(
            Light::Unknown,
            "Not checked",
            vec!["No constraint was checked in this run.".to_owned()],
        );
    };
    let violations = proof.violations();
    let unchecked = proof.lines.iter().filter(|line| line.violations.is_none()).count();
    let checked = (proof.lines.len() - unchecked) as u64;
    let mut sentences = Vec::new();
    if violations == 0 {
        sentences.push(format!(
            "{} checked in the synthetic database: every row obeys all of them.",
            plural(checked, "constraint")
        ));
    } else {
        let broken = proof.lines.iter().filter(|line| line.violations.is_some_and(|rows| rows > 0)).count();
        sentences.push(format!(
            "{} violate {} of {}.",
            plural(violations, "row"),
            count(broken as u64),
            plural(checked, "constraint")
        ));
    }
    if unchecked > 0 {
        sentences.push(format!("{} could not be checked.", plural(unchecked as u64, "constraint")));
    }
    let mut lost = 0;
    if let Some(schema) = schema {
        lost = schema.failures();
        sentences.push(if schema.differences.is_empty() {
            format!("The schema is complete: all {} were recreated.", plural(schema.objects as u64, "object"))
        } else {
            format!(
                "{} of {} of the schema were recreated as they are.",
                count(schema.recreated as u64),
                plural(schema.objects as u64, "object")
            )
        });
    }
    if violations > 0 || lost > 0 {
        answer(
            Light::Bad,
            if violations > 0 { "Constraints are broken" } else { "The schema lost something" },
            sentences,
        )
    } else if unchecked > 0 || schema.is_some_and(|schema| !schema.differences.is_empty()) {
        answer(Light::Look, "Holds, with exceptions", sentences)
    } else {
        answer(Light::Good, "Every constraint holds", sentences)
    }
}

fn unknown_fidelity() -> Answer {
    let why =
        "There are no real rows to compare with in this run. `dbsynth evaluate` compares two databases.";
    answer(Light::Unknown, "Not measured", vec![why.to_owned()])
}

fn fidelity(card: &Scorecard, figures: &Figures) -> Answer {
    let large = |name: &str| {
        let enough = |table: &TableFigures| table.real_rows.min(table.synthetic_rows) >= FEWEST_ROWS;
        figures.tables.iter().any(|table| table.table == name && enough(table))
    };
    let tables: Vec<&TableFigures> = figures.tables.iter().filter(|table| large(&table.table)).collect();
    let columns: Vec<f64> =
        tables.iter().flat_map(|table| &table.columns).filter_map(|column| column.shape).collect();
    let pairs: Vec<f64> = (tables.iter())
        .filter_map(|table| Some(1.0 - table.associations.as_ref()?.mean_difference()?))
        .collect();
    let fan_outs: Vec<f64> = card.fan_outs.iter().filter(|f| large(&f.parent)).map(|f| f.score).collect();
    let parts = [
        ("single columns", mean(&columns)),
        ("pairs of columns", mean(&pairs)),
        ("children per parent", mean(&fan_outs)),
    ];
    let known: Vec<(&str, f64)> = parts.iter().filter_map(|(name, score)| Some((*name, (*score)?))).collect();
    if known.is_empty() {
        let why =
            format!("No table has {FEWEST_ROWS} rows on both sides: so few say nothing about likeness.");
        return answer(Light::Unknown, "Too few rows to judge", vec![why]);
    }
    let words: Vec<String> =
        known.iter().map(|(name, score)| format!("{name} {:.0} %", 100.0 * score)).collect();
    let mut sentences =
        vec![format!("How alike both sides are, 100 % being the same: {}.", words.join(", "))];
    let told: Vec<f64> = (card.tables.iter().filter(|table| large(&table.table)))
        .filter_map(|table| Some(table.c2st?.accuracy))
        .collect();
    let mut obvious = false;
    if let Some(told) = mean(&told) {
        obvious = told > 0.9;
        sentences.push(format!(
            "A trained classifier tells synthetic rows from real ones {:.0} times out of 100; 50 would be a coin toss.",
            100.0 * told
        ));
    }
    if figures.tables.iter().any(|table| table.synthetic_rows == 0 && table.real_rows > 0) {
        sentences.push("Some tables are empty on the synthetic side.".to_owned());
    }
    let overall = known.iter().map(|(_, score)| score).sum::<f64>() / known.len() as f64;
    if overall < UNLIKE {
        answer(Light::Bad, "Clearly different", sentences)
    } else if overall < ALIKE || obvious {
        answer(Light::Look, "Alike, with differences", sentences)
    } else {
        answer(Light::Good, "Much alike", sentences)
    }
}

fn privacy(checks: &[PrivacyCheck]) -> Answer {
    let failed: Vec<&PrivacyCheck> = checks.iter().filter(|check| check.passed == Some(false)).collect();
    let passed = checks.iter().filter(|check| check.passed == Some(true)).count();
    let open = checks.len() - failed.len() - passed;
    if checks.is_empty() {
        let why = "No real rows were compared with the synthetic ones in this run.".to_owned();
        return answer(Light::Unknown, "Not measured", vec![why]);
    }
    if !failed.is_empty() {
        let places: Vec<&str> = failed.iter().take(3).map(|check| check.place.as_str()).collect();
        let more = if failed.len() > 3 { " and more" } else { "" };
        let sentence = format!(
            "{} of {} are over their limit: {}{more}.",
            count(failed.len() as u64),
            plural(checks.len() as u64, "privacy measure"),
            places.join(", ")
        );
        return answer(Light::Bad, "Something may have leaked", vec![sentence]);
    }
    let calibrated = checks.iter().any(|check| check.calibrated);
    let mut sentences = Vec::new();
    if passed > 0 {
        sentences.push(format!(
            "{} of {} are inside their limits.",
            count(passed as u64),
            plural(checks.len() as u64, "privacy measure")
        ));
    }
    if open > 0 {
        sentences.push(format!("{} cannot be judged.", count(open as u64)));
    }
    if !calibrated {
        sentences.push(
            "Only exact copies were looked for: more is known where real rows are held out of training."
                .to_owned(),
        );
    }
    if open > 0 || !calibrated {
        return answer(Light::Look, "No leak seen, not all measured", sentences);
    }
    answer(Light::Good, "No sign of a leak", sentences)
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}
