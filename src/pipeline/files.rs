//! From a fitted model to a folder of files, behind the same rails as a database.

use std::{path::Path, time::Instant};

use crate::{
    config::{Config, DbUrl, FileFormat},
    error::Error,
    evaluate::Audit,
    files::{FilesError, Folder, FolderWriter, ModelFacts, RunFacts},
    finding::Finding,
    model::Model,
    model_file,
    pipeline::{
        OnPlan, Planned, RunSummary,
        around::Hooked,
        conclude::{Proved, conclude, withheld},
        file_ends,
        flow::{Rows, flow},
        generate::planned,
        interruptible, learn, memory, thread_pool,
        write::{Run, options, row_overrides},
    },
    progress::{Event, Progress},
    rules::Condition,
    sample::{Suspect, Unjudged, check_conditions},
    schema::{Schema, Table},
    state::RunState,
    verify::Proof,
};

/// A folder to write, and the form of its files.
#[derive(Debug, Clone, Copy)]
pub struct FolderTarget<'a> {
    /// The folder; it need not be there.
    pub path: &'a Path,
    /// The form.
    pub format: FileFormat,
}

/// Clones a source into a folder of files. Nothing but a server can prove constraints: the proof stays empty.
///
/// # Errors
/// [`Error`] of the stage that failed; the folder is then as it was.
pub fn clone_files(
    source: &DbUrl,
    target: FolderTarget<'_>,
    config: &Config,
    on_plan: OnPlan<'_>,
    progress: &dyn Progress,
) -> Result<RunSummary, Error> {
    let started = Instant::now();
    let mut opened = learn::open(source, config, progress)?;
    let config = &*memory::within(config, &mut opened.planned)?;
    Condition::read_all(&config.conditions, &opened.planned.schema, &opened.planned.plan)?;
    let read = source.sqlite_path();
    let folder = tried(admit(target, config, read.as_deref(), &mut opened.planned)?, target)?;
    let state = RunState::look(file_ends(source, target.path), config);
    opened.planned.unfinished = state.unfinished();
    on_plan(&opened.planned)?;
    state.begin();
    let since = opened.since;
    let pool = thread_pool(config)?;
    let learned =
        interruptible(config, pool.install(|| learn::learn(opened, config, None, &state, progress)))?;
    let (reference, real) = (learned.reference.as_ref(), learned.real.as_ref());
    let hooks = Hooked::default();
    let since = Some(since);
    let run =
        Run { config, started, since, hooks: &hooks, pool: &pool, progress, reference, real, kept: None };
    let written = write(&learned.fitted.model, (folder, target.format), learned.findings, run);
    let summary = interruptible(config, written)?;
    state.remove();
    Ok(summary)
}

/// Generates from a model file into a folder of files.
///
/// # Errors
/// [`Error`] of the stage that failed; the folder is then as it was.
pub fn generate_files(
    model_path: &Path,
    target: FolderTarget<'_>,
    config: &Config,
    on_plan: OnPlan<'_>,
    progress: &dyn Progress,
) -> Result<RunSummary, Error> {
    let started = Instant::now();
    let (model, audit) = model_file::load_audited(model_path)?;
    let mut planned = planned(&model, config);
    let folder = tried(admit(target, config, Some(model_path), &mut planned)?, target)?;
    on_plan(&planned)?;
    let pool = thread_pool(config)?;
    let hooks = Hooked::default();
    let run = Run::of_model((config, &hooks), started, &pool, progress);
    let findings = audit.iter().flat_map(Audit::findings).chain(planned.findings).collect();
    let summary = interruptible(config, write(&model, (folder, target.format), findings, run))?;
    Ok(RunSummary { audit, ..summary })
}

/// Begins a folder and gives it up again: what stands in its way is said before anything is learnt or drawn.
fn tried(mut folder: Folder, target: FolderTarget<'_>) -> Result<Folder, Error> {
    folder.begin()?;
    drop(folder);
    Ok(Folder::open(target.path)?)
}

