//! Days, times of day and points in time, on the grid they were recorded on.
//!
//! A point in time is a day and, unless every value is midnight, a time of day with sub-columns of its own: so
//! office hours and busy days are both kept. Infinite dates are atoms.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, Date32Array, Time64MicrosecondArray, TimestampMicrosecondArray};
use serde::{Deserialize, Serialize};

use crate::{
    privacy::{Guard, Kept, Owned},
    rules::Limit,
    schema::Column,
    seed::Stream,
};

use super::{
    ColumnCodec, SubColumn,
    axis::{ABOVE_ALL, BELOW_ALL},
    calendar::{self, DAY_MICROS},
    gaps::entropy,
    line::Line,
    line_fit::LineSpec,
    null::Nulls,
    reading,
    within::{Ranges, whole_ranges},
};

/// Grids a time of day may be on, in microseconds: 6 h down to 1 ms.
const CLOCK_STEPS: [i64; 12] = [
    21_600_000_000,
    3_600_000_000,
    1_800_000_000,
    900_000_000,
    600_000_000,
    300_000_000,
    60_000_000,
    30_000_000,
    10_000_000,
    1_000_000,
    100_000,
    1_000,
];

/// Fractions of a second that a type or a program keeps: 1 s down to 10 µs.
const FRACTIONS: [i64; 6] = [1_000_000, 100_000, 10_000, 1_000, 100, 10];

/// Days may be on a weekly grid.
const DAY_STEPS: [i64; 2] = [14, 7];

/// The longest TIME of MySQL, 838:59:59, in microseconds.
const MOST_TIME: i64 = (838 * 3600 + 59 * 60 + 59) * 1_000_000;

/// Most bins of a date line, and of the times of a day (half-hours).
const MAX_DATE_BINS: usize = 64;
const MAX_CLOCK_BINS: usize = 48;

/// What the keys are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Parts {
    /// Days.
    Date { days: Line },
    /// Microseconds since midnight.
    Time { clock: Line },
    /// Both; without a clock every value is midnight.
    Timestamp { days: Line, clock: Option<Line> },
}

/// A column of dates, times or timestamps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Datetime {
    sub_columns: Vec<SubColumn>,
    nulls: Nulls,
    parts: Parts,
}

/// What times may be like these: of one day, which PostgreSQL lets end at 24:00, or spans of MySQL.
fn clock_limits(times: &[Owned<i64>]) -> (i64, i64) {
    let low = times.iter().map(|(time, _)| *time).min().unwrap_or(0);
    let high = times.iter().map(|(time, _)| *time).max().unwrap_or(0);
    if (0..DAY_MICROS).contains(&low) && high <= DAY_MICROS {
        (0, high.max(DAY_MICROS - 1))
    } else {
        (-MOST_TIME, MOST_TIME)
    }
}

/// A day key and the microseconds into that day; the infinities have no time of day.
fn split(micros: i64) -> (i64, Option<i64>) {
    match micros {
        i64::MAX => (ABOVE_ALL, None),
        i64::MIN => (BELOW_ALL, None),
        _ => (micros.div_euclid(DAY_MICROS), Some(micros.rem_euclid(DAY_MICROS))),
    }
}

/// The inverse of [`split`]. Microseconds reach fewer years than days do: the product saturates.
fn join(day: i64, clock: Option<i64>) -> i64 {
    match day {
        ABOVE_ALL => i64::MAX,
        BELOW_ALL => i64::MIN,
        _ => day
            .saturating_mul(DAY_MICROS)
            .saturating_add(clock.unwrap_or(0))
            .clamp(i64::MIN + 1, i64::MAX - 1),
    }
}

/// The fraction of a second that all times are multiples of. Even one time tells: it lies on a second by chance once in
/// a million.
fn fraction(clocks: &[Owned<i64>]) -> i64 {
    FRACTIONS.into_iter().find(|step| clocks.iter().all(|(clock, _)| clock % step == 0)).unwrap_or(1)
}

fn day_key(day: i32) -> i64 {
    match day {
        i32::MAX => ABOVE_ALL,
        i32::MIN => BELOW_ALL,
        _ => i64::from(day),
    }
}

fn day_value(key: i64) -> i32 {
    match key {
        ABOVE_ALL => i32::MAX,
        BELOW_ALL => i32::MIN,
        _ => key.clamp(i64::from(i32::MIN) + 1, i64::from(i32::MAX) - 1) as i32,
    }
}

