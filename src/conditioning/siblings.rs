//! What a row knows of its earlier siblings.
//!
//! Training and sampling see the same: a station sees the stations before it, a row between two siblings both of them
//! and what was there when its halving began (see [`Course`]).

mod hints;

use serde::{Deserialize, Serialize};

use crate::{
    codec::{EncodedTable, SubColumn},
    data::Families,
};

use super::{Course, Distortion, features_of, folded::ln_1p, nearness::is_series, pace::keeps_pace};

/// Positions and family sizes that have a flag of their own.
const SMALL: usize = 8;

/// Numbers about the position: log index, share done, log count, log remaining, first, last, small flags.
const POSITION_WIDTH: usize = 6 + 2 * SMALL;

/// Numbers about the place of a row in a family that is halved: how far apart stations are, that the row is none, how
/// far its neighbours are, that they are next to it, that there is one behind it.
const HALVING_WIDTH: usize = 5;

/// Which numbers the state has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SiblingLayout {
    /// The sub-columns of a row: those given, then its own.
    pub sub_columns: Vec<SubColumn>,
    features: usize,
    one_hots: Vec<(usize, usize)>,
    scalars: Vec<usize>,
    /// The sub-columns that lie near their previous sibling's.
    #[serde(default)]
    series: Vec<usize>,
    /// The sub-columns in which a family goes through the whole line.
    #[serde(default)]
    paced: Vec<usize>,
    /// How far apart stations lie at most; 1 if no family was long enough.
    #[serde(default)]
    longest_step: usize,
}

impl SiblingLayout {
    /// Lays out the state of rows with these sub-columns, in families of at most `longest` rows.
    #[must_use]
    pub fn new(sub_columns: Vec<SubColumn>, longest: usize) -> Self {
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
        let longest_step = Course::step_of(longest);
        Self {
            sub_columns,
            features: offset,
            one_hots,
            scalars,
            series: Vec::new(),
            paced: Vec::new(),
            longest_step,
        }
    }

    /// Looks for series, and for columns that keep pace, among the last sub-columns, whose tokens are `rows`.
    #[must_use]
    pub fn with_series_of(mut self, rows: &EncodedTable, families: &Families) -> Self {
        let first = self.sub_columns.len() - rows.sub_columns.len();
        let those = |which: fn(&SubColumn, &[u16], &Families) -> bool| {
            let columns = rows.sub_columns.iter().zip(&rows.tokens).enumerate();
            let found = columns.filter(|(_, (column, tokens))| which(column, tokens, families));
            found.map(|(column, _)| first + column).collect()
        };
        self.series = those(is_series);
        self.paced = those(keeps_pace);
        self
    }

    /// True if a column lies near its previous sibling's.
    pub(super) fn is_series(&self, column: usize) -> bool {
        self.series.contains(&column)
    }

    /// True if a family goes through the whole line of a column.
    pub(super) fn is_paced(&self, column: usize) -> bool {
        self.paced.contains(&column)
    }

    /// The order in which a family of `count` rows is drawn.
    #[must_use]
    pub fn course(&self, count: usize) -> Course {
        Course::new(count, self.longest_step)
    }

    /// True if some family is long enough to be halved.
    pub(super) fn is_halved(&self) -> bool {
        self.longest_step > 1
    }

    /// Width of the state: the previous sibling's features, those of the one before, the means, the mean squares
    /// of scalars, per one-hot its slots and the log of how many were seen, the position, and where families are halved
    /// the features of the siblings a row stands between: they mean something else than those before a station.
    #[must_use]
    pub fn width(&self) -> usize {
        let between = if self.is_halved() { 2 * self.features } else { 0 };
        3 * self.features + self.scalar_count() + self.slot_width() + self.position_width() + between
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

    /// About how many of the numbers are not zero: what the first layer's weights are scaled by.
    #[must_use]
    pub fn active(&self) -> usize {
        5 * self.one_hots.len() + 4 * self.scalars.len() + 6
    }
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

/// The stations of one family so far, which the next one sees.
#[derive(Debug, Clone, Default)]
pub struct SiblingState(Running);

impl SiblingState {
    /// Counts in one more station.
    pub fn push(&mut self, layout: &SiblingLayout, tokens: &[u16]) {
        self.0.push(layout, tokens);
    }

    /// What the next station sees.
    #[must_use]
    pub fn siblings(&self) -> Siblings<'_> {
        Siblings { earlier: &self.0, previous: &self.0.previous, other: &self.0.before_previous }
    }
}

/// What there is of one family when each of its halvings begins; see [`Course`].
#[derive(Debug, Clone, Default)]
pub struct Halvings(Vec<Running>);

impl Halvings {
    /// Reads all rows of a family that is drawn in this order.
    #[must_use]
    pub fn of(layout: &SiblingLayout, course: Course, tokens: impl Fn(usize) -> Vec<u16>) -> Self {
        let mut running = Running::default();
        let mut all = Vec::new();
        if course.step() > 1 {
            course.stations().for_each(|row| running.push(layout, &tokens(row)));
        }
        for gap in course.gaps() {
            all.push(running.clone());
            course.between(gap).for_each(|row| running.push(layout, &tokens(row)));
        }
        all.reverse();
        Self(all)
    }

