//! Where a parent row stands in the graph of who shares users: leading singular vectors of the links between
//! context parents and linked parents, beyond what chance would show.

use rand::{RngExt, seq::SliceRandom};

use crate::{data::NO_ROW, seed::Stream};

/// Singular vectors sought.
const VECTORS: usize = 8;
/// Rounds of subspace iteration.
const ROUNDS: usize = 12;
/// A vector counts if its singular value lies this far above the largest of the shuffled graph.
const ABOVE_CHANCE: f64 = 1.03;
/// A vector that lives on fewer than this share of the rows tells only them apart.
const SPREAD: f64 = 0.02;

/// Embeds the `left_count` linked parents (`left` per child row) by the context parents (`right`) they share:
/// one column per singular vector, empty where there is no more structure than in a shuffled graph.
/// Source: spectral co-clustering (Dhillon 2001), normalised by degrees; the trivial pair is left out.
pub(super) fn embed(
    left: &[u32],
    right: &[u32],
    (left_count, right_count): (usize, usize),
    random: &mut Stream,
) -> Vec<Vec<f32>> {
    let mut edges: Vec<(u32, u32)> = left
        .iter()
        .zip(right)
        .filter(|(l, r)| **l != NO_ROW && **r != NO_ROW)
        .map(|(l, r)| (*l, *r))
        .collect();
    if edges.len() < 50 || left_count < 16 || right_count < 16 {
        return Vec::new();
    }
    let graph = Graph::new(&edges, left_count, right_count);
    let (values, vectors) = graph.leading(&edges, random);
    let mut rights: Vec<u32> = edges.iter().map(|(_, r)| *r).collect();
    rights.shuffle(random);
    for (edge, right) in edges.iter_mut().zip(rights) {
        edge.1 = right;
    }
    let (chance, _) = graph.leading(&edges, random);
    let edge = chance.first().copied().unwrap_or(0.0) * ABOVE_CHANCE;
    values
        .iter()
        .zip(vectors)
        .filter(|(value, _)| **value > edge)
        .filter_map(|(value, vector)| {
            let fourth: f64 = vector.iter().map(|x| x.powi(4)).sum();
            (1.0 / fourth.max(1e-12) >= SPREAD * left_count as f64).then(|| {
                // Back from the normalised space: a place that does not grow with the degree.
                let scale = (value * value - edge * edge).sqrt() * (left_count as f64).sqrt();
                let place = |(x, norm): (&f64, &f64)| ((x * norm * scale).clamp(-8.0, 8.0)) as f32;
                let mean = (edges.len() as f64 / left_count as f64).sqrt();
                vector.iter().zip(&graph.left).map(|(x, norm)| place((x, &(norm * mean)))).collect()
            })
        })
        .collect()
}

/// Inverse roots of the degrees of both sides, and the trivial singular vector of the left one.
struct Graph {
    left: Vec<f64>,
    right: Vec<f64>,
    trivial: Vec<f64>,
}

type Block = Vec<[f64; VECTORS]>;

impl Graph {
    fn new(edges: &[(u32, u32)], left_count: usize, right_count: usize) -> Self {
        let mut left = vec![0.0_f64; left_count];
        let mut right = vec![0.0_f64; right_count];
        for (l, r) in edges {
            left[*l as usize] += 1.0;
            right[*r as usize] += 1.0;
        }
        let total = edges.len() as f64;
        let trivial = left.iter().map(|degree| (degree / total).sqrt()).collect();
        let inverse = |degree: &mut f64| *degree = if *degree > 0.0 { 1.0 / degree.sqrt() } else { 0.0 };
        left.iter_mut().for_each(inverse);
        right.iter_mut().for_each(inverse);
        Self { left, right, trivial }
    }

    /// Leading singular values and left vectors of the normalised links, without the trivial pair.
    fn leading(&self, edges: &[(u32, u32)], random: &mut Stream) -> (Vec<f64>, Vec<Vec<f64>>) {
        let mut block: Block =
            (0..self.left.len()).map(|_| std::array::from_fn(|_| random.random::<f64>() - 0.5)).collect();
        let mut values = [0.0; VECTORS];
        for _ in 0..ROUNDS {
            orthonormal(&mut block, &self.trivial);
            let mut middle: Block = vec![[0.0; VECTORS]; self.right.len()];
            for (l, r) in edges {
                let weight = self.left[*l as usize] * self.right[*r as usize];
                let from = &block[*l as usize];
                middle[*r as usize].iter_mut().zip(from).for_each(|(to, x)| *to += weight * x);
            }
            let mut next: Block = vec![[0.0; VECTORS]; self.left.len()];
            for (l, r) in edges {
                let weight = self.left[*l as usize] * self.right[*r as usize];
                let from = &middle[*r as usize];
                next[*l as usize].iter_mut().zip(from).for_each(|(to, x)| *to += weight * x);
            }
            // Rayleigh quotients of A·Aᵀ: squared singular values.
            for (vector, value) in values.iter_mut().enumerate() {
                let quotient: f64 = block.iter().zip(&next).map(|(a, b)| a[vector] * b[vector]).sum();
                *value = quotient.max(0.0).sqrt();
            }
            block = next;
        }
        orthonormal(&mut block, &self.trivial);
        let mut order: Vec<usize> = (0..VECTORS).collect();
        order.sort_by(|a, b| values[*b].total_cmp(&values[*a]));
        let vectors = order.iter().map(|vector| block.iter().map(|row| row[*vector]).collect()).collect();
        (order.iter().map(|vector| values[*vector]).collect(), vectors)
    }
}

/// Modified Gram–Schmidt, against the trivial vector first.
fn orthonormal(block: &mut Block, trivial: &[f64]) {
    for vector in 0..VECTORS {
        let along: f64 = block.iter().zip(trivial).map(|(row, t)| row[vector] * t).sum();
        block.iter_mut().zip(trivial).for_each(|(row, t)| row[vector] -= along * t);
        for before in 0..vector {
            let along: f64 = block.iter().map(|row| row[vector] * row[before]).sum();
            block.iter_mut().for_each(|row| row[vector] -= along * row[before]);
        }
        let norm = block.iter().map(|row| row[vector] * row[vector]).sum::<f64>().sqrt();
        if norm > 1e-12 {
            block.iter_mut().for_each(|row| row[vector] /= norm);
        }
    }
}
