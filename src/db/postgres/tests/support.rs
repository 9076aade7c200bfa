//! A private database per test on the server of `DBSYNTH_TEST_POSTGRES_URL`.

use sqlx::{Connection, PgConnection};

use super::super::{open, server};
use crate::{
    config::DbUrl,
    data::TableData,
    db::{Database, DbError, DbErrorKind, Introspection, Phase, Scan, Sink, Source, runtime::block_on},
    schema::{Schema, Table, TableId},
};

/// A database that is dropped when the test succeeds, and kept when it fails.
pub(super) struct TestDatabase {
    admin: String,
    name: String,
}

impl TestDatabase {
    /// Creates the database `name` for a test; none (said aloud) if no server is named. In CI a missing
    /// server is a failure.
    pub(super) fn create(name: &str) -> Option<Self> {
        let Ok(admin) = std::env::var("DBSYNTH_TEST_POSTGRES_URL") else {
            assert!(std::env::var_os("CI").is_none(), "CI must set DBSYNTH_TEST_POSTGRES_URL");
            skip(name, "DBSYNTH_TEST_POSTGRES_URL is not set");
            return None;
        };
        let database = Self { admin, name: format!("dbsynth_{name}") };
        database.admin(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", database.name));
        database.admin(&format!("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'", database.name));
        Some(database)
    }

    /// Opens the engine.
    pub(super) fn open(&self) -> Box<dyn Database> {
        open(&self.url()).unwrap()
    }

    /// Runs SQL as the test's own user.
    pub(super) fn run(&self, sql: &str) {
        run(&self.url(), sql).unwrap();
    }

    /// Runs SQL that a server may be built without (ICU, libxml); false, said aloud, if it is.
    pub(super) fn supports(&self, sql: &str) -> bool {
        match run(&self.url(), sql) {
            Ok(()) => true,
            Err(error) => {
                assert_eq!(error.kind, DbErrorKind::Unsupported, "{error}");
                skip(&self.name, &error.message);
                false
            }
        }
    }

    /// True if the server has an extension that can be created.
    pub(super) fn has_extension(&self, name: &str) -> bool {
        let known = format!("SELECT count(*)::text FROM pg_available_extensions WHERE name = '{name}'");
        self.text(&known) != "0"
    }

    /// Asks for one text.
    pub(super) fn text(&self, sql: &str) -> String {
        let url = self.url();
        block_on(async {
            let mut connection = PgConnection::connect(url.expose()).await.unwrap();
            let text = server::scalar::<Option<String>>(&mut connection, sql, "testing").await?;
            Ok(text.unwrap_or_default())
        })
        .unwrap()
    }

    pub(super) fn url(&self) -> DbUrl {
        let mut url = url::Url::parse(&self.admin).unwrap();
        url.set_path(&self.name);
        DbUrl::parse(url.as_str()).unwrap()
    }

    fn admin(&self, sql: &str) {
        run(&DbUrl::parse(&self.admin).unwrap(), sql).unwrap();
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.admin(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
        }
    }
}

fn run(url: &DbUrl, sql: &str) -> Result<(), DbError> {
    block_on(async {
        let mut connection = PgConnection::connect(url.expose()).await.unwrap();
        server::run(&mut connection, sql, "testing").await
    })
}

#[allow(clippy::print_stderr, reason = "a skipped test must be seen")]
pub(super) fn skip(name: &str, why: &str) {
    eprintln!("SKIPPED {name}: {why}");
}

/// Reads all rows of a table, all writable columns.
pub(super) fn read(source: &mut dyn Source, table: &Table, order_by: &[&str]) -> TableData {
    let scan = Scan {
        columns: table.writable_columns(),
        order_by: order_by.iter().map(|name| table.find(name).unwrap()).collect(),
        batch_rows: 1000,
        exact: false,
    };
    let mut batches = Vec::new();
    source
        .scan(table, &scan, &mut |batch| {
            batches.push(batch);
            Ok(())
        })
        .unwrap();
    TableData::concat(&batches).unwrap_or_else(|| TableData::new(Vec::new(), Vec::new(), 0))
}

/// Runs the statements of some phases; panics if one that is not optional fails, returns those that were
/// and did.
pub(super) fn execute(sink: &mut dyn Sink, seen: &Introspection, phases: &[Phase]) -> Vec<String> {
    let mut failed = Vec::new();
    for statement in seen.blueprint.statements.iter().filter(|s| phases.contains(&s.phase)) {
        if let Err(error) = sink.execute(&statement.sql) {
            assert!(statement.optional, "{}: {error}\n{}", statement.object, statement.sql);
            failed.push(format!("{}: {error}", statement.object));
        }
    }
    failed
}

/// Copies a whole database, rows included; returns the optional statements that failed.
pub(super) fn clone(from: &dyn Database, to: &dyn Database) -> Vec<String> {
    let mut source = from.source().unwrap();
    let seen = source.introspect().unwrap();
    let mut sink = to.sink().unwrap();
    sink.begin().unwrap();
    let mut failed = execute(sink.as_mut(), &seen, &[Phase::Prepare, Phase::Table]);
    for table in &seen.schema.tables {
        let scan =
            Scan { columns: table.writable_columns(), order_by: Vec::new(), batch_rows: 500, exact: false };
        source.scan(table, &scan, &mut |batch| sink.append(table, &batch)).unwrap();
        sink.finish_table(table).unwrap();
    }
    failed.extend(execute(
        sink.as_mut(),
        &seen,
        &[Phase::Key, Phase::Index, Phase::ForeignKey, Phase::Finish],
    ));
    sink.set_sequences(&seen.schema, &seen.blueprint).unwrap();
    for table in &seen.schema.tables {
        let rows = source.row_count(table).unwrap();
        let name = crate::db::postgres::sql::quote_table(&table.name);
        let written: u64 = sink.count(&format!("SELECT count(*) FROM {name}")).unwrap();
        assert!(written >= rows, "{}: {written} of {rows} rows", table.name);
    }
    sink.commit().unwrap();
    failed
}

/// The table called `name`.
pub(super) fn table<'a>(schema: &'a Schema, name: &str) -> (TableId, &'a Table) {
    let id = schema.find(name).unwrap_or_else(|| panic!("no table {name}"));
    (id, schema.table(id))
}
