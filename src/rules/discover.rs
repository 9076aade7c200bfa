//! Relations between the columns of one row that hold without exception.
//!
//! A relation is believed only if it would have been broken many times had the columns been independent: the
//! expected number of exceptions is computed from the data, so chance and near-constant columns prove nothing.

use std::collections::{BTreeMap, BTreeSet};

use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType as ArrowType;
use serde::{Deserialize, Serialize};

use crate::{data::TableData, schema::ColumnId};

use super::{eval::order, value::Value};

/// Exceptions that independent columns would show before their absence means something.
const LEAST_EXPECTED: f64 = 15.0;

/// Rows (both values known) needed for an ordering, and for a computation.
const LEAST_ORDERED_ROWS: usize = 200;
const LEAST_ROWS: usize = 100;

/// Distinct values both numbers of an ordering or a multiplication need: codes of a few values are not quantities.
const LEAST_QUANTITIES: usize = 10;

/// Share of rows that shuffled numbers must break an ordering in: otherwise the ranges hardly meet, and nothing is won.
const LEAST_BROKEN_SHARE: f64 = 0.01;

/// Rows looked at first; what holds on these is then tested on every row.
const SAMPLE_ROWS: usize = 20_000;

/// Most values of a column that determines another.
const MAX_VALUES: usize = 4096;

/// Rows per value, on average, of a number that determines another column.
const LEAST_NUMBER_ROWS: usize = 10;

/// Most decimals of a column for its unit to be known.
const MAX_DECIMALS: i32 = 6;

/// A relation between two columns of every row, with the rows that showed it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Rule {
    /// `low ≤ high` wherever both are known.
    Ordering {
        /// The smaller.
        low: ColumnId,
        /// The greater.
        high: ColumnId,
        /// Rows with both.
        rows: usize,
    },
    /// `to = from`.
    Copy {
        /// Read.
        from: ColumnId,
        /// Computed.
        to: ColumnId,
        /// Rows with a value.
        rows: usize,
    },
    /// `to = factor · from + offset`, rounded to `decimals`; null where `from` is. Days and microseconds count as
    /// numbers, with factor 1.
    Linear {
        /// Read.
        from: ColumnId,
        /// Computed.
        to: ColumnId,
        /// Multiplier ([`Value::Float`]).
        factor: Value,
        /// Added ([`Value::Float`], or [`Value::Integer`] if exact).
        offset: Value,
        /// Decimals of `to`; `None` if it has no grid.
        decimals: Option<i32>,
        /// Rows with a value.
        rows: usize,
    },
    /// The value of `from` decides that of `to`.
    Determines {
        /// Read.
        from: ColumnId,
        /// Computed.
        to: ColumnId,
        /// Value of `from` → value of `to`.
        pairs: Vec<(Value, Value)>,
        /// The most frequent value of `to`: for values of `from` never seen or too rare to keep (numbers and days take
        /// that of the nearest one kept).
        otherwise: Value,
        /// Rows seen.
        rows: usize,
    },
}

impl Rule {
    /// The column it computes and the one that is read for it; an ordering computes none.
    #[must_use]
    pub fn computes(&self) -> Option<(ColumnId, ColumnId)> {
        match self {
            Self::Ordering { .. } => None,
            Self::Copy { from, to, .. }
            | Self::Linear { from, to, .. }
            | Self::Determines { from, to, .. } => Some((*to, *from)),
        }
    }

    /// The two columns it is about.
    #[must_use]
    pub fn columns(&self) -> [ColumnId; 2] {
        match self {
            Self::Ordering { low, high, .. } => [*low, *high],
            Self::Copy { from, to, .. }
            | Self::Linear { from, to, .. }
            | Self::Determines { from, to, .. } => [*from, *to],
        }
    }

    /// Lists the values of the source it keeps, as text.
    #[must_use]
    pub fn literals(&self) -> Vec<String> {
        match self {
            Self::Determines { pairs, otherwise, .. } => {
                let all = pairs.iter().flat_map(|(from, to)| [from, to]).chain([otherwise]);
                all.filter_map(Value::text).collect()
            }
            _ => Vec::new(),
        }
    }

    /// What it computes from the value of `from`; `None` if it does not know.
    #[must_use]
    pub(super) fn predict(&self, from: &Value) -> Option<Value> {
        match self {
            Self::Ordering { .. } => None,
            Self::Copy { .. } => Some(from.clone()),
            Self::Linear { factor, offset, decimals, .. } => linear(from, factor, offset, *decimals),
            Self::Determines { .. } => None,
        }
    }
}

