//! Learns one table: splits by family, feeds batches, keeps the weights that validate best.

use candle_core::Result;

use crate::{
    codec::EncodedTable,
    conditioning::Distortion,
    nn::{AdamW, Noise, Outcome, Parameters, Rates, SHRINKAGES, Schedule, Stored, Targets, Trainee, train},
    progress::{Allowance, Event, Progress, Round, interrupted},
    seed::Seed,
};

use super::{
    Training, TrainingSet,
    batches::{Batch, Reader, Window},
    calibrate::calibrate,
    evidence::{Counted, Evidence, Tables, choose, fitted_tables, training_tables},
    network::{Network, table_name},
    settings::Settings,
};

/// Tables with fewer rows are drawn from their smoothed marginals: there is nothing to validate on, and a
/// network would learn the rows by heart.
const MIN_ROWS: usize = 20;

/// Most rows that are validated on.
const MAX_VALIDATION_ROWS: usize = 8_192;

/// Most steps between two validations.
const MAX_ROUND_STEPS: usize = 256;

/// Families from which whole families are held out; with fewer, windows are.
const MIN_SPLIT_FAMILIES: usize = 20;

/// Passes over a table (one short family) that leaves nothing to validate on.
const UNGUARDED_EPOCHS: usize = 5;

struct TableTrainee<'a> {
    reader: Reader<'a>,
    network: &'a Network,
    settings: &'a Settings,
    marginals: Vec<Vec<f32>>,
    log_marginals: Vec<Vec<f32>>,
    tables: Tables,
    /// How much of each head's scores was best to keep at the last validation, and at the best one.
    shares: Vec<f32>,
    best_shares: Vec<f32>,
    training: Vec<Window>,
    validation: Vec<Window>,
    next: usize,
    epoch: u32,
    noise: Noise,
    name: &'a str,
    max_steps: usize,
    progress: &'a dyn Progress,
    allowance: &'a dyn Allowance,
}

/// What was learnt.
pub(super) struct Learnt {
    /// The weights, the counted tables among them.
    pub weights: Stored,
    /// The tables each head reads.
    pub evidence: Vec<Vec<Evidence>>,
    /// How training went.
    pub training: Training,
}

/// Learns the weights, and tells how; `None` if interrupted.
pub(super) fn learn(
    set: &TrainingSet,
    reader: Reader<'_>,
    settings: &Settings,
    seed: Seed,
    (progress, allowance): (&dyn Progress, &dyn Allowance),
) -> Result<Option<Learnt>> {
    let mut noise = Noise::new(&mut seed.stream(&format!("train/{}", set.name), 0));
    let marginals = marginals(&set.rows);
    let log_marginals = log_marginals(set.rows.row_count, &marginals);
    let mut shape = reader.shape.clone();
    let small = set.rows.row_count < MIN_ROWS || shape.sub_columns.is_empty();
    let (training, validation) =
        if small { (Vec::new(), Vec::new()) } else { split(reader, settings.validation, &mut noise) };
    shape.evidence = choose(Counted { reader, windows: &training }, &marginals);
    let reader = Reader { shape: &shape, ..reader };
    let tables = training_tables(Counted { reader, windows: &training }, &marginals);
    let mut parameters = Parameters::fresh(noise.clone());
    noise.bits();
    let network = Network::new(&shape, &mut parameters, &log_marginals)?;
    let mut optimiser = AdamW::new(parameters.into_trainable())?;
    if small {
        let weights = constant_weights(&optimiser)?;
        return Ok(Some(Learnt { weights, evidence: shape.evidence, training: Training::default() }));
    }
    let rows: usize = training.iter().map(|window| window.rows.len()).sum();
    let mut max_steps = settings.steps_for(rows, shape.weight_count());
    if validation.is_empty() {
        // Nothing says when to stop: stop long before the rows are known by heart.
        max_steps = max_steps.min(UNGUARDED_EPOCHS * rows.div_ceil(settings.batch_rows));
    }
    let schedule = Schedule {
        rate: settings.rate,
        decay: settings.decay,
        average: settings.average,
        round_steps: rows.div_ceil(settings.batch_rows).min(MAX_ROUND_STEPS),
        max_steps,
        patience: settings.patience,
    };
    let mut trainee = TableTrainee {
        next: training.len(),
        reader,
        network: &network,
        settings,
        marginals,
        log_marginals,
        tables,
        shares: vec![1.0; shape.sub_columns.len()],
        best_shares: vec![1.0; shape.sub_columns.len()],
        training,
        validation,
        epoch: 0,
        noise,
        name: &set.name,
        max_steps,
        progress,
        allowance,
    };
    match train(&mut trainee, &mut optimiser, schedule)? {
        Outcome::Trained(mut weights, course) => {
            for (column, share) in shape.sub_columns.iter().zip(&trainee.best_shares) {
                tracing::debug!(table = set.name, column = column.name, size = column.size, share, "head");
            }
            trainee.shrink(&mut weights);
            let windows = reader.windows();
            let tables = fitted_tables(Counted { reader, windows: &windows }, &trainee.marginals);
            for (column, tables) in tables.iter().enumerate() {
                for (table, values) in tables.iter().enumerate() {
                    let known = shape.evidence[column][table].lines();
                    let size = values.len() / known;
                    weights.insert(table_name(column, table), (vec![known, size], values.to_vec()));
                }
            }
            calibrate(reader, &trainee.training, &trainee.tables, &trainee.marginals, &mut weights)?;
            let training = Training {
                steps: course.steps,
                max_steps,
                best_step: course.best_step,
                epochs: trainee.epoch,
                loss: course.loss,
                out_of_time: course.out_of_time,
            };
            Ok(Some(Learnt { weights, evidence: shape.evidence, training }))
        }
        Outcome::Stopped => Ok(None),
    }
}

