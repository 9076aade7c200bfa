//! Events shown live: bars on a terminal, plain lines elsewhere, nothing under `--quiet`.

use std::{
    collections::BTreeMap,
    io::IsTerminal,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};

use crate::{
    cli::{args::Globals, eta::Estimate, progress_json::ProgressJson, terminal},
    config::environment,
    plan::explain::grouped,
    progress::{Event, Progress, Round, Silent},
};

/// Chooses the listener that suits where stderr goes.
pub(super) fn listener(globals: &Globals) -> Box<dyn Progress> {
    if globals.quiet {
        Box::new(Silent)
    } else if terminal::is_json() {
        Box::new(ProgressJson::new())
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
    training: Mutex<Option<Overall>>,
}

/// The line below the bars of the tables in training.
struct Overall {
    started: Instant,
    estimate: Estimate,
    line: ProgressBar,
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
/// A table in training: its bar is how much of its steps (or of its time) it has used.
const TRAINING: &str = "{prefix:8} {msg:56!} {wide_bar} {percent:>3}%";
const OVERALL: &str = "{prefix:8} {msg}";
/// The bar of a table in training counts thousandths.
const WHOLE: u64 = 1000;
/// Seconds between two lines that tell how far training is.
const LINE_SECONDS: f64 = 15.0;

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

impl ProgressBars {
    /// Keeps the line of the whole training.
    fn overall(&self, event: &Event) {
        let mut training = self.training.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::TrainingPlanned { .. } => {
                let style = ProgressStyle::with_template(OVERALL);
                let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
                let line = self.all.add(ProgressBar::no_length().with_style(style).with_prefix("train"));
                *training = Some(Overall { started: Instant::now(), estimate: Estimate::default(), line });
            }
            Event::StageFinished { stage: "train" } => {
                if let Some(overall) = training.take() {
                    overall.line.finish_and_clear();
                }
            }
            _ => {}
        }
        if let Some(overall) = training.as_mut() {
            let now = overall.started.elapsed().as_secs_f64();
            if overall.estimate.hear(event, now) {
                overall.line.set_message(overall.estimate.text(now));
            }
        }
    }
}

/// How far the training of a table is: `orders: epoch 12, loss 4.21, step 384 of 2,400`.
fn stand(round: &Round) -> String {
    let loss = round.loss.map_or_else(String::new, |loss| format!("loss {loss:.2}, "));
    let (steps, most) = (grouped(round.steps), grouped(round.max_steps));
    format!("epoch {}, {loss}step {steps} of {most}", round.epoch)
}

impl Progress for ProgressBars {
    fn event(&self, event: &Event) {
        self.overall(event);
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
            Event::TrainingPlanned { .. } => {}
            Event::Said { line, .. } => {
                let _ = self.all.println(line);
            }
            Event::Trained(round) => {
                if let Some(bar) = bars.get(&("train", round.table.clone())) {
                    if bar.length().is_none() {
                        if let Ok(style) = ProgressStyle::with_template(TRAINING) {
                            bar.set_style(style);
                        }
                        bar.set_length(WHOLE);
                    }
                    bar.set_position((f64::from(round.spent) * WHOLE as f64) as u64);
                    bar.set_message(format!("{}: {}", round.table, stand(round)));
                }
            }
        }
    }
}

/// One line per stage and per table done: for logs and scripts.
struct ProgressLines {
    say: Box<dyn Fn(&str) + Send + Sync>,
    running: Mutex<BTreeMap<Key, (Instant, u64)>>,
    training: Mutex<Told>,
}

/// What was said of a training so far.
#[derive(Default)]
struct Told {
    started: Option<Instant>,
    estimate: Estimate,
    rounds: BTreeMap<String, Round>,
    /// Seconds after the beginning of the last line.
    last: f64,
}

impl ProgressLines {
    fn new(say: Box<dyn Fn(&str) + Send + Sync>) -> Self {
        Self { say, running: Mutex::default(), training: Mutex::default() }
    }

    /// Follows the training; says now and then how far it is. Returns where a table that is done stood.
    fn follow(&self, event: &Event) -> Option<Round> {
        let mut told = self.training.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(event, Event::TrainingPlanned { .. }) {
            *told = Told { started: Some(Instant::now()), ..Told::default() };
        }
        let now = told.started?.elapsed().as_secs_f64();
        told.estimate.hear(event, now);
        match event {
            Event::Trained(round) => {
                told.rounds.insert(round.table.clone(), round.clone());
                if now - told.last >= LINE_SECONDS {
                    told.last = now;
                    (self.say)(&format!(
                        "train {}; {}: {}",
                        told.estimate.text(now),
                        round.table,
                        stand(round)
                    ));
                }
                None
            }
            Event::TableFinished { stage: "train", table } => told.rounds.remove(table),
            _ => None,
        }
    }
}

impl Progress for ProgressLines {
    fn event(&self, event: &Event) {
        let stood = self.follow(event);
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::StageStarted { stage } => (self.say)(stage),
            Event::Said { stage, line } => (self.say)(&format!("{stage}: {line}")),
            Event::StageFinished { .. } | Event::TrainingPlanned { .. } | Event::Trained(_) => {}
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
                    let stood = stood.map_or_else(String::new, |round| format!(" ({})", stand(&round)));
                    (self.say)(&format!("{stage} {table}{rows} in {seconds:.1} s{stood}"));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::{ProgressBars, ProgressLines};
    use crate::progress::{Event, Progress, Round};

    fn tell(listener: &dyn Progress) {
        let table = || "orders".to_owned();
        for event in [
            Event::StageStarted { stage: "train" },
            Event::TrainingPlanned { tables: vec![(table(), 1.0)] },
            Event::TableStarted { stage: "train", table: table(), total: Some(10) },
            Event::TableAdvanced { stage: "train", table: table(), done: 4 },
            Event::Trained(Round {
                table: table(),
                epoch: 3,
                loss: Some(2.5),
                steps: 40,
                max_steps: 1_200,
                spent: 0.03,
            }),
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
        assert!(heard[1].ends_with(" (epoch 3, loss 2.50, step 40 of 1,200)"), "{heard:?}");
    }

    #[test]
    fn bars_are_cleared_when_their_table_is_done() {
        let bars = ProgressBars::default();
        tell(&bars);

        assert!(bars.bars.lock().unwrap().is_empty());
    }

    #[test]
    fn the_templates_of_the_bars_parse() {
        for template in [super::WITH_TOTAL, super::WITHOUT_TOTAL, super::TRAINING, super::OVERALL] {
            assert!(indicatif::ProgressStyle::with_template(template).is_ok());
        }
    }
}
