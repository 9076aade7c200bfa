//! Value ⇄ tokens: every modelled value becomes one or more tokens of known vocabularies, and decodes
//! back inside its column's own domain.
//!
//! [`Codec::fit`] chooses and fits; [`encode_table`] and [`decode_table`] run whole tables.

mod axis;
mod calendar;
mod categorical;
mod choose;
mod constant;
mod datetime;
mod document;
mod elapsed;
mod gaps;
mod line;
mod line_fit;
mod literal;
mod null;
mod numeric;
mod place;
mod reading;
mod rows;
mod running;
mod season;
mod span;
mod table;
mod within;
mod word;

#[cfg(test)]
mod conformance;

pub use calendar::CalendarGrid;
pub use categorical::Categorical;
pub use choose::Hints;
pub use constant::{Constant, Presence};
pub use datetime::Datetime;
pub use document::{Document, DocumentFit, WrittenTexts};
pub use elapsed::{Elapsed, Kin};
pub use numeric::Numeric;
pub use place::{Place, coordinate_pairs};
pub use rows::{counted_from_kin, decode_table, decode_table_within, encode_table};
pub use running::{Balances, RunningTotals};
pub use span::{Span, SpanBase};
pub use table::{EncodedTable, SubColumn};

use arrow_array::ArrayRef;
use serde::{Deserialize, Serialize};

use crate::{privacy::Kept, rules::Limit, schema::ColumnId, seed::Stream};

/// One fitted column codec. `fit` lives with each codec and returns this; nothing here can be "unfitted".
pub trait ColumnCodec: Send + Sync {
    /// The sub-columns a value becomes, in the order they are generated.
    fn sub_columns(&self) -> &[SubColumn];

    /// Encodes a column: one token vector per sub-column. Total: a value never seen has a token too.
    fn encode(&self, column: &ArrayRef) -> Vec<Vec<u16>>;

    /// Decodes tokens (one slice per sub-column, equally long) into values of the column's storage.
    /// `random` places a value inside its bin.
    fn decode(&self, tokens: &[&[u16]], random: &mut Stream) -> ArrayRef;

    /// How much of each token a limit leaves, from 0 (no value of it) to 1, for the sub-column after `before`: the
    /// tokens the row has in the column's earlier sub-columns.
    ///
    /// A codec that cannot tell leaves everything: rows that miss the limit are then drawn again.
    fn shares(&self, _limit: &Limit, before: &[u16]) -> Vec<f32> {
        let size = self.sub_columns().get(before.len()).map_or(0, |sub_column| sub_column.size);
        vec![1.0; usize::from(size)]
    }

    /// Decodes tokens as [`ColumnCodec::decode`] does, into values that the limit leaves wherever the tokens have
    /// one (or lie nearest to one).
    fn decode_within(&self, tokens: &[&[u16]], _limit: &Limit, random: &mut Stream) -> ArrayRef {
        self.decode(tokens, random)
    }
}

/// A fitted codec of any kind. Holds only what encoding and decoding need; its JSON brings it back exactly.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Codec {
    /// Nulls only, or nulls and one value.
    Constant(Constant),
    /// Booleans, labels, enumerated text.
    Categorical(Categorical),
    /// Whole numbers, decimals, floats.
    Numeric(Numeric),
    /// Dates, times, timestamps.
    Datetime(Datetime),
    /// JSON documents, arrays, sets, bit strings, durations, ranges, addresses.
    Document(Box<Document>),
    /// Points, in one column or in two.
    Place(Box<Place>),
    /// Times that ascend among siblings, as gaps.
    Elapsed(Box<Elapsed>),
    /// Times counted from another time of their row.
    Span(Box<Span>),
    /// Values are written elsewhere; decodes to booleans.
    Presence(Presence),
}

impl Codec {
    fn inner(&self) -> &dyn ColumnCodec {
        match self {
            Self::Constant(codec) => codec,
            Self::Categorical(codec) => codec,
            Self::Numeric(codec) => codec,
            Self::Datetime(codec) => codec,
            Self::Document(codec) => codec.as_ref(),
            Self::Place(codec) => codec.as_ref(),
            Self::Elapsed(codec) => codec.as_ref(),
            Self::Span(codec) => codec.as_ref(),
            Self::Presence(codec) => codec,
        }
    }

    /// The same codec with one token per number, to measure what a second one is good for.
    #[must_use]
    pub fn coarse(self) -> Self {
        match self {
            Self::Numeric(codec) => Self::Numeric(codec.coarse()),
            other => other,
        }
    }

    /// True if it decodes to booleans, true where a value must be written.
    #[must_use]
    pub fn is_presence(&self) -> bool {
        matches!(self, Self::Presence(_))
    }

    /// False for days of a month, or of a day of the month, in which next to nothing happens.
    #[must_use]
    pub fn in_season(&self, day: i64) -> bool {
        match self {
            Self::Datetime(codec) => codec.in_season(day),
            Self::Elapsed(codec) => codec.in_season(day),
            _ => true,
        }
    }

    /// True for times that follow each other at one distance, so that a row's is known once its family is.
    #[must_use]
    pub fn is_regular(&self) -> bool {
        matches!(self, Self::Elapsed(codec) if codec.is_regular())
    }

    /// The column of the context parent that values are counted from.
    #[must_use]
    pub fn counted_from_parent(&self) -> Option<ColumnId> {
        match self {
            Self::Elapsed(elapsed) => elapsed.base(),
            Self::Span(span) => match span.base() {
                SpanBase::Own(_) => None,
                SpanBase::Parent(column) => Some(column),
            },
            _ => None,
        }
    }

    /// The column of the same row that values are counted from.
    #[must_use]
    pub fn counted_from(&self) -> Option<ColumnId> {
        match self {
            Self::Span(span) => match span.base() {
                SpanBase::Own(column) => Some(column),
                SpanBase::Parent(_) => None,
            },
            _ => None,
        }
    }

    /// Lists every value of the source it keeps: constants, categories, exact atoms, the ends of ranges, keys of
    /// documents; with the entities that share each.
    /// Labels of an enum type are the schema's, not the data's. Edges between bins lie between rows and are not
    /// listed.
    #[must_use]
    pub fn kept(&self) -> Vec<Kept> {
        match self {
            Self::Constant(codec) => codec.kept(),
            Self::Categorical(codec) => codec.kept(),
            Self::Numeric(codec) => codec.kept(),
            Self::Datetime(codec) => codec.kept(),
            Self::Document(codec) => codec.kept(),
            Self::Place(codec) => codec.kept(),
            Self::Elapsed(codec) => codec.kept(),
            Self::Span(codec) => codec.kept(),
            Self::Presence(_) => Vec::new(),
        }
    }
}

impl ColumnCodec for Codec {
    fn sub_columns(&self) -> &[SubColumn] {
        self.inner().sub_columns()
    }

    fn encode(&self, column: &ArrayRef) -> Vec<Vec<u16>> {
        self.inner().encode(column)
    }

    fn decode(&self, tokens: &[&[u16]], random: &mut Stream) -> ArrayRef {
        self.inner().decode(tokens, random)
    }

    fn shares(&self, limit: &Limit, before: &[u16]) -> Vec<f32> {
        self.inner().shares(limit, before)
    }

    fn decode_within(&self, tokens: &[&[u16]], limit: &Limit, random: &mut Stream) -> ArrayRef {
        self.inner().decode_within(tokens, limit, random)
    }
}
