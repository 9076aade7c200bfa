//! The first layer over a row's own features, kept up to date from row to row while sampling.
//!
//! What a row knows of itself and its earlier siblings ([`SiblingState`](super::SiblingState)) is wide and mostly
//! zero, and little of it changes from one sibling to the next. Training multiplies it out; here the weights of
//! the few numbers that are not zero are added up instead, at less than a tenth of the cost. Both give the same
//! sums but for the order of additions; a test holds them together.

use std::sync::LazyLock;

use crate::{codec::SubColumn, nn::widened};

use super::{
    lines::{Lines, add_line},
    siblings::{SiblingLayout, wave_rows, write_position},
};

/// Weights of the own features, `[own_width, C]`, cut by what they are about.
#[derive(Debug)]
pub struct FoldedWeights<'a> {
    given: Lines<'a>,
    layout: Option<&'a SiblingLayout>,
    previous: Lines<'a>,
    before_previous: Lines<'a>,
    /// Means and mean squares: what a sibling adds to both.
    means: Lines<'a>,
    weights: Vec<f32>,
    width: usize,
    /// First features of the slots and of the position; see [`SiblingLayout::width`].
    slots: usize,
    position: usize,
}

impl<'a> FoldedWeights<'a> {
    /// Takes the weights `[own_width, C]`, row by row, to draw about `rows` rows with these given sub-columns and this
    /// state.
    #[must_use]
    pub fn new(
        given: &'a [SubColumn],
        layout: Option<&'a SiblingLayout>,
        weights: Vec<f32>,
        rows: usize,
    ) -> Self {
        let previous: usize = given.iter().map(SubColumn::feature_width).sum();
        let own_width = previous + layout.map_or(0, SiblingLayout::width);
        let width = weights.len().checked_div(own_width).unwrap_or(0);
        let features = layout.map_or(0, SiblingLayout::features);
        let squares = previous + 3 * features;
        let slots = squares + layout.map_or(0, SiblingLayout::scalar_count);
        let of_siblings = layout.map_or(&[][..], |layout| &layout.sub_columns);
        let lines =
            |columns, feature, square| Lines::new(columns, (feature, square), (&weights, width), rows);
        Self {
            given: lines(given, 0, None),
            previous: lines(of_siblings, previous, None),
            before_previous: lines(of_siblings, previous + features, None),
            means: lines(of_siblings, previous + 2 * features, Some(squares)),
            layout,
            width,
            slots,
            position: slots + layout.map_or(0, SiblingLayout::slot_width),
            weights,
        }
    }

    /// Width of the sums, `C`.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Adds what the tokens decided before contribute.
    pub fn add_given(&self, tokens: &[u16], out: &mut [f32]) {
        widened(
            #[inline(always)]
            || self.given.add(tokens, (&self.weights, 1.0), out),
        );
    }

    #[inline(always)]
    fn add(&self, feature: usize, value: f32, out: &mut [f32]) {
        add_line(&self.weights[feature * self.width..], value, out);
    }
}

/// The logarithm of one more than a count; those of small counts are worked out once.
pub(super) fn ln_1p(count: usize) -> f32 {
    static SMALL: LazyLock<Vec<f32>> =
        LazyLock::new(|| (0..256).map(|count| (count as f32).ln_1p()).collect());
    SMALL.get(count).copied().unwrap_or_else(|| (count as f32).ln_1p())
}

/// Sums over the siblings so far.
#[derive(Debug, Clone, Default)]
struct Running {
    count: usize,
    previous: Vec<u16>,
    before_previous: Vec<u16>,
    /// Weights of means and squares times their sums, `C`.
    sums: Vec<f32>,
    /// Weights of the slots that some sibling had, `C`.
    slots: Vec<f32>,
    /// Per sub-column with a one-hot: the slots some sibling had, and how many had them.
    counts: Vec<Vec<(u16, u32)>>,
}

impl Running {
    #[inline(always)]
    fn push(&mut self, weights: &FoldedWeights<'_>, layout: &SiblingLayout, tokens: &[u16]) {
        if self.sums.is_empty() {
            self.sums = vec![0.0; weights.width];
            self.slots = vec![0.0; weights.width];
            self.counts = vec![Vec::new(); layout.sub_columns.len()];
        }
        weights.means.add(tokens, (&weights.weights, 1.0), &mut self.sums);
        let mut first_slot = weights.slots;
        for ((column, &token), counts) in layout.sub_columns.iter().zip(tokens).zip(&mut self.counts) {
            if let Some(slot) = column.slot(token) {
                match counts.iter_mut().find(|(known, _)| usize::from(*known) == slot) {
                    Some((_, count)) => *count += 1,
                    None => {
                        counts.push((slot as u16, 1));
                        weights.add(first_slot + slot, 1.0, &mut self.slots);
                    }
                }
                first_slot += column.slots() + 1;
            }
        }
        std::mem::swap(&mut self.before_previous, &mut self.previous);
        self.previous.clear();
        self.previous.extend_from_slice(tokens);
        self.count += 1;
    }

