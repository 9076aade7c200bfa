//! Columns with nothing to model but, at most, whether a value is there: all null, one constant, and columns
//! whose values are written elsewhere.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, BooleanArray};
use serde::{Deserialize, Serialize};

use crate::{
    privacy::{Guard, Kept},
    rules::Limit,
    schema::{Column, Storage},
    seed::Stream,
};

use super::{
    ColumnCodec, SubColumn,
    literal::{self, Literal},
    null::Nulls,
};

/// A column that holds nulls only, or nulls and one value: one or two tokens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Constant {
    sub_columns: Vec<SubColumn>,
    nulls: Nulls,
    storage: Storage,
    /// `None` if every value is null.
    value: Option<Literal>,
    /// Distinct entities that have it.
    entities: u32,
}

impl Constant {
    /// A column without any value: every decoded value is null.
    #[must_use]
    pub fn all_null(column: &Column, values: &ArrayRef) -> Self {
        Self::new(column, values, None, 0)
    }

    /// A column with at most one distinct value, held by enough entities. `None` if it is not such a
    /// column.
    #[must_use]
    pub fn fit(column: &Column, values: &ArrayRef, guard: Guard<'_>) -> Option<Self> {
        let Some(first) = (0..values.len()).find(|row| values.is_valid(*row)) else {
            return Some(Self::all_null(column, values));
        };
        let value = Literal::read(values, first)?;
        let entities = guard.distinct((0..values.len()).filter(|row| values.is_valid(*row)));
        let same = entities >= guard.least()
            && (first..values.len())
                .all(|row| values.is_null(row) || Literal::read(values, row).as_ref() == Some(&value));
        same.then(|| Self::new(column, values, Some(value), entities as u32))
    }

    fn new(column: &Column, values: &ArrayRef, value: Option<Literal>, entities: u32) -> Self {
        // All null: the one token *is* null, so a null token beside it would never be used.
        let nulls =
            if value.is_some() { Nulls::fit(values) } else { Nulls::fit(&literal::nulls(Storage::Text, 0)) };
        let sub_columns = vec![nulls.sub_column(&column.name, 1, Vec::new())];
        Self { sub_columns, nulls, storage: column.data_type.storage(), value, entities }
    }

    pub(super) fn kept(&self) -> Vec<Kept> {
        self.value.iter().map(|value| Kept::value(value.text(), self.entities)).collect()
    }
}

impl ColumnCodec for Constant {
    fn sub_columns(&self) -> &[SubColumn] {
        &self.sub_columns
    }

    fn encode(&self, column: &ArrayRef) -> Vec<Vec<u16>> {
        let null = self.nulls.token(self.sub_columns[0].size);
        vec![(0..column.len()).map(|row| if column.is_null(row) { null } else { 0 }).collect()]
    }

    fn decode(&self, tokens: &[&[u16]], _random: &mut Stream) -> ArrayRef {
        match &self.value {
            None => literal::nulls(self.storage, tokens[0].len()),
            Some(value) => {
                let size = self.sub_columns[0].size;
                let present: Vec<bool> =
                    tokens[0].iter().map(|token| !self.nulls.is_null(*token, size)).collect();
                value.fill(&present)
            }
        }
    }

    fn shares(&self, limit: &Limit, _before: &[u16]) -> Vec<f32> {
        let size = self.sub_columns[0].size;
        let allowed = |token: u16| match &self.value {
            Some(value) if !self.nulls.is_null(token, size) => limit.allows(&value.fill(&[true]), 0),
            _ => *limit == Limit::Null,
        };
        (0..size).map(|token| f32::from(u8::from(allowed(token)))).collect()
    }

    fn decode_within(&self, tokens: &[&[u16]], _limit: &Limit, random: &mut Stream) -> ArrayRef {
        self.decode(tokens, random)
    }
}

/// A column whose values are written elsewhere (free text, codes): only whether there is one is modelled.
/// Decodes to a `BooleanArray`, true where a value belongs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Presence {
    sub_columns: Vec<SubColumn>,
    nulls: Nulls,
}

impl Presence {
    /// Fits to where `values` is null.
    #[must_use]
    pub fn fit(column: &Column, values: &ArrayRef) -> Self {
        let nulls = Nulls::fit(values);
        Self { sub_columns: vec![nulls.sub_column(&column.name, 1, Vec::new())], nulls }
    }
}

impl ColumnCodec for Presence {
    fn sub_columns(&self) -> &[SubColumn] {
        &self.sub_columns
    }

    fn encode(&self, column: &ArrayRef) -> Vec<Vec<u16>> {
        let null = self.nulls.token(self.sub_columns[0].size);
        vec![(0..column.len()).map(|row| if column.is_null(row) { null } else { 0 }).collect()]
    }

    fn decode(&self, tokens: &[&[u16]], _random: &mut Stream) -> ArrayRef {
        let size = self.sub_columns[0].size;
        let present: Vec<bool> = tokens[0].iter().map(|token| !self.nulls.is_null(*token, size)).collect();
        Arc::new(BooleanArray::from(present))
    }

    /// What value is written is not known here: only null and not null are told apart.
    fn shares(&self, limit: &Limit, _before: &[u16]) -> Vec<f32> {
        let size = self.sub_columns[0].size;
        let allowed = |token| self.nulls.is_null(token, size) == (*limit == Limit::Null);
        (0..size).map(|token| f32::from(u8::from(allowed(token)))).collect()
    }

    fn decode_within(&self, tokens: &[&[u16]], _limit: &Limit, random: &mut Stream) -> ArrayRef {
        self.decode(tokens, random)
    }
}
