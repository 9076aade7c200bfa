//! The accountant of differential privacy: adds up what every noisy look at the data costs, and plans the noise.
//!
//! Costs are kept as a curve of Rényi differential privacy, one number per order, which simply add up. Neighbouring data
//! sets differ by one entity, added or removed. Sources: Mironov, "Rényi differential privacy", CSF 2017; Mironov,
//! Talwar and Zhang, "Rényi differential privacy of the sampled Gaussian mechanism", 2019; Bun and Steinke,
//! "Concentrated differential privacy", TCC 2016; Canonne, Kamath and Steinke, "The discrete Gaussian for differential
//! privacy", NeurIPS 2020; Cesar and Rogers, "Bounding, concentrating, and truncating: unifying privacy loss composition
//! for data analytics", ALT 2021.

use serde::{Deserialize, Serialize};

/// A guarantee: ε, and the chance δ that it does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Guarantee {
    /// Bound of the log-likelihood ratio.
    pub epsilon: f64,
    /// Chance of more than that.
    pub delta: f64,
}

/// One noisy look at the data.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Mechanism {
    /// Gaussian noise of `noise` times the sensitivity, `steps` times, each over a Poisson sample of the entities.
    SampledGaussian {
        /// Chance of each entity to be in a sample; 1 for all of them.
        rate: f64,
        /// Standard deviation of the noise over the sensitivity.
        noise: f64,
        /// How often.
        steps: u64,
    },
    /// A mechanism of pure differential privacy: Laplace noise, …
    Pure {
        /// Its ε.
        epsilon: f64,
    },
    /// A choice by the exponential mechanism.
    Choice {
        /// Its ε.
        epsilon: f64,
    },
    /// A look that keeps what passes a noisy threshold: with this chance it shows more than its noise pays for.
    Threshold {
        /// That chance.
        delta: f64,
    },
}

/// Why a plan cannot be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AccountError {
    /// The target is no guarantee.
    #[error("epsilon must be above 0 and delta between 0 and 1")]
    NoGuarantee,
    /// Nothing is left for the networks.
    #[error("what is counted exactly already costs epsilon {spent:.3}")]
    NothingLeft {
        /// What the other mechanisms cost.
        spent: f64,
    },
}

/// The orders costs are kept at: whole ones, for which the sampled Gaussian has a closed form.
fn orders() -> impl Iterator<Item = u32> {
    (2..=64).chain((72..=256).step_by(8)).chain([320, 384, 448, 512, 768, 1024])
}

/// What has been spent so far.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Accountant {
    mechanisms: Vec<Mechanism>,
}

impl Accountant {
    /// Adds a look at the data.
    pub fn spend(&mut self, mechanism: Mechanism) {
        self.mechanisms.push(mechanism);
    }

    /// The looks so far.
    #[must_use]
    pub fn mechanisms(&self) -> &[Mechanism] {
        &self.mechanisms
    }

    /// The Rényi divergence of the given order that all looks together may show.
    fn divergence(&self, order: u32) -> f64 {
        self.mechanisms.iter().map(|mechanism| divergence(*mechanism, order)).sum()
    }

    /// The chance that some threshold let a value of one entity alone pass.
    fn failures(&self) -> f64 {
        let chance = |mechanism: &Mechanism| match mechanism {
            Mechanism::Threshold { delta } => *delta,
            _ => 0.0,
        };
        self.mechanisms.iter().map(chance).sum()
    }

    /// The ε that holds at `delta`, the best over all orders. Source: Canonne et al. 2020, proposition 12.
    #[must_use]
    pub fn epsilon(&self, delta: f64) -> f64 {
        if self.mechanisms.is_empty() {
            return 0.0;
        }
        let delta = delta - self.failures();
        if delta <= 0.0 {
            return f64::INFINITY;
        }
        let at = |order: u32| {
            let alpha = f64::from(order);
            self.divergence(order) + (1.0 - 1.0 / alpha).ln() - (delta.ln() + alpha.ln()) / (alpha - 1.0)
        };
        orders().map(at).fold(f64::INFINITY, f64::min).max(0.0)
    }

    /// The older and looser ε of Mironov 2017, proposition 3, which published figures were made with.
    #[must_use]
    pub fn classic_epsilon(&self, delta: f64) -> f64 {
        let at = |order: u32| self.divergence(order) - delta.ln() / (f64::from(order) - 1.0);
        orders().map(at).fold(f64::INFINITY, f64::min)
    }

    /// The guarantee at `delta`.
    #[must_use]
    pub fn guarantee(&self, delta: f64) -> Guarantee {
        Guarantee { epsilon: self.epsilon(delta), delta }
    }

