//! How often tokens met, and the shares that follow from it.

use crate::codec::SubColumn;

use super::{Evidence, FOLDS, Known, Reader};

/// Tokens an order needs to be spread along.
const LEAST_ORDERED: usize = 12;

/// Least share a token is taken to have.
pub(super) const LEAST_MARGINAL: f32 = 1e-6;

/// A share counted on few rows, mixed with the share known without them.
pub(super) fn mixed(count: f32, sum: f32, base: f32, prior: f64) -> f64 {
    (f64::from(count) + prior * f64::from(base.max(LEAST_MARGINAL))) / (f64::from(sum) + prior)
}

/// How often tokens met, per fold: `[FOLDS, lines, K]`.
pub(super) struct Counts {
    folds: Vec<f32>,
    pub(super) lines: usize,
    size: usize,
    /// Lines that differ in the last known token only.
    last_size: usize,
}

impl Counts {
    pub(super) fn of(
        reader: Reader<'_>,
        rows: &[(usize, usize)],
        column: usize,
        evidence: &Evidence,
    ) -> Self {
        let size = usize::from(reader.shape.sub_columns[column].size.max(1));
        let lines = evidence.lines();
        let mut folds = vec![0.0; FOLDS * lines * size];
        let dealt_by = evidence.dealt_by();
        for (family, row) in rows {
            let known = Known { reader, row: *row, family: *family };
            let Some(line) = evidence.line(|source| known.token(source)) else { continue };
            let fold = reader.fold(dealt_by, *family, *row);
            let target = usize::from(reader.rows.tokens[column][*row]);
            folds[(fold * lines + line as usize) * size + target] += 1.0;
        }
        Self { folds, lines, size, last_size: evidence.sources.last().map_or(1, |lookup| lookup.size) }
    }

    pub(super) fn line(&self, fold: usize, line: usize) -> &[f32] {
        &self.folds[(fold * self.lines + line) * self.size..][..self.size]
    }

    pub(super) fn total(&self) -> Vec<f32> {
        let cells = self.lines * self.size;
        (0..cells).map(|cell| (0..FOLDS).map(|fold| self.folds[fold * cells + cell]).sum()).collect()
    }

    /// Spreads counts to their neighbours along the order of the last known token and of the column.
    ///
    /// What is spread is the ratio to the column's own shares: a value that is frequent stays as frequent.
    pub(super) fn spread(&self, radius: usize, known: &[u16], along: &[u16]) -> Self {
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

    /// Nats a row that the known token says of the column, without what as many cells say by chance if the rows are
    /// no more than `witnesses`. Source: Miller, "Note on the bias of information estimates", 1955.
    pub(super) fn information(&self, witnesses: Option<usize>) -> f64 {
        let total = self.total();
        let sums = self.column_sums();
        let rows: f64 = sums.iter().map(|sum| f64::from(*sum)).sum();
        let (mut nats, mut cells, mut lines) = (0.0, 0.0, 0.0);
        for line in total.chunks_exact(self.size) {
            let of_line: f64 = line.iter().map(|count| f64::from(*count)).sum();
            lines += f64::from(u8::from(of_line > 0.0));
            for (count, sum) in line.iter().zip(&sums).filter(|(count, _)| **count > 0.0) {
                let count = f64::from(*count);
                nats += count * (count * rows / (of_line * f64::from(*sum))).ln();
                cells += 1.0;
            }
        }
        let tokens = sums.iter().filter(|sum| **sum > 0.0).count() as f64;
        let witnesses = witnesses.map_or(rows, |witnesses| rows.min(witnesses as f64)).max(1.0);
        nats / rows.max(1.0) - (cells - lines - tokens + 1.0) / (2.0 * witnesses)
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
    pub(super) fn shares(
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
pub(super) fn order(column: &SubColumn) -> Vec<u16> {
    if column.scalars.len() < LEAST_ORDERED {
        return Vec::new();
    }
    let mut tokens: Vec<u16> =
        (0..column.scalars.len() as u16).filter(|token| column.scalars[usize::from(*token)] != 0.0).collect();
    tokens.sort_by(|a, b| column.scalars[usize::from(*a)].total_cmp(&column.scalars[usize::from(*b)]));
    tokens
}
