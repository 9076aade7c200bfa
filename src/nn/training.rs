//! The training loop: rounds of steps, validation, plateau decay, early stopping on the best weights.

use candle_core::Result;

use super::{AdamW, Rates, parameters::Stored};

/// How long and how fast to train.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    /// Learning rate at the start.
    pub rate: f32,
    /// Decoupled weight decay.
    pub decay: f32,
    /// Decay of the running average of the weights.
    pub average: f32,
    /// Steps between two validations.
    pub round_steps: usize,
    /// Most steps.
    pub max_steps: usize,
    /// Rounds without improvement before training stops.
    pub patience: usize,
}

/// A network in training: knows its batches, its loss and its validation set.
pub trait Trainee {
    /// Takes one step's gradients on the next batch and hands them to the optimiser.
    ///
    /// # Errors
    /// If the tensor library fails.
    fn step(&mut self, optimiser: &mut AdamW, rates: Rates) -> Result<()>;

    /// Returns the loss on rows never trained on, nats per row; `None` if there are none.
    ///
    /// # Errors
    /// If the tensor library fails.
    fn validate(&mut self) -> Result<Option<f32>>;

    /// Hears that the weights just validated are the best so far.
    fn improved(&mut self);

    /// Share of the time it may take that is used up; 1 or more ends the training where it stands.
    fn spent(&self) -> f32 {
        0.0
    }

    /// Hears of a finished round; false stops the training at once.
    fn finished_round(&mut self, loss: Option<f32>, steps: usize) -> bool;
}

/// What a training came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Course {
    /// Steps taken.
    pub steps: usize,
    /// The step whose weights are kept.
    pub best_step: usize,
    /// Validation loss of the kept weights, nats per row.
    pub loss: Option<f32>,
    /// True if the time was up before anything else ended it.
    pub out_of_time: bool,
}

/// How training ended.
#[derive(Debug)]
pub enum Outcome {
    /// With the weights that validated best (the last ones, where nothing can be validated).
    Trained(Stored, Course),
    /// The trainee stopped it.
    Stopped,
}

/// Trains until the validation loss stops falling or the steps are used up.
///
/// The rate halves when a third of the patience passes without improvement, and falls linearly to a tenth
/// towards the last step, so that a run cut short by its budget ends as settled as one that stopped itself.
///
/// # Errors
/// If the tensor library fails.
pub fn train(trainee: &mut impl Trainee, optimiser: &mut AdamW, schedule: Schedule) -> Result<Outcome> {
    let mut best = trainee.validate()?;
    trainee.improved();
    // A ten-thousandth of what there was to learn at first; relative to the loss itself, a table that can be
    // learnt to the last bit would train for ever.
    let least_gain = 1e-4 * best.unwrap_or(0.0).abs();
    let mut kept = optimiser.store()?;
    let (mut stale, mut since_cut, mut factor) = (0, 0, 1.0_f32);
    let (mut done, mut best_step) = (0, 0);
    let first = best;
    let mut out_of_time = false;
    while done < schedule.max_steps && !out_of_time {
        let round = schedule.round_steps.clamp(1, schedule.max_steps - done);
        let mut taken = 0;
        for step in done..done + round {
            let time = trainee.spent();
            out_of_time = time >= 1.0;
            if out_of_time {
                break;
            }
            taken += 1;
            let spent = time.max(step as f32 / schedule.max_steps as f32);
            let warm = ((step + 1) as f32 / 20.0).min(1.0);
            let learning = schedule.rate * factor * warm * (1.0 - 0.9 * spent);
            trainee.step(optimiser, Rates { learning, decay: schedule.decay, average: schedule.average })?;
        }
        done += taken;
        optimiser.swap_averages()?;
        let loss = trainee.validate()?;
        let improved = match (loss, best) {
            (Some(loss), Some(best)) => loss < best - least_gain,
            _ => true,
        };
        if improved {
            kept = optimiser.store()?;
            trainee.improved();
            best = loss;
            best_step = done;
            (stale, since_cut) = (0, 0);
        } else {
            stale += 1;
            since_cut += 1;
        }
        optimiser.swap_averages()?;
        if !trainee.finished_round(loss, done) {
            return Ok(Outcome::Stopped);
        }
        if stale >= schedule.patience.max(1) {
            break;
        }
        if since_cut * 3 >= schedule.patience.max(3) {
            factor *= 0.5;
            since_cut = 0;
        }
    }
    tracing::debug!(?first, ?best, best_step, steps = done, round = schedule.round_steps, "trained");
    Ok(Outcome::Trained(kept, Course { steps: done, best_step, loss: best, out_of_time }))
}
