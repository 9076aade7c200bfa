//! Large tables read by several connections.

use std::time::{Duration, Instant};

use super::support::{TestDatabase, read, table};
use crate::{
    config::{SourceSettings, Throttle},
    data::TableData,
    db::{DbError, DbErrorKind, Scan, Source},
};

/// Twelve megabytes with a key in the order of the rows, and as much without a key and with holes.
const TABLES: &str =
    "CREATE TABLE page (id bigint PRIMARY KEY, part int, price numeric(9, 2), body text NOT NULL);
    ALTER TABLE page ALTER body SET STORAGE PLAIN;
    INSERT INTO page SELECT i * 3, i % 7, i / 4.0, repeat(md5(i::text), 32) FROM generate_series(1, 12000) i;
    CREATE TABLE heap (id int, body text); ALTER TABLE heap ALTER body SET STORAGE PLAIN;
    INSERT INTO heap SELECT i, repeat(md5(i::text), 32) FROM generate_series(1, 12000) i;
    DELETE FROM heap WHERE id % 5 = 0; UPDATE heap SET id = -id WHERE id % 3 = 0;
    ANALYZE;";

fn most(connections: u32) -> SourceSettings {
    SourceSettings { max_connections: Some(connections), ..SourceSettings::default() }
}

fn opened(database: &TestDatabase, settings: SourceSettings) -> Box<dyn Source> {
    database.open().source_with(&settings).unwrap()
}

/// Connections of dbsynth to this database.
fn connections(database: &TestDatabase) -> String {
    database.text(
        "SELECT count(*)::text FROM pg_stat_activity \
         WHERE datname = current_database() AND application_name = 'dbsynth'",
    )
}

fn same(one: &TableData, other: &TableData) {
    assert_eq!(one.row_count, other.row_count);
    assert!(one.columns == other.columns && one.arrays == other.arrays);
}

#[test]
fn several_connections_read_the_same_rows_in_the_same_order_while_others_write() {
    let Some(database) = TestDatabase::create("several_connections") else { return };
    database.run(TABLES);
    let (mut alone, mut wide) = (opened(&database, most(1)), opened(&database, most(3)));
    let schema = alone.introspect().unwrap().schema;
    let (_, page) = table(&schema, "page");
    let (_, heap) = table(&schema, "heap");

    std::thread::scope(|scope| {
        let changes = "UPDATE page SET body = 'changed' WHERE id % 2 = 0; DELETE FROM page WHERE id % 9 = 0;
            INSERT INTO page SELECT i * 3 + 1, 0, 0, 'new' FROM generate_series(1, 6000) i;
            DELETE FROM heap WHERE id > 0; INSERT INTO heap SELECT i, 'new' FROM generate_series(1, 6000) i; ANALYZE;";
        let writer = scope.spawn(|| {
            database.run(changes);
            database.run("VACUUM");
            database.run("UPDATE page SET body = 'changed again'");
        });
        let early = read(wide.as_mut(), page, &["id"]);
        writer.join().unwrap();

        let first = read(alone.as_mut(), page, &["id"]);
        assert_eq!(first.row_count, 12_000);
        same(&early, &first);
        same(&read(wide.as_mut(), page, &["id"]), &first);
        let first = read(alone.as_mut(), heap, &[]);
        assert_eq!(first.row_count, 9_600);
        same(&read(wide.as_mut(), heap, &[]), &first);
    });
    // One reads alone, three read together.
    assert_eq!(connections(&database), "4");
    let locks = database.text(
        "SELECT string_agg(DISTINCT l.mode, ',') FROM pg_locks l JOIN pg_stat_activity a USING (pid) \
         WHERE a.datname = current_database() AND a.application_name = 'dbsynth' AND l.locktype <> 'virtualxid'",
    );
    assert_eq!(locks, "AccessShareLock");
    let limits = "SELECT count(*)::text FROM pg_stat_activity WHERE datname = current_database() \
                  AND application_name = 'dbsynth' AND backend_xmin IS NOT NULL AND state = 'idle in transaction'";
    assert_eq!(database.text(limits), "4");
}

