//! What stands around a load: hooks, planted identities, and what changed since the last run.

mod command;
mod drift;
mod hooks;
mod identities;

use serde::Serialize;

pub(super) use self::{
    drift::{changes, noted, outline},
    hooks::Hooked,
    identities::Planting,
};
pub use self::{hooks::HookRun, identities::PlantedRows};

use crate::{config::Config, db::Sink, finding::Finding};

/// What will be done around a load, in words: shown before anything is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Intended {
    /// Hooks in their order: `before_load extensions.sql`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hooks: Vec<String>,
    /// Rows that will get known values: `1 row of users: email, password_hash`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub identities: Vec<String>,
    /// What was asked for and cannot be done.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// True if something that dbsynth did not make will be removed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub removes_strangers: bool,
}

impl Intended {
    /// What the configuration asks for.
    pub(super) fn of(config: &Config) -> Self {
        Self {
            hooks: config.hooks.iter().map(|(stage, hook)| format!("{} {hook}", stage.word())).collect(),
            identities: config.identities.iter().map(identities::describe).collect(),
            notes: Vec::new(),
            removes_strangers: false,
        }
    }

    /// Adds what the target makes of it.
    pub(super) fn on(&mut self, sink: &dyn Sink, removes_strangers: bool, config: &Config) {
        self.removes_strangers = removes_strangers;
        if config.keep_failed && sink.can_rehearse() {
            self.notes.push(UNKEPT.to_owned());
        }
    }
}

/// What was done around a load.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Surroundings {
    /// Seconds between the snapshot of the source and the moment its copy went live.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot_age_seconds: Option<f64>,
    /// Hooks that ran.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hooks: Vec<HookRun>,
    /// Rows that got known values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub identities: Vec<PlantedRows>,
    /// Why an `after_swap` hook failed: the new copy is in its place all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed_hook: Option<String>,
}

/// What undoes a failed run wholly leaves nothing to look at.
const UNKEPT: &str =
    "--keep-failed: this engine loads in one transaction, so nothing can be kept of a failed run";

/// Asks a target to keep what a failed run leaves, and says what that means there.
pub(super) fn keep_failed(sink: &mut dyn Sink, config: &Config) -> (Option<String>, Option<Finding>) {
    if !config.keep_failed {
        return (None, None);
    }
    match sink.keep_failed() {
        Some(name) => (Some(name), None),
        None => {
            let finding = Finding::note("nothing-to-keep", UNKEPT);
            (None, Some(finding.remedy("look into a failed run with --log debug")))
        }
    }
}
