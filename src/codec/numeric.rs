//! Whole numbers, decimals and floats.
//!
//! Exact atoms where values repeat (prices, codes, a heavy zero); one token per whole number where the range is
//! short (ages, months); quantile bins and cells for everything else. `line_fit` decides per value, so one column
//! can mix them. Decoded values keep the column's decimals, its step and its declared range.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, Float64Array, Int64Array};
use serde::{Deserialize, Serialize};

use crate::{
    privacy::{Guard, Kept, Owned},
    rules::Limit,
    schema::{Column, DataType},
    seed::Stream,
};

use super::{
    ColumnCodec, SubColumn, axis::Scale, line::Line, line_fit::LineSpec, null::Nulls, reading, within,
};

/// Steps looked for, in units of the last digit: multiples of 50, of 0.05, and so on.
const STEPS: [i64; 18] = [
    1_000_000, 500_000, 100_000, 50_000, 10_000, 5_000, 2_500, 1_000, 500, 250, 100, 50, 25, 20, 10, 5, 4, 2,
];

/// Zeros that end every number of a type at most, for the grid it is drawn on.
const MOST_ZEROS: i32 = 15;

/// Most bins of a numeric line.
const MAX_BINS: usize = 64;

/// A column of numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Numeric {
    sub_columns: Vec<SubColumn>,
    nulls: Nulls,
    /// How floats are counted; `None` for whole numbers.
    scale: Option<Scale>,
    line: Line,
}

impl Numeric {
    /// Fits to `Int64Array` or `Float64Array`; decoded values stay in `bounds` (both included) and in the range of
    /// the type. `None` for other arrays.
    #[must_use]
    pub fn fit(
        column: &Column,
        values: &ArrayRef,
        bounds: Option<(f64, f64)>,
        guard: Guard<'_>,
    ) -> Option<Self> {
        let (low, high) = bounds.unwrap_or((f64::NEG_INFINITY, f64::INFINITY));
        let single = matches!(column.data_type, DataType::Float { single: true });
        let (keys, scale, limits, grain): (Vec<Owned<i64>>, _, _, i64) =
            if let Some(integers) = reading::integers(values) {
                let (min, max) = match column.data_type {
                    DataType::Integer { min, max } => (min, max),
                    _ => (i64::MIN, i64::MAX),
                };
                // The casts saturate, so infinite bounds mean the range of the type.
                let limits = (min.max(low.ceil() as i64), max.min(high.floor() as i64));
                let known = integers.iter().enumerate().filter_map(|(row, value)| Some((row, value?)));
                (guard.own(known), None, limits, 1)
            } else {
                let floats = reading::floats(values)?;
                let known = || floats.iter().enumerate().filter_map(|(row, value)| Some((row, value?)));
                let finite: Vec<f64> =
                    known().map(|(_, value)| value).filter(|value| value.is_finite()).collect();
                let (digits, most, grain) = decimal_range(&column.data_type);
                let scale = Scale::fit(&finite, digits, single);
                let limits = (scale.key(low.max(-most)), scale.key(high.min(most)));
                let grain = if matches!(scale, Scale::Decimal { decimals: 0, .. }) { grain } else { 1 };
                let keys = guard.own(known().map(|(row, value)| (row, scale.key(value))));
                (keys, Some(scale), limits, grain)
            };
        let nulls = Nulls::fit(values);
        let spec = LineSpec {
            name: &column.name,
            least: guard.least(),
            steps: (!matches!(scale, Some(Scale::Binary { .. }))).then_some(&STEPS[..]),
            single,
            max_bins: MAX_BINS,
            days: false,
            absent: nulls.seen(),
            grain,
            limits: if limits.0 <= limits.1 { limits } else { (i64::MIN, i64::MAX) },
        };
        let (line, sub_columns) = Line::fit(keys, &spec);
        Some(Self { sub_columns, nulls, scale, line })
    }

    /// The same bins without a sub-column for the place inside one, which is then drawn in proportion to its rows.
    pub(super) fn coarse(mut self) -> Self {
        self.line.fine_count = 0;
        self.sub_columns.truncate(1);
        self
    }

