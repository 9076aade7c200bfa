//! Where fresh numbers begin and how densely they lie, for numbers that are no key of their own.
//!
//! A table's only key counts from 1, as people expect of identifiers. A number beside it (a part of a composite key, a
//! running number) is a quantity that is compared with others, so that it keeps its range.

use serde::{Deserialize, Serialize};

use crate::{data::KeySpread, schema::ColumnId, seed::spread};

use super::evidence::LEAST_ROWS;

/// Units of the first number's grid that the range has at least: its error is small beside it.
const LEAST_UNITS: f64 = 100.0;
/// The finest grid of a first number.
const FINEST: f64 = 10.0;
/// Beyond this a float holds no whole number exactly.
const MOST: f64 = 9e15;

/// Where the fresh numbers of a column begin, and how densely they lie.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Numbering {
    /// The column.
    pub key: ColumnId,
    /// About the first number: a multiple of a power of ten that is small beside the range.
    pub first: i64,
    /// Numbers per row, 1 without gaps.
    pub step: f64,
}

impl Numbering {
    /// How the numbers of a table with `total_rows` go on; `None` where that is from 1 without gaps, or where too
    /// little is known. Both ends are drawn out from marks within, so that no row's own number shows.
    #[must_use]
    pub fn find(key: ColumnId, marks: KeySpread, total_rows: u64) -> Option<Self> {
        let KeySpread { low, high, outside, rows } = marks;
        if rows < LEAST_ROWS || low < 1 {
            return None;
        }
        // Of whole families that were read the table has as many more as it has more rows.
        let share = total_rows as f64 / rows as f64;
        let between = (rows - 1 - 2 * outside) as f64 * share;
        let step = ((high as f64 - low as f64) / between * 100.0).round() / 100.0;
        let range = step * total_rows as f64;
        let grid = 10_f64.powf((range / LEAST_UNITS).log10().floor()).max(FINEST);
        let first = (low as f64 - outside as f64 * share * step) / grid;
        let first = (first.round() * grid).max(1.0);
        let usual = first <= 1.0 && step <= 1.0;
        (step >= 1.0 && first + range < MOST && !usual).then_some(Self { key, first: first as i64, step })
    }

    /// The number of the row at a place, counted from 0. Numbers ascend, and lie anywhere within their step.
    #[must_use]
    pub fn number(&self, place: usize) -> i64 {
        let edge = |place: usize| (place as f64 * self.step).floor() as i64;
        let (from, to) = (edge(place), edge(place + 1));
        // A fixed hash of the place chooses without a random stream.
        let within = spread(place, 0, (to - from).max(1) as usize);
        self.first.saturating_add(from).saturating_add(within as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::Numbering;
    use crate::{data::KeySpread, schema::ColumnId};

    fn find(low: i64, high: i64, rows: usize, total: u64) -> Option<(i64, f64)> {
        let spread = KeySpread { low, high, outside: rows / 20, rows };
        let found = Numbering::find(ColumnId(0), spread, total)?;
        Some((found.first, found.step))
    }

    #[test]
    fn numbers_begin_near_the_source_and_keep_their_gaps() {
        // 16050 to 32098 without gaps.
        assert_eq!(find(16_852, 31_296, 16_049, 16_049), Some((16_100, 1.0)));
        // Every third number from 1,000,000 on, half of the rows read.
        assert_eq!(find(1_003_000, 1_056_997, 10_000, 20_000).map(|found| found.0), Some(1_000_000));
        assert_eq!(find(1_003_000, 1_056_997, 10_000, 20_000).map(|found| found.1), Some(3.0));
    }

    #[test]
    fn what_counts_from_one_or_is_little_known_counts_from_one() {
        assert_eq!(find(51, 950, 1000, 1000), None, "from 1, without gaps");
        assert_eq!(find(905, 990, 90, 90), None, "few rows");
        assert_eq!(find(-20, 880, 1000, 1000), None);
    }

    #[test]
    fn numbers_ascend_and_never_come_twice() {
        for step in [1.0, 1.37, 2.5, 1000.0] {
            let numbering = Numbering { key: ColumnId(0), first: 500, step };
            let numbers: Vec<i64> = (0..1000).map(|place| numbering.number(place)).collect();

            assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{step}");
            let last = (500.0 + 1000.0 * step) as i64;
            assert!(numbers[0] >= 500 && numbers[999] < last && numbers[999] >= last - step as i64 - 1);
        }
    }
}
