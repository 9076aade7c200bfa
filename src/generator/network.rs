//! The network of one table: conditioning, then one small head per sub-column over the tokens before it.

use std::sync::Arc;

use candle_core::{D, Result, Tensor};
use serde::{Deserialize, Serialize};

use crate::{
    codec::{EncodedTable, SubColumn},
    conditioning::{
        Conditioning, ContextNetwork, ContextShape, Course, Inputs, MessageShape, MessageSource,
        SiblingLayout, Siblings,
    },
    nn::{BASIS, Dropout, Heads, Init, Noise, Parameters, Stored, activate},
};

use super::{
    evidence::{Evidence, Tables},
    settings::Settings,
};

/// Rows of a family that are drawn one after the other where totals run on from each to the next.
const MOST_ONE_BY_ONE: usize = 1 << 14;

/// Everything about a table's network but its weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Shape {
    /// The sub-columns to generate.
    pub sub_columns: Vec<SubColumn>,
    /// The sub-columns decided before.
    pub given: Vec<SubColumn>,
    /// The state kept of earlier siblings; `None` without siblings.
    pub siblings: Option<SiblingLayout>,
    /// The conditioning network.
    pub context: ContextShape,
    /// Hidden units per head.
    pub hidden: usize,
    /// Width of a token's embedding.
    pub embedding: usize,
    /// The tables each head reads; none before they are chosen.
    pub evidence: Vec<Vec<Evidence>>,
}

impl Shape {
    /// Reads the shape off the conditioning (as the generator views it) and the columns.
    pub(super) fn new(sub_columns: &[SubColumn], conditioning: &Conditioning, settings: &Settings) -> Self {
        let given = conditioning.given.as_ref().map_or_else(Vec::new, |given| given.sub_columns.clone());
        let families = &conditioning.families;
        let longest = (0..families.len()).map(|family| families.rows(family).len()).max().unwrap_or(0);
        // A total is known only once all rows before it are: no family is halved that has one, unless it would take
        // for ever.
        let one_by_one = conditioning.running.is_some() && longest <= MOST_ONE_BY_ONE;
        let longest = if one_by_one { 1 } else { longest };
        let siblings = conditioning
            .has_siblings
            .then(|| SiblingLayout::new(given.iter().chain(sub_columns).cloned().collect(), longest));
        let width_of = |columns: &[SubColumn]| columns.iter().map(SubColumn::feature_width).sum::<usize>();
        let messages = conditioning
            .messages
            .iter()
            .map(|message| {
                let (MessageSource::Row { table, .. } | MessageSource::Pool { table, .. }) = &message.source;
                MessageShape {
                    name: message.name.clone(),
                    per: message.per,
                    via: message.via,
                    pooled: message.is_pooled(),
                    width: message.width(),
                    active: 2 * table.sub_columns.len() + 2,
                }
            })
            .collect();
        let context = ContextShape {
            messages,
            own_width: width_of(&given) + siblings.as_ref().map_or(0, SiblingLayout::width),
            own_active: 2 * given.len() + siblings.as_ref().map_or(0, SiblingLayout::active),
            message: settings.message,
            context: settings.context,
        };
        Self {
            sub_columns: sub_columns.to_vec(),
            given,
            siblings,
            context,
            hidden: settings.hidden,
            embedding: settings.embedding,
            evidence: vec![Vec::new(); sub_columns.len()],
        }
    }

    /// Looks for columns that lie near their previous sibling's among the rows to learn.
    pub(super) fn with_series_of(mut self, rows: &EncodedTable, conditioning: &Conditioning) -> Self {
        self.siblings = self.siblings.map(|layout| layout.with_series_of(rows, &conditioning.families));
        self
    }

    /// Returns the heads' shape.
    pub(super) fn heads(&self) -> Heads {
        Heads {
            hidden: self.hidden,
            sizes: self.sub_columns.iter().map(|column| usize::from(column.size.max(1))).collect(),
            hints: (0..self.sub_columns.len()).map(|column| self.hint_count(column)).collect(),
            tables: self.evidence.iter().map(Vec::len).collect(),
            bases: self.sub_columns.iter().map(smooth_basis).collect(),
        }
    }

    fn hint_count(&self, column: usize) -> usize {
        self.siblings.as_ref().map_or(0, |layout| layout.hint_count(self.given.len() + column))
    }

    /// Appends what the earlier siblings hint about each column of a row, given by its index and its family's course;
    /// one vector per column.
    pub(super) fn push_hints(&self, siblings: Siblings<'_>, row: (usize, Course), hints: &mut [Vec<f32>]) {
        let Some(layout) = &self.siblings else { return };
        for (column, hints) in hints.iter_mut().enumerate() {
            let start = hints.len();
            let size = usize::from(self.sub_columns[column].size);
            hints.resize(start + self.hint_count(column) * size, 0.0);
            siblings.write_hints(layout, self.given.len() + column, row, &mut hints[start..]);
        }
    }

