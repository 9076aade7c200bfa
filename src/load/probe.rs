//! Finds the rows of a staging table that the target cannot compute something for.

use std::collections::VecDeque;

use super::{Loader, judge::kept};
use crate::db::{DbError, Probe, Question};

/// Runs of rows asked about at most; what is not told apart by then counts as failing.
const MOST_QUESTIONS: usize = 4000;
/// Of a failing run at least as long, some rows are asked about first: where none of them passes, the run counts as failing.
const RUN: usize = 48;
const SAMPLED: usize = 12;

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
        let mut passes = |from: usize, until: usize| -> Result<bool, DbError> {
            asked += 1;
            let question = format!("{range} BETWEEN {from} AND {}", until - 1);
            Ok(asked <= MOST_QUESTIONS && kept(self.sink.execute(&question))?.is_ok())
        };
        while let Some((from, until)) = open.pop_front() {
            if from >= until || passes(from, until)? {
                continue;
            }
            let count = until - from;
            let mut hopeless = count == 1;
            if count >= RUN {
                hopeless = true;
                for place in 0..SAMPLED {
                    let row = from + place * count / SAMPLED;
                    if passes(row, row + 1)? {
                        hopeless = false;
                        break;
                    }
                }
            }
            if hopeless {
                failing.extend(from as u32..until as u32);
            } else {
                let middle = from.midpoint(until);
                open.extend([(from, middle), (middle, until)]);
            }
        }
        failing.sort_unstable();
        Ok(failing)
    }
}
