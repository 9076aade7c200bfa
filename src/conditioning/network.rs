//! The message-passing network: relations in, one conditioning vector per row out.
//!
//! Heterogeneous GraphSAGE unrolled on the tree of relations: `m_v = relu(W_v·x_v + b_v + Σ U_u·m_u)` over the
//! messages `u` sent through `v`, with weights of their own for each relation. Source: Hamilton, Ying and
//! Leskovec, "Inductive representation learning on large graphs", 2017, equation 1; weights per relation as in
//! Schlichtkrull et al., "Modeling relational data with graph convolutional networks", 2018, equation 2.

use candle_core::{Device, Result, Tensor};
use serde::{Deserialize, Serialize};

use crate::nn::{Dropout, Init, Parameters, activate};

use super::{Conditioning, Distortion, Per};

/// One relation as the network knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageShape {
    /// Its name.
    pub name: String,
    /// Whose entries it has.
    pub per: Per,
    /// The message it is sent through.
    pub via: Option<usize>,
    /// True if it pools a family.
    pub pooled: bool,
    /// Width of its features, `D`.
    pub width: usize,
    /// About how many of its features are not zero.
    pub active: usize,
}

/// Widths of the whole network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContextShape {
    /// The relations.
    pub messages: Vec<MessageShape>,
    /// Width of the features a row has besides its messages: given tokens and sibling state.
    pub own_width: usize,
    /// About how many of them are not zero.
    pub own_active: usize,
    /// Width of a message.
    pub message: usize,
    /// Width of the hidden layer and of the conditioning vector, `C`.
    pub context: usize,
}

impl ContextShape {
    /// Number of weights.
    #[must_use]
    pub fn weight_count(&self) -> usize {
        let messages: usize =
            self.messages.iter().map(|m| m.width * self.message + self.message * self.context).sum();
        messages + self.own_width * self.context + self.context * self.context
    }
}

/// What the network reads for some families and rows of them.
#[derive(Debug, Clone)]
pub struct Inputs {
    /// Features of the messages per family, `[P, D]` each; `None` where a message is per row.
    pub families: Vec<Option<Tensor>>,
    /// Features of the rows.
    pub rows: RowInputs,
}

/// What the network reads of the rows themselves.
#[derive(Debug, Clone)]
pub struct RowInputs {
    /// Features of the messages per row, `[N, D]` each; `None` where a message is per family.
    pub messages: Vec<Option<Tensor>>,
    /// For each row, the position of its family among the families, `[N]`.
    pub family_of_row: Tensor,
    /// Features of the rows themselves, `[N, own_width]`; `None` if there are none.
    pub own: Option<Tensor>,
    /// Rows, `N`.
    pub count: usize,
}

/// The first layer's sums of some rows, before bias and rectifier.
#[derive(Debug)]
pub struct RowSums {
    /// Of the messages per row, `[N, width of a message]` each; `None` where a message is per family.
    pub messages: Vec<Option<Tensor>>,
    /// For each row, the position of its family among the families, `[N]`.
    pub family_of_row: Tensor,
    /// Of the features of the rows themselves, `[N, C]`; `None` if there are none.
    pub own: Option<Tensor>,
    /// Rows, `N`.
    pub count: usize,
}

/// What has been computed once for all rows of some families.
#[derive(Debug, Clone)]
pub struct FamilyPart {
    arrived: Option<Tensor>,
    through: Vec<Option<Tensor>>,
}

/// Gathers the features of the messages `per` family or row, one entry per entry of `entries`.
///
/// # Errors
/// If the tensor library fails.
pub fn gather(
    conditioning: &Conditioning,
    per: Per,
    entries: &[u32],
    mut distortion: Option<&mut Distortion<'_>>,
) -> Result<Vec<Option<Tensor>>> {
    let mut gathered = Vec::with_capacity(conditioning.messages.len());
    for message in &conditioning.messages {
        if message.per != per {
            gathered.push(None);
            continue;
        }
        let width = message.width();
        let mut features = vec![0.0; entries.len() * width];
        for (entry, out) in entries.iter().zip(features.chunks_exact_mut(width)) {
            message.write_features(*entry as usize, distortion.as_deref_mut(), out);
        }
        if let Some(distortion) = distortion.as_deref_mut() {
            distortion.drop(&mut features);
        }
        gathered.push(Some(Tensor::from_vec(features, (entries.len(), width), &Device::Cpu)?));
    }
    Ok(gathered)
}

