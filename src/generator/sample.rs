//! Draws rows: families in chunks, siblings in waves, sub-columns one after the other.
//!
//! Each batch of rows has a random stream of its own, named by its place and not by the thread that draws it.
//! The first layer is finished step by step: once a token is drawn, its contribution is added to the heads
//! after it, so all steps together cost about half a forward pass instead of one each.

use candle_core::{Device, Result, Tensor};
use rand::Rng;
use rayon::prelude::*;

use crate::{
    codec::EncodedTable,
    conditioning::{Conditioning, FamilyPart, Per, RowInputs, SiblingState, gather},
    nn::{Dropout, fast_exp},
    seed::{Seed, Stream},
};

use super::{
    Restriction, autoregressive::Fitted, batches::write_given, network::Network, restriction::Under,
};

/// Most rows that go through the network together.
const BATCH_ROWS: usize = 1024;

/// Fewest and most families of a chunk.
const CHUNK_FAMILIES: (usize, usize) = (64, 1024);

/// Streams a chunk can have.
const STREAMS_PER_CHUNK: u64 = 1 << 32;

struct Draw<'a> {
    fitted: &'a Fitted,
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
    let draw = Draw { fitted, conditioning, seed, name, restriction };
    let families = conditioning.families.len();
    // The size of a chunk depends on the data alone, never on the number of threads.
    let size = (families / 16).clamp(CHUNK_FAMILIES.0, CHUNK_FAMILIES.1);
    let chunks = (0..families.div_ceil(size))
        .into_par_iter()
        .map(|chunk| draw.chunk(chunk as u64, chunk * size..families.min((chunk + 1) * size)))
        .collect::<Result<Vec<_>>>()?;
    let sub_columns = fitted.shape.sub_columns.clone();
    let tokens = (0..sub_columns.len())
        .map(|column| chunks.iter().flat_map(|chunk| chunk[column].iter().copied()).collect())
        .collect();
    Ok(EncodedTable { sub_columns, tokens, row_count: conditioning.families.row_count() })
}

impl Draw<'_> {
    /// Draws the rows of a range of families.
    fn chunk(&self, chunk: u64, families: std::ops::Range<usize>) -> Result<Vec<Vec<u16>>> {
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
        let mut states = vec![SiblingState::new(); families.len()];
        let mut stream = chunk * STREAMS_PER_CHUNK;
        let mut open: Vec<usize> =
            (0..families.len()).filter(|at| !all.rows(families.start + at).is_empty()).collect();
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
            for (places, drawn) in batches.iter().zip(&drawn) {
                for (row, &(at, index)) in places.iter().enumerate() {
                    let target = all.rows(families.start + at).start + index;
                    for (column, drawn) in tokens.iter_mut().zip(drawn) {
                        column[target - first_row] = drawn[row];
                    }
                    if let Some(layout) = &self.fitted.shape.siblings {
                        let mut row_tokens = self.given(target);
                        row_tokens.extend(drawn.iter().map(|column| column[row]));
                        states[at].push(layout, &row_tokens);
                    }
                }
            }
            open.retain(|&at| {
                self.fitted.shape.siblings.is_some() && states[at].len() < all.rows(families.start + at).len()
            });
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
        states: &[SiblingState],
        part: &FamilyPart,
        mut random: Stream,
    ) -> Result<Vec<Vec<u16>>> {
        let shape = &self.fitted.shape;
        let width = shape.context.own_width;
        let mut own = vec![0.0; places.len() * width];
        let mut hints = vec![Vec::new(); shape.sub_columns.len()];
        let mut rows = Vec::with_capacity(places.len());
        for &(at, index) in places {
            rows.push((self.conditioning.families.rows(first_family + at).start + index) as u32);
        }
        if width > 0 {
            for ((out, &(at, index)), row) in own.chunks_exact_mut(width).zip(places).zip(&rows) {
                let given_width = write_given(shape, &self.given(*row as usize), out);
                if let Some(layout) = &shape.siblings {
                    let count = self.conditioning.families.rows(first_family + at).len();
                    states[at].write_features(layout, (index, count), None, &mut out[given_width..]);
                    shape.push_hints(&states[at], &mut hints);
                }
            }
        }
        let family_of_row = places.iter().map(|(at, _)| *at as u32).collect();
        let inputs = RowInputs::gather(self.conditioning, &rows, family_of_row, own, None)?;
        let context = self.fitted.network.context.rows(part, &inputs, &mut Dropout::Off)?;
        if let Some(restriction) = self.restriction {
            let network = &self.fitted.network;
            let under = Under { network, context: &context, hints: &hints, rows: &rows };
            return restriction.draw(under, &mut random);
        }
        let mut tokens = Vec::with_capacity(shape.sub_columns.len());
        walk(&self.fitted.network, &context, &hints, |_, scores| {
            let drawn: Vec<u16> = scores.map(|scores| draw_token(scores, &mut random)).collect();
            tokens.push(drawn.clone());
            drawn
        })?;
        Ok(tokens)
    }
}