fn linear(from: &Value, factor: &Value, offset: &Value, decimals: Option<i32>) -> Option<Value> {
    if let Value::Integer(by) = offset {
        return match from {
            Value::Null => Some(Value::Null),
            Value::Integer(value) => value.checked_add(*by).map(Value::Integer),
            Value::Date(value) => i32::try_from(i64::from(*value).checked_add(*by)?).ok().map(Value::Date),
            Value::Time(value) => value.checked_add(*by).map(Value::Time),
            Value::Timestamp(value) => value.checked_add(*by).map(Value::Timestamp),
            _ => None,
        };
    }
    if from.is_null() {
        return Some(Value::Null);
    }
    let number = from.number()? * factor.number()? + offset.number()?;
    Some(Value::Float(decimals.map_or(number, |decimals| rounded(number, decimals))))
}

fn rounded(number: f64, decimals: i32) -> f64 {
    let unit = 10_f64.powi(decimals);
    // A product a hair below one half is the half of exact arithmetic.
    let scaled = number * unit;
    (scaled + scaled.signum() * 1e-9 * scaled.abs().max(1.0)).round() / unit
}

/// A column and a sample of its values.
struct Candidate<'a> {
    id: ColumnId,
    array: &'a ArrayRef,
    sample: Vec<Value>,
    /// Rows of the sample per distinct value; empty once there are more than half as many values as rows.
    codes: Vec<u32>,
    counts: Vec<usize>,
}

/// Finds the relations of a table's rows. `rows` must hold attributes only: keys get fresh values, so nothing may be
/// computed from theirs. A pair of values is kept only if `protect_below` rows have it (0 is off).
/// Computed columns need not be sampled: [`super::enforce`] fills them in.
#[must_use]
pub fn discover(rows: &TableData, protect_below: u32) -> Vec<Rule> {
    let stride = rows.row_count.div_ceil(SAMPLE_ROWS).max(1);
    let candidates: Vec<Candidate<'_>> = rows
        .columns
        .iter()
        .zip(&rows.arrays)
        .filter(|(_, array)| *array.data_type() != ArrowType::Binary)
        .filter(|(_, array)| array.len() - array.null_count() >= LEAST_ROWS)
        .map(|(id, array)| Candidate::new(*id, array, stride))
        .collect();

    let mut computed: Vec<Rule> = Vec::new();
    for (index, to) in candidates.iter().enumerate() {
        let rule = candidates[..index]
            .iter()
            .filter(|from| source_of(&computed, from.id).is_none())
            .find_map(|from| computation(from, to));
        computed.extend(rule);
    }
    for to in candidates.iter().rev() {
        if source_of(&computed, to.id).is_some() || to.counts.len() < 2 {
            continue;
        }
        let mut sources: Vec<&Candidate<'_>> = candidates
            .iter()
            .filter(|from| from.id != to.id && !reaches(&computed, from.id, to.id) && decides(from, to))
            .collect();
        sources.sort_by_key(|from| (from.counts.len(), from.id));
        computed.extend(sources.into_iter().find_map(|from| determination(from, to, protect_below)));
    }
    let free: Vec<&Candidate<'_>> =
        candidates.iter().filter(|candidate| source_of(&computed, candidate.id).is_none()).collect();
    let mut rules = orderings(&free);
    rules.extend(in_order(computed));
    rules
}

impl<'a> Candidate<'a> {
    fn new(id: ColumnId, array: &'a ArrayRef, stride: usize) -> Self {
        let sample: Vec<Value> =
            (0..array.len()).step_by(stride).map(|row| Value::read(array, row)).collect();
        let mut known: BTreeMap<String, u32> = BTreeMap::new();
        let mut counts: Vec<usize> = Vec::new();
        let mut codes = Vec::with_capacity(sample.len());
        for value in &sample {
            let next = known.len() as u32;
            let code = *known.entry(key(value)).or_insert(next);
            if code == next && counts.len() == next as usize {
                counts.push(0);
            }
            counts[code as usize] += 1;
            codes.push(code);
            if counts.len() > MAX_VALUES {
                break;
            }
        }
        if counts.len() > MAX_VALUES || counts.len() * 2 > sample.len() {
            codes.clear();
            counts.clear();
        }
        Self { id, array, sample, codes, counts }
    }

    /// Share of row pairs with the same value; 0 for a column of many values.
    fn sameness(&self) -> f64 {
        let rows = self.sample.len() as f64;
        self.counts.iter().map(|count| (*count as f64 / rows).powi(2)).sum()
    }

