//! Writing without a connection: scripts that an engine's own client runs later, and values as the engine prints them.

use crate::{
    data::TableData,
    db::{Blueprint, DbError, Statement},
    schema::{ColumnId, Schema, Table},
};

/// How an engine writes what its own client (`psql`, `mysql`, `sqlite3`) reads later.
pub trait Scribe: Send + Sync {
    /// Types the rows of a table, to be printed. Generated columns are left out: the engine computes them.
    ///
    /// # Errors
    /// [`DbError`] if an array is not of its column's kind.
    fn printer<'a>(
        &self,
        table: &'a Table,
        rows: &'a TableData,
    ) -> Result<Box<dyn Printer + Send + 'a>, DbError>;

    /// Settings of the session a script needs, before anything else.
    fn opening(&self) -> String;

    /// True for a statement that must stand before the transaction of a script.
    fn stands_outside(&self, _statement: &Statement) -> bool {
        false
    }

    /// True for a statement that must wait until everything else is done.
    fn waits(&self, _statement: &Statement) -> bool {
        false
    }

    /// Opens the transaction of a script, where the engine has one for DDL.
    fn begin(&self) -> &'static str;

    /// One statement of a blueprint with whatever ends it; if it is optional, its failure does not stop the client,
    /// where the client can go on.
    fn statement(&self, statement: &Statement) -> String;

    /// What stands before the rows of a table.
    fn before_rows(&self, table: &Table, columns: &[ColumnId]) -> String;

    /// What stands after them.
    fn after_rows(&self, columns: &[ColumnId]) -> String;

    /// Statements that set the sequences past the rows.
    fn sequences(&self, schema: &Schema, blueprint: &Blueprint) -> Vec<String>;

    /// Ends a script.
    fn closing(&self) -> &'static str;

    /// What stands in a CSV file for null, without quotes; the same text in quotes is a text.
    fn csv_null(&self) -> &'static str {
        ""
    }

    /// True if the client that imports a CSV file takes an empty text for null.
    fn csv_confuses_empty(&self) -> bool {
        false
    }

    /// Commands that load a CSV file with a header into a table, for a client that runs in the file's folder.
    fn load_csv(&self, table: &Table, columns: &[ColumnId], file: &str) -> String;

    /// The command line that runs a script; `csv` if it reads files beside it.
    fn run(&self, script: &str, csv: bool) -> String;
}

/// Rows of one table, as an engine prints them.
pub trait Printer {
    /// The columns printed, in order.
    fn columns(&self) -> &[ColumnId];

    /// Appends the value of a row in the column at `place`, as the engine prints it, with no quotes and escapes;
    /// false if it is null.
    fn print(&self, place: usize, row: usize, out: &mut Vec<u8>) -> bool;

    /// Appends all rows as a script has them, between [`Scribe::before_rows`] and [`Scribe::after_rows`].
    fn dump(&self, out: &mut Vec<u8>);
}

/// Ends a statement of a script, behind a last line that may be a comment as well.
pub(super) fn ended(sql: &str, end: &str) -> String {
    let sql = sql.trim_end();
    let commented = sql.lines().last().is_some_and(|line| line.contains("--") || line.contains('#'));
    let gap = if commented { "\n" } else { "" };
    format!("{sql}{gap}{end}\n")
}

/// A comment of one line.
pub(super) fn comment(text: &str) -> String {
    format!("-- {}\n", text.replace(['\n', '\r'], " "))
}

#[cfg(test)]
mod tests {
    use super::{comment, ended};

    #[test]
    fn a_statement_that_ends_with_a_comment_ends_on_the_next_line() {
        assert_eq!(ended("SELECT 1 ", ";"), "SELECT 1;\n");
        assert_eq!(ended("CREATE TABLE t (a)\n-- why", ";"), "CREATE TABLE t (a)\n-- why\n;\n");
    }

    #[test]
    fn no_name_breaks_out_of_a_comment() {
        assert_eq!(comment("table a\nDROP TABLE b"), "-- table a DROP TABLE b\n");
    }
}
