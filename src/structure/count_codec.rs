//! Child counts ⇄ tokens.

use std::collections::BTreeMap;

use rand::RngExt;
use serde::{Deserialize, Serialize};

use crate::{codec::SubColumn, normal::normal_quantile, seed::Stream};

/// Largest count with a token of its own without being frequent.
const EXACT_MAX: u32 = 64;
/// Fewest parents a larger count needs to be kept exactly.
const ATOM_ROWS: usize = 5;
/// … and the share of parents.
const ATOM_SHARE: f64 = 0.005;
/// Each bin above [`EXACT_MAX`] ends at this multiple of its start.
const BIN_RATIO: f64 = 1.25;
/// Order statistics kept per bin.
const KNOTS: usize = 9;

/// One token's counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Bin {
    /// Ascending order statistics of the counts inside, first to last; one entry for an exact count.
    knots: Vec<u32>,
    /// Mean count inside.
    mean: f32,
    /// Parents seen.
    rows: u32,
}

/// Turns child counts into tokens and back: exact tokens for the counts seen up to 64 and for frequent larger
/// ones, log-spaced bins with the observed spread for the rest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CountCodec {
    /// Ascending and disjoint; never empty.
    bins: Vec<Bin>,
}

impl CountCodec {
    /// Learns the tokens from the child count of every parent.
    #[must_use]
    pub fn fit(counts: &[u32]) -> Self {
        let mut frequency = BTreeMap::<u32, usize>::new();
        for count in counts {
            *frequency.entry(*count).or_default() += 1;
        }
        let atom_rows = ATOM_ROWS.max((ATOM_SHARE * counts.len() as f64).ceil() as usize);
        // A table with few distinct counts keeps them all where they repeat (all parents have 334 children).
        let mut bins: Vec<Bin> = Vec::new();
        let mut open: Vec<(u32, usize)> = Vec::new();
        for (count, rows) in frequency {
            if count <= EXACT_MAX || rows >= atom_rows {
                close(&mut open, &mut bins);
                bins.push(Bin { knots: vec![count], mean: count as f32, rows: rows as u32 });
                continue;
            }
            let start = open.first().map_or(count, |(first, _)| *first);
            if f64::from(count) > f64::from(start) * BIN_RATIO {
                close(&mut open, &mut bins);
            }
            open.push((count, rows));
        }
        close(&mut open, &mut bins);
        if bins.is_empty() {
            bins.push(Bin { knots: vec![0], mean: 0.0, rows: 0 });
        }
        Self { bins }
    }

    /// Number of tokens.
    #[must_use]
    pub fn size(&self) -> u16 {
        u16::try_from(self.bins.len()).unwrap_or(u16::MAX)
    }

    /// The sub-column these tokens are: ordered by count, normal scores as scalars.
    #[must_use]
    pub fn sub_column(&self, name: impl Into<String>) -> SubColumn {
        let total: f64 = self.bins.iter().map(|bin| f64::from(bin.rows)).sum::<f64>().max(1.0);
        let mut below = 0.0;
        let scalars = self
            .bins
            .iter()
            .map(|bin| {
                let rank = (below + f64::from(bin.rows) / 2.0) / total;
                below += f64::from(bin.rows);
                normal_quantile(rank.clamp(1e-4, 1.0 - 1e-4)) as f32
            })
            .collect();
        SubColumn { name: name.into(), size: self.size(), scalars, counts_children: true, one_hot: true }
    }

    /// The token of each count; a count never seen takes the nearest token.
    #[must_use]
    pub fn encode(&self, counts: &[u32]) -> Vec<u16> {
        counts.iter().map(|count| self.token(*count)).collect()
    }

    /// How many of `parents` parents are due each token.
    pub(super) fn due(&self, parents: usize) -> Vec<f64> {
        let rows: f64 = self.bins.iter().map(|bin| f64::from(bin.rows)).sum();
        self.bins.iter().map(|bin| f64::from(bin.rows) * parents as f64 / rows.max(1.0)).collect()
    }

