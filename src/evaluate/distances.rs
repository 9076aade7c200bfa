//! How alike two columns, or two pairs of columns, are distributed: 1 is alike, 0 is disjoint.

use std::collections::BTreeMap;

use super::frame::{Kind, Values};

const BINS: usize = 10;

/// One minus the Kolmogorov–Smirnov distance of two samples; `None` if one of them is empty.
pub(super) fn ks_score(first: &[f64], second: &[f64]) -> Option<f64> {
    if first.is_empty() || second.is_empty() {
        return None;
    }
    let sorted = |values: &[f64]| {
        let mut values = values.to_vec();
        values.sort_by(f64::total_cmp);
        values
    };
    let (first, second) = (sorted(first), sorted(second));
    let (mut a, mut b, mut distance) = (0, 0, 0.0_f64);
    while a < first.len() && b < second.len() {
        let value = first[a].min(second[b]);
        while a < first.len() && first[a] <= value {
            a += 1;
        }
        while b < second.len() && second[b] <= value {
            b += 1;
        }
        distance = distance.max((a as f64 / first.len() as f64 - b as f64 / second.len() as f64).abs());
    }
    Some(1.0 - distance)
}

/// One minus the total variation distance of two lists of codes.
pub(super) fn tvd_score(first: impl Iterator<Item = u64>, second: impl Iterator<Item = u64>) -> f64 {
    let mut counts: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
    let (mut first_total, mut second_total) = (0_u64, 0_u64);
    for code in first {
        counts.entry(code).or_default().0 += 1;
        first_total += 1;
    }
    for code in second {
        counts.entry(code).or_default().1 += 1;
        second_total += 1;
    }
    let share = |count: u64, total: u64| count as f64 / total.max(1) as f64;
    let distance: f64 =
        counts.values().map(|(a, b)| (share(*a, first_total) - share(*b, second_total)).abs()).sum();
    1.0 - distance / 2.0
}

/// The shape score of a column: 1 − KS less the difference of the null shares for numbers and times,
/// 1 − TVD (null is a category) for categories.
pub(super) fn shape(real: &Values, synthetic: &Values) -> Option<f64> {
    match (real, synthetic) {
        (Values::Number(first), Values::Number(second)) => {
            let present = |values: &[f64]| -> Vec<f64> {
                values.iter().copied().filter(|value| !value.is_nan()).collect()
            };
            let (first, second) = (present(first), present(second));
            if first.is_empty() {
                return None;
            }
            let nulls = (real.null_share() - synthetic.null_share()).abs();
            Some(ks_score(&first, &second).map_or(0.0, |score| (score - nulls).max(0.0)))
        }
        (Values::Category(first), Values::Category(second)) => Some(tvd_score(
            first.iter().map(|code| u64::from(*code)),
            second.iter().map(|code| u64::from(*code)),
        )),
        _ => None,
    }
}

/// Two columns side by side, row for row, on one side.
pub(super) struct Pair<'a> {
    pub(super) first: &'a Values,
    pub(super) second: &'a Values,
}

/// The pair score of two columns: how alike their correlation (both numeric) or their contingency table is.
pub(super) fn pair(kinds: (Kind, Kind), real: &Pair<'_>, synthetic: &Pair<'_>) -> Option<f64> {
    if kinds.0.is_numeric() && kinds.1.is_numeric() {
        let difference = correlation(real)? - correlation(synthetic)?;
        return Some(1.0 - difference.abs() / 2.0);
    }
    let (real_first, synthetic_first) = categories(real.first, synthetic.first)?;
    let (real_second, synthetic_second) = categories(real.second, synthetic.second)?;
    let joint = |first: Vec<u32>, second: Vec<u32>| {
        first.into_iter().zip(second).map(|(a, b)| u64::from(a) << 32 | u64::from(b))
    };
    Some(tvd_score(joint(real_first, real_second), joint(synthetic_first, synthetic_second)))
}

/// Pearson's correlation over the rows where both are present; `None` if either does not vary.
pub(super) fn correlation(pair: &Pair<'_>) -> Option<f64> {
    let (Values::Number(first), Values::Number(second)) = (pair.first, pair.second) else { return None };
    let both: Vec<(f64, f64)> = first
        .iter()
        .copied()
        .zip(second.iter().copied())
        .filter(|(a, b)| !a.is_nan() && !b.is_nan())
        .collect();
    let count = both.len() as f64;
    let mean_first = both.iter().map(|(a, _)| a).sum::<f64>() / count;
    let mean_second = both.iter().map(|(_, b)| b).sum::<f64>() / count;
    let (mut covariance, mut first_variance, mut second_variance) = (0.0, 0.0, 0.0);
    for (a, b) in both {
        covariance += (a - mean_first) * (b - mean_second);
        first_variance += (a - mean_first).powi(2);
        second_variance += (b - mean_second).powi(2);
    }
    let correlation = covariance / (first_variance * second_variance).sqrt();
    correlation.is_finite().then_some(correlation)
}

/// Codes of both sides; numbers fall into ten equally wide bins of the real range, nulls into one of their own.
fn categories(real: &Values, synthetic: &Values) -> Option<(Vec<u32>, Vec<u32>)> {
    match (real, synthetic) {
        (Values::Category(first), Values::Category(second)) => Some((first.clone(), second.clone())),
        (Values::Number(first), Values::Number(second)) => {
            let finite = first.iter().copied().filter(|value| value.is_finite());
            let low = finite.clone().reduce(f64::min)?;
            let high = finite.reduce(f64::max)?;
            let (low, high) = if low < high { (low, high) } else { (low - 0.5, high + 0.5) };
            let edges: Vec<f64> =
                (0..BINS).map(|bin| low + (high - low) * bin as f64 / BINS as f64).collect();
            let bin = |value: &f64| {
                if value.is_nan() {
                    u32::MAX
                } else {
                    edges.iter().filter(|edge| **edge <= *value).count() as u32
                }
            };
            Some((first.iter().map(bin).collect(), second.iter().map(bin).collect()))
        }
        _ => None,
    }
}
