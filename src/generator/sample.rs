//! Draws rows: families in chunks, siblings in waves, sub-columns one after the other.
//!
//! Each batch of rows has a random stream of its own, named by its place and not by the thread that draws it.

use std::ops::Range;

use candle_core::{Device, Result, Tensor};
use rayon::prelude::*;

use crate::{
    codec::{Balances, EncodedTable},
    conditioning::{
        Conditioning, Course, FamilyPart, FoldedMessages, FoldedState, FoldedWeights, Neighbours, Per,
        RowSums,
    },
    nn::{Dropout, fast_exp, widened},
    seed::{Seed, Stream},
};

use super::{
    Restriction,
    autoregressive::Fitted,
    evidence::{Source, message_token},
    network::Shape,
    restriction::Under,
    strata::{Strata, unit},
    walk::Steps,
};

/// Most rows that go through the network together: their hidden units stay in a core's cache.
const BATCH_ROWS: usize = 256;

/// Scores that are summed up together.
const LANES: usize = 16;

/// Fewest and most families of a chunk: what is kept of them stays in a core's cache.
const CHUNK_FAMILIES: (usize, usize) = (64, 256);

/// Streams a chunk can have.
const STREAMS_PER_CHUNK: u64 = 1 << 32;

pub(super) struct Draw<'a> {
    fitted: &'a Fitted,
    steps: Steps<'a>,
    own: FoldedWeights<'a>,
    messages: FoldedMessages<'a>,
    pub(super) conditioning: &'a Conditioning,
    pub(super) seed: Seed,
    pub(super) name: &'a str,
    restriction: Option<&'a Restriction<'a>>,
}

/// A row to draw: the place of its family in the chunk, and its index in the family.
pub(super) type Place = (usize, usize);

/// Draws all rows of `conditioning`, under a restriction where there is one.
pub(super) fn sample(
    fitted: &Fitted,
    conditioning: &Conditioning,
    seed: Seed,
    name: &str,
    restriction: Option<&Restriction<'_>>,
) -> Result<EncodedTable> {
    let families = conditioning.families.len();
    // The size of a chunk depends on the data alone, never on the number of threads.
    let size = (families / 16).clamp(CHUNK_FAMILIES.0, CHUNK_FAMILIES.1);
    let ranges = (0..families).step_by(size).map(|from| from..families.min(from + size)).collect();
    let chunks = chunks(fitted, conditioning, (seed, name, restriction), ranges)?;
    let sub_columns = fitted.shape.sub_columns.clone();
    let tokens = (0..sub_columns.len())
        .map(|column| chunks.iter().flat_map(|(_, chunk)| chunk[column].iter().copied()).collect())
        .collect();
    Ok(EncodedTable { sub_columns, tokens, row_count: conditioning.families.row_count() })
}

/// Families, and the tokens of their rows.
type Chunk = (Range<usize>, Vec<Vec<u16>>);

