//! Kinds of families that no column of the parent tells: children are drawn under them, in one piece and in shards.

use crate::support::{Engine, Scratch, contents, dbsynth};

const HOUSEHOLDS: usize = 600;
const KINDS: usize = 5;
const HABITS: [&str; 4] = ["diet", "sport", "music", "pet"];

/// Households of hidden kinds: a person's four habits are those of the household's kind, four times of five.
fn households(name: &str) -> Scratch {
    let scratch = Scratch::new(Engine::Sqlite, name);
    let mut noise = 12_345_u32;
    let mut below = |bound: usize| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (noise >> 8) as usize % bound
    };
    let (mut homes, mut people) = (Vec::new(), Vec::new());
    for id in 1..=HOUSEHOLDS {
        homes.push(format!("({id}, {})", 30 + below(90)));
        let kind = below(KINDS);
        for _ in 0..2 + below(5) {
            let mut habits = String::new();
            for habit in HABITS {
                let own = if below(5) < 4 { kind } else { below(KINDS) };
                habits.push_str(&format!(", '{habit} {own}'"));
            }
            people.push(format!("({id}{habits})"));
        }
    }
    scratch.run(&format!(
        "CREATE TABLE household (id INTEGER PRIMARY KEY, square_metres INTEGER NOT NULL);
         CREATE TABLE person (id INTEGER PRIMARY KEY, household_id INTEGER NOT NULL REFERENCES household,
            diet VARCHAR(20), sport VARCHAR(20), music VARCHAR(20), pet VARCHAR(20));
         INSERT INTO household VALUES {};
         INSERT INTO person (household_id, diet, sport, music, pet) VALUES {};",
        homes.join(", "),
        people.join(", ")
    ));
    scratch
}

/// Of 1,000 pairs of siblings, those in which one's habit is the other's in another field.
fn agreement(scratch: &Scratch, mine: &str, yours: &str) -> i64 {
    scratch.number(&format!(
        "SELECT 1000 * sum(substr(a.{mine}, -1) = substr(b.{yours}, -1)) / count(*)
         FROM person a JOIN person b ON a.household_id = b.household_id AND a.id < b.id"
    ))
}

#[test]
fn siblings_are_of_one_kind_in_one_piece_and_in_shards() {
    let source = households("cohorts_source");
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("households.dbsynth");
    let model = model.to_str().unwrap();
    dbsynth(&["train", source.text(), "-o", model, "--audit", "off"]).exits(0);

    let one = Scratch::new(Engine::Sqlite, "cohorts_one");
    dbsynth(&["generate", model, one.text(), "--scale", "3"]).exits(0);
    for (mine, yours) in [("diet", "diet"), ("diet", "pet"), ("music", "sport")] {
        let (real, drawn) = (agreement(&source, mine, yours), agreement(&one, mine, yours));
        // By chance it would be a fifth; it is about seven tenths.
        assert!((real - drawn).abs() < 100, "{mine} and {yours}: {real} and {drawn} of 1,000");
    }
    assert_eq!(one.number("SELECT count(*) FROM household"), 3 * HOUSEHOLDS as i64);

    let many = Scratch::new(Engine::Sqlite, "cohorts_many");
    for shard in ["0/2", "1/2"] {
        let parts = folder.path().join("parts");
        let parts = parts.to_str().unwrap();
        let words = ["generate", model, many.text(), "--scale", "3", "--shard", shard, "--parts", parts];
        dbsynth(&words).exits(0);
    }
    assert_eq!(contents(&many.url()), contents(&one.url()));
}

#[test]
fn a_condition_on_the_children_leaves_their_households_whole() {
    let source = households("cohorts_where_source");
    let target = Scratch::new(Engine::Sqlite, "cohorts_where");
    let words = ["--where", "person.diet = 'diet 2'", "--audit", "off", "--time-budget", "5s"];
    dbsynth(&[&["clone", source.text(), target.text()], &words[..]].concat()).exits(0);

    assert_eq!(target.number("SELECT count(*) FROM person WHERE diet <> 'diet 2'"), 0);
    assert_eq!(
        target.number("SELECT count(*) FROM person"),
        source.number("SELECT count(*) FROM person"),
        "rows are drawn under the condition"
    );
}
