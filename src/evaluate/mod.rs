//! Fidelity and privacy scores of a synthetic database against the real one, from rows in memory.
//!
//! Definitions follow SyntheRela (Hudovernik et al., "Benchmarking the Fidelity and Utility of Synthetic
//! Relational Data", 2024) and are spelled out in `docs/benchmarks.md`. Keys are left out everywhere: they are
//! only followed.

mod audit;
mod boosting;
mod c2st;
mod cells;
mod copies;
mod distances;
mod entity;
pub mod figures;
mod frame;
mod hops;
#[cfg(test)]
mod tests;

pub use audit::{Audit, AuditTerms, AuditedEntities, Measure, MeasureKind, Unit, Unmeasured, audit};
pub use c2st::{Accuracy, Telltale};

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use self::{
    distances::{Pair, ks_score, pair, shape},
    figures::{Figures, Guard},
    frame::{Frame, Frames},
};
use crate::{
    data::{Links, TableData},
    finding::Finding,
    schema::{ColumnId, ForeignKeyId, Schema, Table, TableId},
    seed::Seed,
};

/// Longest path of foreign keys that is scored.
const MOST_HOPS: usize = 3;
/// A nearest-is-training share above this is reported as a leak.
const LEAK_SHARE: f64 = 0.6;

/// One database: its schema and all its rows, keys included.
#[derive(Debug, Clone)]
pub struct Side<'a> {
    /// The schema.
    pub schema: &'a Schema,
    /// Rows with all columns, indexed by `TableId`.
    pub tables: Vec<TableData>,
    /// The parent row of every row, by `TableId` and foreign key, where it is known already; else the keys are matched.
    pub links: Option<Vec<Vec<Links>>>,
}

/// Columns by table, as the user writes them, that count as categories whatever their type: integers that are
/// codes.
pub type Categories = BTreeMap<String, BTreeSet<String>>;

/// How to score.
#[derive(Debug, Clone, Default)]
pub struct Terms {
    /// Seed of every random choice.
    pub seed: Seed,
    /// Columns that count as categories whatever their type.
    pub categories: Categories,
    /// Tables of the real side that are not scored.
    pub skipped: BTreeSet<TableId>,
    /// Tables of which a side holds a part of the rows only: what links them to others is not scored.
    pub partial: BTreeSet<TableId>,
    /// Columns of the real side whose values are written anew on purpose: they are only compared for exact copies.
    pub replaced: BTreeSet<(TableId, ColumnId)>,
}

/// How alike one column is on both sides.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ColumnScore {
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// 1 − Kolmogorov–Smirnov distance for numbers and times, 1 − total variation distance for categories.
    pub shape: f64,
}

/// How alike the rows of one table are.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TableScore {
    /// The table.
    pub table: String,
    /// Rows of the real side.
    pub real_rows: usize,
    /// Rows of the synthetic side.
    pub synthetic_rows: usize,
    /// Mean shape score of its columns.
    pub shapes: Option<f64>,
    /// Mean score of its column pairs: correlations and contingency tables.
    pub pairs: Option<f64>,
    /// Can a classifier tell its rows?
    pub c2st: Option<Accuracy>,
    /// What the classifier tells them by, the most useful first; without meaning where it cannot tell.
    pub telltales: Vec<Telltale>,
    /// Share of synthetic rows whose attributes all equal a real row's.
    pub exact_share: Option<f64>,
    /// The same share for the holdout: what chance alone repeats.
    pub holdout_exact_share: Option<f64>,
}

/// How alike the rows of a parent table are, taken together with their children.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EntityScore {
    /// The parent table.
    pub table: String,
    /// Can a classifier tell its rows with the counts, distinct categories and means of their children?
    pub c2st: Accuracy,
    /// What the classifier tells them by, the most useful first; without meaning where it cannot tell.
    pub telltales: Vec<Telltale>,
    /// The same, synthetic rows against the holdout.
    pub c2st_holdout: Option<Accuracy>,
    /// The same, real rows against the holdout: what a perfect generator would get.
    pub c2st_real: Option<Accuracy>,
    /// Share of synthetic entities closer to a training entity than to a holdout entity: 0.50 is no leak.
    pub nearest_is_training: Option<f64>,
}

/// How alike the numbers of children per parent are.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FanOutScore {
    /// The child table.
    pub child: String,
    /// The foreign key's columns.
    pub columns: String,
    /// The parent table.
    pub parent: String,
    /// 1 − Kolmogorov–Smirnov distance of children per parent, childless parents included.
    pub score: f64,
}

