//! Hard schemas are built again as they were.

use std::{collections::BTreeSet, fs, path::Path};

use super::support::{TestDatabase, clone, skip};
use crate::db::{Introspection, Phase};

/// What a blueprint says, whatever the order of object identifiers.
fn said(seen: &Introspection) -> BTreeSet<(Phase, String)> {
    let statements = seen.blueprint.statements.iter();
    // The rows differ in nothing but their time; a search path is the database's own.
    statements.map(|statement| (statement.phase, statement.sql.clone())).collect()
}

/// What is there of `wanted` and not of `other`, for a message.
fn missing(wanted: &Introspection, other: &Introspection) -> Vec<String> {
    let other = said(other);
    said(wanted).into_iter().filter(|line| !other.contains(line)).map(|(_, sql)| sql).collect()
}

fn introspect(database: &TestDatabase) -> Introspection {
    database.open().source().unwrap().introspect().unwrap()
}

/// Splits a script as the suite of hard schemas does: at `;` line ends, outside of fences; a transaction is one.
fn statements(script: &str) -> Vec<String> {
    let mut statements = vec![String::new()];
    let mut fenced = false;
    for line in script.lines() {
        let end = match line.trim() {
            "-- begin" | "BEGIN;" => {
                fenced = true;
                false
            }
            "-- end" | "COMMIT;" => {
                fenced = false;
                true
            }
            text => !fenced && text.ends_with(';'),
        };
        let current = statements.last_mut().expect("there is always one");
        current.push_str(line);
        current.push('\n');
        if end {
            statements.push(String::new());
        }
    }
    statements
}

/// Loads `script`, clones it so many times over itself, and holds the copy to the original. Returns what could not
/// be made.
fn rebuild(name: &str, script: &str, times: usize) -> Option<Vec<String>> {
    let from = TestDatabase::create(&format!("rebuild_{name}"))?;
    let needed = script.lines().filter_map(|line| line.strip_prefix("-- needs: "));
    if let Some(extension) = needed.map(str::trim).find(|extension| !from.has_extension(extension)) {
        skip(name, &format!("the server does not have the extension {extension}"));
        return Some(Vec::new());
    }
    let to = TestDatabase::create(&format!("rebuild_{name}_to"))?;
    for statement in statements(script) {
        from.run(&statement);
    }
    let mut failed = Vec::new();
    for _ in 0..times {
        failed = clone(from.open().as_ref(), to.open().as_ref());
    }
    let (here, there) = (introspect(&from), introspect(&to));
    assert_eq!(missing(&there, &here), Vec::<String>::new(), "{name}: more than there was");
    let lost = missing(&here, &there);
    assert_eq!(lost.len(), failed.len(), "{name}: {lost:#?}\n{failed:#?}");
    let mut tables = there.schema.tables.clone();
    for (table, original) in tables.iter_mut().zip(&here.schema.tables) {
        table.estimated_rows = original.estimated_rows;
    }
    assert_eq!(tables, here.schema.tables, "{name}");
    Some(failed)
}

#[test]
fn every_hard_schema_is_built_again_and_nothing_is_lost_unsaid() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/schemas/postgres");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let script = fs::read_to_string(&file).unwrap();
        // What the first run made must go for the second: of every kind of object, one schema is enough.
        let times = if ["text_search_and_operators", "collations"].contains(&name) { 2 } else { 1 };
        let Some(failed) = rebuild(name, &script, times) else { return };
        // Foreign tables are not copied, so nothing can stand on them.
        let expected =
            failed.iter().all(|failure| failure.starts_with("view ") && script.contains("FOREIGN TABLE"));
        assert!(expected, "{name}: {failed:#?}");
    }
}

#[test]
fn defaults_and_functions_that_need_each_other_are_all_made() {
    let failed = rebuild(
        "circles",
        "CREATE TABLE t (id int PRIMARY KEY, n int);
         CREATE VIEW v AS SELECT max(n) AS most FROM t;
         CREATE FUNCTION most() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT most FROM v; END;
         CREATE FUNCTION rows_of(t) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT count(*)::int FROM t; END;
         ALTER TABLE t ALTER COLUMN n SET DEFAULT most(), ADD CHECK (rows_of(t) >= 0) NOT VALID;
         CREATE VIEW uses AS SELECT id, most() AS m FROM t; INSERT INTO t VALUES (1, 5)",
        2,
    );

    assert_eq!(failed.unwrap_or_default(), Vec::<String>::new());
}

