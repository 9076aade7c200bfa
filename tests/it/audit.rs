//! What a run says of the traces that real rows left, and what it exits with. The audit knows no engine: SQLite will do.

use crate::{
    fixtures::{Script, noise},
    support::{Engine, Scratch, contents, dbsynth, dbsynth_in},
};

const CUSTOMERS: i64 = 400;

/// Customers numbered from `first` on, whose attributes follow from their numbers.
fn shop(name: &str, first: i64) -> Scratch {
    let mut script = Script::new(Engine::Sqlite);
    script.add("CREATE TABLE customer (id INTEGER PRIMARY KEY, region TEXT NOT NULL, age INTEGER NOT NULL, income REAL)");
    script.rows("customer", CUSTOMERS, |row| {
        let id = first + row;
        let (region, age) = (noise(id, 1, 6), 20 + noise(id, 2, 60));
        format!("{id}, 'r{region}', {age}, {}", 1_000 * (region + 1) + 37 * age + noise(id, 3, 900))
    });
    script.add(
        "CREATE TABLE visit (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customer (id), \
         kind TEXT NOT NULL, amount REAL NOT NULL)",
    );
    script.rows("visit", 3 * CUSTOMERS, |row| {
        let id = first + row;
        let kind = noise(id, 4, 5);
        format!("{id}, {}, 'k{kind}', {}", first + 1 + noise(id, 5, CUSTOMERS), 10 * kind + noise(id, 6, 300))
    });
    script.database(name)
}

/// A folder with a `synth.toml` of these limits.
fn limits(closer: f64, all: f64) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let names = [
        "exact_rows",
        "near_rows",
        "near_entities",
        "rare_combinations",
        "child_sequences",
        "membership_auc",
        "membership_true_positives",
        "attribute_inference",
    ];
    let lines: Vec<String> = names.iter().map(|name| format!("{name} = {all:?}")).collect();
    let text = format!("[audit]\ncloser_to_training = {closer:?}\n{}\n", lines.join("\n"));
    std::fs::write(folder.path().join("synth.toml"), text).unwrap();
    folder
}

#[test]
fn a_clone_is_audited_and_a_breach_names_its_table_and_is_exit_code_6() {
    let source = shop("audit_clone_source", 0);
    let target = Scratch::new(Engine::Sqlite, "audit_clone_target");
    let clone = ["clone", source.text(), target.text(), "--json"];

    let passed = dbsynth_in(limits(1.0, 1.0).path(), &clone).exits(0).json();
    let kinds: std::collections::BTreeSet<&str> = passed["audit"]["measures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|measure| measure["kind"].as_str().unwrap())
        .collect();
    for kind in
        ["closer-to-training", "membership-auc", "attribute-inference", "rare-combinations", "exact-rows"]
    {
        assert!(kinds.contains(kind), "{kind} is not among {kinds:?}");
    }
    let entities = &passed["audit"]["entities"][0];
    assert_eq!((entities["table"].as_str(), entities["holdout"].as_i64()), (Some("customer"), Some(30)));
    assert_eq!(entities["training"].as_i64(), Some(370));
    assert_eq!(target.number("SELECT count(*) FROM customer"), CUSTOMERS);

    // A limit that chance alone is above.
    let strict = limits(0.0, 1.0);
    let breached = dbsynth_in(strict.path(), &clone).exits(6);
    let findings = breached.json()["findings"].as_array().unwrap().clone();
    let breach = findings.iter().find(|finding| finding["code"] == "privacy-breach").unwrap();
    assert_eq!((breach["table"].as_str(), breach["severity"].as_str()), (Some("customer"), Some("warning")));

    let unaudited = dbsynth_in(strict.path(), &[&clone[..], &["--audit", "off"]].concat()).exits(0).json();
    assert!(unaudited.get("audit").is_none());
}

#[test]
fn a_breach_keeps_yesterdays_copy_where_it_is_to_be_withheld() {
    let source = shop("audit_withheld_source", 0);
    let target = Scratch::new(Engine::Sqlite, "audit_withheld_target");
    let strict = limits(0.0, 1.0);
    let file = strict.path().join("synth.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("[audit]", "[audit]\nwithhold = true")).unwrap();
    let files = strict.path().join("files");
    let clone = |seed: &str, more: &[&str]| {
        let clone = ["clone", source.text(), target.text(), "--yes", "--json", "--seed", seed];
        dbsynth_in(strict.path(), &[&clone[..], more].concat())
    };
    clone("1", &["--audit", "off"]).exits(0);
    let yesterday = contents(&target.url());

    let breached = clone("2", &[]).exits(6).json();
    let path = files.to_str().unwrap();
    dbsynth_in(strict.path(), &["clone", source.text(), path, "--format", "csv", "--yes"]).exits(6);

    let findings = breached["findings"].as_array().unwrap();
    for code in ["privacy-breach", "not-committed"] {
        assert!(findings.iter().any(|finding| finding["code"] == code), "{code}: {findings:?}");
    }
    assert_eq!(contents(&target.url()), yesterday);
    assert!(!files.exists(), "nothing was there before");
}

#[test]
fn a_model_file_says_what_its_audit_said() {
    let source = shop("audit_model_source", 0);
    let target = Scratch::new(Engine::Sqlite, "audit_model_target");
    let strict = limits(0.0, 1.0);
    let model = strict.path().join("shop.dbsynth");
    let model = model.to_str().unwrap();

    let trained = dbsynth_in(strict.path(), &["train", source.text(), "-o", model, "--json"]).exits(6).json();
    // Another folder, without limits: what was found when it was made counts.
    let generated = dbsynth(&["generate", model, target.text(), "--json"]).exits(6).json();
    let inspected = dbsynth(&["inspect", model, "--json"]).exits(0).json();

    assert_eq!(trained["audit"], generated["audit"]);
    assert_eq!(trained["audit"], inspected["audit"]);
}

#[test]
fn a_copy_of_the_real_rows_is_a_breach_against_a_holdout() {
    let (real, other) = (shop("audit_evaluate_real", 0), shop("audit_evaluate_holdout", 10_000));

    let copied =
        dbsynth(&["evaluate", real.text(), real.text(), "--holdout", other.text(), "--json"]).exits(6).json();
    let measures = copied["audit"]["measures"].as_array().unwrap();
    let breached = |kind: &str| measures.iter().any(|m| m["kind"] == kind && m["breach"] == true);
    for kind in ["exact-rows", "closer-to-training", "membership-auc", "membership-true-positives"] {
        assert!(breached(kind), "{kind}");
    }
    let unscored = dbsynth(&["evaluate", real.text(), real.text(), "--json"]).exits(0).json();
    assert!(unscored.get("audit").is_none());
}
