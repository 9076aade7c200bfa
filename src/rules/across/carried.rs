//! Finds what rows take over from the sibling beside them, see [`Carried`].

use std::collections::{BTreeMap, BTreeSet};

use arrow_array::ArrayRef;

use crate::{
    data::{Families, TableData, ordered},
    privacy::{Guard, inner},
    schema::{ColumnId, Storage, TableId},
};

use super::{
    super::{
        TableRules,
        carried::{Carried, Carry, Sign, Term, in_order, pairs, shifted},
        evidence::{LEAST_QUANTITIES, LEAST_ROWS, SEARCHED_EXPECTED, Shuffle, decimals, key, numbers, same},
        value::Value,
    },
    find::{Observed, ObservedTable},
};

/// Share of the pairs that must show it: sources have a few rows that were mended by hand.
const SHARE: f64 = 0.999;
/// Units that the difference of two rounded totals may be off, with what the amounts have lost themselves.
const ROUNDED: f64 = 1.1;
/// Amounts that a total may slip by, and the share of the rows in which it does not.
const MOST_SLIPS: usize = 16;
const STILL: f64 = 0.5;
/// Most columns of a table that is searched, most that are combined by two, and most values of one that decides a sign.
const MOST_COLUMNS: usize = 64;
const MOST_COMBINED: usize = 24;
const MOST_SIGNS: usize = 16;

/// A table's rows in the order of a column, ready to be compared with their neighbours.
struct Ordered<'a> {
    rows: &'a TableData,
    guard: Guard<'a>,
    by: Option<ColumnId>,
    /// The earlier row, the later row.
    pairs: Vec<(usize, usize)>,
    /// First rows of families.
    firsts: Vec<usize>,
}

impl<'a> Ordered<'a> {
    fn new(rows: ObservedTable<'a>, by: Option<ColumnId>) -> Option<Self> {
        let order = in_order(by.map(|by| rows.data.column(by)), rows.families)?;
        let first = |family: usize| order[rows.families.rows(family)].first().map(|row| *row as usize);
        Some(Self {
            rows: rows.data,
            guard: rows.guard,
            by,
            pairs: pairs(&order, rows.families).collect(),
            firsts: (0..rows.families.len()).filter_map(first).collect(),
        })
    }

    /// True if nearly all pairs say so; of many that do not, few are asked.
    fn nearly_all(&self, mut holds: impl FnMut(usize, usize) -> bool) -> bool {
        let mut exceptions = (self.pairs.len() as f64 * (1.0 - SHARE)) as usize + 1;
        self.pairs.iter().all(|(earlier, later)| {
            exceptions -= usize::from(!holds(*earlier, *later));
            exceptions > 0
        })
    }

    /// True if `to` is no wonder: as many pairs would break the relation, had the columns nothing to do with each
    /// other, and enough of them show more than what a row or a family says by itself.
    fn is_telling(&self, to: &ArrayRef, from: &ArrayRef, later_obeys: bool) -> bool {
        let mut shares: BTreeMap<String, (f64, f64)> = BTreeMap::new();
        let unit = 1.0 / self.pairs.len().max(1) as f64;
        let (mut changes, mut strangers) = (0, 0);
        for &(earlier, later) in &self.pairs {
            let (row, neighbour) = if later_obeys { (later, earlier) } else { (earlier, later) };
            let (own, there) = (key(&Value::read(to, row)), key(&Value::read(from, neighbour)));
            let here = key(&Value::read(from, row));
            changes += usize::from(there != here);
            strangers += usize::from(own != here);
            shares.entry(own).or_default().0 += unit;
            shares.entry(there).or_default().1 += unit;
        }
        let agreement: f64 = shares.values().map(|(own, there)| own * there).sum();
        let least = SEARCHED_EXPECTED as usize;
        self.pairs.len() as f64 * (1.0 - agreement) >= SEARCHED_EXPECTED
            && changes >= least
            && strangers >= least
            && self.guard.enough(self.pairs.iter().map(|(earlier, _)| *earlier))
    }

    fn rule(&self, to: ColumnId, how: Carry) -> Carried {
        Carried { to, by: self.by, how, pairs: self.pairs.len() }
    }

