//! A line of keys under a limit: how much of each token it leaves, and keys drawn inside it.

use rand::RngExt;

use crate::{rules::Limit, seed::Stream};

use super::{
    axis::{ABOVE_ALL, BELOW_ALL, Lattice, Scale},
    line::{Cell, Line},
};

/// Ascending ranges of keys, both ends included.
pub(super) type Ranges = Vec<(i64, i64)>;

/// The ranges of whole keys a limit leaves.
pub(super) fn whole_ranges(limit: &Limit) -> Ranges {
    match limit {
        Limit::Present => vec![(i64::MIN, i64::MAX)],
        Limit::Whole(ranges) => ranges.clone(),
        _ => Vec::new(),
    }
}

/// The ranges of keys whose floats a limit leaves.
pub(super) fn float_ranges(limit: &Limit, scale: Scale) -> Ranges {
    let ranges = match limit {
        Limit::Present => return vec![(i64::MIN, i64::MAX)],
        Limit::Floats(ranges) => ranges,
        _ => return Vec::new(),
    };
    let keys = ranges.iter().map(|(low, high)| {
        let from = if low.is_infinite() { BELOW_ALL } else { first_from(scale, *low) };
        let to =
            if high.is_infinite() { ABOVE_ALL } else { first_from(scale, high.next_up()).saturating_sub(1) };
        (from, to)
    });
    keys.filter(|(from, to)| from <= to).collect()
}

/// The first key whose value is at least `low`.
fn first_from(scale: Scale, low: f64) -> i64 {
    // A decimal key is the nearest, so at most a step off; singles may share a value with a few neighbours.
    const MOST_STEPS: usize = 4096;
    let mut key = scale.key(low);
    for _ in 0..MOST_STEPS {
        if scale.value(key) >= low {
            break;
        }
        key += 1;
    }
    for _ in 0..MOST_STEPS {
        if key <= BELOW_ALL + 2 || scale.value(key - 1) < low {
            break;
        }
        key -= 1;
    }
    key
}

fn overlap(ranges: &[(i64, i64)], low: i64, high: i64) -> impl Iterator<Item = (i64, i64)> {
    ranges.iter().map(move |(from, to)| ((*from).max(low), (*to).min(high))).filter(|(from, to)| from <= to)
}

fn contains(ranges: &[(i64, i64)], key: i64) -> bool {
    ranges.iter().any(|(from, to)| (*from..=*to).contains(&key))
}

/// The key of the ranges nearest to `key`.
fn nearest(ranges: &[(i64, i64)], key: i64) -> i64 {
    let candidates = ranges.iter().map(|(from, to)| key.clamp(*from, *to));
    candidates.min_by_key(|near| (i128::from(*near) - i128::from(key)).abs()).unwrap_or(key)
}

impl Lattice {
    /// How much room there is between two keys, in units of its own.
    fn room(self, low: i64, high: i64) -> f64 {
        match self {
            Self::Steps { step, offset } => {
                let at = |key: i64| (i128::from(key) - i128::from(offset)).div_euclid(i128::from(step));
                (at(high) - at(low.saturating_sub(1))).max(0) as f64
            }
            Self::Floats { single } => {
                let scale = Scale::Binary { single };
                (scale.value(high) - scale.value(low)).max(0.0)
            }
        }
    }
}

impl Line {
    /// Share of a cell's keys in the ranges.
    fn cell_share(&self, cell: &Cell, ranges: &[(i64, i64)]) -> f64 {
        if contains(ranges, cell.low) && cell.low == cell.high {
            return 1.0;
        }
        let whole = self.lattice.room(cell.low, cell.high);
        let left: f64 =
            overlap(ranges, cell.low, cell.high).map(|(low, high)| self.lattice.room(low, high)).sum();
        if left > 0.0 && whole > 0.0 {
            (left / whole).min(1.0)
        } else {
            // A range between two points of the grid can still be hit, off the grid.
            let hit = overlap(ranges, cell.low, cell.high).next().is_some();
            if hit { 1.0 / whole.max(1.0) } else { 0.0 }
        }
    }

    fn bin(&self, bin: u16) -> &[Cell] {
        let from = self.cells.partition_point(|cell| cell.bin < bin);
        let to = from + self.cells[from..].partition_point(|cell| cell.bin == bin);
        &self.cells[from..to]
    }

    fn cells_share(&self, cells: &[Cell], ranges: &[(i64, i64)]) -> f64 {
        let rows: f64 = cells.iter().map(|cell| f64::from(cell.rows.max(1))).sum();
        let left: f64 =
            cells.iter().map(|cell| f64::from(cell.rows.max(1)) * self.cell_share(cell, ranges)).sum();
        if rows > 0.0 { left / rows } else { 0.0 }
    }

