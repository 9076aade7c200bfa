//! What a database holds, read the way dbsynth reads it.

use std::{collections::BTreeMap, fmt::Write};

use arrow_array::cast::AsArray;
use dbsynth::{
    config::DbUrl,
    data::TableData,
    db::{Scan, Source, connect},
    schema::{ColumnId, DataType, Schema},
};

/// Rows as text, in the order of the primary key, per table.
pub(crate) type Contents = BTreeMap<String, Vec<String>>;

/// The schema, without what only the rows tell (how many, how SQLite writes its dates, what is in its untyped columns), and without the texts of its
/// CHECKs: Postgres prints some of them otherwise each time it parses what it printed.
pub(crate) fn schema(url: &DbUrl) -> Schema {
    let mut source = connect(url).unwrap().source().unwrap();
    let mut schema = source.introspect().unwrap().schema;
    for table in &mut schema.tables {
        table.estimated_rows = None;
        for check in &mut table.checks {
            check.expression.clear();
        }
        for column in &mut table.columns {
            column.representation = None;
            // A column of SQLite without a declared type is what its values are.
            if column.native_type.is_empty() {
                column.data_type = DataType::Other;
            }
        }
    }
    schema
}

/// Every row of every table.
pub(crate) fn contents(url: &DbUrl) -> Contents {
    let mut source = connect(url).unwrap().source().unwrap();
    let schema = source.introspect().unwrap().schema;
    let rows = schema.iter().map(|(_, table)| (table.name.to_string(), rows(source.as_mut(), table)));
    rows.collect()
}

fn rows(source: &mut dyn Source, table: &dbsynth::schema::Table) -> Vec<String> {
    let columns: Vec<ColumnId> = table.iter().map(|(id, _)| id).collect();
    let order_by = table.primary_key.as_ref().map_or_else(Vec::new, |key| key.columns.clone());
    let ordered = !order_by.is_empty();
    let mut rows = Vec::new();
    source
        .scan(table, &Scan { columns, order_by, batch_rows: 1000, exact: false }, &mut |batch| {
            rows.extend((0..batch.row_count).map(|row| line(&batch, row)));
            Ok(())
        })
        .unwrap();
    if !ordered {
        rows.sort();
    }
    rows
}

fn line(batch: &TableData, row: usize) -> String {
    let mut line = String::new();
    for array in &batch.arrays {
        let _ = write!(line, "{:?} ", array.slice(row, 1));
    }
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Every text of every column, by table and column.
pub(crate) fn texts(url: &DbUrl) -> BTreeMap<(String, String), Vec<Option<String>>> {
    let mut source = connect(url).unwrap().source().unwrap();
    let schema = source.introspect().unwrap().schema;
    let mut all = BTreeMap::new();
    for (_, table) in schema.iter() {
        let columns: Vec<ColumnId> = table.iter().map(|(id, _)| id).collect();
        let order_by = table.primary_key.as_ref().map_or_else(Vec::new, |key| key.columns.clone());
        source
            .scan(table, &Scan { columns, order_by, batch_rows: 1000, exact: false }, &mut |batch| {
                for (id, array) in batch.columns.iter().zip(&batch.arrays) {
                    let Some(texts) = array.as_string_opt::<i32>() else { continue };
                    let place = (table.name.name.clone(), table.column(*id).name.clone());
                    let values: &mut Vec<Option<String>> = all.entry(place).or_default();
                    values.extend(texts.iter().map(|text| text.map(str::to_owned)));
                }
                Ok(())
            })
            .unwrap();
    }
    all
}
