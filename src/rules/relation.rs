//! The relations between columns of one row that [`super::discover`] looks for.

use serde::{Deserialize, Serialize};

use crate::schema::ColumnId;

use super::{date_part::DatePart, value::Value};

/// A relation between columns of every row, with the rows that showed it.
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
    /// `to` is a product, rounded to `decimals`; null where a part of it is.
    Product {
        /// What is multiplied.
        of: Product,
        /// Computed.
        to: ColumnId,
        /// Decimals of `to`; `None` if it has no grid.
        decimals: Option<i32>,
        /// Rows with a value.
        rows: usize,
    },
    /// `to = Σ added − Σ subtracted`, rounded to `decimals`.
    Sum {
        /// Terms with a plus.
        added: Vec<ColumnId>,
        /// Terms with a minus.
        subtracted: Vec<ColumnId>,
        /// True if a null term counts as 0; else `to` is null where a term is.
        nulls_are_zero: bool,
        /// Computed.
        to: ColumnId,
        /// Decimals of `to`; `None` if it has no grid.
        decimals: Option<i32>,
        /// Rows with a value.
        rows: usize,
    },
    /// `to = c · from` for one `c` of a few; null where `from` is. Which `c` is sampled; where it cannot be
    /// ([`TableRules::with_factors`](super::TableRules::with_factors)), the value is, and then moved to the nearest `c`.
    Ratio {
        /// Read.
        from: ColumnId,
        /// Moved.
        to: ColumnId,
        /// The multipliers ([`Value::Float`]).
        factors: Vec<Value>,
        /// Decimals of `to`; `None` if it has no grid.
        decimals: Option<i32>,
        /// Rows with a value.
        rows: usize,
    },
    /// `to` is a part of the date `from`: its year, its weekday's name; null where `from` is.
    DatePart {
        /// Read.
        from: ColumnId,
        /// Computed.
        to: ColumnId,
        /// Which part.
        part: DatePart,
        /// Rows with a value.
        rows: usize,
    },
    /// `to` is null exactly where `from` is one of `values`.
    NullWhen {
        /// Read.
        from: ColumnId,
        /// Made null, or known.
        to: ColumnId,
        /// Values of `from` that go with a null; [`Value::Null`] is one of them or not.
        values: Vec<Value>,
        /// True if nothing of `from` counts but whether it is null.
        any_value: bool,
        /// Rows seen.
        rows: usize,
    },
}

/// `Π factors`, or `Π factors · (1 + by · share)`: price · quantity · (1 − discount).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Product {
    /// Columns multiplied.
    pub factors: Vec<ColumnId>,
    /// A column that is a share, and `by` ([`Value::Float`]): −1 or 1, or −0.01 or 0.01 where it is in per cent.
    pub share: Option<(ColumnId, Value)>,
}

impl Product {
    /// The columns read.
    #[must_use]
    pub fn reads(&self) -> Vec<ColumnId> {
        self.factors.iter().copied().chain(self.share.as_ref().map(|(column, _)| *column)).collect()
    }

    /// The product, from the numbers of [`Self::reads`] in that order.
    #[must_use]
    pub fn of(&self, numbers: &[f64]) -> f64 {
        let product: f64 = numbers.iter().take(self.factors.len()).product();
        match (&self.share, numbers.last()) {
            (Some((_, by)), Some(share)) => product * (1.0 + by.number().unwrap_or(0.0) * share),
            _ => product,
        }
    }
}

/// Values from which on a determinant has many.
const MANY_VALUES: usize = 15;

/// True if many values decide labels.
fn is_rough(pairs: &[(Value, Value)]) -> bool {
    pairs.len() >= MANY_VALUES && pairs.iter().any(|(_, to)| matches!(to, Value::Text(_)))
}

impl Rule {
    /// The column it computes alone, which need not be sampled.
    #[must_use]
    pub fn computes(&self) -> Option<ColumnId> {
        match self {
            Self::Ordering { .. } | Self::Ratio { .. } | Self::NullWhen { .. } => None,
            // A few labels say roughly what many values say exactly: whoever hears of them learns more from the same
            // rows.
            Self::Determines { pairs, .. } if is_rough(pairs) => None,
            Self::Copy { to, .. }
            | Self::Linear { to, .. }
            | Self::Determines { to, .. }
            | Self::DatePart { to, .. }
            | Self::Product { to, .. }
            | Self::Sum { to, .. } => Some(*to),
        }
    }

