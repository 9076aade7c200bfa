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

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    codec::SubColumn,
    conditioning::{Message, MessageSource, Per, wave_start},
    nn::LineHint,
};

use super::batches::{Reader, Window};

/// Parts the families are dealt into.
const FOLDS: usize = 5;

/// Families from which families are dealt into folds; with fewer, stretches of rows are.
const LEAST_FAMILIES: usize = 20;
const STRETCH_ROWS: usize = 64;

/// Most tables per head.
const MAX_PER_HEAD: usize = 3;

/// Most entries of a table.
const MAX_CELLS: usize = 1 << 16;

/// Nats per row a table must gain on rows it was not counted on, and its share of the best one's gain.
const LEAST_GAIN: f64 = 0.004;
const LEAST_SHARE: f64 = 0.05;

/// How many rows the marginal shares count as; chosen per table.
const PRIORS: [f64; 4] = [0.3, 2.0, 10.0, 50.0];

/// Known tokens looked up together at most, and how many of the best single ones are tried in company.
const MAX_TOGETHER: usize = 3;
const MAX_TRIED: usize = 12;

/// Nats per row another token of a table must gain, and its share of what the table gains without it.
const LEAST_MORE: f64 = 0.01;
const LEAST_MORE_SHARE: f64 = 0.03;

/// How many neighbours on either side counts are spread over, twice, where tokens have an order; chosen per table.
const SPREADS: [usize; 4] = [0, 1, 2, 4];

/// Tokens an order needs to be spread along.
const LEAST_ORDERED: usize = 12;

/// Work of choosing the tables: pairs of columns × rows looked at, and most rows.
const MAX_WORK: usize = 200_000_000;
const MAX_ROWS: usize = 50_000;

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

/// Everything head `column` may look up.
fn candidates(reader: Reader<'_>, column: usize) -> Vec<Lookup> {
    let columns: Vec<&SubColumn> = reader.shape.given.iter().chain(&reader.shape.sub_columns).collect();
    let lookup = |source, known: &SubColumn| Lookup {
        source,
        size: usize::from(known.size.max(1)),
        order: order(known),
        prior: 0.0,
        spread: 0,
    };
    let before = reader.shape.given.len() + column;
    let mut found: Vec<Lookup> =
        columns[..before].iter().enumerate().map(|(at, known)| lookup(Source::Row(at), known)).collect();
    if reader.shape.siblings.is_some() {
        found.extend(columns.iter().enumerate().map(|(at, known)| lookup(Source::Sibling(at), known)));
    }
    for (message, relation) in reader.conditioning.messages.iter().enumerate() {
        if let MessageSource::Row { table, .. } = &relation.source {
            let columns = table.sub_columns.iter().enumerate();
            found.extend(columns.map(|(column, known)| lookup(Source::Message { message, column }, known)));
        }
    }
    let size = usize::from(reader.shape.sub_columns[column].size.max(1));
    found.retain(|lookup| lookup.size > 1 && lookup.size * size <= MAX_CELLS);
    found
}

/// Chooses the tables of every head: those that tell most about rows they were not counted on.
pub(super) fn choose(counted: Counted<'_>, marginals: &[Vec<f32>]) -> Vec<Vec<Evidence>> {
    let reader = counted.reader;
    let all: Vec<Vec<Lookup>> =
        (0..reader.shape.sub_columns.len()).map(|column| candidates(reader, column)).collect();
    let pairs: usize = all.iter().map(Vec::len).sum();
    let rows = rows_of(counted.windows);
    let most = (MAX_WORK / pairs.max(1)).clamp(1, MAX_ROWS);
    let stride = rows.len().div_ceil(most).max(1);
    let rows: Vec<(usize, usize)> = rows.into_iter().step_by(stride).collect();
    let choice = |(column, lookups): (usize, &Vec<Lookup>)| {
        let head = Head { reader, rows: &rows, column, marginal: &marginals[column] };
        head.choose(lookups)
    };
    all.iter().enumerate().map(choice).collect()
}

