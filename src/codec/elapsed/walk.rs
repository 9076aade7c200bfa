//! Decoding: from a family's first time on, gap by gap.

use arrow_array::ArrayRef;
use rayon::prelude::*;

use super::{
    super::{
        calendar::{self, DAY_MICROS},
        gaps::{Unit, array_of, tokens_of},
        line::{Line, weighted},
    },
    Elapsed, Kin, TRIES,
};
use crate::{
    data::Families,
    seed::{Seed, Stream},
};

/// Weeks.
const HALF_A_YEAR: i64 = 26;

impl Elapsed {
    /// Decodes a column family by family; without kin every row is alone.
    pub(in crate::codec) fn decode_with(
        &self,
        tokens: &[&[u16]],
        kin: Option<Kin<'_>>,
        seed: Seed,
        name: &str,
    ) -> ArrayRef {
        let rows = tokens.first().map_or(0, |tokens| tokens.len());
        let alone = Families::singletons(rows);
        let families = kin.map(|kin| kin.runs().0).filter(|f| f.row_count() == rows).unwrap_or(&alone);
        let bases = self.bases(kin);
        let times: Vec<Option<i64>> = (0..families.len())
            .into_par_iter()
            .flat_map_iter(|family| {
                let mut random = seed.stream(name, family as u64);
                let mut last = None;
                let base = bases.get(family).copied().flatten();
                let mut times: Vec<Option<i64>> = families
                    .rows(family)
                    .map(|row| {
                        let time = self.time(tokens, row, last, base, &mut random);
                        last = time.or(last);
                        time
                    })
                    .collect();
                self.pull_back(&mut times, base.filter(|_| self.since.is_some()));
                times
            })
            .collect();
        array_of(&times, self.date, self.when.calendar, self.never)
    }

    /// Moves a family that would end after the last day to an earlier begin, unless it is counted from a time of its
    /// parent (`base`). Where there is no room, what is late comes together with what is before it; if a key keeps
    /// siblings apart, long gaps close instead, and what is late still comes later than anything seen.
    pub(super) fn pull_back(&self, times: &mut [Option<i64>], base: Option<i64>) {
        let day_of = |time: i64| time.div_euclid(DAY_MICROS);
        let (first, last) = (times.iter().flatten().min(), times.iter().flatten().max());
        let Some((first, last)) = first.zip(last) else { return };
        let late = day_of(*last) - self.when.last();
        if late <= 0 {
            return;
        }
        let room = if base.is_some() { 0 } else { (day_of(*first) - self.when.first()).max(0) };
        // Whole weeks keep the weekdays, and 52 of them the season as well.
        let cycle = if self.when.season.is_some() && late + 364 <= room { 364 } else { 7 };
        let weeks = (late + cycle - 1) / cycle * cycle;
        let shift = if weeks <= room { weeks } else { late.min(room) };
        let mut before = base;
        for time in times.iter_mut().flatten() {
            *time = time.saturating_sub(shift.saturating_mul(DAY_MICROS));
            if !self.keyed && day_of(*time) > self.when.last() {
                *time = before.unwrap_or(*time);
            }
            before = Some(*time);
        }
        if self.keyed && shift < late {
            close_gaps(times, late - shift);
        }
    }

    /// One row's time.
    pub(super) fn time(
        &self,
        tokens: &[&[u16]],
        row: usize,
        last: Option<i64>,
        base: Option<i64>,
        random: &mut Stream,
    ) -> Option<i64> {
        let when = tokens[0][row];
        if self.nulls.is_null(when, self.sub_columns[0].size) {
            return None;
        }
        let (since_at, gap_at, clock_at) = self.places();
        let gap = match (last, base, &self.since) {
            (Some(last), ..) => Some((last, gap_at, &self.gap)),
            (None, Some(base), Some(since)) => since_at.map(|at| (base, at, &since.line)),
            _ => None,
        };
        let whole = self.gaps_in != Unit::Days;
        let time = match gap {
            Some((from, at, line)) => {
                let (coarse, fine) = tokens_of(line, tokens, (at, row), random);
                let time = self.near((from, line, coarse, fine), self.when.range_of(when), random);
                if whole {
                    return Some(time);
                }
                time
            }
            None => self.when.key(when, self.when.no_fine(), random).saturating_mul(DAY_MICROS),
        };
        let (Some(at), Some(clock)) = (clock_at, &self.clock) else { return Some(time) };
        let mut drawn = DAY_MICROS;
        for _ in 0..TRIES {
            let (coarse, fine) = tokens_of(clock, tokens, (at, row), random);
            drawn = clock.key(coarse, fine, random);
            // On the same day not before the sibling.
            if last.is_none_or(|last| time.saturating_add(drawn) >= last) {
                break;
            }
        }
        let time = time.saturating_add(drawn.clamp(0, DAY_MICROS - 1));
        let same_day = |last: i64| last.div_euclid(DAY_MICROS) == time.div_euclid(DAY_MICROS);
        Some(last.filter(|last| same_day(*last)).map_or(time, |last| time.max(last)))
    }

