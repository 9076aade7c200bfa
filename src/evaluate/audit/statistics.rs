//! Estimates with their standard errors: rates of clustered items, the area under a ROC curve, what an attack reaches
//! at few false alarms.

/// A number and how sure it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Estimate {
    pub(super) value: f64,
    pub(super) error: f64,
}

impl Estimate {
    /// The difference of two independent estimates.
    pub(super) fn minus(self, other: Self) -> Self {
        Self { value: self.value - other.value, error: self.error.hypot(other.error) }
    }
}

/// The share of items that hit, counted entity by entity: the items of one entity are not independent.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    /// Hits and items of each entity.
    pub(super) entities: Vec<(f64, f64)>,
}

impl Tally {
    /// The share over all items as a ratio of sums, with the linearised error over entities. It is never surer than
    /// as many independent trials as there are entities, with one hit and one miss added, so that no hit among few
    /// entities does not pass for certainty. Source of the linearisation: Cochran, Sampling Techniques, section 6.4.
    pub(super) fn rate(&self) -> Option<Estimate> {
        let known = || self.entities.iter().filter(|(_, items)| *items > 0.0);
        let count = known().count() as f64;
        let items: f64 = known().map(|(_, items)| items).sum();
        if count < 1.0 {
            return None;
        }
        let value = known().map(|(hits, _)| hits).sum::<f64>() / items;
        let squares: f64 = known().map(|(hits, items)| (hits - value * items).powi(2)).sum();
        let clustered = squares * count / (count - 1.0).max(1.0) / (items * items);
        Some(Estimate { value, error: clustered.max(binomial_variance(value, count)).sqrt() })
    }
}

/// The variance of a share of `count` trials, one hit and one miss added.
pub(super) fn binomial_variance(share: f64, count: f64) -> f64 {
    let moved = (share * count + 1.0) / (count + 2.0);
    moved * (1.0 - moved) / (count + 2.0)
}

/// The area under the ROC curve: the chance that a positive scores above a negative, ties counted half, with the
/// error of DeLong et al., "Comparing the areas under two or more correlated receiver operating characteristic
/// curves", Biometrics 44, 1988. `None` if either side has fewer than two scores.
pub(super) fn auc(positives: &[f64], negatives: &[f64]) -> Option<Estimate> {
    if positives.len() < 2 || negatives.len() < 2 {
        return None;
    }
    let sorted = |scores: &[f64]| {
        let mut scores = scores.to_vec();
        scores.sort_by(f64::total_cmp);
        scores
    };
    // Placement of a score: the share of the other side below it, ties counted half.
    let placements = |scores: &[f64], others: &[f64]| -> Vec<f64> {
        let others = sorted(others);
        let below = |score: &f64| {
            let less = others.partition_point(|other| other < score);
            let upto = others.partition_point(|other| other <= score);
            (less + upto) as f64 / 2.0 / others.len() as f64
        };
        scores.iter().map(below).collect()
    };
    let ahead = placements(positives, negatives);
    let behind = placements(negatives, positives);
    let value = ahead.iter().sum::<f64>() / ahead.len() as f64;
    let variance = |placements: &[f64]| {
        let count = placements.len() as f64;
        let mean = placements.iter().sum::<f64>() / count;
        placements.iter().map(|place| (place - mean).powi(2)).sum::<f64>() / (count - 1.0) / count
    };
    // Perfect separation has no spread at all; a share of as many trials keeps the error honest.
    let fewest = positives.len().min(negatives.len()) as f64;
    let floor = binomial_variance(value, fewest).min(1.0 / (12.0 * fewest));
    Some(Estimate { value, error: (variance(&ahead) + variance(&behind)).max(floor * 0.1).sqrt() })
}

/// The share of positives above the lowest threshold that at most `alarms` of the negatives reach. The error also
/// covers how little few negatives say about that threshold. `None` without scores.
pub(super) fn true_positives_at(positives: &[f64], negatives: &[f64], alarms: f64) -> Option<Estimate> {
    if positives.is_empty() || negatives.is_empty() {
        return None;
    }
    let mut sorted = negatives.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let allowed = (alarms * sorted.len() as f64).floor() as usize;
    // Above the first negative that is too much: ties with it would all be alarms.
    let above = sorted.get(allowed).copied().unwrap_or(f64::NEG_INFINITY);
    let hits = positives.iter().filter(|score| **score > above).count() as f64;
    let value = hits / positives.len() as f64;
    let threshold = threshold_error(allowed + 1, negatives.len());
    let error = binomial_variance(value, positives.len() as f64) + threshold.powi(2);
    Some(Estimate { value, error: error.sqrt() })
}

