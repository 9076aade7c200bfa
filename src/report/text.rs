//! Results as plain text, at most 100 columns wide and the same for the same input.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    number::{count, percent, plural, score, seconds},
    table::Grid,
};
use crate::{
    config::TableMode,
    evaluate::{Accuracy, Scorecard},
    finding::{Finding, Severity},
    load::LoadSummary,
    model::{ColumnCoverage, Made},
    plan::{LinkRole, Plan, TablePlan},
    schema::{ForeignKey, Schema, Table},
    snapshot::Proposal,
    verify::{ConstraintKind, Proof, SchemaComparison},
};

/// Renders what would happen, table by table in the order of work.
///
/// `real_rows` and `target_rows` are indexed by `TableId`; a missing entry is shown as `–`.
#[must_use]
pub fn plan(schema: &Schema, plan: &Plan, real_rows: &[u64], target_rows: &[u64]) -> String {
    let mut grid =
        Grid::new(&["#step", "table", "mode", "#real rows", "#new rows", "generated under", "other links"]);
    let rows =
        |rows: &[u64], index: usize| rows.get(index).map_or_else(|| "–".to_owned(), |rows| count(*rows));
    for (step, stratum) in plan.strata.iter().enumerate() {
        for id in stratum {
            let (table, planned) = (schema.table(*id), plan.table(*id));
            let context = planned.context.and_then(|key| table.foreign_keys.get(key.0));
            grid.row(vec![
                (step + 1).to_string(),
                table.name.to_string(),
                mode(planned.mode).to_owned(),
                rows(real_rows, id.0),
                rows(target_rows, id.0),
                context.map_or_else(|| "–".to_owned(), |key| parent(schema, table, key)),
                links(schema, table, planned),
            ]);
        }
    }
    let mut text = grid.render();
    let reasons: Vec<String> = plan
        .order()
        .map(|id| (schema.table(id), plan.table(id)))
        .filter(|(_, planned)| planned.mode != TableMode::Synthesize && !planned.reason.is_empty())
        .map(|(table, planned)| format!("{}: {}, {}\n", table.name, mode(planned.mode), planned.reason))
        .collect();
    if !reasons.is_empty() {
        text.push('\n');
        text.extend(reasons);
    }
    text
}

fn parent(schema: &Schema, child: &Table, key: &ForeignKey) -> String {
    let columns: Vec<&str> = key.columns.iter().map(|id| child.column(*id).name.as_str()).collect();
    format!("{} ({})", schema.table(key.parent).name, columns.join(", "))
}

fn links(schema: &Schema, table: &Table, planned: &TablePlan) -> String {
    let others: Vec<String> = table
        .foreign_keys
        .iter()
        .zip(&planned.links)
        .filter_map(|(key, role)| {
            let note = match role {
                LinkRole::Context => return None,
                LinkRole::Link => "",
                LinkRole::SelfReference => " itself",
                LinkRole::Conditional => "",
                LinkRole::Deferred => " later",
                LinkRole::Dangling => " left out",
            };
            let when = key.when().map_or_else(String::new, |when| format!(" when {}", when.describe(table)));
            Some(format!("{}{note}{when}", parent(schema, table, key)))
        })
        .collect();
    if others.is_empty() { "–".to_owned() } else { others.join("; ") }
}

fn mode(mode: TableMode) -> &'static str {
    match mode {
        TableMode::Synthesize => "synthesize",
        TableMode::Copy => "copy",
        TableMode::Structure => "structure",
        TableMode::Skip => "skip",
    }
}

