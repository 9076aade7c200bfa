//! Throw-away databases on every engine.
//!
//! `DBSYNTH_TEST_POSTGRES_URL` and `DBSYNTH_TEST_MYSQL_URL` are administrators' URLs, as `tests/run.sh` sets them.
//! Unset, their engine is left out with a message; with `CI` set that is a failure. SQLite is always there.

#![expect(clippy::print_stderr, reason = "a skip or a kept database must be seen")]

mod dump;
mod faults;
mod run;
mod server;

pub(crate) use dump::{Contents, contents, schema, texts};
pub(crate) use faults::faults;
pub(crate) use run::{Run, command, dbsynth, dbsynth_in, start};
pub(crate) use server::Server;

use std::{cell::RefCell, future::Future};

use dbsynth::config::DbUrl;
use sqlx::{
    AssertSqlSafe, Connection, Decode, MySql, MySqlConnection, PgConnection, Postgres, Sqlite,
    SqliteConnection, Type,
};
use tempfile::TempDir;

/// An engine the tests run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Postgres,
    MySql,
    Sqlite,
}

/// The engines that are there.
pub(crate) fn engines() -> Vec<Engine> {
    [Engine::Sqlite, Engine::Postgres, Engine::MySql]
        .into_iter()
        .filter(|engine| engine.variable().is_none_or(|variable| administrator(variable).is_some()))
        .collect()
}

/// Tells that a test, or a part of it, was not run.
pub(crate) fn skipped(what: &str) {
    eprintln!("SKIPPED: {what}");
}

fn administrator(variable: &str) -> Option<String> {
    let url = std::env::var(variable).ok();
    if url.is_none() {
        assert!(std::env::var_os("CI").is_none(), "CI must set {variable}");
        eprintln!("SKIPPED an engine: {variable} is not set (./tests/run.sh sets it)");
    }
    url
}

impl Engine {
    fn variable(self) -> Option<&'static str> {
        match self {
            Self::Postgres => Some("DBSYNTH_TEST_POSTGRES_URL"),
            Self::MySql => Some("DBSYNTH_TEST_MYSQL_URL"),
            Self::Sqlite => None,
        }
    }
}

/// A database of one test: dropped when the test passes, kept for a look when it fails.
pub(crate) struct Scratch {
    engine: Engine,
    url: String,
    name: String,
    folder: RefCell<Option<TempDir>>,
    /// Of a server that is not the suite's.
    server: Option<String>,
}

/// A connection that stays open, with what it has locked.
pub(crate) struct Held {
    _connection: Open,
    _runtime: tokio::runtime::Runtime,
}

