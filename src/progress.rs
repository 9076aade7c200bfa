//! Live events out of any stage; the terminal, a log or a test listens.

use std::sync::atomic::{AtomicBool, Ordering};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Asks every stage to stop at its next safe point (ctrl-c is a fact of the whole process).
pub fn interrupt() {
    INTERRUPTED.store(true, Ordering::Relaxed);
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
    /// Training reports its validation loss in nats per row.
    Loss {
        /// The table.
        table: String,
        /// Completed passes over the training rows.
        epoch: u32,
        /// Validation loss, nats per row.
        loss: f32,
    },
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