impl RowInputs {
    /// Gathers what `rows` see: the messages per row, and their `own` features, row by row. `family_of_row` are
    /// positions among the families the family part was computed for.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn gather(
        conditioning: &Conditioning,
        rows: &[u32],
        family_of_row: Vec<u32>,
        own: Vec<f32>,
        distortion: Option<&mut Distortion<'_>>,
    ) -> Result<Self> {
        let count = rows.len();
        let width = own.len().checked_div(count).unwrap_or(0);
        let own = if width == 0 { None } else { Some(Tensor::from_vec(own, (count, width), &Device::Cpu)?) };
        Ok(Self {
            messages: gather(conditioning, Per::Row, rows, distortion)?,
            family_of_row: Tensor::from_vec(family_of_row, count, &Device::Cpu)?,
            own,
            count,
        })
    }
}

#[derive(Debug, Clone)]
struct Encoder {
    weight: Tensor,
    bias: Tensor,
    send: Tensor,
}

/// The network's weights.
#[derive(Debug, Clone)]
pub struct ContextNetwork {
    shape: ContextShape,
    encoders: Vec<Encoder>,
    own: Option<Tensor>,
    bias: Tensor,
    deep: Tensor,
    deep_bias: Tensor,
}

impl ContextNetwork {
    /// Makes or loads the weights.
    ///
    /// # Errors
    /// If stored weights do not fit.
    pub fn new(shape: &ContextShape, parameters: &mut Parameters) -> Result<Self> {
        let uniform = |fan_in: usize| Init::Uniform((3.0 / fan_in.max(1) as f32).sqrt());
        let (message, context) = (shape.message, shape.context);
        let mut encoders = Vec::new();
        for (index, relation) in shape.messages.iter().enumerate() {
            let name = format!("message.{index}");
            let target = if shape.next_hop(index).is_some() { message } else { context };
            encoders.push(Encoder {
                weight: parameters.get(
                    &format!("{name}.weight"),
                    &[relation.width, message],
                    uniform(relation.active),
                )?,
                bias: parameters.get(&format!("{name}.bias"), &[message], Init::Zero)?,
                send: parameters.get(&format!("{name}.send"), &[message, target], uniform(message))?,
            });
        }
        let own = if shape.own_width == 0 {
            None
        } else {
            Some(parameters.get("own.weight", &[shape.own_width, context], uniform(shape.own_active))?)
        };
        Ok(Self {
            shape: shape.clone(),
            encoders,
            own,
            bias: parameters.get("context.bias", &[context], Init::Uniform(0.1))?,
            deep: parameters.get("deep.weight", &[context, context], uniform(context))?,
            deep_bias: parameters.get("deep.bias", &[context], Init::Uniform(0.1))?,
        })
    }

