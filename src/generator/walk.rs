//! Walks the heads in order: what each says, given the tokens drawn before it.
//!
//! The first layer is finished step by step: once a token is drawn, its contribution is added to the heads
//! after it, so all steps together cost about half a forward pass instead of one each. What tokens contribute is
//! worked out once per vocabulary where that pays.

use candle_core::{Device, Result, Tensor};

use super::network::Network;

/// Most numbers of a column's table of contributions: 16 MiB.
const MOST_TABLE: usize = 4 << 20;

/// A network made ready to be walked.
#[derive(Debug)]
pub(super) struct Steps<'a> {
    network: &'a Network,
    hidden_bias: Vec<f32>,
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
    /// What each token adds to the later heads, `[K, later]`; `None` where the vocabulary is too large.
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
                    Some(flat(&seen(network, column)?.matmul(later)?)?)
                }
                _ => None,
            };
            Ok(Step { size, output: weights, bias, later, table })
        };
        Ok(Self {
            network,
            hidden_bias: network.hidden_bias.to_vec1()?,
            columns: (0..columns).map(step).collect::<Result<_>>()?,
        })
    }

    /// Number of heads.
    pub(super) fn count(&self) -> usize {
        self.columns.len()
    }

    /// Walks the first `columns` heads under `context`, `[N, C]`: `hint(column, row, drawn, gates, scores)` completes the scores of a
    /// row, of which the columns before were drawn,
    /// `choose(column, scores)` gets each row's `K` scores of a column and returns the tokens the columns after
    /// it see.
    pub(super) fn walk(
        &self,
        context: &Tensor,
        columns: usize,
        hint: impl Fn(usize, usize, &[Vec<u16>], &[f32], &mut [f32]),
        mut choose: impl FnMut(usize, &mut dyn Iterator<Item = &mut [f32]>) -> Vec<u16>,
    ) -> Result<()> {
        let rows = context.dim(0)?;
        let hidden = self.network.heads.hidden;
        let all = self.hidden_bias.len();
        let mut before = flat(&context.matmul(&self.network.from_context)?)?;
        let mut drawn: Vec<Vec<u16>> = Vec::with_capacity(self.columns.len());
        for (column, step) in self.columns.iter().enumerate().take(columns) {
            let mine = column * hidden..(column + 1) * hidden;
            let bias = &self.hidden_bias[mine.clone()];
            let mut units = Vec::with_capacity(rows * hidden);
            for row in before.chunks_exact(all) {
                units.extend(row[mine.clone()].iter().zip(bias).map(|(unit, bias)| (unit + bias).max(0.0)));
            }
            let units = Tensor::from_vec(units, (rows, hidden), &Device::Cpu)?;
            let mut outputs = flat(&units.matmul(&step.output)?)?;
            for (row, outputs) in outputs.chunks_exact_mut(step.bias.len()).enumerate() {
                outputs.iter_mut().zip(&step.bias).for_each(|(output, bias)| *output += bias);
                let (scores, gates) = outputs.split_at_mut(step.size);
                hint(column, row, &drawn, gates, scores);
            }
            let tokens = choose(
                column,
                &mut outputs.chunks_exact_mut(step.bias.len()).map(|outputs| &mut outputs[..step.size]),
            );
            let Some(later) = &step.later else { break };
            let width = all - (column + 1) * hidden;
            let computed = match &step.table {
                Some(_) => Vec::new(),
                None => flat(&self.seen_by(column, &tokens)?.matmul(later)?)?,
            };
            for (row, (units, token)) in before.chunks_exact_mut(all).zip(&tokens).enumerate() {
                let (table, line) = match &step.table {
                    Some(table) => (table, usize::from(*token)),
                    None => (&computed, row),
                };
                let terms = &table[line * width..(line + 1) * width];
                units[(column + 1) * hidden..].iter_mut().zip(terms).for_each(|(unit, term)| *unit += term);
            }
            drawn.push(tokens);
        }
        Ok(())
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