/// How far the share of others above the `rank`-th highest of `count` scores lies from `rank / count`, as a standard error of
/// which three reach the 99.9th percentile. That share is beta distributed (order statistics), with a long tail: above
/// the highest of 55 lie a tenth of all others once in three hundred times. Gamma quantile: Wilson and Hilferty, "The
/// distribution of chi-square", PNAS 17, 1931.
fn threshold_error(rank: usize, count: usize) -> f64 {
    let (rank, reach) = (rank as f64, 3.0);
    let far = rank * (1.0 - 1.0 / (9.0 * rank) + reach / (3.0 * rank.sqrt())).powi(3);
    (far - rank) / count as f64 / reach
}

#[cfg(test)]
mod tests {
    use super::{Tally, auc, true_positives_at};

    fn near(actual: f64, expected: f64, tolerance: f64) {
        assert!((actual - expected).abs() <= tolerance, "{actual} is not {expected} ± {tolerance}");
    }

    #[test]
    fn areas_agree_with_known_ones() {
        // R: pROC::roc(c(0,0,1,1), c(0.1,0.4,0.35,0.8)) and scikit-learn's example of roc_auc_score: 0.75.
        near(auc(&[0.35, 0.8], &[0.1, 0.4]).unwrap().value, 0.75, 1e-12);
        near(auc(&[2.0, 3.0], &[0.0, 1.0]).unwrap().value, 1.0, 1e-12);
        near(auc(&[0.0, 1.0], &[2.0, 3.0]).unwrap().value, 0.0, 1e-12);
        near(auc(&[1.0, 1.0, 1.0], &[1.0, 1.0]).unwrap().value, 0.5, 1e-12);
        assert!(auc(&[1.0], &[1.0, 2.0]).is_none());
    }

    #[test]
    fn the_error_of_an_area_is_delongs() {
        // Placements of the positives: 0.5, 1, 1, 0.75 (mean 0.8125, variance 0.057292); of the negatives:
        // 0.25, 0, 0.25, 0.25 below, so their variance is 0.015625. Sum over 4 each.
        let found = auc(&[3.0, 9.0, 8.0, 5.0], &[4.0, 1.0, 2.0, 6.0]).unwrap();

        near(found.value, 0.8125, 1e-12);
        let first: f64 = [0.5, 1.0, 1.0, 0.75].iter().map(|v: &f64| (v - 0.8125).powi(2)).sum::<f64>() / 3.0;
        let second: f64 = [0.25, 0.0, 0.0, 0.5].iter().map(|v: &f64| (v - 0.1875).powi(2)).sum::<f64>() / 3.0;
        near(found.error, (first / 4.0 + second / 4.0).sqrt(), 1e-12);
    }

    #[test]
    fn alarms_are_counted_with_their_ties() {
        let negatives: Vec<f64> = (0..100).map(f64::from).collect();
        let positives: Vec<f64> = (0..10).map(|score| 94.5 + f64::from(score)).collect();

        // One false alarm in a hundred is score 99: the threshold is above 98.
        near(true_positives_at(&positives, &negatives, 0.01).unwrap().value, 0.6, 1e-12);
        near(true_positives_at(&[1.0, 1.0], &[1.0, 1.0], 0.01).unwrap().value, 0.0, 1e-12);
        near(true_positives_at(&[1.0, 1.0], &[0.0; 50], 0.01).unwrap().value, 1.0, 1e-12);
    }

    #[test]
    fn the_highest_of_few_scores_says_little_of_a_hundredth() {
        let negatives: Vec<f64> = (0..55).map(f64::from).collect();
        // 8 % of the positives above every negative: by chance once in a hundred times.
        let positives: Vec<f64> = (0..1000).map(|place| if place < 82 { 60.0 } else { 20.0 }).collect();

        let found = true_positives_at(&positives, &negatives, 0.01).unwrap();

        near(found.value, 0.082, 1e-12);
        assert!(found.value - 3.0 * found.error < 0.02, "{}", found.error);
        // With many the tail is short: nearly the binomial error of a hundredth, 0.0022.
        near(super::threshold_error(21, 2000), 0.0027, 0.0002);
    }

    #[test]
    fn a_rate_of_clustered_items_is_less_sure_than_one_of_as_many_entities() {
        let clustered = Tally { entities: (0..100).map(|e| (f64::from(e % 2) * 10.0, 10.0)).collect() };
        let spread = Tally { entities: (0..1000).map(|e| (f64::from(e % 2), 1.0)).collect() };

        near(clustered.rate().unwrap().value, 0.5, 1e-12);
        assert!(clustered.rate().unwrap().error > 2.5 * spread.rate().unwrap().error);
        // No hit among twenty is not certainty.
        assert!(Tally { entities: vec![(0.0, 1.0); 20] }.rate().unwrap().error > 0.03);
        assert!(Tally::default().rate().is_none());
    }
}
