//! Every hard shape of a SQLite file, read and built again. The round trip compares values *and* storage
//! classes, as SQLite itself prints them.

use std::path::{Path, PathBuf};

use arrow_array::{Array, cast::AsArray as _, types::TimestampMicrosecondType};
use tempfile::TempDir;

use super::{open, server::Connection, sql::identifier, sql::literal, swap};
use crate::{
    config::DbUrl,
    db::{Database, DbErrorKind, Introspection, Phase, Scan, Source},
    schema::{ColumnId, DataType, Schema, Storage, Table, TableId},
};

struct Files {
    folder: TempDir,
}

impl Files {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn make(&self, name: &str, sql: &str) -> PathBuf {
        let path = self.path(name);
        let mut connection = Connection::create(&path).unwrap();
        connection.run("test", sql).unwrap();
        connection.close().unwrap();
        path
    }
}

fn database(path: &Path) -> Box<dyn Database> {
    open(&DbUrl::parse(&format!("sqlite:{}", path.display())).unwrap()).unwrap()
}

fn source(path: &Path) -> Box<dyn Source> {
    database(path).source().unwrap()
}

fn introspect(sql: &str) -> Introspection {
    let files = Files::new();
    let path = files.make("a.db", sql);
    source(&path).introspect().unwrap()
}

fn table<'a>(schema: &'a Schema, name: &str) -> &'a Table {
    schema.table(schema.find(name).unwrap())
}

fn every_column(table: &Table) -> Vec<ColumnId> {
    (0..table.columns.len()).map(ColumnId).collect()
}

/// Builds the target again from the source's blueprint and rows.
fn rebuild(from: &Path, to: &Path) -> Introspection {
    let mut source = source(from);
    let found = source.introspect().unwrap();
    let mut sink = database(to).sink().unwrap();
    sink.begin().unwrap();
    let (before, after): (Vec<_>, Vec<_>) =
        found.blueprint.statements.iter().partition(|statement| statement.phase <= Phase::Table);
    for statement in before {
        sink.execute(&statement.sql).unwrap();
    }
    for table in &found.schema.tables {
        let scan =
            Scan { columns: every_column(table), order_by: Vec::new(), batch_rows: 1000, exact: false };
        source.scan(table, &scan, &mut |rows| sink.append(table, &rows)).unwrap();
        sink.finish_table(table).unwrap();
    }
    for statement in after {
        sink.execute(&statement.sql).unwrap();
    }
    sink.set_sequences(&found.schema, &found.blueprint).unwrap();
    sink.commit().unwrap();
    found
}

/// Every value of every table with its storage class, and every object's SQL.
fn dump(path: &Path) -> Vec<String> {
    let mut connection = Connection::read(path).unwrap();
    let names = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_stat%' \
                 AND name <> '_dbsynth' ORDER BY name";
    let mut lines = Vec::new();
    for name in connection.texts("test", names).unwrap() {
        let sql = format!("SELECT name FROM pragma_table_xinfo({})", literal(&name));
        let columns = connection.texts("test", &sql).unwrap();
        let shown: Vec<String> =
            columns.iter().map(|c| format!("typeof({0}) || ' ' || quote({0})", identifier(c))).collect();
        let sql =
            format!("SELECT concat_ws(', ', {}) FROM {} ORDER BY 1", shown.join(", "), identifier(&name));
        lines.extend(connection.texts("test", &sql).unwrap().into_iter().map(|row| format!("{name}: {row}")));
    }
    let objects = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name <> '_dbsynth' \
                   AND name NOT LIKE 'sqlite_%' ORDER BY name, sql";
    lines.extend(connection.texts("test", objects).unwrap());
    lines
}

fn assert_round_trip(sql: &str) -> Introspection {
    let files = Files::new();
    let (from, to) = (files.make("a.db", sql), files.path("b.db"));
    let found = rebuild(&from, &to);
    assert_eq!(dump(&to), dump(&from));
    found
}

