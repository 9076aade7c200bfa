//! Products and sums of several numbers of one row.

use std::collections::BTreeSet;

use arrow_array::Array;

use crate::schema::ColumnId;

use super::{
    super::{
        evidence::{LEAST_ROWS, SEARCHED_EXPECTED, Shuffle, decimals, numbers, same},
        relation::{Product, Rule, rounded},
        value::Value,
    },
    Candidate, depends_on, is_decided,
};

/// Most columns among which sums of two, three and four terms are looked for, and products.
const COLUMNS_OF_TWO: usize = 40;
const COLUMNS_OF_THREE: usize = 22;
const COLUMNS_OF_FOUR: usize = 14;
const COLUMNS_OF_PRODUCTS: usize = 24;

/// Rows tried before a combination is tested in earnest, and how many of them must know every number.
const PROBES: usize = 24;
const LEAST_PROBES: usize = 6;

/// What a column of shares is multiplied by: a part taken off or put on, as a fraction or in per cent.
const SHARES: [f64; 4] = [-1.0, 1.0, -0.01, 0.01];

/// A column of numbers.
struct Figures {
    id: ColumnId,
    /// NaN for null.
    values: Vec<f64>,
    decimals: Option<i32>,
    nulls: bool,
    /// The largest number, sign left out.
    largest: f64,
    /// Values at the probed rows.
    probes: Vec<f64>,
}

