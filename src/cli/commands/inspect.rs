//! `dbsynth inspect SOURCE|MODEL`.

use std::{fmt::Write, path::Path};

use super::Setting;
use crate::{
    cli::{args::InspectArgs, render, terminal},
    error::Error,
    pipeline::{self, Exploration, Planned, TableTraining},
    plan::{ColumnRole, explain::grouped},
    report::{promise, text as report},
    schema::{ColumnId, Schema, Table, UniqueKey},
};

pub(super) fn run(args: &InspectArgs, setting: &Setting<'_>) -> Result<u8, Error> {
    if is_model(Path::new(&args.what)) {
        let mut inspected = pipeline::inspect_model(Path::new(&args.what))?;
        if !args.coverage && args.json {
            inspected.planned.coverage.clear();
        }
        let shown = || match args.coverage {
            true => report::coverage(&inspected.planned.coverage),
            false => {
                let promised = inspected.privacy.as_ref().map_or_else(String::new, promise);
                promised + &text(&inspected.planned, &inspected.training)
            }
        };
        terminal::result(&if args.json { render::json(&inspected) } else { shown() });
        return Ok(setting.conclude(&inspected.planned.findings));
    }
    let source = setting.source(&args.what)?;
    let wanted = Exploration { rules: args.rules, coverage: args.coverage };
    let planned = pipeline::explore(&source, &setting.config, wanted)?;
    let shown = || match args.coverage {
        true => report::coverage(&planned.coverage),
        false => format!("{}{}", text(&planned, &[]), proposals(&planned)),
    };
    terminal::result(&if args.json { render::json(&planned) } else { shown() });
    Ok(setting.conclude(&planned.findings))
}

/// The foreign keys that the catalog does not declare, ready to be pasted.
fn proposals(planned: &Planned) -> String {
    if planned.proposals.is_empty() {
        return String::new();
    }
    format!(
        "\nForeign keys that the catalog does not declare, by names and values. Put those that are right into synth.toml:\n\n{}",
        render::references(&planned.proposals)
    )
}

/// True for the file of a model. A SQLite file without `sqlite:` is none: the hint says how to write it.
fn is_model(path: &Path) -> bool {
    let database = path.extension().is_some_and(|extension| {
        ["db", "sqlite", "sqlite3"].iter().any(|known| extension.eq_ignore_ascii_case(known))
    });
    path.is_file() && !database
}

/// Every table with its columns, their types and roles, its keys, the rules found, and how it was learnt.
pub(in crate::cli) fn text(planned: &Planned, training: &[Option<TableTraining>]) -> String {
    let schema = &planned.schema;
    let mut out = format!("{}, {} tables\n", schema.dialect, schema.tables.len());
    for (id, table) in schema.iter() {
        let rows = planned.real_rows.get(id.0).copied().unwrap_or(0);
        let _ = writeln!(out, "\n{} ({} rows)", table.name, grouped(rows));
        let name_width = table.columns.iter().map(|column| column.name.chars().count()).max().unwrap_or(0);
        let type_width =
            table.columns.iter().map(|column| column.native_type.chars().count()).max().unwrap_or(0);
        for (column, role) in table.columns.iter().zip(&planned.plan.table(id).columns) {
            let null = if column.nullable { "null" } else { "not null" };
            let (name, native, role) = (&column.name, &column.native_type, role_word(role));
            let meaning = meaning(planned, &table.name.to_string(), name);
            let _ = writeln!(out, "  {name:name_width$}  {native:type_width$}  {null:8}  {role}{meaning}");
        }
        keys(&mut out, schema, table);
        for rule in planned.rules.iter().filter(|rule| rule.table == table.name.to_string()) {
            let _ = writeln!(out, "  rule {}", rule.rule);
        }
        if let Some(training) = training.get(id.0).copied().flatten() {
            let _ = writeln!(out, "  {}", learnt(&training));
        }
    }
    out
}

/// What a personal column means, and how sure that is.
fn meaning(planned: &Planned, table: &str, column: &str) -> String {
    let known = planned.coverage.iter().find(|known| known.table == table && known.column == column);
    known
        .filter(|known| known.personal)
        .and_then(|known| Some(format!(", personal: {} ({:.2})", known.meaning.as_ref()?, known.score?)))
        .unwrap_or_default()
}

fn learnt(training: &TableTraining) -> String {
    let TableTraining { seconds, rows } = training;
    if rows.steps == 0 {
        return format!("learnt in {seconds:.1} s: frequencies only, too few rows for a network");
    }
    let loss = rows.loss.map_or_else(String::new, |loss| format!(", loss {loss:.3} nats per row"));
    let (steps, most, best) = (grouped(rows.steps as u64), grouped(rows.max_steps as u64), rows.best_step);
    let why = if rows.out_of_time {
        ", ended by the time budget"
    } else if rows.steps < rows.max_steps {
        ", ended when it stopped gaining"
    } else {
        ""
    };
    let best = grouped(best as u64);
    format!(
        "learnt in {seconds:.1} s: {steps} of {most} steps (best: {best}), {} epochs{loss}{why}",
        rows.epochs
    )
}

fn keys(out: &mut String, schema: &Schema, table: &Table) {
    let names = |table: &Table, ids: &[ColumnId]| -> String {
        ids.iter().map(|id| table.column(*id).name.as_str()).collect::<Vec<_>>().join(", ")
    };
    let key_text = |key: &UniqueKey| {
        let columns = std::iter::once(names(table, &key.columns)).filter(|names| !names.is_empty());
        let parts: Vec<String> = columns.chain(key.expressions.iter().cloned()).collect();
        let predicate =
            key.predicate.as_ref().map_or_else(String::new, |predicate| format!(" where {predicate}"));
        format!("({}){predicate}", parts.join(", "))
    };
    if let Some(key) = &table.primary_key {
        let _ = writeln!(out, "  primary key {}", key_text(key));
    }
    for key in &table.unique_keys {
        let _ = writeln!(out, "  unique {}", key_text(key));
    }
    for fk in &table.foreign_keys {
        let parent = schema.table(fk.parent);
        let (columns, parent_columns) = (names(table, &fk.columns), names(parent, &fk.parent_columns));
        let when = fk.when().map_or_else(String::new, |when| format!(" when {}", when.describe(table)));
        let _ = writeln!(out, "  foreign key ({columns}) → {}({parent_columns}){when}", parent.name);
    }
    for check in &table.checks {
        let _ = writeln!(out, "  check {}", check.expression);
    }
}

fn role_word(role: &ColumnRole) -> &'static str {
    match role {
        ColumnRole::ForeignKey => "foreign key",
        ColumnRole::SurrogateKey => "surrogate key",
        ColumnRole::KeyAttribute => "key attribute",
        ColumnRole::Attribute => "attribute",
        ColumnRole::Generated => "generated",
    }
}
