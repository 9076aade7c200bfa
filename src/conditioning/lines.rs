//! What single tokens add to the first layer's sums: a line of weights per token, in place of features that are mostly
//! zero.

use candle_core::{Device, Result, Tensor};

use crate::{codec::SubColumn, nn::widened};

use super::{Conditioning, Message, MessageSource, Per, features::MessagePart};

/// Most tokens of a sub-column whose lines are worked out beforehand.
const MOST_LINES: usize = 1024;

/// What the tokens of some sub-columns add to the sums.
#[derive(Debug)]
pub(super) struct Lines<'a>(Vec<ColumnLines<'a>>);

#[derive(Debug)]
struct ColumnLines<'a> {
    column: &'a SubColumn,
    /// Its first feature.
    feature: usize,
    /// The feature that its squared scalar is.
    square: Option<usize>,
    /// One line of weights per token; empty if there are too many.
    lines: Vec<f32>,
}

impl<'a> Lines<'a> {
    /// The tokens of `columns`, whose features begin at `feature` and whose squares, if any, at `square`. Lines are
    /// worked out beforehand where `rows` rows make up for it.
    pub(super) fn new(
        columns: &'a [SubColumn],
        (mut feature, mut square): (usize, Option<usize>),
        (weights, width): (&[f32], usize),
        rows: usize,
    ) -> Self {
        let column = |column: &'a SubColumn| {
            let own_square = square.filter(|_| !column.scalars.is_empty());
            let mut found = ColumnLines { column, feature, square: own_square, lines: Vec::new() };
            feature += column.feature_width();
            square = square.map(|square| square + usize::from(own_square.is_some()));
            let size = usize::from(column.size);
            let placed = column.scalars.is_empty() || column.scalars.len() >= size;
            if size <= rows.min(MOST_LINES) && width > 0 && placed {
                let mut lines = vec![0.0; size * width];
                for (token, line) in lines.chunks_exact_mut(width).enumerate() {
                    found.add_features(token as u16, (weights, 1.0), line);
                }
                found.lines = lines;
            }
            found
        };
        Self(columns.iter().map(column).collect())
    }

    /// Adds the weights of tokens, one per sub-column, times a value.
    #[inline(always)]
    pub(super) fn add(&self, tokens: &[u16], (weights, value): (&[f32], f32), out: &mut [f32]) {
        for (column, &token) in self.0.iter().zip(tokens) {
            if column.lines.is_empty() {
                column.add_features(token, (weights, value), out);
            } else {
                add_line(&column.lines[usize::from(token) * out.len()..], value, out);
            }
        }
    }
}

impl ColumnLines<'_> {
    fn add_features(&self, token: u16, (weights, value): (&[f32], f32), out: &mut [f32]) {
        let width = out.len();
        let mut add = |feature: usize, at: f32| add_line(&weights[feature * width..], at * value, out);
        self.column.for_each_feature(token, |at, value| add(self.feature + at, value));
        if let (Some(square), Some(scalar)) = (self.square, self.column.scalars.get(usize::from(token))) {
            add(square, scalar * scalar);
        }
    }
}

/// Adds the first weights, times a value.
#[inline(always)]
pub(super) fn add_line(weights: &[f32], value: f32, out: &mut [f32]) {
    let weights = &weights[..out.len()];
    out.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += value * weight);
}

/// Weights of the messages' features, cut by tokens.
#[derive(Debug)]
pub struct FoldedMessages<'a> {
    conditioning: &'a Conditioning,
    messages: Vec<(Lines<'a>, Vec<f32>)>,
    width: usize,
}

impl<'a> FoldedMessages<'a> {
    /// Takes the weights of each message, `[D, width]` row by row, to draw about `rows` rows.
    #[must_use]
    pub fn new(
        conditioning: &'a Conditioning,
        (weights, width): (Vec<Vec<f32>>, usize),
        rows: usize,
    ) -> Self {
        let folded = |(message, weights): (&'a Message, Vec<f32>)| {
            let (MessageSource::Row { table, .. } | MessageSource::Pool { table, .. }) = &message.source;
            (Lines::new(&table.sub_columns, (0, None), (&weights, width), rows), weights)
        };
        let messages = conditioning.messages.iter().zip(weights).map(folded).collect();
        Self { conditioning, messages, width }
    }

    /// Multiplies out the features of the messages `per` family or row, one entry per entry of `entries`: the sums that
    /// [`ContextNetwork::families_with`](super::ContextNetwork::families_with) takes.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn sums(&self, per: Per, entries: &[u32]) -> Result<Vec<Option<Tensor>>> {
        let sums = |(message, (lines, weights)): (&Message, &(Lines<'_>, Vec<f32>))| {
            if message.per != per {
                return Ok(None);
            }
            let mut sums = vec![0.0; entries.len() * self.width];
            let mut tokens = Vec::new();
            for (entry, out) in entries.iter().zip(sums.chunks_exact_mut(self.width.max(1))) {
                message.for_each_part(*entry as usize, |part, value| match part {
                    MessagePart::Feature(feature) => {
                        widened(
                            #[inline(always)]
                            || add_line(&weights[feature * out.len()..], value, out),
                        );
                    }
                    MessagePart::Row(table, row) => {
                        tokens.clear();
                        tokens.extend(table.tokens.iter().map(|column| column[row]));
                        widened(
                            #[inline(always)]
                            || lines.add(&tokens, (weights, value), out),
                        );
                    }
                });
            }
            Tensor::from_vec(sums, (entries.len(), self.width), &Device::Cpu).map(Some)
        };
        self.conditioning.messages.iter().zip(&self.messages).map(sums).collect()
    }
}
