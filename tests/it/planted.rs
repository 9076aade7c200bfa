//! Secrets planted where a model might learn them: every text type, free text, documents, arrays, labels that one client
//! alone repeats, numbers. None of them gets out: not into a model file, the target, or anything a run says.

use serde_json::Value;

use crate::{
    fixtures::{Script, noise},
    support::{Engine, Scratch, contents, dbsynth, engines},
};

const CLIENTS: i64 = 120;
const VISITS: i64 = 600;
/// Visits of the one client who has secrets of its own, over and over.
const REPEATED: i64 = 40;
const LOUD_CLIENT: i64 = 9;
/// Texts that are planted once, and numbers.
const SECRETS: i64 = 50;
const ONE_NUMBER: i64 = 7_351_926_408;
const LOUD_NUMBER: i64 = 8_264_193_057;

/// The `n`-th secret: letters that no word of the rows has.
fn secret(n: i64) -> String {
    let letters: Vec<char> = "bcdfghjklmnpqrst".chars().collect();
    let mixed = (n * 2_654_435_761_i64).rem_euclid(1 << 32);
    let word: String = (0..6).map(|place| letters[(mixed >> (4 * place) & 15) as usize]).collect();
    format!("zx{word}{}q", letters[n as usize % 16])
}

fn found_in(text: &str) -> Vec<String> {
    let text = text.to_lowercase();
    let texts = (1..=SECRETS).map(secret);
    let numbers = [ONE_NUMBER, LOUD_NUMBER].map(|number| number.to_string());
    texts.chain(numbers).filter(|secret| text.contains(secret)).collect()
}

/// Hands out secrets one by one.
struct Purse(i64);

impl Purse {
    fn next(&mut self) -> String {
        self.0 += 1;
        assert!(self.0 <= SECRETS);
        secret(self.0)
    }
}

fn vault(engine: Engine, name: &str) -> Scratch {
    let types: &[&str] = match engine {
        Engine::Postgres => &["VARCHAR(80)", "TEXT", "CHAR(80)"],
        Engine::MySql => &["VARCHAR(80)", "CHAR(80)", "TINYTEXT", "TEXT", "MEDIUMTEXT", "LONGTEXT"],
        Engine::Sqlite => &["VARCHAR(80)", "TEXT", "CLOB"],
    };
    let json = match engine {
        Engine::Postgres => "JSONB",
        Engine::MySql => "JSON",
        Engine::Sqlite => "TEXT",
    };
    let mut purse = Purse(0);
    let (rare, loud): (Vec<String>, Vec<String>) = types.iter().map(|_| (purse.next(), purse.next())).unzip();
    let sentences: Vec<String> = types.iter().map(|_| purse.next()).collect();
    let [key, loud_key, label, inner, element, listed] = std::array::from_fn(|_| purse.next());
    let notes: Vec<String> = (purse.0 + 1..=SECRETS).map(secret).collect();

    let columns = |what: &str| -> String {
        types.iter().enumerate().map(|(at, kind)| format!(", {what}_{at} {kind}")).collect()
    };
    let mut script = Script::new(engine);
    let array = if engine == Engine::Postgres { "TEXT[]" } else { "TEXT" };
    script.add(&format!(
        "CREATE TABLE client (id INTEGER PRIMARY KEY, score BIGINT NOT NULL, note TEXT, doc {json}, tags {array}{}{})",
        columns("label"),
        columns("free")
    ));
    let word =
        |id: i64, place: i64| ["table", "window", "garden", "river", "letter"][noise(id, place, 5) as usize];
    script.rows("client", CLIENTS, |id| {
        let score = if id == 17 { ONE_NUMBER } else { 1_000_000 + noise(id, 1, 5_000_000) * 2000 };
        let note = match notes.get((id - 30).max(-1) as usize).filter(|_| id >= 30) {
            Some(secret) => format!("The client asked for the {secret} near the {}.", word(id, 2)),
            None => format!("The client asked for the {} near the {}.", word(id, 3), word(id, 2)),
        };
        let mut doc = format!("{{\"kind\": \"{}\", \"n\": {}", word(id, 4), noise(id, 5, 90));
        match id {
            21 => doc.push_str(&format!(", \"{key}\": 1")),
            22 => doc.push_str(&format!(", \"state\": \"{label}\"")),
            23 => doc
                .push_str(&format!(", \"about\": {{\"text\": \"We met {inner} at the {}.\"}}", word(id, 6))),
            24 => doc.push_str(&format!(", \"list\": [\"a\", \"{element}\"]")),
            25 => doc.push_str(&format!(", \"big\": {ONE_NUMBER}")),
            _ => doc.push_str(", \"state\": \"fine\", \"list\": [\"a\", \"b\"]"),
        }
        doc.push('}');
        let tag = if id == 26 { listed.as_str() } else { word(id, 7) };
        let tags =
            if engine == Engine::Postgres { format!("{{{tag},plain}}") } else { format!("{tag},plain") };
        let mut values = format!("{id}, {score}, '{note}', '{doc}', '{tags}'");
        for (at, rare) in rare.iter().enumerate() {
            let label = if id == 40 + at as i64 { rare.as_str() } else { word(id, 8 + at as i64 % 3) };
            values.push_str(&format!(", '{label}'"));
        }
        for (at, secret) in sentences.iter().enumerate() {
            let name = if id == 60 + at as i64 { secret.as_str() } else { word(id, 9) };
            values.push_str(&format!(", '{} {name} no {id}'", word(id, 10)));
        }
        values
    });
    script.add(&format!(
        "CREATE TABLE visit (id INTEGER PRIMARY KEY, client_id INTEGER NOT NULL, amount BIGINT NOT NULL, doc {json}{}, \
         FOREIGN KEY (client_id) REFERENCES client (id))",
        columns("label")
    ));
    script.rows("visit", VISITS, |id| {
        let is_loud = id > VISITS - REPEATED;
        let client = if is_loud { LOUD_CLIENT } else { 1 + noise(id, 11, CLIENTS) };
        let amount = if is_loud { LOUD_NUMBER } else { 1000 + noise(id, 12, 9_000_000) };
        let doc = if is_loud {
            format!("{{\"{loud_key}\": 3, \"kind\": \"usual\"}}")
        } else {
            "{\"kind\": \"usual\"}".to_owned()
        };
        let mut values = format!("{id}, {client}, {amount}, '{doc}'");
        for (at, loud) in loud.iter().enumerate() {
            let label = if is_loud {
                loud.as_str()
            } else {
                ["open", "closed"][noise(id, 13 + at as i64, 2) as usize]
            };
            values.push_str(&format!(", '{label}'"));
        }
        values
    });
    script.database(name)
}