#[test]
fn chinook_is_built_again_value_by_value() {
    let files = Files::new();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/chinook.sqlite");
    let to = files.path("b.db");

    let found = rebuild(&from, &to);

    assert_eq!(dump(&to), dump(&from));
    assert_eq!(found.schema.tables.len(), 11);
    assert_eq!(found.schema.foreign_keys().count(), 11);
    assert_eq!(found.findings, []);
    let invoice = table(&found.schema, "invoice");
    let kinds: Vec<&DataType> = ["invoice_date", "total", "billing_city"]
        .iter()
        .map(|name| &invoice.column(invoice.find(name).unwrap()).data_type)
        .collect();
    assert_eq!(
        kinds,
        [
            &DataType::Timestamp { zoned: false },
            &DataType::Decimal { precision: Some(10), scale: Some(2) },
            &DataType::Text { max_chars: Some(40) },
        ]
    );
    let line = table(&found.schema, "playlist_track");
    assert_eq!(line.primary_key.as_ref().unwrap().columns, [ColumnId(0), ColumnId(1)]);
    assert_eq!(line.estimated_rows, Some(8715));
}

#[test]
fn odd_names_survive() {
    let found = assert_round_trip(
        r#"CREATE TABLE "or""der; by" ("se lect" INTEGER PRIMARY KEY, [a.b] TEXT, `grüße 🎵` REAL, '%_' TEXT);
           CREATE TABLE "group" ("from" INTEGER REFERENCES "OR""DER; BY" ("SE LECT"), rowid TEXT, oid TEXT);
           CREATE UNIQUE INDEX "in dex" ON "or""der; by" ("a.b", [grüße 🎵]);
           INSERT INTO "or""der; by" VALUES (1, 'x', 1.5, 'it''s'), (2, NULL, NULL, '');
           INSERT INTO "group" VALUES (1, 'r', 'o'), (NULL, NULL, NULL);"#,
    );

    let key = &table(&found.schema, "group").foreign_keys[0];
    assert_eq!(found.schema.table(key.parent).name.name, "or\"der; by");
    assert_eq!(found.findings, []);
}

#[test]
fn keys_of_every_kind_are_read() {
    let found = assert_round_trip(
        "CREATE TABLE region (country TEXT, code TEXT, PRIMARY KEY (code, country)) WITHOUT ROWID;
         CREATE TABLE node (id INTEGER PRIMARY KEY AUTOINCREMENT, up INT REFERENCES node,
           country TEXT, code TEXT, mail TEXT COLLATE NOCASE UNIQUE, gone INT,
           CONSTRAINT place FOREIGN KEY (code, country) REFERENCES Region ON DELETE CASCADE);
         CREATE UNIQUE INDEX alive ON node (code) WHERE gone IS NULL;
         CREATE UNIQUE INDEX folded ON node (lower(country || code), up);
         CREATE TABLE strict_one (id INT PRIMARY KEY, n INTEGER NOT NULL, x ANY, b BLOB) STRICT;
         CREATE TABLE no_key (a, b);
         CREATE TABLE empty (a DATE, b BOOLEAN, c);
         INSERT INTO region VALUES ('de', 'a'), ('fr', 'b');
         INSERT INTO node VALUES (7, NULL, 'de', 'a', 'x@y', 1), (9, 7, 'fr', 'b', 'Z@y', NULL);
         INSERT INTO strict_one VALUES (1, 2, 'three', x'00ff');
         INSERT INTO no_key VALUES (1, 'a'), (1, 'a'), (NULL, NULL);",
    );

    let node = table(&found.schema, "node");
    let names: Vec<&str> = node.unique_keys.iter().map(|key| key.name.as_str()).collect();
    assert_eq!(names, ["alive", "folded", "sqlite_autoindex_node_1"]);
    assert_eq!(node.unique_keys[0].predicate.as_deref(), Some("gone IS NULL"));
    assert_eq!(node.unique_keys[1].expressions, ["lower(country || code)"]);
    assert_eq!(node.unique_keys[1].columns, [ColumnId(1)]);
    assert!(node.column(ColumnId(4)).collation.ignores_case());
    assert!(node.column(ColumnId(0)).auto_increment);
    assert_eq!(found.blueprint.sequences.len(), 1);
    let [own, place] = &node.foreign_keys[..] else { panic!("two foreign keys") };
    assert_eq!((own.name.as_str(), own.parent_columns.as_slice()), ("node_up_fkey", &[ColumnId(0)][..]));
    assert_eq!((place.name.as_str(), place.cascades), ("place", true));
    assert_eq!(place.parent_columns, [ColumnId(1), ColumnId(0)]);
    let region = table(&found.schema, "region").primary_key.as_ref().unwrap();
    assert_eq!(region.columns, [ColumnId(1), ColumnId(0)]);
    assert!(!table(&found.schema, "strict_one").column(ColumnId(0)).auto_increment);
    assert_eq!(table(&found.schema, "no_key").primary_key, None);
    assert_eq!(table(&found.schema, "empty").column(ColumnId(1)).data_type, DataType::Boolean);
}

