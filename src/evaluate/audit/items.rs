//! What recurrence is looked for in: combinations of columns, runs of values, and which of them are rare.

use std::collections::BTreeMap;

use rand::RngExt;

use super::hashes::mix;
use crate::seed::Stream;

/// Longest run of an entity's rows that is looked at.
const LONGEST_RUN: usize = 8;

/// The length of run that tells most about entities: long enough for many runs to be of one entity alone, short enough
/// for many entities to have runs. `None` where no run is of one entity alone.
pub(super) fn telling_length(families: &BTreeMap<u32, Vec<u64>>) -> Option<usize> {
    let mut best = None;
    let mut most = 0.0;
    for length in 2..=LONGEST_RUN {
        let mut runs: Vec<(u64, u32)> = runs_of(families, length).collect();
        let all = runs.len();
        runs.sort_unstable();
        let alone = runs.chunk_by(|a, b| a.0 == b.0).filter(|run| run[0].1 == run[run.len() - 1].1);
        let alone: usize = alone.map(<[(u64, u32)]>::len).sum();
        let entities = families.values().filter(|values| values.len() >= length).count();
        let worth = alone as f64 / all.max(1) as f64 * (entities as f64).sqrt();
        if worth > most {
            (best, most) = (Some(length), worth);
        }
    }
    best
}

/// Every run of `length` of every entity's values, with the entity.
pub(super) fn runs_of(
    families: &BTreeMap<u32, Vec<u64>>,
    length: usize,
) -> impl Iterator<Item = (u64, u32)> + '_ {
    families.iter().flat_map(move |(owner, values)| {
        values.windows(length).map(move |window| {
            let run = window.iter().fold(length as u64, |hash, value| mix(hash.wrapping_add(*value)));
            (run, *owner)
        })
    })
}

/// Items that fewer than `least` entities have, sorted.
pub(super) fn rare(items: impl Iterator<Item = (u64, u32)>, least: usize) -> Vec<u64> {
    let mut all: Vec<(u64, u32)> = items.collect();
    all.sort_unstable();
    all.dedup();
    let groups = all.chunk_by(|a, b| a.0 == b.0);
    groups.filter(|group| group.len() < least).map(|group| group[0].0).collect()
}

/// All pairs and triples of `count` things, or a seeded choice of `most` of them, half of either.
pub(super) fn choose(count: usize, most: usize, random: &mut Stream) -> Vec<Vec<usize>> {
    let pairs = (0..count).flat_map(|a| (a + 1..count).map(move |b| vec![a, b]));
    let mut pairs: Vec<Vec<usize>> = pairs.collect();
    let mut shuffle = |list: &mut Vec<Vec<usize>>, keep: usize| {
        for index in 0..list.len().min(keep) {
            let other = random.random_range(index..list.len());
            list.swap(index, other);
        }
        list.truncate(keep);
    };
    let half = most.div_ceil(2);
    shuffle(&mut pairs, half);
    let mut triples: Vec<Vec<usize>> = Vec::new();
    for pair in &pairs {
        triples.extend((pair[1] + 1..count).map(|third| vec![pair[0], pair[1], third]));
    }
    shuffle(&mut triples, half);
    pairs.extend(triples);
    pairs
}
