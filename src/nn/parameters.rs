//! Named weights: trainable while fitting, plain tensors afterwards.

use std::collections::BTreeMap;

use candle_core::{Device, Error, Result, Tensor, Var};

use super::{Noise, device};

/// Weights at rest, by name: shape and values.
pub type Stored = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// How a fresh weight starts.
#[derive(Debug, Clone)]
pub enum Init {
    /// Uniform in `±bound`.
    Uniform(f32),
    /// All zero.
    Zero,
    /// The given values, row-major.
    Values(Vec<f32>),
}

/// One trainable weight.
#[derive(Debug)]
pub struct Trainable {
    /// The weight.
    pub var: Var,
    /// Entries that are free to move (1) and entries that stay at zero (0); `None` if all are free.
    pub mask: Option<Vec<f32>>,
    /// True if weight decay applies.
    pub decayed: bool,
}

/// The weights of a network under construction: either fresh and trainable, or taken from storage.
///
/// The same constructor builds a network for training and for sampling, so both have the same shapes.
#[derive(Debug)]
pub enum Parameters {
    /// Fresh weights, drawn from `noise`.
    Fresh {
        /// Where initial values come from.
        noise: Noise,
        /// The weights made so far.
        made: BTreeMap<String, Trainable>,
    },
    /// Stored weights; nothing is trainable.
    Stored(Stored),
}

impl Parameters {
    /// Starts a trainable network.
    #[must_use]
    pub fn fresh(noise: Noise) -> Self {
        Self::Fresh { noise, made: BTreeMap::new() }
    }

    /// Returns the weight called `name`.
    ///
    /// # Errors
    /// If it is not among the stored weights or has another shape there.
    pub fn get(&mut self, name: &str, shape: &[usize], init: Init) -> Result<Tensor> {
        self.make(name, shape, init, None)
    }

    /// Returns a weight of which only the entries with `mask` 1 are used; the others are and stay zero.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn get_masked(&mut self, name: &str, shape: &[usize], init: Init, mask: Vec<f32>) -> Result<Tensor> {
        self.make(name, shape, init, Some(mask))
    }

    fn make(&mut self, name: &str, shape: &[usize], init: Init, mask: Option<Vec<f32>>) -> Result<Tensor> {
        match self {
            Self::Stored(stored) => {
                let (held, values) =
                    stored.get(name).ok_or_else(|| Error::Msg(format!("weight {name} is missing")))?;
                if held != shape || values.len() != shape.iter().product::<usize>() {
                    return Err(Error::Msg(format!("weight {name} is {held:?}, not {shape:?}")));
                }
                Tensor::from_vec(values.clone(), shape, &Device::Cpu)
            }
            Self::Fresh { noise, made } => {
                let length = shape.iter().product();
                let mut values = match init {
                    Init::Zero => vec![0.0; length],
                    Init::Values(values) => values,
                    Init::Uniform(bound) => (0..length)
                        .map(|_| ((noise.bits() >> 40) as f32 / 8_388_608.0 - 1.0) * bound)
                        .collect(),
                };
                if let Some(mask) = &mask {
                    values.iter_mut().zip(mask).for_each(|(value, free)| *value *= free);
                }
                let var = Var::from_vec(values, shape, &device())?;
                let tensor = var.as_tensor().clone();
                let decayed = shape.len() > 1;
                made.insert(name.to_owned(), Trainable { var, mask, decayed });
                Ok(tensor)
            }
        }
    }

    /// Returns the trainable weights, none if they came from storage.
    #[must_use]
    pub fn into_trainable(self) -> BTreeMap<String, Trainable> {
        match self {
            Self::Fresh { made, .. } => made,
            Self::Stored(_) => BTreeMap::new(),
        }
    }
}

/// Copies trainable weights to storage.
///
/// # Errors
/// If the tensor library fails.
pub(super) fn store(trainable: &BTreeMap<String, Trainable>) -> Result<Stored> {
    trainable
        .iter()
        .map(|(name, weight)| {
            let values = weight.var.flatten_all()?.to_vec1::<f32>()?;
            Ok((name.clone(), (weight.var.dims().to_vec(), values)))
        })
        .collect()
}