/// Adds products, then sums from few terms to many, to the rules found so far.
///
/// `borrowed` columns are factors only, beside one of the row's own.
pub(super) fn add_rules(
    candidates: &[Candidate<'_>],
    borrowed: &[Candidate<'_>],
    given: &BTreeSet<ColumnId>,
    rules: &mut Vec<Rule>,
) {
    let figures = |candidates: &[Candidate<'_>], rules: &[Rule]| -> Vec<Figures> {
        let free = candidates
            .iter()
            .filter(|candidate| !is_decided(rules, candidate.id) && candidate.counts.len() != 1);
        free.filter_map(Figures::new).collect()
    };
    let own = figures(candidates, rules);
    Search { figures: &own, own: own.len(), given }.products(rules);
    if !borrowed.is_empty() {
        let mut factors = figures(candidates, &[]);
        factors.truncate(COLUMNS_OF_PRODUCTS);
        let count = factors.len();
        factors.extend(figures(borrowed, &[]));
        Search { figures: &factors, own: count, given }.products(rules);
    }
    Search { figures: &own, own: own.len(), given }.sums(rules);
}

impl Figures {
    fn new(candidate: &Candidate<'_>) -> Option<Self> {
        let values = numbers(candidate.array)?;
        let known = values.iter().copied().filter(|value| !value.is_nan());
        let decimals = decimals(known.clone());
        let largest = known.fold(0.0, |most: f64, value| most.max(value.abs()));
        let stride = (values.len() / PROBES).max(1);
        let probes = values.iter().copied().step_by(stride).take(PROBES).collect();
        let nulls = candidate.array.null_count() > 0;
        Some(Self { id: candidate.id, decimals, nulls, largest, values, probes })
    }
}

struct Search<'a> {
    figures: &'a [Figures],
    /// How many of them are the row's own; the rest is borrowed.
    own: usize,
    given: &'a BTreeSet<ColumnId>,
}

impl Search<'_> {
    /// True if a column may still be decided, from the ones at `terms`.
    fn open(&self, rules: &[Rule], to: usize, terms: &[usize]) -> bool {
        let to = self.figures[to].id;
        !self.given.contains(&to)
            && !is_decided(rules, to)
            && terms.iter().all(|term| !depends_on(rules, self.figures[*term].id, to))
    }

    fn products(&self, rules: &mut Vec<Rule>) {
        let borrowed = self.figures.len() - self.own;
        let count = self.own.min(COLUMNS_OF_PRODUCTS) + borrowed;
        for to in 0..self.own.min(count) {
            if !self.open(rules, to, &[]) {
                continue;
            }
            let factors = (0..count).flat_map(|a| (a..count).map(move |b| (a, b)));
            let found = factors
                .filter(|(a, b)| *a != to && *b != to && *a < self.own)
                // What needs nothing borrowed was looked for before.
                .filter(|(_, b)| borrowed == 0 || *b >= self.own)
                .map(|(a, b)| if a == b { vec![a] } else { vec![a, b] })
                .find_map(|factors| self.product_of(rules, to, &factors, count));
            rules.extend(found);
        }
    }

    /// `to` from these factors, with a share or without.
    fn product_of(&self, rules: &[Rule], to: usize, factors: &[usize], count: usize) -> Option<Rule> {
        let plain = (factors.len() > 1).then(|| (factors.to_vec(), None));
        let shares = (0..count)
            .filter(|share| *share != to && !factors.contains(share))
            .flat_map(|share| SHARES.map(|by| (share, by)))
            .filter(|(share, by)| self.figures[*share].largest * by.abs() <= 1.0)
            .map(|(share, by)| ([factors, &[share]].concat(), Some((share, by))));
        plain.into_iter().chain(shares).find_map(|(columns, share)| {
            let product = |numbers: &[f64]| {
                let whole: f64 = numbers[..factors.len()].iter().product();
                share.map_or(whole, |(_, by)| whole * (1.0 + by * numbers[factors.len()]))
            };
            let rows = self.holds(to, &columns, false, &product)?;
            if !self.open(rules, to, &columns) {
                return None;
            }
            let share = share.map(|(share, by)| (self.figures[share].id, Value::Float(by)));
            let factors = factors.iter().map(|factor| self.figures[*factor].id).collect();
            let decimals = self.figures[to].decimals;
            Some(Rule::Product { of: Product { factors, share }, to: self.figures[to].id, decimals, rows })
        })
    }

    /// Sums are looked for as balances: the columns of `plus` add up to those of `minus`.
    fn sums(&self, rules: &mut Vec<Rule>) {
        let limits = [(2, COLUMNS_OF_TWO), (3, COLUMNS_OF_THREE), (4, COLUMNS_OF_FOUR)];
        for (terms, most) in limits {
            let count = self.figures.len().min(most);
            for columns in subsets(count, terms + 1) {
                for (plus, minus) in balances(&columns) {
                    rules.extend(self.balance(rules, &plus, &minus));
                }
            }
        }
    }

    fn balance(&self, rules: &[Rule], plus: &[usize], minus: &[usize]) -> Option<Rule> {
        let informative = (0..self.figures[plus[0]].probes.len()).filter_map(|probe| {
            let sum =
                |side: &[usize]| side.iter().map(|column| self.figures[*column].probes[probe]).sum::<f64>();
            let (left, right) = (sum(plus), sum(minus));
            (!left.is_nan() && !right.is_nan()).then_some((left, right))
        });
        // Rounding is left to the exact test.
        let near =
            |(left, right): (f64, f64)| (left - right).abs() <= 1.0 + 1e-6 * left.abs().max(right.abs());
        if !informative.take(LEAST_PROBES).all(near) {
            return None;
        }
        // The whole, if one column is it; else the last column that can be computed.
        let whole = |side: &[usize]| (side.len() == 1).then(|| side[0]);
        let mut targets: Vec<usize> = plus.iter().chain(minus).copied().collect();
        targets.sort_unstable_by(|a, b| b.cmp(a));
        let first = whole(plus).or(whole(minus));
        targets.sort_by_key(|target| Some(*target) != first);
        targets.into_iter().find_map(|to| {
            let (own, other) = if plus.contains(&to) { (plus, minus) } else { (minus, plus) };
            let subtracted: Vec<usize> = own.iter().copied().filter(|column| *column != to).collect();
            let columns = [other, &subtracted].concat();
            if !self.open(rules, to, &columns) {
                return None;
            }
            let sum = |numbers: &[f64]| -> f64 {
                let (added, subtracted) = numbers.split_at(other.len());
                added.iter().sum::<f64>() - subtracted.iter().sum::<f64>()
            };
            let nulls = columns.iter().any(|column| self.figures[*column].nulls);
            let zero = nulls && !self.figures[to].nulls;
            let rows = self.holds(to, &columns, zero, &sum)?;
            let ids = |places: &[usize]| places.iter().map(|place| self.figures[*place].id).collect();
            Some(Rule::Sum {
                added: ids(other),
                subtracted: ids(&subtracted),
                nulls_are_zero: zero,
                to: self.figures[to].id,
                decimals: self.figures[to].decimals,
                rows,
            })
        })
    }

    /// Rows with a value if `formula` of `columns` gives `to` in every row, and would not with any one of them shuffled.
    fn holds(
        &self,
        to: usize,
        columns: &[usize],
        nulls_are_zero: bool,
        formula: &dyn Fn(&[f64]) -> f64,
    ) -> Option<usize> {
        let Figures { values: truth, decimals, probes, .. } = &self.figures[to];
        let mut numbers = vec![0.0; columns.len()];
        let fits = |numbers: &mut [f64], truth: f64| {
            if nulls_are_zero {
                numbers.iter_mut().filter(|number| number.is_nan()).for_each(|number| *number = 0.0);
            }
            let guess = formula(numbers);
            let guess = decimals.map_or(guess, |places| rounded(guess, places));
            guess.is_nan() && truth.is_nan() || same(guess, truth)
        };
        for (probe, truth) in probes.iter().enumerate() {
            for (number, column) in numbers.iter_mut().zip(columns) {
                *number = self.figures[*column].probes[probe];
            }
            if !fits(&mut numbers, *truth) {
                return None;
            }
        }
        let mut known = Vec::new();
        for (row, truth) in truth.iter().enumerate() {
            for (number, column) in numbers.iter_mut().zip(columns) {
                *number = self.figures[*column].values[row];
            }
            if !fits(&mut numbers, *truth) {
                return None;
            }
            if !truth.is_nan() {
                known.push(row);
            }
        }
        let shuffle = Shuffle::new(known.len());
        let means_something = |shuffled: usize| {
            let mut numbers = vec![0.0; columns.len()];
            let mut exceptions = 0.0;
            for (place, row) in known.iter().enumerate() {
                for (index, column) in columns.iter().enumerate() {
                    let row = if index == shuffled { known[shuffle.of(place)] } else { *row };
                    numbers[index] = self.figures[*column].values[row];
                }
                exceptions += f64::from(u8::from(!fits(&mut numbers, truth[*row])));
                if exceptions >= SEARCHED_EXPECTED {
                    return true;
                }
            }
            false
        };
        (known.len() >= LEAST_ROWS && (0..columns.len()).all(means_something)).then_some(known.len())
    }
}

/// Every choice of `size` of the numbers below `count`, ascending.
fn subsets(count: usize, size: usize) -> impl Iterator<Item = Vec<usize>> {
    let mut next = (size <= count).then(|| (0..size).collect::<Vec<usize>>());
    std::iter::from_fn(move || {
        let current = next.take()?;
        let place = (0..size).rev().find(|place| current[*place] < count - size + place);
        next = place.map(|place| {
            let mut after = current.clone();
            after[place] += 1;
            for behind in place + 1..size {
                after[behind] = after[behind - 1] + 1;
            }
            after
        });
        Some(current)
    })
}

/// Every way to split columns into two sides that may balance.
fn balances(columns: &[usize]) -> impl Iterator<Item = (Vec<usize>, Vec<usize>)> + use<'_> {
    // The last column stays on the second side, so that each split comes once.
    (1..1_u32 << (columns.len() - 1)).map(move |mask| {
        let side = |wanted: bool| {
            columns
                .iter()
                .enumerate()
                .filter(|(bit, _)| (mask >> bit & 1 == 1) == wanted)
                .map(|(_, c)| *c)
                .collect()
        };
        (side(true), side(false))
    })
}
