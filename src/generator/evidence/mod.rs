//! What single tokens already known say about the next one: tables of log ratios, learnt by counting.
//!
//! A network learns from gradients, and on a thousand rows it stops long before it has learnt that two tokens never
//! meet. Counting knows that at once. So each head is handed, for the few known tokens that tell most about its column
//! (earlier in the row, of the previous sibling, of the parent), the line of `ln P(token | known) − ln P(token)`, and
//! learns when and how far to believe it: the network then learns what is left to say, starting from the best tree of
//! pairwise dependencies instead of from independence. Source of that start: Chow and Liu, "Approximating discrete
//! probability distributions with dependence trees", 1968.
//!
//! While training, a row reads the counts of the folds it is not in: with its own family counted in, rare tokens would
//! seem to foretell it. Tables looked up by what an ancestor or a linked parent has are counted without the rows under
//! that one, of whatever family: the rows to come have parents of their own.

mod choose;
mod counts;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    conditioning::{Message, MessageSource, Per},
    nn::LineHint,
};

use super::batches::{Reader, Window};

pub(super) use choose::choose;
use counts::{Counts, LEAST_MARGINAL, order};

/// Parts the families are dealt into.
const FOLDS: usize = 5;

/// Families from which families are dealt into folds; with fewer, stretches of rows are.
const LEAST_FAMILIES: usize = 20;
const STRETCH_ROWS: usize = 64;

/// Where a known token stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Source {
    /// In the row itself, counted over its given and its own tokens.
    Row(usize),
    /// In the previous sibling, counted likewise.
    Sibling(usize),
    /// In the row a message carries.
    Message {
        /// Which message.
        message: usize,
        /// Which of its sub-columns.
        column: usize,
    },
}

/// One table a head reads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Evidence {
    /// The tokens it is looked up by, the most telling first.
    pub sources: Vec<Lookup>,
}

/// One of the tokens a table is looked up by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Lookup {
    /// Where it stands.
    pub source: Source,
    /// Tokens of that vocabulary.
    pub size: usize,
    /// Its tokens that have a place on a line, in the order of their places; empty without one. Of no use once the
    /// tables are counted.
    #[serde(skip)]
    order: Vec<u16>,
    /// Rows that the shares without this token count as.
    prior: f64,
    /// Neighbours counts are spread over.
    spread: usize,
    /// How many rows the message carries that it stands in, if rows of this table under one of them must not be
    /// counted apart. Of no use once the tables are counted.
    #[serde(skip)]
    carried: Option<usize>,
}

impl Evidence {
    /// Lines of its table.
    pub(super) fn lines(&self) -> usize {
        self.sources.iter().map(|lookup| lookup.size).product()
    }

    /// The message whose rows are dealt into folds: of those it is looked up by, the one that carries the fewest.
    fn dealt_by(&self) -> Option<usize> {
        let messages = self.sources.iter().filter_map(|lookup| match lookup.source {
            Source::Message { message, .. } => Some((lookup.carried?, message)),
            Source::Row(_) | Source::Sibling(_) => None,
        });
        messages.min().map(|(_, message)| message)
    }

    /// The line of known tokens; `None` if one of them is not known.
    pub(super) fn line(&self, mut token: impl FnMut(Source) -> Option<u16>) -> Option<u32> {
        self.sources
            .iter()
            .try_fold(0, |line, lookup| Some(line * lookup.size as u32 + u32::from(token(lookup.source)?)))
    }
}

/// The tables of all heads: per head and evidence, blocks of `[K_source, K]`.
///
/// In training block `f` is counted without fold `f`, and block [`FOLDS`] over all training rows. A fitted generator
/// has one block, counted over all rows.
pub(super) type Tables = Vec<Vec<Arc<Vec<f32>>>>;

/// Which rows a table is counted on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counted<'a> {
    /// Their tokens and conditioning.
    pub reader: Reader<'a>,
    /// The windows of them.
    pub windows: &'a [Window],
}

/// One row's known tokens.
struct Known<'a> {
    reader: Reader<'a>,
    row: usize,
    family: usize,
}

impl Known<'_> {
    fn token(&self, source: Source) -> Option<u16> {
        match source {
            Source::Row(at) => Some(self.column(at)[self.row]),
            Source::Sibling(at) => self.previous().map(|previous| self.column(at)[previous]),
            Source::Message { message, column } => {
                message_token(&self.reader.conditioning.messages[message], column, self.family, self.row)
            }
        }
    }

    fn column(&self, at: usize) -> &[u16] {
        let given = self.reader.conditioning.given.as_ref().map_or(&[][..], |given| &given.tokens);
        given.get(at).unwrap_or_else(|| &self.reader.rows.tokens[at - given.len()])
    }

    /// The sibling before, as sampling knows it.
    fn previous(&self) -> Option<usize> {
        let rows = self.reader.conditioning.families.rows(self.family);
        let course = self.reader.shape.siblings.as_ref()?.course(rows.len());
        course.previous(self.row - rows.start).map(|previous| rows.start + previous)
    }
}

