//! Count tokens turned into child counts that meet a total.

use rand::{RngExt, seq::SliceRandom};
use serde::{Deserialize, Serialize};

use super::{CountCodec, FanOut, StructureError};
use crate::seed::Stream;

/// Relative gap up to which counts are nudged by ones instead of moved.
const NUDGE: f64 = 0.02;
/// Relative gap up to which counts are exchanged for other parents' before anything is rescaled.
const EXCHANGE: f64 = 0.25;

/// Random exchanges of which the best is made.
const EXCHANGES_LOOKED_AT: usize = 16;

/// Times as many parents as there are that draw another count, at most, before a total far off is scaled.
const REDRAWS: usize = 16;
/// Fewest and most of them.
const REDRAWS_BETWEEN: (usize, usize) = (2_000, 1_000_000);

/// Decodes each parent's count token and meets the wanted total with the least change: parents scale with the
/// database, so counts stay as drawn, and a few parents take another one's count to close the gap (a nudge by
/// one would wear heavy counts away: of 840 parents with exactly 10 children, 100 would have 9). A total far off
/// because the few parents that have most of the children were drawn too often or not at all (two of 500 shops own
/// everything) lets parents draw anew; one far off because the user forced a number of rows rescales them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TokenFanOut {
    /// What the tokens mean.
    pub codec: CountCodec,
    /// Most children a parent may have, where a key says so (1 where the foreign key is unique).
    pub cap: Option<u32>,
}

impl TokenFanOut {
    /// Wraps a fitted codec without a cap.
    #[must_use]
    pub fn new(codec: CountCodec) -> Self {
        Self { codec, cap: None }
    }

    /// Limits every parent to `cap` children.
    #[must_use]
    pub fn with_cap(mut self, cap: Option<u32>) -> Self {
        self.cap = cap;
        self
    }
}

impl FanOut for TokenFanOut {
    fn sample(
        &self,
        tokens: &[u16],
        target: Option<u64>,
        random: &mut Stream,
    ) -> Result<Vec<u32>, StructureError> {
        let cap = self.cap.unwrap_or(u32::MAX);
        let mut counts: Vec<u32> =
            tokens.iter().map(|token| self.codec.decode(*token, random).min(cap)).collect();
        let Some(target) = target else { return Ok(counts) };
        if u64::from(cap).saturating_mul(counts.len() as u64) < target {
            return Err(StructureError::Infeasible { wanted: target, parents: counts.len() });
        }
        let gap = |counts: &[u32]| (target as f64 - sum(counts) as f64).abs() / (target as f64).max(1.0);
        let usual = self.codec.mean() * counts.len() as f64;
        if gap(&counts) > EXCHANGE && (target as f64 - usual).abs() <= EXCHANGE * target as f64 {
            self.settle_heaviest(&mut counts, target, cap, random);
            if gap(&counts) > EXCHANGE {
                self.redraw(&mut counts, target, cap, random);
            }
        }
        if gap(&counts) <= EXCHANGE {
            let with_children: Vec<usize> = (0..counts.len()).filter(|parent| counts[*parent] > 0).collect();
            exchange(&mut counts, &with_children, target, random);
            // Where all parents with children have equally many, only who has none can make up the difference.
            if with_children.windows(2).all(|pair| counts[pair[0]] == counts[pair[1]]) {
                let all: Vec<usize> = (0..counts.len()).collect();
                exchange(&mut counts, &all, target, random);
                settle(&mut counts, &all, target, cap, random);
            }
        }
        if gap(&counts) > NUDGE {
            rescale(&mut counts, target, cap, random);
        }
        let exact: Vec<bool> = tokens.iter().map(|token| self.codec.is_exact(*token)).collect();
        nudge(&mut counts, &exact, target, cap, random);
        Ok(counts)
    }
}

impl TokenFanOut {
    /// Closes a gap by the heaviest counts that were drawn less often than they are due, or more often: one parent that
    /// has four of five children is worth more than hundreds with a few more each.
    fn settle_heaviest(&self, counts: &mut [u32], target: u64, cap: u32, random: &mut Stream) {
        let mut gap = target as i64 - sum(counts) as i64;
        let due = self.codec.due(counts.len());
        let mut of_token: Vec<Vec<usize>> = vec![Vec::new(); due.len()];
        for (parent, count) in counts.iter().enumerate() {
            of_token[usize::from(self.codec.token(*count))].push(parent);
        }
        of_token.iter_mut().for_each(|parents| parents.shuffle(random));
        for token in (0..due.len()).rev() {
            let wanted = due[token].round() as usize;
            let far = |gap: i64| gap.unsigned_abs() as f64 > NUDGE * target as f64;
            while of_token[token].len() < wanted && gap > 0 && far(gap) {
                // From the tokens with the most to spare.
                let spare = |other: &usize| of_token[*other].len() as f64 - due[*other];
                let Some(donor) = (0..token).max_by(|a, b| spare(a).total_cmp(&spare(b))) else { break };
                let Some(parent) = of_token[donor].pop() else { break };
                let count = self.codec.decode(token as u16, random).min(cap);
                let left = gap - (i64::from(count) - i64::from(counts[parent]));
                if left.abs() >= gap.abs() {
                    of_token[donor].push(parent);
                    break;
                }
                (counts[parent], gap) = (count, left);
                of_token[token].push(parent);
            }
            while of_token[token].len() > wanted && gap < 0 && far(gap) {
                let lack = |other: &usize| due[*other] - of_token[*other].len() as f64;
                let Some(taker) = (0..token).max_by(|a, b| lack(a).total_cmp(&lack(b))) else { break };
                let Some(parent) = of_token[token].pop() else { break };
                let count = self.codec.decode(taker as u16, random).min(cap);
                let left = gap - (i64::from(count) - i64::from(counts[parent]));
                if left.abs() >= gap.abs() {
                    break;
                }
                (counts[parent], gap) = (count, left);
                of_token[taker].push(parent);
            }
        }
    }

