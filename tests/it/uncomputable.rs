//! Indexes, keys, CHECKs and generated columns that have no value for every text: the texts are such that they have.

use serde_json::Value;

use crate::support::{Engine, Scratch, dbsynth, engines, schema};

const ROWS: i64 = 150;

/// A table whose texts hold what its expressions read, and no word more.
fn texts(engine: Engine, source: &Scratch) {
    let mariadb = engine == Engine::MySql && source.text_of("SELECT version()").contains("MariaDB");
    let (start, list) = match engine {
        Engine::Postgres => (
            "CREATE TABLE entry (id integer PRIMARY KEY, day text NOT NULL, ref text, price text NOT NULL, doc text NOT NULL,
               amount numeric(12,2) GENERATED ALWAYS AS (split_part(price, ' ', 1)::numeric(12,2)) STORED,
               half numeric GENERATED ALWAYS AS (12.0 / split_part(price, ' ', 1)::numeric) STORED,
               CONSTRAINT is_priced CHECK (split_part(price, ' ', 1)::numeric > 0));
             CREATE FUNCTION day_of(text) RETURNS date LANGUAGE sql IMMUTABLE AS $$ SELECT to_date($1, 'YYYYMMDD') $$;
             CREATE INDEX by_day ON entry (day_of(day)) WHERE price::text <> '';
             CREATE INDEX by_half ON entry (((doc::jsonb -> 1)::int));
             CREATE UNIQUE INDEX by_ref ON entry ((ref::integer));",
            "SELECT i, to_char(date '2020-01-01' + i * 3, 'YYYYMMDD'), (1000 + i * 7)::text, (i * 1.25)::text || ' EUR',
               '[\"word ' || i || '\",' || i || ']' FROM generate_series(1, 150) AS i",
        ),
        Engine::MySql => (
            if mariadb {
                "CREATE TABLE entry (id integer PRIMARY KEY, day varchar(8) NOT NULL, ref varchar(12), price varchar(20) NOT NULL,
                   doc text NOT NULL,
                   amount decimal(12,2) AS (cast(substring_index(price, ' ', 1) AS decimal(12,2))) STORED,
                   on_day date AS (cast(day AS date)) VIRTUAL, KEY by_day (on_day),
                   CONSTRAINT is_priced CHECK (cast(substring_index(price, ' ', 1) AS decimal(12,2)) > 0));"
            } else {
                "CREATE TABLE entry (id integer PRIMARY KEY, day varchar(8) NOT NULL, ref varchar(12), price varchar(20) NOT NULL,
                   doc text NOT NULL,
                   amount decimal(12,2) AS (cast(substring_index(price, ' ', 1) AS decimal(12,2))) STORED,
                   CONSTRAINT is_priced CHECK (cast(substring_index(price, ' ', 1) AS decimal(12,2)) > 0),
                   KEY by_day ((cast(day AS date))), KEY by_doc ((cast(json_extract(doc, '$[1]') AS signed))),
                   UNIQUE KEY by_ref ((cast(ref AS signed))));"
            },
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 150)
             SELECT i, date_format(date '2020-01-01' + INTERVAL i * 3 DAY, '%Y%m%d'), 1000 + i * 7, concat(i * 1.25, ' EUR'),
               concat('[\"word ', i, '\",', i, ']') FROM n",
        ),
        Engine::Sqlite => (
            "CREATE TABLE entry (id integer PRIMARY KEY, day text NOT NULL, ref text, price text NOT NULL, doc text NOT NULL,
               amount GENERATED ALWAYS AS (json_extract(price, '$')) STORED,
               CONSTRAINT is_priced CHECK (json_type(price) = 'text'));
             CREATE INDEX by_day ON entry (json_extract(day, '$')) WHERE ref IS NOT NULL;
             CREATE UNIQUE INDEX by_ref ON entry (json_extract(ref, '$'));",
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 150)
             SELECT i, '\"the ' || substr('red green blue brown', i % 13 + 1, 5) || ' day\"', '\"ref ' || (i * 7) || '\"',
               '\"' || substr('one two three four five', i % 17 + 1, 7) || ' euros\"', '[]' FROM n",
        ),
    };
    source.run(start);
    source.run(&format!("INSERT INTO entry (id, day, ref, price, doc) {list}"));
}