#[test]
fn a_foreign_key_that_leads_nowhere_is_a_finding() {
    let found = introspect(
        "CREATE TABLE a (id INTEGER PRIMARY KEY, x INT, y INT REFERENCES missing (id), z INT REFERENCES a (x));",
    );

    assert_eq!(found.schema.tables[0].foreign_keys, []);
    let codes: Vec<&str> = found.findings.iter().map(|finding| finding.code.as_str()).collect();
    assert_eq!(codes, ["unusable-foreign-key", "unusable-foreign-key"]);
}

#[test]
fn dates_and_truths_come_back_as_they_were_written() {
    let found = assert_round_trip(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, plain DATETIME, iso TEXT, python TIMESTAMP, go DATETIME, day DATE,
           slash DATE, clock TIME, unix DATETIME, julian DATETIME, flag BOOLEAN, word BOOLEAN, cased BOOL,
           midnight DATE, vague DATE);
         INSERT INTO t VALUES
           (1, '2009-01-01 00:00:00', '2021-05-06T07:08:09.123Z', '2020-02-29 10:00:00', '2020-01-01T00:00:00.5+02:00',
            '1999-12-31', '2001/02/03', '07:30', 1600000000, 2459000.5, 1, 'true', 'YES', '2009-01-01 00:00:00', 'spring'),
           (2, '1969-07-20 20:17:40', '0999-01-01T00:00:00.000Z', '2020-02-29 10:00:00.000123',
            '2020-01-01T00:00:00.123456+02:00', NULL, '2001/02/04', '23:59', 1, 1.25, 0, 'false', 'NO', NULL, 'summer');",
    );

    let t = &found.schema.tables[0];
    let representations: Vec<&str> =
        t.columns[1..8].iter().map(|column| column.representation.as_deref().unwrap()).collect();
    assert_eq!(
        representations,
        [
            "YYYY-MM-DD hh:mm:ss",
            "YYYY-MM-DDThh:mm:ss.fffZ",
            "YYYY-MM-DD hh:mm:ss[.ffffff]",
            "YYYY-MM-DDThh:mm:ss<.ffffff>+02:00",
            "YYYY-MM-DD",
            "YYYY/MM/DD",
            "hh:mm",
        ]
    );
    let storages: Vec<Storage> = t.columns[8..].iter().map(|column| column.data_type.storage()).collect();
    assert_eq!(
        storages,
        [
            Storage::Integer,
            Storage::Float,
            Storage::Boolean,
            Storage::Boolean,
            Storage::Boolean,
            Storage::Timestamp,
            Storage::Text
        ]
    );
    assert_eq!(found.findings.iter().map(|f| f.code.as_str()).collect::<Vec<_>>(), ["unknown-date-layout"]);
}

#[test]
fn numbers_keep_their_storage_class() {
    let found = assert_round_trip(
        "CREATE TABLE t (a, b NUMERIC(10,2), c REAL, d INTEGER, e NUMERIC, f TEXT, g);
         INSERT INTO t VALUES (1, 1.98, 3, 1.5, 7, '007', x'ff'), (-9223372036854775808, 5, 0.1, 2, 8, 'x', x''),
           (NULL, NULL, NULL, NULL, NULL, NULL, NULL);",
    );

    let kinds: Vec<Storage> =
        found.schema.tables[0].columns.iter().map(|column| column.data_type.storage()).collect();
    use Storage::{Bytes, Float, Integer, Text};
    assert_eq!(kinds, [Integer, Float, Float, Float, Integer, Text, Bytes]);
}

#[test]
fn generated_columns_are_read_and_never_written() {
    let found = assert_round_trip(
        "CREATE TABLE t (w INT, h INT, area INT GENERATED ALWAYS AS (w * h) STORED, half AS (w / 2), x INT CHECK (x > 0));
         INSERT INTO t (w, h, x) VALUES (3, 4, 1), (5, 6, 2);",
    );

    let t = table(&found.schema, "t");
    assert_eq!(t.column(ColumnId(2)).generated.as_deref(), Some("w * h"));
    assert_eq!(t.column(ColumnId(3)).generated.as_deref(), Some("w / 2"));
    assert_eq!(t.writable_columns(), [ColumnId(0), ColumnId(1), ColumnId(4)]);
    assert_eq!(t.checks[0].expression, "x > 0");
}