/// How alike columns at the two ends of foreign-key paths go together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HopScore {
    /// Foreign keys on the path.
    pub length: usize,
    /// Mean pair score.
    pub score: f64,
    /// Column pairs it is the mean of.
    pub pairs: usize,
}

/// The scores. Definitions are in `docs/benchmarks.md`.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Scorecard {
    /// Tables of the real side that another side lacks.
    pub missing_tables: Vec<String>,
    /// One per table on all sides.
    pub tables: Vec<TableScore>,
    /// One per parent table with attributes and enough rows.
    pub entities: Vec<EntityScore>,
    /// One per foreign key.
    pub fan_outs: Vec<FanOutScore>,
    /// Paths of one to three foreign keys, where there are any.
    pub hops: Vec<HopScore>,
    /// One per compared column.
    pub columns: Vec<ColumnScore>,
    /// What the synthetic side tells of real rows, measured against the holdout.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit: Option<Audit>,
}

impl Scorecard {
    /// Mean classifier accuracy over the tables.
    #[must_use]
    pub fn mean_c2st(&self) -> Option<f64> {
        mean(self.tables.iter().filter_map(|table| table.c2st).map(|score| score.accuracy))
    }

    /// Mean classifier accuracy over parent rows with their children: the score that separates methods.
    #[must_use]
    pub fn mean_entity_c2st(&self) -> Option<f64> {
        mean(self.entities.iter().map(|entity| entity.c2st.accuracy))
    }

    /// Mean score of the numbers of children per parent.
    #[must_use]
    pub fn mean_fan_out(&self) -> Option<f64> {
        mean(self.fan_outs.iter().map(|fan_out| fan_out.score))
    }

    /// Mean shape score of all columns.
    #[must_use]
    pub fn mean_shape(&self) -> Option<f64> {
        mean(self.columns.iter().map(|column| column.shape))
    }

    /// What the user should know: missing tables, and signs that real rows leaked.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for table in &self.missing_tables {
            findings.push(Finding::warning("missing-table", "it is not on every side").table(table));
        }
        for entity in &self.entities {
            if let Some(share) = entity.nearest_is_training.filter(|share| *share > LEAK_SHARE) {
                let what = format!(
                    "{:.0} % of the synthetic entities are closer to a training entity than to a holdout entity",
                    100.0 * share
                );
                findings.push(Finding::warning("possible-leak", what).table(&entity.table));
            }
        }
        for table in &self.tables {
            let chance = table.holdout_exact_share.unwrap_or(1.0);
            if let Some(share) = table.exact_share.filter(|share| *share > chance + 0.01) {
                let what = format!(
                    "{:.1} % of the rows equal a real row, {:.1} % would by chance",
                    100.0 * share,
                    100.0 * chance
                );
                findings.push(Finding::warning("exact-copies", what).table(&table.table));
            }
        }
        findings
    }
}

/// Scores a synthetic database against the real one; a holdout (real rows the synthetic side never saw) says
/// which scores chance alone would give.
///
/// Tables and columns are matched by name; the real schema decides what each column counts as.
#[must_use]
pub fn score(real: &Side<'_>, synthetic: &Side<'_>, holdout: Option<&Side<'_>>, terms: &Terms) -> Scorecard {
    let sides: Vec<&Side<'_>> = [real, synthetic].into_iter().chain(holdout).collect();
    score_frames(real, &Frames::new(&sides, terms), terms)
}

/// Scores as [`score`] does, but for the columns that are personal, and measures what a report draws.
#[must_use]
pub fn examine(
    real: &Side<'_>,
    synthetic: &Side<'_>,
    holdout: Option<&Side<'_>>,
    terms: &Terms,
    guard: &Guard,
) -> (Scorecard, Figures) {
    let sides: Vec<&Side<'_>> = [real, synthetic].into_iter().chain(holdout).collect();
    let terms = &Terms { replaced: guard.personal.clone(), ..terms.clone() };
    let frames = Frames::new(&sides, terms);
    let card = score_frames(real, &frames, terms);
    let figures = Figures::measure((real, synthetic), &frames, &card.columns, (guard, terms.seed));
    (card, figures)
}

/// Finds the parent row of every row of a side, by `TableId` and foreign key.
#[must_use]
pub fn links(side: &Side<'_>) -> Vec<Vec<Links>> {
    let schema = side.schema;
    let of_table = |(id, table): (TableId, &Table)| {
        let keys = table.foreign_keys.iter().enumerate();
        keys.map(|(index, key)| frame::links_of(schema, side, (id, ForeignKeyId(index)), key)).collect()
    };
    schema.iter().map(of_table).collect()
}

