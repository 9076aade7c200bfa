//! Scripts of the user, many statements at once, and the note in the marker.

use sqlx::AssertSqlSafe;

use super::{
    catalog::MARKER,
    error::wrap,
    server::Connection,
    sql::{identifier, literal},
};
use crate::{
    db::{
        DbError, ScriptError,
        runtime::runtime,
        user_sql::{line_of, run_all},
    },
    schema::DialectName,
};

/// Runs a script under the checks that are off while rows are loaded. The caller restores the session.
pub(super) fn run_script(connection: &mut Connection, sql: &str) -> Result<(), ScriptError> {
    let doing = "run SQL";
    connection.run_as("set up the session", "SET SESSION foreign_key_checks = 1, unique_checks = 1")?;
    let driver = &mut connection.driver;
    // Not `block_on`: its error is another.
    runtime()?.block_on(async {
        let results = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute_many(driver);
        run_all(results, |done, error| {
            let line = line_of(DialectName::MySql, sql, done);
            ScriptError { line, error: wrap(doing, error) }
        })
        .await
    })
}

/// Leaves a note in the marker of the current database, in a row that no table can have.
pub(super) fn leave_note(connection: &mut Connection, note: &str) -> Result<(), DbError> {
    let sql = format!(
        "INSERT INTO {} (name, version, note) VALUES ('', {}, {})",
        identifier(MARKER),
        literal(env!("CARGO_PKG_VERSION")),
        literal(note)
    );
    connection.run(&sql).map(|_| ())
}

/// Reads the note in the marker of a database. A marker of an earlier version has none.
pub(super) fn read_note(connection: &mut Connection, database: &str) -> Result<Option<String>, DbError> {
    let there = format!(
        "SELECT COUNT(*) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = {} AND TABLE_NAME = {} \
         AND COLUMN_NAME = 'note'",
        literal(database),
        literal(MARKER)
    );
    if connection.count(&there)? == 0 {
        return Ok(None);
    }
    let marker = format!("{}.{}", identifier(database), identifier(MARKER));
    Ok(connection.one(&format!("SELECT note FROM {marker} WHERE name = ''"))?.nth(0))
}
