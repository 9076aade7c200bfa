//! Gaps between two times: what they are counted in, the lines of gaps and of times of day, and the bits they take.

use std::{collections::BTreeMap, sync::Arc};

use arrow_array::{ArrayRef, Date32Array, TimestampMicrosecondArray};
use rand::RngExt;
use serde::{Deserialize, Serialize};

use crate::{
    privacy::{Guard, Kept, Owned},
    seed::Stream,
};

use super::{
    SubColumn,
    calendar::{self, CalendarGrid, DAY_MICROS},
    line::Line,
    line_fit::LineSpec,
    reading,
};

/// Bins of days, of gaps, of times of a day.
pub(super) const MAX_BINS: usize = 64;
pub(super) const CLOCK_BINS: usize = 48;
/// Steps looked for among gaps (in their unit) and times of day.
pub(super) const GAP_STEPS: [i64; 5] = [30, 14, 7, 5, 2];
pub(super) const CLOCK_STEPS: [i64; 6] = [3_600_000_000, 900_000_000, 60_000_000, 1_000_000, 100_000, 1_000];

/// What gaps are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Unit {
    Days,
    Micros(i64),
}

impl Unit {
    /// A gap as people read it.
    pub(super) fn text(self, gap: i64) -> String {
        match self {
            Self::Days => format!("+{gap}d"),
            Self::Micros(unit) => format!("+{gap}x{unit}us"),
        }
    }

    /// The coarsest unit of these gaps, in microseconds.
    pub(super) fn finest(gaps: impl Iterator<Item = i64> + Clone) -> Self {
        Self::Micros(calendar::unit_of(gaps))
    }

    /// Steps from one time to another.
    pub(super) fn between(self, from: i64, to: i64) -> i64 {
        match self {
            Self::Days => to.div_euclid(DAY_MICROS) - from.div_euclid(DAY_MICROS),
            Self::Micros(unit) => to.saturating_sub(from) / unit,
        }
    }

    /// The time so many steps after another; with days, midnight.
    pub(super) fn after(self, from: i64, steps: i64) -> i64 {
        match self {
            Self::Days => from.div_euclid(DAY_MICROS).saturating_add(steps).saturating_mul(DAY_MICROS),
            Self::Micros(unit) => from.saturating_add(steps.saturating_mul(unit)),
        }
    }
}

/// True for times too far away to count from.
pub(super) fn is_extreme(time: &i64) -> bool {
    time.unsigned_abs() > i64::MAX.unsigned_abs() / 4
}

/// Times the range of all others that a time lies away from them to stand for none.
const FAR: i64 = 2;

/// A time that stands for none, like 9999-12-31 for the end of what goes on: enough entities have it, and it lies far
/// from all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Never {
    time: i64,
    entities: u32,
}

impl Never {
    /// Looks for it among times.
    pub(super) fn find(times: &[Option<i64>], guard: Guard<'_>) -> Option<Self> {
        let known = || times.iter().flatten();
        let is_never = |end: i64| {
            let others = || known().filter(|time| **time != end);
            let (low, high) = (*others().min()?, *others().max()?);
            let away = if end > high { end.saturating_sub(high) } else { low.saturating_sub(end) };
            let rows =
                || times.iter().enumerate().filter(|(_, time)| **time == Some(end)).map(|(row, _)| row);
            let range = high.saturating_sub(low).saturating_add(DAY_MICROS);
            let found = away > range.saturating_mul(FAR) && rows().count() > 1 && guard.enough(rows());
            found.then(|| Self { time: end, entities: guard.distinct(rows()) as u32 })
        };
        is_never(*known().max()?).or_else(|| is_never(*known().min()?))
    }

    /// True if null means something else already, so that this cannot take its place.
    pub(super) fn is_beside_null(never: Option<Self>, times: &[Option<i64>]) -> bool {
        never.is_some() && times.contains(&None)
    }

    /// Makes it null.
    pub(super) fn hide(times: &mut [Option<i64>], never: Option<Self>) {
        if let Some(never) = never {
            times.iter_mut().filter(|time| **time == Some(never.time)).for_each(|time| *time = None);
        }
    }

    pub(super) fn kept(self) -> Kept {
        Kept::value(calendar::date_text(self.time.div_euclid(DAY_MICROS)), self.entities)
    }
}

/// The time of day.
pub(super) fn clock_of(time: i64) -> i64 {
    time.rem_euclid(DAY_MICROS)
}