/// Draws chunks of families, each by streams of its own.
pub(super) fn chunks(
    fitted: &Fitted,
    conditioning: &Conditioning,
    (seed, name, restriction): (Seed, &str, Option<&Restriction<'_>>),
    ranges: Vec<Range<usize>>,
) -> Result<Vec<Chunk>> {
    let Shape { given, siblings, .. } = &fitted.shape;
    let rows = conditioning.families.row_count();
    let own = FoldedWeights::new(given, siblings.as_ref(), fitted.network.context.own_weights()?, rows);
    let steps = Steps::new(&fitted.network, rows)?;
    let weights = (fitted.network.context.message_weights()?, fitted.shape.context.message);
    let messages = FoldedMessages::new(conditioning, weights, rows);
    let draw = Draw { fitted, steps, own, messages, conditioning, seed, name, restriction };
    ranges
        .into_par_iter()
        .enumerate()
        .map(|(chunk, families)| Ok((families.clone(), draw.chunk(chunk as u64, families)?)))
        .collect()
}

impl Draw<'_> {
    /// Draws the rows of a range of families.
    fn chunk(&self, chunk: u64, families: Range<usize>) -> Result<Vec<Vec<u16>>> {
        let all = &self.conditioning.families;
        let first_row = all.offsets[families.start] as usize;
        let row_count = all.offsets[families.end] as usize - first_row;
        let columns = self.fitted.shape.sub_columns.len();
        let mut tokens = vec![vec![0_u16; row_count]; columns];
        if row_count == 0 || columns == 0 {
            return Ok(tokens);
        }
        let ids: Vec<u32> = families.clone().map(|family| family as u32).collect();
        let sums = self.messages.sums(Per::Family, &ids)?;
        let part = self.fitted.network.context.families_with(sums, &mut Dropout::Off)?;
        let siblings = self.fitted.shape.siblings.as_ref();
        let course = |family| {
            let rows = all.rows(family).len();
            siblings.map_or_else(|| Course::new(rows, 1), |layout| layout.course(rows))
        };
        let mut states: Vec<FoldedState> = families.clone().map(|f| FoldedState::new(course(f))).collect();
        let mut stream = chunk * STREAMS_PER_CHUNK;
        let mut open: Vec<usize> =
            (0..families.len()).filter(|at| !all.rows(families.start + at).is_empty()).collect();
        let mut is_open = vec![false; families.len()];
        let mut row_tokens = Vec::new();
        let running = self.conditioning.running.as_deref().filter(|_| siblings.is_some());
        let mut balances: Vec<Balances> =
            running.iter().flat_map(|running| families.clone().map(|_| running.begin())).collect();
        while !open.is_empty() {
            let wave: Vec<Place> = open
                .iter()
                .flat_map(|&at| {
                    let rows = match siblings {
                        Some(_) => states[at].wave(),
                        None => (0..all.rows(families.start + at).len()).collect(),
                    };
                    rows.into_iter().map(move |index| (at, index))
                })
                .collect();
            let batches: Vec<&[Place]> = wave.chunks(BATCH_ROWS).collect();
            let before = (states.as_slice(), tokens.as_slice());
            let drawn = batches
                .par_iter()
                .enumerate()
                .map(|(batch, places)| {
                    let number = stream + batch as u64;
                    let random = self.seed.stream(self.name, number);
                    let mut drawn = self.batch((families.start, places), before, &part, random)?;
                    let again = |places: &[Place], random| {
                        self.batch((families.start, places), before, &part, random)
                    };
                    self.avoid_uniques(places, &mut drawn, (number, &again))?;
                    let mut after: Vec<Balances> = Vec::new();
                    if let Some(running) = running {
                        after = places.iter().map(|(at, _)| balances[*at].clone()).collect();
                        let open =
                            (0..places.len()).filter(|row| states[places[*row].0].course().step() == 1);
                        let rows = (open.collect(), *places, families.start);
                        self.settle_totals(running, rows, (&mut drawn, &mut after), (number, &again))?;
                    }
                    Ok((drawn, after))
                })
                .collect::<Result<Vec<_>>>()?;
            stream += batches.len() as u64;
            // Nobody asks about the siblings of a family that is complete.
            open.retain(|&at| {
                let rows = all.rows(families.start + at).len();
                is_open[at] = siblings.is_some() && states[at].wave_end() < rows;
                is_open[at]
            });
            for (places, (drawn, after)) in batches.iter().zip(drawn) {
                for (&(at, _), balance) in places.iter().zip(after) {
                    balances[at] = balance;
                }
                for (row, &(at, index)) in places.iter().enumerate() {
                    let target = all.rows(families.start + at).start + index;
                    for (column, drawn) in tokens.iter_mut().zip(&drawn) {
                        column[target - first_row] = drawn[row];
                    }
                    if is_open[at] {
                        self.given(target, &mut row_tokens);
                        row_tokens.extend(drawn.iter().map(|column| column[row]));
                        states[at].push(&self.own, &row_tokens);
                    }
                }
            }
        }
        Ok(tokens)
    }

    /// Fetches the tokens of a row that were decided before.
    fn given(&self, row: usize, tokens: &mut Vec<u16>) {
        let given = self.conditioning.given.iter().flat_map(|given| &given.tokens);
        tokens.clear();
        tokens.extend(given.map(|column| column[row]));
    }

    /// The siblings that a row between two of them stands between; `drawn` are the chunk's rows from `first_row` on.
    fn neighbours(
        &self,
        course: Course,
        index: usize,
        (first, offset): (usize, usize),
        drawn: &[Vec<u16>],
    ) -> Option<Neighbours> {
        if course.gap(index) == 0 {
            return None;
        }
        let of = |sibling: Option<usize>| {
            let mut tokens = Vec::new();
            if let Some(sibling) = sibling {
                self.given(first + sibling, &mut tokens);
                tokens.extend(drawn.iter().map(|column| column[offset + sibling]));
            }
            tokens
        };
        Some(Neighbours { previous: of(course.previous(index)), next: of(course.next(index)) })
    }

    /// Draws some rows that do not depend on each other: tokens, column by column. `drawn` are the chunk's rows so far.
    fn batch(
        &self,
        (first_family, places): (usize, &[Place]),
        (states, drawn): (&[FoldedState], &[Vec<u16>]),
        part: &FamilyPart,
        mut random: Stream,
    ) -> Result<Vec<Vec<u16>>> {
        let rows: Vec<u32> = places
            .iter()
            .map(|&(at, index)| (self.conditioning.families.rows(first_family + at).start + index) as u32)
            .collect();
        let first_row = self.conditioning.families.rows(first_family).start;
        let near: Vec<Option<Neighbours>> = places
            .iter()
            .map(|&(at, index)| {
                let first = self.conditioning.families.rows(first_family + at).start;
                self.neighbours(states[at].course(), index, (first, first - first_row), drawn)
            })
            .collect();
        let width = self.own.width();
        let mut own = vec![0.0; places.len() * width];
        let mut given_tokens = Vec::new();
        if width > 0 {
            let outs = own.chunks_exact_mut(width);
            for (((out, &(at, index)), row), near) in outs.zip(places).zip(&rows).zip(&near) {
                self.given(*row as usize, &mut given_tokens);
                self.own.add_given(&given_tokens, out);
                states[at].add_to(&self.own, index, near.as_ref(), out);
            }
        }
        let own =
            if width == 0 { None } else { Some(Tensor::from_vec(own, (places.len(), width), &Device::Cpu)?) };
        let family_of_row: Vec<u32> = places.iter().map(|(at, _)| *at as u32).collect();
        let sums = RowSums {
            messages: self.messages.sums(Per::Row, &rows)?,
            family_of_row: Tensor::from_vec(family_of_row, places.len(), &Device::Cpu)?,
            own,
            count: places.len(),
        };
        let context = self.fitted.network.context.rows_with(part, sums, &mut Dropout::Off)?;
        let given = self.fitted.shape.given.len();
        let hint = |column: usize,
                    (place, row): (usize, usize),
                    drawn: &[Vec<u16>],
                    gates: &[f32],
                    scores: &mut [f32]| {
            let (at, index) = places[place];
            let state = &states[at];
            let (dense, looked_up) = gates.split_at(gates.len() - self.fitted.shape.evidence[column].len());
            if let Some(layout) = &self.fitted.shape.siblings {
                state.add_hints(layout, (given + column, index, near[place].as_ref()), dense, scores);
            }
            let known = |source: Source| match source {
                Source::Row(at) if at < given => {
                    let given = self.conditioning.given.as_ref()?;
                    Some(given.tokens[at][rows[place] as usize])
                }
                Source::Row(at) => Some(drawn[at - given][row]),
                Source::Sibling(at) => state.previous(near[place].as_ref()).get(at).copied(),
                Source::Message { message, column } => {
                    let family = first_family + places[place].0;
                    message_token(&self.conditioning.messages[message], column, family, rows[place] as usize)
                }
            };
            let tables = self.fitted.shape.evidence[column].iter().zip(&self.fitted.network.tables[column]);
            for ((evidence, table), gate) in tables.zip(looked_up) {
                if let Some(line) = evidence.line(known) {
                    let line = &table[line as usize * scores.len()..][..scores.len()];
                    scores.iter_mut().zip(line).for_each(|(score, hint)| *score += gate * hint);
                }
            }
        };
        if let Some(restriction) = self.restriction {
            let under = Under { steps: &self.steps, context: &context, hint: &hint, rows: &rows };
            return restriction.draw(under, &mut random);
        }
        let columns = self.fitted.shape.sub_columns.len();
        let hint = |column: usize, row: usize, drawn: &[Vec<u16>], gates: &[f32], scores: &mut [f32]| {
            hint(column, (row, row), drawn, gates, scores);
        };
        // An entity is drawn by itself, as real ones came about: were entities balanced, their shares would tell which
        // sample they were learned from. What belongs to them is balanced.
        let below = self.fitted.shape.siblings.is_some();
        let mut strata = Strata::new(places.len());
        self.steps.walk(&context, columns, hint, |column, row, _, scores| {
            let balanced = below || self.fitted.shape.sub_columns[column].counts_children;
            let share = if balanced { strata.unit((column, row), &mut random) } else { unit(&mut random) };
            draw_token(scores, share)
        })
    }
}

