//! Where to cut a line of keys: which values become atoms, where bins and cells begin.

use std::ops::Range;

use crate::{
    normal::normal_quantile,
    privacy::{Owned, entities, inner},
};

use super::{
    SubColumn,
    axis::{ABOVE_ALL, BELOW_ALL, Lattice, NAN, Scale},
    calendar::{self, CalendarGrid},
    line::{Cell, Line},
    season::Season,
};

/// Most distinct values for which every supported one is kept exactly (design 4.2).
const MAX_ATOMS: usize = 1000;

/// Fewest rows an atom needs even without protection: what one or two rows have is chance, or a person.
const MIN_ATOM_ROWS: usize = 3;

/// Fewest rows of a bin. A head learns noise of so few, and shrinks for it; but what a table of fifty parents says with
/// two bins tells its children next to nothing.
const BIN_ROWS: usize = 6;

/// Fewest rows of a cell, so that its edges are a range and not a list of the rows.
const CELL_ROWS: usize = 4;

/// Rows a bin needs before its cells get a sub-column of their own: at least 8 per cell.
const FINE_BIN_ROWS: usize = 64;

/// Most cells of a bin.
const MAX_CELLS: usize = 32;

/// How to cut.
#[derive(Debug, Clone)]
pub(super) struct LineSpec<'a> {
    /// Name of the coarse sub-column, and what its fine one begins with.
    pub(super) name: &'a str,
    /// Distinct entities that a value or a range end needs; 0 is off.
    pub(super) least: usize,
    /// Grid steps to look for, largest first; `None` for floats without a grid.
    pub(super) steps: Option<&'a [i64]>,
    /// True for single-precision floats.
    pub(super) single: bool,
    /// Most bins, ≤ 64.
    pub(super) max_bins: usize,
    /// True if keys are days.
    pub(super) days: bool,
    /// True if a row can be without a key here: coarse and fine get a last token for it.
    pub(super) absent: bool,
    /// Range decoded keys are kept in.
    pub(super) limits: (i64, i64),
    /// The grid that the type or every value keeps to, however few there are: 1 is every whole key.
    pub(super) grain: i64,
}

/// 2000-01-01 to 2000-12-31.
const NEUTRAL_DAYS: (i64, i64) = (10_957, 11_322);

impl LineSpec<'_> {
    /// The one bin of a line of which nothing may be told: zero, or the days of 2000, which every server can hold (the
    /// first day of 1970 is out of range for a timestamp of MySQL).
    fn neutral(&self) -> Cell {
        let (low, high) = if self.days { NEUTRAL_DAYS } else { (0, 0) };
        Cell { low, high, rows: 1, bin: 0, fine: 0 }
    }
}