#[test]
fn triggers_wait_and_views_are_built_in_their_order() {
    let found = assert_round_trip(
        "CREATE TABLE t (a INT); CREATE TABLE log (a INT);
         CREATE TRIGGER copy AFTER INSERT ON t BEGIN INSERT INTO log VALUES (new.a); SELECT ';'; END;
         CREATE VIEW top AS SELECT a FROM base; CREATE VIEW base AS SELECT a FROM t;
         CREATE TRIGGER into_view INSTEAD OF INSERT ON base BEGIN INSERT INTO t VALUES (new.a); END;
         INSERT INTO t VALUES (1), (2);",
    );

    let finish: Vec<&str> = (found.blueprint.statements.iter())
        .filter(|statement| statement.phase == Phase::Finish && statement.optional)
        .map(|statement| statement.object.as_str())
        .collect();
    assert_eq!(finish, ["view base", "view top", "trigger copy", "trigger into_view"]);
}

#[test]
fn a_view_that_cannot_be_read_is_refused_and_leaves_no_trace() {
    let files = Files::new();
    let mut sink = database(&files.path("b.db")).sink().unwrap();
    sink.begin().unwrap();

    let error = sink.execute("CREATE VIEW v AS SELECT a FROM missing").unwrap_err();

    assert!(error.message.contains("no such table"), "{error}");
    assert_eq!(sink.count("SELECT count(*) FROM sqlite_schema").unwrap(), 0);
}

#[test]
fn virtual_tables_with_rows_are_tables_and_others_are_made_from_theirs() {
    let found = introspect(
        "CREATE VIRTUAL TABLE r USING rtree(id, a, b, +note); CREATE TABLE r_mine (a);
         CREATE VIRTUAL TABLE words USING fts5(a, content = 'r_mine'); CREATE VIRTUAL TABLE lost USING fts5(x, content = '');",
    );

    let names: Vec<&str> = found.schema.tables.iter().map(|table| table.name.name.as_str()).collect();
    assert_eq!(names, ["r", "r_mine"]);
    let boxes = &found.schema.tables[0];
    assert_eq!(boxes.primary_key.as_ref().unwrap().columns, [ColumnId(0)]);
    assert_eq!(
        boxes.checks.iter().map(|check| check.expression.as_str()).collect::<Vec<_>>(),
        ["\"a\" <= \"b\""]
    );
    let rebuilt: Vec<_> = found.blueprint.statements.iter().filter(|s| s.sql.contains("rebuild")).collect();
    assert_eq!(rebuilt.len(), 1);
    assert_eq!(rebuilt[0].table, Some(TableId(1)));
    assert_eq!(
        found.findings.iter().map(|finding| finding.code.as_str()).collect::<Vec<_>>(),
        ["virtual-table"]
    );
}

#[test]
fn a_primary_key_with_nulls_is_a_unique_key() {
    let found = introspect(
        "CREATE TABLE a (code TEXT PRIMARY KEY); INSERT INTO a VALUES ('x'), (NULL);
         CREATE TABLE b (code TEXT PRIMARY KEY, a TEXT REFERENCES a); INSERT INTO b VALUES ('x', 'x');",
    );
    let [a, b] = &found.schema.tables[..] else { panic!() };

    assert_eq!((a.primary_key.as_ref(), a.unique_keys.len()), (None, 1));
    assert!(a.columns[0].nullable);
    assert!(b.primary_key.is_some() && !b.columns[0].nullable);
    assert_eq!(b.foreign_keys[0].parent_columns, [ColumnId(0)]);
}

