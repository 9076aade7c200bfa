//! Parents arranged by group and block with the stubs they have left.

use super::{Fenwick, LinkRequest};
use crate::seed::Stream;

/// Parents arranged by group and block with their remaining stubs.
pub(super) struct Pool<'a> {
    request: &'a LinkRequest<'a>,
    /// Parent row per position, sorted by group, then block.
    parents: Vec<u32>,
    /// Position per parent row.
    positions: Vec<u32>,
    /// Segment per position.
    segment_of: Vec<u32>,
    /// Block per segment.
    blocks: Vec<u16>,
    /// Place of the segment's group in `groups`.
    group_of: Vec<u32>,
    /// The groups that have parents, ascending.
    groups: Vec<u32>,
    /// First segment per group, and the number of segments.
    first: Vec<usize>,
    tree: Fenwick,
    /// Stubs left per position, also of hidden ones.
    remaining: Vec<f64>,
    hidden: Vec<bool>,
    /// Children yet to draw per group.
    demand: Vec<u64>,
    /// Weight no parent of the group falls below, once its stubs were used up and dealt again.
    floor: Vec<f64>,
    /// True if used-up stubs are dealt again; a growing forest waits for new parents instead.
    deals_again: bool,
    /// The other blocks by likeness, per block, once asked for.
    nearest: Vec<Vec<u16>>,
}