#[test]
fn an_event_trigger_is_made_and_does_not_fire_at_the_clone() {
    let script = "CREATE TABLE seen (tag text);
         CREATE FUNCTION note() RETURNS event_trigger LANGUAGE plpgsql AS
             $$ BEGIN INSERT INTO public.seen SELECT tg_tag; END $$;
         CREATE EVENT TRIGGER watch ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'CREATE SCHEMA') EXECUTE FUNCTION note();
         CREATE EVENT TRIGGER idle ON sql_drop EXECUTE FUNCTION note(); ALTER EVENT TRIGGER idle DISABLE";
    let Some(from) = TestDatabase::create("event_triggers") else { return };
    let Some(to) = TestDatabase::create("event_triggers_to") else { return };
    from.run(script);

    for _ in 0..2 {
        assert_eq!(clone(from.open().as_ref(), to.open().as_ref()), Vec::<String>::new());
    }

    assert_eq!(to.text("SELECT count(*)::text FROM seen"), "0");
    let states = "SELECT string_agg(concat(evtname, evtenabled), ' ' ORDER BY evtname) FROM pg_event_trigger";
    assert_eq!(to.text(states), "idleD watchO");
    to.run("CREATE TABLE later ()");
    assert_eq!(to.text("SELECT tag FROM seen"), "CREATE TABLE");
}

#[test]
fn partitions_keep_the_names_of_their_indexes_and_their_own_defaults() {
    let Some(from) = TestDatabase::create("part_names") else { return };
    let Some(to) = TestDatabase::create("part_names_to") else { return };
    from.run(
        "CREATE TABLE t (id int, at date, n int DEFAULT 1, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
         CREATE TABLE a PARTITION OF t (n DEFAULT 7) FOR VALUES FROM (MINVALUE) TO ('2020-01-01');
         CREATE TABLE b (n int, at date NOT NULL, id int NOT NULL); ALTER TABLE t ATTACH PARTITION b DEFAULT;
         CREATE INDEX every ON t (n); CREATE INDEX a_n_idx1 ON a (n, id); ALTER INDEX b_pkey RENAME TO \"own key\"",
    );

    assert_eq!(clone(from.open().as_ref(), to.open().as_ref()), Vec::<String>::new());

    let shape = "SELECT (SELECT string_agg(indexrelid::regclass || ' ' || indisvalid, ', ' ORDER BY indexrelid::regclass::text) FROM pg_index
        WHERE indrelid::regclass::text IN ('t', 'a', 'b')) || (SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute
        WHERE attrelid = 'b'::regclass AND attnum > 0) || pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d WHERE adrelid = 'a'::regclass";
    assert_eq!(to.text(shape), from.text(shape));
    assert!(
        to.text(shape).contains("\"own key\" true") && to.text(shape).ends_with("n at id7"),
        "{}",
        to.text(shape)
    );
}

#[test]
fn a_child_whose_parent_is_left_out_stands_alone() {
    let Some(from) = TestDatabase::create("childless") else { return };
    let Some(to) = TestDatabase::create("childless_to") else { return };
    from.run(
        "CREATE TABLE parent (id int PRIMARY KEY, note text DEFAULT 'x'); CREATE TABLE child (n int) INHERITS (parent);
         CREATE TABLE late (note text, id int NOT NULL); ALTER TABLE late INHERIT parent",
    );
    let seen = introspect(&from);
    let left_out = seen.schema.find("parent");
    let mut sink = to.open().sink().unwrap();
    sink.begin().unwrap();
    for statement in &seen.blueprint.statements {
        if statement.table != left_out && statement.parent != left_out {
            sink.execute(&statement.sql).unwrap();
        }
    }
    sink.commit().unwrap();

    let columns = "SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attnum > 0 AND attrelid = 'child'::regclass";
    assert_eq!(to.text(columns), "id note n");
    assert_eq!(to.text("SELECT to_regclass('late')::text"), "late");
}

#[test]
fn an_extension_in_another_schema_is_said_with_its_remedy() {
    let Some(from) = TestDatabase::create("ext_elsewhere") else { return };
    let Some(to) = TestDatabase::create("ext_elsewhere_to") else { return };
    from.run("CREATE SCHEMA e; CREATE EXTENSION citext WITH SCHEMA e; CREATE TABLE t (id int)");
    to.run("CREATE EXTENSION citext");

    let failed = clone(from.open().as_ref(), to.open().as_ref());
    assert!(failed.len() == 1 && failed[0].contains("ALTER EXTENSION citext SET SCHEMA e"), "{failed:?}");
    to.run("ALTER EXTENSION citext SET SCHEMA e");
    assert_eq!(clone(from.open().as_ref(), to.open().as_ref()), Vec::<String>::new());
}
