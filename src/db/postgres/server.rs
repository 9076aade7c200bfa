//! Connecting: session settings, what server this is, and small queries.

use std::str::FromStr;

use serde::{Deserialize, de::DeserializeOwned};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection, Row,
    postgres::{PgConnectOptions, PgRow},
};

use super::{error::db_error, sql::literal};
use crate::{
    config::{DbUrl, SourceSettings},
    db::{DbError, DbErrorKind, ServerIdentity, runtime::block_on},
    finding::Finding,
    schema::TableName,
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
    /// True on a hot standby.
    pub(super) standby: bool,
    /// True behind a pooler that lends one server session to several clients.
    pub(super) pooled: bool,
}

/// Reads a URL.
pub(super) fn options(url: &DbUrl) -> Result<PgConnectOptions, DbError> {
    // The parser's message may quote parts of the URL, so it is not shown.
    PgConnectOptions::from_str(url.expose())
        .map(|options| {
            // Poolers refuse startup parameters they do not know; ours are set later.
            options.application_name("dbsynth").extra_float_digits(None)
        })
        .map_err(|_| DbError::new(DbErrorKind::Unreachable, format!("{url} is no usable Postgres URL")))
}

/// How long settings hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hold {
    /// As long as the session.
    Session,
    /// Until the transaction ends: behind a pooler the session belongs to others as well.
    Transaction,
}

/// Applies `settings` after the common ones. Done inside the transaction as well where there is one: behind a
/// pooler, what was set before it may have been another server's session.
pub(super) async fn settle(connection: &mut PgConnection, settings: &str, hold: Hold) -> Result<(), DbError> {
    let doing = "setting up the session";
    for settings in [COMMON_SETTINGS, settings] {
        let settings = match hold {
            Hold::Session => settings.to_owned(),
            Hold::Transaction => settings.replace("SET ", "SET LOCAL "),
        };
        run(connection, &settings, doing).await?;
    }
    Ok(())
}

/// Connects to a target and checks that the server is one we know.
pub(super) fn connect(url: &DbUrl) -> Result<Server, DbError> {
    connect_with(url, &options(url)?.disable_statement_logging(), true)
}

/// Connects to a source. Its statements can be listened to, see `--show-sql`; they hold no values of rows.
pub(super) fn connect_source(url: &DbUrl, settings: &SourceSettings) -> Result<Server, DbError> {
    // To find a pooler takes a second connection.
    let alone = settings.max_connections == Some(1);
    let options = options(url)?;
    let options = if settings.show_sql { options } else { options.disable_statement_logging() };
    connect_with(url, &options, !alone)
}

/// Connects to a source once more.
pub(super) fn connect_further(url: &DbUrl, settings: &SourceSettings) -> Result<PgConnection, DbError> {
    let alone = SourceSettings { max_connections: Some(1), ..*settings };
    connect_source(url, &alone).map(|server| server.connection)
}

fn connect_with(url: &DbUrl, options: &PgConnectOptions, look_for_pooler: bool) -> Result<Server, DbError> {
    let doing = format!("connecting to {url}");
    block_on(async {
        let mut connection =
            PgConnection::connect_with(options).await.map_err(|error| db_error(&doing, error))?;
        // Alone: some of the others have no such settings.
        let row = connection.fetch_one("SELECT version()").await.map_err(|error| db_error(&doing, error))?;
        let banner: String = get(&row, 0)?;
        if let Some(name) = other_engine(&banner) {
            let what = format!("{url} is {name}: it speaks Postgres's protocol but lacks its catalog");
            return Err(DbError::new(DbErrorKind::Unsupported, what));
        }
        let row = connection
            .fetch_one(
                "SELECT current_setting('server_version_num')::int8, current_setting('search_path'), \
                 pg_is_in_recovery(), pg_backend_pid()",
            )
            .await
            .map_err(|error| db_error(&doing, error))?;
        let version: i64 = get(&row, 0)?;
        if version < OLDEST_VERSION {
            let what = format!("{url} runs {banner}: PostgreSQL 12 or later is needed");
            return Err(DbError::new(DbErrorKind::Unsupported, what));
        }
        let pooled = look_for_pooler && shares_its_server(options, get(&row, 3)?).await;
        Ok(Server { connection, version, search_path: get(&row, 1)?, standby: get(&row, 2)?, pooled })
    })
}