    /// `to` as the next row's `from`; both lie on one line.
    fn next_of(&self, to: ColumnId, from: ColumnId) -> Option<Carried> {
        let (own, there) = (self.rows.column(to)?, self.rows.column(from)?);
        let (ends, begins) = (ordered(own)?, ordered(there)?);
        let gap = |earlier: usize, later: usize| ends[earlier]?.checked_sub(begins[later]?);
        let mut offsets: Vec<i64> =
            self.pairs.iter().take(LEAST_ROWS).filter_map(|(a, b)| gap(*a, *b)).collect();
        offsets.sort_unstable();
        let offset = *offsets.get(offsets.len() / 2)?;
        if !self.nearly_all(|earlier, later| gap(earlier, later) == Some(offset)) {
            return None;
        }
        self.is_telling(own, &shifted(there, offset)?, false)
            .then(|| self.rule(to, Carry::FromNext { from, offset }))
    }

    /// `to` as the previous row's `from`.
    fn previous_of(&self, to: ColumnId, from: ColumnId) -> Option<Carried> {
        let (own, there) = (self.rows.column(to)?, self.rows.column(from)?);
        let agree = own.data_type() == there.data_type()
            && self.nearly_all(|earlier, later| Value::read(own, later) == Value::read(there, earlier));
        (agree && self.is_telling(own, there, true)).then(|| self.rule(to, Carry::FromPrevious { from }))
    }

    /// `to` as a running total of some of the `amounts`, with signs that one of the `kinds` decides.
    fn running(
        &self,
        to: ColumnId,
        lagged: bool,
        amounts: &BTreeMap<ColumnId, Vec<f64>>,
        kinds: &[ColumnId],
    ) -> Option<Carried> {
        let totals = amounts.get(&to)?;
        let changes: Vec<f64> =
            self.pairs.iter().map(|(earlier, later)| totals[*later] - totals[*earlier]).collect();
        let moved = changes.iter().filter(|change| change.abs() > 0.0);
        let different: BTreeSet<u64> = moved.clone().map(|change| change.abs().to_bits()).collect();
        if moved.count() < LEAST_ROWS || different.len() < LEAST_QUANTITIES {
            return None;
        }
        let places = decimals(totals.iter().copied().filter(|total| !total.is_nan()));
        let unit = places.map_or(0.0, |places| 10_f64.powi(-places));
        let added = |column: &ColumnId, pair: (usize, usize)| {
            let amount = amounts[column][if lagged { pair.0 } else { pair.1 }];
            if amount.is_nan() { 0.0 } else { amount }
        };
        // Differences of large totals lose digits: what is nearest to a point of the grid is on it. Where the total is
        // rounded and what is added is not, both of its ends may lie half a unit off.
        let is_finer = |column: &ColumnId| {
            let unit_of = |amount: f64| (amount / unit - (amount / unit).round()).abs() * unit;
            unit > 0.0
                && amounts[column].iter().any(|amount| unit_of(*amount) > 1e-6 * amount.abs().max(unit))
        };
        let slack = |finer: bool| if finer { unit * ROUNDED } else { unit / 2.0 };
        let is = |pair: (usize, usize), change: f64, slack: f64| {
            let expected = totals[pair.0] + change;
            same(totals[pair.1], expected) || (totals[pair.1] - expected).abs() < slack
        };
        let terms: Vec<ColumnId> = amounts.keys().copied().filter(|column| *column != to).collect();
        let one = terms.iter().find_map(|term| {
            let slack = slack(is_finer(term));
            let either = |a: usize, b: usize| {
                let amount = added(term, (a, b));
                is((a, b), amount, slack) || is((a, b), -amount, slack)
            };
            if !self.nearly_all(either) {
                return None;
            }
            let subtracts = |pair: (usize, usize)| {
                let amount = added(term, pair);
                (amount.abs() > slack).then(|| is(pair, -amount, slack))
            };
            let sign = self.sign(subtracts, lagged, kinds.iter().filter(|kind| *kind != term))?;
            Some(vec![Term { of: *term, sign }])
        });
        let two = || {
            if terms.len() > MOST_COMBINED {
                return None;
            }
            let pairs = terms.iter().flat_map(|one| terms.iter().map(move |other| (*one, *other)));
            let found = pairs.filter(|(one, other)| one != other).find(|(one, other)| {
                let slack = slack(is_finer(one) || is_finer(other));
                self.nearly_all(|a, b| is((a, b), added(one, (a, b)) - added(other, (a, b)), slack))
            });
            let (one, other) = found?;
            Some(vec![Term { of: one, sign: Sign::Plus }, Term { of: other, sign: Sign::Minus }])
        };
        let exact = one.or_else(two).map(|terms| (terms, Vec::new()));
        let grid = places.map(|_| unit);
        let (terms, slips) = exact.or_else(|| {
            terms.iter().filter(|term| !is_finer(term)).find_map(|term| {
                let added = |pair: (usize, usize)| added(term, pair);
                [(Sign::Plus, 1.0), (Sign::Minus, -1.0)].into_iter().find_map(|(sign, factor)| {
                    let slips = self.slips(totals, |pair| factor * added(pair), grid?)?;
                    Some((vec![Term { of: *term, sign }], slips))
                })
            })
        })?;
        let finer = terms.iter().any(|term| is_finer(&term.of));
        if !self.guard.enough(self.pairs.iter().map(|(earlier, _)| *earlier)) {
            return None;
        }
        let mut rule = self.rule(
            to,
            Carry::Running { terms, lagged, start: None, decimals: places, range: self.range(totals), slips },
        );
        if finer && !self.stays_near(&rule, totals, unit) {
            return None;
        }
        let begin = (!lagged).then(|| self.begin(&rule, totals, if finer { unit } else { 0.0 })).flatten();
        if let Carry::Running { start, .. } = &mut rule.how {
            *start = begin.map(Value::Float);
        }
        Some(rule)
    }

