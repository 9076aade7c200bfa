//! A plan for people and tools: with names instead of ids, as text, as JSON through serde, as a Mermaid chart.

use std::fmt::Write;

use serde::Serialize;

use crate::{
    config::TableMode,
    plan::{ColumnRole, LinkRole, Plan, modes},
    schema::{ForeignKey, Schema, Table, TableId},
};

/// A plan with names.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// Tables with rows, in the order of work.
    pub strata: Vec<Vec<TableLine>>,
    /// Tables without rows: created empty or left out.
    pub without_rows: Vec<TableLine>,
    /// What protection counts: the root tables, each with the tables whose rows belong to its rows.
    pub entities: Vec<EntityLine>,
}

/// A root table: a row of it, with everything below it, is one entity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EntityLine {
    /// The root table.
    pub root: String,
    /// Tables whose rows belong to its rows, in the order of work.
    pub tables: Vec<String>,
}

/// What happens to one table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TableLine {
    /// The table, as the user would write it.
    pub table: String,
    /// What is done with it.
    pub mode: TableMode,
    /// Why.
    pub reason: String,
    /// Rows in the source.
    pub real_rows: u64,
    /// Rows to be written.
    pub target_rows: u64,
    /// Its foreign keys.
    pub foreign_keys: Vec<LinkLine>,
    /// The root table of the entity its rows belong to; its own name, if a row is an entity itself.
    pub entity: String,
    /// Its columns.
    pub columns: Vec<ColumnLine>,
}

/// What a foreign key does.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LinkLine {
    /// Columns of the child.
    pub columns: Vec<String>,
    /// The parent table.
    pub parent: String,
    /// What it does.
    pub role: LinkRole,
    /// The rows it binds, where not all: `commentable_type = 'Post'`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// False if the server does not guarantee it (`[[references]]`, NOT VALID …): orphans are possible.
    pub validated: bool,
}

/// Where a column's values come from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ColumnLine {
    /// The column.
    pub name: String,
    /// The type as the server prints it.
    pub native_type: String,
    /// Where its values come from.
    pub role: ColumnRole,
}

/// Puts names to a plan. `real_rows` and `target_rows` are indexed by `TableId` and may be empty.
#[must_use]
pub fn explain(schema: &Schema, plan: &Plan, real_rows: &[u64], target_rows: &[u64]) -> Explanation {
    let line = |id: TableId| {
        let (table, planned) = (schema.table(id), plan.table(id));
        TableLine {
            table: table.name.to_string(),
            mode: planned.mode,
            reason: planned.reason.clone(),
            real_rows: real_rows.get(id.0).copied().unwrap_or(0),
            target_rows: target_rows.get(id.0).copied().unwrap_or(0),
            entity: schema.table(planned.entity.root).name.to_string(),
            foreign_keys: (table.foreign_keys.iter().zip(&planned.links))
                .map(|(fk, role)| link_line(schema, table, fk, *role))
                .collect(),
            columns: (table.columns.iter().zip(&planned.columns))
                .map(|(column, role)| ColumnLine {
                    name: column.name.clone(),
                    native_type: column.native_type.clone(),
                    role: role.clone(),
                })
                .collect(),
        }
    };
    let has_rows = |id: &TableId| matches!(plan.table(*id).mode, TableMode::Synthesize | TableMode::Copy);
    let mut entities: Vec<EntityLine> = Vec::new();
    for id in plan.order().filter(|id| plan.table(*id).mode == TableMode::Synthesize) {
        let path = plan.table(id).entity;
        let root = schema.table(path.root).name.to_string();
        let place = entities.iter().position(|entity| entity.root == root).unwrap_or_else(|| {
            entities.push(EntityLine { root, tables: Vec::new() });
            entities.len() - 1
        });
        if path.along.is_some() {
            entities[place].tables.push(schema.table(id).name.to_string());
        }
    }
    let strata =
        plan.strata.iter().map(|stratum| stratum.iter().copied().filter(has_rows).map(line).collect());
    Explanation {
        strata: strata.filter(|stratum: &Vec<TableLine>| !stratum.is_empty()).collect(),
        without_rows: plan.order().filter(|id| !has_rows(id)).map(line).collect(),
        entities,
    }
}

fn link_line(schema: &Schema, table: &Table, fk: &ForeignKey, role: LinkRole) -> LinkLine {
    LinkLine {
        columns: modes::column_names(table, fk),
        parent: schema.table(fk.parent).name.to_string(),
        role,
        when: fk.when().map(|when| when.describe(table)),
        validated: fk.validated,
    }
}

