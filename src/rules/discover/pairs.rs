//! One number or time computed from one other.

use arrow_array::Array;

use crate::privacy::Guard;

use super::{
    super::{
        enforce::{order_equal, place},
        evidence::{LEAST_EXPECTED, LEAST_ROWS, SEARCHED_EXPECTED, Shuffle, decimals, numbers, same},
        relation::{Rule, rounded},
    },
    Candidate, Value,
};

/// Most multipliers of a ratio.
const MAX_FACTORS: usize = 32;

/// Fewest rows of a multiplier.
const LEAST_SHARED: usize = 5;

/// Most decimals of such a multiplier.
const FACTOR_DECIMALS: i32 = 4;

/// Units of its last decimal that half of the multiples have at least, so that rounding hides little.
const LEAST_UNITS: f64 = 100.0;

/// Share of the rows that are not zero in which shuffled numbers must miss every multiplier.
const MISSED_SHARE: f64 = 0.5;

/// `to` as a copy, a shift or a multiple of `from`.
pub(super) fn computation(from: &Candidate<'_>, to: &Candidate<'_>) -> Option<Rule> {
    let pairs = || from.sample.iter().zip(&to.sample);
    if pairs().any(|(x, y)| x.is_null() != y.is_null()) {
        return None;
    }
    let rows = from.array.len() - from.array.null_count();
    // Independent columns of this variety would differ in most rows.
    if (1.0 - to.sameness()) * (rows as f64) < LEAST_EXPECTED {
        return None;
    }
    let (from_id, to_id) = (from.id, to.id);
    let same_type = from.array.data_type() == to.array.data_type();
    let mut rules = Vec::new();
    if same_type && pairs().next().is_some_and(|(x, y)| x == y) {
        rules.push(Rule::Copy { from: from_id, to: to_id, rows });
    }
    let (x, y) = pairs()
        .filter(|(x, _)| !x.is_null())
        .max_by(|a, b| a.0.number().unwrap_or(0.0).abs().total_cmp(&b.0.number().unwrap_or(0.0).abs()))?;
    let shift = match (x, y) {
        (Value::Integer(x), Value::Integer(y))
        | (Value::Time(x), Value::Time(y))
        | (Value::Timestamp(x), Value::Timestamp(y)) => y.checked_sub(*x),
        (Value::Date(x), Value::Date(y)) => Some(i64::from(*y) - i64::from(*x)),
        _ => None,
    };
    let linear = |factor: f64, offset: Value, decimals| Rule::Linear {
        from: from_id,
        to: to_id,
        factor: Value::Float(factor),
        offset,
        decimals,
        rows,
    };
    rules.extend(shift.map(|by| linear(1.0, Value::Integer(by), None)));
    if let (Value::Integer(_) | Value::Float(_), Value::Integer(_) | Value::Float(_)) = (x, y) {
        let (x, y) = (x.number()?, y.number()?);
        let decimals = decimals(to.sample.iter().filter_map(Value::number));
        if let Some(places) = decimals {
            rules.push(linear(1.0, Value::Float(rounded(y - x, places)), decimals));
        }
        if x != 0.0 && y != 0.0 && y.is_finite() && from.is_quantity() && to.is_quantity() {
            let ratio = y / x;
            if ratio.is_finite() {
                rules.extend(
                    (0..=8).map(|places| linear(rounded(ratio, places), Value::Float(0.0), decimals)),
                );
                rules.push(linear(ratio, Value::Float(0.0), decimals));
            }
        }
    }
    let holds = |rule: &Rule, x: &Value, y: &Value| {
        rule.predict(std::slice::from_ref(x), None).is_some_and(|guess| agree(&guess, y))
    };
    rules.into_iter().find(|rule| {
        pairs().all(|(x, y)| holds(rule, x, y))
            && (0..from.array.len())
                .all(|row| holds(rule, &Value::read(from.array, row), &Value::read(to.array, row)))
    })
}