impl Line {
    /// Cuts the line of `keys` (any order). Keys of NaN and the infinities become atoms whatever their support: they
    /// say nothing about anyone.
    pub(super) fn fit(mut keys: Vec<Owned<i64>>, spec: &LineSpec<'_>) -> (Self, Vec<SubColumn>) {
        keys.sort_unstable();
        let special = |key: &i64| matches!(*key, NAN | BELOW_ALL | ABOVE_ALL);
        let mut atoms: Vec<(i64, usize)> = runs(&keys)
            .into_iter()
            .filter(|run| special(&run.key))
            .map(|run| (run.key, run.entities))
            .collect();
        let numbers: Vec<Owned<i64>> = keys.iter().copied().filter(|(key, _)| !special(key)).collect();
        let values = keys_of(&numbers);

        let lattice = match spec.steps {
            Some(steps) => Lattice::fit(&values, steps).no_finer_than(spec.grain),
            None => Lattice::Floats { single: spec.single },
        };
        let runs = runs(&numbers);
        let mut cells = Vec::new();
        let units = unit_tokens(&numbers, &runs, lattice, spec.least);
        let every_point = units.is_some();
        if let Some(units) = units {
            atoms.extend(units.into_iter().map(|key| (key, 0)));
        } else {
            let supported = supported(&runs, numbers.len(), spec.least);
            let known = |key: &i64| supported.binary_search_by_key(key, |(atom, _)| *atom).is_ok();
            let rest: Vec<Owned<i64>> = numbers.iter().copied().filter(|(key, _)| !known(key)).collect();
            cells = cut(&rest, spec, !supported.is_empty());
            atoms.extend(supported);
        }
        atoms.sort_unstable();
        if atoms.is_empty() && cells.is_empty() {
            cells.push(spec.neutral());
        }

        let bin_count = cells.last().map_or(0, |cell| cell.bin + 1);
        let binned_rows: usize = cells.iter().map(|cell| cell.rows as usize).sum();
        let most_cells = cells.iter().map(|cell| cell.fine + 1).max().unwrap_or(0);
        let fine = most_cells > 1 && binned_rows >= FINE_BIN_ROWS * usize::from(bin_count);
        // Of fewer entities the range is known roughly, and nobody is cut off.
        let behind = entities(&numbers);
        let least = if behind < 2 * spec.least { spec.least.min(behind) } else { spec.least };
        let line = Self {
            support: if every_point { Vec::new() } else { atoms.iter().map(|(_, n)| *n as u32).collect() },
            atoms: atoms.into_iter().map(|(key, _)| key).collect(),
            least: least as u32,
            cells,
            bin_count,
            fine_count: if fine { most_cells } else { 0 },
            lattice,
            limits: spec.limits,
            weekdays: spec.days.then(|| weekdays(&values)),
            calendar: CalendarGrid::of(&values).filter(|_| spec.days),
            season: spec.days.then(|| Season::of(&values, spec.least)).flatten().map(Box::new),
        };
        let sub_columns = line.sub_columns(&keys_of(&keys), spec);
        (line, sub_columns)
    }

    /// Cuts the line of `keys` into bins alone, without atoms and without a fine sub-column.
    pub(super) fn binned(mut keys: Vec<Owned<i64>>, spec: &LineSpec<'_>) -> (Self, SubColumn) {
        keys.sort_unstable();
        let mut cells = cut(&keys, spec, false);
        if cells.is_empty() {
            cells.push(spec.neutral());
        }
        let keys = keys_of(&keys);
        let line = Self {
            atoms: Vec::new(),
            support: Vec::new(),
            least: spec.least as u32,
            bin_count: cells.last().map_or(0, |cell| cell.bin + 1),
            cells,
            fine_count: 0,
            lattice: Lattice::fit(&keys, spec.steps.unwrap_or_default()).no_finer_than(spec.grain),
            limits: spec.limits,
            weekdays: spec.days.then(|| weekdays(&keys)),
            calendar: CalendarGrid::of(&keys).filter(|_| spec.days),
            season: spec.days.then(|| Season::of(&keys, spec.least)).flatten().map(Box::new),
        };
        let sub_column = line.sub_columns(&keys, spec).swap_remove(0);
        (line, sub_column)
    }

    fn sub_columns(&self, keys: &[i64], spec: &LineSpec<'_>) -> Vec<SubColumn> {
        let places: Vec<i64> =
            self.atoms.iter().copied().chain((0..self.bin_count).map(|bin| self.middle_of(bin))).collect();
        let mut scalars: Vec<f32> = places
            .iter()
            .map(|key| if *key == NAN { 0.0 } else { normal_score(mid_rank(keys, *key)) })
            .collect();
        if spec.absent {
            scalars.push(0.0);
        }
        let size = self.coarse_count() + u16::from(spec.absent);
        if size == 1 {
            scalars.clear();
        }
        let has_fine = self.fine_count > 0;
        let name = if has_fine { format!("{}.coarse", spec.name) } else { spec.name.to_owned() };
        let mut sub_columns =
            vec![SubColumn { name, size, scalars, counts_children: false, one_hot: size > 1 }];
        if has_fine {
            let count = f32::from(self.fine_count);
            let mut scalars: Vec<f32> = (0..self.fine_count)
                .map(|fine| rounded(f64::from((2.0 * f32::from(fine) + 1.0) / count - 1.0)))
                .collect();
            scalars.push(0.0);
            sub_columns.push(SubColumn {
                name: format!("{}.fine", spec.name),
                size: self.fine_count + 1,
                scalars,
                counts_children: false,
                one_hot: false,
            });
        }
        sub_columns
    }