fn score_frames(real: &Side<'_>, frames: &Frames, terms: &Terms) -> Scorecard {
    let seed = terms.seed;
    let mut card = Scorecard::default();
    for (id, table) in real.schema.iter().filter(|(id, _)| !terms.skipped.contains(id)) {
        let Some(frame) = frames.table(id) else {
            card.missing_tables.push(table.name.to_string());
            continue;
        };
        let columns = column_scores(frame);
        card.tables.push(table_score(frame, &columns, seed));
        card.columns.extend(columns);
        if frames.links.iter().any(|link| link.parent == id) {
            card.entities.extend(entity_score(frames, frame, seed));
        }
    }
    for link in &frames.links {
        let (Some(child), Some(parent)) = (frames.table(link.child), frames.table(link.parent)) else {
            continue;
        };
        let counts = |side: usize| -> Vec<f64> {
            link.sides[side].fan_out(parent.row_counts[side]).into_iter().map(f64::from).collect()
        };
        let empty = child.row_counts[..2].contains(&0);
        if let Some(score) = ks_score(&counts(0), &counts(1)).filter(|_| !empty) {
            let (child, parent) = (child.name.clone(), parent.name.clone());
            card.fan_outs.push(FanOutScore { child, columns: link.columns.clone(), parent, score });
        }
    }
    for length in 1..=MOST_HOPS {
        if let Some((score, pairs)) = hops::score(frames, length, seed) {
            card.hops.push(HopScore { length, score, pairs });
        }
    }
    card
}

fn column_scores(frame: &Frame) -> Vec<ColumnScore> {
    if frame.row_counts[1] == 0 {
        return Vec::new();
    }
    let scored = |column: &frame::FrameColumn| {
        let shape = shape(&column.sides[0], &column.sides[1])?;
        Some(ColumnScore { table: frame.name.clone(), column: column.name.clone(), shape })
    };
    frame.columns.iter().filter_map(scored).collect()
}

fn table_score(frame: &Frame, columns: &[ColumnScore], seed: Seed) -> TableScore {
    let rows = &frame.row_counts;
    let verdict = c2st::test(&entity::rows(frame), (0, rows[0]), (1, rows[1]), seed, &frame.name);
    TableScore {
        table: frame.name.clone(),
        real_rows: rows[0],
        synthetic_rows: rows[1],
        shapes: mean(columns.iter().map(|column| column.shape)),
        pairs: pair_score(frame, seed),
        c2st: verdict.as_ref().map(|verdict| verdict.accuracy),
        telltales: verdict.map_or_else(Vec::new, |verdict| verdict.telltales),
        exact_share: copies::exact_share(frame, 1),
        holdout_exact_share: if rows.len() > 2 { copies::exact_share(frame, 2) } else { None },
    }
}

fn pair_score(frame: &Frame, seed: Seed) -> Option<f64> {
    let mut random = seed.stream(&format!("evaluate/pairs/{}", frame.name), 0);
    let mut sampled = |side: usize| {
        let rows = c2st::sample_rows(frame.row_counts[side], c2st::MOST_ROWS, &mut random);
        frame.columns.iter().map(|column| column.sides[side].take(&rows)).collect::<Vec<_>>()
    };
    let (real, synthetic) = (sampled(0), sampled(1));
    let mut scores = Vec::new();
    for first in 0..frame.columns.len() {
        for second in first + 1..frame.columns.len() {
            scores.extend(pair(
                (frame.columns[first].kind, frame.columns[second].kind),
                &Pair { first: &real[first], second: &real[second] },
                &Pair { first: &synthetic[first], second: &synthetic[second] },
            ));
        }
    }
    mean(scores.into_iter())
}

fn entity_score(frames: &Frames, frame: &Frame, seed: Seed) -> Option<EntityScore> {
    if frame.columns.is_empty() {
        return None;
    }
    let rows = &frame.row_counts;
    let columns = entity::with_children(frames, frame);
    let name = format!("{}+children", frame.name);
    let test = |first: usize, second: usize| {
        c2st::test(&columns, (first, rows[first]), (second, rows[second]), seed, &name)
    };
    let holdout = rows.len() > 2;
    let verdict = test(0, 1)?;
    let against = |first, second| test(first, second).map(|verdict| verdict.accuracy);
    Some(EntityScore {
        table: frame.name.clone(),
        c2st: verdict.accuracy,
        telltales: verdict.telltales,
        c2st_holdout: if holdout { against(2, 1) } else { None },
        c2st_real: if holdout { against(0, 2) } else { None },
        nearest_is_training: if holdout {
            copies::nearest_is_training(&columns, rows, seed, &frame.name)
        } else {
            None
        },
    })
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0_usize), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / count as f64)
}
