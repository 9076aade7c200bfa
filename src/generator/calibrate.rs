//! Sets the heads' biases right once training has stopped.
//!
//! Training stops early and drops units while it lasts, so the shares a network gives each token, averaged over the
//! rows it learnt from, are a little off what those rows show: tails come out thin. A few exact corrections of the
//! biases, `b += ln(share seen / share given)`, put that right. What single tokens say is read as it was in training,
//! counted without a row's own fold.

use candle_core::{Error, Result, Tensor};

use crate::nn::{Parameters, Stored, Targets};

use super::{
    batches::{Reader, Window},
    evidence::Tables,
    network::Network,
};

/// Corrections, each over all rows looked at.
const ROUNDS: usize = 3;

/// Most rows looked at.
const MAX_ROWS: usize = 30_000;

/// Rows per batch.
const BATCH_ROWS: usize = 1024;

/// Largest correction of one round.
const LARGEST: f32 = 1.0;

/// Corrects the output biases among `weights`, which must hold the fitted tables already.
pub(super) fn calibrate(
    reader: Reader<'_>,
    windows: &[Window],
    tables: &Tables,
    marginals: &[Vec<f32>],
    weights: &mut Stored,
) -> Result<()> {
    let rows: usize = windows.iter().map(|window| window.rows.len()).sum();
    let stride = rows.div_ceil(MAX_ROWS).max(1);
    let looked_at: Vec<&Window> = windows.iter().step_by(stride).collect();
    let seen = seen_shares(reader, &looked_at);
    let mut network = Network::new(reader.shape, &mut Parameters::Stored(weights.clone()), &[])?;
    let missing = || Error::Msg("the output biases are missing".to_owned());
    let (_, biases) = weights.get_mut("output.bias").ok_or_else(missing)?;
    for _ in 0..ROUNDS {
        let given = given_shares(reader, &looked_at, tables, marginals, &network)?;
        for (head, (seen, given)) in seen.iter().zip(&given).enumerate() {
            let start = network.heads.output_offset(head);
            for ((bias, seen), given) in biases[start..].iter_mut().zip(seen).zip(given) {
                if *seen > 0.0 && *given > 0.0 {
                    *bias += ((seen / given).ln() as f32).clamp(-LARGEST, LARGEST);
                }
            }
        }
        network.output_bias =
            Tensor::from_slice(biases, network.output_bias.shape(), network.output_bias.device())?;
    }
    Ok(())
}

/// Rows per token, head by head.
fn seen_shares(reader: Reader<'_>, windows: &[&Window]) -> Vec<Vec<f64>> {
    let columns = reader.shape.sub_columns.iter().zip(&reader.rows.tokens);
    columns
        .map(|(column, tokens)| {
            let mut seen = vec![0.0; usize::from(column.size.max(1))];
            for row in windows.iter().flat_map(|window| window.rows.clone()) {
                seen[usize::from(tokens[row])] += 1.0;
            }
            seen
        })
        .collect()
}

/// Rows the network expects per token, head by head, each row under the real tokens before it.
fn given_shares(
    reader: Reader<'_>,
    windows: &[&Window],
    tables: &Tables,
    marginals: &[Vec<f32>],
    network: &Network,
) -> Result<Vec<Vec<f64>>> {
    let mut given: Vec<Vec<f64>> = network.heads.sizes.iter().map(|size| vec![0.0; *size]).collect();
    let mut start = 0;
    while start < windows.len() {
        let (mut end, mut size) = (start, 0);
        while end < windows.len() && size < BATCH_ROWS {
            size += windows[end].rows.len();
            end += 1;
        }
        let batch = reader.undisturbed(&windows[start..end], tables)?;
        let hidden = network.hidden(&batch.inputs, &batch.tokens, None)?;
        let targets = Targets {
            tokens: &batch.tokens,
            hints: &batch.hints,
            lines: &batch.lines,
            marginals,
            smoothing: 0.0,
        };
        network.heads.add_shares(&hidden, (&network.output, &network.output_bias), targets, &mut given)?;
        start = end;
    }
    Ok(given)
}