/// Renders what was written, table by table, and the totals.
#[must_use]
pub fn summary(summary: &LoadSummary, findings: &[Finding]) -> String {
    let mut grid = Grid::new(&[
        "table",
        "mode",
        "#real rows",
        "#new rows",
        "#learn s",
        "#generate s",
        "#load s",
        "#findings",
    ]);
    let found =
        |table: &str| findings.iter().filter(|finding| finding.table.as_deref() == Some(table)).count();
    for table in &summary.tables {
        grid.row(vec![
            table.table.clone(),
            mode(table.mode).to_owned(),
            count(table.real_rows),
            count(table.synthetic_rows),
            seconds(table.train_seconds),
            seconds(table.sample_seconds),
            seconds(table.load_seconds),
            count(found(&table.table) as u64),
        ]);
    }
    let real: u64 = summary.tables.iter().map(|table| table.real_rows).sum();
    let written: u64 = summary.tables.iter().map(|table| table.synthetic_rows).sum();
    format!(
        "{}\n{}: {} written (source: {}) in {} s, {}\n",
        grid.render(),
        plural(summary.tables.len() as u64, "table"),
        plural(written, "row"),
        plural(real, "row"),
        seconds(summary.seconds),
        plural(findings.len() as u64, "finding"),
    )
}

/// Renders the proof: how many constraints of each kind were checked, and every one that does not hold.
#[must_use]
pub fn proof(proof: &Proof) -> String {
    let mut kinds: BTreeMap<ConstraintKind, [u64; 4]> = BTreeMap::new();
    for line in &proof.lines {
        let [checked, broken, rows, unchecked] = kinds.entry(line.kind).or_default();
        match line.violations {
            Some(violations) => {
                *checked += 1;
                *broken += u64::from(violations > 0);
                *rows += violations;
            }
            None => *unchecked += 1,
        }
    }
    let mut grid = Grid::new(&["constraint", "#checked", "#violated", "#rows in violation", "#not checked"]);
    for (kind, numbers) in &kinds {
        grid.row(std::iter::once(constraint(*kind).to_owned()).chain(numbers.map(count)).collect());
    }
    let mut text = grid.render();
    text.push('\n');
    let total = |index: usize| kinds.values().map(|numbers| numbers[index]).sum::<u64>();
    let (checked, broken, unchecked) = (total(0), total(1), total(3));
    if broken == 0 {
        text.push_str(&format!("all {} checked hold: 0 rows in violation\n", plural(checked, "constraint")));
    } else {
        text.push_str(&format!("{} of {} violated:\n", count(broken), plural(checked, "constraint")));
        for line in &proof.lines {
            if let Some(violations) = line.violations.filter(|violations| *violations > 0) {
                let rows = plural(violations, "row");
                text.push_str(&format!(
                    "  {}: {} {}: {rows}\n",
                    line.table,
                    constraint(line.kind),
                    line.name
                ));
            }
        }
    }
    if unchecked > 0 {
        text.push_str(&format!("{} could not be checked:\n", plural(unchecked, "constraint")));
        for line in proof.lines.iter().filter(|line| line.violations.is_none()) {
            text.push_str(&format!("  {}: {} {}\n", line.table, constraint(line.kind), line.name));
        }
    }
    text
}

/// Renders how every column is made and what is lost.
#[must_use]
pub fn coverage(columns: &[ColumnCoverage]) -> String {
    let mut grid = Grid::new(&["table", "column", "type", "made", "how", "lost"]);
    let mut counts: BTreeMap<Made, u64> = BTreeMap::new();
    let mut last = "";
    for column in columns {
        let ColumnCoverage { table, column: name, native_type, made, how, score, personal, lost, .. } =
            column;
        let shown = if table == last { String::new() } else { table.clone() };
        last = table;
        *counts.entry(*made).or_default() += 1;
        grid.row(vec![
            shown,
            name.clone(),
            native_type.clone(),
            made.word().to_owned(),
            shown_how(how.as_deref(), *personal, *score),
            if lost.is_empty() { "–".to_owned() } else { lost.join("; ") },
        ]);
    }
    let counted: Vec<String> =
        counts.iter().map(|(made, number)| format!("{} {}", count(*number), made.word())).collect();
    format!("{}\n{}: {}\n", grid.render(), plural(columns.len() as u64, "column"), counted.join(", "))
}

