//! A distribution of numbers as a few order statistics.

use rand::RngExt;
use serde::{Deserialize, Serialize};

use crate::{
    privacy::{Guard, Kept, Owned, entities, inner},
    seed::Stream,
};

/// Order statistics kept.
const KNOTS: usize = 17;

/// A few ascending order statistics; draws interpolate between them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Quantiles {
    knots: Vec<f64>,
}

impl Quantiles {
    /// Fits finite numbers; each comes with its row. Every knot is the mean of a few neighbours, so it is nobody's
    /// number, and the extremes are where enough entities lie. `None` if too few entities have one.
    pub(super) fn fit(values: impl Iterator<Item = (usize, f64)>, guard: Guard<'_>) -> Option<Self> {
        let least = guard.least();
        let mut values: Vec<Owned<f64>> = guard.own(values.filter(|(_, value)| value.is_finite()));
        values.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        if values.is_empty() || entities(&values) < least {
            return None;
        }
        let mean = |part: &[Owned<f64>]| part.iter().map(|(value, _)| value).sum::<f64>() / part.len() as f64;
        let all_same = values.first().map(|first| first.0) == values.last().map(|last| last.0);
        let Some(inside) = inner(&values, least).filter(|_| !all_same) else {
            return Some(Self { knots: vec![mean(&values)] });
        };
        let inside = &values[inside];
        let last = inside.len() - 1;
        let count = KNOTS.min(inside.len()).max(2) - 1;
        // Half the threshold to either side, where there are so many.
        let reach = least.div_ceil(2);
        let knot = |knot: usize| {
            let centre = knot * last / count;
            mean(&inside[centre.saturating_sub(reach)..(centre + reach).min(last) + 1])
        };
        Some(Self { knots: (0..=count).map(knot).collect() })
    }

    /// The smallest and the largest number, as a literal that so many entities stand behind.
    pub(super) fn kept(&self, least: u32, text: &dyn Fn(f64) -> String) -> Kept {
        let low = self.knots.first().copied().unwrap_or(0.0);
        Kept::range(&text(low), &text(self.largest()), least)
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
