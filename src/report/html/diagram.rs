//! The foreign keys as a picture: strata from left to right.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};

use super::{
    label::{name, place, short_name},
    tables::anchor,
};
use crate::{
    config::TableMode,
    plan::{
        LinkRole,
        explain::{Explanation, TableLine},
    },
    report::{
        content::Report,
        number::{count, plural},
    },
};

/// Most tables in the picture; the most linked and the largest are chosen.
const MOST_TABLES: usize = 48;
/// Most boxes above each other; more take a further column.
const MOST_ROWS: usize = 10;
const BOX_WIDTH: f64 = 152.0;
const BOX_HEIGHT: f64 = 38.0;
const GAP_X: f64 = 64.0;
const GAP_Y: f64 = 14.0;
/// Between two columns of one stratum.
const GAP_INSIDE: f64 = 20.0;
const TOP: f64 = 26.0;
const MARGIN: f64 = 6.0;

struct Node<'a> {
    line: &'a TableLine,
    stratum: usize,
    x: f64,
    y: f64,
}

/// Draws the tables that have links; those without are named below.
pub(super) fn draw(order: &Explanation, report: &Report<'_>) -> Markup {
    let all: Vec<(usize, &TableLine)> = order
        .strata
        .iter()
        .enumerate()
        .flat_map(|(stratum, lines)| lines.iter().map(move |line| (stratum, line)))
        .collect();
    let known: BTreeSet<&str> = all.iter().map(|(_, line)| line.table.as_str()).collect();
    let mut degree: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, line) in &all {
        for key in line.foreign_keys.iter().filter(|key| known.contains(key.parent.as_str())) {
            *degree.entry(&line.table).or_default() += 1;
            *degree.entry(&key.parent).or_default() += 1;
        }
    }
    let (linked, alone): (Vec<_>, Vec<_>) =
        all.iter().copied().partition(|(_, line)| degree.contains_key(line.table.as_str()));
    let shown = choose(&linked, &degree);
    let hidden: Vec<&TableLine> = (linked.iter().map(|(_, line)| *line))
        .filter(|line| !shown.iter().any(|(_, chosen)| chosen.table == line.table))
        .collect();
    let alone: Vec<&TableLine> = alone.iter().map(|(_, line)| *line).collect();
    html! {
        @if !shown.is_empty() { (picture(&shown, report)) (legend()) }
        @if !hidden.is_empty() {
            (list(&format!("{} with fewer links, not in the picture", plural(hidden.len() as u64, "further table")), &hidden))
        }
        @if !alone.is_empty() {
            (list(&format!("{} without foreign keys", plural(alone.len() as u64, "table")), &alone))
        }
        @if !order.without_rows.is_empty() {
            @let lines: Vec<&TableLine> = order.without_rows.iter().collect();
            (list(&format!("{} without rows", plural(lines.len() as u64, "table")), &lines))
        }
    }
}

fn choose<'a>(
    linked: &[(usize, &'a TableLine)],
    degree: &BTreeMap<&str, usize>,
) -> Vec<(usize, &'a TableLine)> {
    if linked.len() <= MOST_TABLES {
        return linked.to_vec();
    }
    let mut ranked: Vec<&(usize, &TableLine)> = linked.iter().collect();
    ranked.sort_by_key(|(_, line)| {
        let links = degree.get(line.table.as_str()).copied().unwrap_or(0);
        (
            std::cmp::Reverse((line.real_rows.max(line.target_rows) > 0, links, line.real_rows)),
            line.table.as_str(),
        )
    });
    let chosen: BTreeSet<&str> =
        ranked.iter().take(MOST_TABLES).map(|(_, line)| line.table.as_str()).collect();
    linked.iter().copied().filter(|(_, line)| chosen.contains(line.table.as_str())).collect()
}

fn list(title: &str, lines: &[&TableLine]) -> Markup {
    html! {
        details.chips open[lines.len() <= 12] {
            summary { (title) }
            ul { @for line in lines { li { (table_link(line)) } } }
        }
    }
}

fn table_link(line: &TableLine) -> Markup {
    html! { a href={ "#" (anchor(&line.table)) } { bdi { (name(&line.table)) } } }
}

/// Nodes, columns of steps (step, left, width), width and height.
type Layout<'a> = (Vec<Node<'a>>, Vec<(usize, f64, f64)>, f64, f64);

