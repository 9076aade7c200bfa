//! Events shown live: bars on a terminal, plain lines elsewhere, nothing under `--quiet`.

use std::{
    collections::BTreeMap,
    io::IsTerminal,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};

use crate::{
    cli::{args::Globals, terminal},
    config::environment,
    plan::explain::grouped,
    progress::{Event, Progress, Silent},
};

/// Chooses the listener that suits where stderr goes.
pub(super) fn listener(globals: &Globals) -> Box<dyn Progress> {
    if globals.quiet {
        Box::new(Silent)
    } else if globals.log.is_none() && std::io::stderr().is_terminal() && environment("CI").is_none() {
        Box::new(ProgressBars::default())
    } else {
        Box::new(ProgressLines::new(Box::new(terminal::say)))
    }
}

type Key = (&'static str, String);

/// One bar per table at work: what is done, rows per second, time left.
#[derive(Default)]
struct ProgressBars {
    all: MultiProgress,
    bars: Mutex<BTreeMap<Key, ProgressBar>>,
}

impl ProgressBars {
    fn start(&self, stage: &'static str, table: &str, total: Option<u64>) -> ProgressBar {
        let bar = total.map_or_else(ProgressBar::no_length, ProgressBar::new);
        // A bar that is dressed before it is added is never drawn undressed.
        self.all.add(bar.with_style(style(total)).with_prefix(stage).with_message(table.to_owned()))
    }
}

// 70 columns and the bar: it fits a terminal of 80.
const WITH_TOTAL: &str = "{prefix:8} {msg:24!} {wide_bar} {human_pos:>9}/{human_len:<9} {rate:>11} {eta:>3}";
const WITHOUT_TOTAL: &str = "{prefix:8} {msg:24!} {human_pos:>9} {rate:>11}";

fn style(total: Option<u64>) -> ProgressStyle {
    let template = if total.is_some() { WITH_TOTAL } else { WITHOUT_TOTAL };
    // The templates are constants that a test parses; a plain bar is no reason to stop a run.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).with_key(
        "rate",
        |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            let _ = write!(out, "{}/s", grouped(state.per_sec() as u64));
        },
    )
}

impl Progress for ProgressBars {
    fn event(&self, event: &Event) {
        let mut bars = self.bars.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::StageStarted { .. } => {}
            Event::StageFinished { stage } => {
                let left: Vec<Key> = bars.keys().filter(|key| key.0 == *stage).cloned().collect();
                for bar in left.iter().filter_map(|key| bars.remove(key)) {
                    bar.finish_and_clear();
                }
            }
            Event::TableStarted { stage, table, total } => {
                bars.insert((stage, table.clone()), self.start(stage, table, *total));
            }
            Event::TableAdvanced { stage, table, done } => {
                if let Some(bar) = bars.get(&(*stage, table.clone())) {
                    bar.inc(*done);
                }
            }
            Event::TableFinished { stage, table } => {
                if let Some(bar) = bars.remove(&(*stage, table.clone())) {
                    bar.finish_and_clear();
                }
            }
            Event::Loss { table, epoch, loss } => {
                for (_, bar) in bars.iter().filter(|((stage, name), _)| *stage == "train" && name == table) {
                    bar.set_message(format!("{table} (loss {loss:.2})"));
                    bar.set_prefix(format!("train {epoch}"));
                }
            }
        }
    }
}

/// One line per stage and per table done: for logs and scripts.
struct ProgressLines {
    say: Box<dyn Fn(&str) + Send + Sync>,
    running: Mutex<BTreeMap<Key, (Instant, u64)>>,
}

impl ProgressLines {
    fn new(say: Box<dyn Fn(&str) + Send + Sync>) -> Self {
        Self { say, running: Mutex::default() }
    }
}

impl Progress for ProgressLines {
    fn event(&self, event: &Event) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::StageStarted { stage } => (self.say)(stage),
            Event::StageFinished { .. } | Event::Loss { .. } => {}
            Event::TableStarted { stage, table, .. } => {
                running.insert((stage, table.clone()), (Instant::now(), 0));
            }
            Event::TableAdvanced { stage, table, done } => {
                if let Some((_, sum)) = running.get_mut(&(*stage, table.clone())) {
                    *sum += done;
                }
            }
            Event::TableFinished { stage, table } => {
                if let Some((started, done)) = running.remove(&(*stage, table.clone())) {
                    let seconds = started.elapsed().as_secs_f64();
                    let rows = if done > 0 { format!(": {}", grouped(done)) } else { String::new() };
                    (self.say)(&format!("{stage} {table}{rows} in {seconds:.1} s"));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::{ProgressBars, ProgressLines};
    use crate::progress::{Event, Progress};

    fn tell(listener: &dyn Progress) {
        let table = || "orders".to_owned();
        for event in [
            Event::StageStarted { stage: "train" },
            Event::TableStarted { stage: "train", table: table(), total: Some(10) },
            Event::TableAdvanced { stage: "train", table: table(), done: 4 },
            Event::Loss { table: table(), epoch: 1, loss: 2.5 },
            Event::TableAdvanced { stage: "train", table: table(), done: 6_000 },
            Event::TableAdvanced { stage: "train", table: "unheard-of".to_owned(), done: 1 },
            Event::TableFinished { stage: "train", table: table() },
            Event::StageFinished { stage: "train" },
        ] {
            listener.event(&event);
        }
    }

    #[test]
    fn lines_sum_what_advanced() {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ear = Arc::clone(&heard);
        tell(&ProgressLines::new(Box::new(move |line| ear.lock().unwrap().push(line.to_owned()))));

        let heard = heard.lock().unwrap();
        assert_eq!(heard[0], "train");
        assert!(heard[1].starts_with("train orders: 6,004 in "), "{heard:?}");
    }

    #[test]
    fn bars_are_cleared_when_their_table_is_done() {
        let bars = ProgressBars::default();
        tell(&bars);

        assert!(bars.bars.lock().unwrap().is_empty());
    }

    #[test]
    fn the_templates_of_the_bars_parse() {
        for template in [super::WITH_TOTAL, super::WITHOUT_TOTAL] {
            assert!(indicatif::ProgressStyle::with_template(template).is_ok());
        }
    }
}
