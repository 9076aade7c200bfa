//! Nothing personal of the source gets out: not into the target, a model file, or what a run says.

use crate::{
    fixtures::{self, PEOPLE, address, email, person, phone},
    support::{Engine, Scratch, contents, dbsynth, engines},
};

/// Everything personal of the source that a text holds.
fn canaries_in(text: &str) -> Vec<String> {
    let text = text.to_lowercase();
    let values = (1..=PEOPLE).flat_map(|id| [email(id), phone(id), address(id)]);
    values.filter(|value| text.contains(&value.to_lowercase())).collect()
}

fn nothing_personal_gets_out(engine: Engine) {
    if !engines().contains(&engine) {
        return;
    }
    let name = |end: &str| format!("canaries_{engine:?}_{end}").to_lowercase();
    let source = fixtures::household(engine, &name("source"));
    let target = Scratch::new(engine, &name("target"));
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("household.dbsynth");
    let real = format!("{:?}", contents(&source.url()));
    assert_eq!(canaries_in(&real).len() as i64, 3 * PEOPLE, "the canaries are there to be found");

    let path = model.to_str().unwrap();
    let trained = dbsynth(&["train", source.text(), "-o", path, "--json", "--log", "trace"]).exits(0);
    let generated = dbsynth(&["generate", path, target.text(), "--json", "--log", "trace"]).exits(0);

    let none: Vec<String> = Vec::new();
    let target = contents(&target.url());
    assert_eq!(target["person"].len() as i64, PEOPLE);
    assert_eq!(canaries_in(&format!("{target:?}")), none, "in the target");
    for row in &target["person"] {
        let pair = (1..=PEOPLE).map(person).find(|(first, last)| row.contains(first) && row.contains(last));
        assert_eq!(pair, None, "a full name in {row}");
    }
    let model = String::from_utf8_lossy(&std::fs::read(&model).unwrap()).into_owned();
    assert_eq!(canaries_in(&model), none, "in the model file");
    for run in [trained, generated] {
        assert_eq!(canaries_in(&(run.stdout + &run.stderr)), none, "in what a run says");
    }
}

#[test]
fn nothing_personal_gets_out_of_sqlite() {
    nothing_personal_gets_out(Engine::Sqlite);
}

#[test]
fn nothing_personal_gets_out_of_postgres() {
    nothing_personal_gets_out(Engine::Postgres);
}

#[test]
fn nothing_personal_gets_out_of_mysql() {
    nothing_personal_gets_out(Engine::MySql);
}
