//! Labels and how often they occur.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Sides, crowd::Crowd, share};

/// Most labels that get a bar of their own.
const MOST_BARS: usize = 9;

/// The labels of a column, the most frequent first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bars {
    /// Labels that enough real units share.
    pub bars: Vec<Bar>,
    /// All other labels together; without meaning if there are none.
    pub others: Others,
}

/// One label.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bar {
    /// The label.
    pub label: String,
    /// Its share of the real values.
    pub real: f64,
    /// Its share of the synthetic values.
    pub synthetic: f64,
}

/// Labels without a bar of their own.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Others {
    /// Different real labels among them.
    pub labels: usize,
    /// Their share of the real values; `None` if so few units have them that it is not told.
    pub real: Option<f64>,
    /// Their share of the synthetic values.
    pub synthetic: f64,
}

impl Bars {
    /// One minus the total variation distance of the named labels and the others together.
    pub(super) fn likeness(&self) -> f64 {
        let named: f64 = self.bars.iter().map(|bar| (bar.real - bar.synthetic).abs()).sum();
        // What is not named of the real side is what is left.
        let others = 1.0 - self.bars.iter().map(|bar| bar.real).sum::<f64>();
        1.0 - (named + (others - self.others.synthetic).abs()) / 2.0
    }

    /// Counts labels; `None` if none is shared by enough units.
    pub(super) fn measure(sides: &Sides<'_>, boolean: bool, crowd: &Crowd<'_>) -> Option<Self> {
        let mut real: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for row in 0..sides.rows[0] {
            if let Some(label) = sides.real.text(row) {
                real.entry(label).or_default().push(row);
            }
        }
        let mut synthetic: BTreeMap<String, usize> = BTreeMap::new();
        for row in 0..sides.rows[1] {
            if let Some(label) = sides.synthetic.text(row) {
                *synthetic.entry(label).or_default() += 1;
            }
        }
        let all = [real.values().map(Vec::len).sum::<usize>(), synthetic.values().sum::<usize>()];
        let different = real.len();
        let mut shared: Vec<(String, usize)> = real
            .iter()
            .filter(|(_, rows)| crowd.suffices(rows.iter().copied()))
            .map(|(label, rows)| (label.clone(), rows.len()))
            .collect();
        shared.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        // One more bar is no longer than a line for one other.
        if shared.len() > MOST_BARS {
            shared.truncate(MOST_BARS - 1);
        }
        if shared.is_empty() {
            return None;
        }
        let named = |label: &str| shared.iter().any(|(known, _)| known == label);
        let other_rows: Vec<usize> =
            real.iter().filter(|(label, _)| !named(label)).flat_map(|(_, rows)| rows.clone()).collect();
        let other_synthetic: usize =
            synthetic.iter().filter(|(label, _)| !named(label)).map(|(_, count)| count).sum();
        let others = Others {
            labels: different - shared.len(),
            real: crowd.tells(other_rows.iter().copied()).then(|| share(other_rows.len(), all[0])),
            synthetic: share(other_synthetic, all[1]),
        };
        let bars = shared
            .iter()
            .map(|(label, count)| Bar {
                label: match (boolean, label.as_str()) {
                    (true, "1") => "true".to_owned(),
                    (true, "0") => "false".to_owned(),
                    _ => label.clone(),
                },
                real: share(*count, all[0]),
                synthetic: share(synthetic.get(label).copied().unwrap_or(0), all[1]),
            })
            .collect();
        Some(Self { bars, others })
    }
}
