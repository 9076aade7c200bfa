//! Which columns go together: real, synthetic, and the difference, side by side.

use std::{collections::BTreeMap, fmt::Write};

use maud::{Markup, html};

use super::label::{name, place, short_name};
use crate::evaluate::figures::Associations;

/// Side of a cell.
const CELL: f64 = 20.0;
/// Room for the names at the left.
const NAMES: f64 = 104.0;
/// Room for the numbers on top.
const TOP: f64 = 18.0;
/// Largest number of columns whose cells hold their value as a number.
const MOST_WITH_NUMBERS: usize = 9;
/// A difference from here on has the strongest colour.
const STRONG_DIFFERENCE: f64 = 0.5;

type Matrix = Vec<Vec<Option<f64>>>;

/// The three pictures.
pub(super) fn draw(associations: &Associations) -> Markup {
    let Associations { columns, left_out, real, synthetic } = associations;
    let difference: Matrix = real
        .iter()
        .zip(synthetic)
        .map(|(a, b)| a.iter().zip(b).map(|(a, b)| Some((*a)? - (*b)?)).collect())
        .collect();
    let strength = |value: f64| ((value * 5.0).round().clamp(-5.0, 5.0)) as i32;
    let distance = |value: f64| ((value.abs() / STRONG_DIFFERENCE * 5.0).round().min(5.0)) as i32;
    html! {
        div.heatmaps {
            (one("Real", columns, real, &strength, "h"))
            (one("Synthetic", columns, synthetic, &strength, "h"))
            (one("Difference", columns, &difference, &distance, "d"))
        }
        (legend())
        @if *left_out > 0 { p.hint { "The first " (columns.len()) " columns are shown; " (left_out) " more are not." } }
    }
}

fn one(title: &str, columns: &[String], matrix: &Matrix, level: &dyn Fn(f64) -> i32, class: &str) -> Markup {
    let size = columns.len() as f64;
    let with_numbers = columns.len() <= MOST_WITH_NUMBERS;
    let cell = if with_numbers { CELL * 1.5 } else { CELL };
    let (width, height) = (NAMES + size * cell, TOP + size * cell);
    let mut levels: BTreeMap<i32, String> = BTreeMap::new();
    let mut numbers = Vec::new();
    for (row, values) in matrix.iter().enumerate() {
        for (column, value) in values.iter().enumerate().filter(|(column, _)| *column != row) {
            let Some(value) = value else { continue };
            let (x, y) = (NAMES + column as f64 * cell, TOP + row as f64 * cell);
            let level = level(*value);
            let inner = place(cell - 1.0);
            let _ = write!(
                levels.entry(level).or_default(),
                "M{} {}h{inner}v{inner}h-{inner}z",
                place(x),
                place(y)
            );
            if with_numbers {
                let text = format!("{:.1}", value.abs()).replacen("0.", ".", 1);
                let text = if text == ".0" { "0".to_owned() } else { text };
                let sign = if *value < -0.05 && class == "h" { "−" } else { "" };
                numbers.push((
                    x + cell / 2.0,
                    y + cell / 2.0 + 3.5,
                    format!("{sign}{text}"),
                    level.abs() >= 3,
                ));
            }
        }
    }
    let suffix = |level: i32| if level < 0 { format!("n{}", -level) } else { level.to_string() };
    html! {
        figure.heatmap {
            figcaption { (title) }
            div.scroll {
                svg viewBox={ "0 0 " (place(width)) " " (place(height)) } width=(place(width)) height=(place(height))
                    role="img" aria-label={ (title) ": which columns go together" } {
                    @for (level, path) in &levels { path class={ (class) (suffix(*level)) } d=(path) {} }
                    @for (index, column) in columns.iter().enumerate() {
                        @let middle = TOP + (index as f64 + 0.5) * cell + 3.5;
                        text x=(place(NAMES - 20.0)) y=(place(middle)) text-anchor="end" { title { (name(column)) } (short_name(column, 15)) }
                        text.index x=(place(NAMES - 4.0)) y=(place(middle)) text-anchor="end" { (index + 1) }
                        text.index x=(place(NAMES + (index as f64 + 0.5) * cell)) y=(place(TOP - 5.0)) text-anchor="middle" { (index + 1) }
                    }
                    @for (x, y, text, class) in &numbers {
                        text class=(class) x=(place(*x)) y=(place(*y)) text-anchor="middle" { (text) }
                    }
                }
            }
        }
    }
}

fn legend() -> Markup {
    html! {
        p.legend {
            span { i.hn5 {} "opposite" }
            span { i.h0 {} "unrelated" }
            span { i.h5 {} "together" }
            span { i.d5 {} "differs by 0.5 or more" }
        }
    }
}