/// The column tables are chosen for, and the rows they are tried on.
struct Head<'a> {
    reader: Reader<'a>,
    rows: &'a [(usize, usize)],
    column: usize,
    marginal: &'a [f32],
}

impl Head<'_> {
    fn choose(&self, lookups: &[Lookup]) -> Vec<Evidence> {
        let alone = Evidence { sources: Vec::new() };
        let mut scored: Vec<(f64, Evidence)> =
            lookups.iter().filter_map(|lookup| self.with(&alone, lookup.clone())).collect();
        scored.sort_by(|a, b| b.0.total_cmp(&a.0));
        let Some((mut gain, mut best)) = scored.first().cloned() else { return Vec::new() };
        let size = self.marginal.len();
        while best.sources.len() < MAX_TOGETHER {
            let tried = scored.iter().take(MAX_TRIED).map(|(_, single)| single.sources[0].clone());
            let further = tried
                .filter(|lookup| best.sources.iter().all(|known| known.source != lookup.source))
                .filter(|lookup| best.lines() * lookup.size * size <= MAX_CELLS)
                .filter_map(|lookup| self.with(&best, lookup))
                .max_by(|a, b| a.0.total_cmp(&b.0));
            match further {
                Some((more, longer)) if more - gain >= LEAST_MORE.max(LEAST_MORE_SHARE * gain) => {
                    (gain, best) = (more, longer);
                }
                _ => break,
            }
        }
        let enough = |gain: f64| gain >= LEAST_GAIN.max(LEAST_SHARE * scored[0].0);
        if !enough(gain) {
            return Vec::new();
        }
        let singles = scored
            .iter()
            .filter(|(gain, single)| enough(*gain) && single.sources[0].source != best.sources[0].source)
            .map(|(_, single)| single.clone());
        std::iter::once(best.clone()).chain(singles).take(MAX_PER_HEAD).collect()
    }

    /// Tries a table looked up by one more token, under the best prior and spread: nats per row it gains in all.
    fn with(&self, before: &Evidence, lookup: Lookup) -> Option<(f64, Evidence)> {
        let mut longer = before.clone();
        longer.sources.push(lookup.clone());
        let counts = Counts::of(self.reader, self.rows, self.column, &longer);
        let base =
            (!before.sources.is_empty()).then(|| Counts::of(self.reader, self.rows, self.column, before));
        let along = order(&self.reader.shape.sub_columns[self.column]);
        let ordered = !lookup.order.is_empty() || !along.is_empty();
        // A further token keeps the spread that was best for it alone.
        let alone = before.sources.is_empty();
        let spreads = match (ordered, alone) {
            (true, true) => &SPREADS[..],
            (true, false) => std::slice::from_ref(&lookup.spread),
            (false, _) => &SPREADS[..1],
        };
        let mut best: Option<(f64, f64, usize)> = None;
        for spread in spreads {
            let spread_counts = counts.spread(*spread, &lookup.order, &along);
            for (gain, prior) in self.gains(&counts, &spread_counts, base.as_ref(), before, &along) {
                if best.is_none_or(|(most, ..)| gain > most) {
                    best = Some((gain, prior, *spread));
                }
            }
        }
        let (gain, prior, spread) = best.filter(|(gain, ..)| *gain > 0.0)?;
        let last = longer.sources.last_mut()?;
        (last.prior, last.spread) = (prior, spread);
        Some((gain, longer))
    }

    /// Nats per row gained on rows of folds not counted, per prior.
    fn gains(
        &self,
        counts: &Counts,
        spread: &Counts,
        base: Option<&Counts>,
        before: &Evidence,
        along: &[u16],
    ) -> Vec<(f64, f64)> {
        let size = self.marginal.len();
        let mut gains = [0.0_f64; PRIORS.len()];
        let total = spread.total();
        let marginal = vec![self.marginal.to_vec()];
        for fold in 0..FOLDS {
            let bases = match base {
                Some(base) => base.shares(before, Some(fold), self.marginal, along),
                None => marginal.clone(),
            };
            let lines_per_base = counts.lines / bases.len();
            for line in 0..counts.lines {
                let own = counts.line(fold, line);
                if own.iter().all(|count| *count == 0.0) {
                    continue;
                }
                let base = &bases[line / lines_per_base];
                let others: Vec<f32> = total[line * size..][..size]
                    .iter()
                    .zip(spread.line(fold, line))
                    .map(|(all, own)| (all - own).max(0.0))
                    .collect();
                let sum: f32 = others.iter().sum();
                for (token, count) in own.iter().enumerate().filter(|(_, count)| **count > 0.0) {
                    let marginal = f64::from(self.marginal[token].max(LEAST_MARGINAL));
                    for (gain, prior) in gains.iter_mut().zip(PRIORS) {
                        let share = mixed(others[token], sum, base[token], prior);
                        *gain += f64::from(*count) * (share / marginal).ln();
                    }
                }
            }
        }
        gains.iter().zip(PRIORS).map(|(gain, prior)| (gain / self.rows.len().max(1) as f64, prior)).collect()
    }
}