fn agree(guess: &Value, truth: &Value) -> bool {
    guess == truth || (!guess.is_null() && order_equal(guess, truth))
}

/// `to` as one of few multiples of `from`. Each multiple must be that of enough entities, and of five
/// rows.
pub(super) fn ratio(from: &Candidate<'_>, to: &Candidate<'_>, guard: Guard<'_>) -> Option<Rule> {
    if !from.is_quantity() || !to.is_quantity() {
        return None;
    }
    let decimals = decimals(to.sample.iter().filter_map(Value::number));
    // Small whole numbers are rounded multiples of anything: only numbers of many units may be rounded.
    let mut units: Vec<f64> = to.sample.iter().filter_map(Value::number).map(f64::abs).collect();
    units.retain(|number| *number != 0.0);
    units.sort_by(f64::total_cmp);
    let unit = 10_f64.powi(decimals.unwrap_or(0));
    let fine = units.get(units.len() / 2).is_some_and(|median| median * unit >= LEAST_UNITS);
    let fits = |factor: f64, x: f64, y: f64| {
        let guess = factor * x;
        same(decimals.filter(|_| fine).map_or(guess, |places| rounded(guess, places)), y)
    };
    let mut factors: Vec<f64> = Vec::new();
    let mut learn = |x: f64, y: f64| -> Option<usize> {
        if let Some(known) = factors.iter().position(|factor| fits(*factor, x, y)) {
            return Some(known);
        }
        let new = (0..=FACTOR_DECIMALS).map(|places| rounded(y / x, places));
        let new = new.into_iter().find(|factor| factor.is_finite() && fits(*factor, x, y))?;
        factors.push(new);
        (factors.len() <= MAX_FACTORS).then_some(factors.len() - 1)
    };
    // The largest numbers tell a multiplier best; a handful of them already refuses most pairs.
    let mut known: Vec<(f64, f64)> = Vec::new();
    for (x, y) in from.sample.iter().zip(&to.sample) {
        match (place(x).filter(|_| x.number().is_some()), place(y).filter(|_| y.number().is_some())) {
            (Some(x), Some(y)) => known.push((x, y)),
            (None, Some(_)) => return None,
            _ => {}
        }
    }
    if known.len() < LEAST_ROWS {
        return None;
    }
    known.sort_by(|a, b| b.0.abs().total_cmp(&a.0.abs()));
    for (x, y) in &known {
        learn(*x, *y)?;
    }
    let (all_x, all_y) = (numbers(from.array)?, numbers(to.array)?);
    let mut of_factor: [Vec<usize>; MAX_FACTORS] = Default::default();
    let mut rows = Vec::new();
    for (row, (x, y)) in all_x.iter().zip(&all_y).enumerate().filter(|(_, (_, y))| !y.is_nan()) {
        if x.is_nan() {
            return None;
        }
        of_factor[learn(*x, *y)?].push(row);
        rows.push((*x, *y));
    }
    let few = |rows: &Vec<usize>| rows.len() < LEAST_SHARED || !guard.enough(rows.iter().copied());
    if of_factor[..factors.len()].iter().any(few) {
        return None;
    }
    let shuffle = Shuffle::new(rows.len());
    let filled = rows.iter().filter(|(_, y)| *y != 0.0).count();
    let missed = (0..rows.len())
        .filter(|row| {
            let (x, y) = (rows[shuffle.of(*row)].0, rows[*row].1);
            y != 0.0 && !factors.iter().any(|factor| fits(*factor, x, y))
        })
        .count() as f64;
    if missed < SEARCHED_EXPECTED || missed < MISSED_SHARE * filled as f64 {
        return None;
    }
    factors.sort_by(f64::total_cmp);
    let factors = factors.into_iter().map(Value::Float).collect();
    Some(Rule::Ratio { from: from.id, to: to.id, factors, decimals, rows: rows.len() })
}