/// The token of sub-column `column` of the row a message carries to a row; `None` if it carries none.
pub(super) fn message_token(message: &Message, column: usize, family: usize, row: usize) -> Option<u16> {
    let MessageSource::Row { table, .. } = &message.source else { return None };
    table.tokens[column].get(carried_row(message, family, row)? as usize).copied()
}

/// The row a message carries to a row.
fn carried_row(message: &Message, family: usize, row: usize) -> Option<u32> {
    let MessageSource::Row { index, .. } = &message.source else { return None };
    index.get(if message.per == Per::Family { family } else { row }).copied()
}

impl Reader<'_> {
    /// The fold of a row: dealt as if at random, for rows may follow a rhythm of their own (five working days).
    ///
    /// Rows under one row of a message that evidence is `dealt_by` share a fold: the rows that it will carry are others,
    /// and what a table knows of one alone would be said of whichever looks like it.
    pub(super) fn fold(&self, dealt_by: Option<usize>, family: usize, row: usize) -> usize {
        let families = self.conditioning.families.len();
        let unit = match dealt_by {
            Some(message) => {
                carried_row(&self.conditioning.messages[message], family, row).map_or(0, |row| row as usize)
            }
            None if families >= LEAST_FAMILIES => family,
            None => row / STRETCH_ROWS,
        };
        ((unit as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize % FOLDS
    }
}

/// Family and row of every row of some windows.
fn rows_of(windows: &[Window]) -> Vec<(usize, usize)> {
    windows.iter().flat_map(|window| window.rows.clone().map(|row| (window.family as usize, row))).collect()
}

/// Counts the tables training reads: one block per fold, and one of all `counted` rows.
pub(super) fn training_tables(counted: Counted<'_>, marginals: &[Vec<f32>]) -> Tables {
    tables(counted, marginals, &(0..FOLDS).map(Some).chain([None]).collect::<Vec<_>>())
}

/// Counts the tables of a fitted generator.
pub(super) fn fitted_tables(counted: Counted<'_>, marginals: &[Vec<f32>]) -> Tables {
    tables(counted, marginals, &[None])
}

fn tables(counted: Counted<'_>, marginals: &[Vec<f32>], blocks: &[Option<usize>]) -> Tables {
    let rows = rows_of(counted.windows);
    let heads = counted.reader.shape.evidence.iter().enumerate();
    heads
        .map(|(column, evidence)| {
            let table = |evidence: &Evidence| {
                let counts = Counts::of(counted.reader, &rows, column, evidence);
                let along = order(&counted.reader.shape.sub_columns[column]);
                let marginal = &marginals[column];
                let mut table = Vec::new();
                for block in blocks {
                    for line in counts.shares(evidence, *block, marginal, &along) {
                        let pairs = line.iter().zip(marginal);
                        table.extend(
                            pairs.map(|(share, marginal)| (share / marginal.max(LEAST_MARGINAL)).ln()),
                        );
                    }
                }
                Arc::new(table)
            };
            evidence.iter().map(table).collect()
        })
        .collect()
}

impl Reader<'_> {
    /// The lines rows of a training set read of head `column`'s tables. `held_out` rows read the block of all
    /// training rows.
    pub(super) fn lines(
        &self,
        tables: &Tables,
        column: usize,
        rows: &[(usize, usize)],
        held_out: bool,
    ) -> Vec<LineHint> {
        let evidence = self.shape.evidence[column].iter().zip(&tables[column]);
        evidence
            .map(|(evidence, table)| {
                let dealt_by = evidence.dealt_by();
                let line = |(family, row): &(usize, usize)| {
                    let apart = held_out && dealt_by.is_none();
                    let block = if apart { FOLDS } else { self.fold(dealt_by, *family, *row) };
                    let known = Known { reader: *self, row: *row, family: *family };
                    let line = evidence.line(|source| known.token(source));
                    line.map_or(LineHint::NONE, |line| (block * evidence.lines()) as u32 + line)
                };
                LineHint { table: Arc::clone(table), lines: rows.iter().map(line).collect() }
            })
            .collect()
    }
}
