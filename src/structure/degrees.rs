//! Gives every parent as many children as its stubs say, where drawing them one by one did not.
//!
//! Siblings that must differ, and blocks that have run dry, leave the last rows no parent with stubs: they take parents
//! beyond their stubs, and other parents keep some. Rows of the first then move to the second, or two rows exchange
//! parents, under the same rules as they were drawn.

use std::collections::BTreeMap;

use rand::{RngExt, seq::SliceRandom};

use super::{LinkRequest, pool::Pool};
use crate::{data::NO_ROW, seed::Stream};

/// Gap between all stubs and all rows, as a part of the rows, up to which stubs are numbers and not just proportions.
const MOST_GAP: f64 = 0.02;
/// Parents tried for a row, and rows tried to exchange parents with.
const PARENTS_TRIED: usize = 12;
const ROWS_TRIED: usize = 256;
/// Rows of a family that are looked through whenever one of them is to move, at most.
const LARGE_FAMILY: usize = 256;

/// Moves links, `parent[row]`, from parents with more children than stubs to parents with fewer.
pub(super) fn settle(request: &LinkRequest<'_>, parent: &mut [u32], random: &mut Stream) {
    let missing = missing(request, parent);
    let Some(missing) = missing.filter(|missing| missing.iter().any(|missing| *missing < 0)) else { return };
    let mut moves = movable(request, parent, &missing, random);
    moves.shuffle(random);
    let stubs: Vec<f32> = missing.iter().map(|missing| (*missing).max(0) as f32).collect();
    let open = LinkRequest { stubs: &stubs, ..request.clone() };
    // A row that is to move has no parent to give.
    let mut stays: Vec<bool> = parent.iter().map(|parent| *parent != NO_ROW).collect();
    moves.iter().for_each(|row| stays[*row as usize] = false);
    let staying = (0..parent.len() as u32).filter(|row| stays[*row as usize]).collect();
    let mut exchange = Exchange { families: Families::new(request, parent), request, staying, parent };
    let mut pool = Pool::new(&open);
    for row in moves {
        exchange.place(row, &mut pool, random);
    }
}

/// Children that each parent still lacks, or has too many of; `None` where the stubs are proportions.
fn missing(request: &LinkRequest<'_>, parent: &[u32]) -> Option<Vec<i64>> {
    let mut missing: Vec<i64> = request.stubs.iter().map(|stubs| stubs.round() as i64).collect();
    let wanted: i64 = missing.iter().sum();
    let mut rows = 0;
    for parent in parent.iter().filter(|parent| **parent != NO_ROW) {
        missing[*parent as usize] -= 1;
        rows += 1;
    }
    ((wanted - rows).abs() as f64 <= MOST_GAP * rows as f64).then_some(missing)
}

/// Rows of parents with too many, as many as are too many: first those whose parent is of another block than they chose,
/// last those that repeat a sibling's.
fn movable(request: &LinkRequest<'_>, parent: &[u32], missing: &[i64], random: &mut Stream) -> Vec<u32> {
    let mut rows: Vec<u32> = (0..parent.len() as u32)
        .filter(|row| missing.get(parent[*row as usize] as usize).is_some_and(|missing| *missing < 0))
        .collect();
    rows.shuffle(random);
    let strayed = |row: usize| {
        let choice = request.blocks.as_ref()?;
        let chosen = choice.of_children[row]?;
        Some(choice.of_parents[parent[row] as usize] != Some(chosen))
    };
    let again =
        |row: usize| request.siblings.and_then(|siblings| Some(siblings.again?[row])).unwrap_or(false);
    rows.sort_by_key(|row| (again(*row as usize), !strayed(*row as usize).unwrap_or(false)));
    let mut surplus: Vec<i64> = missing.iter().map(|missing| -missing).collect();
    rows.retain(|row| {
        let surplus = &mut surplus[parent[*row as usize] as usize];
        *surplus -= 1;
        *surplus >= 0
    });
    rows
}

/// Which parents the rows of a family have; nothing where rows may share parents at will.
struct Families<'a> {
    of_rows: Option<&'a [u32]>,
    /// Rows by family.
    rows: Vec<u32>,
    /// How many rows of a large family have each parent: too many to look through every time.
    counts: BTreeMap<(u32, u32), u32>,
}

