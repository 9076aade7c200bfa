//! Compares two schemas of one engine: is everything of the source's catalog in the target's?
//!
//! Both sides are cut into objects: the tables, columns and constraints of the schema, and every statement of the
//! blueprint, which is exactly the DDL that makes the rest. What an object says is held as named aspects, each in a
//! canonical form (see [`canonical`]), because a server prints an expression otherwise each time it parses it.

mod canonical;
mod objects;

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::Serialize;

use self::objects::{Object, objects};
use crate::{
    db::{Blueprint, Introspection},
    finding::Finding,
    schema::{DialectName, Schema, TableId},
};

/// One side of a comparison.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// The schema. Foreign keys that the catalog does not declare do not count.
    pub schema: &'a Schema,
    /// How to build it.
    pub blueprint: &'a Blueprint,
}

impl<'a> From<&'a Introspection> for Side<'a> {
    fn from(introspection: &'a Introspection) -> Self {
        Self { schema: &introspection.schema, blueprint: &introspection.blueprint }
    }
}

/// What is wrong with an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The target does not have it.
    Missing,
    /// The target has it otherwise.
    Different,
    /// Only the target has it.
    Extra,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "missing",
            Self::Different => "different",
            Self::Extra => "extra",
        })
    }
}

/// One object that is not the same on both sides.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Difference {
    /// What is wrong.
    pub fault: Fault,
    /// What it is: `table`, `column`, `foreign key`, `index`, `view`, …
    pub kind: String,
    /// Its table, as the user would write it, where it belongs to one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// Its name.
    pub name: String,
    /// In what it differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// True if the target promises less than the source: a table, a column, a constraint or a column's type is lost.
    pub fails: bool,
}

impl fmt::Display for Difference {
    /// Writes `missing: index orders_date_idx of orders`, without a line break.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} {}", self.fault, self.kind, self.name)?;
        if let Some(table) = &self.table {
            write!(f, " of {table}")?;
        }
        self.detail.as_ref().map_or(Ok(()), |detail| write!(f, " ({detail})"))
    }
}

/// What became of a schema.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct SchemaComparison {
    /// Objects of the source: tables, columns, constraints, indexes, views and whatever else its catalog holds.
    pub objects: usize,
    /// Those the target has just so.
    pub recreated: usize,
    /// What is not the same, sorted. What belongs to a missing table is not listed on its own.
    pub differences: Vec<Difference>,
}

impl SchemaComparison {
    /// Differences by which the target promises less than the source.
    #[must_use]
    pub fn failures(&self) -> usize {
        self.differences.iter().filter(|difference| difference.fails).count()
    }

    /// The differences as findings: all warnings.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        self.told(Finding::warning)
    }

    /// The differences as findings, where scripts of the user may have added to the target: what is there only is
    /// told as a note.
    #[must_use]
    pub fn findings_beside_scripts(&self) -> Vec<Finding> {
        self.told(|code, what| Finding::note(code, what).instead("scripts under [hooks] may have made it"))
    }

    fn told(&self, extra: fn(&'static str, String) -> Finding) -> Vec<Finding> {
        let finding = |difference: &Difference| {
            let Difference { fault, kind, table, name, detail, .. } = difference;
            let detail = detail.as_ref().map_or(String::new(), |detail| format!(" ({detail})"));
            let what = match fault {
                Fault::Missing => format!("{kind} {name} is missing in the target"),
                Fault::Different => format!("{kind} {name} is different in the target{detail}"),
                Fault::Extra => format!("{kind} {name} is in the target only"),
            };
            let finding = match fault {
                Fault::Extra => extra("schema-differs", what),
                Fault::Missing | Fault::Different => Finding::warning("schema-differs", what),
            };
            match table {
                Some(table) => finding.table(table),
                None => finding,
            }
        };
        self.differences.iter().map(finding).collect()
    }
}

