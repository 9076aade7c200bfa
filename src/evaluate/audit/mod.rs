//! The audit: do synthetic rows tell more of the rows that were learnt from than of rows nobody learnt from?
//!
//! Everything is measured against a holdout of entities, and a breach is only declared when even the lower end of the
//! interval is above the limit: few entities give wide intervals and no false alarm. What each number means is said in
//! `docs/privacy.md`.

mod chance;
mod closeness;
mod hashes;
mod inference;
mod items;
mod measure;
mod overlap;
mod statistics;
#[cfg(test)]
mod tests;
mod unit;

pub use measure::{Measure, MeasureKind};
pub use unit::Unit;

use serde::{Deserialize, Serialize};

use self::{
    statistics::Estimate,
    unit::{Members, draw, reduce, roots},
};
use crate::{
    config::{AuditLevel, AuditSettings},
    evaluate::{Side, Terms as ScoreTerms, frame::Frames},
    finding::Finding,
    normal::normal_quantile,
    schema::{Schema, TableId},
    seed::Seed,
};

/// Fewest entities of each side that a measure makes sense of.
const FEWEST_ENTITIES: usize = 20;

/// The result of an audit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Audit {
    /// How much was done.
    pub level: AuditLevel,
    /// The chance that all intervals hold together.
    pub confidence: f64,
    /// The roots of entities that were audited.
    pub entities: Vec<AuditedEntities>,
    /// What was measured, table by table.
    pub measures: Vec<Measure>,
    /// What could not be measured, and why.
    pub unmeasured: Vec<Unmeasured>,
}

/// How many entities an audit of one root saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditedEntities {
    /// The root table.
    pub table: String,
    /// Entities that were learnt from.
    pub training: usize,
    /// Entities that were generated.
    pub synthetic: usize,
    /// Entities that nobody learnt from.
    pub holdout: usize,
}

/// A table that could not be audited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unmeasured {
    /// The table.
    pub table: String,
    /// Why.
    pub reason: String,
}

impl Audit {
    /// Measures above their limits.
    pub fn breaches(&self) -> impl Iterator<Item = &Measure> {
        self.measures.iter().filter(|measure| measure.breach)
    }

    /// The measure of each kind that comes closest to its limit, or is farthest above it: what to show first.
    #[must_use]
    pub fn worst(&self) -> Vec<&Measure> {
        let mut worst: Vec<&Measure> = Vec::new();
        for measure in &self.measures {
            match worst.iter_mut().find(|known| known.kind == measure.kind) {
                Some(known) => {
                    let of = |measure: &Measure| (measure.breach, measure.low - measure.limit);
                    if of(measure).partial_cmp(&of(known)) == Some(std::cmp::Ordering::Greater) {
                        *known = measure;
                    }
                }
                None => worst.push(measure),
            }
        }
        worst.sort_by_key(|measure| measure.kind);
        worst
    }

    /// What the user should know: every breach, by table and column.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        self.breaches().map(Measure::finding).collect()
    }
}

/// What an audit looks at.
#[derive(Debug, Clone, Copy)]
pub struct AuditTerms<'a> {
    /// Where the rows of each table find their entity, by the real `TableId`.
    pub units: &'a [Unit],
    /// Limits, confidence and level.
    pub settings: &'a AuditSettings,
    /// Seed of every random choice.
    pub seed: Seed,
}

/// The same with the amounts of work that the level means.
struct Terms<'a> {
    limits: &'a AuditSettings,
    seed: Seed,
    full: bool,
    /// Most combinations of attributes per table.
    combinations: usize,
    /// Most rows of either side whose attributes are guessed.
    targets: usize,
    /// Most synthetic rows that guesses come from.
    guesses: usize,
    /// Most entities of each side whose distances are measured: training, synthetic, holdout.
    points: [usize; 3],
    /// Most rows of each side that are looked at with their columns.
    rows: usize,
}

impl<'a> Terms<'a> {
    fn new(terms: AuditTerms<'a>) -> Self {
        let AuditTerms { settings, seed, .. } = terms;
        let full = settings.level == AuditLevel::Full;
        let amounts = |cheap: usize, all: usize| if full { all } else { cheap };
        Self {
            limits: settings,
            seed,
            full,
            combinations: amounts(24, 200),
            targets: amounts(400, 2_000),
            guesses: amounts(2_000, 10_000),
            points: [amounts(2_000, 10_000), amounts(4_000, 20_000), amounts(1_000, 5_000)],
            rows: amounts(60_000, 400_000),
        }
    }
}

/// A measured number before its interval is known.
struct Raw {
    kind: MeasureKind,
    table: TableId,
    column: Option<String>,
    estimate: Estimate,
    rates: Option<(f64, f64)>,
    /// The same by another way of telling chance ([`chance`]), where that may say otherwise.
    by_lot: Option<Estimate>,
}