    /// Number of weights that take part in a row.
    pub(super) fn weight_count(&self) -> usize {
        let heads = self.sub_columns.len() * self.hidden;
        let tokens = self.sub_columns.len() * (self.embedding + 1);
        self.context.weight_count() + heads * (tokens + self.context.context) + self.heads().weight_count()
    }
}

/// The weights of one table's network.
#[derive(Debug, Clone)]
pub(super) struct Network {
    /// The conditioning network.
    pub context: ContextNetwork,
    /// The heads' shape.
    pub heads: Heads,
    /// Embeddings of all tokens, `[ΣK, width]`.
    pub embedding: Tensor,
    /// Places on the line of all tokens, `[ΣK, 1]`.
    pub scalars: Tensor,
    /// First layer on the tokens, `[J·(width + 1), J·H]`; zero where a head may not look.
    pub from_tokens: Tensor,
    /// First layer on the conditioning, `[C, J·H]`.
    pub from_context: Tensor,
    /// First layer's bias, `[J·H]`.
    pub hidden_bias: Tensor,
    /// Output weights, head by head.
    pub output: Tensor,
    /// Output biases, `[ΣK]`.
    pub output_bias: Tensor,
    /// The tables the heads read; counted, not trained.
    pub tables: Tables,
}

impl Network {
    /// Makes or loads the weights. `log_marginals` is where fresh output biases of tokens start.
    pub(super) fn new(
        shape: &Shape,
        parameters: &mut Parameters,
        log_marginals: &[Vec<f32>],
    ) -> Result<Self> {
        let heads = shape.heads();
        let (columns, hidden, width) = (shape.sub_columns.len(), shape.hidden, shape.embedding + 1);
        let context = ContextNetwork::new(&shape.context, parameters)?;
        let mut mask = vec![0.0; columns * width * columns * hidden];
        for (row, mask) in mask.chunks_exact_mut((columns * hidden).max(1)).enumerate() {
            mask[(row / width + 1) * hidden..].fill(1.0);
        }
        let embeddings = smooth_embeddings(shape, parameters);
        let tables = match parameters {
            Parameters::Fresh { .. } => Tables::new(),
            Parameters::Stored(stored) => stored_tables(shape, stored)?,
        };
        let output = fresh_output(&heads, parameters);
        let bound = |fan_in: usize| Init::Uniform((2.0 / fan_in.max(1) as f32).sqrt());
        let scalars = shape
            .sub_columns
            .iter()
            .flat_map(|column| {
                (0..usize::from(column.size.max(1)))
                    .map(|token| column.scalars.get(token).copied().unwrap_or(0.0))
            })
            .collect();
        let embedding = parameters.get("embedding", &[heads.token_count(), shape.embedding], embeddings)?;
        Ok(Self {
            context,
            scalars: Tensor::from_vec(scalars, (heads.token_count(), 1), embedding.device())?,
            embedding,
            from_tokens: parameters.get_masked(
                "heads.tokens",
                &[columns * width, columns * hidden],
                bound(columns * width),
                mask,
            )?,
            from_context: parameters.get(
                "heads.context",
                &[shape.context.context, columns * hidden],
                bound(shape.context.context),
            )?,
            hidden_bias: parameters.get("heads.bias", &[columns * hidden], Init::Uniform(0.1))?,
            output: parameters.get("output.weight", &[heads.weight_count()], output)?,
            output_bias: parameters.get(
                "output.bias",
                &[heads.output_count()],
                Init::Values(with_gates(&heads, log_marginals)),
            )?,
            tables,
            heads,
        })
    }

    /// Returns the hidden units of all heads, `[N, J·H]`, given all tokens of the rows.
    ///
    /// `training` is given in training only: what to drop, and the noise that says what.
    pub(super) fn hidden(
        &self,
        inputs: &Inputs,
        tokens: &[Vec<u16>],
        mut training: Option<(&Settings, &mut Noise)>,
    ) -> Result<Tensor> {
        let mut dropout = match &mut training {
            Some((settings, noise)) => Dropout::On { rate: settings.context_dropout, noise },
            None => Dropout::Off,
        };
        let families = self.context.families(&inputs.families, &mut dropout)?;
        let context = self.context.rows(&families, &inputs.rows, &mut dropout)?;
        let mut embedded = self.embed_rows(inputs.rows.count, tokens)?; // [N, J, width + 1]
        let (rows, columns, width) = embedded.dims3()?;
        if let Some((settings, noise)) = &mut training {
            let mask = noise.keep_mask(rows * columns, settings.token_dropout);
            let mask = Tensor::from_vec(mask, (rows, columns, 1), embedded.device())?;
            embedded = embedded.broadcast_mul(&mask)?;
        }
        let embedded = embedded.reshape((rows, columns * width))?;
        let before = (context.matmul(&self.from_context)? + embedded.matmul(&self.from_tokens)?)?;
        let mut dropout = match training {
            Some((settings, noise)) => Dropout::On { rate: settings.dropout, noise },
            None => Dropout::Off,
        };
        activate(&before.broadcast_add(&self.hidden_bias)?, &mut dropout)
    }

