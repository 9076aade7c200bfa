//! Names and literals in SQLite's SQL.

use crate::{
    db::{Computation, Probe, Question, STAGING_ROW},
    schema::{Column, Table, TableName},
};

/// Quotes an identifier.
pub(super) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Quotes a list of identifiers.
pub(super) fn identifiers<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(identifier).collect::<Vec<_>>().join(", ")
}

/// Quotes a text literal.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Writes a multi-row insert with `rows` rows of bound values; without columns, one row of defaults.
pub(super) fn insert(table: &str, columns: &[&str], rows: usize) -> String {
    let table = identifier(table);
    if columns.is_empty() {
        return format!("INSERT INTO {table} DEFAULT VALUES");
    }
    let marks = format!("({})", vec!["?"; columns.len()].join(", "));
    let rows = vec![marks.as_str(); rows].join(", ");
    format!("INSERT INTO {table} ({}) VALUES {rows}", identifiers(columns.iter().copied()))
}

/// Moves the counter of a table past the largest value of its column.
pub(super) fn counter(table: &str, column: &str) -> String {
    format!(
        "UPDATE sqlite_sequence SET seq = (SELECT coalesce(max({}), 0) FROM {}) WHERE name = {}",
        identifier(column),
        identifier(table),
        literal(table)
    )
}

/// The staging table of a table and what makes it.
pub(super) fn staging(table: &Table) -> (TableName, Vec<String>) {
    let name = TableName::bare("dbsynth_judge");
    let mut columns: Vec<String> = table
        .columns
        .iter()
        .map(|column| {
            let collation = if column.collation.ignores_case() { " COLLATE NOCASE" } else { "" };
            let generated = match &column.generated {
                Some(expression) => format!(" AS ({expression})"),
                None => String::new(),
            };
            format!("{} {}{collation}{generated}", identifier(&column.name), column.native_type)
        })
        .collect();
    columns.push(format!("{STAGING_ROW} INTEGER"));
    let staging = identifier(&name.name);
    let create = format!("CREATE TEMP TABLE {staging} ({})", columns.join(", "));
    (name, vec![create])
}

/// How rows are found for which something cannot be computed: a run of them is computed at a time.
pub(super) fn probe(staging: &TableName, what: Computation<'_>) -> Probe {
    let staging = identifier(&staging.name);
    let computed = match what {
        Computation::Column(_, expression) => vec![format!("({expression}\n)")],
        Computation::Index(expressions, predicate) => expressions
            .iter()
            .map(String::as_str)
            .chain(expressions.is_empty().then_some("NULL"))
            .map(|expression| match predicate {
                Some(predicate) => format!("CASE WHEN ({predicate}\n) THEN ({expression}\n) END"),
                None => format!("({expression}\n)"),
            })
            .collect(),
        Computation::Condition(condition) => vec![format!("({condition}\n)")],
    };
    let names = identifiers(
        (0..computed.len()).map(|place| format!("e{place}")).collect::<Vec<_>>().iter().map(String::as_str),
    );
    Probe {
        make: vec![
            format!("CREATE INDEX IF NOT EXISTS temp.dbsynth_rows ON {staging} ({STAGING_ROW})"),
            format!("CREATE TEMP TABLE dbsynth_try ({names})"),
        ],
        question: Question::Range(format!(
            "INSERT INTO temp.dbsynth_try SELECT {} FROM temp.{staging} WHERE {STAGING_ROW}",
            computed.join(", ")
        )),
        remove: vec!["DROP TABLE IF EXISTS temp.dbsynth_try".to_owned()],
    }
}

/// What takes a generated column from the staging table, and what brings it back.
pub(super) fn set_aside(staging: &TableName, column: &Column) -> (String, String) {
    let (staging, name) = (identifier(&staging.name), identifier(&column.name));
    let expression = column.generated.as_deref().unwrap_or("NULL");
    let collation = if column.collation.ignores_case() { " COLLATE NOCASE" } else { "" };
    (
        format!("ALTER TABLE temp.{staging} DROP COLUMN {name}"),
        format!(
            "ALTER TABLE temp.{staging} ADD COLUMN {name} {}{collation} AS ({expression})",
            column.native_type
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::{identifier, insert, literal};

    #[test]
    fn quotes_double_inside_names_and_literals() {
        assert_eq!(identifier("a \"b\".c"), "\"a \"\"b\"\".c\"");
        assert_eq!(literal("it's"), "'it''s'");
    }

    #[test]
    fn an_insert_binds_every_value_of_every_row() {
        assert_eq!(insert("t", &["a", "b"], 2), "INSERT INTO \"t\" (\"a\", \"b\") VALUES (?, ?), (?, ?)");
        assert_eq!(insert("t", &[], 1), "INSERT INTO \"t\" DEFAULT VALUES");
    }
}
