//! Encoded rows, and the numbers a network sees of them.

use serde::{Deserialize, Serialize};

/// One token position: its vocabulary and how a network sees a token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SubColumn {
    /// Where it comes from, for people: `amount.coarse`.
    pub name: String,
    /// Vocabulary size `K ≥ 1`; tokens are `0..K`.
    pub size: u16,
    /// For ordered vocabularies: the place of each token on the line, about mean 0 and deviation 1
    /// (normal score of its mid-rank); the null token has 0. Empty if the tokens have no order.
    pub scalars: Vec<f32>,
    /// True if the tokens have a one-hot of their own in the features (false for a fine bin, which means
    /// nothing without its coarse one).
    pub one_hot: bool,
    /// True if the tokens are counts of a row's children.
    #[serde(default)]
    pub counts_children: bool,
}

impl SubColumn {
    /// Most one-hot slots a sub-column takes in the features; larger vocabularies share slots.
    pub const MAX_ONE_HOT: usize = 64;

    /// Slots of the one-hot, 0 if there is none.
    #[must_use]
    pub fn slots(&self) -> usize {
        if self.one_hot { usize::from(self.size).min(Self::MAX_ONE_HOT) } else { 0 }
    }

    /// The one-hot slot of `token`, `None` if there is no one-hot.
    #[must_use]
    pub fn slot(&self, token: u16) -> Option<usize> {
        let (slots, token) = (self.slots(), usize::from(token));
        // Neighbours on a line share a slot; tokens without an order are dealt out.
        let of =
            || if self.scalars.is_empty() { token % slots } else { token * slots / usize::from(self.size) };
        (slots > 0).then(of)
    }

    /// Width of the features of a token.
    #[must_use]
    pub fn feature_width(&self) -> usize {
        self.slots() + usize::from(!self.scalars.is_empty())
    }

    /// Calls `visit(place, value)` for the features of `token` that are not zero.
    ///
    /// # Panics
    /// If the token is not of this vocabulary.
    pub fn for_each_feature(&self, token: u16, mut visit: impl FnMut(usize, f32)) {
        if let Some(slot) = self.slot(token) {
            visit(slot, 1.0);
        }
        if !self.scalars.is_empty() {
            visit(self.slots(), self.scalars[usize::from(token)]);
        }
    }

    /// Adds `weight` × the features of `token` to `out`, `feature_width()` numbers.
    ///
    /// # Panics
    /// If `out` is too short or the token is not of this vocabulary.
    pub fn add_features(&self, token: u16, weight: f32, out: &mut [f32]) {
        self.for_each_feature(token, |at, value| out[at] += weight * value);
    }
}

/// Rows of one table as tokens, column by column: `tokens[j][n]` is sub-column `j` of row `n`.
#[derive(Debug, Clone, PartialEq)]
pub struct EncodedTable {
    /// The token positions, in generation order.
    pub sub_columns: Vec<SubColumn>,
    /// One vector of `row_count` tokens per sub-column.
    pub tokens: Vec<Vec<u16>>,
    /// Rows held; meaningful even without sub-columns.
    pub row_count: usize,
}

impl EncodedTable {
    /// Rows without any sub-column.
    #[must_use]
    pub fn empty(row_count: usize) -> Self {
        Self { sub_columns: Vec::new(), tokens: Vec::new(), row_count }
    }

    /// Adds a sub-column.
    ///
    /// # Panics
    /// If there is not one token per row.
    pub fn push(&mut self, sub_column: SubColumn, tokens: Vec<u16>) {
        assert_eq!(tokens.len(), self.row_count, "one token per row");
        self.sub_columns.push(sub_column);
        self.tokens.push(tokens);
    }

    /// Puts the sub-columns of `other` behind these, row by row.
    ///
    /// # Panics
    /// If the row counts differ.
    #[must_use]
    pub fn beside(mut self, other: Self) -> Self {
        assert_eq!(self.row_count, other.row_count, "the same rows");
        self.sub_columns.extend(other.sub_columns);
        self.tokens.extend(other.tokens);
        self
    }

    /// Returns the sub-columns `range` of the same rows.
    ///
    /// # Panics
    /// If the range is out of bounds.
    #[must_use]
    pub fn sub_columns(&self, range: std::ops::Range<usize>) -> Self {
        Self {
            sub_columns: self.sub_columns[range.clone()].to_vec(),
            tokens: self.tokens[range].to_vec(),
            row_count: self.row_count,
        }
    }

    /// Returns the rows at `indices`, in that order.
    ///
    /// # Panics
    /// If an index is out of range.
    #[must_use]
    pub fn take(&self, indices: &[u32]) -> Self {
        Self {
            sub_columns: self.sub_columns.clone(),
            tokens: self
                .tokens
                .iter()
                .map(|tokens| indices.iter().map(|row| tokens[*row as usize]).collect())
                .collect(),
            row_count: indices.len(),
        }
    }

    /// Width of the features of a whole row.
    #[must_use]
    pub fn feature_width(&self) -> usize {
        self.sub_columns.iter().map(SubColumn::feature_width).sum()
    }

    /// Adds `weight` × the features of row `row` to `out`, `feature_width()` numbers.
    ///
    /// # Panics
    /// If the row does not exist or `out` is too short.
    pub fn add_features(&self, row: usize, weight: f32, out: &mut [f32]) {
        let mut offset = 0;
        for (sub_column, tokens) in self.sub_columns.iter().zip(&self.tokens) {
            sub_column.add_features(tokens[row], weight, &mut out[offset..]);
            offset += sub_column.feature_width();
        }
    }
}