    /// What a row sees that stands `gap` rows from the siblings with these tokens; none, if there is no next one.
    ///
    /// # Panics
    /// If no row of the family stands so.
    #[must_use]
    pub fn siblings<'a>(&'a self, gap: usize, (previous, next): (&'a [u16], &'a [u16])) -> Siblings<'a> {
        Siblings { earlier: &self.0[gap.trailing_zeros() as usize], previous, other: next }
    }
}

/// What a row sees of the siblings that are drawn before it.
#[derive(Debug, Clone, Copy)]
pub struct Siblings<'a> {
    earlier: &'a Running,
    previous: &'a [u16],
    /// The one before the previous, for a station; else the next one. Empty if there is none.
    other: &'a [u16],
}

impl Siblings<'_> {
    /// Writes what row `index` of a family sees into `out`, which is zero and `layout.width()` long.
    ///
    /// `distortion` and the columns it draws from replace tokens of the nearest siblings, in training only.
    pub fn write_features(
        self,
        layout: &SiblingLayout,
        (index, course): (usize, Course),
        distortion: Option<(&mut Distortion<'_>, &[&[u16]])>,
        out: &mut [f32],
    ) {
        let seen = self.earlier;
        let (previous, out) = out.split_at_mut(layout.features);
        let (before_previous, out) = out.split_at_mut(layout.features);
        let (means, out) = out.split_at_mut(layout.features);
        let (squares, out) = out.split_at_mut(layout.scalars.len());
        let (mut slots, out) = out.split_at_mut(layout.slot_width());
        let (position, out) = out.split_at_mut(layout.position_width());
        let (previous, other) = if course.gap(index) > 0 {
            out.split_at_mut(layout.features)
        } else {
            (previous, before_previous)
        };
        if let Some((distortion, columns)) = distortion {
            let mut noisy = |tokens: &[u16]| -> Vec<u16> {
                let pairs = tokens.iter().zip(columns);
                pairs.map(|(token, column)| distortion.token(*token, column)).collect()
            };
            features_of(&layout.sub_columns, &noisy(self.previous), previous);
            features_of(&layout.sub_columns, &noisy(self.other), other);
        } else {
            features_of(&layout.sub_columns, self.previous, previous);
            features_of(&layout.sub_columns, self.other, other);
        }
        let share = 1.0 / seen.count.max(1) as f32;
        means.iter_mut().zip(&seen.sums).for_each(|(mean, sum)| *mean = sum * share);
        squares.iter_mut().zip(&seen.squares).for_each(|(mean, sum)| *mean = sum * share);
        for (start, end) in &layout.one_hots {
            let (own, rest) = slots.split_at_mut(end - start);
            if seen.count > 0 {
                let mut distinct = 0.0_f32;
                for (slot, sum) in own.iter_mut().zip(&seen.sums[*start..*end]) {
                    *slot = f32::from(u8::from(*sum > 0.0));
                    distinct += *slot;
                }
                rest[0] = distinct.ln();
            }
            slots = &mut rest[1..];
        }
        layout.write_position(index, course, |at, value| position[at] = value);
    }
}

impl SiblingLayout {
    /// Width of the numbers about the position.
    pub(super) fn position_width(&self) -> usize {
        POSITION_WIDTH + if self.is_halved() { HALVING_WIDTH } else { 0 }
    }

    /// Calls `write(place, value)` for the numbers about a row's place that are not zero.
    #[inline(always)]
    pub(super) fn write_position(&self, index: usize, course: Course, mut write: impl FnMut(usize, f32)) {
        write_position(index, course.count(), &mut write);
        if self.is_halved() {
            let gap = course.gap(index);
            let halvings = |rows: usize| rows.trailing_zeros() as f32 / 8.0;
            write(POSITION_WIDTH, halvings(course.step()));
            if gap > 0 {
                write(POSITION_WIDTH + 1, 1.0);
                write(POSITION_WIDTH + 2, halvings(gap));
                write(POSITION_WIDTH + 3, f32::from(u8::from(gap == 1)));
                write(POSITION_WIDTH + 4, f32::from(u8::from(course.next(index).is_some())));
            }
        }
    }
}

/// Calls `write(place, value)` for the numbers about the position that are not zero.
#[inline(always)]
fn write_position(index: usize, count: usize, mut write: impl FnMut(usize, f32)) {
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
