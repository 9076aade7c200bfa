//! What a role without any right is told, and what it needs to be granted.

use super::support::{TestDatabase, clone, table};
use crate::{
    config::DbUrl,
    db::{Database, DbErrorKind},
};

/// Opens a database as `role`, which is made if it is not there.
fn open_as(database: &TestDatabase, role: &str) -> Box<dyn Database> {
    database.run(&format!(
        "DO $$ BEGIN CREATE ROLE {role} LOGIN PASSWORD 'pass'; \
         EXCEPTION WHEN duplicate_object OR unique_violation THEN END $$"
    ));
    let mut url = url::Url::parse(database.url().expose()).unwrap();
    url.set_username(role).unwrap();
    url.set_password(Some("pass")).unwrap();
    super::super::open(&DbUrl::parse(url.as_str()).unwrap()).unwrap()
}

#[test]
fn a_role_that_owns_nothing_clones_with_select_here_and_create_there() {
    let Some(from) = TestDatabase::create("grants_from") else { return };
    let Some(to) = TestDatabase::create("grants_to") else { return };
    let (reading, writing) = (open_as(&from, "dbsynth_bare"), open_as(&to, "dbsynth_bare"));
    from.run(
        "CREATE EXTENSION citext; CREATE SCHEMA s; CREATE TYPE s.kind AS ENUM ('a', 'b');
         CREATE TABLE s.t (id serial PRIMARY KEY, name citext UNIQUE, kind s.kind); INSERT INTO s.t (name) VALUES ('x');
         CREATE TABLE public.u (id int GENERATED ALWAYS AS IDENTITY, t int REFERENCES s.t); INSERT INTO u (t) VALUES (1);
         CREATE FUNCTION s.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
         CREATE TRIGGER g BEFORE INSERT ON s.t FOR EACH ROW EXECUTE FUNCTION s.f();
         CREATE MATERIALIZED VIEW s.m AS SELECT count(*) AS n FROM s.t; COMMENT ON TABLE s.t IS 'all';
         GRANT USAGE ON SCHEMA s TO dbsynth_bare; GRANT SELECT ON s.t, u TO dbsynth_bare",
    );
    let database = to.text("SELECT quote_ident(current_database())");
    to.run(&format!(
        "GRANT CREATE ON DATABASE {database} TO dbsynth_bare; GRANT CREATE ON SCHEMA public TO dbsynth_bare"
    ));

    for _ in 0..2 {
        assert_eq!(clone(reading.as_ref(), writing.as_ref()), Vec::<String>::new());
    }

    assert_eq!(
        to.text("SELECT name || id || (SELECT count(*) FROM u) || (SELECT n FROM s.m) FROM s.t"),
        "x111"
    );
}

#[test]
fn every_missing_select_is_named_with_its_grant_before_a_row_is_read() {
    let Some(database) = TestDatabase::create("grants_select") else { return };
    let guest = open_as(&database, "dbsynth_guest");
    database.run(
        "CREATE TABLE open (id int); GRANT SELECT ON open TO dbsynth_guest; CREATE TABLE shut (id int);
         CREATE TABLE by_column (a int, b int); GRANT SELECT (a, b) ON by_column TO dbsynth_guest;
         CREATE TABLE half (a int, b int); GRANT SELECT (a) ON half TO dbsynth_guest;
         CREATE SCHEMA s; CREATE TABLE s.hidden (id int); GRANT SELECT ON s.hidden TO dbsynth_guest;
         CREATE TABLE filtered (id int); GRANT SELECT ON filtered TO dbsynth_guest;
         ALTER TABLE filtered ENABLE ROW LEVEL SECURITY",
    );
    let mut source = guest.source().unwrap();
    let seen = source.introspect().unwrap();
    let mut check = |names: &[&str]| {
        let tables: Vec<_> = names.iter().map(|name| table(&seen.schema, name).1).collect();
        source.check_readable(&tables)
    };

    let refused = check(&["open", "shut", "by_column", "half", "s.hidden", "filtered"]).unwrap_err();
    assert_eq!(refused.kind, DbErrorKind::Permission);
    for told in [
        "GRANT SELECT ON \"public\".\"half\", \"public\".\"shut\" TO \"dbsynth_guest\"",
        "GRANT USAGE ON SCHEMA \"s\" TO \"dbsynth_guest\"",
        "row-level security hides rows of \"public\".\"filtered\"",
    ] {
        assert!(refused.message.contains(told), "{told}: {refused}");
    }
    check(&["open", "by_column"]).unwrap();
    assert_eq!(source.row_count(table(&seen.schema, "open").1).unwrap(), 0);
    assert_eq!(source.row_count(table(&seen.schema, "shut").1).unwrap_err().kind, DbErrorKind::Permission);
}

#[test]
fn a_target_that_may_not_be_written_says_which_grant_is_missing() {
    let Some(from) = TestDatabase::create("grants_create_from") else { return };
    let Some(to) = TestDatabase::create("grants_create_to") else { return };
    from.run("CREATE TABLE t (id int)");
    let schema = from.open().source().unwrap().introspect().unwrap().schema;
    let writer = open_as(&to, "dbsynth_writer");
    let check = || writer.sink().unwrap().check_writable(&schema);
    to.run("REVOKE CREATE ON SCHEMA public FROM PUBLIC");

    let refused = check().unwrap_err();
    assert_eq!(refused.kind, DbErrorKind::Permission);
    assert!(refused.message.contains("GRANT CREATE ON DATABASE"), "{refused}");
    assert!(refused.message.contains("GRANT USAGE, CREATE ON SCHEMA \"public\""), "{refused}");
    let database = to.text("SELECT quote_ident(current_database())");
    to.run(&format!("GRANT CREATE ON DATABASE {database} TO dbsynth_writer"));
    to.run("GRANT CREATE ON SCHEMA public TO dbsynth_writer");
    check().unwrap();
    to.run("CREATE TABLE theirs (id int)");
    let owner = to.text("SELECT quote_ident(current_user)");
    assert!(check().unwrap_err().message.contains("belongs to"), "it belongs to {owner}");
}

#[test]
fn a_table_others_inherit_from_is_counted_alone() {
    let Some(database) = TestDatabase::create("heirs") else { return };
    database.run(
        "CREATE TABLE t (id int); CREATE TABLE child () INHERITS (t); CREATE TABLE p (id int) PARTITION BY LIST (id);
         CREATE TABLE p1 PARTITION OF p DEFAULT; INSERT INTO t VALUES (1); INSERT INTO child VALUES (1), (2); INSERT INTO p VALUES (1), (2)",
    );
    let both =
        "SELECT (SELECT COUNT(*) FROM \"public\".\"t\") * 100 + (SELECT COUNT(*) FROM \"public\".\"p\")";

    assert_eq!(database.open().source().unwrap().count(both).unwrap(), 102);
    assert_eq!(database.open().sink().unwrap().count(both).unwrap(), 102);
}