#[test]
fn one_connection_reads_what_is_small_or_ordered_otherwise_or_asked_for_slowly() {
    let Some(database) = TestDatabase::create("one_connection") else { return };
    database.run(TABLES);
    database.run(
        "CREATE TABLE scattered (id uuid PRIMARY KEY, body text); ALTER TABLE scattered ALTER body SET STORAGE PLAIN;
         INSERT INTO scattered SELECT md5(i::text)::uuid, repeat('x', 1000) FROM generate_series(1, 12000) i;
         CREATE TABLE named (name text PRIMARY KEY, body text); ALTER TABLE named ALTER body SET STORAGE PLAIN;
         INSERT INTO named SELECT to_char(i, '00000'), repeat('x', 1000) FROM generate_series(1, 12000) i;
         CREATE TABLE below (extra int) INHERITS (heap);
         CREATE TABLE cut (id bigint PRIMARY KEY, body text) PARTITION BY RANGE (id);
         CREATE TABLE cut_1 PARTITION OF cut FOR VALUES FROM (0) TO (1000000);
         INSERT INTO cut SELECT i, repeat(md5(i::text), 32) FROM generate_series(1, 3000) i;
         CREATE TABLE few (id bigint PRIMARY KEY); INSERT INTO few SELECT generate_series(1, 9); ANALYZE;",
    );
    let mut wide = opened(&database, most(3));
    let schema = wide.introspect().unwrap().schema;

    for (name, key, rows) in [
        ("scattered", "id", 12_000),
        ("named", "name", 12_000),
        ("cut", "id", 3_000),
        ("few", "id", 9),
        ("heap", "", 9_600),
    ] {
        let order = if key.is_empty() { vec![] } else { vec![key] };
        assert_eq!(read(wide.as_mut(), table(&schema, name).1, &order).row_count, rows, "{name}");
    }
    assert_eq!(connections(&database), "1");

    let page = table(&schema, "page").1;
    let throttle = Some(Throttle::Rows(1_000_000));
    let mut slow = opened(&database, SourceSettings { throttle, ..most(3) });
    assert_eq!(read(slow.as_mut(), page, &["id"]).row_count, 12_000);
    assert_eq!(connections(&database), "2");
}

#[test]
fn what_the_server_refuses_is_read_by_one_connection() {
    let Some(database) = TestDatabase::create("refused_connections") else { return };
    database.run(TABLES);
    database.run(
        "DROP ROLE IF EXISTS dbsynth_lonely; CREATE ROLE dbsynth_lonely LOGIN PASSWORD 'x' CONNECTION LIMIT 1;
         GRANT SELECT ON ALL TABLES IN SCHEMA public TO dbsynth_lonely;",
    );
    let mut url = url::Url::parse(database.url().expose()).unwrap();
    url.set_username("dbsynth_lonely").unwrap();
    url.set_password(Some("x")).unwrap();
    let lonely = crate::config::DbUrl::parse(url.as_str()).unwrap();
    let mut source = super::super::open(&lonely).unwrap().source_with(&most(4)).unwrap();
    let schema = source.introspect().unwrap().schema;
    let page = table(&schema, "page").1;
    assert_eq!(read(source.as_mut(), page, &["id"]).row_count, 12_000);
    drop(source);
    database.run("DROP OWNED BY dbsynth_lonely; DROP ROLE dbsynth_lonely");

    // Somebody waits to change the table: a further reader would wait behind him, and he waits for the first one.
    let mut wide = opened(&database, most(3));
    assert_eq!(wide.row_count(page).unwrap(), 12_000);
    std::thread::scope(|scope| {
        let change = scope.spawn(|| database.run("ALTER TABLE page ADD COLUMN later int"));
        let waiting = "SELECT count(*)::text FROM pg_locks WHERE NOT granted AND relation = 'page'::regclass";
        let began = Instant::now();
        while database.text(waiting) == "0" && began.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_millis(10));
        }
        let began = Instant::now();
        assert_eq!(read(wide.as_mut(), page, &["id"]).row_count, 12_000);
        assert!(began.elapsed() < Duration::from_secs(9), "nobody waited for a lock");
        drop(wide);
        change.join().unwrap();
    });
}

#[test]
fn a_reader_who_has_enough_stops_all_connections_and_they_read_on() {
    let Some(database) = TestDatabase::create("stopped_connections") else { return };
    database.run(TABLES);
    let mut wide = opened(&database, most(3));
    let schema = wide.introspect().unwrap().schema;
    let page = table(&schema, "page").1;
    let scan = Scan {
        columns: page.writable_columns(),
        order_by: vec![page.find("id").unwrap()],
        batch_rows: 100,
        exact: false,
    };
    let mut batches = 0;

    let stopped = wide.scan(page, &scan, &mut |_| {
        batches += 1;
        if batches < 3 { Ok(()) } else { Err(DbError::new(DbErrorKind::Interrupted, "enough")) }
    });

    assert_eq!((stopped.unwrap_err().kind, batches), (DbErrorKind::Interrupted, 3));
    assert_eq!(read(wide.as_mut(), page, &["id"]).row_count, 12_000);
    // Whoever ends a connection ends the run, and no row is missing silently.
    database.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() \
         AND application_name = 'dbsynth'",
    );
    assert!(wide.scan(page, &scan, &mut |_| Ok(())).is_err());
}
