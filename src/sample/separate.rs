//! EXCLUDE constraints of the usual form: rows with equal columns may not overlap in time. Overlapping spans are moved
//! apart, durations kept as far as there is room.

use std::{collections::BTreeMap, sync::Arc};

use arrow_array::{
    Array, ArrayRef, Date32Array, Int64Array, StringArray, TimestampMicrosecondArray, cast::AsArray, types,
};
use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta};

use crate::{
    data::{KeyColumns, KeyNumbering, NO_ROW, TableData},
    finding::Finding,
    model::TableModel,
    plan::ColumnRole,
    sample::{Sampler, draft::Draft, suspects::mentioned},
    schema::{ColumnId, Exclusion, Storage, Table, TableId},
};

const EPOCH: NaiveDate = NaiveDate::from_ymd_opt(1970, 1, 1).expect("a valid day");

/// A span of one row: from `low` up to but without `high`; an open end is [`i64::MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) low: i64,
    pub(super) high: i64,
}

impl Span {
    fn is_open(self) -> bool {
        self.high == i64::MAX
    }

    fn length(self) -> i64 {
        self.high.saturating_sub(self.low).max(1)
    }
}

/// What the ends of a range column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    Whole,
    Day,
    Moment { zoned: bool },
}

/// Where a table keeps its spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In a range column.
    Range(ColumnId, Ends),
    /// In two columns; true if the second one's value belongs to the span.
    Pair(ColumnId, ColumnId, bool),
}

impl Sampler<'_> {
    /// Moves spans apart that an EXCLUDE constraint forbids to overlap. What is of another form is left to the target.
    pub(super) fn separate_spans(&mut self, id: TableId, model: &TableModel, draft: &mut Draft) {
        let table = self.model.schema.table(id);
        let roles = &self.model.plan.table(id).columns;
        for exclusion in &table.exclusions {
            let Some((equal, place)) = usual_form(table, exclusion) else { continue };
            let own = |column: ColumnId| {
                matches!(roles[column.0], ColumnRole::Attribute | ColumnRole::KeyAttribute)
                    && !model.facts.rules.is_settled(column)
            };
            let movable = match place {
                Place::Range(column, _) => own(column),
                Place::Pair(low, high, _) => own(low) && own(high),
            };
            if !movable {
                continue;
            }
            let subject = model.facts.rules.exclusion_subjects(exclusion, &draft.data);
            let Some(spans) = read(place, &draft.data) else { continue };
            let Some(groups) = groups(&equal, &draft.data, &subject, &spans) else { continue };
            let moved = apart(&spans, &groups);
            if moved.is_empty() {
                continue;
            }
            let before = model.facts.rules.violations(&draft.data);
            let trial = write(place, table, &draft.data, &moved);
            let after = model.facts.rules.violations(&trial);
            let kept: BTreeMap<usize, Span> = moved
                .iter()
                .filter(|(row, _)| before[**row] || !after[**row])
                .map(|(r, s)| (*r, *s))
                .collect();
            draft.data = write(place, table, &draft.data, &kept);
            let what =
                format!("{} spans overlapped under {} and were moved apart", kept.len(), exclusion.name);
            self.summary.findings.push(Finding::note("spans-separated", what).table(&table.name));
        }
    }
}

/// The columns compared with `=` and the one span compared with `&&`.
fn usual_form(table: &Table, exclusion: &Exclusion) -> Option<(Vec<ColumnId>, Place)> {
    let mut equal = Vec::new();
    let mut place = None;
    for element in &exclusion.elements {
        if let Some(until) = &element.until {
            let ends = (mentioned(table, &element.expression), mentioned(table, until));
            let ([low], [high]) = (ends.0.as_slice(), ends.1.as_slice()) else { return None };
            if place.replace(Place::Pair(*low, *high, false)).is_some() {
                return None;
            }
            continue;
        }
        let plain = table.iter().find(|(_, column)| {
            column.name == element.expression
                || format!("\"{}\"", column.name.replace('"', "\"\"")) == element.expression
                || format!("`{}`", column.name.replace('`', "``")) == element.expression
        });
        match (element.operator.as_str(), plain) {
            ("=", Some((column, _))) => equal.push(column),
            ("&&", Some((id, column))) if place.is_none() => {
                let native = column.native_type.as_str();
                let ends = match native.rsplit('.').next().unwrap_or(native) {
                    "int4range" | "int8range" => Ends::Whole,
                    "daterange" => Ends::Day,
                    "tsrange" => Ends::Moment { zoned: false },
                    "tstzrange" => Ends::Moment { zoned: true },
                    _ => return None,
                };
                place = Some(Place::Range(id, ends));
            }
            ("&&", None) if place.is_none() => place = Some(pair(table, &element.expression)?),
            _ => return None,
        }
    }
    Some((equal, place?))
}

