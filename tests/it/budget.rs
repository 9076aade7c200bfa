//! Training that stops when its time is up, and says so.

use std::time::Instant;

use crate::support::dbsynth;

#[test]
fn a_time_budget_ends_training_and_the_model_says_how_far_it_got() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("chinook.dbsynth");
    let model = model.to_str().unwrap();
    let source = format!("sqlite:{}/fixtures/chinook.sqlite", env!("CARGO_MANIFEST_DIR"));
    let started = Instant::now();

    let run = dbsynth(&["train", &source, "-o", model, "--time-budget", "2s"]).exits(0);

    // Two seconds of training; the rest is reading, encoding and finding rules in an unoptimised build.
    assert!(started.elapsed().as_secs() < 120, "{}", run.stderr);
    let inspected = dbsynth(&["inspect", model, "--json"]).exits(0).json();
    let training: Vec<_> =
        inspected["training"].as_array().unwrap().iter().filter(|t| !t.is_null()).collect();
    let ended = |t: &&&serde_json::Value| t["out_of_time"] == true;
    let stopped: Vec<_> = training.iter().filter(ended).collect();
    assert!(!stopped.is_empty(), "{training:?}");
    for table in &stopped {
        assert!(table["steps"].as_u64().unwrap() < table["max_steps"].as_u64().unwrap());
        assert!(table["seconds"].as_f64().unwrap() < 30.0, "{table}");
    }
    let text = dbsynth(&["inspect", model]).exits(0).stdout;
    assert!(text.contains("ended by the time budget") && text.contains("nats per row"), "{text}");
}

#[test]
fn a_span_of_time_that_is_none_is_refused() {
    let run = dbsynth(&["train", "sqlite:x.db", "--time-budget", "5"]).exits(2);

    assert!(run.stderr.contains("90s, 5m or 1h30m"), "{}", run.stderr);
}
