//! `[[identities]]`: existing synthetic rows get known values, so that foreign keys hold as they are.

use serde::Serialize;

use crate::{
    config::{Config, Identity, Planted, TableMode},
    db::{Dialect, ScriptError},
    error::Error,
    load::Loader,
    plan::Plan,
    schema::{Column, DataType, Schema, Table, UniqueKey},
};

/// Rows that got known values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlantedRows {
    /// The table.
    pub table: String,
    /// The columns, without their values.
    pub columns: Vec<String>,
    /// How many rows.
    pub rows: u32,
}

/// What will be planted, without values.
pub(super) fn describe(identity: &Identity) -> String {
    let columns: Vec<&str> = identity.set.iter().map(|(column, _)| column.as_str()).collect();
    let rows = if identity.count == 1 { "row" } else { "rows" };
    format!("{} {rows} of {}: {}", identity.count, identity.table, columns.join(", "))
}

/// Columns of a table and their values.
type Set<'a> = Vec<(&'a Column, &'a Planted)>;

/// Identities that fit a schema.
pub(in crate::pipeline) struct Planting<'a> {
    all: Vec<(&'a Identity, &'a Table, Set<'a>)>,
}

impl<'a> Planting<'a> {
    /// Looks tables and columns up.
    ///
    /// # Errors
    /// [`Error::Identity`] if one does not fit.
    pub(in crate::pipeline) fn new(
        config: &'a Config,
        schema: &'a Schema,
        plan: &Plan,
    ) -> Result<Self, Error> {
        let mut all = Vec::new();
        for identity in &config.identities {
            let wrong = |reason: String| Error::Identity { place: place(identity), reason };
            let unknown = || wrong(format!("there is no table {}", identity.table));
            let id = schema.find(&identity.table).ok_or_else(unknown)?;
            let table = schema.table(id);
            let mode = plan.table(id).mode;
            if mode != TableMode::Synthesize {
                return Err(wrong(format!(
                    "{} has no synthetic rows: its mode is {}",
                    table.name,
                    mode.word()
                )));
            }
            if row_key(table).is_none() {
                return Err(wrong(format!("{} has no key that tells its rows apart", table.name)));
            }
            let mut set = Vec::new();
            for (name, value) in &identity.set {
                let column = table.find(name).map(|column| table.column(column));
                let column = column.ok_or_else(|| wrong(format!("{} has no column {name}", table.name)))?;
                if column.generated.is_some() {
                    return Err(wrong(format!("the database computes {}.{name} itself", table.name)));
                }
                set.push((column, value));
            }
            let others = config.identities.iter().filter(|other| other.table == identity.table).count();
            if (identity.count > 1 || others > 1) && sure(&set).next().is_none() {
                return Err(wrong(format!(
                    "several rows of {} are planted, and these columns do not tell them apart: set a text, an integer, \
                     a UUID or an enum as well",
                    table.name
                )));
            }
            all.push((identity, table, set));
        }
        Ok(Self { all })
    }

    /// Plants them all, before the proof.
    ///
    /// # Errors
    /// [`Error::Identity`] if too few rows can be chosen or the target refuses a value.
    pub(in crate::pipeline) fn plant(
        &self,
        loader: &mut Loader<'_>,
        dialect: &dyn Dialect,
    ) -> Result<Vec<PlantedRows>, Error> {
        let mut planted = Vec::new();
        // Per table what was planted already: those rows are not chosen again.
        let mut taken: Vec<(&Table, String)> = Vec::new();
        for (identity, table, set) in &self.all {
            let wrong = |reason: String| Error::Identity { place: place(identity), reason };
            let refused = |error: ScriptError| wrong(error.error.message);
            for number in 1..=identity.count {
                let free = condition(identity, table, &taken);
                let from = dialect.quote_table(&table.name);
                let sql = format!(
                    "SELECT count(*) FROM (SELECT 1 AS one FROM {from} WHERE {free} LIMIT 1) AS free"
                );
                if loader.count(&sql).map_err(|error| refused(error.into()))? == 0 {
                    let left = identity.condition.as_ref().map_or("", |_| " that meets its condition");
                    return Err(wrong(format!(
                        "{} has no row left{left} for number {number} of {}",
                        table.name, identity.count
                    )));
                }
                loader.script(&update(table, set, number, &free, dialect)).map_err(refused)?;
                taken.push((table, told_apart(set, number, dialect)));
            }
            planted.push(PlantedRows {
                table: table.name.to_string(),
                columns: set.iter().map(|(column, _)| column.name.clone()).collect(),
                rows: identity.count,
            });
        }
        Ok(planted)
    }
}