/// Microseconds since 1970 of a column of days or points in time; `None` for others.
pub(super) fn micros(values: &ArrayRef) -> Option<Vec<Option<i64>>> {
    if let Some(dates) = reading::dates(values) {
        return Some(
            dates.iter().map(|day| day.map(|day| i64::from(day).saturating_mul(DAY_MICROS))).collect(),
        );
    }
    Some(reading::timestamps(values)?.iter().collect())
}

/// Bits a token takes on average, and what its model costs (minimum description length: half the logarithm of the rows
/// per number to learn).
pub(super) fn entropy<K: Ord>(tokens: impl Iterator<Item = K>) -> f64 {
    let mut counts: BTreeMap<K, f64> = BTreeMap::new();
    let mut total = 0.0;
    for token in tokens {
        *counts.entry(token).or_default() += 1.0;
        total += 1.0;
    }
    if total == 0.0 {
        return 0.0;
    }
    let bits: f64 = counts.values().map(|count| -count / total * (count / total).log2()).sum();
    bits + 0.5 * total.log2() * (counts.len() as f64 - 1.0) / total
}

/// Bits a key takes on a line: its token and its place inside.
pub(super) fn cost(line: &Line, keys: &[Owned<i64>]) -> f64 {
    let inside: f64 = keys.iter().map(|(key, _)| line.bits_inside(*key)).sum();
    entropy(keys.iter().map(|(key, _)| line.tokens(*key).0)) + inside / keys.len().max(1) as f64
}

fn spec<'a>(name: &'a str, guard: Guard<'_>, steps: &'a [i64], max_bins: usize) -> LineSpec<'a> {
    LineSpec {
        name,
        least: guard.least(),
        steps: Some(steps),
        single: false,
        max_bins,
        days: false,
        absent: true,
        limits: (i64::MIN / 4, i64::MAX / 4),
        grain: 1,
    }
}

/// How days are cut into bins, roughly.
pub(super) fn any_time<'a>(name: &'a str, guard: Guard<'_>, absent: bool) -> LineSpec<'a> {
    LineSpec { days: true, absent, ..spec(name, guard, &[7], MAX_BINS) }
}

/// A line of gaps in a unit, with its sub-columns and the bits a gap takes.
pub(super) fn fit_gap(
    name: &str,
    unit: Unit,
    gaps: Vec<Owned<i64>>,
    guard: Guard<'_>,
) -> (Unit, Line, Vec<SubColumn>, f64) {
    let (line, sub_columns) = Line::fit(gaps.clone(), &spec(name, guard, &GAP_STEPS, MAX_BINS));
    let bits = cost(&line, &gaps);
    (unit, line, sub_columns, bits)
}

/// A line of times of day, with its sub-columns and the bits a time takes.
pub(super) fn fit_clock(name: &str, keys: Vec<Owned<i64>>, guard: Guard<'_>) -> (Line, Vec<SubColumn>, f64) {
    let limits = (0, DAY_MICROS - 1);
    let spec = LineSpec { limits, ..spec(name, guard, &CLOCK_STEPS, CLOCK_BINS) };
    let (line, sub_columns) = Line::fit(keys.clone(), &spec);
    let bits = cost(&line, &keys);
    (line, sub_columns, bits)
}

/// The tokens of a line in one row, whose first sub-column is `at`. Where the model left a key out and one belongs, it
/// is any key.
pub(super) fn tokens_of(
    line: &Line,
    tokens: &[&[u16]],
    (at, row): (usize, usize),
    random: &mut Stream,
) -> (u16, u16) {
    let coarse = tokens[at][row];
    if coarse >= line.coarse_count() {
        return (random.random_range(0..line.coarse_count().max(1)), line.no_fine());
    }
    (coarse, if line.width() > 1 { tokens[at + 1][row] } else { line.no_fine() })
}

/// A column of days or points in time, on the days of the calendar they all belong to.
pub(super) fn array_of(
    times: &[Option<i64>],
    date: bool,
    grid: Option<CalendarGrid>,
    never: Option<Never>,
) -> ArrayRef {
    let day_of = |time: i64| time.div_euclid(DAY_MICROS);
    let never = never.map(|never| never.time);
    let placed = times.iter().map(|time| {
        let Some(time) = *time else { return never };
        let day = grid.map_or(day_of(time), |grid| grid.nearest(day_of(time)));
        Some(day.saturating_mul(DAY_MICROS).saturating_add(clock_of(time)))
    });
    let date_of = |time: i64| match time {
        // The infinities.
        i64::MAX => i32::MAX,
        i64::MIN => i32::MIN,
        _ => day_of(time) as i32,
    };
    if date {
        Arc::new(placed.map(|time| time.map(date_of)).collect::<Date32Array>())
    } else {
        Arc::new(placed.collect::<TimestampMicrosecondArray>())
    }
}
