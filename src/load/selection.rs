//! What of a blueprint belongs to a run that skips some tables.

use crate::{
    config::TableMode,
    db::{Blueprint, Phase, Statement},
    finding::Finding,
    plan::Plan,
    schema::{Schema, TableId},
};

fn skips(plan: &Plan, table: TableId) -> bool {
    plan.table(table).mode == TableMode::Skip
}

/// True if a statement is not run: it belongs to a skipped table, or computes values of rows that are copied.
pub(super) fn leaves_out(plan: &Plan, statement: &Statement) -> bool {
    let fills_other = statement.phase == Phase::Fill
        && statement.table.is_some_and(|table| plan.table(table).mode != TableMode::Synthesize);
    fills_other || [statement.table, statement.parent].into_iter().flatten().any(|table| skips(plan, table))
}

/// The blueprint without what belongs to skipped tables.
#[must_use]
pub fn here(blueprint: &Blueprint, plan: &Plan) -> Blueprint {
    let mut blueprint = blueprint.clone();
    blueprint.sequences.retain(|sequence| !skips(plan, sequence.table));
    blueprint.statements.retain(|statement| !leaves_out(plan, statement));
    blueprint
}

/// Foreign keys to skipped tables: they are lost, or point to nothing where they are part of their table's text.
#[must_use]
pub fn lost_keys(schema: &Schema, plan: &Plan, blueprint: &Blueprint) -> Vec<Finding> {
    let lost =
        schema.foreign_keys().filter(|(child, _, key)| !skips(plan, *child) && skips(plan, key.parent));
    lost.map(|(child, _, key)| {
        let parent = &schema.table(key.parent).name;
        let apart =
            |statement: &&Statement| statement.table == Some(child) && statement.parent == Some(key.parent);
        let instead = match blueprint.statements.iter().find(apart) {
            Some(_) => "the foreign key is left out",
            None => "the foreign key points to nothing",
        };
        let table = schema.table(child);
        let columns: Vec<&str> = key.columns.iter().map(|id| table.column(*id).name.as_str()).collect();
        Finding::note("parent-skipped", format!("its parent {parent} is skipped"))
            .table(&table.name)
            .column(columns.join(", "))
            .instead(instead)
            .remedy(format!("do not skip {parent}"))
    })
    .collect()
}
