//! What a network sees of rows and relations, as plain numbers.

use crate::{
    codec::{EncodedTable, SubColumn},
    data::NO_ROW,
    nn::Noise,
};

use super::{Message, MessageSource};

/// Most rows of one family a pooled message looks at, evenly spread over the family: the cost of a step must
/// not depend on the largest fan-out.
const MAX_POOLED_ROWS: usize = 64;

/// Disturbs what a network sees while it trains.
#[derive(Debug)]
pub struct Distortion<'a> {
    /// Probability of replacing a token by that of a random row of the same column, so that a network learns to
    /// live with the small errors of rows it generated itself (exposure bias).
    pub corruption: f32,
    /// Probability of dropping a feature.
    pub dropout: f32,
    /// Where the coins are from.
    pub noise: &'a mut Noise,
}

impl Distortion<'_> {
    /// Returns `token`, or now and then the token of a random row of `column`.
    pub fn token(&mut self, token: u16, column: &[u16]) -> u16 {
        if column.is_empty() || !self.noise.coin(self.corruption) {
            return token;
        }
        column[self.noise.below(column.len())]
    }

    /// Drops a share of the features; the rest is scaled up so that means stay.
    pub fn drop(&mut self, features: &mut [f32]) {
        if self.dropout <= 0.0 {
            return;
        }
        let scale = 1.0 / (1.0 - self.dropout);
        for feature in features.iter_mut().filter(|feature| **feature != 0.0) {
            *feature = if self.noise.coin(self.dropout) { 0.0 } else { *feature * scale };
        }
    }
}

/// Adds the features of the row `tokens` (one per sub-column) to `out`.
pub fn features_of(sub_columns: &[SubColumn], tokens: &[u16], out: &mut [f32]) {
    let mut offset = 0;
    for (sub_column, &token) in sub_columns.iter().zip(tokens) {
        sub_column.add_features(token, 1.0, &mut out[offset..]);
        offset += sub_column.feature_width();
    }
}

impl Message {
    /// Width of the features of one entry: those of a row and its flags.
    #[must_use]
    pub fn width(&self) -> usize {
        match &self.source {
            MessageSource::Row { table, .. } => table.feature_width() + 1,
            MessageSource::Pool { table, .. } => table.feature_width() + 2,
        }
    }

    /// True if it pools many rows into one.
    #[must_use]
    pub fn is_pooled(&self) -> bool {
        matches!(self.source, MessageSource::Pool { .. })
    }

    /// Says what is wrong with its index, given how many entries it should have.
    #[must_use]
    pub fn fault(&self, entries: usize) -> Option<String> {
        let (index, bound, optional) = match &self.source {
            MessageSource::Row { table, index } => (index, table.row_count, true),
            MessageSource::Pool { families, index, .. } => (index, families.len(), true),
        };
        if index.len() != entries {
            return Some(format!("{} has {} entries, not {entries}", self.name, index.len()));
        }
        let outside = index.iter().find(|at| **at as usize >= bound && !(optional && **at == NO_ROW));
        outside.map(|at| format!("{} points at entry {at} of {bound}", self.name))
    }

    /// Writes the features of `entry` into `out`, which is zero and [`Self::width`] long.
    pub fn write_features(&self, entry: usize, mut distortion: Option<&mut Distortion<'_>>, out: &mut [f32]) {
        self.for_each_part(entry, |part, value| match part {
            MessagePart::Feature(feature) => out[feature] = value,
            // Pooled rows are many, and seen as they are.
            MessagePart::Row(table, row) if self.is_pooled() => table.add_features(row, value, out),
            MessagePart::Row(table, row) => write_row(table, row, distortion.as_deref_mut(), out),
        });
    }

    /// Calls `visit(part, weight)` for what the features of `entry` are made of.
    #[inline]
    pub(super) fn for_each_part<'a>(&'a self, entry: usize, mut visit: impl FnMut(MessagePart<'a>, f32)) {
        match &self.source {
            MessageSource::Row { table, index } => match index[entry] {
                NO_ROW => visit(MessagePart::Feature(table.feature_width()), 1.0),
                row => visit(MessagePart::Row(table, row as usize), 1.0),
            },
            MessageSource::Pool { table, families, index } => {
                let width = table.feature_width();
                let rows = if index[entry] == NO_ROW { 0..0 } else { families.rows(index[entry] as usize) };
                let count = rows.len();
                visit(MessagePart::Feature(width), (count as f32).ln_1p());
                if count == 0 {
                    visit(MessagePart::Feature(width + 1), 1.0);
                }
                let looked_at = count.min(MAX_POOLED_ROWS);
                for step in 0..looked_at {
                    let row = rows.start + step * count / looked_at;
                    visit(MessagePart::Row(table, row), 1.0 / looked_at as f32);
                }
            }
        }
    }
}

/// A part of the features of a message's entry.
pub(super) enum MessagePart<'a> {
    /// One feature, behind those of rows.
    Feature(usize),
    /// All features of a row.
    Row(&'a EncodedTable, usize),
}

fn write_row(table: &EncodedTable, row: usize, distortion: Option<&mut Distortion<'_>>, out: &mut [f32]) {
    let Some(distortion) = distortion else {
        table.add_features(row, 1.0, out);
        return;
    };
    let mut offset = 0;
    for (sub_column, tokens) in table.sub_columns.iter().zip(&table.tokens) {
        sub_column.add_features(distortion.token(tokens[row], tokens), 1.0, &mut out[offset..]);
        offset += sub_column.feature_width();
    }
}
