//! Generation from a model file: the source is not needed.

use std::{path::Path, time::Instant};

use super::{
    OnPlan, Planned, RunSummary,
    around::{Hooked, Intended, Planting, changes, noted},
    interruptible, learn, replaceable, thread_pool, write,
};
use crate::{
    config::{Config, DbUrl},
    db::connect,
    error::Error,
    evaluate::Audit,
    model::Model,
    model_file,
    progress::Progress,
    rules::Condition,
    sample::check_conditions,
};

/// Generates from a model file into a target.
///
/// # Errors
/// [`Error`] of the stage that failed.
pub fn generate(
    model: &Path,
    target: &DbUrl,
    config: &Config,
    on_plan: OnPlan<'_>,
    progress: &dyn Progress,
) -> Result<RunSummary, Error> {
    let started = Instant::now();
    let (model, audit) = model_file::load_audited(model)?;
    if model.schema.dialect != target.dialect() {
        let (from, to) = (model.schema.dialect, target.dialect());
        return Err(Error::DifferentEngines { source_engine: from, target_engine: to });
    }
    check_conditions(
        &model,
        &Condition::read_all(&config.conditions, &model.schema, &model.plan)?,
        config.seed,
    )?;
    let database = connect(target).map_err(Error::Target)?;
    let mut sink = database.sink_with(&config.target).map_err(Error::Target)?;
    let mut planned = planned(&model, config);
    let hooks = Hooked::read(config, target.dialect())?;
    Planting::new(config, &model.schema, &model.plan)?;
    let (replaces, removes_strangers) = replaceable(sink.as_mut(), target, config)?;
    planned.replaces = replaces;
    planned.around.on(sink.as_ref(), removes_strangers, config);
    let last = noted(sink.recall().map_err(Error::Target)?.as_deref());
    let drifted = changes(last.as_ref(), &model.schema, config)?;
    on_plan(&planned)?;
    let pool = thread_pool(config)?;
    let target = write::Target { database: database.as_ref(), url: target, sink };
    let run = write::Run::of_model((config, &hooks), started, &pool, progress);
    let findings = audit.iter().flat_map(Audit::findings).chain(drifted).collect();
    let summary = interruptible(write::write(&model, target, findings, run))?;
    Ok(RunSummary { audit, ..summary })
}

/// What a model file would make.
pub(super) fn planned(model: &Model, config: &Config) -> Planned {
    let real_rows: Vec<u64> =
        model.tables.iter().map(|table| table.as_ref().map_or(0, |t| t.facts.real_rows)).collect();
    let target_rows = crate::plan::target_rows(&model.plan, &real_rows, config.scale);
    Planned {
        schema: model.schema.clone(),
        plan: model.plan.clone(),
        real_rows,
        target_rows,
        replaces: Vec::new(),
        rules: learn::rules_of(model),
        proposals: Vec::new(),
        unfinished: None,
        coverage: Vec::new(),
        around: Intended::of(config),
        findings: Vec::new(),
    }
}
