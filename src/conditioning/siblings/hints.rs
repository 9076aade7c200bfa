//! What the earlier siblings hint about a row's tokens: what was there before, what lies near it, where a family should
//! stand.

use super::{
    super::{
        Course,
        nearness::{NEAR, nearness},
        pace::{PACE, pace},
    },
    SiblingLayout, Siblings,
};
use crate::codec::SubColumn;

/// What is known of each token of a column: it was the previous sibling's, the other one's, its share among the
/// earlier siblings, whether any had it, and the log of how many.
const HINTS: usize = 5;

impl SiblingLayout {
    /// Hints about column `column`'s next token: [`HINTS`] if its one-hot has a slot per token, then [`NEAR`] if it is
    /// a series, then [`PACE`] if families go through the whole line. Where families are halved, the first two follow for
    /// rows between siblings as well, with [`NEAR`] more of the next.
    #[must_use]
    pub fn hint_count(&self, column: usize) -> usize {
        let near = if self.is_series(column) { NEAR } else { 0 };
        let between = if self.is_halved() { self.seen_hints(column) + 2 * near } else { 0 };
        self.chain_hints(column) + between
    }

    /// The hints that speak of a station.
    fn chain_hints(&self, column: usize) -> usize {
        let near = if self.is_series(column) { NEAR } else { 0 };
        self.seen_hints(column) + near + if self.is_paced(column) { PACE } else { 0 }
    }

    /// The hints of those that speak of a station, or of a row between siblings.
    pub(in crate::conditioning) fn hints_of(
        &self,
        column: usize,
        is_between: bool,
    ) -> std::ops::Range<usize> {
        let chain = self.chain_hints(column);
        if is_between { chain..self.hint_count(column) } else { 0..chain }
    }

    /// The hints about tokens that were seen.
    pub(in crate::conditioning) fn seen_hints(&self, column: usize) -> usize {
        let column = &self.sub_columns[column];
        if column.one_hot && usize::from(column.size) <= SubColumn::MAX_ONE_HOT { HINTS } else { 0 }
    }
}

impl Siblings<'_> {
    /// Writes the hints about column `column`'s token in row `index` of a family into `out`, which is zero and
    /// `layout.hint_count(column)` × the column's vocabulary long.
    pub fn write_hints(
        self,
        layout: &SiblingLayout,
        column: usize,
        (index, course): (usize, Course),
        out: &mut [f32],
    ) {
        let seen = self.earlier;
        let is_between = course.gap(index) > 0;
        let size = usize::from(layout.sub_columns[column].size);
        if seen.count == 0 {
            return;
        }
        let own = layout.hints_of(column, is_between);
        let out = &mut out[own.start * size..own.end * size];
        if layout.is_series(column) {
            let near = &mut out[layout.seen_hints(column) * size..];
            let scalars = &layout.sub_columns[column].scalars;
            let mut write = |first: usize, tokens: &[u16]| {
                if let Some(token) = tokens.get(column) {
                    nearness(scalars, *token, |hint, token, value| {
                        near[(first + hint) * size + token] = value;
                    });
                }
            };
            write(0, self.previous);
            if is_between {
                write(NEAR, self.other);
            }
        }
        if layout.is_paced(column) && !is_between {
            let own = &mut out[(own.end - PACE) * size..];
            pace(&layout.sub_columns[column].scalars, (index, course.count()), |hint, token, value| {
                own[hint * size + token] = value;
            });
        }
        if layout.seen_hints(column) == 0 {
            return;
        }
        out[usize::from(self.previous[column])] = 1.0;
        if let Some(token) = self.other.get(column) {
            out[size + usize::from(*token)] = 1.0;
        }
        let offset: usize = layout.sub_columns[..column].iter().map(SubColumn::feature_width).sum();
        let share = 1.0 / seen.count as f32;
        for (token, count) in seen.sums[offset..offset + size].iter().enumerate().filter(|(_, c)| **c > 0.0) {
            out[2 * size + token] = count * share;
            out[3 * size + token] = 1.0;
            out[4 * size + token] = count.ln_1p();
        }
    }
}