fn place(identity: &Identity) -> String {
    identity.place.clone().unwrap_or_else(|| "[[identities]]".to_owned())
}

/// Which rows may be chosen.
fn condition(identity: &Identity, table: &Table, taken: &[(&Table, String)]) -> String {
    let own = identity.condition.iter().map(|condition| format!("({condition}\n)"));
    let others = taken.iter().filter(|(other, _)| std::ptr::eq(*other, table));
    let all: Vec<String> = own.chain(others.map(|(_, values)| format!("({values}) IS NOT TRUE"))).collect();
    if all.is_empty() { "1 = 1".to_owned() } else { all.join(" AND ") }
}

/// The key by which rows are chosen and told apart.
fn row_key(table: &Table) -> Option<&UniqueKey> {
    table.keys().find(|key| {
        let whole = key.expressions.is_empty() && key.predicate.is_none() && !key.columns.is_empty();
        whole && key.columns.iter().all(|column| !table.column(*column).nullable)
    })
}

/// The columns by which a planted row is known again. Values of other types may not be stored as they are written.
fn sure<'a>(set: &[(&'a Column, &'a Planted)]) -> impl Iterator<Item = (&'a Column, &'a Planted)> {
    set.iter().copied().filter(|(column, _)| {
        matches!(
            column.data_type,
            DataType::Text { .. } | DataType::Integer { .. } | DataType::Uuid | DataType::Enum { .. }
        )
    })
}

/// By what a planted row is known again; nothing, where no other row is planted in its table.
fn told_apart(set: &[(&Column, &Planted)], number: u32, dialect: &dyn Dialect) -> String {
    let sure: Vec<_> = sure(set).collect();
    if sure.is_empty() { "1 = 0".to_owned() } else { values(&sure, number, dialect).join(" AND ") }
}

/// `column = value` for each.
fn values(set: &[(&Column, &Planted)], number: u32, dialect: &dyn Dialect) -> Vec<String> {
    set.iter()
        .map(|(column, value)| {
            let value = match value {
                Planted::Boolean(value) => if *value { "TRUE" } else { "FALSE" }.to_owned(),
                Planted::Integer(value) => value.to_string(),
                Planted::Number(value) => value.to_string(),
                Planted::Text(text) => dialect.quote_text(&text.replace("{n}", &number.to_string())),
            };
            format!("{} = {value}", dialect.quote_identifier(&column.name))
        })
        .collect()
}

/// Changes the first free row in the order of its key: the same one in every run.
fn update(
    table: &Table,
    set: &[(&Column, &Planted)],
    number: u32,
    free: &str,
    dialect: &dyn Dialect,
) -> String {
    let key = row_key(table).map_or(&[][..], |key| &key.columns);
    let key: Vec<String> =
        key.iter().map(|column| dialect.quote_identifier(&table.column(*column).name)).collect();
    let (key, from) = (key.join(", "), dialect.quote_table(&table.name));
    // Within another SELECT: MySQL does not read a table that it is changing.
    format!(
        "UPDATE {from} SET {} WHERE ({key}) IN (SELECT * FROM (SELECT {key} FROM {from} WHERE {free} ORDER BY {key} \
         LIMIT 1) AS chosen)",
        values(set, number, dialect).join(", ")
    )
}