/// Reads `daterange(starts, ends, '[]')`.
fn pair(table: &Table, expression: &str) -> Option<Place> {
    let inner = expression.trim().trim_start_matches('(');
    let (name, rest) = inner.split_once('(')?;
    let name = name.rsplit('.').next()?.trim();
    if !matches!(name, "int4range" | "int8range" | "daterange" | "tsrange" | "tstzrange") {
        return None;
    }
    let mut depth = 0;
    let mut arguments = vec![String::new()];
    for character in rest.chars() {
        match character {
            '(' => depth += 1,
            ')' if depth == 0 => break,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                arguments.push(String::new());
                continue;
            }
            _ => {}
        }
        arguments.last_mut()?.push(character);
    }
    let only = |text: &String| match mentioned(table, text).as_slice() {
        [one] => Some(*one),
        _ => None,
    };
    let (low, high) = (only(arguments.first()?)?, only(arguments.get(1)?)?);
    let kind = |column: ColumnId| table.column(column).data_type.storage();
    let known = matches!(kind(low), Storage::Date | Storage::Timestamp | Storage::Integer);
    let closed = arguments.get(2).is_some_and(|bounds| bounds.contains("]'"));
    (low != high && known && kind(low) == kind(high)).then_some(Place::Pair(low, high, closed))
}

/// The span of every row; `None` where a row has none.
fn read(place: Place, rows: &TableData) -> Option<Vec<Option<Span>>> {
    Some(match place {
        Place::Range(column, ends) => {
            let texts = rows.column(column)?.as_any().downcast_ref::<StringArray>()?;
            texts.iter().map(|text| parse(text?, ends)).collect()
        }
        Place::Pair(low, high, closed) => {
            let (lows, highs) = (whole(rows.column(low)?)?, whole(rows.column(high)?)?);
            lows.iter()
                .zip(&highs)
                .map(|(low, high)| {
                    let high = high.map_or(i64::MAX, |high| high.saturating_add(i64::from(closed)));
                    let span = Span { low: (*low)?, high };
                    (span.high > span.low).then_some(span)
                })
                .collect()
        }
    })
}

/// Dates, timestamps and integers as whole numbers.
fn whole(array: &ArrayRef) -> Option<Vec<Option<i64>>> {
    use arrow_schema::DataType as ArrowType;
    Some(match array.data_type() {
        ArrowType::Int64 => array.as_primitive::<types::Int64Type>().iter().collect(),
        ArrowType::Date32 => {
            array.as_primitive::<types::Date32Type>().iter().map(|day| day.map(i64::from)).collect()
        }
        ArrowType::Timestamp(..) => array.as_primitive::<types::TimestampMicrosecondType>().iter().collect(),
        _ => return None,
    })
}

fn parse(text: &str, ends: Ends) -> Option<Span> {
    let inner = text.trim();
    let (open, close) = (inner.chars().next()?, inner.chars().last()?);
    if !matches!(open, '[' | '(') || !matches!(close, ']' | ')') || inner.len() < 3 {
        return None;
    }
    let (low, high) = inner[1..inner.len() - 1].split_once(',')?;
    let end = |text: &str| {
        let text = text.trim().trim_matches('"');
        match ends {
            Ends::Whole => text.parse().ok(),
            Ends::Day => {
                let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
                Some(day.signed_duration_since(EPOCH).num_days())
            }
            Ends::Moment { .. } => {
                let text = text.strip_suffix("+00").unwrap_or(text);
                let time = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").ok()?;
                Some(time.and_utc().timestamp_micros())
            }
        }
    };
    let low = end(low)?.saturating_add(i64::from(open == '('));
    let high = match high.trim().trim_matches('"') {
        "" | "infinity" => i64::MAX,
        text => end(text)?.saturating_add(i64::from(close == ']')),
    };
    (high > low).then_some(Span { low, high })
}

