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
//! seem to foretell it.

mod choose;
mod counts;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    conditioning::{Message, MessageSource, Per, wave_start},
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
}

impl Evidence {
    /// Lines of its table.
    pub(super) fn lines(&self) -> usize {
        self.sources.iter().map(|lookup| lookup.size).product()
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
    given: &'a [Vec<u16>],
    own: &'a [Vec<u16>],
    messages: &'a [Message],
    row: usize,
    family: usize,
    previous: Option<usize>,
}

impl Known<'_> {
    fn token(&self, source: Source) -> Option<u16> {
        let column = |at: usize| self.given.get(at).unwrap_or_else(|| &self.own[at - self.given.len()]);
        match source {
            Source::Row(at) => Some(column(at)[self.row]),
            Source::Sibling(at) => self.previous.map(|previous| column(at)[previous]),
            Source::Message { message, column } => {
                message_token(&self.messages[message], column, self.family, self.row)
            }
        }
    }
}

/// The token of sub-column `column` of the row a message carries to a row; `None` if it carries none.
pub(super) fn message_token(message: &Message, column: usize, family: usize, row: usize) -> Option<u16> {
    let MessageSource::Row { table, index } = &message.source else { return None };
    let entry = if message.per == Per::Family { family } else { row };
    table.tokens[column].get(*index.get(entry)? as usize).copied()
}

impl Reader<'_> {
    /// The fold of a row: dealt as if at random, for rows may follow a rhythm of their own (five working days).
    pub(super) fn fold(&self, family: usize, row: usize) -> usize {
        let families = self.conditioning.families.len();
        let unit = if families >= LEAST_FAMILIES { family } else { row / STRETCH_ROWS };
        ((unit as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize % FOLDS
    }

    /// Known tokens as a reader of a training set finds them.
    fn known(&self, family: usize, row: usize) -> Known<'_> {
        let first = self.conditioning.families.rows(family).start;
        Known {
            given: self.conditioning.given.as_ref().map_or(&[], |given| &given.tokens),
            own: &self.rows.tokens,
            messages: &self.conditioning.messages,
            row,
            family,
            previous: self
                .shape
                .siblings
                .as_ref()
                .and_then(|_| wave_start(row - first).checked_sub(1))
                .map(|previous| first + previous),
        }
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
                let line = |(family, row): &(usize, usize)| {
                    let block = if held_out { FOLDS } else { self.fold(*family, *row) };
                    let known = self.known(*family, *row);
                    let line = evidence.line(|source| known.token(source));
                    line.map_or(LineHint::NONE, |line| (block * evidence.lines()) as u32 + line)
                };
                LineHint { table: Arc::clone(table), lines: rows.iter().map(line).collect() }
            })
            .collect()
    }
}