/// Compares what two catalogs hold. `left_out` are tables of the source that the target should not have; what belongs
/// to them, or refers to them by a foreign key, is not expected either.
///
/// Names that the server invents, counters and how full a table is are no differences.
#[must_use]
pub fn compare_schemas(source: Side<'_>, target: Side<'_>, left_out: &[TableId]) -> SchemaComparison {
    let mut wanted = objects(source, left_out);
    let mut found = objects(target, &[]);
    if folds_names(source.schema, target.schema) {
        wanted.iter_mut().chain(&mut found).for_each(Object::fold);
    }
    // A foreign key to a table that is left out may still be there: as text, pointing to nothing.
    let unwanted = gone_keys(source.schema, left_out);
    found.retain(|object| !unwanted.contains(&(object.table.clone(), object.name.clone())));

    let mut comparison = SchemaComparison { objects: wanted.len(), ..SchemaComparison::default() };
    let mut partner: Vec<Option<usize>> = vec![None; wanted.len()];
    let mut taken = vec![false; found.len()];
    // Equal ones first, then equal but for the name, then equal in name only.
    let mut places: BTreeMap<(&str, Option<&str>), Vec<usize>> = BTreeMap::new();
    for (place, object) in found.iter().enumerate() {
        places.entry((&object.kind, object.table.as_deref())).or_default().push(place);
    }
    for like in [Object::equals, Object::equals_but_for_name, Object::is_called_like] {
        for (object, partner) in wanted.iter().zip(&mut partner).filter(|(_, partner)| partner.is_none()) {
            let among = places.get(&(object.kind.as_str(), object.table.as_deref()));
            let place =
                among.into_iter().flatten().find(|place| !taken[**place] && like(object, &found[**place]));
            if let Some(place) = place {
                *partner = Some(*place);
                taken[*place] = true;
            }
        }
    }
    for (object, place) in wanted.iter().zip(&partner) {
        let difference = match place.map(|place| &found[place]) {
            None => Some(object.missing()),
            Some(other) => object
                .differs_from(other)
                .map(|(detail, fails)| object.difference(Fault::Different, Some(detail), fails)),
        };
        comparison.differences.extend(difference);
    }
    let missing = partner.iter().filter(|partner| partner.is_none()).count();
    // A model learnt before the database's own defaults were noted says nothing of them.
    let of_database = |object: &Object| object.kind == objects::DATABASE;
    let extra = found.iter().zip(&taken).filter(|(object, taken)| !**taken && !of_database(object));
    comparison.differences.extend(extra.map(|(object, _)| object.difference(Fault::Extra, None, false)));
    settle(&mut comparison.differences);
    let different = comparison.differences.iter().filter(|one| one.fault == Fault::Different).count();
    comparison.recreated = comparison.objects - missing - different;
    comparison
}

/// True if the target's server writes the names of tables in lower case, whatever they are called: MySQL does with
/// `lower_case_table_names = 1`.
fn folds_names(source: &Schema, target: &Schema) -> bool {
    let names = |schema: &Schema| -> BTreeSet<String> {
        schema.tables.iter().map(|table| table.name.to_string()).collect()
    };
    let (wanted, found) = (names(source), names(target));
    let lower = |name: &String| *name == name.to_lowercase();
    source.dialect == DialectName::MySql
        && found.iter().all(lower)
        && wanted.iter().any(|name| !lower(name) && found.contains(&name.to_lowercase()))
}

/// Foreign keys of tables that stay to tables that are left out.
fn gone_keys(schema: &Schema, left_out: &[TableId]) -> BTreeSet<(Option<String>, String)> {
    let gone = schema
        .foreign_keys()
        .filter(|(child, _, key)| !left_out.contains(child) && left_out.contains(&key.parent));
    gone.map(|(child, _, key)| (Some(schema.table(child).name.to_string()), key.name.clone())).collect()
}

/// Says each thing once: nothing of a table that is missing (or extra) as a whole, and of a table's text only what its
/// columns and constraints do not say already.
fn settle(differences: &mut Vec<Difference>) {
    let whole = |fault: Fault, differences: &[Difference]| -> BTreeSet<String> {
        let tables = differences.iter().filter(|one| one.fault == fault && one.kind == objects::TABLE);
        tables.map(|one| one.name.clone()).collect()
    };
    let (missing, extra) = (whole(Fault::Missing, differences), whole(Fault::Extra, differences));
    differences.retain(|one| match (&one.table, one.fault) {
        (Some(table), Fault::Missing) => !missing.contains(table),
        (Some(table), Fault::Extra) => !extra.contains(table),
        _ => true,
    });
    let told: BTreeSet<String> = differences.iter().filter_map(|one| one.table.clone()).collect();
    let columns: BTreeSet<String> = differences
        .iter()
        .filter(|one| one.kind == objects::COLUMN && one.fault != Fault::Different)
        .filter_map(|one| one.table.clone())
        .collect();
    differences.retain(|one| {
        let text_only = one.detail.as_deref() == Some(objects::DEFINITION) && told.contains(&one.name);
        let of_table = one.kind == objects::TABLE && one.fault == Fault::Different;
        !(of_table && (text_only || columns.contains(&one.name)))
    });
    differences.sort();
    differences.dedup();
}