    /// What the rows after it see of it, but for their own position.
    #[inline(always)]
    fn show(&self, weights: &FoldedWeights<'_>, layout: &SiblingLayout, shown: &mut Vec<f32>) {
        let share = 1.0 / self.count.max(1) as f32;
        shown.clear();
        shown.extend(self.sums.iter().zip(&self.slots).map(|(sum, slots)| sum * share + slots));
        weights.previous.add(&self.previous, (&weights.weights, 1.0), shown);
        weights.before_previous.add(&self.before_previous, (&weights.weights, 1.0), shown);
        let mut feature = weights.slots;
        for (column, counts) in layout.sub_columns.iter().zip(&self.counts).filter(|(c, _)| c.one_hot) {
            feature += column.slots();
            weights.add(feature, (counts.len() as f32).ln(), shown);
            feature += 1;
        }
    }
}

/// The earlier siblings of the next row of one family, as [`SiblingState`](super::SiblingState) has them.
#[derive(Debug, Clone)]
pub struct FoldedState {
    live: Running,
    /// What hints read, where it is not `live`: the state at the start of the wave.
    wave: Option<Running>,
    shown: Vec<f32>,
    pushed: usize,
    wave_end: usize,
}

impl Default for FoldedState {
    fn default() -> Self {
        Self { live: Running::default(), wave: None, shown: Vec::new(), pushed: 0, wave_end: 1 }
    }
}

impl FoldedState {
    /// Rows pushed so far: the index of the next row in its family.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pushed
    }

    /// True before the first row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pushed == 0
    }

    /// Index of the first row after the wave the next row is in.
    #[must_use]
    pub fn wave_end(&self) -> usize {
        self.wave_end
    }

    /// Tokens of the previous sibling as the next row sees it; empty if it sees none.
    #[must_use]
    pub fn previous(&self) -> &[u16] {
        &self.wave.as_ref().unwrap_or(&self.live).previous
    }

    /// Counts in one more row; does nothing without siblings.
    pub fn push(&mut self, weights: &FoldedWeights<'_>, tokens: &[u16]) {
        let Some(layout) = weights.layout else { return };
        widened(
            #[inline(always)]
            || self.push_under(weights, layout, tokens),
        );
    }

    #[inline(always)]
    fn push_under(&mut self, weights: &FoldedWeights<'_>, layout: &SiblingLayout, tokens: &[u16]) {
        self.live.push(weights, layout, tokens);
        self.pushed += 1;
        if self.pushed == self.wave_end {
            let wave_rows = wave_rows(self.pushed);
            self.wave_end = self.pushed + wave_rows;
            self.wave = (wave_rows > 1).then(|| self.live.clone());
            self.live.show(weights, layout, &mut self.shown);
        }
    }

    /// Adds what the state contributes to row `index` of a family of `count` rows, any row of the present wave.
    pub fn add_to(&self, weights: &FoldedWeights<'_>, (index, count): (usize, usize), out: &mut [f32]) {
        if weights.layout.is_none() {
            return;
        }
        widened(
            #[inline(always)]
            || {
                out.iter_mut().zip(&self.shown).for_each(|(sum, shown)| *sum += shown);
                write_position(index, count, |at, value| weights.add(weights.position + at, value, out));
            },
        );
    }

    /// Adds gate × hint to the scores of column `column`'s tokens; see
    /// [`SiblingState::write_hints`](super::SiblingState::write_hints).
    pub fn add_hints(&self, column: usize, gates: &[f32], scores: &mut [f32]) {
        let seen = self.wave.as_ref().unwrap_or(&self.live);
        let (Some(previous), [last, before, share, any, log]) = (seen.previous.get(column), gates) else {
            return;
        };
        scores[usize::from(*previous)] += last;
        if let Some(token) = seen.before_previous.get(column) {
            scores[usize::from(*token)] += before;
        }
        let per_row = share / seen.count as f32;
        for (token, count) in &seen.counts[column] {
            scores[usize::from(*token)] += per_row * *count as f32 + any + log * ln_1p(*count as usize);
        }
    }
}
