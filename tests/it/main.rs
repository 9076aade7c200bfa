//! One binary that drives dbsynth from outside, on every engine there is: see `support` for the servers.

mod audit;
mod blocks;
mod budget;
mod canaries;
mod clocks;
mod clone;
mod coherence;
mod cohorts;
mod commands;
mod comparison;
mod completion;
mod conditions;
mod coverage;
mod determinism;
mod domains;
mod epsilon;
mod exact;
mod failures;
mod files;
mod fixtures;
mod joint;
mod leaks;
mod nightly;
mod outages;
mod parents;
mod places;
mod planted;
mod random_schemas;
mod references;
mod refusals;
mod relations;
mod report;
mod resume;
mod schemas;
mod shapes;
mod shards;
mod succession;
mod support;
mod types_oracle;
mod uncomputable;

#[test]
fn no_test_file_is_forgotten() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "main.rs")
        .map(|name| name.trim_end_matches(".rs").to_owned())
        .collect();
    files.sort();

    let declared: Vec<String> = include_str!("main.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'))
        .map(str::to_owned)
        .collect();

    assert_eq!(files, declared);
}
