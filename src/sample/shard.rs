//! A share of a generation: one of several processes that make the rows of one database together, blind to each other.
//!
//! Every shard draws the structure and all rows that other tables read, because those decide everything after them.
//! Blocks of a large table that nobody reads are drawn by one shard each; other rows are handed out by one shard each.

use std::str::FromStr;

/// One of several shares of a generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: u32,
    count: u32,
}

/// Most shards of one generation.
const MOST: u32 = 10_000;

impl Shard {
    /// All there is.
    pub const WHOLE: Self = Self { index: 0, count: 1 };

    /// The share with a number below `count`, or `None` if it is not.
    #[must_use]
    pub fn new(index: u32, count: u32) -> Option<Self> {
        (index < count && count <= MOST).then_some(Self { index, count })
    }

    /// Its number, from 0.
    #[must_use]
    pub fn index(self) -> u32 {
        self.index
    }

    /// How many there are.
    #[must_use]
    pub fn count(self) -> u32 {
        self.count
    }

    /// True if this share has the `number`-th of some equal pieces.
    pub(super) fn owns(self, number: u64) -> bool {
        number % u64::from(self.count) == u64::from(self.index)
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.index + 1, self.count)
    }
}

impl FromStr for Shard {
    type Err = String;

    /// Reads `K/N`. `K` counts from 1 to N, or from 0 to N−1: 0 and N are one shard, so that both number all of them.
    fn from_str(text: &str) -> Result<Self, String> {
        let form = || "write it as K/N, for example 3/16".to_owned();
        let (number, count) = text.split_once('/').ok_or_else(form)?;
        let number: u32 = number.trim().parse().map_err(|_| form())?;
        let count: u32 = count.trim().parse().map_err(|_| form())?;
        if count == 0 || count > MOST {
            return Err(format!("there may be 1 to {MOST} shards"));
        }
        if number > count {
            return Err(format!("of {count} shards there is no {number}-th"));
        }
        let index = if number == 0 { count - 1 } else { number - 1 };
        Self::new(index, count).ok_or_else(form)
    }
}

#[cfg(test)]
mod tests {
    use super::Shard;

    #[test]
    fn numbers_from_one_and_from_zero_both_name_every_shard() {
        let parse = |text: &str| text.parse::<Shard>();
        let mut from_one: Vec<u32> = (1..=4).map(|k| parse(&format!("{k}/4")).unwrap().index()).collect();
        let mut from_zero: Vec<u32> = (0..4).map(|k| parse(&format!("{k}/4")).unwrap().index()).collect();
        from_one.sort_unstable();
        from_zero.sort_unstable();

        assert_eq!(from_one, [0, 1, 2, 3]);
        assert_eq!(from_zero, [0, 1, 2, 3]);
        assert_eq!(parse("3/16").unwrap().to_string(), "3/16");
        for wrong in ["5/4", "1/0", "3", "a/b", "1/20000", "-1/4"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_piece_has_one_owner() {
        let shards: Vec<Shard> = (0..3).filter_map(|index| Shard::new(index, 3)).collect();

        for piece in 0..10 {
            assert_eq!(shards.iter().filter(|shard| shard.owns(piece)).count(), 1, "{piece}");
        }
        assert!(Shard::WHOLE.owns(7));
    }
}
