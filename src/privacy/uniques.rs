//! Sample uniques: rows of attributes that one real entity alone has. A synthetic row that equals one, be it by chance,
//! looks like that entity's, so it is drawn again.
//!
//! The term is that of statistical disclosure control (Skinner, Elliot 2002, "A measure of disclosure risk for
//! microdata").

/// Where more rows than this share have a twin in another entity, a hit says nothing about anybody.
const DENSE: f64 = 0.25;

/// The rows of a table that one entity alone has, as hashes of their tokens. They are known while rows are drawn beside
/// their source, and are in no model file: whoever has them can ask who was there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleUniques {
    /// Sub-columns of attributes, the first ones of a row.
    columns: usize,
    /// Sorted.
    hashes: Vec<u64>,
}

impl SampleUniques {
    /// Finds them among rows given by sub-column; `owners` is the entity of each row, empty if each is its own. Of rows
    /// that one entity alone has, only those `named` by their tokens count: other tokens stand for other values too.
    /// `None` if there is nothing to find, or if rows of different entities are alike anyway.
    #[must_use]
    pub fn find(tokens: &[Vec<u16>], owners: &[u32], named: impl Fn(usize) -> bool) -> Option<Self> {
        let rows = tokens.first()?.len();
        let owner = |row: usize| owners.get(row).copied().unwrap_or(row as u32);
        let mut all: Vec<(u64, u32, usize)> =
            (0..rows).map(|row| (hash(tokens.iter().map(|column| column[row])), owner(row), row)).collect();
        all.sort_unstable();
        let mut hashes = Vec::new();
        let mut twins = 0;
        for alike in all.chunk_by(|one, other| one.0 == other.0) {
            let (hash, first, row) = alike[0];
            // Sorted: the first and the last owner differ if any do.
            if alike[alike.len() - 1].1 != first {
                twins += alike.len();
            } else if named(row) {
                hashes.push(hash);
            }
        }
        let dense = twins as f64 > DENSE * rows as f64;
        (!dense && !hashes.is_empty()).then_some(Self { columns: tokens.len(), hashes })
    }

    /// True if one real entity alone has a row whose attributes have these tokens, in the order of the sub-columns.
    #[must_use]
    pub fn contain(&self, tokens: impl Iterator<Item = u16>) -> bool {
        self.hashes.binary_search(&hash(tokens.take(self.columns))).is_ok()
    }
}

/// Source: the finaliser of `SplitMix64` (Steele, Lea, Flood 2014), token by token.
fn hash(tokens: impl Iterator<Item = u16>) -> u64 {
    tokens.fold(0, |before, token| {
        let z = (before ^ u64::from(token)).wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    })
}

#[cfg(test)]
mod tests {
    use super::SampleUniques;

    /// Forty rows of two columns, every third with a twin.
    fn rows() -> Vec<Vec<u16>> {
        let place = |row: u16| if row % 6 == 3 { row - 3 } else { row };
        vec![(0..40).map(|row| place(row) / 7).collect(), (0..40).map(|row| place(row) % 7).collect()]
    }

    fn of(uniques: &SampleUniques, row: u16) -> bool {
        // What comes behind the attributes does not matter.
        uniques.contain([row / 7, row % 7, 99].into_iter())
    }

    #[test]
    fn rows_of_one_entity_are_found_and_no_others() {
        let rows = rows();
        let all: Vec<u32> = (0..40).collect();

        assert_eq!(SampleUniques::find(&rows, &all, |_| true), None, "a third of the rows has a twin");

        // Twins of one entity are one: pairs 0 and 3, 6 and 9, … up to 24 and 27.
        let owners: Vec<u32> =
            (0..40).map(|row| if row % 6 == 3 && row < 30 { row - 3 } else { row }).collect();
        let uniques = SampleUniques::find(&rows, &owners, |row| row != 1).unwrap();

        assert!(of(&uniques, 0) && of(&uniques, 2) && of(&uniques, 24));
        assert!(!of(&uniques, 30), "two entities have it");
        assert!(!of(&uniques, 1), "its tokens stand for other rows too");
        assert!(!of(&uniques, 3), "nobody has it");
    }

    #[test]
    fn nothing_is_found_among_nothing() {
        assert_eq!(SampleUniques::find(&[], &[], |_| true), None);
        assert_eq!(SampleUniques::find(&[vec![]], &[], |_| true), None);
        assert_eq!(SampleUniques::find(&[vec![1, 1]], &[], |_| true), None);
    }
}
