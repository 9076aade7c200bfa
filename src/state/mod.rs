//! What a run has learned, kept in a folder until the run is done, so that one that fails need not learn it again.
//!
//! Every run has a folder of its own, named by source and target. In it are the networks of each table as soon as they
//! are learned, and the whole model when learning has ended: model parameters, and never a row. Whatever is kept is
//! named by what it was learned from; it is taken up only where a run would learn from exactly the same.

mod digest;
mod folder;
mod manifest;

#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    fs::File,
    io,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use chrono::DateTime;
use serde::Serialize;

use crate::{
    config::Config,
    db::Blueprint,
    finding::Finding,
    model::{Fitted, Keeper, Lesson, Networks},
    model_file::{model_without_rows, pack_networks, read_model, read_networks},
    plan::Plan,
    schema::{ForeignKeyId, Schema, TableId},
    seed::fingerprint,
    snapshot::Snapshot,
    state::{
        digest::{of_bytes, of_lesson, of_rows, of_settings, of_source},
        folder::Folder,
        manifest::{Kept, KeptModel, Manifest},
    },
};

/// What a run that did not end has left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unfinished {
    /// When it began: `2026-11-22 03:12 UTC`.
    pub started: String,
    /// Tables it had learned.
    pub learned: usize,
    /// Tables it was going to learn.
    pub tables: usize,
    /// True if the learning had ended.
    pub complete: bool,
    /// True if this run takes it up.
    pub taken_up: bool,
}

/// What a run is between.
#[derive(Debug, Clone)]
pub struct Ends {
    /// The database that is learned, without user and password.
    pub source: String,
    /// The database or file that is written, without user and password.
    pub target: String,
}

/// The state of a run.
pub struct RunState {
    folder: Option<Folder>,
    ends: Ends,
    /// Of this run.
    settings: String,
    resume: bool,
    /// What was there before.
    before: Option<Manifest>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// Held as long as the run goes on.
    lock: Option<File>,
    manifest: Manifest,
    /// Tables that were not learned again.
    taken_up: usize,
    findings: Vec<Finding>,
}

/// The source as a planned run knows it.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// Its schema.
    pub schema: &'a Schema,
    /// The order of work.
    pub plan: &'a Plan,
    /// How to build it again.
    pub blueprint: &'a Blueprint,
    /// Rows per table.
    pub real_rows: &'a [u64],
    /// Parent rows that have a child, per foreign key.
    pub used_parents: &'a BTreeMap<(TableId, ForeignKeyId), u64>,
}

/// What was found on the way to a model.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// In reading the rows.
    pub read: Vec<Finding>,
    /// In learning.
    pub learned: Vec<Finding>,
}

impl RunState {
    /// Keeps nothing.
    #[must_use]
    pub fn none() -> Self {
        let ends = Ends { source: String::new(), target: String::new() };
        let inner = Mutex::default();
        Self { folder: None, ends, settings: String::new(), resume: false, before: None, inner }
    }

    /// Looks what an earlier run between the same ends has left. Nothing is written yet. Under differential privacy
    /// nothing is kept: what tells rows of one day from those of another is no part of the promise, and the noise of
    /// a second run would be a second look.
    #[must_use]
    pub fn look(ends: Ends, config: &Config) -> Self {
        if config.privacy.epsilon.is_some() {
            let state = Self::none();
            if config.resume {
                state.find(
                    Finding::note("not-resumed", "nothing is kept of a run under differential privacy")
                        .instead("everything was learned anew"),
                );
            }
            return state;
        }
        let Some(root) = config.state.path() else {
            let state = Self::none();
            if config.resume {
                state.find(
                    Finding::note("no-state-folder", "there is no folder for the state of runs")
                        .instead("nothing was taken up, and nothing is kept")
                        .remedy("name one with --state DIR"),
                );
            }
            return state;
        };
        let name = fingerprint(format!("{}\n{}", ends.source, ends.target).as_bytes());
        let folder = Folder::new(root.join(&name[..16]));
        let inner = Mutex::new(Inner::default());
        let (settings, resume) = (of_settings(config), config.resume);
        let read = folder.manifest();
        let mut state = Self { folder: Some(folder), ends, settings, resume, before: None, inner };
        match read {
            Ok(before) => state.before = before,
            Err(_) => state.damaged("run.json"),
        }
        state
    }

    /// What an earlier run has left, if it has learned anything.
    #[must_use]
    pub fn unfinished(&self) -> Option<Unfinished> {
        let before = self.before.as_ref()?;
        (!before.learned.is_empty()).then(|| self.standing(before))
    }

