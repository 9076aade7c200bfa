//! One load: statements of the blueprint around the rows, in the order of their phases.

use std::{collections::BTreeMap, time::Instant};

use crate::{
    config::TableMode,
    data::TableData,
    db::{Blueprint, DbError, DbErrorKind, Dialect, Inventory, Phase, ServerIdentity, Session, Sink},
    finding::Finding,
    load::selection::{here, leaves_out, lost_keys},
    plan::Plan,
    progress::{Event, Progress, interrupted},
    schema::{Schema, TableId},
};

const STAGE: &str = "load";
/// Rows per write: large enough for every bulk protocol, small enough for a live bar and an interrupt.
const WRITE_ROWS: usize = 20_000;
/// The code of a finding about an object the target does without.
const NOT_MADE: &str = "object-not-made";
/// Names listed in a refusal.
const NAMES_SHOWN: usize = 5;

/// What was written of one table so far.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Written {
    /// Rows.
    pub rows: u64,
    /// Seconds inside the engine.
    pub seconds: f64,
}

/// A load in progress. Dropped before [`Loader::commit`], the target stays as it was.
pub struct Loader<'a> {
    pub(super) sink: Box<dyn Sink>,
    pub(super) schema: &'a Schema,
    plan: &'a Plan,
    blueprint: &'a Blueprint,
    findings: Vec<Finding>,
    written: Vec<Written>,
}

impl<'a> Loader<'a> {
    /// Looks at the target, makes room and creates the bare tables.
    ///
    /// # Errors
    /// [`DbErrorKind::Refused`] if the target holds what dbsynth did not make and `replace` is false;
    /// [`DbErrorKind::Unsupported`] if the blueprint is of another engine; else what the engine says.
    pub fn begin(
        mut sink: Box<dyn Sink>,
        dialect: &dyn Dialect,
        schema: &'a Schema,
        plan: &'a Plan,
        blueprint: &'a Blueprint,
        replace: bool,
    ) -> Result<Self, DbError> {
        if blueprint.dialect != dialect.name() {
            let message =
                format!("a {} database cannot be loaded into a {} target", blueprint.dialect, dialect.name());
            return Err(DbError::new(DbErrorKind::Unsupported, message));
        }
        admit(sink.as_mut(), schema, plan, replace)?;
        sink.begin()?;
        let written = vec![Written::default(); schema.tables.len()];
        let findings = lost_keys(schema, plan, blueprint);
        let mut loader = Self { sink, schema, plan, blueprint, findings, written };
        loader.run(Phase::Prepare)?;
        loader.run(Phase::Table)?;
        Ok(loader)
    }

    /// Writes rows of a table, in pieces.
    ///
    /// # Errors
    /// What the engine says; [`DbErrorKind::Interrupted`] if the user stops the run.
    pub fn write(
        &mut self,
        table: TableId,
        rows: &TableData,
        progress: &dyn Progress,
    ) -> Result<(), DbError> {
        let name = self.schema.table(table).name.to_string();
        let mut from = 0;
        while from < rows.row_count {
            stop_if_interrupted()?;
            let count = WRITE_ROWS.min(rows.row_count - from);
            let started = Instant::now();
            self.sink.append(self.schema.table(table), &rows.slice(from, count))?;
            let written = &mut self.written[table.0];
            written.rows += count as u64;
            written.seconds += started.elapsed().as_secs_f64();
            progress.event(&Event::TableAdvanced { stage: STAGE, table: name.clone(), done: count as u64 });
            from += count;
        }
        Ok(())
    }

    /// Ends the bulk write of a table.
    ///
    /// # Errors
    /// What the engine says.
    pub fn finish_table(&mut self, table: TableId, progress: &dyn Progress) -> Result<(), DbError> {
        let started = Instant::now();
        self.sink.finish_table(self.schema.table(table))?;
        self.written[table.0].seconds += started.elapsed().as_secs_f64();
        let table = self.schema.table(table).name.to_string();
        progress.event(&Event::TableFinished { stage: STAGE, table });
        Ok(())
    }

    /// Adds keys, indexes, foreign keys and whatever stands on them, and sets the sequences. Returns what
    /// is worth knowing of the load so far.
    ///
    /// # Errors
    /// What the engine says to a statement that is not optional, for example
    /// [`DbErrorKind::Constraint`] if the rows break a key.
    pub fn finish(&mut self, progress: &dyn Progress) -> Result<Vec<Finding>, DbError> {
        progress.event(&Event::StageStarted { stage: "constraints" });
        for phase in [Phase::Fill, Phase::Key, Phase::Index, Phase::ForeignKey, Phase::Finish] {
            self.run(phase)?;
        }
        self.sink.set_sequences(self.schema, &here(self.blueprint, self.plan))?;
        progress.event(&Event::StageFinished { stage: "constraints" });
        let mut findings = std::mem::take(&mut self.findings);
        findings.extend(self.sink.take_findings());
        Ok(findings)
    }

    /// The connection that sees what was written, to prove it before anybody else does.
    pub fn session(&mut self) -> &mut dyn Session {
        &mut *self.sink
    }

    /// Rows and seconds per table so far, indexed by [`TableId`].
    #[must_use]
    pub fn written(&self) -> &[Written] {
        &self.written
    }

    /// The tables that exist on the target.
    #[must_use]
    pub fn tables(&self) -> Vec<TableId> {
        self.schema.iter().map(|(id, _)| id).filter(|id| !self.skips(*id)).collect()
    }

    /// Makes everything visible at once.
    ///
    /// # Errors
    /// What the engine says; the target is then as it was.
    pub fn commit(self) -> Result<(), DbError> {
        self.sink.commit()
    }

    fn skips(&self, table: TableId) -> bool {
        self.plan.table(table).mode == TableMode::Skip
    }

