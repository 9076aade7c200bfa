//! A distribution of numbers as a few order statistics.

use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::SHARED_ROWS;
use crate::seed::Stream;

/// Order statistics kept.
const KNOTS: usize = 17;

/// A few ascending order statistics; draws interpolate between them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Quantiles {
    knots: Vec<f64>,
}

impl Quantiles {
    /// Fits finite numbers. The extremes are the 5th ones from either end where there are enough, so that no
    /// single row shows. `None` without any.
    pub(super) fn fit(mut values: Vec<f64>) -> Option<Self> {
        values.retain(|value| value.is_finite());
        values.sort_by(f64::total_cmp);
        let trim = if values.len() > 4 * SHARED_ROWS { SHARED_ROWS - 1 } else { 0 };
        let values = &values[trim..values.len() - trim];
        let (first, last) = (values.first()?, values.last()?);
        if first == last {
            return Some(Self { knots: vec![*first] });
        }
        let count = KNOTS.min(values.len()).max(2) - 1;
        Some(Self { knots: (0..=count).map(|knot| values[knot * (values.len() - 1) / count]).collect() })
    }

    /// One value only.
    pub(super) fn constant(value: f64) -> Self {
        Self { knots: vec![value] }
    }

    /// Draws a number.
    pub(super) fn draw(&self, random: &mut Stream) -> f64 {
        let place = random.random::<f64>() * (self.knots.len() - 1) as f64;
        let index = place as usize;
        let low = self.knots[index];
        let high = self.knots.get(index + 1).copied().unwrap_or(low);
        low + (high - low) * (place - index as f64)
    }

    /// Draws a whole number ≥ 0.
    pub(super) fn draw_count(&self, random: &mut Stream) -> usize {
        self.draw(random).round().max(0.0) as usize
    }

    /// The largest number kept.
    pub(super) fn largest(&self) -> f64 {
        self.knots.last().copied().unwrap_or(0.0)
    }

    /// The middle number.
    pub(super) fn median(&self) -> f64 {
        self.knots[self.knots.len() / 2]
    }
}
