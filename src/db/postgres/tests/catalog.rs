//! What introspection says about each hard shape.

use super::support::{TestDatabase, table};
use crate::{
    db::Introspection,
    schema::{ColumnId, DataType},
};

fn introspect(name: &str, sql: &str) -> Option<Introspection> {
    let database = TestDatabase::create(name)?;
    database.run(sql);
    let mut source = database.open().source().unwrap();
    Some(source.introspect().unwrap())
}

#[test]
fn domains_are_seen_through_and_bind_their_columns() {
    let Some(seen) = introspect(
        "domains",
        "CREATE DOMAIN inner_d AS numeric(8,3) CHECK (VALUE > 0);
         CREATE DOMAIN outer_d AS inner_d NOT NULL CONSTRAINT small CHECK (VALUE < 1000);
         CREATE TABLE t (id int, price outer_d, note varchar(7))",
    ) else {
        return;
    };
    let (_, t) = table(&seen.schema, "t");

    let price = t.column(ColumnId(1));
    assert_eq!(price.data_type, DataType::Decimal { precision: Some(8), scale: Some(3) });
    assert_eq!(price.native_type, "public.outer_d");
    assert!(!price.nullable);
    let checks: Vec<_> = t.checks.iter().map(|c| (c.expression.as_str(), c.domain_column)).collect();
    assert_eq!(
        checks,
        [
            ("(VALUE)::numeric < (1000)::numeric", Some(ColumnId(1))),
            ("VALUE > (0)::numeric", Some(ColumnId(1)))
        ]
    );
    assert_eq!(t.column(ColumnId(2)).data_type, DataType::Text { max_chars: Some(7) });
}

#[test]
fn enum_labels_come_in_their_own_order() {
    let Some(seen) = introspect(
        "enums",
        "CREATE TYPE m AS ENUM ('b', 'a'); ALTER TYPE m ADD VALUE 'c' BEFORE 'a'; CREATE TABLE t (x m, xs m[])",
    ) else {
        return;
    };
    let (_, t) = table(&seen.schema, "t");

    let labels = DataType::Enum { labels: vec!["b".into(), "c".into(), "a".into()] };
    assert_eq!(t.column(ColumnId(0)).data_type, labels);
    assert_eq!(t.column(ColumnId(1)).data_type, DataType::Array { element: Box::new(labels) });
}

#[test]
fn unique_indexes_without_a_constraint_are_keys() {
    let Some(seen) = introspect(
        "keys",
        "CREATE TABLE t (a int, b int, c text, PRIMARY KEY (b, a));
         CREATE UNIQUE INDEX k1 ON t (lower(c));
         CREATE UNIQUE INDEX k2 ON t (c, a) INCLUDE (b) WHERE a > 0;
         CREATE INDEX not_a_key ON t (c)",
    ) else {
        return;
    };
    let (_, t) = table(&seen.schema, "t");

    assert_eq!(t.primary_key.as_ref().unwrap().columns, [ColumnId(1), ColumnId(0)]);
    let [k1, k2] = &t.unique_keys[..] else { panic!("{:?}", t.unique_keys) };
    assert_eq!((k1.columns.len(), k1.expressions.as_slice()), (0, &["lower(c)".to_owned()][..]));
    assert_eq!(k2.columns, [ColumnId(2), ColumnId(0)]);
    assert_eq!(k2.predicate.as_deref(), Some("a > 0"));
}

#[test]
fn foreign_keys_keep_their_order_and_options() {
    let Some(seen) = introspect(
        "foreign_keys",
        "CREATE TABLE p (x int, y int, UNIQUE (y, x)); CREATE TABLE gone (id int PRIMARY KEY);
         CREATE TABLE c (d int, u int, v int,
             CONSTRAINT f FOREIGN KEY (u, v) REFERENCES p (x, y) MATCH FULL ON DELETE CASCADE DEFERRABLE);
         ALTER TABLE c DROP COLUMN d, ADD CONSTRAINT g FOREIGN KEY (v) REFERENCES gone NOT VALID",
    ) else {
        return;
    };
    let (_, c) = table(&seen.schema, "c");

    let f = &c.foreign_keys[0];
    assert_eq!(
        (&f.columns[..], &f.parent_columns[..]),
        (&[ColumnId(0), ColumnId(1)][..], &[ColumnId(0), ColumnId(1)][..])
    );
    assert!(f.cascades && f.match_full && f.deferrable && f.validated);
    assert_eq!(f.parent, table(&seen.schema, "p").0);
    assert!(!c.foreign_keys[1].validated);
}

