//! A clone of every hard shape proves itself, keeps the row counts and has the source's schema.

use crate::{
    fixtures,
    support::{Engine, Scratch, contents, dbsynth, engines, schema},
};

fn cloned(source: &Scratch, target: &Scratch) {
    let run = dbsynth(&["clone", source.text(), target.text(), "--json"]).exits(0);

    let result = run.json();
    let lines = result["proof"]["lines"].as_array().unwrap();
    assert!(!lines.is_empty());
    for line in lines {
        assert_eq!(line["violations"], 0, "{line}");
    }
    for table in result["load"]["tables"].as_array().unwrap() {
        assert_eq!(table["synthetic_rows"], table["real_rows"], "{table}");
    }
    let (real, synthetic) = (contents(&source.url()), contents(&target.url()));
    let counts = |contents: &crate::support::Contents| -> Vec<(String, usize)> {
        contents.iter().map(|(table, rows)| (table.clone(), rows.len())).collect()
    };
    assert_eq!(counts(&synthetic), counts(&real));
    let (real, synthetic) = (schema(&source.url()), schema(&target.url()));
    for (real, synthetic) in real.tables.iter().zip(&synthetic.tables) {
        assert_eq!(synthetic, real, "{}", real.name);
    }
    assert_eq!(synthetic, real);
}

fn on(engine: Engine, name: &str, make: fn(Engine, &str) -> Scratch) -> Option<(Scratch, Scratch)> {
    if !engines().contains(&engine) {
        return None;
    }
    let source = make(engine, &format!("{name}_{engine:?}_source").to_lowercase());
    let target = Scratch::new(engine, &format!("{name}_{engine:?}_target").to_lowercase());
    cloned(&source, &target);
    Some((source, target))
}

fn references(engine: Engine) {
    let Some((_, target)) = on(engine, "references", fixtures::references) else { return };

    // What no constraint says but every row keeps.
    let apart = target.number(
        "SELECT count(*) FROM sale JOIN aisle ON aisle.id = aisle_id JOIN cashier ON cashier.id = cashier_id \
         WHERE aisle.shop_id <> cashier.shop_id",
    );
    assert_eq!(apart, 0, "sales whose cashier works in another shop");
    let loops = target.number("SELECT count(*) FROM person WHERE boss_id = id");
    assert_eq!(loops, 0, "people who are their own boss");
    assert!(target.number("SELECT count(*) FROM person WHERE boss_id IS NULL") > 0);
    assert!(target.number("SELECT count(*) FROM team WHERE lead_id IS NOT NULL") > 0);
}

#[test]
fn references_survive_on_sqlite() {
    references(Engine::Sqlite);
}

#[test]
fn references_survive_on_postgres() {
    references(Engine::Postgres);
}

#[test]
fn references_survive_on_mysql() {
    references(Engine::MySql);
}

fn oddities(engine: Engine) {
    let Some((source, target)) = on(engine, "oddities", fixtures::oddities) else { return };

    let (source, target) = (contents(&source.url()), contents(&target.url()));
    assert_eq!(source["schema_migrations"], target["schema_migrations"], "migrations are copied");
    assert_ne!(source["voucher"], target["voucher"]);
    assert!(target["nobody_yet"].is_empty());
}

#[test]
fn odd_names_keys_and_tables_survive_on_sqlite() {
    oddities(Engine::Sqlite);
}

#[test]
fn odd_names_keys_and_tables_survive_on_postgres() {
    oddities(Engine::Postgres);
}

#[test]
fn odd_names_keys_and_tables_survive_on_mysql() {
    oddities(Engine::MySql);
}

fn types(engine: Engine) {
    let Some((_, target)) = on(engine, "types", fixtures::types) else { return };

    let filled = target.number("SELECT count(*) FROM everything WHERE double_price = price * 2");
    let priced = target.number("SELECT count(*) FROM everything WHERE price IS NOT NULL");
    assert!(filled == priced && priced > 0, "{filled} of {priced} generated values");
    if engine == Engine::Postgres {
        assert_eq!(target.number("SELECT count(*) FROM everything WHERE masklen(address) < 32"), 0);
    }
    for column in ["day", "moment", "code", "raw", "feeling", "word", "doc"] {
        let empty = target.number(&format!("SELECT count(*) FROM everything WHERE {column} IS NULL"));
        assert!(empty < 50, "{column} lost its values: {empty} of 100 are null");
    }
}

#[test]
fn every_type_survives_on_sqlite() {
    types(Engine::Sqlite);
}

#[test]
fn every_type_survives_on_postgres() {
    types(Engine::Postgres);
}

#[test]
fn every_type_survives_on_mysql() {
    types(Engine::MySql);
}

/// 160 people of four tastes who see films of their own taste nine times of ten, and no film twice.
fn tastes(engine: Engine, name: &str) -> Scratch {
    let source = Scratch::new(engine, name);
    source.run("CREATE TABLE film (id INTEGER PRIMARY KEY, genre VARCHAR(8) NOT NULL)");
    source.run("CREATE TABLE person (id INTEGER PRIMARY KEY, taste VARCHAR(8) NOT NULL)");
    source.run(
        "CREATE TABLE view (id INTEGER PRIMARY KEY, person_id INTEGER NOT NULL REFERENCES person (id), \
         film_id INTEGER NOT NULL REFERENCES film (id), stars INTEGER NOT NULL)",
    );
    let rows = |count: u32, row: &dyn Fn(u32) -> String| (1..=count).map(row).collect::<Vec<_>>().join(", ");
    let genre = |taste: u32| ["comedy", "drama", "horror", "western"][taste as usize % 4];
    let values = rows(200, &|id| format!("({id}, '{}')", genre(id)));
    source.run(&format!("INSERT INTO film VALUES {values}"));
    let values = rows(160, &|id| format!("({id}, '{}')", genre(id)));
    source.run(&format!("INSERT INTO person VALUES {values}"));
    let values = rows(1600, &|id| {
        let person = 1 + (id - 1) / 10;
        let stray = u32::from(id % 10 == 0);
        let film = 4 + (id * 4 + id / 50 * 4 + person % 4 + stray) % 196;
        format!("({id}, {person}, {film}, {})", 1 + id % 5)
    });
    source.run(&format!("INSERT INTO view VALUES {values}"));
    source
}

const OWN_TASTE: &str = "SELECT 100 * sum(CASE WHEN genre = taste THEN 1 ELSE 0 END) / count(*) FROM view \
                         JOIN film ON film.id = film_id JOIN person ON person.id = person_id";

#[test]
fn links_follow_what_both_ends_are_like_and_stubs_alone_do_not() {
    let source = tastes(Engine::Sqlite, "tastes_source");
    let learned = Scratch::new(Engine::Sqlite, "tastes_learned");
    let random = Scratch::new(Engine::Sqlite, "tastes_random");
    dbsynth(&["clone", source.text(), learned.text()]).exits(0);
    dbsynth(&["clone", source.text(), random.text(), "--links", "stubs"]).exits(0);

    assert!(source.number(OWN_TASTE) >= 85, "{}", source.number(OWN_TASTE));
    assert!(learned.number(OWN_TASTE) >= 45, "{}", learned.number(OWN_TASTE));
    assert!(random.number(OWN_TASTE) <= 32, "{}", random.number(OWN_TASTE));
    let twice =
        "SELECT count(*) FROM (SELECT 1 FROM view GROUP BY person_id, film_id HAVING count(*) > 1) AS t";
    assert_eq!(learned.number(twice), source.number(twice));
}
