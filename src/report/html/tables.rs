//! Table by table: the overview, then every column.

use maud::{Markup, html};

use super::{
    chart, heatmap,
    label::{name, percent},
};
use crate::{
    config::TableMode,
    evaluate::{
        TableScore,
        figures::{ColumnFigure, Discretion, Picture, TableFigures},
    },
    report::{content::Report, number::count},
};

/// Tables whose details are open from the start: those that are least alike.
const OPEN_TABLES: usize = 3;
/// Worst columns named in the overview.
const WORST: usize = 2;
/// A column below this is named as one that differs.
const ALIKE: f64 = 0.97;

/// The fragment a table is found at. Names may hold anything, so it is their bytes.
pub(super) fn anchor(table: &str) -> String {
    let mut anchor = String::from("t-");
    for byte in table.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' => anchor.push(char::from(byte)),
            _ => anchor.push_str(&format!("-{byte:02x}")),
        }
    }
    anchor
}

/// One line of the overview.
struct Line<'a> {
    table: &'a str,
    step: Option<usize>,
    mode: Option<TableMode>,
    real: u64,
    synthetic: u64,
    score: Option<&'a TableScore>,
    figures: Option<&'a TableFigures>,
}

impl Line<'_> {
    fn shape(&self) -> Option<f64> {
        self.figures?.shape
    }
}

fn lines<'a>(report: &'a Report<'a>) -> Vec<Line<'a>> {
    let scored = |table: &str| report.scorecard?.tables.iter().find(|score| score.table == table);
    let drawn = |table: &str| report.figures?.tables.iter().find(|figures| figures.table == table);
    let step = |table: &str| {
        let strata = &report.order.as_ref()?.strata;
        Some(1 + strata.iter().position(|stratum| stratum.iter().any(|line| line.table == table))?)
    };
    let mut lines: Vec<Line<'_>> = match (report.load, report.scorecard) {
        (Some(load), _) => (load.tables.iter())
            .map(|table| Line {
                table: &table.table,
                step: step(&table.table),
                mode: Some(table.mode),
                real: table.real_rows,
                synthetic: table.synthetic_rows,
                score: scored(&table.table),
                figures: drawn(&table.table),
            })
            .collect(),
        (None, Some(card)) => (card.tables.iter())
            .map(|table| Line {
                table: &table.table,
                step: step(&table.table),
                mode: None,
                real: table.real_rows as u64,
                synthetic: table.synthetic_rows as u64,
                score: Some(table),
                figures: drawn(&table.table),
            })
            .collect(),
        (None, None) => Vec::new(),
    };
    lines.sort_by_key(|line| (line.step.unwrap_or(usize::MAX), line.table));
    lines
}

/// All tables with their rows, scores and worst columns.
pub(super) fn overview(report: &Report<'_>) -> Markup {
    let lines = lines(report);
    if lines.is_empty() {
        return html! {};
    }
    let scored = lines.iter().any(|line| line.score.is_some());
    html! {
        section #tables {
            h2 { "Tables" }
            p.hint {
                "In the order of generation. "
                @if scored {
                    "“Columns” and “pairs” say how alike both sides are: 1.00 is the same. “Told apart” is how often a trained classifier recognises a synthetic row: 0.50 is a coin toss, 1.00 is always. Personal columns are written anew on purpose and are left out of all scores."
                }
            }
            div.scroll tabindex="0" role="group" aria-label="All tables" {
                table.wide {
                    thead {
                        tr {
                            th scope="col" { "Table" }
                            th.n scope="col" { "Step" }
                            th.n scope="col" { "Real rows" }
                            th.n scope="col" { "Synthetic rows" }
                            @if scored {
                                th scope="col" { "Columns" }
                                th.n scope="col" { "Pairs" }
                                th.n scope="col" { "Told apart" }
                                th scope="col" { "Least alike" }
                            }
                        }
                    }
                    tbody { @for line in &lines { (overview_line(line, scored)) } }
                }
            }
        }
    }
}

fn overview_line(line: &Line<'_>, scored: bool) -> Markup {
    html! {
        tr {
            th scope="row" {
                a href={ "#" (anchor(line.table)) } { bdi { (name(line.table)) } }
                @match line.mode {
                    Some(TableMode::Copy) => { " " span.tag { "copied" } }
                    Some(TableMode::Structure) => { " " span.tag { "left empty" } }
                    Some(TableMode::Skip) => { " " span.tag { "left out" } }
                    _ => {}
                }
            }
            td.n { @if let Some(step) = line.step { (step) } @else { "–" } }
            td.n { (count(line.real)) }
            td.n { (count(line.synthetic)) }
            @if scored {
                td { (meter(line.shape())) }
                td.n { (two(line.figures.and_then(|f| Some(1.0 - f.associations.as_ref()?.mean_difference()?)))) }
                td.n { (two(line.score.and_then(|score| Some(score.c2st?.accuracy)))) }
                td.worst { (worst(line.figures)) }
            }
        }
    }
}

/// A score with a bar as long as it.
fn meter(value: Option<f64>) -> Markup {
    let Some(value) = value else { return html! { "–" } };
    let level = if value >= 0.9 {
        "good"
    } else if value >= 0.8 {
        "look"
    } else {
        "bad"
    };
    html! {
        span class={ "meter " (level) } {
            span.value { (two(Some(value))) }
            span.track { i style={ "width:" (super::label::place(100.0 * value.clamp(0.0, 1.0))) "%" } {} }
        }
    }
}

fn two(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.2}"))
}