#[test]
fn partitions_belong_to_their_root_with_what_all_of_them_declare() {
    let Some(seen) = introspect(
        "partitions",
        "CREATE TABLE parent (id int PRIMARY KEY); CREATE SEQUENCE s;
         CREATE TABLE t (id int NOT NULL DEFAULT nextval('s'), p int, at date) PARTITION BY RANGE (at);
         CREATE TABLE t1 PARTITION OF t (PRIMARY KEY (id)) FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
         CREATE TABLE t2 (at date, p int, id int NOT NULL PRIMARY KEY); ALTER TABLE t ATTACH PARTITION t2 DEFAULT;
         ALTER TABLE t1 ADD FOREIGN KEY (p) REFERENCES parent; ALTER TABLE t2 ADD FOREIGN KEY (p) REFERENCES parent;
         ALTER TABLE t2 ADD CHECK (p > 0);
         INSERT INTO t VALUES (1, NULL, '2020-05-05'), (2, NULL, '2022-01-01'); ANALYZE",
    ) else {
        return;
    };
    let (id, t) = table(&seen.schema, "t");

    assert_eq!(seen.schema.tables.len(), 2);
    assert_eq!(t.estimated_rows, Some(2));
    assert_eq!(t.unique_keys.iter().map(|k| &k.columns[..]).collect::<Vec<_>>(), [[ColumnId(0)]]);
    assert_eq!(t.foreign_keys.len(), 1);
    assert_eq!(t.foreign_keys[0].columns, [ColumnId(1)]);
    // The one partition's own CHECK binds its own rows; that some partition takes each row binds all.
    assert_eq!(t.checks.iter().map(|check| check.name.as_str()).collect::<Vec<_>>(), ["partition bounds"]);
    assert_eq!(
        seen.findings.iter().map(|f| f.code.as_str()).collect::<Vec<_>>(),
        ["partition-only-constraint"]
    );
    let of_t =
        |what: &str| seen.blueprint.statements.iter().any(|s| s.table == Some(id) && s.sql.contains(what));
    assert!(
        of_t("ATTACH PARTITION public.t1 FOR VALUES FROM ('2020-01-01')")
            && of_t("ATTACH PARTITION public.t2 DEFAULT")
    );
}

#[test]
fn a_foreign_key_of_some_partitions_is_followed_but_not_promised() {
    let Some(seen) = introspect(
        "partly",
        "CREATE TABLE parent (id int PRIMARY KEY);
         CREATE TABLE t (p int, at date) PARTITION BY RANGE (at);
         CREATE TABLE t1 PARTITION OF t FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
         CREATE TABLE t2 PARTITION OF t FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
         CREATE TABLE t3 PARTITION OF t DEFAULT;
         ALTER TABLE t1 ADD FOREIGN KEY (p) REFERENCES parent; ALTER TABLE t2 ADD FOREIGN KEY (p) REFERENCES parent",
    ) else {
        return;
    };
    let (_, t) = table(&seen.schema, "t");

    assert_eq!(t.foreign_keys.iter().map(|f| f.validated).collect::<Vec<_>>(), [false]);
    assert_eq!(
        seen.findings.iter().map(|f| f.code.as_str()).collect::<Vec<_>>(),
        ["partition-only-foreign-key"]
    );
}

#[test]
fn numbering_generation_and_case_are_seen() {
    let Some(seen) = introspect(
        "columns",
        "CREATE EXTENSION citext;
         CREATE TABLE t (a serial, b int GENERATED ALWAYS AS IDENTITY, c int GENERATED ALWAYS AS (a * 2) STORED,
             d citext, e text DEFAULT 'x', PRIMARY KEY (a)); CREATE TABLE child () INHERITS (t)",
    ) else {
        return;
    };
    let (_, t) = table(&seen.schema, "t");

    let numbered: Vec<bool> = t.columns.iter().map(|c| c.auto_increment).collect();
    assert_eq!(numbered, [true, true, false, false, false]);
    assert_eq!(t.column(ColumnId(2)).generated.as_deref(), Some("(a * 2)"));
    assert_eq!(t.writable_columns().len(), 4);
    assert!(
        t.column(ColumnId(3)).collation.ignores_case() && !t.column(ColumnId(4)).collation.ignores_case()
    );
    assert_eq!(t.column(ColumnId(4)).default.as_deref(), Some("'x'::text"));
    assert_eq!(table(&seen.schema, "child").1.columns.len(), 5);
}

#[test]
fn extensions_and_the_marker_are_not_tables_and_the_lost_is_a_finding() {
    let Some(seen) = introspect(
        "skipped",
        "CREATE EXTENSION pg_stat_statements; CREATE SCHEMA _dbsynth; CREATE TABLE _dbsynth.made (x int);
         CREATE TABLE t (); CREATE FUNCTION f(int, int) RETURNS bool LANGUAGE sql AS 'SELECT true';
         CREATE PUBLICATION everything",
    ) else {
        return;
    };

    assert_eq!(seen.schema.tables.len(), 1);
    assert!(!seen.blueprint.statements.iter().any(|s| s.sql.contains("_dbsynth")));
    assert_eq!(seen.findings.len(), 1);
    assert!(seen.findings[0].what.contains("publication"), "{}", seen.findings[0]);
}
