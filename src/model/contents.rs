//! What a model keeps of its source, column by column: every literal with the entities that share it.

use serde::{Deserialize, Serialize};

use crate::{
    config::{Config, GeneratorKind, TableMode},
    data::TableData,
    model::{Made, Model, TableFacts, coverage::cover_model},
    privacy::{Kept, KeptKind, Ledger},
    schema::{ColumnId, DataType, Schema, Table, TableId},
    seed::fingerprint,
};

/// Where a model comes from: what was asked for, and of which data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    /// The dbsynth that learned it.
    pub version: String,
    /// The seed.
    pub seed: u64,
    /// Distinct entities asked for behind whatever is kept.
    pub k: u32,
    /// Most rows of a table learned from.
    pub training_rows: u64,
    /// Which generator learned the rows.
    pub generator: GeneratorKind,
    /// A hash over the schema and the number of rows of every table; no value goes into it.
    pub fingerprint: String,
    /// What was promised to every entity, if differential privacy was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub privacy: Option<Ledger>,
}

impl Origin {
    /// Describes a fit; `real_rows` are indexed by `TableId`.
    #[must_use]
    pub fn new(config: &Config, schema: &Schema, real_rows: &[u64]) -> Self {
        let mut text = schema.dialect.to_string();
        for (id, table) in schema.iter() {
            let rows = real_rows.get(id.0).copied().unwrap_or(0);
            text.push_str(&format!("\n{} {rows}", table.name));
            for column in &table.columns {
                text.push_str(&format!("\n {} {} {}", column.name, column.native_type, column.nullable));
            }
        }
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            seed: config.seed.0,
            k: config.privacy.k,
            training_rows: config.training_rows,
            generator: config.generator,
            fingerprint: fingerprint(text.as_bytes()),
            privacy: None,
        }
    }
}

/// What a model keeps of its source.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Contents {
    /// Where it comes from.
    #[serde(flatten)]
    pub origin: Origin,
    /// Its tables.
    pub tables: Vec<TableContents>,
}

/// What a model keeps of one table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TableContents {
    /// The table, as the user would write it.
    pub table: String,
    /// What is done with it.
    pub mode: TableMode,
    /// Rows in the source.
    pub rows: u64,
    /// The root table of the entities its rows belong to.
    pub entity: String,
    /// Distinct entities among the rows learned from.
    pub entities: u64,
    /// Its columns.
    pub columns: Vec<ColumnContents>,
    /// Values that rules between columns name; at least `k` entities have each.
    pub rules: Vec<Kept>,
}

/// What a model keeps of one column.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ColumnContents {
    /// The column.
    pub column: String,
    /// The type as the server prints it.
    pub native_type: String,
    /// How it is made.
    pub made: Made,
    /// By what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub how: Option<String>,
    /// What its values mean, and how sure that is (0 to 1), where that was looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meaning: Option<(String, f32)>,
    /// Why its values are kept whoever has them; `None` if they are protected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exempt: Option<&'static str>,
    /// What is kept.
    pub kept: Vec<Kept>,
}

/// Lists what a model keeps.
#[must_use]
pub fn contents(model: &Model) -> Contents {
    let coverage = cover_model(model);
    let mut coverage = coverage.into_iter();
    let tables = model.schema.iter().map(|(id, table)| {
        let plan = model.plan.table(id);
        let fitted = model.table(id);
        let columns = table
            .iter()
            .map(|(column, described)| {
                let covered = coverage.next();
                ColumnContents {
                    column: described.name.clone(),
                    native_type: described.native_type.clone(),
                    made: covered.as_ref().map_or(Made::Unfilled, |covered| covered.made),
                    how: covered.as_ref().and_then(|covered| covered.how.clone()),
                    meaning: covered.and_then(|covered| covered.meaning.zip(covered.score)),
                    exempt: fitted.and_then(|fitted| exempt(model, id, &fitted.facts, column)),
                    kept: fitted.map_or_else(Vec::new, |fitted| {
                        let copied = fitted.copied.as_ref();
                        copied.map_or_else(|| kept(&fitted.facts, column), |rows| copies(rows, column))
                    }),
                }
            })
            .collect();
        let rule = |text: String| Kept::value(text, model.origin.k).as_kind(KeptKind::Rule);
        let mut rules: Vec<Kept> = fitted
            .map_or_else(Vec::new, |fitted| fitted.facts.rules.literals().into_iter().map(rule).collect());
        rules.sort();
        rules.dedup();
        TableContents {
            table: table.name.to_string(),
            mode: plan.mode,
            rows: fitted.map_or(0, |fitted| fitted.facts.real_rows),
            entity: model.schema.table(plan.entity.root).name.to_string(),
            entities: fitted.map_or(0, |fitted| fitted.facts.entities),
            columns,
            rules,
        }
    });
    Contents { origin: model.origin.clone(), tables: tables.collect() }
}

/// What codecs and writers keep of a column.
fn kept(facts: &TableFacts, column: ColumnId) -> Vec<Kept> {
    let codecs = facts.codecs.iter().filter(|(id, _)| *id == column);
    let mut kept: Vec<Kept> = codecs.flat_map(|(_, codec)| codec.kept()).collect();
    kept.extend(facts.writer.kept(column));
    kept.sort_by(|a, b| a.kind.cmp(&b.kind).then(b.entities.cmp(&a.entities)).then(a.text.cmp(&b.text)));
    kept
}

/// That the rows of a copied table are all there: not one by one.
fn copies(rows: &TableData, column: ColumnId) -> Vec<Kept> {
    let held = rows.column(column).map(|values| values.len() - values.null_count());
    held.into_iter().map(|values| Kept::value(format!("all {values} values"), 0)).collect()
}

/// Why the values of a column are not protected.
fn exempt(model: &Model, id: TableId, facts: &TableFacts, column: ColumnId) -> Option<&'static str> {
    let table: &Table = model.schema.table(id);
    if model.plan.table(id).is_copied() {
        return Some("its table is copied by consent");
    }
    match table.column(column).data_type {
        DataType::Boolean => return Some("a boolean"),
        DataType::Enum { .. } | DataType::Set { .. } => return Some("the type lists its values"),
        _ => {}
    }
    if facts.rules.allowed_values(column).is_some() {
        return Some("a CHECK lists its values");
    }
    let decides = table.foreign_keys.iter().any(|fk| fk.when().is_some_and(|when| when.column == column));
    decides.then_some("it names the table that a reference leads to")
}
