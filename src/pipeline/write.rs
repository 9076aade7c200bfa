//! From a fitted model to a proven target: generation and load overlap over a bounded channel.

use std::time::Instant;

use crate::{
    config::{Config, DbUrl, HookStage, TableMode},
    db::{Database, DbErrorKind, Sink},
    error::Error,
    finding::Finding,
    load::Loader,
    model::Model,
    parts::Parts,
    pipeline::{
        RunSummary, Surroundings,
        around::{Hooked, Planting, keep_failed, outline},
        audit::Reference,
        conclude::{Proved, conclude, withheld},
        evidence::RealRows,
        flow::{Judge, Rows, flow},
    },
    plan::settings,
    progress::{Event, Progress},
    rules::Condition,
    sample::{SampleOptions, check_conditions},
    schema::TableId,
    verify::{SchemaComparison, Side, compare_schemas, prove},
};

/// Where to write: a database, and a connection to it.
pub(super) struct Target<'a> {
    pub(super) database: &'a dyn Database,
    pub(super) url: &'a DbUrl,
    pub(super) sink: Box<dyn Sink>,
}

/// How a run goes.
#[derive(Clone, Copy)]
pub(super) struct Run<'a> {
    pub(super) config: &'a Config,
    pub(super) started: Instant,
    /// When the snapshot of the source was opened, if there is a source.
    pub(super) since: Option<Instant>,
    pub(super) hooks: &'a Hooked,
    pub(super) pool: &'a rayon::ThreadPool,
    pub(super) progress: &'a dyn Progress,
    /// What the rows are audited against, if they are.
    pub(super) reference: Option<&'a Reference>,
    /// What a report shows of the real rows, if one is asked for.
    pub(super) real: Option<&'a RealRows>,
    /// The rows, if several processes have drawn them.
    pub(super) kept: Option<&'a Parts<'a>>,
}

impl<'a> Run<'a> {
    /// A run without a source: nothing is audited, and nothing real is shown.
    pub(super) fn of_model(
        (config, hooks): (&'a Config, &'a Hooked),
        started: Instant,
        pool: &'a rayon::ThreadPool,
        progress: &'a dyn Progress,
    ) -> Self {
        Self { config, started, since: None, hooks, pool, progress, reference: None, real: None, kept: None }
    }
}

/// Generates, loads, finishes and proves a model's database. If the target refuses rows that were thought to be good,
/// everything is generated once more, and the target judges every constraint of every row before.
pub(super) fn write(
    model: &Model,
    target: Target<'_>,
    findings: Vec<Finding>,
    run: Run<'_>,
) -> Result<RunSummary, Error> {
    let Target { database, url, mut sink } = target;
    let mut findings = findings;
    let (kept, unkept) = keep_failed(sink.as_mut(), run.config);
    findings.extend(unkept);
    let done = write_again(model, Target { database, url, sink }, findings, run);
    match (done, kept) {
        (Err(source), Some(kept)) => Err(Error::Unfinished { kept, source: Box::new(source) }),
        (Ok(mut summary), Some(kept))
            if summary.findings.iter().any(|finding| finding.code == "not-committed") =>
        {
            let what = format!("what was built is kept: {kept}");
            summary.findings.push(Finding::note("kept-unfinished", what));
            Ok(summary)
        }
        (done, _) => done,
    }
}

fn write_again(
    model: &Model,
    target: Target<'_>,
    findings: Vec<Finding>,
    run: Run<'_>,
) -> Result<RunSummary, Error> {
    let Target { database, url, sink } = target;
    let first = attempt(model, Target { database, url, sink }, findings.clone(), run, false);
    let refused = match &first {
        Err(Error::Target(error)) if error.kind == DbErrorKind::Constraint => error.message.clone(),
        Ok(summary) if summary.proof.violations() > 0 => {
            format!("{} rows violated a constraint", summary.proof.violations())
        }
        _ => return first,
    };
    let Ok(mut sink) = database.sink() else { return first };
    keep_failed(sink.as_mut(), run.config);
    let mut findings = findings;
    findings.push(
        Finding::note("load-repeated", refused)
            .instead("all rows were generated again, and the target judged each of them beforehand"),
    );
    attempt(model, Target { database, url, sink }, findings, Run { kept: None, ..run }, true)
}

