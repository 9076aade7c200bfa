//! What the terminal shows of a plan and a run.

use std::fmt::Write;

use crate::{
    cli::terminal,
    config::shown_bytes,
    files::{MANIFEST, Made},
    finding::{Finding, Severity},
    pipeline::{Intended, KeptPart, Planned, RunSummary, Surroundings, TableRule, Verified},
    plan::MemoryEstimate,
    plan::explain::{Explanation, explain, grouped},
    report::{self, text},
    snapshot::Proposal,
    state::Unfinished,
    verify::SchemaComparison,
};

/// A plan with names.
pub(super) fn explanation(planned: &Planned) -> Explanation {
    explain(&planned.schema, &planned.plan, &planned.real_rows, &planned.target_rows)
}

/// A plan with names, and the rules that were found, if they were looked for.
#[derive(serde::Serialize)]
pub(super) struct PlanWithRules<'a> {
    #[serde(flatten)]
    pub(super) explanation: &'a Explanation,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(super) rules: &'a [TableRule],
    #[serde(flatten)]
    pub(super) around: &'a Intended,
    #[serde(flatten)]
    pub(super) memory: MemoryEstimate,
}

/// What will be done around a load; empty if nothing.
pub(super) fn intended(around: &Intended) -> String {
    let mut out = String::new();
    for hook in &around.hooks {
        let _ = writeln!(out, "hook {hook}");
    }
    for identity in &around.identities {
        let _ = writeln!(out, "identity {identity}");
    }
    for note in &around.notes {
        let _ = writeln!(out, "note: {note}");
    }
    out
}

/// What was done around a load; empty if nothing.
fn done_around(around: &Surroundings) -> String {
    let mut out = String::new();
    for hook in &around.hooks {
        let _ = writeln!(out, "hook {} {}: {:.1} s", hook.stage.word(), hook.hook, hook.seconds);
    }
    for rows in &around.identities {
        let row = if rows.rows == 1 { "row" } else { "rows" };
        let _ = writeln!(
            out,
            "{} {row} of {} with known values: {}",
            rows.rows,
            rows.table,
            rows.columns.join(", ")
        );
    }
    if let Some(age) = around.snapshot_age_seconds {
        let _ = writeln!(out, "the snapshot of the source was {age:.0} s old when its copy went live");
    }
    out
}

/// What became of a share that was not the last one.
pub(super) fn kept_part(part: &KeptPart, target: &str) -> String {
    let mut out = format!("shard {}/{}: ", part.shard, part.shards);
    let _ = match part.rows {
        Some(rows) => writeln!(out, "{} rows kept in {}", grouped(rows), part.parts),
        None => writeln!(out, "was kept in {} before", part.parts),
    };
    let there = part.shards as usize - part.missing.len();
    let _ = match part.missing.as_slice() {
        [] => writeln!(out, "all shards are ready: another process writes {target}"),
        missing => {
            let numbers: Vec<String> = missing.iter().take(10).map(ToString::to_string).collect();
            let more = if missing.len() > numbers.len() { " …" } else { "" };
            let missing = numbers.join(", ");
            writeln!(
                out,
                "{there} of {} shards are ready; the last one writes {target}; missing: {missing}{more}",
                part.shards
            )
        }
    };
    out
}

/// Shows findings on stderr: one object each for machines, one text for people.
pub(super) fn tell_findings(findings: &[Finding]) {
    if !terminal::is_json() {
        return terminal::say(&text::findings(findings));
    }
    for finding in findings {
        let level = match finding.severity {
            Severity::Note => "info",
            Severity::Warning => "warning",
        };
        let fields = match serde_json::to_value(finding) {
            Ok(serde_json::Value::Object(mut fields)) => {
                fields.shift_remove("severity");
                fields
            }
            _ => serde_json::Map::new(),
        };
        terminal::object(level, &finding.to_string(), fields);
    }
}

