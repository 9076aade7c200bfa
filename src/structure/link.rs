//! Which parent row each child row links to: draws in proportion to the stubs parents have left.

use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use super::{DepthProfile, Fenwick, LinkRequest, Linker, forest};
use crate::{
    data::{Links, NO_ROW},
    seed::Stream,
};

/// Draws parents in proportion to their remaining stubs: a parent's weight falls by one per draw, so degrees
/// come out as the count tokens said, while who links to whom is new.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct StubLinker {
    /// For a self reference: how rows spread over the levels of the forest, where fitted.
    pub depth: Option<DepthProfile>,
}

impl Linker for StubLinker {
    fn sample(&self, request: &LinkRequest<'_>, random: &mut Stream) -> Links {
        if request.forest {
            return forest::sample(request, self.depth.as_ref(), random);
        }
        let mut parent = vec![NO_ROW; request.present.len()];
        let mut pool = Pool::new(request);
        let mut taken: Vec<usize> = Vec::new();
        for family in &order(request, random) {
            for row in family {
                let row = *row as usize;
                let Some(position) = pool.draw(pool.segment(row), random) else { continue };
                parent[row] = pool.parents[position];
                if request.distinct_within.is_some() {
                    pool.hide(position);
                    taken.push(position);
                }
            }
            for position in taken.drain(..) {
                pool.show(position);
            }
        }
        Links { parent }
    }
}

/// Present rows in families that must not repeat a parent, largest first: a family that needs nearly all
/// parents must draw while nearly all still have stubs. Without such a rule: one family, in row order.
fn order(request: &LinkRequest<'_>, random: &mut Stream) -> Vec<Vec<u32>> {
    let mut rows: Vec<u32> = (0..request.present.len() as u32).collect();
    rows.retain(|row| request.present[*row as usize]);
    let Some(values) = request.distinct_within else { return vec![rows] };
    rows.shuffle(random);
    rows.sort_by_key(|row| values[*row as usize]);
    let mut families: Vec<Vec<u32>> =
        rows.chunk_by(|a, b| values[*a as usize] == values[*b as usize]).map(<[u32]>::to_vec).collect();
    families.shuffle(random);
    families.sort_by_key(|family| std::cmp::Reverse(family.len()));
    families
}

/// Parents arranged by group with their remaining stubs.
pub(super) struct Pool<'a> {
    request: &'a LinkRequest<'a>,
    /// Parent row per position, sorted by group.
    parents: Vec<u32>,
    /// Segment per position.
    segment_of: Vec<u32>,
    /// The groups that have parents, ascending; the segment is the place in here.
    groups: Vec<u32>,
    tree: Fenwick,
    /// Stubs left per position, also of hidden ones.
    remaining: Vec<f64>,
    hidden: Vec<bool>,
    /// Children yet to draw per segment.
    demand: Vec<u64>,
    /// Weight no parent of the segment falls below, once its stubs were used up and dealt again.
    floor: Vec<f64>,
    /// True if used-up stubs are dealt again; a growing forest waits for new parents instead.
    deals_again: bool,
}

impl<'a> Pool<'a> {
    pub(super) fn new(request: &'a LinkRequest<'a>) -> Self {
        let mut parents: Vec<u32> = (0..request.stubs.len() as u32).collect();
        let group_of = |parent: u32| request.groups.map_or(0, |(_, of_parents)| of_parents[parent as usize]);
        parents.sort_by_key(|parent| group_of(*parent));
        let mut groups = Vec::new();
        let mut offsets = Vec::new();
        let mut segment_of = Vec::with_capacity(parents.len());
        for (position, parent) in parents.iter().enumerate() {
            if groups.last() != Some(&group_of(*parent)) {
                groups.push(group_of(*parent));
                offsets.push(position);
            }
            segment_of.push(groups.len() as u32 - 1);
        }
        offsets.push(parents.len());
        let remaining: Vec<f64> = parents
            .iter()
            .map(|parent| f64::from(request.stubs[*parent as usize]))
            .map(|stub| if stub.is_finite() { stub.max(0.0) } else { 0.0 })
            .collect();
        let mut pool = Self {
            request,
            demand: vec![0; groups.len()],
            floor: vec![0.0; groups.len()],
            deals_again: true,
            hidden: vec![false; parents.len()],
            tree: Fenwick::segmented(remaining.clone(), offsets),
            parents,
            segment_of,
            groups,
            remaining,
        };
        for row in 0..request.present.len() {
            if let (true, Some(segment)) = (request.present[row], pool.segment(row)) {
                pool.demand[segment] += 1;
            }
        }
        pool
    }