/// Least share a token is taken to have.
const LEAST_MARGINAL: f32 = 1e-6;

/// A share counted on few rows, mixed with the share known without them.
fn mixed(count: f32, sum: f32, base: f32, prior: f64) -> f64 {
    (f64::from(count) + prior * f64::from(base.max(LEAST_MARGINAL))) / (f64::from(sum) + prior)
}

/// Family and row of every row of some windows.
fn rows_of(windows: &[Window]) -> Vec<(usize, usize)> {
    windows.iter().flat_map(|window| window.rows.clone().map(|row| (window.family as usize, row))).collect()
}

/// How often tokens met, per fold: `[FOLDS, lines, K]`.
struct Counts {
    folds: Vec<f32>,
    lines: usize,
    size: usize,
    /// Lines that differ in the last known token only.
    last_size: usize,
}

impl Counts {
    fn of(reader: Reader<'_>, rows: &[(usize, usize)], column: usize, evidence: &Evidence) -> Self {
        let size = usize::from(reader.shape.sub_columns[column].size.max(1));
        let lines = evidence.lines();
        let mut folds = vec![0.0; FOLDS * lines * size];
        for (family, row) in rows {
            let known = reader.known(*family, *row);
            let Some(line) = evidence.line(|source| known.token(source)) else { continue };
            let fold = reader.fold(*family, *row);
            let target = usize::from(reader.rows.tokens[column][*row]);
            folds[(fold * lines + line as usize) * size + target] += 1.0;
        }
        Self { folds, lines, size, last_size: evidence.sources.last().map_or(1, |lookup| lookup.size) }
    }

    fn line(&self, fold: usize, line: usize) -> &[f32] {
        &self.folds[(fold * self.lines + line) * self.size..][..self.size]
    }

    fn total(&self) -> Vec<f32> {
        let cells = self.lines * self.size;
        (0..cells).map(|cell| (0..FOLDS).map(|fold| self.folds[fold * cells + cell]).sum()).collect()
    }

    /// Spreads counts to their neighbours along the order of the last known token and of the column.
    ///
    /// What is spread is the ratio to the column's own shares: a value that is frequent stays as frequent.
    fn spread(&self, radius: usize, known: &[u16], along: &[u16]) -> Self {
        let mut folds = self.folds.clone();
        if radius == 0 {
            return Self { folds, ..*self };
        }
        let before = self.column_sums();
        let places: Vec<usize> = along.iter().map(|token| usize::from(*token)).collect();
        for line in folds.chunks_exact_mut(self.size) {
            blur(line, &places, radius);
        }
        let after = Self { folds: folds.clone(), ..*self }.column_sums();
        let back: Vec<f32> =
            before.iter().zip(&after).map(|(b, a)| if *a > 0.0 { b / a } else { 0.0 }).collect();
        for line in folds.chunks_exact_mut(self.size) {
            line.iter_mut().zip(&back).for_each(|(count, back)| *count *= back);
        }
        // Lines of the last known token stand together; those of the tokens before it are apart.
        for block in folds.chunks_exact_mut(self.last_size * self.size) {
            for token in 0..self.size {
                let places: Vec<usize> =
                    known.iter().map(|line| usize::from(*line) * self.size + token).collect();
                blur(block, &places, radius);
            }
        }
        Self { folds, ..*self }
    }