/// Every literal that `model inspect` lists has enough entities behind it, or is not one of the data.
fn everything_listed_is_shared(contents: &Value) {
    let k = contents["k"].as_u64().unwrap();
    let mut literals = 0;
    for table in contents["tables"].as_array().unwrap() {
        for column in table["columns"].as_array().unwrap() {
            for kept in column["kept"].as_array().unwrap() {
                literals += 1;
                let shared = kept["entities"].as_u64().unwrap() >= k || !column["exempt"].is_null();
                assert!(shared, "{} of {}: {kept}", column["column"], table["table"]);
            }
        }
    }
    assert!(literals > 10, "{literals}");
}

fn no_planted_secret_gets_out(engine: Engine) {
    if !engines().contains(&engine) {
        return;
    }
    let name = |end: &str| format!("planted_{engine:?}_{end}").to_lowercase();
    let source = vault(engine, &name("source"));
    let target = Scratch::new(engine, &name("target"));
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("vault.dbsynth");
    let real = format!("{:?}", contents(&source.url()));
    assert_eq!(found_in(&real).len() as i64, SECRETS + 2, "the secrets are there to be found");

    let path = model.to_str().unwrap();
    let trained = dbsynth(&["train", source.text(), "-o", path, "--json", "--log", "trace"]).exits(0);
    let generated = dbsynth(&["generate", path, target.text(), "--json", "--log", "trace"]).exits(0);
    let inspected = dbsynth(&["model", "inspect", path, "--json"]).exits(0);
    let shown = dbsynth(&["model", "inspect", path]).exits(0);
    let covered = dbsynth(&["inspect", source.text(), "--coverage", "--rules", "--json"]).exits(0);

    let none: Vec<String> = Vec::new();
    let bytes = String::from_utf8_lossy(&std::fs::read(&model).unwrap()).into_owned();
    assert_eq!(found_in(&bytes), none, "in the model file");
    assert_eq!(found_in(&format!("{:?}", contents(&target.url()))), none, "in the target");
    everything_listed_is_shared(&inspected.json());
    assert!(shown.stdout.contains("entities of client"), "{}", shown.stdout);
    for (what, run) in [
        ("train", trained),
        ("generate", generated),
        ("model inspect", inspected),
        ("model inspect, text", shown),
        ("inspect", covered),
    ] {
        assert_eq!(found_in(&(run.stdout + &run.stderr)), none, "in what {what} says");
    }
}

#[test]
fn no_planted_secret_gets_out_of_sqlite() {
    no_planted_secret_gets_out(Engine::Sqlite);
}

#[test]
fn no_planted_secret_gets_out_of_postgres() {
    no_planted_secret_gets_out(Engine::Postgres);
}

#[test]
fn no_planted_secret_gets_out_of_mysql() {
    no_planted_secret_gets_out(Engine::MySql);
}
