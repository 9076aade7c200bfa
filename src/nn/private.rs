//! Gradients under differential privacy: those of each entity are clipped as a whole, summed, and noise is added.
//!
//! Source: Abadi et al., "Deep learning with differential privacy", CCS 2016, algorithm 1, with an entity (all its
//! examples) in the place of an example. What a step costs is told by its noise multiplier and the chance of an entity
//! to be in a batch; batches must be Poisson samples of the entities.

use std::collections::BTreeMap;

use candle_core::{Error, Result, Tensor, backprop::GradStore};
use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};

use super::Trainable;
use crate::seed::Stream;

/// How gradients are made private.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PrivateSteps {
    /// Longest gradient of one entity over all weights together; longer ones are shortened to it.
    pub clip: f64,
    /// Standard deviation of the noise, in units of `clip`.
    pub noise: f64,
    /// Chance of each entity to be in a batch.
    pub rate: f64,
}

impl PrivateSteps {
    /// Draws a Poisson sample of `entities` entities: each of them by itself, so the batch may be empty.
    #[must_use]
    pub fn sample(&self, entities: usize, random: &mut Stream) -> Vec<usize> {
        (0..entities).filter(|_| random.random::<f64>() < self.rate).collect()
    }

    /// The noisy mean gradient of a batch: `entity` returns the loss of one entity, summed over its examples.
    ///
    /// The sum is divided by the expected size of a batch of `entities` entities, never by the true one, which is itself
    /// private. An entity whose gradient is not finite counts as none.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn gradients(
        &self,
        weights: &BTreeMap<String, Trainable>,
        (batch, entities): (&[usize], usize),
        mut loss: impl FnMut(usize) -> Result<Tensor>,
        random: &mut Stream,
    ) -> Result<GradStore> {
        let mut sums: Vec<Vec<f64>> =
            weights.values().map(|weight| vec![0.0; weight.var.elem_count()]).collect();
        for entity in batch {
            let gradients = loss(*entity)?.backward()?;
            let own = weights.values().map(|weight| slope(weight, &gradients)).collect::<Result<Vec<_>>>()?;
            let length = own.iter().flatten().map(|slope| f64::from(*slope).powi(2)).sum::<f64>().sqrt();
            if !length.is_finite() {
                continue;
            }
            let scale = if length > self.clip { self.clip / length } else { 1.0 };
            for (sum, own) in sums.iter_mut().zip(&own) {
                sum.iter_mut().zip(own).for_each(|(sum, slope)| *sum += scale * f64::from(*slope));
            }
        }
        let expected = (self.rate * entities as f64).max(1.0);
        let mut noisy = empty(weights)?;
        for (weight, sum) in weights.values().zip(sums) {
            let deviation = self.noise * self.clip;
            let mut draw = || -> f64 { StandardNormal.sample(random) };
            let values = sum.into_iter().map(|sum| ((sum + deviation * draw()) / expected) as f32).collect();
            let gradient = Tensor::from_vec::<_, f32>(values, weight.var.shape(), weight.var.device())?;
            noisy.insert(weight.var.as_tensor(), gradient);
        }
        Ok(noisy)
    }
}

/// One weight's gradient, without the entries that do not move.
fn slope(weight: &Trainable, gradients: &GradStore) -> Result<Vec<f32>> {
    let Some(gradient) = gradients.get(weight.var.as_tensor()) else {
        return Ok(vec![0.0; weight.var.elem_count()]);
    };
    let mut values = gradient.flatten_all()?.to_vec1::<f32>()?;
    if let Some(mask) = &weight.mask {
        values.iter_mut().zip(mask).for_each(|(value, free)| *value *= free);
    }
    Ok(values)
}

