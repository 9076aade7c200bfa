//! Times of siblings in order, each as the time since the one before it.
//!
//! A row says roughly when it is (a bin of days, so that later columns hear of seasons and years) and exactly how long
//! after its previous sibling, or after its parent's own time, it comes. Decoding walks a family from its first row
//! on. Chosen only where it takes fewer bits a row than the time itself ([`Elapsed::fit`]).

mod since;
#[cfg(test)]
mod tests;
mod walk;

use arrow_array::{Array, ArrayRef};
use serde::{Deserialize, Serialize};

use crate::{
    data::{Families, TableData},
    privacy::{Guard, Kept, Owned},
    rules::Limit,
    schema::{Column, ColumnId},
    seed::Stream,
};

use super::{
    ColumnCodec, Datetime, SubColumn,
    calendar::{self, DAY_MICROS},
    datetime::days_of,
    gaps::{Never, Unit, any_time, array_of, clock_of, fit_clock, fit_gap, is_extreme, micros},
    line::Line,
    null::Nulls,
    reading,
    within::whole_ranges,
};
use since::Since;

/// What a codec may look at beyond its own column.
#[derive(Debug, Clone, Copy)]
pub struct Kin<'a> {
    /// Siblings, in their order.
    pub families: &'a Families,
    /// Columns of the context parent: family `p` belongs to its row `p`; families behind are orphans.
    pub parent: Option<&'a TableData>,
    /// The families cut into series, in a panel: times run on within each of them.
    pub series: Option<&'a Families>,
}

impl<'a> Kin<'a> {
    /// Within what times run on, and the parent that the first of them may be counted from.
    fn runs(self) -> (&'a Families, Option<&'a TableData>) {
        match self.series {
            Some(series) => (series, None),
            None => (self.families, self.parent),
        }
    }
}

/// Fewest siblings with an earlier one, and the share of them that are not before it.
const PAIRS_MIN: usize = 200;
const ASCENDING: f64 = 0.98;
/// Bits a row that must be saved.
const SAVED_BITS: f64 = 0.5;
/// Bits a row that must be saved over atoms that say every time exactly, where no two siblings share a time: hours drawn one
/// by one would clash.
const SAVED_FROM_ATOMS: f64 = 2.0;
/// Bits a row that gaps which hide the time of day must save over gaps of days.
const CLOCK_BITS: f64 = 2.0;
/// Share of the gaps that are equal, from where on a series is regular.
const EQUAL_GAPS: f64 = 0.9;
/// Fewest first rows that say by themselves what time of day families begin.
const FIRSTS_MIN: usize = 50;
/// Draws of another gap where one leads out of its bin.
const TRIES: usize = 24;
/// A column of days or points in time, ascending among siblings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Elapsed {
    sub_columns: Vec<SubColumn>,
    nulls: Nulls,
    /// True for days; else microseconds.
    date: bool,
    /// What gaps are counted in: days, or so many microseconds.
    gaps_in: Unit,
    /// Rough days: one sub-column, its bins.
    when: Line,
    /// Gap of a family's first row after a time of its parent.
    since: Option<Since>,
    /// Gap after the previous sibling.
    gap: Line,
    /// True if a key keeps the times of siblings apart.
    #[serde(default)]
    keyed: bool,
    /// True if nearly all siblings lie equally far apart. Then every row says its time of day.
    #[serde(default)]
    regular: bool,
    /// Time of day, of every row if gaps are days, else of rows without an earlier time.
    clock: Option<Line>,
    /// What stands for null, if something does.
    #[serde(default)]
    never: Option<Never>,
}

/// For every row the last time of an earlier sibling.
fn previous(times: &[Option<i64>], families: &Families) -> Vec<Option<i64>> {
    let mut result = vec![None; times.len()];
    for family in 0..families.len() {
        let mut last = None;
        for row in families.rows(family) {
            result[row] = last;
            last = times[row].or(last);
        }
    }
    result
}

/// Share of the pairs that lie as far apart as most do.
fn equal_gaps(pairs: &[Owned<(i64, i64)>], unit: Unit) -> f64 {
    let mut gaps: Vec<i64> = pairs.iter().map(|((from, to), _)| unit.between(*from, *to)).collect();
    gaps.sort_unstable();
    let most = gaps.chunk_by(|a, b| a == b).map(<[i64]>::len).max().unwrap_or(0);
    most as f64 / gaps.len().max(1) as f64
}

