//! When the absence of exceptions means something.
//!
//! A relation is believed only if it would have been broken many times had its sides been independent. Where that
//! number has no closed form it is counted, on the data with one side shuffled against the other.

use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType as ArrowType;

use super::value::Value;

/// Exceptions that independent sides would show before their absence means something.
pub(super) const LEAST_EXPECTED: f64 = 15.0;

/// The same for relations found by trying many combinations: each e⁻¹ of chance is worth one exception, and thousands
/// of tries about nine.
pub(super) const SEARCHED_EXPECTED: f64 = 30.0;

/// Rows (all values known) needed for an ordering, and for a computation.
pub(super) const LEAST_ORDERED_ROWS: usize = 200;
pub(super) const LEAST_ROWS: usize = 100;

/// Parent rows needed for a relation across tables: the rows of one family are one piece of evidence.
pub(super) const LEAST_PARENTS: usize = 50;

/// Distinct values both numbers of an ordering or a multiplication need: codes of a few values are not quantities.
pub(super) const LEAST_QUANTITIES: usize = 10;

/// Most decimals of a column for its unit to be known.
const MAX_DECIMALS: i32 = 6;

/// Relative difference that two computations of one number may have.
const SAME: f64 = 1e-9;

/// A fixed one-to-one shuffle of `0..count` that leaves few neighbours together: a step near the golden ratio.
pub(super) struct Shuffle {
    count: usize,
    step: usize,
}

impl Shuffle {
    pub(super) fn new(count: usize) -> Self {
        let mut step = ((count as f64 * 0.618_034) as usize).max(1);
        while count > 1 && gcd(step as u64, count as u64) != 1 {
            step += 1;
        }
        Self { count, step }
    }

    /// Where `index` comes from.
    pub(super) fn of(&self, index: usize) -> usize {
        (index * self.step + self.count / 3 + 1) % self.count.max(1)
    }
}

/// The greatest common divisor.
pub(super) fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// True if two numbers are one but for the noise of floating point.
pub(super) fn same(a: f64, b: f64) -> bool {
    // Infinity is near to nothing but itself.
    a == b || (a - b).abs() <= SAME * a.abs().max(b.abs()).clamp(1.0, f64::MAX)
}

/// The fewest decimals that hold every number, if few do.
pub(super) fn decimals(values: impl Iterator<Item = f64> + Clone) -> Option<i32> {
    (0..=MAX_DECIMALS).find(|places| {
        let unit = 10_f64.powi(*places);
        values.clone().all(|number| (number * unit).round() / unit == number)
    })
}

/// The numbers of a column, NaN for null; `None` if it holds no numbers.
pub(super) fn numbers(array: &ArrayRef) -> Option<Vec<f64>> {
    matches!(array.data_type(), ArrowType::Int64 | ArrowType::Float64)
        .then(|| (0..array.len()).map(|row| Value::read(array, row).number().unwrap_or(f64::NAN)).collect())
}

/// Text by which values are told apart; null is a value of its own.
pub(super) fn key(value: &Value) -> String {
    if let Value::Bytes(bytes) = value {
        return format!("b{bytes:02x?}");
    }
    value.text().map_or_else(|| "n".to_owned(), |text| format!("v{text}"))
}

#[cfg(test)]
mod tests {
    use super::Shuffle;

    #[test]
    fn a_shuffle_moves_every_index_once() {
        for count in [2, 3, 7, 100, 101, 997] {
            let mut seen: Vec<usize> = (0..count).map(|index| Shuffle::new(count).of(index)).collect();
            seen.sort_unstable();

            assert_eq!(seen, (0..count).collect::<Vec<_>>());
        }
    }
}
