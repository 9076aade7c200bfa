//! Rows under a condition: tokens restricted, and the columns before them drawn to suit.
//!
//! An autoregressive model draws from left to right, so restricting a late column alone would leave the earlier ones
//! as if nothing had been said. Sequential importance resampling mends that: several candidates of a row are drawn
//! with the restricted columns renormalised, each weighs what the model gave to the allowed tokens on its way, and
//! one is kept in proportion to its weight. With more candidates that tends to the model's own conditional
//! distribution. Source: Doucet, de Freitas and Gordon, "Sequential Monte Carlo methods in practice", 2001, chapter 1.

use std::collections::BTreeMap;

use candle_core::{Device, Result, Tensor};
use rand::{Rng, RngExt};

use crate::{nn::fast_exp, seed::Stream};

use super::{sample::draw_token, strata::unit, walk::Steps};

/// Candidate rows that go through the network together.
const CANDIDATE_ROWS: usize = 2048;

/// Log-weight of a candidate that the model holds impossible: any other is kept before it.
const HOPELESS: f64 = -1e6;

/// Share of each token of a sub-column that may be, given the row's tokens of the same column before it.
pub type Shares<'a> = Box<dyn Fn(&[u16]) -> Vec<f32> + Send + Sync + 'a>;

/// Completes the scores of a column: `(column, (place, row), drawn, gates, scores)` of the row at `place`, of which
/// the columns before stand at `row` among the `drawn`.
pub(super) type Hint<'a> = dyn Fn(usize, (usize, usize), &[Vec<u16>], &[f32], &mut [f32]) + 'a;

/// What rows are drawn under.
#[derive(Clone, Copy)]
pub(super) struct Under<'a> {
    pub(super) steps: &'a Steps<'a>,
    /// The vector of each row, `[N, C]`.
    pub(super) context: &'a Tensor,
    /// What siblings and known tokens hint.
    pub(super) hint: &'a Hint<'a>,
    /// The rows, counted over the whole table.
    pub(super) rows: &'a [u32],
}

/// What one sub-column may hold.
pub struct TokenLimit<'a> {
    /// The first sub-column of the same column.
    pub first: usize,
    /// Share of each token that may be, given the row's tokens from `first` on.
    pub shares: Shares<'a>,
    /// Tokens that rows have already, by row; they are kept, and the others drawn to suit them.
    pub known: Option<Vec<Option<u16>>>,
}

impl std::fmt::Debug for TokenLimit<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenLimit").field("first", &self.first).finish_non_exhaustive()
    }
}

/// What the sub-columns of a table's rows may hold.
#[derive(Debug)]
pub struct Restriction<'a> {
    /// One entry per sub-column of the generator; `None` is free.
    pub limits: Vec<Option<TokenLimit<'a>>>,
    /// Candidates drawn per row.
    pub candidates: usize,
}