    /// What totals move by beyond what is added, where that is mostly nothing and else one of a few amounts that enough
    /// entities share; `None` if it is not, or would be as often with the amounts of other rows.
    fn slips(
        &self,
        totals: &[f64],
        added: impl Fn((usize, usize)) -> f64,
        unit: f64,
    ) -> Option<Vec<(Value, Value)>> {
        let shuffle = Shuffle::new(self.pairs.len());
        let mut seen: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
        let (mut moved, mut by_chance) = (0, 0);
        for (place, &pair) in self.pairs.iter().enumerate() {
            let change = totals[pair.1] - totals[pair.0];
            if change.is_nan() {
                continue;
            }
            let units = |added: f64| ((change - added) / unit).round() as i64;
            let own = added(pair);
            seen.entry(units(own)).or_default().push(pair.1);
            moved += usize::from(own != 0.0 && units(own) == 0);
            by_chance += usize::from(units(added(self.pairs[shuffle.of(place)])) == 0);
            if seen.len() > 2 * MOST_SLIPS {
                return None;
            }
        }
        let pairs = self.pairs.len() as f64;
        let still = seen.get(&0).map_or(0, Vec::len);
        seen.retain(|_, rows| self.guard.enough(rows.iter().copied()));
        let known: usize = seen.values().map(Vec::len).sum();
        let found = still as f64 >= STILL * pairs
            && 2 * by_chance <= still
            && moved >= LEAST_ROWS
            && known as f64 >= SHARE * pairs
            && seen.len() <= MOST_SLIPS;
        let share = |rows: &Vec<usize>| Value::Float(rows.len() as f64 / known as f64);
        let slips = seen.iter().filter(|(units, _)| **units != 0);
        found.then(|| slips.map(|(units, rows)| (Value::Float(*units as f64 * unit), share(rows))).collect())
    }

    /// True if rounded totals are never further than two units from the sum of all that was added since the first row, and
    /// would be with the amounts of other rows.
    fn stays_near(&self, rule: &Carried, totals: &[f64], unit: f64) -> bool {
        let Some(added) = rule.added(self.rows) else { return false };
        let lagged = matches!(rule.how, Carry::Running { lagged: true, .. });
        let shuffle = Shuffle::new(added.len());
        let (mut first, mut sum, mut other) = (0.0, 0.0, 0.0);
        let (mut near, mut near_by_chance) = (0, 0);
        for &(earlier, later) in &self.pairs {
            if self.firsts.binary_search(&earlier).is_ok() {
                (first, sum, other) = (totals[earlier], 0.0, 0.0);
            }
            let row = if lagged { earlier } else { later };
            sum += added[row];
            other += added[shuffle.of(row)];
            let is_near = |sum: f64| (totals[later] - first - sum).abs() <= unit * 2.0;
            near += usize::from(is_near(sum));
            near_by_chance += usize::from(is_near(other));
        }
        let pairs = self.pairs.len() as f64;
        near as f64 >= SHARE * pairs && pairs - near_by_chance as f64 >= SEARCHED_EXPECTED
    }