impl Datetime {
    /// Fits to dates, times or timestamps; `None` for other arrays.
    #[must_use]
    pub fn fit(column: &Column, values: &ArrayRef, guard: Guard<'_>) -> Option<Self> {
        let nulls = Nulls::fit(values);
        let spec = |name, days, absent, limits, grain| LineSpec {
            grain,
            name,
            least: guard.least(),
            steps: Some(if days { &DAY_STEPS[..] } else { &CLOCK_STEPS[..] }),
            single: false,
            max_bins: if days { MAX_DATE_BINS } else { MAX_CLOCK_BINS },
            days,
            absent,
            limits,
        };
        let any = (i64::MIN, i64::MAX);
        if let Some(dates) = reading::dates(values) {
            let keys = dates.iter().enumerate().filter_map(|(row, day)| Some((row, day_key(day?))));
            let keys = guard.own(keys);
            let (days, sub_columns) = Line::fit(keys, &spec(&column.name, true, nulls.seen(), any, 1));
            return Some(Self { sub_columns, nulls, parts: Parts::Date { days } });
        }
        if let Some(times) = reading::times(values) {
            let keys = guard.own(times.iter().enumerate().filter_map(|(row, time)| Some((row, time?))));
            let spec = spec(&column.name, false, nulls.seen(), clock_limits(&keys), fraction(&keys));
            let (clock, sub_columns) = Line::fit(keys, &spec);
            return Some(Self { sub_columns, nulls, parts: Parts::Time { clock } });
        }

        let stamps = reading::timestamps(values)?;
        let known = stamps.iter().enumerate().filter_map(|(row, time)| Some((row, split(time?))));
        let parts: Vec<Owned<(i64, Option<i64>)>> = guard.own(known);
        let day_keys: Vec<Owned<i64>> = parts.iter().map(|((day, _), owner)| (*day, *owner)).collect();
        let timeless = nulls.seen() || parts.iter().any(|((_, clock), _)| clock.is_none());
        let clocks: Vec<Owned<i64>> =
            parts.iter().filter_map(|((_, clock), owner)| Some(((*clock)?, *owner))).collect();
        let has_clock = clocks.iter().any(|(clock, _)| *clock != 0);
        let day_name = if has_clock { format!("{}.date", column.name) } else { column.name.clone() };
        let (days, mut sub_columns) = Line::fit(day_keys, &spec(&day_name, true, nulls.seen(), any, 1));
        let clock_name = format!("{}.time", column.name);
        let clock = has_clock.then(|| {
            let step = fraction(&clocks);
            let spec = spec(&clock_name, false, timeless, (0, DAY_MICROS - step), step);
            let (line, more) = Line::fit(clocks, &spec);
            sub_columns.extend(more);
            line
        });
        Some(Self { sub_columns, nulls, parts: Parts::Timestamp { days, clock } })
    }

    /// False for days in which next to nothing happens.
    pub(super) fn in_season(&self, day: i64) -> bool {
        match &self.parts {
            Parts::Date { days } | Parts::Timestamp { days, .. } => days.in_season(day),
            Parts::Time { .. } => true,
        }
    }

    pub(super) fn kept(&self) -> Vec<Kept> {
        match &self.parts {
            Parts::Date { days } | Parts::Timestamp { days, clock: None } => days.kept(&calendar::date_text),
            Parts::Time { clock } => clock.kept(&calendar::time_text),
            Parts::Timestamp { days, clock: Some(clock) } => {
                let mut all = days.kept(&calendar::date_text);
                all.extend(clock.kept(&calendar::time_text));
                all
            }
        }
    }

    /// True if every value has a token of its own.
    pub(super) fn is_exact(&self) -> bool {
        self.lines().iter().all(|(_, line)| line.cells.is_empty())
    }

    /// Bits a row takes, given the time before it (`None`: rows without one do not count). The day's token follows
    /// the day before; the rest is drawn alone. `values` are days or points in time.
    pub(super) fn bits_after(&self, values: &ArrayRef, before: &[Option<i64>]) -> f64 {
        let times: Vec<Option<i64>> = if let Some(dates) = reading::dates(values) {
            dates.iter().map(|day| day.map(|day| day_key(day).saturating_mul(DAY_MICROS))).collect()
        } else if let Some(stamps) = reading::timestamps(values) {
            stamps.iter().collect()
        } else {
            return 0.0;
        };
        let rows: Vec<(i64, i64)> =
            before.iter().zip(&times).filter_map(|(from, to)| Some(((*from)?, (*to)?))).collect();
        let mut bits = 0.0;
        for (first, line) in self.lines() {
            let key = |time: i64| {
                if first == 0 { time.div_euclid(DAY_MICROS) } else { time.rem_euclid(DAY_MICROS) }
            };
            let inside: f64 = rows.iter().map(|(_, to)| line.bits_inside(key(*to))).sum();
            bits += inside / rows.len().max(1) as f64;
            let token = |time: i64| line.tokens(key(time)).0;
            bits += if first == 0 {
                // Chain rule: the pair less the first.
                entropy(rows.iter().map(|(from, to)| (token(*from), token(*to))))
                    - entropy(rows.iter().map(|(from, _)| token(*from)))
            } else {
                entropy(rows.iter().map(|(_, to)| token(*to)))
            };
        }
        bits
    }

