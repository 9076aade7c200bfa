//! In which order the rows of a family are drawn, and which siblings each of them stands between.
//!
//! The rows of a short family are drawn one after the other. Of a long one every `step`-th row is drawn so: its
//! *stations*. Then come the rows halfway between two stations, then those halfway between what is there, and so on,
//! each halving at once: so a family of a million rows takes 512 steps and a dozen, its series keep their course
//! (each row stands between its neighbours), and no error grows along a chain of a million links. Source of the order:
//! Fournier, Fussell and Carpenter, "Computer rendering of stochastic models", 1982 (midpoint displacement).

/// Rows of a family that are drawn one after the other.
pub(super) const CHAIN_ROWS: usize = 512;

/// The order of one family's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Course {
    count: usize,
    step: usize,
}

impl Course {
    /// The order of `count` rows whose stations lie at most `longest` rows apart, a power of two.
    #[must_use]
    pub fn new(count: usize, longest: usize) -> Self {
        Self { count, step: Self::step_of(count).min(longest.max(1)) }
    }

    /// How far apart the stations of `count` rows should lie: 1 if the rows are drawn one after the other.
    #[must_use]
    pub fn step_of(count: usize) -> usize {
        count.div_ceil(CHAIN_ROWS).next_power_of_two()
    }

    /// Rows of the family.
    #[must_use]
    pub fn count(self) -> usize {
        self.count
    }

    /// Rows from a station to the next.
    #[must_use]
    pub fn step(self) -> usize {
        self.step
    }

    /// Rows from a row to the siblings that it stands between; 0 for a station.
    #[must_use]
    pub fn gap(self, index: usize) -> usize {
        if index.is_multiple_of(self.step) { 0 } else { 1 << index.trailing_zeros() }
    }

    /// The sibling before a row among those drawn before it.
    #[must_use]
    pub fn previous(self, index: usize) -> Option<usize> {
        match self.gap(index) {
            0 => index.checked_sub(self.step),
            gap => Some(index - gap),
        }
    }

    /// The sibling behind a row among those drawn before it.
    #[must_use]
    pub fn next(self, index: usize) -> Option<usize> {
        let gap = self.gap(index);
        Some(index + gap).filter(|next| gap > 0 && *next < self.count)
    }

    /// The gaps of the halvings, in their order.
    pub fn gaps(self) -> impl Iterator<Item = usize> {
        std::iter::successors(Some(self.step / 2), |gap| Some(gap / 2)).take_while(|gap| *gap > 0)
    }

    /// The stations.
    pub fn stations(self) -> impl Iterator<Item = usize> {
        (0..self.count).step_by(self.step)
    }

    /// The rows of a halving.
    pub fn between(self, gap: usize) -> impl Iterator<Item = usize> {
        (gap..self.count).step_by(2 * gap)
    }

    /// The rows that are drawn at once when the first `drawn` rows of the order are there: a station, or a halving.
    #[must_use]
    pub fn wave(self, drawn: usize) -> Vec<usize> {
        if drawn >= self.count {
            return Vec::new();
        }
        if drawn < self.count.div_ceil(self.step) {
            return vec![drawn * self.step];
        }
        let open = self.gaps().find(|gap| drawn < self.count.div_ceil(*gap));
        open.map_or_else(Vec::new, |gap| self.between(gap).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::{CHAIN_ROWS, Course};

    #[test]
    fn every_row_is_drawn_once_and_after_its_neighbours() {
        for count in [1, 2, 511, 512, 513, 1500, 5000] {
            let course = Course::new(count, usize::MAX);
            let (mut drawn, mut waves) = (Vec::new(), 0);
            while drawn.len() < count {
                let wave = course.wave(drawn.len());
                for row in &wave {
                    assert!(!drawn.contains(row));
                    let near = [course.previous(*row), course.next(*row)];
                    assert!(near.iter().flatten().all(|sibling| drawn.contains(sibling)), "{row} of {count}");
                    assert_eq!(course.gap(*row) == 0, wave.len() == 1 && drawn.len() < CHAIN_ROWS.min(count));
                }
                waves += 1;
                drawn.extend(wave);
            }
            assert!(course.wave(count).is_empty());
            assert!(waves <= CHAIN_ROWS + 12, "{waves} waves for {count} rows");
        }
    }

    #[test]
    fn stations_lie_no_further_apart_than_was_learnt() {
        assert_eq!(Course::new(100_000, 1).wave(99_999), [99_999]);
        assert_eq!(Course::new(100_000, 8).step(), 8);
        assert_eq!(Course::new(600, 8).step(), 2);
        assert_eq!(Course::new(300, 8).previous(7), Some(6));
    }
}