/// How a column is made; of a personal one also how sure its meaning is.
fn shown_how(how: Option<&str>, personal: bool, score: Option<f32>) -> String {
    let score = score.filter(|_| personal).map_or_else(String::new, |score| format!(" ({score:.2})"));
    format!("{}{score}", how.unwrap_or("–"))
}

/// Renders a proposed foreign key with its evidence, in one line.
#[must_use]
pub fn proposal(proposal: &Proposal) -> String {
    let Proposal { from, to, when, values, orphans, sampled, evidence, .. } = proposal;
    let when = when.as_ref().map_or_else(String::new, |when| format!(" when {when}"));
    let found = if *values == 0 {
        "no values to look up".to_owned()
    } else {
        let share = (values - orphans) as f64 / *values as f64;
        // Rounding must not turn an orphan into none.
        let share = if *orphans > 0 { share.min(0.9999) } else { share };
        let digits = if share > 0.999 && *orphans > 0 { 2 } else { 1 };
        let part = if *sampled { "the first " } else { "" };
        let lost = if *orphans == 0 { String::new() } else { format!(" ({})", plural(*orphans, "orphan")) };
        format!("{:.digits$} % of {part}{} found{lost}", 100.0 * share, plural(*values, "value"))
    };
    format!("{from} → {to}{when}: {found}; {evidence}")
}

/// Renders what became of a schema: one line if all is there, else every difference.
#[must_use]
pub fn schema(comparison: &SchemaComparison) -> String {
    let SchemaComparison { objects, recreated, differences } = comparison;
    let all = plural(*objects as u64, "object");
    if differences.is_empty() {
        return format!("schema: all {all} recreated\n");
    }
    let mut text = format!("schema: {} of {all} recreated\n", count(*recreated as u64));
    for difference in differences {
        text.push_str(&format!("  {difference}\n"));
    }
    text
}

pub(super) fn constraint(kind: ConstraintKind) -> &'static str {
    match kind {
        ConstraintKind::PrimaryKey => "primary key",
        ConstraintKind::ForeignKey => "foreign key",
        ConstraintKind::Unique => "unique key",
        ConstraintKind::NotNull => "not null",
        ConstraintKind::Check => "check",
        ConstraintKind::Exclusion => "exclusion",
    }
}

/// Renders the scores, with what they mean.
#[must_use]
pub fn scorecard(card: &Scorecard) -> String {
    let mut text = String::new();
    let accuracy = |value: Option<Accuracy>| {
        value.map_or_else(
            || "–".to_owned(),
            |value| format!("{:.3} ± {:.3}", value.accuracy, value.standard_error),
        )
    };
    if !card.tables.is_empty() {
        let mut grid = Grid::new(&[
            "table",
            "#real rows",
            "#new rows",
            "#shapes",
            "#pairs",
            "#told apart",
            "#exact copies",
        ]);
        for table in &card.tables {
            grid.row(vec![
                table.table.clone(),
                count(table.real_rows as u64),
                count(table.synthetic_rows as u64),
                score(table.shapes),
                score(table.pairs),
                accuracy(table.c2st),
                percent(table.exact_share),
            ]);
        }
        text.push_str(&format!("Rows\n{}\n", grid.render()));
    }
    if !card.entities.is_empty() {
        let mut grid =
            Grid::new(&["parent with children", "#told apart", "#holdout told apart", "#closer to training"]);
        for entity in &card.entities {
            grid.row(vec![
                entity.table.clone(),
                accuracy(Some(entity.c2st)),
                accuracy(entity.c2st_real),
                percent(entity.nearest_is_training),
            ]);
        }
        text.push_str(&format!("Entities\n{}\n", grid.render()));
    }
    text.push_str(&telltales(card));
    if !card.fan_outs.is_empty() {
        let mut grid = Grid::new(&["children per parent", "#score"]);
        for fan_out in &card.fan_outs {
            let key = format!("{} ({}) per {}", fan_out.child, fan_out.columns, fan_out.parent);
            grid.row(vec![key, score(Some(fan_out.score))]);
        }
        text.push_str(&format!("Structure\n{}\n", grid.render()));
    }
    let hops: Vec<String> =
        card.hops.iter().map(|hop| format!("{} hop {:.3}", hop.length, hop.score)).collect();
    text.push_str(&format!(
        "mean: shapes {}, children per parent {}, told apart {} (rows) {} (entities){}{}\n",
        score(card.mean_shape()),
        score(card.mean_fan_out()),
        score(card.mean_c2st()),
        score(card.mean_entity_c2st()),
        if hops.is_empty() { "" } else { ", " },
        hops.join(", "),
    ));
    text.push_str("shapes, pairs, hops: 1 is alike; told apart: 0.5 is a coin toss, 1 is always\n");
    if let Some(audit) = &card.audit {
        text.push_str(&format!("\n{}", super::audit(audit)));
    }
    text
}

