//! Values made of parts: which columns are documents, which pairs of columns are places.

use arrow_array::{Array, ArrayRef, cast::AsArray};

use crate::{
    codec::{Document, DocumentFit, coordinate_pairs},
    config::TableSettings,
    finding::Finding,
    privacy::Guard,
    schema::{Column, ColumnId, DataType, Table},
    semantic::{Meaning, is_category},
    snapshot::TableSnapshot,
};

/// Least share of the rows that labels must cover, for values made of parts to be taken as labels.
const LABELS_COVER: f64 = 0.98;

/// Pairs of columns that are coordinates of one place. Keys and columns with a meaning of the user's stay alone.
pub(super) fn places(
    table: &Table,
    rows: &TableSnapshot,
    modelled: &[ColumnId],
    settings: Option<&TableSettings>,
) -> Vec<(ColumnId, ColumnId)> {
    let free = |column: &&ColumnId| {
        let said = settings.is_some_and(|s| s.columns.contains_key(&table.column(**column).name));
        !said && !table.keys().any(|key| key.columns.contains(column))
    };
    let columns: Vec<_> = modelled
        .iter()
        .filter(free)
        .filter_map(|column| Some((*column, table.column(*column), rows.data.column(*column)?)))
        .collect();
    coordinate_pairs(&columns)
}

/// Fits a codec to values made of parts: documents, arrays, spans. `None` for anything else.
pub(super) fn document(
    column: &Column,
    values: &ArrayRef,
    meaning: &Meaning,
    guard: Guard<'_>,
) -> Option<DocumentFit> {
    let parted = match meaning {
        Meaning::Json
        | Meaning::Array
        | Meaning::Set
        | Meaning::Bits
        | Meaning::Interval
        | Meaning::Range
        | Meaning::Geometry
        | Meaning::Opaque
        | Meaning::Inet => true,
        // Labels that many rows do not have: the parts say more.
        Meaning::Category => {
            let typed = !matches!(column.data_type, DataType::Text { .. } | DataType::Enum { .. });
            typed && covered(values, guard) < LABELS_COVER
        }
        _ => false,
    };
    parted.then(|| Document::fit(column, values, *meaning == Meaning::Json, guard, &is_category)).flatten()
}

/// Share of the rows with a value whose value enough entities share.
fn covered(values: &ArrayRef, guard: Guard<'_>) -> f64 {
    let Some(texts) = values.as_string_opt::<i32>() else { return 1.0 };
    let known = texts.iter().enumerate().filter_map(|(row, text)| Some((text?, row)));
    let counts = guard.support(known);
    let kept = counts.values().filter(|seen| seen.entities >= guard.least());
    kept.map(|seen| seen.rows).sum::<usize>() as f64 / (texts.len() - texts.null_count()).max(1) as f64
}

/// What of a column's documents is not learned.
pub(super) fn unlearned(table: &Table, column: &Column, fit: &DocumentFit) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut note = |what: String, instead: &str| {
        let finding = Finding::note("document-parts", what).table(&table.name).column(&column.name);
        findings.push(finding.instead(instead));
    };
    if fit.unread > 0 {
        note(
            format!("{} values are not written like the others", fit.unread),
            "values like the others are written",
        );
    }
    if fit.rare_keys > 0 {
        note(format!("{} keys are of too few entities", fit.rare_keys), "they are left out");
    }
    if fit.crowded {
        note(
            "documents have more parts than are modelled".to_owned(),
            "the rest follows its own distribution",
        );
    }
    findings
}
