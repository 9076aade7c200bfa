//! Scripts of the user, and the note in the marker.

use std::path::Path;

use sqlx::AssertSqlSafe;

use super::{
    catalog::MARKER,
    server::{Connection, lift_error},
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

const WHAT: &str = "the file refuses a statement";

/// Runs a script.
pub(super) fn run_script(connection: &mut Connection, sql: &str) -> Result<(), ScriptError> {
    let driver = &mut connection.inner;
    // Not `block_on`: its error is another.
    runtime()?.block_on(async {
        let results = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute_many(driver);
        run_all(results, |done, error| {
            let line = line_of(DialectName::Sqlite, sql, done);
            ScriptError { line, error: lift_error(WHAT, error) }
        })
        .await
    })
}

/// Runs a script on a file that no load has open, under its foreign keys.
pub(super) fn run_on_file(target: &Path, sql: &str) -> Result<(), ScriptError> {
    let mut connection = Connection::write(target)?;
    connection.run("the file refuses a setting", "PRAGMA foreign_keys = ON")?;
    let ran = run_script(&mut connection, sql);
    let closed = connection.close();
    ran.and(closed.map_err(ScriptError::from))
}

/// Leaves a note in the marker.
pub(super) fn leave_note(connection: &mut Connection, note: &str) -> Result<(), DbError> {
    let sql = format!("INSERT INTO {} VALUES ('note', {})", identifier(MARKER), literal(note));
    connection.run("cannot leave the marker", &sql)
}

/// Reads the note of the last load.
pub(super) fn read_note(target: &Path) -> Result<Option<String>, DbError> {
    if std::fs::metadata(target).map_or(true, |metadata| metadata.len() == 0) {
        return Ok(None);
    }
    let mut connection = Connection::read(target)?;
    let sql = format!("SELECT name FROM {} WHERE kind = 'note'", identifier(MARKER));
    // A file without a marker, or with somebody else's table of that name.
    let found = connection.texts("cannot read the marker", &sql).unwrap_or_default();
    connection.close()?;
    Ok(found.into_iter().next())
}