    /// True if it has enough distinct values to be a quantity and not a code.
    fn is_quantity(&self) -> bool {
        self.counts.is_empty() || self.counts.len() >= LEAST_QUANTITIES
    }
}

/// Text by which values are told apart; null is a value of its own.
fn key(value: &Value) -> String {
    value.text().map_or_else(|| "n".to_owned(), |text| format!("v{text}"))
}

fn source_of(computed: &[Rule], column: ColumnId) -> Option<ColumnId> {
    computed.iter().filter_map(Rule::computes).find(|(to, _)| *to == column).map(|(_, from)| from)
}

/// True if `column` is computed from `origin`, directly or through others.
fn reaches(computed: &[Rule], column: ColumnId, origin: ColumnId) -> bool {
    std::iter::successors(Some(column), |at| source_of(computed, *at)).any(|at| at == origin)
}

/// Sources before what is computed from them.
fn in_order(mut computed: Vec<Rule>) -> Vec<Rule> {
    let depth = |rule: &Rule, all: &[Rule]| {
        rule.computes().map_or(0, |(to, _)| std::iter::successors(Some(to), |at| source_of(all, *at)).count())
    };
    let depths: Vec<usize> = computed.iter().map(|rule| depth(rule, &computed)).collect();
    let mut order: Vec<usize> = (0..computed.len()).collect();
    order.sort_by_key(|index| (depths[*index], *index));
    let mut slots: Vec<Option<Rule>> = computed.drain(..).map(Some).collect();
    order.into_iter().filter_map(|index| slots[index].take()).collect()
}

/// `to` as a copy, a shift or a multiple of `from`.
fn computation(from: &Candidate<'_>, to: &Candidate<'_>) -> Option<Rule> {
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
        let decimals = decimals(&to.sample);
        if let Some(places) = decimals {
            rules.push(linear(1.0, Value::Float(rounded(y - x, places)), decimals));
        }
        if x != 0.0 && y != 0.0 && y.is_finite() && from.is_quantity() && to.is_quantity() {
            let ratio = y / x;
            rules.extend((0..=8).map(|places| linear(rounded(ratio, places), Value::Float(0.0), decimals)));
            rules.push(linear(ratio, Value::Float(0.0), decimals));
        }
    }
    let holds = |rule: &Rule, x: &Value, y: &Value| rule.predict(x).is_some_and(|guess| agree(&guess, y));
    rules.into_iter().find(|rule| {
        pairs().all(|(x, y)| holds(rule, x, y))
            && (0..from.array.len())
                .all(|row| holds(rule, &Value::read(from.array, row), &Value::read(to.array, row)))
    })
}

fn agree(guess: &Value, truth: &Value) -> bool {
    guess == truth || (!guess.is_null() && order(guess, truth, false).is_some_and(std::cmp::Ordering::is_eq))
}

/// The fewest decimals that hold every number, if few do.
fn decimals(values: &[Value]) -> Option<i32> {
    (0..=MAX_DECIMALS).find(|places| {
        let unit = 10_f64.powi(*places);
        values.iter().filter_map(Value::number).all(|number| (number * unit).round() / unit == number)
    })
}

/// True if, in the sample, every value of `from` comes with one value of `to`, and that is no chance.
fn decides(from: &Candidate<'_>, to: &Candidate<'_>) -> bool {
    let nameable = match from.array.data_type() {
        ArrowType::Utf8 | ArrowType::Boolean => true,
        // Numbers and days must repeat enough for generated ones to be among those seen.
        ArrowType::Int64 | ArrowType::Date32 => from.counts.len() * LEAST_NUMBER_ROWS <= from.sample.len(),
        _ => false,
    };
    if !nameable || from.counts.len() < to.counts.len() || to.counts.len() < 2 {
        return false;
    }
    let mut partner: Vec<Option<u32>> = vec![None; from.counts.len()];
    for (x, y) in from.codes.iter().zip(&to.codes) {
        if *partner[*x as usize].get_or_insert(*y) != *y {
            return false;
        }
    }
    let rows = to.sample.len() as f64;
    let shares: Vec<f64> = to.counts.iter().map(|count| *count as f64 / rows).collect();
    let mut expected = 0.0;
    for size in &from.counts {
        expected += 1.0 - shares.iter().map(|share| share.powi(*size as i32)).sum::<f64>();
        if expected >= LEAST_EXPECTED {
            return true;
        }
    }
    false
}

