//! Which rows of the staging table MySQL and MariaDB cannot compute something for.

use super::sql::identifier;
use crate::{
    db::{Computation, Probe, Question, STAGING_ROW},
    schema::{Column, Table, TableName},
};

/// A copy of the staging table that computes it as the table itself will: rows go in, or do not. A SELECT would only
/// warn of a cast that fails, and some casts exist in indexes only.
pub(super) fn probe(table: &Table, staging: &TableName, what: Computation<'_>) -> Probe {
    let tried = identifier("dbsynth_try");
    let staging = identifier(&staging.name);
    let add = match what {
        Computation::Column(column, expression) => {
            let name = identifier(&column.name);
            format!("COLUMN {name} {} AS ({expression}) STORED", column.native_type)
        }
        Computation::Index(expressions, _) => {
            let parts: Vec<String> = expressions.iter().map(|expression| format!("({expression})")).collect();
            format!("INDEX ({})", parts.join(", "))
        }
        Computation::Condition(condition) => format!("CHECK ({condition})"),
    };
    let written = table.iter().filter(|(_, column)| column.generated.is_none());
    let names = written.map(|(_, column)| identifier(&column.name));
    let names = names.chain([STAGING_ROW.to_owned()]).collect::<Vec<_>>().join(", ");
    Probe {
        make: vec![
            // Nothing of a temporary table has to reach the disk.
            format!("DROP TEMPORARY TABLE IF EXISTS {tried}"),
            format!("CREATE TEMPORARY TABLE {tried} LIKE {staging}"),
            format!("ALTER TABLE {tried} ADD {add}"),
            // A commit of each statement would cost more than all else.
            "START TRANSACTION".to_owned(),
        ],
        question: Question::Range(format!(
            "INSERT INTO {tried} ({names}) SELECT {names} FROM {staging} WHERE {STAGING_ROW}"
        )),
        remove: vec!["ROLLBACK".to_owned(), format!("DROP TEMPORARY TABLE IF EXISTS {tried}")],
    }
}

/// What takes a generated column from the staging table, and what brings it back.
pub(super) fn set_aside(staging: &TableName, column: &Column) -> (String, String) {
    let (staging, name) = (identifier(&staging.name), identifier(&column.name));
    let expression = column.generated.as_deref().unwrap_or("NULL");
    (
        format!("ALTER TABLE {staging} DROP COLUMN {name}"),
        format!("ALTER TABLE {staging} ADD COLUMN {name} {} AS ({expression})", column.native_type),
    )
}