/// A store of gradients to fill: only a backward pass makes one.
fn empty(weights: &BTreeMap<String, Trainable>) -> Result<GradStore> {
    let first = weights.values().next().ok_or_else(|| Error::Msg("a network without weights".to_owned()))?;
    first.var.as_tensor().sum_all()?.backward()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use candle_core::{D, Device, Tensor, Var};
    use rand::RngExt;

    use super::{PrivateSteps, Trainable};
    use crate::{
        nn::{AdamW, Rates},
        seed::{Seed, Stream},
    };

    fn weights(values: Vec<f32>, shape: &[usize]) -> BTreeMap<String, Trainable> {
        let var = Var::from_vec(values, shape, &Device::Cpu).unwrap();
        [("w".to_owned(), Trainable { var, mask: None, decayed: false })].into()
    }

    fn gradient(steps: PrivateSteps, slopes: &[f32], random: &mut Stream) -> Vec<f32> {
        let weights = weights(vec![1.0; 4], &[4]);
        let w = weights["w"].var.as_tensor().clone();
        let batch: Vec<usize> = (0..slopes.len()).collect();
        let store = steps
            .gradients(
                &weights,
                (&batch, slopes.len()),
                |entity| w.sum_all()? * f64::from(slopes[entity]),
                random,
            )
            .unwrap();
        store.get(&w).unwrap().to_vec1().unwrap()
    }

    #[test]
    fn one_entity_never_moves_the_sum_by_more_than_the_clip() {
        let steps = PrivateSteps { clip: 0.5, noise: 0.0, rate: 1.0 };
        let mut random = Seed(1).stream("private", 0);
        // Means over two and three entities, so the sums are these times two and three.
        let few = gradient(steps, &[0.01, -0.02], &mut random);
        for wild in [1e-3_f32, 1.0, 1e6, f32::NAN] {
            let more = gradient(steps, &[0.01, -0.02, wild], &mut random);
            let moved: f32 = few.iter().zip(&more).map(|(a, b)| (2.0 * a - 3.0 * b).powi(2)).sum();
            assert!(moved.sqrt() <= 0.5 + 1e-5, "{wild}: {moved}");
        }
    }

    #[test]
    fn the_noise_is_as_wide_as_said_also_for_an_empty_batch() {
        let steps = PrivateSteps { clip: 2.0, noise: 3.0, rate: 1.0 };
        let mut random = Seed(2).stream("private", 0);
        let draws: Vec<f32> = (0..2_000).flat_map(|_| gradient(steps, &[], &mut random)).collect();

        let variance = draws.iter().map(|draw| draw * draw).sum::<f32>() / draws.len() as f32;
        assert!((variance.sqrt() - 6.0).abs() < 0.2, "{variance}");
    }

    /// Trains labels that mean nothing on sixty entities, and returns how well their losses tell them from sixty others.
    fn attacked(steps: PrivateSteps) -> f64 {
        let (entities, width) = (60, 400);
        let mut random = Seed(3).stream("private/attack", 0);
        let features: Vec<f32> = (0..2 * entities * width).map(|_| random.random::<f32>() - 0.5).collect();
        let features = Tensor::from_vec(features, (2 * entities, width), &Device::Cpu).unwrap();
        let signs: Vec<f32> =
            (0..2 * entities).map(|_| if random.random::<bool>() { 1.0 } else { -1.0 }).collect();
        let weights = weights(vec![0.0; width], &[width, 1]);
        let w = weights["w"].var.as_tensor().clone();
        // ln(1 + exp(−margin)) by way of a softmax over (margin, 0).
        let loss = |entity: usize| {
            let margin = (features.narrow(0, entity, 1)?.matmul(&w)? * f64::from(signs[entity]))?;
            let scores = Tensor::cat(&[&margin, &margin.zeros_like()?], 1)?;
            scores.exp()?.sum(D::Minus1)?.log()?.sub(&margin.squeeze(1)?)?.sum_all()
        };
        let mut optimiser = AdamW::new(weights).unwrap();
        let rates = Rates { learning: 0.05, decay: 0.0, average: 0.0 };
        for _ in 0..60 {
            let batch = steps.sample(entities, &mut random);
            let store = steps.gradients(optimiser.weights(), (&batch, entities), loss, &mut random).unwrap();
            optimiser.step(&store, rates).unwrap();
        }
        let losses: Vec<f32> =
            (0..2 * entities).map(|e| loss(e).unwrap().to_scalar::<f32>().unwrap()).collect();
        let (members, others) = losses.split_at(entities);
        let wins: f64 = members
            .iter()
            .flat_map(|member| others.iter().map(move |other| if member < other { 1.0 } else { 0.0 }))
            .sum();
        wins / (members.len() * others.len()) as f64
    }

    #[test]
    fn a_membership_attack_that_finds_the_trained_drops_to_chance_under_noise() {
        let open = attacked(PrivateSteps { clip: 1e6, noise: 0.0, rate: 0.5 });
        // Sixty steps at rate 0.5 and noise 40: ε below 0.5 at δ = 1e-5.
        let private = attacked(PrivateSteps { clip: 1.0, noise: 40.0, rate: 0.5 });

        assert!(open > 0.85, "{open}");
        assert!((private - 0.5).abs() < 0.15, "{private}");
    }
}