    /// Share of each coarse token that the ranges leave, without the token for "no value". A bin whose cells have
    /// tokens of their own counts whole: the fine token has the share.
    ///
    /// A single key that no token holds goes to the nearest: between two observed values there are others.
    pub(super) fn coarse_shares(&self, ranges: &[(i64, i64)]) -> Vec<f32> {
        let atoms = self.atoms.iter().map(|key| f32::from(u8::from(contains(ranges, *key))));
        let bins = (0..self.bin_count).map(|bin| {
            let share = self.cells_share(self.bin(bin), ranges) as f32;
            if self.fine_count > 0 && share > 0.0 { 1.0 } else { share }
        });
        let mut shares: Vec<f32> = atoms.chain(bins).collect();
        for (key, _) in ranges.iter().filter(|(from, to)| from == to) {
            let inside = (self.limits.0..=self.limits.1).contains(key);
            let (token, _) = self.tokens(*key);
            if let Some(share) = shares.get_mut(usize::from(token)).filter(|share| inside && **share == 0.0) {
                *share = 1.0;
            }
        }
        shares
    }

    /// Share of each fine token behind a coarse one.
    pub(super) fn fine_shares(&self, coarse: u16, ranges: &[(i64, i64)]) -> Vec<f32> {
        let count = usize::from(self.fine_count) + 1;
        let atoms = self.atoms.len() as u16;
        if coarse < atoms || coarse >= self.coarse_count() {
            return vec![1.0; count];
        }
        let cells = self.bin(coarse - atoms);
        let shares: Vec<f32> = (0..count)
            .map(|fine| match cells {
                [cell] => self.cell_share(cell, ranges) as f32,
                _ => cells.get(fine).map_or(0.0, |cell| self.cell_share(cell, ranges) as f32),
            })
            .collect();
        // Only the nearest token to a single key gets here without a share: any of its cells will do.
        if shares.iter().all(|share| *share <= 0.0) { vec![1.0; count] } else { shares }
    }

    /// Draws a key for tokens inside the ranges; the nearest key of the ranges where the tokens have none.
    pub(super) fn key_within(&self, tokens: (u16, u16), ranges: &[(i64, i64)], random: &mut Stream) -> i64 {
        let (coarse, fine) = tokens;
        let first = self.key(coarse, fine, random);
        if contains(ranges, first) {
            return first;
        }
        let atoms = self.atoms.len() as u16;
        if coarse < atoms || coarse >= self.coarse_count() {
            return self.beside(ranges, first);
        }
        let cells = self.bin(coarse - atoms);
        let named = cells.get(usize::from(fine)).filter(|_| self.fine_count > 0);
        let named = named.filter(|cell| self.cell_share(cell, ranges) > 0.0);
        let cells = named.map_or(cells, std::slice::from_ref);
        let pieces: Vec<(i64, i64, f64)> = cells
            .iter()
            .flat_map(|cell| {
                let rows = f64::from(cell.rows.max(1));
                let whole = self.lattice.room(cell.low, cell.high).max(f64::MIN_POSITIVE);
                overlap(ranges, cell.low.max(self.limits.0), cell.high.min(self.limits.1))
                    .map(move |(low, high)| (low, high, rows * self.lattice.room(low, high) / whole + 1e-9))
            })
            .collect();
        let total: f64 = pieces.iter().map(|(.., weight)| weight).sum();
        let mut at = random.random::<f64>() * total;
        let piece = pieces.iter().find(|(.., weight)| {
            at -= weight;
            at < 0.0
        });
        match piece.or(pieces.last()) {
            Some((low, high, _)) => self.lattice.draw(*low, *high, random),
            None => self.beside(ranges, first),
        }
    }

    /// The nearest key of some ranges, on the lattice where that has a point inside.
    fn beside(&self, ranges: &[(i64, i64)], key: i64) -> i64 {
        let edge = nearest(ranges, key);
        let Lattice::Steps { step, offset } = self.lattice else { return edge };
        let Some((low, high)) = ranges.iter().find(|(low, high)| (*low..=*high).contains(&edge)) else {
            return edge;
        };
        let past = (i128::from(edge) - i128::from(offset)).rem_euclid(step.into()) as i64;
        let below = edge.checked_sub(past).filter(|point| point >= low);
        let above = if past == 0 { Some(edge) } else { edge.checked_add(step - past) };
        let above = above.filter(|point| point <= high);
        if edge == *low { above.or(below) } else { below.or(above) }.unwrap_or(edge)
    }

    /// The one key that tokens can mean, if there is only one.
    pub(super) fn only_key(&self, coarse: u16, fine: u16) -> Option<i64> {
        if let Some(atom) = self.atoms.get(usize::from(coarse)) {
            return Some(*atom);
        }
        if coarse >= self.coarse_count() {
            return None;
        }
        let cells = self.bin(coarse - self.atoms.len() as u16);
        let cell = match cells {
            [cell] => cell,
            _ if self.fine_count > 0 => cells.get(usize::from(fine))?,
            _ => return None,
        };
        (cell.low == cell.high).then_some(cell.low)
    }
}

#[cfg(test)]
mod tests;
