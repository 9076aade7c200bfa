//! Which times of a table are counted from another time of their row.

use arrow_array::{Array, ArrayRef};

use crate::{
    codec::{Codec, Datetime, Span},
    data::TableData,
    privacy::Guard,
    schema::{ColumnId, Table},
};

/// Rows looked at to compare the pairs of a table's times.
const GLANCE_ROWS: usize = 4000;

/// A time of a table, and what it takes without another one.
pub(super) struct TimeColumn<'a> {
    pub(super) column: ColumnId,
    pub(super) own: Datetime,
    /// Bits a row takes counted from its siblings, where it is.
    pub(super) among_siblings: Option<f64>,
    pub(super) guard: Guard<'a>,
}

/// One time after another one.
struct Pair<'a> {
    time: &'a TimeColumn<'a>,
    base: ColumnId,
    /// Bits a row saves.
    saved: f64,
}

/// Replaces the codecs of times that take fewer bits counted from another time of their row: the pairs that save most
/// first, each later time after an earlier one.
pub(super) fn count_spans(
    table: &Table,
    rows: &TableData,
    times: &[TimeColumn<'_>],
    codecs: &mut [(ColumnId, Codec)],
) {
    let known = |column: ColumnId| times.iter().any(|time| time.column == column);
    let bases: Vec<ColumnId> = codecs.iter().map(|(column, _)| *column).filter(|c| known(*c)).collect();
    let fit = |time: &TimeColumn<'_>, base: ColumnId, count: usize| {
        let glance = |column: ColumnId| -> Option<ArrayRef> {
            let array = rows.column(column)?;
            Some(array.slice(0, array.len().min(count)))
        };
        let (values, others) = (glance(time.column)?, glance(base)?);
        let (span, bits, own) =
            Span::fit(table.column(time.column), &values, (base, &others), &time.own, time.guard)?;
        let saved = own.min(time.among_siblings.unwrap_or(own)) - bits;
        (saved > 0.0 && span.is_forward(&values, &others)).then_some((span, saved))
    };
    let mut pairs: Vec<Pair<'_>> = Vec::new();
    for time in times {
        for base in bases.iter().filter(|base| **base != time.column) {
            if let Some((_, saved)) = fit(time, *base, GLANCE_ROWS) {
                pairs.push(Pair { time, base: *base, saved });
            }
        }
    }
    pairs.sort_by(|one, other| {
        let places = |pair: &Pair<'_>| (pair.time.column, pair.base);
        other.saved.total_cmp(&one.saved).then_with(|| places(one).cmp(&places(other)))
    });
    let mut from: Vec<(ColumnId, ColumnId)> = Vec::new();
    for Pair { time, base, .. } in pairs {
        let taken = from.iter().any(|(column, _)| *column == time.column);
        if taken || leads_to(&from, base, time.column) {
            continue;
        }
        let (Some((span, _)), Some((_, codec))) =
            (fit(time, base, rows.row_count), codecs.iter_mut().find(|(column, _)| *column == time.column))
        else {
            continue;
        };
        *codec = Codec::Span(Box::new(span));
        from.push((time.column, base));
    }
}

/// True if `column` is counted from `goal`, straight or over others.
fn leads_to(from: &[(ColumnId, ColumnId)], column: ColumnId, goal: ColumnId) -> bool {
    let mut at = column;
    while at != goal {
        let Some((_, base)) = from.iter().find(|(column, _)| *column == at) else { return false };
        at = *base;
    }
    true
}