    /// Returns the embeddings of whole rows, `[N, J, width + 1]`.
    fn embed_rows(&self, rows: usize, tokens: &[Vec<u16>]) -> Result<Tensor> {
        let mut offsets = Vec::with_capacity(tokens.len());
        let mut next = 0;
        for size in &self.heads.sizes {
            offsets.push(next);
            next += *size as u32;
        }
        let mut slots = Vec::with_capacity(rows * tokens.len());
        for row in 0..rows {
            slots.extend(tokens.iter().zip(&offsets).map(|(column, offset)| offset + u32::from(column[row])));
        }
        let slots = Tensor::from_vec(slots, rows * tokens.len(), self.embedding.device())?;
        let embedded = self.embedding.index_select(&slots, 0)?;
        let scalars = self.scalars.index_select(&slots, 0)?;
        let width = embedded.dim(1)? + 1;
        Tensor::cat(&[&embedded, &scalars], D::Minus1)?.reshape((rows, tokens.len(), width))
    }
}

/// Bumps over the line of an ordered vocabulary, and the line itself: `[B, K]` row-major; empty for a vocabulary
/// that is short or has no order. The places are normal scores, so the bumps hold about equal shares of the rows.
fn smooth_basis(column: &SubColumn) -> Vec<f32> {
    if column.scalars.len() < 2 * BASIS {
        return Vec::new();
    }
    let bump = |scalar: f32, index: usize| {
        let centre = 4.0 * index as f32 / (BASIS - 2) as f32 - 2.0;
        (-((scalar - centre) / 0.5).powi(2) / 2.0).exp()
    };
    let line = column.scalars.iter().map(|scalar| scalar / 2.0);
    let bumps =
        (0..BASIS - 1).flat_map(|index| column.scalars.iter().map(move |scalar| bump(*scalar, index)));
    bumps.chain(line).collect()
}

/// Fresh embeddings: random, but alike for neighbours where tokens have an order.
fn smooth_embeddings(shape: &Shape, parameters: &mut Parameters) -> Init {
    let Parameters::Fresh { noise, .. } = parameters else { return Init::Zero };
    let mut uniform = || (noise.bits() >> 40) as f32 / 8_388_608.0 - 1.0;
    let width = shape.embedding;
    let mut values = Vec::new();
    for column in &shape.sub_columns {
        let size = usize::from(column.size.max(1));
        let basis = smooth_basis(column);
        let directions: Vec<f32> = (0..BASIS * width).map(|_| uniform()).collect();
        for token in 0..size {
            for unit in 0..width {
                let own = uniform();
                if basis.is_empty() {
                    values.push(own);
                    continue;
                }
                let shared: f32 =
                    (0..BASIS).map(|b| basis[b * size + token] * directions[b * width + unit]).sum();
                values.push(0.3 * own + 0.8 * shared);
            }
        }
    }
    Init::Values(values)
}

/// Puts the gates behind each column's log-marginals: closed, but for that of the best table, which is believed.
fn with_gates(heads: &Heads, log_marginals: &[Vec<f32>]) -> Vec<f32> {
    let columns = log_marginals.iter().zip(heads.hints.iter().zip(&heads.tables));
    columns
        .flat_map(|(column, (hints, tables))| {
            let tables = (0..*tables).map(|table| if table == 0 { 1.0 } else { 0.0 });
            column.iter().copied().chain(std::iter::repeat_n(0.0, *hints)).chain(tables)
        })
        .collect()
}

/// Fresh output weights: random, but those of the tables' gates, which start as their biases say.
fn fresh_output(heads: &Heads, parameters: &mut Parameters) -> Init {
    let Parameters::Fresh { noise, .. } = parameters else { return Init::Zero };
    let bound = 1.0 / (heads.hidden.max(1) as f32).sqrt();
    let mut values: Vec<f32> = (0..heads.weight_count())
        .map(|_| ((noise.bits() >> 40) as f32 / 8_388_608.0 - 1.0) * bound)
        .collect();
    for head in 0..heads.sizes.len() {
        let (start, width) = (heads.hidden * heads.output_offset(head), heads.width(head));
        for unit in values[start..start + heads.hidden * width].chunks_exact_mut(width) {
            unit[width - heads.tables[head]..].fill(0.0);
        }
    }
    Init::Values(values)
}

/// Where a fitted generator keeps a table among its weights.
pub(super) fn table_name(column: usize, table: usize) -> String {
    format!("evidence.{column}.{table}")
}

fn stored_tables(shape: &Shape, stored: &Stored) -> Result<Tables> {
    let heads = shape.evidence.iter().enumerate();
    heads
        .map(|(column, evidence)| {
            let size = usize::from(shape.sub_columns[column].size.max(1));
            let tables = evidence.iter().enumerate().map(|(table, evidence)| {
                let name = table_name(column, table);
                match stored.get(&name) {
                    Some((_, values)) if values.len() == evidence.lines() * size => {
                        Ok(Arc::new(values.clone()))
                    }
                    _ => Err(candle_core::Error::Msg(format!("table {name} is missing or of another size"))),
                }
            });
            tables.collect()
        })
        .collect()
}
