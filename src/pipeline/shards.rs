//! Generation by several processes: each draws its share and leaves it in a folder; the last one writes the target.
//!
//! They need nothing of each other but that folder. A share that is there already is not drawn again, so that a
//! process that failed is simply started once more, and so is one that failed to write the target.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use serde::Serialize;

use super::{
    FolderTarget, OnPlan, RunSummary,
    around::Hooked,
    files,
    generate::{self, planned},
    interruptible, thread_pool,
    write::{self, Run, options, row_overrides},
};
use crate::{
    config::{Config, DbUrl},
    error::Error,
    evaluate::Audit,
    files::Folder,
    finding::Finding,
    model::Model,
    model_file,
    parts::{Parts, PartsFolder},
    progress::Progress,
    rules::Condition,
    sample::{SampleOptions, Shard, check_conditions, sample},
    seed::fingerprint,
};

/// A process's share of a generation.
#[derive(Debug, Clone, Copy)]
pub struct Share<'a> {
    /// Which of how many.
    pub shard: Shard,
    /// The folder that all shards see; `None` for one beside the model file.
    pub parts: Option<&'a Path>,
}

/// What became of a share.
#[derive(Debug)]
pub enum Shared {
    /// It is kept; another shard will write the target, or does so now.
    Kept(KeptPart),
    /// It was the last one: the target is written.
    Written(Box<RunSummary>),
}

/// A share that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeptPart {
    /// Which, from 1.
    pub shard: u32,
    /// Of how many.
    pub shards: u32,
    /// Rows in it; `None` if it was there before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// The folder.
    pub parts: String,
    /// The shards that are not there yet, from 1. If there are none, another process writes the target.
    pub missing: Vec<u32>,
}

/// Draws a share of a generation from a model file; if all shares are there then, writes the target.
///
/// # Errors
/// [`Error`] of the stage that failed. Shares that are there stay.
pub fn generate_shard(
    model_path: &Path,
    target: &DbUrl,
    share: Share<'_>,
    config: &Config,
    on_plan: OnPlan<'_>,
    progress: &dyn Progress,
) -> Result<Shared, Error> {
    let started = Instant::now();
    let (model, audit) = model_file::load_audited(model_path)?;
    let admitted = generate::admit(&model, target, config, on_plan)?;
    // Drawing takes long: the connection is made again when it is needed.
    let generate::Admitted { database, sink, hooks, drifted } = admitted;
    drop(sink);
    let pool = thread_pool(config)?;
    let meeting = Meeting { model: &model, place: target.place(), share, config, pool: &pool, progress };
    meeting.attend(model_path, |parts| {
        let sink = database.sink_with(&config.target).map_err(Error::Target)?;
        let target = write::Target { database: database.as_ref(), url: target, sink };
        let run = Run { kept: Some(parts), ..Run::of_model((config, &hooks), started, &pool, progress) };
        let findings = audit.iter().flat_map(Audit::findings).chain(drifted).collect();
        let summary = write::write(&model, target, findings, run)?;
        Ok(RunSummary { audit, ..summary })
    })
}

/// As [`generate_shard`], for a folder of files.
///
/// # Errors
/// [`Error`] of the stage that failed. Shares that are there stay.
pub fn generate_files_shard(
    model_path: &Path,
    target: FolderTarget<'_>,
    share: Share<'_>,
    config: &Config,
    on_plan: OnPlan<'_>,
    progress: &dyn Progress,
) -> Result<Shared, Error> {
    let started = Instant::now();
    let (model, audit) = model_file::load_audited(model_path)?;
    let mut planned = planned(&model, config);
    let folder = files::admit(target, config, Some(model_path), &mut planned)?;
    folder.can_begin()?;
    let place = format!("{} {}", target.format.word(), folder.path().display());
    drop(folder);
    on_plan(&planned)?;
    let pool = thread_pool(config)?;
    let meeting = Meeting { model: &model, place, share, config, pool: &pool, progress };
    meeting.attend(model_path, |parts| {
        let hooks = Hooked::default();
        let run = Run { kept: Some(parts), ..Run::of_model((config, &hooks), started, &pool, progress) };
        let findings = audit.iter().flat_map(Audit::findings).chain(planned.findings).collect();
        let folder = Folder::open(target.path)?;
        let summary = files::write(&model, (folder, target.format), findings, run)?;
        Ok(RunSummary { audit, ..summary })
    })
}

