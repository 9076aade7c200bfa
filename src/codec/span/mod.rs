//! A time counted from another time of its own row, or from one of its parent: an order is due some days after it was
//! placed, a film comes back a whole number of minutes after it was lent, a parcel leaves the day after its order.
//!
//! Two times learned apart agree roughly; the days between them are what people look at. A row says how long after
//! its other time it is, on the grid of these gaps, whatever grid the times themselves are on. Chosen only where it
//! takes fewer bits than the time under the other one ([`Span::fit`]).

use arrow_array::{Array, ArrayRef, UInt32Array};
use arrow_select::take::take;
use rand::RngExt;
use serde::{Deserialize, Serialize};

use crate::{
    data::TableData,
    privacy::{Guard, Kept, Owned},
    schema::{Column, ColumnId},
    seed::Stream,
};

use super::{
    ColumnCodec, Datetime, Kin, SubColumn,
    calendar::{self, DAY_MICROS},
    gaps::{Never, Unit, any_time, array_of, clock_of, fit_clock, fit_gap, is_extreme, micros, tokens_of},
    line::Line,
    reading,
};

/// Fewest rows that have both times, and the share of the rows with this one that they must be.
const PAIRS_MIN: usize = 50;
const PAIRED: f64 = 0.98;
/// Bits a row that must be saved.
const SAVED_BITS: f64 = 0.5;

/// The time that another one is counted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpanBase {
    /// A column of the same row.
    Own(ColumnId),
    /// A column of the context parent's row.
    Parent(ColumnId),
}

impl SpanBase {
    /// Its values in the rows of `own`; `None` if they are not there.
    #[must_use]
    pub fn values(self, own: &TableData, kin: Option<Kin<'_>>) -> Option<ArrayRef> {
        match self {
            Self::Own(column) => own.column(column).cloned(),
            Self::Parent(column) => {
                let Kin { families, parent, .. } =
                    kin.filter(|kin| kin.families.row_count() == own.row_count)?;
                let (parent, values) = (parent?, parent?.column(column)?);
                let known = |row: &u32| (*row as usize) < parent.row_count;
                let rows: UInt32Array =
                    families.parent_of_rows().into_iter().map(|row| Some(row).filter(known)).collect();
                take(values, &rows, None).ok()
            }
        }
    }
}

/// A column of days or points in time, counted from another one of the row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Span {
    sub_columns: Vec<SubColumn>,
    /// The other time.
    base: SpanBase,
    /// True for days; else microseconds.
    date: bool,
    gaps_in: Unit,
    /// Gaps; their last token says that there is none.
    gap: Line,
    /// Time of day, if gaps are days and this one is not.
    clock: Option<Line>,
    /// True if rows with the other time can be without this one.
    nullable: bool,
    /// Days of rows without the other time, and the share of those that have this one.
    alone: Line,
    alone_share: f32,
    /// What stands for null, if something does.
    #[serde(default)]
    never: Option<Never>,
}

impl Span {
    /// Fits `values` to gaps after `bases`, the values of `base` for the same rows, if nearly all rows have both
    /// and that takes half a bit less than `otherwise`, its own codec, does under the other time. Returns the bits a row
    /// takes and those it would take otherwise.
    #[must_use]
    pub fn fit(
        column: &Column,
        values: &ArrayRef,
        (base, bases): (SpanBase, &ArrayRef),
        otherwise: &Datetime,
        guard: Guard<'_>,
    ) -> Option<(Self, f64, f64)> {
        let (mut times, from) = (micros(values)?, micros(bases)?);
        let never = Never::find(&times, guard);
        if Never::is_beside_null(never, &times) {
            return None;
        }
        Never::hide(&mut times, never);
        let date = reading::dates(values).is_some();
        if times.iter().chain(&from).flatten().any(is_extreme) {
            return None;
        }
        let rows = || from.iter().zip(&times).enumerate();
        let pairs: Vec<Owned<(i64, i64)>> =
            guard.own(rows().filter_map(|(row, (from, to))| Some((row, ((*from)?, (*to)?)))));
        let known = times.iter().flatten().count();
        if pairs.len() < PAIRS_MIN || (pairs.len() as f64) < PAIRED * known as f64 {
            return None;
        }
        let gap_name = format!("{}.gap", column.name);
        let gaps = |unit: Unit| {
            let between = pairs.iter().map(|((from, to), owner)| (unit.between(*from, *to), *owner));
            fit_gap(&gap_name, unit, between.collect(), guard)
        };
        let has_clock = !date && pairs.iter().any(|((_, to), _)| clock_of(*to) != 0);
        let by_day = gaps(Unit::Days);
        let clock = has_clock.then(|| {
            let clocks = pairs.iter().map(|((_, to), owner)| (clock_of(*to), *owner));
            fit_clock(&format!("{}.time", column.name), clocks.collect(), guard)
        });
        let day_bits = by_day.3 + clock.as_ref().map_or(0.0, |clock| clock.2);
        let exact = has_clock.then(|| gaps(Unit::finest(pairs.iter().map(|((from, to), _)| to - from))));
        let ((gaps_in, gap, mut sub_columns, bits), clock) = match exact {
            Some(exact) if exact.3 < day_bits => (exact, None),
            _ => ((by_day.0, by_day.1, by_day.2, day_bits), clock),
        };
        let own_bits = otherwise.bits_after(values, &from);
        if bits + SAVED_BITS > own_bits {
            return None;
        }
        let clock = clock.map(|(line, more, _)| {
            sub_columns.extend(more);
            line
        });
        let lone = rows().filter(|(_, (from, _))| from.is_none());
        let alone = lone.clone().filter(|(_, (_, to))| to.is_some()).count() as f32;
        let alone_share = alone / lone.count().max(1) as f32;
        let nullable = rows().any(|(_, (from, to))| from.is_some() && to.is_none());
        let days = guard.own(rows().filter_map(|(row, (_, to))| Some((row, (*to)?.div_euclid(DAY_MICROS)))));
        let (alone, _) = Line::binned(days, &any_time(&column.name, guard, false));
        Some((
            Self { sub_columns, base, date, gaps_in, gap, clock, nullable, alone, alone_share, never },
            bits,
            own_bits,
        ))
    }

