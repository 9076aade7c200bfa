//! What a row knows of its earlier siblings.
//!
//! The same code writes the state in training and in sampling, so both agree by construction. In families
//! longer than [`WAVE_ROWS`] the rows come in waves that grow by a tenth, and every row of a wave sees the state
//! at the wave's start, in training as well: so a family of a million rows takes a hundred-odd steps.

use serde::{Deserialize, Serialize};

use crate::codec::SubColumn;

use super::{Distortion, features_of, folded::ln_1p};

/// Rows of a family that each see all earlier ones.
pub(super) const WAVE_ROWS: usize = 512;

/// What is known of each token of a column: it was the previous sibling's, the one's before, its share among the
/// earlier siblings, whether any had it, and the log of how many.
pub(super) const HINTS: usize = 5;

/// Positions and family sizes that have a flag of their own.
const SMALL: usize = 8;

/// Numbers about the position: log index, share done, log count, log remaining, first, last, small flags.
const POSITION_WIDTH: usize = 6 + 2 * SMALL;

/// Which numbers the state has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SiblingLayout {
    /// The sub-columns of a row: those given, then its own.
    pub sub_columns: Vec<SubColumn>,
    features: usize,
    one_hots: Vec<(usize, usize)>,
    scalars: Vec<usize>,
}

impl SiblingLayout {
    /// Lays out the state of rows with these sub-columns.
    #[must_use]
    pub fn new(sub_columns: Vec<SubColumn>) -> Self {
        let (mut offset, mut one_hots, mut scalars) = (0, Vec::new(), Vec::new());
        for sub_column in &sub_columns {
            let next = offset + sub_column.feature_width();
            let scalar = usize::from(!sub_column.scalars.is_empty());
            if sub_column.one_hot {
                one_hots.push((offset, next - scalar));
            }
            if scalar == 1 {
                scalars.push(next - 1);
            }
            offset = next;
        }
        Self { sub_columns, features: offset, one_hots, scalars }
    }

    /// Width of the state: the previous sibling's features, those of the one before, the means, the mean squares
    /// of scalars, per one-hot its slots and the log of how many were seen, and the position.
    #[must_use]
    pub fn width(&self) -> usize {
        3 * self.features + self.scalar_count() + self.slot_width() + POSITION_WIDTH
    }

    /// Width of a sibling's features.
    pub(super) fn features(&self) -> usize {
        self.features
    }

    pub(super) fn scalar_count(&self) -> usize {
        self.scalars.len()
    }

    /// Width of the flags of what was seen.
    pub(super) fn slot_width(&self) -> usize {
        self.one_hots.iter().map(|(start, end)| end - start + 1).sum()
    }

    /// Hints about column `column`'s next token: [`HINTS`] if its one-hot has a slot per token, else none.
    #[must_use]
    pub fn hint_count(&self, column: usize) -> usize {
        let column = &self.sub_columns[column];
        if column.one_hot && usize::from(column.size) <= SubColumn::MAX_ONE_HOT { HINTS } else { 0 }
    }

    /// About how many of the numbers are not zero: what the first layer's weights are scaled by.
    #[must_use]
    pub fn active(&self) -> usize {
        5 * self.one_hots.len() + 4 * self.scalars.len() + 6
    }
}

/// The row whose wave row `index` of a family is in starts with: it sees the rows before that one.
#[must_use]
pub fn wave_start(index: usize) -> usize {
    let (mut start, mut end) = (index.min(WAVE_ROWS), index.min(WAVE_ROWS) + wave_rows(index.min(WAVE_ROWS)));
    while end <= index {
        start = end;
        end += wave_rows(end);
    }
    start
}

/// Rows of the wave that starts at row `start`.
pub(super) fn wave_rows(start: usize) -> usize {
    if start < WAVE_ROWS { 1 } else { start / 10 }
}

/// Sums over the siblings so far.
#[derive(Debug, Clone, Default)]
struct Running {
    count: usize,
    previous: Vec<u16>,
    before_previous: Vec<u16>,
    sums: Vec<f32>,
    squares: Vec<f32>,
}

impl Running {
    fn push(&mut self, layout: &SiblingLayout, tokens: &[u16]) {
        if self.sums.is_empty() {
            self.sums = vec![0.0; layout.features];
            self.squares = vec![0.0; layout.scalars.len()];
        }
        let mut offset = 0;
        let mut scalar = 0;
        for (sub_column, &token) in layout.sub_columns.iter().zip(tokens) {
            sub_column.add_features(token, 1.0, &mut self.sums[offset..]);
            if let Some(value) = sub_column.scalars.get(usize::from(token)) {
                self.squares[scalar] += value * value;
                scalar += 1;
            }
            offset += sub_column.feature_width();
        }
        std::mem::swap(&mut self.before_previous, &mut self.previous);
        self.previous.clear();
        self.previous.extend_from_slice(tokens);
        self.count += 1;
    }
}