fn show(span: Span, ends: Ends) -> Option<String> {
    let end = |value: i64| {
        Some(match ends {
            Ends::Whole => value.to_string(),
            Ends::Day => EPOCH.checked_add_signed(TimeDelta::try_days(value)?)?.to_string(),
            Ends::Moment { zoned } => {
                let time = DateTime::from_timestamp_micros(value)?.naive_utc();
                format!("\"{}{}\"", time.format("%Y-%m-%d %H:%M:%S%.f"), if zoned { "+00" } else { "" })
            }
        })
    };
    let high = if span.is_open() { String::new() } else { end(span.high)? };
    Some(format!("[{},{high})", end(span.low)?))
}

/// Rows with a span, by the values of the equal columns; those with a null there exclude nothing.
fn groups(
    equal: &[ColumnId],
    rows: &TableData,
    subject: &[bool],
    spans: &[Option<Span>],
) -> Option<Vec<Vec<usize>>> {
    let arrays = equal.iter().map(|column| rows.column(*column)).collect::<Option<Vec<_>>>()?;
    let numbers = if arrays.is_empty() {
        vec![0; rows.row_count]
    } else {
        let keys = KeyColumns::new(&arrays.into_iter().map(|array| (array, false)).collect::<Vec<_>>());
        KeyNumbering::default().number(&keys, rows.row_count)
    };
    let mut groups: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for row in (0..rows.row_count).filter(|row| subject[*row] && spans[*row].is_some()) {
        if numbers[row] != NO_ROW {
            groups.entry(numbers[row]).or_default().push(row);
        }
    }
    Some(groups.into_values().collect())
}