    /// True if in at least half of the rows with both times this one is not before the other.
    #[must_use]
    pub fn is_forward(&self, values: &ArrayRef, bases: &ArrayRef) -> bool {
        let (Some(times), Some(from)) = (micros(values), micros(bases)) else { return false };
        let gaps = || times.iter().zip(&from).filter_map(|(to, from)| Some((*to)? - (*from)?));
        // A day is compared with the day of a point in time.
        let least = if self.date { -DAY_MICROS } else { -1 };
        2 * gaps().filter(|gap| *gap > least).count() >= gaps().count()
    }

    /// The time it is counted from.
    #[must_use]
    pub fn base(&self) -> SpanBase {
        self.base
    }

    pub(super) fn kept(&self) -> Vec<Kept> {
        let mut all = self.gap.kept(&|gap| self.gaps_in.text(gap));
        all.extend(self.clock.iter().flat_map(|line| line.kept(&calendar::time_text)));
        all.extend(self.alone.kept(&calendar::date_text));
        all.extend(self.never.map(Never::kept));
        all
    }

    /// Encodes a column beside the one it is counted from; without it no gap is known.
    pub(super) fn encode_with(&self, column: &ArrayRef, bases: Option<&ArrayRef>) -> Vec<Vec<u16>> {
        let rows = column.len();
        let mut times = micros(column).unwrap_or_else(|| vec![None; rows]);
        Never::hide(&mut times, self.never);
        let from = bases.and_then(micros).unwrap_or_else(|| vec![None; rows]);
        let mut tokens: Vec<Vec<u16>> = vec![Vec::with_capacity(rows); self.sub_columns.len()];
        let mut push = |at: usize, line: &Line, key: Option<i64>| {
            let absent = (self.sub_columns[at].size - 1, line.no_fine());
            let (coarse, fine) = key.map_or(absent, |key| line.tokens(key));
            tokens[at].push(coarse);
            if line.width() > 1 {
                tokens[at + 1].push(fine);
            }
        };
        for (time, from) in times.iter().zip(&from) {
            let pair = time.zip(*from);
            push(0, &self.gap, pair.map(|(time, from)| self.gaps_in.between(from, time)));
            if let Some(clock) = &self.clock {
                push(self.gap.width(), clock, pair.map(|(time, _)| clock_of(time)));
            }
        }
        tokens
    }

    /// Decodes a column beside the one it is counted from; without it, times are drawn from all there were.
    pub(super) fn decode_with(
        &self,
        tokens: &[&[u16]],
        bases: Option<&ArrayRef>,
        random: &mut Stream,
    ) -> ArrayRef {
        let rows = tokens.first().map_or(0, |tokens| tokens.len());
        let from = bases.and_then(micros);
        let times: Vec<Option<i64>> = (0..rows)
            .map(|row| match &from {
                Some(from) => self.time(tokens, row, from[row], random),
                None => self.time_alone(tokens[0][row], random),
            })
            .collect();
        array_of(&times, self.date, self.alone.calendar, self.never)
    }

    fn time(&self, tokens: &[&[u16]], row: usize, from: Option<i64>, random: &mut Stream) -> Option<i64> {
        let Some(from) = from else {
            let has_one = random.random::<f32>() < self.alone_share;
            return has_one.then(|| self.any_time(random));
        };
        if self.nullable && tokens[0][row] >= self.gap.coarse_count() {
            return None;
        }
        let (coarse, fine) = tokens_of(&self.gap, tokens, (0, row), random);
        let time = self.gaps_in.after(from, self.gap.key(coarse, fine, random));
        let Some(clock) = &self.clock else { return Some(time) };
        let (coarse, fine) = tokens_of(clock, tokens, (self.gap.width(), row), random);
        Some(time.saturating_add(clock.key(coarse, fine, random).clamp(0, DAY_MICROS - 1)))
    }

    fn time_alone(&self, gap: u16, random: &mut Stream) -> Option<i64> {
        let absent = gap >= self.gap.coarse_count();
        (!absent || !self.nullable).then(|| self.any_time(random))
    }

    fn any_time(&self, random: &mut Stream) -> i64 {
        let bins = self.alone.coarse_count().max(1);
        let day = self.alone.key(random.random_range(0..bins), self.alone.no_fine(), random);
        day.saturating_mul(DAY_MICROS)
    }
}

impl ColumnCodec for Span {
    fn sub_columns(&self) -> &[SubColumn] {
        &self.sub_columns
    }

    fn encode(&self, column: &ArrayRef) -> Vec<Vec<u16>> {
        self.encode_with(column, None)
    }

    fn decode(&self, tokens: &[&[u16]], random: &mut Stream) -> ArrayRef {
        self.decode_with(tokens, None, random)
    }
}

#[cfg(test)]
mod tests;