impl Explanation {
    /// Writes it as text: strata in order, per table its mode, rows, context and links.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        let width = self.all().map(|line| line.table.chars().count()).max().unwrap_or(0);
        for (index, stratum) in self.strata.iter().enumerate() {
            let _ = writeln!(out, "stratum {}", index + 1);
            for line in stratum {
                let rows = format!("{} → {} rows", grouped(line.real_rows), grouped(line.target_rows));
                let mode = line.mode.word();
                let _ = writeln!(out, "  {:width$}  {mode:10}  {rows}{}", line.table, reason(line));
                for link in &line.foreign_keys {
                    let _ = writeln!(out, "  {:width$}    {}", "", link_text(link));
                }
            }
        }
        if !self.without_rows.is_empty() {
            out.push_str("without rows\n");
        }
        for line in &self.without_rows {
            let _ = writeln!(out, "  {:width$}  {:10}  {}", line.table, line.mode.word(), line.reason);
        }
        if !self.entities.is_empty() {
            out.push_str("entities\n");
        }
        for entity in &self.entities {
            let below = match entity.tables.as_slice() {
                [] => "each row".to_owned(),
                tables => format!("each row with its {}", tables.join(", ")),
            };
            let _ = writeln!(out, "  {:width$}  {below}", entity.root);
        }
        out
    }

    /// Writes it as a Mermaid flowchart, parents to the left: thick arrows lead to children along their context,
    /// thin ones are links, dotted ones are cut.
    #[must_use]
    pub fn mermaid(&self) -> String {
        let mut out = String::from("flowchart LR\n");
        let names: Vec<&str> = self.all().map(|line| line.table.as_str()).collect();
        let node = |name: &str| names.iter().position(|known| *known == name).unwrap_or(0);
        for (index, stratum) in self.strata.iter().enumerate() {
            let _ = writeln!(out, "  subgraph s{index}[\"stratum {}\"]", index + 1);
            for line in stratum {
                let rows = grouped(line.target_rows);
                let _ = writeln!(out, "    t{}[\"{}<br/>{rows}\"]", node(&line.table), escaped(&line.table));
            }
            out.push_str("  end\n");
        }
        for line in &self.without_rows {
            let mode = line.mode.word();
            let _ = writeln!(out, "  t{}([\"{}<br/>{mode}\"])", node(&line.table), escaped(&line.table));
        }
        for line in self.all() {
            for link in &line.foreign_keys {
                let arrow = match link.role {
                    LinkRole::Context => "==>",
                    LinkRole::Link | LinkRole::SelfReference | LinkRole::Conditional => "-->",
                    LinkRole::Deferred | LinkRole::Dangling => "-.->",
                };
                let (parent, child) = (node(&link.parent), node(&line.table));
                let _ =
                    writeln!(out, "  t{parent} {arrow}|\"{}\"| t{child}", escaped(&link.columns.join(", ")));
            }
        }
        out
    }

    fn all(&self) -> impl Iterator<Item = &TableLine> {
        self.strata.iter().flatten().chain(&self.without_rows)
    }
}

fn reason(line: &TableLine) -> String {
    if line.mode == TableMode::Synthesize && line.reason == modes::DEFAULT_REASON {
        String::new()
    } else {
        format!("  ({})", line.reason)
    }
}

fn link_text(link: &LinkLine) -> String {
    let (word, note) = match link.role {
        LinkRole::Context => ("along", ""),
        LinkRole::Link => ("link", ""),
        LinkRole::SelfReference => ("self", " (a forest)"),
        LinkRole::Conditional => ("some", ""),
        LinkRole::Deferred => ("later", " (closes a cycle: filled once both exist)"),
        LinkRole::Dangling => ("null", " (no rows there)"),
    };
    let unvalidated = if link.validated { "" } else { " (not guaranteed by the server)" };
    let when = link.when.as_ref().map_or_else(String::new, |when| format!(" when {when}"));
    format!("{word:5} {} → {}{when}{note}{unvalidated}", link.columns.join(", "), link.parent)
}

/// Escapes a label for Mermaid's quoted strings.
fn escaped(text: &str) -> String {
    text.replace('#', "#35;").replace('"', "#quot;").replace('<', "#lt;").replace('>', "#gt;")
}

/// Writes a number with commas between thousands.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