/// Names what else speaks Postgres's protocol, from the answer to `version()`.
fn other_engine(banner: &str) -> Option<&'static str> {
    let others = [
        "CockroachDB",
        "Redshift",
        "Yugabyte",
        "Materialize",
        "RisingWave",
        "CrateDB",
        "QuestDB",
        "H2",
        "DSQL",
        "Spanner",
        "Vertica",
        "DuckDB",
    ];
    // YugabyteDB calls itself `PostgreSQL 11.2-YB-2.19`.
    let name = others.into_iter().find(|name| banner.contains(*name));
    name.or_else(|| banner.contains("-YB-").then_some("Yugabyte"))
}

/// True if a second client is lent the server process that the first, idle one was lent: a pooler in transaction
/// mode stands between. A busy pooler may lend another one, so false is no proof.
async fn shares_its_server(options: &PgConnectOptions, process: i32) -> bool {
    let Ok(mut second) = PgConnection::connect_with(options).await else { return false };
    let row = second.fetch_one("SELECT pg_backend_pid()").await;
    let shared = row.ok().and_then(|row| row.try_get::<i32, _>(0).ok()) == Some(process);
    // It has told all it was asked for.
    let _ = second.close().await;
    shared
}

/// What to tell of a shared session.
pub(super) fn pooled_finding(of: &str) -> Finding {
    Finding::warning(
        "pooled-connection",
        format!("the {of} is reached through a pooler that lends one server session to several clients"),
    )
    .instead("all is done in one transaction, as far as the pooler lets it")
    .remedy("connect to the server itself, or to a pool in session mode")
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

/// Lets a query find the operators of extensions, wherever those are: a key of an extension's type is compared by them.
const SEE_OPERATORS: &str = "SELECT pg_catalog.set_config('search_path', pg_catalog.concat_ws(', ', \
    nullif(pg_catalog.current_setting('search_path'), ''), (\
    SELECT pg_catalog.string_agg(pg_catalog.quote_ident(n.nspname), ', ' ORDER BY n.nspname) \
    FROM pg_catalog.pg_namespace n WHERE n.nspname <> 'pg_catalog' AND EXISTS (\
    SELECT FROM pg_catalog.pg_extension x WHERE x.extnamespace = n.oid))), true)";

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
    run(connection, &format!("SAVEPOINT dbsynth_count; {SEE_OPERATORS}"), doing).await?;
    let counted = scalar::<i64>(connection, &wrapped, doing).await;
    // Rolled back in any case: so the search path is what it was.
    run(connection, "ROLLBACK TO SAVEPOINT dbsynth_count; RELEASE SAVEPOINT dbsynth_count", doing).await?;
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
        run(connection, &format!("SAVEPOINT dbsynth_count; {SEE_OPERATORS}"), doing).await?;
    }
    let found = scalar::<String>(connection, &wrapped, doing).await;
    if in_transaction {
        run(connection, "ROLLBACK TO SAVEPOINT dbsynth_count; RELEASE SAVEPOINT dbsynth_count", doing)
            .await?;
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

/// Lists the tables that others inherit from.
pub(super) async fn with_heirs(connection: &mut PgConnection) -> Result<Vec<TableName>, DbError> {
    #[derive(Deserialize)]
    struct Row {
        namespace: String,
        name: String,
    }
    let rows: Vec<Row> = ask(connection, include_str!("catalog/heirs.sql")).await?;
    Ok(rows.iter().map(|row| TableName::qualified(&row.namespace, &row.name)).collect())
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

#[cfg(test)]
mod tests {
    use super::other_engine;

    #[test]
    fn servers_that_only_speak_the_protocol_are_told_apart() {
        for (banner, name) in [
            ("CockroachDB CCL v23.1.11 (x86_64-pc-linux-gnu)", Some("CockroachDB")),
            ("PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC, Redshift 1.0.54899", Some("Redshift")),
            ("PostgreSQL 11.2-YB-2.19.0.0-b0 on x86_64-pc-linux-gnu", Some("Yugabyte")),
            ("PostgreSQL 15.18 (Debian 15.18-0+deb12u1) on x86_64-pc-linux-gnu", None),
        ] {
            assert_eq!(other_engine(banner), name);
        }
    }
}
