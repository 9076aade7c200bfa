//! AdamW in one pass over each weight, with masks and a running average of the weights.
//!
//! Source: Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019, algorithm 2. The stock
//! implementation makes some fourteen temporaries per weight; this one makes none.

use std::{collections::BTreeMap, sync::Mutex};

use candle_core::{
    CpuStorage, Device, Error, InplaceOp1, InplaceOp2, Layout, Result, Tensor, Var, backprop::GradStore,
};

use super::{
    device::on_host,
    parameters::{Stored, Trainable, store},
};

/// What one optimiser step uses.
#[derive(Debug, Clone, Copy)]
pub struct Rates {
    /// Learning rate.
    pub learning: f32,
    /// Decoupled weight decay, per unit of learning rate.
    pub decay: f32,
    /// Decay of the running average of the weights.
    pub average: f32,
}

const BETA_1: f32 = 0.9;
const BETA_2: f32 = 0.99;
const EPSILON: f32 = 1e-8;

/// First and second moments of one weight's gradient, and the weight's running average.
#[derive(Debug)]
struct Moments {
    first: Vec<f32>,
    second: Vec<f32>,
    average: Vec<f32>,
}

/// The optimiser and the weights it moves.
#[derive(Debug)]
pub struct AdamW {
    weights: BTreeMap<String, Trainable>,
    moments: BTreeMap<String, Mutex<Moments>>,
    steps: i32,
}

impl AdamW {
    /// Takes charge of `weights`.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn new(weights: BTreeMap<String, Trainable>) -> Result<Self> {
        let moments = weights
            .iter()
            .map(|(name, weight)| {
                let average = weight.var.flatten_all()?.to_vec1::<f32>()?;
                let zeros = vec![0.0; average.len()];
                Ok((name.clone(), Mutex::new(Moments { first: zeros.clone(), second: zeros, average })))
            })
            .collect::<Result<_>>()?;
        Ok(Self { weights, moments, steps: 0 })
    }

    /// The weights.
    #[must_use]
    pub fn weights(&self) -> &BTreeMap<String, Trainable> {
        &self.weights
    }

    /// Moves every weight that has a gradient.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn step(&mut self, gradients: &GradStore, rates: Rates) -> Result<()> {
        self.steps += 1;
        let warm = (1.0 + self.steps as f32) / (10.0 + self.steps as f32);
        for (name, weight) in &self.weights {
            let Some(gradient) = gradients.get(weight.var.as_tensor()) else { continue };
            let update = Update {
                rates: Rates {
                    decay: if weight.decayed { rates.decay } else { 0.0 },
                    average: rates.average.min(warm),
                    ..rates
                },
                first_scale: 1.0 / (1.0 - BETA_1.powi(self.steps)),
                second_scale: 1.0 / (1.0 - BETA_2.powi(self.steps)),
                mask: weight.mask.as_deref(),
                moments: &self.moments[name],
            };
            update.apply(&weight.var, &gradient.contiguous()?)?;
        }
        Ok(())
    }

    /// Swaps every weight with its running average; a second call swaps back.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn swap_averages(&mut self) -> Result<()> {
        for (name, weight) in &self.weights {
            let swap = Swap(&self.moments[name]);
            if weight.var.device().is_cpu() {
                weight.var.as_tensor().inplace_op1(&swap)?;
            } else {
                on_host(&weight.var, |host| host.inplace_op1(&swap))?;
            }
        }
        Ok(())
    }

    /// Copies the weights to storage.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn store(&self) -> Result<Stored> {
        store(&self.weights)
    }
}

/// One weight's step.
struct Update<'a> {
    rates: Rates,
    first_scale: f32,
    second_scale: f32,
    mask: Option<&'a [f32]>,
    moments: &'a Mutex<Moments>,
}

impl Update<'_> {
    /// Moves a weight: in place on the processor, over a copy elsewhere.
    fn apply(&self, weight: &Var, gradient: &Tensor) -> Result<()> {
        if weight.device().is_cpu() {
            return weight.as_tensor().inplace_op2(gradient, self);
        }
        self.apply_on_host(weight, gradient)
    }

    fn apply_on_host(&self, weight: &Var, gradient: &Tensor) -> Result<()> {
        let gradient = gradient.to_device(&Device::Cpu)?;
        on_host(weight, |host| host.inplace_op2(&gradient, self))
    }
}

