//! Which rows are many enough to be shown.

use std::collections::BTreeSet;

/// Counts the distinct units of real rows.
pub(super) struct Crowd<'a> {
    /// The unit of each row; without it each row is one.
    units: Option<&'a [u32]>,
    pub(super) least: usize,
}

impl<'a> Crowd<'a> {
    /// `units` that do not fit the rows are not used: each row then counts for itself.
    pub(super) fn new(units: Option<&'a Vec<u32>>, rows: usize, least: usize) -> Self {
        Self { units: units.filter(|units| units.len() == rows).map(Vec::as_slice), least }
    }

    /// Distinct units among rows, counted no further than `most`.
    fn count(&self, rows: impl Iterator<Item = usize>, most: usize) -> usize {
        match self.units {
            None => rows.take(most).count(),
            Some(units) => {
                let mut seen = BTreeSet::new();
                for row in rows {
                    seen.insert(units[row]);
                    if seen.len() >= most {
                        break;
                    }
                }
                seen.len()
            }
        }
    }

    /// True if rows may be counted in a figure: there are none, or enough.
    pub(super) fn tells(&self, rows: impl Iterator<Item = usize>) -> bool {
        let count = self.count(rows, self.least);
        count == 0 || count >= self.least
    }

    /// True if there are enough units for something of theirs to be named.
    pub(super) fn suffices(&self, rows: impl Iterator<Item = usize>) -> bool {
        self.count(rows, self.least) >= self.least
    }

    /// True if there are enough units to tell a low from a high half.
    pub(super) fn suffices_for_two(&self, rows: impl Iterator<Item = usize>) -> bool {
        self.count(rows, 2 * self.least) >= 2 * self.least
    }

    /// The range that at least so many units reach on both ends: the value of the least-th unit from below and from
    /// above. Rows without a number are passed over.
    pub(super) fn range(&self, values: &[f64]) -> Option<(f64, f64)> {
        let mut order: Vec<usize> = (0..values.len()).filter(|row| values[*row].is_finite()).collect();
        order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
        let low = self.reached(order.iter().copied()).map(|row| values[row])?;
        let high = self.reached(order.iter().rev().copied()).map(|row| values[row])?;
        (low <= high).then_some((low, high))
    }

    /// The row with which the least-th unit is seen.
    fn reached(&self, rows: impl Iterator<Item = usize>) -> Option<usize> {
        let mut seen = BTreeSet::new();
        for row in rows {
            seen.insert(self.units.map_or(row as u32, |units| units[row]));
            if seen.len() >= self.least {
                return Some(row);
            }
        }
        None
    }

    /// Joins neighbouring bins until each holds no unit at all or enough of them. `rows` are the real rows of each
    /// bin; the result says which bins stand together, in order. `None` if all together are too few.
    pub(super) fn join(&self, rows: &[Vec<usize>]) -> Option<Vec<std::ops::Range<usize>>> {
        let mut joined: Vec<std::ops::Range<usize>> = Vec::new();
        let mut start = 0;
        for end in 1..=rows.len() {
            if self.tells(rows[start..end].iter().flatten().copied()) {
                joined.push(start..end);
                start = end;
            }
        }
        // The rest is too small to stand alone: it goes to those before it, as far back as needed.
        while start < rows.len() {
            start = joined.pop()?.start;
            if self.suffices(rows[start..].iter().flatten().copied()) {
                joined.push(start..rows.len());
                break;
            }
        }
        Some(joined)
    }
}
