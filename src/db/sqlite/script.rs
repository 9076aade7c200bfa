//! Scripts for the `sqlite3` shell: one transaction, rows as multi-row `INSERT`.

use super::{
    encode::{Bound, ColumnWriter},
    sql::{counter, identifier, identifiers, literal},
};
use crate::{
    data::TableData,
    db::{
        Blueprint, DbError, Printer, Scribe, Statement,
        script::{comment, ended},
    },
    schema::{ColumnId, Schema, Storage, Table},
};

/// Rows per `INSERT`: SQLite knows no longer compound than 500 terms in older versions.
const INSERT_ROWS: usize = 500;
/// Text per `INSERT`, in bytes; SQLite takes a million unless told otherwise.
const INSERT_BYTES: usize = 256 << 10;
/// The table a CSV file goes through.
const PASSAGE: &str = "dbsynth_csv";

/// Writes for `sqlite3`.
pub(in crate::db) struct SqliteScribe;

impl Scribe for SqliteScribe {
    fn printer<'a>(
        &self,
        table: &'a Table,
        rows: &'a TableData,
    ) -> Result<Box<dyn Printer + Send + 'a>, DbError> {
        let mut script = Script { table, columns: Vec::new(), writers: Vec::new(), count: rows.row_count };
        for (id, array) in rows.columns.iter().zip(&rows.arrays) {
            let column = table.column(*id);
            if column.generated.is_none() {
                script.columns.push(*id);
                script.writers.push(ColumnWriter::new(table, column, (array, rows.exact(*id)))?);
            }
        }
        Ok(Box::new(script))
    }

    fn opening(&self) -> String {
        ".bail on\nPRAGMA foreign_keys = OFF;\n".to_owned()
    }

    fn stands_outside(&self, statement: &Statement) -> bool {
        statement.sql.starts_with("PRAGMA")
    }

    fn begin(&self) -> &'static str {
        "BEGIN;\n"
    }

    fn statement(&self, statement: &Statement) -> String {
        let text = format!("{}{}", comment(&statement.object), ended(&statement.sql, ";"));
        if statement.optional { format!(".bail off\n{text}.bail on\n") } else { text }
    }

    fn before_rows(&self, _table: &Table, _columns: &[ColumnId]) -> String {
        String::new()
    }

    fn after_rows(&self, _columns: &[ColumnId]) -> String {
        String::new()
    }

    fn sequences(&self, schema: &Schema, blueprint: &Blueprint) -> Vec<String> {
        let counters = blueprint.sequences.iter().map(|sequence| {
            let table = schema.table(sequence.table);
            format!("{};\n", counter(&table.name.name, &table.column(sequence.column).name))
        });
        counters.collect()
    }

    fn closing(&self) -> &'static str {
        "COMMIT;\n"
    }

    fn csv_confuses_empty(&self) -> bool {
        true
    }

    fn load_csv(&self, table: &Table, columns: &[ColumnId], file: &str) -> String {
        let names: Vec<&str> = columns.iter().map(|id| table.column(*id).name.as_str()).collect();
        let list = identifiers(names.iter().copied());
        let values: Vec<String> = columns
            .iter()
            .map(|id| {
                let column = table.column(*id);
                let name = identifier(&column.name);
                let value = if column.nullable { format!("NULLIF({name}, '')") } else { name };
                // The shell knows it from version 3.41 on.
                if column.data_type.storage() == Storage::Bytes { format!("unhex({value})") } else { value }
            })
            .collect();
        format!(
            "DROP TABLE IF EXISTS temp.{PASSAGE};\nCREATE TEMP TABLE {PASSAGE} ({list});\n\
             .import --csv --skip 1 {} {PASSAGE}\n\
             INSERT INTO {} ({list}) SELECT {} FROM {PASSAGE};\nDROP TABLE temp.{PASSAGE};\n",
            quoted(file),
            identifier(&table.name.name),
            values.join(", ")
        )
    }

    fn run(&self, script: &str, _csv: bool) -> String {
        format!("sqlite3 DATABASE.sqlite < {script}")
    }
}

/// An argument of a command of the shell.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

struct Script<'a> {
    table: &'a Table,
    columns: Vec<ColumnId>,
    writers: Vec<ColumnWriter<'a>>,
    count: usize,
}