    /// The lines with the position of their first sub-column.
    fn lines(&self) -> Vec<(usize, &Line)> {
        match &self.parts {
            Parts::Date { days: line }
            | Parts::Time { clock: line }
            | Parts::Timestamp { days: line, clock: None } => {
                vec![(0, line)]
            }
            Parts::Timestamp { days, clock: Some(clock) } => vec![(0, days), (width(days), clock)],
        }
    }

    /// Tokens of one line; a row without a key gets the last token.
    fn encode_line(
        &self,
        first: usize,
        line: &Line,
        keys: impl Iterator<Item = Option<i64>>,
    ) -> Vec<Vec<u16>> {
        // The line's own "no value" token, or token 0 where it has none.
        let size = self.sub_columns[first].size;
        let none = if size > line.coarse_count() { size - 1 } else { 0 };
        let (coarse, fine) =
            keys.map(|key| key.map_or((none, line.no_fine()), |key| line.tokens(key))).unzip();
        if width(line) == 1 { vec![coarse] } else { vec![coarse, fine] }
    }
}

/// The days of ranges of microseconds.
pub(super) fn days_of(ranges: &[(i64, i64)]) -> Ranges {
    ranges.iter().map(|(low, high)| (split(*low).0, split(*high).0)).collect()
}

/// The times of one day in ranges of microseconds.
fn clock_of(ranges: &[(i64, i64)], day: i64) -> Ranges {
    let (first, last) = (join(day, Some(0)), join(day, Some(DAY_MICROS - 1)));
    ranges
        .iter()
        .map(|(low, high)| ((*low).max(first), (*high).min(last)))
        .filter(|(low, high)| low <= high)
        .map(|(low, high)| (low.saturating_sub(first), high.saturating_sub(first)))
        .collect()
}

/// Sub-columns of a line.
fn width(line: &Line) -> usize {
    1 + usize::from(line.fine_count > 0)
}

impl ColumnCodec for Datetime {
    fn sub_columns(&self) -> &[SubColumn] {
        &self.sub_columns
    }

    fn encode(&self, column: &ArrayRef) -> Vec<Vec<u16>> {
        let mut tokens = Vec::with_capacity(self.sub_columns.len());
        for (first, line) in self.lines() {
            tokens.extend(if let Some(dates) = reading::dates(column) {
                self.encode_line(first, line, dates.iter().map(|value| value.map(day_key)))
            } else if let Some(times) = reading::times(column) {
                self.encode_line(first, line, times.iter())
            } else if let Some(stamps) = reading::timestamps(column) {
                let is_clock = first > 0;
                let part = |value: i64| if is_clock { split(value).1 } else { Some(split(value).0) };
                self.encode_line(first, line, stamps.iter().map(|value| value.and_then(part)))
            } else {
                self.encode_line(first, line, std::iter::repeat_n(None, column.len()))
            });
        }
        tokens
    }

    fn decode(&self, tokens: &[&[u16]], random: &mut Stream) -> ArrayRef {
        let size = self.sub_columns[0].size;
        let rows = tokens[0].len();
        let key = |first: usize, line: &Line, row: usize, random: &mut Stream| {
            let fine = if width(line) == 2 { tokens[first + 1][row] } else { 0 };
            line.key(tokens[first][row], fine, random)
        };
        let present = |row: usize| !self.nulls.is_null(tokens[0][row], size);
        match &self.parts {
            Parts::Date { days } => Arc::new(Date32Array::from_iter(
                (0..rows).map(|row| present(row).then(|| day_value(key(0, days, row, random)))),
            )),
            Parts::Time { clock } => Arc::new(Time64MicrosecondArray::from_iter(
                (0..rows).map(|row| present(row).then(|| key(0, clock, row, random))),
            )),
            Parts::Timestamp { days, clock } => {
                let first = width(days);
                Arc::new(TimestampMicrosecondArray::from_iter((0..rows).map(|row| {
                    present(row).then(|| {
                        let day = key(0, days, row, random);
                        let clock = clock.as_ref().map(|clock| key(first, clock, row, random));
                        join(day, clock)
                    })
                })))
            }
        }
    }

