//! Finds the rows of a staging table that the target cannot compute something for.

use std::collections::VecDeque;

use super::{Loader, judge::kept};
use crate::db::{DbError, Probe, Question};

/// Runs of rows asked about at most; what is not told apart by then counts as failing.
const MOST_QUESTIONS: usize = 4000;

impl Loader<'_> {
    /// The rows that fail, ascending.
    ///
    /// # Errors
    /// What the server says to the statements around the question.
    pub(super) fn failing(&mut self, probe: &Probe, rows: usize) -> Result<Vec<u32>, DbError> {
        let found = self.ask_probe(probe, rows);
        for statement in &probe.remove {
            // It may not have come to be.
            let _ = kept(self.sink.execute(statement))?;
        }
        found
    }

    fn ask_probe(&mut self, probe: &Probe, rows: usize) -> Result<Vec<u32>, DbError> {
        for statement in &probe.make {
            self.sink.execute(statement)?;
        }
        let range = match &probe.question {
            Question::Rows(query) => {
                let numbers = self.sink.numbers(query)?;
                return Ok(numbers.into_iter().filter_map(|number| u32::try_from(number).ok()).collect());
            }
            Question::Range(range) => range,
        };
        let mut failing = Vec::new();
        let mut open = VecDeque::from([(0, rows)]);
        let mut asked = 0;
        while let Some((from, until)) = open.pop_front() {
            if from >= until {
                continue;
            }
            if asked == MOST_QUESTIONS {
                failing.extend(from as u32..until as u32);
                continue;
            }
            asked += 1;
            if kept(self.sink.execute(&format!("{range} BETWEEN {from} AND {}", until - 1)))?.is_ok() {
                continue;
            }
            if until - from == 1 {
                failing.push(from as u32);
            } else {
                let middle = from.midpoint(until);
                open.extend([(from, middle), (middle, until)]);
            }
        }
        failing.sort_unstable();
        Ok(failing)
    }
}