/// Looks at the folder before anything is written. `read` is a file that the run reads: it must not be in a folder that
/// goes away.
pub(super) fn admit(
    target: FolderTarget<'_>,
    config: &Config,
    read: Option<&Path>,
    planned: &mut Planned,
) -> Result<Folder, Error> {
    let folder = Folder::open(target.path)?;
    if let Some(read) = read.filter(|read| folder.holds(read)) {
        let reason = format!("{} is inside, which this run reads", read.display());
        return Err(FilesError::Refused { path: target.path.display().to_string(), reason }.into());
    }
    planned.replaces = folder.admit(config.schema_mode)?;
    planned.around.removes_strangers = !planned.replaces.is_empty() && !folder.held()?.made_by_dbsynth;
    if config.hooks.iter().next().is_some() || !config.identities.is_empty() {
        let what = "hooks and identities need a database as target";
        planned.findings.push(Finding::warning("not-in-files", what).instead("they are left out"));
        planned.around.hooks.clear();
        planned.around.identities.clear();
    }
    Ok(folder)
}

pub(super) fn write(
    model: &Model,
    (folder, format): (Folder, FileFormat),
    mut findings: Vec<Finding>,
    run: Run<'_>,
) -> Result<RunSummary, Error> {
    let Run { config, progress, .. } = run;
    let Model { schema, plan, blueprint, .. } = model;
    let conditions = Condition::read_all(&config.conditions, schema, plan)?;
    check_conditions(model, &conditions, config.seed)?;
    let rows = row_overrides(model, config)?;
    let mut writer = FolderWriter::begin(folder, (format, config.schema_mode), schema, plan, blueprint)?;
    let rows = run.kept.map_or(Rows::Drawn(options(config, &rows, &conditions)), Rows::Kept);
    let flowed = flow(model, (rows, None), run, &mut writer, Error::from)?;
    findings.extend(flowed.sampled.findings.iter().cloned());
    findings.extend(unjudged(schema, &flowed.unjudged));
    writer.doubt(&flowed.unjudged.iter().map(|(id, ..)| id).collect());
    progress.event(&Event::StageStarted { stage: "finish" });
    findings.extend(writer.finish()?);
    progress.event(&Event::StageFinished { stage: "finish" });
    let seconds = writer.written().to_vec();
    let (audit, kept_back) = withheld(model, run, &flowed, &findings)?;
    let stays = kept_back.is_some();
    findings.extend(kept_back);
    let proved = Proved { proof: Proof::default(), schema: None, audit };
    let mut summary = conclude(model, run, flowed, &seconds, proved, findings)?;
    let origin = &model.origin;
    let facts = ModelFacts {
        dbsynth: origin.version.clone(),
        seed: origin.seed,
        fingerprint: origin.fingerprint.clone(),
    };
    let facts =
        RunFacts { seed: config.seed.0, scale: config.scale, model: &facts, findings: &summary.findings };
    if crate::progress::interrupted() {
        return interruptible(config, Err(Error::Interrupted));
    }
    if stays {
        return Ok(summary);
    }
    summary.files = Some(writer.commit(facts)?);
    summary.around.snapshot_age_seconds = run.since.map(|since| since.elapsed().as_secs_f64());
    Ok(summary)
}

/// Constraints that only a server could have judged.
fn unjudged(schema: &Schema, found: &Unjudged) -> Vec<Finding> {
    let findings = found.iter().map(|(id, suspect, rows)| {
        let table = schema.table(id);
        let what =
            format!("{rows} rows were not held against {}: only a server can", constraint(table, suspect));
        Finding::warning("not-judged", what)
            .table(&table.name)
            .instead("they are written as they were drawn")
            .remedy("a database as target tries them first; `dbsynth verify` finds those that break it")
    });
    findings.collect()
}

fn constraint(table: &Table, suspect: Suspect) -> String {
    let named = |kind: &str, name: Option<&String>| match name {
        Some(name) => format!("{kind} {name}"),
        None => kind.to_owned(),
    };
    match suspect {
        Suspect::Check(place) => named("check", table.checks.get(place).map(|check| &check.name)),
        Suspect::Key(place) => named("unique key", table.keys().nth(place).map(|key| &key.name)),
        Suspect::Exclusion(place) => named("exclusion", table.exclusions.get(place).map(|one| &one.name)),
        Suspect::Index(place) => named("index", table.computed_indexes.get(place).map(|index| &index.name)),
        Suspect::Generated(place) => {
            named("generated column", table.columns.get(place).map(|column| &column.name))
        }
        Suspect::ForeignKey(place) => {
            named("foreign key", table.foreign_keys.get(place).map(|key| &key.name))
        }
    }
}
