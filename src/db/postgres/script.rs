//! Scripts for `psql`: one transaction, rows as `COPY … FROM stdin`.

use super::{
    copy::{Values, Wire},
    sequences::{numbered, setting},
    sql::{literal, quote, quote_table},
    text::put_escaped,
    write::{FORCE_ROW_SECURITY, SWITCH_EVENT_TRIGGER},
};
use crate::{
    data::TableData,
    db::{
        Blueprint, DbError, DbErrorKind, Printer, Scribe, Statement,
        script::{comment, ended},
    },
    schema::{Column, ColumnId, DataType, Schema, Table},
};

/// Writes for `psql`.
pub(in crate::db) struct PostgresScribe;

/// How the values of a script are meant, whatever the session says; and nothing goes on after an error.
const OPENING: &str = "\\set QUIET on
\\set ON_ERROR_STOP on
\\set ON_ERROR_ROLLBACK on
SET client_encoding = 'UTF8';
SET client_min_messages = 'warning';
SET standard_conforming_strings = on;
SET DateStyle = 'ISO, MDY';
SET IntervalStyle = 'postgres';
SET TimeZone = 'UTC';
SET lc_monetary = 'C';
SET xmloption = 'content';
SET lock_timeout = 0;
SET statement_timeout = 0;
SET row_security = off;
";

impl Scribe for PostgresScribe {
    fn printer<'a>(
        &self,
        table: &'a Table,
        rows: &'a TableData,
    ) -> Result<Box<dyn Printer + Send + 'a>, DbError> {
        let mut printed = Rows {
            name: quote_table(&table.name),
            columns: Vec::new(),
            values: Vec::new(),
            count: rows.row_count,
        };
        for (id, array) in rows.columns.iter().zip(&rows.arrays) {
            let column = table.column(*id);
            if column.generated.is_some() {
                continue;
            }
            let values = Values::new(array, rows.exact(*id)).ok_or_else(|| {
                let what = format!("{}.{} arrived as an array of an unknown type", table.name, column.name);
                DbError::new(DbErrorKind::Unsupported, what)
            })?;
            let zoneless = matches!(column.data_type, DataType::Timestamp { zoned: false });
            printed.columns.push(*id);
            printed.values.push((values, wire(column), zoneless));
        }
        Ok(Box::new(printed))
    }

    fn opening(&self) -> String {
        OPENING.to_owned()
    }

    fn waits(&self, statement: &Statement) -> bool {
        statement.sql.ends_with(FORCE_ROW_SECURITY) || statement.sql.starts_with(SWITCH_EVENT_TRIGGER)
    }

    fn begin(&self) -> &'static str {
        "BEGIN;\n"
    }

    fn statement(&self, statement: &Statement) -> String {
        let text = format!("{}{}", comment(&statement.object), ended(&unanswered(&statement.sql), ";"));
        if statement.optional {
            format!("\\set ON_ERROR_STOP off\n{text}\\set ON_ERROR_STOP on\n")
        } else {
            text
        }
    }

    fn before_rows(&self, table: &Table, columns: &[ColumnId]) -> String {
        if columns.is_empty() {
            return String::new();
        }
        format!("COPY {} ({}) FROM stdin;\n", quote_table(&table.name), names(table, columns))
    }

    fn after_rows(&self, columns: &[ColumnId]) -> String {
        if columns.is_empty() { String::new() } else { "\\.\n".to_owned() }
    }

    fn sequences(&self, schema: &Schema, blueprint: &Blueprint) -> Vec<String> {
        let all = numbered(schema, blueprint);
        all.iter().map(|(name, places)| ended(&unanswered(&setting(name, places)), ";")).collect()
    }

    fn closing(&self) -> &'static str {
        "COMMIT;\n"
    }

    fn load_csv(&self, table: &Table, columns: &[ColumnId], file: &str) -> String {
        format!(
            "\\copy {} ({}) FROM {} WITH (FORMAT csv, HEADER, ENCODING 'UTF8')\n",
            quote_table(&table.name),
            names(table, columns),
            literal(file)
        )
    }

    fn run(&self, script: &str, _csv: bool) -> String {
        format!("psql -X -d DATABASE -f {script}")
    }
}

fn names(table: &Table, columns: &[ColumnId]) -> String {
    columns.iter().map(|id| quote(&table.column(*id).name)).collect::<Vec<_>>().join(", ")
}

/// A query that runs for what it does: `psql` would print its answer.
fn unanswered(sql: &str) -> String {
    match sql.split_at_checked(6) {
        Some((word, rest)) if word.eq_ignore_ascii_case("select") => {
            format!("DO $dbsynth$ BEGIN PERFORM{rest}; END $dbsynth$")
        }
        _ => sql.to_owned(),
    }
}

/// The form of a column's values, as far as their text depends on it.
fn wire(column: &Column) -> Wire {
    match column.data_type {
        DataType::Float { single: true } => Wire::Float4,
        DataType::Float { single: false } => Wire::Float8,
        DataType::Decimal { precision: Some(precision), scale: Some(scale) } => {
            Wire::Numeric(Some((precision, scale)))
        }
        _ => Wire::TextFormOnly,
    }
}

struct Rows<'a> {
    name: String,
    columns: Vec<ColumnId>,
    /// With true where the text of a time has a zone too many.
    values: Vec<(Values<'a>, Wire, bool)>,
    count: usize,
}

impl Printer for Rows<'_> {
    fn columns(&self) -> &[ColumnId] {
        &self.columns
    }

    fn print(&self, place: usize, row: usize, out: &mut Vec<u8>) -> bool {
        let (values, wire, zoneless) = &self.values[place];
        let start = out.len();
        let there = values.put_plain(row, *wire, out);
        if *zoneless && there {
            let zone = out[start..].windows(3).rposition(|part| part == b"+00");
            if let Some(at) = zone {
                out.drain(start + at..start + at + 3);
            }
        }
        there
    }

    fn dump(&self, out: &mut Vec<u8>) {
        if self.columns.is_empty() {
            // COPY needs a column: rows of defaults only are inserted.
            let all = format!("SELECT FROM pg_catalog.generate_series(1, {})", self.count);
            out.extend_from_slice(format!("INSERT INTO {} {all};\n", self.name).as_bytes());
            return;
        }
        let mut value = Vec::new();
        for row in 0..self.count {
            for place in 0..self.columns.len() {
                if place > 0 {
                    out.push(b'\t');
                }
                value.clear();
                if self.print(place, row, &mut value) {
                    put_escaped(&value, out);
                } else {
                    out.extend_from_slice(b"\\N");
                }
            }
            out.push(b'\n');
        }
    }
}