fn attempt(
    model: &Model,
    Target { database, url, sink }: Target<'_>,
    mut findings: Vec<Finding>,
    run: Run<'_>,
    judge_all: bool,
) -> Result<RunSummary, Error> {
    let dialect = database.dialect();
    let Run { config, since, hooks, progress, .. } = run;
    let Model { schema, plan, blueprint, .. } = model;
    let conditions = Condition::read_all(&config.conditions, schema, plan)?;
    check_conditions(model, &conditions, config.seed)?;
    let mut loader = Loader::begin(sink, dialect, schema, plan, blueprint, config.schema_mode.replaces())
        .map_err(Error::Target)?;
    let planting = Planting::new(config, schema, plan)?;
    let mut around = Surroundings::default();
    let run_hooks = |stage, loader: &mut Loader<'_>| {
        let side = loader.side();
        hooks.run(stage, (url, side), &mut |sql| loader.script(sql), progress)
    };
    around.hooks.extend(run_hooks(HookStage::BeforeLoad, &mut loader)?);
    let rows: Vec<Option<u64>> = row_overrides(model, config)?;
    let options = options(config, &rows, &conditions);
    let rows = run.kept.map_or(Rows::Drawn(SampleOptions { judge_all, ..options }), Rows::Kept);
    let judge = Some(Judge { schema, dialect });
    let flowed = flow(model, (rows, judge), run, &mut loader, Error::Target)?;
    findings.extend(flowed.sampled.findings.iter().cloned());
    findings.extend(loader.finish(progress).map_err(Error::Target)?);
    around.identities = planting.plant(&mut loader, dialect)?;
    around.hooks.extend(run_hooks(HookStage::AfterLoad, &mut loader)?);

    progress.event(&Event::StageStarted { stage: "verify" });
    let tables: Vec<TableId> = plan.order().filter(|id| plan.table(*id).mode != TableMode::Skip).collect();
    let (proof, found) = prove(loader.session(), dialect, schema, &tables).map_err(Error::Target)?;
    findings.extend(found);
    progress.event(&Event::StageFinished { stage: "verify" });

    let load_seconds = loader.written().to_vec();
    let mut compared = None;
    let (audit, kept_back) = withheld(model, run, &flowed, &findings)?;
    if let Some(finding) = kept_back.filter(|_| proof.violations() == 0) {
        findings.push(finding);
    } else if proof.violations() == 0 {
        loader.remember(outline(schema).note());
        loader.commit().map_err(Error::Target)?;
        around.snapshot_age_seconds = since.map(|since| since.elapsed().as_secs_f64());
        compared = compare(model, database, hooks, &mut findings);
        after_swap((database, url), hooks, &mut around, progress);
    } else {
        findings.push(
            Finding::warning("not-committed", format!("{} rows violate a constraint", proof.violations()))
                .instead("the target was left as it was before"),
        );
    }
    let summary =
        conclude(model, run, flowed, &load_seconds, Proved { proof, schema: compared, audit }, findings)?;
    Ok(RunSummary { around, ..summary })
}

/// Runs what is to follow the exchange. The new copy is in its place whatever becomes of it.
fn after_swap(
    (database, url): (&dyn Database, &DbUrl),
    hooks: &Hooked,
    around: &mut Surroundings,
    progress: &dyn Progress,
) {
    if hooks.is_empty(HookStage::AfterSwap) {
        return;
    }
    let ran = database.sink().map_err(Error::Target).and_then(|mut sink| {
        hooks.run(HookStage::AfterSwap, (url, None), &mut |sql| sink.script(sql), progress)
    });
    match ran {
        Ok(ran) => around.hooks.extend(ran),
        Err(error) => around.failed_hook = Some(error.to_string()),
    }
}

/// Reads the target's catalog again: is everything there? The rows are committed, so nothing stops the run any more.
fn compare(
    model: &Model,
    database: &dyn Database,
    hooks: &Hooked,
    findings: &mut Vec<Finding>,
) -> Option<SchemaComparison> {
    let there = match database.source().and_then(|mut source| source.introspect()) {
        Ok(there) => there,
        Err(error) => {
            let what = format!("the catalog of the target cannot be read again: {}", error.message);
            let finding = Finding::warning("schema-not-compared", what);
            findings.push(finding.instead("its schema is not compared with the source's"));
            return None;
        }
    };
    let Model { schema, plan, blueprint, .. } = model;
    let skipped: Vec<TableId> = plan.order().filter(|id| plan.table(*id).mode == TableMode::Skip).collect();
    let comparison = compare_schemas(Side { schema, blueprint }, Side::from(&there), &skipped);
    let loaded_as_read =
        [HookStage::BeforeLoad, HookStage::AfterLoad].iter().all(|stage| hooks.is_empty(*stage));
    findings.extend(match loaded_as_read {
        true => comparison.findings(),
        false => comparison.findings_beside_scripts(),
    });
    Some(comparison)
}

/// How a configuration wants rows to be drawn.
pub(super) fn options<'a>(
    config: &Config,
    rows: &'a [Option<u64>],
    conditions: &'a [Condition],
) -> SampleOptions<'a> {
    SampleOptions { scale: config.scale, conditions, ..SampleOptions::new(config.seed, rows) }
}

/// Rows asked for, by `TableId`.
pub(super) fn row_overrides(model: &Model, config: &Config) -> Result<Vec<Option<u64>>, Error> {
    let mut rows = vec![None; model.schema.tables.len()];
    for (id, settings) in settings(&model.schema, config)? {
        rows[id.0] = settings.rows;
    }
    Ok(rows)
}
