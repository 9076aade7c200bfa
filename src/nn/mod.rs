//! Layers, losses, the optimiser and the training loop; nothing here knows what a table is.
//!
//! Dimension letters of every shape in this room and the rooms that use it: `N` rows, `E` entries of a
//! relation, `D` feature width, `C` conditioning width, `H` hidden width of one head, `J` sub-columns (heads),
//! `K` tokens of one vocabulary.

mod adamw;
mod device;
mod heads;
mod noise;
mod parameters;
mod private;
mod training;

pub use adamw::{AdamW, Rates};
pub use device::{device, read, widened};
pub use heads::{BASIS, Heads, LineHint, SHRINKAGES, Targets, fast_exp};
pub use noise::Noise;
pub use parameters::{Init, Parameters, Stored, Trainable};
pub use private::PrivateSteps;
pub use training::{Course, Outcome, Schedule, Trainee, train};

#[cfg(test)]
mod tests;

use candle_core::{Result, Tensor};

/// Rectifies and, in training, drops a share of the units.
///
/// # Errors
/// If the tensor library fails.
pub fn activate(before: &Tensor, dropout: &mut Dropout<'_>) -> Result<Tensor> {
    let after = before.relu()?;
    match dropout {
        Dropout::Off => Ok(after),
        Dropout::On { rate, .. } if *rate <= 0.0 => Ok(after),
        Dropout::On { rate, noise } => {
            let mask = noise.keep_mask(after.elem_count(), *rate);
            after.mul(&Tensor::from_vec(mask, after.shape(), after.device())?)
        }
    }
}

/// Whether units are dropped: yes in training, no in validation and sampling.
#[derive(Debug)]
pub enum Dropout<'a> {
    /// Every unit is kept.
    Off,
    /// Each unit is dropped with probability `rate`, the others are scaled up.
    On {
        /// Probability of dropping a unit.
        rate: f32,
        /// Where the coin is from.
        noise: &'a mut Noise,
    },
}
