//! Differences of every kind are planted in a file and found, and nothing else.

use std::collections::BTreeSet;

use super::{Fault, SchemaComparison, Side, compare_schemas};
use crate::{
    config::DbUrl,
    db::{Blueprint, Introspection, Phase, Statement, connect},
    schema::{Check, ColumnId, DialectName, Schema, Table, TableId, TableName, UniqueKey},
};

const SCHEMA: &str = "CREATE TABLE parent (id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE);
    CREATE TABLE child (id INTEGER PRIMARY KEY, parent_id INT NOT NULL REFERENCES parent ON DELETE CASCADE,
        age INT CHECK (age > 0), note TEXT DEFAULT 'x', CONSTRAINT short CHECK (length(note) < 9));
    CREATE INDEX by_age ON child (age);
    CREATE VIEW adults AS SELECT * FROM child WHERE age > 17;
    CREATE TRIGGER later AFTER INSERT ON child BEGIN SELECT 1; END";

fn introspect(sql: &str) -> Introspection {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("schema.db");
    let database = connect(&DbUrl::parse(&format!("sqlite:{}", path.display())).unwrap()).unwrap();
    let mut sink = database.sink().unwrap();
    sink.begin().unwrap();
    sink.execute(sql).unwrap();
    sink.commit().unwrap();
    database.source().unwrap().introspect().unwrap()
}

fn compare(source: &str, target: &str) -> SchemaComparison {
    compare_schemas(Side::from(&introspect(source)), Side::from(&introspect(target)), &[])
}

/// Differences as text; `!` marks those that fail.
fn shown(comparison: &SchemaComparison) -> Vec<String> {
    let all = comparison.differences.iter();
    all.map(|one| format!("{}{one}", if one.fails { "!" } else { "" })).collect()
}

fn planted(old: &str, new: &str) -> Vec<String> {
    assert!(SCHEMA.contains(old), "{old}");
    shown(&compare(SCHEMA, &SCHEMA.replace(old, new)))
}

#[test]
fn a_schema_is_the_same_as_itself() {
    let comparison = compare(SCHEMA, &SCHEMA.replace("    ", " "));

    assert_eq!(shown(&comparison), [] as [&str; 0]);
    // Two tables, six columns, two primary keys, one unique key, one foreign key, two checks, index, view, trigger.
    assert_eq!((comparison.objects, comparison.recreated, comparison.failures()), (17, 17, 0));
}

#[test]
fn what_is_missing_is_named_and_counted() {
    assert_eq!(planted("CREATE INDEX by_age ON child (age);", ""), ["missing: index by_age of child"]);
    assert_eq!(
        planted("CREATE VIEW adults AS SELECT * FROM child WHERE age > 17;", ""),
        ["missing: view adults"]
    );
    assert_eq!(
        planted("CREATE TRIGGER later AFTER INSERT ON child BEGIN SELECT 1; END", "SELECT 1"),
        ["missing: trigger later of child"]
    );
    assert_eq!(planted("CHECK (age > 0)", ""), ["!missing: check child_check1 of child"]);
    assert_eq!(planted(" UNIQUE", ""), ["!missing: unique key sqlite_autoindex_parent_1 of parent"]);
    assert_eq!(
        planted("REFERENCES parent ON DELETE CASCADE", ""),
        ["!missing: foreign key child_parent_id_fkey of child"]
    );
    assert_eq!(
        planted(", note TEXT DEFAULT 'x', CONSTRAINT short CHECK (length(note) < 9)", ""),
        ["!missing: check short of child", "!missing: column note of child"]
    );
    let comparison =
        compare(SCHEMA, "CREATE TABLE parent (id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE)");
    assert_eq!(shown(&comparison), ["!missing: table child", "missing: view adults"]);
    assert_eq!((comparison.objects, comparison.recreated), (17, 5));
}

#[test]
fn what_is_different_says_in_what() {
    assert_eq!(
        planted("age INT ", "age TEXT "),
        ["!different: column age of child (type TEXT instead of INT)"]
    );
    assert_eq!(
        planted("parent_id INT NOT NULL", "parent_id INT"),
        ["!different: column parent_id of child (null allowed instead of forbidden)"]
    );
    assert_eq!(
        planted("DEFAULT 'x'", "DEFAULT 'y'"),
        ["different: column note of child (default 'y' instead of 'x')"]
    );
    assert_eq!(planted("DEFAULT 'x'", ""), ["different: column note of child (no default)"]);
    assert_eq!(
        planted("length(note) < 9", "length(note) < 8"),
        ["!different: check short of child (condition length(note) < 8 instead of length(note) < 9)"]
    );
    assert_eq!(
        planted("child (age)", "child (age, note)"),
        ["different: index by_age of child (definition)"]
    );
    assert_eq!(
        planted(" ON DELETE CASCADE", ""),
        ["!different: foreign key child_parent_id_fkey of child (no cascade)"]
    );
    assert_eq!(
        planted("ON DELETE CASCADE", "ON DELETE CASCADE ON UPDATE CASCADE"),
        ["different: table child (definition)"]
    );
    assert_eq!(
        planted("CONSTRAINT short", "CONSTRAINT brief"),
        ["different: check short of child (it is called brief)"]
    );
    assert_eq!(
        planted(
            "age INT CHECK (age > 0), note TEXT DEFAULT 'x'",
            "note TEXT DEFAULT 'x', age INT CHECK (age > 0)"
        ),
        ["different: table child (columns id, parent_id, note, age instead of id, parent_id, age, note)"]
    );
}

