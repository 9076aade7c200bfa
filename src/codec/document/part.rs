//! One value of a document as tokens of an ordinary codec.

use arrow_array::{Array, ArrayRef, UInt32Array};
use arrow_select::{concat::concat, take::take};
use rand::RngExt;
use serde::{Deserialize, Serialize};

use crate::{
    codec::{Codec, ColumnCodec, Hints, SubColumn},
    privacy::{Guard, Kept},
    schema::Column,
    seed::Stream,
};

/// Tokens still to be read, sub-column by sub-column; without any, values follow what was counted.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    tokens: Option<&'a [&'a [u16]]>,
    next: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(tokens: &'a [&'a [u16]]) -> Self {
        Self { tokens: Some(tokens), next: 0 }
    }

    /// Nothing was generated: draw everything as often as it was seen.
    pub(super) fn none() -> Self {
        Self { tokens: None, next: 0 }
    }

    /// The next `width` sub-columns.
    pub(super) fn take(&mut self, width: usize) -> Option<&'a [&'a [u16]]> {
        let tokens = self.tokens?.get(self.next..self.next + width)?;
        self.next += width;
        Some(tokens)
    }
}

/// A codec inside a document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::codec) struct Part {
    codec: Codec,
    /// Rows with each token of each sub-column, among the rows that have a value.
    weights: Vec<Vec<u32>>,
    /// True if it has sub-columns of its own: it says more than one thing, and there was room.
    modelled: bool,
}

impl Part {
    /// Fits the codec of `column` to `values` and takes its sub-columns from `budget`. `None` if no value may be
    /// kept.
    pub(in crate::codec) fn fit(
        column: &Column,
        values: &ArrayRef,
        guard: Guard<'_>,
        budget: &mut usize,
    ) -> Option<Self> {
        let hints = Hints { categorical: true, bounds: None, guard };
        Self::around(Codec::fit(column, values, &hints), values, budget)
    }

    /// Counts the tokens of `values` under a fitted codec.
    pub(in crate::codec) fn around(codec: Codec, values: &ArrayRef, budget: &mut usize) -> Option<Self> {
        if codec.is_presence() || values.null_count() == values.len() {
            return None;
        }
        let tokens = codec.encode(values);
        let weights = codec
            .sub_columns()
            .iter()
            .zip(&tokens)
            .map(|(sub_column, tokens)| {
                let mut rows = vec![0_u32; usize::from(sub_column.size)];
                for (row, token) in tokens.iter().enumerate() {
                    if values.is_valid(row) {
                        rows[usize::from(*token)] += 1;
                    }
                }
                rows
            })
            .collect();
        let width = codec.sub_columns().len();
        let says = codec.sub_columns().iter().any(|sub_column| sub_column.size > 1);
        let modelled = says && width <= *budget;
        if modelled {
            *budget -= width;
        }
        Some(Self { codec, weights, modelled })
    }

    /// The same part, counted again and with sub-columns if `budget` has room.
    pub(super) fn budgeted(self, values: &ArrayRef, budget: &mut usize) -> Option<Self> {
        Self::around(self.codec, values, budget)
    }

    pub(in crate::codec) fn sub_columns(&self) -> &[SubColumn] {
        if self.modelled { self.codec.sub_columns() } else { &[] }
    }

    pub(in crate::codec) fn encode(&self, values: &ArrayRef, out: &mut Vec<Vec<u16>>) {
        if self.modelled {
            out.extend(self.codec.encode(values));
        }
    }

    /// Decodes what the cursor holds, nulls as they come; `None` if there are no tokens.
    pub(super) fn read(&self, cursor: &mut Cursor<'_>, random: &mut Stream) -> Option<ArrayRef> {
        let tokens = self.modelled.then(|| cursor.take(self.codec.sub_columns().len())).flatten()?;
        Some(self.codec.decode(tokens, random))
    }

    /// Decodes one value per row, none of them null where `needed`: a null where a value belongs is drawn anew.
    pub(super) fn values(&self, cursor: &mut Cursor<'_>, needed: &[bool], random: &mut Stream) -> ArrayRef {
        match self.read(cursor, random) {
            Some(read) => self.completed(read, needed, random),
            None => self.draw(needed.len(), random),
        }
    }

    /// Draws the values missing from `read` where `needed`.
    pub(in crate::codec) fn completed(
        &self,
        read: ArrayRef,
        needed: &[bool],
        random: &mut Stream,
    ) -> ArrayRef {
        let missing =
            needed.iter().enumerate().filter(|(row, needed)| **needed && read.is_null(*row)).count();
        if missing == 0 {
            return read;
        }
        let rows = read.len() as u32;
        let drawn = self.draw(missing, random);
        let mut next = rows;
        let places: UInt32Array = (0..rows)
            .map(|row| {
                if needed[row as usize] && read.is_null(row as usize) {
                    next += 1;
                    Some(next - 1)
                } else {
                    Some(row)
                }
            })
            .collect();
        // Both come from one codec, so they have one type.
        concat(&[read.as_ref(), drawn.as_ref()])
            .and_then(|all| take(all.as_ref(), &places, None))
            .unwrap_or(read)
    }

    /// Draws values as often as their tokens were seen.
    pub(super) fn draw(&self, rows: usize, random: &mut Stream) -> ArrayRef {
        let tokens: Vec<Vec<u16>> = self
            .weights
            .iter()
            .map(|weights| (0..rows).map(|_| draw_index(weights, random) as u16).collect())
            .collect();
        let slices: Vec<&[u16]> = tokens.iter().map(Vec::as_slice).collect();
        self.codec.decode(&slices, random)
    }

    pub(in crate::codec) fn kept(&self) -> Vec<Kept> {
        self.codec.kept()
    }
}

/// Draws an index in proportion to its weight; 0 if all are nothing.
pub(super) fn draw_index(weights: &[u32], random: &mut Stream) -> usize {
    let total: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
    let mut at = random.random_range(0..total.max(1));
    weights
        .iter()
        .position(|weight| {
            let here = at < u64::from(*weight);
            at = at.saturating_sub(u64::from(*weight));
            here
        })
        .unwrap_or(0)
}
