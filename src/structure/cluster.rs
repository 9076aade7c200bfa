//! Deterministic k-means in two levels. Source: Lloyd's algorithm seeded by k-means++ (Arthur and
//! Vassilvitskii, 2007), fitted on a sample of the points.

use rand::{RngExt, seq::SliceRandom};

use crate::seed::Stream;

/// Points the centres are fitted on.
const FIT_POINTS: usize = 20_000;
/// Rounds of Lloyd's algorithm.
const ROUNDS: usize = 15;

/// Points in `width` dimensions, row-major, with weights.
#[derive(Debug, Clone)]
pub(super) struct Points {
    pub(super) width: usize,
    pub(super) values: Vec<f32>,
    pub(super) weights: Vec<f32>,
}

impl Points {
    /// Points of columns of numbers, one weight per row.
    pub(super) fn of(columns: &[Vec<f32>], weights: Vec<f32>) -> Self {
        let width = columns.len();
        let mut values = vec![0.0; width * weights.len()];
        for (index, column) in columns.iter().enumerate() {
            for (row, value) in column.iter().enumerate() {
                values[row * width + index] = *value;
            }
        }
        Self { width, values, weights }
    }

    pub(super) fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.width..(row + 1) * self.width]
    }
}

/// Clusters of clusters.
#[derive(Debug, Clone)]
pub(super) struct TwoLevels {
    /// Fine clusters per coarse one.
    pub(super) fine: Vec<u16>,
    /// Fine cluster of each point, numbered coarse by coarse.
    pub(super) of_rows: Vec<u16>,
    /// Centre per fine cluster.
    pub(super) centres: Vec<Vec<f32>>,
}

/// Groups the points into about `coarse` clusters of about `fine` clusters each, none smaller than `least`.
pub(super) fn two_levels(
    points: &Points,
    (coarse, fine): (usize, usize),
    least: usize,
    random: &mut Stream,
) -> TwoLevels {
    let all: Vec<u32> = (0..points.weights.len() as u32).collect();
    let total: f64 = points.weights.iter().map(|weight| f64::from(*weight)).sum();
    let mut result = TwoLevels { fine: Vec::new(), of_rows: vec![0; all.len()], centres: Vec::new() };
    for group in split(points, &all, coarse, least, random) {
        let share = group.iter().map(|row| f64::from(points.weights[*row as usize])).sum::<f64>() / total;
        let wanted = (share * (coarse * fine) as f64).round().clamp(1.0, 2.0 * fine as f64) as usize;
        let parts = if fine > 1 { split(points, &group, wanted, least, random) } else { vec![group] };
        result.fine.push(parts.len() as u16);
        for part in parts {
            for row in &part {
                result.of_rows[*row as usize] = result.centres.len() as u16;
            }
            result.centres.push(centre(points, &part));
        }
    }
    result
}

/// Splits `rows` into at most `count` groups of at least `least` rows.
fn split(points: &Points, rows: &[u32], count: usize, least: usize, random: &mut Stream) -> Vec<Vec<u32>> {
    let count = count.min(rows.len() / least.max(1));
    if count < 2 {
        return vec![rows.to_vec()];
    }
    let mut sample = rows.to_vec();
    if sample.len() > FIT_POINTS {
        sample.shuffle(random);
        sample.truncate(FIT_POINTS);
    }
    let mut centres = seeds(points, &sample, count, random);
    for _ in 0..ROUNDS {
        let assigned: Vec<usize> =
            sample.iter().map(|row| nearest(points.row(*row as usize), &centres)).collect();
        let mut sums = vec![vec![0.0_f64; points.width + 1]; centres.len()];
        for (row, cluster) in sample.iter().zip(&assigned) {
            let weight = f64::from(points.weights[*row as usize]);
            let (last, sum) = sums[*cluster].split_last_mut().expect("width + 1 is not 0");
            *last += weight;
            sum.iter_mut().zip(points.row(*row as usize)).for_each(|(s, x)| *s += weight * f64::from(*x));
        }
        for (centre, sum) in centres.iter_mut().zip(&sums) {
            let weight = sum[points.width];
            if weight > 0.0 {
                centre.iter_mut().zip(sum).for_each(|(c, s)| *c = (s / weight) as f32);
            }
        }
    }
    // The smallest cluster dissolves until all are large enough.
    loop {
        let mut groups: Vec<Vec<u32>> = vec![Vec::new(); centres.len()];
        for row in rows {
            groups[nearest(points.row(*row as usize), &centres)].push(*row);
        }
        let small: Vec<usize> = (0..groups.len()).filter(|group| groups[*group].len() < least).collect();
        if small.is_empty() || centres.len() == 1 {
            return groups;
        }
        // Empty ones go at once, of the others the smallest.
        let smallest = small.iter().copied().min_by_key(|group| groups[*group].len());
        let mut index = 0;
        centres.retain(|_| {
            let keep = !groups[index].is_empty() && Some(index) != smallest;
            index += 1;
            keep
        });
        if centres.is_empty() {
            return vec![rows.to_vec()];
        }
    }
}

/// k-means++: each next centre far from the ones so far.
fn seeds(points: &Points, sample: &[u32], count: usize, random: &mut Stream) -> Vec<Vec<f32>> {
    let mut centres: Vec<Vec<f32>> = Vec::with_capacity(count);
    let mut distances: Vec<f64> = vec![f64::INFINITY; sample.len()];
    let mut next = random.random_range(0..sample.len());
    for _ in 0..count {
        let centre = points.row(sample[next] as usize).to_vec();
        for (distance, row) in distances.iter_mut().zip(sample) {
            *distance = distance.min(f64::from(squared(points.row(*row as usize), &centre)));
        }
        centres.push(centre);
        let weight = |index: usize| distances[index] * f64::from(points.weights[sample[index] as usize]);
        let total: f64 = (0..sample.len()).map(weight).sum();
        if total <= 0.0 {
            break;
        }
        let mut rest = random.random::<f64>() * total;
        next = (0..sample.len())
            .find(|index| {
                rest -= weight(*index);
                rest < 0.0
            })
            .unwrap_or(sample.len() - 1);
    }
    centres
}

fn nearest(point: &[f32], centres: &[Vec<f32>]) -> usize {
    let mut best = (0, f32::INFINITY);
    for (index, centre) in centres.iter().enumerate() {
        let distance = squared(point, centre);
        if distance < best.1 {
            best = (index, distance);
        }
    }
    best.0
}

fn squared(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

fn centre(points: &Points, rows: &[u32]) -> Vec<f32> {
    let mut sum = vec![0.0_f64; points.width];
    for row in rows {
        sum.iter_mut().zip(points.row(*row as usize)).for_each(|(s, x)| *s += f64::from(*x));
    }
    sum.into_iter().map(|s| (s / rows.len().max(1) as f64) as f32).collect()
}
