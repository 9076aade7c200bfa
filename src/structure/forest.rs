//! Links of a table to itself: a forest drawn level by level.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use rand::{RngExt, seq::SliceRandom};

use super::{DepthProfile, LinkRequest, pool::Pool};
use crate::{
    data::{Links, NO_ROW},
    seed::Stream,
};

/// Draws a forest: rows without a key are roots, every other row links to a row placed before it.
///
/// Each group is a forest of its own. Where a group has no root, one row stays without a parent.
pub(super) fn sample(
    request: &LinkRequest<'_>,
    profile: Option<&DepthProfile>,
    random: &mut Stream,
) -> Links {
    let rows = request.present.len().min(request.stubs.len());
    let mut growth = Growth {
        request,
        pool: Pool::growing(request),
        position_of: vec![0; rows],
        parent: vec![NO_ROW; request.present.len()],
        used: BTreeSet::new(),
    };
    growth.index_positions();
    let mut members: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
    let mut late = Vec::new();
    for row in 0..rows {
        let own = growth.pool.group_of_position(growth.position_of[row]);
        if request.present[row] && growth.pool.group_of_row(row) != Some(own) {
            // Links into another group than its own: only once the others stand.
            late.push(row as u32);
        } else {
            members.entry(own).or_default().push(row as u32);
        }
    }
    for rows in members.into_values() {
        let mut above: Vec<u32> = Vec::new();
        for (depth, level) in levels(request, profile, rows, random).into_iter().enumerate() {
            // A row that found no parent is not placed: nothing may hang below it yet.
            let (placed, left): (Vec<u32>, Vec<u32>) =
                level.into_iter().partition(|row| depth == 0 || growth.attach(*row, random));
            late.extend(left);
            growth.hide(&above);
            growth.show(&placed);
            above = placed;
        }
        growth.hide_all();
    }
    growth.attach_late(late, random);
    Links { parent: growth.parent }
}

struct Growth<'a> {
    request: &'a LinkRequest<'a>,
    pool: Pool<'a>,
    position_of: Vec<usize>,
    parent: Vec<u32>,
    /// (value, parent) pairs drawn, where they must differ.
    used: BTreeSet<(u32, u32)>,
}

impl Growth<'_> {
    fn index_positions(&mut self) {
        for position in 0..self.pool.len() {
            let row = self.pool.parent(position) as usize;
            if let Some(slot) = self.position_of.get_mut(row) {
                *slot = position;
            }
        }
    }

    fn show(&mut self, rows: &[u32]) {
        for row in rows {
            self.pool.show(self.position_of[*row as usize]);
        }
    }

    fn hide(&mut self, rows: &[u32]) {
        for row in rows {
            self.pool.hide(self.position_of[*row as usize]);
        }
    }

    fn hide_all(&mut self) {
        for position in 0..self.pool.len() {
            if !self.pool.is_hidden(position) {
                self.pool.hide(position);
            }
        }
    }

    /// Links a row to a shown one; false if none fits.
    fn attach(&mut self, row: u32, random: &mut Stream) -> bool {
        let group = self.pool.group_of_row(row as usize);
        let value = self.request.distinct_within.map(|values| values[row as usize]);
        let mut clashes = Vec::new();
        let found = loop {
            let Some(position) = self.pool.draw(group, None, random) else { break false };
            let parent = self.pool.parent(position);
            if value.is_none_or(|value| self.used.insert((value, parent))) {
                self.parent[row as usize] = parent;
                break true;
            }
            self.pool.give_back(position);
            self.pool.hide(position);
            clashes.push(position);
        };
        for position in clashes {
            self.pool.show(position);
        }
        found
    }

    /// Links the rows no level had room for to any placed row. Rows of a group in which nothing is placed wait
    /// until one of them had to become a root.
    fn attach_late(&mut self, late: Vec<u32>, random: &mut Stream) {
        if late.is_empty() {
            return;
        }
        let waiting_set: BTreeSet<u32> = late.iter().copied().collect();
        for row in 0..self.position_of.len() as u32 {
            if !waiting_set.contains(&row) {
                self.show(&[row]);
            }
        }
        let mut ready: VecDeque<u32> = late.into();
        let mut waiting: BTreeMap<Option<usize>, Vec<u32>> = BTreeMap::new();
        loop {
            let placed = match ready.pop_front() {
                Some(row) if self.attach(row, random) => row,
                Some(row) => {
                    waiting.entry(self.pool.group_of_row(row as usize)).or_default().push(row);
                    continue;
                }
                // Stuck: one row becomes a root, which may free others.
                None => {
                    let Some(mut first) = waiting.first_entry() else { return };
                    let Some(row) = first.get_mut().pop() else {
                        first.remove();
                        continue;
                    };
                    row
                }
            };
            self.show(&[placed]);
            let own = self.pool.group_of_position(self.position_of[placed as usize]);
            ready.extend(waiting.remove(&Some(own)).unwrap_or_default());
        }
    }
}

/// Puts the rows of one group on levels: roots, then as many as the profile says (or as the level above has
/// stubs for). Rows with stubs are preferred where the next level needs them.
fn levels(
    request: &LinkRequest<'_>,
    profile: Option<&DepthProfile>,
    mut rows: Vec<u32>,
    random: &mut Stream,
) -> Vec<Vec<u32>> {
    rows.shuffle(random);
    let stub = |row: &u32| f64::from(request.stubs[*row as usize]).max(0.0);
    let (mut left, mut roots): (Vec<u32>, Vec<u32>) =
        rows.into_iter().partition(|row| request.present[*row as usize]);
    if roots.is_empty() {
        // No row may be its own ancestor, so one must be a root: the one with the most stubs serves best.
        let best = (0..left.len()).max_by(|a, b| stub(&left[*a]).total_cmp(&stub(&left[*b])));
        roots.extend(best.map(|index| left.swap_remove(index)));
    }
    let sizes = profile.map(|profile| profile.split(left.len())).filter(|sizes| !sizes.is_empty());
    let (mut internal, mut leaves): (Vec<u32>, Vec<u32>) = left.into_iter().partition(|row| stub(row) >= 0.5);
    let mut levels = vec![roots];
    while internal.len() + leaves.len() > 0 {
        let rest = internal.len() + leaves.len();
        let above: f64 = levels.last().map_or(0.0, |level| level.iter().map(stub).sum());
        let depth = levels.len() - 1;
        let planned = sizes.as_ref().and_then(|sizes| sizes.get(depth).copied());
        let size = planned.unwrap_or(above.round() as usize).clamp(1, rest);
        // What this level must be able to carry.
        let next = match &sizes {
            Some(sizes) => sizes.get(depth + 1).copied().unwrap_or(0).min(rest - size) as f64,
            None => f64::NAN,
        };
        let mut level = Vec::with_capacity(size);
        let mut carried = 0.0;
        while level.len() < size {
            let enough = if next.is_nan() {
                // Without a profile: at random, but never a level that ends the forest too early.
                let share = internal.len() as f64 / (internal.len() + leaves.len()).max(1) as f64;
                let ends = carried == 0.0 && level.len() + 1 == size;
                !ends && random.random::<f64>() >= share
            } else {
                carried >= next
            };
            let row = if enough {
                leaves.pop().or_else(|| internal.pop())
            } else {
                internal.pop().or_else(|| leaves.pop())
            };
            let Some(row) = row else { break };
            carried += stub(&row);
            level.push(row);
        }
        levels.push(level);
    }
    levels
}
