//! Loading: what survives a failure, what an error says, what a plain role can do.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, StringArray};

use super::support::{TestDatabase, clone, execute, table};
use crate::{
    config::DbUrl,
    data::TableData,
    db::{DbErrorKind, Phase, Scan},
    schema::ColumnId,
};

#[test]
fn a_dropped_sink_leaves_yesterdays_copy() {
    let Some(from) = TestDatabase::create("rollback_from") else { return };
    let Some(to) = TestDatabase::create("rollback_to") else { return };
    from.run("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1), (2)");
    clone(from.open().as_ref(), to.open().as_ref());
    from.run("INSERT INTO t VALUES (3); ALTER TABLE t ADD COLUMN extra text");
    let seen = from.open().source().unwrap().introspect().unwrap();
    let (_, t) = table(&seen.schema, "t");

    let mut sink = to.open().sink().unwrap();
    sink.begin().unwrap();
    execute(sink.as_mut(), &seen, &[Phase::Prepare, Phase::Table]);
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![7, 7]));
    sink.append(t, &TableData::new(vec![ColumnId(0)], vec![ids], 2)).unwrap();
    sink.finish_table(t).unwrap();
    let key = seen.blueprint.statements.iter().find(|s| s.phase == Phase::Key).unwrap();
    assert_eq!(sink.execute(&key.sql).unwrap_err().kind, DbErrorKind::Constraint);
    assert_eq!(sink.count("SELECT count(*) FROM public.t").unwrap(), 2, "still usable");
    drop(sink);

    assert_eq!(to.text("SELECT string_agg(t::text, ' ' ORDER BY id) FROM t"), "(1) (2)");
}

#[test]
fn a_failing_query_or_scan_leaves_the_snapshot_usable() {
    let Some(database) = TestDatabase::create("snapshot") else { return };
    database.run("CREATE TABLE t (id int); INSERT INTO t VALUES (0), (1); CREATE TABLE dropped (x int)");
    let mut source = database.open().source().unwrap();
    let seen = source.introspect().unwrap();
    let (_, t) = table(&seen.schema, "t");

    assert!(source.count("SELECT count(*) FROM nowhere").is_err());
    assert!(source.count("SELECT 1 / id FROM public.t LIMIT 1").is_err());
    let scan = Scan { columns: vec![ColumnId(0)], order_by: Vec::new(), batch_rows: 1, exact: false };
    let mut batches = 0;
    let stopped = source.scan(t, &scan, &mut |_| {
        batches += 1;
        Err(crate::db::DbError::new(DbErrorKind::Interrupted, "enough"))
    });

    assert_eq!((stopped.unwrap_err().kind, batches), (DbErrorKind::Interrupted, 1));
    assert_eq!(source.row_count(t).unwrap(), 2);
    assert!(source.count("INSERT INTO public.t VALUES (9) RETURNING 1").is_err(), "it is read-only");
}

#[test]
fn an_error_names_the_column_and_never_the_value() {
    let Some(database) = TestDatabase::create("errors") else { return };
    database.run("CREATE TYPE m AS ENUM ('a'); CREATE TABLE t (id smallint, x m, i inet)");
    let seen = database.open().source().unwrap().introspect().unwrap();
    let (_, t) = table(&seen.schema, "t");
    let column = |index, values: ArrayRef| TableData::new(vec![ColumnId(index)], vec![values], 1);
    let text = |value: &str| -> ArrayRef { Arc::new(StringArray::from(vec![value])) };
    let cases = [
        ("id", column(0, Arc::new(Int64Array::from(vec![99_999])))),
        ("x", column(1, text("s3cret"))),
        ("i", column(2, text("s3cret"))),
    ];
    for (name, rows) in cases {
        let mut sink = database.open().sink().unwrap();

        let error = sink.append(t, &rows).and_then(|()| sink.finish_table(t)).unwrap_err();

        let shown = error.to_string();
        assert!(shown.contains('t') && shown.contains(name), "{shown}");
        assert!(!shown.contains("s3cret") && !shown.contains("99999"), "{shown}");
    }
}

#[test]
fn columns_that_do_not_arrive_get_their_default() {
    let Some(database) = TestDatabase::create("defaults") else { return };
    database.run("CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY, a text DEFAULT 'd', b text)");
    let seen = database.open().source().unwrap().introspect().unwrap();
    let (_, t) = table(&seen.schema, "t");
    let mut sink = database.open().sink().unwrap();

    let values: ArrayRef = Arc::new(StringArray::from(vec![Some("x"), None]));
    sink.append(t, &TableData::new(vec![ColumnId(2)], vec![values], 2)).unwrap();
    sink.append(t, &TableData::new(Vec::new(), Vec::new(), 2)).unwrap();
    sink.finish_table(t).unwrap();

    let all = database.text("SELECT string_agg(t::text, ' ' ORDER BY id) FROM t");
    assert_eq!(all, "(1,d,x) (2,d,) (3,d,) (4,d,)");
}