impl Restriction<'_> {
    /// Sub-columns up to the last one that is restricted.
    fn reach(&self) -> usize {
        self.limits.iter().rposition(Option::is_some).map_or(0, |last| last + 1)
    }

    /// Draws tokens for rows: tokens, column by column.
    pub(super) fn draw(&self, under: Under<'_>, random: &mut Stream) -> Result<Vec<Vec<u16>>> {
        let Under { steps, context, hint, rows } = under;
        let (reach, columns) = (self.reach(), steps.count());
        // The first column's weight is the same for all candidates of a row.
        let candidates = if reach <= 1 { 1 } else { self.candidates.max(1) };
        let mut settled: Vec<Vec<u16>> = vec![vec![0; rows.len()]; reach];
        let mut open = Vec::with_capacity(rows.len());
        for (place, row) in rows.iter().enumerate() {
            match self.known(*row as usize, reach) {
                Some(known) => {
                    settled.iter_mut().zip(known).for_each(|(column, token)| column[place] = token);
                }
                None => open.push(place),
            }
        }
        for places in open.chunks((CANDIDATE_ROWS / candidates).max(1)) {
            let drawn = self.candidates(under, places, candidates, random)?;
            for (settled, drawn) in settled.iter_mut().zip(drawn) {
                places.iter().zip(drawn).for_each(|(place, token)| settled[*place] = token);
            }
        }
        if reach == columns {
            return Ok(settled);
        }
        let hint = |column: usize, row: usize, drawn: &[Vec<u16>], gates: &[f32], scores: &mut [f32]| {
            hint(column, (row, row), drawn, gates, scores);
        };
        steps.walk(context, columns, hint, |column, row, _, scores| match settled.get(column) {
            Some(settled) => settled[row],
            None => draw_token(scores, unit(random)),
        })
    }

    /// The tokens of a row of which nothing is left to draw.
    fn known(&self, row: usize, reach: usize) -> Option<Vec<u16>> {
        let token = |limit: &Option<TokenLimit<'_>>| *limit.as_ref()?.known.as_ref()?.get(row)?;
        self.limits[..reach].iter().map(token).collect()
    }

    /// Draws the candidates of the rows at some places and keeps one of each.
    fn candidates(
        &self,
        under: Under<'_>,
        places: &[usize],
        candidates: usize,
        random: &mut Stream,
    ) -> Result<Vec<Vec<u16>>> {
        let Under { steps, context, hint, rows } = under;
        let reach = self.reach();
        let count = places.len() * candidates;
        let index: Vec<u32> =
            places.iter().flat_map(|place| std::iter::repeat_n(*place as u32, candidates)).collect();
        let index = Tensor::from_vec(index, count, &Device::Cpu)?;
        let context = context.index_select(&index, 0)?;
        let hint = |column: usize, row: usize, drawn: &[Vec<u16>], gates: &[f32], scores: &mut [f32]| {
            hint(column, (places[row / candidates], row), drawn, gates, scores);
        };
        let mut weights = vec![0.0_f64; count];
        let mut seen: BTreeMap<(usize, Vec<u16>), Vec<f32>> = BTreeMap::new();
        let tokens = steps.walk(&context, reach, hint, |column, candidate, drawn, scores| {
            let Some(limit) = &self.limits[column] else { return draw_token(scores, unit(random)) };
            let row = rows[places[candidate / candidates]] as usize;
            let known = limit.known.as_ref().and_then(|known| known.get(row).copied().flatten());
            if let Some(token) = known {
                weights[candidate] += log_share(scores, token);
                return token;
            }
            let before: Vec<u16> = drawn[limit.first..].iter().map(|column| column[candidate]).collect();
            let shares =
                seen.entry((column, before)).or_insert_with_key(|(_, before)| (limit.shares)(before));
            let (token, weight) = draw_restricted(scores, shares, random);
            weights[candidate] += weight;
            token
        })?;
        let kept: Vec<usize> = weights
            .chunks_exact(candidates)
            .enumerate()
            .map(|(row, weights)| row * candidates + pick(weights, random))
            .collect();
        Ok(tokens.iter().map(|column| kept.iter().map(|kept| column[*kept]).collect()).collect())
    }
}

/// The logarithm of a token's probability.
fn log_share(scores: &[f32], token: u16) -> f64 {
    let top = scores.iter().copied().fold(f32::MIN, f32::max);
    let total: f32 = scores.iter().map(|score| fast_exp(score - top)).sum();
    scores.get(usize::from(token)).map_or(HOPELESS, |score| f64::from(score - top - total.ln()))
}

/// Draws a token in proportion to the exponentials of its scores times its share; returns it with the logarithm of
/// the mass the shares left.
fn draw_restricted(scores: &mut [f32], shares: &[f32], random: &mut Stream) -> (u16, f64) {
    let top = scores.iter().copied().fold(f32::MIN, f32::max);
    scores.iter_mut().for_each(|score| *score = fast_exp(*score - top));
    let total: f32 = scores.iter().sum();
    for (score, share) in scores.iter_mut().zip(shares) {
        *score *= share;
    }
    let left: f32 = scores.iter().sum();
    if left > 0.0 {
        return (draw_mass(scores, left, random), f64::from(left / total).ln());
    }
    // The model gives the allowed tokens nothing that a float can hold, or none is allowed after these tokens.
    scores.copy_from_slice(&shares[..scores.len()]);
    let left: f32 = scores.iter().sum();
    if left > 0.0 { (draw_mass(scores, left, random), HOPELESS / 2.0) } else { (0, HOPELESS) }
}

fn draw_mass(masses: &[f32], total: f32, random: &mut Stream) -> u16 {
    let mut rest = (random.next_u32() >> 8) as f32 / 16_777_216.0 * total;
    for (token, mass) in masses.iter().enumerate() {
        rest -= mass;
        if rest < 0.0 {
            return token as u16;
        }
    }
    // Rounding left a crumb: the last token that may be at all.
    masses.iter().rposition(|mass| *mass > 0.0).unwrap_or(0) as u16
}

/// Picks a candidate in proportion to its weight, given as a logarithm.
fn pick(weights: &[f64], random: &mut Stream) -> usize {
    if weights.len() < 2 {
        return 0;
    }
    let top = weights.iter().copied().fold(f64::MIN, f64::max);
    let total: f64 = weights.iter().map(|weight| (weight - top).exp()).sum();
    let mut rest = random.random::<f64>() * total;
    for (candidate, weight) in weights.iter().enumerate() {
        rest -= (weight - top).exp();
        if rest < 0.0 {
            return candidate;
        }
    }
    weights.len() - 1
}