impl<'a> Families<'a> {
    fn new(request: &LinkRequest<'a>, parent: &[u32]) -> Self {
        let of_rows = request.distinct_within.or(request.siblings.map(|siblings| siblings.family));
        let mut families = Self { of_rows, rows: Vec::new(), counts: BTreeMap::new() };
        let Some(of_rows) = of_rows else { return families };
        families.rows = (0..parent.len() as u32).filter(|row| parent[*row as usize] != NO_ROW).collect();
        families.rows.sort_by_key(|row| of_rows[*row as usize]);
        for family in families.rows.chunk_by(|a, b| of_rows[*a as usize] == of_rows[*b as usize]) {
            if family.len() > LARGE_FAMILY {
                for row in family {
                    let key = (of_rows[*row as usize], parent[*row as usize]);
                    *families.counts.entry(key).or_default() += 1;
                }
            }
        }
        families
    }

    /// The rows of a row's family.
    fn of(&self, row: u32) -> &[u32] {
        let Some(of_rows) = self.of_rows else { return &[] };
        let family = of_rows[row as usize];
        let first = self.rows.partition_point(|other| of_rows[*other as usize] < family);
        let rest = &self.rows[first..];
        &rest[..rest.partition_point(|other| of_rows[*other as usize] == family)]
    }

    /// Notes that a row has another parent now.
    fn moved(&mut self, row: u32, (from, to): (u32, u32)) {
        if self.of(row).len() <= LARGE_FAMILY {
            return;
        }
        let Some(family) = self.of_rows.map(|of_rows| of_rows[row as usize]) else { return };
        if let Some(count) = self.counts.get_mut(&(family, from)) {
            *count -= 1;
        }
        *self.counts.entry((family, to)).or_default() += 1;
    }

    /// True if a row of the family has this parent.
    fn has(&self, row: u32, wanted: u32, parent: &[u32]) -> bool {
        let family = self.of(row);
        if family.len() <= LARGE_FAMILY {
            return family.iter().any(|other| parent[*other as usize] == wanted);
        }
        let count = |of_rows: &[u32]| self.counts.get(&(of_rows[row as usize], wanted)).copied();
        self.of_rows.and_then(count).unwrap_or(0) > 0
    }
}

struct Exchange<'a, 'b> {
    request: &'a LinkRequest<'a>,
    families: Families<'a>,
    /// Rows with a parent they may exchange.
    staying: Vec<u32>,
    parent: &'b mut [u32],
}

impl Exchange<'_, '_> {
    /// Finds a parent that lacks children for a row; it keeps its own where none can be had.
    fn place(&mut self, row: u32, pool: &mut Pool<'_>, random: &mut Stream) {
        let group = pool.group_of_row(row as usize);
        let block = self.request.blocks.and_then(|choice| choice.of_children[row as usize]);
        let mut refused = Vec::new();
        let mut found = None;
        while refused.len() < PARENTS_TRIED {
            let Some(position) = pool.peek(group, block, random) else { break };
            let parent = pool.parent(position);
            if !self.avoids(row, parent) && !self.has(row, parent) {
                found = Some(position);
                break;
            }
            pool.hide(position);
            refused.push(position);
        }
        refused.iter().for_each(|position| pool.show(*position));
        if let Some(position) = found {
            self.give(row, pool.parent(position));
            pool.spend(position);
            return;
        }
        for position in refused {
            let parent = pool.parent(position);
            let shared = self.request.distinct_within.is_none() && !self.avoids(row, parent);
            if shared {
                self.give(row, parent);
            }
            if shared || self.swap(row, parent, random) {
                pool.spend(position);
                return;
            }
        }
    }

    /// Lets another row take `parent`, and `row` that one's.
    fn swap(&mut self, row: u32, parent: u32, random: &mut Stream) -> bool {
        let group = |row: u32| self.request.groups.map(|(of_children, _)| of_children[row as usize]);
        if self.staying.is_empty() {
            return false;
        }
        for _ in 0..ROWS_TRIED {
            let other = self.staying[random.random_range(0..self.staying.len())];
            let theirs = self.parent[other as usize];
            let fits = theirs != parent
                && theirs != self.parent[row as usize]
                && group(other) == group(row)
                && !self.avoids(other, parent)
                && !self.avoids(row, theirs)
                && !self.has(other, parent)
                && !self.has(row, theirs);
            if fits {
                self.give(other, parent);
                self.give(row, theirs);
                return true;
            }
        }
        false
    }

    fn avoids(&self, row: u32, parent: u32) -> bool {
        self.request.avoid.is_some_and(|avoid| avoid[row as usize] == parent)
    }

    /// True if a row of the family has a parent.
    fn has(&self, row: u32, parent: u32) -> bool {
        self.families.has(row, parent, self.parent)
    }

    fn give(&mut self, row: u32, parent: u32) {
        self.families.moved(row, (self.parent[row as usize], parent));
        self.parent[row as usize] = parent;
    }
}