fn lock(moments: &Mutex<Moments>) -> Result<std::sync::MutexGuard<'_, Moments>> {
    moments.lock().map_err(|_| Error::Msg("an optimiser step failed before".to_owned()))
}

fn floats<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let values = storage.as_slice::<f32>()?;
    let (start, end) =
        layout.contiguous_offsets().ok_or_else(|| Error::Msg("gradient is not contiguous".to_owned()))?;
    Ok(&values[start..end])
}

fn floats_mut(storage: &mut CpuStorage) -> Result<&mut Vec<f32>> {
    match storage {
        CpuStorage::F32(values) => Ok(values),
        _ => Err(Error::Msg("weights are f32".to_owned())),
    }
}

impl InplaceOp2 for Update<'_> {
    fn name(&self) -> &'static str {
        "adamw"
    }

    fn cpu_fwd(&self, s1: &mut CpuStorage, _: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<()> {
        let mut moments = lock(self.moments)?;
        let Moments { first, second, average } = &mut *moments;
        let weights = floats_mut(s1)?;
        let gradient = floats(s2, l2)?;
        let shrink = 1.0 - self.rates.learning * self.rates.decay;
        let Rates { learning, average: kept, .. } = self.rates;
        let (first_scale, second_scale) = (self.first_scale, self.second_scale);
        // Slices side by side and no index: the compiler then works on several weights at once.
        let advance = |weight: &mut f32, slope: f32, first: &mut f32, second: &mut f32, average: &mut f32| {
            *first = BETA_1 * *first + (1.0 - BETA_1) * slope;
            *second = BETA_2 * *second + (1.0 - BETA_2) * slope * slope;
            let direction = *first * first_scale / ((*second * second_scale).sqrt() + EPSILON);
            *weight = *weight * shrink - learning * direction;
            *average = kept * *average + (1.0 - kept) * *weight;
        };
        let moments = first.iter_mut().zip(second).zip(average);
        let entries = weights.iter_mut().zip(gradient).zip(moments);
        match self.mask {
            None => {
                for ((weight, slope), ((first, second), average)) in entries {
                    advance(weight, *slope, first, second, average);
                }
            }
            Some(mask) => {
                for (((weight, slope), ((first, second), average)), free) in entries.zip(mask) {
                    advance(weight, *slope * *free, first, second, average);
                }
            }
        }
        Ok(())
    }
}

/// Exchanges a weight and its average.
struct Swap<'a>(&'a Mutex<Moments>);

impl InplaceOp1 for Swap<'_> {
    fn name(&self) -> &'static str {
        "swap-average"
    }

    fn cpu_fwd(&self, s1: &mut CpuStorage, _: &Layout) -> Result<()> {
        let mut moments = lock(self.0)?;
        floats_mut(s1)?.swap_with_slice(&mut moments.average);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use candle_core::{Device, Tensor, Var};

    use super::{Moments, Rates, Update};

    #[test]
    fn a_weight_moves_alike_in_place_and_over_a_copy() {
        let weight = || Var::from_vec(vec![0.5_f32, -1.0, 2.0], 3, &Device::Cpu).unwrap();
        let gradient = Tensor::from_vec(vec![0.1_f32, 0.2, -0.3], 3, &Device::Cpu).unwrap();
        let moved = |on_host: bool| {
            let zeros = vec![0.0; 3];
            let moments = Moments { first: zeros.clone(), second: zeros.clone(), average: zeros };
            let update = Update {
                rates: Rates { learning: 0.1, decay: 0.01, average: 0.9 },
                first_scale: 10.0,
                second_scale: 100.0,
                mask: Some(&[1.0, 0.0, 1.0]),
                moments: &Mutex::new(moments),
            };
            let weight = weight();
            if on_host {
                update.apply_on_host(&weight, &gradient).unwrap();
            } else {
                update.apply(&weight, &gradient).unwrap();
            }
            weight.as_tensor().to_vec1::<f32>().unwrap()
        };

        assert_eq!(moved(true), moved(false));
        assert_ne!(moved(true), weight().as_tensor().to_vec1::<f32>().unwrap());
    }
}
