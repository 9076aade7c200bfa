//! `dbsynth inspect SOURCE|MODEL`.

use std::{fmt::Write, path::Path};

use super::Setting;
use crate::{
    cli::{args::InspectArgs, render, terminal},
    error::Error,
    pipeline::{self, Planned},
    plan::{ColumnRole, explain::grouped},
    schema::{ColumnId, Schema, Table, UniqueKey},
};

pub(super) fn run(args: &InspectArgs, setting: &Setting<'_>) -> Result<u8, Error> {
    let planned = if is_model(Path::new(&args.what)) {
        pipeline::inspect_model(Path::new(&args.what))?
    } else if args.rules {
        pipeline::plan_with_rules(&setting.source(&args.what)?, &setting.config)?
    } else {
        pipeline::plan(&setting.source(&args.what)?, &setting.config)?
    };
    terminal::result(&if args.json { render::json(&planned) } else { text(&planned) });
    Ok(setting.conclude(&planned.findings))
}

/// True for the file of a model. A SQLite file without `sqlite:` is none: the hint says how to write it.
fn is_model(path: &Path) -> bool {
    let database = path.extension().is_some_and(|extension| {
        ["db", "sqlite", "sqlite3"].iter().any(|known| extension.eq_ignore_ascii_case(known))
    });
    path.is_file() && !database
}

/// Every table with its columns, their types and roles, its keys and the rules found.
pub(in crate::cli) fn text(planned: &Planned) -> String {
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
            let _ = writeln!(out, "  {name:name_width$}  {native:type_width$}  {null:8}  {role}");
        }
        keys(&mut out, schema, table);
        for rule in planned.rules.iter().filter(|rule| rule.table == table.name.to_string()) {
            let _ = writeln!(out, "  rule {}", rule.rule);
        }
    }
    out
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
        let _ = writeln!(out, "  foreign key ({columns}) → {}({parent_columns})", parent.name);
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