    /// A key in the middle of a bin, by mass.
    fn middle_of(&self, bin: u16) -> i64 {
        let cells: Vec<&Cell> = self.cells.iter().filter(|cell| cell.bin == bin).collect();
        cells.get(cells.len() / 2).map_or(0, |cell| {
            if cells.len().is_multiple_of(2) {
                cell.low
            } else {
                ((i128::from(cell.low) + i128::from(cell.high)) / 2) as i64
            }
        })
    }
}

/// Keys without their owners.
fn keys_of(keys: &[Owned<i64>]) -> Vec<i64> {
    keys.iter().map(|(key, _)| *key).collect()
}

/// A distinct key of a sorted list.
struct Run {
    key: i64,
    rows: usize,
    entities: usize,
}

/// Distinct keys of a list sorted by key and owner.
fn runs(keys: &[Owned<i64>]) -> Vec<Run> {
    let run = |run: &[Owned<i64>]| Run {
        key: run[0].0,
        rows: run.len(),
        entities: run.chunk_by(|a, b| a.1 == b.1).count(),
    };
    keys.chunk_by(|a, b| a.0 == b.0).map(run).collect()
}

impl Run {
    fn is_supported(&self, least: usize) -> bool {
        self.rows >= MIN_ATOM_ROWS && self.entities >= least
    }
}

/// Keys that enough entities share to be kept exactly, with how many do.
fn supported(runs: &[Run], rows: usize, least: usize) -> Vec<(i64, usize)> {
    let few = runs.len() <= MAX_ATOMS;
    runs.iter()
        .filter(|run| run.is_supported(least) && (few || run.rows * 100 >= rows))
        .map(|run| (run.key, run.entities))
        .collect()
}

/// One token per grid point where the range is short and dense: exact, and nobody's value is listed. Not where
/// every value seen is well supported: then atoms keep the gaps between them as well.
fn unit_tokens(keys: &[Owned<i64>], runs: &[Run], lattice: Lattice, least: usize) -> Option<Vec<i64>> {
    let Lattice::Steps { step, .. } = lattice else { return None };
    if keys.len() < 4 * runs.len() {
        return None;
    }
    let inner = inner(keys, least)?;
    let (low, high) = (keys[inner.start].0, keys[inner.end - 1].0);
    let points = lattice.points(low, high)?;
    let all_supported = runs.iter().all(|run| run.is_supported(least));
    if all_supported || points > MAX_ATOMS as i128 || points > 4 * runs.len() as i128 {
        return None;
    }
    Some((0..points as i64).map(|n| low + n * step).collect())
}