/// Audits a synthetic side against the training rows and a holdout of entities. The training side's schema decides what
/// each column counts as; tables and columns are matched by name.
#[must_use]
pub fn audit(training: &Side<'_>, synthetic: &Side<'_>, holdout: &Side<'_>, terms: AuditTerms<'_>) -> Audit {
    let real = training.schema;
    let AuditTerms { units, settings, seed } = terms;
    let work = Terms::new(terms);
    let roots = roots(real, units);
    let sides = [training, synthetic, holdout];
    let members = sides.map(|side| Members::new(real, side, units));
    let mut audit = Audit {
        level: settings.level,
        confidence: settings.confidence,
        entities: Vec::new(),
        measures: Vec::new(),
        unmeasured: Vec::new(),
    };
    let judged = choose_roots(real, &roots, &members, &mut audit);

    let mut random = seed.stream("audit/entities", 0);
    let drawn =
        [0, 1, 2].map(|side| draw(&members[side], &roots, (work.points[side], work.rows), &mut random));
    let mut raw = Vec::new();
    let all =
        overlap::Sides { sides, members: [&members[0], &members[1], &members[2]], looked_at: &drawn[1] };
    for (id, _) in real.iter() {
        if let Some(root) = roots[id.0].filter(|root| judged[root.0]) {
            raw.extend(overlap::measure(&all, (id, root, root != id), &work));
        }
    }
    let reduced = [0, 1, 2].map(|side| reduce(real, &members[side], &roots, &drawn[side]));
    let skipped = real.iter().map(|(id, _)| id).filter(|id| roots[id.0].is_none_or(|root| !judged[root.0]));
    let score_terms = ScoreTerms { seed, skipped: skipped.collect(), ..ScoreTerms::default() };
    let frames = Frames::new(&[&reduced[0], &reduced[1], &reduced[2]], &score_terms);
    let members = [&reduced[0], &reduced[1], &reduced[2]].map(|side| Members::new(real, side, units));
    for (id, _) in real.iter() {
        let Some(frame) = frames.table(id) else { continue };
        if roots[id.0] == Some(id) {
            let columns = closeness::columns(&frames, real, id, (units, &roots), &members);
            let counts = [0, 1, 2].map(|side| frame.row_counts[side]);
            raw.extend(closeness::measure(&columns, counts, id, &work));
        }
        raw.extend(inference::measure(frame, &members, &work));
    }
    audit.measures = judge(real, raw, settings);
    audit
}

/// Says per table whether it is a root with enough entities on every side.
fn choose_roots(
    real: &Schema,
    roots: &[Option<TableId>],
    members: &[Members<'_>; 3],
    audit: &mut Audit,
) -> Vec<bool> {
    let mut judged = vec![false; roots.len()];
    for (id, table) in real.iter().filter(|(id, _)| roots[id.0] == Some(*id)) {
        let counts = [0, 1, 2].map(|side| members[side].rows(id));
        if counts.iter().all(|count| *count >= FEWEST_ENTITIES) {
            judged[id.0] = true;
            let [training, synthetic, holdout] = counts;
            let table = table.name.to_string();
            audit.entities.push(AuditedEntities { table, training, synthetic, holdout });
        } else {
            let [training, synthetic, holdout] = counts;
            let reason = format!(
                "too few entities: {training} learnt from, {synthetic} generated, {holdout} held out; {FEWEST_ENTITIES} of \
                 each are needed"
            );
            audit.unmeasured.push(Unmeasured { table: table.name.to_string(), reason });
        }
    }
    judged
}

/// Gives every number its interval; all of them hold together (Bonferroni).
fn judge(real: &Schema, raw: Vec<Raw>, settings: &AuditSettings) -> Vec<Measure> {
    let raw: Vec<Raw> = raw.into_iter().filter(|raw| raw.estimate.value.is_finite()).collect();
    let reach = normal_quantile(1.0 - (1.0 - settings.confidence) / raw.len().max(1) as f64);
    let finished = |raw: Raw| {
        let Raw { kind, table, column, mut estimate, mut rates, by_lot } = raw;
        let limit = kind.limit(settings);
        let least = |estimate: Estimate| estimate.value - reach * estimate.error;
        // What is declared a breach must be one by both ways of telling chance.
        if let Some(other) = by_lot.filter(|other| least(estimate) > limit.max(least(*other))) {
            rates = rates.map(|(share, _)| (share, share - other.value));
            estimate = other;
        }
        let low = least(estimate);
        Measure {
            kind,
            table: real.table(table).name.to_string(),
            column,
            value: estimate.value,
            low,
            high: estimate.value + reach * estimate.error,
            share: rates.map(|(share, _)| share),
            holdout_share: rates.map(|(_, holdout)| holdout),
            limit,
            breach: low > limit,
        }
    };
    raw.into_iter().map(finished).collect()
}
