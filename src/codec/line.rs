//! A line of keys cut into tokens: exact atoms for values that enough rows share, quantile bins for the rest.
//!
//! A bin is cut again into *cells* of equal mass, and a decoded value lies between the edges of its cell, on the
//! column's own grid. With enough rows the cell has a sub-column of its own (`fine`), so the model learns it; with
//! fewer it is drawn in proportion, which keeps the shape inside a bin without a parameter.

use rand::RngExt;
use serde::{Deserialize, Serialize};

use crate::{privacy::Kept, seed::Stream};

use super::{
    axis::Lattice,
    calendar::{self, CalendarGrid},
    season::Season,
};

/// Draws of a day that are thinned by its weekday and season before all days of a cell are weighed.
const DAY_TRIES: usize = 24;
/// Most days of a cell that are weighed.
const MOST_WEIGHED: i64 = 1000;

/// Keys in tokens. Coarse tokens: atoms in order, then bins in order. Fine tokens: the cell inside the bin, then
/// "none" for a coarse token that is no bin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Line {
    pub(super) atoms: Vec<i64>,
    /// Distinct entities with each atom; empty if the atoms are all points of a range, kept whether seen or not.
    pub(super) support: Vec<u32>,
    /// Entities cut off at either end of the range, and one.
    pub(super) least: u32,
    /// Ascending and disjoint, bin by bin.
    pub(super) cells: Vec<Cell>,
    pub(super) bin_count: u16,
    /// Tokens of the fine sub-column without "none"; 0 if there is no such sub-column.
    pub(super) fine_count: u16,
    pub(super) lattice: Lattice,
    /// Range that decoded keys are kept in.
    pub(super) limits: (i64, i64),
    /// Rows per weekday (Monday first), if keys are days: the pattern inside a cell.
    pub(super) weekdays: Option<[u32; 7]>,
    /// The days of the calendar that all keys are, if keys are days: first days of months, last days of years.
    #[serde(default)]
    pub(super) calendar: Option<CalendarGrid>,
    /// The months and days of months that keys are in, if keys are days: the pattern inside a cell as well.
    #[serde(default)]
    pub(super) season: Option<Box<Season>>,
}

/// Part of a bin. Saved as a bare list: a column has up to two thousand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "(i64, i64, u32, u16, u16)", from = "(i64, i64, u32, u16, u16)")]
pub(super) struct Cell {
    pub(super) low: i64,
    pub(super) high: i64,
    pub(super) rows: u32,
    pub(super) bin: u16,
    pub(super) fine: u16,
}

impl From<Cell> for (i64, i64, u32, u16, u16) {
    fn from(cell: Cell) -> Self {
        (cell.low, cell.high, cell.rows, cell.bin, cell.fine)
    }
}

impl From<(i64, i64, u32, u16, u16)> for Cell {
    fn from((low, high, rows, bin, fine): (i64, i64, u32, u16, u16)) -> Self {
        Self { low, high, rows, bin, fine }
    }
}

/// Draws one of some days by their weights; `None` without a day.
pub(super) fn weighted(days: &[(i64, f64)], random: &mut Stream) -> Option<i64> {
    let mut at = random.random::<f64>() * days.iter().map(|(_, weight)| weight).sum::<f64>();
    let found = days.iter().find(|(_, weight)| {
        at -= weight;
        at < 0.0
    });
    found.or(days.last()).map(|(day, _)| *day)
}

impl Line {
    /// Coarse tokens without the one for "no value".
    pub(super) fn coarse_count(&self) -> u16 {
        self.atoms.len() as u16 + self.bin_count
    }

    /// Sub-columns: the coarse one, and the fine one if there is one.
    pub(super) fn width(&self) -> usize {
        1 + usize::from(self.fine_count > 0)
    }

    /// Bits that tell a key from the others of its coarse token: which cell, and where in it.
    pub(super) fn bits_inside(&self, key: i64) -> f64 {
        if self.cells.is_empty() || self.atoms.binary_search(&key).is_ok() {
            return 0.0;
        }
        let index = self.cells.partition_point(|cell| cell.high < key).min(self.cells.len() - 1);
        let cell = &self.cells[index];
        let cells = self.cells.iter().filter(|other| other.bin == cell.bin).count();
        let points = self.lattice.points(cell.low, cell.high).unwrap_or(1 << 32).max(1);
        (cells as f64).log2() + (points as f64).log2()
    }

    /// The lowest and highest key of a coarse token; everything for a token there is not.
    pub(super) fn range_of(&self, coarse: u16) -> (i64, i64) {
        if let Some(atom) = self.atoms.get(usize::from(coarse)) {
            return (*atom, *atom);
        }
        let bin = coarse - self.atoms.len() as u16;
        let mut cells = self.cells.iter().filter(|cell| cell.bin == bin);
        let low = cells.next();
        let high = cells.next_back().or(low);
        low.zip(high).map_or((i64::MIN, i64::MAX), |(low, high)| (low.low, high.high))
    }

    /// The lowest key it can draw.
    pub(super) fn first(&self) -> i64 {
        let cell = self.cells.first().map_or(i64::MAX, |cell| cell.low);
        cell.min(self.atoms.first().copied().unwrap_or(i64::MAX))
    }

    /// The highest key it can draw.
    pub(super) fn last(&self) -> i64 {
        self.cells
            .last()
            .map_or(i64::MIN, |cell| cell.high)
            .max(self.atoms.last().copied().unwrap_or(i64::MIN))
    }

    /// The token of the fine sub-column where the coarse one is no bin.
    pub(super) fn no_fine(&self) -> u16 {
        self.fine_count
    }

