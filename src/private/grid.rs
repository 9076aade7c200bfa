//! Grids that no data has touched, and how noisy counts on them lead to finer ones.

use crate::schema::{Column, DataType};

/// Exponents of the powers of two that a grid of numbers reaches.
const EXPONENTS: std::ops::RangeInclusive<i32> = -20..=62;
/// Years that a grid of days tells apart.
const YEARS: std::ops::RangeInclusive<i64> = 1900..=2100;
/// First and last day of a grid: the years 1 and 9999.
const DAYS: (i64, i64) = (-719_162, 2_932_896);
/// Microseconds of a day.
const DAY: f64 = 86_400e6;
/// A count surely above the noise, in standard deviations: one cell in thirty thousand passes by chance.
const SURE: f64 = 4.0;
/// A count that is worth something next to a sure one.
const LIKELY: f64 = 2.0;

/// What kind of numbers a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Numbers {
    /// Whole numbers.
    Whole,
    /// With digits behind the point.
    Real,
    /// Days since 1970.
    Days,
    /// Microseconds since midnight.
    Clock,
    /// Microseconds since 1970.
    Moments,
}

impl Numbers {
    /// The kind of a column's type, if it is one of numbers.
    pub(super) fn of(column: &Column) -> Option<Self> {
        Some(match column.data_type {
            DataType::Integer { .. } => Self::Whole,
            DataType::Decimal { scale: Some(scale), .. } if scale <= 0 => Self::Whole,
            DataType::Decimal { .. } | DataType::Float { .. } => Self::Real,
            DataType::Date => Self::Days,
            DataType::Time => Self::Clock,
            DataType::Timestamp { .. } => Self::Moments,
            _ => return None,
        })
    }

    /// True if there is nothing between two neighbours.
    pub(super) fn is_whole(self) -> bool {
        self != Self::Real
    }

    /// How fine values may be: the largest unit that holds of a value is what one look asks for.
    pub(super) fn units(self) -> &'static [f64] {
        match self {
            Self::Whole | Self::Days => &[],
            Self::Real => &[1.0, 0.1, 0.01, 1e-3, 1e-4, 1e-5, 1e-6],
            Self::Clock => &[3600e6, 60e6, 1e6, 1.0],
            Self::Moments => &[DAY, 3600e6, 60e6, 1e6, 1.0],
        }
    }

    /// The place of the largest unit that divides a value; the last one if none does.
    pub(super) fn fineness(self, value: f64) -> usize {
        let divides = |unit: &&f64| {
            let parts = value / **unit;
            (parts - parts.round()).abs() <= 1e-7 * parts.abs().clamp(1.0, 1e4)
        };
        let units = self.units();
        units.iter().position(|unit| divides(&unit)).unwrap_or(units.len())
    }

    /// Where the cells of its grid begin; each ends where the next begins.
    pub(super) fn grid(self) -> Vec<(f64, f64)> {
        let edges: Vec<f64> = match self {
            Self::Whole | Self::Real => {
                let least = if self == Self::Whole { 0 } else { *EXPONENTS.start() };
                let powers: Vec<f64> =
                    (least..=*EXPONENTS.end()).map(|exponent| f64::from(exponent).exp2()).collect();
                let below = powers.iter().rev().map(|power| -power);
                below.chain([0.0]).chain(powers.iter().copied()).collect()
            }
            Self::Days => days().collect(),
            Self::Moments => days().map(|day| day * DAY).collect(),
            Self::Clock => (0..=24).map(|hour| f64::from(hour) * 3600e6).collect(),
        };
        edges.windows(2).map(|pair| (pair[0], pair[1])).collect()
    }
}

fn days() -> impl Iterator<Item = f64> {
    let start = |year: i64| {
        let before = year - 1;
        365 * (year - 1970) + (before / 4 - before / 100 + before / 400) - 477
    };
    std::iter::once(DAYS.0)
        .chain(YEARS.map(start))
        .chain([start(*YEARS.end() + 1), DAYS.1])
        .map(|day| day as f64)
}