    fn run(&mut self, phase: Phase) -> Result<(), DbError> {
        let blueprint = self.blueprint;
        for statement in blueprint.statements.iter().filter(|statement| statement.phase == phase) {
            if leaves_out(self.plan, statement) {
                continue;
            }
            stop_if_interrupted()?;
            if let Err(error) = self.sink.execute(&statement.sql) {
                // What was stopped says nothing of the object: the next run makes it.
                let fatal = matches!(
                    error.kind,
                    DbErrorKind::DiskFull
                        | DbErrorKind::Disconnected
                        | DbErrorKind::Interrupted
                        | DbErrorKind::Timeout
                );
                if fatal || !statement.optional {
                    let mut message = format!("{}: {}", statement.object, error.message);
                    // What could not be made before may be what is missing now: an extension and its types.
                    if let Some(lost) = self.findings.iter().find(|finding| finding.code == NOT_MADE) {
                        message = format!("{message}; before it, {}", lost.what);
                    }
                    return Err(DbError::new(error.kind, message).caused_by(error));
                }
                let mut finding = Finding::warning(NOT_MADE, format!("{}: {error}", statement.object))
                    .instead("left out of the target");
                if let Some(table) = statement.table {
                    finding = finding.table(&self.schema.table(table).name);
                }
                self.findings.push(finding);
            }
        }
        Ok(())
    }
}

/// Asks the target all that could refuse a load before anything is written there.
fn admit(sink: &mut dyn Sink, schema: &Schema, plan: &Plan, replace: bool) -> Result<(), DbError> {
    let inventory = sink.inventory()?;
    refuse_strangers(&inventory, replace)?;
    refuse_clashes(&inventory, schema, plan)?;
    sink.check_writable(schema)
}

/// Makes the whole schema without rows and lets go of it, where that costs next to nothing: what the target cannot
/// make is known before an hour of learning. Elsewhere it only makes room and lets go of that, which asks for every
/// right. Returns what the target will have to do without.
///
/// # Errors
/// As [`Loader::begin`] and [`Loader::finish`].
pub fn rehearse(
    mut sink: Box<dyn Sink>,
    dialect: &dyn Dialect,
    schema: &Schema,
    plan: &Plan,
    blueprint: &Blueprint,
    replace: bool,
) -> Result<Vec<Finding>, DbError> {
    if !sink.can_rehearse() {
        admit(sink.as_mut(), schema, plan, replace)?;
        sink.begin()?;
        return Ok(Vec::new());
    }
    let tried = || {
        let mut loader = Loader::begin(sink, dialect, schema, plan, blueprint, replace)?;
        let findings = std::mem::take(&mut loader.findings);
        // What comes after the keys may depend on the rows.
        for phase in [Phase::Key, Phase::Index, Phase::ForeignKey] {
            loader.run(phase)?;
        }
        Ok(findings)
    };
    match tried() {
        // Somebody reads the old copy; he will be gone when it is replaced.
        Err(DbError { kind: DbErrorKind::Timeout, .. }) => Ok(Vec::new()),
        tried => tried,
    }
}

/// Refuses a target that is its own source.
///
/// # Errors
/// [`DbErrorKind::Refused`] if both are one database.
pub fn refuse_same(source: &ServerIdentity, target: &ServerIdentity) -> Result<(), DbError> {
    if source.server == target.server && source.database == target.database {
        let message = "the target is the source: nothing may be written there";
        return Err(DbError::new(DbErrorKind::Refused, message));
    }
    Ok(())
}

/// Refuses a target that holds what dbsynth did not make, unless the user said to replace it.
///
/// # Errors
/// [`DbErrorKind::Refused`] with what is there and the flag that would allow it.
pub fn refuse_strangers(inventory: &Inventory, replace: bool) -> Result<(), DbError> {
    if replace || inventory.made_by_dbsynth || inventory.tables.is_empty() {
        return Ok(());
    }
    let mut names: Vec<String> = inventory.tables.iter().take(NAMES_SHOWN).map(ToString::to_string).collect();
    if inventory.tables.len() > NAMES_SHOWN {
        names.push(format!("{} more", inventory.tables.len() - NAMES_SHOWN));
    }
    let message = format!(
        "the target holds tables dbsynth did not make ({}); --replace removes them",
        names.join(", ")
    );
    Err(DbError::new(DbErrorKind::Refused, message))
}

/// Refuses tables whose names would be one on the target: the second would overwrite the first, or fail.
fn refuse_clashes(inventory: &Inventory, schema: &Schema, plan: &Plan) -> Result<(), DbError> {
    if !inventory.ignores_case {
        return Ok(());
    }
    let mut alike: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (_, table) in schema.iter().filter(|(id, _)| plan.table(*id).mode != TableMode::Skip) {
        let name = table.name.to_string();
        alike.entry(name.to_lowercase()).or_default().push(name);
    }
    let clashes: Vec<String> =
        alike.into_values().filter(|names| names.len() > 1).map(|names| names.join(" and ")).collect();
    if clashes.is_empty() {
        return Ok(());
    }
    let mut shown: Vec<String> = clashes.iter().take(NAMES_SHOWN).cloned().collect();
    if clashes.len() > NAMES_SHOWN {
        shown.push(format!("{} more", clashes.len() - NAMES_SHOWN));
    }
    let message = format!(
        "the target's server ignores the case of table names, and {} would be one table there; leave one out with \
         --exclude, or load into a server that tells them apart (lower_case_table_names = 0)",
        shown.join("; ")
    );
    Err(DbError::new(DbErrorKind::Refused, message))
}

fn stop_if_interrupted() -> Result<(), DbError> {
    if interrupted() { Err(DbError::new(DbErrorKind::Interrupted, "interrupted")) } else { Ok(()) }
}