#[test]
fn what_only_the_target_has_is_extra_and_fails_nothing() {
    let comparison = compare(
        SCHEMA,
        &format!("{}; CREATE TABLE more (a INT UNIQUE)", SCHEMA.replace("note TEXT", "note TEXT UNIQUE")),
    );

    assert_eq!(
        shown(&comparison),
        ["extra: table more", "extra: unique key sqlite_autoindex_child_1 of child"]
    );
    assert_eq!((comparison.recreated, comparison.failures()), (17, 0));
    assert!(comparison.differences.iter().all(|one| one.fault == Fault::Extra));
}

#[test]
fn a_name_the_server_invented_is_no_difference() {
    // Without the first check, the second one is numbered anew.
    let source = "CREATE TABLE t (a INT CHECK (a > 0), b INT CHECK (b > 0))";

    assert_eq!(
        shown(&compare(source, "CREATE TABLE t (a INT, b INT CHECK (b > 0))")),
        ["!missing: check t_check1 of t"]
    );
}

#[test]
fn what_belongs_to_a_table_left_out_is_not_expected() {
    let source = introspect(SCHEMA);
    let parent = TableId(1);
    assert_eq!(source.schema.table(parent).name.name, "parent");
    let target = introspect(
        &SCHEMA.replace("CREATE TABLE parent (id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE);", ""),
    );

    let comparison = compare_schemas(Side::from(&source), Side::from(&target), &[parent]);

    assert_eq!(shown(&comparison), [] as [&str; 0]);
    assert_eq!(comparison.objects, 11);
}

/// A side of a server: one table whose key and check have statements of their own.
fn server(dialect: DialectName, statements: &[(&str, bool, &str)], check: &str) -> (Schema, Blueprint) {
    let table = Table {
        unique_keys: vec![UniqueKey {
            name: "orders_code".to_owned(),
            columns: vec![],
            expressions: vec!["lower(code)".to_owned()],
            predicate: None,
            nulls_not_distinct: false,
        }],
        checks: vec![Check {
            name: "known".to_owned(),
            expression: check.to_owned(),
            domain_column: None::<ColumnId>,
        }],
        ..Table::new(TableName::bare("orders"), Vec::new())
    };
    let statements = statements
        .iter()
        .map(|(object, of_table, sql)| Statement {
            phase: Phase::Index,
            object: (*object).to_owned(),
            table: of_table.then_some(TableId(0)),
            parent: None,
            sql: (*sql).to_owned(),
            optional: false,
        })
        .collect();
    (Schema { dialect, tables: vec![table] }, Blueprint { dialect, statements, sequences: Vec::new() })
}

fn compare_servers(source: &(Schema, Blueprint), target: &(Schema, Blueprint)) -> SchemaComparison {
    let side = |(schema, blueprint): &'_ (Schema, Blueprint)| -> (Schema, Blueprint) {
        (schema.clone(), blueprint.clone())
    };
    let (source, target) = (side(source), side(target));
    compare_schemas(
        Side { schema: &source.0, blueprint: &source.1 },
        Side { schema: &target.0, blueprint: &target.1 },
        &[],
    )
}