    /// The least noise under which `trainings` (rate and steps of each), after what is spent already, keep the
    /// guarantee. Rounded up to a thousandth.
    ///
    /// # Errors
    /// [`AccountError`] if there is no such noise.
    pub fn plan(&self, trainings: &[(f64, u64)], target: Guarantee) -> Result<f64, AccountError> {
        let Guarantee { epsilon, delta } = target;
        if !(epsilon > 0.0 && epsilon.is_finite() && delta > 0.0 && delta < 1.0) {
            return Err(AccountError::NoGuarantee);
        }
        let fits = |noise: f64| {
            let mut planned = self.clone();
            for (rate, steps) in trainings {
                planned.spend(Mechanism::SampledGaussian { rate: *rate, noise, steps: *steps });
            }
            planned.epsilon(delta) <= epsilon
        };
        let (mut low, mut high) = (0.05, 1.0);
        while !fits(high) {
            low = high;
            high *= 2.0;
            if high > 1e6 {
                return Err(AccountError::NothingLeft { spent: self.epsilon(delta) });
            }
        }
        while high - low > 1e-4 {
            let middle = f64::midpoint(low, high);
            if fits(middle) { high = middle } else { low = middle }
        }
        Ok((high * 1000.0).ceil() / 1000.0)
    }
}

fn divergence(mechanism: Mechanism, order: u32) -> f64 {
    let alpha = f64::from(order);
    match mechanism {
        Mechanism::SampledGaussian { steps: 0, .. } => 0.0,
        Mechanism::SampledGaussian { rate, .. } if rate <= 0.0 => 0.0,
        Mechanism::SampledGaussian { noise, .. } if noise <= 0.0 => f64::INFINITY,
        Mechanism::SampledGaussian { rate, noise, steps } => {
            let once = if rate >= 1.0 { alpha / (2.0 * noise * noise) } else { sampled(rate, noise, order) };
            steps as f64 * once
        }
        // Bun and Steinke, proposition 3.3 (ε-DP is ε²/2-zCDP), and what ε itself bounds.
        Mechanism::Pure { epsilon } => epsilon.min(alpha * epsilon * epsilon / 2.0),
        // Cesar and Rogers, lemma 3.2: the exponential mechanism has a bounded range, which is ε²/8-zCDP.
        Mechanism::Choice { epsilon } => epsilon.min(alpha * epsilon * epsilon / 8.0),
        Mechanism::Threshold { .. } => 0.0,
    }
}

