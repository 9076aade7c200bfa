//! Values made of parts: JSON documents, arrays, sets, bit strings, durations, ranges, network addresses.
//!
//! A [`Syntax`] turns a text into a tree and back; a [`Node`] per place of the tree says which kinds of value stand
//! there and gives each the codec its kind has anywhere else. So a number in a document is binned like a number in a
//! column, and correlates with the columns beside it. A text that may not be kept leaves a hole
//! ([`crate::data::template`]) that its writer fills.

mod curves;
mod moment;
mod nested;
mod node;
mod part;
mod run;
mod scalar;
mod shape;
mod span;
mod syntax;
#[cfg(test)]
mod tests;
mod well_known;
mod words;
mod xml;

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, StringArray};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    privacy::{Guard, Kept},
    schema::{Column, DataType},
    seed::{Seed, Stream},
};

use super::{ColumnCodec, SubColumn, reading};
pub use node::WrittenTexts;
use node::{Fitting, Node, Slot};
use part::Cursor;
use syntax::Syntax;

/// Most sub-columns of a document; places beyond follow what was counted, one by one.
const BUDGET: usize = 48;
/// First elements of an array with sub-columns of their own, and first places of a bit string.
const ELEMENTS: usize = 4;
const BITS: usize = 32;
/// Documents looked at.
const DOCUMENTS_MAX: usize = 50_000;
/// Documents held parsed at a time.
const CHUNK: usize = 4096;
/// Documents tried.
const PROBES: usize = 64;
/// Draws of another document where one is longer than its column.
const TRIES: usize = 8;

/// A codec of documents, and what it does not hold.
#[derive(Debug)]
pub struct DocumentFit {
    /// The codec.
    pub codec: Document,
    /// Texts it leaves to a writer, by the number of their hole.
    pub written: Vec<WrittenTexts>,
    /// Values looked at that are not of the notation of the others: nothing is learned of them.
    pub unread: usize,
    /// Keys of too few entities: left out.
    pub rare_keys: usize,
    /// True if there are more places than sub-columns: some follow their own distribution.
    pub crowded: bool,
}

/// A column of documents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Document {
    sub_columns: Vec<SubColumn>,
    syntax: Syntax,
    root: Node,
    max_chars: Option<u32>,
}

impl Document {
    /// Fits to texts of a type made of parts, or to JSON documents in a text column (`json`). A key, label or number
    /// needs enough entities under `guard` to be kept. `is_category` says whether texts under a name are labels; all other
    /// texts are left to a writer, and returned. `None` if the values are of no known notation or nothing may be
    /// kept.
    #[must_use]
    pub fn fit(
        column: &Column,
        values: &ArrayRef,
        json: bool,
        guard: Guard<'_>,
        is_category: &dyn Fn(&str, &[&str]) -> bool,
    ) -> Option<DocumentFit> {
        let texts = reading::texts(values)?;
        let step = texts.len().div_ceil(DOCUMENTS_MAX).max(1);
        let sample: Vec<Option<&str>> = texts.iter().step_by(step).collect();
        let present: Vec<&str> = sample.iter().copied().flatten().collect();
        let syntax = Syntax::fit(column, &present, json)?;
        let documents: Vec<Option<Value>> =
            sample.iter().map(|text| text.and_then(|text| syntax.read(text))).collect();
        let slots: Vec<Slot<'_>> = documents
            .iter()
            .zip(&sample)
            .map(|(document, text)| match (document, text) {
                (Some(value), _) => Slot::Here(value),
                (None, None) => Slot::Absent,
                // Not of the notation: nothing is learned of it.
                (None, Some(_)) => Slot::Outside,
            })
            .collect();
        let owners: Vec<u32> = (0..slots.len()).map(|place| guard.owner(place * step)).collect();
        let declared = syntax.is_declared();
        let mut fitting = Fitting {
            least: if declared { 1 } else { guard.least() },
            is_category,
            shape: &syntax,
            elements: if syntax == Syntax::Bits { BITS } else { ELEMENTS },
            budget: BUDGET,
            written: Vec::new(),
            rare_keys: 0,
        };
        let root = Node::fit(&column.name, &slots, &owners, 0, &mut fitting)?;
        // All there is to know is whether there is a value: that is a writer's column.
        if root.is_unlearned() {
            return None;
        }
        let mut sub_columns = Vec::new();
        root.sub_columns("", &mut sub_columns);
        if sub_columns.is_empty() {
            // One token, so that a row of such columns alone is still a row.
            let name = column.name.clone();
            sub_columns.push(SubColumn {
                name,
                size: 1,
                scalars: Vec::new(),
                counts_children: false,
                one_hot: false,
            });
        }
        let max_chars = if let DataType::Text { max_chars } = column.data_type { max_chars } else { None };
        let Fitting { written, rare_keys, budget, .. } = fitting;
        let codec = Self { sub_columns, syntax, root, max_chars };
        // Nor is there anything to learn if all that was seen is too rare to be kept.
        if codec.forgets(&present) {
            return None;
        }
        Some(DocumentFit {
            codec,
            written,
            unread: slots.iter().filter(|slot| matches!(slot, Slot::Outside)).count(),
            rare_keys,
            crowded: budget == 0,
        })
    }