/// Cuts sorted keys into bins of cells. `dispensable` if values may also fall to an atom, so that too few keys
/// need no bin.
fn cut(rest: &[Owned<i64>], spec: &LineSpec<'_>, dispensable: bool) -> Vec<Cell> {
    let least = spec.least;
    let owned = inner(rest, least).map_or(&[][..], |inner| &rest[inner]);
    let clipped = keys_of(owned);
    let clipped = clipped.as_slice();
    if clipped.len() < CELL_ROWS.max(least) || entities(owned) < least {
        return match (rest.first(), rest.last()) {
            _ if dispensable => Vec::new(),
            (Some((low, _)), Some((high, _))) if least == 0 => vec![whole(*low, *high, rest.len())],
            (Some((low, _)), Some((high, _))) => {
                // A significant digit of a day reaches decades further, out of what a timestamp can hold.
                let decades = || Some((calendar::decade(*low)?.0, calendar::decade(*high)?.1));
                let blur = |key: i64, up: bool| match spec.steps {
                    Some(_) => blurred(key, up),
                    None => blurred_float(key, up, spec.single),
                };
                let (low, high) = (spec.days.then(decades).flatten())
                    .unwrap_or_else(|| (blur(*low, false), blur(*high, true)));
                vec![whole(low, high, rest.len())]
            }
            _ => Vec::new(),
        };
    }

    let few = if clipped.len() >= 20 { 2 } else { 1 };
    let bins = (clipped.len() / BIN_ROWS).clamp(few, spec.max_bins);
    let mut cells: Vec<Cell> = Vec::new();
    let bins = shared(owned, equal_parts(clipped, 0..clipped.len(), bins), least);
    for (bin, rows) in bins.into_iter().enumerate() {
        // Cells that a head will learn need more rows than cells drawn in proportion.
        let rows_min = if rows.len() >= FINE_BIN_ROWS { 2 * CELL_ROWS } else { CELL_ROWS };
        let parts = (rows.len() / rows_min.max(least)).clamp(1, MAX_CELLS);
        let parts = shared(owned, equal_parts(clipped, rows, parts), least);
        for (fine, part) in parts.into_iter().enumerate() {
            let (low, high) = edges(clipped, &part);
            cells.push(Cell { low, high, rows: part.len() as u32, bin: bin as u16, fine: fine as u16 });
        }
    }
    if least > 0 {
        drawn_in(clipped, &mut cells);
    }
    cells
}

/// Joins neighbouring parts until enough entities are in each.
fn shared(keys: &[Owned<i64>], parts: Vec<Range<usize>>, least: usize) -> Vec<Range<usize>> {
    let mut joined: Vec<Range<usize>> = Vec::with_capacity(parts.len());
    let few = |part: &Range<usize>| part.len() < least || entities(&keys[part.clone()]) < least;
    for part in parts {
        match joined.last_mut() {
            Some(last) if few(last) => last.end = part.end,
            _ => joined.push(part),
        }
    }
    while joined.len() > 1 && joined.last().is_some_and(few) {
        let end = joined.pop().map_or(0, |last| last.end);
        if let Some(last) = joined.last_mut() {
            last.end = end;
        }
    }
    joined
}

/// Moves the ends of the range half way towards the next key: the outermost key that is left is one entity's own.
fn drawn_in(clipped: &[i64], cells: &mut [Cell]) {
    let half = |from: i64, to: i64| ((i128::from(from) + i128::from(to)) / 2) as i64;
    let (Some(first), Some(last)) = (clipped.first(), clipped.last()) else { return };
    let above = clipped.iter().find(|key| *key > first);
    let below = clipped.iter().rev().find(|key| *key < last);
    if let (Some(cell), Some(above)) = (cells.first_mut(), above) {
        cell.low = half(*first, *above).min(cell.high);
    }
    if let (Some(cell), Some(below)) = (cells.last_mut(), below) {
        cell.high = half(*last, *below).max(cell.low);
    }
}

/// Splits `rows` of sorted `keys` into at most `parts` of about equal size, never between equal keys.
fn equal_parts(keys: &[i64], rows: Range<usize>, parts: usize) -> Vec<Range<usize>> {
    let mut result = Vec::with_capacity(parts);
    let mut start = rows.start;
    for part in 1..=parts {
        let mut end = rows.start + rows.len() * part / parts;
        if end <= start {
            continue;
        }
        // Equal keys stay together.
        while end < rows.end && keys[end] == keys[end - 1] {
            end += 1;
        }
        result.push(start..end);
        start = end;
    }
    result
}

/// The range a cell stands for: its members' range, widened by half their mean spacing but at most half way to the
/// neighbour. So gaps stay empty, and an edge is no row's own value.
fn edges(keys: &[i64], part: &Range<usize>) -> (i64, i64) {
    let (low, high) = (i128::from(keys[part.start]), i128::from(keys[part.end - 1]));
    let spacing = (high - low) / (2 * part.len() as i128);
    let before = if part.start > 0 { (low - i128::from(keys[part.start - 1]) - 1) / 2 } else { 0 };
    let after = if part.end < keys.len() { (i128::from(keys[part.end]) - high - 1) / 2 } else { 0 };
    ((low - spacing.min(before)) as i64, (high + spacing.min(after)) as i64)
}