    fn shares(&self, limit: &Limit, before: &[u16]) -> Vec<f32> {
        let ranges = whole_ranges(limit);
        let of_line = |line: &Line, ranges: &[(i64, i64)], place: usize, start: usize| match place - start {
            0 => {
                let mut shares = line.coarse_shares(ranges);
                let size = usize::from(self.sub_columns[place].size);
                let absent = *limit == Limit::Null || start > 0;
                shares.resize(size, f32::from(u8::from(absent)));
                shares
            }
            _ => line.fine_shares(before[start], ranges),
        };
        let place = before.len();
        match &self.parts {
            Parts::Date { days: line } | Parts::Time { clock: line } => of_line(line, &ranges, place, 0),
            Parts::Timestamp { days, .. } if place < width(days) => {
                of_line(days, &days_of(&ranges), place, 0)
            }
            Parts::Timestamp { days, clock } => {
                let fine = if width(days) == 2 { before[1] } else { 0 };
                // Without one certain day the time is left to decoding.
                let day = days.only_key(before[0], fine).filter(|_| *limit != Limit::Null);
                match (day, clock) {
                    (Some(day), Some(clock)) => of_line(clock, &clock_of(&ranges, day), place, width(days)),
                    _ => vec![1.0; usize::from(self.sub_columns[place].size)],
                }
            }
        }
    }

    fn decode_within(&self, tokens: &[&[u16]], limit: &Limit, random: &mut Stream) -> ArrayRef {
        let ranges = whole_ranges(limit);
        let size = self.sub_columns[0].size;
        let rows = tokens[0].len();
        let at = |first: usize, line: &Line, row: usize| {
            let fine = if width(line) == 2 { tokens[first + 1][row] } else { 0 };
            (tokens[first][row], fine)
        };
        let present = |row: usize| !self.nulls.is_null(tokens[0][row], size);
        match &self.parts {
            Parts::Date { days } => Arc::new(Date32Array::from_iter((0..rows).map(|row| {
                present(row).then(|| day_value(days.key_within(at(0, days, row), &ranges, random)))
            }))),
            Parts::Time { clock } => Arc::new(Time64MicrosecondArray::from_iter(
                (0..rows)
                    .map(|row| present(row).then(|| clock.key_within(at(0, clock, row), &ranges, random))),
            )),
            Parts::Timestamp { days, clock } => {
                let day_ranges = days_of(&ranges);
                let first = width(days);
                Arc::new(TimestampMicrosecondArray::from_iter((0..rows).map(|row| {
                    present(row).then(|| {
                        let day = days.key_within(at(0, days, row), &day_ranges, random);
                        let times = clock_of(&ranges, day);
                        let clock = clock
                            .as_ref()
                            .map(|clock| clock.key_within(at(first, clock, row), &times, random));
                        join(day, clock)
                    })
                })))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Time64MicrosecondArray};

    use super::{ColumnCodec, DAY_MICROS, Datetime};
    use crate::{codec::reading, plan::fixture, schema::ColumnId, seed::Seed};

    /// Times drawn by a codec that was fitted to `times`, one per token that it knows.
    fn drawn(times: &[i64]) -> Vec<i64> {
        let schema = fixture("a: *id, at:text");
        let values: ArrayRef = Arc::new(Time64MicrosecondArray::from(times.to_vec()));
        let codec =
            Datetime::fit(schema.tables[0].column(ColumnId(1)), &values, crate::privacy::Guard::rows(5))
                .unwrap();
        let tokens = codec.encode(&values);
        let mut random = Seed(1).stream("times", 0);
        (0..200)
            .flat_map(|_| {
                let tokens: Vec<&[u16]> = tokens.iter().map(Vec::as_slice).collect();
                let values = codec.decode(&tokens, &mut random);
                reading::times(&values).unwrap().iter().flatten().collect::<Vec<_>>()
            })
            .collect()
    }

    #[test]
    fn few_times_near_midnight_stay_in_their_day() {
        let second = 1_000_000;
        let times = drawn(&[second, DAY_MICROS - second, DAY_MICROS - 2 * second]);

        assert!(times.iter().all(|time| (0..DAY_MICROS).contains(time)));
        assert!(times.iter().any(|time| *time != times[0]));
    }

    #[test]
    fn times_beyond_a_day_are_spans() {
        let hour = 3_600_000_000;
        let times = drawn(&[-hour, 30 * hour, 800 * hour]);

        assert!(times.iter().all(|time| time.abs() <= super::MOST_TIME));
        assert!(times.iter().any(|time| *time > DAY_MICROS));
    }
}