    /// A time a gap after `from`, in the bin of days the row was given and on a usual day where the gap allows.
    fn near(
        &self,
        (from, line, coarse, fine): (i64, &Line, u16, u16),
        (low, high): (i64, i64),
        random: &mut Stream,
    ) -> i64 {
        let mut found = None;
        let mut time = from;
        for _ in 0..TRIES {
            time = self.gaps_in.after(from, line.key(coarse, fine, random));
            let day = time.div_euclid(DAY_MICROS);
            if (low..=high).contains(&day) {
                if self.when.is_usual(day, random) {
                    return time;
                }
                found = Some(time);
            }
        }
        // The gap says more than the bin.
        let time = self.moved_into_season(found.unwrap_or(time), from, random);
        self.on_usual_day(time, from)
    }

    /// Moves a time out of season by whole weeks to one in season, after `from` and half a year away at most.
    fn moved_into_season(&self, time: i64, from: i64, random: &mut Stream) -> i64 {
        let (day, first) = (time.div_euclid(DAY_MICROS), from.div_euclid(DAY_MICROS));
        if self.when.season.is_none() || self.when.weight(day) > 0.0 {
            return time;
        }
        let days = (-HALF_A_YEAR..=HALF_A_YEAR).map(|weeks| day.saturating_add(7 * weeks));
        let seen = self.when.first()..=self.when.last();
        let weighed: Vec<(i64, f64)> = days
            .filter(|day| *day > first && seen.contains(day))
            .map(|day| (day, self.when.weight(day)))
            .filter(|(_, weight)| *weight > 0.0)
            .collect();
        let found = weighted(&weighed, random).unwrap_or(day);
        time.saturating_add((found - day).saturating_mul(DAY_MICROS))
    }

    /// Moves a time by a day or two, not before `from`, where next to nothing happens on its weekday.
    fn on_usual_day(&self, time: i64, from: i64) -> i64 {
        let weekdays = self.when.weekdays.unwrap_or([1; 7]);
        let heaviest = weekdays.iter().copied().max().unwrap_or(1);
        let day = time.div_euclid(DAY_MICROS);
        let usual = |day: i64| u64::from(weekdays[calendar::weekday(day)]) * 50 >= u64::from(heaviest);
        if self.gaps_in != Unit::Days || usual(day) {
            return time;
        }
        let first = from.div_euclid(DAY_MICROS);
        let shift = [-1, 1, -2, 2].into_iter().find(|shift| day + shift >= first && usual(day + shift));
        time.saturating_add(shift.unwrap_or(0) * DAY_MICROS)
    }
}

/// Shortens gaps that are longer than most, the longest first, until a family ends `late` days earlier: by whole weeks
/// as far as they go, which keep the weekdays, and always by whole days, which keep the times of day.
fn close_gaps(times: &mut [Option<i64>], mut late: i64) {
    let known: Vec<i64> = times.iter().flatten().copied().collect();
    let mut gaps: Vec<i64> = known.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect();
    let mut sorted = gaps.clone();
    sorted.sort_unstable();
    let Some(usual) = sorted.get(sorted.len() / 2) else { return };
    let mut order: Vec<usize> = (0..gaps.len()).filter(|gap| gaps[*gap] > *usual).collect();
    order.sort_by_key(|gap| (std::cmp::Reverse(gaps[*gap]), *gap));
    let mut cuts = vec![0_i64; known.len()];
    for step in [7, 1] {
        for gap in &order {
            let room = (gaps[*gap] - usual) / (step * DAY_MICROS);
            let cut = step * room.min((late + step - 1) / step).max(0);
            gaps[*gap] -= cut * DAY_MICROS;
            cuts[gap + 1] += cut;
            late -= cut;
        }
    }
    let mut earlier = 0_i64;
    for (time, cut) in times.iter_mut().flatten().zip(cuts) {
        earlier += cut;
        *time = time.saturating_sub(earlier.saturating_mul(DAY_MICROS));
    }
}