fn what_texts_are_computed_into_is_recreated(engine: Engine) {
    if !engines().contains(&engine) {
        return;
    }
    let source = Scratch::new(engine, &format!("uncomputable_{engine:?}_source").to_lowercase());
    texts(engine, &source);
    let target = Scratch::new(engine, &format!("uncomputable_{engine:?}_target").to_lowercase());

    let result = dbsynth(&["clone", source.text(), target.text(), "--json"]).exits(0).json();

    assert_eq!(target.number("SELECT count(*) FROM entry"), ROWS);
    assert_eq!(schema(&target.url()), schema(&source.url()), "every index is there");
    let codes = codes(&result);
    assert!(codes.contains(&"constraint-repaired".to_owned()), "{codes:?}");
    for lost in ["object-not-made", "schema-differs", "constraint-not-judged", "load-repeated"] {
        assert!(!codes.contains(&lost.to_owned()), "{codes:?}");
    }
    let lines = result["proof"]["lines"].as_array().unwrap();
    assert!(lines.iter().all(|line| line["violations"] == 0), "{lines:?}");
}

fn codes(result: &Value) -> Vec<String> {
    let findings = result["findings"].as_array().unwrap();
    findings.iter().map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_texts_are_computed_into_is_recreated_on_postgres() {
    what_texts_are_computed_into_is_recreated(Engine::Postgres);
}

#[test]
fn what_texts_are_computed_into_is_recreated_on_mysql() {
    what_texts_are_computed_into_is_recreated(Engine::MySql);
}

#[test]
fn what_texts_are_computed_into_is_recreated_on_sqlite() {
    what_texts_are_computed_into_is_recreated(Engine::Sqlite);
}

/// An index that no row of any kind can be computed for costs itself, not the rows.
#[test]
fn an_index_that_cannot_be_computed_costs_no_row_of_postgres() {
    if !engines().contains(&Engine::Postgres) {
        return;
    }
    let source = Scratch::new(Engine::Postgres, "uncomputable_never_source");
    source.run(
        "CREATE TABLE secret (id integer PRIMARY KEY, word text NOT NULL);
         CREATE FUNCTION known(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN
           IF $1 NOT LIKE '§ magic § %' THEN RAISE EXCEPTION 'unknown'; END IF; RETURN $1; END $$;
         INSERT INTO secret SELECT i, '§ magic § ' || md5(i::text) FROM generate_series(1, 100) AS i;
         CREATE INDEX by_word ON secret (known(word));",
    );
    let target = Scratch::new(Engine::Postgres, "uncomputable_never_target");

    let result = dbsynth(&["clone", source.text(), target.text(), "--json"]).exits(0).json();

    assert_eq!(target.number("SELECT count(*) FROM secret"), 100);
    let made = target.number("SELECT count(*) FROM pg_indexes WHERE indexname = 'by_word'") == 1;
    assert_eq!(!made, codes(&result).contains(&"object-not-made".to_owned()), "{result}");
}

/// SQLite keeps the text of a table whatever its functions are; a program brings them along.
fn with_function_of_an_application(name: &str, kind: &str) -> (Scratch, Scratch, Value) {
    let source = Scratch::new(Engine::Sqlite, &format!("application_{name}_source"));
    source.run(&format!(
        "CREATE TABLE item (id integer PRIMARY KEY, a integer NOT NULL, g integer NOT NULL AS (a * 2 + 1) {kind},
           h text AS ('x' || a), n text);
         CREATE TABLE part (id integer PRIMARY KEY, item_id integer NOT NULL REFERENCES item (id));
         CREATE INDEX by_g ON item (n);
         WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 200)
         INSERT INTO item (id, a, n) SELECT i, i % 17, 'n' || (i % 5) FROM s;
         INSERT INTO part SELECT id, id FROM item;
         PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = replace(sql, 'a * 2 + 1', 'known_to_app(a)') WHERE name = 'item';"
    ));
    let target = Scratch::new(Engine::Sqlite, &format!("application_{name}_target"));
    let result = dbsynth(&["clone", source.text(), target.text(), "--json"]).exits(0).json();
    let codes = codes(&result);
    assert!(codes.contains(&"generated-column-plain".to_owned()), "{codes:?}");
    assert_eq!(target.number("SELECT count(*) FROM item WHERE h = 'x' || a AND n IS NOT NULL"), 200);
    assert_eq!(target.number("SELECT count(*) FROM part JOIN item ON item.id = item_id"), 200);
    (source, target, result)
}

#[test]
fn a_stored_column_that_only_an_application_computes_is_learned_on_sqlite() {
    let (_source, target, _) = with_function_of_an_application("stored", "STORED");

    assert_eq!(target.number("SELECT count(*) FROM item WHERE g BETWEEN 1 AND 33"), 200);
    assert!(target.number("SELECT count(DISTINCT g) FROM item") > 5);
}

#[test]
fn a_virtual_column_that_only_an_application_computes_is_null_on_sqlite() {
    let (_source, target, result) = with_function_of_an_application("virtual", "VIRTUAL");

    assert_eq!(target.number("SELECT count(*) FROM item WHERE g IS NULL"), 200);
    assert!(!codes(&result).contains(&"schema-differs".to_owned()), "{result}");
}
