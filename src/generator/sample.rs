//! Draws rows: families in chunks, siblings in waves, sub-columns one after the other.
//!
//! Each batch of rows has a random stream of its own, named by its place and not by the thread that draws it.

use std::ops::Range;

use candle_core::{Device, Result, Tensor};
use rand::Rng;
use rayon::prelude::*;

use crate::{
    codec::EncodedTable,
    conditioning::{Conditioning, FamilyPart, FoldedState, FoldedWeights, Per, RowInputs, gather},
    nn::{Dropout, fast_exp},
    seed::{Seed, Stream},
};

use super::{
    Restriction,
    autoregressive::Fitted,
    evidence::{Source, message_token},
    network::Shape,
    restriction::Under,
    walk::Steps,
};

/// Most rows that go through the network together: their hidden units stay in a core's cache.
const BATCH_ROWS: usize = 256;

/// Scores that are summed up together.
const LANES: usize = 16;

/// Fewest and most families of a chunk.
const CHUNK_FAMILIES: (usize, usize) = (64, 1024);

/// Streams a chunk can have.
const STREAMS_PER_CHUNK: u64 = 1 << 32;

struct Draw<'a> {
    fitted: &'a Fitted,
    steps: Steps<'a>,
    own: FoldedWeights<'a>,
    conditioning: &'a Conditioning,
    seed: Seed,
    name: &'a str,
    restriction: Option<&'a Restriction<'a>>,
}

/// A row to draw: the place of its family in the chunk, and its index in the family.
type Place = (usize, usize);

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
    let own = FoldedWeights::new(given, siblings.as_ref(), fitted.network.context.own_weights()?);
    let steps = Steps::new(&fitted.network, conditioning.families.row_count())?;
    let draw = Draw { fitted, steps, own, conditioning, seed, name, restriction };
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
        let features = gather(self.conditioning, Per::Family, &ids, None)?;
        let part = self.fitted.network.context.families(&features, &mut Dropout::Off)?;
        let mut states = vec![FoldedState::default(); families.len()];
        let mut stream = chunk * STREAMS_PER_CHUNK;
        let mut open: Vec<usize> =
            (0..families.len()).filter(|at| !all.rows(families.start + at).is_empty()).collect();
        let mut is_open = vec![false; families.len()];
        let mut row_tokens = Vec::new();
        while !open.is_empty() {
            let wave: Vec<Place> = open
                .iter()
                .flat_map(|&at| {
                    let count = all.rows(families.start + at).len();
                    let end = if self.fitted.shape.siblings.is_some() {
                        states[at].wave_end().min(count)
                    } else {
                        count
                    };
                    (states[at].len()..end).map(move |index| (at, index))
                })
                .collect();
            let batches: Vec<&[Place]> = wave.chunks(BATCH_ROWS).collect();
            let drawn = batches
                .par_iter()
                .enumerate()
                .map(|(batch, places)| {
                    let random = self.seed.stream(self.name, stream + batch as u64);
                    self.batch(families.start, places, &states, &part, random)
                })
                .collect::<Result<Vec<_>>>()?;
            stream += batches.len() as u64;
            // Nobody asks about the siblings of a family that is complete.
            open.retain(|&at| {
                let rows = all.rows(families.start + at).len();
                is_open[at] = self.fitted.shape.siblings.is_some() && states[at].wave_end() < rows;
                is_open[at]
            });
            for (places, drawn) in batches.iter().zip(&drawn) {
                for (row, &(at, index)) in places.iter().enumerate() {
                    let target = all.rows(families.start + at).start + index;
                    for (column, drawn) in tokens.iter_mut().zip(drawn) {
                        column[target - first_row] = drawn[row];
                    }
                    if is_open[at] {
                        row_tokens.clear();
                        row_tokens.extend(self.given(target));
                        row_tokens.extend(drawn.iter().map(|column| column[row]));
                        states[at].push(&self.own, &row_tokens);
                    }
                }
            }
        }
        Ok(tokens)
    }

    /// The tokens of a row that were decided before.
    fn given(&self, row: usize) -> Vec<u16> {
        let given = self.conditioning.given.iter().flat_map(|given| &given.tokens);
        given.map(|column| column[row]).collect()
    }

    /// Draws some rows that do not depend on each other: tokens, column by column.
    fn batch(
        &self,
        first_family: usize,
        places: &[Place],
        states: &[FoldedState],
        part: &FamilyPart,
        mut random: Stream,
    ) -> Result<Vec<Vec<u16>>> {
        let rows: Vec<u32> = places
            .iter()
            .map(|&(at, index)| (self.conditioning.families.rows(first_family + at).start + index) as u32)
            .collect();
        let width = self.own.width();
        let mut own = vec![0.0; places.len() * width];
        if width > 0 {
            for ((out, &(at, index)), row) in own.chunks_exact_mut(width).zip(places).zip(&rows) {
                let count = self.conditioning.families.rows(first_family + at).len();
                self.own.add_given(&self.given(*row as usize), out);
                states[at].add_to(&self.own, (index, count), out);
            }
        }
        let own =
            if width == 0 { None } else { Some(Tensor::from_vec(own, (places.len(), width), &Device::Cpu)?) };
        let family_of_row = places.iter().map(|(at, _)| *at as u32).collect();
        let inputs = RowInputs::gather(self.conditioning, &rows, family_of_row, Vec::new(), None)?;
        let context = self.fitted.network.context.rows_with(part, &inputs, own, &mut Dropout::Off)?;
        let given = self.fitted.shape.given.len();
        let hint = |column: usize,
                    (place, row): (usize, usize),
                    drawn: &[Vec<u16>],
                    gates: &[f32],
                    scores: &mut [f32]| {
            let state = &states[places[place].0];
            let (dense, looked_up) = gates.split_at(gates.len() - self.fitted.shape.evidence[column].len());
            state.add_hints(given + column, dense, scores);
            let known = |source: Source| match source {
                Source::Row(at) if at < given => {
                    let given = self.conditioning.given.as_ref()?;
                    Some(given.tokens[at][rows[place] as usize])
                }
                Source::Row(at) => Some(drawn[at - given][row]),
                Source::Sibling(at) => state.previous().get(at).copied(),
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
        let mut tokens = Vec::with_capacity(columns);
        let hint = |column: usize, row: usize, drawn: &[Vec<u16>], gates: &[f32], scores: &mut [f32]| {
            hint(column, (row, row), drawn, gates, scores);
        };
        self.steps.walk(&context, columns, hint, |_, scores| {
            let drawn: Vec<u16> = scores.map(|scores| draw_token(scores, &mut random)).collect();
            tokens.push(drawn.clone());
            drawn
        })?;
        Ok(tokens)
    }
}

/// Draws a token in proportion to the exponentials of its scores, which are used up.
pub(super) fn draw_token(scores: &mut [f32], random: &mut Stream) -> u16 {
    let top = scores.iter().copied().fold(f32::MIN, |top, score| if score > top { score } else { top });
    let mut total = 0.0;
    for lanes in scores.chunks_mut(LANES) {
        lanes.iter_mut().for_each(|score| *score = fast_exp(*score - top));
        total += sum(lanes);
    }
    let mut rest = (random.next_u32() >> 8) as f32 / 16_777_216.0 * total;
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

/// A sum in pairs: one addition does not wait for the one before it.
fn sum(values: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 4];
    let mut quads = values.chunks_exact(4);
    for quad in &mut quads {
        sums.iter_mut().zip(quad).for_each(|(sum, value)| *sum += value);
    }
    let rest: f32 = quads.remainder().iter().sum();
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}
