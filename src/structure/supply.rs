//! Blocks with as many stubs as children chose them.
//!
//! Parents draw their block with their attributes, children choose one under theirs, and where few parents have most of
//! the children (three airports of a thousand) one of them in another block leaves a whole block of children without
//! a parent of their kind. Nothing outside shows a block, so parents move: those with the most stubs first.

use super::Blocks;

/// Share of a parent's stubs by which a move must bring supply and demand closer, of the 2 that are possible.
const LEAST_GAIN: f64 = 1.0;

/// Moves parents to blocks that children chose more often than their parents have `stubs`, from blocks with more stubs
/// than children; of blocks that need a parent as much, to the one most like its own. `demand[block]` counts children.
/// Returns how many parents moved.
pub fn supply(blocks: &Blocks, of_parents: &mut [Option<u16>], stubs: &[f32], demand: &[u64]) -> usize {
    let mut excess: Vec<f64> = demand.iter().map(|children| -(*children as f64)).collect();
    excess.resize(blocks.len(), 0.0);
    for (block, stubs) in of_parents.iter().zip(stubs) {
        if let Some(block) = block {
            excess[usize::from(*block)] += f64::from(*stubs);
        }
    }
    let mut order: Vec<usize> =
        (0..stubs.len().min(of_parents.len())).filter(|row| stubs[*row] > 0.0).collect();
    order.sort_by(|a, b| stubs[*b].total_cmp(&stubs[*a]).then(a.cmp(b)));
    let mut nearest: Vec<Vec<u16>> = vec![Vec::new(); blocks.len()];
    let mut moved = 0;
    for row in order {
        let Some(from) = of_parents[row] else { continue };
        let (here, stubs) = (excess[usize::from(from)], f64::from(stubs[row]));
        if here <= 0.0 {
            continue;
        }
        let others = &mut nearest[usize::from(from)];
        if others.is_empty() {
            *others = blocks.nearest(from);
        }
        let gain = |to: u16| {
            let there = excess[usize::from(to)];
            here + there.abs() - (here - stubs).abs() - (there + stubs).abs()
        };
        let better = |best: Option<(u16, f64)>, to: &u16| match best {
            Some((_, most)) if gain(*to) <= most => best,
            _ => Some((*to, gain(*to))),
        };
        let best = others.iter().fold(None, better);
        let Some((to, _)) = best.filter(|(_, gain)| *gain >= LEAST_GAIN * stubs) else { continue };
        of_parents[row] = Some(to);
        excess[usize::from(from)] -= stubs;
        excess[usize::from(to)] += stubs;
        moved += 1;
    }
    moved
}