#[test]
fn a_plain_role_can_read_and_load() {
    let Some(from) = TestDatabase::create("plain_from") else { return };
    let Some(to) = TestDatabase::create("plain_to") else { return };
    for database in [&from, &to] {
        database.run(
            "DO $$ BEGIN CREATE ROLE dbsynth_plain LOGIN PASSWORD 'plain'; \
             EXCEPTION WHEN duplicate_object OR unique_violation THEN END $$",
        );
        let name = database.text("SELECT quote_ident(current_database())");
        database.run(&format!(
            "ALTER DATABASE {name} OWNER TO dbsynth_plain; ALTER SCHEMA public OWNER TO dbsynth_plain"
        ));
    }
    let plain = |database: &TestDatabase| {
        let mut url = url::Url::parse(database.url().expose()).unwrap();
        url.set_username("dbsynth_plain").unwrap();
        url.set_password(Some("plain")).unwrap();
        super::super::open(&DbUrl::parse(url.as_str()).unwrap()).unwrap()
    };
    from.run(
        "SET ROLE dbsynth_plain; CREATE SCHEMA \"S\"; CREATE TABLE \"S\".t (id serial PRIMARY KEY, up int REFERENCES \"S\".t);
         INSERT INTO \"S\".t VALUES (1, 2), (2, 1); CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
         ALTER TABLE \"S\".t ENABLE ROW LEVEL SECURITY;",
    );

    let failed = clone(plain(&from).as_ref(), plain(&to).as_ref());

    assert_eq!(failed, Vec::<String>::new());
    assert_eq!(to.text("SELECT count(*)::text || f() FROM \"S\".t"), "21");
    from.run("ALTER TABLE \"S\".t FORCE ROW LEVEL SECURITY");
    let mut source = plain(&from).source().unwrap();
    let seen = source.introspect().unwrap();
    let refused = source.row_count(table(&seen.schema, "S.t").1).unwrap_err();
    assert_eq!(refused.kind, DbErrorKind::Permission, "fewer rows than there are would be worse");
}

#[test]
fn room_is_made_only_where_it_was_asked_for() {
    let Some(from) = TestDatabase::create("room_from") else { return };
    let Some(to) = TestDatabase::create("room_to") else { return };
    from.run("CREATE SCHEMA s; CREATE TABLE s.t (id int)");
    to.run("CREATE FUNCTION theirs() RETURNS int LANGUAGE sql AS 'SELECT 1'");

    clone(from.open().as_ref(), to.open().as_ref());
    assert_eq!(to.text("SELECT theirs()::text"), "1", "nobody was asked about a database without tables");

    to.run("CREATE TABLE own (); CREATE TYPE own_type AS ENUM ('a')");
    clone(from.open().as_ref(), to.open().as_ref());
    let left =
        "SELECT concat(to_regclass('own'), to_regtype('own_type'), to_regproc('theirs'), to_regclass('s.t'))";
    assert_eq!(to.text(left), "s.t", "the caller has agreed to replace everything");
}

#[test]
fn source_and_target_tell_apart_whether_they_are_one_database() {
    let Some(one) = TestDatabase::create("identity_one") else { return };
    let Some(two) = TestDatabase::create("identity_two") else { return };

    let mine = one.open().source().unwrap().identity().unwrap();

    assert_eq!(mine, one.open().sink().unwrap().identity().unwrap());
    let other = two.open().sink().unwrap().identity().unwrap();
    assert_eq!(mine.server, other.server);
    assert_ne!(mine.database, other.database);
    assert!(mine.version.starts_with("PostgreSQL "), "{}", mine.version);
}

#[test]
fn what_cannot_be_opened_says_why() {
    let Some(database) = TestDatabase::create("unreachable") else { return };
    let kind = |change: &dyn Fn(&mut url::Url)| {
        let mut url = url::Url::parse(database.url().expose()).unwrap();
        change(&mut url);
        let database = super::super::open(&DbUrl::parse(url.as_str()).unwrap()).unwrap();
        database.source().err().unwrap().kind
    };

    assert_eq!(kind(&|url| url.set_path("no_such_database")), DbErrorKind::NoDatabase);
    assert_eq!(kind(&|url| url.set_port(Some(1)).unwrap()), DbErrorKind::Unreachable);
    assert_eq!(kind(&|url| url.set_username("no_such_role").unwrap()), DbErrorKind::Login);
}
