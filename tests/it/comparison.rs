//! The schema of a target beside its source's: after a clone all is there; what is taken away is missed.

use crate::support::{Engine, Scratch, dbsynth, engines};

const SCHEMA: &str = "CREATE TABLE makers (id INTEGER PRIMARY KEY, code VARCHAR(10) NOT NULL, UNIQUE (code));\n\
    CREATE TABLE cars (id INTEGER PRIMARY KEY, maker_id INTEGER NOT NULL, price INTEGER DEFAULT 5, kind VARCHAR(10), \
    CONSTRAINT positive CHECK (price > 0), CONSTRAINT known CHECK (kind IN ('a', 'b')), \
    CONSTRAINT made_by FOREIGN KEY (maker_id) REFERENCES makers (id) ON DELETE CASCADE);\n\
    CREATE INDEX by_price ON cars (price, kind);\n\
    CREATE VIEW dear AS SELECT id, price FROM cars WHERE price > 100 AND kind IN ('a', 'b');\n";

fn what_is_taken_away_is_missed(engine: Engine) {
    if !engines().contains(&engine) {
        return;
    }
    let name = |end: &str| format!("comparison_{engine:?}_{end}").to_lowercase();
    let (source, target) = (Scratch::new(engine, &name("source")), Scratch::new(engine, &name("target")));
    let cars: Vec<String> =
        (0..60).map(|n| format!("({n}, {}, {}, '{}')", n % 9, 50 + n, ["a", "b"][n % 2])).collect();
    let makers: Vec<String> = (0..9).map(|n| format!("({n}, 'm{n}')")).collect();
    source.run(&format!(
        "{SCHEMA}INSERT INTO makers VALUES {};\nINSERT INTO cars VALUES {};\n",
        makers.join(", "),
        cars.join(", ")
    ));

    let run = dbsynth(&["clone", source.text(), target.text()]).exits(0);
    assert!(
        run.stdout.contains("schema: all ") && run.stdout.contains(" objects recreated"),
        "{}",
        run.stdout
    );
    let verify = |code: i32| dbsynth(&["verify", target.text(), "--source", source.text()]).exits(code);
    assert!(verify(0).stdout.contains("schema: all "));

    // Less convenience is a warning.
    target.run("DROP VIEW dear");
    target.run(if engine == Engine::MySql { "DROP INDEX by_price ON cars" } else { "DROP INDEX by_price" });
    target.run("CREATE TABLE stray (id INTEGER PRIMARY KEY)");
    let run = verify(0);
    for line in ["missing: view ", "missing: index by_price of cars", "extra: table stray"] {
        assert!(run.stdout.contains(line), "{line} in {}", run.stdout);
    }
    dbsynth(&["verify", target.text(), "--source", source.text(), "--strict"]).exits(1);

    // A lost promise is a failure.
    if engine == Engine::Sqlite {
        target.run("DROP TABLE cars");
    } else {
        target.run("ALTER TABLE cars DROP CONSTRAINT positive");
        target.run("ALTER TABLE cars DROP CONSTRAINT made_by");
    }
    let json = dbsynth(&["verify", target.text(), "--source", source.text(), "--json"]).exits(1).json();
    let failing: Vec<String> = json["schema"]["differences"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["fails"] == true)
        .map(|one| format!("{} {} {}", one["fault"], one["kind"], one["name"]).replace('"', ""))
        .collect();
    let expected: &[&str] = match engine {
        Engine::Sqlite => &["missing table cars"],
        _ => &["missing check positive", "missing foreign key made_by"],
    };
    assert_eq!(failing, expected);
    assert!(json["schema"]["objects"].as_u64() > json["schema"]["recreated"].as_u64());
    assert_eq!(json["lines"].as_array().map(Vec::is_empty), Some(false), "the proof is there as well");
}

#[test]
fn missing_objects_are_named_on_postgres() {
    what_is_taken_away_is_missed(Engine::Postgres);
}

#[test]
fn missing_objects_are_named_on_mysql() {
    what_is_taken_away_is_missed(Engine::MySql);
}

#[test]
fn missing_objects_are_named_on_sqlite() {
    what_is_taken_away_is_missed(Engine::Sqlite);
}

#[test]
fn the_schema_of_another_engine_is_not_compared() {
    let target = Scratch::new(Engine::Sqlite, "comparison_engines");
    target.run("CREATE TABLE t (id INTEGER PRIMARY KEY)");

    let run = dbsynth(&["verify", target.text(), "--source", "postgres://localhost/none"]).exits(2);
    assert!(run.stderr.contains("engine"), "{}", run.stderr);
}