#[test]
fn dirty_values_are_null_and_counted() {
    let files = Files::new();
    let rows: Vec<String> = (0..30).map(|i| format!("({i}, '2020-01-02 03:04:05', 'x')")).collect();
    let path = files.make(
        "a.db",
        &format!(
            "CREATE TABLE t (n INTEGER, at DATETIME, s TEXT); INSERT INTO t VALUES {};
             INSERT INTO t VALUES ('many', '', CAST(x'ff' AS TEXT)), (31, '2020-13-45 00:00:00', x'00');",
            rows.join(", ")
        ),
    );
    let mut source = source(&path);
    let found = source.introspect().unwrap();
    let t = &found.schema.tables[0];
    let mut batches = Vec::new();

    let scan = Scan { columns: every_column(t), order_by: vec![ColumnId(1)], batch_rows: 7, exact: false };
    let count = source
        .scan(t, &scan, &mut |rows| {
            batches.push(rows);
            Ok(())
        })
        .unwrap();

    assert_eq!(count, 32);
    assert_eq!(batches.len(), 5);
    let whole = crate::data::TableData::concat(&batches).unwrap();
    let nulls: Vec<usize> = whole.arrays.iter().map(Array::null_count).collect();
    assert_eq!(nulls, [1, 2, 2]);
    assert_eq!(whole.arrays[1].as_primitive::<TimestampMicrosecondType>().value(1), 1_577_934_245_000_000);
    let findings = source.take_findings();
    let shown: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(shown[0].starts_with("t.at: 2 values do not fit"), "{shown:?}");
    assert_eq!(findings.len(), 3);
    assert_eq!(source.take_findings(), []);
}

#[test]
fn several_layouts_of_one_column_become_one() {
    let files = Files::new();
    let from = files.make(
        "a.db",
        "CREATE TABLE t (at TEXT NOT NULL);
         INSERT INTO t VALUES ('2020-01-01T00:00:00+01:00'), ('2020-07-01T00:00:00+02:00'), ('2020-07-02T00:00:00+02:00');",
    );
    let to = files.path("b.db");

    let found = rebuild(&from, &to);

    assert_eq!(found.findings[0].code, "several-date-layouts");
    assert_eq!(
        dump(&to)[..3],
        [
            "t: text '2019-12-31T23:00:00+00:00'",
            "t: text '2020-06-30T22:00:00+00:00'",
            "t: text '2020-07-01T22:00:00+00:00'"
        ]
    );
}

#[test]
fn settings_of_the_file_are_kept() {
    let files = Files::new();
    let from = files.make(
        "a.db",
        "PRAGMA page_size = 1024; PRAGMA encoding = 'UTF-16le'; PRAGMA auto_vacuum = 2;
         PRAGMA user_version = 42; PRAGMA application_id = -7; CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('ß')",
    );
    let to = files.path("b.db");

    rebuild(&from, &to);

    let mut connection = Connection::read(&to).unwrap();
    let settings = ["page_size", "encoding", "auto_vacuum", "user_version", "application_id"].map(|name| {
        let sql = format!("SELECT CAST({name} AS TEXT) FROM pragma_{name}");
        connection.texts("test", &sql).unwrap().concat()
    });
    assert_eq!(settings, ["1024", "UTF-16le", "2", "42", "-7"]);
    assert_eq!(dump(&to), dump(&from));
}

#[test]
fn a_source_cannot_be_written_and_sees_one_moment() {
    let files = Files::new();
    let path = files.make("a.db", "PRAGMA journal_mode = WAL; CREATE TABLE t (a); INSERT INTO t VALUES (1)");
    let mut source = source(&path);
    let mut writer = Connection::write(&path).unwrap();

    writer.run("test", "INSERT INTO t VALUES (2)").unwrap();

    assert_eq!(source.count("SELECT count(*) FROM t").unwrap(), 1);
    assert_eq!(source.count("INSERT INTO t VALUES (3)").unwrap_err().kind, DbErrorKind::Permission);
}

#[test]
fn a_missing_file_and_a_file_of_another_kind_have_their_own_errors() {
    let files = Files::new();
    std::fs::write(files.path("text"), "this is no database, but long enough to have a header".repeat(20))
        .unwrap();
    let kind = |name: &str| database(&files.path(name)).source().map(|_| ()).unwrap_err().kind;

    assert_eq!(kind("missing.db"), DbErrorKind::NoDatabase);
    assert_eq!(kind("text"), DbErrorKind::Unreachable);
    assert!(!files.path("missing.db").exists());
}

