//! Weighted draws in O(log n) with changing weights: Fenwick trees over disjoint segments.

use rand::RngExt;

use crate::seed::Stream;

/// Weights in consecutive segments, each a Fenwick tree of its own inside one flat buffer.
///
/// Positions are global (`0..len`); a draw names its segment. Source: Fenwick, "A new data structure for
/// cumulative frequency tables" (1994).
#[derive(Debug, Clone)]
pub struct Fenwick {
    /// Partial sums, segment by segment (each 1-based inside its own slice).
    tree: Vec<f64>,
    weights: Vec<f64>,
    /// `S + 1` ascending offsets.
    offsets: Vec<usize>,
    /// Positive weights per segment: rounding never makes an empty segment look drawable.
    positive: Vec<usize>,
}

impl Fenwick {
    /// One segment over all weights; negative and non-finite weights count as 0.
    #[must_use]
    pub fn new(weights: Vec<f64>) -> Self {
        let offsets = vec![0, weights.len()];
        Self::segmented(weights, offsets)
    }

    /// One segment per pair of neighbouring `offsets` (ascending, from 0 to the number of weights).
    ///
    /// # Panics
    /// If the offsets do not end at the number of weights.
    #[must_use]
    pub fn segmented(mut weights: Vec<f64>, offsets: Vec<usize>) -> Self {
        assert_eq!(offsets.last(), Some(&weights.len()), "offsets cover the weights");
        for weight in &mut weights {
            *weight = sane(*weight);
        }
        let segments = offsets.len() - 1;
        let mut fenwick =
            Self { tree: vec![0.0; weights.len()], weights, offsets, positive: vec![0; segments] };
        for segment in 0..segments {
            fenwick.rebuild(segment);
        }
        fenwick
    }

    /// Number of segments.
    #[must_use]
    pub fn segments(&self) -> usize {
        self.positive.len()
    }

    /// The positions of a segment.
    #[must_use]
    pub fn range(&self, segment: usize) -> std::ops::Range<usize> {
        self.offsets[segment]..self.offsets[segment + 1]
    }

    /// The weight at a position.
    #[must_use]
    pub fn weight(&self, position: usize) -> f64 {
        self.weights[position]
    }

    /// True if no position of the segment has a positive weight.
    #[must_use]
    pub fn is_exhausted(&self, segment: usize) -> bool {
        self.positive[segment] == 0
    }

    /// Sets the weight at a position of `segment`.
    ///
    /// # Panics
    /// If the position is outside the segment.
    pub fn set(&mut self, segment: usize, position: usize, weight: f64) {
        let range = self.range(segment);
        assert!(range.contains(&position), "position of this segment");
        let weight = sane(weight);
        let before = std::mem::replace(&mut self.weights[position], weight);
        self.positive[segment] += usize::from(weight > 0.0);
        self.positive[segment] -= usize::from(before > 0.0);
        let delta = weight - before;
        let tree = &mut self.tree[range.clone()];
        let mut index = position - range.start + 1;
        while index <= tree.len() {
            tree[index - 1] += delta;
            index += index & index.wrapping_neg();
        }
    }

    /// The sum of a segment's weights.
    #[must_use]
    pub fn total(&self, segment: usize) -> f64 {
        total(&self.tree[self.range(segment)])
    }

    /// Draws a position of the segment with probability proportional to its weight; `None` if all are 0.
    pub fn draw(&self, segment: usize, random: &mut Stream) -> Option<usize> {
        if self.is_exhausted(segment) {
            return None;
        }
        let range = self.range(segment);
        let tree = &self.tree[range.clone()];
        let mut rest = random.random::<f64>() * total(tree);
        let mut index = 0;
        let mut step = tree.len().next_power_of_two();
        while step > 0 {
            let next = index + step;
            if next <= tree.len() && tree[next - 1] <= rest {
                index = next;
                rest -= tree[next - 1];
            }
            step /= 2;
        }
        let found = range.start + index.min(tree.len() - 1);
        // Rounding may land beside a positive weight: take the nearest one after, else before.
        if self.weights[found] > 0.0 {
            return Some(found);
        }
        (found..range.end)
            .find(|position| self.weights[*position] > 0.0)
            .or_else(|| range.rev().find(|position| self.weights[*position] > 0.0))
    }

    /// Sets every weight of a segment at once, O(length).
    pub fn refill(&mut self, segment: usize, mut weight_at: impl FnMut(usize) -> f64) {
        for position in self.range(segment) {
            self.weights[position] = sane(weight_at(position));
        }
        self.rebuild(segment);
    }

    fn rebuild(&mut self, segment: usize) {
        let range = self.range(segment);
        let weights = &self.weights[range.clone()];
        self.positive[segment] = weights.iter().filter(|weight| **weight > 0.0).count();
        let tree = &mut self.tree[range];
        tree.copy_from_slice(weights);
        for index in 1..=tree.len() {
            let above = index + (index & index.wrapping_neg());
            if above <= tree.len() {
                tree[above - 1] += tree[index - 1];
            }
        }
    }
}

fn total(tree: &[f64]) -> f64 {
    let mut index = tree.len();
    let mut sum = 0.0;
    while index > 0 {
        sum += tree[index - 1];
        index &= index - 1;
    }
    sum
}

fn sane(weight: f64) -> f64 {
    if weight.is_finite() && weight > 0.0 { weight } else { 0.0 }
}