    /// The token of a count.
    pub(super) fn token(&self, count: u32) -> u16 {
        let after = self.bins.partition_point(|bin| bin.low() <= count);
        let below = after.saturating_sub(1);
        let distance = |index: usize| match &self.bins[index] {
            bin if count < bin.low() => bin.low() - count,
            bin => count.saturating_sub(bin.high()),
        };
        let nearest =
            if after < self.bins.len() && distance(after) < distance(below) { after } else { below };
        nearest as u16
    }

    /// The mean count behind a token: the stubs a parent is expected to have.
    #[must_use]
    pub fn expected(&self, token: u16) -> f32 {
        self.bin(token).mean
    }

    /// A count behind a token: the exact one, or one drawn inside the bin.
    pub fn decode(&self, token: u16, random: &mut Stream) -> u32 {
        let bin = self.bin(token);
        let [first, .., last] = bin.knots.as_slice() else { return bin.low() };
        let place = random.random::<f64>() * (bin.knots.len() - 1) as f64;
        let index = (place as usize).min(bin.knots.len() - 2);
        let (low, high) = (f64::from(bin.knots[index]), f64::from(bin.knots[index + 1]));
        let count = (low + (high - low) * (place - index as f64)).round() as u32;
        count.clamp(*first, *last)
    }

    /// The mean count of all parents it was fitted to.
    #[must_use]
    pub fn mean(&self) -> f64 {
        let rows: f64 = self.bins.iter().map(|bin| f64::from(bin.rows)).sum();
        let children: f64 = self.bins.iter().map(|bin| f64::from(bin.rows) * f64::from(bin.mean)).sum();
        if rows > 0.0 { children / rows } else { 0.0 }
    }

    /// A token, as often as parents had it.
    pub fn any(&self, random: &mut Stream) -> u16 {
        let rows: u64 = self.bins.iter().map(|bin| u64::from(bin.rows)).sum();
        let mut at = random.random_range(0..rows.max(1));
        let found = self.bins.iter().position(|bin| {
            let here = at < u64::from(bin.rows);
            at = at.saturating_sub(u64::from(bin.rows));
            here
        });
        found.unwrap_or(0) as u16
    }

    /// True if the token stands for one count only.
    #[must_use]
    pub fn is_exact(&self, token: u16) -> bool {
        self.bin(token).knots.len() == 1
    }

    /// The largest count seen.
    #[must_use]
    pub fn largest(&self) -> u32 {
        self.bins.last().map_or(0, Bin::high)
    }

    /// The bin of a token; a token of another vocabulary counts as the last.
    fn bin(&self, token: u16) -> &Bin {
        &self.bins[usize::from(token).min(self.bins.len() - 1)]
    }
}

impl Bin {
    fn low(&self) -> u32 {
        self.knots.first().copied().unwrap_or(0)
    }

    fn high(&self) -> u32 {
        self.knots.last().copied().unwrap_or(0)
    }
}

/// Turns the counts gathered so far into one bin.
fn close(open: &mut Vec<(u32, usize)>, bins: &mut Vec<Bin>) {
    let rows: usize = open.iter().map(|(_, rows)| rows).sum();
    if rows == 0 {
        return;
    }
    let sum: f64 = open.iter().map(|(count, rows)| f64::from(*count) * *rows as f64).sum();
    let expanded: Vec<u32> =
        open.iter().flat_map(|(count, rows)| std::iter::repeat_n(*count, *rows)).collect();
    let knots = if open.len() == 1 {
        vec![open[0].0]
    } else {
        let last = KNOTS.min(expanded.len()).max(2) - 1;
        (0..=last).map(|knot| expanded[knot * (expanded.len() - 1) / last]).collect()
    };
    bins.push(Bin { knots, mean: (sum / rows as f64) as f32, rows: rows as u32 });
    open.clear();
}
