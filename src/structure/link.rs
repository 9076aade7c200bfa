//! Which parent row each child row links to: draws in proportion to the stubs parents have left, inside the block
//! the child chose.

use rand::{RngExt, seq::SliceRandom};
use serde::{Deserialize, Serialize};

use super::{DepthProfile, LinkRequest, Linker, degrees, forest, pool::Pool};
use crate::{
    data::{Links, NO_ROW},
    seed::Stream,
};

/// Families that need less than this part of all parents may draw in any order.
const SMALL_SHARE: usize = 8;

/// Draws parents in proportion to their remaining stubs: a parent's weight falls by one per draw, so degrees
/// come out as the count tokens said, while who links to whom is new. What rules and blocks kept from coming out is
/// put right by exchanges in the end.
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
        let mut draw = Draw {
            request,
            pool: Pool::new(request),
            parent: vec![NO_ROW; request.present.len()],
            taken: Vec::new(),
        };
        for family in &order(request, random) {
            for row in family {
                draw.row(*row as usize, random);
            }
            draw.end_family();
        }
        let mut parent = draw.parent;
        degrees::settle(request, &mut parent, random);
        Links { parent }
    }
}

struct Draw<'a> {
    request: &'a LinkRequest<'a>,
    pool: Pool<'a>,
    parent: Vec<u32>,
    /// Positions the present family has drawn, with repetitions.
    taken: Vec<usize>,
}

impl Draw<'_> {
    fn row(&mut self, row: usize, random: &mut Stream) {
        let group = self.pool.group_of_row(row);
        let block = self.request.blocks.and_then(|choice| choice.of_children[row]);
        let again = self.request.siblings.and_then(|siblings| siblings.again).is_some_and(|again| again[row]);
        let drawn = if again { self.again(group, block, random) } else { None };
        let position = drawn.or_else(|| self.fresh(row, group, block, random));
        let Some(position) = position else { return };
        self.parent[row] = self.pool.parent(position);
        if self.request.distinct_within.is_some() || self.request.siblings.is_some() {
            self.pool.hide(position);
            self.taken.push(position);
        }
    }

    /// A parent that no sibling has, where siblings must or should differ.
    fn fresh(
        &mut self,
        row: usize,
        group: Option<usize>,
        block: Option<u16>,
        random: &mut Stream,
    ) -> Option<usize> {
        let own = self.request.avoid.and_then(|avoid| self.pool.position_of(avoid[row]));
        let own = own.filter(|position| !self.pool.is_hidden(*position));
        if let Some(position) = own {
            self.pool.hide(position);
        }
        let mut drawn = self.pool.draw(group, block, random);
        if drawn.is_none() && self.request.distinct_within.is_none() && !self.taken.is_empty() {
            // Siblings should differ but need not.
            self.end_family();
            drawn = self.pool.draw(group, block, random);
        }
        if let Some(position) = own {
            self.pool.show(position);
        }
        drawn
    }

    /// A parent that an earlier sibling has: one of the chosen block with stubs left, if there is any.
    fn again(&mut self, group: Option<usize>, block: Option<u16>, random: &mut Stream) -> Option<usize> {
        let group = group?;
        let fits = |position: &usize| {
            self.pool.group_of_position(*position) == group && self.pool.stubs_left(*position) >= 1.0
        };
        let same = |position: &usize| block.is_none_or(|block| self.pool.block_of(*position) == block);
        let mut able: Vec<usize> = self.taken.iter().copied().filter(fits).filter(same).collect();
        if able.is_empty() {
            able = self.taken.iter().copied().filter(fits).collect();
        }
        if able.is_empty() {
            return None;
        }
        let position = able[random.random_range(0..able.len())];
        self.pool.spend(position);
        Some(position)
    }

    fn end_family(&mut self) {
        for position in self.taken.drain(..) {
            self.pool.show(position);
        }
    }
}

/// Present rows in families: those whose siblings share no parent, or share some on purpose; else one family.
///
/// The order is random, so that no end of the table goes short where blocks or stubs run dry. Only families that
/// must not repeat a parent and need a good part of all parents come first, largest first: they must draw while
/// nearly all parents still have stubs.
fn order(request: &LinkRequest<'_>, random: &mut Stream) -> Vec<Vec<u32>> {
    let mut rows: Vec<u32> = (0..request.present.len() as u32).collect();
    rows.retain(|row| request.present[*row as usize]);
    let siblings = request.siblings.map(|siblings| siblings.family);
    let Some(values) = request.distinct_within.or(siblings) else {
        if request.blocks.is_some() {
            rows.shuffle(random);
        }
        return vec![rows];
    };
    if request.distinct_within.is_some() {
        rows.shuffle(random);
    }
    rows.sort_by_key(|row| values[*row as usize]);
    let mut families: Vec<Vec<u32>> =
        rows.chunk_by(|a, b| values[*a as usize] == values[*b as usize]).map(<[u32]>::to_vec).collect();
    families.shuffle(random);
    let small = if request.groups.is_some() { 0 } else { request.stubs.len() / SMALL_SHARE };
    families.sort_by_key(|family| std::cmp::Reverse(if family.len() > small { family.len() } else { 0 }));
    families
}