/// The value map from every row; `None` if some row breaks it.
fn determination(from: &Candidate<'_>, to: &Candidate<'_>, protect_below: u32) -> Option<Rule> {
    let mut seen: BTreeMap<String, (Value, Value, u32)> = BTreeMap::new();
    let mut frequency: BTreeMap<String, (Value, u32)> = BTreeMap::new();
    for row in 0..from.array.len() {
        let (x, y) = (Value::read(from.array, row), Value::read(to.array, row));
        frequency.entry(key(&y)).or_insert_with(|| (y.clone(), 0)).1 += 1;
        let entry = seen.entry(key(&x)).or_insert_with(|| (x, y.clone(), 0));
        entry.2 += 1;
        if entry.1 != y || seen.len() > MAX_VALUES {
            return None;
        }
    }
    let (otherwise, most) = frequency.into_values().max_by_key(|(_, rows)| *rows)?;
    if most < protect_below {
        return None;
    }
    let pairs =
        seen.into_values().filter(|(.., rows)| *rows >= protect_below).map(|(x, y, _)| (x, y)).collect();
    Some(Rule::Determines { from: from.id, to: to.id, pairs, otherwise, rows: from.array.len() })
}

/// Pairs with `low ≤ high` in every row, without those that follow from two others.
fn orderings(columns: &[&Candidate<'_>]) -> Vec<Rule> {
    let ordered = |data_type: &ArrowType| !matches!(data_type, ArrowType::Boolean | ArrowType::Utf8);
    let mut found: BTreeMap<(ColumnId, ColumnId), usize> = BTreeMap::new();
    for low in columns {
        for high in columns {
            let comparable = low.id != high.id
                && ordered(low.array.data_type())
                && low.array.data_type() == high.array.data_type();
            if comparable && let Some(rows) = ordered_rows(low, high) {
                found.insert((low.id, high.id), rows);
            }
        }
    }
    let pairs: BTreeSet<(ColumnId, ColumnId)> = found.keys().copied().collect();
    let implied = |low: ColumnId, high: ColumnId| {
        columns.iter().any(|middle| pairs.contains(&(low, middle.id)) && pairs.contains(&(middle.id, high)))
    };
    found
        .into_iter()
        .filter(|((low, high), _)| !implied(*low, *high))
        .map(|((low, high), rows)| Rule::Ordering { low, high, rows })
        .collect()
}

/// Rows with both values if `low ≤ high` in all of them and independent columns would break that.
fn ordered_rows(low: &Candidate<'_>, high: &Candidate<'_>) -> Option<usize> {
    let breaks = |x: &Value, y: &Value| {
        !x.is_null() && !y.is_null() && !order(x, y, false).is_some_and(std::cmp::Ordering::is_le)
    };
    let mut strict = false;
    let (mut lows, mut highs) = (Vec::new(), Vec::new());
    for (x, y) in low.sample.iter().zip(&high.sample) {
        if breaks(x, y) {
            return None;
        }
        if let (Some(a), Some(b)) = (place(x), place(y)) {
            strict |= a < b;
            lows.push(a);
            highs.push(b);
        }
    }
    let number = matches!(low.array.data_type(), ArrowType::Int64 | ArrowType::Float64);
    let share = if number { LEAST_BROKEN_SHARE * lows.len() as f64 } else { 0.0 };
    if !strict
        || (number && !(low.is_quantity() && high.is_quantity()))
        || expected_breaks(lows, highs) < share.max(LEAST_EXPECTED)
    {
        return None;
    }
    let mut rows = 0;
    for row in 0..low.array.len() {
        let (x, y) = (Value::read(low.array, row), Value::read(high.array, row));
        if breaks(&x, &y) {
            return None;
        }
        rows += usize::from(!x.is_null() && !y.is_null());
    }
    (rows >= LEAST_ORDERED_ROWS).then_some(rows)
}

/// A value as a number of its own line; NaN has no place.
pub(super) fn place(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(value) | Value::Time(value) | Value::Timestamp(value) => Some(*value as f64),
        Value::Float(value) => (!value.is_nan()).then_some(*value),
        Value::Date(value) => Some(f64::from(*value)),
        _ => None,
    }
}

/// Rows in which `low > high` if the two columns were shuffled against each other.
fn expected_breaks(mut lows: Vec<f64>, mut highs: Vec<f64>) -> f64 {
    lows.sort_by(f64::total_cmp);
    highs.sort_by(f64::total_cmp);
    let mut below = 0;
    let mut breaks = 0_u64;
    for low in &lows {
        while below < highs.len() && highs[below] < *low {
            below += 1;
        }
        breaks += below as u64;
    }
    breaks as f64 / highs.len().max(1) as f64
}
