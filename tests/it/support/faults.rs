//! What is wrong with a clone.

use serde_json::Value;

use super::{Scratch, contents, dbsynth, schema};

/// Clones `source` into `target` and lists all that is not as it should be: an aborted run, violated or
/// unproven constraints, row counts that changed, a schema that differs, and warnings whose code is not
/// among those `allowed`.
pub(crate) fn faults(
    source: &Scratch,
    target: &Scratch,
    arguments: &[&str],
    allowed: &[&str],
) -> Vec<String> {
    let run = dbsynth(&[&["clone", source.text(), target.text(), "--json"], arguments].concat());
    if run.code != Some(0) {
        // Before the error stands what the run was doing.
        let lines: Vec<&str> = run.stderr.lines().collect();
        let error = lines[lines.len().saturating_sub(6)..].join(" / ");
        return vec![format!("exit code {:?}: {error}", run.code)];
    }
    let result = run.json();
    let mut faults = Vec::new();
    let warnings: Vec<&Value> = list(&result["findings"])
        .filter(|finding| finding["severity"] == "warning")
        .filter(|finding| !allowed.iter().any(|code| finding["code"] == *code))
        .collect();
    faults.extend(warnings.iter().map(|finding| format!("warning: {finding}")));
    let allows = |code: &str| allowed.contains(&code);
    for line in list(&result["proof"]["lines"]) {
        if line["violations"] != 0 && !(line["violations"].is_null() && allows("constraint-unproven")) {
            faults.push(format!("proof: {line}"));
        }
    }
    for table in list(&result["load"]["tables"]) {
        if table["synthetic_rows"] != table["real_rows"] && !allows("rows-left-out") {
            faults.push(format!("rows: {table}"));
        }
    }
    for (table, rows) in contents(&source.url()) {
        let written = list(&result["load"]["tables"]).find(|line| line["table"] == table.as_str());
        if written.is_none_or(|line| line["real_rows"] != rows.len()) {
            faults.push(format!("{table}: {} rows at home, {written:?} reported", rows.len()));
        }
    }
    let (real, synthetic) = (schema(&source.url()), schema(&target.url()));
    for (real, synthetic) in real.tables.iter().zip(&synthetic.tables) {
        if real != synthetic {
            faults.push(format!("schema of {}:\n  {real:?}\n  {synthetic:?}", real.name));
        }
    }
    if real.tables.len() != synthetic.tables.len() {
        faults.push(format!("{} tables became {}", real.tables.len(), synthetic.tables.len()));
    }
    faults
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
