//! Which tables a head reads: those that tell most about rows they were not counted on.

use crate::{
    codec::SubColumn,
    conditioning::{Message, MessageSource, Per},
    data::NO_ROW,
};

use super::{
    Counted, Evidence, FOLDS, Lookup, Reader, Source,
    counts::{Counts, LEAST_MARGINAL, mixed, order},
    rows_of,
};

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

/// Known tokens that are tried with every prior and spread: those that seem to tell most.
const MAX_SCREENED: usize = 24;

/// Nats per row another token of a table must gain, and its share of what the table gains without it.
const LEAST_MORE: f64 = 0.01;
const LEAST_MORE_SHARE: f64 = 0.03;

/// How many neighbours on either side counts are spread over, twice, where tokens have an order; chosen per table.
const SPREADS: [usize; 4] = [0, 1, 2, 4];

/// Work of choosing the tables: pairs of columns × rows looked at, and most rows.
const MAX_WORK: usize = 200_000_000;
const MAX_ROWS: usize = 50_000;

/// How many rows each message carries, where rows of the table under one of them share a fold of their own: not where
/// each family has its own, and not where the very rows will be there again.
fn carried(reader: Reader<'_>) -> Vec<Option<usize>> {
    let families = &reader.conditioning.families;
    let count = |message: &Message| {
        let MessageSource::Row { table, index } = &message.source else { return None };
        if message.copied {
            return None;
        }
        let mut seen = vec![false; table.row_count];
        for (entry, row) in index.iter().enumerate().filter(|(_, row)| **row != NO_ROW) {
            seen[*row as usize] |= message.per == Per::Row || !families.rows(entry).is_empty();
        }
        let rows = seen.iter().filter(|seen| **seen).count();
        let own = (0..families.len()).filter(|family| !families.rows(*family).is_empty()).count();
        (message.per == Per::Row || rows < own).then_some(rows)
    };
    reader.conditioning.messages.iter().map(count).collect()
}

/// Everything head `column` may look up.
fn candidates(reader: Reader<'_>, carried: &[Option<usize>], column: usize) -> Vec<Lookup> {
    let columns: Vec<&SubColumn> = reader.shape.given.iter().chain(&reader.shape.sub_columns).collect();
    let lookup = |source, known: &SubColumn| Lookup {
        source,
        size: usize::from(known.size.max(1)),
        order: order(known),
        prior: 0.0,
        spread: 0,
        carried: None,
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
            found.extend(columns.map(|(column, known)| Lookup {
                carried: carried[message],
                ..lookup(Source::Message { message, column }, known)
            }));
        }
    }
    let size = usize::from(reader.shape.sub_columns[column].size.max(1));
    found.retain(|lookup| lookup.size > 1 && lookup.size * size <= MAX_CELLS);
    found
}

/// Chooses the tables of every head: those that tell most about rows they were not counted on.
pub(in crate::generator) fn choose(counted: Counted<'_>, marginals: &[Vec<f32>]) -> Vec<Vec<Evidence>> {
    let reader = counted.reader;
    let carried = carried(reader);
    let all: Vec<Vec<Lookup>> =
        (0..reader.shape.sub_columns.len()).map(|column| candidates(reader, &carried, column)).collect();
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
        let mut scored: Vec<(f64, Evidence)> = self
            .screened(lookups)
            .into_iter()
            .filter_map(|lookup| self.with(&alone, lookup.clone()))
            .collect();
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

    /// The tokens that are worth a trial.
    fn screened<'b>(&self, lookups: &'b [Lookup]) -> Vec<&'b Lookup> {
        if lookups.len() <= MAX_SCREENED {
            return lookups.iter().collect();
        }
        let information = |lookup: &'b Lookup| {
            let evidence = Evidence { sources: vec![lookup.clone()] };
            let counts = Counts::of(self.reader, self.rows, self.column, &evidence);
            (counts.information(lookup.carried), lookup)
        };
        let mut all: Vec<(f64, &Lookup)> = lookups.iter().map(information).collect();
        all.sort_by(|a, b| b.0.total_cmp(&a.0));
        all.into_iter().take(MAX_SCREENED).map(|(_, lookup)| lookup).collect()
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
