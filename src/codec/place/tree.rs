//! The tree of boxes over points.

use serde::{Deserialize, Serialize};

use crate::privacy::{Owned, entities, inner};

/// Fewest rows of a box, and of an exact place, even without protection.
const BOX_ROWS: usize = 8;
const EXACT_ROWS: usize = 3;
/// Most leaves in all.
const LEAVES_MAX: usize = 4096;

/// A point in keys of both axes.
pub(super) type Point = (i64, i64);

/// A part of the plane, in keys of both axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Leaf {
    pub(super) low: (i64, i64),
    pub(super) high: (i64, i64),
    pub(super) rows: u32,
    /// Distinct entities in it.
    pub(super) entities: u32,
}

impl Leaf {
    /// True if it is one point.
    pub(super) fn exact(self) -> bool {
        self.low == self.high
    }
}

/// Grows the leaves of a tree over points, in tree order.
pub(super) fn grow(mut points: Vec<Owned<Point>>, least: usize) -> Vec<Leaf> {
    points.sort_unstable();
    let exact_rows = EXACT_ROWS.max(least).max(points.len() / (LEAVES_MAX / 2));
    let box_rows = BOX_ROWS.max(least).max(points.len() / (LEAVES_MAX / 2));
    let few = Few { rows: box_rows, entities: least };
    let mut leaves = Vec::new();
    let mut rest = Vec::new();
    for run in points.chunk_by(|a, b| a.0 == b.0) {
        let shared = entities(run);
        if run.len() >= exact_rows && shared >= least {
            let (low, high) = (run[0].0, run[0].0);
            leaves.push(Leaf { low, high, rows: run.len() as u32, entities: shared as u32 });
        } else {
            rest.extend_from_slice(run);
        }
    }
    // The outermost points show no one: they are pulled in to where enough entities lie.
    if few.has(&rest) {
        for axis in [0, 1] {
            let mut line: Vec<Owned<i64>> =
                rest.iter().map(|(point, owner)| (at(*point, axis), *owner)).collect();
            line.sort_unstable();
            let middle = line.len() / 2;
            let inner = inner(&line, least).unwrap_or(middle..middle + 1);
            let (low, high) = (line[inner.start].0, line[inner.end - 1].0);
            for (point, _) in &mut rest {
                let clamped = at(*point, axis).clamp(low, high);
                if axis == 0 { point.0 = clamped } else { point.1 = clamped }
            }
        }
        halve(&mut rest, few, &mut leaves);
    }
    let mut ordered = Vec::with_capacity(leaves.len());
    order(leaves, &mut ordered);
    ordered
}

fn at(point: Point, axis: usize) -> i64 {
    if axis == 0 { point.0 } else { point.1 }
}

/// Share of a box's width that nobody lives in before the box is two places.
const VOID: f64 = 0.25;

/// Where the widest gap of sorted points along an axis ends, if it is that wide.
fn void(points: &[Owned<Point>], axis: usize) -> Option<usize> {
    let gap =
        |place: &usize| i128::from(at(points[*place].0, axis)) - i128::from(at(points[*place - 1].0, axis));
    let widest = (1..points.len()).max_by_key(gap)?;
    let width = i128::from(at(points[points.len() - 1].0, axis)) - i128::from(at(points[0].0, axis));
    // Few points leave wide gaps by chance: about ln n / n.
    let chance = 4.0 * (points.len() as f64).ln() / points.len() as f64;
    (gap(&widest) as f64 > VOID.max(chance) * width as f64 && width > 0).then_some(widest)
}

/// How much a box needs.
#[derive(Clone, Copy)]
struct Few {
    rows: usize,
    entities: usize,
}

impl Few {
    fn has(self, points: &[Owned<Point>]) -> bool {
        points.len() >= self.rows && entities(points) >= self.entities
    }
}

/// Splits points at wide gaps, then at the median of their wider axis, until a box has too few rows to be halved.
fn halve(points: &mut [Owned<Point>], least: Few, leaves: &mut Vec<Leaf>) {
    let range = |axis: usize| {
        let line = points.iter().map(|(point, _)| at(*point, axis));
        (line.clone().min().unwrap_or(0), line.max().unwrap_or(0))
    };
    let (xs, ys) = (range(0), range(1));
    for axis in [0, 1] {
        points.sort_unstable_by_key(|(point, owner)| (at(*point, axis), at(*point, 1 - axis), *owner));
        let Some(middle) = void(points, axis) else { continue };
        let (left, right) = points.split_at_mut(middle);
        // A handful of rows apart from the rest shows someone: they fall to the place nearest to theirs.
        match (least.has(left), least.has(right)) {
            (true, true) => {
                halve(left, least, leaves);
                halve(right, least, leaves);
            }
            (true, false) => halve(left, least, leaves),
            (false, true) => halve(right, least, leaves),
            (false, false) => continue,
        }
        return;
    }
    let width = |(low, high): (i64, i64)| i128::from(high) - i128::from(low);
    if points.len() >= 2 * least.rows {
        let wider = usize::from(width(ys) > width(xs));
        for axis in [wider, 1 - wider] {
            points.sort_unstable_by_key(|(point, owner)| (at(*point, axis), at(*point, 1 - axis), *owner));
            let mut middle = points.len() / 2;
            // Equal coordinates stay together.
            while middle < points.len() && at(points[middle].0, axis) == at(points[middle - 1].0, axis) {
                middle += 1;
            }
            if least.has(&points[..middle]) && least.has(&points[middle..]) {
                let (left, right) = points.split_at_mut(middle);
                halve(left, least, leaves);
                halve(right, least, leaves);
                return;
            }
        }
    }
    // Widened by half the mean distance of its rows: an edge is no row's own coordinate.
    let wide = |(low, high): (i64, i64)| {
        let margin = ((width((low, high)) / (2 * points.len().max(1)) as i128) as i64).max(1);
        (low.saturating_sub(margin), high.saturating_add(margin))
    };
    let (xs, ys) = (wide(xs), wide(ys));
    leaves.push(Leaf {
        low: (xs.0, ys.0),
        high: (xs.1, ys.1),
        rows: points.len() as u32,
        entities: entities(points) as u32,
    });
}

/// Orders leaves along a tree over their middles, so that near leaves have near numbers.
fn order(mut leaves: Vec<Leaf>, out: &mut Vec<Leaf>) {
    if leaves.len() <= 1 {
        out.extend(leaves);
        return;
    }
    let middle =
        |leaf: &Leaf, axis: usize| (i128::from(at(leaf.low, axis)) + i128::from(at(leaf.high, axis))) / 2;
    let width = |axis: usize| {
        let line = leaves.iter().map(|leaf| middle(leaf, axis));
        line.clone().max().unwrap_or(0) - line.min().unwrap_or(0)
    };
    let axis = usize::from(width(1) > width(0));
    leaves.sort_by_key(|leaf| (middle(leaf, axis), middle(leaf, 1 - axis), leaf.low, leaf.high));
    let right = leaves.split_off(leaves.len() / 2);
    order(leaves, out);
    order(right, out);
}