    /// A pool for a forest: every parent is hidden until it is placed.
    pub(super) fn growing(request: &'a LinkRequest<'a>) -> Self {
        let mut pool = Self::new(request);
        pool.deals_again = false;
        for position in 0..pool.len() {
            pool.hide(position);
        }
        pool
    }

    /// The segment a child row draws from; `None` if its group has no parents.
    pub(super) fn segment(&self, row: usize) -> Option<usize> {
        match self.request.groups {
            Some((of_children, _)) => self.groups.binary_search(&of_children[row]).ok(),
            None => (!self.groups.is_empty()).then_some(0),
        }
    }

    /// Draws a position of the segment and uses one of its stubs up; `None` if every parent is hidden.
    pub(super) fn draw(&mut self, segment: Option<usize>, random: &mut Stream) -> Option<usize> {
        let segment = segment?;
        if self.tree.is_exhausted(segment) {
            self.refill(segment);
        }
        let position = self.tree.draw(segment, random)?;
        self.demand[segment] = self.demand[segment].saturating_sub(1);
        self.remaining[position] = (self.remaining[position] - 1.0).max(self.floor[segment]);
        self.tree.set(segment, position, self.remaining[position]);
        Some(position)
    }

    /// Deals the original stubs again, in the amount still needed, plus a floor that lets a parent without
    /// stubs serve where nothing else is left. The floor stays, so a segment is dealt once only.
    fn refill(&mut self, segment: usize) {
        let range = self.tree.range(segment);
        if self.floor[segment] > 0.0 || range.is_empty() {
            return;
        }
        let stub = |position: usize| f64::from(self.request.stubs[self.parents[position] as usize]).max(0.0);
        let stubs: f64 = range.clone().map(stub).filter(|stub| stub.is_finite()).sum();
        let count = range.len() as f64;
        self.floor[segment] = if stubs > 0.0 { 1e-4 * stubs / count } else { 1.0 };
        let factor = if stubs > 0.0 && self.deals_again {
            (self.demand[segment] as f64 / stubs).max(1.0)
        } else {
            0.0
        };
        for position in range {
            let dealt = stub(position) * factor;
            let dealt = if dealt.is_finite() { dealt } else { 0.0 };
            self.remaining[position] = (self.remaining[position] + dealt).max(self.floor[segment]);
        }
        let (remaining, hidden) = (&self.remaining, &self.hidden);
        self.tree.refill(segment, |position| if hidden[position] { 0.0 } else { remaining[position] });
    }

    /// Takes a parent out until [`Pool::show`].
    pub(super) fn hide(&mut self, position: usize) {
        self.hidden[position] = true;
        self.tree.set(self.segment_of[position] as usize, position, 0.0);
    }

    /// Puts a hidden parent back with the stubs it has left.
    pub(super) fn show(&mut self, position: usize) {
        self.hidden[position] = false;
        self.tree.set(self.segment_of[position] as usize, position, self.remaining[position]);
    }

    /// The parent row at a position.
    pub(super) fn parent(&self, position: usize) -> u32 {
        self.parents[position]
    }

    /// Returns the stub used by the last draw of this position.
    pub(super) fn give_back(&mut self, position: usize) {
        self.remaining[position] += 1.0;
    }

    /// Number of parents.
    pub(super) fn len(&self) -> usize {
        self.parents.len()
    }

    /// The segment of a position.
    pub(super) fn segment_of(&self, position: usize) -> usize {
        self.segment_of[position] as usize
    }

    /// True for a parent taken out.
    pub(super) fn is_hidden(&self, position: usize) -> bool {
        self.hidden[position]
    }
}