/// Weights under which every token is drawn from its marginal distribution.
fn constant_weights(optimiser: &AdamW) -> Result<Stored> {
    let mut weights = optimiser.store()?;
    if let Some((_, values)) = weights.get_mut("output.weight") {
        values.fill(0.0);
    }
    Ok(weights)
}

/// Shares of each column's tokens.
pub(super) fn marginals(rows: &EncodedTable) -> Vec<Vec<f32>> {
    let share = |(column, tokens): (&crate::codec::SubColumn, &Vec<u16>)| {
        let mut counts = vec![0.0_f32; usize::from(column.size.max(1))];
        for token in tokens {
            counts[usize::from(*token)] += 1.0;
        }
        let total = tokens.len().max(1) as f32;
        counts.iter_mut().for_each(|count| *count /= total);
        counts
    };
    rows.sub_columns.iter().zip(&rows.tokens).map(share).collect()
}

/// Logarithms of the shares; a token never seen counts as a hundredth of a row.
fn log_marginals(rows: usize, marginals: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let floor = 0.01 / rows.max(1) as f32;
    marginals.iter().map(|shares| shares.iter().map(|share| (share + floor).ln()).collect()).collect()
}

/// Holds out whole families, so that validation cannot be won by remembering siblings.
fn split(reader: Reader<'_>, share: f32, noise: &mut Noise) -> (Vec<Window>, Vec<Window>) {
    let windows = reader.windows();
    let with_rows = {
        let families = &reader.conditioning.families;
        (0..families.len()).filter(|family| !families.rows(*family).is_empty()).count()
    };
    let by_family = with_rows >= MIN_SPLIT_FAMILIES;
    let rows: usize = windows.iter().map(|window| window.rows.len()).sum();
    let wanted = ((rows as f32 * share) as usize).min(MAX_VALIDATION_ROWS);
    let mut order: Vec<usize> = if by_family {
        (0..reader.conditioning.families.len()).collect()
    } else {
        (0..windows.len()).collect()
    };
    noise.shuffle(&mut order);
    let mut held_out = vec![false; order.len()];
    let mut held_rows = 0;
    for unit in order {
        if held_rows >= wanted {
            break;
        }
        let size =
            if by_family { reader.conditioning.families.rows(unit).len() } else { windows[unit].rows.len() };
        // A family larger than the whole validation set would starve the training.
        if size <= wanted.max(1) || !by_family {
            held_out[unit] = true;
            held_rows += size;
        }
    }
    let (mut training, mut validation) = (Vec::new(), Vec::new());
    for (position, window) in windows.into_iter().enumerate() {
        let unit = if by_family { window.family as usize } else { position };
        if held_out[unit] { validation.push(window) } else { training.push(window) }
    }
    if training.is_empty() {
        std::mem::swap(&mut training, &mut validation);
    }
    (training, validation)
}