/// Draws a token in proportion to the exponentials of its scores, which are used up, by a share of [0, 1).
pub(super) fn draw_token(scores: &mut [f32], share: f32) -> u16 {
    let total = widened(
        #[inline(always)]
        || {
            let top = largest(scores);
            let mut total = 0.0;
            for lanes in scores.chunks_mut(LANES) {
                lanes.iter_mut().for_each(|score| *score = fast_exp(*score - top));
                total += sum(lanes);
            }
            total
        },
    );
    let mut rest = share * total;
    for (lane, scores) in scores.chunks(LANES).enumerate() {
        let share = sum(scores);
        if rest >= share {
            rest -= share;
            continue;
        }
        for (token, score) in scores.iter().enumerate() {
            rest -= score;
            if rest < 0.0 {
                return (lane * LANES + token) as u16;
            }
        }
    }
    // Rounding left a crumb: the last token that can occur at all.
    scores.iter().rposition(|score| *score > 0.0).unwrap_or(0) as u16
}

/// The largest score, found in lanes: one comparison does not wait for the one before it.
#[inline(always)]
fn largest(scores: &[f32]) -> f32 {
    let larger = |top: f32, score: f32| if score > top { score } else { top };
    let mut tops = [f32::MIN; LANES];
    let mut lanes = scores.chunks_exact(LANES);
    for lane in &mut lanes {
        tops.iter_mut().zip(lane).for_each(|(top, score)| *top = larger(*top, *score));
    }
    tops.iter().chain(lanes.remainder()).copied().fold(f32::MIN, larger)
}

/// A sum in pairs: one addition does not wait for the one before it.
#[inline(always)]
fn sum(values: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 4];
    let mut quads = values.chunks_exact(4);
    for quad in &mut quads {
        sums.iter_mut().zip(quad).for_each(|(sum, value)| *sum += value);
    }
    let rest: f32 = quads.remainder().iter().sum();
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}