/// Walks the heads in order: `choose(column, scores)` gets each row's `K` scores of a column and returns the
/// tokens the columns after it see.
pub(super) fn walk(
    network: &Network,
    context: &Tensor,
    hints: &[Vec<f32>],
    choose: impl FnMut(usize, &mut dyn Iterator<Item = &mut [f32]>) -> Vec<u16>,
) -> Result<()> {
    walk_columns(network, context, hints, network.heads.sizes.len(), choose)
}

/// Walks the first `columns` heads as [`walk`] does.
pub(super) fn walk_columns(
    network: &Network,
    context: &Tensor,
    hints: &[Vec<f32>],
    columns: usize,
    mut choose: impl FnMut(usize, &mut dyn Iterator<Item = &mut [f32]>) -> Vec<u16>,
) -> Result<()> {
    let rows = context.dim(0)?;
    let hidden = network.heads.hidden;
    let from_context = network.from_context.narrow(1, 0, columns * hidden)?.contiguous()?;
    let bias = network.hidden_bias.narrow(0, 0, columns * hidden)?;
    let mut before = flat(&context.matmul(&from_context)?.broadcast_add(&bias)?)?;
    let width = network.embedding.dim(1)? + 1;
    for column in 0..columns {
        let mut units = Vec::with_capacity(rows * hidden);
        for row in before.chunks_exact(columns * hidden) {
            units.extend(row[column * hidden..(column + 1) * hidden].iter().map(|unit| unit.max(0.0)));
        }
        let units = Tensor::from_vec(units, (rows, hidden), &Device::Cpu)?;
        let weights = (&network.output, &network.output_bias);
        let mut outputs = network.heads.outputs(column, &units, weights, &hints[column])?;
        let size = network.heads.sizes[column];
        let mut scores =
            outputs.chunks_exact_mut(network.heads.width(column)).map(|outputs| &mut outputs[..size]);
        let tokens = choose(column, &mut scores);
        let later = (columns - column - 1) * hidden;
        if later == 0 {
            break;
        }
        let offset = network.heads.token_offset(column);
        let embedding = network.embedding.narrow(0, offset, size)?;
        let scalars = network.scalars.narrow(0, offset, size)?;
        let seen = Tensor::cat(&[&embedding, &scalars], 1)?; // [K, width]
        let weights = network
            .from_tokens
            .narrow(0, column * width, width)?
            .narrow(1, (column + 1) * hidden, later)?
            .contiguous()?;
        // A small vocabulary is multiplied out once; each row then adds a line of the table.
        let (table, fold) = if size <= rows {
            (flat(&seen.matmul(&weights)?)?, true)
        } else {
            let slots: Vec<u32> = tokens.iter().map(|token| u32::from(*token)).collect();
            let slots = Tensor::from_vec(slots, rows, &Device::Cpu)?;
            (flat(&seen.index_select(&slots, 0)?.matmul(&weights)?)?, false)
        };
        for (row, units) in before.chunks_exact_mut(columns * hidden).enumerate() {
            let line = if fold { usize::from(tokens[row]) } else { row };
            let terms = &table[line * later..(line + 1) * later];
            units[(column + 1) * hidden..].iter_mut().zip(terms).for_each(|(unit, term)| *unit += term);
        }
    }
    Ok(())
}

fn flat(tensor: &Tensor) -> Result<Vec<f32>> {
    tensor.flatten_all()?.to_vec1()
}

/// Draws a token in proportion to the exponentials of its scores, which are used up.
pub(super) fn draw_token(scores: &mut [f32], random: &mut Stream) -> u16 {
    let top = scores.iter().copied().fold(f32::MIN, f32::max);
    scores.iter_mut().for_each(|score| *score = fast_exp(*score - top));
    let total: f32 = scores.iter().sum();
    let mut rest = (random.next_u32() >> 8) as f32 / 16_777_216.0 * total;
    for (token, score) in scores.iter().enumerate() {
        rest -= score;
        if rest < 0.0 {
            return token as u16;
        }
    }
    // Rounding left a crumb: the last token that can occur at all.
    scores.iter().rposition(|score| *score > 0.0).unwrap_or(0) as u16
}
