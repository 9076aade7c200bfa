//! Data completion: a copy of real rows in which the nulls of some columns are filled.

use crate::{
    config::{Config, DbUrl, TableMode},
    error::Error,
    finding::Finding,
    model::Completion,
    pipeline::{OnPlan, RunSummary, learn::Opened, learn_and_write},
    plan::{ColumnRole, Plan},
    progress::Progress,
    schema::{DataType, DialectName, Schema},
};

/// Digits that a 64-bit float holds in any decimal.
const EXACT_DIGITS: u32 = 15;

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
        let completion = find(schema, plan, table, columns)?;
        let rounded = rounded(schema, plan);
        opened.planned.findings.extend(rounded);
        Ok(Some(completion))
    };
    learn_and_write((source, target), &copying(config), &find, on_plan, progress)
}

/// The configuration with every table copied, but for those left out.
fn copying(config: &Config) -> Config {
    let mut config = config.clone();
    config.scale = 1.0;
    config.conditions.clear();
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
    if plan.table(id).mode != TableMode::Copy {
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

/// Tells of decimals that may have more digits than can be carried.
fn rounded(schema: &Schema, plan: &Plan) -> Vec<Finding> {
    let mut findings = Vec::new();
    // SQLite itself holds no decimals.
    if schema.dialect == DialectName::Sqlite {
        return findings;
    }
    for (_, table) in schema.iter().filter(|(id, _)| plan.table(*id).mode == TableMode::Copy) {
        for column in &table.columns {
            let DataType::Decimal { precision, .. } = column.data_type else { continue };
            if precision.is_none_or(|digits| digits > EXACT_DIGITS) {
                findings.push(
                    Finding::warning("decimal-rounded", "digits beyond the 15th cannot be copied")
                        .table(&table.name)
                        .column(&column.name)
                        .instead("such values are rounded"),
                );
            }
        }
    }
    findings
}