/// One process among those that make a database together.
struct Meeting<'a> {
    model: &'a Model,
    /// Where the rows go.
    place: String,
    share: Share<'a>,
    config: &'a Config,
    pool: &'a rayon::ThreadPool,
    progress: &'a dyn Progress,
}

impl Meeting<'_> {
    /// Leaves this share in the folder; if it was the last one, calls `write` and removes the folder.
    fn attend(
        &self,
        model_path: &Path,
        write: impl FnOnce(&Parts<'_>) -> Result<RunSummary, Error>,
    ) -> Result<Shared, Error> {
        let shard = self.share.shard;
        let base = self.share.parts.map_or_else(|| beside(model_path), Path::to_owned);
        let folder = PartsFolder::open(&base, &self.name(model_path)?, shard.count())?;
        let rows = match folder.holds(shard) {
            true => None,
            false => Some(interruptible(self.config, self.draw(&folder))?),
        };
        let kept = |folder: &PartsFolder| KeptPart {
            shard: shard.index() + 1,
            shards: shard.count(),
            rows,
            parts: folder.path().display().to_string(),
            missing: folder.missing().iter().map(|shard| shard.index() + 1).collect(),
        };
        // Two processes may both find everything there: one of them writes.
        let lock = if folder.missing().is_empty() { folder.take()? } else { None };
        if lock.is_none() {
            let mut kept = kept(&folder);
            if !folder.path().exists() {
                // The target is written already.
                kept.missing.clear();
            }
            return Ok(Shared::Kept(kept));
        }
        let mut summary = interruptible(self.config, write(&folder.read(&self.model.plan)?))?;
        let path = folder.path().display().to_string();
        if let Err(error) = folder.remove() {
            let finding = Finding::note("parts-left", error.to_string());
            summary.findings.push(finding.instead("the target is written").remedy(format!("remove {path}")));
        }
        drop(lock);
        Ok(Shared::Written(Box::new(summary)))
    }

    /// The name of this generation: another one of the same model, or into another target, never meets its parts.
    fn name(&self, model_path: &Path) -> Result<String, Error> {
        let bytes = fs::read(model_path).map_err(|source| Error::File {
            action: "read",
            path: model_path.display().to_string(),
            source,
        })?;
        let rows = row_overrides(self.model, self.config)?;
        let Config { seed, scale, conditions, .. } = self.config;
        let decides = (
            (env!("CARGO_PKG_VERSION"), fingerprint(&bytes), &self.place),
            (seed, scale, rows, conditions, self.share.shard.count()),
        );
        let text = serde_json::to_vec(&decides).map_err(|error| Error::Usage(error.to_string()))?;
        Ok(fingerprint(&text))
    }

    /// Draws this share; returns its rows.
    fn draw(&self, folder: &PartsFolder) -> Result<u64, Error> {
        let Self { model, share, config, pool, progress, .. } = self;
        let conditions = Condition::read_all(&config.conditions, &model.schema, &model.plan)?;
        check_conditions(model, &conditions, config.seed)?;
        let rows = row_overrides(model, config)?;
        let options = SampleOptions { shard: share.shard, ..options(config, &rows, &conditions) };
        let mut part = folder.begin(share.shard)?;
        let sampled = pool.install(|| sample(model, options, &mut part, *progress));
        let summary = match (sampled, part.failure()) {
            (_, Some(failure)) => return Err(failure.into()),
            (sampled, None) => sampled?,
        };
        part.finish(&summary)?;
        Ok(summary.tables.iter().map(|table| table.rows).sum())
    }
}

/// The folder of parts beside a model file: `shop.dbsynth.parts`.
fn beside(model: &Path) -> PathBuf {
    let mut name = model.as_os_str().to_owned();
    name.push(".parts");
    PathBuf::from(name)
}
