//! How every column is made, as `inspect --coverage` says it, before and after learning.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::{Engine, Scratch, dbsynth, dbsynth_in};

/// A shop with a column of every fate.
fn shop() -> Scratch {
    let scratch = Scratch::new(Engine::Sqlite, "coverage");
    let mut sql = String::from(
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT NOT NULL, city TEXT, country TEXT NOT NULL DEFAULT 'IT');\n\
         CREATE TABLE countries (code TEXT PRIMARY KEY, label TEXT);\n\
         CREATE TABLE log (id INTEGER PRIMARY KEY, line TEXT);\n\
         CREATE TABLE secrets (id INTEGER PRIMARY KEY, line TEXT);\n\
         CREATE TABLE sales (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id), \
         cents INTEGER NOT NULL, twice INTEGER NOT NULL, plus_tax INTEGER GENERATED ALWAYS AS (cents * 2) STORED, \
         exact DECIMAL(30, 20), kind TEXT NOT NULL);\n\
         INSERT INTO countries VALUES ('IT', 'Italy');\nINSERT INTO log VALUES (1, 'x');\nINSERT INTO secrets VALUES (1, 'x');\n",
    );
    for n in 0..120 {
        sql += &format!(
            "INSERT INTO customers (id, email, city) VALUES ({n}, 'anna{n}@mail.it', '{}');\n",
            ["Rome", "Bari"][n % 2]
        );
        let cents = 100 + (n * 7919) % 977;
        sql += &format!(
            "INSERT INTO sales (id, customer_id, cents, twice, exact, kind) VALUES ({n}, {}, {cents}, {}, {cents}.25, '{}');\n",
            n / 2,
            2 * cents,
            if n < 3 { format!("rare{n}") } else { ["card", "cash"][n % 2].to_owned() },
        );
    }
    scratch.run(&sql);
    scratch
}

const MODES: &str = "[tables.countries]\nmode = \"copy\"\n[tables.log]\nmode = \"structure\"\n[tables.secrets]\nmode = \"skip\"\n";

fn made(shown: &Value) -> BTreeMap<String, String> {
    let text = |one: &Value, name: &str| one[name].as_str().unwrap().to_owned();
    let columns = shown["coverage"].as_array().unwrap().iter();
    columns
        .map(|one| (format!("{}.{}", text(one, "table"), text(one, "column")), text(one, "made")))
        .collect()
}

#[test]
fn every_column_says_how_it_is_made_and_a_model_makes_it_so() {
    let source = shop();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("synth.toml"), MODES).unwrap();

    let shown =
        dbsynth_in(folder.path(), &["inspect", source.text(), "--coverage", "--json"]).exits(0).json();

    let before = made(&shown);
    let expected = [
        ("countries.code", "copied"),
        ("countries.label", "copied"),
        ("customers.city", "learned"),
        ("customers.country", "constant"),
        ("customers.email", "written"),
        ("customers.id", "key"),
        ("log.id", "empty"),
        ("log.line", "empty"),
        ("sales.cents", "learned"),
        ("sales.customer_id", "foreign_key"),
        ("sales.exact", "learned"),
        ("sales.id", "key"),
        ("sales.kind", "learned"),
        ("sales.plus_tax", "generated"),
        ("sales.twice", "computed"),
        ("secrets.id", "left_out"),
        ("secrets.line", "left_out"),
    ];
    let mut relevant = before.clone();
    // Which of two numbers that follow from each other is computed is for the rules to say.
    for column in ["sales.cents", "sales.exact", "sales.twice"] {
        relevant.remove(column);
    }
    let mut wanted: BTreeMap<String, String> =
        expected.iter().map(|(column, made)| ((*column).to_owned(), (*made).to_owned())).collect();
    wanted.retain(|column, _| relevant.contains_key(column) || !before.contains_key(column));
    assert_eq!(relevant, wanted);
    assert!(before.values().any(|made| made == "computed"), "{before:?}");
    let lost = |column: &str| -> String {
        let columns = shown["coverage"].as_array().unwrap().iter();
        columns.filter(|one| one["column"] == column).map(|one| one["lost"].to_string()).collect()
    };
    assert!(lost("email").contains("not learned"), "{}", lost("email"));
    assert!(lost("kind").contains("3 rows have rare values"), "{}", lost("kind"));
    assert_eq!(lost("city"), "[]");

    let model = folder.path().join("shop.dbsynth");
    dbsynth_in(folder.path(), &["train", source.text(), "-o", model.to_str().unwrap()]).exits(0);
    let after = dbsynth(&["inspect", model.to_str().unwrap(), "--coverage", "--json"]).exits(0).json();
    assert_eq!(made(&after), before);
    let text = dbsynth(&["inspect", model.to_str().unwrap(), "--coverage"]).exits(0).stdout;
    assert!(text.contains("17 columns: "), "{text}");
}
