//! Live events out of any stage; the terminal, a log or a test listens.

use std::sync::atomic::{AtomicBool, Ordering};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
static OUT_OF_MEMORY: AtomicBool = AtomicBool::new(false);

/// Asks every stage to stop at its next safe point (ctrl-c is a fact of the whole process).
pub fn interrupt() {
    INTERRUPTED.store(true, Ordering::Relaxed);
}

/// Asks every stage to stop, because the process has come to hold more memory than it may.
pub fn stop_for_memory() {
    OUT_OF_MEMORY.store(true, Ordering::Relaxed);
    interrupt();
}

/// True once [`stop_for_memory`] was called.
#[must_use]
pub fn out_of_memory() -> bool {
    OUT_OF_MEMORY.load(Ordering::Relaxed)
}

/// True once [`interrupt`] was called; long loops ask between batches.
#[must_use]
pub fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// What a listener hears.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A stage of the pipeline begins.
    StageStarted {
        /// Name of the stage: `introspect`, `snapshot`, `train`, `sample`, `load`, `verify`, …
        stage: &'static str,
    },
    /// A stage of the pipeline is done.
    StageFinished {
        /// Name of the stage.
        stage: &'static str,
    },
    /// Work on one table begins inside a stage.
    TableStarted {
        /// Name of the stage.
        stage: &'static str,
        /// The table, as the user would write it.
        table: String,
        /// Rows (or training steps) to do, where known.
        total: Option<u64>,
    },
    /// Work on one table advances.
    TableAdvanced {
        /// Name of the stage.
        stage: &'static str,
        /// The table.
        table: String,
        /// Rows (or training steps) done since the last event.
        done: u64,
    },
    /// Work on one table is done.
    TableFinished {
        /// Name of the stage.
        stage: &'static str,
        /// The table.
        table: String,
    },
    /// Training is about to begin: how much work each table is at most, in any one unit.
    TrainingPlanned {
        /// Tables and their work.
        tables: Vec<(String, f64)>,
    },
    /// A round of training is done.
    Trained(Round),
    /// A command of the user said something.
    Said {
        /// Name of the stage.
        stage: &'static str,
        /// One line.
        line: String,
    },
}

/// Where the training of a table stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Round {
    /// The table.
    pub table: String,
    /// Passes over the training rows, the present one included.
    pub epoch: u32,
    /// Validation loss, nats per row; `None` if nothing is held out.
    pub loss: Option<f32>,
    /// Steps taken.
    pub steps: u64,
    /// Most steps it may take.
    pub max_steps: u64,
    /// How much of what it may use is used, from 0 to 1: of its steps, or of its time where that is shorter.
    pub spent: f32,
}

/// How long something may go on.
pub trait Allowance: Sync {
    /// Share of the time that is used up; 1 or more means: stop.
    fn spent(&self) -> f32;
}

/// As long as it takes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unlimited;

impl Allowance for Unlimited {
    fn spent(&self) -> f32 {
        0.0
    }
}

/// Listens to events. One method, so a test can record it in five lines.
pub trait Progress: Send + Sync {
    /// Hears one event.
    fn event(&self, event: &Event);
}

/// Hears nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn event(&self, _event: &Event) {}
}