/// The cell of a value; those beyond the grid count to its ends.
pub(super) fn cell(grid: &[(f64, f64)], value: f64) -> usize {
    grid.partition_point(|(low, _)| *low <= value).saturating_sub(1)
}

/// The part of a grid that holds the data, by its noisy counts, cut into about `pieces` cells so that a crowded one is
/// cut more often. `None` if no count stands out of the noise.
pub(super) fn refine(
    grid: &[(f64, f64)],
    noisy: &[f64],
    sigma: f64,
    (pieces, whole): (usize, bool),
) -> Option<Vec<(f64, f64)>> {
    let sure = |index: &usize| noisy[*index] > SURE * sigma;
    let mut first = (0..grid.len()).find(sure)?;
    let mut last = (0..grid.len()).rev().find(sure)?;
    while first > 0 && noisy[first - 1] > LIKELY * sigma {
        first -= 1;
    }
    while last + 1 < grid.len() && noisy[last + 1] > LIKELY * sigma {
        last += 1;
    }
    let total: f64 = noisy[first..=last].iter().map(|count| count.max(0.0)).sum();
    let mut cells = Vec::new();
    for ((low, high), count) in grid.iter().zip(noisy).take(last + 1).skip(first) {
        let (low, high) = (*low, *high);
        let share = count.max(0.0) / total.max(1.0);
        let mut wanted = (share * pieces as f64).round().max(1.0);
        if whole {
            wanted = wanted.min((high - low).max(1.0));
        }
        let edge = |n: f64| {
            let at = low + (high - low) * n / wanted;
            if whole { at.round() } else { at }
        };
        let steps = wanted as usize;
        cells.extend((0..steps).map(|n| (edge(n as f64), edge((n + 1) as f64))).filter(|(a, b)| a < b));
    }
    Some(cells)
}

#[cfg(test)]
mod tests {
    use super::{Numbers, cell, refine};

    #[test]
    fn grids_cover_their_values_once() {
        for numbers in [Numbers::Whole, Numbers::Real, Numbers::Days, Numbers::Clock, Numbers::Moments] {
            let grid = numbers.grid();
            assert!(grid.windows(2).all(|pair| pair[0].1 == pair[1].0 && pair[0].0 < pair[0].1));
        }
        let days = Numbers::Days.grid();
        // 1970-01-01 begins a cell, and so does 2024-01-01.
        for day in [0.0, 19_723.0] {
            assert_eq!(days[cell(&days, day)].0, day);
        }
        let whole = Numbers::Whole.grid();
        assert_eq!(whole[cell(&whole, 0.0)], (0.0, 1.0));
        assert_eq!(whole[cell(&whole, 7.0)], (4.0, 8.0));
        assert_eq!(whole[cell(&whole, -3.0)], (-4.0, -2.0));
    }

    #[test]
    fn the_grid_closes_in_on_the_data_and_leaves_the_noise_out() {
        let grid = Numbers::Whole.grid();
        let mut noisy = vec![3.0; grid.len()];
        for value in 0..1000 {
            noisy[cell(&grid, f64::from(value % 40 + 10))] += 1.0;
        }

        let cells = refine(&grid, &noisy, 5.0, (16, true)).unwrap();

        assert_eq!((cells[0].0, cells[cells.len() - 1].1), (8.0, 64.0));
        assert!((8..=20).contains(&cells.len()), "{cells:?}");
        assert!(cells.windows(2).all(|pair| pair[0].1 == pair[1].0));
        assert_eq!(refine(&grid, &vec![3.0; grid.len()], 5.0, (16, true)), None);
    }

    #[test]
    fn the_fineness_of_a_value_is_its_largest_unit() {
        assert_eq!(Numbers::Real.fineness(12.0), 0);
        assert_eq!(Numbers::Real.fineness(12.25), 2);
        assert_eq!(Numbers::Moments.fineness(86_400e6 * 3.0), 0);
        assert_eq!(Numbers::Moments.fineness(86_400e6 * 3.0 + 5e6), 3);
    }
}
