//! Small charts as inline SVG: real rows as a filled area, synthetic rows as a line over it. All colours are classes of
//! the style sheet, so that one picture serves light, dark and print.

use std::fmt::Write;

use maud::{Markup, html};

use super::label::{name, percent, place, tick};
use crate::evaluate::figures::{Bars, FanOutFigure, Histogram, Profile, Series, SeriesUnit};

const WIDTH: f64 = 280.0;
const HEIGHT: f64 = 92.0;
/// Height of the drawn part; the axis stands below.
const PLOT: f64 = 74.0;

/// One step of a step chart: from, to, height of the real and the synthetic side.
struct Step {
    from: f64,
    to: f64,
    real: Option<f64>,
    synthetic: f64,
}

/// Bins of any width, drawn as densities so that wide bins do not look fuller than they are.
pub(super) fn histogram(histogram: &Histogram, what: &str) -> Markup {
    let edges = &histogram.edges;
    let (Some(low), Some(high)) = (edges.first().copied(), edges.last().copied()) else { return html! {} };
    let span = if high > low { high - low } else { 1.0 };
    let x = |value: f64| (value - low) / span * WIDTH;
    let density = |share: f64, bin: usize| {
        share * histogram.step / (edges[bin + 1] - edges[bin]).max(f64::MIN_POSITIVE)
    };
    let steps: Vec<Step> = (0..edges.len() - 1)
        .map(|bin| Step {
            from: x(edges[bin]),
            to: x(edges[bin + 1]),
            real: Some(density(histogram.real[bin], bin)),
            synthetic: density(histogram.synthetic[bin], bin),
        })
        .collect();
    let labels: Vec<(f64, String)> = ticks(low, high)
        .into_iter()
        .map(|(value, step)| {
            // Whole numbers own the bin to the right of their edge: the label stands under its middle.
            let shift = if histogram.whole && histogram.step <= 1.0 { 0.5 } else { 0.0 };
            (x(value + shift), tick(value, step))
        })
        .collect();
    steps_chart(&steps, &labels, &format!("Histogram of {}, real and synthetic", name(what)))
}

/// Round values inside a range, about four of them, and their distance.
fn ticks(low: f64, high: f64) -> Vec<(f64, f64)> {
    let rough = (high - low) / 4.0;
    if rough <= 0.0 || !rough.is_finite() {
        return vec![(low, 1.0)];
    }
    let power = 10_f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| factor * power >= rough).unwrap_or(10.0);
    let step = factor * power;
    let first = (low / step).ceil() as i64;
    (first..)
        .map(|index| index as f64 * step)
        .take_while(|value| *value <= high)
        .take(8)
        .map(|v| (v, step))
        .collect()
}

/// Points in time, bucket by bucket.
pub(super) fn series(series: &Series, what: &str) -> Markup {
    let count = series.starts.len().max(1) as f64;
    let steps: Vec<Step> = series
        .real
        .iter()
        .zip(&series.synthetic)
        .enumerate()
        .map(|(index, (real, synthetic))| Step {
            from: index as f64 / count * WIDTH,
            to: (index + 1) as f64 / count * WIDTH,
            real: *real,
            synthetic: *synthetic,
        })
        .collect();
    let last = series.starts.len().saturating_sub(1);
    let mut labels: Vec<(f64, String)> = Vec::new();
    let mut shown = vec![0, last / 2, last];
    shown.dedup();
    for index in shown {
        if let Some(start) = series.starts.get(index) {
            labels.push(((index as f64 + 0.5) / count * WIDTH, date_label(start, series.unit)));
        }
    }
    steps_chart(
        &steps,
        &labels,
        &format!("{} per {}, real and synthetic", name(what), unit_word(series.unit)),
    )
}

pub(super) fn unit_word(unit: SeriesUnit) -> &'static str {
    match unit {
        SeriesUnit::Day => "day",
        SeriesUnit::Week => "week",
        SeriesUnit::Month => "month",
        SeriesUnit::Year => "year",
        SeriesUnit::Decade => "decade",
    }
}

fn date_label(start: &str, unit: SeriesUnit) -> String {
    let kept = match unit {
        SeriesUnit::Day | SeriesUnit::Week => start.len(),
        SeriesUnit::Month => start.rfind('-').unwrap_or(start.len()),
        SeriesUnit::Year | SeriesUnit::Decade => start.len().saturating_sub(6),
    };
    start.get(..kept).unwrap_or(start).to_owned()
}

const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// Monday to Sunday.
pub(super) fn weekdays(profile: &Profile, what: &str) -> Markup {
    let labels =
        WEEKDAYS.iter().enumerate().map(|(day, word)| ((day as f64 + 0.5) / 7.0 * WIDTH, (*word).to_owned()));
    profile_chart(profile, &labels.collect::<Vec<_>>(), &format!("{} by weekday", name(what)))
}

/// The hours of the day.
pub(super) fn hours(profile: &Profile, what: &str) -> Markup {
    let labels = [0, 6, 12, 18, 23].map(|hour| ((f64::from(hour) + 0.5) / 24.0 * WIDTH, hour.to_string()));
    profile_chart(profile, &labels, &format!("{} by hour of the day", name(what)))
}

fn profile_chart(profile: &Profile, labels: &[(f64, String)], title: &str) -> Markup {
    let count = profile.real.len().max(1) as f64;
    let steps: Vec<Step> = (profile.real.iter().zip(&profile.synthetic).enumerate())
        .map(|(index, (real, synthetic))| Step {
            from: index as f64 / count * WIDTH,
            to: (index + 1) as f64 / count * WIDTH,
            real: *real,
            synthetic: *synthetic,
        })
        .collect();
    steps_chart(&steps, labels, title)
}