/// Puts each stratum in its column or columns, children near the middle of their parents.
fn lay<'a>(shown: &[(usize, &'a TableLine)]) -> Layout<'a> {
    let mut nodes: Vec<Node<'a>> = Vec::new();
    let mut heads = Vec::new();
    let strata: BTreeSet<usize> = shown.iter().map(|(stratum, _)| *stratum).collect();
    let tallest = strata
        .iter()
        .map(|stratum| shown.iter().filter(|(of, _)| of == stratum).count().min(MOST_ROWS))
        .max()
        .unwrap_or(0);
    let height_of = |rows: usize| rows as f64 * (BOX_HEIGHT + GAP_Y) - GAP_Y;
    let mut x = MARGIN;
    for stratum in &strata {
        let mut lines: Vec<&TableLine> =
            shown.iter().filter(|(of, _)| of == stratum).map(|(_, line)| *line).collect();
        let middle = |line: &TableLine| {
            let places: Vec<f64> = (line.foreign_keys.iter())
                .filter_map(|key| nodes.iter().find(|node| node.line.table == key.parent).map(|node| node.y))
                .collect();
            if places.is_empty() { f64::MAX } else { places.iter().sum::<f64>() / places.len() as f64 }
        };
        let mut keyed: Vec<(f64, &TableLine)> = lines.drain(..).map(|line| (middle(line), line)).collect();
        keyed.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.table.cmp(&b.1.table)));
        let columns = keyed.len().div_ceil(MOST_ROWS);
        let per_column = keyed.len().div_ceil(columns);
        for (column, part) in keyed.chunks(per_column).enumerate() {
            let left = x + column as f64 * (BOX_WIDTH + GAP_INSIDE);
            let top = TOP + (height_of(tallest) - height_of(part.len())) / 2.0;
            for (row, (_, line)) in part.iter().enumerate() {
                nodes.push(Node {
                    line,
                    stratum: *stratum,
                    x: left,
                    y: top + row as f64 * (BOX_HEIGHT + GAP_Y),
                });
            }
        }
        let width = columns as f64 * (BOX_WIDTH + GAP_INSIDE) - GAP_INSIDE;
        heads.push((stratum + 1, x, width));
        x += width + GAP_X;
    }
    (nodes, heads, x - GAP_X + MARGIN, TOP + height_of(tallest) + MARGIN)
}

fn picture(shown: &[(usize, &TableLine)], report: &Report<'_>) -> Markup {
    let (nodes, heads, width, height) = lay(shown);
    let at: BTreeMap<&str, &Node<'_>> = nodes.iter().map(|node| (node.line.table.as_str(), node)).collect();
    let edges = nodes.iter().flat_map(|node| {
        node.line.foreign_keys.iter().filter_map(|key| {
            let parent = at.get(key.parent.as_str())?;
            Some((edge(parent, node, key.role)?, key))
        })
    });
    let label = format!("{} and the foreign keys between them", plural(nodes.len() as u64, "table"));
    html! {
        div.scroll.diagram tabindex="0" role="group" aria-label="Diagram of the schema; scrolls sideways" {
            svg viewBox={ "0 0 " (place(width)) " " (place(height)) } width=(place(width)) height=(place(height))
                role="img" aria-label=(label) {
                @for (stratum, x, width) in &heads {
                    text.stratum x=(place(x + width / 2.0)) y="14" text-anchor="middle" { "step " (stratum) }
                }
                @for (path, key) in edges {
                    path class={ "edge " (role_class(key.role)) } d=(path) {}
                }
                @for node in &nodes { (boxed(node, report)) }
            }
        }
    }
}

fn role_class(role: LinkRole) -> &'static str {
    match role {
        LinkRole::Context => "context",
        LinkRole::Deferred => "later",
        _ => "link",
    }
}

/// From the parent's right edge to the child's left; around the outside where the child stands before its parent.
fn edge(parent: &Node<'_>, child: &Node<'_>, role: LinkRole) -> Option<String> {
    if role == LinkRole::SelfReference || parent.line.table == child.line.table {
        return None;
    }
    let middle = BOX_HEIGHT / 2.0;
    let (y1, y2) = (parent.y + middle, child.y + middle);
    if child.stratum > parent.stratum {
        let (x1, x2) = (parent.x + BOX_WIDTH, child.x);
        let bend = ((x2 - x1) / 2.0).max(24.0);
        return Some(format!(
            "M{} {}C{} {} {} {} {} {}",
            place(x1),
            place(y1),
            place(x1 + bend),
            place(y1),
            place(x2 - bend),
            place(y2),
            place(x2),
            place(y2)
        ));
    }
    let (x1, x2) = (parent.x, child.x + BOX_WIDTH);
    let bend = 36.0;
    Some(format!(
        "M{} {}C{} {} {} {} {} {}",
        place(x1),
        place(y1),
        place(x1 - bend),
        place(y1),
        place(x2 + bend),
        place(y2),
        place(x2),
        place(y2)
    ))
}

fn boxed(node: &Node<'_>, report: &Report<'_>) -> Markup {
    let line = node.line;
    let loops = line.foreign_keys.iter().any(|key| key.role == LinkRole::SelfReference);
    let written = report.load.and_then(|load| load.tables.iter().find(|table| table.table == line.table));
    let rows = written.map_or(line.target_rows, |table| table.synthetic_rows);
    let copied = line.mode == TableMode::Copy;
    html! {
        a href={ "#" (anchor(&line.table)) } {
            g.node.copied[copied] {
                title { (name(&line.table)) ": " (plural(rows, "row")) @if copied { ", copied as it is" } @if loops { ", refers to itself" } }
                rect x=(place(node.x)) y=(place(node.y)) width=(place(BOX_WIDTH)) height=(place(BOX_HEIGHT)) rx="6" {}
                text.name x=(place(node.x + 10.0)) y=(place(node.y + 16.0)) { (short_name(&line.table, 19)) }
                text.rows x=(place(node.x + 10.0)) y=(place(node.y + 30.0)) {
                    (count(rows)) " rows" @if copied { " · copied" } @if loops { " · ↻ itself" }
                }
            }
        }
    }
}

fn legend() -> Markup {
    let sample = |class: &str| html! { svg viewBox="0 0 28 8" width="28" height="8" aria-hidden="true" { path class={ "edge " (class) } d="M0 4H28" {} } };
    html! {
        p.legend {
            span { (sample("context")) "generated under this parent" }
            span { (sample("link")) "parent drawn afterwards" }
            span { (sample("later")) "filled in at the end, to break a cycle" }
        }
    }
}
