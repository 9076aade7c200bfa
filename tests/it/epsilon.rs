//! Differential privacy: what a promise costs, what it keeps out, and that what is written still holds together.

use serde_json::Value;

use crate::support::{Engine, Scratch, contents, dbsynth, engines};

/// Patients, their visits and the diagnoses of these, which are public.
const CLINIC: &str = "
    CREATE TABLE diagnosis (code INT PRIMARY KEY, name VARCHAR(40) NOT NULL);
    CREATE TABLE patient (id INT PRIMARY KEY, name VARCHAR(40) NOT NULL, ward VARCHAR(20), age INT NOT NULL,
        weight DECIMAL(6,1), CHECK (age >= 0));
    CREATE TABLE visit (id INT PRIMARY KEY, patient_id INT NOT NULL, code INT NOT NULL, day DATE NOT NULL,
        fee DECIMAL(8,2) NOT NULL, note VARCHAR(80),
        FOREIGN KEY (patient_id) REFERENCES patient (id), FOREIGN KEY (code) REFERENCES diagnosis (code));
";
const PATIENTS: u32 = 400;
const CANARY: &str = "Quetzalcoatlus";

fn clinic(engine: Engine, name: &str) -> Scratch {
    let source = Scratch::new(engine, name);
    let mut sql = CLINIC.to_owned();
    for code in 0..4 {
        sql.push_str(&format!("INSERT INTO diagnosis VALUES ({code}, 'diagnosis {code}');\n"));
    }
    let mut visits = 0;
    for id in 1..=PATIENTS {
        let old = id % 2 == 0;
        let (ward, age) = if old { ("geriatry", 60 + id % 30) } else { ("surgery", 20 + id % 30) };
        let (ward, weight) = if id == 7 { (CANARY, 99_999) } else { (ward, 50 + id % 40) };
        sql.push_str(&format!(
            "INSERT INTO patient VALUES ({id}, 'Person {id} {CANARY}', '{ward}', {age}, {weight}.5);\n"
        ));
        for visit in 0..if old { 3 } else { 1 } {
            visits += 1;
            let code = if old { visit % 2 } else { 2 + visit % 2 };
            let fee = if id == 7 { 777_777 } else { 20 + (id * 7) % 80 };
            let day = 1 + (id + visit) % 28;
            sql.push_str(&format!(
                "INSERT INTO visit VALUES ({visits}, {id}, {code}, '2024-03-{day:02}', {fee}.25, '{CANARY} {visits}');\n"
            ));
        }
    }
    source.run(&sql);
    source
}