#[test]
fn what_postgres_prints_anew_is_no_difference_and_objects_are_told_by_kind() {
    let all = [
        ("session settings", false, "SELECT set_config('search_path', 'a', false)"),
        ("table public.orders", true, "CREATE TABLE public.orders (\n    code text,\n    n integer\n)"),
        (
            "table public.orders_2024",
            true,
            "CREATE TABLE public.orders_2024 PARTITION OF public.orders FOR VALUES IN (1)",
        ),
        (
            "constraint known on public.orders",
            true,
            "ALTER TABLE public.orders ADD CONSTRAINT known CHECK (((code)::text = ANY ((ARRAY['a'::character varying])::text[])))",
        ),
        (
            "constraint apart on public.orders",
            true,
            "ALTER TABLE public.orders ADD CONSTRAINT apart EXCLUDE USING gist (n WITH &&)",
        ),
        (
            "index orders_code",
            true,
            "CREATE UNIQUE INDEX orders_code ON public.orders USING btree (lower(code))",
        ),
        ("comment on TABLE public.orders", true, "COMMENT ON TABLE public.orders IS 'all'"),
        ("policy mine", true, "CREATE POLICY mine ON public.orders USING (true)"),
        ("type public.mood", false, "CREATE TYPE public.mood AS ENUM ('a', 'b')"),
    ];
    let source =
        server(DialectName::Postgres, &all, "((code)::text = ANY ((ARRAY['a'::character varying])::text[]))");
    let mut again = all.to_vec();
    again[3].2 = "ALTER TABLE public.orders ADD CONSTRAINT known CHECK (((code)::text = ANY (ARRAY[('a'::character varying)::text])))";
    let target =
        server(DialectName::Postgres, &again, "((code)::text = ANY (ARRAY[('a'::character varying)::text]))");

    let same = compare_servers(&source, &target);
    let less = compare_servers(&source, &server(DialectName::Postgres, &all[..2], "true"));

    assert_eq!(shown(&same), [] as [&str; 0]);
    assert_eq!(same.objects, 8);
    assert_eq!(
        shown(&less).into_iter().collect::<BTreeSet<_>>(),
        [
            "!different: check known of orders (condition true instead of ((code)::text = ANY ((ARRAY['a'::character varying])::text[])), definition)",
            "!different: unique key orders_code of orders (definition)",
            "!missing: constraint apart of orders",
            "missing: comment on TABLE public.orders of orders",
            "missing: partition orders_2024 of orders",
            "missing: policy mine of orders",
            "missing: type public.mood",
        ]
        .map(str::to_owned)
        .into()
    );
}

#[test]
fn the_character_set_of_a_table_need_not_be_said_by_its_columns() {
    let table = |column: &str| {
        format!("CREATE TABLE `orders` (\n  {column} DEFAULT NULL\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4")
    };
    let [bare, said, other] = ["`a` text", "`a` text CHARACTER SET utf8mb4", "`a` text CHARACTER SET latin1"]
        .map(|column| server(DialectName::MySql, &[("table orders", true, &table(column))], "true"));

    assert_eq!(shown(&compare_servers(&bare, &said)), [] as [&str; 0]);
    assert_eq!(shown(&compare_servers(&bare, &other)), ["different: table orders (definition)"]);
}

#[test]
fn indexes_that_mysql_adds_together_are_told_apart() {
    let (unique, indexes) = ("UNIQUE KEY `orders_code` ((lower(`code`)))", "KEY `a` (`n`,`m`)");
    let one = format!("ALTER TABLE `orders` ADD {unique}");
    let two = format!("ALTER TABLE `orders` ADD {indexes}, ADD KEY `b` (`m`) COMMENT 'x, ADD KEY `c`'");
    let source = [
        ("table orders", true, "CREATE TABLE `orders` (\n  `n` int,\n  `m` int\n) ENGINE=InnoDB"),
        ("unique keys of orders", true, one.as_str()),
        ("indexes of orders", true, two.as_str()),
    ];
    let mut target = source;
    let less = "ALTER TABLE `orders` ADD KEY `b` (`m`, `n`)";
    target[2].2 = less;
    let both = [source, target].map(|statements| server(DialectName::MySql, &statements, "true"));

    let comparison = compare_servers(&both[0], &both[1]);

    assert_eq!(comparison.objects, 5);
    assert_eq!(
        shown(&comparison),
        ["missing: index a of orders", "different: index b of orders (definition)"]
    );
}

#[test]
fn a_server_that_writes_names_of_tables_in_lower_case_has_all_of_them() {
    let of = |name: &str, check: &str, view: &str| {
        let table = format!("CREATE TABLE `{name}` (\n  `Id` int\n)");
        let view = format!("CREATE VIEW `{view}` AS select `{name}`.`Id` AS `Id` from `{name}`");
        let mut side = server(
            DialectName::MySql,
            &[("table x", true, &table), (&format!("view {}", first(&view)), false, &view)],
            check,
        );
        side.0.tables[0].name = TableName::bare(name);
        side
    };
    fn first(sql: &str) -> String {
        sql.split('`').nth(1).unwrap_or_default().to_owned()
    }
    let source = of("Orders", "`Code` = 'A'", "Big");

    assert_eq!(shown(&compare_servers(&source, &of("orders", "`Code` = 'A'", "big"))), [] as [&str; 0]);
    let other = compare_servers(&source, &of("orders", "`Code` = 'a'", "big"));
    assert_eq!(other.differences.len(), 1, "{other:?}");
    // A server that keeps the case has no reason to write it otherwise.
    assert!(compare_servers(&source, &of("ORDERS", "`Code` = 'A'", "big")).failures() > 0);
}