impl Elapsed {
    /// Fits to a column that ascends among siblings, if that takes at least half a bit a row less than `otherwise`, its
    /// own codec, needs; whatever it takes if the siblings lie at one distance and a key keeps them apart (`keyed`).
    /// `None` if not; else with the bits a row takes.
    #[must_use]
    pub fn fit(
        column: &Column,
        values: &ArrayRef,
        otherwise: &Datetime,
        kin: Kin<'_>,
        (guard, keyed): (Guard<'_>, bool),
    ) -> Option<(Self, f64)> {
        let mut times = micros(values)?;
        let never = Never::find(&times, guard);
        if Never::is_beside_null(never, &times) {
            return None;
        }
        Never::hide(&mut times, never);
        let date = reading::dates(values).is_some();
        let (families, parent) = kin.runs();
        if families.row_count() != times.len() || times.iter().flatten().any(is_extreme) {
            return None;
        }
        let before = previous(&times, families);
        let known = before.iter().zip(&times).enumerate();
        let pairs: Vec<Owned<(i64, i64)>> =
            guard.own(known.filter_map(|(row, (from, to))| Some((row, ((*from)?, (*to)?)))));
        let ascending = pairs.iter().filter(|((from, to), _)| from <= to).count();
        if pairs.len() < PAIRS_MIN || (ascending as f64) < ASCENDING * pairs.len() as f64 {
            return None;
        }
        // What few atoms say exactly needs nothing else, unless siblings must differ.
        let exact = otherwise.is_exact();
        let strict = pairs.iter().all(|((from, to), _)| from < to);
        if exact && !strict {
            return None;
        }
        let saved = if exact { SAVED_FROM_ATOMS } else { SAVED_BITS };

        let gap_name = format!("{}.gap", column.name);
        let fit_gap = |unit: Unit| {
            let between = pairs.iter().map(|((from, to), owner)| (unit.between(*from, *to), *owner));
            fit_gap(&gap_name, unit, between.collect(), guard)
        };
        let has_clock = !date && times.iter().flatten().any(|time| clock_of(*time) != 0);
        let clock_name = format!("{}.time", column.name);
        let fit_clock = |keys: Vec<Owned<i64>>| fit_clock(&clock_name, keys, guard);
        let all_clocks = || {
            let known = times.iter().enumerate();
            guard.own(known.filter_map(|(row, time)| Some((row, clock_of((*time)?)))))
        };

        let by_day = fit_gap(Unit::Days);
        let day_clock = has_clock.then(|| fit_clock(all_clocks()));
        let day_bits = by_day.3 + day_clock.as_ref().map_or(0.0, |clock| clock.2);
        let by_micros =
            has_clock.then(|| fit_gap(Unit::finest(pairs.iter().map(|((from, to), _)| to - from))));
        let whole = by_micros.as_ref().is_some_and(|gap| gap.3 + CLOCK_BITS < day_bits);
        let (gaps_in, gap, gap_columns, bits) = match by_micros {
            Some(by_micros) if whole => by_micros,
            _ => (by_day.0, by_day.1, by_day.2, day_bits),
        };
        let regular = strict && equal_gaps(&pairs, gaps_in) >= EQUAL_GAPS;
        // Days drawn one by one clash, however few bits the next one takes.
        if !(keyed && regular) && bits + saved > otherwise.bits_after(values, &before) {
            return None;
        }

        let nulls = if never.is_some() { Nulls::possible() } else { Nulls::fit(values) };
        let known = times.iter().enumerate();
        let days = guard.own(known.filter_map(|(row, time)| Some((row, (*time)?.div_euclid(DAY_MICROS)))));
        let when_name = if has_clock { format!("{}.date", column.name) } else { column.name.clone() };
        let rough = any_time(&when_name, guard, nulls.seen());
        // What every row of a series will know can be the day itself.
        let exactly = (regular && exact).then(|| Line::fit(days.clone(), &rough));
        let (when, when_column) =
            match exactly.map(|(line, columns)| (line, <[SubColumn; 1]>::try_from(columns))) {
                Some((line, Ok([column]))) => (line, column),
                _ => Line::binned(days, &rough),
            };
        let since = Since::fit(column, (&times, &before), gaps_in, (families, parent), &when, guard);
        let mut sub_columns = vec![when_column];
        let since = since.map(|(since, more)| {
            sub_columns.extend(more);
            since
        });
        sub_columns.extend(gap_columns);
        let clock = if !has_clock {
            None
        } else if whole {
            let firsts = times.iter().zip(&before).enumerate().filter(|(_, (_, before))| before.is_none());
            let firsts = guard.own(firsts.filter_map(|(row, (time, _))| Some((row, clock_of((*time)?)))));
            let by_all = regular || firsts.len() < FIRSTS_MIN;
            Some(fit_clock(if by_all { all_clocks() } else { firsts }))
        } else {
            day_clock
        };
        let clock = clock.map(|(line, more, _)| {
            sub_columns.extend(more);
            line
        });
        Some((
            Self { sub_columns, nulls, date, gaps_in, when, since, gap, keyed, regular, clock, never },
            bits,
        ))
    }

    /// True if nearly all siblings lie equally far apart.
    pub(super) fn is_regular(&self) -> bool {
        self.regular
    }

    /// The parent's column that first rows are counted from.
    #[must_use]
    pub fn base(&self) -> Option<ColumnId> {
        self.since.as_ref().map(|since| since.base)
    }

    /// False for days in which next to nothing happens.
    pub(super) fn in_season(&self, day: i64) -> bool {
        self.when.in_season(day)
    }

    pub(super) fn kept(&self) -> Vec<Kept> {
        let mut all = self.when.kept(&calendar::date_text);
        let gaps = std::iter::once(&self.gap).chain(self.since.as_ref().map(|since| &since.line));
        all.extend(gaps.flat_map(|line| line.kept(&|gap| self.gaps_in.text(gap))));
        all.extend(self.clock.iter().flat_map(|line| line.kept(&calendar::time_text)));
        all.extend(self.never.map(Never::kept));
        all
    }

    /// The lines behind `when` with the position of their first sub-column: since, gap, clock.
    fn places(&self) -> (Option<usize>, usize, Option<usize>) {
        let since = self.since.as_ref().map(|_| 1);
        let gap = 1 + self.since.as_ref().map_or(0, |since| since.line.width());
        (since, gap, self.clock.as_ref().map(|_| gap + self.gap.width()))
    }

    /// Times of the parent by family.
    fn bases(&self, kin: Option<Kin<'_>>) -> Vec<Option<i64>> {
        let column = self.base().and_then(|base| kin?.runs().1?.column(base));
        column.and_then(micros).unwrap_or_default()
    }

    /// Encodes a column with its siblings; without kin every row is alone.
    pub(super) fn encode_with(&self, column: &ArrayRef, kin: Option<Kin<'_>>) -> Vec<Vec<u16>> {
        let rows = column.len();
        let mut times = micros(column).unwrap_or_else(|| vec![None; rows]);
        Never::hide(&mut times, self.never);
        let alone = Families::singletons(rows);
        let families = kin.map(|kin| kin.runs().0).filter(|f| f.row_count() == rows).unwrap_or(&alone);
        let before = previous(&times, families);
        let bases = self.bases(kin);
        let parents = families.parent_of_rows();
        let (since_at, gap_at, clock_at) = self.places();
        let mut tokens: Vec<Vec<u16>> = vec![Vec::with_capacity(rows); self.sub_columns.len()];
        for row in 0..rows {
            let time = times[row];
            let base = bases.get(parents[row] as usize).copied().flatten();
            let when = time.map(|time| self.when.tokens(time.div_euclid(DAY_MICROS)).0);
            tokens[0].push(when.unwrap_or_else(|| self.nulls.token(self.sub_columns[0].size)));
            let steps = |from: Option<i64>| Some(self.gaps_in.between(from?, time?));
            let mut push = |at: usize, line: &Line, key: Option<i64>| {
                let absent = (self.sub_columns[at].size - 1, line.no_fine());
                let (coarse, fine) = key.map_or(absent, |key| line.tokens(key));
                tokens[at].push(coarse);
                if line.width() > 1 {
                    tokens[at + 1].push(fine);
                }
            };
            if let (Some(at), Some(since)) = (since_at, &self.since) {
                push(at, &since.line, steps(base.filter(|_| before[row].is_none())));
            }
            push(gap_at, &self.gap, steps(before[row]));
            if let (Some(at), Some(clock)) = (clock_at, &self.clock) {
                let anchored = before[row].is_some() || (self.since.is_some() && base.is_some());
                let told = self.gaps_in == Unit::Days || self.regular || !anchored;
                push(at, clock, time.filter(|_| told).map(|time| time.rem_euclid(DAY_MICROS)));
            }
        }
        tokens
    }
}

impl ColumnCodec for Elapsed {
    fn sub_columns(&self) -> &[SubColumn] {
        &self.sub_columns
    }

    fn encode(&self, column: &ArrayRef) -> Vec<Vec<u16>> {
        self.encode_with(column, None)
    }

    /// The rough day is what a limit steers; gaps lead near it.
    fn shares(&self, limit: &Limit, before: &[u16]) -> Vec<f32> {
        let size = usize::from(self.sub_columns[before.len()].size);
        if !before.is_empty() {
            return vec![1.0; size];
        }
        let ranges = whole_ranges(limit);
        let mut shares = self.when.coarse_shares(&if self.date { ranges } else { days_of(&ranges) });
        shares.resize(size, f32::from(u8::from(*limit == Limit::Null)));
        shares
    }

    fn decode(&self, tokens: &[&[u16]], random: &mut Stream) -> ArrayRef {
        let rows = tokens.first().map_or(0, |tokens| tokens.len());
        let times: Vec<Option<i64>> =
            (0..rows).map(|row| self.time(tokens, row, None, None, random)).collect();
        array_of(&times, self.date, self.when.calendar, self.never)
    }
}
