//! How many values of a column are found in the key it may refer to: counted by the server, on a part of the rows where
//! there are many.

use std::collections::{BTreeMap, BTreeSet};

use arrow_array::{Array, cast::AsArray};
use serde::Serialize;

use crate::{
    data::TableData,
    db::{DbError, DbErrorKind, Dialect, Scan, Source},
    plan::propose::{self, Candidate, Pair, TypeTable},
    schema::{ColumnId, Schema, TableId},
};

/// Most values of a column that are looked up.
const MOST_VALUES: u64 = 100_000;
/// Most rows of which the types are read.
const MOST_TYPED_ROWS: usize = 200_000;
/// Most types of a pair; with more it is no type.
const MOST_TYPES: usize = 200;
/// Share of values that must be found, by how surely names lead to the parent (1, 2, 3), and the fewest values that
/// say anything for a mere hint.
const LEAST_FOUND: [f64; 3] = [0.99, 0.95, 0.9];
const LEAST_VALUES: [u64; 3] = [20, 3, 0];
/// Fewest distinct numbers that say a column does not just count.
const LEAST_DISTINCT: u64 = 20;

/// A foreign key that the catalog does not declare and that names and values suggest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proposal {
    /// The columns that refer: `orders(customer_id)`.
    pub from: String,
    /// The key they refer to: `customers(id)`.
    pub to: String,
    /// The rows it binds, where not all: `commentable_type = 'Post'`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// Values that were looked up: rows whose columns are not null.
    pub values: u64,
    /// Those that were not found.
    pub orphans: u64,
    /// True if only a part of the rows was looked at.
    pub sampled: bool,
    /// What in the names leads to the parent.
    pub evidence: String,
    /// A table that must be copied for the condition to keep its meaning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copy: Option<String>,
}

/// Measures what names suggest. Returns the proposals that the values bear out, in the order of the schema.
///
/// # Errors
/// [`DbError`] if the connection breaks; a candidate whose query is refused is left out.
pub fn proposals(
    source: &mut dyn Source,
    dialect: &dyn Dialect,
    schema: &Schema,
) -> Result<Vec<Proposal>, DbError> {
    let mut measure = Measure { source, dialect, schema };
    let mut found: Vec<(Candidate, Proposal)> = Vec::new();
    for candidate in propose::candidates(schema) {
        let Some(counted) = measure.count(&candidate)? else { continue };
        let level = usize::from(candidate.strength.clamp(1, 3)) - 1;
        let share = (counted.values - counted.orphans) as f64 / counted.values.max(1) as f64;
        let enough = counted.values >= LEAST_VALUES[level].max(u64::from(level < 2))
            && (!candidate.may_be_a_count(schema) || counted.distinct >= LEAST_DISTINCT);
        if enough && (counted.values == 0 || share >= LEAST_FOUND[level]) {
            let proposal = measure.proposal(&candidate, counted, None);
            found.push((candidate, proposal));
        }
    }
    // One parent per column: the surest name, then the fewest orphans.
    let mut best: BTreeMap<(TableId, Vec<ColumnId>), (u8, u64, usize)> = BTreeMap::new();
    for (place, (candidate, proposal)) in found.iter().enumerate() {
        let rank = (candidate.strength, u64::MAX - proposal.orphans, usize::MAX - place);
        let known = best.entry((candidate.child, candidate.key.columns.clone())).or_insert(rank);
        *known = rank.max(*known);
    }
    let places: BTreeSet<usize> = best.values().map(|(_, _, place)| usize::MAX - place).collect();
    let mut proposals: Vec<Proposal> = found
        .into_iter()
        .enumerate()
        .filter(|(place, _)| places.contains(place))
        .map(|(_, (_, proposal))| proposal)
        .collect();
    for pair in propose::pairs(schema) {
        proposals.extend(measure.pair(&pair)?);
    }
    Ok(proposals)
}

/// What was counted of a candidate.
#[derive(Clone, Copy)]
struct Counted {
    values: u64,
    orphans: u64,
    /// Distinct values, where that matters.
    distinct: u64,
}

struct Measure<'a> {
    source: &'a mut dyn Source,
    dialect: &'a dyn Dialect,
    schema: &'a Schema,
}

