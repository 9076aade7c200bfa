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

#[test]
fn fewer_rows_are_learned_from_where_memory_does_not_hold_more() {
    let source = format!("sqlite:{}/fixtures/chinook.sqlite", env!("CARGO_MANIFEST_DIR"));
    let plan = |more: &[&str]| dbsynth(&[&["plan", &source, "--json"], more].concat());
    let whole = plan(&[]).exits(0).json()["learning_bytes"].as_u64().unwrap();
    let base = 200 << 20;
    let between = format!("{}K", (base + (whole - base) / 2) >> 10);

    let lowered = plan(&["--memory", &between]).exits(0);
    let less = lowered.json()["learning_bytes"].as_u64().unwrap();
    assert!(base < less && less < whole, "{less} of {whole}");
    assert!(lowered.stderr.contains("training-rows-lowered"), "{}", lowered.stderr);
    assert!(plan(&["--scale", "50"]).exits(0).json()["generating_bytes"].as_u64().unwrap() > whole);
    let refused = plan(&["--memory", "40M"]).exits(2);
    assert!(refused.stderr.contains("the run may use 40 MB"), "{}", refused.stderr);
    assert!(plan(&["--memory", "lots"]).exits(2).stderr.contains("write it as 512M or 2G"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_run_that_holds_more_memory_than_it_may_ends_and_leaves_the_target() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let source = format!("sqlite:{}/fixtures/chinook.sqlite", env!("CARGO_MANIFEST_DIR"));
    let (model, target) = (path("chinook.dbsynth"), format!("sqlite:{}", path("copy.sqlite")));
    dbsynth(&["train", &source, "-o", &model, "--time-budget", "3s", "--audit", "off"]).exits(0);
    dbsynth(&["generate", &model, &target]).exits(0);
    let before = std::fs::read(path("copy.sqlite")).unwrap();

    let stopped = dbsynth(&["generate", &model, &target, "--scale", "30", "--memory", "12M"]).exits(2);

    assert!(stopped.stderr.contains("more than the 12 MB of memory that it may use"), "{}", stopped.stderr);
    assert_eq!(std::fs::read(path("copy.sqlite")).unwrap(), before);
}
