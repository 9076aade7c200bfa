//! Scripts for the `mysql` and `mariadb` clients: rows as multi-row `INSERT`.
//!
//! DDL commits by itself in MySQL, so a script is no single transaction: it is meant for an empty database.

use super::{
    bulk::{Rows, Spelling},
    ddl::wanted_settings,
    sink::SQL_MODE,
    sql::{fixture, identifier, literal},
    types::Form,
};
use crate::{
    data::TableData,
    db::{
        Blueprint, DbError, Printer, Scribe, Statement,
        script::{comment, ended},
    },
    schema::{ColumnId, Schema, Table},
};

/// Rows per `INSERT`.
const INSERT_ROWS: usize = 500;
/// Text per `INSERT`, in bytes: far below what any server's `max_allowed_packet` allows.
const INSERT_BYTES: usize = 512 << 10;

/// Writes for `mysql` and `mariadb`.
pub(in crate::db) struct MySqlScribe;

impl Scribe for MySqlScribe {
    fn printer<'a>(
        &self,
        table: &'a Table,
        rows: &'a TableData,
    ) -> Result<Box<dyn Printer + Send + 'a>, DbError> {
        let columns =
            rows.columns.iter().copied().filter(|id| table.column(*id).generated.is_none()).collect();
        Ok(Box::new(Script { name: identifier(&table.name.name), columns, rows: Rows::new(table, rows)? }))
    }

    fn opening(&self) -> String {
        format!(
            "SET NAMES utf8mb4;\n{}SET SESSION time_zone = '+00:00';\nSET SESSION foreign_key_checks = 0;\n\
             SET SESSION unique_checks = 0;\n",
            sql_mode()
        )
    }

    fn begin(&self) -> &'static str {
        ""
    }

    fn statement(&self, statement: &Statement) -> String {
        let wanted = wanted_settings(&statement.sql);
        let sql = match statement.sql.split_once(" */ ") {
            Some((_, rest)) if !wanted.is_empty() => rest,
            _ => &statement.sql,
        };
        let mut text = comment(&statement.object);
        for setting in &wanted {
            text.push_str(&format!("SET SESSION {setting};\n"));
        }
        if fixture(sql).is_some() && sql.contains(';') {
            // The client cuts at what is inside a body as well.
            let end = ["$$", "//", "@@@@"].into_iter().find(|end| !sql.contains(end)).unwrap_or("$dbsynth$");
            text.push_str(&format!("DELIMITER {end}\n{}DELIMITER ;\n", ended(sql, end)));
        } else {
            text.push_str(&ended(sql, ";"));
        }
        if !wanted.is_empty() {
            text.push_str(&format!("SET NAMES utf8mb4;\n{}SET SESSION time_zone = '+00:00';\n", sql_mode()));
        }
        text
    }

    fn before_rows(&self, _table: &Table, _columns: &[ColumnId]) -> String {
        "START TRANSACTION;\n".to_owned()
    }

    fn after_rows(&self, _columns: &[ColumnId]) -> String {
        "COMMIT;\n".to_owned()
    }

    fn sequences(&self, schema: &Schema, blueprint: &Blueprint) -> Vec<String> {
        // The inserts themselves raise an AUTO_INCREMENT counter.
        let counted = blueprint
            .sequences
            .iter()
            .map(|sequence| (sequence, schema.table(sequence.table)))
            .filter(|(sequence, table)| !table.column(sequence.column).auto_increment);
        counted
            .map(|(sequence, table)| {
                let (column, from) =
                    (identifier(&table.column(sequence.column).name), identifier(&table.name.name));
                let name = &sequence.name;
                let opening = literal(&format!("DO SETVAL({name}, "));
                // SETVAL wants a literal; without rows there is nothing to set.
                format!(
                    "SELECT COALESCE(CONCAT({opening}, IF((SELECT increment FROM {name}) < 0, MIN({column}), \
                     MAX({column})), ', 1)'), 'DO 0') INTO @dbsynth FROM {from};\nEXECUTE IMMEDIATE @dbsynth;\n"
                )
            })
            .collect()
    }

    fn closing(&self) -> &'static str {
        "SET SESSION foreign_key_checks = 1;\nSET SESSION unique_checks = 1;\n"
    }

    fn csv_null(&self) -> &'static str {
        "NULL"
    }

    fn load_csv(&self, table: &Table, columns: &[ColumnId], file: &str) -> String {
        let mut fields = Vec::new();
        let mut sets = Vec::new();
        for (place, id) in columns.iter().enumerate() {
            let column = table.column(*id);
            let (name, value) = (identifier(&column.name), format!("@v{place}"));
            let set = match Form::of(column) {
                Form::Bytes => format!("UNHEX({value})"),
                // Nothing at all is null: CONV(NULL) is.
                Form::Bits(_) => format!("CAST(CONV({value}, 2, 10) AS UNSIGNED)"),
                Form::Spatial(srid) => format!(
                    "ST_GeomFromText(SUBSTRING_INDEX({value}, ';', -1), IF({value} LIKE 'SRID=%', \
                     CAST(SUBSTRING(SUBSTRING_INDEX({value}, ';', 1), 6) AS UNSIGNED), {srid})\
                     /*!80000 , 'axis-order=long-lat' */)"
                ),
                Form::Vector => format!("/*!80000 STRING_TO_VECTOR *//*M! VEC_FromText */({value})"),
                _ => {
                    fields.push(name);
                    continue;
                }
            };
            fields.push(value);
            sets.push(format!("{name} = {set}"));
        }
        let set = if sets.is_empty() { String::new() } else { format!("\n  SET {}", sets.join(", ")) };
        format!(
            "LOAD DATA LOCAL INFILE {} INTO TABLE {} CHARACTER SET utf8mb4\n  FIELDS TERMINATED BY ',' \
             OPTIONALLY ENCLOSED BY '\"' ESCAPED BY '' LINES TERMINATED BY '\\n' IGNORE 1 LINES\n  ({}){set};\n",
            literal(file),
            identifier(&table.name.name),
            fields.join(", ")
        )
    }

    fn run(&self, script: &str, csv: bool) -> String {
        let local = if csv { " --local-infile=1" } else { "" };
        format!("mysql{local} DATABASE < {script}")
    }
}

fn sql_mode() -> String {
    format!("SET SESSION sql_mode = '{SQL_MODE}';\n")
}

struct Script<'a> {
    name: String,
    columns: Vec<ColumnId>,
    rows: Rows<'a>,
}

impl Printer for Script<'_> {
    fn columns(&self) -> &[ColumnId] {
        &self.columns
    }

    fn print(&self, place: usize, row: usize, out: &mut Vec<u8>) -> bool {
        self.rows.print(place, row, out)
    }

    fn dump(&self, out: &mut Vec<u8>) {
        let head = format!("INSERT INTO {} ({}) VALUES\n", self.name, self.rows.column_list());
        let mut scratch = String::new();
        let mut next = 0;
        while next < self.rows.row_count {
            let (first, start) = (next, out.len());
            out.extend_from_slice(head.as_bytes());
            while next < self.rows.row_count
                && next - first < INSERT_ROWS
                && (out.len() - start < INSERT_BYTES || next == first)
            {
                if next > first {
                    out.extend_from_slice(b",\n");
                }
                self.rows.write_tuple(&Spelling::SCRIPT, next, &mut scratch, out);
                next += 1;
            }
            out.extend_from_slice(b";\n");
        }
    }
}