    /// Computes what is the same for all rows of a family.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn families(&self, messages: &[Option<Tensor>], dropout: &mut Dropout<'_>) -> Result<FamilyPart> {
        self.families_with(self.first_layer(messages)?, dropout)
    }

    /// As [`Self::families`], but the features are multiplied out already: `[P, width of a message]` each.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn families_with(
        &self,
        messages: Vec<Option<Tensor>>,
        dropout: &mut Dropout<'_>,
    ) -> Result<FamilyPart> {
        let mut part = FamilyPart { arrived: None, through: vec![None; messages.len()] };
        for (index, sums) in messages.into_iter().enumerate().rev() {
            let Some(sums) = sums else { continue };
            let sent = self.send(index, sums, part.through[index].take(), dropout)?;
            match self.shape.next_hop(index) {
                Some(via) => add(&mut part.through[via], sent)?,
                None => add(&mut part.arrived, sent)?,
            }
        }
        Ok(part)
    }

    /// Returns the vectors rows are generated under, `[N, C]`.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn rows(&self, part: &FamilyPart, inputs: &RowInputs, dropout: &mut Dropout<'_>) -> Result<Tensor> {
        let own = match (&inputs.own, &self.own) {
            (Some(own), Some(weight)) => Some(own.to_device(weight.device())?.matmul(weight)?),
            _ => None,
        };
        let sums = RowSums {
            messages: self.first_layer(&inputs.messages)?,
            family_of_row: inputs.family_of_row.to_device(self.bias.device())?,
            own,
            count: inputs.count,
        };
        self.rows_with(part, sums, dropout)
    }

    /// Multiplies out the features of messages, `[E, width of a message]` each.
    fn first_layer(&self, messages: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
        let sums = |(features, encoder): (&Option<Tensor>, &Encoder)| {
            let product =
                |features: &Tensor| features.to_device(encoder.weight.device())?.matmul(&encoder.weight);
            features.as_ref().map(product).transpose()
        };
        messages.iter().zip(&self.encoders).map(sums).collect()
    }

    /// Returns the weights of each message's features, `[D, width of a message]` row by row.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn message_weights(&self) -> Result<Vec<Vec<f32>>> {
        self.encoders.iter().map(|encoder| encoder.weight.flatten_all()?.to_vec1()).collect()
    }

    /// Returns the weights of the rows' own features, `[own_width, C]`; empty if they have none.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn own_weights(&self) -> Result<Vec<f32>> {
        self.own.as_ref().map_or_else(|| Ok(Vec::new()), |own| own.flatten_all()?.to_vec1())
    }

    /// As [`Self::rows`], but the features are multiplied out already.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn rows_with(&self, part: &FamilyPart, sums: RowSums, dropout: &mut Dropout<'_>) -> Result<Tensor> {
        let RowSums { messages, family_of_row, own, count } = sums;
        let spread = |families: &Tensor| families.index_select(&family_of_row, 0);
        let mut through = vec![None; messages.len()];
        let mut arrived = part.arrived.as_ref().map(spread).transpose()?; // [N, C]
        for (index, sums) in messages.into_iter().enumerate().rev() {
            let Some(sums) = sums else { continue };
            if let Some(families) = &part.through[index] {
                add(&mut through[index], spread(families)?)?;
            }
            let sent = self.send(index, sums, through[index].take(), dropout)?;
            match self.shape.next_hop(index) {
                Some(via) => add(&mut through[via], sent)?,
                None => add(&mut arrived, sent)?,
            }
        }
        if let Some(own) = own {
            add(&mut arrived, own)?;
        }
        let first = match arrived {
            Some(sum) => sum.broadcast_add(&self.bias)?,
            None => self.bias.unsqueeze(0)?.broadcast_as((count, self.shape.context))?.contiguous()?,
        };
        let hidden = activate(&first, dropout)?;
        activate(&hidden.matmul(&self.deep)?.broadcast_add(&self.deep_bias)?, dropout)
    }

    /// Encodes a message, its features multiplied out, with what arrived through it, and weighs it for the next hop,
    /// `[E, next width]`.
    fn send(
        &self,
        index: usize,
        sums: Tensor,
        arrived: Option<Tensor>,
        dropout: &mut Dropout<'_>,
    ) -> Result<Tensor> {
        let encoder = &self.encoders[index];
        let mut sum = sums.broadcast_add(&encoder.bias)?;
        if let Some(arrived) = arrived {
            sum = (sum + arrived)?;
        }
        activate(&sum, dropout)?.matmul(&encoder.send)
    }
}

impl ContextShape {
    /// The message a message is sent through. A message per row cannot go through one per family (many rows to
    /// one family would be a pool): it reaches the row itself.
    fn next_hop(&self, index: usize) -> Option<usize> {
        let relation = &self.messages[index];
        relation.via.filter(|via| {
            *via < index && !(relation.per == Per::Row && self.messages[*via].per == Per::Family)
        })
    }
}

fn add(sum: &mut Option<Tensor>, term: Tensor) -> Result<()> {
    *sum = Some(match sum.take() {
        Some(before) => (before + term)?,
        None => term,
    });
    Ok(())
}
