//! Series of siblings in a panel: how many rows in a row have one parent along a link.

use rand::RngExt;
use serde::{Deserialize, Serialize};

use crate::{data::Families, seed::Stream};

use super::CountCodec;

/// How long series are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Runs {
    lengths: CountCodec,
}

impl Runs {
    /// Learns the lengths from the rows of a panel, in their order.
    #[must_use]
    pub fn fit(families: &Families, parents: &[u32]) -> Self {
        let series = families.split(parents);
        let lengths: Vec<u32> = (0..series.len()).map(|place| series.rows(place).len() as u32).collect();
        let lengths: Vec<u32> = lengths.into_iter().filter(|length| *length > 0).collect();
        Self { lengths: CountCodec::fit(&lengths) }
    }

    /// Cuts families into series: lengths are drawn until all rows have a series, and what is left of a length too long
    /// for its family makes the last one, or the one before longer.
    #[must_use]
    pub fn sample(&self, families: &Families, random: &mut Stream) -> Families {
        let mut lengths: Vec<u32> = Vec::new();
        for family in 0..families.len() {
            let mut rest = families.rows(family).len() as u32;
            let first = lengths.len();
            while rest > 0 {
                let length = self.lengths.decode(self.lengths.any(random), random).clamp(1, rest.max(1));
                lengths.push(length);
                rest -= length;
            }
            // The short one comes anywhere.
            if lengths.len() > first + 1 {
                let place = random.random_range(first..lengths.len());
                let last = lengths.len() - 1;
                lengths.swap(place, last);
            }
        }
        Families::from_counts(&lengths)
    }

    /// Rows of a series, on average.
    #[must_use]
    pub fn mean(&self) -> f32 {
        self.lengths.mean() as f32
    }
}

#[cfg(test)]
mod tests {
    use super::Runs;
    use crate::{data::Families, seed::Seed};

    #[test]
    fn series_are_as_long_as_they_were_and_fill_their_families() {
        let real = Families::from_counts(&[36, 24, 0, 48]);
        let parents: Vec<u32> = (0..108).map(|row| row / 12).collect();
        let runs = Runs::fit(&real, &parents);
        let new = Families::from_counts(&[24, 40, 0, 12, 5]);

        let series = runs.sample(&new, &mut Seed(1).stream("runs", 0));

        let lengths: Vec<usize> = (0..series.len()).map(|place| series.rows(place).len()).collect();
        assert_eq!(series.row_count(), new.row_count());
        assert_eq!(lengths[..2], [12, 12]);
        let mut second = lengths[2..6].to_vec();
        second.sort_unstable();
        assert_eq!(second, [4, 12, 12, 12]);
        assert_eq!(lengths[6..], [12, 5]);
        assert!((runs.mean() - 12.0).abs() < 0.01);
    }
}