impl TableTrainee<'_> {
    /// The windows of the next batch; a new epoch shuffles them anew.
    fn draw(&mut self) -> std::ops::Range<usize> {
        if self.next >= self.training.len() {
            self.noise.shuffle(&mut self.training);
            self.next = 0;
            self.epoch += 1;
        }
        let start = self.next;
        let mut rows = 0;
        while self.next < self.training.len() && rows < self.settings.batch_rows {
            rows += self.training[self.next].rows.len();
            self.next += 1;
        }
        start..self.next
    }

    fn targets<'b>(&'b self, batch: &'b Batch) -> Targets<'b> {
        Targets {
            tokens: &batch.tokens,
            hints: &batch.hints,
            lines: &batch.lines,
            marginals: &self.marginals,
            smoothing: self.settings.smoothing,
        }
    }

    /// Shrinks each head as far as validated best.
    fn shrink(&self, weights: &mut Stored) {
        let (output, bias) = ("output.weight".to_owned(), "output.bias".to_owned());
        let (Some(mut own), Some(mut biases)) = (weights.remove(&output), weights.remove(&bias)) else {
            return;
        };
        self.network.heads.shrink(&mut own.1, &mut biases.1, &self.best_shares, &self.log_marginals);
        weights.insert(output, own);
        weights.insert(bias, biases);
    }
}

impl Trainee for TableTrainee<'_> {
    fn step(&mut self, optimiser: &mut AdamW, rates: Rates) -> Result<()> {
        let windows = self.draw();
        let windows: Vec<&Window> = self.training[windows].iter().collect();
        let distortion = Distortion {
            corruption: self.settings.corruption,
            dropout: self.settings.input_dropout,
            noise: &mut self.noise,
        };
        let batch = self.reader.batch(&windows, &self.tables, Some(distortion))?;
        let hidden =
            self.network.hidden(&batch.inputs, &batch.tokens, Some((self.settings, &mut self.noise)))?;
        let targets = self.targets(&batch);
        let network = self.network;
        let loss = network.heads.loss(&hidden, &network.output, &network.output_bias, targets)?;
        optimiser.step(&loss.backward()?, rates)
    }

    fn validate(&mut self) -> Result<Option<f32>> {
        let mut losses = vec![[0.0; SHRINKAGES.len()]; self.marginals.len()];
        let mut rows = 0;
        let mut start = 0;
        while start < self.validation.len() {
            let (mut end, mut size) = (start, 0);
            while end < self.validation.len() && size < 1024 {
                size += self.validation[end].rows.len();
                end += 1;
            }
            let windows: Vec<&Window> = self.validation[start..end].iter().collect();
            let batch = self.reader.batch(&windows, &self.tables, None)?;
            let network = self.network;
            let hidden = network.hidden(&batch.inputs, &batch.tokens, None)?;
            let targets = self.targets(&batch);
            let (weights, biases) = (&network.output, &network.output_bias);
            let more = network.heads.shrunk_losses(&hidden, weights, biases, targets, &self.log_marginals)?;
            for (sums, more) in losses.iter_mut().zip(more) {
                sums.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
            }
            rows += size;
            start = end;
        }
        if rows == 0 {
            return Ok(None);
        }
        let mut total = 0.0;
        for (share, sums) in self.shares.iter_mut().zip(&losses) {
            // Of equal ones the first: the least shrunk.
            let best = (0..sums.len()).min_by(|a, b| sums[*a].total_cmp(&sums[*b])).unwrap_or(0);
            *share = SHRINKAGES[best];
            total += sums[best];
        }
        Ok(Some((total / f64::from(rows as u32)) as f32))
    }

    fn improved(&mut self) {
        self.best_shares.clone_from(&self.shares);
    }

    fn spent(&self) -> f32 {
        self.allowance.spent()
    }

    fn finished_round(&mut self, loss: Option<f32>, steps: usize) -> bool {
        let spent = (steps as f32 / self.max_steps.max(1) as f32).max(self.allowance.spent()).min(1.0);
        self.progress.event(&Event::Trained(Round {
            table: self.name.to_owned(),
            epoch: self.epoch,
            loss,
            steps: steps as u64,
            max_steps: self.max_steps as u64,
            spent,
        }));
        !interrupted()
    }
}