    /// The totals between those of the outermost entities.
    fn range(&self, totals: &[f64]) -> Option<(Value, Value)> {
        let known = totals.iter().copied().enumerate().filter(|(_, total)| !total.is_nan());
        let mut all = self.guard.own(known);
        all.sort_by(|one, other| one.0.total_cmp(&other.0));
        let inner = inner(&all, self.guard.least())?;
        Some((Value::Float(all[inner.start].0), Value::Float(all[inner.end - 1].0)))
    }

    /// What subtracts: always or never, or a kind of row; `None` if nothing explains it.
    fn sign<'k>(
        &self,
        subtracts: impl Fn((usize, usize)) -> Option<bool>,
        lagged: bool,
        kinds: impl Iterator<Item = &'k ColumnId>,
    ) -> Option<Sign> {
        let known = |pair: &(usize, usize)| Some((if lagged { pair.0 } else { pair.1 }, subtracts(*pair)?));
        let signs: Vec<(usize, bool)> = self.pairs.iter().filter_map(known).collect();
        let allowed = (signs.len() as f64 * (1.0 - SHARE)) as usize;
        let minus = signs.iter().filter(|(_, minus)| *minus).count();
        if minus <= allowed {
            return Some(Sign::Plus);
        }
        if signs.len() - minus <= allowed {
            return Some(Sign::Minus);
        }
        kinds.copied().find_map(|column| {
            let array = self.rows.column(column)?;
            let mut by_value: BTreeMap<String, (Value, Vec<usize>, usize)> = BTreeMap::new();
            for (row, minus) in &signs {
                let value = Value::read(array, *row);
                let entry = by_value.entry(key(&value)).or_insert_with(|| (value, Vec::new(), 0));
                entry.1.push(*row);
                entry.2 += usize::from(*minus);
                if by_value.len() > MOST_SIGNS {
                    return None;
                }
            }
            let against: usize =
                by_value.values().map(|(_, rows, minus)| (*minus).min(rows.len() - minus)).sum();
            let subtracting = by_value.into_values().filter(|(_, rows, minus)| 2 * minus > rows.len());
            // A value that few entities have is never drawn.
            let shared = subtracting.filter(|(_, rows, _)| self.guard.enough(rows.iter().copied()));
            let values: Vec<Value> = shared.map(|(value, ..)| value).collect();
            (against <= allowed && !values.is_empty()).then_some(Sign::MinusWhen { column, values })
        })
    }

    /// What all families begin with, before the first row's own terms.
    fn begin(&self, rule: &Carried, totals: &[f64], unit: f64) -> Option<f64> {
        let added = rule.added(self.rows)?;
        let mut begins: Vec<f64> = self.firsts.iter().map(|row| totals[*row] - added[*row]).collect();
        begins.sort_by(f64::total_cmp);
        let middle = *begins.get(begins.len() / 2)?;
        let middle = if unit > 0.0 { (middle / unit).round() * unit } else { middle };
        let near = |begin: &f64| (begin - middle).abs() < unit.max(1e-6 * middle.abs().max(1.0));
        let share = begins.iter().filter(|begin| near(begin)).count() as f64 / begins.len() as f64;
        let known = share >= SHARE && self.guard.enough(self.firsts.iter().copied());
        known.then(|| if middle.abs() < 1e-6 { 0.0 } else { middle })
    }
}

/// The date or time that siblings stand in the order of.
fn ordering(rows: ObservedTable<'_>, times: &[ColumnId]) -> Option<ColumnId> {
    let own: Vec<u32> = (0..rows.families.row_count() as u32).collect();
    times.iter().copied().find(|column| {
        let Some(times) = rows.data.column(*column).and_then(ordered) else { return false };
        let mut steps = (0, 0, 0);
        for (earlier, later) in pairs(&own, rows.families) {
            steps.0 += 1;
            steps.1 += usize::from(times[earlier] < times[later]);
            steps.2 += usize::from(times[earlier] > times[later]);
        }
        steps.1 >= LEAST_ROWS && f64::from(steps.2 as u32) <= (1.0 - SHARE) * f64::from(steps.0)
    })
}