/// New spans for the rows of each group that overlap.
fn apart(spans: &[Option<Span>], groups: &[Vec<usize>]) -> BTreeMap<usize, Span> {
    let known: Vec<Span> = spans.iter().flatten().copied().collect();
    let floor = known.iter().map(|span| span.low).min().unwrap_or(0);
    let closed = known.iter().filter(|span| !span.is_open());
    let horizon = closed.clone().map(|span| span.high).max().unwrap_or(floor);
    // Every end lies on this grid; so shall the new ones.
    let steps = closed.flat_map(|span| [span.low.abs_diff(floor), span.high.abs_diff(floor)]);
    let grid = steps.fold(0, gcd).max(1) as i64;
    let mut moved = BTreeMap::new();
    for group in groups {
        let mut order: Vec<(usize, Span)> =
            group.iter().filter_map(|row| Some((*row, spans[*row]?))).collect();
        order.sort_by_key(|(row, span)| (span.low, span.high, *row));
        let mut new: Vec<Span> = order.iter().map(|(_, span)| *span).collect();
        disperse(&mut new, floor, horizon, grid);
        moved.extend(
            order.iter().zip(new).filter(|((_, old), new)| old != new).map(|((row, _), new)| (*row, new)),
        );
    }
    moved
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Moves spans, ascending, so that none begins before the one before it ends: first later, then back from the
/// horizon, and at last, where they do not fit, shorter.
pub(super) fn disperse(spans: &mut [Span], floor: i64, horizon: i64, grid: i64) {
    let count = spans.len();
    // An open end is only for the last: another ends where the next one begins.
    for at in 1..count {
        if spans[at - 1].is_open() {
            spans[at - 1].high = spans[at].low.max(spans[at - 1].low.saturating_add(grid));
        }
        if spans[at].low < spans[at - 1].high {
            let length = spans[at].length();
            let open = spans[at].is_open();
            spans[at].low = spans[at - 1].high;
            spans[at].high = if open { i64::MAX } else { spans[at].low.saturating_add(length) };
        }
    }
    let Some(last) = spans.last() else { return };
    let over = if last.is_open() { last.low >= horizon } else { last.high > horizon };
    if !over || horizon <= floor {
        return;
    }
    let mut limit = horizon;
    for span in spans.iter_mut().rev() {
        if span.high <= limit {
            break;
        }
        let length = span.length().min(horizon - floor);
        if span.is_open() {
            span.low = span.low.min(limit - grid);
        } else {
            *span = Span { low: limit - length, high: limit };
        }
        limit = span.low;
    }
    if spans[0].low >= floor {
        return;
    }
    let cells = (horizon - floor) / grid;
    if cells < count as i64 {
        // No room: what overlaps is the target's to judge.
        return;
    }
    for (at, span) in spans.iter_mut().enumerate() {
        let edge = |at: usize| floor + cells * at as i64 / count as i64 * grid;
        let length = span.length().min(edge(at + 1) - edge(at));
        let open = span.is_open();
        span.low = edge(at);
        span.high = if open { i64::MAX } else { span.low + length };
    }
}

/// The rows with some spans replaced.
fn write(place: Place, table: &Table, rows: &TableData, moved: &BTreeMap<usize, Span>) -> TableData {
    let mut rows = rows.clone();
    match place {
        Place::Range(column, ends) => {
            if let Some(texts) = rows.column(column).and_then(|a| a.as_any().downcast_ref::<StringArray>()) {
                let new: StringArray = (0..texts.len())
                    .map(|row| {
                        let own = || texts.is_valid(row).then(|| texts.value(row).to_owned());
                        moved.get(&row).and_then(|span| show(*span, ends)).or_else(own)
                    })
                    .collect();
                rows.set(column, Arc::new(new));
            }
        }
        Place::Pair(low, high, closed) => {
            let lows: BTreeMap<usize, Option<i64>> =
                moved.iter().map(|(row, span)| (*row, Some(span.low))).collect();
            let highs: BTreeMap<usize, Option<i64>> = moved
                .iter()
                .map(|(row, span)| (*row, (!span.is_open()).then(|| span.high - i64::from(closed))))
                .collect();
            for (column, values) in [(low, lows), (high, highs)] {
                if let Some(array) = rows.column(column).and_then(|array| overwritten(array, &values)) {
                    // An open end that may not be null keeps its value; the target judges it.
                    if table.column(column).nullable || array.null_count() == 0 {
                        rows.set(column, array);
                    }
                }
            }
        }
    }
    rows
}

fn overwritten(array: &ArrayRef, values: &BTreeMap<usize, Option<i64>>) -> Option<ArrayRef> {
    use arrow_schema::DataType as ArrowType;
    let own = whole(array)?;
    let new = own.iter().enumerate().map(|(row, own)| values.get(&row).copied().unwrap_or(*own));
    Some(match array.data_type() {
        ArrowType::Int64 => Arc::new(Int64Array::from_iter(new)),
        ArrowType::Date32 => {
            Arc::new(Date32Array::from_iter(new.map(|day| day.and_then(|day| i32::try_from(day).ok()))))
        }
        _ => Arc::new(TimestampMicrosecondArray::from_iter(new)),
    })
}

#[cfg(test)]
mod tests {
    use super::{Ends, Span, disperse, parse, show};

    fn spans(ends: &[(i64, i64)]) -> Vec<Span> {
        ends.iter().map(|(low, high)| Span { low: *low, high: *high }).collect()
    }

    fn overlap(spans: &[Span]) -> bool {
        spans.windows(2).any(|pair| pair[1].low < pair[0].high)
    }

    #[test]
    fn overlapping_spans_keep_their_durations_where_there_is_room() {
        let mut some = spans(&[(0, 10), (5, 9), (6, 8)]);
        disperse(&mut some, 0, 100, 1);

        assert_eq!(some, spans(&[(0, 10), (10, 14), (14, 16)]));
    }

    #[test]
    fn spans_without_room_behind_move_before_and_then_shrink() {
        let mut behind = spans(&[(80, 90), (85, 100), (90, 100)]);
        disperse(&mut behind, 0, 100, 1);
        assert!(!overlap(&behind));
        assert_eq!(behind.iter().map(|span| span.high - span.low).collect::<Vec<_>>(), [10, 15, 10]);
        assert_eq!(behind.last().unwrap().high, 100);

        let mut full = spans(&[(0, 60), (0, 60), (10, 60)]);
        disperse(&mut full, 0, 60, 1);
        assert_eq!(full, spans(&[(0, 20), (20, 40), (40, 60)]));
    }

    #[test]
    fn only_the_last_span_stays_open() {
        let mut open = spans(&[(0, i64::MAX), (10, i64::MAX), (10, i64::MAX)]);
        disperse(&mut open, 0, 100, 1);

        assert_eq!(open, spans(&[(0, 10), (10, 11), (11, i64::MAX)]));
    }

    #[test]
    fn ranges_are_read_and_written_as_the_server_does() {
        for (text, ends) in [
            ("[2024-01-01,2024-02-01)", Ends::Day),
            ("[2024-01-01,)", Ends::Day),
            ("[\"2024-01-01 08:00:00+00\",\"2024-01-01 09:30:00+00\")", Ends::Moment { zoned: true }),
            ("[3,9)", Ends::Whole),
        ] {
            assert_eq!(show(parse(text, ends).unwrap(), ends).as_deref(), Some(text));
        }
        assert_eq!(parse("empty", Ends::Day), None);
        assert_eq!(parse("[3,9]", Ends::Whole), Some(Span { low: 3, high: 10 }));
    }
}