    /// The column whose value depends on the others: computed, or sampled and then moved. An ordering has none.
    #[must_use]
    pub fn decides(&self) -> Option<ColumnId> {
        match self {
            Self::Ordering { .. } => None,
            Self::Ratio { to, .. } | Self::NullWhen { to, .. } | Self::Determines { to, .. } => Some(*to),
            _ => self.computes(),
        }
    }

    /// The columns it reads; both of an ordering.
    #[must_use]
    pub fn reads(&self) -> Vec<ColumnId> {
        match self {
            Self::Ordering { low, high, .. } => vec![*low, *high],
            Self::Copy { from, .. }
            | Self::Linear { from, .. }
            | Self::Determines { from, .. }
            | Self::Ratio { from, .. }
            | Self::DatePart { from, .. }
            | Self::NullWhen { from, .. } => vec![*from],
            Self::Product { of, .. } => of.reads(),
            Self::Sum { added, subtracted, .. } => added.iter().chain(subtracted).copied().collect(),
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
            Self::NullWhen { values, .. } => values.iter().filter_map(Value::text).collect(),
            _ => Vec::new(),
        }
    }

    /// What it computes from the values of [`Self::reads`], in that order, where `old` was sampled; `None` if it does
    /// not know.
    #[must_use]
    pub(super) fn predict(&self, from: &[Value], old: Option<&Value>) -> Option<Value> {
        let number = |value: f64, decimals: &Option<i32>| {
            Some(Value::Float(decimals.map_or(value, |decimals| rounded(value, decimals))))
        };
        match self {
            Self::Ordering { .. } | Self::Determines { .. } | Self::NullWhen { .. } => None,
            Self::Copy { .. } => from.first().cloned(),
            Self::DatePart { part, .. } => part.of(from.first()?),
            Self::Linear { factor, offset, decimals, .. } => linear(from.first()?, factor, offset, *decimals),
            Self::Product { of, decimals, .. } => {
                if from.iter().any(Value::is_null) {
                    return Some(Value::Null);
                }
                let numbers: Vec<f64> = from.iter().map(Value::number).collect::<Option<_>>()?;
                number(of.of(&numbers), decimals)
            }
            Self::Sum { added, nulls_are_zero, decimals, .. } => {
                if !nulls_are_zero && from.iter().any(Value::is_null) {
                    return Some(Value::Null);
                }
                let signed = from.iter().enumerate().map(|(index, value)| {
                    let value = if value.is_null() { 0.0 } else { value.number()? };
                    Some(if index < added.len() { value } else { -value })
                });
                number(signed.sum::<Option<f64>>()?, decimals)
            }
            Self::Ratio { factors, decimals, .. } => {
                let (x, y) = (from.first()?, old?);
                if x.is_null() || y.is_null() {
                    return Some(Value::Null);
                }
                let (x, y) = (x.number()?, y.number()?);
                let near = factors
                    .iter()
                    .filter_map(Value::number)
                    .min_by(|a, b| (a * x - y).abs().total_cmp(&(b * x - y).abs()))?;
                number(near * x, decimals)
            }
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
    let base = from.number()?;
    let number = base * factor.number()? + offset.number()?;
    if base.is_finite() && number.is_infinite() {
        return None;
    }
    Some(Value::Float(decimals.map_or(number, |decimals| rounded(number, decimals))))
}

/// Rounds half away from zero, as SQL does.
pub(super) fn rounded(number: f64, decimals: i32) -> f64 {
    let unit = 10_f64.powi(decimals);
    // A product a hair below one half is the half of exact arithmetic.
    let scaled = number * unit;
    if !scaled.is_finite() {
        return number;
    }
    (scaled + scaled.signum() * 1e-9 * scaled.abs().max(1.0)).round() / unit
}
