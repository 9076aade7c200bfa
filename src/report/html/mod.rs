//! A report as one HTML file that needs nothing else: no script, no font, no picture from elsewhere.
//!
//! Every text goes through maud, which escapes it. The page forbids itself to load anything, by its own
//! Content-Security-Policy: a text that got through as markup could still fetch nothing.

mod chart;
mod diagram;
mod heatmap;
mod label;
mod sections;
mod tables;
#[cfg(test)]
mod tests;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use self::label::name;
use super::{
    content::Report,
    number::{count, plural},
    verdict::{Answer, Light},
};

/// The style sheet, put into the page as it is.
const STYLE: &str = include_str!("style.css");
/// Nothing may be loaded, and nothing may run.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/// Renders a report as one HTML page; the same report gives the same bytes.
#[must_use]
pub fn page(report: &Report<'_>) -> String {
    let title = title(report);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content="dbsynth";
                title { (title) }
                link rel="icon" href="data:,";
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#verdict" { "Skip to the verdict" }
                main {
                    (header(report, &title))
                    (verdict(report))
                    (contents(report))
                    (order(report))
                    (tables::overview(report))
                    (tables::details(report))
                    (sections::between(report))
                    (sections::telltales(report))
                    (sections::privacy(report))
                    (sections::integrity(report))
                    (sections::findings(report))
                    (sections::settings(report))
                }
                footer {
                    p { "Written by dbsynth. How to read each figure: docs/reading-the-report.md." }
                }
            }
        }
    };
    page.into_string()
}

fn title(report: &Report<'_>) -> String {
    match &report.run.source {
        Some(source) => format!("Synthetic copy of {}", name(last_part(source))),
        None => format!("Synthetic database {}", name(last_part(&report.run.target))),
    }
}

/// The part of a database's address that people call it by.
fn last_part(address: &str) -> &str {
    let bare = address.split(['?', '#']).next().unwrap_or(address);
    let last = bare.rsplit(['/', ':']).find(|part| !part.is_empty()).unwrap_or(bare);
    last.split_once('.').map_or(last, |(stem, _)| if stem.is_empty() { last } else { stem })
}

fn header(report: &Report<'_>, title: &str) -> Markup {
    let run = &report.run;
    html! {
        header.top {
            p.brand { "dbsynth report" }
            h1 { (title) }
            p.facts {
                @if let Some(source) = &run.source { span { "Real: " code { (name(source)) } } }
                span { "Synthetic: " code { (name(&run.target)) } }
                @if let Some(written) = &run.written { span { "Written " (name(written)) } }
            }
            (numbers(report))
        }
    }
}

/// Tables and rows, in large.
fn numbers(report: &Report<'_>) -> Markup {
    let (tables, real, synthetic) = match (report.load, report.scorecard) {
        (Some(load), _) => (
            load.tables.len() as u64,
            load.tables.iter().map(|table| table.real_rows).sum(),
            load.tables.iter().map(|table| table.synthetic_rows).sum(),
        ),
        (None, Some(card)) => (
            card.tables.len() as u64,
            card.tables.iter().map(|table| table.real_rows as u64).sum(),
            card.tables.iter().map(|table| table.synthetic_rows as u64).sum(),
        ),
        (None, None) => return html! {},
    };
    let number = |value: u64, what: &str| {
        html! { div { dd { (count(value)) } dt { (what) } } }
    };
    html! {
        dl.numbers {
            (number(tables, if tables == 1 { "table" } else { "tables" }))
            (number(real, "real rows"))
            (number(synthetic, "synthetic rows"))
            (number(report.findings.len() as u64, if report.findings.len() == 1 { "finding" } else { "findings" }))
        }
    }
}

fn verdict(report: &Report<'_>) -> Markup {
    let verdict = &report.verdict;
    html! {
        section #verdict aria-label="Verdict" {
            div.answers {
                (answer("Integrity", "Does it hold together?", &verdict.integrity))
                (answer("Fidelity", "Is it like the real one?", &verdict.fidelity))
                (answer("Privacy", "Does it keep real rows to itself?", &verdict.privacy))
            }
        }
    }
}

fn answer(what: &str, question: &str, answer: &Answer) -> Markup {
    html! {
        article class={ "answer " (light_class(answer.light)) } {
            div.lamp { (lamp(answer.light)) span { (light_word(answer.light)) } }
            h2 { (what) }
            p.question { (question) }
            p.headline { (answer.headline) }
            @for sentence in &answer.sentences { p { (name(sentence)) } }
        }
    }
}

pub(super) fn light_class(light: Light) -> &'static str {
    match light {
        Light::Good => "good",
        Light::Look => "look",
        Light::Bad => "bad",
        Light::Unknown => "unknown",
    }
}

fn light_word(light: Light) -> &'static str {
    match light {
        Light::Good => "Good",
        Light::Look => "Look closer",
        Light::Bad => "Not good",
        Light::Unknown => "Not measured",
    }
}

/// A shape of its own for each light: circle with a tick, triangle, octagon with a cross, ring.
pub(super) fn lamp(light: Light) -> Markup {
    let (shape, sign) = match light {
        Light::Good => ("M12 2a10 10 0 1 0 0 20a10 10 0 1 0 0-20z", "M7.5 12.5l3 3l6-6.5"),
        Light::Look => ("M12 2.5L22.5 21h-21z", "M12 9v6M12 17.5v1"),
        Light::Bad => ("M8 2h8l6 6v8l-6 6H8l-6-6V8z", "M8.5 8.5l7 7M15.5 8.5l-7 7"),
        Light::Unknown => ("M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18z", "M8 12h8"),
    };
    html! {
        svg.lampshape viewBox="0 0 24 24" width="22" height="22" aria-hidden="true" {
            path.shape d=(shape) {}
            path.sign d=(sign) {}
        }
    }
}

fn contents(report: &Report<'_>) -> Markup {
    let warnings = report
        .findings
        .iter()
        .filter(|finding| finding.severity == crate::finding::Severity::Warning)
        .count() as u64;
    html! {
        nav aria-label="Contents" {
            ul {
                @if report.order.is_some() { li { a href="#order" { "Schema" } } }
                @if report.scorecard.is_some() || report.load.is_some() { li { a href="#tables" { "Tables" } } }
                @if report.figures.is_some() { li { a href="#columns" { "Columns" } } }
                @if report.scorecard.is_some() {
                    li { a href="#between" { "Between tables" } }
                    li { a href="#telltales" { "What still differs" } }
                }
                li { a href="#privacy" { "Privacy" } }
                @if report.proof.is_some() { li { a href="#integrity" { "Integrity" } } }
                li {
                    a href="#findings" {
                        "Findings"
                        @if warnings > 0 { " (" (plural(warnings, "warning")) ")" }
                    }
                }
                li { a href="#settings" { "Settings" } }
            }
        }
    }
}

fn order(report: &Report<'_>) -> Markup {
    let Some(order) = &report.order else { return html! {} };
    html! {
        section #order {
            h2 { "Schema and order of generation" }
            p.hint {
                "Tables are generated from left to right, each under the rows of its parents. A line leads from a parent to its child."
            }
            (diagram::draw(order, report))
        }
    }
}