/// Found rules, table by table.
pub(super) fn rules(rules: &[TableRule]) -> String {
    let mut out = String::new();
    let mut last = "";
    for rule in rules {
        if rule.table != last {
            let _ = writeln!(out, "rules of {}", rule.table);
            last = &rule.table;
        }
        let _ = writeln!(out, "  {}", rule.rule);
    }
    out
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
    let _ = write!(out, "\n{}", memory(planned.memory));
    out
}

/// About how much memory a run takes, in a line.
pub(super) fn memory(estimate: MemoryEstimate) -> String {
    let MemoryEstimate { learning, generating } = estimate;
    let learning = learning.map(|bytes| format!("{} to learn, ", shown_bytes(bytes))).unwrap_or_default();
    format!("memory: about {learning}{} to generate", shown_bytes(generating))
}

/// What an unfinished run has left, in a line.
pub(super) fn unfinished(unfinished: &Unfinished) -> String {
    let (started, learned) = (&unfinished.started, learned(unfinished));
    if unfinished.taken_up {
        format!("taking up the run of {started}: {learned}")
    } else {
        format!("an unfinished run of {started} has left {learned}: --resume takes it up")
    }
}

/// How far learning got.
pub(super) fn learned(unfinished: &Unfinished) -> String {
    let Unfinished { learned, tables, complete, .. } = unfinished;
    let whole = if *complete { ", and the whole model" } else { "" };
    format!("{learned} of {tables} tables learned{whole}")
}

/// What a run wrote, table by table, the proof of its constraints, and what became of the schema.
pub(super) fn summary(run: &RunSummary) -> String {
    let written = text::summary(&run.load, &run.findings);
    let audited = run.audit.as_ref().map_or_else(String::new, |audit| format!("\n{}", report::audit(audit)));
    let around = done_around(&run.around);
    let promised =
        run.privacy.as_ref().map_or_else(String::new, |ledger| format!("\n{}", report::promise(ledger)));
    if let Some(made) = &run.files {
        return format!("{written}\n{}{around}{audited}{promised}", files(made));
    }
    format!(
        "{written}\n{}{}{around}{audited}{promised}",
        text::proof(&run.proof),
        compared(run.schema.as_ref())
    )
}

/// The files of a folder, and what was not done with them.
fn files(made: &Made) -> String {
    let mut out = format!("{} files in {}:\n", made.files.len() + 1, made.folder);
    for file in &made.files {
        let _ = writeln!(out, "  {} ({} bytes)", file.name, grouped(file.bytes));
    }
    let _ = writeln!(out, "  {MANIFEST} (what is in them)");
    out.push_str(
        "no server has judged these rows: load them, then `dbsynth verify` proves every constraint\n",
    );
    out
}

/// The proof of a database's constraints and how its schema compares.
pub(super) fn verified(verified: &Verified) -> String {
    format!("{}{}", text::proof(&verified.proof), compared(verified.schema.as_ref()))
}

fn compared(schema: Option<&SchemaComparison>) -> String {
    schema.map_or_else(String::new, text::schema)
}

/// Proposed foreign keys as `[[references]]`, each with its evidence.
pub(super) fn references(proposals: &[Proposal]) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let mut out = String::new();
    for (place, proposal) in proposals.iter().enumerate() {
        let gap = if place == 0 { "" } else { "\n" };
        let _ = write!(out, "{gap}# {}\n[[references]]\n", text::proposal(proposal));
        let _ = write!(out, "from = {}\nto = {}\n", quoted(&proposal.from), quoted(&proposal.to));
        if let Some(when) = &proposal.when {
            let _ = writeln!(out, "when = {}", quoted(when));
        }
    }
    let copies: std::collections::BTreeSet<&String> =
        proposals.iter().filter_map(|proposal| proposal.copy.as_ref()).collect();
    for table in copies {
        let _ = write!(out, "\n# Its numbers say which table is meant: they must stay as they are.\n");
        let _ = write!(out, "[tables.{}]\nmode = \"copy\"\n", quoted(table));
    }
    out
}

/// Anything as indented JSON.
pub(super) fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap_or_else(|error| format!("{{\"error\": \"{error}\"}}"))
}