    fn standing(&self, manifest: &Manifest) -> Unfinished {
        let seconds = i64::try_from(manifest.started).unwrap_or_default();
        let started = DateTime::from_timestamp(seconds, 0).unwrap_or_default();
        Unfinished {
            started: started.format("%Y-%m-%d %H:%M UTC").to_string(),
            learned: manifest.learned.len(),
            tables: manifest.tables.max(manifest.learned.len()),
            complete: manifest.model.is_some(),
            taken_up: self.resume,
        }
    }

    /// Makes the folder. What an earlier run has left stays there until this one has learned the same table.
    pub fn begin(&self) {
        let Some(folder) = &self.folder else { return };
        match folder.take() {
            Ok(Some(lock)) => {
                let mut inner = self.inner();
                let now = now();
                let before = self.before.clone().unwrap_or_default();
                inner.lock = Some(lock);
                inner.manifest = Manifest {
                    source: self.ends.source.clone(),
                    target: self.ends.target.clone(),
                    started: now,
                    settings: self.settings.clone(),
                    ..before
                };
            }
            Ok(None) => self.find(
                Finding::note("state-in-use", "another run of the same databases is going on")
                    .instead("nothing is kept of what this one learns"),
            ),
            Err(error) => self.not_kept(&error),
        }
    }

    /// The model that an earlier run learned of a source that looks the same, and what it found; `None` if there is
    /// none, if rows are needed besides, or if nothing is to be taken up.
    #[must_use]
    pub fn model_without_reading(&self, known: Known<'_>, config: &Config) -> Option<(Fitted, Found)> {
        let kept = self.kept_model(known, config)?;
        if kept.audited || kept.uniques {
            return None;
        }
        let fitted = self.read_model(&kept, known)?;
        self.find(
            Finding::note("source-not-read", format!("learning had ended in the run of {}", self.started()))
                .instead("the rows of the source were not read again")
                .remedy("run without --resume to learn it anew"),
        );
        Some((fitted, Found { read: kept.read, learned: kept.learned }))
    }

    /// The model that an earlier run learned of exactly these rows; copied tables have no rows.
    #[must_use]
    pub fn model_of(&self, known: Known<'_>, config: &Config, rows: &Snapshot) -> Option<Fitted> {
        let kept = self.kept_model(known, config)?;
        if kept.rows != of_rows(rows) {
            return None;
        }
        let fitted = self.read_model(&kept, known)?;
        self.find(
            Finding::note("resumed", format!("learning had ended in the run of {}", self.started()))
                .instead("nothing was learned again"),
        );
        Some(fitted)
    }

    fn kept_model(&self, known: Known<'_>, config: &Config) -> Option<KeptModel> {
        let kept = self.before.as_ref().filter(|_| self.resume && self.holds())?.model.clone()?;
        (kept.source == source_name(known, config)).then_some(kept)
    }

    fn read_model(&self, kept: &KeptModel, known: Known<'_>) -> Option<Fitted> {
        let bytes = self.folder.as_ref()?.model().ok().filter(|bytes| of_bytes(bytes) == kept.content);
        let Some(mut model) = bytes.and_then(|bytes| read_model(&bytes).ok()) else {
            self.damaged("the model");
            return None;
        };
        // The plan may ask for other numbers of rows.
        model.plan = known.plan.clone();
        Some(Fitted { model, findings: kept.learned.clone() })
    }

    /// Keeps the whole model, but for the rows of copied tables.
    pub fn keep_model(
        &self,
        fitted: &Fitted,
        (known, config): (Known<'_>, &Config),
        rows: (&Snapshot, bool),
        read: &[Finding],
    ) {
        let Some(folder) = self.folder.as_ref().filter(|_| self.holds()) else { return };
        let (snapshot, audited) = rows;
        let written = model_without_rows(&fitted.model).map_err(io::Error::other).and_then(|bytes| {
            folder.write_model(&bytes)?;
            Ok(of_bytes(&bytes))
        });
        let kept = written.map(|content| KeptModel {
            source: source_name(known, config),
            rows: of_rows(snapshot),
            content,
            audited,
            uniques: fitted.model.tables.iter().flatten().any(|table| table.uniques.is_some()),
            read: read.to_vec(),
            learned: fitted.findings.clone(),
        });
        self.record(kept, |manifest, kept| manifest.model = Some(kept));
    }

    /// What is worth knowing of all this.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let inner = self.inner();
        let mut findings = inner.findings.clone();
        if inner.taken_up > 0 {
            let (taken, tables) = (inner.taken_up, inner.manifest.tables);
            let what = format!("{taken} of {tables} tables were learned in the run of {}", self.started());
            findings.push(Finding::note("resumed", what).instead("they were not learned again"));
        }
        findings
    }

