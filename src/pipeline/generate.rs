//! Generation from a model file: the source is not needed.

use std::{path::Path, time::Instant};

use super::{
    OnPlan, Planned, RunSummary,
    around::{Hooked, Intended, Planting, changes, noted},
    interruptible, learn, replaceable, thread_pool, write,
};
use crate::{
    config::{Config, DbUrl},
    db::{Database, Sink, connect},
    error::Error,
    evaluate::Audit,
    finding::Finding,
    model::Model,
    model_file,
    plan::{MemoryEstimate, memory_to_generate},
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
    let Admitted { database, sink, hooks, drifted } = admit(&model, target, config, on_plan)?;
    let pool = thread_pool(config)?;
    let target = write::Target { database: database.as_ref(), url: target, sink };
    let run = write::Run::of_model((config, &hooks), started, &pool, progress);
    let findings = audit.iter().flat_map(Audit::findings).chain(drifted).collect();
    let summary = interruptible(config, write::write(&model, target, findings, run))?;
    Ok(RunSummary { audit, ..summary })
}

/// A target that may be written.
pub(super) struct Admitted {
    pub(super) database: Box<dyn Database>,
    pub(super) sink: Box<dyn Sink>,
    pub(super) hooks: Hooked,
    /// How the schema differs from that of the last run.
    pub(super) drifted: Vec<Finding>,
}

/// Asks everything that could refuse a generation before an hour of work, and shows the plan.
pub(super) fn admit(
    model: &Model,
    target: &DbUrl,
    config: &Config,
    on_plan: OnPlan<'_>,
) -> Result<Admitted, Error> {
    if model.schema.dialect != target.dialect() {
        let (from, to) = (model.schema.dialect, target.dialect());
        return Err(Error::DifferentEngines { source_engine: from, target_engine: to });
    }
    let conditions = Condition::read_all(&config.conditions, &model.schema, &model.plan)?;
    check_conditions(model, &conditions, config.seed)?;
    let database = connect(target).map_err(Error::Target)?;
    let mut sink = database.sink().map_err(Error::Target)?;
    let mut planned = planned(model, config);
    let hooks = Hooked::read(config, target.dialect())?;
    Planting::new(config, &model.schema, &model.plan)?;
    let (replaces, removes_strangers) = replaceable(sink.as_mut(), target, config)?;
    planned.replaces = replaces;
    planned.around.on(sink.as_ref(), removes_strangers, config);
    let last = noted(sink.recall().map_err(Error::Target)?.as_deref());
    let drifted = changes(last.as_ref(), &model.schema, config)?;
    on_plan(&planned)?;
    Ok(Admitted { database, sink, hooks, drifted })
}

/// What a model file would make.
pub(super) fn planned(model: &Model, config: &Config) -> Planned {
    let real_rows: Vec<u64> =
        model.tables.iter().map(|table| table.as_ref().map_or(0, |t| t.facts.real_rows)).collect();
    let target_rows = crate::plan::target_rows(&model.plan, &real_rows, config.scale);
    let generating = memory_to_generate(&model.schema, &model.plan, &target_rows);
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
        memory: MemoryEstimate { learning: None, generating },
        findings: Vec::new(),
    }
}
