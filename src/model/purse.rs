//! A time budget shared over the tables in training.
//!
//! Each table is allotted core-seconds in proportion to its work, and each of its lessons (its links, its rows) its
//! part of them. One that ends early gives the rest back; one that has used its own up takes its part of what was given
//! back. The clock decides here, and only here: without a
//! time budget nothing of this runs.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use crate::progress::Allowance;

/// Seconds a table always gets, at most; a fiftieth of a short budget.
const FLOOR_SECONDS: f64 = 1.0;
/// Less than this is not worth going on for.
const LEAST_GRANT: f64 = 0.25;

/// What each lesson of a table takes: its links, then its rows.
pub(super) type Lessons = [f64; 2];

/// The budget of a run.
#[derive(Debug)]
pub(super) struct Purse {
    started: Instant,
    seconds: f64,
    works: Vec<Lessons>,
    allotted: Vec<Lessons>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Core-seconds given back and not taken yet.
    returned: f64,
    /// Work of the lessons that are not done.
    unfinished: f64,
}

impl Purse {
    /// Shares `seconds` of `lanes` cores over tables with this much work each.
    pub(super) fn new(seconds: f64, lanes: usize, works: Vec<Lessons>) -> Self {
        let lanes = lanes.min(works.len()).max(1);
        let of_tables: Vec<f64> = works.iter().map(|lessons| lessons.iter().sum()).collect();
        let shares = share_out(seconds, lanes as f64 * seconds, &of_tables);
        let split = |(lessons, (share, work)): (&Lessons, (&f64, &f64))| {
            lessons.map(|lesson| if *work > 0.0 { share * lesson / work } else { 0.0 })
        };
        let allotted = works.iter().zip(shares.iter().zip(&of_tables)).map(split).collect();
        let state = State { returned: 0.0, unfinished: of_tables.iter().sum() };
        Self { started: Instant::now(), seconds, works, allotted, state: Mutex::new(state) }
    }

    /// Starts the clock of a lesson of a table, by the table's place among the works.
    pub(super) fn open(&self, table: usize, lesson: usize) -> LessonClock<'_> {
        let allotted = Mutex::new(self.allotted[table][lesson]);
        LessonClock { purse: self, work: self.works[table][lesson], started: Instant::now(), allotted }
    }

    fn floor(&self) -> f64 {
        FLOOR_SECONDS.min(self.seconds / 50.0)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shares `total` in proportion to `works`, none above `most`: what one cannot use goes to the others.
fn share_out(most: f64, total: f64, works: &[f64]) -> Vec<f64> {
    let mut shares = vec![0.0; works.len()];
    let mut full = vec![false; works.len()];
    loop {
        let taken: f64 = shares.iter().zip(&full).filter(|(_, full)| **full).map(|(share, _)| share).sum();
        let open: f64 = works.iter().zip(&full).filter(|(_, full)| !**full).map(|(work, _)| work).sum();
        let mut changed = false;
        for index in (0..works.len()).filter(|index| open > 0.0 && !full[*index]).collect::<Vec<_>>() {
            shares[index] = (total - taken).max(0.0) * works[index] / open;
            if shares[index] > most {
                (shares[index], full[index], changed) = (most, true, true);
            }
        }
        if !changed {
            return shares;
        }
    }
}

/// The clock of one lesson.
#[derive(Debug)]
pub(super) struct LessonClock<'a> {
    purse: &'a Purse,
    work: f64,
    started: Instant,
    allotted: Mutex<f64>,
}

impl Allowance for LessonClock<'_> {
    fn spent(&self) -> f32 {
        let used = self.started.elapsed().as_secs_f64();
        let mut allotted = self.allotted.lock().unwrap_or_else(PoisonError::into_inner);
        if used >= *allotted {
            let mut state = self.purse.state();
            let part = (self.work / state.unfinished.max(f64::MIN_POSITIVE)).min(1.0);
            let grant = state.returned * part;
            if grant >= LEAST_GRANT {
                state.returned -= grant;
                *allotted += grant;
            }
        }
        // Nobody goes past the end of the whole, but everybody gets the floor.
        let begun = (self.started - self.purse.started).as_secs_f64();
        let end = allotted.min(self.purse.seconds - begun).max(self.purse.floor());
        (used / end) as f32
    }
}

impl Drop for LessonClock<'_> {
    fn drop(&mut self) {
        let used = self.started.elapsed().as_secs_f64();
        let allotted = *self.allotted.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = self.purse.state();
        state.returned += (allotted - used).max(0.0);
        state.unfinished -= self.work;
    }
}

#[cfg(test)]
mod tests {
    use std::{thread::sleep, time::Duration};

    use super::{Purse, share_out};
    use crate::progress::Allowance;

    #[test]
    fn shares_follow_the_work_and_none_exceeds_the_whole() {
        assert_eq!(share_out(10.0, 20.0, &[1.0, 1.0, 2.0]), [5.0, 5.0, 10.0]);
        // The heavy one can use one core only: the others get the rest of the second.
        assert_eq!(share_out(10.0, 20.0, &[98.0, 1.0, 1.0]), [10.0, 5.0, 5.0]);
        assert_eq!(share_out(10.0, 20.0, &[0.0, 0.0]), [0.0, 0.0]);
    }

    #[test]
    fn a_table_gets_its_floor_and_what_others_give_back() {
        let purse = Purse::new(30.0, 1, vec![[0.0, 1.0], [0.0, 1e-9]]);
        let small = purse.open(1, 1);
        assert!(small.spent() < 1.0, "the floor is more than its share");
        drop(small);

        let purse = Purse::new(2.0, 1, vec![[0.0, 1.0], [0.0, 1.0]]);
        drop(purse.open(0, 1));
        assert!(purse.state().returned > 0.9);
        let late = purse.open(1, 1);
        *late.allotted.lock().unwrap() = 0.01;
        sleep(Duration::from_millis(30));
        assert!(late.spent() < 1.0, "it lives on what the first gave back");
        assert!(purse.state().returned < 0.1);
    }

    #[test]
    fn links_leave_the_rows_their_time() {
        let purse = Purse::new(10.0, 2, vec![[1.0, 3.0], [1.0, 0.0]]);

        assert_eq!(*purse.open(0, 0).allotted.lock().unwrap(), 2.5, "a quarter of all that one core has");
        assert_eq!(*purse.open(0, 1).allotted.lock().unwrap(), 7.5);
    }

    #[test]
    fn nobody_goes_past_the_end_of_the_whole() {
        let purse = Purse::new(0.05, 4, vec![[0.0, 1.0], [0.0, 1.0]]);
        let clock = purse.open(0, 1);
        sleep(Duration::from_millis(80));

        assert!(clock.spent() >= 1.0);
    }
}
