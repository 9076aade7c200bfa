//! Connecting: session settings, what server this is, and small queries.

use std::str::FromStr;

use serde::de::DeserializeOwned;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection, Row,
    postgres::{PgConnectOptions, PgRow},
};

use super::{error::db_error, sql::literal};
use crate::{
    config::DbUrl,
    db::{DbError, DbErrorKind, ServerIdentity, runtime::block_on},
};

/// The oldest server whose catalog we can read.
const OLDEST_VERSION: i64 = 120_000;

/// Settings that decide how values are printed and read; the same on both sides, so that text forms
/// round-trip. `lc_monetary` C makes money two digits after the point everywhere;
/// compiling catalog queries takes longer than running them.
const COMMON_SETTINGS: &str = "SET client_encoding = 'UTF8'; SET DateStyle = 'ISO, MDY'; \
    SET IntervalStyle = 'postgres'; SET bytea_output = 'hex'; SET extra_float_digits = 3; \
    SET TimeZone = 'UTC'; SET lc_monetary = 'C'; SET xmloption = 'content'; \
    SET standard_conforming_strings = on; SET row_security = off; \
    SET idle_in_transaction_session_timeout = 0; SET jit = off; SET client_min_messages = 'warning';";

/// An open connection and what it told about its server.
pub(super) struct Server {
    /// The connection.
    pub(super) connection: PgConnection,
    /// `server_version_num`: 150018.
    pub(super) version: i64,
    /// The search path a session of this database starts with.
    pub(super) search_path: String,
}

/// Reads a URL.
pub(super) fn options(url: &DbUrl) -> Result<PgConnectOptions, DbError> {
    // The parser's message may quote parts of the URL, so it is not shown.
    PgConnectOptions::from_str(url.expose())
        .map(|options| {
            // Poolers refuse startup parameters they do not know; ours are set later.
            options.application_name("dbsynth").extra_float_digits(None).disable_statement_logging()
        })
        .map_err(|_| DbError::new(DbErrorKind::Unreachable, format!("{url} is no usable Postgres URL")))
}

/// Applies `settings` after the common ones. Done inside the transaction as well where there is one: behind a
/// pooler, what was set before it may have been another server's session.
pub(super) async fn settle(connection: &mut PgConnection, settings: &str) -> Result<(), DbError> {
    let doing = "setting up the session";
    run(connection, COMMON_SETTINGS, doing).await?;
    run(connection, settings, doing).await
}

/// Connects and checks that the server is one we know.
pub(super) fn connect(url: &DbUrl) -> Result<Server, DbError> {
    let options = options(url)?;
    let doing = format!("connecting to {url}");
    block_on(async {
        let mut connection =
            PgConnection::connect_with(&options).await.map_err(|error| db_error(&doing, error))?;
        let row = connection
            .fetch_one(
                "SELECT current_setting('server_version_num')::int8, version(), current_setting('search_path')",
            )
            .await
            .map_err(|error| db_error(&doing, error))?;
        let version: i64 = get(&row, 0)?;
        let banner: String = get(&row, 1)?;
        let other = ["CockroachDB", "Redshift", "Yugabyte", "Materialize", "DSQL"];
        if let Some(name) = other.iter().find(|name| banner.contains(**name)) {
            let what = format!("{url} is {name}: it speaks Postgres's protocol but lacks its catalog");
            return Err(DbError::new(DbErrorKind::Unsupported, what));
        }
        if version < OLDEST_VERSION {
            let what = format!("{url} runs {banner}: PostgreSQL 12 or later is needed");
            return Err(DbError::new(DbErrorKind::Unsupported, what));
        }
        let search_path = get(&row, 2)?;
        Ok(Server { connection, version, search_path })
    })
}

/// Says which database this is. `pg_control_system()` may be barred on managed servers; port and
/// start time (in microseconds) then stand in for it. Not the address: it depends on how one connects.
pub(super) async fn identity(connection: &mut PgConnection) -> Result<ServerIdentity, DbError> {
    let doing = "asking the server who it is";
    let allowed = scalar::<bool>(
        connection,
        "SELECT has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')",
        doing,
    )
    .await?;
    let server = if allowed {
        "SELECT system_identifier::text FROM pg_catalog.pg_control_system()"
    } else {
        "SELECT extract(epoch FROM pg_postmaster_start_time())::text || ' ' || current_setting('port')"
    };
    Ok(ServerIdentity {
        server: scalar(connection, server, doing).await?,
        database: scalar(
            connection,
            "SELECT oid::text FROM pg_catalog.pg_database WHERE datname = current_database()",
            doing,
        )
        .await?,
        version: scalar(connection, "SELECT 'PostgreSQL ' || current_setting('server_version')", doing)
            .await?,
    })
}