/// The earlier siblings of the next row of one family.
#[derive(Debug, Clone)]
pub struct SiblingState {
    live: Running,
    shown: Option<Running>,
    pushed: usize,
    wave_end: usize,
}

impl Default for SiblingState {
    fn default() -> Self {
        Self::new()
    }
}

impl SiblingState {
    /// The state of a family without rows yet.
    #[must_use]
    pub fn new() -> Self {
        Self { live: Running::default(), shown: None, pushed: 0, wave_end: 1 }
    }

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

    /// Counts in one more row.
    pub fn push(&mut self, layout: &SiblingLayout, tokens: &[u16]) {
        self.live.push(layout, tokens);
        self.pushed += 1;
        if self.pushed == self.wave_end {
            let wave_rows = wave_rows(self.pushed);
            self.wave_end = self.pushed + wave_rows;
            self.shown = (wave_rows > 1).then(|| self.live.clone());
        }
    }

    /// Tokens of the previous sibling as the next row sees it; empty if it sees none.
    #[must_use]
    pub fn previous(&self) -> &[u16] {
        &self.shown.as_ref().unwrap_or(&self.live).previous
    }

    /// Writes what row `index` of a family of `count` rows sees into `out`, which is zero and
    /// `layout.width()` long. `index` may be any row of the present wave.
    ///
    /// `distortion` and the columns it draws from replace tokens of the previous siblings, in training only.
    pub fn write_features(
        &self,
        layout: &SiblingLayout,
        (index, count): (usize, usize),
        distortion: Option<(&mut Distortion<'_>, &[&[u16]])>,
        out: &mut [f32],
    ) {
        let seen = self.shown.as_ref().unwrap_or(&self.live);
        let (previous, out) = out.split_at_mut(layout.features);
        let (before_previous, out) = out.split_at_mut(layout.features);
        let (means, out) = out.split_at_mut(layout.features);
        let (squares, mut out) = out.split_at_mut(layout.scalars.len());
        if let Some((distortion, columns)) = distortion {
            let mut noisy = |tokens: &[u16]| -> Vec<u16> {
                let pairs = tokens.iter().zip(columns);
                pairs.map(|(token, column)| distortion.token(*token, column)).collect()
            };
            features_of(&layout.sub_columns, &noisy(&seen.previous), previous);
            features_of(&layout.sub_columns, &noisy(&seen.before_previous), before_previous);
        } else {
            features_of(&layout.sub_columns, &seen.previous, previous);
            features_of(&layout.sub_columns, &seen.before_previous, before_previous);
        }
        let share = 1.0 / seen.count.max(1) as f32;
        means.iter_mut().zip(&seen.sums).for_each(|(mean, sum)| *mean = sum * share);
        squares.iter_mut().zip(&seen.squares).for_each(|(mean, sum)| *mean = sum * share);
        for (start, end) in &layout.one_hots {
            let (slots, rest) = out.split_at_mut(end - start);
            if seen.count > 0 {
                let mut distinct = 0.0_f32;
                for (slot, sum) in slots.iter_mut().zip(&seen.sums[*start..*end]) {
                    *slot = f32::from(u8::from(*sum > 0.0));
                    distinct += *slot;
                }
                rest[0] = distinct.ln();
            }
            out = &mut rest[1..];
        }
        write_position(index, count, |at, value| out[at] = value);
    }

    /// Writes the hints about column `column`'s next token into `out`, which is zero and
    /// `layout.hint_count(column)` × the column's vocabulary long.
    pub fn write_hints(&self, layout: &SiblingLayout, column: usize, out: &mut [f32]) {
        let seen = self.shown.as_ref().unwrap_or(&self.live);
        let size = usize::from(layout.sub_columns[column].size);
        if seen.count == 0 || layout.hint_count(column) == 0 {
            return;
        }
        out[usize::from(seen.previous[column])] = 1.0;
        if let Some(token) = seen.before_previous.get(column) {
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

/// Calls `write(place, value)` for the numbers about the position that are not zero.
#[inline(always)]
pub(super) fn write_position(index: usize, count: usize, mut write: impl FnMut(usize, f32)) {
    write(0, ln_1p(index));
    write(1, index as f32 / count.max(1) as f32);
    write(2, ln_1p(count));
    write(3, ln_1p(count.saturating_sub(index + 1)));
    if index == 0 {
        write(4, 1.0);
    }
    if index + 1 == count {
        write(5, 1.0);
    }
    write(6 + index.min(SMALL - 1), 1.0);
    write(6 + SMALL + count.saturating_sub(1).min(SMALL - 1), 1.0);
}
