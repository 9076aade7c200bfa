//! Numbers as whole-number keys of the same order: what a value line is cut on.
//!
//! Whole numbers, days and microseconds are their own keys. Decimals are counted in units of their last digit, so
//! `12.50` at two decimals is key 1250 and comes back exactly. Floats without a decimal grid use their bits, made
//! monotone. Keys are exact where `f64` would round (large identifiers), and JSON carries them exactly.

use rand::RngExt;
use serde::{Deserialize, Serialize};

use crate::seed::Stream;

/// Key of NaN, of −∞ and of +∞ (also of the infinite dates): never the key of a number.
pub(super) const NAN: i64 = i64::MIN;
pub(super) const BELOW_ALL: i64 = i64::MIN + 1;
pub(super) const ABOVE_ALL: i64 = i64::MAX;

/// Share of values that must lie on a grid before the others are held to be noise.
const GRID_SHARE: f64 = 0.999;

/// Most decimals looked for; more than this is a measured float, not a decimal.
const MAX_DECIMALS: u32 = 9;

/// Largest whole number up to which `f64` holds every one.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// How floats become keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Scale {
    /// Units of the last of `decimals` digits.
    Decimal { decimals: u32, single: bool },
    /// Monotone bits of the float.
    Binary { single: bool },
}

impl Scale {
    /// Finds the decimals of `values`: the fewest that hold 99.9 % of them exactly, at most `scale`.
    pub(super) fn fit(values: &[f64], scale: Option<u32>, single: bool) -> Self {
        let most = scale.unwrap_or(MAX_DECIMALS).min(MAX_DECIMALS);
        // Enough to judge a share of 99.9 %; every value of a large column would only cost time.
        let stride = values.len().div_ceil(20_000).max(1);
        let sample: Vec<f64> = values.iter().step_by(stride).copied().collect();
        for decimals in 0..=most {
            let candidate = Self::Decimal { decimals, single };
            let exact = sample.iter().filter(|value| candidate.holds(**value)).count();
            if exact as f64 >= GRID_SHARE * sample.len() as f64 {
                return candidate;
            }
        }
        let unit = 10_f64.powi(most as i32);
        if scale == Some(most) && sample.iter().all(|value| value.abs() * unit < EXACT) {
            return Self::Decimal { decimals: most, single };
        }
        Self::Binary { single }
    }

    fn holds(self, value: f64) -> bool {
        match self {
            Self::Decimal { decimals, .. } => {
                value.abs() * 10_f64.powi(decimals as i32) < EXACT && self.value(self.key(value)) == value
            }
            Self::Binary { .. } => true,
        }
    }

    /// The key of a number.
    pub(super) fn key(self, value: f64) -> i64 {
        if value.is_nan() {
            return NAN;
        }
        if value.is_infinite() {
            return if value > 0.0 { ABOVE_ALL } else { BELOW_ALL };
        }
        match self {
            Self::Decimal { decimals, .. } => {
                let key = (value * 10_f64.powi(decimals as i32)).round();
                // The cast saturates; two steps inside keep clear of the keys of the infinities.
                (key as i64).clamp(BELOW_ALL + 2, ABOVE_ALL - 2)
            }
            Self::Binary { .. } => {
                let bits = (value + 0.0).to_bits() as i64;
                if bits < 0 { i64::MIN ^ !bits } else { bits }
            }
        }
    }

    /// The number of a key.
    pub(super) fn value(self, key: i64) -> f64 {
        match key {
            NAN => return f64::NAN,
            BELOW_ALL => return f64::NEG_INFINITY,
            ABOVE_ALL => return f64::INFINITY,
            _ => {}
        }
        let (value, single) = match self {
            Self::Decimal { decimals, single } => (key as f64 / 10_f64.powi(decimals as i32), single),
            Self::Binary { single } => {
                let bits = if key < 0 { !(key ^ i64::MIN) } else { key };
                (f64::from_bits(bits as u64), single)
            }
        };
        // The shortest decimal of a single, as it is read from a server.
        if single { (value as f32).to_string().parse().unwrap_or(value) } else { value }
    }
}

/// Where on a line of keys values can lie between two observed ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Lattice {
    /// Keys `offset + n · step`.
    Steps { step: i64, offset: i64 },
    /// Any float between: keys are monotone bits, so the draw is made on the floats themselves.
    Floats { single: bool },
}

impl Lattice {
    /// Every whole key.
    pub(super) const WHOLE: Self = Self::Steps { step: 1, offset: 0 };

    /// Finds the largest of `steps` whose multiples (plus one offset) hold 99.9 % of `keys`. `keys` are sorted.
    pub(super) fn fit(keys: &[i64], steps: &[i64]) -> Self {
        let (Some(first), Some(last)) = (keys.first(), keys.last()) else { return Self::WHOLE };
        let middle = keys[keys.len() / 2];
        let stride = keys.len().div_ceil(20_000).max(1);
        let sample: Vec<i64> = keys.iter().step_by(stride).copied().collect();
        let distinct = 1 + sample.windows(2).filter(|pair| pair[0] != pair[1]).count();
        let span = i128::from(*last) - i128::from(*first);
        for step in steps.iter().copied().filter(|step| *step > 1) {
            // A handful of values lies on some coarse grid by chance.
            let least_distinct = if step <= 2 { 16 } else { 6 };
            if distinct < least_distinct || span < i128::from(step) * 4 {
                continue;
            }
            let offset = middle.rem_euclid(step);
            let on = sample.iter().filter(|key| key.rem_euclid(step) == offset).count();
            if on as f64 >= GRID_SHARE * sample.len() as f64 {
                return Self::Steps { step, offset };
            }
        }
        Self::WHOLE
    }

    /// The same, but on no points other than multiples of `grain`.
    pub(super) fn no_finer_than(self, grain: i64) -> Self {
        match self {
            Self::Steps { step, offset } if step % grain != 0 || offset % grain != 0 => {
                Self::Steps { step: grain, offset: 0 }
            }
            other => other,
        }
    }

    /// Draws a key between `low` and `high`, both included, each equally likely.
    pub(super) fn draw(self, low: i64, high: i64, random: &mut Stream) -> i64 {
        if low >= high {
            return low;
        }
        match self {
            Self::Steps { step, offset } => {
                let first =
                    (i128::from(low) - i128::from(offset) + i128::from(step) - 1).div_euclid(step.into());
                let last = (i128::from(high) - i128::from(offset)).div_euclid(step.into());
                if last < first {
                    return random.random_range(low..=high);
                }
                let place = random.random_range(first as i64..=last as i64);
                (i128::from(place) * i128::from(step) + i128::from(offset)) as i64
            }
            Self::Floats { single } => {
                let scale = Scale::Binary { single };
                let (from, to) = (scale.value(low), scale.value(high));
                let share: f64 = random.random();
                // Not `from + share · (to − from)`: the difference of two extremes overflows.
                scale.key(from * (1.0 - share) + to * share).clamp(low, high)
            }
        }
    }

    /// How many lattice points lie in `low..=high`; `None` for floats.
    pub(super) fn points(self, low: i64, high: i64) -> Option<i128> {
        match self {
            Self::Steps { step, .. } => Some((i128::from(high) - i128::from(low)) / i128::from(step) + 1),
            Self::Floats { .. } => None,
        }
    }
}
