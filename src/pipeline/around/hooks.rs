//! Scripts and commands of the user, before, inside and after a load.

use std::{path::Path, time::Instant};

use serde::Serialize;

use super::command::command;
use crate::{
    config::{Config, DbUrl, Hook, HookStage},
    db::{DbErrorKind, ScriptError, check_script},
    error::Error,
    progress::{Event, Progress},
    schema::DialectName,
};

/// A hook that ran.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HookRun {
    /// When.
    pub stage: HookStage,
    /// The file, or the program.
    pub hook: String,
    /// Seconds it took.
    pub seconds: f64,
}

/// All hooks, their files read.
#[derive(Default)]
pub(in crate::pipeline) struct Hooked {
    hooks: Vec<(HookStage, Hook, String)>,
}

/// Runs a script somewhere.
type Runner<'a> = &'a mut dyn FnMut(&str) -> Result<(), ScriptError>;

impl Hooked {
    /// Reads every file, and refuses what could not run, before an hour of work.
    ///
    /// # Errors
    /// [`Error::File`] if a file cannot be read, [`Error::Hook`] if it holds what cannot run.
    pub(in crate::pipeline) fn read(config: &Config, dialect: DialectName) -> Result<Self, Error> {
        let mut hooks = Vec::new();
        for (stage, hook) in config.hooks.iter() {
            let mut sql = String::new();
            if let Hook::Sql(path) = hook {
                sql = read(path, stage)?;
                let in_load = stage != HookStage::AfterSwap;
                check_script(dialect, &sql, in_load).map_err(|error| failed(stage, hook, error))?;
            }
            hooks.push((stage, hook.clone(), sql));
        }
        Ok(Self { hooks })
    }

    /// Runs the hooks of a stage; `side` is where the load builds, if not in the target itself.
    ///
    /// # Errors
    /// [`Error::Hook`] of the first that fails.
    pub(in crate::pipeline) fn run(
        &self,
        stage: HookStage,
        (target, side): (&DbUrl, Option<String>),
        script: Runner<'_>,
        progress: &dyn Progress,
    ) -> Result<Vec<HookRun>, Error> {
        let mut done = Vec::new();
        let own = self.hooks.iter().filter(|(own, ..)| *own == stage);
        for (_, hook, sql) in own {
            if done.is_empty() {
                progress.event(&Event::StageStarted { stage: stage.word() });
            }
            let started = Instant::now();
            match hook {
                Hook::Sql(_) => script(sql).map_err(|error| failed(stage, hook, error))?,
                Hook::Command(words) => {
                    command(words, stage, (target, side.as_deref()), progress).map_err(|reason| {
                        Error::Hook { stage: stage.word(), hook: hook.to_string(), reason }
                    })?;
                }
            }
            let seconds = started.elapsed().as_secs_f64();
            done.push(HookRun { stage, hook: hook.to_string(), seconds });
        }
        if !done.is_empty() {
            progress.event(&Event::StageFinished { stage: stage.word() });
        }
        Ok(done)
    }

    /// True if nothing runs then.
    pub(in crate::pipeline) fn is_empty(&self, stage: HookStage) -> bool {
        !self.hooks.iter().any(|(own, ..)| *own == stage)
    }
}

fn read(path: &Path, stage: HookStage) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|source| {
        let what = "a script; a program is { command = \"…\" }";
        let path = format!("{} ([hooks] {}: {what})", path.display(), stage.word());
        Error::File { action: "read", path, source }
    })
}

/// A hook's own mistake is a hook's error; a server that is gone is the target's.
fn failed(stage: HookStage, hook: &Hook, ScriptError { line, error }: ScriptError) -> Error {
    let of_target =
        matches!(error.kind, DbErrorKind::Disconnected | DbErrorKind::Interrupted | DbErrorKind::DiskFull);
    if of_target {
        return Error::Target(error);
    }
    let line = line.map_or_else(String::new, |line| format!(":{line}"));
    Error::Hook { stage: stage.word(), hook: format!("{hook}{line}"), reason: error.message }
}
