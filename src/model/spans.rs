//! Which times of a table are counted from another time of their row, or of their parent.

use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType as ArrowType;

use crate::{
    codec::{Codec, Datetime, Kin, Span, SpanBase},
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
    base: &'a (SpanBase, ArrayRef),
    /// Bits a row saves.
    saved: f64,
}

/// Replaces the codecs of times that take fewer bits counted from another time of their row, or of their parent: the
/// pairs that save most first, each later time after an earlier one. `copied` are columns that repeat another
/// ancestor's: they have no codec, and are known before the row is.
pub(super) fn count_spans(
    table: &Table,
    (rows, kin): (&TableData, Option<Kin<'_>>),
    times: &[TimeColumn<'_>],
    codecs: &mut [(ColumnId, Codec)],
    copied: &[ColumnId],
) {
    let is_time = |codec: &Codec| matches!(codec, Codec::Datetime(_) | Codec::Elapsed(_));
    let own = codecs.iter().filter(|(_, codec)| is_time(codec)).map(|(column, _)| SpanBase::Own(*column));
    let above = kin.and_then(|kin| kin.parent).map_or(&[][..], |parent| &parent.columns);
    let own = own.chain(copied.iter().map(|column| SpanBase::Own(*column)));
    let bases: Vec<(SpanBase, ArrayRef)> = own
        .chain(above.iter().map(|column| SpanBase::Parent(*column)))
        .filter_map(|base| Some((base, base.values(rows, kin)?)))
        .filter(|(_, values)| matches!(values.data_type(), ArrowType::Date32 | ArrowType::Timestamp(..)))
        .collect();
    let fit = |time: &TimeColumn<'_>, (base, others): &(SpanBase, ArrayRef), count: usize| {
        let glance = |array: &ArrayRef| array.slice(0, array.len().min(count));
        let (values, others) = (glance(rows.column(time.column)?), glance(others));
        let (span, bits, own) =
            Span::fit(table.column(time.column), &values, (*base, &others), &time.own, time.guard)?;
        let saved = own.min(time.among_siblings.unwrap_or(own)) - bits;
        (saved > 0.0 && span.is_forward(&values, &others)).then_some((span, saved))
    };
    let mut pairs: Vec<Pair<'_>> = Vec::new();
    for time in times {
        for base in bases.iter().filter(|(base, _)| *base != SpanBase::Own(time.column)) {
            if let Some((_, saved)) = fit(time, base, GLANCE_ROWS) {
                pairs.push(Pair { time, base, saved });
            }
        }
    }
    pairs.sort_by(|one, other| {
        let places = |pair: &Pair<'_>| (pair.time.column, pair.base.0);
        other.saved.total_cmp(&one.saved).then_with(|| places(one).cmp(&places(other)))
    });
    let mut counted: Vec<ColumnId> = Vec::new();
    let mut from: Vec<(ColumnId, ColumnId)> = Vec::new();
    for Pair { time, base, .. } in pairs {
        let taken = counted.contains(&time.column);
        let own = if let SpanBase::Own(column) = base.0 { Some(column) } else { None };
        if taken || own.is_some_and(|own| leads_to(&from, own, time.column)) {
            continue;
        }
        let (Some((span, _)), Some((_, codec))) =
            (fit(time, base, rows.row_count), codecs.iter_mut().find(|(column, _)| *column == time.column))
        else {
            continue;
        };
        *codec = Codec::Span(Box::new(span));
        counted.push(time.column);
        from.extend(own.map(|own| (time.column, own)));
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
