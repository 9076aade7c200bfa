//! Data completion: a copy of real rows in which the nulls of some columns are filled.

use crate::{
    config::{Config, DbUrl, TableMode},
    error::Error,
    model::Completion,
    pipeline::{OnPlan, RunSummary, learn::Opened, learn_and_write},
    plan::{ColumnRole, Plan},
    progress::Progress,
    schema::Schema,
};

/// Copies a source into a target, every row as it is, and fills the nulls of `columns` of `table` under a model of
/// the rows where they are known. Moves real rows: ask for consent first.
///
/// # Errors
/// [`Error::Usage`] if a column cannot be filled or a row cannot be copied as it is; else the error of the stage that
/// failed.
pub fn complete(
    (source, target): (&DbUrl, &DbUrl),
    (table, columns): (&str, &[String]),
    config: &Config,
    on_plan: OnPlan<'_>,
    progress: &dyn Progress,
) -> Result<RunSummary, Error> {
    let find = |opened: &mut Opened| {
        let (schema, plan) = (&opened.planned.schema, &opened.planned.plan);
        Ok(Some(find(schema, plan, table, columns)?))
    };
    learn_and_write((source, target), &copying(config), &find, on_plan, progress)
}

/// The configuration with every table copied, but for those left out.
fn copying(config: &Config) -> Config {
    let mut config = config.clone();
    config.scale = 1.0;
    config.conditions.clear();
    // Real rows stay as they are.
    config.identities.clear();
    for settings in config.tables.values_mut() {
        settings.mode = settings.mode.filter(|mode| *mode == TableMode::Skip);
        settings.rows = None;
    }
    config.tables.entry("*".to_owned()).or_default().mode = Some(TableMode::Copy);
    config
}

fn find(schema: &Schema, plan: &Plan, name: &str, columns: &[String]) -> Result<Completion, Error> {
    let id = schema.find(name).ok_or_else(|| Error::Usage(format!("there is no table `{name}`")))?;
    let table = schema.table(id);
    let fail =
        |column: &str, reason: &str| Error::Usage(format!("{name}.{column} cannot be filled: {reason}"));
    if !plan.table(id).is_copied() {
        return Err(Error::Usage(format!("{name} is left out, so nothing of it can be filled")));
    }
    let mut found = Vec::new();
    for column in columns {
        let known = table.find(column).ok_or_else(|| fail(column, "there is no such column"))?;
        if table.keys().any(|key| key.columns.contains(&known)) {
            return Err(fail(column, "it is part of a key"));
        }
        match plan.table(id).columns[known.0] {
            ColumnRole::Attribute => {}
            ColumnRole::Generated => return Err(fail(column, "the database computes it")),
            _ => return Err(fail(column, "it is a foreign key")),
        }
        if !table.column(known).nullable {
            return Err(fail(column, "it is NOT NULL"));
        }
        if !found.contains(&known) {
            found.push(known);
        }
    }
    if found.is_empty() {
        return Err(Error::Usage("no column to fill: --columns a,b".to_owned()));
    }
    Ok(Completion { table: id, columns: found })
}