    /// True if nothing comes back of values that are there.
    fn forgets(&self, present: &[&str]) -> bool {
        let values: ArrayRef = Arc::new(StringArray::from_iter_values(present.iter().take(PROBES)));
        let tokens = self.encode(&values);
        let slices: Vec<&[u16]> = tokens.iter().map(Vec::as_slice).collect();
        let mut random = Seed(0).stream("document/probe", 0);
        !values.is_empty() && self.decode(&slices, &mut random).null_count() == values.len()
    }

    pub(super) fn kept(&self) -> Vec<Kept> {
        if self.syntax.is_declared() {
            return Vec::new();
        }
        let mut all = Vec::new();
        self.root.kept(&mut all);
        all
    }

    /// The text of a decoded document, short enough for the column.
    fn print(&self, value: &Value, random: &mut Stream) -> String {
        let text = self.syntax.print(value, random);
        let Some(max) = self.max_chars.map(|max| max as usize) else { return text };
        let mut text = text;
        for _ in 0..TRIES {
            if text.chars().count() <= max {
                return text;
            }
            let again = self.root.decode(&mut Cursor::none(), &[true], random).pop().flatten();
            text = self.syntax.print(&again.unwrap_or(Value::Null), random);
        }
        if text.chars().count() <= max { text } else { "{}".to_owned() }
    }
}

impl ColumnCodec for Document {
    fn sub_columns(&self) -> &[SubColumn] {
        &self.sub_columns
    }

    fn encode(&self, column: &ArrayRef) -> Vec<Vec<u16>> {
        let mut tokens: Vec<Vec<u16>> = vec![Vec::with_capacity(column.len()); self.sub_columns.len()];
        for start in (0..column.len()).step_by(CHUNK) {
            let part = column.slice(start, CHUNK.min(column.len() - start));
            let documents: Vec<Option<Value>> = match reading::texts(&part) {
                Some(texts) => texts.iter().map(|text| self.syntax.read(text?)).collect(),
                None => vec![None; part.len()],
            };
            let slots: Vec<Slot<'_>> =
                documents.iter().map(|document| document.as_ref().map_or(Slot::Absent, Slot::Here)).collect();
            let mut encoded = Vec::with_capacity(tokens.len());
            self.root.encode(&slots, &mut encoded);
            if encoded.is_empty() {
                encoded.push(vec![0; part.len()]);
            }
            for (all, more) in tokens.iter_mut().zip(encoded) {
                all.extend(more);
            }
        }
        tokens
    }

    fn decode(&self, tokens: &[&[u16]], random: &mut Stream) -> ArrayRef {
        let rows = tokens.first().map_or(0, |tokens| tokens.len());
        let documents = self.root.decode(&mut Cursor::new(tokens), &vec![true; rows], random);
        let texts = documents.iter().map(|document| document.as_ref().map(|value| self.print(value, random)));
        Arc::new(texts.collect::<StringArray>())
    }
}
