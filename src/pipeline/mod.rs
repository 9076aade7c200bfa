//! The stages in order. Only this room knows it.

mod around;
mod audit;
mod check;
mod complete;
mod conclude;
mod evidence;
mod files;
mod flow;
mod generate;
mod inspect;
mod learn;
mod memory;
mod score;
mod shards;
mod trial;
mod write;

pub use around::{HookRun, Intended, PlantedRows, Surroundings};
pub use check::{Examined, Verified, evaluate, examine, verify};
pub use complete::complete;
pub use evidence::Evidence;
pub use files::{FolderTarget, clone_files, generate_files};
pub use generate::generate;
pub use inspect::{Inspected, TableTraining, inspect_model, model_contents};
pub use shards::{KeptPart, Share, Shared, generate_files_shard, generate_shard};

use std::{path::Path, time::Instant};

use serde::Serialize;

use crate::{
    config::{Config, DbUrl, SchemaMode},
    db::{DbErrorKind, Sink, connect},
    error::Error,
    evaluate::Audit,
    files::Made,
    finding::Finding,
    load::{LoadSummary, refuse_same, refuse_strangers, rehearse},
    model::{ColumnCoverage, Completion},
    model_file,
    pipeline::{
        around::{Hooked, Planting, changes, noted},
        learn::Opened,
    },
    plan::{MemoryEstimate, Plan},
    privacy::Ledger,
    progress::{Progress, Silent},
    rules::Condition,
    schema::Schema,
    snapshot::Proposal,
    state::{Ends, RunState, Unfinished, file_end},
    verify::{Proof, SchemaComparison},
};

/// What would happen: shown before anything does.
#[derive(Debug, Clone, Serialize)]
pub struct Planned {
    /// The schema found.
    pub schema: Schema,
    /// The order of work.
    pub plan: Plan,
    /// Rows in the source per table, indexed by `TableId`.
    pub real_rows: Vec<u64>,
    /// Rows to be generated per table, as far as known before training.
    pub target_rows: Vec<u64>,
    /// Tables in the target that will be removed; empty if there is no target or it is empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub replaces: Vec<String>,
    /// Relations found in the rows, by table; empty unless rows were read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<TableRule>,
    /// Foreign keys that the catalog does not declare, found by names and values; empty unless looked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub proposals: Vec<Proposal>,
    /// What a run that did not end has left to be taken up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unfinished: Option<Unfinished>,
    /// How every column is made; empty unless asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub coverage: Vec<ColumnCoverage>,
    /// What will be done around the load.
    #[serde(flatten)]
    pub around: Intended,
    /// About how much memory it takes.
    #[serde(flatten)]
    pub memory: MemoryEstimate,
    /// What is worth knowing.
    pub findings: Vec<Finding>,
}

/// A relation that was found in the rows of a table, and is kept in generated ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableRule {
    /// The table whose rows obey.
    pub table: String,
    /// What holds, in words.
    pub rule: String,
}

/// What a run did.
#[derive(Debug, Clone, Serialize)]
pub struct RunSummary {
    /// What was written.
    pub load: LoadSummary,
    /// The proof of every constraint.
    pub proof: Proof,
    /// The target's schema beside the source's; `None` if nothing was committed or it could not be read again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<SchemaComparison>,
    /// What the rows tell of real ones; of generation from a model file, what was found when it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit: Option<Audit>,
    /// What was promised to every entity, if differential privacy was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub privacy: Option<Ledger>,
    /// What was filled of completed columns.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub filled: Vec<FilledColumn>,
    /// The files, where the target is a folder: nothing was proven then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<Made>,
    /// What was done around the load.
    #[serde(flatten)]
    pub around: Surroundings,
    /// What is worth knowing, all stages.
    pub findings: Vec<Finding>,
    /// What a report shows of the rows, if one was asked for.
    #[serde(skip)]
    pub evidence: Option<Evidence>,
}

/// What was filled of one column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FilledColumn {
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// Nulls that became values.
    pub filled: u64,
    /// Nulls that stayed.
    pub left: u64,
}

/// Called once the plan is known and before anything is written; an error stops the run.
pub type OnPlan<'a> = &'a mut dyn FnMut(&Planned) -> Result<(), Error>;

/// Makes the plan of a source.
///
/// # Errors
/// [`Error`] if the source cannot be read or the configuration does not fit it.
pub fn plan(source: &DbUrl, config: &Config) -> Result<Planned, Error> {
    let mut planned = learn::open(source, config, &Silent)?.planned;
    memory::within(config, &mut planned)?;
    Ok(planned)
}

/// What [`explore`] is to read the rows for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Exploration {
    /// Look for relations that hold in them.
    pub rules: bool,
    /// Say how every column is made.
    pub coverage: bool,
}

