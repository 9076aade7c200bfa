//! What is not about one table: links, telltales, privacy, constraints, findings, settings.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::{
    chart,
    label::name,
    lamp, light_class,
    tables::{anchor, key},
};
use crate::{
    evaluate::{Accuracy, Telltale},
    finding::{Finding, Severity},
    report::{
        content::Report,
        number::{count, plural},
        privacy::PrivacyCheck,
        promise::promise,
        text::constraint,
        verdict::Light,
    },
    verify::ConstraintKind,
};

/// Findings of one kind that are open from the start.
const OPEN_FINDINGS: usize = 6;
/// Charts of children per parent that are shown without a click: those that differ most.
const OPEN_FAN_OUTS: usize = 12;

/// Children per parent, and pairs of columns along foreign keys.
pub(super) fn between(report: &Report<'_>) -> Markup {
    let Some(card) = report.scorecard else { return html! {} };
    let score = |child: &str, columns: &str, parent: &str| {
        card.fan_outs
            .iter()
            .find(|f| f.child == child && f.columns == columns && f.parent == parent)
            .map(|f| f.score)
    };
    let mut figures: Vec<_> = report
        .figures
        .iter()
        .flat_map(|figures| &figures.fan_outs)
        .map(|figure| (score(&figure.child, &figure.columns, &figure.parent), figure))
        .collect();
    figures.sort_by(|a, b| a.0.unwrap_or(1.0).total_cmp(&b.0.unwrap_or(1.0)));
    let one = |(score, figure): &(Option<f64>, &crate::evaluate::figures::FanOutFigure)| {
        let title = format!("{} per {}", name(&figure.child), name(&figure.parent));
        html! {
            figure.card {
                figcaption {
                    bdi.code { (name(&figure.child)) }
                    span.type { "per " bdi { (name(&figure.parent)) } ", by " bdi { (name(&figure.columns)) } }
                    @if let Some(score) = score {
                        @let level = if *score >= 0.9 { "good" } else if *score >= 0.8 { "look" } else { "bad" };
                        span class={ "chip " (level) } { (format!("{score:.2}")) }
                    }
                }
                (chart::fan_out(figure, &title))
                p.note { "on average " (format!("{:.2}", figure.means[0])) " real, " (format!("{:.2}", figure.means[1])) " synthetic" }
            }
        }
    };
    html! {
        section #between {
            h2 { "Between tables" }
            @if figures.is_empty() && card.hops.is_empty() {
                p.hint { "There are no foreign keys between tables with enough rows." }
            }
            @if !figures.is_empty() {
                h3 { "Children per parent" }
                p.hint { "How many rows of a child table belong to one row of its parent: from left to right 0, 1, 2 … children, the height is the share of the parents. Those that differ most come first." }
                (key())
                div.columns { @for figure in figures.iter().take(OPEN_FAN_OUTS) { (one(figure)) } }
                @if figures.len() > OPEN_FAN_OUTS {
                    details.more {
                        summary { (figures.len() - OPEN_FAN_OUTS) " more, which differ less" }
                        div.columns { @for figure in figures.iter().skip(OPEN_FAN_OUTS) { (one(figure)) } }
                    }
                }
            }
            @if !card.hops.is_empty() {
                h3 { "Columns along foreign keys" }
                p.hint { "How alike columns at both ends of a path of foreign keys go together: 1.00 is the same." }
                div.scroll {
                    table {
                        thead { tr { th scope="col" { "Foreign keys on the path" } th.n scope="col" { "Score" } th.n scope="col" { "Pairs of columns" } } }
                        tbody { @for hop in &card.hops { tr { td { (hop.length) } td.n { (format!("{:.2}", hop.score)) } td.n { (count(hop.pairs as u64)) } } } }
                    }
                }
            }
        }
    }
}