impl<'a> Pool<'a> {
    pub(super) fn new(request: &'a LinkRequest<'a>) -> Self {
        let group_of_parent =
            |parent: u32| request.groups.map_or(0, |(_, of_parents)| of_parents[parent as usize]);
        let block_of_parent =
            |parent: u32| request.blocks.map_or(0, |choice| choice.of_parents[parent as usize].unwrap_or(0));
        let key = |parent: u32| (group_of_parent(parent), block_of_parent(parent));
        let mut parents: Vec<u32> = (0..request.stubs.len() as u32).collect();
        parents.sort_by_key(|parent| key(*parent));
        let mut positions = vec![0_u32; parents.len()];
        let (mut groups, mut first, mut blocks, mut group_of) = (vec![], vec![], vec![], vec![]);
        let mut offsets = Vec::new();
        let mut segment_of = Vec::with_capacity(parents.len());
        let mut last = None;
        for (position, parent) in parents.iter().enumerate() {
            positions[*parent as usize] = position as u32;
            let (group, block) = key(*parent);
            if last != Some((group, block)) {
                if groups.last() != Some(&group) {
                    groups.push(group);
                    first.push(blocks.len());
                }
                blocks.push(block);
                group_of.push(groups.len() as u32 - 1);
                offsets.push(position);
                last = Some((group, block));
            }
            segment_of.push(blocks.len() as u32 - 1);
        }
        first.push(blocks.len());
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
            nearest: vec![Vec::new(); request.blocks.map_or(0, |choice| choice.blocks.len())],
            parents,
            positions,
            segment_of,
            blocks,
            group_of,
            groups,
            first,
            remaining,
        };
        for row in 0..request.present.len() {
            if let (true, Some(group)) = (request.present[row], pool.group_of_row(row)) {
                pool.demand[group] += 1;
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

    /// The group a child row draws from; `None` if it has no parents.
    pub(super) fn group_of_row(&self, row: usize) -> Option<usize> {
        match self.request.groups {
            Some((of_children, _)) => self.groups.binary_search(&of_children[row]).ok(),
            None => (!self.groups.is_empty()).then_some(0),
        }
    }

    /// Draws a position of the group and uses one of its stubs up: from `block`, else from the block most like it
    /// that has stubs left. `None` if every parent is hidden.
    pub(super) fn draw(
        &mut self,
        group: Option<usize>,
        block: Option<u16>,
        random: &mut Stream,
    ) -> Option<usize> {
        let group = group?;
        let segment = match self.segment(group, block, random) {
            Some(segment) => segment,
            None => {
                self.refill(group);
                self.segment(group, block, random)?
            }
        };
        let position = self.tree.draw(segment, random)?;
        self.spend(position);
        Some(position)
    }

    /// Like [`Pool::draw`], but without using a stub up or dealing them again: `None` if none are left.
    pub(super) fn peek(
        &mut self,
        group: Option<usize>,
        block: Option<u16>,
        random: &mut Stream,
    ) -> Option<usize> {
        let segment = self.segment(group?, block, random)?;
        self.tree.draw(segment, random)
    }

    /// The segment to draw from, if any of the group has stubs.
    fn segment(&mut self, group: usize, block: Option<u16>, random: &mut Stream) -> Option<usize> {
        let range = self.first[group]..self.first[group + 1];
        let Some(block) = block else { return self.any_segment(range, random) };
        let blocks = &self.blocks[range.clone()];
        let find = |block: u16| {
            let segment = range.start + blocks.binary_search(&block).ok()?;
            (!self.tree.is_exhausted(segment)).then_some(segment)
        };
        if let Some(segment) = find(block) {
            return Some(segment);
        }
        if range.clone().all(|segment| self.tree.is_exhausted(segment)) {
            return None;
        }
        let known = self.nearest.get(usize::from(block))?;
        let found = if known.is_empty() {
            let order = self.request.blocks.map_or_else(Vec::new, |choice| choice.blocks.nearest(block));
            let found = order.iter().find_map(|other| find(*other));
            self.nearest[usize::from(block)] = order;
            found
        } else {
            known.iter().find_map(|other| find(*other))
        };
        found.or_else(|| range.clone().find(|segment| !self.tree.is_exhausted(*segment)))
    }

    /// A segment in proportion to its stubs.
    fn any_segment(&self, range: std::ops::Range<usize>, random: &mut Stream) -> Option<usize> {
        use rand::RngExt;
        let mut open = range.filter(|segment| !self.tree.is_exhausted(*segment));
        let first = open.next()?;
        let rest: Vec<usize> = open.collect();
        if rest.is_empty() {
            return Some(first);
        }
        let total: f64 = self.tree.total(first) + rest.iter().map(|s| self.tree.total(*s)).sum::<f64>();
        let mut place = random.random::<f64>() * total;
        let mut all = std::iter::once(first).chain(rest);
        all.find(|segment| {
            place -= self.tree.total(*segment);
            place < 0.0
        })
        .or(Some(first))
    }

    /// Uses one stub of a position up.
    pub(super) fn spend(&mut self, position: usize) {
        let group = self.group_of_position(position);
        self.demand[group] = self.demand[group].saturating_sub(1);
        self.remaining[position] = (self.remaining[position] - 1.0).max(self.floor[group]);
        if !self.hidden[position] {
            self.tree.set(self.segment_of[position] as usize, position, self.remaining[position]);
        }
    }

    /// Deals the original stubs again, in the amount still needed, plus a floor that lets a parent without
    /// stubs serve where nothing else is left. The floor stays, so a group is dealt once only.
    fn refill(&mut self, group: usize) {
        let segments = self.first[group]..self.first[group + 1];
        let range = self.tree.range(segments.start).start..self.tree.range(segments.end - 1).end;
        if self.floor[group] > 0.0 || range.is_empty() {
            return;
        }
        let stub = |position: usize| f64::from(self.request.stubs[self.parents[position] as usize]).max(0.0);
        let stubs: f64 = range.clone().map(stub).filter(|stub| stub.is_finite()).sum();
        let count = range.len() as f64;
        self.floor[group] = if stubs > 0.0 { 1e-4 * stubs / count } else { 1.0 };
        let factor = if stubs > 0.0 && self.deals_again { self.demand[group] as f64 / stubs } else { 0.0 };
        for position in range {
            let dealt = stub(position) * factor;
            let dealt = if dealt.is_finite() { dealt } else { 0.0 };
            self.remaining[position] = (self.remaining[position] + dealt).max(self.floor[group]);
        }
        let (remaining, hidden) = (&self.remaining, &self.hidden);
        for segment in segments {
            self.tree.refill(segment, |position| if hidden[position] { 0.0 } else { remaining[position] });
        }
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

    /// The position of a parent row.
    pub(super) fn position_of(&self, parent: u32) -> Option<usize> {
        self.positions.get(parent as usize).map(|position| *position as usize)
    }

    /// Returns the stub used by the last draw of this position.
    pub(super) fn give_back(&mut self, position: usize) {
        self.remaining[position] += 1.0;
    }

    /// Number of parents.
    pub(super) fn len(&self) -> usize {
        self.parents.len()
    }

    /// The group of a position.
    pub(super) fn group_of_position(&self, position: usize) -> usize {
        self.group_of[self.segment_of[position] as usize] as usize
    }

    /// The block of a position.
    pub(super) fn block_of(&self, position: usize) -> u16 {
        self.blocks[self.segment_of[position] as usize]
    }

    /// Stubs a position has left.
    pub(super) fn stubs_left(&self, position: usize) -> f64 {
        self.remaining[position]
    }

    /// True for a parent taken out.
    pub(super) fn is_hidden(&self, position: usize) -> bool {
        self.hidden[position]
    }
}