/// Makes the plan of a source and looks for foreign keys that its catalog does not declare; reads its rows only if asked
/// for what needs them.
///
/// # Errors
/// [`Error`] if the source cannot be read or the configuration does not fit it.
pub fn explore(source: &DbUrl, config: &Config, wanted: Exploration) -> Result<Planned, Error> {
    let opened = learn::find_proposals(learn::open(source, config, &Silent)?)?;
    if !wanted.rules && !wanted.coverage {
        return Ok(opened.planned);
    }
    let pool = thread_pool(config)?;
    let mut planned = pool.install(|| learn::find_rules(opened, config, wanted.coverage))?;
    if !wanted.rules {
        planned.rules.clear();
    }
    Ok(planned)
}

/// Makes the plan of a source, reads its rows and looks for relations that hold in them.
///
/// # Errors
/// [`Error`] if the source cannot be read or the configuration does not fit it.
pub fn plan_with_rules(source: &DbUrl, config: &Config) -> Result<Planned, Error> {
    let mut opened = learn::open(source, config, &Silent)?;
    let config = &*memory::within(config, &mut opened.planned)?;
    let pool = thread_pool(config)?;
    pool.install(|| learn::find_rules(opened, config, false))
}

/// Clones a source into a target.
///
/// # Errors
/// [`Error`] of the stage that failed; the target is then as it was where the engine allows it.
pub fn clone(
    source: &DbUrl,
    target: &DbUrl,
    config: &Config,
    on_plan: OnPlan<'_>,
    progress: &dyn Progress,
) -> Result<RunSummary, Error> {
    let conditions = |opened: &mut Opened| {
        Condition::read_all(&config.conditions, &opened.planned.schema, &opened.planned.plan)?;
        Ok(None)
    };
    learn_and_write((source, target), config, &conditions, on_plan, progress)
}

/// Learns one database and writes another, behind every rail: the same engine, never the source itself, nothing that
/// is not ours without consent. `prepare` says what else the plan must bear, and which nulls are to be filled.
fn learn_and_write(
    (source, target): (&DbUrl, &DbUrl),
    config: &Config,
    prepare: &dyn Fn(&mut Opened) -> Result<Option<Completion>, Error>,
    on_plan: OnPlan<'_>,
    progress: &dyn Progress,
) -> Result<RunSummary, Error> {
    let started = Instant::now();
    if source.dialect() != target.dialect() {
        let (from, to) = (source.dialect(), target.dialect());
        return Err(Error::DifferentEngines { source_engine: from, target_engine: to });
    }
    let mut opened = learn::open(source, config, progress)?;
    let config = &*memory::within(config, &mut opened.planned)?;
    let completion = prepare(&mut opened)?;
    if completion.is_some() && config.privacy.epsilon.is_some() {
        return Err(Error::Usage("complete keeps the real rows: epsilon has no meaning for it".to_owned()));
    }
    let database = connect(target).map_err(Error::Target)?;
    // Ask the target everything that could refuse the run before an hour of work, then let go of it.
    let mut sink = database.sink_with(&config.target).map_err(Error::Target)?;
    if refuse_same(&opened.identity, &sink.identity().map_err(Error::Target)?).is_err() {
        return Err(Error::SameDatabase { target: target.to_string() });
    }
    let hooks = Hooked::read(config, target.dialect())?;
    Planting::new(config, &opened.planned.schema, &opened.planned.plan)?;
    let (replaces, removes_strangers) = replaceable(sink.as_mut(), target, config)?;
    opened.planned.replaces = replaces;
    opened.planned.around.on(sink.as_ref(), removes_strangers, config);
    let last = noted(sink.recall().map_err(Error::Target)?.as_deref());
    let drifted = changes(last.as_ref(), &opened.planned.schema, config)?;
    opened.planned.findings.extend(drifted);
    let state = match &completion {
        Some(_) => RunState::none(),
        None => RunState::look(database_ends(source, target), config),
    };
    opened.planned.unfinished = state.unfinished();
    let Opened { planned, blueprint, .. } = &mut opened;
    let lost = rehearse(
        sink,
        database.dialect(),
        &planned.schema,
        &planned.plan,
        blueprint,
        config.schema_mode.replaces(),
    );
    planned.findings.extend(lost.map_err(Error::Target)?);

    on_plan(&opened.planned)?;
    state.begin();
    let since = opened.since;
    let pool = thread_pool(config)?;
    let learn = || learn::learn(opened, config, completion.as_ref(), &state, progress);
    let learned = interruptible(config, pool.install(learn))?;
    let sink = database.sink_with(&config.target).map_err(Error::Target)?;
    let target = write::Target { database: database.as_ref(), url: target, sink };
    let reference = learned.reference.as_ref();
    let real = learned.real.as_ref();
    let run = write::Run {
        config,
        started,
        since: Some(since),
        hooks: &hooks,
        pool: &pool,
        progress,
        reference,
        real,
        kept: None,
    };
    let summary = interruptible(config, write::write(&learned.fitted.model, target, learned.findings, run))?;
    state.remove();
    Ok(summary)
}