fn worst(figures: Option<&TableFigures>) -> Markup {
    let columns = figures.map_or(&[][..], |figures| &figures.columns);
    let mut columns: Vec<(f64, &str)> = columns
        .iter()
        .filter_map(|column| Some((column.shape.filter(|s| *s < ALIKE)?, column.column.as_str())))
        .collect();
    columns.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(b.1)));
    html! {
        @for (place, (shape, column)) in columns.iter().take(WORST).enumerate() {
            @if place > 0 { ", " }
            bdi.code { (name(column)) } " " (two(Some(*shape)))
        }
    }
}

/// Every table in a part that opens and closes.
pub(super) fn details(report: &Report<'_>) -> Markup {
    let lines = lines(report);
    let mut ranked: Vec<(f64, &str)> =
        lines.iter().filter_map(|line| Some((line.shape()?, line.table))).collect();
    ranked.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(b.1)));
    let open: Vec<&str> = ranked.iter().take(OPEN_TABLES).map(|(_, table)| *table).collect();
    let few = lines.len() <= OPEN_TABLES;
    if lines.is_empty() {
        return html! {};
    }
    html! {
        section #columns {
            h2 { "Columns, table by table" }
            @if report.figures.is_some() {
                p.hint {
                    "The least alike tables are open; the others open with a click. A number in the corner says how alike a column is."
                }
                (key())
            }
            @for line in &lines { (detail(line, report, few || open.contains(&line.table))) }
        }
    }
}

/// What is real and what is synthetic in every chart.
pub(super) fn key() -> Markup {
    html! {
        p.legend {
            span { i.swatch.real {} "real" }
            span { i.swatch.synthetic {} "synthetic" }
            span { i.swatch.untold {} "too few real rows to show" }
        }
    }
}

fn detail(line: &Line<'_>, report: &Report<'_>, open: bool) -> Markup {
    let figures = line.figures;
    let rules: Vec<&str> =
        report.rules.iter().filter(|rule| rule.table == line.table).map(|rule| rule.rule.as_str()).collect();
    html! {
        details.table open[open] {
            summary {
                span.title { bdi { (name(line.table)) } }
                span.rows { (count(line.real)) " real, " (count(line.synthetic)) " synthetic rows" }
                @if let Some(shape) = line.shape() { span.score { (meter(Some(shape))) } }
            }
            div.body {
                span.target id=(anchor(line.table)) {}
                @match figures {
                    Some(figures) => (columns(figures)),
                    None => p.hint { "No figures: " (why_none(line)) },
                }
                @if let Some(figures) = figures {
                    @if let Some(associations) = &figures.associations {
                        h3 { "Which columns go together" }
                        p.hint { "Blue cells rise together, orange ones go against each other. The third picture is the one to look at: pale is good." }
                        (heatmap::draw(associations))
                    }
                }
                @if !rules.is_empty() {
                    h3 { "Relations found and kept" }
                    ul.rules { @for rule in &rules { li { (name(rule)) } } }
                }
            }
        }
    }
}

fn why_none(line: &Line<'_>) -> &'static str {
    match line.mode {
        Some(TableMode::Copy) => "its rows are copied as they are.",
        Some(TableMode::Structure) => "it is created and left empty.",
        Some(TableMode::Skip) => "it is left out.",
        _ => "its rows were not compared.",
    }
}

fn columns(figures: &TableFigures) -> Markup {
    let (hidden, drawn): (Vec<&ColumnFigure>, Vec<&ColumnFigure>) =
        figures.columns.iter().partition(|column| matches!(column.picture, Picture::Hidden { .. }));
    html! {
        @if figures.columns.is_empty() { p.hint { "It has no columns but keys." } }
        @if !drawn.is_empty() { div.columns { @for column in &drawn { (card(column)) } } }
        @if !hidden.is_empty() {
            p.hidden {
                "Not drawn: "
                @for (index, column) in hidden.iter().enumerate() {
                    @if index > 0 { ", " }
                    bdi.code { (name(&column.column)) }
                    @if let Picture::Hidden { why } = &column.picture { " (" (why_word(*why)) ")" }
                }
                "."
            }
        }
    }
}

fn why_word(why: Discretion) -> &'static str {
    match why {
        Discretion::Personal => "personal",
        Discretion::FreeText => "free text",
        Discretion::FewRows => "too few rows",
        Discretion::Constant => "one value or none",
        Discretion::NoPicture => "a type without a picture",
    }
}

fn card(column: &ColumnFigure) -> Markup {
    let what = column.column.as_str();
    html! {
        figure.card {
            figcaption {
                bdi.code { (name(what)) }
                span.type { (name(&column.native_type)) }
                @if let Some(shape) = column.shape {
                    @let level = if shape >= 0.9 { "good" } else if shape >= 0.8 { "look" } else { "bad" };
                    span class={ "chip " (level) } title="How alike both sides are: 1 is the same" { (two(Some(shape))) }
                }
            }
            @match &column.picture {
                Picture::Histogram(histogram) => (chart::histogram(histogram, what)),
                Picture::Lengths { why, histogram } => {
                    (chart::histogram(histogram, &format!("the lengths of {what}")))
                    p.note { "length in characters" @if *why == Discretion::Personal { " – personal: nothing else is told" } @else { " – free text" } }
                }
                Picture::Bars(bars) => (chart::bars(bars)),
                Picture::Series(series) => {
                    (chart::series(series, what))
                    p.note { "per " (chart::unit_word(series.unit)) }
                    div.profiles {
                        div { (chart::weekdays(&series.weekdays, what)) }
                        @if let Some(hours) = &series.hours { div { (chart::hours(hours, what)) p.note { "hour of the day" } } }
                    }
                }
                Picture::Hidden { .. } => {}
            }
            @match column.nulls {
                Some([0.0, 0.0]) => {}
                Some([real, synthetic]) => p.note { "empty: " (percent(real)) " real, " (percent(synthetic)) " synthetic" },
                None => p.note { "empty: too few rows to tell" },
            }
        }
    }
}
