//! Foreign keys the catalog does not declare, added to the schema as if it did.

use crate::{
    config::Reference,
    finding::Finding,
    plan::{PlanError, names},
    schema::{ColumnId, ForeignKey, Schema, Storage, Table, When},
};

/// Adds the undeclared foreign keys of the configuration to the schema, with `validated = false`: orphans are
/// possible. One that the catalog declares already is left out with a note.
///
/// # Errors
/// [`PlanError`] if a table or column is unknown, or the pairing makes no sense.
pub fn apply_references(schema: &mut Schema, references: &[Reference]) -> Result<Vec<Finding>, PlanError> {
    let mut findings = Vec::new();
    for reference in references {
        let place = match &reference.place {
            Some(place) => format!("[[references]] of {place}"),
            None => "[[references]]".to_owned(),
        };
        let child = names::table(schema, &reference.child, &place)?;
        let parent = names::table(schema, &reference.parent, &place)?;
        let bad = |reason: &str| PlanError::BadReference {
            place: place.clone(),
            child: schema.table(child).name.to_string(),
            parent: schema.table(parent).name.to_string(),
            reason: reason.to_owned(),
        };
        if reference.columns.is_empty() || reference.columns.len() != reference.parent_columns.len() {
            return Err(bad("the columns must pair up one by one"));
        }
        let find = |table, names: &[String]| -> Result<Vec<ColumnId>, PlanError> {
            names.iter().map(|name| names::column(schema, table, name, &place)).collect()
        };
        let columns = find(child, &reference.columns)?;
        let parent_columns = find(parent, &reference.parent_columns)?;
        if child == parent && columns == parent_columns {
            return Err(bad("the columns would point at themselves"));
        }
        let when = match &reference.when {
            None => None,
            Some(said) => {
                let column = names::column(schema, child, &said.column, &place)?;
                Some(When { column, values: said.values.clone() })
            }
        };
        if let Some(when) = &when {
            let table = schema.table(child);
            if columns.contains(&when.column) {
                return Err(bad("the column of `when` is one of those that refer"));
            }
            let unsuited = |id: ColumnId| table.column(id).generated.is_some();
            let storage = table.column(when.column).data_type.storage();
            if !matches!(storage, Storage::Text | Storage::Integer | Storage::Boolean)
                || unsuited(when.column)
            {
                return Err(bad("the column of `when` must hold texts or whole numbers that are written"));
            }
            // A column that another key decides for every row cannot be decided for some of them again.
            let elsewhere = |id: &ColumnId| {
                table.foreign_keys.iter().any(|fk| fk.when().is_none() && fk.columns.contains(id))
            };
            if columns.iter().all(elsewhere) {
                return Err(bad("its columns belong to a foreign key that binds all rows"));
            }
        }
        if !is_key(schema.table(parent), &parent_columns) {
            return Err(bad("the parent's columns are no primary or unique key"));
        }
        let storage = |table: &Table, ids: &[ColumnId]| -> Vec<_> {
            ids.iter().map(|id| table.column(*id).data_type.storage()).collect()
        };
        if storage(schema.table(child), &columns) != storage(schema.table(parent), &parent_columns) {
            return Err(bad("the columns are of different types"));
        }
        let pairs = |columns: &[ColumnId], parents: &[ColumnId]| {
            let mut pairs: Vec<_> = columns.iter().copied().zip(parents.iter().copied()).collect();
            pairs.sort();
            pairs
        };
        let known = schema.table(child).foreign_keys.iter().any(|fk| {
            fk.parent == parent
                && pairs(&fk.columns, &fk.parent_columns) == pairs(&columns, &parent_columns)
                && fk.when().is_none_or(|known| Some(known) == when.as_ref())
        });
        if known {
            findings.push(
                Finding::note("reference-declared", "this reference is declared already")
                    .table(&schema.table(child).name)
                    .column(reference.columns.join(", "))
                    .remedy("remove it from [[references]]"),
            );
            continue;
        }
        let conditional = when.as_ref().map(|_| schema.table(parent).name.name.as_str());
        let name = free_name(schema.table(child), &columns, conditional);
        let key = ForeignKey::undeclared(name, columns, (parent, parent_columns), when);
        schema.tables[child.0].foreign_keys.push(key);
    }
    for table in &mut schema.tables {
        table.foreign_keys.sort_by(|a, b| (&a.name, &a.columns).cmp(&(&b.name, &b.columns)));
    }
    Ok(findings)
}

fn is_key(table: &Table, columns: &[ColumnId]) -> bool {
    let sorted = |columns: &[ColumnId]| {
        let mut columns = columns.to_vec();
        columns.sort();
        columns
    };
    table.keys().any(|key| {
        key.predicate.is_none() && key.expressions.is_empty() && sorted(&key.columns) == sorted(columns)
    })
}

fn free_name(table: &Table, columns: &[ColumnId], parent: Option<&str>) -> String {
    let columns = columns.iter().map(|id| table.column(*id).name.as_str());
    let parts: Vec<&str> = columns.chain(parent).collect();
    let name = format!("{}_{}_fkey", table.name.name, parts.join("_"));
    let taken = |name: &str| table.foreign_keys.iter().any(|fk| fk.name == name);
    if !taken(&name) {
        return name;
    }
    (2..).map(|number| format!("{name}{number}")).find(|name| !taken(name)).unwrap_or(name)
}