/// One step of the sampled Gaussian at a whole order. Source: Mironov, Talwar and Zhang 2019, section 3.3:
/// `1/(α−1) · ln Σₖ C(α,k) (1−q)^(α−k) q^k exp(k(k−1)/(2σ²))`.
fn sampled(rate: f64, noise: f64, order: u32) -> f64 {
    let alpha = f64::from(order);
    let mut binomial = 0.0_f64; // ln C(α, k)
    let mut terms = Vec::with_capacity(order as usize + 1);
    for k in 0..=order {
        let k_ = f64::from(k);
        terms.push(
            binomial
                + (alpha - k_) * (-rate).ln_1p()
                + k_ * rate.ln()
                + k_ * (k_ - 1.0) / (2.0 * noise * noise),
        );
        binomial += ((alpha - k_) / (k_ + 1.0)).ln();
    }
    let most = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = terms.iter().map(|term| (term - most).exp()).sum();
    ((most + sum.ln()) / (alpha - 1.0)).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::{AccountError, Accountant, Guarantee, Mechanism};

    fn spent(mechanisms: &[Mechanism]) -> Accountant {
        Accountant { mechanisms: mechanisms.to_vec() }
    }

    fn near(actual: f64, expected: f64, tolerance: f64) {
        assert!((actual - expected).abs() <= tolerance, "{actual} is not {expected} ± {tolerance}");
    }

    /// The chance of more than ε of one Gaussian look: Balle and Wang, "Improving the Gaussian mechanism for
    /// differential privacy", ICML 2018, theorem 8. `T` looks of noise σ are one of σ/√T.
    fn exact_delta(epsilon: f64, noise: f64) -> f64 {
        let normal = |x: f64| {
            // Simpson's rule from far below: fine to a billionth.
            let (from, steps) = (-12.0_f64, 40_000);
            let width = (x - from) / f64::from(steps);
            let density = |x: f64| (-x * x / 2.0).exp() / std::f64::consts::TAU.sqrt();
            let weight = |i: i32| {
                if i == 0 || i == steps {
                    1.0
                } else if i % 2 == 1 {
                    4.0
                } else {
                    2.0
                }
            };
            (0..=steps).map(|i| weight(i) * density(from + f64::from(i) * width)).sum::<f64>() * width / 3.0
        };
        let half = 0.5 / noise;
        normal(half - epsilon * noise) - epsilon.exp() * normal(-half - epsilon * noise)
    }

    #[test]
    fn published_figures_of_sampled_training_come_out() {
        // TensorFlow Privacy, tutorials/README: 60,000 rows, batches of 256, noise 1.1, 60 epochs, δ = 1e-5: 3.0.
        let mnist =
            spent(&[Mechanism::SampledGaussian { rate: 256.0 / 60_000.0, noise: 1.1, steps: 14_063 }]);
        near(mnist.classic_epsilon(1e-5), 3.0, 0.02);
        assert!(mnist.epsilon(1e-5) < mnist.classic_epsilon(1e-5));
        // Abadi et al. 2016, section 3.2: q = 0.01, σ = 4, δ = 1e-5, 10,000 steps.
        let abadi = spent(&[Mechanism::SampledGaussian { rate: 0.01, noise: 4.0, steps: 10_000 }]);
        near(abadi.classic_epsilon(1e-5), 1.26, 0.01);
    }

    #[test]
    fn gaussian_looks_cost_a_little_more_than_the_closed_form_and_never_less() {
        for (noise, steps) in [(1.0, 1), (4.0, 10), (20.0, 100), (50.0, 1000)] {
            let epsilon = spent(&[Mechanism::SampledGaussian { rate: 1.0, noise, steps }]).epsilon(1e-5);
            let exact = exact_delta(epsilon, noise / (steps as f64).sqrt());

            assert!(exact <= 1e-5, "{noise} {steps}: {exact}");
            assert!(exact_delta(0.9 * epsilon, noise / (steps as f64).sqrt()) > 1e-5, "{noise} {steps}");
        }
    }

    #[test]
    fn sampling_everybody_is_no_sampling() {
        let all = spent(&[Mechanism::SampledGaussian { rate: 1.0, noise: 2.0, steps: 7 }]);
        let nearly = spent(&[Mechanism::SampledGaussian { rate: 1.0 - 1e-12, noise: 2.0, steps: 7 }]);

        near(all.epsilon(1e-6), nearly.epsilon(1e-6), 1e-6);
    }

    #[test]
    fn pure_looks_add_up_and_many_small_ones_cost_less_than_their_sum() {
        near(spent(&[Mechanism::Pure { epsilon: 0.5 }; 2]).epsilon(1e-9), 1.0, 0.03);
        let many = spent(&[Mechanism::Pure { epsilon: 0.01 }; 1000]);
        assert!(many.epsilon(1e-6) < 2.0, "{}", many.epsilon(1e-6));
        assert_eq!(Accountant::default().epsilon(1e-6), 0.0);
    }

    #[test]
    fn a_choice_costs_as_much_as_gaussian_noise_of_two_over_its_epsilon() {
        // Both are ε²/8-zCDP: ρ = 1/(2σ²) with σ = 2/ε.
        let choice = spent(&[Mechanism::Choice { epsilon: 0.4 }]);
        let noise = spent(&[Mechanism::SampledGaussian { rate: 1.0, noise: 5.0, steps: 1 }]);
        near(choice.epsilon(1e-6).min(0.4), noise.epsilon(1e-6).min(0.4), 1e-9);
        // And many of them no more than their sum.
        assert!(spent(&[Mechanism::Choice { epsilon: 0.01 }; 1000]).epsilon(1e-6) < 1.0);
    }

    #[test]
    fn thresholds_are_paid_for_out_of_delta() {
        let look = Mechanism::SampledGaussian { rate: 1.0, noise: 4.0, steps: 1 };
        let plain = spent(&[look]);
        let with = spent(&[look, Mechanism::Threshold { delta: 4e-7 }]);

        near(with.epsilon(1e-6), plain.epsilon(6e-7), 1e-12);
        assert!(spent(&[Mechanism::Threshold { delta: 1e-6 }]).epsilon(1e-6).is_infinite());
    }

    #[test]
    fn planned_noise_spends_what_was_asked_for() {
        for epsilon in [0.5, 1.0, 3.0, 8.0] {
            let mut accountant = spent(&[Mechanism::Pure { epsilon: 0.02 }; 10]);
            let target = Guarantee { epsilon, delta: 1e-6 };
            let trainings = [(0.05, 400), (0.02, 1_000)];

            let noise = accountant.plan(&trainings, target).unwrap();

            for (rate, steps) in trainings {
                accountant.spend(Mechanism::SampledGaussian { rate, noise, steps });
            }
            let spent = accountant.guarantee(1e-6).epsilon;
            assert!(spent <= epsilon && spent > 0.98 * epsilon, "{epsilon}: {spent} with {noise}");
        }
    }

    #[test]
    fn what_cannot_be_kept_is_refused() {
        let target = |epsilon| Guarantee { epsilon, delta: 1e-6 };
        let accountant = spent(&[Mechanism::Pure { epsilon: 5.0 }]);

        assert!(matches!(accountant.plan(&[(0.1, 10)], target(1.0)), Err(AccountError::NothingLeft { .. })));
        assert_eq!(accountant.plan(&[(0.1, 10)], target(0.0)), Err(AccountError::NoGuarantee));
        assert!(
            spent(&[Mechanism::SampledGaussian { rate: 0.1, noise: 0.0, steps: 1 }])
                .epsilon(1e-6)
                .is_infinite()
        );
    }
}