/// Children per parent: bins of the same width on paper, whatever they span.
pub(super) fn fan_out(figure: &FanOutFigure, title: &str) -> Markup {
    let count = figure.from.len().max(1) as f64;
    let steps: Vec<Step> = (figure.real.iter().zip(&figure.synthetic).enumerate())
        .map(|(index, (real, synthetic))| Step {
            from: index as f64 / count * WIDTH,
            to: (index + 1) as f64 / count * WIDTH,
            real: Some(*real),
            synthetic: *synthetic,
        })
        .collect();
    let every = figure.from.len().div_ceil(8).max(1);
    let last = figure.from.len().saturating_sub(1);
    let labels: Vec<(f64, String)> = (figure.from.iter().enumerate())
        .filter(|(index, _)| index % every == 0 || *index == last)
        .map(|(index, from)| {
            let next = figure.from.get(index + 1);
            let text = match next {
                None if index > 0 => format!("{}+", tick(f64::from(*from), 1.0)),
                Some(next) if *next > from + 1 => {
                    format!("{}–{}", tick(f64::from(*from), 1.0), tick(f64::from(next - 1), 1.0))
                }
                _ => tick(f64::from(*from), 1.0),
            };
            ((index as f64 + 0.5) / count * WIDTH, text)
        })
        .collect();
    steps_chart(&steps, &labels, title)
}

/// Labels that do not run into each other: those too close to the one before are left out.
fn apart(labels: &[(f64, String)]) -> Vec<(f64, String)> {
    let mut kept: Vec<(f64, String)> = Vec::new();
    for (x, text) in labels {
        let width = |text: &str| text.chars().count() as f64 * 6.4;
        let gap = |last: &(f64, String)| x - last.0 - (width(&last.1) + width(text)) / 2.0;
        if kept.last().is_none_or(|last| gap(last) > 6.0) {
            kept.push((*x, text.clone()));
        }
    }
    kept
}

fn steps_chart(steps: &[Step], labels: &[(f64, String)], title: &str) -> Markup {
    let highest =
        steps.iter().flat_map(|step| [step.real.unwrap_or(0.0), step.synthetic]).fold(0.0, f64::max);
    let y = |value: f64| if highest > 0.0 { PLOT - value / highest * (PLOT - 4.0) } else { PLOT };
    let labels = apart(labels);
    let mut area = String::new();
    let mut untold = String::new();
    for step in steps {
        match step.real {
            Some(0.0) => {}
            Some(real) => {
                let _ = write!(
                    area,
                    "M{} {}V{}H{}V{}z",
                    place(step.from),
                    place(PLOT),
                    place(y(real)),
                    place(step.to),
                    place(PLOT)
                );
            }
            None => {
                let _ = write!(untold, "M{} {}H{}", place(step.from), place(PLOT - 1.5), place(step.to));
            }
        }
    }
    let mut line = String::new();
    for (index, step) in steps.iter().enumerate() {
        let height = place(y(step.synthetic));
        if index == 0 {
            let _ = write!(line, "M{} {height}", place(step.from));
        } else {
            let _ = write!(line, "V{height}");
        }
        let _ = write!(line, "H{}", place(step.to));
    }
    html! {
        svg.chart viewBox={ "0 0 " (place(WIDTH)) " " (place(HEIGHT)) } role="img" aria-label=(title) {
            path.real d=(area) {}
            @if !untold.is_empty() { path.untold d=(untold) {} }
            path.axis d={ "M0 " (place(PLOT)) "H" (place(WIDTH)) } {}
            path.synthetic d=(line) {}
            @for (x, text) in &labels {
                @let half = text.chars().count() as f64 * 3.2;
                @let anchor = if *x < half { "start" } else if *x > WIDTH - half { "end" } else { "middle" };
                @let x = if anchor == "start" { 0.0 } else if anchor == "end" { WIDTH } else { *x };
                text x=(place(x)) y=(place(HEIGHT - 4.0)) text-anchor=(anchor) { (text) }
            }
        }
    }
}

/// Labels with two bars each.
pub(super) fn bars(bars: &Bars) -> Markup {
    let others = bars.others;
    let highest = bars
        .bars
        .iter()
        .flat_map(|bar| [bar.real, bar.synthetic])
        .chain([others.real.unwrap_or(0.0), others.synthetic])
        .fold(0.0, f64::max);
    let width =
        |share: f64| format!("width:{}%", place(if highest > 0.0 { 100.0 * share / highest } else { 0.0 }));
    let line = |label: Markup, real: Option<f64>, synthetic: f64| {
        html! {
            div.bar {
                span.label { (label) }
                span.track {
                    @if let Some(real) = real { i.real style=(width(real)) {} } @else { i.untold {} }
                    i.synthetic style=(width(synthetic)) {}
                }
                span.share {
                    @if let Some(real) = real { (percent(real)) } @else { "few" }
                    br; (percent(synthetic))
                }
            }
        }
    };
    html! {
        div.bars {
            @for bar in &bars.bars {
                (line(html! { bdi title=(name(&bar.label)) { (if bar.label.is_empty() { "(empty text)".to_owned() } else { name(&bar.label) }) } }, Some(bar.real), bar.synthetic))
            }
            @if others.labels > 0 || others.synthetic > 0.0 {
                (line(html! { em { "other" @if others.labels > 0 { " (" (others.labels) ")" } } }, others.real, others.synthetic))
            }
        }
    }
}