    pub(super) fn kept(&self) -> Vec<Kept> {
        let text =
            |key: i64| self.scale.map_or_else(|| key.to_string(), |scale| scale.value(key).to_string());
        self.line.kept(&text)
    }

    /// The keys a limit leaves.
    fn ranges(&self, limit: &Limit) -> within::Ranges {
        match self.scale {
            None => within::whole_ranges(limit),
            Some(scale) => within::float_ranges(limit, scale),
        }
    }

    /// Values of keys.
    fn values(&self, keys: impl Iterator<Item = Option<i64>>) -> ArrayRef {
        match self.scale {
            None => Arc::new(Int64Array::from_iter(keys)),
            Some(scale) => Arc::new(Float64Array::from_iter(keys.map(|key| key.map(|key| scale.value(key))))),
        }
    }

    /// Tokens of every value, given as keys.
    fn encode_keys(&self, keys: impl Iterator<Item = Option<i64>>) -> Vec<Vec<u16>> {
        let null = (self.nulls.token(self.sub_columns[0].size), self.line.no_fine());
        let (coarse, fine) = keys.map(|key| key.map_or(null, |key| self.line.tokens(key))).unzip();
        if self.sub_columns.len() == 1 { vec![coarse] } else { vec![coarse, fine] }
    }
}

/// Digits after the point and the largest value of a type of decimals or floats, where declared, and what its whole
/// numbers are multiples of.
fn decimal_range(data_type: &DataType) -> (Option<u32>, f64, i64) {
    let (precision, scale) = match data_type {
        DataType::Decimal { precision, scale } => (precision, scale),
        DataType::Float { single: true } => return (None, f32::MAX.into(), 1),
        _ => return (None, f64::MAX, 1),
    };
    let digits = scale.map(|scale| scale.max(0) as u32);
    let most = match (precision, scale) {
        (Some(precision), Some(scale)) => 10_f64.powi(*precision as i32 - scale) - 10_f64.powi(-*scale),
        _ => f64::MAX,
    };
    let left = scale.map_or(0, |scale| (-scale).clamp(0, MOST_ZEROS));
    (digits, most, 10_i64.pow(left.cast_unsigned()))
}

impl ColumnCodec for Numeric {
    fn sub_columns(&self) -> &[SubColumn] {
        &self.sub_columns
    }

    fn encode(&self, column: &ArrayRef) -> Vec<Vec<u16>> {
        match (self.scale, reading::integers(column), reading::floats(column)) {
            (None, Some(integers), _) => self.encode_keys(integers.iter()),
            (Some(scale), _, Some(floats)) => {
                self.encode_keys(floats.iter().map(|value| value.map(|value| scale.key(value))))
            }
            _ => self.encode_keys(std::iter::repeat_n(None, column.len())),
        }
    }

    fn decode(&self, tokens: &[&[u16]], random: &mut Stream) -> ArrayRef {
        let size = self.sub_columns[0].size;
        let keys = tokens[0].iter().enumerate().map(|(row, coarse)| {
            let fine = tokens.get(1).map_or(0, |fine| fine[row]);
            (!self.nulls.is_null(*coarse, size)).then(|| self.line.key(*coarse, fine, random))
        });
        self.values(keys)
    }

    fn shares(&self, limit: &Limit, before: &[u16]) -> Vec<f32> {
        let ranges = self.ranges(limit);
        let size = self.sub_columns[0].size;
        match before.first() {
            None => {
                let mut shares = self.line.coarse_shares(&ranges);
                shares.resize(usize::from(size), f32::from(u8::from(*limit == Limit::Null)));
                shares
            }
            Some(coarse) => self.line.fine_shares(*coarse, &ranges),
        }
    }

    fn decode_within(&self, tokens: &[&[u16]], limit: &Limit, random: &mut Stream) -> ArrayRef {
        let ranges = self.ranges(limit);
        let size = self.sub_columns[0].size;
        let keys = tokens[0].iter().enumerate().map(|(row, coarse)| {
            let fine = tokens.get(1).map_or(0, |fine| fine[row]);
            let present = !self.nulls.is_null(*coarse, size);
            present.then(|| self.line.key_within((*coarse, fine), &ranges, random))
        });
        self.values(keys)
    }
}
