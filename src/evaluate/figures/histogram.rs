//! Numbers in bins with round edges.

use serde::Serialize;

use super::{crowd::Crowd, share};

/// Bins aimed at.
const BINS: f64 = 24.0;
/// Whole numbers that span no more than this get a bin each.
const MOST_UNIT_BINS: f64 = 32.0;
/// Share of the real values that may lie beyond each end of the drawn range.
const TAIL: f64 = 0.005;

/// How often numbers fall into bins.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Histogram {
    /// Edges of the bins, one more than bins: round numbers. The first and the last bin also hold what lies beyond.
    pub edges: Vec<f64>,
    /// Width of a bin before small ones were joined.
    pub step: f64,
    /// True if the values are whole numbers.
    pub whole: bool,
    /// Share of the real values in each bin.
    pub real: Vec<f64>,
    /// Share of the synthetic values in each bin.
    pub synthetic: Vec<f64>,
}

impl Histogram {
    /// Bins real and synthetic numbers; NaN is passed over.
    pub(super) fn measure(values: &[Vec<f64>; 2], whole: bool, crowd: &Crowd<'_>) -> Option<Self> {
        let (low, high) = drawn_range(&values[0], crowd)?;
        let step = step(low, high, whole);
        let first = (low / step).floor();
        let bins = ((high / step).floor() - first) as usize + 1;
        let bin = |value: f64| ((value / step).floor() - first).clamp(0.0, (bins - 1) as f64) as usize;
        let mut rows: Vec<Vec<usize>> = vec![Vec::new(); bins];
        let mut synthetic = vec![0_usize; bins];
        for (row, value) in values[0].iter().enumerate().filter(|(_, value)| value.is_finite()) {
            rows[bin(*value)].push(row);
        }
        for value in values[1].iter().filter(|value| value.is_finite()) {
            synthetic[bin(*value)] += 1;
        }
        let joined = crowd.join(&rows)?;
        let all = [rows.iter().map(Vec::len).sum(), synthetic.iter().sum()];
        let edge = |index: usize| tidy((first + index as f64) * step, step);
        Some(Self {
            edges: joined.iter().map(|bins| edge(bins.start)).chain([edge(bins)]).collect(),
            step,
            whole,
            real: joined.iter().map(|b| share(rows[b.clone()].iter().map(Vec::len).sum(), all[0])).collect(),
            synthetic: joined.iter().map(|b| share(synthetic[b.clone()].iter().sum(), all[1])).collect(),
        })
    }
}

/// The range of most real values, inside of what enough units reach.
fn drawn_range(values: &[f64], crowd: &Crowd<'_>) -> Option<(f64, f64)> {
    let (low, high) = crowd.range(values)?;
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let tail = (sorted.len() as f64 * TAIL) as usize;
    let (first, last) = (sorted.get(tail)?, sorted.get(sorted.len() - 1 - tail)?);
    let (low, high) = (low.max(*first), high.min(*last));
    Some(if low <= high { (low, high) } else { (high, low) })
}

/// A round width of bins: 1, 2 or 5 times a power of ten.
fn step(low: f64, high: f64, whole: bool) -> f64 {
    let span = high - low;
    if whole && span < MOST_UNIT_BINS {
        return 1.0;
    }
    if span <= 0.0 {
        // One value for nearly all: a bin about as wide as a tenth of it.
        let size = if low == 0.0 { 1.0 } else { low.abs() };
        return 10_f64.powf(size.log10().floor() - 1.0);
    }
    let rough = span / BINS;
    let power = 10_f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| factor * power >= rough).unwrap_or(10.0);
    let step = factor * power;
    if whole { step.max(1.0) } else { step }
}

/// Takes off what multiplying left behind the digits that the step has.
fn tidy(value: f64, step: f64) -> f64 {
    let digits = (-step.log10()).ceil().clamp(0.0, 12.0);
    let scale = 10_f64.powf(digits);
    if value.abs() < 1e15 { (value * scale).round() / scale } else { value }
}