    /// The tokens of a key: total, a key outside the observed range falls to the nearest token.
    pub(super) fn tokens(&self, key: i64) -> (u16, u16) {
        let at = match self.atoms.binary_search(&key) {
            Ok(atom) => return (atom as u16, self.no_fine()),
            Err(at) => at,
        };
        if self.cells.is_empty() {
            return (self.nearest_atom(key, at) as u16, self.no_fine());
        }
        let index = self.cells.partition_point(|cell| cell.high < key).min(self.cells.len() - 1);
        let cell = &self.cells[index];
        (self.atoms.len() as u16 + cell.bin, cell.fine)
    }

    /// The atom closest to `key`, which would be inserted at `at`.
    fn nearest_atom(&self, key: i64, at: usize) -> usize {
        if at == 0 {
            return 0;
        }
        if at == self.atoms.len() {
            return at - 1;
        }
        let below = i128::from(key) - i128::from(self.atoms[at - 1]);
        let above = i128::from(self.atoms[at]) - i128::from(key);
        if below <= above { at - 1 } else { at }
    }

    /// Draws a key for tokens.
    pub(super) fn key(&self, coarse: u16, fine: u16, random: &mut Stream) -> i64 {
        if let Some(atom) = self.atoms.get(usize::from(coarse)) {
            return *atom;
        }
        let bin = coarse - self.atoms.len() as u16;
        let from = self.cells.partition_point(|cell| cell.bin < bin);
        let to = from + self.cells[from..].partition_point(|cell| cell.bin == bin);
        let Some(cell) = Self::cell(&self.cells[from..to], self.fine_count, fine, random) else {
            return self.atoms.first().copied().unwrap_or(0);
        };
        let key = match (&self.calendar, &self.weekdays) {
            (Some(grid), _) => grid.snap(self.lattice.draw(cell.low, cell.high, random)),
            (None, Some(_)) => self.day(cell, random),
            (None, None) => self.lattice.draw(cell.low, cell.high, random),
        };
        key.clamp(self.limits.0, self.limits.1)
    }

    /// The cell a fine token names; without one it is drawn in proportion to its rows.
    fn cell<'a>(cells: &'a [Cell], fine_count: u16, fine: u16, random: &mut Stream) -> Option<&'a Cell> {
        if cells.len() <= 1 {
            return cells.first();
        }
        if fine_count > 0 && usize::from(fine) < cells.len() {
            return Some(&cells[usize::from(fine)]);
        }
        let total: u64 = cells.iter().map(|cell| u64::from(cell.rows)).sum();
        let mut at = random.random_range(0..total.max(1));
        cells.iter().find(|cell| {
            let here = at < u64::from(cell.rows);
            at = at.saturating_sub(u64::from(cell.rows));
            here
        })
    }

    /// Says yes to a day as often as there are days like it beside the most frequent ones: by weekday and season.
    pub(super) fn is_usual(&self, day: i64, random: &mut Stream) -> bool {
        let weights = self.weekdays.unwrap_or([1; 7]);
        let heaviest = weights.iter().copied().max().unwrap_or(1).max(1);
        self.season.as_deref().is_none_or(|season| random.random::<f64>() < season.share(day))
            && random.random_range(0..heaviest) < weights[calendar::weekday(day)]
    }

    /// False for days of a month, or of a day of the month, that too few keys are in.
    pub(super) fn in_season(&self, day: i64) -> bool {
        self.season.as_deref().is_none_or(|season| season.share(day) > 0.0)
    }

    /// How many days like a day there are, beside another one.
    pub(super) fn weight(&self, day: i64) -> f64 {
        let weekday = self.weekdays.map_or(1.0, |weights| f64::from(weights[calendar::weekday(day)]));
        weekday * self.season.as_deref().map_or(1.0, |season| season.share(day))
    }

    /// Draws a day of a cell by the weekdays and the season seen: thinned uniform draws, and where these miss, one of
    /// all its days.
    fn day(&self, cell: &Cell, random: &mut Stream) -> i64 {
        let mut day = self.lattice.draw(cell.low, cell.high, random);
        for _ in 0..DAY_TRIES {
            if self.is_usual(day, random) {
                return day;
            }
            day = self.lattice.draw(cell.low, cell.high, random);
        }
        let (Lattice::Steps { step, offset }, Some(_)) = (self.lattice, &self.season) else { return day };
        if cell.high.saturating_sub(cell.low) > MOST_WEIGHED {
            return day;
        }
        let days = (cell.low..=cell.high).filter(|day| (day - offset).rem_euclid(step) == 0);
        let weighed: Vec<(i64, f64)> =
            days.map(|day| (day, self.weight(day))).filter(|(_, weight)| *weight > 0.0).collect();
        weighted(&weighed, random).unwrap_or(day)
    }

    /// What it keeps of the source: atoms with their entities, and the ends of ranges.
    pub(super) fn kept(&self, text: &dyn Fn(i64) -> String) -> Vec<Kept> {
        let mut all: Vec<Kept> = Vec::new();
        let mut range = |low: Option<i64>, high: Option<i64>| {
            if let (Some(low), Some(high)) = (low, high) {
                all.push(Kept::range(&text(low), &text(high), self.least));
            }
        };
        if self.support.is_empty() {
            range(self.atoms.first().copied(), self.atoms.last().copied());
        }
        range(self.cells.first().map(|cell| cell.low), self.cells.last().map(|cell| cell.high));
        all.extend(self.atoms.iter().zip(&self.support).map(|(key, n)| Kept::value(text(*key), *n)));
        all
    }
}