#[test]
fn one_file_has_one_identity_by_any_name() {
    let files = Files::new();
    let path = files.make("a.db", "CREATE TABLE t (a)");
    files.make("b.db", "CREATE TABLE t (a)");
    let link = files.path("link.db");
    #[cfg(unix)]
    std::os::unix::fs::symlink(&path, &link).unwrap();
    #[cfg(not(unix))]
    std::fs::hard_link(&path, &link).unwrap();

    let source = source(&path).identity().unwrap();
    let same = database(&link).sink().unwrap().identity().unwrap();
    let other = database(&files.path("b.db")).sink().unwrap().identity().unwrap();

    assert_eq!(source.database, same.database);
    assert_ne!(source.database, other.database);
}

#[test]
fn the_inventory_knows_its_own_work() {
    let files = Files::new();
    let (from, to) =
        (files.make("a.db", "CREATE TABLE t (a); CREATE VIEW v AS SELECT * FROM t"), files.path("b.db"));
    let inventory = |path: &Path| database(path).sink().unwrap().inventory().unwrap();
    assert_eq!(inventory(&to).tables, []);

    rebuild(&from, &to);

    assert!(inventory(&to).made_by_dbsynth);
    assert_eq!(inventory(&to).tables.len(), 2);
    assert_eq!(
        source(&to).introspect().unwrap().schema.tables.len(),
        1,
        "the marker is no table of the schema"
    );
    Connection::write(&to).unwrap().run("test", "CREATE TABLE mine (a)").unwrap();
    assert!(!inventory(&to).made_by_dbsynth);
    assert!(!inventory(&from).made_by_dbsynth);
}

#[test]
fn a_failed_load_leaves_yesterdays_file() {
    let files = Files::new();
    let from = files.make("a.db", "CREATE TABLE t (a INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)");
    let to = files.make("b.db", "CREATE TABLE yesterday (a); INSERT INTO yesterday VALUES ('kept')");
    let before = dump(&to);
    let mut source = source(&from);
    let schema = source.introspect().unwrap().schema;
    let t = schema.table(TableId(0));
    let mut sink = database(&to).sink().unwrap();
    sink.begin().unwrap();
    sink.execute("CREATE TABLE t (a INTEGER PRIMARY KEY)").unwrap();

    let scan = Scan { columns: vec![ColumnId(0)], order_by: Vec::new(), batch_rows: 10, exact: false };
    let mut twice = |rows: crate::data::TableData| sink.append(t, &rows).and_then(|()| sink.append(t, &rows));
    let error = source.scan(t, &scan, &mut twice).unwrap_err();

    assert_eq!(error.kind, DbErrorKind::Constraint);
    assert_eq!(dump(&to), before);
    drop(sink);
    assert_eq!(dump(&to), before);
    assert!(!swap::partial_path(&to).exists());
}

#[test]
fn the_log_of_the_old_file_is_not_replayed_into_the_new_one() {
    let files = Files::new();
    let from = files.make("a.db", "CREATE TABLE t (a); INSERT INTO t VALUES ('new')");
    let to = files.make("b.db", "PRAGMA journal_mode = WAL; CREATE TABLE old (a)");
    let mut open_elsewhere = Connection::write(&to).unwrap();
    open_elsewhere.run("test", "INSERT INTO old VALUES (1)").unwrap();
    assert!(files.path("b.db-wal").exists());

    rebuild(&from, &to);

    assert_eq!(dump(&to), dump(&from));
    open_elsewhere.close().unwrap();
    assert_eq!(dump(&to), dump(&from));
}

#[test]
fn a_wide_table_stays_within_the_limit_of_bound_values() {
    let names: Vec<String> = (0..400).map(|i| format!("c{i} INT")).collect();
    let values = vec!["1"; 400].join(", ");
    let rows = vec![format!("({values})"); 90].join(", ");

    assert_round_trip(&format!("CREATE TABLE wide ({}); INSERT INTO wide VALUES {rows};", names.join(", ")));
}