fn database_ends(source: &DbUrl, target: &DbUrl) -> Ends {
    Ends { source: source.place(), target: target.place() }
}

fn file_ends(source: &DbUrl, model: &Path) -> Ends {
    Ends { source: source.place(), target: file_end(model) }
}

/// What a clone that failed has left to be taken up, if it has learned anything.
#[must_use]
pub fn left_of_clone(source: &DbUrl, target: &DbUrl, config: &Config) -> Option<Unfinished> {
    RunState::look(database_ends(source, target), config).unfinished()
}

/// What a training that failed has left to be taken up, if it has learned anything.
#[must_use]
pub fn left_of_training(source: &DbUrl, model: &Path, config: &Config) -> Option<Unfinished> {
    RunState::look(file_ends(source, model), config).unfinished()
}

/// What training a model file said.
#[derive(Debug, Clone, Serialize)]
pub struct Trained {
    /// What was promised to every entity, if differential privacy was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub privacy: Option<Ledger>,
    /// What rows generated from it tell of real ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit: Option<Audit>,
    /// What is worth knowing, all stages.
    pub findings: Vec<Finding>,
}

/// Learns a source into a model file, and audits rows generated from it.
///
/// # Errors
/// [`Error`] of the stage that failed.
pub fn train(
    source: &DbUrl,
    model: &Path,
    config: &Config,
    on_plan: OnPlan<'_>,
    progress: &dyn Progress,
) -> Result<Trained, Error> {
    let mut opened = learn::open(source, config, progress)?;
    let config = &*memory::within(config, &mut opened.planned)?;
    let state = RunState::look(file_ends(source, model), config);
    opened.planned.unfinished = state.unfinished();
    on_plan(&opened.planned)?;
    state.begin();
    let pool = thread_pool(config)?;
    let learned =
        interruptible(config, pool.install(|| learn::learn(opened, config, None, &state, progress)))?;
    let fitted = &learned.fitted.model;
    let audited = |reference: &audit::Reference| {
        pool.install(|| reference.audit_model(fitted, config, progress)).map_err(Error::from)
    };
    let audit = interruptible(config, learned.reference.as_ref().map(audited).transpose())?;
    // What an audit says of real rows is no part of the guarantee: it stays out of the file.
    let kept = audit.as_ref().filter(|_| fitted.origin.privacy.is_none());
    model_file::save(fitted, kept, model)?;
    let privacy = fitted.origin.privacy.clone();
    state.remove();
    let mut findings = learned.findings;
    findings.extend(audit.iter().flat_map(Audit::findings));
    findings.sort();
    findings.dedup();
    Ok(Trained { privacy, audit, findings })
}

/// The tables a run would replace, and whether dbsynth did not make them all.
fn replaceable(sink: &mut dyn Sink, target: &DbUrl, config: &Config) -> Result<(Vec<String>, bool), Error> {
    let inventory = sink.inventory().map_err(Error::Target)?;
    let tables: Vec<String> = inventory.tables.iter().map(ToString::to_string).collect();
    if config.schema_mode == SchemaMode::Create && !tables.is_empty() {
        return Err(Error::TargetTaken { target: target.to_string(), tables });
    }
    let strangers = !tables.is_empty() && !inventory.made_by_dbsynth;
    match refuse_strangers(&inventory, config.schema_mode.replaces()) {
        Ok(()) => Ok((tables, strangers)),
        Err(_) => Err(Error::TargetNotEmpty { target: target.to_string(), tables }),
    }
}

/// A pool of as many threads as the user asked for; results do not depend on their number.
fn thread_pool(config: &Config) -> Result<rayon::ThreadPool, Error> {
    // Not rayon's own default: the process tells rayon inside tensor operations to stay on one thread.
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    rayon::ThreadPoolBuilder::new()
        .num_threads(config.threads.unwrap_or(cores))
        .build()
        .map_err(|error| Error::Usage(format!("cannot start the worker threads: {error}")))
}

/// Whatever an interrupted stage said, the user is told that the run was interrupted, or what else stopped it.
fn interruptible<T>(config: &Config, result: Result<T, Error>) -> Result<T, Error> {
    let stopped = || match config.memory {
        Some(limit) if crate::progress::out_of_memory() => Error::Memory { limit, needed: None },
        _ => Error::Interrupted,
    };
    match result {
        Err(Error::Source(error) | Error::Target(error)) if error.kind == DbErrorKind::Interrupted => {
            Err(stopped())
        }
        Err(Error::Unfinished { kept, .. }) if crate::progress::interrupted() => {
            Err(Error::Unfinished { kept, source: Box::new(stopped()) })
        }
        Err(_) if crate::progress::interrupted() => Err(stopped()),
        other => other,
    }
}
