//! Scripts of the user, in the server's simple protocol, which takes many statements at once.

use sqlx::{
    AssertSqlSafe, PgConnection,
    postgres::{PgDatabaseError, PgErrorPosition},
};

use super::{
    error::db_error,
    server::{run, scalar},
    sql::literal,
};
use crate::{
    db::{
        DbError, ScriptError,
        user_sql::{line_at, line_of, run_all},
    },
    schema::DialectName,
};

/// Runs a script and gives the session the search path and role back that it had.
pub(super) async fn run_script(
    connection: &mut PgConnection,
    sql: &str,
    in_transaction: bool,
) -> Result<(), ScriptError> {
    let doing = "running SQL";
    let path: String = scalar(connection, "SELECT pg_catalog.current_setting('search_path')", doing).await?;
    let role: String = scalar(connection, "SELECT pg_catalog.current_setting('role')", doing).await?;
    let results = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute_many(&mut *connection);
    run_all(results, |done, error| {
        let line = place(&error, sql).or_else(|| line_of(DialectName::Postgres, sql, done));
        ScriptError { line, error: db_error(doing, error) }
    })
    .await?;
    if in_transaction {
        // A table with checks still to come cannot be altered.
        run(connection, "SET CONSTRAINTS ALL IMMEDIATE", doing).await?;
    }
    let back = format!(
        "SELECT pg_catalog.set_config('role', {}, false); SELECT pg_catalog.set_config('search_path', {}, false)",
        literal(&role),
        literal(&path)
    );
    run(connection, &back, doing).await?;
    Ok(())
}

/// The line of a mistake that the server points at.
fn place(error: &sqlx::Error, sql: &str) -> Option<usize> {
    let sqlx::Error::Database(said) = error else { return None };
    match said.try_downcast_ref::<PgDatabaseError>()?.position()? {
        PgErrorPosition::Original(position) => Some(line_at(sql, position)),
        PgErrorPosition::Internal { .. } => None,
    }
}

const NOTE: &str = "_dbsynth.note";

/// Leaves a note beside the marker, whose schema is there already.
pub(super) async fn leave_note(connection: &mut PgConnection, note: &str) -> Result<(), DbError> {
    let sql = format!("CREATE TABLE {NOTE} (note text); INSERT INTO {NOTE} VALUES ({})", literal(note));
    run(connection, &sql, "leaving the marker").await
}

/// Reads the note of the last load.
pub(super) async fn read_note(connection: &mut PgConnection) -> Result<Option<String>, DbError> {
    let doing = "looking for the marker";
    let question = format!(
        "SELECT coalesce(pg_catalog.has_table_privilege(pg_catalog.to_regclass({}), 'SELECT'), false)",
        literal(NOTE)
    );
    if !scalar::<bool>(connection, &question, doing).await? {
        return Ok(None);
    }
    scalar(connection, &format!("SELECT max(note) FROM {NOTE}"), doing).await
}