    /// Lets random parents draw their count anew, as often as each was seen, where that brings the total nearer.
    fn redraw(&self, counts: &mut [u32], target: u64, cap: u32, random: &mut Stream) {
        let mut gap = target as i64 - sum(counts) as i64;
        let near = (NUDGE * target as f64) as u64;
        let tries = (counts.len() * REDRAWS).clamp(REDRAWS_BETWEEN.0, REDRAWS_BETWEEN.1);
        for _ in 0..tries {
            if gap.unsigned_abs() <= near {
                return;
            }
            let parent = random.random_range(0..counts.len());
            let count = self.codec.decode(self.codec.any(random), random).min(cap);
            let left = gap - (i64::from(count) - i64::from(counts[parent]));
            if left.abs() < gap.abs() {
                counts[parent] = count;
                gap = left;
            }
        }
    }
}

fn sum(counts: &[u32]) -> u64 {
    counts.iter().map(|count| u64::from(*count)).sum()
}

/// Gives random parents the count of another one of them while that closes the gap: every count stays one that
/// was drawn, and of a few random changes the one that leaves least is made, so that few parents change.
fn exchange(counts: &mut [u32], parents: &[usize], target: u64, random: &mut Stream) {
    if parents.is_empty() {
        return;
    }
    let mut gap = target as i64 - sum(counts) as i64;
    for _ in 0..counts.len() {
        if gap == 0 {
            return;
        }
        let mut best = None;
        for _ in 0..EXCHANGES_LOOKED_AT {
            let receiver = parents[random.random_range(0..parents.len())];
            let donor = parents[random.random_range(0..parents.len())];
            let left = gap - (i64::from(counts[donor]) - i64::from(counts[receiver]));
            if left.abs() < best.map_or(gap.abs(), |(least, _, _): (i64, _, _)| least.abs()) {
                best = Some((left, receiver, donor));
            }
        }
        if let Some((left, receiver, donor)) = best {
            counts[receiver] = counts[donor];
            gap = left;
        }
    }
}

/// Puts what no exchange could close on one random parent that can take it, so that heavy counts stay heavy.
fn settle(counts: &mut [u32], parents: &[usize], target: u64, cap: u32, random: &mut Stream) {
    let gap = target as i64 - sum(counts) as i64;
    let largest = counts.iter().copied().max().unwrap_or(0).min(cap);
    let fits = |count: u32| (0..=i64::from(largest)).contains(&(i64::from(count) + gap));
    let able: Vec<usize> = parents.iter().copied().filter(|parent| fits(counts[*parent])).collect();
    if gap != 0 && !able.is_empty() {
        let parent = able[random.random_range(0..able.len())];
        counts[parent] = (i64::from(counts[parent]) + gap) as u32;
    }
}

/// Multiplies every count by one factor, rounding up with the probability of the fraction; who has children
/// keeps at least one where the total allows.
fn rescale(counts: &mut [u32], target: u64, cap: u32, random: &mut Stream) {
    let with_children = counts.iter().filter(|count| **count > 0).count() as u64;
    if with_children == 0 {
        return;
    }
    let least = u32::from(target >= with_children);
    let factor = target as f64 / sum(counts) as f64;
    for count in counts.iter_mut().filter(|count| **count > 0) {
        let exact = f64::from(*count) * factor;
        let rounded = exact.floor() + f64::from(u8::from(random.random::<f64>() < exact.fract()));
        *count = (rounded.min(f64::from(u32::MAX)) as u32).clamp(least.min(cap), cap);
    }
}

/// Moves random counts by one until the total is met: binned counts first, then exact ones, and only then
/// parents at the border of zero.
fn nudge(counts: &mut [u32], exact: &[bool], target: u64, cap: u32, random: &mut Stream) {
    let mut total = sum(counts);
    let mut order: Vec<usize> = (0..counts.len()).collect();
    order.shuffle(random);
    // Stages of who may move: 0 binned counts, 1 any parent with children, 2 anyone.
    let mut stage = 0;
    while total != target && stage < 3 {
        let grow = total < target;
        let mut moved = false;
        for parent in &order {
            if total == target {
                return;
            }
            let count = counts[*parent];
            let border = if grow { count == 0 } else { count <= 1 };
            let allowed = match stage {
                0 => !exact[*parent] && !border,
                1 => !border,
                _ => true,
            };
            if !allowed || (grow && count >= cap) || (!grow && count == 0) {
                continue;
            }
            if grow {
                counts[*parent] += 1;
                total += 1;
            } else {
                counts[*parent] -= 1;
                total -= 1;
            }
            moved = true;
        }
        // Binned counts move once per stage only, so that a few of them do not carry everything.
        if !moved || stage == 0 {
            stage += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{exchange, sum};
    use crate::seed::Seed;

    #[test]
    fn few_parents_change_where_a_gap_is_closed() {
        let drawn: Vec<u32> = (0..45).map(|parent| 225 + parent * 3).collect();
        let all: Vec<usize> = (0..drawn.len()).collect();
        for seed in 0..20 {
            let mut counts = drawn.clone();
            exchange(&mut counts, &all, sum(&drawn) + 300, &mut Seed(seed).stream("exchange", 0));

            let changed = counts.iter().zip(&drawn).filter(|(count, drawn)| count != drawn).count();
            assert!((3..=8).contains(&changed), "{changed} of 45 parents changed");
            assert!(sum(&counts).abs_diff(sum(&drawn) + 300) < 3);
            assert!(counts.iter().all(|count| drawn.contains(count)), "a count that nobody drew");
        }
    }
}