impl Measure<'_> {
    /// Looks values up; `None` if the server refuses.
    fn count(&mut self, candidate: &Candidate) -> Result<Option<Counted>, DbError> {
        let (child, key) = (self.schema.table(candidate.child), &candidate.key);
        let parent = self.schema.table(key.parent);
        let quoted = |name: &str| self.dialect.quote_identifier(name);
        let names: Vec<String> = key.columns.iter().map(|id| quoted(&child.column(*id).name)).collect();
        let set: Vec<String> = (names.iter().map(|name| format!("{name} IS NOT NULL")))
            .chain(self.dialect.binding(child, key, ""))
            .collect();
        let columns: Vec<String> =
            names.iter().enumerate().map(|(at, name)| format!("{name} AS v{at}")).collect();
        let rows = format!(
            "(SELECT {} FROM {} WHERE {} LIMIT {MOST_VALUES}) c",
            columns.join(", "),
            self.dialect.quote_table(&child.name),
            set.join(" AND ")
        );
        let pairs: Vec<String> = (key.parent_columns.iter().enumerate())
            .map(|(at, id)| format!("p.{} = c.v{at}", quoted(&parent.column(*id).name)))
            .collect();
        let missing = format!(
            "NOT EXISTS (SELECT 1 FROM {} p WHERE {})",
            self.dialect.quote_table(&parent.name),
            pairs.join(" AND ")
        );
        let Some(values) = self.ask(&format!("SELECT COUNT(*) FROM {rows}"))? else { return Ok(None) };
        let orphans = self.ask(&format!("SELECT COUNT(*) FROM {rows} WHERE {missing}"))?;
        let distinct = if candidate.may_be_a_count(self.schema) {
            self.ask(&format!("SELECT COUNT(DISTINCT v0) FROM {rows}"))?.unwrap_or(0)
        } else {
            values
        };
        Ok(orphans.map(|orphans| Counted { values, orphans, distinct }))
    }

    fn ask(&mut self, sql: &str) -> Result<Option<u64>, DbError> {
        match self.source.count(sql) {
            Ok(count) => Ok(Some(count)),
            Err(error) if matches!(error.kind, DbErrorKind::Disconnected | DbErrorKind::Interrupted) => {
                Err(error)
            }
            Err(_) => Ok(None),
        }
    }

    fn proposal(&self, candidate: &Candidate, counted: Counted, copy: Option<String>) -> Proposal {
        let (child, key) = (self.schema.table(candidate.child), &candidate.key);
        let parent = self.schema.table(key.parent);
        let list = |table: &crate::schema::Table, ids: &[ColumnId]| {
            let names: Vec<&str> = ids.iter().map(|id| table.column(*id).name.as_str()).collect();
            format!("{}({})", table.name, names.join(", "))
        };
        Proposal {
            from: list(child, &key.columns),
            to: list(parent, &key.parent_columns),
            when: key.when().map(|when| when.describe(child)),
            values: counted.values,
            orphans: counted.orphans,
            sampled: counted.values >= MOST_VALUES,
            evidence: candidate.evidence.to_owned(),
            copy,
        }
    }

    /// One proposal per type of a pair that names a table.
    fn pair(&mut self, pair: &Pair) -> Result<Vec<Proposal>, DbError> {
        let types: Vec<(String, TableId)> = match pair.types {
            None => {
                let values = self.distinct(pair.child, &[pair.type_column])?;
                let named = values.into_iter().filter_map(|mut row| {
                    let value = row.pop()?;
                    Some((propose::table_of_type(self.schema, &value)?, value))
                });
                named.map(|(table, value)| (value, table)).collect()
            }
            Some(TypeTable { table, id, app, model }) => {
                let rows = self.distinct(table, &[id, app, model])?;
                let named = rows.into_iter().filter_map(|row| {
                    let [id, app, model] = <[String; 3]>::try_from(row).ok()?;
                    let parent = propose::table_of_type(self.schema, &format!("{app}.{model}"))?;
                    Some((id, parent))
                });
                named.collect()
            }
        };
        let mut found = Vec::new();
        for (value, parent) in types {
            let Some(candidate) = propose::conditional(self.schema, pair, &value, parent) else { continue };
            let Some(counted) = self.count(&candidate)? else { continue };
            let share = (counted.values - counted.orphans) as f64 / counted.values.max(1) as f64;
            if counted.values > 0 && share >= LEAST_FOUND[2] {
                let copy = pair.types.map(|types| self.schema.table(types.table).name.to_string());
                found.push(self.proposal(&candidate, counted, copy));
            }
        }
        Ok(found)
    }

    /// The distinct rows of a few columns, as texts, sorted; nothing if there are too many to be types.
    fn distinct(&mut self, table: TableId, columns: &[ColumnId]) -> Result<Vec<Vec<String>>, DbError> {
        let table = self.schema.table(table);
        let mut seen: BTreeSet<Vec<String>> = BTreeSet::new();
        let mut rows = 0;
        let mut enough = false;
        let scan = Scan { columns: columns.to_vec(), order_by: Vec::new(), batch_rows: 8192, exact: false };
        let read = self.source.scan(table, &scan, &mut |batch: TableData| {
            for row in 0..batch.row_count {
                if let Some(values) = texts(&batch, columns, row) {
                    seen.insert(values);
                }
            }
            rows += batch.row_count;
            if rows >= MOST_TYPED_ROWS || seen.len() > MOST_TYPES {
                enough = true;
                return Err(DbError::new(DbErrorKind::Other, "enough rows are read"));
            }
            Ok(())
        });
        match read {
            Err(error) if !enough => Err(error),
            _ if seen.len() > MOST_TYPES => Ok(Vec::new()),
            _ => Ok(seen.into_iter().collect()),
        }
    }
}

/// Values of a row in their text form; `None` if one is null.
fn texts(batch: &TableData, columns: &[ColumnId], row: usize) -> Option<Vec<String>> {
    let text = |column: &ColumnId| {
        let array = batch.column(*column)?;
        if array.is_null(row) {
            return None;
        }
        let number =
            || array.as_primitive_opt::<arrow_array::types::Int64Type>().map(|n| n.value(row).to_string());
        array.as_string_opt::<i32>().map(|texts| texts.value(row).to_owned()).or_else(number)
    };
    columns.iter().map(text).collect()
}
