//! What is done with each table.
//!
//! In this order: an excluded table, or one that is not among `tables`, is skipped; the user's `mode` holds; the
//! bookkeeping of a migration framework is copied (an application refuses to start without it); everything else
//! is synthesized. Two things cannot be had: a copied table whose parents are not copied (refused), and rows
//! whose NOT NULL foreign key has a parent without rows (the table stays empty, with a warning).

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    config::{Config, TableMode, TableSettings},
    finding::Finding,
    plan::{PlanError, names},
    schema::{ForeignKey, Schema, Table, TableId},
};

/// Tables in which migration frameworks keep what they have applied.
const FRAMEWORK_TABLES: [&str; 24] = [
    "__diesel_schema_migrations",
    "__drizzle_migrations",
    "__efmigrationshistory",
    "_prisma_migrations",
    "_sqlx_migrations",
    "alembic_version",
    "ar_internal_metadata",
    "databasechangelog",
    "databasechangeloglock",
    "django_migrations",
    "doctrine_migration_versions",
    "flyway_schema_history",
    "gopg_migrations",
    "goose_db_version",
    "knex_migrations",
    "knex_migrations_lock",
    "mikro_orm_migrations",
    "phinxlog",
    "pgmigrations",
    "refinery_schema_history",
    "schema_migrations",
    "schema_version",
    "seaql_migrations",
    "sequelizemeta",
];

/// The reason of a table nobody said anything about.
pub(super) const DEFAULT_REASON: &str = "default";

/// The mode of one table and why.
#[derive(Debug, Clone)]
pub(super) struct Mode {
    pub(super) mode: TableMode,
    pub(super) reason: String,
    chosen: bool,
}

impl Mode {
    fn new(mode: TableMode, reason: &str) -> Self {
        Self { mode, reason: reason.to_owned(), chosen: false }
    }

    pub(super) fn has_rows(&self) -> bool {
        matches!(self.mode, TableMode::Synthesize | TableMode::Copy)
    }
}

/// Collects what the configuration says per table, and checks every name in it. An entry for one table goes
/// before a pattern (`[tables."log_*"]`) that covers it.
///
/// # Errors
/// [`PlanError`] if a table or column is unknown, or entries contradict each other.
pub fn settings(schema: &Schema, config: &Config) -> Result<BTreeMap<TableId, TableSettings>, PlanError> {
    let (patterns, names): (Vec<_>, Vec<_>) = config.tables.iter().partition(|(name, _)| name.contains('*'));
    let covered = collect(schema, &patterns)?;
    let mut settings = collect(schema, &names)?;
    for (id, pattern) in covered {
        let known = settings.entry(id).or_default();
        known.mode = known.mode.or(pattern.mode);
        known.rows = known.rows.or(pattern.rows);
        known.context = known.context.take().or(pattern.context);
        for (column, meaning) in pattern.columns {
            known.columns.entry(column).or_insert(meaning);
        }
    }
    Ok(settings)
}

fn collect(
    schema: &Schema,
    entries: &[(&String, &TableSettings)],
) -> Result<BTreeMap<TableId, TableSettings>, PlanError> {
    let mut settings: BTreeMap<TableId, TableSettings> = BTreeMap::new();
    for (name, said) in entries {
        for id in names::tables(schema, name, "[tables]")? {
            for column in said.columns.keys() {
                names::column(schema, id, column, &format!("[tables.{name}.columns]"))?;
            }
            let known = settings.entry(id).or_default();
            let contradiction =
                |setting| PlanError::Contradiction { table: schema.table(id).name.to_string(), setting };
            known.mode = merge(known.mode, said.mode).ok_or_else(|| contradiction("mode"))?;
            known.rows = merge(known.rows, said.rows).ok_or_else(|| contradiction("rows"))?;
            known.context =
                merge(known.context.take(), said.context.clone()).ok_or_else(|| contradiction("context"))?;
            known.columns.extend(said.columns.clone());
        }
    }
    Ok(settings)
}

/// One of two wishes, `None` if they differ.
fn merge<T: PartialEq>(known: Option<T>, said: Option<T>) -> Option<Option<T>> {
    match (known, said) {
        (Some(known), Some(said)) if known != said => None,
        (known, said) => Some(said.or(known)),
    }
}

/// Lists the tables that are left out, before anything of them is read.
///
/// # Errors
/// [`PlanError`] if the configuration does not fit the schema.
pub fn skipped(schema: &Schema, config: &Config) -> Result<BTreeSet<TableId>, PlanError> {
    let modes = decide(schema, config, &settings(schema, config)?, &mut Vec::new())?;
    let left_out = schema.iter().zip(&modes).filter(|(_, mode)| mode.mode == TableMode::Skip);
    Ok(left_out.map(|((id, _), _)| id).collect())
}