impl Printer for Script<'_> {
    fn columns(&self) -> &[ColumnId] {
        &self.columns
    }

    fn print(&self, place: usize, row: usize, out: &mut Vec<u8>) -> bool {
        match self.writers[place].value(row) {
            Bound::Null => return false,
            Bound::Integer(value) => out.extend_from_slice(value.to_string().as_bytes()),
            Bound::Real(value) => out.extend_from_slice(real(value).as_bytes()),
            Bound::Text(text) => out.extend_from_slice(text.as_bytes()),
            Bound::Blob(bytes) => hex(&bytes, out),
        }
        true
    }

    fn dump(&self, out: &mut Vec<u8>) {
        let name = identifier(&self.table.name.name);
        if self.writers.is_empty() {
            let one = format!("INSERT INTO {name} DEFAULT VALUES;\n");
            (0..self.count).for_each(|_| out.extend_from_slice(one.as_bytes()));
            return;
        }
        let list = identifiers(self.writers.iter().map(|writer| writer.column.name.as_str()));
        let head = format!("INSERT INTO {name} ({list}) VALUES\n");
        let mut next = 0;
        while next < self.count {
            let (first, start) = (next, out.len());
            out.extend_from_slice(head.as_bytes());
            while next < self.count
                && next - first < INSERT_ROWS
                && (out.len() - start < INSERT_BYTES || next == first)
            {
                out.extend_from_slice(if next > first { b",\n(" } else { b"(" });
                for (place, writer) in self.writers.iter().enumerate() {
                    if place > 0 {
                        out.push(b',');
                    }
                    write_literal(&writer.value(next), out);
                }
                out.push(b')');
                next += 1;
            }
            out.extend_from_slice(b";\n");
        }
    }
}

fn write_literal(value: &Bound<'_>, out: &mut Vec<u8>) {
    match value {
        Bound::Null => out.extend_from_slice(b"NULL"),
        // The digits of the smallest one alone are beyond the largest.
        Bound::Integer(i64::MIN) => out.extend_from_slice(b"(-9223372036854775807-1)"),
        Bound::Integer(value) => out.extend_from_slice(value.to_string().as_bytes()),
        Bound::Real(value) if value.is_nan() => out.extend_from_slice(b"NULL"),
        Bound::Real(value) => out.extend_from_slice(real(*value).as_bytes()),
        Bound::Text(text) => out.extend_from_slice(text_literal(text).as_bytes()),
        Bound::Blob(bytes) => {
            out.extend_from_slice(b"x'");
            hex(bytes, out);
            out.push(b'\'');
        }
    }
}

/// A number with a point or an exponent, so that it stays one of that class.
fn real(value: f64) -> String {
    match value {
        f64::INFINITY => "9e999".to_owned(),
        f64::NEG_INFINITY => "-9e999".to_owned(),
        value => format!("{value:?}"),
    }
}

/// A literal on one line. The shell drops carriage returns at the end of a line and cannot read a zero at all, so
/// that these, as line breaks, are put back by `replace`, as in the shell's own dumps.
fn text_literal(text: &str) -> String {
    let mut body = text.to_owned();
    let mut calls = Vec::new();
    for (special, letter) in [('\n', 'n'), ('\r', 'r'), ('\0', '0')] {
        if !body.contains(special) {
            continue;
        }
        let mut marker = format!("\\{letter}");
        let mut number = 0;
        while text.contains(&marker) {
            number += 1;
            marker = format!("\\({letter}{number})");
        }
        body = body.replace(special, &marker);
        calls.push((marker, special as u32));
    }
    let mut sql = literal(&body);
    for (marker, code) in calls {
        sql = format!("replace({sql},{},char({code}))", literal(&marker));
    }
    sql
}

fn hex(bytes: &[u8], out: &mut Vec<u8>) {
    for byte in bytes {
        out.extend_from_slice(format!("{byte:02X}").as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::{real, text_literal};

    #[test]
    fn a_text_stands_on_one_line_and_a_marker_is_never_part_of_it() {
        assert_eq!(text_literal("it's"), "'it''s'");
        assert_eq!(text_literal("a\nb"), r"replace('a\nb','\n',char(10))");
        assert_eq!(text_literal("a\\n\nb"), r"replace('a\n\(n1)b','\(n1)',char(10))");
        assert_eq!(text_literal("\r\n"), r"replace(replace('\r\n','\n',char(10)),'\r',char(13))");
    }

    #[test]
    fn a_real_number_is_never_written_as_a_whole_one() {
        assert_eq!([real(1.0), real(-0.5), real(1e300)], ["1.0", "-0.5", "1e300"]);
        assert_eq!(real(f64::NEG_INFINITY), "-9e999");
    }
}