/// What the classifier tells rows by, where it clearly can tell them.
fn telltales(card: &Scorecard) -> String {
    let clear = |score: &Accuracy| score.accuracy > 0.5 + 2.0 * score.standard_error;
    let tables = card.tables.iter().filter(|table| table.c2st.as_ref().is_some_and(clear));
    let entities = card.entities.iter().filter(|entity| clear(&entity.c2st));
    let rows = tables
        .map(|table| (table.table.clone(), &table.telltales))
        .chain(entities.map(|entity| (format!("{} with children", entity.table), &entity.telltales)));
    let mut grid = Grid::new(&["told apart", "by", "#share of gain"]);
    let mut any = false;
    for (name, telltales) in rows {
        for (index, telltale) in telltales.iter().enumerate() {
            let name = if index == 0 { name.clone() } else { String::new() };
            grid.row(vec![name, telltale.feature.clone(), percent(Some(telltale.share))]);
            any = true;
        }
    }
    if any { format!("Telltales\n{}\n", grid.render()) } else { String::new() }
}

/// Notes of one code up to which each has a line.
const ALIKE_SHOWN: usize = 8;
/// Places named of those that have none.
const PLACES_SHOWN: usize = 5;

/// Findings like the one before, in a line: how many, and some places.
fn and_more(findings: &[&Finding]) -> String {
    let places: BTreeSet<String> = findings
        .iter()
        .filter_map(|finding| {
            let table = finding.table.as_ref()?;
            Some(finding.column.as_ref().map_or_else(|| table.clone(), |column| format!("{table}.{column}")))
        })
        .collect();
    let mut named: Vec<&str> = places.iter().take(PLACES_SHOWN).map(String::as_str).collect();
    if places.len() > PLACES_SHOWN {
        named.push("…");
    }
    let at = if named.is_empty() { String::new() } else { format!(": {}", named.join(", ")) };
    format!("and {} more like it{at} (--log-format json lists them all)", findings.len())
}

/// Renders findings, warnings first, each in its words. Many notes of one code become one line, with their number.
#[must_use]
pub fn findings(findings: &[Finding]) -> String {
    let mut text = String::new();
    for severity in [Severity::Warning, Severity::Note] {
        let chosen: BTreeSet<&Finding> =
            findings.iter().filter(|finding| finding.severity == severity).collect();
        if chosen.is_empty() {
            continue;
        }
        let title = if severity == Severity::Warning { "warning" } else { "note" };
        text.push_str(&format!("{}:\n", plural(chosen.len() as u64, title)));
        let mut alike: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
        for finding in &chosen {
            alike.entry(&finding.code).or_default().push(finding);
        }
        let mut told: BTreeSet<&str> = BTreeSet::new();
        for finding in &chosen {
            let group = &alike[finding.code.as_str()];
            if severity == Severity::Warning || group.len() <= ALIKE_SHOWN {
                text.push_str(&format!("  {finding}\n"));
            } else if told.insert(&finding.code) {
                text.push_str(&format!("  {finding}\n    {}\n", and_more(&group[1..])));
            }
        }
    }
    text
}