const SETTINGS: &str = "
[privacy]
entities = [\"patient\"]
epsilon = 3.0
delta = 0.00001

[tables.diagnosis]
mode = \"copy\"
";

/// A clone keeps every constraint, says what it promised, and shows nothing that one patient alone has.
fn a_private_clone_holds_together(engine: Engine) {
    if !engines().contains(&engine) {
        return;
    }
    let name = |end: &str| format!("epsilon_{engine:?}_{end}").to_lowercase();
    let source = clinic(engine, &name("source"));
    let target = Scratch::new(engine, &name("target"));
    let folder = tempfile::tempdir().unwrap();
    let settings = folder.path().join("synth.toml");
    std::fs::write(&settings, SETTINGS).unwrap();
    let settings = settings.to_str().unwrap();
    assert!(format!("{:?}", contents(&source.url())).contains(CANARY), "the canary is there to be found");

    let arguments =
        ["clone", source.text(), target.text(), "--config", settings, "--noise-seed", "3", "--json"];
    let run = dbsynth(&arguments).exits(0);

    let summary = run.json();
    let ledger = &summary["privacy"];
    let achieved = ledger["achieved"]["epsilon"].as_f64().unwrap();
    assert!(achieved > 1.5 && achieved <= 3.0, "{ledger}");
    assert_eq!(ledger["copied"], serde_json::json!(["diagnosis"]));
    assert_eq!(ledger["groups"][0]["root"], "patient");
    let rows = contents(&target.url());
    assert_eq!(rows["diagnosis"].len(), 4);
    let (patients, visits) = (rows["patient"].len(), rows["visit"].len());
    assert!((300..500).contains(&patients) && (500..1_200).contains(&visits), "{patients} {visits}");
    // The canary's name stands in a text that is written anew; its ward, weight and fee are one patient's alone.
    let text = format!("{rows:?}");
    assert!(!text.contains(CANARY) && !text.contains("99999") && !text.contains("777777"));
    dbsynth(&["verify", target.text()]).exits(0);
}

#[test]
fn a_private_clone_of_sqlite_holds_together() {
    a_private_clone_holds_together(Engine::Sqlite);
}

#[test]
fn a_private_clone_of_postgres_holds_together() {
    a_private_clone_holds_together(Engine::Postgres);
}

#[test]
fn a_private_clone_of_mysql_holds_together() {
    a_private_clone_holds_together(Engine::MySql);
}

fn trained(source: &Scratch, settings: &str, model: &str, more: &[&str]) -> Value {
    let mut arguments = vec!["train", source.text(), "-o", model, "--config", settings, "--json"];
    arguments.extend(more);
    dbsynth(&arguments).exits(0).json()
}

#[test]
fn a_private_model_holds_its_promise_and_neither_canaries_nor_audit_nor_noise() {
    let source = clinic(Engine::Sqlite, "epsilon_model");
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("synth.toml"), SETTINGS).unwrap();
    let (settings, one, two, other) =
        (path("synth.toml"), path("1.dbsynth"), path("2.dbsynth"), path("3.dbsynth"));
    let fixed = ["--noise-seed", "923456789012345"];

    let run = trained(&source, &settings, &one, &fixed);
    trained(&source, &settings, &two, &fixed);
    trained(&source, &settings, &other, &[]);

    let bytes = |path: &str| std::fs::read(path).unwrap();
    let without_times = |path: &str| -> Value {
        let text = String::from_utf8_lossy(&bytes(path)).into_owned();
        assert!(!text.contains(CANARY) && !text.contains("923456789012345"), "{path}");
        let mut inspected = dbsynth(&["inspect", path, "--json"]).exits(0).json();
        assert!(inspected.get("audit").is_none(), "what an audit says of real rows stays out of the file");
        for table in inspected["training"].as_array_mut().unwrap() {
            *table = Value::Null;
        }
        inspected
    };
    assert!(run["audit"].is_object(), "the owner sees the audit: {run}");
    let first = without_times(&one);
    assert_eq!(first["privacy"], run["privacy"]);
    assert_eq!(first, without_times(&two), "the same noise, the same model");
    assert_ne!(first, without_times(&other), "noise of its own");
    for command in [vec!["inspect", &one], vec!["model", "inspect", &one]] {
        let text = dbsynth(&command).exits(0).stdout;
        assert!(text.contains("differential privacy: epsilon"), "{command:?}: {text}");
    }
}

#[test]
fn a_promise_that_makes_no_sense_is_refused() {
    for arguments in [["--epsilon", "0"], ["--epsilon", "-1"], ["--delta", "1"], ["--delta", "0"]] {
        let run = dbsynth(&[&["train", "sqlite:x.db"], arguments.as_slice()].concat()).exits(2);
        assert!(run.stderr.contains(arguments[0]), "{}", run.stderr);
    }
    let source = clinic(Engine::Sqlite, "epsilon_refused");
    let target = Scratch::new(Engine::Sqlite, "epsilon_refused_target");
    let run = dbsynth(&["clone", source.text(), target.text(), "--epsilon", "0.00000001"]).exits(2);
    assert!(
        run.stderr.contains("cannot be kept") && run.stderr.contains("raise --epsilon"),
        "{}",
        run.stderr
    );
}
