//! Walks the heads in order: what each says, given the tokens drawn before it.
//!
//! The first layer is finished step by step: each head adds what the tokens drawn before it contribute, so all steps
//! together cost about half a forward pass instead of one each. What tokens contribute is
//! worked out once per vocabulary where that pays.

use candle_core::{Device, Result, Tensor};

use crate::nn::{read, widened};

use super::network::Network;

/// Most numbers of a column's table of contributions: 16 MiB.
const MOST_TABLE: usize = 4 << 20;

/// About how many units of the heads hear of the conditioning at a time: enough for the product to be fast, and few
/// enough to stay in a core's cache.
const GROUP_UNITS: usize = 256;

/// A network made ready to be walked.
#[derive(Debug)]
pub(super) struct Steps<'a> {
    network: &'a Network,
    hidden_bias: Vec<f32>,
    /// First layer on the conditioning, `[C, G·H]` for each `group` of heads.
    from_context: Vec<Tensor>,
    /// Heads of a group, `G`.
    group: usize,
    columns: Vec<Step>,
}

#[derive(Debug)]
struct Step {
    /// Tokens, `K`.
    size: usize,
    /// Output weights, `[H, K + F]`, and biases.
    output: Tensor,
    bias: Vec<f32>,
    /// First layer of the later heads on this column's token, `[width, later]`; `None` for the last column.
    later: Option<Tensor>,
    /// What each token adds to each later head, `[J', K, H]`: a head finds its lines side by side. `None` where the
    /// vocabulary is too large.
    table: Option<Vec<f32>>,
}

impl<'a> Steps<'a> {
    /// Makes `network` ready to draw about `rows` rows.
    pub(super) fn new(network: &'a Network, rows: usize) -> Result<Self> {
        let (columns, hidden) = (network.heads.sizes.len(), network.heads.hidden);
        let (heads, output) = network.heads.folded(&network.output)?;
        let width = network.embedding.dim(1)? + 1;
        let step = |column: usize| {
            let (size, outputs) = (heads.sizes[column], heads.width(column));
            let offset = heads.output_offset(column);
            let weights = output.narrow(0, hidden * offset, hidden * outputs)?.reshape((hidden, outputs))?;
            let bias = network.output_bias.narrow(0, offset, outputs)?.to_vec1()?;
            let width_later = (columns - column - 1) * hidden;
            let later = if width_later == 0 {
                None
            } else {
                let tokens = network.from_tokens.narrow(0, column * width, width)?;
                Some(tokens.narrow(1, (column + 1) * hidden, width_later)?.contiguous()?)
            };
            let table = match &later {
                Some(later) if size <= rows && size * width_later <= MOST_TABLE => {
                    let terms = seen(network, column)?.matmul(later)?;
                    Some(flat(&terms.reshape((size, width_later / hidden, hidden))?.transpose(0, 1)?)?)
                }
                _ => None,
            };
            Ok(Step { size, output: weights, bias, later, table })
        };
        let group = (GROUP_UNITS / hidden.max(1)).max(1);
        let of_group = |first: usize| {
            let width = group.min(columns - first) * hidden;
            network.from_context.narrow(1, first * hidden, width)?.contiguous()
        };
        Ok(Self {
            network,
            from_context: (0..columns).step_by(group).map(of_group).collect::<Result<_>>()?,
            group,
            hidden_bias: network.hidden_bias.to_vec1()?,
            columns: (0..columns).map(step).collect::<Result<_>>()?,
        })
    }

    /// Number of heads.
    pub(super) fn count(&self) -> usize {
        self.columns.len()
    }

