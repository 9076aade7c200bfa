//! How long training may still take, from the work of the tables that are left.

use std::{collections::BTreeMap, fmt::Write};

use crate::progress::{Event, Round};

/// Work of one table.
#[derive(Debug, Clone, Copy, Default)]
struct Table {
    work: f64,
    /// Seconds since the beginning at which it began.
    begun: Option<f64>,
    /// Share of its work that is done.
    share: f64,
    done: bool,
}

/// What is known of a training that goes on.
#[derive(Debug, Clone, Default)]
pub(super) struct Estimate {
    tables: BTreeMap<String, Table>,
}

impl Estimate {
    /// Hears an event, `now` seconds after the beginning. True if it changed what is known.
    pub(super) fn hear(&mut self, event: &Event, now: f64) -> bool {
        match event {
            Event::TrainingPlanned { tables } => {
                let table = |work: &f64| Table { work: *work, ..Table::default() };
                self.tables = tables.iter().map(|(name, work)| (name.clone(), table(work))).collect();
            }
            Event::TableStarted { stage: "train", table, .. } => {
                self.tables.entry(table.clone()).or_default().begun = Some(now);
            }
            Event::Trained(Round { table, spent, .. }) => {
                self.tables.entry(table.clone()).or_default().share = f64::from(*spent);
            }
            Event::TableFinished { stage: "train", table } => {
                self.tables.entry(table.clone()).or_default().done = true;
            }
            _ => return false,
        }
        true
    }

    /// Tables done and all tables.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.tables.values().filter(|table| table.done).count(), self.tables.len())
    }

    /// Seconds left at most, if no table stops before it must; `None` while nothing is known of the speed.
    pub(super) fn left(&self, now: f64) -> Option<f64> {
        let done: f64 = self.tables.values().map(|table| table.work * table.share).sum();
        let open = || self.tables.values().filter(|table| !table.done);
        let rest: f64 = open().map(|table| table.work * (1.0 - table.share)).sum();
        if open().next().is_none() {
            return Some(0.0);
        }
        if done <= 0.0 || now <= 0.0 {
            return None;
        }
        // All cores together, or the one that holds the longest table.
        let together = rest * now / done;
        let longest = open()
            .filter(|table| table.share > 0.0)
            .filter_map(|table| Some((now - table.begun?) * (1.0 - table.share) / table.share))
            .fold(0.0, f64::max);
        Some(together.max(longest))
    }

    /// `3 of 11 tables, at most 2m 10s left`.
    pub(super) fn text(&self, now: f64) -> String {
        let (done, all) = self.counts();
        let mut text = format!("{done} of {all} tables");
        if let Some(seconds) = self.left(now).filter(|_| done < all) {
            let _ = write!(text, ", at most {} left", span(seconds));
        }
        text
    }
}

/// `42s`, `2m 10s`, `1h 05m`.
fn span(seconds: f64) -> String {
    let seconds = seconds.ceil().max(1.0) as u64;
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h {:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::{Estimate, span};
    use crate::progress::{Event, Round};

    fn trained(table: &str, spent: f32) -> Event {
        Event::Trained(Round {
            table: table.to_owned(),
            epoch: 1,
            loss: None,
            steps: 10,
            max_steps: 100,
            spent,
        })
    }

    #[test]
    fn the_time_left_falls_when_a_table_stops_early() {
        let mut estimate = Estimate::default();
        let tables = [("a", 30.0), ("b", 10.0)].map(|(name, work)| (name.to_owned(), work)).to_vec();
        estimate.hear(&Event::TrainingPlanned { tables }, 0.0);
        assert_eq!(estimate.left(1.0), None);
        let table = || "a".to_owned();
        estimate.hear(&Event::TableStarted { stage: "train", table: table(), total: None }, 0.0);

        // Half of 30 in 5 seconds: 25 are left.
        estimate.hear(&trained("a", 0.5), 5.0);
        assert_eq!(estimate.left(5.0), Some(25.0 / 3.0));
        assert_eq!(estimate.text(5.0), "0 of 2 tables, at most 9s left");
        estimate.hear(&Event::TableFinished { stage: "train", table: table() }, 6.0);

        assert_eq!(estimate.left(6.0), Some(4.0));
        assert_eq!(estimate.counts(), (1, 2));
    }

    #[test]
    fn the_last_long_table_decides_where_cores_stand_idle() {
        let mut estimate = Estimate::default();
        let tables = vec![("a".to_owned(), 1.0), ("b".to_owned(), 1.0)];
        estimate.hear(&Event::TrainingPlanned { tables }, 0.0);
        for name in ["a", "b"] {
            let table = name.to_owned();
            estimate.hear(&Event::TableStarted { stage: "train", table, total: None }, 0.0);
        }
        estimate.hear(&trained("a", 1.0), 10.0);
        estimate.hear(&Event::TableFinished { stage: "train", table: "a".to_owned() }, 10.0);
        estimate.hear(&trained("b", 0.5), 10.0);

        assert!((estimate.left(10.0).unwrap() - 10.0).abs() < 1e-9);
    }

    #[test]
    fn spans_read_well() {
        assert_eq!([span(0.2), span(59.5), span(130.0), span(3_900.0)], ["1s", "1m 00s", "2m 10s", "1h 05m"]);
    }
}
