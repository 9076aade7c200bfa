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
}

impl SubColumn {
    /// Most one-hot slots a sub-column takes in the features; larger vocabularies are folded by modulus.
    pub const MAX_ONE_HOT: usize = 64;

    /// Width of the features of a token.
    #[must_use]
    pub fn feature_width(&self) -> usize {
        let one_hot = if self.one_hot { usize::from(self.size).min(Self::MAX_ONE_HOT) } else { 0 };
        one_hot + usize::from(!self.scalars.is_empty())
    }

    /// Adds `weight` × the features of `token` to `out`, `feature_width()` numbers.
    ///
    /// # Panics
    /// If `out` is too short or the token is not of this vocabulary.
    pub fn add_features(&self, token: u16, weight: f32, out: &mut [f32]) {
        let mut next = 0;
        if self.one_hot {
            let slots = usize::from(self.size).min(Self::MAX_ONE_HOT);
            out[usize::from(token) % slots] += weight;
            next = slots;
        }
        if !self.scalars.is_empty() {
            out[next] += weight * self.scalars[usize::from(token)];
        }
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