enum Open {
    Postgres(#[expect(dead_code, reason = "kept open")] PgConnection),
    MySql(#[expect(dead_code, reason = "kept open")] MySqlConnection),
    Sqlite(#[expect(dead_code, reason = "kept open")] SqliteConnection),
}

impl Scratch {
    /// Makes an empty database. `name` must be unique among all tests.
    pub(crate) fn new(engine: Engine, name: &str) -> Self {
        Self::made(engine, name, None, "")
    }

    /// Makes one on a server of one's own; `terms` stand behind its CREATE DATABASE.
    pub(crate) fn on(engine: Engine, name: &str, server: &Server, terms: &str) -> Self {
        Self::made(engine, name, Some(server.url()), terms)
    }

    fn made(engine: Engine, name: &str, server: Option<String>, terms: &str) -> Self {
        let name = format!("it_{name}");
        let folder = RefCell::new(None);
        let mut scratch = Self { engine, url: String::new(), name: name.clone(), folder, server };
        if engine == Engine::Sqlite {
            let folder = TempDir::new().unwrap();
            scratch.url = format!("sqlite:{}", folder.path().join(format!("{name}.sqlite")).display());
            scratch.folder = RefCell::new(Some(folder));
        } else {
            let administrator = scratch.administrator();
            scratch.url = replace_database(&administrator, &name);
            run(engine, &administrator, &format!("DROP DATABASE IF EXISTS {name}"));
            // Whatever a server of the user's own holds for its default.
            let texts = if engine == Engine::MySql { " CHARACTER SET utf8mb4" } else { "" };
            run(engine, &administrator, &format!("CREATE DATABASE {name}{texts} {terms}"));
        }
        scratch
    }

    fn administrator(&self) -> String {
        let suites = || self.engine.variable().and_then(administrator).expect("the engine is there");
        self.server.clone().unwrap_or_else(suites)
    }

    /// Its URL.
    pub(crate) fn url(&self) -> DbUrl {
        DbUrl::parse(&self.url).unwrap()
    }

    /// Its URL as one would type it.
    pub(crate) fn text(&self) -> &str {
        &self.url
    }

    /// Runs statements, separated by `;` and line breaks, over one connection.
    pub(crate) fn run(&self, statements: &str) {
        self.run_each(statements.split(";\n").map(str::trim).filter(|text| !text.is_empty()));
    }

    /// Ends the connections of MySQL or MariaDB with these ids, or the `QUERY` of each; those that are gone already do
    /// not matter.
    pub(crate) fn kill_each(&self, what: &str, ids: &str) {
        block_on(async {
            let mut connection = MySqlConnection::connect(&self.url).await?;
            for id in ids.split(',').filter(|id| !id.is_empty()) {
                let kill = AssertSqlSafe(format!("KILL {what} {id}"));
                let _ = sqlx::raw_sql(kill).execute(&mut connection).await;
            }
            connection.close().await
        });
    }

    /// Runs statements over a connection that stays open.
    pub(crate) fn hold(&self, statements: &str) -> Held {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let sql = || sqlx::raw_sql(AssertSqlSafe(statements.to_owned()));
        let connection = runtime.block_on(async {
            match self.engine {
                Engine::Postgres => {
                    let mut connection = PgConnection::connect(&self.url).await.unwrap();
                    sql().execute(&mut connection).await.unwrap();
                    Open::Postgres(connection)
                }
                Engine::MySql => {
                    let mut connection = MySqlConnection::connect(&self.url).await.unwrap();
                    sql().execute(&mut connection).await.unwrap();
                    Open::MySql(connection)
                }
                Engine::Sqlite => {
                    let mut connection = SqliteConnection::connect(&self.sqlite_url()).await.unwrap();
                    sql().execute(&mut connection).await.unwrap();
                    Open::Sqlite(connection)
                }
            }
        });
        Held { _connection: connection, _runtime: runtime }
    }

    /// Runs statements over one connection.
    pub(crate) fn run_each<'a>(&self, statements: impl Iterator<Item = &'a str>) {
        run_each(self.engine, &self.url, statements);
    }

    /// The one number a query returns.
    pub(crate) fn number(&self, query: &str) -> i64 {
        self.scalar(query)
    }

    /// The one text a query returns.
    pub(crate) fn text_of(&self, query: &str) -> String {
        self.scalar(query)
    }

    fn scalar<T>(&self, query: &str) -> T
    where
        T: Send + Unpin + Type<Postgres> + Type<MySql> + Type<Sqlite>,
        T: for<'r> Decode<'r, Postgres> + for<'r> Decode<'r, MySql> + for<'r> Decode<'r, Sqlite>,
    {
        let query = AssertSqlSafe(query.to_owned());
        block_on(async {
            match self.engine {
                Engine::Postgres => {
                    sqlx::query_scalar(query).fetch_one(&mut PgConnection::connect(&self.url).await?).await
                }
                Engine::MySql => {
                    sqlx::query_scalar(query).fetch_one(&mut MySqlConnection::connect(&self.url).await?).await
                }
                Engine::Sqlite => {
                    let mut connection = SqliteConnection::connect(&self.sqlite_url()).await?;
                    sqlx::query_scalar(query).fetch_one(&mut connection).await
                }
            }
        })
    }

    fn sqlite_url(&self) -> String {
        format!("{}?mode=rwc", self.url)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("kept for a look: {}", self.url());
            if let Some(folder) = self.folder.take() {
                let _ = folder.keep();
            }
        } else if self.engine != Engine::Sqlite {
            run(self.engine, &self.administrator(), &format!("DROP DATABASE IF EXISTS {}", self.name));
        }
    }
}

/// No side database and no side file of a run that did not end well.
pub(crate) fn nothing_is_left_beside(engine: Engine, target: &Scratch) {
    if engine == Engine::MySql {
        let databases = "SELECT count(*) FROM information_schema.schemata \
                         WHERE left(schema_name, length(database())) = database()";
        assert_eq!(target.number(databases), 1, "a side database is left");
    }
    if let Some(path) = target.text().strip_prefix("sqlite:") {
        let folder = std::path::Path::new(path).parent().unwrap();
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), 1, "a side file is left");
    }
}

fn replace_database(url: &str, database: &str) -> String {
    let mut url = url::Url::parse(url).unwrap();
    url.set_path(database);
    url.to_string()
}

fn run(engine: Engine, url: &str, statement: &str) {
    run_each(engine, url, std::iter::once(statement));
}

fn run_each<'a>(engine: Engine, url: &str, statements: impl Iterator<Item = &'a str>) {
    block_on(async {
        match engine {
            Engine::Postgres => send(PgConnection::connect(url).await?, statements).await,
            Engine::MySql => send(MySqlConnection::connect(url).await?, statements).await,
            Engine::Sqlite => {
                send(SqliteConnection::connect(&format!("{url}?mode=rwc")).await?, statements).await
            }
        }
    });
}

async fn send<'a, C: Connection>(
    mut connection: C,
    statements: impl Iterator<Item = &'a str>,
) -> Result<(), sqlx::Error>
where
    for<'c> &'c mut C: sqlx::Executor<'c, Database = C::Database>,
{
    for statement in statements {
        if let Err(error) = sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut connection).await
        {
            panic!("{error} in:\n{statement}");
        }
    }
    connection.close().await
}

fn block_on<T>(work: impl Future<Output = Result<T, sqlx::Error>>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(work).unwrap_or_else(|error| panic!("{error}"))
}