    /// The run is done: nothing is kept any more.
    pub fn remove(&self) {
        if let Some(folder) = self.folder.as_ref().filter(|_| self.holds()) {
            // An open file cannot be removed on Windows; elsewhere nobody else gets hold of the folder meanwhile.
            let lock = self.inner().lock.take().filter(|_| !cfg!(windows));
            if let Err(error) = folder.remove() {
                tracing::warn!(%error, folder = %folder.path().display(), "the state of the run is left");
            }
            drop(lock);
        }
    }

    fn started(&self) -> String {
        self.before.as_ref().map_or_else(String::new, |before| self.standing(before).started)
    }

    fn holds(&self) -> bool {
        self.inner().lock.is_some()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, finding: Finding) {
        let mut inner = self.inner();
        if !inner.findings.contains(&finding) {
            inner.findings.push(finding);
        }
    }

    fn damaged(&self, what: &str) {
        self.find(
            Finding::note("state-damaged", format!("{what}, kept by an unfinished run, cannot be read"))
                .instead("it was learned again"),
        );
    }

    fn not_kept(&self, error: &io::Error) {
        let what = format!("what is learned cannot be kept: {}", error.kind());
        self.find(
            Finding::note("state-not-kept", what)
                .instead("if the run fails, the next one starts from the beginning")
                .remedy("name a folder that can be written with --state DIR, or --state off"),
        );
    }

    /// Writes down what was kept, or says that it was not.
    fn record<K>(&self, kept: io::Result<K>, write: impl FnOnce(&mut Manifest, K)) {
        let Some(folder) = &self.folder else { return };
        let written = kept.and_then(|kept| {
            let mut inner = self.inner();
            write(&mut inner.manifest, kept);
            folder.write_manifest(&inner.manifest)
        });
        if let Err(error) = written {
            self.not_kept(&error);
        }
    }
}

fn source_name(known: Known<'_>, config: &Config) -> String {
    let Known { schema, plan, blueprint, real_rows, used_parents } = known;
    of_source(config, (schema, plan, blueprint), (real_rows, used_parents))
}

impl Keeper for RunState {
    fn expect(&self, tables: usize) {
        let mut inner = self.inner();
        inner.manifest.tables = tables;
        let other = self.before.as_ref().filter(|_| self.resume).map(|before| before.settings.clone());
        drop(inner);
        if other.is_some_and(|settings| settings != self.settings) {
            self.find(
                Finding::note(
                    "learned-again",
                    "the unfinished run had other settings, or was another dbsynth's",
                )
                .instead("nothing of it was taken up"),
            );
        }
    }

    fn name(&self, lesson: Lesson<'_>) -> Option<String> {
        self.holds().then(|| of_lesson(&self.settings, lesson))
    }

    fn recall(&self, table: &str, name: &str) -> Option<Networks> {
        let (before, folder) = (self.before.as_ref().filter(|_| self.resume)?, self.folder.as_ref()?);
        if before.settings != self.settings {
            return None;
        }
        let kept = before.learned.get(table)?;
        if kept.lesson != name {
            self.find(
                Finding::note(
                    "learned-again",
                    "rows that it is learned from have changed since the unfinished run",
                )
                .table(table)
                .instead("it was learned again"),
            );
            return None;
        }
        let bytes = folder.networks(name).ok().filter(|bytes| of_bytes(bytes) == kept.content);
        let Some(networks) = bytes.and_then(|bytes| read_networks(&bytes).ok()) else {
            self.damaged("a table");
            return None;
        };
        self.inner().taken_up += 1;
        Some(networks)
    }

    fn keep(&self, table: &str, name: &str, networks: &Networks) {
        let Some(folder) = &self.folder else { return };
        let written = pack_networks(networks).map_err(io::Error::other).and_then(|bytes| {
            folder.write_networks(name, &bytes)?;
            Ok(Kept { lesson: name.to_owned(), content: of_bytes(&bytes) })
        });
        self.record(written, |manifest, kept| {
            if let Some(old) = manifest.learned.insert(table.to_owned(), kept)
                && old.lesson != name
            {
                folder.drop_networks(&old.lesson);
            }
            // A model of other networks is no model of this run.
            manifest.model = None;
        });
    }
}

impl Drop for RunState {
    fn drop(&mut self) {
        let nothing = {
            let manifest = &self.inner().manifest;
            manifest.learned.is_empty() && manifest.model.is_none()
        };
        if nothing {
            self.remove();
        }
    }
}

/// The ends of a run that writes a file.
#[must_use]
pub fn file_end(path: &Path) -> String {
    format!("file:{}", std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display())
}

/// Seconds since 1970.
#[expect(clippy::disallowed_methods, reason = "no stage: people are told when a run began")]
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