    fn column_sums(&self) -> Vec<f32> {
        let mut sums = vec![0.0; self.size];
        for line in self.folds.chunks_exact(self.size) {
            sums.iter_mut().zip(line).for_each(|(sum, count)| *sum += count);
        }
        sums
    }

    /// Shares of the column's tokens per line, counted without `fold` (`None`: over all folds), each token of the
    /// evidence mixed with what is known without it.
    fn shares(
        &self,
        evidence: &Evidence,
        fold: Option<usize>,
        marginal: &[f32],
        along: &[u16],
    ) -> Vec<Vec<f32>> {
        let mut shares = vec![marginal.to_vec()];
        let mut lines = 1;
        for lookup in &evidence.sources {
            lines *= lookup.size;
            let counts = self.summed_to(lines, lookup.size).spread(lookup.spread, &lookup.order, along);
            let total = counts.total();
            shares = (0..lines)
                .map(|line| {
                    let base = &shares[line / lookup.size];
                    let own = fold.map(|fold| counts.line(fold, line));
                    let count = |token: usize| {
                        (total[line * self.size + token] - own.map_or(0.0, |own| own[token])).max(0.0)
                    };
                    let sum: f32 = (0..self.size).map(count).sum();
                    (0..self.size)
                        .map(|token| mixed(count(token), sum, base[token], lookup.prior) as f32)
                        .collect()
                })
                .collect();
        }
        shares
    }

    /// The counts under the first tokens of the evidence alone, which make `lines` lines.
    fn summed_to(&self, lines: usize, last: usize) -> Self {
        let merged = self.lines / lines;
        let mut folds = vec![0.0; FOLDS * lines * self.size];
        for (index, line) in self.folds.chunks_exact(self.size).enumerate() {
            let target = &mut folds[index / merged * self.size..][..self.size];
            target.iter_mut().zip(line).for_each(|(sum, count)| *sum += count);
        }
        Self { folds, lines, size: self.size, last_size: last }
    }
}

/// Replaces the entries at `places` by their means over `radius` neighbours on either side, twice over.
fn blur(values: &mut [f32], places: &[usize], radius: usize) {
    if places.len() < 2 {
        return;
    }
    let mut sums = vec![0.0_f64; places.len() + 1];
    for _ in 0..2 {
        for (at, place) in places.iter().enumerate() {
            sums[at + 1] = sums[at] + f64::from(values[*place]);
        }
        for (at, place) in places.iter().enumerate() {
            let (from, to) = (at.saturating_sub(radius), (at + radius + 1).min(places.len()));
            values[*place] = ((sums[to] - sums[from]) / (to - from) as f64) as f32;
        }
    }
}

/// Tokens in the order of their places on the line, without those that have none (a null is put at 0); empty for a
/// vocabulary that is short or has no line.
fn order(column: &SubColumn) -> Vec<u16> {
    if column.scalars.len() < LEAST_ORDERED {
        return Vec::new();
    }
    let mut tokens: Vec<u16> =
        (0..column.scalars.len() as u16).filter(|token| column.scalars[usize::from(*token)] != 0.0).collect();
    tokens.sort_by(|a, b| column.scalars[usize::from(*a)].total_cmp(&column.scalars[usize::from(*b)]));
    tokens
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
