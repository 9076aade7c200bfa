//! The first layer over a row's own features, kept up to date from row to row while sampling.
//!
//! What a row knows of itself and its earlier siblings ([`Siblings`](super::Siblings)) is wide and mostly
//! zero, and little of it changes from one sibling to the next. Training multiplies it out; here the weights of
//! the few numbers that are not zero are added up instead, at less than a tenth of the cost. Both give the same
//! sums but for the order of additions; a test holds them together.

use std::sync::LazyLock;

use crate::{codec::SubColumn, nn::widened};

use super::{
    Course,
    lines::{Lines, add_line},
    nearness::{NEAR, nearness},
    pace::{PACE, pace},
    siblings::SiblingLayout,
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
    /// Of the siblings that a row stands between.
    left: Lines<'a>,
    right: Lines<'a>,
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
        let position = slots + layout.map_or(0, SiblingLayout::slot_width);
        let between = position + layout.map_or(0, SiblingLayout::position_width);
        let is_halved = layout.is_some_and(SiblingLayout::is_halved);
        let of_siblings = layout.map_or(&[][..], |layout| &layout.sub_columns);
        let lines =
            |columns, feature, square| Lines::new(columns, (feature, square), (&weights, width), rows);
        Self {
            given: lines(given, 0, None),
            previous: lines(of_siblings, previous, None),
            before_previous: lines(of_siblings, previous + features, None),
            means: lines(of_siblings, previous + 2 * features, Some(squares)),
            left: lines(if is_halved { of_siblings } else { &[] }, between, None),
            right: lines(if is_halved { of_siblings } else { &[] }, between + features, None),
            layout,
            width,
            slots,
            position,
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

    /// What the rows after it see of it, but for their own position and for siblings that only some of them are near.
    #[inline(always)]
    fn show(
        &self,
        weights: &FoldedWeights<'_>,
        (layout, is_chain): (&SiblingLayout, bool),
        shown: &mut Vec<f32>,
    ) {
        let share = 1.0 / self.count.max(1) as f32;
        shown.clear();
        shown.extend(self.sums.iter().zip(&self.slots).map(|(sum, slots)| sum * share + slots));
        if is_chain {
            weights.previous.add(&self.previous, (&weights.weights, 1.0), shown);
            weights.before_previous.add(&self.before_previous, (&weights.weights, 1.0), shown);
        }
        let mut feature = weights.slots;
        for (column, counts) in layout.sub_columns.iter().zip(&self.counts).filter(|(c, _)| c.one_hot) {
            feature += column.slots();
            weights.add(feature, (counts.len() as f32).ln(), shown);
            feature += 1;
        }
    }
}

/// The tokens of the siblings that a row stands between; the next one's are empty if there is none.
#[derive(Debug, Clone, Default)]
pub struct Neighbours {
    /// Of the one before it.
    pub previous: Vec<u16>,
    /// Of the one behind it.
    pub next: Vec<u16>,
}

/// What is drawn of one family, as [`Siblings`](super::Siblings) has it.
#[derive(Debug, Clone)]
pub struct FoldedState {
    live: Running,
    /// What the rows of a halving see, where that is not `live`: what there was when it began.
    halving: Option<Running>,
    shown: Vec<f32>,
    course: Course,
    pushed: usize,
    wave_end: usize,
}

impl FoldedState {
    /// The state of a family without rows yet.
    #[must_use]
    pub fn new(course: Course) -> Self {
        Self { live: Running::default(), halving: None, shown: Vec::new(), course, pushed: 0, wave_end: 1 }
    }

    /// The order of the family's rows.
    #[must_use]
    pub fn course(&self) -> Course {
        self.course
    }

    /// The rows that are drawn next, all at once.
    #[must_use]
    pub fn wave(&self) -> Vec<usize> {
        self.course.wave(self.pushed)
    }

    /// Rows drawn once those of the present wave are there.
    #[must_use]
    pub fn wave_end(&self) -> usize {
        self.wave_end
    }

    /// Tokens of the sibling before a row, empty if it sees none; `near` is given for a row between siblings.
    #[must_use]
    pub fn previous<'a>(&'a self, near: Option<&'a Neighbours>) -> &'a [u16] {
        near.map_or(&self.live.previous, |near| &near.previous)
    }

    /// Counts in one more row, in the order of the course; does nothing without siblings.
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
            let wave = self.course.wave(self.pushed);
            self.wave_end = self.pushed + wave.len();
            let is_chain = wave.first().is_none_or(|row| self.course.gap(*row) == 0);
            self.halving = (!is_chain).then(|| self.live.clone());
            self.live.show(weights, (layout, is_chain), &mut self.shown);
        }
    }

    /// Adds what the state contributes to row `index`, any row of the present wave.
    pub fn add_to(
        &self,
        weights: &FoldedWeights<'_>,
        index: usize,
        near: Option<&Neighbours>,
        out: &mut [f32],
    ) {
        let Some(layout) = weights.layout else { return };
        widened(
            #[inline(always)]
            || {
                out.iter_mut().zip(&self.shown).for_each(|(sum, shown)| *sum += shown);
                if let Some(near) = near {
                    weights.left.add(&near.previous, (&weights.weights, 1.0), out);
                    weights.right.add(&near.next, (&weights.weights, 1.0), out);
                }
                layout.write_position(index, self.course, |at, value| {
                    weights.add(weights.position + at, value, out);
                });
            },
        );
    }

    /// Adds gate × hint to the scores of column `column`'s tokens in row `index`; see
    /// [`Siblings::write_hints`](super::Siblings::write_hints).
    pub fn add_hints(
        &self,
        layout: &SiblingLayout,
        (column, index, near): (usize, usize, Option<&Neighbours>),
        gates: &[f32],
        scores: &mut [f32],
    ) {
        let seen = self.halving.as_ref().unwrap_or(&self.live);
        let Some(previous) = self.previous(near).get(column) else { return };
        let other = near.map_or(&seen.before_previous, |near| &near.next).get(column);
        let (gates, nearby) =
            gates[layout.hints_of(column, near.is_some())].split_at(layout.seen_hints(column));
        let paced = if near.is_none() && layout.is_paced(column) { PACE } else { 0 };
        let (nearby, paced) = nearby.split_at(nearby.len() - paced);
        if !paced.is_empty() {
            let scalars = &layout.sub_columns[column].scalars;
            pace(scalars, (index, self.course.count()), |hint, token, value| {
                scores[token] += paced[hint] * value;
            });
        }
        if !nearby.is_empty() {
            let scalars = &layout.sub_columns[column].scalars;
            let next = other.filter(|_| near.is_some());
            widened(
                #[inline(always)]
                || {
                    nearness(scalars, *previous, |hint, token, value| scores[token] += nearby[hint] * value);
                    if let Some(next) = next {
                        let nearby = &nearby[NEAR..];
                        nearness(scalars, *next, |hint, token, value| scores[token] += nearby[hint] * value);
                    }
                },
            );
        }
        let [last, before, share, any, log] = gates else { return };
        scores[usize::from(*previous)] += last;
        if let Some(token) = other {
            scores[usize::from(*token)] += before;
        }
        let per_row = share / seen.count as f32;
        for (token, count) in &seen.counts[column] {
            scores[usize::from(*token)] += per_row * *count as f32 + any + log * ln_1p(*count as usize);
        }
    }
}
