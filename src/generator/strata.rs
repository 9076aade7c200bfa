//! Which part of a distribution each row draws from, so that rows drawn together hit every token about as often as it
//! is due.

use rand::{Rng, seq::SliceRandom};

use crate::seed::Stream;

/// Shares of [0, 1) for the rows and columns of a batch: of a column, each row has its share out of another of equally
/// many parts. Every row draws as it would alone, whatever its own distribution; only together do rows stray less from
/// what they are due.
///
/// Source: Latin hypercube sampling (McKay, Beckman, Conover 1979, "A comparison of three methods for selecting values
/// of input variables").
pub(super) struct Strata {
    column: Option<usize>,
    /// The part of each row.
    parts: Vec<u32>,
}

impl Strata {
    pub(super) fn new(rows: usize) -> Self {
        Self { column: None, parts: (0..rows as u32).collect() }
    }

    /// The share of a row in a column; all rows of a column are asked for before those of the next.
    pub(super) fn unit(&mut self, (column, row): (usize, usize), random: &mut Stream) -> f32 {
        if self.column != Some(column) {
            self.column = Some(column);
            self.parts.shuffle(random);
        }
        let share = (self.parts[row] as f32 + unit(random)) / self.parts.len() as f32;
        // Rounding may lead to 1.
        share.min(1.0 - f32::EPSILON)
    }
}

/// A share of [0, 1), of no part in particular.
pub(super) fn unit(random: &mut Stream) -> f32 {
    (random.next_u32() >> 8) as f32 / 16_777_216.0
}

#[cfg(test)]
mod tests {
    use super::Strata;
    use crate::seed::Seed;

    #[test]
    fn every_part_of_a_column_has_one_row_and_columns_are_apart() {
        let mut random = Seed(3).stream("strata", 0);
        let mut strata = Strata::new(50);
        let mut column = |column| -> Vec<u32> {
            (0..50).map(|row| (strata.unit((column, row), &mut random) * 50.0) as u32).collect()
        };

        let (one, other) = (column(0), column(1));

        let sorted = |mut parts: Vec<u32>| {
            parts.sort_unstable();
            parts
        };
        assert_eq!(sorted(one.clone()), (0..50).collect::<Vec<_>>());
        assert_eq!(sorted(other.clone()), (0..50).collect::<Vec<_>>());
        assert!(one.iter().zip(&other).filter(|(one, other)| one == other).count() < 10);
    }
}
