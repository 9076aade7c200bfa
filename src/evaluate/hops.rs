//! Pairs of columns at the two ends of a path of foreign keys.

use super::{
    c2st::{MOST_ROWS, sample_rows},
    distances::{Pair, pair},
    frame::{FrameLink, Frames, Values},
};
use crate::{
    data::NO_ROW,
    schema::TableId,
    seed::{Seed, Stream},
};

const MOST_PATHS: usize = 40;
const FEWEST_ROWS: usize = 20;

/// The mean pair score over every downward path of `length` foreign keys, and the number of pairs.
pub(super) fn score(frames: &Frames, length: usize, seed: Seed) -> Option<(f64, usize)> {
    let mut scores = Vec::new();
    for (index, path) in paths(&frames.links, length).iter().take(MOST_PATHS).enumerate() {
        let ends = (path[0].parent, path[path.len() - 1].child);
        let mut random = seed.stream(&format!("evaluate/hop{length}"), index as u64);
        let real = join(path, 0, &mut random);
        let synthetic = join(path, 1, &mut random);
        if real.0.len() < FEWEST_ROWS || synthetic.0.len() < FEWEST_ROWS {
            continue;
        }
        scores.extend(end_scores(frames, ends, &real, &synthetic));
    }
    let count = scores.len();
    (count > 0).then(|| (scores.iter().sum::<f64>() / count as f64, count))
}

/// Downward paths through different tables.
fn paths(links: &[FrameLink], length: usize) -> Vec<Vec<&FrameLink>> {
    let mut paths: Vec<Vec<&FrameLink>> =
        links.iter().filter(|link| link.child != link.parent).map(|link| vec![link]).collect();
    for _ in 1..length {
        let mut longer = Vec::new();
        for path in &paths {
            for link in links {
                let visited = path.iter().any(|step| step.parent == link.child || step.child == link.child);
                if link.parent == path[path.len() - 1].child && !visited {
                    longer.push(path.iter().copied().chain([link]).collect());
                }
            }
        }
        paths = longer;
    }
    paths
}

/// Rows of the top and the bottom table that hang together, pair by pair.
fn join(path: &[&FrameLink], side: usize, random: &mut Stream) -> (Vec<u32>, Vec<u32>) {
    let parents = &path[path.len() - 1].sides[side].parent;
    let mut bottom: Vec<u32> =
        (0..parents.len() as u32).filter(|row| parents[*row as usize] != NO_ROW).collect();
    if bottom.len() > MOST_ROWS {
        let chosen = sample_rows(bottom.len(), MOST_ROWS, random);
        bottom = chosen.into_iter().map(|index| bottom[index as usize]).collect();
    }
    let mut pairs = (Vec::new(), Vec::new());
    for row in bottom {
        let top = path.iter().rev().try_fold(row, |at, link| {
            let parent = link.sides[side].parent[at as usize];
            (parent != NO_ROW).then_some(parent)
        });
        if let Some(top) = top {
            pairs.0.push(top);
            pairs.1.push(row);
        }
    }
    pairs
}

fn end_scores(
    frames: &Frames,
    ends: (TableId, TableId),
    real: &(Vec<u32>, Vec<u32>),
    synthetic: &(Vec<u32>, Vec<u32>),
) -> Vec<f64> {
    let (Some(top), Some(bottom)) = (frames.table(ends.0), frames.table(ends.1)) else { return Vec::new() };
    let taken = |values: &[Values], real: &[u32], synthetic: &[u32]| {
        (values[0].take(real), values[1].take(synthetic))
    };
    let bottoms: Vec<_> = bottom
        .columns
        .iter()
        .map(|column| (column.kind, taken(&column.sides, &real.1, &synthetic.1)))
        .collect();
    let mut scores = Vec::new();
    for column in &top.columns {
        let (real_top, synthetic_top) = taken(&column.sides, &real.0, &synthetic.0);
        for (kind, (real_bottom, synthetic_bottom)) in &bottoms {
            scores.extend(pair(
                (column.kind, *kind),
                &Pair { first: &real_top, second: real_bottom },
                &Pair { first: &synthetic_top, second: synthetic_bottom },
            ));
        }
    }
    scores
}
