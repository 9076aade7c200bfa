//! Which parent a table's rows are generated along.
//!
//! The user's `context` holds. Otherwise only foreign keys come into question whose every row has a parent (NOT
//! NULL, or seen to hold no null) and whose parent is another table with rows. Each gets points:
//!
//! * 8 if the key's columns are a whole key of the child (one child per parent at most),
//! * 3 if they lead its primary key, 3 for ON DELETE CASCADE,
//! * 1 if the child's name begins with the parent's (`order_lines` and `orders`),
//! * less half a point for every doubling by which children per parent lie away from 4, at most 5: families
//!   should be neither single rows nor half the table. Only parents that have children count, where that is known.
//!
//! The most points win; equal points: the parent with more rows, then the order of the schema. Without any
//! structural hint a parent of which fewer than 10 rows are used is a lookup, and one with more than 1,000
//! children a row is a category; neither is a context, whatever its points: its table is better off without one.
//! Only rows that all have a time and no other parent than lookups may be long series: the readings of a sensor.

use std::{cmp::Ordering, collections::BTreeMap};

use crate::{
    config::TableSettings,
    plan::{Observed, PlanError, cycles::Key, graph::Edge, modes},
    schema::{ColumnId, ForeignKeyId, Schema, Storage, Table, TableId},
};

/// Children per parent at which a family is just right.
const GOOD_FAN_OUT: f64 = 4.0;
/// A parent with fewer rows than this needs a structural hint.
const LOOKUP_ROWS: u64 = 10;
/// A parent with more children per row than this needs one as well.
const CATEGORY_FAN_OUT: u64 = 1_000;

/// Chooses the context of one table among `candidates`, its edges that are left.
pub(super) fn choose(
    schema: &Schema,
    child: TableId,
    candidates: &[&Edge<'_>],
    observed: &Observed,
) -> Option<ForeignKeyId> {
    let used = |edge: &Edge<'_>| {
        observed.used_parents.get(&edge.key()).copied().or_else(|| observed.rows(schema, edge.fk.parent))
    };
    let is_lookup = |edge: &Edge<'_>| used(edge).is_some_and(|rows| rows < LOOKUP_ROWS);
    let is_timed = schema.table(child).iter().any(|(_, column)| {
        !column.nullable && matches!(column.data_type.storage(), Storage::Date | Storage::Timestamp)
    });
    let is_series = is_timed && candidates.iter().filter(|edge| !is_lookup(edge)).count() == 1;
    candidates
        .iter()
        .filter(|edge| edge.fk.when().is_none())
        .filter(|edge| !edge.optional || observed.full.contains(&edge.key()))
        .filter_map(|edge| {
            let structure = structural_points(schema.table(child), schema.table(edge.fk.parent), edge);
            let parents = observed.rows(schema, edge.fk.parent);
            let children = observed.rows(schema, child);
            let (used, lookup) = (used(edge), is_lookup(edge));
            let most = used.map(|used| used.saturating_mul(CATEGORY_FAN_OUT));
            let category = !is_series && most.is_some_and(|most| children.unwrap_or(0) > most);
            let points = structure - fan_out_penalty(children, used);
            (structure > 0.0 || !(lookup || category)).then_some((points, parents.unwrap_or(0), edge.id))
        })
        // Strictly better only: the first of equals stays.
        .reduce(|best, next| if better(next, best) { next } else { best })
        .map(|(_, _, id)| id)
}

fn better(next: (f64, u64, ForeignKeyId), best: (f64, u64, ForeignKeyId)) -> bool {
    next.0.total_cmp(&best.0).then(next.1.cmp(&best.1)) == Ordering::Greater
}

