//! Results as text. Room `report` writes them; this is the one place that asks it.

use std::fmt::Write;

use crate::{
    evaluate::Scorecard,
    finding::{Finding, Severity},
    pipeline::{Planned, RunSummary},
    plan::explain::{Explanation, explain, grouped},
    verify::Proof,
};

/// A plan with names.
pub(super) fn explanation(planned: &Planned) -> Explanation {
    explain(&planned.schema, &planned.plan, &planned.real_rows, &planned.target_rows)
}

/// A plan in one line, then what it removes.
pub(super) fn plan_in_short(planned: &Planned) -> String {
    let explanation = explanation(planned);
    let tables: usize = explanation.strata.iter().map(Vec::len).sum();
    let sum = |rows: &[u64]| grouped(rows.iter().sum());
    let mut out = format!(
        "{tables} tables in {} strata, {} rows in the source, about {} to be written",
        explanation.strata.len(),
        sum(&planned.real_rows),
        sum(&planned.target_rows)
    );
    if !explanation.without_rows.is_empty() {
        let _ = write!(out, ", {} tables without rows", explanation.without_rows.len());
    }
    out
}

/// Findings, warnings first, one a line.
pub(super) fn findings(findings: &[Finding]) -> String {
    let mut sorted: Vec<&Finding> = findings.iter().collect();
    sorted.sort_by_key(|finding| (std::cmp::Reverse(finding.severity), finding.table.clone()));
    let word = |severity| match severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
    };
    sorted.iter().map(|finding| format!("{}: {finding}\n", word(finding.severity))).collect()
}

/// What a run wrote, table by table.
pub(super) fn summary(summary: &RunSummary) -> String {
    let tables = &summary.load.tables;
    let width = tables.iter().map(|table| table.table.chars().count()).max().unwrap_or(0).max(5);
    let mut out = format!("{:width$} {:>13} {:>13} {:>9}\n", "table", "real rows", "new rows", "seconds");
    for table in tables {
        let seconds = table.train_seconds + table.sample_seconds + table.load_seconds;
        let (real, new) = (grouped(table.real_rows), grouped(table.synthetic_rows));
        let _ = writeln!(out, "{:width$} {real:>13} {new:>13} {seconds:>9.1}", table.table);
    }
    let _ = writeln!(out, "{} in {:.1} s", proof_in_short(&summary.proof), summary.load.seconds);
    out
}

/// A proof, one line per constraint.
pub(super) fn proof(proof: &Proof) -> String {
    let mut out = String::new();
    for line in &proof.lines {
        let kind = serde_json::to_value(line.kind).ok();
        let kind = kind.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default().replace('_', " ");
        let result = match line.violations {
            Some(0) => "holds".to_owned(),
            Some(rows) => format!("VIOLATED by {} rows", grouped(rows)),
            None => "not checked".to_owned(),
        };
        let _ = writeln!(out, "{}.{} ({kind}): {result}", line.table, line.name);
    }
    out + &proof_in_short(proof) + "\n"
}

fn proof_in_short(proof: &Proof) -> String {
    let (count, violations) = (proof.lines.len(), proof.violations());
    format!("{count} constraints checked, {} violations", grouped(violations))
}

/// Scores.
pub(super) fn scorecard(scorecard: &Scorecard) -> String {
    json(scorecard)
}

/// Anything as indented JSON.
pub(super) fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap_or_else(|error| format!("{{\"error\": \"{error}\"}}"))
}