    /// Walks the first `columns` heads under `context`, `[N, C]`, and returns what was chosen, column by column.
    ///
    /// `hint(column, row, drawn, gates, scores)` completes the scores of a row, of which the columns before were drawn;
    /// `choose(column, row, drawn, scores)` uses up the `K` scores and returns the token that the columns after it see.
    pub(super) fn walk(
        &self,
        context: &Tensor,
        columns: usize,
        hint: impl Fn(usize, usize, &[Vec<u16>], &[f32], &mut [f32]),
        mut choose: impl FnMut(usize, usize, &[Vec<u16>], &mut [f32]) -> u16,
    ) -> Result<Vec<Vec<u16>>> {
        let (rows, hidden) = (context.dim(0)?, self.network.heads.hidden);
        let mut drawn: Vec<Vec<u16>> = Vec::with_capacity(columns);
        let mut computed: Vec<Vec<f32>> = Vec::with_capacity(columns);
        let mut output = Vec::new();
        let mut before = context.clone();
        for (column, step) in self.columns.iter().enumerate().take(columns) {
            if column.is_multiple_of(self.group) {
                before = context.matmul(&self.from_context[column / self.group])?;
            }
            let units = read(&before, |before| {
                widened(
                    #[inline(always)]
                    || self.units(column, before, &drawn, &computed),
                )
            })?;
            let outputs = Tensor::from_vec(units, (rows, hidden), &Device::Cpu)?.matmul(&step.output)?;
            let tokens = read(&outputs, |outputs| {
                let row = |(row, outputs): (usize, &[f32])| {
                    output.clear();
                    output.extend(outputs.iter().zip(&step.bias).map(|(output, bias)| output + bias));
                    let (scores, gates) = output.split_at_mut(step.size);
                    hint(column, row, &drawn, gates, scores);
                    choose(column, row, &drawn, scores)
                };
                outputs.chunks_exact(step.bias.len()).enumerate().map(row).collect::<Vec<u16>>()
            })?;
            computed.push(match (&step.later, &step.table) {
                (Some(later), None) => flat(&self.seen_by(column, &tokens)?.matmul(later)?)?,
                _ => Vec::new(),
            });
            drawn.push(tokens);
        }
        Ok(drawn)
    }

    /// Hidden units of a head, `[N, H]` row by row, given what the heads of its group hear of the conditioning
    /// (`before`) and the tokens drawn; `computed` is what tokens without a table contribute.
    #[inline(always)]
    fn units(&self, column: usize, before: &[f32], drawn: &[Vec<u16>], computed: &[Vec<f32>]) -> Vec<f32> {
        let hidden = self.network.heads.hidden;
        let mine = column * hidden..(column + 1) * hidden;
        let bias = &self.hidden_bias[mine.clone()];
        let first_of_group = column / self.group * self.group;
        let heard = self.group.min(self.columns.len() - first_of_group) * hidden;
        let mut units = Vec::with_capacity(before.len() / heard * hidden);
        for (row, before) in before.chunks_exact(heard).enumerate() {
            let start = units.len();
            units.extend_from_slice(&before[(column - first_of_group) * hidden..][..hidden]);
            let units = &mut units[start..];
            for (earlier, (tokens, computed)) in drawn.iter().zip(computed).enumerate() {
                let step = &self.columns[earlier];
                let place = column - earlier - 1;
                let (terms, line) = match &step.table {
                    Some(table) => (table, place * step.size + usize::from(tokens[row])),
                    None => (computed, row * (self.columns.len() - earlier - 1) + place),
                };
                let terms = &terms[line * hidden..][..hidden];
                units.iter_mut().zip(terms).for_each(|(unit, term)| *unit += term);
            }
            units.iter_mut().zip(bias).for_each(|(unit, bias)| *unit = (*unit + bias).max(0.0));
        }
        units
    }

    /// Embeddings and places of some tokens of a column, `[N, width]`.
    fn seen_by(&self, column: usize, tokens: &[u16]) -> Result<Tensor> {
        let slots: Vec<u32> = tokens.iter().map(|token| u32::from(*token)).collect();
        let slots = Tensor::from_vec(slots, tokens.len(), &Device::Cpu)?;
        seen(self.network, column)?.index_select(&slots, 0)
    }
}

/// Embeddings and places of a column's tokens, `[K, width]`.
fn seen(network: &Network, column: usize) -> Result<Tensor> {
    let (offset, size) = (network.heads.token_offset(column), network.heads.sizes[column]);
    Tensor::cat(&[&network.embedding.narrow(0, offset, size)?, &network.scalars.narrow(0, offset, size)?], 1)
}

fn flat(tensor: &Tensor) -> Result<Vec<f32>> {
    tensor.flatten_all()?.to_vec1()
}