impl Observed<'_> {
    /// Columns of a table that a sibling decides.
    pub(super) fn carried(&self, id: TableId, rules: &TableRules) -> Vec<Carried> {
        let has_siblings = self.plan.table(id).context.is_some();
        let Some(mut rows) = self.made(id) else { return Vec::new() };
        let series = rows.panel.map(|link| rows.families.split(&rows.links[link.0].parent));
        rows.families = series.as_ref().unwrap_or(rows.families);
        let Some(rows) = Some(rows).filter(|rows| {
            has_siblings
                && rows.families.row_count() == rows.data.row_count
                && pair_count(rows.families) >= LEAST_ROWS
        }) else {
            return Vec::new();
        };
        let table = self.schema.table(id);
        let storage = |column: &ColumnId| table.column(*column).data_type.storage();
        let readable: Vec<ColumnId> =
            self.readable(id).into_iter().filter(|column| !rules.is_settled(*column)).collect();
        let mut open: Vec<ColumnId> =
            readable.iter().copied().filter(|column| self.is_attribute(id, *column)).collect();
        if readable.len() > MOST_COLUMNS {
            return Vec::new();
        }
        let is_time = |column: &ColumnId| matches!(storage(column), Storage::Date | Storage::Timestamp);
        let times: Vec<ColumnId> = readable.iter().copied().filter(is_time).collect();
        let mut found: Vec<Carried> = Vec::new();

        // The end of a period: siblings stand in the order of its beginning, whatever their own order.
        for from in &times {
            let Some(by_time) = Ordered::new(rows, Some(*from)) else { continue };
            let ends: Vec<ColumnId> =
                open.iter().copied().filter(|to| to != from && storage(to) == storage(from)).collect();
            let new: Vec<Carried> = ends.into_iter().filter_map(|to| by_time.next_of(to, *from)).collect();
            open.retain(|column| {
                (column != from || new.is_empty()) && new.iter().all(|rule| rule.to != *column)
            });
            found.extend(new);
        }

        let Some(in_order) = Ordered::new(rows, ordering(rows, &times)) else { return found };
        let is_number = |column: &ColumnId| matches!(storage(column), Storage::Integer | Storage::Float);
        let amounts: BTreeMap<ColumnId, Vec<f64>> = (readable.iter().filter(|column| is_number(column)))
            .filter_map(|column| Some((*column, numbers(rows.data.column(*column)?)?)))
            .collect();
        let kinds: Vec<ColumnId> = readable.iter().copied().filter(|column| !is_time(column)).collect();
        let totals: Vec<ColumnId> = open.iter().copied().filter(is_number).collect();
        for lagged in [true, false] {
            for to in &totals {
                // A total after the row is the total before the next one: of both, the row computes the later.
                let known = |rule: &Carried| rule.to == *to || rule.reads().contains(to);
                let again = |new: &Carried| {
                    !found.iter().any(|rule| rule.sources() == new.sources() && rule.how != new.how)
                };
                if found.iter().any(known) {
                    continue;
                }
                if let Some(rule) = in_order.running(*to, lagged, &amounts, &kinds).filter(again) {
                    found.push(rule);
                }
            }
        }
        let taken = |column: &ColumnId, found: &[Carried]| {
            found.iter().any(|rule| rule.to == *column || rule.sources().contains(column))
        };
        for to in open.clone() {
            let alike = |from: &ColumnId| {
                *from != to && table.column(*from).data_type == table.column(to).data_type && !is_time(from)
            };
            if taken(&to, &found) {
                continue;
            }
            let previous = open.iter().copied().filter(alike);
            found.extend(previous.filter_map(|from| in_order.previous_of(to, from)).next());
        }
        found
    }
}

fn pair_count(families: &Families) -> usize {
    families.row_count().saturating_sub((0..families.len()).filter(|f| !families.rows(*f).is_empty()).count())
}

#[cfg(test)]
mod tests;