/// Runs statements that return nothing, in the simple protocol (several at once are fine).
pub(super) async fn run(connection: &mut PgConnection, sql: &str, doing: &str) -> Result<(), DbError> {
    connection
        .execute(sqlx::raw_sql(AssertSqlSafe(sql.to_owned())))
        .await
        .map(|_| ())
        .map_err(|error| db_error(doing, error))
}

/// Runs statements between a savepoint and its release; a failure leaves the transaction usable.
pub(super) async fn run_guarded(
    connection: &mut PgConnection,
    sql: &str,
    doing: &str,
) -> Result<(), DbError> {
    run(connection, "SAVEPOINT dbsynth", doing).await?;
    match run(connection, sql, doing).await {
        Ok(()) => run(connection, "RELEASE SAVEPOINT dbsynth", doing).await,
        Err(error) => {
            run(connection, "ROLLBACK TO SAVEPOINT dbsynth; RELEASE SAVEPOINT dbsynth", doing).await?;
            Err(error)
        }
    }
}

/// Runs a query that returns one value.
pub(super) async fn scalar<T>(connection: &mut PgConnection, sql: &str, doing: &str) -> Result<T, DbError>
where
    T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    let row = sqlx::query(AssertSqlSafe(sql.to_owned()))
        .persistent(false)
        .fetch_one(&mut *connection)
        .await
        .map_err(|error| db_error(doing, error))?;
    get(&row, 0)
}

/// Runs a query that returns one integer, between savepoints if `in_transaction`.
pub(super) async fn count(
    connection: &mut PgConnection,
    sql: &str,
    in_transaction: bool,
) -> Result<u64, DbError> {
    let doing = "counting rows";
    // Whatever integer type the query returns, int8 arrives.
    let wrapped = format!("SELECT q.n::int8 FROM ({}) q(n)", sql.trim().trim_end_matches(';'));
    if !in_transaction {
        return scalar::<i64>(connection, &wrapped, doing).await.map(non_negative);
    }
    run(connection, "SAVEPOINT dbsynth_count", doing).await?;
    let counted = scalar::<i64>(connection, &wrapped, doing).await;
    let end = if counted.is_ok() {
        "RELEASE SAVEPOINT dbsynth_count"
    } else {
        "ROLLBACK TO SAVEPOINT dbsynth_count; RELEASE SAVEPOINT dbsynth_count"
    };
    run(connection, end, doing).await?;
    counted.map(non_negative)
}

/// Runs a query that returns integers, between savepoints if `in_transaction`.
pub(super) async fn numbers(
    connection: &mut PgConnection,
    sql: &str,
    in_transaction: bool,
) -> Result<Vec<u64>, DbError> {
    let doing = "finding rows";
    let wrapped = format!(
        "SELECT coalesce(string_agg(q.n::text, ','), '') FROM ({}) q(n)",
        sql.trim().trim_end_matches(';')
    );
    if in_transaction {
        run(connection, "SAVEPOINT dbsynth_count", doing).await?;
    }
    let found = scalar::<String>(connection, &wrapped, doing).await;
    if in_transaction {
        let end = if found.is_ok() {
            "RELEASE SAVEPOINT dbsynth_count"
        } else {
            "ROLLBACK TO SAVEPOINT dbsynth_count; RELEASE SAVEPOINT dbsynth_count"
        };
        run(connection, end, doing).await?;
    }
    let mut numbers: Vec<u64> = found?.split(',').filter_map(|number| number.parse().ok()).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

fn non_negative(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

/// Asks the catalog: `question` is the name and the text of a file in `catalog/`; its rows arrive as JSON.
pub(super) async fn ask<T: DeserializeOwned>(
    connection: &mut PgConnection,
    question: &str,
) -> Result<Vec<T>, DbError> {
    let doing = "reading the catalog";
    let prelude = include_str!("catalog/prelude.sql");
    let sql = format!("SELECT row_to_json(q)::text FROM (WITH {prelude} {question}) q");
    let rows = sqlx::query(AssertSqlSafe(sql))
        .persistent(false)
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| db_error(doing, error))?;
    rows.iter()
        .map(|row| {
            serde_json::from_str(&get::<String>(row, 0)?).map_err(|error| {
                DbError::new(DbErrorKind::Other, format!("{doing}: an answer has an unknown shape: {error}"))
            })
        })
        .collect()
}

/// The OID text of a table for `::regclass`, as a literal.
pub(super) fn regclass(quoted_table: &str) -> String {
    format!("{}::pg_catalog.regclass", literal(quoted_table))
}

fn get<'r, T>(row: &'r PgRow, index: usize) -> Result<T, DbError>
where
    T: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    row.try_get(index).map_err(|error| db_error("reading an answer", error))
}