/// Decides the mode of every table.
pub(super) fn decide(
    schema: &Schema,
    config: &Config,
    settings: &BTreeMap<TableId, TableSettings>,
    findings: &mut Vec<Finding>,
) -> Result<Vec<Mode>, PlanError> {
    let mut only = Vec::new();
    for pattern in &config.only_tables {
        only.extend(names::tables(schema, pattern, "tables")?);
    }
    let mut excluded = Vec::new();
    for pattern in &config.exclude_tables {
        excluded.extend(names::tables(schema, pattern, "exclude")?);
    }
    let mut modes: Vec<Mode> = schema
        .iter()
        .map(|(id, table)| {
            if excluded.contains(&id) {
                Mode::new(TableMode::Skip, "excluded")
            } else if !only.is_empty() && !only.contains(&id) {
                Mode::new(TableMode::Skip, "not among the tables asked for")
            } else if let Some(mode) = settings.get(&id).and_then(|settings| settings.mode) {
                Mode { mode, reason: "said so in the configuration".to_owned(), chosen: true }
            } else if FRAMEWORK_TABLES.contains(&table.name.name.to_lowercase().as_str()) {
                Mode::new(TableMode::Copy, "bookkeeping of a migration framework")
            } else {
                Mode::new(TableMode::Synthesize, DEFAULT_REASON)
            }
        })
        .collect();
    settle_copies(schema, &mut modes)?;
    settle_empty(schema, &mut modes, findings);
    for ((_, table), mode) in schema.iter().zip(&modes) {
        if mode.mode == TableMode::Copy {
            findings.push(copied(table, mode));
        }
    }
    Ok(modes)
}

fn copied(table: &Table, mode: &Mode) -> Finding {
    let finding = Finding::note("copied-verbatim", format!("its rows are copied verbatim: {}", mode.reason));
    finding
        .table(&table.name)
        .remedy(format!("[tables.\"{}\"] mode = \"synthesize\" or \"structure\"", table.name))
}

/// A copied table needs copied parents: refuses one the user asked for, synthesizes one nobody asked for.
fn settle_copies(schema: &Schema, modes: &mut [Mode]) -> Result<(), PlanError> {
    // Turning one default copy into a synthesized table may take the parent of another away: repeat.
    while let Some((child, fk)) = first_copy_without_parent(schema, modes) {
        let table = schema.table(child);
        if modes[child.0].chosen {
            return Err(PlanError::CopyWithoutParent {
                table: table.name.to_string(),
                columns: column_names(table, fk),
                parent: schema.table(fk.parent).name.to_string(),
                parent_mode: modes[fk.parent.0].mode.word(),
            });
        }
        modes[child.0] = Mode::new(TableMode::Synthesize, "its parents are not copied");
    }
    Ok(())
}

fn first_copy_without_parent<'a>(schema: &'a Schema, modes: &[Mode]) -> Option<(TableId, &'a ForeignKey)> {
    let copied = |id: TableId| modes[id.0].mode == TableMode::Copy;
    schema
        .foreign_keys()
        .find(|(child, _, fk)| copied(*child) && !copied(fk.parent) && *child != fk.parent)
        .map(|(child, _, fk)| (child, fk))
}

/// A synthesized table with a NOT NULL foreign key to a parent without rows cannot have rows either.
fn settle_empty(schema: &Schema, modes: &mut [Mode], findings: &mut Vec<Finding>) {
    loop {
        let blocked = schema.foreign_keys().find(|(child, _, fk)| {
            modes[child.0].mode == TableMode::Synthesize
                && !modes[fk.parent.0].has_rows()
                && !is_optional(schema.table(*child), fk)
        });
        let Some((child, _, fk)) = blocked else { return };
        let parent = schema.table(fk.parent);
        let table = schema.table(child);
        let parent_mode = modes[fk.parent.0].mode.word();
        findings.push(
            Finding::warning(
                "parent-without-rows",
                format!("every row needs a parent in {}, which has none here ({parent_mode})", parent.name),
            )
            .table(&table.name)
            .column(column_names(table, fk).join(", "))
            .instead("the table is created and left empty")
            .remedy(format!("take {} in, or skip {} as well", parent.name, table.name)),
        );
        let reason = format!("its parent {} has no rows here", parent.name);
        modes[child.0] = Mode::new(TableMode::Structure, &reason);
    }
}

/// True if a row may be without a parent: some column of the key may be null (all of them for MATCH FULL), or the key
/// does not bind all rows.
pub(super) fn is_optional(child: &Table, fk: &ForeignKey) -> bool {
    if fk.when().is_some() {
        return true;
    }
    let mut nullable = fk.columns.iter().map(|id| child.column(*id).nullable);
    if fk.match_full { nullable.all(|nullable| nullable) } else { nullable.any(|nullable| nullable) }
}

/// Names of a foreign key's columns.
pub(super) fn column_names(child: &Table, fk: &ForeignKey) -> Vec<String> {
    fk.columns.iter().map(|id| child.column(*id).name.clone()).collect()
}
