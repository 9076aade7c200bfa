//! One group's budget: every noisy look goes through here, and is entered in the accountant.
//!
//! Costs are kept as ρ of zero-concentrated differential privacy, in which looks add up: Gaussian noise of σ times the
//! sensitivity costs `1/(2σ²)`, a choice by the exponential mechanism `ε²/8`. Sources: Bun and Steinke, "Concentrated
//! differential privacy", TCC 2016; Cesar and Rogers, "Bounding, concentrating, and truncating", ALT 2021.

use std::collections::BTreeMap;

use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};

use crate::{
    normal::normal_quantile,
    privacy::{AccountError, Accountant, Guarantee, Looks, Mechanism, Purpose},
    schema::TableId,
    seed::{Secret, Stream},
};

/// Share of δ that thresholds may use up.
const THRESHOLDS: f64 = 0.5;

/// What is left to spend on the entities of one root table.
pub(super) struct Budget {
    rho: f64,
    asked: Guarantee,
    secret: Secret,
    root: TableId,
    accountant: Accountant,
    looks: BTreeMap<Purpose, (u32, f64)>,
}

/// One look: how wide its noise is, and where that comes from.
pub(super) struct Look {
    /// Standard deviation of what was added to every number.
    pub(super) sigma: f64,
    random: Stream,
}

impl Look {
    /// Adds the noise to counts. Counts are whole numbers, and so is what comes out: no digit behind the point tells
    /// of them.
    pub(super) fn blur(&mut self, counts: &mut [f64]) {
        for count in counts {
            let noise: f64 = StandardNormal.sample(&mut self.random);
            *count = (*count + self.sigma * noise).round();
        }
    }
}

impl Budget {
    /// The budget of a group of which the guarantee must hold.
    pub(super) fn new(asked: Guarantee, secret: Secret, root: TableId) -> Result<Self, AccountError> {
        let target = Guarantee { delta: asked.delta * (1.0 - THRESHOLDS), ..asked };
        let noise = Accountant::default().plan(&[(1.0, 1)], target)?;
        let rho = 1.0 / (2.0 * noise * noise);
        Ok(Self { rho, asked, secret, root, accountant: Accountant::default(), looks: BTreeMap::new() })
    }

    /// Draws that cost nothing: which rows of an entity count, for example.
    pub(super) fn stream(&self, what: &str) -> Stream {
        self.secret.stream(&format!("private/{}/free/{what}", self.root.0))
    }

    /// The noise of the look just entered. Looks are numbered: no two of them may ever share their noise.
    fn noise(&self) -> Stream {
        self.secret.stream(&format!("private/{}/look/{}", self.root.0, self.accountant.mechanisms().len()))
    }

    /// The noise of one of `of` equal looks that together use up `part` of the share of a purpose, for counts that one
    /// entity changes by at most `sensitivity` (as a Euclidean length).
    pub(super) fn sigma(&self, (purpose, part): (Purpose, f64), of: usize, sensitivity: f64) -> f64 {
        let rho = self.rho * purpose.share() * part / of.max(1) as f64;
        sensitivity / (2.0 * rho).sqrt()
    }

    /// Spends one such look.
    pub(super) fn look(&mut self, spent: (Purpose, f64), of: usize, sensitivity: f64) -> Look {
        let noise = self.sigma(spent, of, 1.0);
        self.accountant.spend(Mechanism::SampledGaussian { rate: 1.0, noise, steps: 1 });
        self.enter(spent.0, noise);
        Look { sigma: noise * sensitivity, random: self.noise() }
    }

    /// The threshold for noisy counts of values that come from the data: one that a single entity has passes with no
    /// more than its part of δ. It must be spent with a look of sensitivity 1.
    pub(super) fn threshold(&mut self, sigma: f64, of: usize) -> f64 {
        let delta = self.asked.delta * THRESHOLDS / of.max(1) as f64;
        self.accountant.spend(Mechanism::Threshold { delta });
        // The quantile is good to nine digits; rounding moves a count by a half.
        1.5 - sigma * normal_quantile(delta) * (1.0 + 1e-6)
    }

    /// Chooses one of some candidates by their scores, each of which one entity changes by at most `sensitivity`: the
    /// exponential mechanism, drawn by adding Gumbel noise.
    pub(super) fn choose(&mut self, of: usize, scores: &[f64], sensitivity: f64) -> usize {
        let rho = self.rho * Purpose::Choices.share() / of.max(1) as f64;
        let epsilon = (8.0 * rho).sqrt();
        self.accountant.spend(Mechanism::Choice { epsilon });
        self.enter(Purpose::Choices, 2.0 / epsilon);
        let mut random = self.noise();
        let mut best = (f64::NEG_INFINITY, 0);
        for (index, score) in scores.iter().enumerate() {
            let uniform: f64 = random.random_range(f64::MIN_POSITIVE..1.0);
            let noisy = epsilon * score / (2.0 * sensitivity) - (-uniform.ln()).ln();
            if noisy > best.0 {
                best = (noisy, index);
            }
        }
        best.1
    }

    fn enter(&mut self, purpose: Purpose, noise: f64) {
        let (count, most) = self.looks.entry(purpose).or_default();
        *count += 1;
        *most = most.max(noise);
    }

    /// What was spent, at the δ asked for.
    pub(super) fn spent(&self) -> Guarantee {
        self.accountant.guarantee(self.asked.delta)
    }

    /// The looks, by purpose.
    pub(super) fn looks(&self) -> Vec<Looks> {
        let entry = |(purpose, (count, noise)): (&Purpose, &(u32, f64))| Looks {
            purpose: *purpose,
            count: *count,
            share: purpose.share(),
            noise: *noise,
        };
        self.looks.iter().map(entry).collect()
    }
}