/// What a classifier tells rows by, where it clearly can.
pub(super) fn telltales(report: &Report<'_>) -> Markup {
    let Some(card) = report.scorecard else { return html! {} };
    let clear = |score: &Accuracy| score.accuracy > 0.5 + 2.0 * score.standard_error;
    let tables =
        card.tables.iter().filter_map(|table| Some((table.table.clone(), table.c2st?, &table.telltales)));
    let entities = card
        .entities
        .iter()
        .map(|entity| (format!("{} with its children", entity.table), entity.c2st, &entity.telltales));
    let mut told: Vec<(String, Accuracy, &Vec<Telltale>)> =
        tables.chain(entities).filter(|(_, score, _)| clear(score)).collect();
    told.sort_by(|a, b| b.1.accuracy.total_cmp(&a.1.accuracy).then_with(|| a.0.cmp(&b.0)));
    html! {
        section #telltales {
            h2 { "What a classifier still sees" }
            p.hint { "A classifier was trained to tell synthetic rows from real ones. Where it clearly succeeds, these columns gave them away; the bar is a column's share of what it learnt." }
            @if told.is_empty() { p { "It cannot clearly tell any table apart." } }
            div.scroll {
                table.wide {
                    @if !told.is_empty() {
                        thead { tr { th scope="col" { "Rows of" } th.n scope="col" { "Told apart" } th scope="col" { "By" } } }
                    }
                    tbody {
                        @for (table, score, telltales) in &told {
                            tr {
                                th scope="row" { bdi { (name(table)) } }
                                td.n { (format!("{:.2}", score.accuracy)) }
                                td {
                                    ul.tells {
                                        @for tell in telltales.iter().take(3) {
                                            li {
                                                span.track { i style={ "width:" (super::label::place(100.0 * tell.share)) "%" } {} }
                                                span { (format!("{:.0} %", 100.0 * tell.share)) " " bdi.code { (name(&tell.feature)) } }
                                            }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Every privacy measure with its limit: failures first.
pub(super) fn privacy(report: &Report<'_>) -> Markup {
    let mut checks: Vec<&PrivacyCheck> = report.privacy.iter().collect();
    checks.sort_by_key(|check| match check.passed {
        Some(false) => 0,
        None => 1,
        Some(true) => 2,
    });
    let (first, rest): (Vec<&PrivacyCheck>, Vec<&PrivacyCheck>) = checks.into_iter().partition(|c| c.first);
    let promised = report.promise.map(promise).unwrap_or_default();
    let promised: Vec<&str> = promised.lines().collect();
    let unmeasured = report.audit.map_or(&[][..], |audit| &audit.unmeasured);
    html! {
        section #privacy {
            h2 { "Privacy" }
            @if let Some(audit) = report.audit {
                @if !audit.entities.is_empty() {
                    p.hint {
                        "Some real entities were held out: nothing was learnt from them. If the synthetic rows are no closer to what was learnt than to those, nothing leaked. "
                        @for entities in &audit.entities {
                            bdi.code { (name(&entities.table)) } ": " (count(entities.training as u64)) " learnt from, "
                            (count(entities.holdout as u64)) " held out, " (count(entities.synthetic as u64)) " synthetic. "
                        }
                        "A measure fails if it is surely above its limit, chance taken into account."
                    }
                }
            }
            @if let Some((first, rest)) = promised.split_first() {
                p { (name(first)) "." }
                details.more {
                    summary { "What was spent on what, and what is not covered" }
                    ul.rules { @for line in rest { li { (name(line.trim())) } } }
                }
            }
            @if first.is_empty() {
                p { "No privacy measure was taken in this run." }
            } @else {
                (privacy_table(&first))
            }
            @if !rest.is_empty() {
                details.more {
                    summary { (plural(rest.len() as u64, "further measure")) ", all farther from their limits" }
                    (privacy_table(&rest))
                }
            }
            @if !unmeasured.is_empty() {
                details.more {
                    summary { (plural(unmeasured.len() as u64, "table")) " not audited" }
                    ul.rules { @for table in unmeasured { li { bdi.code { (name(&table.table)) } ": " (name(&table.reason)) } } }
                }
            }
            @if let Some(figures) = report.figures {
                p.hint {
                    "This report itself names and counts nothing that fewer than " (figures.least_units)
                    " real entities share (an entity is a customer, a patient … with all rows that belong to it); of personal columns and free text only lengths are shown."
                }
            }
        }
    }
}

fn privacy_table(checks: &[&PrivacyCheck]) -> Markup {
    let light = |passed: Option<bool>| match passed {
        Some(true) => Light::Good,
        Some(false) => Light::Bad,
        None => Light::Unknown,
    };
    let word = |passed: Option<bool>| match passed {
        Some(true) => "inside",
        Some(false) => "over the limit",
        None => "no limit known",
    };
    html! {
        div.scroll tabindex="0" role="group" aria-label="Privacy measures" {
            table.wide {
                thead {
                    tr { th scope="col" { "Measure" } th scope="col" { "Where" } th.n scope="col" { "Measured" } th.n scope="col" { "Limit" } th scope="col" { "Result" } }
                }
                tbody {
                    @for check in checks {
                        tr class=(light_class(light(check.passed))) {
                            td { (check.measure) }
                            td { bdi.code { (name(&check.place)) } }
                            td.n { (check.value) }
                            td.n { (check.limit) }
                            td.result { (lamp(light(check.passed))) (word(check.passed)) }
                        }
                    }
                }
            }
        }
    }
}

/// Constraints by kind, and every one that does not hold.
pub(super) fn integrity(report: &Report<'_>) -> Markup {
    let Some(proof) = report.proof else { return html! {} };
    let mut kinds: BTreeMap<ConstraintKind, [u64; 3]> = BTreeMap::new();
    for line in &proof.lines {
        let [checked, violated, unchecked] = kinds.entry(line.kind).or_default();
        match line.violations {
            Some(violations) => {
                *checked += 1;
                *violated += u64::from(violations > 0);
            }
            None => *unchecked += 1,
        }
    }
    let odd: Vec<_> = proof.lines.iter().filter(|line| line.violations != Some(0)).collect();
    html! {
        section #integrity {
            h2 { "Integrity" }
            p.hint { "Every constraint of the schema was checked in the synthetic database itself." }
            div.scroll {
                table {
                    thead { tr { th scope="col" { "Constraint" } th.n scope="col" { "Checked" } th.n scope="col" { "Violated" } th.n scope="col" { "Not checked" } } }
                    tbody {
                        @for (kind, numbers) in &kinds {
                            tr { td { (constraint(*kind)) } @for number in numbers { td.n { (count(*number)) } } }
                        }
                    }
                }
            }
            @if !odd.is_empty() {
                ul.rules {
                    @for line in odd {
                        li {
                            bdi.code { (name(&line.table)) } ": " (constraint(line.kind)) " " bdi.code { (name(&line.name)) } ": "
                            (line.violations.map_or_else(|| "could not be checked".to_owned(), |rows| format!("{} in violation", plural(rows, "row"))))
                        }
                    }
                }
            }
            @if let Some(schema) = report.schema {
                @if !schema.differences.is_empty() {
                    h3 { "Differences of the schema" }
                    ul.rules { @for difference in &schema.differences { li { (name(&difference.to_string())) } } }
                }
            }
        }
    }
}

/// Findings by kind, warnings first.
pub(super) fn findings(report: &Report<'_>) -> Markup {
    let mut kinds: BTreeMap<(std::cmp::Reverse<Severity>, &str), Vec<&Finding>> = BTreeMap::new();
    for finding in report.findings {
        kinds.entry((std::cmp::Reverse(finding.severity), &finding.code)).or_default().push(finding);
    }
    html! {
        section #findings {
            h2 { "Findings" }
            @if kinds.is_empty() { p { "None." } } @else {
                p.hint { "What dbsynth noticed, what it did instead, and how to change that." }
            }
            @for ((severity, code), findings) in &kinds {
                @let warning = severity.0 == Severity::Warning;
                details.finding open[findings.len() <= OPEN_FINDINGS] {
                    summary {
                        span class={ "tag " (if warning { "look" } else { "" }) } { (if warning { "warning" } else { "note" }) }
                        " " span.code { (name(code)) } " " span.rows { (plural(findings.len() as u64, "time")) }
                    }
                    ul {
                        @for finding in findings {
                            li {
                                @if let Some(table) = &finding.table {
                                    a href={ "#" (anchor(table)) } { bdi.code { (name(table)) @if let Some(column) = &finding.column { "." (name(column)) } } } ": "
                                }
                                (name(&finding.what)) "."
                                @if let Some(instead) = &finding.instead { " " span.instead { "Instead: " (name(instead)) "." } }
                                @if let Some(remedy) = &finding.remedy { " " span.remedy { "To change it: " (name(remedy)) "." } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Settings and versions.
pub(super) fn settings(report: &Report<'_>) -> Markup {
    html! {
        section #settings {
            h2 { "Settings and versions" }
            dl.settings {
                @for setting in &report.run.settings {
                    div { dt { (setting.name) } dd { (name(&setting.value)) } }
                }
            }
        }
    }
}
