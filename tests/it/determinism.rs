//! The same seed gives the same rows, whatever the number of threads and whether a model file lies between.

use crate::{
    fixtures,
    support::{Engine, Scratch, contents, dbsynth, engines},
};

fn same_seed_same_rows(engine: Engine) {
    if !engines().contains(&engine) {
        return;
    }
    let name = |end: &str| format!("seed_{engine:?}_{end}").to_lowercase();
    let source = fixtures::household(engine, &name("source"));
    let target = |end: &str| Scratch::new(engine, &name(end));
    let (one, two, other, later) = (target("one"), target("two"), target("other"), target("later"));
    let clone = |target: &Scratch, seed: &str, threads: &str| {
        dbsynth(&["clone", source.text(), target.text(), "--seed", seed, "--threads", threads]).exits(0);
        contents(&target.url())
    };

    let reference = clone(&one, "7", "1");
    assert!(reference.values().all(|rows| !rows.is_empty()), "{reference:?}");
    assert_eq!(clone(&two, "7", "2"), reference, "the number of threads changes the rows");
    let other = clone(&other, "8", "2");
    for table in reference.keys() {
        assert_ne!(other[table], reference[table], "the seed does not change {table}");
    }

    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("household.dbsynth");
    let model = model.to_str().unwrap();
    dbsynth(&["train", source.text(), "-o", model, "--seed", "7"]).exits(0);
    dbsynth(&["generate", model, later.text(), "--seed", "7"]).exits(0);
    assert_eq!(contents(&later.url()), reference, "the model file changes the rows");
}

#[test]
fn the_seed_decides_every_row_on_sqlite() {
    same_seed_same_rows(Engine::Sqlite);
}

#[test]
fn the_seed_decides_every_row_on_postgres() {
    same_seed_same_rows(Engine::Postgres);
}

#[test]
fn the_seed_decides_every_row_on_mysql() {
    same_seed_same_rows(Engine::MySql);
}