fn whole(low: i64, high: i64, rows: usize) -> Cell {
    Cell { low, high, rows: rows.max(1) as u32, bin: 0, fine: 0 }
}

/// `key` moved outwards to one significant digit: what is kept of a range too few rows share.
fn blurred(key: i64, up: bool) -> i64 {
    let mut unit = 1_i64;
    while key.unsigned_abs() / unit.unsigned_abs() >= 10 {
        unit = unit.saturating_mul(10);
    }
    let floor = key.div_euclid(unit).saturating_mul(unit);
    if up && floor != key { floor.saturating_add(unit) } else { floor }
}

/// [`blurred`] for keys that are the bits of floats: the digit is one of the number, not of its bits.
fn blurred_float(key: i64, up: bool, single: bool) -> i64 {
    let scale = Scale::Binary { single };
    let value = scale.value(key);
    if value == 0.0 {
        return key;
    }
    let unit = 10_f64.powi(value.abs().log10().floor() as i32);
    let digit = value / unit;
    let moved = if up { digit.ceil() } else { digit.floor() } * unit;
    let most = if single { f64::from(f32::MAX) } else { f64::MAX };
    // The unit of the smallest floats is nothing.
    if moved.is_nan() { key } else { scale.key(moved.clamp(-most, most)) }
}

fn weekdays(days: &[i64]) -> [u32; 7] {
    let mut rows = [0_u32; 7];
    for day in days {
        rows[calendar::weekday(*day)] += 1;
    }
    rows
}

/// The rank of `key` among sorted `keys`, in the middle of its equals, as a share in (0, 1).
fn mid_rank(keys: &[i64], key: i64) -> f64 {
    let below = keys.partition_point(|other| *other < key);
    let through = keys.partition_point(|other| *other <= key);
    let rows = keys.len().max(1) as f64;
    ((below + through) as f64 / 2.0 / rows).clamp(0.5 / rows, 1.0 - 0.5 / rows)
}

/// The standard normal quantile of `share`, to four decimals (so that JSON text brings it back exactly).
fn normal_score(share: f64) -> f32 {
    rounded(normal_quantile(share))
}

fn rounded(value: f64) -> f32 {
    ((value * 1e4).round() / 1e4) as f32
}

#[cfg(test)]
mod tests {
    use super::{Scale, blurred, blurred_float, calendar};

    #[test]
    fn days_that_few_share_keep_their_decade_alone() {
        // 2026-11-22, 1969-12-31, and a day no calendar has.
        assert_eq!(calendar::decade(20_779), Some((18_262, 21_914)));
        assert_eq!(calendar::decade(-1), Some((-3653, -1)));
        assert_eq!(calendar::decade(i64::MAX), None);
    }

    #[test]
    fn a_float_that_few_share_keeps_its_first_digit_and_stays_finite() {
        let scale = Scale::Binary { single: false };
        let blurred = |value: f64, up| scale.value(blurred_float(scale.key(value), up, false));

        assert_eq!((blurred(2.43, false), blurred(2.43, true)), (2.0, 3.0));
        assert_eq!((blurred(-0.075, false), blurred(-0.075, true)), (-0.08, -0.07));
        assert_eq!((blurred(0.0, false), blurred(0.0, true)), (0.0, 0.0));
        assert!(blurred(1.7e308, true).is_finite() && blurred(-1.7e308, false).is_finite());
        assert!(blurred(5e-324, true).is_finite() && blurred(5e-324, false) <= 5e-324);
    }

    #[test]
    fn blurring_moves_outwards_and_survives_extremes() {
        assert_eq!((blurred(1234, false), blurred(1234, true)), (1000, 2000));
        assert_eq!((blurred(-1234, false), blurred(-1234, true)), (-2000, -1000));
        assert!(blurred(i64::MAX, true) == i64::MAX && blurred(i64::MIN, false) <= i64::MIN + 10);
    }
}