fn structural_points(child: &Table, parent: &Table, edge: &Edge<'_>) -> f64 {
    let is_whole_key = child.keys().any(|key| {
        key.expressions.is_empty() && key.predicate.is_none() && same_columns(&key.columns, &edge.fk.columns)
    });
    let leads_key = child.primary_key.as_ref().is_some_and(|key| {
        let leading = key.columns.get(..edge.fk.columns.len());
        leading.is_some_and(|leading| same_columns(leading, &edge.fk.columns))
    });
    let mut points = 0.0;
    points += if is_whole_key { 8.0 } else { 0.0 };
    points += if leads_key { 3.0 } else { 0.0 };
    points += if edge.fk.cascades { 3.0 } else { 0.0 };
    points + if begins_with(&child.name.name, &parent.name.name) { 1.0 } else { 0.0 }
}

fn same_columns(left: &[ColumnId], right: &[ColumnId]) -> bool {
    left.len() == right.len() && left.iter().all(|column| right.contains(column))
}

/// True if the child's name begins with the parent's, a plural `s` aside.
fn begins_with(child: &str, parent: &str) -> bool {
    let (child, parent) = (child.to_lowercase(), parent.to_lowercase());
    let stem = parent.strip_suffix('s').unwrap_or(&parent);
    stem.chars().count() >= 3 && child.len() > parent.len() && child.starts_with(stem)
}

fn fan_out_penalty(children: Option<u64>, parents: Option<u64>) -> f64 {
    match (children, parents) {
        (Some(children), Some(parents)) if children > 0 && parents > 0 => {
            let fan_out = children as f64 / parents as f64;
            ((fan_out / GOOD_FAN_OUT).log2().abs() / 2.0).min(5.0)
        }
        _ => 1.0,
    }
}

/// Reads the contexts the user asked for: `None` for a table told to have none.
pub(super) fn wishes(
    schema: &Schema,
    settings: &BTreeMap<TableId, TableSettings>,
    edges: &[Edge<'_>],
    observed: &Observed,
) -> Result<BTreeMap<TableId, Option<ForeignKeyId>>, PlanError> {
    let mut wishes = BTreeMap::new();
    for (id, settings) in settings {
        match settings.context.as_deref() {
            None => {}
            Some([]) => {
                wishes.insert(*id, None);
            }
            Some(columns) => {
                wishes.insert(*id, Some(wish(schema, *id, columns, edges, observed)?));
            }
        }
    }
    Ok(wishes)
}

fn wish(
    schema: &Schema,
    id: TableId,
    columns: &[String],
    edges: &[Edge<'_>],
    observed: &Observed,
) -> Result<ForeignKeyId, PlanError> {
    let table = schema.table(id);
    let mut wanted = Vec::new();
    for column in columns {
        wanted.push(crate::plan::names::column(schema, id, column, "context")?);
    }
    let full = |key: Key, optional: bool| !optional || observed.full.contains(&key);
    let bad = |reason: &str| PlanError::BadContext {
        table: table.name.to_string(),
        columns: columns.to_vec(),
        reason: reason.to_owned(),
        usable: edges
            .iter()
            .filter(|edge| edge.child == id && full(edge.key(), edge.optional))
            .map(|edge| modes::column_names(table, edge.fk).join(", "))
            .collect(),
    };
    let matching = |fk: &crate::schema::ForeignKey| same_columns(&fk.columns, &wanted);
    let serves = |edge: &&Edge<'_>| edge.child == id && matching(edge.fk) && edge.fk.when().is_none();
    if let Some(edge) = edges.iter().find(serves) {
        return if full(edge.key(), edge.optional) {
            Ok(edge.id)
        } else {
            Err(bad("it may be null, and rows without a parent would belong nowhere"))
        };
    }
    Err(match table.foreign_keys.iter().find(|fk| matching(fk)) {
        Some(fk) if fk.when().is_some() => bad("it binds only some of the rows"),
        None => bad("there is no foreign key over these columns"),
        Some(fk) if fk.parent == id => bad("it points at its own table"),
        Some(_) => bad("its parent has no rows here"),
    })
}