#[test]
fn a_childs_key_follows_its_parents_type() {
    let files = Files::new();
    let path = files.make(
        "a.db",
        "CREATE TABLE day (d TEXT PRIMARY KEY); CREATE TABLE n (id INTEGER PRIMARY KEY);
         CREATE TABLE child (d TEXT REFERENCES day, n TEXT REFERENCES n, k);
         CREATE TABLE empty (d REFERENCES day, up INT REFERENCES empty2 (e)); CREATE TABLE empty2 (e REFERENCES n UNIQUE);
         INSERT INTO day VALUES ('2020-01-01'); INSERT INTO n VALUES (1), (2);
         INSERT INTO child VALUES ('2020-01-01', '1', 1), (NULL, '2', 2);",
    );
    let mut source = source(&path);

    let schema = source.introspect().unwrap().schema;

    let storage = |name: &str, column| table(&schema, name).column(ColumnId(column)).data_type.storage();
    assert_eq!([storage("child", 0), storage("empty", 0)], [Storage::Date; 2]);
    assert_eq!([storage("child", 1), storage("empty", 1), storage("empty2", 0)], [Storage::Integer; 3]);
    let child = table(&schema, "child");
    let scan = Scan { columns: every_column(child), order_by: Vec::new(), batch_rows: 10, exact: false };
    source.scan(child, &scan, &mut |_| Ok(())).unwrap();
    assert_eq!(source.take_findings(), []);
}

#[test]
fn a_file_nobody_writes_is_read_without_locks() {
    let files = Files::new();
    let path = files.make("a.db", "PRAGMA journal_mode = WAL; CREATE TABLE t (a); INSERT INTO t VALUES (1)");
    assert!(swap::has_no_log(&path));

    let mut connection = Connection::read_immutable(&path).unwrap();

    assert_eq!(connection.integer("test", "SELECT count(*) FROM t").unwrap(), 1);
    assert!(!files.path("a.db-shm").exists());
}

#[test]
fn two_loads_into_one_target_do_not_meet() {
    let files = Files::new();
    let to = files.path("b.db");
    let mut first = database(&to).sink().unwrap();
    first.begin().unwrap();

    let error = database(&to).sink().unwrap().begin().unwrap_err();

    assert_eq!(error.kind, DbErrorKind::Refused);
    first.execute("CREATE TABLE t (a)").unwrap();
    first.commit().unwrap();
    std::fs::write(swap::partial_path(&to), "left behind by a crash").unwrap();
    database(&to).sink().unwrap().begin().unwrap();
}

#[test]
fn what_only_the_application_knows_is_left_out_or_stood_in_for() {
    let files = Files::new();
    let from = files.path("a.db");
    let mut application = Connection::create(&from).unwrap();
    application.stand_in(vec!["LOCALIZED".to_owned()]).unwrap();
    let sql = "CREATE TABLE t (a TEXT COLLATE LOCALIZED PRIMARY KEY, n INTEGER COLLATE LOCALIZED, b INT CHECK (b > 0));
         CREATE UNIQUE INDEX i ON t (b COLLATE LOCALIZED); INSERT INTO t VALUES ('b', 1, 1), ('a', 2, 2);
         PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = replace(sql, 'b > 0', 'b > 0 AND known_to_app(b)') WHERE name = 't';";
    application.run("test", sql).unwrap();
    application.close().unwrap();
    let to = files.path("b.db");

    let found = rebuild(&from, &to);

    let codes: Vec<&str> = found.findings.iter().map(|finding| finding.code.as_str()).collect();
    assert_eq!(codes, ["unknown-collation", "check-left-out"]);
    assert_eq!(found.schema.tables[0].checks, []);
    let (before, after) = (dump(&from), dump(&to));
    assert_eq!(before[..2], after[..2]);
    assert!(after[3].contains("COLLATE LOCALIZED") && !after[3].contains("known_to_app"), "{after:?}");
}

#[test]
fn a_full_disk_is_told_from_other_failures() {
    let files = Files::new();
    let to = files.path("b.db");
    let mut sink = database(&to).sink().unwrap();
    sink.begin().unwrap();
    sink.execute("PRAGMA max_page_count = 2").unwrap();

    let error = sink.execute("CREATE TABLE t AS SELECT zeroblob(100000) AS a").unwrap_err();

    assert_eq!(error.kind, DbErrorKind::DiskFull);
    drop(sink);
    assert!(!to.exists() && !swap::partial_path(&to).exists());
}

#[test]
fn nothing_is_written_outside_of_a_load() {
    let files = Files::new();
    let mut sink = database(&files.path("b.db")).sink().unwrap();

    assert!(sink.execute("CREATE TABLE t (a)").is_err());
    assert!(sink.commit().is_err());
    let nowhere = database(&files.path("missing/b.db")).sink().unwrap().begin().unwrap_err();
    assert_eq!(nowhere.kind, DbErrorKind::NoDatabase);
    assert_eq!(std::fs::read_dir(files.folder.path()).unwrap().count(), 0);
}
