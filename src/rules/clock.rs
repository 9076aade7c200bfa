//! Keys whose numbers run with a time, or with the key of a parent: later orders have higher numbers.

use serde::{Deserialize, Serialize};

use crate::{data::KeyRun, privacy::Guard, schema::ColumnId};

/// Share of the steps that must go on.
const SHARE: f64 = 0.9;
/// Steps needed before that is no coincidence: by chance half of them go on, so that 30 of 33 have odds below one in a
/// million.
const LEAST_STEPS: u64 = 30;

/// What the numbers of a key run with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyClock {
    /// The key.
    pub key: ColumnId,
    /// A time, or the foreign key to a parent.
    pub with: ColumnId,
}

impl KeyClock {
    /// Chooses the column that says most of the order.
    #[must_use]
    pub fn find(key: ColumnId, runs: &[KeyRun], guard: Guard<'_>, rows: usize) -> Option<Self> {
        let runs_with = |run: &&KeyRun| {
            run.ahead >= LEAST_STEPS && run.ahead as f64 >= SHARE * (run.ahead + run.behind) as f64
        };
        // A step back weighs as many steps on as the share asks for: a date with ties that never goes back says more
        // than a parent's key that goes back now and then.
        let weight = |run: &KeyRun| run.ahead as f64 - SHARE / (1.0 - SHARE) * run.behind as f64;
        let more = |one: &&KeyRun, other: &&KeyRun| {
            weight(one).total_cmp(&weight(other)).then(other.with.cmp(&one.with))
        };
        let best = runs.iter().filter(runs_with).max_by(more)?;
        guard.enough(0..rows).then_some(Self { key, with: best.with })
    }
}

#[cfg(test)]
mod tests {
    use super::KeyClock;
    use crate::{data::KeyRun, privacy::Guard, schema::ColumnId};

    #[test]
    fn the_column_that_says_most_is_chosen_and_chance_is_not() {
        let run = |with, ahead, behind| KeyRun { with: ColumnId(with), ahead, behind };
        let find = |runs: &[KeyRun]| {
            KeyClock::find(ColumnId(0), runs, Guard::rows(5), 1000).map(|clock| clock.with.0)
        };

        assert_eq!(find(&[run(1, 300, 0), run(2, 950, 20), run(3, 950, 20)]), Some(2));
        assert_eq!(find(&[run(1, 353, 0), run(2, 380, 35)]), Some(1), "ties are better than steps back");
        assert_eq!(find(&[run(1, 520, 480)]), None);
        assert_eq!(find(&[run(1, 20, 0)]), None, "few steps prove nothing");
        assert!(KeyClock::find(ColumnId(0), &[run(1, 300, 0)], Guard::rows(5), 3).is_none());
    }
}
